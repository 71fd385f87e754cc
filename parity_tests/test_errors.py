"""Bad input, as data: who, got, expected, remedy; the same words from both backends; never a silent wrong number."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import numnet
import torchnet
from numnet.checkpoint import to_numpy

x = np.zeros((2, 3, 4), np.float32)
Bad = Callable[[Any], Any]


def lstm(net: Any, **options: Any) -> Any:
    return net.LSTMLayer(5, input_size=4, **options)


def trained(net: Any) -> Any:
    """A layer after one forward."""
    layer = lstm(net)
    layer(x)
    return layer


CASES: list[tuple[str, type[Exception], str, Bad]] = [
    ("one sequence", ValueError, "LSTMLayer: x is (7, 4), expected (batch, time, features), or integer tokens (batch, time). "
     "One sequence? Pass x[None].", lambda net: lstm(net)(np.zeros((7, 4)))),
    ("rank 4", ValueError, "LSTMLayer: x is (1, 2, 3, 4), expected (batch, time, features)", lambda net: lstm(net)(np.zeros((1, 2, 3, 4)))),
    ("no steps", ValueError, "expected at least one sequence of at least one step", lambda net: lstm(net)(np.zeros((2, 0, 4)))),
    ("width", ValueError, "LSTMLayer: x has 3 features, expected 4.", lambda net: lstm(net)(np.zeros((2, 3, 3)))),
    ("width of the first batch", ValueError, "Dense: x has 3 features, expected 4.",
     lambda net: [dense := net.Dense(2), dense(np.zeros((2, 4))), dense(np.zeros((2, 3)))]),
    ("one sample", ValueError, "Dense: x is (4,), expected (batch, ..., features). One sample? Pass x[None].", lambda net: net.Dense(2)(np.zeros(4))),
    ("complex", TypeError, "LSTMLayer: x is complex128, expected real numbers.", lambda net: lstm(net)(x.astype(complex))),
    ("words", TypeError, "expected real numbers.", lambda net: lstm(net)(np.array([["a", "b"]]))),
    ("token V", IndexError, "LSTMLayer: token 4 at [1, 2], expected 0 to 3 (V = 4).", lambda net: lstm(net)(np.array([[0, 1, 2], [3, 0, 4]]))),
    ("token -1", IndexError, "LSTMLayer: token -1 at [0, 1], expected 0 to 3", lambda net: lstm(net)(np.array([[0, -1]]))),
    ("embedded token", IndexError, "Embedding: token 9 at [0, 1], expected 0 to 5", lambda net: net.Embedding(6, 2)(np.array([[0, 9]]))),
    ("float tokens", TypeError, "Embedding: tokens are float64, expected integers.", lambda net: net.Embedding(6, 2)(np.zeros((1, 2)))),
    ("tokens without V", ValueError, "Give input_size= (V).", lambda net: net.LSTMLayer(5)(np.array([[0, 1]]))),
    ("shape of the state", ValueError, "LSTMLayer: state h is (2, 6), expected (2, 5). It is (batch, hidden).",
     lambda net: lstm(net)(x, (np.zeros((2, 6)), np.zeros((2, 5))))),
    ("half a state", ValueError, "LSTMLayer: state is ndarray, expected a pair (h, c). Pass both, or None.", lambda net: lstm(net)(x, np.zeros((2, 5)))),
    ("node's state", ValueError, "GRUNode: state h is (2, 5), expected (5, 2). Columns are samples",
     lambda net: net.GRUNode(5, input_size=4)(np.zeros((4, 2)), np.zeros((2, 5)))),
    ("backward first", RuntimeError, "LSTMLayer: backward before forward. Call forward first.", lambda net: lstm(net).backward(np.zeros((2, 3, 5)))),
    ("backward first", RuntimeError, "Tanh: backward before forward.", lambda net: net.Tanh().backward(np.zeros((2, 3)))),
    ("backward first", RuntimeError, "SoftmaxCrossEntropy: backward before forward.", lambda net: net.SoftmaxCrossEntropy().backward()),
    ("upstream's shape", ValueError, "LSTMLayer: dy is (2, 3, 4), expected (2, 3, 5). It has the shape of y.", lambda net: trained(net).backward(x)),
    ("hidden size 0", ValueError, "GRUNode: hidden_size is 0, expected a whole number above 0.", lambda net: net.GRULayer(0)),
    ("hidden size 2.5", ValueError, "RNNNode: hidden_size is 2.5, expected a whole number above 0.", lambda net: net.RNNLayer(2.5)),
    ("integer parameters", ValueError, "Dense: dtype is int32, expected one of real numbers", lambda net: net.Dense(2, dtype="int32")),
    ("three axes for a node", ValueError, "GRUNode: x is (2, 3, 4), expected one step: (features, batch)", lambda net: net.GRUNode(5)(x)),
    ("no weights to load into", ValueError, "the Dense has no parameters yet. Give input_size=", lambda net: net.Dense(2).load_state_dict({})),
    ("no weights to move", ValueError, "Adam: the Dense has no parameters yet.", lambda net: net.Adam(0.1).step(net.Dense(2))),
    ("shape of the last state's gradient", ValueError, "LSTMLayer: d_last_state h is (2, 6), expected (2, 5).",
     lambda net: trained(net).backward(None, (np.zeros((2, 6)), np.zeros((2, 5))))),
    ("complex upstream", TypeError, "LSTMLayer: dy is complex128, expected real numbers.", lambda net: trained(net).backward(np.zeros((2, 3, 5), complex))),
    ("complex target", TypeError, "MeanSquaredError: target is complex64, expected real numbers.", lambda net: net.MeanSquaredError()(x, x * 1j)),
    ("nothing at all", TypeError, "RNNModel: x is object, expected real numbers.", lambda net: net.RNNModel([net.Dense(2)])(None)),
    ("reset", ValueError, "reset is 'late', expected one of 'before', 'after'.", lambda net: net.GRULayer(3, reset="late")),
    ("initial", ValueError, "initial is 'magic', expected one of 'pytorch', 'glorot', 'orthogonal'.", lambda net: lstm(net, initial="magic")),
    ("dropout 1", ValueError, "Dropout: p is 1, expected 0 or more and less than 1.", lambda net: net.Dropout(1)),
    ("target's shape", ValueError, "SoftmaxCrossEntropy: target is (2,), expected (2, 3).", lambda net: net.SoftmaxCrossEntropy()(x, np.zeros(2, int))),
    ("target V", IndexError, "SoftmaxCrossEntropy target: token 4 at [0], expected 0 to 3",
     lambda net: net.SoftmaxCrossEntropy()(x[0], np.array([4, 0, 0]))),
    ("mask's shape", ValueError, "MeanSquaredError: mask is (2, 3), expected (2, 3, 4).", lambda net: net.MeanSquaredError()(x, x, np.ones((2, 3)))),
    ("no loss", ValueError, "RNNModel: there is no loss.", lambda net: net.RNNModel([lstm(net)]).loss_and_grads(x, x)),
    ("another shape of weights", ValueError, "Dense: W is (2, 3), expected (2, 4).",
     lambda net: net.Dense(2, input_size=4).load_state_dict({"W": np.zeros((2, 3)), "b": np.zeros(2)})),
    ("missing weights", ValueError, "Dense: b is missing, expected (2,).", lambda net: net.Dense(2, input_size=4).load_state_dict({"W": np.zeros((2, 4))})),
    ("unknown weights", ValueError, "Dense: U is (1,), expected no such parameter.",
     lambda net: net.Dense(2, input_size=4).load_state_dict({"W": np.zeros((2, 4)), "b": np.zeros(2), "U": np.zeros(1)})),
    ("clip_norm 0", ValueError, "Adam: clip_norm is 0, expected a number above 0.", lambda net: net.Adam(1e-3, clip_norm=0)),
    ("learning rate -1", ValueError, "learning_rate is -1, expected a number above 0.", lambda net: net.SGD(-1)),
]  # fmt: skip


def message(bad: Bad, net: Any, kind: type[Exception]) -> str:
    with pytest.raises(kind) as caught:
        bad(net)
    return str(caught.value)


@pytest.mark.parametrize(("name", "kind", "words", "bad"), CASES, ids=[case[0] for case in CASES])
def test_bad_input_is_refused_in_the_same_words(name: str, kind: type[Exception], words: str, bad: Bad) -> None:
    ours, theirs = (message(bad, net, kind) for net in (numnet, torchnet))
    assert words in ours, f"{name}: {ours}"
    assert theirs == ours


def test_refused_weights_leave_the_model_as_it_was(net: Any) -> None:
    layer = net.Dense(2, input_size=4)
    before = {name: np.array(value.tolist()) for name, value in layer.params.items()}
    with pytest.raises(ValueError, match="b is"):
        layer.load_state_dict({"W": np.ones((2, 4)), "b": np.ones(3)})
    assert all((np.array(layer.params[name].tolist()) == value).all() for name, value in before.items())


def test_what_the_mask_leaves_out_may_be_anything(net: Any) -> None:
    """NaN in the prediction, a class that is none: neither reaches the loss or a gradient."""
    for loss, fill in ((net.SoftmaxCrossEntropy(), -1), (net.MeanSquaredError(), np.nan)):
        rng, mask = np.random.default_rng(0), np.array([[True, True, False], [True, False, False]])
        prediction = rng.standard_normal((2, 3, 4))
        target = rng.integers(0, 4, (2, 3)) if fill == -1 else rng.standard_normal((2, 3, 4))
        if fill != -1:
            mask = np.repeat(mask[..., None], 4, axis=-1)
        expected = float(to_numpy(loss(prediction, target, mask)))
        gradient = np.array(to_numpy(loss.backward()))
        prediction[~mask], target[~mask] = np.nan, fill
        assert float(to_numpy(loss(prediction, target, mask))) == expected
        np.testing.assert_array_equal(to_numpy(loss.backward()), gradient)


def test_every_target_ignored_is_a_loss_of_0_with_a_warning(net: Any) -> None:
    loss = net.SoftmaxCrossEntropy(ignore_index=0)
    with pytest.warns(UserWarning, match="no target is counted"):
        assert to_numpy(loss(x, np.zeros((2, 3), int))) == 0
    assert (np.asarray(loss.backward()) == 0).all()


def test_gradients_whose_squares_overflow_are_still_clipped(net: Any) -> None:
    dense = net.Dense(2, input_size=2)
    dense.load_state_dict({"W": np.zeros((2, 2)), "b": np.zeros(2)})
    dense(np.ones((1, 2)))
    dense.backward(np.full((1, 2), 1e30))
    assert net.SGD(1.0, clip_norm=6**0.5).step(dense) == pytest.approx(6**0.5 * 1e30)
    np.testing.assert_allclose(to_numpy(dense.params["W"]), -np.ones((2, 2)), rtol=1e-6)


def test_a_gradient_that_is_no_number_names_its_parameter_and_moves_nothing(net: Any) -> None:
    model = net.RNNModel([lstm(net)], net.MeanSquaredError(), input_size=4)
    before = {name: np.array(value.tolist()) for name, value in model.params.items()}
    optimizer = net.Adam(0.1, clip_norm=1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.loss_and_grads(x * np.float32("nan"), np.zeros((2, 3, 5)))
    with pytest.raises(FloatingPointError, match=r"the gradient of layers\.0\.W_x is not finite"):
        optimizer.step(model)
    assert optimizer.steps == 0
    assert all((np.array(model.params[name].tolist()) == value).all() for name, value in before.items())
