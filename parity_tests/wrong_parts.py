"""The good calls of the table of wrong values, first part: the constructors, and the methods of the layers."""

from __future__ import annotations

import inspect
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import numnet
from numnet.core.arrays import to_numpy
from parity_tests.small import TOKENS

FOLDER = Path(tempfile.mkdtemp(prefix="wrong"))
RNG = np.random.default_rng(0)
X = RNG.standard_normal((2, 3, 4)).astype(np.float32)
IDS = np.array([[1, 2, 3], [3, 0, 1]])
PARSES = [
    numnet.data.EncodedParse(np.array(words), np.array(moves)) for words, moves in (([1, 2], [0, 0, 1]), ([3], [0]))
]
COLUMNS = ("state", "d_last_state", "resets", "lengths")


class Call(NamedTuple):
    """A function and arguments that fit; `watched` must not change if one that does not fit takes their place."""

    function: Callable[..., Any]
    arguments: dict[str, Any]
    watched: Any = None


REQUIRED: dict[str, dict[str, Any]] = {
    **{f"{kind}Layer": {"hidden_size": 5} for kind in ("RNN", "GRU", "LSTM", "MGU", "IndRNN")},
    **{f"{kind}Node": {"hidden_size": 5} for kind in ("RNN", "GRU", "LSTM", "MGU", "IndRNN", "LSTMVariant")},
    **{name: {"hidden_size": 5} for name in ("LayerNormRNNNode", "GRUVariantNode", "TreeNode", "TreeLSTMNode")},
    **{name: {"hidden_size": 5} for name in ("ChildSumTreeLSTMNode", "Tracker")},
    "Dense": {"output_size": 3},
    "Embedding": {"input_size": 5, "output_size": 3},
    "Characters": {"input_size": 9, "embedding_size": 3, "output_size": 4},
    "Convolution": {"output_size": 3},
    "RepeatVector": {"times": 3},
    **{name: {"heads": 2} for name in ("MultiHeadAttention", "SelfAttention")},
    **{name: {} for name in ("Pooling", "Attention", "Dropout", "LayerNorm", "RMSNorm", "BatchNorm")},
    **{name: {} for name in ("Sigmoid", "Tanh", "ReLU", "LeakyReLU", "ELU", "SiLU", "GELU", "Softplus", "Softmax")},
    **{name: {} for name in ("SoftmaxCrossEntropy", "BinaryCrossEntropy", "MeanSquaredError")},
    **{name: {} for name in ("MeanAbsoluteError", "HuberLoss")},
    "QuantileLoss": {"quantiles": [0.1, 0.9]},
    **{
        name: {"learning_rate": 0.1}
        for name in ("SGD", "SGDMomentum", "AdaGrad", "RMSProp", "Adadelta", "Adam", "AdamW")
    },
    "LBFGS": {},
    "ConstantSchedule": {"learning_rate": 0.1},
    "StepSchedule": {"learning_rate": 0.1, "every": 3},
    "ExponentialSchedule": {"learning_rate": 0.1, "factor": 0.9},
    "CosineSchedule": {"learning_rate": 0.1, "steps": 9},
    "ReduceOnPlateau": {"learning_rate": 0.1},
    "SequentialBatches": {"tokens": TOKENS, "batch_size": 2, "sequence_length": 4},
    "RandomBatches": {"tokens": TOKENS, "batch_size": 2, "sequence_length": 4},
    "SequenceBatches": {"sequences": [[1, 2], [3]], "targets": [0, 1], "batch_size": 2},
    "PairBatches": {"sources": [[1, 2], [3]], "targets": [[1, 2], [3]], "batch_size": 2},
    "ParseBatches": {"parses": PARSES, "targets": [0, 1], "batch_size": 2},
    "Vocabulary": {"tokens": ["<unk>", "a", "b"]},
    "Packed": {"values": X[0], "lengths": [2, 1]},
    "History": {},
    "Parameter": {"value": 3},
    "NumberWithGrad": {"value": 1.5},
    "ArrayWithGrad": {"value": X},
}


def model_of(net: Any) -> Any:
    """A tagger with a state and an embedding, built."""
    layers = [net.Embedding(5, 4), net.GRULayer(3), net.Dense(2)]
    model = net.RNNModel(layers, net.SoftmaxCrossEntropy())
    model.predict(IDS)
    return model


