"""docs/coming_from.md: the cells of each row compute the same numbers, on both backends, in PyTorch and in Keras."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from parity_tests.coming_from import RUNNERS, Row, arrays, rows
from parity_tests.training_runs import TRAINING, training_runs

ROWS = [row for row in rows() if row.section != TRAINING]
# Keras makes some arrays in float32 whatever its float type is, and adds 1e-7 to the number of targets of a loss.
TOLERANCE = {"pytorch": 1e-12, "keras": 1e-6}


def flat(value: Any) -> np.ndarray[Any, Any]:
    return np.concatenate([array.ravel() for array in arrays(value)])


@pytest.mark.parametrize("row", ROWS, ids=[row.ours for row in ROWS])
def test_the_cells_of_a_row_compute_the_same(net: Any, row: Row) -> None:
    ours, *theirs = RUNNERS[row.section](net, row)
    compared = 0
    for library, value in zip(("pytorch", "keras"), theirs, strict=True):
        if value is not None:
            expected = flat(value)
            np.testing.assert_allclose(flat(ours), expected, rtol=0, atol=TOLERANCE[library] * np.abs(expected).max())
            compared += 1
    assert compared, "no cell of another library has code"


def test_the_training_runs_run(net: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = list(training_runs(net, tmp_path))
    assert sum(code != "" for code, _ in found) > 45
    assert [(code, error) for code, error in found if error] == []


def test_every_section_with_rows_has_a_runner() -> None:
    assert {row.section for row in ROWS} == set(RUNNERS)


def test_the_comparison_notices_a_difference() -> None:
    """Adam with another learning rate, a GRU with its other reset."""
    for section, ours, pytorch in (
        ("Optimizers", "net.Adam(0.1)", "optim.Adam(parameters, lr=0.11)"),
        ("Layers", 'net.GRULayer(H, reset="before")', "nn.GRU(D, H, batch_first=True)"),
    ):
        with pytest.raises((AssertionError, ValueError)):
            test_the_cells_of_a_row_compute_the_same(__import__("numnet"), Row(section, ours, pytorch, ""))
