"""The numbers that enter: each dtype and kind of array is converted or refused, by one rule on both backends."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch

import numnet
import torchnet
from numnet.core.arrays import to_numpy
from parity_tests.small import lstm, model_of, trained, x

values = np.random.default_rng(3).standard_normal((2, 3, 4)).astype("float32")
tokens = np.array([[0, 2, 1], [3, 0, 2]])
h = np.ones((2, 5), np.float32)


with_none: Any = values.astype(object)
with_none[0, 1, 2] = None


class Table:
    """An object of another library, as a DataFrame is: numpy asks it for its numbers."""

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return values.astype(object)


def packed_by_pytorch() -> Any:
    return torch.nn.utils.rnn.pack_sequence([torch.ones(3, 4), torch.ones(2, 4)])


# The same numbers in another form, and the dtype in which a layer without parameters answers.
FORMS: dict[str, tuple[Any, str]] = {
    "big-endian": (values.astype(">f4"), "float32"),
    "big-endian float64": (values.astype(">f8"), "float64"),
    "long double": (values.astype(np.longdouble), "float64"),
    "objects": (values.astype(object), "float64"),
    "another library's": (Table(), "float64"),
    "lists": (values.tolist(), "float64"),
    "a tuple of arrays": (tuple(values), "float32"),
    "a list of tensors": (list(torch.from_numpy(values)), "float32"),
    "a tensor": (torch.from_numpy(values), "float32"),
    "Fortran order": (np.asfortranarray(values), "float32"),
    "a negative stride": (values[:, ::-1][:, ::-1], "float32"),
}


@pytest.mark.parametrize("form", FORMS)
def test_numbers_in_any_form_are_the_same_numbers(net: Any, form: str) -> None:
    given, dtype = FORMS[form]
    y = net.Tanh()(given)
    assert str(y.dtype).removeprefix("torch.") == dtype
    np.testing.assert_allclose(to_numpy(y), np.tanh(values), rtol=1e-6)
    layer = lstm(net, seed=1)
    expected = to_numpy(layer(values, (h, h)))
    np.testing.assert_allclose(to_numpy(layer(given, (h.astype(">f8"), h.astype(object)))), expected, rtol=1e-5)
    layer.zero_grad()
    dx = to_numpy(layer.backward(np.ones((2, 3, 5), ">f8")))
    layer(values, (h, h))
    np.testing.assert_allclose(dx, to_numpy(layer.backward(np.ones((2, 3, 5)))), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("dtype", [">i4", ">i8", "u8", "u1", "i2", object])
def test_integers_of_any_dtype_are_tokens_lengths_and_classes(net: Any, dtype: Any) -> None:
    given = tokens.astype(dtype)
    embedding, loss = net.Embedding(4, 5, seed=0), net.SoftmaxCrossEntropy()
    np.testing.assert_array_equal(to_numpy(embedding(given)), to_numpy(embedding(tokens)))
    embedding(given)
    embedding.backward(np.ones((2, 3, 5)))
    lengths = np.array([3, 1]).astype(dtype)
    y, expected = (to_numpy(lstm(net, seed=0)(t, None, n)) for t, n in ((given, lengths), (tokens, [3, 1])))
    np.testing.assert_array_equal(y, expected)
    assert float(loss(values, given, lengths)) == float(loss(values, tokens, [3, 1]))


@pytest.mark.parametrize(
    "mask", [[[1, 0, 1], [1, 1, 0]], np.array([[1.0, 0, 1], [1, 1, 0]]), torch.tensor([[1, 0, 1], [1, 1, 0]])]
)
def test_zeros_and_ones_are_a_mask_of_layers_and_losses(net: Any, mask: Any) -> None:
    truth = np.array([[True, False, True], [True, True, False]])
    for part in (lstm(net, seed=0), net.Pooling("mean"), net.Convolution(3, input_size=4, seed=0)):
        call = (
            (lambda m, part=part: part(values, m)) if part.over_time else (lambda m, part=part: part(values, None, m))
        )
        np.testing.assert_array_equal(to_numpy(call(mask)), to_numpy(call(truth)))
    loss = net.SoftmaxCrossEntropy()
    assert float(loss(values, tokens, mask)) == float(loss(values, tokens, truth))


Refused = Callable[[Any], Any]
REFUSED: list[tuple[str, Refused]] = [
    ("TypeError: Dense: x is complex64, expected real numbers. Pass the real and the imaginary part as two features.", lambda net: net.Dense(2)(1j * values)),
    ("TypeError: LSTMLayer: x is text, expected real numbers. Encode text with Vocabulary.encode.", lambda net: lstm(net)("a text")),
    ("TypeError: Embedding: x is text, expected real numbers. Encode text with Vocabulary.encode.", lambda net: net.Embedding(4, 2)([["a", "b"]])),
    ("TypeError: Pooling: x is datetime64[D], expected real numbers. Subtract a start and divide by a unit: (x - x[0]) / np.timedelta64(1, 'D').",
     lambda net: net.Pooling()(np.full((2, 3, 1), "2020-01-01", "M8[D]"))),
    ("TypeError: Convolution: x is a masked array, expected an array without a mask. Pass x.filled(0), and tell the real steps by lengths or a mask of steps.",
     lambda net: net.Convolution(2)(np.ma.masked_less(values, 0))),
    ("TypeError: LSTMLayer: x[0, 1, 2] is None (NoneType), expected a real number.", lambda net: lstm(net)(with_none)),
    ("ValueError: Dropout: x is a list of sequences of different lengths, expected one array. Pad it with pad_sequences, or pass pack(x).", lambda net: net.Dropout()([[1.0, 2.0], [1.0]])),
    ("ValueError: RNNModel: x is a list of sequences of different lengths, expected one array. Pad it with pad_sequences, or pass pack(x).",
     lambda net: model_of(net, lstm(net))([values[0], values[1, :2]])),
    ("ValueError: SoftmaxCrossEntropy: target is a list of sequences of different lengths, expected one array. Pad it with pad_sequences, or pass pack(target).",
     lambda net: net.SoftmaxCrossEntropy()(values, [[0, 1, 2], [1]])),
    ("TypeError: LSTMLayer: x is PackedSequence, expected an array or a Packed. Pass pack(torch.nn.utils.rnn.unpack_sequence(x)).", lambda net: lstm(net)(packed_by_pytorch())),
    ("TypeError: Dense: x is Packed, expected an array: only parts that take lengths read a Packed. Pass x.values, and wrap the result: x.like(y).",
     lambda net: net.Dense(2)(net.pack([values[0], values[1, :2]]))),
    ("TypeError: Tanh: x is dict, expected an array of real numbers. Pass one of its values.", lambda net: net.Tanh()(net.Dense(2, input_size=2).state_dict())),
    ("TypeError: Attention: m is None, expected an array of real numbers.", lambda net: net.Attention()(values, None)),
    ("TypeError: GRULayer: dy is set, expected an array of real numbers.", lambda net: trained(net, net.GRULayer(5, input_size=4)).backward({1.0})),
    ("TypeError: LSTMLayer: lengths is text, expected real numbers. Encode text with Vocabulary.encode.", lambda net: lstm(net)(values, None, ["3", "2"])),
    ("ValueError: LSTMLayer: lengths[1] is nan (float64), expected whole numbers. Pass integers.", lambda net: lstm(net)(values, None, [3.0, math.nan])),
    ("ValueError: Pooling: mask contains nan, expected truth values, True where a step is real.", lambda net: net.Pooling()(values, np.full((2, 3), math.nan))),
    ("TypeError: EncoderDecoder: target is on the device meta, expected values. Create it on a device, such as 'cpu'.", lambda net: translator(net)(tokens, torch.ones(2, 2, device="meta", dtype=torch.long))),
    ("TypeError: Sigmoid: x is on the device meta, expected values. Create it on a device, such as 'cpu'.", lambda net: net.Sigmoid()(torch.ones(2, device="meta"))),
    ("TypeError: Dense: x is a sparse tensor, expected a dense one. Pass x.to_dense().", lambda net: net.Dense(2)(torch.eye(3).to_sparse())),
    ("ValueError: Softmax: x is (2, 0), expected at least one number on the last axis.", lambda net: net.Softmax()(np.ones((2, 0)))),
    ("ValueError: Dense: x has 0 features, expected at least 1.", lambda net: net.Dense(2)(np.ones((2, 0)))),
    ("ValueError: GRULayer: x has 0 features, expected at least 1.", lambda net: net.GRULayer(2)(np.ones((2, 3, 0)))),
    ("ValueError: Tanh: x[1] is larger than 2**1023, expected a number of float64.", lambda net: net.Tanh()([0.5, 10**400])),
    # Parameters
    ("ValueError: GRUNode: dtype is float128, expected a dtype of real numbers, such as 'float32'. Use 'float64': no file and no other backend has this one.",
     lambda net: net.GRULayer(2, dtype=np.longdouble)),
    # Steps
    ("ValueError: GRULayer: x is (7, 4), expected (batch, time, features), or integer tokens (batch, time). One number per step? Pass x[..., None].",
     lambda net: net.GRULayer(5, input_size=1)(np.ones((7, 4)))),
    ("ValueError: GRULayer: x is (7, 4), expected (batch, time, features), or integer tokens (batch, time). One sequence? Pass x[None]. One number per step? Pass x[..., None].",
     lambda net: net.GRULayer(5)(np.ones((7, 4)))),
    ("ValueError: GRULayer: x is (7, 4), expected (batch, time, features), or integer tokens (batch, time). Tokens? Convert them with .astype(int).",
     lambda net: net.GRULayer(5, input_size=50)(np.ones((7, 4)))),
    ("ValueError: GRULayer: x is (7,), expected (time, batch, features), or integer tokens (time, batch). One sequence? Pass x[:, None, None].",
     lambda net: net.GRULayer(5, input_size=1, batch_first=False)(np.ones(7))),
    ("ValueError: RNNModel: x is (3,), expected integer tokens (batch, time), at least one. One sequence? Pass x[None].", lambda net: model_of(net, net.Embedding(4, 4), net.GRULayer(5))(tokens[0])),
    # Targets
    ("ValueError: SoftmaxCrossEntropy: target is (2,), expected (2, 3). One target per sequence? Set return_sequences=False in the last recurrent layer, or add Pooling.",
     lambda net: model_of(net, net.GRULayer(5)).loss_and_grads(values, [0, 1])),
    ("ValueError: MeanSquaredError: target is (2, 4), expected (2, 3, 4). One target per sequence? Set return_sequences=False in the last recurrent layer, or add Pooling.",
     lambda net: net.MeanSquaredError()(values, values[:, 0])),
    ("ValueError: SoftmaxCrossEntropy: target is (2, 3), expected (2, 4). One-hot targets have the shape of the logits, integer classes (2,). A class for each step? Leave out return_sequences=False.",
     lambda net: net.SoftmaxCrossEntropy()(values[:, 0], tokens)),
    ("ValueError: SoftmaxCrossEntropy: target is (2, 1), expected (2, 4). One-hot targets have the shape of the logits, integer classes (2,). A class for each? Pass target[..., 0].",
     lambda net: net.SoftmaxCrossEntropy()(values[:, 0], tokens[:, :1] * 1.0)),
    ("TypeError: SoftmaxCrossEntropy: target is float64, expected integer classes. Convert it with .astype(int).", lambda net: net.SoftmaxCrossEntropy()(values, np.ones((2, 3)))),
    ("ValueError: SoftmaxCrossEntropy: prediction is (), expected (..., V), a logit for each of V classes.", lambda net: net.SoftmaxCrossEntropy()(1.5, 0)),
    ("IndexError: SoftmaxCrossEntropy target: token 1 at [1], expected 0 to 0 (V = 1). One logit for two classes? Use BinaryCrossEntropy.",
     lambda net: net.SoftmaxCrossEntropy()(values[:, 0, :1], np.array([0, 1]))),
    ("ValueError: BinaryCrossEntropy: target is 3 at [1, 0], expected 0 to 1. Class numbers? Use SoftmaxCrossEntropy.", lambda net: net.BinaryCrossEntropy()(values[:, 0, :3], np.array([[0, 1, 1], [3, 0, 2]]))),
    ("IndexError: SoftmaxCrossEntropy target: token -100 at [0, 1], expected 0 to 3 (V = 4). Padding? Pass mask= or ignore_index=. Otherwise the last layer needs more outputs.",
     lambda net: net.SoftmaxCrossEntropy()(values, np.array([[0, -100, 1], [0, 0, 0]]))),
    ("ValueError: MeanSquaredError: dy is (2,), expected (). It has the shape of y.", lambda net: [loss := net.MeanSquaredError(), loss(values, values), loss.backward(np.ones(2))]),
    # States
    ("ValueError: GRULayer: state is a tuple of 2, expected one array h. Pass state[0] if that is h.", lambda net: net.GRULayer(5, input_size=4)(values, (h, h))),
    ("ValueError: GRULayer: state h is (1, 2, 5), expected (2, 5). It is (batch, hidden). PyTorch's states have an axis of layers: pass h[0].", lambda net: net.GRULayer(5)(values, h[None])),
    ("ValueError: LSTMLayer: state c is (5, 2), expected (2, 5). It is (batch, hidden). Pass c.T.", lambda net: lstm(net)(values, (h, h.T))),
    ("ValueError: LSTMLayer: state h is (5,), expected (2, 5). It is (batch, hidden). The same state for every row? Pass np.tile(h, (2, 1)).", lambda net: lstm(net)(values, (h[0], h[0]))),
    ("TypeError: RNNModel: state is ndarray, expected a list with one entry per layer, None for a layer without a state, as last_state.", lambda net: model_of(net, net.GRULayer(5), net.Dense(2))(values, h)),
    ("ValueError: RNNModel: state[1] is given, expected None: layers[1], Dense, has no state.", lambda net: model_of(net, net.GRULayer(5), net.Dense(2))(values, (h, h))),
    ("ValueError: LSTMNode: state c is (3, 5), expected (2, 5). On a tape it is (batch, hidden).", lambda net: net.Tape(step=net.LSTMNode(5, input_size=4)).step(values[:, 0], (h, np.ones((3, 5))))),
]  # fmt: skip


def translator(net: Any) -> Any:
    layers = lambda: [net.Embedding(4, 3), net.GRULayer(5)]  # noqa: E731
    return net.EncoderDecoder(
        layers(), layers(), [net.Dense(4)], loss=net.SoftmaxCrossEntropy(), input_size=4, target_size=4
    )


@pytest.mark.parametrize(("words", "call"), REFUSED, ids=[words[:60] for words, _ in REFUSED])
def test_numbers_that_are_refused_say_what_to_pass(net: Any, words: str, call: Refused) -> None:
    with pytest.raises((ValueError, TypeError, IndexError)) as caught:
        call(net)
    assert f"{type(caught.value).__name__}: {caught.value}" == words


def test_numnet_does_not_cut_a_graph_of_pytorch_in_silence() -> None:
    grown = torch.ones(2, 4, requires_grad=True)
    for given in (grown, [grown[0], grown[1]]):
        with pytest.raises(TypeError, match="requires a gradient, expected one without"):
            numnet.Dense(2)(given)
    torchnet.Dense(2)([grown[0], grown[1]]).sum().backward()
    assert grown.grad is not None


def test_only_torchnet_has_bfloat16() -> None:
    assert torchnet.Dense(2, dtype="bfloat16").dtype == torch.bfloat16
    with pytest.raises(ValueError, match=r"dtype is bfloat16, .* Only torchnet has bfloat16\."):
        numnet.Dense(2, dtype="bfloat16")
    assert numnet.Dense(2)(torch.ones(1, 3, dtype=torch.bfloat16)).dtype == np.float32


# Losses


def of(net: Any, kind: str, prediction: Any, target: Any, *mask: Any) -> tuple[float, Any]:
    loss = getattr(net, kind)()
    return float(loss(prediction, target, *mask)), to_numpy(loss.backward())


@pytest.mark.parametrize("kind", ["SoftmaxCrossEntropy", "BinaryCrossEntropy", "MeanSquaredError"])
def test_a_loss_of_float16_is_computed_in_float32(net: Any, kind: str) -> None:
    prediction = np.full((70000, 2), 3, "float16")
    prediction[:, 1] = -3
    target = np.zeros(70000, int) if kind == "SoftmaxCrossEntropy" else np.zeros((70000, 2))
    found, gradient = of(net, kind, prediction, target)
    expected, exact = of(net, kind, prediction.astype("float64"), target)
    assert found == pytest.approx(expected, rel=1e-4)
    assert gradient.dtype == np.float16
    np.testing.assert_allclose(gradient, exact, rtol=0.1, atol=1e-6)  # 1/70000 has few digits in float16


def test_bfloat16_has_a_loss_of_float32() -> None:
    prediction = torch.full((70001,), 0.5, dtype=torch.bfloat16)
    assert float(torchnet.MeanSquaredError()(prediction, np.zeros(70001))) == pytest.approx(0.25, rel=1e-6)


def test_a_mean_of_large_losses_does_not_overflow(net: Any) -> None:
    assert of(net, "MeanSquaredError", np.full(5000, 1e18, "float32"), np.zeros(5000))[0] == pytest.approx(1e36)


INFINITE = math.inf
CERTAIN = [  # logits of probability 0 or 1
    ("SoftmaxCrossEntropy", [[-INFINITE, 0.0, 0.0]], [[0.0, 0.5, 0.5]], math.log(2)),
    ("SoftmaxCrossEntropy", [[0.0, -INFINITE, -INFINITE]], [[1, 0, 0]], 0.0),
    ("SoftmaxCrossEntropy", [[-INFINITE, 0.0, 0.0]], [2], math.log(2)),
    ("SoftmaxCrossEntropy", [[-INFINITE, 0.0, 0.0]], [[0.5, 0.5, 0.0]], INFINITE),
    ("BinaryCrossEntropy", [INFINITE, -INFINITE], [1, 0], 0.0),
    ("BinaryCrossEntropy", [INFINITE, 0.0], [0, 0], INFINITE),
]


@pytest.mark.parametrize(("kind", "logits", "target", "expected"), CERTAIN)
def test_an_infinite_logit_counts_as_its_probability(
    net: Any, kind: str, logits: Any, target: Any, expected: float
) -> None:
    found, gradient = of(net, kind, np.array(logits), np.array(target))
    assert found == pytest.approx(expected)
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("kind", ["BinaryCrossEntropy", "MeanSquaredError"])
def test_a_number_for_each_sequence_fits_predictions_of_width_1(net: Any, kind: str) -> None:
    prediction, target = values[:, 0, :1], np.array([0, 1])
    assert of(net, kind, prediction, target)[0] == of(net, kind, prediction, target[:, None])[0]
    found, gradient = of(net, kind, prediction, target, np.array([True, False]))
    assert (found, gradient.shape) == (of(net, kind, prediction[:1], target[:1])[0], (2, 1))
    assert of(net, kind, values[..., :1], tokens > 1)[0] == of(net, kind, values[..., :1], (tokens > 1)[..., None])[0]


def test_targets_that_are_nan_make_the_loss_nan(net: Any) -> None:
    for kind in ("BinaryCrossEntropy", "MeanSquaredError"):
        assert math.isnan(of(net, kind, values, np.full(values.shape, np.nan))[0])


# Layers


def test_dropout_keeps_the_dtype_of_x_whatever_that_of_p(net: Any) -> None:
    layer = net.Dropout(np.linspace(0, 0.5, 6)[1])
    for dtype in ("float32", "float64", "float16"):
        layer.p = np.float64(0.25)
        assert str(layer(values.astype(dtype)).dtype).removeprefix("torch.") == dtype


@pytest.mark.parametrize("use_fast", [True, False])
@pytest.mark.parametrize("kind", ["RNNLayer", "GRULayer", "LSTMLayer"])
def test_the_state_of_a_row_without_steps_is_not_read(net: Any, kind: str, use_fast: bool) -> None:
    layer = getattr(net, kind)(5, input_size=4, seed=0)
    layer.use_fast = use_fast
    state = np.stack([h[0], np.full(5, np.nan)])
    y = layer(values, (state, state) if kind == "LSTMLayer" else state, [3, 0])
    layer.zero_grad()
    layer.backward(np.ones(tuple(y.shape)))
    assert all(np.isfinite(to_numpy(g)).all() for g in layer.grads.values())
    last = layer.last_state[0] if kind == "LSTMLayer" else layer.last_state
    np.testing.assert_array_equal(np.isnan(to_numpy(last)), np.isnan(state))


def test_a_refused_first_batch_creates_no_parameters(net: Any) -> None:
    layer = net.GRULayer(5)
    with pytest.raises(ValueError, match="state h is"):
        layer(values, np.ones((2, 9)))
    assert not layer.params


def test_a_refused_batch_of_pairs_is_not_counted(net: Any) -> None:
    model = translator(net)
    with pytest.raises(ValueError, match="lengths is"):
        model(tokens, tokens, [1, 2, 3])
    assert model.calls == 0
    model(tokens, tokens)
    assert model.calls == 1


def test_tokens_that_a_later_layer_cannot_read_leave_the_last_call(net: Any) -> None:
    model = net.RNNModel([net.Embedding(4, 3), net.Dropout(0.5), net.GRULayer(5)], input_size=4, seed=0)
    model(tokens)
    embedded = model.layers[0].saved
    for given in (tokens[0], tokens[..., None], tokens[:, :0]):
        with pytest.raises(ValueError, match=r"^RNNModel: x is .*, expected integer tokens \(batch, time\)"):
            model(given)
    assert model.layers[0].saved is embedded
    assert model.layers[1].calls == 1


def test_resets_of_a_model_are_checked_before_its_first_layer_is_called(net: Any) -> None:
    model = net.RNNModel([net.Dropout(0.5), net.GRULayer(5)], input_size=4)
    with pytest.raises(ValueError, match=r"^RNNModel: resets is \(2, 4\), expected \(2, 3\)"):
        model(values, resets=np.zeros((2, 4)))
    assert model.layers[0].calls == 0


def test_numbers_of_python_are_objects_of_any_kind(net: Any) -> None:
    np.testing.assert_array_equal(to_numpy(net.ReLU()([Fraction(1, 2), -1, True])), [0.5, 0, 1])


def test_x_of_zeros_is_unharmed(net: Any) -> None:
    given = x.copy()
    given.flags.writeable = False
    assert to_numpy(lstm(net)(given)).shape == (2, 3, 5)
