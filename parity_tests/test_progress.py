"""What a run says while it trains: one line a report, and a bar that shows how far it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import numnet
from numnet.core.progress import describe, to_stderr
from parity_tests.small import ragged_run


def test_a_report_is_one_line_of_what_there_is_to_say() -> None:
    row = {"step": 7, "epoch": 0.5, "train_loss": 1.25, "validation_loss": 1.5, "perplexity": 4.5,
           "bits_per_character": 2.25, "characters_per_second": 12345.6}  # fmt: skip
    assert describe(row) == (
        "step 7  epoch 0.50  train 1.2500  validation 1.5000  perplexity 4.500  bits 2.250  12,346 characters/s"
    )
    named = {"step": 7, "epoch": 0.5, "train_loss": 1.25, "bits_per_sequence": 2.0, "time_steps_per_second": 1e4}
    assert describe({**row, **named, "characters_per_second": None}).endswith("bits 2.000  10,000 time steps/s")
    nothing = dict.fromkeys(row, None)
    assert describe({**nothing, "step": 1, "epoch": 0.0, "train_loss": 2.0}) == "step 1  epoch 0.00  train 2.0000"


def test_what_is_said_goes_to_standard_error(capsys: Any) -> None:
    to_stderr("a line")
    assert capsys.readouterr() == ("", "a line\n")


def test_a_trainer_shows_how_far_it_is_unless_told_not_to(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    said: list[str] = []

    @contextmanager
    def bar(*arguments: Any) -> Iterator[Any]:
        asked.append(arguments)
        yield lambda trainer: None, said.append

    monkeypatch.setattr("numnet.training.trainer.progress_bar", bar)
    model, batches = ragged_run()
    numnet.Trainer(model, numnet.SGD(0.1), batches).fit(steps=2, seconds=1e9)
    assert (asked, len(said)) == ([(True, 2, 1e9)], 1)
    numnet.Trainer(model, numnet.SGD(0.1), batches, progress=False).fit(steps=2)
    assert (asked[1:], len(said)) == ([(False, 2, None)], 1)
