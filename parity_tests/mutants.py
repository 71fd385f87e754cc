"""What `make mutants` asks of a mutant beside quick.py: every row of the tables against autograd, at fixed draws."""

from __future__ import annotations

from pathlib import Path

import pytest

import numnet
from parity_tests import test_ragged
from parity_tests.quick import DRAWS, ROWS, ask, laws
from parity_tests.strategies import DROPOUT, Case, Sizes
from parity_tests.test_parity import compare

LAWS = [*laws(test_ragged)]


@pytest.mark.parametrize("case", ROWS, ids=repr)
def test_a_row_agrees_with_autograd_in_both_precisions(case: Case, tmp_path: Path) -> None:
    for z in DRAWS:
        for dtype in ("float64", "float32"):
            compare(case, z, dtype, "cpu")
    for law, cases, _ in LAWS:
        if case in cases:
            ask(law, case=case, net=numnet, tmp_path=tmp_path)


@pytest.mark.parametrize("z", DRAWS, ids=repr)
def test_dropout_drops_the_same_on_both_backends(z: Sizes) -> None:
    compare(DROPOUT, z, "float64", "cpu")
