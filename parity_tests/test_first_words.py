"""What a user of PyTorch or Keras types first is answered in one line, on both backends, with names that exist."""

from __future__ import annotations

import inspect
import pickle
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import numnet
import torchnet
from numnet.core.arrays import to_numpy
from numnet.core.first_attributes import ATTRIBUTES
from numnet.core.first_calls import CALLS
from numnet.core.first_options import OPTIONS
from numnet.core.first_words import NAMES
from parity_tests.test_show import small_model

OF_NAMES = [remedy.format(net="numnet") for remedy in NAMES.values()]
OF_CLASSES = [
    remedy.format(net="numnet", kind="LSTMLayer" if kind in ("Operation", "NamedLayer", "RecurrentLayer") else kind)
    for kind, remedy in [
        *(row for table in OPTIONS.values() for row in table.items()),
        *(("RNNModel", remedy) for _, remedy in CALLS.values()),
        *((kind, remedy) for kind, table in ATTRIBUTES.items() for remedy in table.values()),
    ]
]
CLASSES = {name: kind for name, kind in vars(numnet).items() if inspect.isclass(kind)}


def said(call: Callable[[], Any], kind: type[Exception]) -> str:
    with pytest.raises(kind) as caught:
        call()
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", NAMES)
def test_names_of_a_module(net: Any, name: str) -> None:
    package = net.__name__
    assert said(lambda: getattr(net, name), AttributeError).startswith(f"{package}.{name} does not exist. ")
    assert not hasattr(net, name)
    words = said(lambda: exec(f"from {package} import {name}"), ImportError)
    assert words == f"{package}.{name} does not exist. {NAMES[name].format(net=package)}."


def test_one_in_full(net: Any) -> None:
    words = "numnet.LSTM does not exist. Use numnet.LSTMLayer(hidden_size): the first batch sets the input size."
    assert said(lambda: net.LSTM, AttributeError) == words.replace("numnet", net.__name__)


def test_other_names_are_answered_as_usual(net: Any) -> None:
    assert said(lambda: net.LSTMLayr, AttributeError) == f"module {net.__name__!r} has no attribute 'LSTMLayr'"
    assert "cannot import name 'LSTMLayr'" in said(lambda: exec(f"from {net.__name__} import LSTMLayr"), ImportError)
    assert net.check.check_gradients
    assert said(lambda: small_model(net).colour, AttributeError) == "'RNNModel' object has no attribute 'colour'"
    assert said(lambda: net.Adam().colour, AttributeError) == "'Adam' object has no attribute 'colour'"


@pytest.mark.parametrize("words", sorted({*OF_NAMES, *OF_CLASSES}))
def test_a_remedy_names_what_exists(words: str) -> None:
    for name in re.findall(r"numnet\.(\w+)|\b([A-Z]\w+)\(", words):
        assert hasattr(numnet, name[0] or name[1]), name
    objects = {"model": numnet.RNNModel([]), "optimizer": numnet.Adam(), "trainer": numnet.Trainer}
    for thing, name in re.findall(r"\b(model|optimizer|trainer)\.(\w+)", words):
        assert hasattr(objects[thing], name), f"{thing}.{name}"
    for kind, name in re.findall(r"\b([A-Z]\w+)\([^()]*?(\w+)=", words):
        parameters = inspect.signature(getattr(numnet, kind)).parameters
        assert name in parameters or kind == "Tape", f"{kind}({name}=)"


def refused(kind: Any, name: str) -> str:
    return said(lambda: kind(**{name: 1}), TypeError)


