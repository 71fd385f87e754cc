"""Every gradient of both backends is the slope of its function: central differences in float64, everything random."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from parity_tests.classifiers import CLASSIFIERS
from parity_tests.family import FAMILY, OVER_TIME
from parity_tests.slopes import slope_error
from parity_tests.strategies import EVERYTHING, TOLERANCE, Case, Sizes, sizes
from parity_tests.translator import TRANSLATORS

ALL = [*EVERYTHING, *FAMILY, *OVER_TIME, *TRANSLATORS, *CLASSIFIERS]
CASES = [case for case in ALL if "slope" not in case.unlawful]


@pytest.mark.parametrize("case", CASES, ids=repr)
@given(z=sizes)
def test_gradient_is_the_slope(case: Case, net: Any, z: Sizes) -> None:
    error, words = slope_error(case, net, z)
    assert error <= TOLERANCE["slopes"], f"{case} at {z}: {words}"
