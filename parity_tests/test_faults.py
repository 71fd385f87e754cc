"""Test of the testers: every planted fault must be caught, by slopes, by parity with autograd or by a law."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import numnet
import torchnet
from parity_tests.family import FAMILY, POOLING, drawer, family_case, maker
from parity_tests.faults import FAULTS, STEP_FAULTS, Fault, planted
from parity_tests.probe import Arrays, assert_near, run, upstream_like
from parity_tests.slopes import slope_error
from parity_tests.strategies import DROPOUT, EVERYTHING, TOLERANCE, Case, Sizes, recurrent, sequence
from parity_tests.test_training import OPTIMIZERS, Bowl

SIZES = Sizes()
RAGGED = Sizes(B=7, T=7, H=3, seed=23)  # lengths 1 7 3 3 0 6 5: four stretches, in two of which a row has ended before


def merging(merge: str) -> Case:
    chosen = {"bidirectional": True, "merge": merge}
    return Case(f"LSTM, both ways, {merge}", maker("LSTMLayer", chosen, ()), drawer("LSTM", chosen, ()))


def with_gaps(rng: np.random.Generator, z: Sizes) -> Arrays:
    return {**sequence()(rng, z), "lengths": rng.random((z.B, z.T)) < 0.6}


MORE = [
    merging("mean"),
    merging("sum"),
    family_case("LSTM", "gaps", "reverse"),
    family_case("LSTM", "gaps", "time-major"),
    Case("LSTM reverse, unpadded", recurrent("LSTMLayer", reverse=True), sequence("h", "c")),
    Case("Pooling first with gaps", lambda net, z, dtype: net.Pooling("first"), with_gaps),
    Case("Dropout per sequence", lambda net, z, dtype: net.Dropout(0.4, z.seed, per_sequence=True), sequence()),
]
CASES = {case.name: case for case in [*EVERYTHING, DROPOUT, *FAMILY, *POOLING, *MORE]}


def sizes_of(case: Case) -> Sizes:
    return RAGGED if "lengths" in case.inputs(SIZES) else SIZES


def slopes(case: Case, net: Any) -> bool:
    """Whether finite differences find nothing wrong."""
    error, _ = slope_error(case, net, sizes_of(case))
    return error <= TOLERANCE["slopes"]


def parity(case: Case, net: Any) -> bool:
    """Whether autograd agrees."""
    z = sizes_of(case)
    inputs = case.inputs(z)
    outputs, pullback = run(case.build(net, z), inputs)
    expected, pull_expected = run(case.build(torchnet, z), inputs)
    upstream = upstream_like(expected, z.rng)
    try:
        assert_near(outputs, expected, TOLERANCE["float64"])
        assert_near(pullback(upstream), pull_expected(upstream), TOLERANCE["float64"])
    except AssertionError:
        return False
    return True


def adds(case: Case, net: Any) -> bool:
    """Whether a second backward doubles every parameter's gradient."""
    z = sizes_of(case)
    thing = case.build(net, z)
    outputs, pullback = run(thing, case.inputs(z))
    upstream = upstream_like(outputs, z.rng)
    once, twice = pullback(upstream), pullback(upstream, clear=False)
    return all(np.allclose(twice[f"d{name}"], 2 * once[f"d{name}"]) for name in getattr(thing, "params", {}))


CHECKS = {"slopes": slopes, "parity": parity, "adds": adds}


def caught_by(case: Case, net: Any) -> list[str]:
    return [name for name, passes in CHECKS.items() if not passes(case, net)]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_fault_is_caught(fault: Fault, tmp_path: Path) -> None:
    with planted(fault, tmp_path) as faulty:
        assert caught_by(CASES[fault.case], faulty), f"{fault.name}: not caught"


@pytest.mark.parametrize("name", sorted({fault.case for fault in FAULTS}))
def test_the_right_code_raises_no_alarm(name: str) -> None:
    assert caught_by(CASES[name], numnet) == []


def test_losing_the_gradient_from_above_freezes_every_layer_below(tmp_path: Path) -> None:
    fault = next(fault for fault in FAULTS if "from above lost" in fault.name)
    case = CASES[fault.case]
    with planted(fault, tmp_path) as faulty:
        outputs, pullback = run(case.build(faulty, SIZES), case.inputs(SIZES))
        gradients = pullback({"y": np.ones_like(outputs["y"])})
    assert all((gradient == 0).all() for gradient in gradients.values())


def walked(net: Any, name: str) -> np.ndarray:
    """Where seven steps of that optimizer, with weight decay and clipping, take a layer."""
    rng, (make, _) = np.random.default_rng(0), OPTIMIZERS[name]
    bowl, optimizer = Bowl(net, rng.standard_normal((3, 3))), make(net, weight_decay=0.1, clip_norm=2.0)
    return [bowl.step(optimizer, rng.standard_normal((3, 3))) for _ in range(7)][-1]


@pytest.mark.parametrize("fault", STEP_FAULTS, ids=lambda fault: fault.name)
def test_fault_in_a_step_is_caught(fault: Fault, tmp_path: Path) -> None:
    expected = walked(torchnet, fault.case)
    np.testing.assert_allclose(walked(numnet, fault.case), expected, rtol=1e-11)
    with planted(fault, tmp_path) as faulty:
        assert np.abs(walked(faulty, fault.case) - expected).max() > 1e-6