@pytest.mark.parametrize("name", OPTIONS)
def test_options_of_constructors(name: str) -> None:
    for kind in OPTIONS[name]:
        for found in (found for found in CLASSES.values() if kind in [base.__name__ for base in found.__mro__]):
            taken = inspect.signature(found).parameters
            if kind != next(base.__name__ for base in found.__mro__ if base.__name__ in OPTIONS[name]):
                continue  # a nearer base class has an answer of its own
            if name in taken or any(p.kind is p.VAR_KEYWORD for p in taken.values()):
                continue
            ours, theirs = (refused(getattr(net, found.__name__), name) for net in (numnet, torchnet))
            assert ours.startswith(f"{found.__name__}: no option is called {name!r}. ")
            assert theirs == ours.replace("numnet.", "torchnet.")
            if option := re.match(r"Use (\w+)(:|$|, | and )", OPTIONS[name][kind]):
                assert option[1] in taken or kind == "ParamOperation", (found, option[1])


@pytest.mark.parametrize("name", CALLS)
def test_inputs_of_a_call(net: Any, name: str) -> None:
    """A layer that takes the input that is meant is answered with it; before its parameters are created."""
    layer, dense = net.LSTMLayer(4), net.Dense(4)
    meant, remedy = CALLS[name]
    x = np.zeros((2, 3, 5))
    assert said(lambda: layer(x, **{name: 1}), TypeError) == f"LSTMLayer: no input is called {name!r}. {remedy}."
    expected = f". {remedy}." if meant in ("", "x") else ", expected one of x."
    assert said(lambda: dense(x, **{name: 1}), TypeError) == f"Dense: no input is called {name!r}{expected}"
    assert not layer.built
    assert not dense.built


WORDS: list[tuple[str, Callable[[Any], Any]]] = [
    ("Adam: no option is called 'lr'. Use learning_rate.", lambda net: net.Adam(lr=0.01)),
    (
        "LSTMLayer: no option is called 'num_layers'. Use layers: LSTMLayer(64, layers=2).",
        lambda net: net.LSTMLayer(64, num_layers=2),
    ),
    (
        "GRULayer: no option is called 'return_sequance', expected one of output_size, input_size, batch_first, "
        "reverse, return_sequences, learn_state, stateful, state_dropout, zoneout, weight_dropout, bidirectional, "
        "layers, dropout, reset, bias, initial, seed, dtype, layer_norm, activation, "
        "recurrent_activation. Did you mean return_sequences?",
        lambda net: net.GRULayer(64, return_sequance=True),
    ),
    ("Tanh: no option is called 'p', expected none.", lambda net: net.Tanh(p=1)),
    (
        "Trainer: model is SPINN, expected a model with a loss, such as RNNModel. Put it in a classifier: "
        "TreeClassifier(spinn, [Dense(5)], SoftmaxCrossEntropy()).",
        lambda net: net.Trainer(net.SPINN([net.Dense(6)], net.TreeLSTMNode(3)), net.Adam(), []),
    ),
    (
        "LSTMLayer: 2 arguments without a name, expected 1: hidden_size. Others are given by name, e.g. output_size=. "
        "PyTorch's (10, 20) is LSTMLayer(20, input_size=10) here.",
        lambda net: net.LSTMLayer(10, 20),
    ),
    (
        "Embedding: 3 arguments without a name, expected 2: input_size, output_size. "
        "Others are given by name, e.g. seed=.",
        lambda net: net.Embedding(10, 20, 30),
    ),
    (
        "LSTMLayer: no input is called 'length', expected one of x, state, lengths, resets, return_state. "
        "Did you mean lengths?",
        lambda net: net.LSTMLayer(4)(np.zeros((2, 3, 5)), length=[3, 2]),
    ),
    ("Tanh: 1 arguments without a name, expected none.", lambda net: net.Tanh(1)),
    (
        "Adam: learning_rate is list, expected a number or a schedule. "
        "Parameters? The model is given to each step: Adam(0.001), then optimizer.step(model).",
        lambda net: net.Adam([np.zeros(3)]),
    ),
    (
        "Adam: learning_rate is RNNModel, expected a number or a schedule. "
        "Parameters? The model is given to each step: Adam(0.001), then optimizer.step(model).",
        lambda net: net.Adam(small_model(net)),
    ),
    (
        "SGD: no model is given, expected a model, or a layer with parameters. Call optimizer.step(model).",
        lambda net: net.SGD(0.1).step(),
    ),
    (
        "SGD: the model is float, expected a model, or a layer with parameters. Call optimizer.step(model).",
        lambda net: net.SGD(0.1).step(0.5),
    ),
]


