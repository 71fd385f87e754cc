"""A refused call changes nothing: not the previous call, its backward pass, the stored state, nor the masks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import numnet
from numnet.core.arrays import to_numpy
from parity_tests.faults import Fault, planted
from parity_tests.small import both, gru, lstm, model_of, weights, x
from parity_tests.translator import pairs, translator

h = np.zeros((2, 5))
options: dict[str, Any] = {
    "stateful": True,
    "learn_state": True,
    "state_dropout": 0.3,
    "weight_dropout": 0.3,
    "zoneout": 0.3,
}
MADE: dict[str, Callable[[Any], Any]] = {
    "a layer": lambda net: lstm(net, **options),
    "both ways": lambda net: both(net, **options),
    "a pooling": lambda net: net.Pooling("max"),
    "a convolution": lambda net: net.Convolution(5),
    "side by side": lambda net: net.Concat([net.Dropout(0.3), net.Convolution(5)]),
    "a model": lambda net: model_of(net, net.Dropout(0.3), lstm(net, **options), net.Dense(2)),
}
REFUSED = [[4, 1], [-1, 1], [1.0, 2.0], [1, 1, 1], [True, False], np.ones((2, 4), bool), np.full((2, 3), 2)]


def call(thing: Any, values: Any, lengths: Any, state: Any = None) -> Any:
    return thing(values, lengths) if thing.over_time else thing(values, state, lengths)


def spoil(thing: Any) -> None:
    """Refused calls and backward passes: for their lengths, mask, width, state and gradient."""
    for lengths in REFUSED:
        with pytest.raises((ValueError, TypeError)):
            call(thing, 7 * x + 7, lengths)
    if not thing.over_time and not hasattr(thing, "layers"):
        for values, state in ((np.ones((2, 3, 9)), None), (7 * x + 7, (h, np.ones((2, 6))))):
            with pytest.raises(ValueError, match="expected"):
                thing(values, state)
    with pytest.raises(ValueError, match="dy is"):
        thing.backward(np.ones((2, 9)))
    if hasattr(thing, "forwards"):
        with pytest.raises(ValueError, match="d_last_state h is"):
            thing.backward(np.ones((2, 3, 10)), (h, np.ones((2, 6))))


@pytest.mark.parametrize("kind", MADE)
def test_a_refused_call_leaves_the_call_and_the_state_before(kind: str, net: Any) -> None:
    rng, found = np.random.default_rng(0), []
    given = rng.standard_normal((2, 2, 3, 4))
    for spoilt in (False, True):
        net.manual_seed(1)  # both begin equal
        thing, numbers = MADE[kind](net), []
        for values, lengths in zip(given, ([3, 2], np.array([[True, False, True], [True, True, True]]))):
            y = call(thing, values, lengths)
            if spoilt:
                spoil(thing)
            dx = thing.backward(np.ones(y.shape))
            numbers += [y, dx, *getattr(thing, "grads", {}).values()]
        found.append([np.array(to_numpy(value)) for value in numbers])
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_refused_weights_leave_the_model_as_it_was(net: Any) -> None:
    layer = net.Dense(2, input_size=4)
    before = {name: np.array(value.tolist()) for name, value in layer.params.items()}
    with pytest.raises(ValueError, match="b is"):
        layer.load_state_dict({"W": np.ones((2, 4)), "b": np.ones(3)})
    assert all((np.array(layer.params[name].tolist()) == value).all() for name, value in before.items())


def grads(part: Any) -> list[Any]:
    return [np.array(to_numpy(g)) for g in part.grads.values()]


def stack(net: Any) -> Any:
    """A model with both kinds of layers whose calls another may refuse."""
    return model_of(net, both(net), net.Concat([net.Dense(3), net.Convolution(2)]), lstm_on(net, 5), net.Dense(2))


def lstm_on(net: Any, D: int) -> Any:
    return net.LSTMLayer(4, input_size=D)


CHANGES: dict[str, Callable[[Any, Any], Any]] = {
    "a step": lambda net, part: net.SGD(0.1).step(part),
    "a file": lambda net, part: part.load_state_dict(part.state_dict()),
    "another dtype": lambda net, part: part.convert("float64"),
    "an assignment": lambda net, part: part.params.update({n: p * 1 for n, p in weights(part).items()}),
}
STALE: dict[str, Callable[[Any], Any]] = {
    "a layer": gru,
    "its node": lambda net: gru(net),
    "both ways": both,
    "dense": lambda net: net.Dense(2, input_size=4),
    "side by side": lambda net: net.Concat([net.Dense(2), net.Dense(3)]),
    "a model": stack,
    "a part of a model": stack,
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("kind", STALE)
def test_backward_after_the_weights_have_changed_is_refused(kind: str, change: str, net: Any) -> None:
    """Also where a part inside was changed; nothing is added, and the next call goes on."""
    part = STALE[kind](net)
    values = np.random.default_rng(0).standard_normal(x.shape)
    y = part(values)
    part.backward(np.ones(y.shape))
    changed = {"its node": lambda: part.node, "a part of a model": lambda: part.layers[0]}.get(kind, lambda: part)()
    part(values)
    CHANGES[change](net, changed)
    before = grads(part)
    with pytest.raises(RuntimeError) as refused:
        part.backward(np.ones(y.shape))
    assert str(refused.value) == (
        f"{part.name}: the weights have changed since this call, expected backward before the optimizer's step. "
        "Call it again."
    )
    assert all((ours == theirs).all() for ours, theirs in zip(grads(part), before))
    part(values)
    part.backward(np.ones(y.shape))


def test_clearing_gradients_and_evaluating_change_no_weights(net: Any) -> None:
    part = stack(net)
    y = part(x)
    part.zero_grad()
    part.predict(x)
    part.state_dict()
    part.eval().train()
    net.SGD(0.1).state_dict()
    part.backward(np.ones(y.shape))


def test_a_translator_and_its_encoder(net: Any) -> None:
    (given, target, lengths), model = pairs(), translator(net)
    y = model.forward(given, target, lengths)
    model.backward(np.ones(y.shape))
    for change in (lambda: net.SGD(0.1).step(model), lambda: model.encoder.load_state_dict(model.encoder.state_dict())):
        model.forward(given, target, lengths)
        change()
        with pytest.raises(RuntimeError, match="EncoderDecoder: the weights have changed since this call"):
            model.backward(np.ones(y.shape))


def refused_inside(net: Any) -> tuple[Any, Any, Any]:
    """A model of which one layer has another call since: one that a later layer refused, or one by hand."""
    model = model_of(net, net.Dense(4, input_size=4), net.LSTMLayer(4, input_size=4, seed=1))
    y = model(x + 1)
    return model, y, lambda: model(x, [None, (np.ones((2, 4)), np.ones((2, 3)))])


def test_backward_after_a_refused_call_mixes_no_calls(net: Any) -> None:
    for by_hand in (False, True):
        model, y, call_again = refused_inside(net)
        if by_hand:
            model.layers[0](x)
        else:
            with pytest.raises(ValueError, match="LSTMLayer: state c is"):
                call_again()
        before = grads(model)
        with pytest.raises(RuntimeError) as refused:
            model.backward(np.ones(y.shape))
        assert str(refused.value) == (
            "RNNModel: layers.0 was called again since the last call of the RNNModel, or in a call that was refused, "
            "expected backward before that. Call the RNNModel again."
        )
        assert all((ours == theirs).all() for ours, theirs in zip(grads(model), before))
        model(x)
        model.backward(np.ones(y.shape))


def test_a_refused_gradient_of_the_last_state_adds_nothing(net: Any) -> None:
    model = model_of(net, lstm(net), both_of(net), net.Dense(2))
    y = model(x + 1)
    before = grads(model)
    good, bad = (np.ones((2, 5)), np.ones((2, 5))), (np.ones((2, 5)), np.ones((2, 4)))
    for d_last, words in (
        ([bad, None, None], "LSTMLayer: d_last_state c is (2, 4), expected (2, 5)"),
        ([good, bad, None], "GRULayer: d_last_state h is (2, 4), expected (2, 5)"),
        ([good, None, h], "RNNModel: d_last_state[2] is given, expected None: layers[2], Dense, has no state."),
        ([good, None], "RNNModel: d_last_state has 2 entries, expected 3"),
        (h, "RNNModel: d_last_state is ndarray, expected a list with one entry per layer"),
    ):
        with pytest.raises((ValueError, TypeError)) as refused:
            model.backward(np.ones(y.shape), d_last)
        assert str(refused.value).startswith(words)
        assert all((ours == theirs).all() for ours, theirs in zip(grads(model), before))
    model.backward(np.ones(y.shape), [good, good, None])


def both_of(net: Any) -> Any:
    return net.Bidirectional(net.GRULayer(5, input_size=5))


FIRST: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "a state": (lambda net: net.GRULayer(5), lambda layer: layer.forward(x, np.ones((2, 4)))),
    "a state of one direction": (
        lambda net: both_unbuilt(net),
        lambda layer: layer.forward(x, (None, np.ones((2, 4)))),
    ),
    "a state of a node": (lambda net: net.GRUNode(5), lambda node: node.forward(x[:, 0].T, np.ones((4, 2)))),
    "lengths": (lambda net: net.Attention(), lambda layer: layer.forward(x, x, [4, 1])),
    "a layer inside": (
        lambda net: net.Concat([net.Dense(2), net.Embedding(3, 2)], [2, 2]),
        lambda layer: layer(x + 0.5),
    ),
    "a later layer": (lambda net: model_of(net, net.Dense(2), net.LSTMLayer(3)), lambda m: m.predict(x[0])),
    "the target": (lambda net: model_of(net, net.LSTMLayer(3)), lambda m: m.loss_and_grads(x, np.zeros((2, 2), int))),
    "the target of an evaluation": (
        lambda net: model_of(net, net.LSTMLayer(3)),
        lambda m: m.evaluate(x, np.zeros(5, int)),
    ),
}


def both_unbuilt(net: Any) -> Any:
    return net.Bidirectional(net.GRULayer(5))


@pytest.mark.parametrize("kind", FIRST)
def test_a_refused_first_call_creates_no_parameters(kind: str, net: Any) -> None:
    make, refused_call = FIRST[kind]
    part = make(net)
    with pytest.raises((ValueError, TypeError, IndexError)):
        refused_call(part)
    for module in part.modules():
        assert not getattr(module, "built", False) or isinstance(module, net.Embedding)
    if hasattr(part, "layers") and kind != "a layer inside":
        values = np.ones((2, 3, 7))
        assert part(values).shape[:2] == (2, 3)


def test_states_are_not_in_the_graph_unless_they_are_asked_for() -> None:
    """A state handed to the next call backpropagates into this one only with return_state=True."""
    torch = pytest.importorskip("torch")
    net: Any = __import__("torchnet")
    layer, start = gru(net, bidirectional=True), torch.zeros(2, 5, requires_grad=True)
    _, last = layer(x, return_state=True)
    assert all(part.requires_grad for part in last)
    assert not any(part.requires_grad for part in layer.last_state)
    model = net.RNNModel([gru(net)], net.MeanSquaredError())
    for _ in range(2):  # the gradient of a start state that requires one is that of the last call
        model.loss_and_grads(x + 1, np.zeros((2, 3, 5)), [start])
        found = model.d_state[0].clone()
    alone = net.RNNModel([model.layers[0]], net.MeanSquaredError())
    alone.loss_and_grads(x + 1, np.zeros((2, 3, 5)), [start.detach()])
    np.testing.assert_allclose(found, alone.d_state[0], rtol=1e-6)


@pytest.mark.parametrize("rows", [[2], -3, [0.5], "all", [True], np.ones(3, bool), [[0]], [[0], [1, 2]], slice(1)])
def test_rows_that_a_state_does_not_have(rows: Any, net: Any) -> None:
    layer = gru(net, stateful=True)
    layer(x + 1)
    before = np.array(to_numpy(layer.last_state))
    with pytest.raises((ValueError, IndexError), match=r"^GRULayer: rows (is|has) "):
        layer.reset_state(rows)
    np.testing.assert_array_equal(to_numpy(layer.last_state), before)


def test_one_node_in_two_layers(net: Any) -> None:
    node, dense = net.GRUNode(4), net.Dense(4)
    first, second = net.RecurrentLayer(node), net.RecurrentLayer(node)
    other = {"numnet": "torchnet", "torchnet": "numnet"}[net.__name__]
    for layers in ([first, second], [net.Bidirectional(first), second], [net.Concat([dense]), dense]):
        with pytest.raises(ValueError, match=r"layers\[1\] is an earlier layer, or shares a node with one"):
            net.RNNModel(layers)
    with pytest.raises(TypeError) as refused:
        net.RecurrentLayer(__import__(other).GRUNode(4))
    assert str(refused.value) == (
        f"RecurrentLayer: node is GRUNode of another backend, expected a node of {net.__name__}. Create it from "
        f"{net.__name__}: {net.__name__}.GRUNode(...)."
    )


def raises(call_: Callable[[], Any]) -> bool:
    try:
        call_()
    except (RuntimeError, TypeError, ValueError):
        return True
    return False


def stale(net: Any) -> bool:
    layer = net.Dense(2, input_size=4)
    layer.backward(layer(x))
    layer(x)
    net.SGD(0.1).step(layer)
    return raises(lambda: layer.backward(np.ones((2, 3, 2))))


def mixed(net: Any) -> bool:
    model, y, call_again = refused_inside(net)
    return raises(call_again) and raises(lambda: model.backward(np.ones(y.shape)))


def unbuilt(net: Any) -> bool:
    model = model_of(net, net.Dense(2), net.LSTMLayer(3))
    return raises(lambda: model.predict(x[0])) and not model.built


def written(net: Any) -> bool:
    layer = net.Dense(2, input_size=4)
    layer.W = np.ones((2, 4))
    return bool((layer.params["W"] == 1).all())


def untied(net: Any) -> bool:
    ours, theirs = net.Dense(4, input_size=4), net.Dense(4, input_size=4)
    return raises(lambda: setattr(ours, "W", theirs.W.T))


FAULTS = [
    (
        Fault(
            "steps are not counted", "core/operation.py", "module.weight_changes + 1", "module.weight_changes", "", ""
        ),
        stale,
    ),
    (Fault("counts are not compared", "core/checks/autograd.py", "if now != then", "if now < then", "", ""), stale),
    (Fault("calls are not compared", "core/attributes.py", "if now != before", "if now < before", "", ""), mixed),
    (
        Fault(
            "a refused call builds",
            "core/evaluation.py",
            "own.update(before)",
            "own.update({**before, 'built': True})",
            "",
            "",
        ),
        unbuilt,
    ),
    (Fault("a value is lost", "core/parameters.py", "own[name][...] = array", "array = own[name]", "", ""), written),
    (
        Fault("ties are not found", "core/parameters.py", "np.may_share_memory", "np.array_equal", "", ""),
        untied,
    ),
]


@pytest.mark.parametrize(("fault", "holds"), FAULTS, ids=[fault.name for fault, _ in FAULTS])
def test_a_fault_in_these_checks_is_caught(fault: Fault, holds: Callable[[Any], bool], tmp_path: Any) -> None:
    assert holds(numnet)
    with planted(fault, tmp_path) as faulty:
        assert not holds(faulty)
