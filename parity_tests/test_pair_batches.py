"""Pairs as batches: every pair once an epoch, each side padded in its own way, the order from seed and epoch alone."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numnet.data.batches.pairs import PairBatches
from numnet.data.vocabulary import BEGIN, END, PAD, Vocabulary

STEPS = st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=40)
SEED, EPOCH, SIZE = st.integers(0, 2**31), st.integers(0, 9), st.integers(1, 5)
OPTIONS = [{}, {"bucketed": False}, {"shuffle": False}]


def numbered(steps: list[tuple[int, int]], size: int, seed: int = 0, **options: Any) -> PairBatches:
    """Pair k holds k + 1 at every step of either side."""
    one, two = [[np.full(pair[side], k + 1) for k, pair in enumerate(steps)] for side in (0, 1)]
    return PairBatches(one, two, size, seed, **options)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@given(steps=STEPS, size=SIZE, seed=SEED, epoch=EPOCH)
def test_every_pair_once_an_epoch(options: Any, steps: Any, size: int, seed: int, epoch: int) -> None:
    batches = numbered(steps, size, seed, **options)
    drawn = list(batches.epoch(epoch))
    assert len(drawn) == len(batches)
    assert sorted(int(k) - 1 for x, _, _ in drawn for k in x[:, 0]) == list(range(len(steps)))
    for x, y, lengths in drawn:
        due = np.array([steps[k - 1] for k in x[:, 0]])
        assert lengths.tolist() == due[:, 0].tolist()
        assert (x.shape, y.shape) == ((len(due), due[:, 0].max()), (len(due), due[:, 1].max()))
        np.testing.assert_array_equal(x, np.where(np.arange(x.shape[1]) < due[:, :1], x[:, :1], 0))
        np.testing.assert_array_equal(y, np.where(np.arange(y.shape[1]) < due[:, 1:], x[:, :1], PAD))


@given(steps=STEPS, size=SIZE, epoch=EPOCH)
def test_unshuffled_pairs_keep_their_order(steps: Any, size: int, epoch: int) -> None:
    rows = [int(k) for x, _, _ in numbered(steps, size, shuffle=False).epoch(epoch) for k in x[:, 0]]
    assert rows == list(range(1, len(steps) + 1))


def test_an_epoch_hangs_on_its_seed_and_number_alone() -> None:
    def rows(seed: int, number: int) -> str:
        return str([x[:, 0].tolist() for x, _, _ in numbered([(2, 3), (1, 1)] * 9, 3, seed).epoch(number)])

    assert rows(7, 3) == rows(7, 3)
    assert len({rows(seed, number) for seed in (7, 8) for number in range(4)}) == 8


def test_buckets_save_the_padding_of_both_sides() -> None:
    rng = np.random.default_rng(0)
    steps = list(zip(rng.integers(1, 9, 400).tolist(), rng.integers(1, 9, 400).tolist()))

    def filled(**options: Any) -> list[float]:
        drawn = list(numbered(steps, 5, **options).epoch())
        return [np.mean([(side > 0).mean() for side in sides]).item() for sides in list(zip(*drawn))[:2]]

    for bucketed, random in zip(filled(), filled(bucketed=False)):
        assert bucketed > random + 0.15


def test_config_survives_json_and_tells_other_pairs_apart() -> None:
    def config(source: Any = ((1, 2), (3,)), target: Any = ((4, 5), (6,)), **options: Any) -> Any:
        return PairBatches(source, target, 2, **options).config()

    assert json.loads(json.dumps(config())) == config()
    others = [config(((1,), (2, 3))), config(target=((4,), (5, 6))), config(target=((4, 5), (7,))), config(seed=1)]
    assert len({str(each) for each in [config(), *others]}) == 5


@pytest.mark.parametrize(
    ("sources", "targets", "words"),
    [
        ([[1]], [[1], [2]], "PairBatches: there are 2 targets, expected 1, one per source."),
        ([[1], []], [[1], [2]], "PairBatches: sources[1] is empty, expected at least one step. Leave it out."),
        ([[1], [2]], [[], [2]], "PairBatches: targets[0] is empty, expected at least one step. Leave it out."),
        ([[1]], [[0.5]], "PairBatches: targets[0] is (1,) of float64, from 0.5, expected tokens (T,)"),
        ([[1]], [[1, -1]], "PairBatches: targets[0] is (2,) of int64, from -1, expected tokens (T,), whole numbers"),
        ([], [], "PairBatches: there are no sources, expected at least one."),
    ],
)
def test_what_is_refused(sources: Any, targets: Any, words: str) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011
        PairBatches(sources, targets, 2)
    assert str(refused.value).startswith(words)
    with pytest.raises(ValueError, match="PairBatches: batch_size is 0"):
        PairBatches([[1]], [[1]], 0)


def test_a_vocabulary_has_room_for_special_tokens() -> None:
    vocabulary = Vocabulary.from_text("b a b <eos> <eos> <eos> c c c", "word", 2, special=(BEGIN, END))
    assert vocabulary.tokens == ["<unk>", "<bos>", "<eos>", "c", "b"]
    assert vocabulary.encode(f"b a {END}").tolist() == [4, 0, 2]
