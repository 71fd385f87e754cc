"""Train a character language model, with samples, checkpoints and resuming, on either backend.

python examples/char_lm.py                                          one minute on the text that ships with Python
python examples/char_lm.py --backend torchnet --device cuda         the same on a GPU
python examples/char_lm.py --text FILE --layers gru:256:128,lstm:256 --checkpoint runs/mine
"""

import argparse
import json
import math
import re
import sys
import warnings
from pathlib import Path
from typing import Any

import task

CELLS = {"rnn": "RNNLayer", "gru": "GRULayer", "lstm": "LSTMLayer"}


def arguments() -> task.Parser:
    parser = task.common_options(__doc__)
    add = parser.add_argument
    add("--dtype", choices=["float32", "float64"], help="default float32")
    add("--text", metavar="FILE", help="a UTF-8 file; without it, Python's own language reference")
    add("--layers", help="cell:hidden[:output],...  e.g. gru:256:128,lstm:256 (default lstm:256)")
    add("--sequence-length", type=int, default=64)
    add("--sampling", choices=["sequential", "random"], default="sequential", help="carry the state, or reset it")
    add("--optimizer", choices=["sgd", "momentum", "adagrad", "rmsprop", "adadelta", "adam", "adamw"], default="adam")
    add("--clip-norm", type=float, default=1.0)
    add("--dropout", type=float, help="after each recurrent layer (default 0)")
    add("--epochs", type=task.non_negative_int, help="the total, including the epochs before a resume")
    add("--steps", type=task.non_negative_int, help="the total, including the steps before a resume")
    add("--seconds", type=task.positive_float, help="the total (default 60, if no other total is given)")
    add("--patience", type=int, help="stop after this many reports without a better validation loss")
    add("--validation-fraction", type=float, default=0.1)
    add("--checkpoint", metavar="DIR", help="write last.npz, best.npz and history.csv to this folder")
    add("--resume", action="store_true", help="continue from last.npz in --checkpoint, written by either backend")
    add("--prompt", default="The ")
    add("--sample-length", type=task.non_negative_int, default=200)
    add("--temperature", type=float, default=0.8, help="0: always the most likely character")
    add("--top-k", type=int, help="sample from the k most likely characters only")
    return parser


def parse_layers(text: str) -> list[tuple[str, list[int]]]:
    """Parse gru:256:128,lstm:256 as [("gru", [256, 128]), ("lstm", [256])]."""
    layers = []
    for part in text.split(","):
        if not re.fullmatch(rf"({'|'.join(CELLS)})(:[0-9]+){{1,2}}", part.strip()):
            raise ValueError(f"--layers: {part!r} is not a layer, expected {'|'.join(CELLS)}:hidden[:output].")
        cell, *sizes = part.strip().split(":")
        layers.append((cell, [int(size) for size in sizes]))
    return layers


def architecture(config: dict[str, Any]) -> dict[str, Any]:
    """Return the --layers, --dropout and --dtype of a model with this configuration."""
    names = {layer: cell for cell, layer in CELLS.items()}
    stack = [
        ":".join(str(part) for part in (names[layer["type"]], layer["hidden_size"], layer["output_size"]) if part)
        for layer in config["layers"]
        if layer["type"] in names
    ]
    rates = [layer["p"] for layer in config["layers"] if layer["type"] == "Dropout"]
    return {"layers": ",".join(stack), "dropout": max(rates, default=0.0), "dtype": config["dtype"]}


def describe(options: dict[str, Any]) -> str:
    """Describe an architecture on one line."""
    dropout = f" dropout {options['dropout']}" if options["dropout"] else ""
    return f"{options['layers']}{dropout} {options['dtype']}"


def model_for(net: Any, args: argparse.Namespace, vocabulary: Any, checkpoint: Any) -> Any:
    """Return the model of the command line; a resumed model must match the checkpoint in the options that are given."""
    options = {name: getattr(args, name) for name in ("layers", "dropout", "dtype") if getattr(args, name) is not None}
    if "layers" in options:
        options["layers"] = ",".join(":".join(map(str, (cell, *sizes))) for cell, sizes in parse_layers(args.layers))
    if checkpoint:
        saved = architecture(checkpoint.config)
        if (expected := {**saved, **options}) != saved:
            raise ValueError(
                f"--resume: the checkpoint has {describe(saved)}, expected {describe(expected)}. "
                "Omit --layers, --dropout and --dtype to use the checkpoint."
            )
        return net.RNNModel.from_checkpoint(checkpoint, args.device)
    options = {"layers": "lstm:256", "dropout": 0.0, "dtype": "float32", **options}
    stack: list[Any] = []
    for cell, (hidden_size, *output_size) in parse_layers(options["layers"]):
        stack.append(getattr(net, CELLS[cell])(hidden_size, output_size=next(iter(output_size), None)))
        if options["dropout"]:
            stack.append(net.Dropout(options["dropout"]))
    stack.append(net.Dense(len(vocabulary)))
    return net.RNNModel(
        stack,
        net.SoftmaxCrossEntropy(),
        input_size=len(vocabulary),
        seed=args.seed,
        dtype=options["dtype"],
        device=args.device,
    )


def prepare(net: Any, args: argparse.Namespace) -> tuple[Any, Any]:
    """Return a trainer, and a function that samples from its model."""
    if args.resume and not args.checkpoint:
        raise ValueError("--resume needs --checkpoint DIR, the folder of the run to continue.")
    if args.checkpoint and not args.resume:
        Path(args.checkpoint).mkdir(parents=True, exist_ok=True)
    text = net.data.read_text(args.text) if args.text else net.data.default_text()
    checkpoint = net.load_checkpoint(Path(args.checkpoint) / "last.npz") if args.resume else None
    if checkpoint and checkpoint.vocabulary is None:
        raise ValueError(f"{checkpoint.path}: the checkpoint has no vocabulary, expected that of a language model.")
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
    """Return the contents of the --json file."""
    last = trainer.history.rows[-1] if trainer.history.rows else {}
    keys = ("train_loss", "validation_loss", "perplexity", "bits_per_character", "characters_per_second")
    numbers = {key: last.get(key) for key in keys}
    parameters = sum(math.prod(p.shape) for p in trainer.model.params.values())
    run = {"backend": args.backend, "steps": trainer.step, "seconds": trainer.seconds, "parameters": parameters}
    return {**run, **numbers, "sample": sample, "losses": trainer.history.losses}


def warn_once() -> None:
    """Print each warning once, on one line."""
    printed = set()

    def show(message: Any, *_: Any, **__: Any) -> None:
        if str(message) not in printed:
            printed.add(str(message))
            print(f"char_lm.py: {message}", file=sys.stderr)

    warnings.showwarning = show


def main(net: Any, args: argparse.Namespace) -> None:
    warn_once()
    trainer, sample = prepare(net, args)
    no_total = args.steps is None and args.epochs is None and args.seconds is None
    trainer.fit(args.steps, args.epochs, 60 if no_total else args.seconds)
    if trainer.interrupted:
        print(f"char_lm.py: stopped at step {trainer.step}; --resume continues from there.", file=sys.stderr)
    text = sample()
    print(text)
    if args.plot:
        trainer.history.plot(args.plot, f"{args.backend}: {describe(architecture(trainer.model.config()))}")
    if args.json:
        Path(args.json).write_text(json.dumps(result(args, trainer, text), indent=1), encoding="utf-8")
    if trainer.interrupted:
        raise KeyboardInterrupt


if __name__ == "__main__":
    task.run(arguments(), main)
