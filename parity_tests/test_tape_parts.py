"""A Tape's lists of parts, its parameters as values, predictions without a graph, and detached states."""

from __future__ import annotations

import copy
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import numnet
import torchnet
from numnet.core.arrays import to_numpy
from parity_tests.test_array_values import error_of, same_error

BACKENDS = [numnet, torchnet]
X, TARGET = np.array([[1, 2, 3], [4, 0, 1]]), np.array([1, 2])


def network(net: Any) -> Any:
    """Two layers in a list, a start state that is learned, scales in a list, and the embedding as the output layer."""
    tape = net.Tape(
        seed=3,
        dtype="float64",
        embed=net.Embedding(5, 4),
        layers=[net.Dense(4), net.Dense(4)],
        start=net.Parameter(4, std=0.1),
        scales=[net.Parameter(np.ones(4)), net.Parameter((4,))],
        node=net.GRUNode(4),
        loss=net.SoftmaxCrossEntropy(),
    )

    def logits(x: Any) -> Any:
        h = tape.start + np.zeros((len(x), 1))
        for t in range(x.shape[1]):
            h = tape.node(tape.layers[0](tape.embed(x[:, t])), h)
        for layer in tape.layers:
            h = layer(h).tanh()
        return (h * tape.scales[0] + tape.scales[1]) @ tape.embed.W.T

    tape.prediction = logits
    tape.objective = lambda x, target: tape.loss(logits(x), target)
    return tape


def test_both_backends_agree_and_gradients_are_those_of_differences() -> None:
    ours, theirs = (network(net) for net in BACKENDS)
    value = ours.loss_and_grads(X, TARGET)
    assert value == pytest.approx(theirs.loss_and_grads(X, TARGET), rel=1e-12)
    assert list(ours.params) == list(theirs.params)
    assert {"layers.1.W", "start.value", "scales.1.value"} <= ours.params.keys()
    for name, gradient in ours.grads.items():
        np.testing.assert_allclose(gradient, to_numpy(theirs.grads[name]), rtol=1e-9, atol=1e-13)
        assert gradient.any()
        direction = np.random.default_rng(0).standard_normal(gradient.shape)
        at = [moved(ours, name, step * direction) for step in (1e-6, -1e-6)]
        assert (at[0] - at[1]) / 2e-6 == pytest.approx(float((gradient * direction).sum()), rel=1e-6, abs=1e-9)


def moved(tape: Any, name: str, by: Any) -> float:
    tape.params[name][...] += by
    value: float = tape.evaluate(X, TARGET)
    tape.params[name][...] -= by
    return value


def test_every_parameter_can_be_read_by_its_name(net: Any) -> None:
    tape = net.Tape(
        dtype="float64",
        bi=net.Bidirectional(net.GRULayer(3, input_size=4)),
        layer=net.LSTMLayer(3, input_size=4),
        layers=[net.Dense(2, input_size=4)],
    )
    for name, value in tape.params.items():
        weights = np.random.default_rng(0).standard_normal(value.shape)
        tape.zero_grad()
        tape.backward((tape.parameter(name) * weights).sum())
        np.testing.assert_allclose(to_numpy(tape.grads[name]), weights, rtol=1e-12)
        assert sum(to_numpy(gradient).any() for gradient in tape.grads.values()) == 1
    assert tape.layer.W_h.shape == (12, 3)
    assert isinstance(tape.layers[0].part.W, (np.ndarray, torch.nn.Parameter))


def test_a_parameter_that_is_read_adds_to_the_calls(net: Any) -> None:
    tape = net.Tape(dtype="float64", f=net.Dense(2, input_size=3))
    x = np.arange(6.0).reshape(2, 3)
    grads = []
    for program in (lambda: tape.f(x).sum(), lambda: (x @ tape.f.W.T + tape.f.b).sum()):
        tape.zero_grad()
        tape.backward(program())
        grads.append({name: to_numpy(g).copy() for name, g in tape.grads.items()})
    tape.zero_grad()
    tape.backward(tape.f(x).sum() + (x @ tape.f.W.T + tape.f.b).sum())
    for name, g in tape.grads.items():
        np.testing.assert_allclose(grads[1][name], grads[0][name], rtol=1e-14)
        np.testing.assert_allclose(to_numpy(g), 2 * grads[0][name], rtol=1e-14)


