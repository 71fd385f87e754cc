"""numnet's hand-written gradients against torchnet's autograd: outputs, states, every gradient, on every device."""

from __future__ import annotations

import pytest
from hypothesis import given

import numnet
import torchnet
from parity_tests.classifiers import CLASSIFIERS
from parity_tests.family import FAMILY, OVER_TIME
from parity_tests.probe import assert_near, run, upstream_like
from parity_tests.strategies import DROPOUT, EVERYTHING, LAYERS, TOLERANCE, Case, Sizes, sizes
from parity_tests.translator import TRANSLATORS

ALL = [*EVERYTHING, DROPOUT, *FAMILY, *OVER_TIME, *TRANSLATORS, *CLASSIFIERS]


def compare(case: Case, z: Sizes, dtype: str, device: str, fast: bool = True) -> None:
    __tracebackhide__ = True
    ours, theirs = case.build(numnet, z, dtype), case.build(torchnet, z, dtype, device)
    theirs.use_fast = fast
    inputs = case.inputs(z, dtype)
    y, pull_ours = run(ours, inputs)
    y_theirs, pull_theirs = run(theirs, inputs)
    tolerance = TOLERANCE[dtype if device == "cpu" else f"{device} {dtype}"]
    assert_near(y, y_theirs, tolerance)
    upstream = upstream_like(y, z.rng)
    assert_near(pull_ours(upstream), pull_theirs(upstream), tolerance)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("case", ALL, ids=repr)
@given(z=sizes)
def test_the_two_agree(case: Case, dtype: str, device: str, z: Sizes) -> None:
    compare(case, z, dtype, device)


@pytest.mark.parametrize("case", [*LAYERS, *FAMILY], ids=repr)
@given(z=sizes)
def test_the_plain_step_agrees_with_the_vendors_kernel(case: Case, device: str, z: Sizes) -> None:
    compare(case, z, "float64", device, fast=False)


@pytest.mark.parametrize("initial", ["pytorch", "glorot", "orthogonal"])
@pytest.mark.parametrize("kind", ["RNNLayer", "GRULayer", "LSTMLayer", "Dense"])
@given(z=sizes)
def test_one_seed_draws_the_same_first_values(kind: str, initial: str, z: Sizes) -> None:
    ours, theirs = (
        getattr(net, kind)(z.H, input_size=z.D, initial=initial, seed=z.seed).params for net in (numnet, torchnet)
    )
    assert list(ours) == list(theirs)
    for name, value in ours.items():
        assert (value == theirs[name].detach().numpy()).all(), name
