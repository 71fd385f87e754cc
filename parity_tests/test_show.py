"""repr: what one would type to make a thing; on both backends the same, in one line, and eval makes an equal one."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given

import numnet
import torchnet
from numnet.core.arrays import to_numpy
from parity_tests.classifiers import CLASSIFIERS
from parity_tests.family import FAMILY, OVER_TIME
from parity_tests.strategies import EVERYTHING, Case, Sizes, sizes
from parity_tests.translator import TRANSLATORS

EVERY = [*EVERYTHING, *FAMILY, *OVER_TIME, *TRANSLATORS, *CLASSIFIERS]


def config_of(thing: Any) -> Any:
    return thing.config() if hasattr(thing, "config") else {}


def small_model(net: Any) -> Any:
    layers = [net.Embedding(50, 16), net.LSTMLayer(32), net.Dense(50)]
    return net.RNNModel(layers, loss=net.SoftmaxCrossEntropy())


# What is typed, and how it is shown where that differs.
TYPED = {
    "LSTMLayer(8, output_size=3, bidirectional=True)": "",
    "LSTMLayer(8, zoneout=0.4, seed=3, dtype='float64', peepholes=True)": "",
    "LSTMLayer(8, zoneout=(0.1, 0.2))": "",
    "GRULayer(8, reset='before', input_size=4)": "GRULayer(8, input_size=4, reset='before')",
    "Bidirectional(RNNLayer(8), merge='sum')": "",
    "Bidirectional(RNNLayer(8))": "RNNLayer(8, bidirectional=True)",
    "RecurrentLayer(LSTMNode(8), output_size=3)": "",
    "LSTMNode(hidden_size=8, forget_bias=1)": "LSTMNode(8, forget_bias=1)",
    "Dense(output_size=50, input_size=3, dtype=np.float64)": "Dense(50, input_size=3, dtype='float64')",
    "Embedding(50, 16)": "",
    "Convolution(5, width=7)": "",
    "Characters(9, output_size=3, embedding_size=2)": "Characters(9, embedding_size=2, output_size=3)",
    "Pooling('max')": "Pooling(how='max')",
    "Dropout()": "",
    "Dropout(p=0.2)": "",
    "Attention('general', hidden_size=8)": "Attention(kind='general', hidden_size=8)",
    "Concat([Dense(2), Tanh()], widths=[1, 2])": "",
    "SoftmaxCrossEntropy(ignore_index=0)": "",
    "Adam(learning_rate=0.01)": "",
    "Adam()": "",
    "SGD(0.1, clip_norm=1.0)": "",
    "AdamW(np.float32(0.5), weight_decay=0)": "AdamW(learning_rate=0.5, weight_decay=0)",
    "SGD(CosineSchedule(0.1, 100, warmup=5))": "",
    "SGD(abs)": "",
    "RNNModel([Dense(3)], loss=MeanSquaredError(), seed=5, dtype='float64')": "",
    "Tape(node=GRUNode(8), dense=Dense(2), seed=1)": "Tape(seed=1, node=GRUNode(8), dense=Dense(2))",
    "SequentialBatches(np.arange(99), 4, 5, whole=True)": "SequentialBatches(<int64 array (99,)>, 4, 5, whole=True)",
    "SequenceBatches([[1, 2], [3]], [0, 1], 2)": "SequenceBatches([<int64 array (2,)>, <int64 array (1,)>], [0, 1], 2)",
    "Packed(np.zeros((3, 4)), [2, 1])": "<Packed: 2 sequences, values float64 array (3, 4)>",
    "Vocabulary.from_text('abca')": "<Vocabulary of 4 characters: '<unk>', 'a', 'b', 'c'>",
    "History([2.0], [])": "<History of 1 steps, 0 reports>",
}


@pytest.mark.parametrize("typed", TYPED)
def test_a_thing_is_shown_as_it_is_typed(net: Any, typed: str) -> None:
    assert repr(eval(typed, {**vars(net), "np": np})) == (TYPED[typed] or typed)


@pytest.mark.parametrize("case", EVERY, ids=repr)
@given(z=sizes)
def test_what_is_shown_makes_an_equal_one(net: Any, case: Case, z: Sizes) -> None:
    thing = case.make(net, z, "float64")
    again = eval(repr(thing), dict(vars(net)))
    assert (type(again), config_of(again)) == (type(thing), config_of(thing))
    assert repr(again) == repr(thing)
    assert "\n" not in repr(thing)


@pytest.mark.parametrize("case", EVERY, ids=repr)
def test_both_backends_show_the_same(case: Case) -> None:
    ours, theirs = (case.make(net, Sizes(), "float64") for net in (numnet, torchnet))
    assert repr(theirs) == repr(ours)


def test_a_batch_a_step_and_a_copy_change_nothing(net: Any) -> None:
    model, shown = small_model(net), repr(small_model(net))
    assert shown == "RNNModel([Embedding(50, 16), LSTMLayer(32), Dense(50)], loss=SoftmaxCrossEntropy())"
    tokens = np.zeros((2, 3), int)
    model.loss_and_grads(tokens, tokens)
    net.Adam().step(model)
    assert repr(model) == repr(copy.deepcopy(model)) == shown
    assert repr(model.from_config(model.config())) == shown[:-1] + ", input_size=50)"


def test_what_is_set_later_is_shown_as_it_is(net: Any) -> None:
    model, optimizer = small_model(net), net.SGD(0.1)
    model.loss, optimizer.schedule = net.MeanSquaredError(), net.StepSchedule(0.1, 5)
    assert repr(model).endswith("loss=MeanSquaredError())")
    assert repr(optimizer) == "SGD(StepSchedule(0.1, 5))"
    assert repr(net.Bidirectional(net.GRULayer(3)).backwards) == "GRULayer(3, reverse=True)"


def test_classes_of_ones_own(net: Any) -> None:
    class Scale(net.Operation):
        def __init__(self, by: Any, how: Any = None) -> None:
            super().__init__()
            self.factor, self.how = by, how

        def forward(self, x: Any) -> Any:
            return x * self.factor

    assert repr(Scale(2.0)) == "Scale(2.0)"
    assert repr(Scale(by=np.zeros(3), how=to_numpy)) == "Scale(<float64 array (3,)>, how=to_numpy)"
    assert repr(copy.deepcopy(Scale(2.0))) == "Scale(2.0)"


def test_a_part_of_a_tape_says_so(net: Any) -> None:
    assert repr(net.Tape(node=net.GRUNode(8)).node) == "<GRUNode(8) on a tape>"


def test_a_checkpoint_and_a_trainer_are_short(net: Any) -> None:
    checkpoint = net.Checkpoint("a.npz", {}, {"W": np.zeros(1000)})
    assert repr(checkpoint) == "Checkpoint(path='a.npz', config={}, vocabulary=None, training={})"
    trainer = net.Trainer(small_model(net), net.Adam(), net.RandomBatches(np.arange(99), 4, 5), evaluate_every=7)
    assert repr(trainer) == (
        "Trainer(RNNModel([Embedding(50, 16), LSTMLayer(32), Dense(50)], loss=SoftmaxCrossEntropy()), Adam(), "
        "RandomBatches(<int64 array (99,)>, 4, 5), evaluate_every=7)"
    )


def test_no_array_or_function_is_stored_for_it(net: Any) -> None:
    class Fixed(net.Operation):
        def __init__(self, vectors: Any, how: Any = None) -> None:
            super().__init__()
            self.size = len(vectors)

    thing = pickle.dumps(net.RNNModel([net.Dense(2, dtype=np.float64)], loss=net.MeanSquaredError()))
    assert repr(pickle.loads(thing)) == "RNNModel([Dense(2, dtype='float64')], loss=MeanSquaredError())"
    made = Fixed(np.zeros(1000), how=lambda x: x)
    assert repr(made) == "Fixed(<float64 array (1000,)>, how=<lambda>)"
    assert all(isinstance(value, str) for value in vars(made)["made_with"].values())
