"""The parts that the example scripts share: options, one-line errors, training, and output files."""

from __future__ import annotations

import argparse
import importlib
import json
import math
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np


class Parser(argparse.ArgumentParser):
    """An argparse parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\n")


def common_options(description: str, batch_size: int = 32, learning_rate: float = 3e-3) -> Parser:
    """Return a parser with the options of every script; the numbers are defaults."""
    parser = Parser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--backend", choices=["numnet", "torchnet"], default="numnet")
    add("--device", default="cpu", help="cpu; with torchnet also cuda")
    add("--batch-size", type=positive_int, default=batch_size, help="default %(default)s")
    add("--learning-rate", type=positive_float, default=learning_rate, help="default %(default)s")
    add("--seed", type=non_negative_int, default=0, help="default %(default)s")
    add("--json", metavar="FILE", help="write the results to this file")
    add("--plot", metavar="FILE.png", help="save a plot of the results to this file")
    return parser


def options(
    description: str, data: str | None, epochs: float | None, batch_size: int = 32, learning_rate: float = 3e-3
) -> Parser:
    """Return a parser with the options of every task. `data` is the help text of --data, or None for a task without."""
    parser = common_options(description, batch_size, learning_rate)
    add = parser.add_argument
    if data:
        add("--data", metavar="WHERE", help=data)
        add("--offline", action="store_true", help="do not download")
    default = "depends on the task" if epochs is None else "%(default)s"
    add(
        "--epochs",
        type=positive_float,
        default=epochs,
        help=f"default {default}; the learning rate falls to 0 over them",
    )
    add("--seconds", type=positive_float, help="stop training after this time; the evaluation takes additional time")
    return parser


def positive_float(text: str) -> float:
    """Parse a number above 0."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not a finite number above 0")
    return number


def positive_int(text: str) -> int:
    """Parse a whole number above 0."""
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return number


def non_negative_int(text: str) -> int:
    """Parse a whole number, 0 or more."""
    if (number := int(text)) < 0:
        raise argparse.ArgumentTypeError(f"{text} is less than 0")
    return number


def words(text: str) -> list[str]:
    """Split a text at spaces; at least one word."""
    if not (found := text.split()):
        raise argparse.ArgumentTypeError(f"{text!r} has no words")
    return found


def text(argument: str) -> str:
    """Parse a text of one or more words."""
    return " ".join(words(argument))


def folder(args: argparse.Namespace, name: str) -> Path | None:
    """Return --data as a folder, or None if it is the name of the public data set."""
    if args.data == name:
        return None
    if not Path(args.data).is_dir():
        raise ValueError(f"--data: {args.data} is not a folder, expected a folder or {name}.")
    return Path(args.data)


def file(net: Any, args: argparse.Namespace, name: str) -> Path:
    """Return the path of a data set: from the registry by name, or the given file."""
    if args.data != name and not Path(args.data).is_file():
        raise ValueError(f"--data: {args.data} is not a file, expected a file or {name}.")
    return net.data.fetch(name, args.offline) if args.data == name else Path(args.data)


def train_and_dev(net: Any, args: argparse.Namespace, name: str, ending: str) -> list[Path]:
    """Return the two files of a data set: from the registry by name, or in a folder."""
    where, parts = folder(args, name), ("train", "dev")
    if where is None:
        return [net.data.fetch(f"{name}-{part}", args.offline) for part in parts]
    found = [sorted(where.glob(f"*{part}*{ending}")) for part in parts]
    if not all(found):
        raise ValueError(f"--data: {where} has no *train*{ending} and *dev*{ending}, expected both.")
    return [paths[0] for paths in found]


