"""Networks that cannot be meant are refused when they are made, or warned of; a user's own classes are not."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import numnet
import torchnet
from parity_tests.small import x

ids = np.array([[1, 2, 0], [3, 1, 2]])
ONE = "returns one vector for each sequence, expected one for each step"


def other(net: Any) -> Any:
    return torchnet if net is numnet else numnet


def coder(net: Any, decoder: Any = (), output: Any = None, attention: Any = None, **options: Any) -> Any:
    """An encoder-decoder of 7 source and 6 target tokens."""
    return net.EncoderDecoder(
        [net.Embedding(7, 3), net.GRULayer(4)],
        [net.Embedding(6, 3), *decoder, net.GRULayer(4)],
        [net.Dense(6)] if output is None else output,
        attention,
        **options,
    )


# What the error says, with {net} for the package and {other} for the other one; and what is made.
REFUSED: list[tuple[str, Callable[[Any], Any]]] = [
    ("RNNModel: layers is generator, expected a list of layers. Pass list(layers).",
     lambda n: n.RNNModel(n.Dense(k) for k in (2, 3))),
    ("RNNModel: layers is dict, expected a list of layers. One layer? Pass [layer].",
     lambda n: n.RNNModel({"first": n.Dense(2)})),
    ("RNNModel: layers is the class GRULayer, expected a list of layers.", lambda n: n.RNNModel(n.GRULayer)),
    ("Concat: layers is 'GRU', expected a list of layers.", lambda n: n.Concat("GRU")),
    ("RNNModel: layers[1] is a tuple, expected a layer. One list contains all layers: [*first, *second].",
     lambda n: n.RNNModel([n.Dense(2), (n.Tanh(), n.Dense(3))])),
    ("RNNModel: layers[0] is 'GRU', expected a layer. Use {net}.GRULayer(hidden_size)", lambda n: n.RNNModel(["GRU"])),
    ("RNNModel: layers[1] is None, expected a layer. Use {net}.LSTMLayer(64) or {net}.Dense(10).",
     lambda n: n.RNNModel([n.Dense(2), None])),
    ("RNNModel: layers[1] is the class Tanh, expected a layer. Make an object of the class: Tanh(...).",
     lambda n: n.RNNModel([n.Dense(2), n.Tanh])),
    ("Concat: layers[0] is the class Dense, expected a layer.", lambda n: n.Concat([n.Dense])),
    ("EncoderDecoder: output[0] is the class Dense, expected a layer.", lambda n: coder(n, output=[n.Dense])),
    ("RNNModel: layers[0] is PyTorch's GRU, expected a layer. Use {net}.GRULayer(hidden_size)",
     lambda n: n.RNNModel([torch.nn.GRU(4, 3)])),
    ("RNNModel: layers[1] is {other}'s GRULayer, expected a layer. Use {net}.GRULayer: all parts of a model are of",
     lambda n: n.RNNModel([n.Dense(4), other(n).GRULayer(3)])),
    ("RNNModel: layers[0] is the function exp, expected a layer.", lambda n: n.RNNModel([np.exp])),
    ("RNNModel: layers[1] is Adam, expected a layer. An optimizer? Give it to a Trainer: {net}.Trainer(",
     lambda n: n.RNNModel([n.Dense(4), n.Adam()])),
    ("RNNModel: layers[1] is the loss MeanSquaredError, expected a layer. Pass it as loss=MeanSquaredError().",
     lambda n: n.RNNModel([n.Dense(4), n.MeanSquaredError()])),
    ("RNNModel: layers[0] is a network, RNNModel, expected a layer. Write its layers: [*model.layers, ...].",
     lambda n: n.RNNModel([n.RNNModel([n.Dense(4)]), n.Dense(2)])),
    ("RNNModel: layers[0] is the node LSTMNode, which computes one step, expected a layer. Use RecurrentLayer(LSTMNode",
     lambda n: n.RNNModel([n.LSTMNode(4)])),
    ("RNNModel: layers[1] is Attention, which takes q, m, expected a layer of one input.",
     lambda n: n.RNNModel([n.GRULayer(4), n.Attention("dot")])),
    ("RNNModel: layers[1] is Embedding, which reads tokens, expected a layer that reads numbers, the outputs of "
     "layers[0]. Put the Embedding first.", lambda n: n.RNNModel([n.Dropout(0.1), n.Embedding(5, 3)])),
    (f"RNNModel: layers[0], GRULayer, {ONE}: layers[2], LSTMLayer, reads a sequence. Leave out return_sequences=False.",
     lambda n: n.RNNModel([n.GRULayer(4, return_sequences=False), n.Tanh(), n.LSTMLayer(3)])),
    (f"RNNModel: layers[0], Pooling, {ONE}: layers[1], Convolution, reads a sequence. Put it after layers[1].",
     lambda n: n.RNNModel([n.Pooling("max"), n.Convolution(3)])),
    ("RNNModel: loss is the class MeanSquaredError, expected None or a loss. Make an object of the class: MeanSquared",
     lambda n: n.RNNModel([n.Dense(4)], n.MeanSquaredError)),
    ("RNNModel: loss is 'MSE', expected None or a loss. Use {net}.MeanSquaredError().",
     lambda n: n.RNNModel([n.Dense(4)], "MSE")),
    ("EncoderDecoder: loss is 'sparse_categorical_crossentropy', expected None or a loss. Use {net}.SoftmaxCrossEntro",
     lambda n: coder(n, loss="sparse_categorical_crossentropy")),
    ("RNNModel: loss is 'sgd', expected None or a loss. An optimizer? Give it to a Trainer",
     lambda n: n.RNNModel([n.Dense(4)], "sgd")),
    ("RNNModel: loss is SGD, expected None or a loss. An optimizer?", lambda n: n.RNNModel([n.Dense(4)], n.SGD(0.1))),
    ("RNNModel: loss is a tuple, expected None or a loss. Several? Use a Tape",
     lambda n: n.RNNModel([n.Dense(4)], (n.MeanSquaredError(), n.BinaryCrossEntropy()))),
    ("RNNModel: loss is {other}'s BinaryCrossEntropy, expected None or a loss. Use {net}.BinaryCrossEntropy",
     lambda n: n.RNNModel([n.Dense(4)], other(n).BinaryCrossEntropy())),
    ("RNNModel: loss is PyTorch's CrossEntropyLoss, expected None or a loss. Use {net}.SoftmaxCrossEntropy()",
     lambda n: n.RNNModel([n.Dense(4)], torch.nn.CrossEntropyLoss())),
    ("RNNModel: loss is Dense, expected None or a loss.", lambda n: n.RNNModel([n.Dense(4)], n.Dense(1))),
    ("RNNModel: input_size is 0, expected a whole number above 0.", lambda n: n.RNNModel([n.Dense(4)], input_size=0)),
    ("EncoderDecoder: target_size is -3, expected a whole number above 0.", lambda n: coder(n, target_size=-3)),
    ("Bidirectional: layer is the class GRULayer, expected a recurrent layer, such as LSTMLayer. Make an object of",
     lambda n: n.Bidirectional(n.GRULayer)),
    ("Bidirectional: layer is {other}'s GRULayer, expected a layer. Use {net}.GRULayer",
     lambda n: n.Bidirectional(other(n).GRULayer(3))),
    ("EncoderDecoder: decoder[1] is Convolution, which reads several steps at once, expected layers that carry",
     lambda n: coder(n, [n.Convolution(3)])),
    ("EncoderDecoder: decoder[1] is Convolution, which reads several steps at once",
     lambda n: coder(n, [n.Concat([n.Dense(2), n.Convolution(2, width=2)])])),
    ("EncoderDecoder: output[0] is GRULayer, which reads a sequence, expected a layer that reads one step",
     lambda n: coder(n, output=[n.GRULayer(3), n.Dense(6)])),
    ("EncoderDecoder: the output layers return 7 logits, expected at most 6, the target_size. End output with",
     lambda n: coder(n, output=[n.Tanh(), n.Dense(7)])),
    ("EncoderDecoder: attention has memory_size=9, expected 4, the width of the encoder's outputs. Leave it out",
     lambda n: coder(n, attention=n.Attention("general", memory_size=9))),
    ("EncoderDecoder: attention is the class Attention, expected None or an Attention. Make an object of the class",
     lambda n: coder(n, attention=n.Attention)),
    ("EncoderDecoder: the encoder has no recurrent layer and there is no attention, expected either: the decoder would",
     lambda n: n.EncoderDecoder([n.Embedding(7, 3)], [n.Embedding(6, 3)], [n.Dense(6)])),
    ("EncoderDecoder: x is (3,), expected (batch, time, features), or integer tokens (batch, time). One sequence? Pass",
     lambda n: coder(n).predict(ids[0], ids)),
]  # fmt: skip


@pytest.mark.parametrize(("words", "make"), REFUSED, ids=[words[:70] for words, _ in REFUSED])
def test_what_cannot_be_meant_is_refused(words: str, make: Callable[[Any], Any], net: Any) -> None:
    with pytest.raises((TypeError, ValueError)) as refused:
        make(net)
    assert str(refused.value).startswith(words.replace("{net}", net.__name__).replace("{other}", other(net).__name__))


def warned(make: Callable[[], Any]) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        make()
    assert all(each.filename == __file__ for each in caught)
    return [str(each.message) for each in caught]


@pytest.mark.parametrize(
    ("activation", "loss", "limits"),
    [
        ("Softmax", "SoftmaxCrossEntropy", "0 to 1"),
        ("Sigmoid", "SoftmaxCrossEntropy", "0 to 1"),
        ("Sigmoid", "BinaryCrossEntropy", "0 to 1"),
        ("Tanh", "BinaryCrossEntropy", "-1 to 1"),
        ("ReLU", "BinaryCrossEntropy", "0 or more"),
    ],
)
def test_an_activation_before_a_loss_of_logits_is_warned_of_once(
    net: Any, activation: str, loss: str, limits: str
) -> None:
    kind, loss_kind = getattr(net, activation), getattr(net, loss)
    models: list[Any] = []
    said = warned(lambda: models.append(net.RNNModel([net.GRULayer(3), kind(), net.Pooling()], loss_kind())))
    applied = "softmax" if "Softmax" in loss else "sigmoid"
    assert said == [
        f"RNNModel: layers[1] is {activation}(), the last layer before the loss, whose outputs are {limits}, expected "
        f"logits, any numbers: {loss} applies {applied} itself. Remove layers[1]."
    ]
    assert warned(lambda: models[0].loss_and_grads(x, np.zeros((2, 3)) if applied == "sigmoid" else [0, 1])) == []
    said = warned(lambda: coder(net, output=[net.Dense(6), kind()], loss=loss_kind()))
    assert [each.partition(",")[0] for each in said] == [f"EncoderDecoder: output[1] is {activation}()"]


def test_a_dropout_of_the_predictions_is_warned_of(net: Any) -> None:
    said = warned(lambda: net.RNNModel([net.Dense(3), net.Dropout(0.2)], net.MeanSquaredError()))
    assert len(said) == 1
    assert said[0].endswith("so that predictions are 0 at random in training. Put it before layers[0].")


def test_what_can_be_meant_is_not_warned_of(net: Any) -> None:
    own = type("Softmax", (net.Softmax,), {})
    own_loss = type("SoftmaxCrossEntropy", (net.SoftmaxCrossEntropy,), {})

    class Repeat(net.Operation):
        """One vector for each step again."""

        def forward(self, x: Any) -> Any:
            return x[:, None]

    def make() -> None:
        net.RNNModel([net.Dense(3), own()], net.SoftmaxCrossEntropy())
        net.RNNModel([net.Dense(3), net.Softmax()], own_loss())
        net.RNNModel([net.Dense(3), net.Softmax()], net.MeanSquaredError())
        net.RNNModel([net.Dense(3), net.Softmax()])
        net.RNNModel([net.Dense(3), net.ReLU(), net.Dense(2), net.Dropout(0.0)], net.SoftmaxCrossEntropy())
        net.RNNModel([net.GRULayer(3, return_sequences=False), Repeat(), net.GRULayer(3)])
        net.RNNModel([net.GRULayer(3, return_sequences=False), net.Concat([net.Dense(3), net.Tanh()])])
        net.RNNModel((net.Dense(3), net.Dense(2)))
        coder(net, [net.Convolution(3, width=1)])

    assert warned(make) == []


def test_a_config_is_the_dictionary_of_a_model(net: Any) -> None:
    for kind, name in ((net.RNNModel, "layers"), (net.EncoderDecoder, "encoder")):
        words = "expected the dictionary that config"
        with pytest.raises(TypeError, match=f"{kind.__name__}: config is list, {words}"):
            kind.from_config([1])
        with pytest.raises(ValueError, match=f"{kind.__name__}: '{name}' is missing in config, {words}"):
            kind.from_config({"type": "Dense"})


@pytest.mark.parametrize("state", [3, np.zeros((2, 3)), "h", {0: None}])
def test_a_state_is_a_list_with_an_entry_for_each_layer(net: Any, state: Any) -> None:
    model = net.RNNModel([net.GRULayer(3), net.Dense(2)], net.MeanSquaredError(), input_size=4)
    y = model(x)
    words = f"is {type(state).__name__}, expected a list with one entry per layer, None for a layer without a state"
    with pytest.raises(TypeError, match=re.escape(f"RNNModel: state {words}")):
        model.predict(x, state)
    with pytest.raises(TypeError, match=re.escape(f"RNNModel: d_last_state {words}")):
        model.backward(y, state)
    with pytest.raises(TypeError, match=r"RNNModel: return_state is .*, expected True or False"):
        model.forward(x, return_state=state)


def test_a_packed_input_has_a_packed_gradient_where_one_vector_is_returned(net: Any) -> None:
    batch = net.pack([np.ones((3, 4)), np.ones((1, 4))])
    for last in (net.GRULayer(3, return_sequences=False), net.Pooling("mean")):
        model = net.RNNModel([last, net.Dense(2)], input_size=4)
        dx = model.backward(np.ones(tuple(model(batch).shape)))
        assert dx.lengths.tolist() == [3, 1]
        assert tuple(dx.values.shape) == (4, 4)


def test_use_fast_reads_back_what_was_set_without_recurrent_layers(net: Any) -> None:
    model = net.RNNModel([net.Dense(2)])
    assert model.use_fast
    model.use_fast = False
    assert not model.use_fast
    with pytest.raises(ValueError, match="RNNModel: use_fast is 'no', expected one of True, False"):
        model.use_fast = "no"
