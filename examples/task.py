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

Row = tuple[Any, Any]  # a sequence and its target


class Parser(argparse.ArgumentParser):
    """An argparse parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\n")


def common_options(description: str, batch_size: int | None = 32, learning_rate: float | None = 3e-3) -> Parser:
    """Return a parser with the options of every script; the numbers are defaults."""
    parser = Parser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--backend", choices=["numnet", "torchnet"], default="numnet")
    add("--device", default="cpu", help="cpu; with torchnet also cuda")
    add("--batch-size", type=positive_int, default=batch_size, help=default_of(batch_size))
    add("--learning-rate", type=positive_float, default=learning_rate, help=default_of(learning_rate))
    add("--seed", type=non_negative_int, default=0, help="default %(default)s")
    add("--json", metavar="FILE", help="write the results to this file")
    add("--plot", metavar="FILE.png", help="save a plot of the results to this file")
    return parser


def options(
    description: str,
    data: str | None,
    epochs: float | None,
    batch_size: int | None = 32,
    learning_rate: float | None = 3e-3,
) -> Parser:
    """Return a parser with the options of every task. `data` is the help text of --data, or None for a task without."""
    parser = common_options(description, batch_size, learning_rate)
    add = parser.add_argument
    if data:
        add("--data", metavar="WHERE", help=data)
        add("--offline", action="store_true", help="do not download")
    falls = f"{default_of(epochs)}; the learning rate falls to 0 over them"
    add("--epochs", type=positive_float, default=epochs, help=falls)
    add("--seconds", type=positive_float, help="stop training after this time; the evaluation takes additional time")
    return parser


def default_of(value: float | None) -> str:
    """Return the help text of a default."""
    return "default depends on the task" if value is None else "default %(default)s"


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
    net: Any,
    args: argparse.Namespace,
    rows: Sequence[Row],
    held_out: Sequence[Row],
    word_dropout: float = 0.0,
    column: int | None = None,
) -> tuple[Any, Any]:
    """Return shuffled training batches, with word dropout, and ordered held-out batches of (sequence, target) rows."""
    check_rows(rows, held_out)
    batches = net.SequenceBatches(*zip(*rows), args.batch_size, args.seed)
    if word_dropout:
        batches = net.data.WordDropout(batches, word_dropout, args.seed, column=column)
    return batches, net.SequenceBatches(*zip(*held_out), args.batch_size, shuffle=False)


def check_rows(rows: Sequence[Any], held_out: Sequence[Any]) -> None:
    """Raise ValueError if there is nothing to train on, or nothing held out."""
    if not (rows and held_out):
        raise ValueError(
            f"--data: {len(rows)} training and {len(held_out)} held-out examples, expected at least one of each."
        )


def encode(vocabulary: Any, tokens: Sequence[str] | str) -> Any:
    """Return the token ids; print the tokens that are not in the training data."""
    if unknown := vocabulary.unknown(tokens):
        print(f"not in the training data: {', '.join(map(repr, unknown))}", file=sys.stderr)
    return vocabulary.encode(tokens)


def train(
    net: Any,
    args: argparse.Namespace,
    model: Any,
    data: tuple[Any, Any],
    weight_decay: float = 0.0,
    token: str = "word",
    rates: Sequence[tuple[Any, float]] = (),
    optimizer: Any = None,
    **options: Any,
) -> Any:
    """Train on (batches, held-out data) with AdamW, clipping and a learning rate that falls to 0, or another optimizer.

    `rates` are parts with a learning rate of their own, `options` are those of Trainer. Return the trainer.
    """
    steps = max(1, round(args.epochs * len(data[0])))
    groups = [(part, {"learning_rate": net.CosineSchedule(rate, steps)}) for part, rate in rates]
    schedule = net.CosineSchedule(args.learning_rate, steps)
    optimizer = optimizer or net.AdamW(schedule, weight_decay=weight_decay, clip_norm=5.0, groups=groups)
    trainer = net.Trainer(model, optimizer, *data, token=token, **options)
    trainer.fit(steps, seconds=args.seconds)
    if not trainer.history.rows:
        print("stopped before the first report: no results are written", file=sys.stderr)
        raise KeyboardInterrupt
    return trainer


def answers(trainer: Any) -> tuple[Any, Any]:
    """Return (true, predicted): the classes of all held-out targets, in order."""
    held_out = trainer.validation
    return np.hstack(held_out.targets), np.vstack(trainer.predict(held_out)).argmax(-1)


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
