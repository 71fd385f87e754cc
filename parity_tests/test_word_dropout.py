"""Hidden words: as many as asked, anew each epoch, the same for a seed; everything else in a batch stays."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch

import numnet
from numnet.data import SequenceBatches, WordDropout

WORDS = [np.arange(10 * k + 1, 10 * k + 2 + k % 9) for k in range(60)]
LABELS = np.arange(60) % 3


def plain() -> SequenceBatches:
    return SequenceBatches(WORDS, LABELS, 7, seed=3)


def hidden(batches: WordDropout, epoch: int = 0) -> list[Any]:
    """Of each batch, where a word is hidden."""
    found = []
    for (x, y, lengths), (whole, *others) in zip(batches.epoch(epoch), plain().epoch(epoch), strict=True):
        np.testing.assert_array_equal(x[x != batches.unknown], whole[x != batches.unknown])
        for ours, theirs in zip((y, lengths), others):
            np.testing.assert_array_equal(ours, theirs)
        assert x.dtype == whole.dtype
        found.append((x != whole).tolist())
    return found


@pytest.mark.parametrize("p", [0.0, 0.1, 0.5])
def test_so_many_are_hidden_and_nothing_else_changes(p: float) -> None:
    batches = WordDropout(plain(), p)
    assert (len(batches), batches.carries_state) == (len(plain()), False)
    shown = [place for k in range(20) for batch in hidden(batches, k) for row in batch for place in row]
    real = 20 * sum(map(len, WORDS))
    assert abs(sum(shown) / real - p) < 4 * (p * (1 - p) / real) ** 0.5 + 1e-12


def test_which_ones_hangs_on_the_seed_and_the_epoch_alone() -> None:
    one = WordDropout(plain(), 0.5, seed=1)
    kept = [hidden(one, k) for k in (2, 0, 2)]
    assert kept == [hidden(WordDropout(plain(), 0.5, seed=1), k) for k in (2, 0, 2)]
    assert hidden(WordDropout(plain(), 0.5)) == hidden(WordDropout(plain(), 0.5, seed=0), 0) != kept[1]


def test_another_token_may_stand_for_the_unknown() -> None:
    batches = WordDropout(plain(), 0.5, unknown=700)
    hidden(batches)
    assert any((x == 700).any() for x, _, _ in batches.epoch())


def test_a_run_says_what_it_hid() -> None:
    configs = [WordDropout(plain(), *given).config() for given in ((0.1, 0), (0.2, 0), (0.1, 1), (0.1, 0, 5))]
    assert len({json.dumps(config) for config in configs}) == 4
    expected = {"type": "WordDropout", "p": 0.1, "seed": 0, "unknown": 0, "column": None}
    assert configs[0] == expected | {"batches": plain().config()}
    assert WordDropout(plain()).config() == configs[0]


def test_a_text_s_windows_are_batches_too() -> None:
    text = numnet.SequentialBatches(np.arange(1, 100), 3, 4)
    batches = WordDropout(text, 0.5)
    assert batches.carries_state
    for (x, y), (whole, target) in zip(batches.epoch(), text.epoch(), strict=True):
        assert ((x == whole) | (x == 0)).all()
        np.testing.assert_array_equal(y, target)


def test_of_rows_of_tokens_one_column_alone_is_hidden() -> None:
    rows = SequenceBatches([np.stack([row, row, row], axis=1) for row in WORDS], LABELS, 7, seed=3)
    words = WordDropout(plain(), 0.3, seed=1)
    for (x, *_), (one, *_), (whole, *_) in zip(
        WordDropout(rows, 0.3, seed=1, column=1).epoch(4), words.epoch(4), plain().epoch(4), strict=True
    ):
        np.testing.assert_array_equal(x, np.stack([whole, one, whole], axis=2))
        assert (one != whole).any()


def test_what_is_refused() -> None:
    with pytest.raises(ValueError, match=r"WordDropout: p is 1.0, expected"):
        WordDropout(plain(), 1.0)
    numbers = SequenceBatches([np.zeros(3)], [0], 1)
    with pytest.raises(TypeError, match=r"WordDropout: x is float64, expected tokens. For numbers use a Dropout layer"):
        list(WordDropout(numbers).epoch())
    rows = SequenceBatches([np.ones((3, 2), int)], [0], 1)
    with pytest.raises(ValueError, match=r"x is \(1, 3, 2\), expected tokens \(batch, time\). Rows of tokens\? Give"):
        list(WordDropout(rows).epoch())
    with pytest.raises(ValueError, match=r"x is \(7, \d+\), expected tokens \(batch, time, columns\). Words only\?"):
        list(WordDropout(plain(), column=0).epoch())


class Own:
    """Batches of a user's own, without a config."""

    carries_state = False

    def __init__(self, *batches: Any) -> None:
        self.batches = batches

    def epoch(self, number: int) -> Any:
        return iter(self.batches)


def test_batches_of_another_kind() -> None:
    tokens = [[1, 2], [3, 4]]
    for x in (tokens, np.array(tokens, np.uint8), torch.tensor(tokens)):
        ((found, y),) = WordDropout(Own((x, 5)), 0.0).epoch()
        assert (found.tolist(), y) == (tokens, 5)
    for batches in (None, [([1], [2])], SequenceBatches):
        with pytest.raises(TypeError, match=r"WordDropout: batches is .*, expected batches such as SequenceBatches"):
            WordDropout(batches)
    for batch in (np.ones((2, 3), int), 5, None):
        with pytest.raises(TypeError, match=r"WordDropout: a batch is .*, expected a tuple \(x, target, \.\.\.\)"):
            list(WordDropout(Own(batch)).epoch())
    with pytest.raises(TypeError, match="WordDropout: x is None, expected tokens"):
        list(WordDropout(Own((None, 1))).epoch())
    for options in ({"seed": -1}, {"unknown": -1}):
        with pytest.raises(ValueError, match=r"WordDropout: \w+ is -1, expected a whole number, 0 or more"):
            WordDropout(plain(), **options)
