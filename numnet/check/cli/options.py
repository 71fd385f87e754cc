"""What can be asked for on the command line; all else is refused in a line."""

from __future__ import annotations

import argparse
import math
import os
from pathlib import Path
from typing import NoReturn

from numnet.check.engine.draw import Sizes


class Parser(argparse.ArgumentParser):
    """An argparse parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"numnet.check: {message}\n")


def parser(about: str | None) -> Parser:
    """The options, and --help, which starts with what it is about."""
    parser = Parser("python -m numnet.check", description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("target", metavar="FILE.py[:Name]", help="or package.module[:Name]; without a name, every class it defines")
    add("--sizes", metavar="B,T,D,H", type=sizes, default=Sizes(), help="default 3,5,4,6")
    add("--against", metavar="NAME", help="compare it with this too: torch.nn.LSTM, or another FILE.py:Name")
    add("--seed", type=count, default=0, help="of all numbers drawn (default 0)")
    add(
        "--tolerance",
        type=tolerance,
        help="the largest error, relative to a tensor's norm (default 1e-7; against 1e-9)",
    )
    add("--full", action="store_true", help="look at every number, though all is well")
    add(
        "--html",
        metavar="FILE",
        type=page,
        help="the report as a page; of several, the second is FILE with -2, and so on",
    )
    add("--quiet", action="store_true", help="a line for each report")
    add("--traceback", action="store_true", help="where something cannot be used, Python's own account too")
    return parser


def sizes(text: str) -> Sizes:
    """B,T,D,H as Sizes."""
    parts = text.split(",")
    if len(parts) != 4 or not all(part.strip().isdecimal() and int(part) for part in parts):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not B,T,D,H, expected four whole numbers from 1, such as 3,5,4,6"
        )
    return Sizes(*map(int, parts))


def count(text: str) -> int:
    """A whole number, 0 or more."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number, 0 or more")
    return int(text)


def tolerance(text: str) -> float:
    """A number above 0."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not number > 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0, expected such as 1e-7")
    return number


def page(text: str) -> Path:
    """A file that can be written, known before the check and not after it."""
    path = Path(text)
    if path.is_dir():
        raise argparse.ArgumentTypeError(f"{text} is a directory, expected a file to write")
    there = next(parent for parent in path.absolute().parents if parent.exists())
    if not (there.is_dir() and os.access(there, os.W_OK)):
        raise argparse.ArgumentTypeError(f"{text} cannot be written: {there} is no directory to write to")
    return path
