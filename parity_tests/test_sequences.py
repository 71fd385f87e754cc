"""Padding and packing lose nothing and move nothing; every sequence once an epoch; bad lengths refused in words."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import numnet
from numnet.core.lengths import as_mask, check_lengths
from numnet.core.packed import Packed, pack, pad_sequences, to_padded, unpack
from numnet.data.batches.sequences import POOL, SequenceBatches

LENGTHS = st.lists(st.integers(0, 6), min_size=1, max_size=6)
WIDTH = st.sampled_from([(), (1,), (3,), (2, 3)])
SEED, EPOCH, SIZE = st.integers(0, 2**31), st.integers(0, 9), st.integers(1, 5)
GIVEN: dict[str, Callable[[Any], Any]] = {"list": np.ndarray.tolist, "numpy": np.asarray, "torch": torch.tensor}


def ragged(lengths: list[int], width: tuple[int, ...], seed: int, dtype: str = "float64") -> list[Any]:
    """One array a length, of numbers that are never 0."""
    rng = np.random.default_rng(seed)
    return [rng.integers(1, 100, (length, *width)).astype(dtype) for length in lengths]


def same(ours: Any, theirs: Any) -> None:
    """Sequence by sequence: shapes, dtypes, values."""
    __tracebackhide__ = True
    assert len(ours) == len(theirs)
    for k, (our, their) in enumerate(zip(ours, theirs)):
        assert our.dtype == their.dtype, k
        np.testing.assert_array_equal(our, their, err_msg=str(k), strict=True)


@pytest.mark.parametrize("dtype", ["int64", "float32", "float64"])
@given(lengths=LENGTHS, width=WIDTH, seed=SEED)
def test_what_is_packed_comes_out_as_it_went_in(dtype: str, lengths: list[int], width: Any, seed: int) -> None:
    sequences = ragged(lengths, width, seed, dtype)
    packed = pack(sequences)
    assert (len(packed), packed.values.shape) == (len(lengths), (sum(lengths), *width))
    same(unpack(packed), sequences)
    same(unpack(*pad_sequences(sequences)), sequences)
    same(packed.like(2 * packed.values).sequences(), [2 * sequence for sequence in sequences])


@given(lengths=LENGTHS, width=WIDTH, seed=SEED, value=st.sampled_from([0, -7]))
def test_each_step_has_its_place_and_padding_the_rest(lengths: list[int], width: Any, seed: int, value: int) -> None:
    sequences = ragged(lengths, width, seed)
    padded, found = pad_sequences(sequences, value)
    assert (found.tolist(), found.dtype, padded.shape) == (lengths, np.int64, (len(lengths), max(lengths), *width))
    for row, sequence in zip(padded, sequences):
        assert (row[: len(sequence)] == sequence).all()
        assert (row[len(sequence) :] == value).all()
    packed = pack(sequences)
    same([packed.padded(value), packed.padded(value)[packed.places]], [padded, packed.values])
    beyond = Packed.from_padded(np.pad(padded, [(0, 0), (0, 2)] + [(0, 0)] * len(width)), lengths)
    same([beyond.padded(value), beyond.lengths], [padded, found])


@pytest.mark.parametrize("given_as", GIVEN)
@given(lengths=LENGTHS.filter(any), width=WIDTH, seed=SEED)
def test_lists_arrays_and_tensors_are_taken_alike(given_as: str, lengths: list[int], width: Any, seed: int) -> None:
    """An empty list has neither width nor dtype, and takes them from the others."""
    for dtype in ("int64", "float64"):
        sequences = ragged(lengths, width, seed, dtype)
        same(pad_sequences([GIVEN[given_as](sequence) for sequence in sequences]), pad_sequences(sequences))


def test_sequences_share_one_dtype() -> None:
    narrow, single, double = np.ones(2, np.int16), np.ones(1, np.float32), np.ones(3)
    dtypes: dict[str, list[Any]] = {
        "int64": [narrow],
        "float32": [single, single, []],
        "float64": [single, [], double, narrow],
    }
    assert {name: str(pad_sequences(sequences)[0].dtype) for name, sequences in dtypes.items()} == {
        k: k for k in dtypes
    }
    assert pad_sequences([[], []])[0].shape == (2, 0)


@given(lengths=LENGTHS, width=WIDTH, seed=SEED)
def test_tensors_stay_tensors_and_gradients_find_their_step(lengths: list[int], width: Any, seed: int) -> None:
    packed = pack(ragged(lengths, width, seed))
    values = torch.tensor(packed.values, requires_grad=True)
    clone = packed.like(values)
    same([clone.padded(3).detach().numpy()], [packed.padded(3)])
    upstream = torch.randn(clone.padded().shape, dtype=values.dtype, generator=torch.Generator().manual_seed(seed))
    (clone.padded() * upstream).sum().backward()
    assert values.grad is not None
    same([values.grad.numpy()], [upstream.numpy()[packed.places]])
    back = Packed.from_padded(clone.padded(), torch.tensor(lengths))
    same([sequence.detach().numpy() for sequence in unpack(back)], packed.sequences())
    (gradient,) = torch.autograd.grad(back.values.square().sum(), values)
    same([gradient.numpy()], [2 * packed.values])


@pytest.mark.parametrize("given_as", GIVEN)
@given(lengths=LENGTHS, more=st.integers(1, 2))
def test_a_mask_from_lengths_or_as_it_is(given_as: str, lengths: list[int], more: int) -> None:
    B, T, give = len(lengths), max(lengths) + more, GIVEN[given_as]
    mask = np.array([[t < length for t in range(T)] for length in lengths])
    for found in (lengths, np.array(lengths, np.uint8), mask):
        same([as_mask("LSTMLayer", give(np.asarray(found)), B, T)], [mask])
    same([as_mask("LSTMLayer", give(~mask), B, T)], [~mask])
    same([check_lengths("LSTMLayer", give(np.array(lengths, np.uint8)), B, T)], [np.array(lengths)])
    assert as_mask("LSTMLayer", None, B, T) is None


def test_a_layer_opens_what_is_packed() -> None:
    packed = pack(ragged([2, 0, 3], (4,), 0))
    same(to_padded(packed), (packed.padded(), packed.lengths))
    assert to_padded("x", "lengths") == ("x", "lengths")


def numbered(lengths: list[int], batch_size: int, seed: int = 0, **options: Any) -> SequenceBatches:
    """Sequence k holds k + 1 at every step, and its targets are the negatives."""
    sequences = [np.full(length, k + 1) for k, length in enumerate(lengths)]
    return SequenceBatches(sequences, [-sequence for sequence in sequences], batch_size, seed, **options)


def rows_of(batches: SequenceBatches, epoch: int) -> list[list[int]]:
    """Which sequences stand in each batch."""
    return [(x[:, 0] - 1).tolist() for x, _, _ in batches.epoch(epoch)]


STEPS = st.lists(st.integers(1, 9), min_size=1, max_size=40)
OPTIONS = [{}, {"bucketed": False}, {"shuffle": False}]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@given(lengths=STEPS, size=SIZE, seed=SEED, epoch=EPOCH)
def test_every_sequence_once_an_epoch(options: Any, lengths: list[int], size: int, seed: int, epoch: int) -> None:
    batches = numbered(lengths, size, seed, **options)
    drawn = list(batches.epoch(epoch))
    assert len(drawn) == len(batches)
    assert sorted(len(x) for x, _, _ in drawn)[1:] == [size] * (len(drawn) - 1)
    assert sorted(row for rows in rows_of(batches, epoch) for row in rows) == list(range(len(lengths)))
    for x, y, found in drawn:
        assert found.tolist() == (x > 0).sum(axis=1).tolist() == [lengths[row - 1] for row in x[:, 0]]
        assert (x.shape[1], x.dtype) == (found.max(), np.int64)
        same([x], [np.where(np.arange(x.shape[1]) < found[:, None], x[:, :1], 0)])
        same([y], [-x])
    places = sum(x.size for x, _, _ in drawn)
    assert batches.filled(epoch) == pytest.approx(sum(lengths) / places)


@given(lengths=STEPS, size=SIZE, width=WIDTH, seed=SEED)
def test_one_number_a_sequence(lengths: list[int], size: int, width: Any, seed: int) -> None:
    sequences = ragged(lengths, width, seed, "float32")
    for labels in (np.arange(len(lengths)), list(range(len(lengths))), torch.arange(len(lengths))):
        for x, y, found in SequenceBatches(sequences, labels, size, seed).epoch():
            assert (y.shape, y.dtype) == (found.shape, np.int64)
            same([x], [pad_sequences([sequences[k] for k in y])[0]])


@given(lengths=STEPS, size=SIZE, epoch=EPOCH)
def test_unshuffled_batches_keep_the_order(lengths: list[int], size: int, epoch: int) -> None:
    rows = rows_of(numbered(lengths, size, shuffle=False), epoch)
    assert [row for batch in rows for row in batch] == list(range(len(lengths)))


@pytest.mark.parametrize("bucketed", [True, False])
def test_an_epoch_hangs_on_its_seed_and_number_alone(bucketed: bool) -> None:
    def epoch(seed: int, number: int) -> list[list[int]]:
        return rows_of(numbered([3, 1, 2] * 6, 2, seed, bucketed=bucketed), number)

    one = numbered([3, 1, 2] * 6, 2, 7, bucketed=bucketed)
    assert [rows_of(one, k) for k in (3, 0, 3)] == [epoch(7, 3), epoch(7, 0), epoch(7, 3)]
    assert len({str(epoch(seed, k)) for seed in (7, 8) for k in range(5)}) == 10


@given(batches=st.integers(2, POOL), size=SIZE, seed=SEED, epoch=EPOCH)
def test_a_bucketed_batch_holds_like_lengths(batches: int, size: int, seed: int, epoch: int) -> None:
    """Within a pool no batch reaches into another's lengths, so with full batches none are filled better."""
    lengths = np.random.default_rng(seed).integers(1, 30, batches * size).tolist()
    bucketed = numbered(lengths, size, seed)
    spans = sorted((found.min(), found.max()) for _, _, found in bucketed.epoch(epoch))
    assert all(longest <= shortest for (_, longest), (shortest, _) in pairwise(spans))
    assert bucketed.filled(epoch) >= numbered(lengths, size, seed, bucketed=False).filled(epoch)


