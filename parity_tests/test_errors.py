"""Bad input, as data: who, got, expected, remedy; the same words from both backends; never a silent wrong number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import numnet
import torchnet
from numnet.core.checks import check_built, check_dtype
from parity_tests.small import TOKENS, both, gru, lstm, model_of, trained, x

tokens = np.array([[0, 1, -1], [3, 9, -1]])
h = np.zeros((2, 5))
Bad = Callable[[Any], Any]


def packed(net: Any, *lengths: int) -> Any:
    """Sequences of these lengths, 4 features a step."""
    return net.pack([np.zeros((length, 4)) for length in lengths])


def read(net: Any, **layer: Any) -> Any:
    """The model of a checkpoint with this layer in its configuration and few weights."""
    config = {"layers": [layer], "loss": None, "input_size": 4, "seed": 0, "dtype": "float32"}
    return net.RNNModel.from_checkpoint(net.Checkpoint("run.npz", config, {"W": np.zeros((2, 4))}))


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
    ("a sequence for a convolution", ValueError, "Convolution: x is (3, 4), expected (batch, time, features). One sequence? Pass x[None].", lambda net: net.Convolution(2)(x[0])),
    ("tokens for a convolution", ValueError, "Convolution: x is (2, 3), expected (batch, time, features). Tokens? Put an Embedding before it.", lambda net: net.Convolution(2)(tokens)),
    ("width of a convolution", ValueError, "Convolution: width is 0, expected a whole number above 0.", lambda net: net.Convolution(2, width=0)),
    ("features of a convolution", ValueError, "Convolution: x has 4 features, expected 5.", lambda net: net.Convolution(2, width=3, input_size=5)(x)),
    ("lengths of a convolution", ValueError, "Convolution: lengths[0] is 9, expected 0 to 3", lambda net: net.Convolution(2)(x, [9, 3])),
    ("upstream's shape of a convolution", ValueError, "Convolution: dy is (2, 3, 4), expected (2, 3, 2).", lambda net: trained(net, net.Convolution(2)).backward(x)),
    ("time-major lengths of a convolution", ValueError, "Convolution: lengths is (2,), expected (3,).", lambda net: net.Convolution(2, batch_first=False)(x, [2, 2])),
    ("character A", IndexError, "Characters: token 9 at [1, 1], expected 0 to 8 (V = 9).", lambda net: net.Characters(9, embedding_size=2, output_size=2)(np.maximum(tokens, 0))),
    ("character -1", IndexError, "Characters: token -1 at [0, 2], expected 0 to 9 (V = 10).", lambda net: net.Characters(10, embedding_size=2, output_size=2)(tokens)),
    ("character behind a 0", ValueError, "Characters: character 5 at [0, 1, 2] follows a 0, expected zeros only after a word's end. Number the characters from 1.",
     lambda net: net.Characters(9, embedding_size=2, output_size=2)(np.array([[[1, 2, 0], [1, 0, 5]]]))),
    ("characters of floats", TypeError, "Characters: tokens are float32, expected integers.", lambda net: net.Characters(9, embedding_size=2, output_size=2)(x)),
    ("one word", ValueError, "Characters: x is (3,), expected (batch, ..., characters), at least one word. One word? Pass x[None].", lambda net: net.Characters(9, embedding_size=2, output_size=2)(tokens[0])),
    ("no word", ValueError, "Characters: x is (2, 0, 3), expected (batch, ..., characters), at least one word.", lambda net: net.Characters(9, embedding_size=2, output_size=2)(np.zeros((2, 0, 3), int))),
    ("size of characters", ValueError, "Characters: embedding_size is 0, expected a whole number above 0.", lambda net: net.Characters(9, embedding_size=0, output_size=2)),
    ("one layer alone", TypeError, "RNNModel: layers is Dense, expected a list of layers. One layer? Pass [layer].",
     lambda net: net.RNNModel(net.Dense(3))),
    ("a class on a tape", TypeError, "Tape: dense is the class Dense, expected an instance, such as Dense(...).",
     lambda net: net.Tape(dense=net.Dense)),
    ("one layer beside none", TypeError, "Concat: layers is Dense, expected a list of layers. One layer? Pass [layer].",
     lambda net: net.Concat(net.Dense(3))),
    ("nothing side by side", ValueError, "Concat: there are no layers, expected at least one.", lambda net: net.Concat([])),
    ("a state side by side", ValueError, "Concat: layers[1] is LSTMLayer, which has a state, expected layers without one. Put it before or after the Concat.",
     lambda net: net.Concat([net.Dense(2), lstm(net)])),
    ("time side by side", ValueError, "Concat: layers[1] is Pooling, layers[0] Dense: only one keeps time, expected all or none. Pool after the Concat.",
     lambda net: net.Concat([net.Dense(2), net.Pooling()])),
    ("both axes side by side", ValueError, "Concat: layers[0] is time-major, expected batch-first, as the Concat. Give both the same batch_first=.",
     lambda net: net.Concat([net.Convolution(2, batch_first=False)])),
    ("dropout of sequences in a time-major Concat", ValueError, "Concat: layers[0] is batch-first, expected time-major, as the Concat.",
     lambda net: net.Concat([net.Dropout(per_sequence=True)], batch_first=False)),
    ("a time-major Concat in a model", ValueError, "RNNModel: layers[0] is time-major, layers[1] batch-first, expected the same for all.",
     lambda net: model_of(net, net.Concat([net.Dense(2)], batch_first=False), lstm(net))),
    ("tokens and numbers side by side", ValueError, "Concat: layers[1] reads tokens, layers[0] numbers, expected the same for all. Pass widths=.",
     lambda net: net.Concat([net.Dense(2), net.Embedding(4, 2)])),
    ("number of widths", ValueError, "Concat: widths has 1 entries, expected 2, one per layer.", lambda net: net.Concat([net.Dense(2), net.Dense(2)], [4])),
    ("width 0", ValueError, "Concat: widths[1] is 0, expected a whole number above 0.", lambda net: net.Concat([net.Dense(2), net.Dense(2)], [4, 0])),
    ("sum of widths", ValueError, "Concat: x has 4 columns, expected 3, the sum of widths [2, 1].", lambda net: net.Concat([net.Dense(2), net.Dense(2)], [2, 1])(x)),
    ("a sample side by side", ValueError, "Concat: x is (4,), expected (batch, ..., features). One sample? Pass x[None].", lambda net: net.Concat([net.Dense(2)])(x[0, 0])),
    ("twice side by side", ValueError, "Concat: layers[1] is an earlier layer, or shares a node with one, expected a new layer. Create one.",
     lambda net: net.Concat([dense := net.Dense(2), dense])),
    ("V for the sum of widths", ValueError, "Concat: its input size is 4, expected 50, the width of the layer before it, or the model's input_size. Leave it out: the layer then infers it.",
     lambda net: net.RNNModel([net.Concat([net.Embedding(50, 2), net.Characters(9, embedding_size=2, output_size=2)], [1, 3])], input_size=50)),
    ("two tokens in one place", ValueError, "Concat: layers[1] returns (2, 3, 2, 3), layers[0] (2, 3, 3), expected the same except for the last axis. An Embedding reads one column.",
     lambda net: net.Concat([net.Embedding(4, 3), net.Embedding(4, 3)], [1, 2])(np.ones((2, 3, 3), int))),
    ("a float token in a column", TypeError, "Embedding: tokens are float32, expected integers.", lambda net: net.Concat([net.Embedding(4, 3), net.Dense(2)], [1, 3])(x)),
    ("one sequence with lengths side by side", ValueError, "Concat: x is (3, 4), expected (batch, time, features). One sequence? Pass x[None].",
     lambda net: net.Concat([net.Dense(2)])(x[0], [2, 2, 2])),
    ("lengths side by side", ValueError, "Concat: lengths[1] is 4, expected 0 to 3", lambda net: net.Concat([net.Dense(2)])(x, [3, 4])),
    ("upstream's shape side by side", ValueError, "Concat: dy is (2, 3, 4), expected (2, 3, 2).", lambda net: trained(net, net.Concat([net.Dense(2)])).backward(x)),
    ("upstream's lengths side by side", ValueError, "Concat: dy[0] has 3 steps, expected 2. Pack both with the same lengths.",
     lambda net: trained(net, net.Concat([net.Dense(4)]), packed(net, 2, 3)).backward(packed(net, 3, 2))),
    ("shape of vectors", ValueError, "Embedding: vectors is (4, 3), expected (6, 3). One row for each token.", lambda net: net.Embedding(6, 3).start_from(np.zeros((4, 3)))),
    ("rows of vectors", IndexError, "Embedding: token 6 at [1], expected 0 to 5 (V = 6).", lambda net: net.Embedding(6, 3).start_from(np.zeros((2, 3)), [0, 6])),
    ("checkpoint of huge characters", ValueError, "run.npz: not a usable checkpoint: embedding_size of Characters is 1000000000, larger than any axis of the weights",
     lambda net: read(net, type="Concat", layers=[{"type": "Dense", "output_size": 2}, {"type": "Characters", "embedding_size": 10**9}])),
    ("checkpoint of a wide convolution", ValueError, "run.npz: not a usable checkpoint: width of Convolution is 1000000000, larger than any axis of the weights",
     lambda net: read(net, type="Convolution", output_size=2, width=10**9)),
    ("tokens without V", ValueError, "Pass input_size=V.", lambda net: net.LSTMLayer(5)(np.array([[0, 1]]))),
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
    ("hidden size 2.5", TypeError, "RNNLayer: hidden_size is 2.5, expected a whole number.", lambda net: net.RNNLayer(2.5)),
    ("integer parameters", ValueError, "Dense: dtype is int32, expected a dtype of real numbers", lambda net: net.Dense(2, dtype="int32")),
    ("three axes for a node", ValueError, "GRUNode: x is (2, 3, 4), expected one step: (features, batch)", lambda net: net.GRUNode(5)(x)),
    ("no weights to load into", ValueError, "the Dense has no parameters yet. Give input_size=", lambda net: net.Dense(2).load_state_dict({})),
    ("no weights to move", ValueError, "Adam: the Dense has no parameters yet.", lambda net: net.Adam(0.1).step(net.Dense(2))),
    ("shape of the last state's gradient", ValueError, "LSTMLayer: d_last_state h is (2, 6), expected (2, 5).",
     lambda net: trained(net).backward(None, (np.zeros((2, 6)), np.zeros((2, 5))))),
    ("complex upstream", TypeError, "LSTMLayer: dy is complex128, expected real numbers.", lambda net: trained(net).backward(np.zeros((2, 3, 5), complex))),
    ("complex target", TypeError, "MeanSquaredError: target is complex64, expected real numbers.", lambda net: net.MeanSquaredError()(x, x * 1j)),
    ("nothing at all", TypeError, "RNNModel: x is None, expected an array of real numbers.", lambda net: net.RNNModel([net.Dense(2)])(None)),
    ("reset", ValueError, "reset is 'late', expected one of 'before', 'after'.", lambda net: net.GRULayer(3, reset="late")),
    ("initial", ValueError, "initial is 'magic', expected one of 'pytorch', 'glorot', 'orthogonal'.", lambda net: lstm(net, initial="magic")),
    ("dropout 1", ValueError, "Dropout: p is 1, expected 0 or more and less than 1.", lambda net: net.Dropout(1)),
    ("target's shape", ValueError, "SoftmaxCrossEntropy: target is (2,), expected (2, 3).", lambda net: net.SoftmaxCrossEntropy()(x, np.zeros(2, int))),
    ("target V", IndexError, "SoftmaxCrossEntropy target: token 4 at [0], expected 0 to 3",
     lambda net: net.SoftmaxCrossEntropy()(x[0], np.array([4, 0, 0]))),
    ("mask's shape", ValueError, "MeanSquaredError: mask is (2, 4), expected (2, 3).", lambda net: net.MeanSquaredError()(x, x, np.ones((2, 4)))),
    ("mask of halves", ValueError, "MeanSquaredError: mask contains 0.5, expected truth values, True for a target that counts.", lambda net: net.MeanSquaredError()(x, x, np.full((2, 3), 0.5))),
    ("no loss", ValueError, "RNNModel: there is no loss.", lambda net: net.RNNModel([lstm(net)]).loss_and_grads(x, x)),
    ("another shape of weights", ValueError, "Dense: W is (2, 3), expected (2, 4).",
     lambda net: net.Dense(2, input_size=4).load_state_dict({"W": np.zeros((2, 3)), "b": np.zeros(2)})),
    ("missing weights", ValueError, "Dense: b is missing, expected (2,).", lambda net: net.Dense(2, input_size=4).load_state_dict({"W": np.zeros((2, 4))})),
    ("unknown weights", ValueError, "Dense: U is (1,), expected no such parameter.",
     lambda net: net.Dense(2, input_size=4).load_state_dict({"W": np.zeros((2, 4)), "b": np.zeros(2), "U": np.zeros(1)})),
    ("clip_norm 0", ValueError, "Adam: clip_norm is 0, expected a number above 0.", lambda net: net.Adam(1e-3, clip_norm=0)),
    ("checkpoint of a huge projection", ValueError, "run.npz: not a usable checkpoint: proj_size of LSTMLayer is 1000000000, larger than any axis of the weights",
     lambda net: read(net, type="LSTMLayer", hidden_size=4, proj_size=10**9)),
    ("checkpoint of a huge layer both ways", ValueError, "run.npz: not a usable checkpoint: hidden_size of GRULayer is 1000000000, larger than any axis of the weights",
     lambda net: read(net, type="Bidirectional", layer={"type": "GRULayer", "hidden_size": 10**9})),
    ("length above T", ValueError, "LSTMLayer: lengths[1] is 4, expected 0 to 3 (T = 3).", lambda net: lstm(net)(x, None, [3, 4])),
    ("length -1", ValueError, "GRULayer: lengths[0] is -1, expected 0 to 3 (T = 3).", lambda net: both(net)(x, None, [-1, 3])),
    ("lengths of floats", ValueError, "LSTMLayer: lengths[0] is 3.0 (float64), expected whole numbers. Pass integers.", lambda net: lstm(net)(x, None, [3.0, 2.0])),
    ("lengths' shape", ValueError, "LSTMLayer: lengths is (3,), expected (2,). One whole number per sequence.", lambda net: lstm(net)(x, None, [3, 2, 1])),
    ("lengths in a column", ValueError, "LSTMLayer: lengths is (2, 1), expected (2,).", lambda net: lstm(net)(x, None, [[3], [2]])),
    ("lengths of truth values", ValueError, "LSTMLayer: mask is (2,), expected (2, 3). One truth value per step.", lambda net: lstm(net)(x, None, [True, False])),
    ("lengths of a model", ValueError, "RNNModel: lengths[1] is 4, expected 0 to 3", lambda net: model_of(net, lstm(net))(x, None, [3, 4])),
    ("lengths of a pooling", ValueError, "Pooling: lengths[0] is 9, expected 0 to 3", lambda net: net.Pooling()(x, [9, 3])),
    ("lengths in a loss", ValueError, "SoftmaxCrossEntropy: lengths[1] is 4, expected 0 to 3", lambda net: net.SoftmaxCrossEntropy()(x, np.zeros((2, 3), int), [2, 4])),
    ("mask of steps", ValueError, "LSTMLayer: mask is (2, 4), expected (2, 3). One truth value per step.", lambda net: lstm(net)(x, None, np.ones((2, 4), bool))),
    ("mask of a model", ValueError, "RNNModel: mask is (3, 2), expected (2, 3).", lambda net: model_of(net, lstm(net))(x, None, np.ones((3, 2), bool))),
    ("mask of other numbers", ValueError, "LSTMLayer: mask contains 2, expected truth values, True where a step is real.",
     lambda net: lstm(net)(x, None, np.full((2, 3), 2))),
    ("lengths beside a Packed", ValueError, "Packed: lengths are given too, expected None. A Packed has its own.", lambda net: lstm(net)(packed(net, 2, 3), None, [2, 3])),
    ("lengths beside a model's Packed", ValueError, "Packed: lengths are given too, expected None.", lambda net: model_of(net, both(net))(packed(net, 2, 3), None, [2, 3])),
    ("width of a Packed", ValueError, "GRULayer: x has 4 features, expected 7.", lambda net: net.GRULayer(5, input_size=7)(packed(net, 2, 3))),
    ("no step in a Packed", ValueError, "LSTMLayer: x is (2, 0, 4), expected at least one sequence of at least one step.", lambda net: lstm(net)(packed(net, 0, 0))),
    ("a list of sequences", ValueError, "LSTMLayer: x is a list of sequences of different lengths, expected one array. Pad it with pad_sequences, or pass pack(x).", lambda net: lstm(net)([x[0], x[0, :2]])),
    ("one sequence with lengths", ValueError, "RNNModel: x is (3, 4), expected (batch, time, features), or integer tokens (batch, time). One sequence? Pass x[None].",
     lambda net: model_of(net, lstm(net))(x[0], None, [3])),
    ("upstream's lengths", ValueError, "LSTMLayer: dy[0] has 3 steps, expected 2. Pack both with the same lengths.", lambda net: trained(net, None, packed(net, 2, 3)).backward(packed(net, 3, 2))),
    ("upstream's lengths both ways", ValueError, "Bidirectional: dy has 1 sequences, expected 2. Pack both with the same lengths.",
     lambda net: trained(net, both(net), packed(net, 2, 3)).backward(packed(net, 5))),
    ("upstream's lengths of a model", ValueError, "RNNModel: dy[1] has 2 steps, expected 3.", lambda net: trained(net, model_of(net, lstm(net)), packed(net, 2, 3)).backward(packed(net, 2, 2))),
    ("target's lengths", ValueError, "SoftmaxCrossEntropy: target[0] has 3 steps, expected 2. Pack both with the same lengths.", lambda net: net.SoftmaxCrossEntropy()(packed(net, 2, 3), net.pack([[1, 1, 1], [0, 0]]))),
    ("target's lengths of a model", ValueError, "MeanSquaredError: target[0] has 3 steps, expected 2.",
     lambda net: net.RNNModel([net.GRULayer(4)], net.MeanSquaredError()).loss_and_grads(packed(net, 2, 3), packed(net, 3, 2))),
    ("padded target", ValueError, "SoftmaxCrossEntropy: target is (2, 3), expected a Packed, as the prediction is. Pass pack(targets).",
     lambda net: net.SoftmaxCrossEntropy()(packed(net, 2, 3), np.zeros((2, 3), int))),
    ("time-major sequence", ValueError, "LSTMLayer: x is (3, 4), expected (time, batch, features), or integer tokens (time, batch). One sequence? Pass x[:, None].",
     lambda net: lstm(net, batch_first=False)(x[0])),
    ("time-major lengths", ValueError, "LSTMLayer: lengths is (2,), expected (3,).", lambda net: lstm(net, batch_first=False)(x, None, [2, 2])),
    ("time-major length", ValueError, "GRULayer: lengths[2] is 3, expected 0 to 2 (T = 2).", lambda net: both(net, batch_first=False)(x, None, [2, 2, 3])),
    ("time-major mask", ValueError, "LSTMLayer: mask is (3, 2), expected (2, 3).", lambda net: lstm(net, batch_first=False)(x, None, np.ones((3, 2), bool))),
    ("time-major state", ValueError, "LSTMLayer: state h is (2, 5), expected (3, 5).", lambda net: lstm(net, batch_first=False)(x, (h, h))),
    ("time-major upstream", ValueError, "LSTMLayer: dy is (3, 2, 5), expected (2, 3, 5).", lambda net: trained(net, lstm(net, batch_first=False)).backward(np.zeros((3, 2, 5)))),
    ("time-major pooling", ValueError, "Pooling: lengths is (2,), expected (3,).", lambda net: net.Pooling(batch_first=False)(x, [2, 2])),
    ("time-major token", IndexError, "LSTMLayer: token 9 at [1, 0], expected 0 to 3", lambda net: lstm(net, batch_first=False)(np.array([[0, 1, 2], [9, 0, 1]]))),
    ("both axes first", ValueError, "RNNModel: layers[0] is time-major, layers[1] batch-first, expected the same for all. Give each the same batch_first=.",
     lambda net: model_of(net, lstm(net, batch_first=False), net.Pooling())),
    ("token at a real place", IndexError, "LSTMLayer: token 9 at [1, 1], expected 0 to 3 (V = 4).", lambda net: lstm(net)(tokens, None, [2, 2])),
    ("token at a real place both ways", IndexError, "GRULayer: token 9 at [1, 1], expected 0 to 3", lambda net: both(net)(tokens, None, tokens >= 0)),
    ("token at a real place of a model", IndexError, "Embedding: token 9 at [1, 1], expected 0 to 3", lambda net: model_of(net, net.Embedding(4, 4), lstm(net))(tokens, None, [2, 2])),
    ("target at a real place", IndexError, "SoftmaxCrossEntropy target: token 9 at [1, 1], expected 0 to 3", lambda net: net.SoftmaxCrossEntropy()(x, tokens, [2, 2])),
    ("unknown option", TypeError, "LSTMLayer: no option is called 'drop', expected one of output_size, input_size, batch_first, reverse,", lambda net: lstm(net, drop=0.1)),
    ("unknown option both ways", TypeError, "GRULayer: no option is called 'peepholes', expected one of", lambda net: gru(net, peepholes=True, bidirectional=True)),
    ("rates of zoneout", ValueError, "LSTMLayer: zoneout has 3 rates, expected 2: h, c.", lambda net: lstm(net, zoneout=(0.1, 0.1, 0.1))),
    ("rates of a GRU's zoneout", ValueError, "GRULayer: zoneout has 2 rates, expected 1: h.", lambda net: gru(net, zoneout=(0.1, 0.1))),
    ("zoneout 1", ValueError, "LSTMLayer: zoneout is 1, expected 0 or more and less than 1.", lambda net: lstm(net, zoneout=(0.1, 1))),
    ("zoneout of words", ValueError, "LSTMLayer: zoneout is 'much', expected 0 or more and less than 1.", lambda net: lstm(net, zoneout="much")),
    ("state dropout -0.1", ValueError, "GRULayer: state_dropout is -0.1, expected 0 or more and less than 1.", lambda net: gru(net, state_dropout=-0.1)),
    ("weight dropout NaN", ValueError, "GRULayer: weight_dropout is nan, expected a number.", lambda net: gru(net, weight_dropout=float("nan"))),
    ("proj_size 0", ValueError, "LSTMVariantNode: proj_size is 0, expected a whole number above 0.", lambda net: lstm(net, proj_size=0)),
    ("projected state", ValueError, "LSTMLayer: state h is (2, 5), expected (2, 3).", lambda net: lstm(net, proj_size=3)(x, (h, h))),
    ("projected cell", ValueError, "LSTMLayer: state c is (2, 3), expected (2, 5).", lambda net: lstm(net, proj_size=3)(x, (h[:, :3], h[:, :3]))),
    ("projected state's gradient", ValueError, "LSTMLayer: d_last_state h is (2, 5), expected (2, 3).", lambda net: trained(net, lstm(net, proj_size=3)).backward(None, (h, h))),
    ("activation", ValueError, "RNNNode: activation is 'gelu', expected one of 'tanh', 'sigmoid', 'relu', 'linear', 'hard_sigmoid', 'hard_tanh', 'softsign', 'softplus', 'elu', 'selu', 'leaky_relu'.", lambda net: net.RNNLayer(5, activation="gelu")),
    ("IndRNN's activation", ValueError, "IndRNNNode: activation is 'gelu', expected one of 'tanh', 'sigmoid',", lambda net: net.IndRNNLayer(5, activation="gelu")),
    ("LSTM's activation", ValueError, "LSTMVariantNode: activation is 'gelu', expected one of 'tanh', 'sigmoid',", lambda net: lstm(net, activation="gelu")),
    ("GRU's gates", ValueError, "GRUVariantNode: recurrent_activation is 'swish', expected one of 'tanh', 'sigmoid',", lambda net: gru(net, recurrent_activation="swish")),
    ("activation that is a part", TypeError, "LSTMLayer: activation is ReLU(), expected a string.", lambda net: lstm(net, activation=net.ReLU())),
    ("activation that is None", TypeError, "GRULayer: activation is None, expected a string.", lambda net: gru(net, activation=None)),
    ("merge", ValueError, "Bidirectional: merge is 'max', expected one of 'concat', 'sum', 'mean', 'mul', None.", lambda net: both(net, "max")),
    ("merge of a model", ValueError, "RNNModel: layers[0] returns a pair (merge=None), expected one output. Set merge='concat'.", lambda net: model_of(net, both(net, None), net.Dense(3))),
    ("both ways of a Dense", ValueError, "Bidirectional: layer is Dense, expected a recurrent layer, such as LSTMLayer.", lambda net: net.Bidirectional(net.Dense(3))),
    ("pooling", ValueError, "Pooling: how is 'median', expected one of 'last', 'first', 'mean', 'max'.", lambda net: net.Pooling("median")),
    ("pooling's upstream", ValueError, "Pooling: dy is (2, 3, 4), expected (2, 4).", lambda net: trained(net, net.Pooling()).backward(x)),
    ("one state for two ways", ValueError, "Bidirectional: state is ndarray, expected a pair: the forward layer's and the backward one's.", lambda net: both(net)(x, h)),
    ("half of two states", ValueError, "LSTMLayer: state is ndarray, expected a pair (h, c). Pass both, or None.", lambda net: net.Bidirectional(lstm(net))(x, (h, h))),
    ("state of the backward pass", ValueError, "GRULayer: state h is (2, 6), expected (2, 5).", lambda net: both(net)(x, (h, np.zeros((2, 6))))),
    ("one gradient for two last states", ValueError, "Bidirectional: d_last_state is ndarray, expected a pair:", lambda net: trained(net, both(net)).backward(None, h)),
    ("half of two last states' gradients", ValueError, "LSTMLayer: d_last_state is ndarray, expected a pair (h, c).",
     lambda net: trained(net, net.Bidirectional(lstm(net))).backward(None, (h, h))),
    ("gradient of the backward pass", ValueError, "GRULayer: d_last_state h is (2, 6), expected (2, 5).", lambda net: trained(net, both(net)).backward(None, (h, np.zeros((2, 6))))),
    ("complex gradient of the last state", TypeError, "LSTMLayer: d_last_state c is complex128, expected real numbers.", lambda net: trained(net).backward(None, (h, h + 0j))),
    ("one upstream for two ways", ValueError, "Bidirectional: dy is ndarray, expected a pair: the forward layer's and the backward one's.", lambda net: trained(net, both(net, None)).backward(x)),
    ("upstream of the backward pass", ValueError, "Bidirectional: dy is (2, 3, 4), expected (2, 3, 5).", lambda net: trained(net, both(net, None)).backward((np.zeros((2, 3, 5)), x))),
    ("upstream of both ways", ValueError, "Bidirectional: dy is (2, 3, 5), expected (2, 3, 10).", lambda net: trained(net, both(net)).backward(np.zeros((2, 3, 5)))),
    ("another batch for a remembered state", ValueError, "LSTMLayer: x has 1 rows, expected 2, as in the previous batch. New sequences? Call reset_state().",
     lambda net: trained(net, lstm(net, stateful=True))(x[:1])),
    ("another batch both ways", ValueError, "GRULayer: x has 3 rows, expected 2, as in the previous batch.", lambda net: trained(net, both(net, stateful=True))(np.zeros((3, 3, 4)))),
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


def test_numbers_of_a_short_float_are_real_and_integers_are_not() -> None:
    assert check_dtype("test", torch.bfloat16, bfloat16=True) == "bfloat16"
    assert [check_dtype("test", dtype) for dtype in (torch.float32, ">f8")] == ["float32", "float64"]
    with pytest.raises(
        ValueError, match=r"test: dtype is int32, expected a dtype of real numbers, such as 'float32'\."
    ):
        check_dtype("test", torch.int32)


def test_what_says_nothing_of_waiting_for_a_batch_is_taken() -> None:
    check_built("test", object())


# The whole of what an error says, where the table above asks for a part of it.
WORDS: list[tuple[str, Callable[[], Any]]] = [
    ("RandomBatches: batch_size is 0, expected a whole number above 0.", lambda: numnet.RandomBatches(TOKENS, 0, 3)),
    (
        "RandomBatches: sequence_length is 0, expected a whole number above 0.",
        lambda: numnet.RandomBatches(TOKENS, 2, 0),
    ),
    (
        "RandomBatches: the text has 6 tokens, expected at least 7 for one batch. Give more text, or a smaller "
        "batch_size or sequence_length.",
        lambda: numnet.RandomBatches(TOKENS[:6], 2, 3),
    ),
    (
        "SequentialBatches: batch_size is 0, expected a whole number above 0.",
        lambda: numnet.SequentialBatches(TOKENS, 0, 3),
    ),
    (
        "SequentialBatches: sequence_length is 0, expected a whole number above 0.",
        lambda: numnet.SequentialBatches(TOKENS, 2, 0),
    ),
    (
        "SequentialBatches: the text has 6 tokens, expected at least 7 for one batch. Give more text, or a smaller "
        "batch_size or sequence_length.",
        lambda: numnet.SequentialBatches(TOKENS[:6], 2, 3),
    ),
    ("ConstantSchedule: learning_rate is 0, expected a number above 0.", lambda: numnet.ConstantSchedule(0)),
    (
        "Packed: values is (3,), expected (4,). One row for each step of the lengths.",
        lambda: numnet.Packed(np.zeros(3), [1, 3]),
    ),
    ("StepSchedule: learning_rate is 0, expected a number above 0.", lambda: numnet.StepSchedule(0, 1)),
    ("StepSchedule: every is 0, expected a number above 0.", lambda: numnet.StepSchedule(1, 0)),
    ("StepSchedule: factor is 0, expected a number above 0.", lambda: numnet.StepSchedule(1, 1, 0)),
    ("ExponentialSchedule: learning_rate is 0, expected a number above 0.", lambda: numnet.ExponentialSchedule(0, 1)),
    ("ExponentialSchedule: factor is 0, expected a number above 0.", lambda: numnet.ExponentialSchedule(1, 0)),
    ("CosineSchedule: learning_rate is 0, expected a number above 0.", lambda: numnet.CosineSchedule(0, 1)),
    ("CosineSchedule: steps is 0, expected a number above 0.", lambda: numnet.CosineSchedule(1, 0)),
    (
        "CosineSchedule: warmup is 5, expected 0 or more and less than steps = 5.",
        lambda: numnet.CosineSchedule(1, 5, warmup=5),
    ),
    ("SGDMomentum: momentum is 1, expected 0 or more and less than 1.", lambda: numnet.SGDMomentum(1, momentum=1)),
    ("RMSProp: decay is 1, expected 0 or more and less than 1.", lambda: numnet.RMSProp(decay=1)),
    ("Adam: beta1 is 1, expected 0 or more and less than 1.", lambda: numnet.Adam(beta1=1)),
    ("Adam: beta2 is 1, expected 0 or more and less than 1.", lambda: numnet.Adam(beta2=1)),
    (
        "BinaryCrossEntropy: target is (2,), expected (2, 3, 4). "
        "One target per sequence? Set return_sequences=False in the last recurrent layer, or add Pooling.",
        lambda: numnet.BinaryCrossEntropy()(x, np.ones(2)),
    ),
    (
        "MeanSquaredError: target is (2,), expected (2, 3, 4). "
        "One target per sequence? Set return_sequences=False in the last recurrent layer, or add Pooling.",
        lambda: numnet.MeanSquaredError()(x, np.ones(2)),
    ),
    (
        "Tanh: x is complex64, expected real numbers. Pass the real and the imaginary part as two features.",
        lambda: numnet.Tanh()(x * 1j),
    ),
    (
        "Pooling: x is complex64, expected real numbers. Pass the real and the imaginary part as two features.",
        lambda: numnet.Pooling()(x * 1j),
    ),
    (
        "Pooling: x is (3, 4), expected (time, batch, features), or integer tokens (time, batch). "
        "One sequence? Pass x[:, None]. One number per step? Pass x[..., None].",
        lambda: numnet.Pooling(batch_first=False)(x[0]),
    ),
    (
        "Pooling: x is (3, 4), expected (batch, time, features), or integer tokens (batch, time). "
        "One sequence? Pass x[None]. One number per step? Pass x[..., None].",
        lambda: numnet.Pooling()(x[0]),
    ),
    (
        "Bidirectional: x is (3, 4), expected (batch, time, features), or integer tokens (batch, time). "
        "One sequence? Pass x[None].",
        lambda: both(numnet)(x[0]),
    ),
    (
        "Dropout: x is complex64, expected real numbers. Pass the real and the imaginary part as two features.",
        lambda: numnet.Dropout()(x * 1j),
    ),
    (
        "Dropout: x is (3, 4), expected (batch, time, features), or integer tokens (batch, time). "
        "One sequence? Pass x[None]. One number per step? Pass x[..., None].",
        lambda: numnet.Dropout(per_sequence=True)(x[0]),
    ),
    (
        "MeanSquaredError: prediction is complex64, expected real numbers. Pass the real and the imaginary part as two features.",
        lambda: numnet.MeanSquaredError()(x * 1j, x),
    ),
    (
        "SoftmaxCrossEntropy: target is (2,), expected (2, 3). "
        "One target per sequence? Set return_sequences=False in the last recurrent layer, or add Pooling.",
        lambda: numnet.SoftmaxCrossEntropy(ignore_index=1)(x, np.zeros(2, int)),
    ),
    (
        "RNNModel: dy is (2, 3, 4), expected (2, 3, 5). It has the shape of y.",
        lambda: trained(numnet, model_of(numnet, lstm(numnet)), numnet.pack([x[0], x[1]])).backward(x),
    ),
    (
        "RNNModel: dy is (2, 3, 4), expected (2, 3, 5). It has the shape of y.",
        lambda: [net := model_of(numnet, lstm(numnet)), net(x, None, [3, 2]), net.backward(x)],
    ),
    ("Adam: clip_norm is 0, expected a number above 0.", lambda: numnet.Adam(clip_norm=0)),
    ("Adam: clip_value is 0, expected a number above 0.", lambda: numnet.Adam(clip_value=0)),
    (
        "Adam: the model differs from that of the first step. Create a new optimizer for it.",
        lambda: [adam := numnet.Adam(), *(adam.step(numnet.Dense(2, input_size=2)) for _ in range(2))],
    ),
    (
        "GRULayer: dy is Packed, expected an array, as y is.",
        lambda: trained(numnet, numnet.GRULayer(5, input_size=4)).backward(numnet.pack([np.ones((3, 5))] * 2)),
    ),
    (
        "save_checkpoint: the Dense has no parameters yet. Give input_size=, or run a batch first.",
        lambda: numnet.save_checkpoint("nowhere.npz", numnet.Dense(2)),
    ),
    (
        "LSTMLayer: x is (2,), expected (batch, time, features), or integer tokens (batch, time). "
        "One sequence? Pass x[None].",
        lambda: lstm(numnet)(np.array([0, 1])),
    ),
    (
        "LSTMLayer: x has 0 features, expected 4. The input size is fixed by input_size= or by the first batch.",
        lambda: lstm(numnet)(np.zeros((2, 3, 0))),
    ),
    (
        "LSTMLayer: state h is (2, 6), expected (2, 5). It is (batch, hidden).",
        lambda: lstm(numnet, stateful=True)(x, (np.zeros((2, 6)), np.zeros((2, 5)))),
    ),
    (
        "RNNNode: x has 3 features, expected 4. The input size is fixed by input_size= or by the first batch.",
        lambda: numnet.RNNNode(5, input_size=4)(np.ones((3, 2))),
    ),
    (
        "RNNNode: x is complex128, expected real numbers. Pass the real and the imaginary part as two features.",
        lambda: numnet.RNNNode(5, input_size=4)(np.ones((4, 2)) * 1j),
    ),
    (
        "RNNNode: token 9 at [1, 0], expected 0 to 3 (V = 4). Was the text encoded with another vocabulary?",
        lambda: numnet.RNNNode(5, input_size=4)(np.array([0, 9])),
    ),
    (
        "RNNNode: dy is (2, 5), expected (5, 2). It has the shape of y. Pass dy.T.",
        lambda: [node := numnet.RNNNode(5, input_size=4), node.backward(np.ones((2, 5)), node(np.ones((4, 2)))[1])],
    ),
    ("Dense: output_size is 0, expected a whole number above 0.", lambda: numnet.Dense(0)),
    ("Dense: input_size is 0, expected a whole number above 0.", lambda: numnet.Dense(2, input_size=0)),
    ("RNNNode: input_size is 0, expected a whole number above 0.", lambda: numnet.RNNNode(2, input_size=0)),
    ("RNNNode: input_size is 0, expected a whole number above 0.", lambda: numnet.RNNLayer(2, input_size=0)),
    ("GRULayer: output_size is 0, expected a whole number above 0.", lambda: numnet.GRULayer(2, output_size=0)),
    ("Embedding: input_size is 0, expected a whole number above 0.", lambda: numnet.Embedding(0, 2)),
    ("Embedding: output_size is 0, expected a whole number above 0.", lambda: numnet.Embedding(2, 0)),
    (
        "MeanSquaredError: mask contains 0.5, expected truth values, True for a target that counts.",
        lambda: numnet.MeanSquaredError()(x[0, 0], x[0, 0], np.array([1, 0, 0.5, 1])),
    ),
    (
        "MeanSquaredError: mask is (2, 4), expected (2, 3). One truth value for each target.",
        lambda: numnet.MeanSquaredError()(x, x, np.ones((2, 4))),
    ),
    (
        "Adam: m is (3,), expected (6,). Does the file belong to another architecture?",
        lambda: numnet.Adam().load_state_dict(
            {"steps": 1, "m": np.zeros(3), "v": np.zeros(6)}, numnet.Dense(2, input_size=2)
        ),
    ),
    (
        "SequenceBatches: targets[1] is (2,), expected (1,). Give one target per step for every sequence, or one "
        "number for every sequence.",
        lambda: numnet.SequenceBatches([[1, 2], [3]], [[1, 2], [3, 4]], 2),
    ),
    (
        "Bidirectional: x is (3, 4), expected (time, batch, features), or integer tokens (time, batch). "
        "One sequence? Pass x[:, None].",
        lambda: both(numnet, batch_first=False)(x[0]),
    ),
    (
        "Bidirectional: dy is Packed, expected an array, as y is.",
        lambda: trained(numnet, both(numnet)).backward(numnet.pack([np.ones((3, 10))] * 2)),
    ),
    (
        "Packed: lengths[0] is -1, expected 0 to 0 (T = 0).",
        lambda: numnet.Packed(np.zeros(0), [-1]),
    ),
    (
        "SoftmaxCrossEntropy: target is (2, 3, 5), expected (2, 3, 4). "
        "One-hot targets have the shape of the logits, integer classes (2, 3).",
        lambda: numnet.SoftmaxCrossEntropy()(x, np.ones((2, 3, 5))),
    ),
    (
        "Trainer: evaluate_every is -1, expected a number above 0.",
        lambda: numnet.Trainer(None, None, [None], evaluate_every=-1),
    ),
    (
        "Adam: the gradient of b is not finite.",
        lambda: [
            dense := numnet.Dense(2, input_size=2),
            np.add(1, np.inf, dense.grads["b"]),
            numnet.Adam().step(dense),
        ],
    ),
    (
        "RNNModel: backward before forward. Call forward first.",
        lambda: [net := model_of(numnet, lstm(numnet)), net.loss_and_grads(x, np.zeros((2, 3), int)), net.backward(x)],
    ),
    (
        "RNNModel: x contains tokens, but the vocabulary size V is unknown. Pass input_size=V. "
        "Plain numbers? Pass x[..., None].",
        lambda: model_of(numnet, numnet.GRULayer(5))(np.array([[0, 1]])),
    ),
    (
        "RNNModel: x is (2,), expected (batch, time, features), or integer tokens (batch, time). "
        "One sequence? Pass x[None].",
        lambda: model_of(numnet, numnet.GRULayer(5))(np.array([0, 1])),
    ),
    (
        "RNNModel: x is (3, 4), expected (time, batch, features), or integer tokens (time, batch). "
        "One sequence? Pass x[:, None].",
        lambda: model_of(numnet, lstm(numnet, batch_first=False))(x[0], None, [3]),
    ),
    (
        "LSTMLayer: x is (3, 4), expected (time, batch, features), or integer tokens (time, batch). "
        "One sequence? Pass x[:, None].",
        lambda: lstm(numnet, batch_first=False)(x[0], None, [3]),
    ),
    (
        "LSTMLayer: x is (3, 4), expected (batch, time, features), or integer tokens (batch, time). "
        "One sequence? Pass x[None].",
        lambda: lstm(numnet)(x[0], None, [3]),
    ),
    (
        "RNNModel: there is no layer or loss named 'Nothing'. A class of your own? Make the model yourself and call "
        "load_state_dict(checkpoint.weights).",
        lambda: numnet.RNNModel.from_config({"layers": [{"type": "Nothing"}], "loss": None}),
    ),
    (
        "RNNModel: layers[0] is time-major, layers[1] batch-first, expected the same for all. Give each the same "
        "batch_first=.",
        lambda: model_of(numnet, lstm(numnet, batch_first=False), numnet.Dropout(per_sequence=True)),
    ),
    (
        "RNNModel: layers[1] is an earlier layer, or shares a node with one, expected a new layer. Create one.",
        lambda: [dense := numnet.Dense(4), model_of(numnet, dense, dense)],
    ),
    (
        "RNNModel: state has 1 entries, expected 2: one per layer, as in last_state.",
        lambda: model_of(numnet, lstm(numnet), numnet.Tanh())(x, [None]),
    ),
    (
        "Dense: initial is 'zeros', expected one of 'pytorch', 'glorot', 'orthogonal'.",
        lambda: numnet.Dense(2, initial="zeros"),
    ),
    (
        "Dense: W is complex128, expected real numbers. Pass the real and the imaginary part as two features.",
        lambda: numnet.Dense(2, input_size=3).load_state_dict({"W": np.ones((2, 3)) * 1j, "b": np.ones(2)}),
    ),
    (
        "LSTMLayer: x is (1, 2, 3, 4), expected (batch, time, features), or integer tokens (batch, time). "
        "Several batch axes? Pass x.reshape(-1, *x.shape[-2:]).",
        lambda: lstm(numnet)(x[None]),
    ),
    (
        "GRULayer: no option is called 'drop', expected one of output_size, input_size, batch_first, reverse, "
        "return_sequences, learn_state, stateful, state_dropout, zoneout, weight_dropout, bidirectional, "
        "layers, dropout, reset, bias, initial, seed, dtype, layer_norm, activation, recurrent_activation.",
        lambda: numnet.GRULayer(5, drop=0.1),
    ),
    (
        "RecurrentLayer: no option is called 'seed', expected one of output_size, batch_first, reverse, "
        "return_sequences, learn_state, stateful, state_dropout, zoneout, weight_dropout, bidirectional, "
        "layers, dropout.",
        lambda: numnet.RecurrentLayer(numnet.RNNNode(5), seed=1),
    ),
    (
        "Dense: W is missing, expected (2, 3). The names are PyTorch's, the shapes and the order of the gates are the "
        "same: pass weight_ih as W_x, weight_hh as W_h, bias_ih + bias_hh as b (of a GRU, bias_hh is b_h), and a "
        "layer's weight as W.",
        lambda: numnet.Dense(2, input_size=3).load_state_dict({"weight": np.ones((2, 3)), "bias": np.ones(2)}),
    ),
    (
        "LSTMNode: state is ndarray, expected a pair (h, c). Pass both, or None.",
        lambda: numnet.LSTMNode(5, input_size=4)(np.ones((4, 2)), np.ones((5, 2))),
    ),
]


@pytest.mark.parametrize(("words", "bad"), WORDS)
def test_an_error_says_all_of_it(words: str, bad: Callable[[], Any]) -> None:
    with pytest.raises((ValueError, TypeError, IndexError, RuntimeError, FloatingPointError)) as caught:
        bad()
    assert str(caught.value) == words
