"""Test of the testers: every planted fault must be caught, by slopes, by parity with autograd or by a law."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import numnet
import torchnet
from parity_tests.faults import FAULTS, STEP_FAULTS, Fault, planted
from parity_tests.probe import assert_near, run, upstream_like
from parity_tests.slopes import slope_error
from parity_tests.strategies import DROPOUT, EVERYTHING, TOLERANCE, Case, Sizes
from parity_tests.test_training import OPTIMIZERS, Bowl

SIZES = Sizes()
CASES = {case.name: case for case in [*EVERYTHING, DROPOUT]}


def slopes(case: Case, net: Any) -> bool:
    """Whether finite differences find nothing wrong."""
    error, _ = slope_error(case, net, SIZES)
    return error <= TOLERANCE["slopes"]


def parity(case: Case, net: Any) -> bool:
    """Whether autograd agrees."""
    inputs = case.inputs(SIZES)
    outputs, pullback = run(case.build(net, SIZES), inputs)
    expected, pull_expected = run(case.build(torchnet, SIZES), inputs)
    upstream = upstream_like(expected, SIZES.rng)
    try:
        assert_near(outputs, expected, TOLERANCE["float64"])
        assert_near(pullback(upstream), pull_expected(upstream), TOLERANCE["float64"])
    except AssertionError:
        return False
    return True


def adds(case: Case, net: Any) -> bool:
    """Whether a second backward doubles every parameter's gradient."""
    thing = case.build(net, SIZES)
    outputs, pullback = run(thing, case.inputs(SIZES))
    upstream = upstream_like(outputs, SIZES.rng)
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