@pytest.mark.parametrize(("words", "call"), WORDS, ids=[words for words, _ in WORDS])
def test_in_full(net: Any, words: str, call: Callable[[Any], Any]) -> None:
    assert said(lambda: call(net), TypeError) == words


def of_class(net: Any, kind: str) -> Any:
    """Something of that class or of one derived from it."""
    made = {
        "Network": small_model,
        "SPINN": lambda net: net.SPINN([net.Dense(6)], net.TreeLSTMNode(3)),
        "Optimizer": lambda net: net.Adam(),
        "Packed": lambda net: net.pack([[1.0]]),
        "Schedule": lambda net: net.ConstantSchedule(0.1),
        "ReduceOnPlateau": lambda net: net.ReduceOnPlateau(0.1),
        "Trainer": lambda net: net.Trainer(small_model(net), net.Adam(), net.SequentialBatches([1, 2, 3, 4, 5], 1, 2)),
        "Operation": lambda net: small_model(net) if net is numnet else net.LSTMLayer(5),  # numnet's layers do without
    }
    return made[kind](net)


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, table in ATTRIBUTES.items() for name in table])
def test_attributes(net: Any, kind: str, name: str) -> None:
    thing = of_class(net, kind)
    if net is torchnet and hasattr(torch.nn.Module, name):
        return
    words = said(lambda: getattr(thing, name), AttributeError)
    found, package = type(thing).__name__, type(thing).__module__.partition(".")[0]  # both backends share the Trainer
    assert words == f"{found}.{name} does not exist. {ATTRIBUTES[kind][name].format(net=package, kind=found)}."
    assert not hasattr(thing, name)


def test_numnet_has_none_of_these_attributes() -> None:
    """Else the answer would never be given."""
    for kind, table in ATTRIBUTES.items():
        assert not [name for name in table if hasattr(of_class(numnet, kind), name)], kind


def test_an_error_in_a_property_is_shown(net: Any) -> None:
    class Odd(net.Operation):
        @property
        def broken(self) -> Any:
            return np.zeros(3).no_such_thing  # type: ignore[attr-defined]

    if net is numnet:  # torch.nn.Module hides it
        assert "no_such_thing" in said(lambda: Odd().broken, AttributeError)


def test_the_recipe_for_another_learning_rate_works(net: Any) -> None:
    optimizer, dense = net.SGD(0.1), net.Dense(1, input_size=1)
    assert optimizer.learning_rate == 0.1
    optimizer.learning_rate = 0.5
    assert optimizer.learning_rate == optimizer.schedule(optimizer.steps) == 0.5
    before = float(to_numpy(dense.params["W"])[0, 0])
    loss = net.MeanSquaredError()
    slope = 2 * float(to_numpy(loss(dense(np.ones((1, 1))), np.zeros((1, 1))))) ** 0.5
    dense.backward(loss.backward())
    optimizer.step(dense)
    assert abs(before - float(to_numpy(dense.params["W"])[0, 0])) == pytest.approx(0.5 * slope, rel=1e-5)


def test_signatures_and_copies_are_as_before(net: Any) -> None:
    assert list(inspect.signature(net.Adam).parameters)[:3] == ["learning_rate", "beta1", "beta2"]
    assert str(inspect.signature(net.Tanh)) in ("()", "() -> None", "() -> 'None'")
    layer = pickle.loads(pickle.dumps(net.GRULayer(3, input_size=2)))
    assert repr(layer) == "GRULayer(3, input_size=2)"
