"""What mutation testing found untested: one test for each change of numnet that no other test had seen."""

from __future__ import annotations

import copy
from pathlib import Path
from pydoc_data.topics import topics
from typing import Any

import numpy as np
import pytest
from matplotlib import figure

import numnet
import torchnet
from numnet.data.text import default_text
from numnet.generate import choose
from numnet.progress import describe, to_stderr
from numnet.trainer import first_bad
from parity_tests.probe import assert_near
from parity_tests.small import TOKENS, VOCABULARY, assert_same, small_model, weights
from parity_tests.test_errors import both, lstm, x

LENGTHS = np.array([2, 3])
RATES: dict[str, Any] = {"weight_decay": 0.5, "clip_norm": 2.0, "clip_value": 3.0}
KINDS = ("RNNLayer", "GRULayer", "LSTMLayer", "MGULayer", "IndRNNLayer")
OPTIMIZERS = ("SGD", "SGDMomentum", "AdaGrad", "RMSProp", "Adam", "AdamW")


def schedule_of(optimizer: Any) -> dict[str, Any]:
    """All numbers that an optimizer was made of."""
    numbers = {name: value for name, value in vars(optimizer).items() if isinstance(value, (int, float))}
    return {**numbers, "rate": optimizer.schedule(0)}


@pytest.mark.parametrize("kind", OPTIMIZERS)
@pytest.mark.parametrize("given", [{}, RATES, {**RATES, "learning_rate": 0.25}], ids=["none", "some", "all"])
def test_an_optimizer_is_made_of_the_same_numbers_on_both_backends(kind: str, given: dict[str, Any]) -> None:
    given = {"learning_rate": 0.125, **given} if kind.startswith("SGD") else given
    ours, theirs = (schedule_of(getattr(net, kind)(**given)) for net in (numnet, torchnet))
    assert ours == theirs
    assert {name: ours[name] for name in RATES if name in given} == {k: v for k, v in RATES.items() if k in given}


@pytest.mark.parametrize("kind", KINDS)
def test_a_layer_with_nothing_but_sizes_is_the_same_on_both_backends(kind: str) -> None:
    ours, theirs = (getattr(net, kind)(3, 2, 4) for net in (numnet, torchnet))
    assert ours.config() == theirs.config()
    assert_same(weights(ours), weights(theirs))


@pytest.mark.parametrize("how", ["last", "first", "mean", "max"])
@pytest.mark.parametrize("lengths", [None, LENGTHS, np.array([[True, False, True], [False, True, True]])])
def test_pooling_with_time_first_is_the_pooling_of_the_turned_batch(how: str, lengths: Any) -> None:
    rng = np.random.default_rng(0)
    x, dy = rng.standard_normal((2, 3, 4)), rng.standard_normal((2, 4))
    pooling, turned = numnet.Pooling(how), numnet.Pooling(how, batch_first=False)
    mask = lengths.T if lengths is not None and lengths.ndim == 2 else lengths
    np.testing.assert_array_equal(turned(x.swapaxes(0, 1), mask), pooling(x, lengths))
    np.testing.assert_array_equal(turned.backward(dy), pooling.backward(dy).swapaxes(0, 1))


@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("how", ["last", "mean"])
def test_a_packed_batch_is_pooled_as_the_padded_one_and_its_gradient_is_packed(how: str, batch_first: bool) -> None:
    batch, dy = numnet.pack(np.split(np.random.default_rng(0).standard_normal((5, 4)), [2])), np.ones((2, 4))
    pooling, plain = numnet.Pooling(how, batch_first), numnet.Pooling(how)
    np.testing.assert_array_equal(pooling(batch), plain(batch.padded(), batch.lengths))
    dx = pooling.backward(dy)
    assert isinstance(dx, numnet.Packed)
    np.testing.assert_array_equal(dx.padded(), plain.backward(dy))


def test_a_pooling_is_made_again_of_its_config() -> None:
    assert numnet.Pooling("max", batch_first=False).config() == {"how": "max", "batch_first": False}


