"""An assignment to a name that a part knows takes effect, or is refused in the same words; other names are free."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import numnet
import torchnet
from numnet.core.arrays import to_numpy

x, h_0 = np.random.default_rng(0).standard_normal((2, 4, 3)), np.zeros((2, 5))
KEEP = "To exclude its parameters from training call freeze(), to train them again unfreeze()."


def dense(net: Any, **options: Any) -> Any:
    return net.Dense(2, input_size=3, **{"seed": 1, "dtype": "float64", **options})


def gru(net: Any, **options: Any) -> Any:
    return net.GRULayer(5, input_size=3, **{"seed": 1, "dtype": "float64", **options})


def model_of(net: Any, *layers: Any, **options: Any) -> Any:
    return net.RNNModel(
        [*layers], net.MeanSquaredError(), **{"seed": 1, "dtype": "float64", "input_size": 3, **options}
    )


def array(value: Any) -> Any:
    return np.array(to_numpy(value))


def other(net: Any) -> Any:
    return torchnet if net is numnet else numnet


PARTS: dict[str, Callable[[Any], Any]] = {
    "a layer": gru,
    "a plain layer": lambda net: net.MGULayer(5, input_size=3, dtype="float64"),
    "its node": lambda net: gru(net).node,
    "dense": dense,
    "normalized": lambda net: net.LSTMLayer(5, input_size=3, layer_norm=True, dtype="float64"),
    "a start state": lambda net: gru(net, learn_state=True),
    "a convolution": lambda net: net.Convolution(2, input_size=3, dtype="float64"),
    "attention": lambda net: net.Attention("general", input_size=3, memory_size=3, dtype="float64"),
    "token vectors": lambda net: net.Embedding(7, 3, dtype="float64"),
}


@pytest.mark.parametrize("by_name", [False, True])
@pytest.mark.parametrize("kind", PARTS)
def test_a_parameter_takes_the_values(kind: str, by_name: bool, net: Any) -> None:
    part = PARTS[kind](net)
    for k, (name, value) in enumerate(list(part.params.items())):
        for where in ("params", "grads"):
            given = np.random.default_rng(k).standard_normal(value.shape)
            if by_name:
                getattr(part, where)[name] = given
            else:
                setattr(part, name if where == "params" else f"d{name}", given)
            given[...] = -1  # the values were copied
            expected = np.random.default_rng(k).standard_normal(value.shape)
            np.testing.assert_array_equal(array(getattr(part, where)[name]), expected)


def test_the_next_call_uses_the_values_in_a_model_too(net: Any) -> None:
    """In a layer, in its node, by name in a model, in a copy; the optimizer goes on from them."""
    W = np.random.default_rng(1).standard_normal((15, 5))
    found = []
    for assign in (
        lambda m: setattr(m.layers[0], "W_h", W),
        lambda m: setattr(m.layers[0].node, "W_h", W),
        lambda m: m.params.__setitem__("layers.0.W_h", W),
        lambda m: m.params.update({"layers.0.W_h": torch.tensor(W)}),
        lambda m: m.load_state_dict({**m.state_dict(), "layers.0.W_h": W}),
    ):
        for made in (model_of(net, gru(net), net.Dense(2)), copy.deepcopy(model_of(net, gru(net), net.Dense(2)))):
            assign(made)
            first = array(made.predict(x))
            made.zero_grad()
            made.loss_and_grads(x, np.zeros((2, 4, 2)))
            net.SGDMomentum(0.1).step(made)
            found.append([first, array(made.predict(x)), array(made.params["layers.0.W_h"])])
    for each in found[1:]:
        for ours, theirs in zip(each, found[0]):
            np.testing.assert_array_equal(ours, theirs)
    assert abs(found[0][2] - W).max() > 1e-6


def test_changes_in_place_are_no_assignments_of_others(net: Any) -> None:
    layer = dense(net)
    before = array(layer.W)
    with torch.no_grad():
        layer.W *= 2
        layer.params["W"] += 1
    np.testing.assert_array_equal(array(layer.params["W"]), 2 * before + 1)
    layer.W = layer.W[::-1] if net is numnet else layer.W.flip(0)
    np.testing.assert_array_equal(array(layer.W), (2 * before + 1)[::-1])


def test_a_torch_parameter_takes_the_place_of_a_layers() -> None:
    layer, ours = gru(torchnet), torch.nn.Parameter(torch.zeros(15, 5, dtype=torch.float64))
    layer.W_h = ours
    layer(x).sum().backward()
    assert layer.W_h is ours
    assert ours.grad is not None
    layer.load_state_dict(gru(torchnet).state_dict(), assign=True)
    assert layer.W_h is not ours


def tape_of(net: Any) -> Any:
    return net.Tape(embed=net.Embedding(5, 3), dense=net.Dense(5, input_size=3))


def set_(name: str, value: Any, part: Callable[[Any], Any] = gru) -> Callable[[Any], Any]:
    return lambda net: setattr(part(net), name, value(net) if callable(value) else value)


def tied(view: Callable[[Any], Any], by_name: bool = False) -> Callable[[Any], Any]:
    def tie(net: Any) -> None:
        ours, theirs = net.Dense(3, input_size=3), net.Dense(3, input_size=3)
        if by_name:
            ours.params["W"] = theirs.params["W"]
        else:
            ours.W = view(theirs.W)

    return tie


TIED = (
    "Dense: W is set to W of Dense, expected values of its own: an assignment does not tie parameters. To start "
    "from equal values pass a copy; to tie a Dense to an Embedding use Dense(V, tied_to=embedding)."
)
FIXED = " expected no change after construction. Create a new "
MODEL = "RNNModel: layers is changed," + FIXED + "RNNModel."
REFUSED: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "size": (f"GRULayer: hidden_size is set to 8,{FIXED}GRULayer.", set_("hidden_size", 8)),
    "rate": (f"GRULayer: zoneout is set to 0.1,{FIXED}GRULayer.", set_("zoneout", 0.1)),
    "before the first batch": (
        f"GRULayer: state_dropout is set to 0.1,{FIXED}GRULayer.",
        set_("state_dropout", 0.1, lambda net: net.GRULayer(3)),
    ),
    "of a node": (
        f"GRUNode: reset is set to 'before',{FIXED}GRUNode.",
        set_("reset", "before", lambda net: net.GRUNode(3)),
    ),
    "node": (f"GRULayer: node is set to RNNNode,{FIXED}GRULayer.", set_("node", lambda net: net.RNNNode(5))),
    "output": (f"GRULayer: output is set to Dense,{FIXED}GRULayer.", set_("output", dense)),
    "direction": (
        f"Bidirectional: backwards is set to GRULayer,{FIXED}Bidirectional.",
        set_("backwards", gru, lambda net: gru(net, bidirectional=True)),
    ),
    "width": (f"Convolution: width is set to 5,{FIXED}Convolution.", set_("width", 5, PARTS["a convolution"])),
    "kind": (f"Attention: kind is set to 'dot',{FIXED}Attention.", set_("kind", "dot", PARTS["attention"])),
    "how": (f"Pooling: how is set to 'max',{FIXED}Pooling.", set_("how", "max", lambda net: net.Pooling())),
    "dtype": (
        "Dense: dtype is set to 'float64', expected no change after construction. Call convert(dtype).",
        set_("dtype", "float64", lambda net: net.Dense(2)),
    ),
    "seed": (f"Dense: seed is set to 5,{FIXED}Dense.", set_("seed", 5, dense)),
    "params": (
        "Dense: params is set to {}, expected no change after construction. Call load_state_dict(values), or assign "
        "one of them, params['W'] = values.",
        set_("params", {}, dense),
    ),
    "requires_grad": (
        f"Dense: requires_grad is set to False, expected no assignment. {KEEP}",
        set_("requires_grad", False, dense),
    ),
    "trainable": (
        f"RNNModel: trainable is set to False, expected no assignment. {KEEP}",
        set_("trainable", False, model_of),
    ),
    "p": ("Dropout: p is 1.5, expected 0 or more and less than 1.", set_("p", 1.5, lambda net: net.Dropout(0.5))),
    "shape": ("Dense: W is (3, 2), expected (2, 3). A parameter keeps its shape.", set_("W", np.ones((3, 2)), dense)),
    "kind of numbers": (
        "Dense: b is complex128, expected real numbers.", set_("b", np.ones(2, complex), dense),
    ),
    "unbuilt": (
        "MGULayer: W_h is assigned before the parameters exist, expected it afterwards. Give input_size=, or run a "
        "batch first.",
        set_("W_h", np.ones((10, 5)), lambda net: net.MGULayer(5)),
    ),
    "no such name": (
        "Dense: params has no 'V', expected one of W, b.",
        lambda net: dense(net).params.__setitem__("V", 1),
    ),
    "tied": (TIED, tied(lambda W: W)),
    "tied, transposed": (TIED, tied(lambda W: W.T)),
    "tied by name": (TIED, tied(lambda W: W, by_name=True)),
    "a layer": (MODEL, lambda net: model_of(net, gru(net)).layers.__setitem__(0, gru(net))),
    "a layer more": (MODEL, lambda net: model_of(net, gru(net)).layers.append(dense(net))),
    "layers": (f"RNNModel: layers is set to [],{FIXED}RNNModel.", set_("layers", [], model_of)),
    "side by side": (
        f"Concat: layers is changed,{FIXED}Concat.", lambda net: net.Concat([dense(net)]).layers.insert(0, dense(net))
    ),
    "a part of a model": (
        "RNNModel: head is set to Dense after construction, expected all parts in the constructor. Create a new "
        "RNNModel with it.",
        set_("head", dense, model_of),
    ),
    "a part of a Tape": (
        "Tape: late is set to Dropout after construction, expected all parts in the constructor. Create a new Tape "
        "with it.",
        set_("late", lambda net: net.Dropout(0.1), tape_of),
    ),
    "a part of a Tape again": (f"Tape: dense is set to None,{FIXED}Tape.", set_("dense", None, tape_of)),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_an_assignment_that_would_be_lost_is_refused(name: str, net: Any) -> None:
    words, assign = REFUSED[name]
    with pytest.raises((TypeError, ValueError)) as refused:
        assign(net)
    assert str(refused.value).startswith(words)


def test_a_refused_assignment_changes_nothing(net: Any) -> None:
    layer = gru(net, learn_state=True)
    before, y = layer.state_dict(), array(layer(x))
    for name, value in (
        ("W_h", np.ones((5, 5))),
        ("hidden_size", 8),
        ("node", None),
        ("h_0", "x"),
        ("dtype", "float32"),
    ):
        with pytest.raises((TypeError, ValueError)):
            setattr(layer, name, value)
    assert layer.hidden_size == 5
    assert all((array(layer.params[name]) == array(value)).all() for name, value in before.items())
    np.testing.assert_array_equal(array(layer(x)), y)


def test_what_every_call_reads_may_be_changed(net: Any) -> None:
    layer, reverse = gru(net), gru(net, reverse=True)
    layer.reverse = True
    np.testing.assert_array_equal(array(layer(x)), array(reverse(x)))
    drop = net.Dropout(0.5, seed=1)
    drop.p = 0.0
    np.testing.assert_array_equal(array(drop(x)), x)
    model = model_of(net, gru(net))
    model.loss = net.SoftmaxCrossEntropy()
    model.loss_and_grads(x, np.zeros((2, 4), int))
    unbuilt = net.Dense(2)
    unbuilt.input_size, unbuilt.seed, unbuilt.note = 3, 4, "of the user"
    assert array(unbuilt(x)).shape == (2, 4, 2)


def test_the_attributes_of_a_subclass_are_the_users(net: Any) -> None:
    class Mine(net.Layer):
        def __init__(self) -> None:
            super().__init__(3, dtype="float64")
            self.hidden_size, self.node, self.trainable, self.W_h = 7, "any", True, 0
            self.own = net.Dense(2, input_size=3)

    mine = Mine()
    mine.hidden_size, mine.trainable, mine.own, mine.merge = 8, False, net.Dense(4), np.ones(3)
    assert (mine.hidden_size, mine.trainable, mine.own.output_size) == (8, False, 4)

    class Stack(net.RNNModel):
        pass

    stack = Stack([gru(net)])
    stack.head = net.Dense(2, input_size=5)
    assert stack.head.input_size == 5


@pytest.mark.parametrize("name", ["SGD", "SGDMomentum", "AdaGrad", "RMSProp", "Adam", "AdamW"])
def test_an_option_of_an_optimizer_may_change_between_steps(name: str, net: Any) -> None:
    """As if it had been that from the start, for the steps that follow; on both backends alike."""
    kind, layer = getattr(net, name), dense(net)
    again = getattr(other(net), name)(0.1)
    optimizer, theirs, their = kind(0.1), dense(other(net)), again
    theirs.load_state_dict({n: array(p) for n, p in layer.params.items()})
    options = {"SGDMomentum": "momentum", "AdaGrad": "epsilon", "RMSProp": "decay", "Adam": "beta1", "AdamW": "beta2"}
    for k in range(4):
        for part, one in ((layer, optimizer), (theirs, their)):
            if k == 1:
                one.learning_rate, one.weight_decay = 0.5, 0.2
                if name in options:
                    setattr(one, options[name], 0.3)
            if k == 2:
                one.schedule = 0.05
            part.grads.update({n: np.random.default_rng(k).standard_normal(g.shape) for n, g in part.grads.items()})
            one.step(part)
    for n, p in layer.params.items():
        np.testing.assert_allclose(array(p), array(theirs.params[n]), rtol=1e-9)
    assert repr(optimizer) == repr(their)
    for wrong, words in (
        ({"learning_rate": -1}, "learning_rate is -1"),
        ({"clip_norm": 0}, f"{name}: clip_norm is 0, expected a number above 0."),
        ({"lr": 0.1}, f"{name}.lr does not exist. Use optimizer.learning_rate"),
        ({"weight_decay": "x"}, f"{name}: weight_decay is 'x', expected a number."),
    ):
        with pytest.raises((TypeError, ValueError, AttributeError), match=words):
            setattr(optimizer, *next(iter(wrong.items())))
    assert optimizer.schedule(0) == 0.05


def test_state_dict_is_a_copy(net: Any) -> None:
    """Of a layer, a model, a translator, a Tape; `before` is put back after training."""
    made = [
        gru(net, bidirectional=True),
        model_of(net, gru(net), net.Concat([net.Dense(2), net.Dense(2)])),
        net.EncoderDecoder([net.Embedding(5, 3), gru(net)], [net.Embedding(5, 3), gru(net)], [net.Dense(5)]),
        tape_of(net),
    ]
    for part in made:
        before = part.state_dict()
        values = {name: array(value) for name, value in before.items()}
        for p in part.params.values():
            with torch.no_grad():
                p *= 2
        assert all((array(before[name]) == value).all() for name, value in values.items())
        part.load_state_dict(before)
        assert all((array(p) == values[name]).all() for name, p in part.params.items())
        before[next(iter(before))][...] = 0
        assert all((array(p) == values[name]).all() for name, p in part.params.items())


def test_torchs_state_dict_in_a_module_of_pytorch() -> None:
    class Net(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.head, self.rnn = torch.nn.Linear(5, 2), gru(torchnet)

    net, again = Net(), Net()
    state = net.state_dict()
    assert list(state) == ["head.weight", "head.bias", "rnn.W_x", "rnn.W_h", "rnn.b", "rnn.b_h"]
    assert state["rnn.W_h"].data_ptr() != net.rnn.W_h.data_ptr()
    assert net.state_dict(keep_vars=True)["rnn.W_h"] is net.rnn.W_h
    again.load_state_dict(state)
    assert torch.equal(again.rnn.W_h, net.rnn.W_h)
    part = net.rnn.load_state_dict({"b": np.ones(15), "other": np.ones(2)}, strict=False)
    assert (part.missing_keys, part.unexpected_keys) == (["W_x", "W_h", "b_h"], ["other"])
    assert (net.rnn.b == 1).all()
    with pytest.raises(ValueError, match="GRULayer: b is \\(3,\\), expected \\(15,\\)"):
        net.rnn.load_state_dict({"b": np.ones(3)}, strict=False)


def test_an_optimizer_of_pytorch_needs_all_parameters() -> None:
    for part in (
        torchnet.GRULayer(4),
        torchnet.RNNModel([gru(torchnet), torchnet.Dense(2)]),
        torchnet.Tape(d=torchnet.Dense(2)),
    ):
        with pytest.raises(ValueError, match=r"no parameters yet. Give input_size=, or run a batch first."):
            torch.optim.Adam(part.parameters())
    model = model_of(torchnet, torchnet.GRULayer(4), torchnet.Dense(2))
    assert len(torch.optim.Adam(model.parameters()).param_groups[0]["params"]) == len(model.params)