def test_buckets_save_most_of_the_padding_and_still_mix() -> None:
    lengths = (1 + np.random.default_rng(0).permutation(2 * POOL * 4)).tolist()
    bucketed, random = (numbered(lengths, 4, bucketed=bucketed) for bucketed in (True, False))
    assert bucketed.filled() > 0.95
    assert random.filled() < 0.65
    first, second = ({tuple(sorted(rows)) for rows in rows_of(bucketed, epoch)} for epoch in (0, 1))
    assert len(first & second) < 10  # of 100; sorted all together, every batch would come again in every epoch
    longest = [max(lengths[row] for row in rows) for rows in rows_of(bucketed, 0)]
    assert abs(np.corrcoef(np.arange(len(longest)) % POOL, longest)[0, 1]) < 0.3  # short ones do not come first


def test_config_survives_json_and_tells_other_sequences_apart() -> None:
    def config(first: Any = (1, 2), second: Any = (3,), label: int = 1, **options: Any) -> dict[str, Any]:
        return SequenceBatches([first, second], [0, label], 2, **options).config()

    assert json.loads(json.dumps(config())) == config()
    others = [config(first=(1, 9)), config(first=(1,), second=(2, 3)), config(label=2)]
    options = [config(seed=1), config(bucketed=False), config(shuffle=False)]
    assert len({str(each) for each in [config(), *others, *options]}) == 7


