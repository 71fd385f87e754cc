"""Every planted fault before the gradient checker: `python -m parity_tests.catalogue` prints who catches it, and how.

caught by   gradients: check_gradients finds a tensor that is wrong; laws: another law broken, as that gradients add up;
            comparison: the gradients fit what is computed, but that is not what torchnet computes;
            training: steps with an optimizer end elsewhere than with torchnet's
tensor      yes, where the diagnosis names the right tensor: of those that its sentence is about, more than half are
            among those that faults.py gives for the fault
place       yes, where it names the right equation: one of the fault's, and no other line's, as "(3) or (4)" does; and
            the right gate: its gates are just the fault's, or it names none beside an equation. "-": there is neither
right       tensor, and place where there is one, both named by one sentence

The diagnosis is what stands first in the report of check_gradients; or, where the outputs are not torchnet's, in that
of compare. A sentence is about y in "∂x/∂y is taken as ...", in "y counts twice", in "as if dy ..."; about the first of
outputs that differ; else about all tensors that it lists: so "everything is wrong" names nothing. Of an optimizer, it
is right where it names the first step that goes astray, and neither the loss nor the gradients before it.
"""

from __future__ import annotations

import argparse
import functools
import importlib
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

import torchnet
from numnet.check.engine.subject import joined, state_names
from parity_tests.family import FAMILY, OVER_TIME
from parity_tests.faults import FAULTS, STEP_FAULTS, Fault, planted
from parity_tests.more_cases import MORE
from parity_tests.probe import Arrays, errors, run
from parity_tests.strategies import DROPOUT, EVERYTHING, TOLERANCE, Case, Sizes
from parity_tests.test_optimizers import OPTIMIZERS
from parity_tests.translator import TRANSLATORS

SIZES = Sizes()
RAGGED = Sizes(B=7, T=7, H=3, seed=23)  # lengths 1 7 3 3 0 6 5: four runs, in two of which a row has ended before
SMALL = Sizes(B=3, T=3, D=2, H=3)  # for faults in one step, which need no more
OF_NODES = (
    "recurrent/rnn.py", "recurrent/lstm.py", "recurrent/gru.py", "recurrent/mgu.py", "recurrent/indrnn.py",
    "recurrent/lstm_variants.py", "recurrent/layer_norm.py",
)  # fmt: skip
WIDTH = 110  # of a diagnosis in the table
EQUATION = re.compile(r"\(\d+[a-z]?\)")
ALONE = "losses and gradients agree: it is the step that differs"
ABOUT = (  # what a sentence is about: the operand of a slope, a part of what comes from above, what that is taken for
    re.compile(r"∂(?:\([^)]*\)|[^\s/]+)/∂(\S+)"),
    re.compile(r"[:;] (?:the last )?(\w+)(?: of row \d+)?(?: at step \d+)? counts"),
    re.compile(r"as if d(?:the last )?(\w+)"),
    re.compile(r"what comes in as d(\w+?)(?:_next)?\b"),
    re.compile(r"differs from the plain step: d(\S+) at step"),
)


CASES = {case.name: case for case in [*EVERYTHING, DROPOUT, *FAMILY, *OVER_TIME, *TRANSLATORS, *MORE]}


def sizes_of(case: Case) -> Sizes:
    return RAGGED if "lengths" in case.inputs(SIZES) else SIZES


@dataclass(frozen=True)
class Score:
    """Who catches a fault, "" for nobody; the diagnosis; whether it is right, None where there is nothing to name."""

    fault: Fault
    caught: str
    said: str = ""
    tensor: bool | None = None
    place: bool | None = None
    right: bool | None = None


def arguments(thing: Any, inputs: Arrays) -> tuple[list[Any], Any]:
    """A case's inputs as check_gradients takes them, and the lengths."""
    if hasattr(thing, "advance"):
        return [inputs["x"], inputs["target"]], inputs["lengths"]
    if "target" in inputs:
        return [inputs[name] for name in ("prediction", "target", "mask") if name in inputs], None
    if len(getattr(thing, "takes", ("x",))) > 1:
        return [inputs[name] for name in thing.takes], inputs.get("lengths")
    first: list[Any] = [inputs["x"]]
    if len(inputs) > 1 + ("lengths" in inputs):
        names = thing.states if hasattr(thing, "states") else state_names(thing)
        first.append(joined(inputs, tuple(names)))
    return first, inputs.get("lengths")


def examined(fault: Fault, net: Any) -> Score:
    """The faulty numnet's own checker about its own fault."""
    case = CASES[fault.case]
    z = SMALL if fault.file in OF_NODES and "lengths" in case.inputs(SIZES) else sizes_of(case)
    thing, inputs = case.build(net, z), case.inputs(z)
    first, lengths = arguments(thing, inputs)
    report = check_of(net).check_gradients(thing, *first, lengths=lengths)
    first_said = report.findings[:1]
    caught = "" if report.passed else "laws" if all(row.passed for row in report.rows) else "gradients"
    if differs(case, thing, z):
        compared = check_of(net).compare(thing, case.build(torchnet, z), *first, lengths=lengths)
        caught = caught or ("" if compared.passed else "comparison")
        first_said += compared.findings[:1]
    return scored(fault, caught, first_said)


