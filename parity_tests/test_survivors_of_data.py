"""What mutation testing found untested in the data: batches, sequences, texts, and the text that is generated."""

from __future__ import annotations

from pydoc_data.topics import topics

import numpy as np
import pytest

import numnet
from numnet.data.readers.text import default_text
from numnet.models.generate import choose
from parity_tests.small import TOKENS, VOCABULARY, small_model


def test_the_first_seed_is_0() -> None:
    for kind in (numnet.SequentialBatches, numnet.RandomBatches):
        ours = np.array(list(kind(TOKENS, 2, 3).epoch()))
        np.testing.assert_array_equal(ours, list(kind(TOKENS, 2, 3, seed=0).epoch(0)))
    model = small_model(numnet)
    written = numnet.generate(model, VOCABULARY, "a", 30)
    assert written == numnet.generate(model, VOCABULARY, "a", 30, temperature=1.0, top_k=None, seed=0)
    assert written != numnet.generate(model, VOCABULARY, "a", 30, seed=1)


@pytest.mark.parametrize("left_over", range(7))
def test_every_random_batch_is_whole(left_over: int) -> None:
    batches = numnet.RandomBatches(np.arange(1 + 2 * 3 * 4 + left_over), batch_size=2, sequence_length=3)
    for number in range(20):
        shapes = [part.shape for batch in batches.epoch(number) for part in batch]
        assert shapes == [(2, 3)] * 2 * len(batches)


def test_of_equal_logits_the_first_are_kept() -> None:
    rng = np.random.default_rng(0)
    assert {choose(np.tile([0.0, 1.0], 500), rng, top_k=3) for _ in range(50)} == {1, 3, 5}


def test_the_temperature_is_1_where_none_is_given() -> None:
    ours, theirs = np.random.default_rng(0), np.random.default_rng(0)
    logits = np.arange(9.0)
    assert [choose(logits, ours) for _ in range(50)] == [choose(logits, theirs, temperature=1.0) for _ in range(50)]


def test_batches_of_sequences_say_what_they_are_made_of() -> None:
    batches = numnet.SequenceBatches([[1, 2], [3]], [0, 1], batch_size=2, seed=5, bucketed=False)
    found = batches.config()
    assert found.pop("sequences").startswith("2 of checksum ")
    assert found == {"type": "SequenceBatches", "batch_size": 2, "seed": 5, "bucketed": False, "shuffle": True}


def test_the_first_epoch_of_sequences_is_number_0_and_like_lengths_keep_the_order_of_the_shuffle() -> None:
    batches = numnet.SequenceBatches([[k] * (1 + k % 3) for k in range(40)], range(40), 7)
    assert [x.tolist() for x, _, _ in batches.epoch()] == [x.tolist() for x, _, _ in batches.epoch(0)]
    assert [x.tolist() for x, _, _ in batches.epoch()] != [x.tolist() for x, _, _ in batches.epoch(1)]
    mixed = numnet.SequenceBatches([[k] * (1 + k % 3) for k in range(40)], range(40), 7, bucketed=False)
    assert mixed.filled() == mixed.filled(0) != mixed.filled(1)
    alike = numnet.SequenceBatches([[k] * (1 + k % 2) for k in range(900)], range(900), 900, seed=3)
    rows = np.arange(900)
    np.random.default_rng([3, 0]).shuffle(rows)
    assert alike.order(0)[0].tolist() == sorted(rows, key=lambda row: row % 2)


def test_targets_may_be_vectors_a_step() -> None:
    sequences, targets = [np.zeros((2, 4)), np.ones((3, 4))], [np.full((2, 5), 7.0), np.ones((3, 5))]
    (x, y, lengths), = numnet.SequenceBatches(sequences, targets, 2, shuffle=False).epoch()  # fmt: skip
    assert (x.shape, y.shape, lengths.tolist()) == ((2, 3, 4), (2, 3, 5), [2, 3])
    assert y[0].tolist() == [[7.0] * 5, [7.0] * 5, [0.0] * 5]


def test_behind_the_end_of_a_packed_sequence_stands_0() -> None:
    packed = numnet.pack([[1, 2], [3]])
    assert packed.padded().tolist() == [[1, 2], [3, 0]]
    assert numnet.Packed([1, 2, 3], [2, 1]).padded(-1).tolist() == [[1, 2], [3, -1]]
    assert numnet.Packed(np.zeros((0, 4)), np.zeros(0, int)).padded().shape == (0, 0, 4)


def test_tokens_are_numbers_of_64_bits() -> None:
    assert VOCABULARY.encode("abc").dtype == VOCABULARY.encode("").dtype == np.int64


@pytest.mark.parametrize(("unit", "text"), [("character", "a cab  is a"), ("word", "a cab is a")])
def test_a_text_is_what_its_numbers_say(unit: str, text: str) -> None:
    vocabulary = numnet.Vocabulary.from_text(text, unit)
    assert vocabulary.decode(vocabulary.encode(text)) == text


def test_a_text_of_batches_is_part_of_their_config() -> None:
    found = [kind(TOKENS, 2, 3, seed=4).config() for kind in (numnet.SequentialBatches, numnet.RandomBatches)]
    texts = [config.pop("tokens") for config in found]
    assert texts[0] == texts[1]
    assert texts[0].startswith(f"{len(TOKENS)} of checksum ")
    assert [config.pop("type") for config in found] == ["SequentialBatches", "RandomBatches"]
    assert found == [{"batch_size": 2, "sequence_length": 3, "seed": 4}] * 2


def test_the_default_text_is_pythons_own_help() -> None:
    assert default_text() == "\n\n".join(topics[name] for name in sorted(topics))