def test_a_parameter_that_changed_after_it_was_read() -> None:
    tape = network(numnet)
    value = tape.objective(X, TARGET)
    tape.backward(value)
    numnet.SGD(0.1).step(tape)
    with pytest.raises(RuntimeError, match="the weights have changed since this call"):
        tape.backward((tape_W := value) * 1.0)
    assert tape_W is value


@pytest.mark.parametrize("written_by", BACKENDS)
def test_a_file_has_lists_and_parameters(written_by: Any, net: Any, tmp_path: Path) -> None:
    tape = network(written_by)
    tape.evaluate(X, TARGET)
    written_by.save_checkpoint(tmp_path / "tape.npz", tape)
    read = net.Tape.from_checkpoint(net.load_checkpoint(tmp_path / "tape.npz"))
    assert {name: to_numpy(p).tolist() for name, p in read.params.items()} == {
        name: to_numpy(p).tolist() for name, p in tape.params.items()
    }
    assert (len(read.layers), read.start.shape, read.scales[1].shape) == (2, (4,), (4,))


def test_a_copy_has_parts_of_its_own(net: Any) -> None:
    tape = network(net)
    tape.evaluate(X, TARGET)
    twin = copy.deepcopy(tape)
    assert [wrapper.part for wrapper in twin.layers] == [twin.named_parts["layers.0"], twin.named_parts["layers.1"]]
    twin.backward((twin.layers[1](np.ones((2, 4))) * twin.start).sum())
    assert to_numpy(twin.grads["start.value"]).any()
    assert not to_numpy(tape.grads["start.value"]).any()


def test_a_parameter_and_its_tape_are_shown(net: Any) -> None:
    tape = net.Tape(start=net.Parameter((2, 3), std=0.5), layers=[net.Tanh()], bias=net.Parameter([0.5, 1.0]))
    assert repr(tape) == "Tape(start=Parameter((2, 3), std=0.5), layers=[Tanh()], bias=Parameter((2,)))"
    assert "(2, 3)" in tape.summary()
    assert to_numpy(tape.bias.value).tolist() == [0.5, 1.0]
    assert repr(tape.layers) == "[<Tanh() on a tape>]"
    assert tape.layers[:1][0].part is tape.layers[0].part


def test_a_parameter_alone(net: Any) -> None:
    part = net.Parameter((2, 3), std=1.0, seed=1, dtype="float64")
    assert np.array_equal(to_numpy(part.params["value"]), np.random.default_rng(1).standard_normal((2, 3)))
    y = part()
    part.backward(np.arange(6.0).reshape(2, 3))
    part.backward(np.ones((2, 3)))
    assert tuple(y.shape) == (2, 3)
    assert np.array_equal(to_numpy(part.grads["value"]), np.arange(1.0, 7).reshape(2, 3))
    assert not to_numpy(net.Parameter(4).params["value"]).any()


def test_the_initial_values_are_the_same_on_both_backends() -> None:
    ours, theirs = (network(net) for net in BACKENDS)
    for name in ("start.value", "scales.0.value", "scales.1.value"):
        assert np.array_equal(ours.params[name], to_numpy(theirs.params[name]))
    assert ours.params["start.value"].any()


def test_predict_is_the_prediction_as_arrays(net: Any) -> None:
    tape = network(net)
    y = tape.predict(X)
    assert type(y) is np.ndarray
    np.testing.assert_allclose(y, to_numpy(tape.prediction(X).value), rtol=1e-12)  # in PyTorch's kernels
    tape.prediction = lambda x, lengths: (tape.embed(x), [np.asarray(lengths)])
    pair = tape.predict(X, lengths=[3, 2])
    assert (pair[0].shape, pair[1][0].tolist()) == ((2, 3, 4), [3, 2])


