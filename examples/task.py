"""What the scripts of this folder share: options, errors of one line, the training, and what is written at the end."""

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


def options(
    description: str, data: str | None, epochs: float | None, batch_size: int = 32, learning_rate: float = 3e-3
) -> Parser:
    """The options of every task; the numbers are its defaults, `data` says what --data takes, None: there is none."""
    usual = "as many as each needs" if epochs is None else "%(default)s"
    parser = Parser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--backend", choices=["numnet", "torchnet"], default="numnet")
    add("--device", default="cpu", help="cpu, or with torchnet cuda")
    if data:
        add("--data", metavar="WHERE", help=data)
        add("--offline", action="store_true", help="download nothing")
    add("--epochs", type=above_zero, default=epochs, help=f"default {usual}; the learning rate falls to 0 over them")
    add(
        "--seconds",
        type=above_zero,
        help="stop earlier, after so many of training; what is evaluated behind it takes its own",
    )
    add("--batch-size", type=whole, default=batch_size, help="default %(default)s")
    add("--learning-rate", type=above_zero, default=learning_rate, help="default %(default)s")
    add("--seed", type=count, default=0, help="default %(default)s")
    add("--json", metavar="FILE", help="what came out, for a program")
    add("--plot", metavar="FILE.png", help="what came out, as a picture")
    return parser


def above_zero(text: str) -> float:
    """A number above 0."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is no finite number above 0")
    return number


def whole(text: str) -> int:
    """A whole number above 0."""
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return number


def count(text: str) -> int:
    """A whole number, 0 or more."""
    if (number := int(text)) < 0:
        raise argparse.ArgumentTypeError(f"{text} is less than 0")
    return number


def words(text: str) -> list[str]:
    """What blanks part; at least one word."""
    if not (found := text.split()):
        raise argparse.ArgumentTypeError(f"{text!r} has no word in it")
    return found


def text(given: str) -> str:
    """Of one word or more."""
    return " ".join(words(given))


def folder(args: argparse.Namespace, name: str) -> Path | None:
    """--data as a folder; None where it is the name of the public data set instead."""
    if args.data == name:
        return None
    if not Path(args.data).is_dir():
        raise ValueError(f"--data: {args.data} is no folder, expected one, or {name}.")
    return Path(args.data)


def file(net: Any, args: argparse.Namespace, name: str) -> Path:
    """The path of a data set: of the registry by its name, or the one given."""
    if args.data != name and not Path(args.data).is_file():
        raise ValueError(f"--data: {args.data} is no file, expected one, or {name}.")
    return net.data.fetch(name, args.offline) if args.data == name else Path(args.data)


def train_and_dev(net: Any, args: argparse.Namespace, name: str, ending: str) -> list[Path]:
    """The two files of a data set: of the registry by its name, or in a folder."""
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
    """Batches of (sequence, target) to train on, and of those that are held out, these in their order."""
    if not (rows and held_out):
        raise ValueError(
            f"--data: {len(rows)} to train on and {len(held_out)} held out, expected at least one of each."
        )
    batches = net.SequenceBatches(*zip(*rows), args.batch_size, args.seed)
    return batches, net.SequenceBatches(*zip(*held_out), args.batch_size, shuffle=False)


def encode(vocabulary: Any, tokens: Sequence[str] | str) -> Any:
    """Their numbers; which of them training did not have is said."""
    if unknown := vocabulary.unknown(tokens):
        print(f"not met in training: {', '.join(map(repr, unknown))}", file=sys.stderr)
    return vocabulary.encode(tokens)


def add_vectors(parser: Parser) -> None:
    """The option that the next two functions are for."""
    text = "vectors to start from: GloVe's text file, or glove-50, -100, -200, -300"
    parser.add_argument("--vectors", metavar="WHERE", help=text)


def with_vectors(net: Any, args: argparse.Namespace, words: Any, others: Sequence[str]) -> tuple[Any, Any]:
    """--vectors: a vocabulary and the vectors of its words; None for these where the option is not given.

    Of the words that training does not have, those that have a vector are words like all.
    """
    if not args.vectors:
        return words, None
    new = words.unknown(others)
    tokens, learned = [*words.tokens, *new], np.arange(len(words) + len(new)) < len(words)
    path = net.data.fetch(args.vectors, args.offline) if args.vectors.startswith("glove-") else args.vectors
    vectors = net.data.read_vectors(path, tokens)
    kept = vectors.found | learned
    words = net.Vocabulary([token for token, keep in zip(tokens, kept) if keep], words.unit)
    vectors = vectors._replace(values=vectors.values[kept], found=vectors.found[kept])
    running = vectors.found[words.encode(others)].mean()
    print(f"vectors: {vectors.coverage:.1%} of {len(words)} words have one, {running:.1%} of the held-out text")
    return words, vectors


def embedding(net: Any, args: argparse.Namespace, words: Any, vectors: Any, width: int) -> Any:
    """Words as vectors: of this width, or those given, and the other words' as large as they are."""
    if vectors is None or not vectors.found.any():
        return net.Embedding(len(words), width, std=0.1)
    given = vectors.values[vectors.found]
    layer = net.Embedding(len(words), given.shape[1], seed=args.seed, std=float(given.std()))
    layer.start_from(given, np.flatnonzero(vectors.found))
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
    """A trainer that has trained: AdamW, clipped, its rate falling to 0 over the epochs; a report an epoch, or so."""
    steps = max(1, round(args.epochs * len(batches)))
    optimizer = net.AdamW(net.CosineSchedule(args.learning_rate, steps), weight_decay=weight_decay, clip_norm=5.0)
    trainer = net.Trainer(
        model, optimizer, batches, validation, evaluate_every=evaluate_every, sample=sample, token=token
    )
    trainer.fit(steps, seconds=args.seconds)
    if not trainer.history.rows:
        print("stopped before the first report: nothing is written", file=sys.stderr)
        raise KeyboardInterrupt
    return trainer