Bad = Callable[[Callable[[Any], Any]], Any]  # called with what makes an array, or a tensor
WRONG: list[tuple[type[Exception], str, Bad]] = [
    (ValueError, "LSTMLayer: lengths[2] is 9, expected 0 to 7 (T = 7).",
     lambda give: as_mask("LSTMLayer", give([7, 0, 9]), 3, 7)),
    (ValueError, "GRULayer: lengths[1] is -1, expected 0 to 7 (T = 7).",
     lambda give: check_lengths("GRULayer", give([7, -1]), 2, 7)),
    (ValueError, "LSTMLayer: lengths[0] is 2.5 (float32), expected whole numbers.",
     lambda give: as_mask("LSTMLayer", give(np.array([2.5, 1], np.float32)), 2, 7)),
    (ValueError, "lengths[0] is 2.0 (float64), expected whole numbers.",
     lambda give: as_mask("LSTMLayer", give([2.0, 1.0]), 2, 7)),
    (ValueError, "lengths[0] is True (bool), expected whole numbers.",
     lambda give: check_lengths("LSTMLayer", give([True, False]), 2, 7)),
    (ValueError, "LSTMLayer: lengths is (2,), expected (3,).", lambda give: as_mask("LSTMLayer", give([7, 2]), 3, 7)),
    (ValueError, "LSTMLayer: lengths is (), expected (3,).", lambda give: as_mask("LSTMLayer", give(7), 3, 7)),
    (ValueError, "LSTMLayer: mask is (1, 2), expected (1, 3).",
     lambda give: as_mask("LSTMLayer", give([[True, False]]), 1, 3)),
    (ValueError, "LSTMLayer: mask is (2,), expected (2, 3).",
     lambda give: as_mask("LSTMLayer", give([True, False]), 2, 3)),
    (ValueError, "pad_sequences: sequences[2] is (1, 2), expected (1, 3). It must be as wide as sequences[1].",
     lambda give: pad_sequences([[], give(np.ones((2, 3))), give(np.ones((1, 2)))])),
    (ValueError, "pack: sequences[1] is (4, 1), expected (4,).",
     lambda give: pack([give([1]), give(np.ones((4, 1)))])),
    (ValueError, "pack: sequences[1] is a single number, expected (time,)", lambda give: pack([give([1]), give(2)])),
    (TypeError, "pad_sequences: sequences[0] is complex128, expected numbers.",
     lambda give: pad_sequences([give(np.ones(2, complex))])),
    (ValueError, "pad_sequences: there are no sequences, expected at least one.", lambda give: pad_sequences([])),
    (TypeError, "pack: sequences[1] is <U3, expected numbers. Encode text with Vocabulary.encode.",
     lambda give: pack([give([1]), ["the", "cat"]])),
    (ValueError, "pack: sequences[0] is ragged, expected (time,)", lambda give: pack([[[1, 2], [3]]])),
    (ValueError, "pad_sequences: value is 1.5, expected a whole number from",
     lambda give: pad_sequences([give([7]), give([8, 9])], 1.5)),
    (ValueError, "pad_sequences: value is inf, expected a whole number",
     lambda give: pad_sequences([give([7])], float("inf"))),
    (ValueError, "pad_sequences: value is 18446744073709551616, expected a whole number",
     lambda give: pad_sequences([give([7])], 2**64)),
    (ValueError, "pad_sequences: value is 3, expected a whole number from 0 to 1, which bool can hold.",
     lambda give: pad_sequences([give([True])], 3)),
    (ValueError, "pad_sequences: value is 1e+39, expected -3.4e+38 to 3.4e+38, nan or inf, which float32 can hold. "
     "Convert the sequences to another dtype first.",
     lambda give: pad_sequences([give(np.ones(2, np.float32))], 1e39)),
    (TypeError, "pad_sequences: value is a str, expected one number.", lambda give: pad_sequences([give([7])], "0")),
    (TypeError, "pad_sequences: value is (2,), expected one number.",
     lambda give: pad_sequences([give([7])], give([0, 0]))),
    (TypeError, "pad_sequences: sequences is a str, expected a list of sequences.",
     lambda give: pad_sequences("words")),
    (TypeError, "pack: sequences[1] is None, expected (time,)", lambda give: pack([give([1]), None])),
    (TypeError, "pack: sequences[0] is object, expected numbers. Does it contain a None?",
     lambda give: pack([[3, None], give([1])])),
    (ValueError, "pad_sequences: sequences[0] is a single number, expected (time,) or (time, features). One sequence? "
     "Pass [sequence].", lambda give: pad_sequences(give([4, 5]))),
    (TypeError, "Packed: lengths is None, expected whole numbers (batch,).", lambda give: Packed(give([1.0]), None)),
    (ValueError, "Packed: lengths[0] is 1.5 (float64), expected whole numbers.",
     lambda give: Packed(np.ones(3), give([1.5, 1.5]))),
    (TypeError, "Packed: lengths is text, expected real numbers.", lambda give: Packed(give([4.0]), ["1"])),
    (ValueError, "Packed: lengths is ragged, expected whole numbers (batch,).",
     lambda give: Packed(give([4.0]), [[1], [2, 3]])),
    (TypeError, "Packed: values is complex128, expected real numbers.",
     lambda give: Packed(give(np.ones(1, complex)), [1])),
    (ValueError, "Packed: values is (4, 2), expected (3, 2).",
     lambda give: pack([[1, 2], [3]]).like(give(np.ones((4, 2))))),
    (ValueError, "Packed: lengths[1] is -1, expected 0 to 3 (T = 3).",
     lambda give: Packed(np.ones(2), give([3, -1]))),
    (ValueError, "Packed: padded is (3,), expected (batch, time, ...).", lambda give: unpack(give([1, 2, 3]), [1])),
    (ValueError, "Packed: lengths[0] is 4, expected 0 to 3 (T = 3).",
     lambda give: unpack(give([[1, 2, 3]]), give([4]))),
    (TypeError, "unpack: batch is list, lengths NoneType, expected a Packed alone", lambda give: unpack([give([1])])),
    (TypeError, "unpack: batch is Packed, lengths list, expected a Packed alone",
     lambda give: unpack(pack([give([1])]), [1])),
    (ValueError, "Packed: lengths are given too, expected None.",
     lambda give: to_padded(pack([[1]]), give([1]))),
    (ValueError, "SequenceBatches: targets[1] is (3,), expected (2,).",
     lambda give: SequenceBatches([[1], [2, 3]], [give([1]), give([1, 2, 3])], 2)),
    (ValueError, "SequenceBatches: targets[1] is (), expected (2,).",
     lambda give: SequenceBatches([[1], [2, 3]], [give([1]), give(1)], 2)),
    (ValueError, "SequenceBatches: targets[1] is (2,), expected ().",
     lambda give: SequenceBatches([[1], [2, 3]], [give(1), give([1, 2])], 2)),
    (ValueError, "SequenceBatches: there are 1 targets, expected 2, one per sequence.",
     lambda give: SequenceBatches([[1], [2]], give([1]), 2)),
    (ValueError, "SequenceBatches: sequences[1] is empty, expected at least one step.",
     lambda give: SequenceBatches([give([1]), give([])], [1, 2], 2)),
    (ValueError, "SequenceBatches: there are no sequences, expected at least one.",
     lambda give: SequenceBatches([], give([]), 2)),
    (TypeError, "SequenceBatches: targets[0] is <U4, expected numbers.",
     lambda give: SequenceBatches([give([1])], ["noun"], 2)),
    (TypeError, "SequenceBatches: targets is None, expected a list of targets",
     lambda give: SequenceBatches([give([1])], None, 2)),
    (ValueError, "SequenceBatches: seed is -1, expected a whole number, 0 or more.",
     lambda give: SequenceBatches([give([1])], [1], 2, seed=-1)),
    (ValueError, "SequenceBatches.epoch: number is -3, expected a whole number, 0 or more.",
     lambda give: list(SequenceBatches([give([1])], [1], 2).epoch(-3))),
    (ValueError, "SequenceBatches: batch_size is 0, expected a whole number above 0.",
     lambda give: SequenceBatches([give([1])], [1], 0)),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "words", "bad"), WRONG, ids=[words for _, words, _ in WRONG])
