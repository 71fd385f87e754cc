"""Check from the shell whether the backward passes in a file are right, before you train with them.

python -m numnet.check my_nodes.py:MyNode                       a node: one step, then through time with ragged lengths
python -m numnet.check my_nodes.py                              every class in the file that defines its own backward
python -m numnet.check my_nodes.py:MyNode --sizes 2,4,3,5       B rows, T steps, D features, H hidden units
python -m numnet.check my_nodes.py:MyNode --against torch.nn.LSTM    also compare it with torch.nn.LSTM
python -m numnet.check package.module:make --html report.html   the return value of make(); an HTML report too

Name is a class, constructed with the sizes that its constructor takes (hidden_size, input_size, ...); an instance; a
function that returns an instance; or a tuple of an instance and its inputs. A pair of functions needs the tuple:
case = (forward, backward), x, W.

Exit status: 0 right; 1 wrong, the report lists the errors; 2 cannot be checked, stderr has the reason in one line.
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
    """Yield a gradient report for each case, then the comparison with --against."""
    chosen = {"seed": args.seed, "sizes": args.sizes, **({"tolerance": args.tolerance} if args.tolerance else {})}
    every = cases(module, name, args.sizes)
    for case in every:
        report = check_gradients(case.thing, *case.inputs, full=args.full, **chosen)
        report.name = case.name
        yield report
    if args.against:
        yield compared(every[-1], args.against, chosen)


def compared(case: Case, against: str, chosen: dict[str, Any]) -> Report:
    """Compare a case with the implementation that --against names."""
    if against.partition(".")[0] in ("torch", "torchnet"):
        try:
            importlib.import_module("torch")
        except ImportError:
            raise Unusable(f"--against {against} needs PyTorch: pip install 'numnet[torch]'") from None
    theirs = counterpart(against, chosen["sizes"]) if ":" in against else Case(against, against)
    from numnet.check.compare import compare

    report: Report = compare(case.thing, theirs.thing, *case.inputs, **chosen)
    report.name, report.against = case.name, theirs.name
    return report


def counterpart(against: str, sizes: Sizes) -> Case:
    """Return the case that --against FILE.py:Name names; of a node, its layer over all steps."""
    try:
        module, names = load_target(against)
        return cases(module, names[0], sizes)[-1]
    except (Exception, SystemExit) as error:
        file = str(Path(split(against)[0]).resolve())
        raise Unusable(f"--against {against}: {reason(error, file)}") from error


def show(report: Report, args: argparse.Namespace, number: int) -> None:
    """Print the report and, with --html, write it to FILE; later reports go to FILE with -2, -3, ..."""
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
    """Print the reason to stderr."""
    if args.traceback:
        traceback.print_exception(error)
    print(f"numnet.check: {name}: {reason(error, file)}", file=sys.stderr)


def run_checks(args: argparse.Namespace) -> int:
    """Run all checks and return the exit status; 1 (wrong) takes precedence over 2 (cannot be checked)."""
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
    """Run `python -m numnet.check` with these arguments and return its exit status."""
    args = parser(__doc__).parse_args(argv)
    with warnings.catch_warnings(record=True) as caught:
        status = run_checks(args)
    lines = [f"{Path(w.filename).name}:{w.lineno}: {w.category.__name__}: {w.message}" for w in caught]
    if status != 2:  # with status 2, stderr has exactly one line
        for line in dict.fromkeys(lines):
            print(f"numnet.check: {line}", file=sys.stderr)
    return status


if __name__ == "__main__":
    try:
        sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
        sys.exit(main())
    except BrokenPipeError:  # the reader closed the pipe, such as | head
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