def test_evaluation_records_no_graph(net: Any) -> None:
    tape = net.Tape(node=net.GRUNode(4), drop=net.Dropout(0.5), dense=net.Dense(2), loss=net.SoftmaxCrossEntropy())
    alive: list[int] = []

    def steps(x: Any) -> Any:
        h, seen = net.ArrayWithGrad(np.zeros((2, 4), np.float32)), []
        for t in range(x.shape[1]):
            h = tape.drop(tape.node(x[:, t], h)) * 1.0 + tape.node.b.sum() * 0.0
            seen.append(weakref.ref(h))
        alive.append(sum(each() is not None for each in seen))
        return tape.dense(h)

    tape.prediction = steps
    tape.objective = lambda x, target: tape.loss(steps(x), target)
    x = np.ones((2, 20, 3), np.float32)
    first = tape.evaluate(x, TARGET % 2)
    assert first == tape.evaluate(x, TARGET % 2)  # nothing is dropped
    tape.predict(x)
    tape.loss_and_grads(x, TARGET % 2)
    assert alive[:3] == [1, 1, 1]
    assert net is torchnet or alive[3] == 20
    with tape.without_graph():
        value = steps(x).sum()
    with pytest.raises(RuntimeError, match="backward of a value of predict, evaluate or without_graph"):
        value.backward()
    weight = net.ArrayWithGrad(2.0)
    (value * weight).backward()
    assert float(weight.grad) == float(value)


def test_a_state_is_detached(net: Any) -> None:
    tape = net.Tape(dtype="float64", node=net.LSTMNode(3, input_size=2))
    state: Any = None
    for t in range(4):
        state = tape.detach(state) if t == 2 else state
        state = tape.node(np.full((1, 2), t + 1.0), state)
        if t == 1:
            before = state
    tape.backward((state[0] * state[1]).sum())
    assert not to_numpy(before[0].grad).any()
    assert tape.detach((None, (state[0], 3)))[1][1] == 3
    tape.zero_grad()
    tape.backward(before[0].sum())
    assert to_numpy(tape.grads["node.W_h"]).any()


ERRORS: dict[str, Callable[[Any], Any]] = {
    "an empty list": lambda net: net.Tape(layers=[]),
    "a list of numbers": lambda net: net.Tape(layers=[net.Tanh(), 3]),
    "a list of lists": lambda net: net.Tape(layers=[[net.Tanh()]]),
    "one part twice in a list": lambda net: net.Tape(layers=[net.Dense(2)] * 2),
    "a reserved name": lambda net: net.Tape(train=[net.Tanh()]),
    "no parameter": lambda net: network(net).parameter("embed.V"),
    "no part": lambda net: network(net).parameter("W"),
    "not built": lambda net: network(net).parameter("layers.0.W"),
    "without a prediction": lambda net: net.Tape(f=net.Tanh()).predict(X),
    "assignment": lambda net: network(net).embed.W.__setitem__(0, 1),
    "a negative size": lambda net: net.Parameter((2, -1)),
    "a string": lambda net: net.Parameter("a"),
    "an array with gradient": lambda net: net.Parameter(net.ArrayWithGrad([1.0])),
    "std of 0": lambda net: net.Parameter(3, std=0),
    "a gradient of another shape": lambda net: (part := net.Parameter(3), part(), part.backward(np.ones(2))),
}


@pytest.mark.parametrize("name", ERRORS)
def test_a_wrong_use(name: str) -> None:
    if name == "a gradient of another shape":
        assert len({error_of(lambda net=net: ERRORS[name](net)) for net in BACKENDS}) == 1  # type: ignore[misc]
    else:
        same_error(ERRORS[name])