def differs(case: Case, thing: Any, z: Sizes) -> bool:
    """Whether the outputs are others than torchnet's."""
    return max(errors(run(thing, case.inputs(z))[0], of_torchnet(case.name, z)).values()) > TOLERANCE["float64"]


@functools.cache
def of_torchnet(name: str, z: Sizes) -> Arrays:
    """The outputs of torchnet's row."""
    return run(CASES[name].build(torchnet, z), CASES[name].inputs(z))[0]


def scored(fault: Fault, caught: str, findings: Sequence[Any]) -> Score:
    """By the rules at the top of this file, the better of the diagnoses."""
    scores = []
    for finding in findings:
        tensor, place = names_tensor(fault, finding), names_place(fault, finding)
        scores.append(Score(fault, caught, finding.text, tensor, place, tensor and place is not False))
    nothing = Score(fault, caught, "", False, False if fault.where else None, False)
    return max(scores or [nothing], key=lambda score: (score.right, score.tensor, bool(score.place)))


def about(finding: Any) -> set[str]:
    """The tensors that the sentence is about."""
    for pattern in ABOUT:
        found = pattern.findall(finding.text)
        if found:
            return set(found)
    listed = finding.tensors[:1] if finding.cause == "forward" else finding.tensors
    return {name.removeprefix("last ") for name in listed}


def names_tensor(fault: Fault, finding: Any) -> bool:
    said, right = about(finding), set(fault.tensor.split())
    return 2 * len(said & right) > len(said)


def names_place(fault: Fault, finding: Any) -> bool | None:
    """None where there is none to name."""
    where = set(fault.where.split())
    equations, said = {word for word in where if EQUATION.fullmatch(word)}, finding.equation.split(" or ")
    gates, right = set(finding.gates), where - equations
    if not where:
        return None
    if equations and not all(equations & set(EQUATION.findall(line)) for line in said):
        return False
    return not right or gates == right or bool(equations and not gates)


def trained(fault: Fault, net: Any) -> Score:
    """Seven steps of a faulty optimizer beside torchnet's, with weight decay, and gradients that are clipped or not."""
    (make, _), both = OPTIMIZERS[fault.case], [each.Dense(3, input_size=2, dtype="float64") for each in (net, torchnet)]
    x, findings = np.random.default_rng(0).standard_normal((5, 2)), []
    for limit in (2.0, 50.0):
        optimizers = [make(each, weight_decay=0.1, clip_norm=limit) for each in (net, torchnet)]
        findings += check_of(net).compare(*both, x, steps=7, optimizers=optimizers).findings
    if not findings:
        return Score(fault, "", "", False, False, False)
    said = findings[0].text
    tensor, place = names_tensor(fault, findings[0]) and ALONE in said, f" at {fault.where}:" in said
    return Score(fault, "training", said, tensor, place, tensor and place)


def check_of(net: Any) -> Any:
    """The faulty numnet's own checker."""
    return importlib.import_module(f"{net.__name__}.check")


def row(score: Score) -> str:
    """A line of the table."""
    marks = ["-" if mark is None else "yes" if mark else "no" for mark in (score.tensor, score.place, score.right)]
    said = score.said if len(score.said) <= WIDTH else f"{score.said[: WIDTH - 4]} ..."
    return f"| {score.fault.name} | {score.caught or 'NOBODY'} | {' | '.join(marks)} | {said} |"


def summary(scores: Sequence[Score]) -> str:
    """How many of how many."""
    caught = sum(bool(score.caught) for score in scores)
    marks = zip(*((score.tensor, score.place, score.right) for score in scores))
    tensor, place, right = (f"{sum(map(bool, each))} of {sum(mark is not None for mark in each)}" for each in marks)
    return (
        f"{len(scores)} faults, {caught} caught; tensor right in {tensor}, equation or gate right in {place}, "
        f"all that there is to name in {right}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m parity_tests.catalogue", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--only", nargs="+", default=[""], metavar="WORDS", help="faults whose name has one of these")
    chosen = parser.parse_args().only
    torch.set_num_threads(1)
    print("| fault | caught by | tensor | place | right | diagnosis |\n|---|---|---|---|---|---|")
    scores = []
    for fault in [*FAULTS, *STEP_FAULTS]:
        if any(words in fault.name for words in chosen):
            with tempfile.TemporaryDirectory() as folder, planted(fault, Path(folder)) as faulty:
                scores.append((trained if fault in STEP_FAULTS else examined)(fault, faulty))
            print(row(scores[-1]), flush=True)
    print(f"\n{summary(scores)}" if scores else "no such fault")


if __name__ == "__main__":
    main()
