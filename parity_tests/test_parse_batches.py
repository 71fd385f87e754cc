"""Parses as batches: every row once an epoch, pairs in two halves; what a Trainer and WordDropout do with them."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import numnet
from numnet.data import EncodedParse, ParseBatch, ParseBatches, Transitions, Vocabulary, WordDropout, pad_parses
from numnet.data.transitions import moves_of
from numnet.training.diagnosis import remedy
from numnet.training.inputs import Cutting, as_batches, without_targets
from numnet.training.units import steps_of, target_of, token_of

SIZES = st.lists(st.integers(1, 7), min_size=1, max_size=30)
SEED, EPOCH, SIZE = st.integers(0, 2**31), st.integers(0, 9), st.integers(1, 5)


def parse_of(number: int, N: int, seed: int = 0) -> EncodedParse:
    """A random tree of N words, each of which is the number."""
    return EncodedParse(np.full(N, number), np.array(moves_of([str(number)] * N, "random", seed)))


def numbered(sizes: list[int], seed: int = 0) -> list[EncodedParse]:
    """Parse k has k + 1 at every word."""
    return [parse_of(k + 1, N, seed + k) for k, N in enumerate(sizes)]


@pytest.mark.parametrize("options", [{}, {"bucketed": False}, {"shuffle": False}], ids=str)
@given(sizes=SIZES, size=SIZE, seed=SEED, epoch=EPOCH)
def test_every_row_once_an_epoch_and_none_alone(options: Any, sizes: Any, size: int, seed: int, epoch: int) -> None:
    parses, classes = numbered(sizes), np.arange(len(sizes))
    for rows in (parses, [(parse, parse_of(100 + k, 3)) for k, parse in enumerate(parses)]):
        batches = ParseBatches(rows, classes, size, seed, **options)
        drawn = list(batches.epoch(epoch))
        assert len(drawn) == len(batches)
        assert sorted(k for _, y in drawn for k in y) == classes.tolist()
        assert size == 1 or len(drawn) == 1 or min(len(y) for _, y in drawn) > 1
        for x, y in drawn:
            found, B = x.parses(), len(y)
            assert len(found) == B * batches.sides
            for k, label in enumerate(y):
                np.testing.assert_array_equal(found[k].words, parses[label].words)
                np.testing.assert_array_equal(found[k].moves, parses[label].moves)
                assert not batches.pairs or found[B + k].words.tolist() == [100 + label] * 3
        if not options.get("shuffle", True):
            assert [k for _, y in drawn for k in y] == classes.tolist()


@given(sizes=SIZES, size=SIZE, epoch=EPOCH)
def test_targets_of_nodes_are_padded_with_minus_one(sizes: Any, size: int, epoch: int) -> None:
    targets = [np.arange(2 * N - 1) + 10 * k for k, N in enumerate(sizes)]
    for x, y in ParseBatches(numbered(sizes), targets, size).epoch(epoch):
        assert y.shape == x.transitions.shape
        for row, parse in zip(y, x.parses()):
            np.testing.assert_array_equal(row[: len(parse.moves)], targets[parse.words[0] - 1])
            assert (row[len(parse.moves) :] == -1).all()


def test_an_encoded_parse_is_a_row_of_pad_parses() -> None:
    sentences = [
        Transitions.parse("( ( the cat ) sleeps )"),
        Transitions.parse("( dogs bark )"),
        Transitions(("a",), (0,)),
    ]
    words = Vocabulary.from_tokens(word for sentence in sentences for word in sentence.words)
    batch = pad_parses(sentences, words)
    for parse, sentence in zip(batch.parses(), sentences):
        assert words.decode(parse.words) == " ".join(sentence.words)
        assert tuple(parse.moves) == sentence.moves
        assert [part.tolist() for part in sentence.encode(words)] == [part.tolist() for part in parse]
    [(x, _)] = ParseBatches(batch.parses(), [0, 1, 2], 3, shuffle=False).epoch()
    for ours, theirs in zip(x, batch):
        np.testing.assert_array_equal(ours, theirs)
    assert ParseBatch(batch.words, np.zeros(3, int), batch.transitions).parses()[0].moves.size == 0


def test_vectors_may_be_words() -> None:
    parses = [EncodedParse(np.ones((N, 2), np.float32) * N, parse.moves) for N, parse in zip((1, 3), numbered([1, 3]))]
    [(x, _)] = ParseBatches(parses, [0, 1], 2, shuffle=False).epoch()
    assert (x.words.shape, x.words.dtype, x.words[0, 1:].any()) == ((2, 3, 2), np.float32, False)


def test_config_tells_other_data_apart() -> None:
    def config(sizes: Any = (2, 3), targets: Any = (0, 1), seed: int = 0, **options: Any) -> Any:
        return ParseBatches(numbered(sizes, seed), targets, 2, **options).config()

    assert json.loads(json.dumps(config())) == config()
    pairs = ParseBatches(list(zip(numbered([2]), numbered([3]))), [0], 2).config()
    others = [
        config((3, 2)),
        config(targets=(1, 1)),
        config((2, 4)),
        config((2, 8)),
        config((2, 8), seed=5),
        config(shuffle=False),
        pairs,
    ]
    assert len({str(each) for each in [config(), *others]}) == 8
    assert ParseBatches([(parse_of(1, 4), parse_of(2, 2))], [0], 2).filled() == 0.75


def test_buckets_have_sentences_of_similar_lengths() -> None:
    sizes = np.random.default_rng(0).integers(1, 30, 400).tolist()
    filled = [ParseBatches(numbered(sizes), sizes, 8, bucketed=bucketed).filled() for bucketed in (True, False)]
    assert filled[0] > 0.95 > 0.7 > filled[1]


def test_words_are_dropped_and_the_parse_is_kept() -> None:
    batches = ParseBatches(numbered([5] * 300), [0] * 300, 50)
    for (x, y), (whole, same) in zip(WordDropout(batches, 0.2).epoch(1), batches.epoch(1), strict=True):
        assert ((x.words == 0) | (x.words == whole.words)).all()
        assert 0.1 < (x.words == 0).mean() < 0.3
        for ours, theirs in ((y, same), (x.transitions, whole.transitions), (x.lengths, whole.lengths)):
            np.testing.assert_array_equal(ours, theirs)
        assert isinstance(x, ParseBatch)


def test_a_parse_batch_and_its_targets_are_cut_into_batches() -> None:
    x = ParseBatches(numbered([3, 1, 2, 4]), [0] * 4, 4, shuffle=False)
    [(batch, _)] = x.epoch()
    cutting = Cutting(2, False, None)
    one = as_batches("Trainer", "batches", (batch, np.arange(4)), cutting)
    assert [y.tolist() for _, y in one.epoch()] == [[0, 1], [2, 3]]
    pairs = as_batches("Trainer", "batches", (batch, np.arange(2)), cutting)
    [(found, y)] = pairs.epoch()
    assert (pairs.pairs, y.tolist(), found.words[:, 0].tolist()) == (True, [0, 1], [1, 2, 3, 4])
    nodes = np.where(batch.transitions == 2, -1, 7)
    for part, y in as_batches("Trainer", "batches", (batch, nodes), cutting).epoch():
        np.testing.assert_array_equal(y, np.where(part.transitions == 2, -1, 7))
    for data in (batch, [batch, batch], (batch, None)):
        found = without_targets("Trainer.predict", data, None, Cutting(None, False))
        assert len(found) == (2 if isinstance(data, list) else 1)


def test_what_a_run_counts() -> None:
    batches = ParseBatches(numbered([3, 1]), [0, 1], 2, shuffle=False)
    [(x, y)] = batches.epoch()
    loss = numnet.SoftmaxCrossEntropy()
    assert (token_of(None, batches), steps_of(x, None)) == ("token", 4)
    found = [target_of(x, target, loss, "word") for target in (y, y[:1], x.transitions)]
    assert found == ["sentence", "pair", "node"]
    vectors = x._replace(words=np.full((2, 3, 1), np.nan))
    assert remedy(None, 0, vectors, y).startswith("x[0, 0, 0] is nan")


Wrong: Any = EncodedParse  # of values that are no arrays of a parse
WRONG: list[Any] = [
    ([], [], "ParseBatches: there are no parses, expected at least one."),
    ([parse_of(1, 2)], [0, 1], "ParseBatches: there are 2 targets, expected 1, one per sentence."),
    ([(parse_of(1, 2),) * 2], [0, 1], "ParseBatches: there are 2 targets, expected 1, one per pair."),
    ([[1, 2]], [0], r"ParseBatches: parses\[0\]\[0\] is int, expected an EncodedParse, such as Transitions.parse"),
    ([3], [0], r"ParseBatches: parses\[0\] is int, expected an EncodedParse, .*, or a pair of them"),
    ([parse_of(1, 2), None], [0, 1], r"ParseBatches: parses\[1\] is None, expected an EncodedParse"),
    ([(parse_of(1, 2),) * 2, parse_of(1, 2)], [0, 1], r"parses\[1\] is EncodedParse, expected .*, or a pair of them"),
    (
        [Wrong([1, 2], [0, 0])],
        [0],
        r"parses\[0\].moves is \(2,\), expected \(3,\). A tree of N words has 2N - 1",
    ),
    ([Wrong([1, 2], [0, 1, 0])], [0], r"parses\[0\].moves\[1\] is REDUCE with 1 on the stack and 1 word left"),
    ([Wrong([1, 2], [0.0, 0, 1])], [0], r"parses\[0\].moves is float64, expected integers: 0 \(SHIFT\), 1"),
    ([Wrong([], [])], [0], r"parses\[0\].words is \(0,\), expected at least one word. Leave it out."),
    ([parse_of(1, 1), Wrong([[1.0]], [0])], [0, 1], r"parses\[1\].words is \(1, 1\), expected \(1,\)"),
    (
        [parse_of(1, 3)],
        [[1, 2]],
        r"targets\[0\] is \(2,\), expected \(5,\). Give one target per node for every sentence",
    ),
    (
        [(parse_of(1, 2),) * 2],
        [[1, 2, 3]],
        r"targets\[0\] is \(3,\), expected one number for each pair: a pair has two",
    ),
]


@pytest.mark.parametrize(("parses", "targets", "message"), WRONG)
def test_what_is_refused(parses: Any, targets: Any, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        ParseBatches(parses, targets, 2)


def test_a_parse_batch_needs_its_targets_once() -> None:
    [(x, y)] = ParseBatches(numbered([3, 1, 2]), [0, 1, 2], 3).epoch()
    cutting = Cutting(None, False, None)
    wrong = [
        (x, "batches is a ParseBatch, expected \\(x, y\\) or \\(x, y, lengths\\). Give x its targets"),
        ([x], "batches is list, expected arrays"),
        ((x, y[:2]), "y of batches has 2 rows, expected 3, one for each sentence."),
        (
            (x._replace(**{n: v[:2] for n, v in x._asdict().items()}), y),
            "y of batches has 3 rows, expected 2, one for each sentence, or 1, one for each pair",
        ),
        ((x, y, x.lengths), "batches has lengths beside a ParseBatch, which has its own"),
    ]
    for data, message in wrong:
        with pytest.raises((TypeError, ValueError), match=f"Trainer: {message}"):
            as_batches("Trainer", "batches", data, cutting)
    with pytest.raises(TypeError, match="lengths are given and data is a ParseBatch"):
        without_targets("Trainer.predict", x, x.lengths, cutting)
