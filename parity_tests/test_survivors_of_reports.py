"""What mutation testing found untested in what a run says: a line, a picture, what is wrong."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib import figure

import numnet
from numnet.core.progress import describe, to_stderr
from numnet.training.history import perplexity
from numnet.training.trainer import first_nonfinite


def test_a_report_is_one_line_of_what_there_is_to_say() -> None:
    row = {"step": 7, "epoch": 0.5, "train_loss": 1.25, "validation_loss": 1.5, "perplexity": 4.5,
           "bits_per_character": 2.25, "characters_per_second": 12345.6}  # fmt: skip
    assert describe(row) == (
        "step 7  epoch 0.50  train 1.2500  validation 1.5000  perplexity 4.500  bits 2.250  12,346 characters/s"
    )
    assert describe(row, "word").endswith("12,346 words/s")
    nothing = dict.fromkeys(row, None)
    assert describe({**nothing, "step": 1, "epoch": 0.0, "train_loss": 2.0}) == "step 1  epoch 0.00  train 2.0000"


def test_what_is_said_goes_to_standard_error(capsys: Any) -> None:
    to_stderr("a line")
    assert capsys.readouterr() == ("", "a line\n")


@pytest.mark.parametrize("what", ["params", "grads"])
def test_the_first_number_that_is_none_is_named(what: str) -> None:
    model = numnet.RNNModel([numnet.Dense(2)], numnet.MeanSquaredError(), input_size=3)
    assert first_nonfinite(model) == "Every parameter and gradient is finite."
    getattr(model, what)["layers.0.b"][1] = np.inf
    said = {"params": "the parameter layers.0.b is not finite.", "grads": "the gradient of layers.0.b is not finite."}
    assert first_nonfinite(model) == said[what]


def test_a_picture_has_the_numbers_of_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Any] = []
    monkeypatch.setattr(figure.Figure, "savefig", lambda self, *_, **__: drawn.append(self.axes[0]))
    history = numnet.History([3.0])
    history.add(2.5, step=1)
    history.losses += [2.0, 4.0, 1.0]
    history.add(1.5, step=4)
    for _ in range(2):
        history.plot(tmp_path / "new" / "deep" / "loss.png")
    every, means, validation = ([line.get_xdata().tolist(), line.get_ydata().tolist()] for line in drawn[1].lines)
    assert every == [[1, 2, 3, 4], [3, 2, 4, 1]]
    assert means == [[0.5, 2.5], [3.0, 7 / 3]]
    assert validation == [[1, 4], [2.5, 1.5]]
    assert drawn[1].get_title() == ""
    history.rows[0]["validation_loss"] = history.rows[1]["validation_loss"] = None
    history.plot(tmp_path / "loss.png", "a title")
    assert (len(drawn[2].lines), drawn[2].get_title()) == (2, "a title")


def test_a_row_without_steps_of_its_own_has_the_last_loss_and_too_large_a_loss_no_finite_perplexity() -> None:
    history = numnet.History([3.0, 2.0, 1.5])
    assert [history.add(None, step=step)["train_loss"] for step in (7, 9)] == [6.5 / 3, 1.5]
    assert [perplexity(loss) for loss in (1.0, 699.5, 700.0, 700.5)] == [math.e, math.exp(699.5), math.inf, math.inf]