def test_what_is_wrong_is_refused_in_the_same_words(kind: type[Exception], words: str, bad: Bad) -> None:
    said = []
    for give in (np.asarray, lambda value: torch.tensor(np.asarray(value))):
        with pytest.raises(kind) as caught:
            bad(give)
        said.append(str(caught.value))
    assert words in said[0]
    assert said[1] == said[0]


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


def test_padding_keeps_the_dtype_and_is_what_was_given() -> None:
    for value in (-7, -7.0, np.int8(-7), torch.tensor(-7)):
        padded, _ = pad_sequences([[1], [2, 3]], value)
        assert (padded.dtype, padded.tolist()) == (np.int64, [[1, -7], [2, 3]])
    assert np.isnan(pad_sequences([[1.0], [2.0, 3.0]], np.nan)[0][0, 1])
    small = Packed(np.array([1, 2, 3], np.uint8), [1, 2])
    assert small.padded(255).tolist() == [[1, 255], [2, 3]]
    for values in (small, Packed(torch.tensor([1, 2, 3], dtype=torch.uint8), [1, 2])):
        for wrong in (256, -1):
            with pytest.raises(ValueError, match=rf"Packed: value is {wrong}, expected a whole number from 0 to 255"):
                values.padded(wrong)


def test_numbers_of_other_machines_and_of_64_bits() -> None:
    for dtype, native in ((">i2", np.int64), (">f8", np.float64)):
        padded, _ = pad_sequences([np.array([1, 2], dtype), np.array([3], dtype)])
        assert (padded.dtype, padded.tolist()) == (native, [[1, 2], [3, 0]])
    with pytest.raises(ValueError, match=r"pack: sequences\[0\] has 9223372036854775813, expected at most 9223"):
        pack([np.array([2**63 + 5], np.uint64)])
