"""Run the checker on every planted fault: `python -m parity_tests.catalogue` prints what catches it and the diagnosis.

caught by   gradients: check_gradients finds a wrong tensor; laws: it finds a broken general law, such as accumulation;
            comparison: the gradients are right for the outputs, but the outputs differ from torchnet's;
            training: after steps of an optimizer the parameters differ from torchnet's
tensor      "yes" if the diagnosis names the right tensor: more than half of the tensors that its sentence is about are
            among those that faults.py lists for the fault
place       "yes" if it names the right equation, that is one of the fault's and no alternative as in "(3) or (4)", and
            the right gate: exactly the fault's gates, or none beside an equation. "-" if the fault has no place
right       "yes" if one sentence names the right tensor and, if there is one, the right place

The diagnosis is the first finding of check_gradients, or, if the outputs differ from torchnet's, of compare. A
sentence is about y in "∂x/∂y is taken as ...", in "y has weight 2", and in "as if the upstream gradient of y ...";
about the first output that differs; else about all tensors that it lists, so "everything is wrong" names nothing. For
an optimizer it is right if it names the first step that differs, and neither the loss nor the gradients before it.
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
from numnet.data import ParseBatch
from parity_tests.classifiers import CLASSIFIERS, SPINNS
from parity_tests.family import FAMILY, OVER_TIME
from parity_tests.faults import FAULTS, STEP_FAULTS, Fault, planted
from parity_tests.more_cases import MORE
from parity_tests.probe import Arrays, errors, run
from parity_tests.strategies import DROPOUT, EVERYTHING, TOLERANCE, Case, Sizes
from parity_tests.test_optimizers import maker
from parity_tests.translator import TRANSLATORS

SIZES = Sizes()
RAGGED = Sizes(B=7, T=7, H=3, seed=23)  # lengths 1 7 3 3 0 6 5: four runs; in two of them a row has already ended
SMALL = Sizes(B=3, T=3, D=2, H=3)  # for faults in one step
OF_NODES = (
    "recurrent/rnn.py", "recurrent/lstm.py", "recurrent/gru.py", "recurrent/mgu.py", "recurrent/indrnn.py",
    "recurrent/lstm_variants.py", "recurrent/gru_variants.py", "recurrent/layer_norm.py",
)  # fmt: skip
WIDTH = 110  # of the diagnosis in the table
EQUATION = re.compile(r"\(\d+[a-z]?\)")
OPTIMIZER_ALONE = "losses and gradients agree, so the optimizers differ"
ABOUT = (  # the tensor a sentence is about: an operand of a derivative, or a part of the upstream gradient
    re.compile(r"∂(?:\([^)]*\)|[^\s/]+)/∂(\S+)"),
    re.compile(r"[:;] (?:the last )?([\w.]+)(?: of row \d+)?(?: at step \d+)? has weight"),
    re.compile(r"as if the upstream gradients? of (?:the last )?(\w+)"),
    re.compile(r"the upstream gradient d(\w+?)(?:_next)?\b"),
    re.compile(r"differs from the plain step: d(\S+) at step"),
)


CASES = {
    case.name: case for case in [*EVERYTHING, DROPOUT, *FAMILY, *OVER_TIME, *TRANSLATORS, *CLASSIFIERS, *SPINNS, *MORE]
}


def sizes_of(case: Case) -> Sizes:
    return RAGGED if "lengths" in case.inputs(SIZES) else SIZES


@dataclass(frozen=True)
class Score:
    """What catches a fault, "" for nothing; the diagnosis; whether it is right, None if there is nothing to name."""

    fault: Fault
    caught: str
    diagnosis: str = ""
    tensor: bool | None = None
    place: bool | None = None
    right: bool | None = None


def arguments(thing: Any, inputs: Arrays) -> tuple[list[Any], Any]:
    """Return the inputs of a case as arguments of check_gradients, and the lengths."""
    if hasattr(thing, "advance"):
        return [inputs["x"], inputs["target"]], inputs["lengths"]
    if getattr(thing, "reads_parses", False):
        return [ParseBatch(inputs["x"], inputs["lengths"], inputs["transitions"])], None
    if "target" in inputs:
        return [inputs[name] for name in ("prediction", "target", "mask") if name in inputs], None
    if len(getattr(thing, "takes", ("x",))) > 1:
        return [inputs[name] for name in thing.takes], inputs.get("lengths")
    if hasattr(thing, "child_states"):
        names, count = thing.child_states, len(thing.states)
        children = [joined(inputs, names[:count]), joined(inputs, names[count:])]
        return [*children, *([inputs["x"]] if "x" in inputs else [])], None
    first: list[Any] = [inputs["x"]]
    if len(inputs) > 1 + ("lengths" in inputs):
        names = thing.states if hasattr(thing, "states") else state_names(thing)
        first.append(joined(inputs, tuple(names)))
    return first, inputs.get("lengths")


def gradient_score(fault: Fault, net: Any) -> Score:
    """Run the checker of the faulty numnet on its own fault."""
    case = CASES[fault.case]
    z = SMALL if fault.file in OF_NODES and "lengths" in case.inputs(SIZES) else sizes_of(case)
    thing, inputs = case.build(net, z), case.inputs(z)
    first, lengths = arguments(thing, inputs)
    report = check_of(net).check_gradients(thing, *first, lengths=lengths)
    findings = report.findings[:1]
    caught = "" if report.passed else "laws" if all(row.passed for row in report.rows) else "gradients"
    if differs(case, thing, z):
        compared = check_of(net).compare(thing, case.build(torchnet, z), *first, lengths=lengths)
        caught = caught or ("" if compared.passed else "comparison")
        findings += compared.findings[:1]
    return scored(fault, caught, findings)


def differs(case: Case, thing: Any, z: Sizes) -> bool:
    """Whether the outputs differ from torchnet's."""
    return max(errors(run(thing, case.inputs(z))[0], of_torchnet(case.name, z)).values()) > TOLERANCE["float64"]