def batches_of(
    net: Any, args: argparse.Namespace, rows: Sequence[tuple[Any, Any]], held_out: Sequence[tuple[Any, Any]]
) -> tuple[Any, Any]:
    """Return shuffled training batches and ordered held-out batches of (sequence, target) rows."""
    if not (rows and held_out):
        raise ValueError(
            f"--data: {len(rows)} training and {len(held_out)} held-out examples, expected at least one of each."
        )
    batches = net.SequenceBatches(*zip(*rows), args.batch_size, args.seed)
    return batches, net.SequenceBatches(*zip(*held_out), args.batch_size, shuffle=False)


def encode(vocabulary: Any, tokens: Sequence[str] | str) -> Any:
    """Return the token ids; print the tokens that are not in the training data."""
    if unknown := vocabulary.unknown(tokens):
        print(f"not in the training data: {', '.join(map(repr, unknown))}", file=sys.stderr)
    return vocabulary.encode(tokens)


def add_vectors(parser: Parser) -> None:
    """Add the option --vectors, which the next two functions use."""
    text = "pretrained word vectors: a GloVe text file, or glove-50, -100, -200, -300"
    parser.add_argument("--vectors", metavar="WHERE", help=text)


def with_vectors(net: Any, args: argparse.Namespace, words: Any, others: Sequence[str]) -> tuple[Any, Any]:
    """Return the vocabulary and the vectors of its words; without --vectors, the given vocabulary and None.

    Words of `others` that have a vector are added to the vocabulary.
    """
    if not args.vectors:
        return words, None
    new = words.unknown(others)
    tokens, in_training = [*words.tokens, *new], np.arange(len(words) + len(new)) < len(words)
    path = net.data.fetch(args.vectors, args.offline) if args.vectors.startswith("glove-") else args.vectors
    vectors = net.data.read_vectors(path, tokens)
    kept = vectors.found | in_training
    words = net.Vocabulary([token for token, keep in zip(tokens, kept) if keep], words.unit)
    vectors = vectors._replace(values=vectors.values[kept], found=vectors.found[kept])
    running = vectors.found[words.encode(others)].mean()
    print(f"vectors: found for {vectors.coverage:.1%} of {len(words)} words, {running:.1%} of the held-out text")
    return words, vectors


def embedding(net: Any, args: argparse.Namespace, words: Any, vectors: Any, width: int) -> Any:
    """Return an Embedding of this width, or one that starts from `vectors`; other words have the same std."""
    if vectors is None or not vectors.found.any():
        return net.Embedding(len(words), width, std=0.1)
    pretrained = vectors.values[vectors.found]
    layer = net.Embedding(len(words), pretrained.shape[1], seed=args.seed, std=float(pretrained.std()))
    layer.start_from(pretrained, np.flatnonzero(vectors.found))
    return layer


def train(
    net: Any,
    args: argparse.Namespace,
    model: Any,
    batches: Any,
    validation: Any,
    sample: Callable[[], str] | None,
    weight_decay: float = 0.0,
    evaluate_every: int | None = None,
    token: str = "word",
) -> Any:
    """Train with AdamW, gradient clipping, and a learning rate that falls to 0. Return the trainer."""
    steps = max(1, round(args.epochs * len(batches)))
    optimizer = net.AdamW(net.CosineSchedule(args.learning_rate, steps), weight_decay=weight_decay, clip_norm=5.0)
    trainer = net.Trainer(
        model, optimizer, batches, validation, evaluate_every=evaluate_every, sample=sample, token=token
    )
    trainer.fit(steps, seconds=args.seconds)
    if not trainer.history.rows:
        print("stopped before the first report: no results are written", file=sys.stderr)
        raise KeyboardInterrupt
    return trainer


def predictions(model: Any, batches: Any) -> tuple[Any, Any]:
    """Return (true, predicted): the classes of all targets of these batches, in order."""
    true, predicted = [], []
    for x, y, lengths in batches.epoch():
        real = np.ones(y.shape, bool) if y.ndim == 1 else np.arange(y.shape[1]) < lengths[:, None]
        true.append(y[real])
        predicted.append(model.predict(x, lengths=lengths).argmax(-1)[real])
    return np.concatenate(true), np.concatenate(predicted)


