"""The table of wrong values: every public name × parameter × wrong value gives a value, or an error in our words.

    python -m parity_tests.wrong_values [--only NAME] [--list]

Each good call of wrong_cases.py is repeated with one argument replaced. An error counts as ours if a `raise` of numnet
or torchnet made it and its message begins with a name; any other is raw. After an error the parameters, gradients and
states of the objects in the call must be what they were before it.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import functools
import io
import os
import re
import sys
import tempfile
import traceback
import warnings
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

import numnet
import torchnet
from numnet.core.arrays import to_numpy
from parity_tests.wrong_cases import CASES, FOLDER
from parity_tests.wrong_parts import Call, use

ROOT = Path(__file__).resolve().parent.parent
HOMES = tuple(str(ROOT / package) for package in ("numnet", "torchnet"))
FILES = tempfile.gettempdir()  # an existing folder, as a path


def wrong_values(net: Any) -> dict[str, Any]:
    """The values that replace each argument, by name; many are right for some arguments, and then taken."""
    return {**plain_values(net), **arrays(), **tensors()}


def plain_values(net: Any) -> dict[str, Any]:
    """Numbers, strings, collections, and objects of other kinds."""
    other = torchnet if net is numnet else numnet
    return {
        "None": None,
        "True": True,
        "-1": -1,
        "0": 0,
        "0.5": 0.5,
        "7": 7,
        "nan": float("nan"),
        "inf": float("inf"),
        "1e300": 1e300,
        "1j": 1j,
        "np.int64": np.int64(2),
        "np.float64": np.float64(0.5),
        "a string": "abc",
        "an empty string": "",
        "bytes": b"abc",
        "a folder": FILES,
        "[]": [],
        "()": (),
        "{}": {},
        "[1, 2]": [1, 2],
        "[-1, 9]": [-1, 9],
        "[0.5, nan]": [0.5, float("nan")],
        "['a', 3]": ["a", 3],
        "ragged lists": [[1, 2], [3]],
        "nested lists": [[[1.0, 2.0], [3.0, 4.0]]],
        "{'a': 1}": {"a": 1},
        "a class": net.Dense,
        "a layer": net.Dense(2),
        "the other backend's layer": other.Dense(2, input_size=4),
        "a function": len,
        "a generator": (k for k in range(3)),
        "an object": object(),
    }


def arrays() -> dict[str, Any]:
    """Arrays of every rank and dtype."""
    numbers = np.arange(24).reshape(2, 3, 4)
    return {
        "no axes": np.array(3.0),
        "one axis": np.linspace(0, 1, 3),
        "two axes": numbers[0] * 1.0,
        "three axes": numbers * 1.0,
        "four axes": np.ones((1, 2, 3, 4)),
        "integers": numbers[:, :, 0],
        "negative integers": -numbers[:, :, 0] - 1,
        "unsigned": numbers[:, 0, 0].astype(np.uint64),
        "booleans": numbers[:, :, 0] > 3,
        "an empty array": np.zeros(0),
        "no rows": np.zeros((0, 3, 4)),
        "NaN in it": np.full((2, 3, 4), np.nan),
        "complex numbers": numbers * 1j,
        "objects": np.array([[1, "a"], [None, 2]], dtype=object),
        "strings": np.array(["a", "b"]),
        "dates": np.array(["2026-01-01"], "datetime64[D]"),
        "big-endian": numbers.astype(">f4"),
        "float16": (numbers / 30).astype(np.float16),
    }


def tensors() -> dict[str, Any]:
    """What PyTorch has."""
    tensor = torch.arange(24.0).reshape(2, 3, 4)
    return {
        "a tensor": tensor,
        "an integer tensor": tensor[:, :, 0].long(),
        "a tensor with a graph": tensor.clone().requires_grad_(),
        "a meta tensor": torch.empty(2, 3, 4, device="meta"),
        "a packed sequence": torch.nn.utils.rnn.pack_padded_sequence(tensor, [3, 2], True),
        "a module of PyTorch": torch.nn.Linear(4, 2),
    }


class Outcome(NamedTuple):
    """What became of one call: "value", "ours", "raw" or "changed", and the message."""

    kind: str
    text: str


@functools.cache
def raising_lines(path: str) -> set[int]:
    """The lines of a file that a `raise` with an error of its own covers."""
    lines: set[int] = set()
    for node in ast.walk(ast.parse(Path(path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Raise) and node.exc is not None:
            lines.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return lines


def is_ours(error: BaseException) -> bool:
    """Whether a `raise` of the packages made the error, and its message names who, or the file, first."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    raised = last.filename.startswith(HOMES) and (last.lineno or 0) in raising_lines(last.filename)
    return raised and re.match(r"(the )?[\w./\[\]() -]+(:\d+)?: |[\w. ]+ does not exist", str(error)) is not None


