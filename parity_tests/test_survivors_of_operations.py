"""What mutation testing found untested in what has no time: dropout, embedding, normalisation, losses."""

from __future__ import annotations

import numpy as np
import pytest

import numnet
from numnet.core import random as masks
from numnet.core.checks import check_built
from numnet.recurrent.layer_norm import normalize, normalize_backward
from parity_tests.small import assert_same, weights


@pytest.mark.parametrize("per_sequence", [False, True])
def test_a_dropout_draws_one_mask_a_call_in_its_inputs_dtype(per_sequence: bool) -> None:
    layer, x = numnet.Dropout(0.25, seed=3, per_sequence=per_sequence), np.ones((2, 3, 40), np.float32)
    for call in (1, 2):
        drawn = masks.mask(0.25, (2, 1, 40) if per_sequence else x.shape, 3, call)
        y = layer(x)
        np.testing.assert_array_equal(y, np.broadcast_to(drawn / np.float32(0.75), x.shape))
        assert (layer.calls, y.dtype) == (call, np.float32)


def test_a_dropout_drops_a_half_by_seed_0_and_draws_nothing_where_none_is_dropped() -> None:
    x = np.ones((4, 9))
    assert numnet.Dropout()(x).tolist() == numnet.Dropout(0.5, seed=0, per_sequence=False)(x).tolist()
    assert numnet.Dropout()(x).tolist() != numnet.Dropout(0.5, seed=1, per_sequence=False)(x).tolist()
    layer = numnet.Dropout(0.0)
    assert (layer(np.ones((2, 3))).tolist(), layer.calls) == (np.ones((2, 3)).tolist(), 0)


def test_a_number_as_large_as_p_is_kept() -> None:
    for seed in range(3):
        p = np.random.default_rng((seed, 1)).random(1, dtype=np.float32)[0]
        assert masks.mask(p, (1,), seed, 1).tolist() == [True]


def test_an_embedding_is_drawn_by_its_seed_and_made_again_of_its_config() -> None:
    ours = weights(numnet.Embedding(5, 3))
    assert_same(ours, weights(numnet.Embedding(5, 3, seed=0)))
    assert not np.array_equal(ours["W"], weights(numnet.Embedding(5, 3, seed=1))["W"])
    assert_same(ours, weights(numnet.Embedding(**numnet.Embedding(5, 3).config())))


def test_a_dense_layer_is_drawn_by_its_seed_and_as_wide_as_the_last_axis() -> None:
    ours = weights(numnet.Dense(2, input_size=3))
    assert_same(ours, weights(numnet.Dense(2, input_size=3, seed=0)))
    assert not np.array_equal(ours["W"], weights(numnet.Dense(2, input_size=3, seed=1))["W"])
    dense = numnet.Dense(2)
    assert (dense(np.ones((5, 3, 4))).shape, dense.W.shape) == ((5, 3, 2), (2, 4))


def test_integers_become_float32_and_no_gradient_is_a_gradient_of_zeros() -> None:
    tanh = numnet.Tanh()
    y = tanh(np.array([[0, 1, -2]]))
    dx = tanh.backward(None)
    assert (y.dtype, dx.dtype, dx.tolist()) == (np.float32, np.float32, [[0.0] * 3])


def test_training_follows_evaluation() -> None:
    model = numnet.RNNModel([numnet.Dropout()])
    assert all(part.training is False for part in model.eval().modules())
    assert all(part.training is True for part in model.train().modules())


def test_in_a_model_every_part_has_its_dtype_and_none_its_last_call() -> None:
    layers = [numnet.Bidirectional(numnet.GRULayer(3, input_size=4, dtype="float64")), numnet.Dense(2, input_size=6)]
    layers[1](np.ones((2, 6)))
    model = numnet.RNNModel(layers, input_size=4)
    assert {part.dtype for part in model.modules() if hasattr(part, "dtype")} == {np.dtype("float32")}
    assert {value.dtype for of in (model.params, model.grads) for value in of.values()} == {np.dtype("float32")}
    assert {part.saved for part in model.modules()} == {None}


def test_a_model_without_layers_gives_back_tokens_and_one_without_time_a_batch_without_steps() -> None:
    assert numnet.RNNModel([])(np.array([[1, 2]])).tolist() == [[1, 2]]
    assert numnet.RNNModel([numnet.Dense(2)])(np.zeros((2, 0, 4)), None, [0, 0]).shape == (2, 0, 2)
    assert numnet.RNNModel([]).device == "cpu"


def test_what_says_nothing_of_waiting_for_a_batch_is_taken() -> None:
    check_built("test", object())


def test_many_steps_are_normalized_as_each_by_itself() -> None:
    rng = np.random.default_rng(0)
    x, dy, gain = rng.standard_normal((2, 3, 5)), rng.standard_normal((2, 3, 5)), rng.standard_normal(3)
    y, saved = normalize(x, gain)
    dx, _ = normalize_backward(dy, gain, saved)
    for t in range(2):
        one, its_own = normalize(x[t], gain)
        np.testing.assert_allclose(one, y[t], atol=1e-14)
        np.testing.assert_allclose(normalize_backward(dy[t], gain, its_own)[0], dx[t], atol=1e-14)


def test_one_hot_targets_know_no_ignored_class_and_one_class_may_be_masked() -> None:
    logits, one_hot = np.random.default_rng(0).standard_normal((2, 3, 4)), np.eye(4)[[[0, 1, 2], [3, 0, 1]]]
    assert numnet.SoftmaxCrossEntropy(ignore_index=1)(logits, one_hot) == numnet.SoftmaxCrossEntropy()(logits, one_hot)
    assert numnet.SoftmaxCrossEntropy()(logits[..., :1], np.zeros((2, 3), int), np.array([3, 1])) == 0


def test_a_packed_prediction_takes_the_bare_values_of_its_targets() -> None:
    rng = np.random.default_rng(0)
    prediction, target = (numnet.pack(np.split(rng.standard_normal((5, 4)), [2])) for _ in range(2))
    for loss, targets in (
        (numnet.MeanSquaredError(), target),
        (numnet.SoftmaxCrossEntropy(), target.like(np.arange(5) % 4)),
    ):
        assert loss(prediction, targets.values) == loss(prediction, targets)
