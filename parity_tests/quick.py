"""Every row of the tables at fixed draws, one test a row: what `make mutants` asks of a mutant first."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import numnet
from parity_tests import test_laws, test_ragged, test_states
from parity_tests.family import FAMILY, OVER_TIME
from parity_tests.slopes import slope_error
from parity_tests.strategies import DROPOUT, EVERYTHING, TOLERANCE, Case, Sizes
from parity_tests.test_parity import compare
from parity_tests.translator import TRANSLATORS

DRAWS = (Sizes(B=4, T=7, D=3, H=5, O=2, V=4, seed=3), Sizes(B=1, T=3, D=2, H=4, O=3, V=3, seed=4))
Law = Callable[..., None]


def laws(module: ModuleType) -> Iterator[tuple[Law, list[Case], list[Any]]]:
    """Each of its tests that is asked of rows: the test without its draws, the rows, the dtypes that are given."""
    for name, test in vars(module).items():
        chosen = {mark.args[0]: mark.args[1] for mark in getattr(test, "pytestmark", ())}
        if name.startswith("test_") and "case" in chosen:
            law = test.hypothesis.inner_test if hasattr(test, "hypothesis") else test
            yield law, chosen["case"], chosen.get("given_dtype", [None])


LAWS = [law for module in (test_laws, test_states, test_ragged) for law in laws(module)]


def ask(law: Law, **given: Any) -> None:
    """The law with those of the arguments that it takes."""
    law(**{name: given[name] for name in inspect.signature(law).parameters})


@pytest.mark.parametrize("case", [*EVERYTHING, *FAMILY, *OVER_TIME, *TRANSLATORS], ids=repr)
def test_a_row_agrees_with_autograd_and_its_slopes_and_obeys_the_laws(case: Case, tmp_path: Path) -> None:
    for z in DRAWS:
        for dtype in ("float64", "float32"):
            compare(case, z, dtype, "cpu")
        error, words = slope_error(case, numnet, z)
        assert error <= TOLERANCE["slopes"], words
    for law, cases, dtypes in LAWS:
        for dtype in dtypes if case in cases else ():
            ask(law, case=case, net=numnet, z=DRAWS[0], given_dtype=dtype, tmp_path=tmp_path)


@pytest.mark.parametrize("z", DRAWS, ids=repr)
def test_dropout_drops_the_same_on_both_backends(z: Sizes) -> None:
    compare(DROPOUT, z, "float64", "cpu")
