"""Is a backward right? Asked from the shell, of what a file defines, before anything is trained with it.

python -m numnet.check my_nodes.py:MyNode                       a node: one step, then through time with ragged lengths
python -m numnet.check my_nodes.py                              every class in the file that has a way back of its own
python -m numnet.check my_nodes.py:MyNode --sizes 2,4,3,5       B rows, T steps, D features, H hidden units
python -m numnet.check my_nodes.py:MyNode --against torch.nn.LSTM    is it the same function as well?
python -m numnet.check package.module:make --html report.html   what make() returns; the report as a page too

Name is a class, made with the sizes that its constructor names (hidden_size, input_size, ...); an instance; a function
that makes one; or one with the inputs to check it at, as two functions need them: case = (forward, backward), x, W.

Exit status: 0 right; 1 wrong, and the report says what; 2 not usable, with the reason in a line.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import traceback
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from numnet.check.cli.options import parser
from numnet.check.cli.refusal import reason
from numnet.check.cli.target import Case, cases, load_target, split
from numnet.check.engine.draw import Sizes
from numnet.check.engine.subject import Unusable
from numnet.check.gradients import check_gradients
from numnet.check.report import Report


def reports(module: ModuleType, name: str, args: argparse.Namespace) -> Iterator[Report]:
    """Of each case its gradients; and of the whole, what it is compared with."""
    chosen = {"seed": args.seed, "sizes": args.sizes, **({"tolerance": args.tolerance} if args.tolerance else {})}
    every = cases(module, name, args.sizes)
    for case in every:
        report = check_gradients(case.thing, *case.inputs, full=args.full, **chosen)
        report.name = case.name
        yield report
    if args.against:
        yield compared(every[-1], args.against, chosen)


def compared(case: Case, against: str, chosen: dict[str, Any]) -> Report:
    """The same function as another's?"""
    if against.partition(".")[0] in ("torch", "torchnet"):
        try:
            importlib.import_module("torch")
        except ImportError:
            raise Unusable(f"--against {against} needs PyTorch: pip install 'numnet[torch]'") from None
    theirs = another(against, chosen["sizes"]) if ":" in against else Case(against, against)
    from numnet.check.compare import compare

    report: Report = compare(case.thing, theirs.thing, *case.inputs, **chosen)
    report.name, report.against = case.name, theirs.name
    return report


def another(against: str, sizes: Sizes) -> Case:
    """What --against FILE.py:Name names; a node's course through time."""
    try:
        module, names = load_target(against)
        return cases(module, names[0], sizes)[-1]
    except (Exception, SystemExit) as error:
        file = str(Path(split(against)[0]).resolve())
        raise Unusable(f"--against {against}: {reason(error, file)}") from error


def show(report: Report, args: argparse.Namespace, number: int) -> None:
    """On the terminal and, if asked for, as a page: FILE, then FILE with -2, -3, ..."""
    print(report.headline if args.quiet else f"{report}\n", flush=True)
    if not args.html:
        return
    path = args.html if number == 1 else args.html.with_stem(f"{args.html.stem}-{number}")
    try:
        report.html(path)
    except OSError as error:
        raise Unusable(f"--html {path} cannot be written: {error.strerror}") from None
    print(f"Written: {path}")


def refuse(name: str, error: BaseException, file: str | None, args: argparse.Namespace) -> None:
    """Say why on stderr."""
    if args.traceback:
        traceback.print_exception(error)
    print(f"numnet.check: {name}: {reason(error, file)}", file=sys.stderr)


def checked(args: argparse.Namespace) -> int:
    """The exit status: what is wrong counts more than what could not be used."""
    where, _ = split(args.target)
    try:
        module, names = load_target(args.target)
    except (Exception, SystemExit) as error:
        refuse(where, error, str(Path(where).resolve()), args)
        return 2
    done: list[Report] = []
    refused = False
    for name in names:
        try:
            for report in reports(module, name, args):
                done.append(report)
                show(report, args, len(done))
        except BrokenPipeError:
            raise
        except (Exception, SystemExit) as error:
            refuse(f"{where}:{name}", error, module.__file__, args)
            refused = True
    return 1 if not all(done) else 2 if refused else 0


def main(argv: Sequence[str] | None = None) -> int:
    """The exit status of `python -m numnet.check` with these arguments."""
    args = parser(__doc__).parse_args(argv)
    with warnings.catch_warnings(record=True) as heard:
        status = checked(args)
    told = [f"{Path(w.filename).name}:{w.lineno}: {w.category.__name__}: {w.message}" for w in heard]
    if status != 2:  # then there is one line, and no more
        for line in dict.fromkeys(told):
            print(f"numnet.check: {line}", file=sys.stderr)
    return status


if __name__ == "__main__":
    try:
        sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
        sys.exit(main())
    except BrokenPipeError:  # who reads has seen enough: | head
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