@pytest.mark.parametrize("merge", [None, "concat"])
def test_a_packed_batch_goes_both_ways_with_time_first(merge: str | None) -> None:
    batch = numnet.pack(np.split(np.random.default_rng(0).standard_normal((5, 4)), [2]))
    found = []
    for batch_first in (True, False):
        layer = both(numnet, merge, batch_first=batch_first)
        y = layer(batch)
        dx = layer.backward(y)
        found.append([part.values for part in (y if merge is None else (y,))] + [dx.values])
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("make", [lstm, both], ids=["one way", "both ways"])
@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["whole", "lengths"])
def test_a_copy_of_a_layer_has_nothing_of_its_last_call(make: Any, lengths: Any) -> None:
    layer = make(numnet)
    layer(x, None, lengths)
    layer.backward(np.ones(layer(x, None, lengths).shape))
    kept = ("saved", "last_state", "d_state", "slots", "memory", "whole")
    parts = [copy.deepcopy(layer)]
    parts += [parts[0].forwards, parts[0].backwards] if make is both else []
    for part in parts:
        assert {name: getattr(part, name, None) for name in kept} == dict.fromkeys(kept)


def test_a_report_is_one_line_of_what_there_is_to_say() -> None:
    row = {"step": 7, "epoch": 0.5, "train_loss": 1.25, "validation_loss": 1.5, "perplexity": 4.5,
           "bits_per_character": 2.25, "characters_per_second": 12345.6}  # fmt: skip
    assert describe(row) == (
        "step 7  epoch 0.50  train 1.2500  validation 1.5000  perplexity 4.500  bits 2.250  12,346 characters/s"
    )
    nothing = dict.fromkeys(row, None)
    assert describe({**nothing, "step": 1, "epoch": 0.0, "train_loss": 2.0}) == "step 1  epoch 0.00  train 2.0000"


def test_what_is_said_goes_to_standard_error(capsys: Any) -> None:
    to_stderr("a line")
    assert capsys.readouterr() == ("", "a line\n")


@pytest.mark.parametrize("what", ["params", "grads"])
def test_the_first_number_that_is_none_is_named(what: str) -> None:
    model = numnet.RNNModel([numnet.Dense(2)], numnet.MeanSquaredError(), input_size=3)
    assert first_bad(model) == "Every parameter and gradient is finite."
    getattr(model, what)["layers.0.b"][1] = np.inf
    said = {"params": "the parameter layers.0.b is not finite.", "grads": "the gradient of layers.0.b is not finite."}
    assert first_bad(model) == said[what]


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
    alike = numnet.SequenceBatches([[k, k] for k in range(900)], range(900), 900, seed=3)
    rows = np.arange(900)
    np.random.default_rng([3, 0]).shuffle(rows)
    assert alike.order(0)[0].tolist() == rows.tolist()


def test_targets_may_be_vectors_a_step() -> None:
    sequences, targets = [np.zeros((2, 4)), np.ones((3, 4))], [np.full((2, 5), 7.0), np.ones((3, 5))]
    (x, y, lengths), = numnet.SequenceBatches(sequences, targets, 2, shuffle=False).epoch()  # fmt: skip
    assert (x.shape, y.shape, lengths.tolist()) == ((2, 3, 4), (2, 3, 5), [2, 3])
    assert y[0].tolist() == [[7.0] * 5, [7.0] * 5, [0.0] * 5]


def test_a_node_takes_its_width_from_its_first_input() -> None:
    node = numnet.RNNNode(5)
    h, _ = node(np.ones((4, 2)))
    assert (node.width, h.shape) == (4, (5, 2))


@pytest.mark.parametrize("shape", [(5, 5), (3, 5), (5, 3)])
def test_orthogonal_is_the_factor_whose_other_has_a_positive_diagonal(shape: tuple[int, int]) -> None:
    drawn = np.random.default_rng(1).standard_normal((max(shape), min(shape)))
    Q, R = np.linalg.qr(drawn)
    Q = Q * np.sign(np.diag(R))
    ours = numnet.initial.orthogonal(np.random.default_rng(1), *shape)
    np.testing.assert_allclose(ours, Q if shape[0] >= shape[1] else Q.T, atol=1e-12)


