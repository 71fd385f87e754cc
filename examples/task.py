"""What the scripts of this folder share: options, errors of one line, the training, and what is written at the end."""

from __future__ import annotations

import argparse
import importlib
import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn


class Parser(argparse.ArgumentParser):
    """An argparse parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\n")


def options(description: str, data: str, epochs: float, batch_size: int = 32, learning_rate: float = 3e-3) -> Parser:
    """The options of every task; the numbers are its defaults."""
    parser = Parser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--backend", choices=["numnet", "torchnet"], default="numnet")
    add("--device", default="cpu", help="cpu, or with torchnet cuda")
    add("--data", metavar="WHERE", help=data)
    add("--offline", action="store_true", help="download nothing")
    add("--epochs", type=above_zero, default=epochs, help="default %(default)s; the learning rate falls to 0 over them")
    add("--seconds", type=above_zero, help="stop earlier, after so many")
    add("--batch-size", type=whole, default=batch_size, help="default %(default)s")
    add("--learning-rate", type=above_zero, default=learning_rate, help="default %(default)s")
    add("--seed", type=int, default=0)
    add("--json", metavar="FILE", help="what came out, for a program")
    add("--plot", metavar="FILE.png", help="what came out, as a picture")
    return parser


def above_zero(text: str) -> float:
    """A number above 0."""
    if not (number := float(text)) > 0:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return number


def whole(text: str) -> int:
    """A whole number above 0."""
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return number


def file(net: Any, args: argparse.Namespace, name: str) -> Path:
    """The path of a data set: of the registry by its name, or the one given."""
    return net.data.fetch(name, args.offline) if args.data == name else Path(args.data)


def train_and_dev(net: Any, args: argparse.Namespace, name: str, ending: str) -> list[Path]:
    """The two files of a data set: of the registry by its name, or in a folder."""
    if args.data == name:
        return [net.data.fetch(f"{name}-{part}", args.offline) for part in ("train", "dev")]
    found = [sorted(Path(args.data).glob(f"*{part}*{ending}")) for part in ("train", "dev")]
    if not all(found):
        raise ValueError(
            f"--data: {args.data} has no *train*{ending} and *dev*{ending}, expected {name!r} or a folder."
        )
    return [paths[0] for paths in found]


def train(
    net: Any, args: argparse.Namespace, model: Any, batches: Any, validation: Any, sample: Callable[[], str]
) -> Any:
    """A trainer that has trained: Adam, clipped, its rate falling to 0 over the epochs; a report an epoch."""
    steps = max(1, round(args.epochs * len(batches)))
    optimizer = net.Adam(net.CosineSchedule(args.learning_rate, steps), clip_norm=5.0)
    trainer = net.Trainer(model, optimizer, batches, validation, sample=sample, token="word")
    trainer.fit(steps, seconds=args.seconds)
    return trainer


def finish(args: argparse.Namespace, trainer: Any, draw: Callable[[Any], None] | None = None, **figures: Any) -> None:
    """Say the figures, and write the files that --json and --plot ask for."""
    print("  ".join(f"{name} {value:.4f}" for name, value in figures.items() if isinstance(value, float)))
    if args.json:
        parameters = sum(math.prod(p.shape) for p in trainer.model.params.values())
        run = {"backend": args.backend, "seed": args.seed, "steps": trainer.step, "seconds": round(trainer.seconds, 1)}
        told = {**run, "parameters": parameters, **figures, "losses": trainer.history.losses}
        write(args.json).write_text(json.dumps(told, indent=1), encoding="utf-8")
    if args.plot and draw:
        from matplotlib.figure import Figure

        figure = Figure(layout="constrained", dpi=120)
        draw(figure)
        figure.savefig(write(args.plot))


def write(path: str) -> Path:
    """The path, its folder made."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    return Path(path)


def run(parser: Parser, main: Callable[[Any, argparse.Namespace], None]) -> None:
    """main(net, args); what a user can mend is said in one line, and Ctrl-C is no traceback."""
    args = parser.parse_args()
    try:
        net = importlib.import_module(args.backend)
        if args.plot:
            net.require_plot(args.plot)
        main(net, args)
    except (OSError, ValueError, ImportError, MemoryError, FloatingPointError) as error:
        parser.error(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