def answers(model: Any, batches: Any) -> tuple[Any, Any]:
    """(true, said): the class of each target of these batches, in order, and which one the model takes it for."""
    true, said = [], []
    for x, y, lengths in batches.epoch():
        real = np.ones(y.shape, bool) if y.ndim == 1 else np.arange(y.shape[1]) < lengths[:, None]
        true.append(y[real])
        said.append(model.predict(x, lengths=lengths).argmax(-1)[real])
    return np.concatenate(true), np.concatenate(said)


def say_accuracy(model: Any, batches: Any) -> Callable[[], str]:
    """What a report says: the share of targets that the model takes for what they are."""

    def say() -> str:
        true, said = answers(model, batches)
        return f"accuracy {np.mean(true == said):.4f}"

    return say


def draw_confusion(axes: Any, true: Any, said: Any, classes: Sequence[str]) -> None:
    """Of each true class, a row, the share that is taken for each; how many it has stands beside its name."""
    counts = np.zeros((len(classes), len(classes)), int)
    np.add.at(counts, (true, said), 1)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    for (row, column), value in np.ndenumerate(share):
        if value >= 0.005:
            colour = "white" if value > 0.5 else "black"
            axes.text(column, row, f"{100 * value:.0f}", ha="center", va="center", color=colour, fontsize=7)
    places = range(len(classes))
    axes.set_xticks(places, classes, rotation=90)
    axes.set_yticks(places, [f"{name}  {n}" for name, n in zip(classes, counts.sum(axis=1))])
    axes.set(xlabel="what the model says", ylabel="what it is, and how many there are")
    axes.set_title(f"{np.mean(true == said):.1%} of {len(true)} are right; each row in %")


def draw_heat(axes: Any, values: Any, words: Sequence[str], rows: Sequence[str] = (), **options: Any) -> None:
    """values (rows, words) as colours, a column a word."""
    image = axes.imshow(values, aspect="auto", interpolation="nearest", **options)
    axes.set_xticks(range(len(words)), words, rotation=40, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(rows)), rows)
    axes.figure.colorbar(image, ax=axes)


def finish(args: argparse.Namespace, trainer: Any, draw: Callable[[Any], None] | None = None, **figures: Any) -> None:
    """Say the figures, and write the files that --json and --plot ask for; a run that Ctrl-C ended is no success."""
    print("  ".join(f"{name} {value:.4f}" for name, value in figures.items() if isinstance(value, float)))
    if args.json:
        parameters = sum(math.prod(p.shape) for p in trainer.model.params.values())
        run = {"backend": args.backend, "seed": args.seed, "steps": trainer.step, "seconds": round(trainer.seconds, 1)}
        told = {**run, "cpu_seconds": round(time.process_time(), 1), "parameters": parameters, **figures}
        told["losses"] = trainer.history.losses
        write(args.json).write_text(json.dumps(told, indent=1), encoding="utf-8")
    if args.plot and draw:
        from matplotlib.figure import Figure

        figure = Figure(layout="constrained", dpi=120)
        draw(figure)
        figure.savefig(write(args.plot))
    if trainer.interrupted:
        raise KeyboardInterrupt


def write(path: str) -> Path:
    """The path, its folder made."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    return Path(path)


def needed(name: str, extra: str) -> Any:
    """A library that numnet does without, or how to install it."""
    try:
        return importlib.import_module(name)
    except ImportError:
        raise ImportError(f"{name} is missing: pip install 'numnet[{extra}]'") from None


def check_writable(path: str) -> None:
    """An OSError now, and not when the training is over."""
    there = write(path).exists()
    try:
        open(path, "ab").close()
    except OSError as error:
        raise OSError(f"{path} cannot be written: {error.strerror}. Name a file in a folder of yours.") from None
    if not there:
        Path(path).unlink()


def run(parser: Parser, main: Callable[[Any, argparse.Namespace], None]) -> None:
    """main(net, args); what a user can mend is said in one line, and Ctrl-C is no traceback."""
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