@functools.cache
def of_torchnet(name: str, z: Sizes) -> Arrays:
    """Return the outputs of the same case in torchnet."""
    return run(CASES[name].build(torchnet, z), CASES[name].inputs(z))[0]


def scored(fault: Fault, caught: str, findings: Sequence[Any]) -> Score:
    """Return the best score of the diagnoses, by the rules in the docstring of this file."""
    scores = []
    for finding in findings:
        tensor, place = names_tensor(fault, finding), names_place(fault, finding)
        scores.append(Score(fault, caught, finding.text, tensor, place, tensor and place is not False))
    nothing = Score(fault, caught, "", False, False if fault.where else None, False)
    return max(scores or [nothing], key=lambda score: (score.right, score.tensor, bool(score.place)))


def about(finding: Any) -> set[str]:
    """Return the tensors that the sentence is about."""
    for pattern in ABOUT:
        found = pattern.findall(finding.text)
        if found:
            return set(found)
    listed = finding.tensors[:1] if finding.cause == "forward" else finding.tensors
    return {name.removeprefix("last ") for name in listed}


def names_tensor(fault: Fault, finding: Any) -> bool:
    named, right = about(finding), set(fault.tensor.split())
    return 2 * len(named & right) > len(named)


def names_place(fault: Fault, finding: Any) -> bool | None:
    """Whether the finding names the right equation and gate; None if the fault has no place."""
    where = set(fault.where.split())
    equations, named = {word for word in where if EQUATION.fullmatch(word)}, finding.equation.split(" or ")
    gates, right = set(finding.gates), where - equations
    if not where:
        return None
    if equations and not all(equations & set(EQUATION.findall(line)) for line in named):
        return False
    return not right or gates == right or bool(equations and not gates)


def training_score(fault: Fault, net: Any) -> Score:
    """Compare seven steps of a faulty optimizer with torchnet's, with weight decay, with and without clipping."""
    make, both = maker(fault.case), [each.Dense(3, input_size=2, dtype="float64") for each in (net, torchnet)]
    x, findings = np.random.default_rng(0).standard_normal((5, 2)), []
    for limit in (2.0, 50.0):
        optimizers = [make(each, weight_decay=0.1, clip_norm=limit) for each in (net, torchnet)]
        findings += check_of(net).compare(*both, x, steps=7, optimizers=optimizers).findings
    if not findings:
        return Score(fault, "", "", False, False, False)
    text = findings[0].text
    tensor, place = names_tensor(fault, findings[0]) and OPTIMIZER_ALONE in text, f" at {fault.where}:" in text
    return Score(fault, "training", text, tensor, place, tensor and place)


def check_of(net: Any) -> Any:
    """Return the checker of the faulty numnet."""
    return importlib.import_module(f"{net.__name__}.check")


def row(score: Score) -> str:
    """Return one line of the table."""
    marks = ["-" if mark is None else "yes" if mark else "no" for mark in (score.tensor, score.place, score.right)]
    diagnosis = score.diagnosis if len(score.diagnosis) <= WIDTH else f"{score.diagnosis[: WIDTH - 4]} ..."
    return f"| {score.fault.name} | {score.caught or 'NOTHING'} | {' | '.join(marks)} | {diagnosis} |"


def summary(scores: Sequence[Score]) -> str:
    """Return the totals as one sentence."""
    caught = sum(bool(score.caught) for score in scores)
    marks = zip(*((score.tensor, score.place, score.right) for score in scores))
    tensor, place, right = (f"{sum(map(bool, each))} of {sum(mark is not None for mark in each)}" for each in marks)
    return (
        f"{len(scores)} faults, {caught} caught; tensor right in {tensor}, equation or gate right in {place}, "
        f"both in {right}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m parity_tests.catalogue", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "--only", nargs="+", default=[""], metavar="WORDS", help="only faults whose name contains one of these"
    )
    chosen = parser.parse_args().only
    torch.set_num_threads(1)
    print("| fault | caught by | tensor | place | right | diagnosis |\n|---|---|---|---|---|---|")
    scores = []
    for fault in [*FAULTS, *STEP_FAULTS]:
        if any(words in fault.name for words in chosen):
            with tempfile.TemporaryDirectory() as folder, planted(fault, Path(folder)) as faulty:
                scores.append((training_score if fault in STEP_FAULTS else gradient_score)(fault, faulty))
            print(row(scores[-1]), flush=True)
    print(f"\n{summary(scores)}" if scores else "No fault has such a name.")


if __name__ == "__main__":
    main()
