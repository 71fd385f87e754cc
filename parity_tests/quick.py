"""Every row of the tables at two fixed draws, in few tests: what `make mutants` asks of a mutant first."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import numnet
from parity_tests import test_laws
from parity_tests.family import FAMILY, POOLING
from parity_tests.slopes import slope_error
from parity_tests.strategies import DROPOUT, EVERYTHING, TOLERANCE, Case, Sizes
from parity_tests.test_parity import compare

DRAWS = (Sizes(B=4, T=7, D=3, H=5, O=2, V=4, seed=3), Sizes(B=1, T=3, D=2, H=4, O=3, V=3, seed=4))
ROWS = [*EVERYTHING, *FAMILY, *POOLING]


def laws() -> Iterator[tuple[Callable[..., None], list[Case], list[Any]]]:
    """Each law of test_laws without its draws, its rows, and the dtypes that it is asked for."""
    for name, test in vars(test_laws).items():
        chosen = {mark.args[0]: mark.args[1] for mark in getattr(test, "pytestmark", ())}
        if name.startswith("test_") and "case" in chosen:
            yield test.hypothesis.inner_test, chosen["case"], chosen.get("given_dtype", [None])


LAWS = list(laws())


@pytest.mark.parametrize("case", [*ROWS, DROPOUT], ids=repr)
@pytest.mark.parametrize("z", DRAWS, ids=repr)
def test_a_row_agrees_with_autograd(case: Case, z: Sizes) -> None:
    for dtype in ("float64", "float32"):
        compare(case, z, dtype, "cpu")


@pytest.mark.parametrize("case", ROWS, ids=repr)
@pytest.mark.parametrize("z", DRAWS, ids=repr)
def test_a_gradient_is_the_slope(case: Case, z: Sizes) -> None:
    error, words = slope_error(case, numnet, z)
    assert error <= TOLERANCE["slopes"], words


@pytest.mark.parametrize("case", ROWS, ids=repr)
@pytest.mark.parametrize("z", DRAWS, ids=repr)
def test_a_row_obeys_the_laws(case: Case, z: Sizes) -> None:
    for law, cases, dtypes in LAWS:
        for dtype in dtypes if case in cases else ():
            given = {"case": case, "net": numnet, "z": z, "given_dtype": dtype}
            law(**{name: given[name] for name in inspect.signature(law).parameters})