def accuracy_report(model: Any, batches: Any) -> Callable[[], str]:
    """Return a function that reports the accuracy on these batches."""

    def report() -> str:
        true, predicted = predictions(model, batches)
        return f"accuracy {np.mean(true == predicted):.4f}"

    return report


def draw_confusion(axes: Any, true: Any, predicted: Any, classes: Sequence[str]) -> None:
    """Draw a confusion matrix: a row per true class, with its count, and the share of each predicted class in %."""
    counts = np.zeros((len(classes), len(classes)), int)
    np.add.at(counts, (true, predicted), 1)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    for (row, column), value in np.ndenumerate(share):
        if value >= 0.005:
            colour = "white" if value > 0.5 else "black"
            axes.text(column, row, f"{100 * value:.0f}", ha="center", va="center", color=colour, fontsize=7)
    places = range(len(classes))
    axes.set_xticks(places, classes, rotation=90)
    axes.set_yticks(places, [f"{name}  {n}" for name, n in zip(classes, counts.sum(axis=1))])
    axes.set(xlabel="predicted class", ylabel="true class and its count")
    axes.set_title(f"{np.mean(true == predicted):.1%} of {len(true)} are correct; each row in %")


def draw_heat(axes: Any, values: Any, words: Sequence[str], rows: Sequence[str] = (), **options: Any) -> None:
    """Draw values (rows, words) as a heat map with one column per word."""
    image = axes.imshow(values, aspect="auto", interpolation="nearest", **options)
    axes.set_xticks(range(len(words)), words, rotation=40, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(rows)), rows)
    axes.figure.colorbar(image, ax=axes)


def finish(args: argparse.Namespace, trainer: Any, draw: Callable[[Any], None] | None = None, **figures: Any) -> None:
    """Print the figures and write the files of --json and --plot; after Ctrl-C, raise KeyboardInterrupt at the end."""
    print("  ".join(f"{name} {value:.4f}" for name, value in figures.items() if isinstance(value, float)))
    if args.json:
        parameters = sum(math.prod(p.shape) for p in trainer.model.params.values())
        run = {"backend": args.backend, "seed": args.seed, "steps": trainer.step, "seconds": round(trainer.seconds, 1)}
        result = {**run, "cpu_seconds": round(time.process_time(), 1), "parameters": parameters, **figures}
        result["losses"] = trainer.history.losses
        output_path(args.json).write_text(json.dumps(result, indent=1), encoding="utf-8")
    if args.plot and draw:
        from matplotlib.figure import Figure

        figure = Figure(layout="constrained", dpi=120)
        draw(figure)
        figure.savefig(output_path(args.plot))
    if trainer.interrupted:
        raise KeyboardInterrupt


def output_path(path: str) -> Path:
    """Return the path, after creating its folder."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    return Path(path)


def require(name: str, extra: str) -> Any:
    """Import an optional library; ImportError names the command that installs it."""
    try:
        return importlib.import_module(name)
    except ImportError:
        raise ImportError(f"{name} is missing: pip install 'numnet[{extra}]'") from None


def check_writable(path: str) -> None:
    """Raise OSError before the training, not after it, if the file cannot be written."""
    exists = output_path(path).exists()
    try:
        open(path, "ab").close()
    except OSError as error:
        raise OSError(f"{path} cannot be written: {error.strerror}. Choose a file in a writable folder.") from None
    if not exists:
        Path(path).unlink()


def run(parser: Parser, main: Callable[[Any, argparse.Namespace], None]) -> None:
    """Run main(net, args). Errors are printed on one line, with exit status 2; Ctrl-C ends with 130."""
    args = parser.parse_args()
    try:
        net = importlib.import_module(args.backend)
        if args.plot:
            net.require_plot(args.plot)
        for path in filter(None, (args.json, args.plot)):
            check_writable(path)
        main(net, args)
    except (OSError, ValueError, ImportError, MemoryError, FloatingPointError) as error:
        parser.error(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
