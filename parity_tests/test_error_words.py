"""The whole of what an error says, where test_errors.py asks for a part of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import numnet
from parity_tests.small import TOKENS
from parity_tests.test_errors import both, lstm, model, trained, x

WORDS: list[tuple[str, Callable[[], Any]]] = [
    ("RandomBatches: batch_size is 0, expected a number above 0.", lambda: numnet.RandomBatches(TOKENS, 0, 3)),
    ("RandomBatches: sequence_length is 0, expected a number above 0.", lambda: numnet.RandomBatches(TOKENS, 2, 0)),
    (
        "RandomBatches: the text has 6 tokens, expected at least 7 for one batch. Give more text, or a smaller "
        "batch_size or sequence_length.",
        lambda: numnet.RandomBatches(TOKENS[:6], 2, 3),
    ),
    ("SequentialBatches: batch_size is 0, expected a number above 0.", lambda: numnet.SequentialBatches(TOKENS, 0, 3)),
    (
        "SequentialBatches: sequence_length is 0, expected a number above 0.",
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
        "BinaryCrossEntropy: target is (2,), expected (2, 3, 4). Targets are shaped as the logits.",
        lambda: numnet.BinaryCrossEntropy()(x, np.ones(2)),
    ),
    (
        "MeanSquaredError: target is (2,), expected (2, 3, 4). Targets are shaped as the prediction.",
        lambda: numnet.MeanSquaredError()(x, np.ones(2)),
    ),
    ("Tanh: x is complex64, expected real numbers. Convert it with .astype('float32').", lambda: numnet.Tanh()(x * 1j)),
    (
        "Pooling: x is complex64, expected real numbers. Convert it with .astype('float32').",
        lambda: numnet.Pooling()(x * 1j),
    ),
    (
        "Pooling: x is (3, 4), expected (time, batch, features), or integer tokens (time, batch). "
        "One sequence? Pass x[:, None].",
        lambda: numnet.Pooling(batch_first=False)(x[0]),
    ),
    (
        "Pooling: x is (3, 4), expected (batch, time, features), or integer tokens (batch, time). "
        "One sequence? Pass x[None].",
        lambda: numnet.Pooling()(x[0]),
    ),
    (
        "Bidirectional: x is (3, 4), expected (batch, time, features), or integer tokens (batch, time). "
        "One sequence? Pass x[None].",
        lambda: both(numnet)(x[0]),
    ),
    (
        "Dropout: x is complex64, expected real numbers. Convert it with .astype('float32').",
        lambda: numnet.Dropout()(x * 1j),
    ),
    (
        "Dropout: x is (3, 4), expected (batch, time, features), or integer tokens (batch, time). "
        "One sequence? Pass x[None].",
        lambda: numnet.Dropout(per_sequence=True)(x[0]),
    ),
    (
        "MeanSquaredError: prediction is complex64, expected real numbers. Convert it with .astype('float32').",
        lambda: numnet.MeanSquaredError()(x * 1j, x),
    ),
    (
        "SoftmaxCrossEntropy: target is (2,), expected (2, 3). "
        "Integer targets are shaped as the logits without the last axis.",
        lambda: numnet.SoftmaxCrossEntropy(ignore_index=1)(x, np.zeros(2, int)),
    ),
    (
        "RNNModel: dy is (2, 3, 4), expected (2, 3, 5). It has the shape of y.",
        lambda: trained(numnet, model(numnet, lstm(numnet)), numnet.pack([x[0], x[1]])).backward(x),
    ),
    (
        "RNNModel: dy is (2, 3, 4), expected (2, 3, 5). It has the shape of y.",
        lambda: [net := model(numnet, lstm(numnet)), net(x, None, [3, 2]), net.backward(x)],
    ),
    ("Adam: clip_norm is 0, expected a number above 0.", lambda: numnet.Adam(clip_norm=0)),
    ("Adam: clip_value is 0, expected a number above 0.", lambda: numnet.Adam(clip_value=0)),
    (
        "Adam: this is another model than at the first step. Make another optimizer for it.",
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
        "RNNNode: x is complex128, expected real numbers. Convert it with .astype('float32').",
        lambda: numnet.RNNNode(5, input_size=4)(np.ones((4, 2)) * 1j),
    ),
    (
        "RNNNode: token 9 at [1, 0], expected 0 to 3 (V = 4). Was the text encoded with another vocabulary?",
        lambda: numnet.RNNNode(5, input_size=4)(np.array([0, 9])),
    ),
    (
        "RNNNode: dy is (2, 5), expected (5, 2). It has the shape of y.",
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
        "MeanSquaredError: mask holds 0.5, expected truth values. What is to count, True or False?",
        lambda: numnet.MeanSquaredError()(x[0, 0], x[0, 0], np.array([1, 0, 0.5, 1])),
    ),
    (
        "MeanSquaredError: mask is (2, 4), expected (2, 3). One truth value for each target.",
        lambda: numnet.MeanSquaredError()(x, x, np.ones((2, 4))),
    ),
    (
        "Adam: m is (3,), expected (6,). Is the file of another architecture?",
        lambda: numnet.Adam().load_state_dict(
            {"steps": 1, "m": np.zeros(3), "v": np.zeros(6)}, numnet.Dense(2, input_size=2)
        ),
    ),
    (
        "SequenceBatches: targets[1] is (2,), expected (1,). Each sequence has one target a step, or each has one "
        "number.",
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
        "SoftmaxCrossEntropy: target is (2, 3, 5), expected (2, 3, 4). One-hot targets are shaped as the logits.",
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
        lambda: [net := model(numnet, lstm(numnet)), net.loss_and_grads(x, np.zeros((2, 3), int)), net.backward(x)],
    ),
    (
        "RNNModel: x holds tokens, whose number of values no batch shows. Give input_size= (V).",
        lambda: model(numnet, numnet.GRULayer(5))(np.array([[0, 1]])),
    ),
    (
        "RNNModel: x is (2,), expected (batch, time, features), or integer tokens (batch, time). "
        "One sequence? Pass x[None].",
        lambda: model(numnet, numnet.GRULayer(5))(np.array([0, 1])),
    ),
    (
        "RNNModel: x is (3, 4), expected (time, batch, features), or integer tokens (time, batch). "
        "One sequence? Pass x[:, None].",
        lambda: model(numnet, lstm(numnet, batch_first=False))(x[0], None, [3]),
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
        "RNNModel: layers[0] is time-major, layers[1] batch-first, expected all alike. Give each the same "
        "batch_first=.",
        lambda: model(numnet, lstm(numnet, batch_first=False), numnet.Dropout(per_sequence=True)),
    ),
    (
        "RNNModel: layers[1] is, or shares its node with, a layer that stands before it. Make another.",
        lambda: [dense := numnet.Dense(4), model(numnet, dense, dense)],
    ),
    (
        "RNNModel: state has 1 entries, expected 2: one a layer, as in last_state.",
        lambda: model(numnet, lstm(numnet), numnet.Tanh())(x, [None]),
    ),
    (
        "Dense: initial is 'zeros', expected one of 'pytorch', 'glorot', 'orthogonal'.",
        lambda: numnet.Dense(2, initial="zeros"),
    ),
    (
        "Dense: W is complex128, expected real numbers. Convert it with .astype('float32').",
        lambda: numnet.Dense(2, input_size=3).load_state_dict({"W": np.ones((2, 3)) * 1j, "b": np.ones(2)}),
    ),
    (
        "LSTMLayer: x is (1, 2, 3, 4), expected (batch, time, features), or integer tokens (batch, time).",
        lambda: lstm(numnet)(x[None]),
    ),
    (
        "GRULayer: no option is called 'drop', expected one of output_size, input_size, batch_first, reverse, "
        "return_sequences, learn_state, stateful, state_dropout, zoneout, weight_dropout, bidirectional, "
        "reset, initial, seed, dtype, layer_norm.",
        lambda: numnet.GRULayer(5, drop=0.1),
    ),
    (
        "RecurrentLayer: no option is called 'seed', expected one of output_size, batch_first, reverse, "
        "return_sequences, learn_state, stateful, state_dropout, zoneout, weight_dropout, bidirectional.",
        lambda: numnet.RecurrentLayer(numnet.RNNNode(5), seed=1),
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
