"""A character language model from end to end: text in, training, samples and checkpoints out, on either backend.

python examples/char_lm.py                                          a minute on the text that ships with Python
python examples/char_lm.py --backend torchnet --device cuda         the same on a GPU
python examples/char_lm.py --text FILE --layers gru:256:128,lstm:256 --checkpoint runs/mine
"""

import argparse
import importlib
import json
import math
import re
import sys
import warnings
from pathlib import Path
from typing import Any, NoReturn

CELLS = {"rnn": "RNNLayer", "gru": "GRULayer", "lstm": "LSTMLayer"}


class Parser(argparse.ArgumentParser):
    """An argparse parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"char_lm: {message}\n")


def count(text: str) -> int:
    """A whole number, 0 or more."""
    if (number := int(text)) < 0:
        raise argparse.ArgumentTypeError(f"{text} is less than 0")
    return number


def duration(text: str) -> float:
    """Seconds, 0 or more."""
    if not (number := float(text)) >= 0:
        raise argparse.ArgumentTypeError(f"{text} is not 0 or more")
    return number


def arguments() -> tuple[Parser, argparse.Namespace]:
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--backend", choices=["numnet", "torchnet"], default="numnet")
    add("--device", default="cpu", help="cpu, or with torchnet cuda")
    add("--dtype", choices=["float32", "float64"], help="default float32")
    add("--text", metavar="FILE", help="a UTF-8 file; without it, Python's own language reference")
    add("--layers", help="cell:hidden[:output],...  e.g. gru:256:128,lstm:256 (default lstm:256)")
    add("--sequence-length", type=int, default=64)
    add("--batch-size", type=int, default=32)
    add("--sampling", choices=["sequential", "random"], default="sequential", help="state carried on, or reset")
    add("--optimizer", choices=["sgd", "momentum", "adagrad", "rmsprop", "adam", "adamw"], default="adam")
    add("--learning-rate", type=float, default=3e-3)
    add("--clip-norm", type=float, default=1.0)
    add("--dropout", type=float, help="after each recurrent layer (default 0)")
    add("--epochs", type=count, help="totals: a resumed run counts what it had done before")
    add("--steps", type=count)
    add("--seconds", type=duration, help="default: 60, if no other total is given")
    add("--patience", type=int, help="stop after so many reports without a better validation loss")
    add("--seed", type=count, default=0)
    add("--validation-fraction", type=float, default=0.1)
    add("--checkpoint", metavar="DIR", help="write last.npz, best.npz and history.csv there")
    add("--resume", action="store_true", help="go on from last.npz in --checkpoint, written by either backend")
    add("--prompt", default="The ")
    add("--sample-length", type=count, default=200)
    add("--temperature", type=float, default=0.8, help="0: the likeliest character each time")
    add("--top-k", type=int)
    add("--plot", metavar="FILE.png", help="the loss curve")
    add("--json", metavar="FILE", help="what came out, for a program")
    return parser, parser.parse_args()


def parse_layers(text: str) -> list[tuple[str, list[int]]]:
    """gru:256:128,lstm:256 as [("gru", [256, 128]), ("lstm", [256])]."""
    layers = []
    for part in text.split(","):
        if not re.fullmatch(rf"({'|'.join(CELLS)})(:[0-9]+){{1,2}}", part.strip()):
            raise ValueError(f"--layers: {part!r} is not a layer, expected {'|'.join(CELLS)}:hidden[:output].")
        cell, *sizes = part.strip().split(":")
        layers.append((cell, [int(size) for size in sizes]))
    return layers


def architecture(config: dict[str, Any]) -> dict[str, Any]:
    """What --layers, --dropout and --dtype would have to be for a model of this configuration."""
    names = {layer: cell for cell, layer in CELLS.items()}
    stack = [
        ":".join(str(part) for part in (names[layer["type"]], layer["hidden_size"], layer["output_size"]) if part)
        for layer in config["layers"]
        if layer["type"] in names
    ]
    rates = [layer["p"] for layer in config["layers"] if layer["type"] == "Dropout"]
    return {"layers": ",".join(stack), "dropout": max(rates, default=0.0), "dtype": config["dtype"]}


def in_words(asked: dict[str, Any]) -> str:
    """An architecture on one line."""
    dropout = f" dropout {asked['dropout']}" if asked["dropout"] else ""
    return f"{asked['layers']}{dropout} {asked['dtype']}"


def model_for(net: Any, args: argparse.Namespace, vocabulary: Any, checkpoint: Any) -> Any:
    """The model that the command line asks for; in what it leaves open, the one that the checkpoint holds."""
    asked = {name: getattr(args, name) for name in ("layers", "dropout", "dtype") if getattr(args, name) is not None}
    if "layers" in asked:
        asked["layers"] = ",".join(":".join(map(str, (cell, *sizes))) for cell, sizes in parse_layers(args.layers))
    if checkpoint:
        found = architecture(checkpoint.config)
        if (wanted := {**found, **asked}) != found:
            raise ValueError(
                f"--resume: the command line asks for {in_words(wanted)}, the checkpoint holds {in_words(found)}."
            )
        return net.RNNModel.from_checkpoint(checkpoint, args.device)
    asked = {"layers": "lstm:256", "dropout": 0.0, "dtype": "float32", **asked}
    stack: list[Any] = []
    for cell, sizes in parse_layers(asked["layers"]):
        stack.append(getattr(net, CELLS[cell])(**dict(zip(("hidden_size", "output_size"), sizes))))
        if asked["dropout"]:
            stack.append(net.Dropout(asked["dropout"]))
    stack.append(net.Dense(len(vocabulary)))
    return net.RNNModel(
        stack,
        net.SoftmaxCrossEntropy(),
        input_size=len(vocabulary),
        seed=args.seed,
        dtype=asked["dtype"],
        device=args.device,
    )


def outputs_can_be_written(net: Any, args: argparse.Namespace) -> None:
    """An error now, rather than after an hour of training."""
    if args.plot:
        net.require_plot(args.plot)
    if args.checkpoint and not args.resume:
        Path(args.checkpoint).mkdir(parents=True, exist_ok=True)
    for path in filter(None, (args.plot, args.json)):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        if Path(path).is_dir():
            raise IsADirectoryError(f"{path} is a directory, expected a file to write.")


def prepare(args: argparse.Namespace) -> tuple[Any, Any]:
    """A trainer ready to run and the function that samples from its model, or an error that says what to change."""
    net = importlib.import_module(args.backend)
    outputs_can_be_written(net, args)
    if args.resume and not args.checkpoint:
        raise ValueError("--resume needs --checkpoint DIR, the run to go on with.")
    text = net.data.read_text(args.text) if args.text else net.data.default_text()
    checkpoint = net.load_checkpoint(Path(args.checkpoint) / "last.npz") if args.resume else None
    if checkpoint and checkpoint.vocabulary is None:
        raise ValueError(f"{checkpoint.path}: it has no vocabulary, so it is not a language model's.")
    vocabulary = checkpoint.vocabulary if checkpoint else net.Vocabulary.from_text(text)
    train, validation = (vocabulary.encode(part) for part in net.data.split(text, args.validation_fraction))
    cut = {"sequential": net.SequentialBatches, "random": net.RandomBatches}[args.sampling]
    batches = cut(train, args.batch_size, args.sequence_length, args.seed)
    rows = min(args.batch_size, len(validation) - 1)
    held_out = net.SequentialBatches(validation, rows, args.sequence_length, whole=True) if rows > 0 else None
    model = model_for(net, args, vocabulary, checkpoint)

    def sample(length: int = args.sample_length) -> str:
        return net.generate(model, vocabulary, args.prompt, length, args.temperature, args.top_k, args.seed)

    def glimpse() -> str:
        return sample(min(80, args.sample_length))

    sample(length=0)
    optimizer = net.OPTIMIZERS[args.optimizer](args.learning_rate, clip_norm=args.clip_norm)
    every = min(len(batches), 500)
    trainer = net.Trainer(
        model, optimizer, batches, held_out, vocabulary, args.checkpoint, glimpse, every, args.patience
    )
    if checkpoint:
        trainer.resume(checkpoint)
    return trainer, sample


def result(args: argparse.Namespace, trainer: Any, sample: str) -> dict[str, Any]:
    """What --json writes."""
    last = trainer.history.rows[-1] if trainer.history.rows else {}
    keys = ("train_loss", "validation_loss", "perplexity", "bits_per_character", "characters_per_second")
    numbers = {key: last.get(key) for key in keys}
    parameters = sum(math.prod(p.shape) for p in trainer.model.params.values())
    run = {"backend": args.backend, "steps": trainer.step, "seconds": trainer.seconds, "parameters": parameters}
    return {**run, **numbers, "sample": sample, "losses": trainer.history.losses}


def warn_once() -> None:
    """Each warning as one line, the first time."""
    said = set()

    def show(message: Any, *_: Any, **__: Any) -> None:
        if str(message) not in said:
            said.add(str(message))
            print(f"char_lm: {message}", file=sys.stderr)

    warnings.showwarning = show


def main() -> int:
    parser, args = arguments()
    warn_once()
    try:
        trainer, sample = prepare(args)
    except (OSError, ValueError, ImportError, MemoryError) as error:
        parser.error(str(error))
    no_end = args.steps is None and args.epochs is None and args.seconds is None
    try:
        trainer.fit(args.steps, args.epochs, 60 if no_end else args.seconds)
    except (FloatingPointError, OSError) as error:
        print(f"char_lm: {error}", file=sys.stderr)
        return 1
    if trainer.interrupted:
        print(f"char_lm: stopped at step {trainer.step}; --resume goes on from there.", file=sys.stderr)
    text = sample()
    print(text)
    if args.plot:
        trainer.history.plot(args.plot, f"{args.backend}: {in_words(architecture(trainer.model.config()))}")
    if args.json:
        Path(args.json).write_text(json.dumps(result(args, trainer, text), indent=1), encoding="utf-8")
    return 130 if trainer.interrupted else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