def state_of(thing: Any, seen: dict[int, Any]) -> Iterator[bytes]:
    """The parameters, gradients, states and buffers of an object and of all that it holds, as bytes.

    `seen` holds the objects themselves: the id of one that is gone may be that of the next.
    """
    if id(thing) in seen:
        return
    seen[id(thing)] = thing
    if isinstance(thing, np.ndarray) or torch.is_tensor(thing):
        if str(getattr(thing, "device", "cpu")) == "cpu":
            yield np.ascontiguousarray(to_numpy(thing)).tobytes()
        yield from state_of(getattr(thing, "grad", None), seen)
    elif isinstance(thing, dict):
        for name in list(thing):
            yield from state_of(thing[name], seen)
    elif isinstance(thing, (list, tuple)):
        for each in thing:
            yield from state_of(each, seen)
    elif type(thing).__module__.startswith(("numnet", "torchnet")):
        watched = {k: v for k, v in vars(thing).items() if k not in ("pool", "saved", "_saved", "calls_by_thread")}
        yield from state_of(watched, seen)


def checksum(call: Call) -> int:
    """One number for the state of all objects in a call."""
    total = 0
    for piece in state_of([call.watched, getattr(call.function, "__self__", None)], {}):
        total = zlib.crc32(piece, total)
    return total


def attempt(call: Call, name: str, value: Any) -> Outcome:
    """Call with one argument replaced; a part that was made is used once, so that a late error counts too."""
    before = checksum(call)
    try:
        made = call.function(**{**call.arguments, name: value})
        before = -1
        use(made)
    except (Exception, SystemExit) as error:  # every kind: the table is about which
        ours, text = is_ours(error), f"{type(error).__name__}: {str(error).splitlines()[:1]}"
        if ours and before not in (-1, checksum(call)):
            return Outcome("changed", text)
        return Outcome("ours" if ours else "raw", text)
    return Outcome("value", "")


class Row(NamedTuple):
    """One cell of the table."""

    package: str
    case: str
    parameter: str
    value: str
    outcome: Outcome


def table(net: Any, only: str = "", share: int = 1) -> Iterator[Row]:
    """Every case × parameter × value of a package whose name contains `only`; of the cells one in `share`."""
    for case, make in CASES.items():
        if only not in case:
            continue
        call = make(net)
        for parameter in call.arguments:
            for value in wrong_values(net):
                if zlib.crc32(f"{case}.{parameter}.{value}".encode()) % share:
                    continue
                outcome = attempt(call, parameter, wrong_values(net)[value])
                yield Row(net.__name__, case, parameter, value, outcome)
                if outcome.kind != "ours":
                    call = make(net)


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Warnings, and what a run prints, are no outcome; files whose names are wrong values are in a folder of their own.

    os.chdir and not contextlib.chdir, which Python 3.10 lacks.
    """
    before = Path.cwd()
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            os.chdir(FOLDER)
            yield
        finally:
            os.chdir(before)


def main(arguments: list[str] | None = None) -> int:
    """Print the counts, and with --list every raw error and every changed state."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="cases whose name contains this")
    parser.add_argument("--list", action="store_true", help="list each raw error, not only the first of each kind")
    options = parser.parse_args(arguments)
    bad = 0
    for net in (numnet, torchnet):
        with silence():
            rows = list(table(net, options.only))
        counts = Counter(row.outcome.kind for row in rows)
        names, places = {row.case for row in rows}, {(row.case, row.parameter) for row in rows}
        print(f"{net.__name__}: {len(names)} names, {len(places)} parameters, {len(rows)} calls: {dict(counts)}")
        shown: set[Any] = set()
        for row in rows:
            key = row if options.list else (row.case, row.parameter, row.outcome.text[:60])
            if row.outcome.kind in ("raw", "changed") and key not in shown:
                shown.add(key)
                print(f"  {row.outcome.kind}  {row.case}({row.parameter}={row.value})  {row.outcome.text[:150]}")
        bad += counts["raw"] + counts["changed"]
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