def translator(net: Any) -> Any:
    """An encoder-decoder with attention, built."""
    encoder, decoder = [net.Embedding(5, 4), net.GRULayer(3)], [net.Embedding(5, 4), net.GRULayer(3)]
    model = net.EncoderDecoder(encoder, decoder, [net.Dense(5)], net.Attention("dot"), net.SoftmaxCrossEntropy())
    model.evaluate(IDS, IDS)
    return model


def spinn(net: Any) -> Any:
    """A SPINN that parses by itself, built."""
    leaf = [net.Embedding(5, 4), net.Dense(6)]
    model = net.SPINN(leaf, net.TreeLSTMNode(3), net.Tracker(2), drive="own")
    model.predict(IDS)
    return model


def constructors() -> Iterator[tuple[str, Callable[[Any], Call]]]:
    """Every class with its required arguments, and its options at their defaults."""
    for name, required in REQUIRED.items():

        def make(net: Any, name: str = name, required: Mapping[str, Any] = required) -> Call:
            kind = getattr(net, name)
            parameters = inspect.signature(kind).parameters.values()
            return Call(kind, {p.name: required.get(p.name, p.default) for p in parameters})

        yield name, make


def layers(net: Any) -> dict[str, Any]:
    """Layers that take X, built."""
    return {
        "RNNLayer": net.RNNLayer(5, input_size=4),
        "GRULayer": net.GRULayer(5, input_size=4, stateful=True),
        "LSTMLayer": net.LSTMLayer(5, input_size=4),
        "LSTMLayer plain": net.LSTMLayer(5, input_size=4, peepholes=True, learn_state=True),
        "Bidirectional": net.Bidirectional(net.GRULayer(5, input_size=4)),
        "Dense": net.Dense(3, input_size=4),
        "Convolution": net.Convolution(3, input_size=4),
        "SelfAttention": net.SelfAttention(2, input_size=4),
        "Pooling": net.Pooling("max"),
        "LayerNorm": net.LayerNorm(),
        "BatchNorm": net.BatchNorm(),
        "Dropout": net.Dropout(0.3),
        "Concat": net.Concat([net.Dense(2), net.Dense(3)], [1, 3]),
        "Tanh": net.Tanh(),
        "Softmax": net.Softmax(),
    }


def of_layers() -> Iterator[tuple[str, Callable[[Any], Call]]]:
    """Forward, backward, load_state_dict and reset_state of each layer."""
    for name in layers(numnet):

        def forward(net: Any, name: str = name) -> Call:
            layer = layers(net)[name]
            options = [p for p in inspect.signature(layer.forward).parameters if p not in ("x", "return_state")]
            return Call(layer, {"x": X, **dict.fromkeys(options)}, layer)

        def backward(net: Any, name: str = name) -> Call:
            layer = layers(net)[name]
            y = layer(X)
            options = [p for p in inspect.signature(layer.backward).parameters if p != "dy"]
            return Call(layer.backward, {"dy": np.ones_like(to_numpy(y)), **dict.fromkeys(options)}, layer)

        def load(net: Any, name: str = name) -> Call:
            layer = layers(net)[name]
            layer(X)
            return Call(layer.load_state_dict, {"state": getattr(layer, "state_dict", dict)()}, layer)

        yield f"{name}.forward", forward
        yield f"{name}.backward", backward
        if name not in ("Pooling", "Dropout", "Tanh", "Softmax"):
            yield f"{name}.load_state_dict", load


def use(made: Any) -> None:
    """Use what a constructor made, so that a wrong option does not fail later, in other words."""
    kinds = {base.__name__ for base in type(made).__mro__}
    if type(made).__name__ in ("Operation", "ParamOperation", "Layer", "Schedule"):  # base classes have no forward
        return
    if kinds & {"RepeatVector", "Node", "Attention", "MultiHeadAttention", "Parameter", "Characters", "Concat"}:
        return
    if "Embedding" in kinds:
        made(np.zeros((1, 2), int))
    elif "Loss" in kinds:
        return
    elif "ParamOperation" in kinds and not kinds & {"Network", "RNNModel", "Tape"}:
        y = made(X if getattr(made, "input_size", None) in (None, 4) else np.zeros((2, 3, made.input_size), np.float32))
        parts = y if isinstance(y, tuple) else (y,)
        dy = tuple(np.ones_like(to_numpy(part)) for part in parts)
        made.backward(dy if isinstance(y, tuple) else dy[0])
    elif "Schedule" in kinds:
        made(3)
    elif hasattr(made, "epoch") and hasattr(made, "carries_state"):
        list(made.epoch(0))