@pytest.mark.parametrize("kind", [kind.replace("Layer", "Node") for kind in KINDS])
def test_a_node_with_nothing_but_sizes_is_the_same_on_both_backends(kind: str) -> None:
    ours, theirs = (getattr(net, kind)(3, 4) for net in (numnet, torchnet))
    assert (ours.config(), ours.dtype, ours.width) == (theirs.config(), np.float32, 4)
    assert_same(weights(ours), weights(theirs))


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_an_optimizer_of_several_parameters_goes_on_from_what_it_wrote(kind: str) -> None:
    rng, found = np.random.default_rng(0), []
    layer, same = (numnet.RNNLayer(2, input_size=3, dtype="float64") for _ in range(2))
    one, other = (getattr(numnet, kind)(0.1) for _ in range(2))
    for step in range(4):
        for gradient, its in zip(layer.grads.values(), same.grads.values()):
            gradient[...] = its[...] = rng.standard_normal(gradient.shape)
        one.step(layer)
        if step == 1:
            other.load_state_dict(one.state_dict(), same)
            same.load_state_dict(layer.state_dict())
        elif step > 1:
            other.step(same)
            found.append(weights(same))
    assert_same(found[-1], weights(layer))


def test_a_mask_or_lengths_count_the_same_targets() -> None:
    loss, y, t = numnet.MeanSquaredError(), np.arange(24.0).reshape(2, 3, 4), np.zeros((2, 3, 4))
    real = np.arange(3) < LENGTHS[:, None]
    expected = (y[real] ** 2).mean()
    for mask in (LENGTHS, real, np.repeat(real[..., None], 4, axis=-1)):
        assert loss(y, t, mask) == pytest.approx(expected, rel=1e-12)
        assert loss.counted == 20
    assert loss(y[0, 0], t[0, 0], np.array([0, 1, 0, 1])) == (1 + 9) / 2


def test_behind_the_end_of_a_packed_sequence_stands_0() -> None:
    packed = numnet.pack([[1, 2], [3]])
    assert packed.padded().tolist() == [[1, 2], [3, 0]]
    assert numnet.Packed([1, 2, 3], [2, 1]).padded(-1).tolist() == [[1, 2], [3, -1]]
    assert numnet.Packed(np.zeros((0, 4)), np.zeros(0, int)).padded().shape == (0, 0, 4)


def test_tokens_are_numbers_of_64_bits() -> None:
    assert VOCABULARY.encode("abc").dtype == VOCABULARY.encode("").dtype == np.int64


def test_a_text_of_batches_is_part_of_their_config() -> None:
    found = [kind(TOKENS, 2, 3, seed=4).config() for kind in (numnet.SequentialBatches, numnet.RandomBatches)]
    texts = [config.pop("tokens") for config in found]
    assert texts[0] == texts[1]
    assert texts[0].startswith(f"{len(TOKENS)} of checksum ")
    assert [config.pop("type") for config in found] == ["SequentialBatches", "RandomBatches"]
    assert found == [{"batch_size": 2, "sequence_length": 3, "seed": 4}] * 2


def test_a_schedule_with_nothing_but_its_rate_and_length() -> None:
    assert numnet.StepSchedule(1.0, every=2)(2) == 0.1
    assert numnet.CosineSchedule(1.0, steps=4)(0) == 1.0
    assert numnet.CosineSchedule(1.0, steps=4)(4) == 0.0


def test_a_mask_counts_in_second_derivatives_and_a_longer_direction_is_as_exact() -> None:
    rng = np.random.default_rng(0)
    model = numnet.RNNModel([numnet.GRULayer(3), numnet.Dense(2)], numnet.MeanSquaredError(), 4, dtype="float64")
    x, t = rng.standard_normal((2, 3, 4)), rng.standard_normal((2, 3, 2))
    v = {name: rng.standard_normal(p.shape) for name, p in model.params.items()}
    masked = numnet.hessian_vector(model, x, t, v, mask=np.arange(3) < LENGTHS[:, None])
    assert_near(masked, numnet.hessian_vector(model, x, t, v, lengths=LENGTHS), 1e-7)
    far = numnet.hessian_vector(model, x, t, {name: 1e6 * value for name, value in v.items()})
    assert_near({name: value / 1e6 for name, value in far.items()}, numnet.hessian_vector(model, x, t, v), 1e-7)


def test_the_default_text_is_pythons_own_help() -> None:
    assert default_text() == "\n\n".join(topics[name] for name in sorted(topics))


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
