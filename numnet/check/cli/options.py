"""The options of the command line; invalid ones give an error of one line."""

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
    """Return the parser; `about` is the first part of --help."""
    parser = Parser("python -m numnet.check", description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("target", metavar="FILE.py[:Name]", help="or package.module[:Name]; without a name, every class it defines")
    add("--sizes", metavar="B,T,D,H", type=sizes, default=Sizes(), help="default 3,5,4,6")
    add("--against", metavar="NAME", help="also compare with this: torch.nn.LSTM, or another FILE.py:Name")
    add("--seed", type=count, default=0, help="of all random numbers (default 0)")
    add(
        "--tolerance",
        type=tolerance,
        help="the largest error, relative to a tensor's norm (default 1e-7; against 1e-9)",
    )
    add("--full", action="store_true", help="check every number, even if all gradients are right")
    add(
        "--html",
        metavar="FILE",
        type=page,
        help="write the report as a page; a second report goes to FILE with -2, and so on",
    )
    add("--quiet", action="store_true", help="print one line per report")
    add("--traceback", action="store_true", help="for errors, print the Python traceback too")
    return parser


def sizes(text: str) -> Sizes:
    """Parse B,T,D,H."""
    parts = text.split(",")
    if len(parts) != 4 or not all(part.strip().isdecimal() and int(part) for part in parts):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not B,T,D,H, expected four integers, at least 1, such as 3,5,4,6"
        )
    return Sizes(*map(int, parts))


def count(text: str) -> int:
    """Parse an integer, at least 0."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a seed, expected an integer, at least 0")
    return int(text)


def tolerance(text: str) -> float:
    """Parse a number above 0."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not number > 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a tolerance, expected a number above 0, such as 1e-7")
    return number


def page(text: str) -> Path:
    """Parse a path and make sure, before the check runs, that it can be written."""
    path = Path(text)
    if path.is_dir():
        raise argparse.ArgumentTypeError(f"{text} is a directory, expected a file to write")
    there = next(parent for parent in path.absolute().parents if parent.exists())
    if not (there.is_dir() and os.access(there, os.W_OK)):
        raise argparse.ArgumentTypeError(f"{text} cannot be written: {there} is not a writable directory")
    return path
