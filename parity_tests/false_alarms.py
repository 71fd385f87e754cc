"""Count false alarms: `python -m parity_tests.false_alarms` runs the checker on random correct cases.

The cases are rows of every table, layers of the family with random options, and stacks of layers with a loss. Sizes
start at 1, and ragged lengths include 0 and 1. One case in ten uses torchnet, one in four the checker's own random
inputs, one in twenty full=True. Case k of a seed is always the same: repeat an alarm with --first k --cases 1. Exit
status 1 if there is any alarm.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

import numnet
import torchnet
from numnet.check import Report, check_gradients
from parity_tests.catalogue import arguments
from parity_tests.classifiers import CLASSIFIERS, SPINNS
from parity_tests.family import NODES, OPTIONS, OVER_TIME, PAIRS, family_case, ragged
from parity_tests.more_cases import MORE
from parity_tests.strategies import DROPOUT, EVERYTHING, Case, Sizes

# A gradient that is by definition not the slope, such as that of a padding row, is wrong to the checker.
ROWS = (*EVERYTHING, DROPOUT, *OVER_TIME, *CLASSIFIERS, *SPINNS, *MORE)
TABLES = [case for case in ROWS if "slope" not in case.unlawful]
ALTERNATIVES = (  # at most one of each group
    ("with output", "last alone", "last alone with output"),
    ("zoneout", "zoneout in evaluation", *PAIRS),
    ("both ways", "both ways, mul"),
)


@dataclass(frozen=True)
class Drawn:
    """A correct object and the arguments to call it with."""

    name: str
    sizes: Sizes
    thing: Any
    inputs: list[Any]
    lengths: Any
    full: bool = False


def drawn(seed: int, k: int) -> Drawn:
    """Return case k."""
    rng = np.random.default_rng([seed, k])
    net = torchnet if rng.random() < 0.1 else numnet
    B, T, D, H, O, V = (int(n) for n in rng.integers(1, (5, 7, 5, 6, 5, 7)))
    z = Sizes(B, T, D, H, O, V + 1, seed=int(rng.integers(2**31)))
    kind, given, full = rng.choice(["table", "family", "stack"], p=[0.3, 0.5, 0.2]), *(rng.random(2) < (0.75, 0.05))
    if kind == "stack":
        case = stack(net, z, rng)
    else:
        row = TABLES[rng.integers(len(TABLES))] if kind == "table" else of_family(rng)
        thing = row.build(net, z)
        case = Drawn(f"{net.__name__}, {row.name}", z, thing, *arguments(thing, row.inputs(z)))
    case = replace(case, full=bool(full))
    own = not given and kind == "family" and "token" not in case.name
    return replace(case, inputs=[], lengths=None) if own else case


def of_family(rng: np.random.Generator) -> Case:
    """Return a node with up to four compatible options."""
    node = str(rng.choice(list(NODES)))
    left = [option for option in OPTIONS if option not in PAIRS or node.startswith("LSTM")]
    chosen: list[str] = []
    for option in rng.permutation(left)[: rng.integers(5)].tolist():
        if not any(option in group and set(group) & set(chosen) for group in ALTERNATIVES):
            chosen.append(option)
    return family_case(node, *chosen)


def stack(net: Any, z: Sizes, rng: np.random.Generator) -> Drawn:
    """Return up to three layers, a Dense layer, and one of the losses or none."""
    makers = list(LAYERS.values())
    layers = [makers[k](net, z) for k in rng.integers(len(makers), size=rng.integers(1, 4))]
    loss = LOSSES[rng.integers(len(LOSSES))]
    model = net.RNNModel(
        [*layers, net.Dense(z.V)], loss and getattr(net, loss)(), input_size=z.D, seed=z.seed, dtype="float64"
    )
    x = rng.standard_normal((z.B, z.T, z.D))
    targets = {"SoftmaxCrossEntropy": rng.integers(0, z.V, (z.B, z.T)), "MeanSquaredError": rng.random((z.B, z.T, z.V))}
    inputs = [x] if loss is None else [x, targets[loss]]
    name = ", ".join(type(layer).__name__ for layer in model.layers)
    return Drawn(f"{net.__name__}, a stack of {name}, {loss}", z, model, inputs, ragged(rng, z))


LAYERS: dict[str, Callable[[Any, Sizes], Any]] = {
    "RNN": lambda net, z: net.RNNLayer(z.H),
    "GRU": lambda net, z: net.GRULayer(z.H, reset="before", output_size=z.O),
    "LSTM": lambda net, z: net.LSTMLayer(z.H, peepholes=True),
    "MGU": lambda net, z: net.MGULayer(z.H, reverse=True),
    "both ways": lambda net, z: net.GRULayer(z.H, bidirectional=True),
    "zoneout": lambda net, z: net.LSTMLayer(z.H, zoneout=0.3, state_dropout=0.3),
    "Dense": lambda net, z: net.Dense(z.O),
    "Tanh": lambda net, z: net.Tanh(),
    "Dropout": lambda net, z: net.Dropout(0.4),
}
LOSSES = ("SoftmaxCrossEntropy", "MeanSquaredError", None)


def report_of(case: Drawn) -> Report:
    z = case.sizes
    sizes = (z.B, z.T, z.D, z.H)
    return check_gradients(
        case.thing, *case.inputs, lengths=case.lengths, seed=z.seed % 1000, full=case.full, sizes=sizes
    )


def alarms(seed: int, numbers: range) -> Iterator[tuple[int, Drawn, Report]]:
    """Yield the cases in which the checker reports an error."""
    for k in numbers:
        case = drawn(seed, k)
        report = report_of(case)
        if not report.passed:
            yield k, case, report


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m parity_tests.false_alarms", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--cases", type=int, default=1000, help="how many cases; default 1000")
    parser.add_argument("--first", type=int, default=0, help="the number of the first case; default 0")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    begun, count = time.perf_counter(), 0
    for k, case, report in alarms(options.seed, range(options.first, options.first + options.cases)):
        count += 1
        print(f"--seed {options.seed} --first {k} --cases 1: {case.name}, {case.sizes}\n{report}\n", flush=True)
    took = (time.perf_counter() - begun) / max(1, options.cases)
    print(f"{options.cases} correct cases, {count} alarms; {1000 * took:.0f} ms a case")
    return int(count > 0)


if __name__ == "__main__":
    sys.exit(main())
