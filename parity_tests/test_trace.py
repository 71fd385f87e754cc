"""A trace: gates and states by name, the same on both backends, y equal to forward's, and nothing changed by it."""

from __future__ import annotations

import cProfile
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch

import numnet
import torchnet
from examples.your_own_node import UGRNNNode
from numnet.check.engine.subject import joined, state_names
from numnet.core.arrays import to_numpy
from parity_tests.family import FAMILY
from parity_tests.probe import Arrays, assert_near
from parity_tests.small import TOKENS, assert_same, both, gru, lstm, small_model, weights
from parity_tests.strategies import Case, Sizes

TIGHT = 1e-12  # the same operations in the same order, but for the vendors' sums
X = np.random.default_rng(0).standard_normal((3, 5, 4))


def sigmoid(a: Any) -> Any:
    return 1 / (1 + np.exp(-a))


def sizes_of(case: Case) -> Sizes:
    """Sizes of a row, drawn from its name: 1 is among them, and H may be B, where a weight has the shape of a state."""
    drawn = np.random.default_rng(zlib.crc32(case.name.encode()))
    B, T, D, H = drawn.integers((1, 1, 1, 3), (6, 8, 6, 6))
    return Sizes(int(B), int(T), int(D), int(H), seed=int(drawn.integers(2**31)))


def filled(t: Any) -> Arrays:
    """The arrays of a trace, 0 at padding."""
    return {name: np.nan_to_num(t[name]) for name in t}


def traced(thing: Any, inputs: Any) -> Any:
    return thing.trace(inputs["x"], joined(inputs, state_names(thing)), inputs.get("lengths"))


@pytest.mark.parametrize("case", FAMILY, ids=repr)
def test_traces_are_equal_on_both_backends_and_y_is_that_of_forward(case: Case) -> None:
    z, found = sizes_of(case), []
    for net in (numnet, torchnet):
        thing = case.build(net, z)
        inputs = case.inputs(z)
        found.append(traced(thing, inputs))
        y = thing.eval()(inputs["x"], joined(inputs, state_names(thing)), inputs.get("lengths"))
        assert_near({"y": found[-1]["y"]}, {"y": to_numpy(y)}, TIGHT)
        assert found[-1].path.startswith("plain: ")
    ours, theirs = found
    assert list(ours) == list(theirs)
    assert (ours.gates, ours.states) == (theirs.gates, theirs.states)
    for name in ours:
        assert (np.isnan(ours[name]) == np.isnan(theirs[name])).all(), name
    assert_near(filled(ours), filled(theirs), TIGHT)
    assert all(ours[name].shape[:2] == inputs["x"].shape[:2] for name in ours if not name.endswith("y"))


def equations_of_lstm(t: Any, c_0: Any) -> Arrays:
    c_prev = np.concatenate([c_0[:, None], t["c"][:, :-1]], axis=1)
    gates = {name: sigmoid(t[f"a_{name}"]) for name in "ifo"} | {"g": np.tanh(t["a_g"])}
    return {**gates, "c": t["f"] * c_prev + t["i"] * t["g"], "h": t["o"] * np.tanh(t["c"]), "y": t["h"]}


def equations_of_gru(t: Any, h_0: Any) -> Arrays:
    h_prev = np.concatenate([h_0[:, None], t["h"][:, :-1]], axis=1)
    return {"h": t["z"] * h_prev + (1 - t["z"]) * t["n"], "y": t["h"]}


def test_the_arrays_of_a_trace_satisfy_the_equations_of_the_node(net: Any) -> None:
    rng = np.random.default_rng(1)
    h_0, c_0 = rng.standard_normal((2, 3, 5))
    t = lstm(net, dtype="float64").trace(X, (h_0, c_0))
    expected = equations_of_lstm(t, c_0)
    assert_near({name: t[name] for name in expected}, expected, TIGHT)
    assert (t.gates, t.states) == (("i", "f", "g", "o"), ("h", "c"))
    for reset in ("before", "after"):
        t = gru(net, dtype="float64", reset=reset).trace(X, h_0)
        expected = equations_of_gru(t, h_0)
        assert_near({name: t[name] for name in expected}, expected, TIGHT)


def test_padding_is_nan_and_the_last_real_step_is_the_last_state(net: Any) -> None:
    layer, lengths = lstm(net, dtype="float64", zoneout=0.3).eval(), np.array([5, 0, 2])
    t = layer.trace(X, None, lengths)
    layer(X, None, lengths)
    real = np.arange(5) < lengths[:, None]
    for name in set(t) - {"y"}:
        assert (np.isnan(t[name]).all(axis=2) == ~real).all(), name
    assert (t["y"][~real] == 0).all()
    for k, name in enumerate(t.states):  # after zoneout, which the gates do not see
        assert_near({name: t[name][[0, 2], [4, 1]]}, {name: to_numpy(layer.last_state[k])[[0, 2]]}, TIGHT)
    turned = lstm(net, dtype="float64", batch_first=False).trace(X.swapaxes(0, 1), None, lengths)
    assert turned["f"].shape == (5, 3, 5)
    assert np.isnan(turned["f"][:, 1]).all()
    packed = net.pack([X[0], X[2, :2]])
    assert np.isnan(lstm(net).trace(packed)["f"][1, 2:]).all()


def test_resets_begin_from_zero(net: Any) -> None:
    layer, resets = lstm(net, dtype="float64"), np.zeros((3, 5), bool)
    resets[1, 3] = True
    whole, later = layer.trace(X, resets=resets), layer.trace(X[:, 3:])
    assert_near({"c": whole["c"][1, 3:]}, {"c": later["c"][1]}, TIGHT)


def test_parts_of_parts_have_names(net: Any) -> None:
    stack = net.LSTMLayer(4, layers=2, bidirectional=True, input_size=4, dtype="float64")
    t = stack.trace(X)
    assert list(t.layers) == [f"layers.{k}.{way}" for k in (0, 1) for way in ("forwards", "backwards")]
    assert "layers.1.backwards.f" in t.gates
    assert (t["layers.0.forwards.f"] == t.layers["layers.0.forwards"]["f"]).all()
    assert_near({"y": t["y"]}, {"y": to_numpy(stack(X))}, TIGHT)
    apart = np.concatenate([t["layers.1.forwards.y"], t["layers.1.backwards.y"]], axis=-1)
    assert_near({"y": t["y"]}, {"y": apart}, TIGHT)
    assert "y" not in both(net, None).trace(X)  # a pair: each direction has its own
    model = small_model(net)
    t = model.trace(TOKENS[:6].reshape(2, 3))
    assert list(t.layers) == ["layers.0", "layers.2"]
    assert t["layers.2.c"].shape == (2, 3, 7)
    assert_near({"y": t["y"]}, {"y": model.predict(TOKENS[:6].reshape(2, 3))}, 1e-6)
    assert "layers.2: LSTMLayer" in repr(t)
    assert "gates   i, f, g, o (2, 3, 7)" in repr(t)


def everything(layer: Any) -> Any:
    """What a call may leave in a layer."""
    last = layer.last_state if isinstance(layer.last_state, tuple) else (layer.last_state,)
    return (
        {**weights(layer), **{f"d{name}": np.array(to_numpy(g)) for name, g in layer.grads.items()}},
        {str(k): to_numpy(part) for k, part in enumerate(last)},
        (layer.calls, layer.training, layer.path, layer.use_fast, layer.changes_of_weights()),
    )


def test_a_trace_changes_nothing(net: Any) -> None:
    """Between a forward and a backward pass in training, with masks, of a layer that keeps its state."""
    layers = [lstm(net, stateful=True, state_dropout=0.5, zoneout=0.2) for _ in range(2)]
    layers[1].load_state_dict(layers[0].state_dict())
    results = []
    for k, layer in enumerate(layers):
        vars(layer)["mask_seed"] = 3
        layer(X)
        y = layer(X)
        before = everything(layer)
        if k:
            layer.trace(X[:, ::-1], resets=np.ones((3, 5), bool))
            for ours, theirs in zip(everything(layer)[:2], before[:2]):
                assert_same(ours, theirs)
            assert everything(layer)[2] == before[2]
        dx = layer.backward(np.ones((3, 5, 5)))
        results.append({"y": np.array(to_numpy(y)), "dx": np.array(to_numpy(dx)), "next": np.array(to_numpy(layer(X)))})
    assert_same(*results)


def test_a_trace_starts_from_the_state_of_a_stateful_layer(net: Any) -> None:
    layer = gru(net, stateful=True, dtype="float64")
    layer(X[:, :2])
    t, y = layer.trace(X[:, 2:]), layer(X[:, 2:])
    assert_near({"y": t["y"]}, {"y": to_numpy(y)}, TIGHT)


def test_a_first_trace_creates_the_parameters_as_a_first_call_does(net: Any) -> None:
    found = []
    for first in ("trace", "forward"):
        net.manual_seed(4)
        layer = net.LSTMLayer(3)
        getattr(layer, first)(X)
        assert layer.last_state is None or first == "forward"
        found.append(weights(layer))
    assert_same(*found)
    with pytest.raises(ValueError, match=r"LSTMLayer: x is \(3, 5, 4, 1\), expected"):
        net.LSTMLayer(3).trace(X[..., None])


def test_a_training_call_of_another_thread_sees_no_trace(net: Any) -> None:
    model, alone = small_model(net, dropout=0.5), small_model(net, dropout=0.5)
    x, target = TOKENS[:20].reshape(2, 10), TOKENS[1:21].reshape(2, 10)
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(lambda: [model.trace(x) for _ in range(10)])
        losses = [float(model.loss_and_grads(x, target)) for _ in range(10)]
        assert len(other.result(60)) == 10
    assert losses == [float(alone.loss_and_grads(x, target)) for _ in range(10)]
    assert_same(*({name: np.array(to_numpy(g)) for name, g in one.grads.items()} for one in (model, alone)))


class OnTorch(torchnet.Node):
    """UGRNNNode in PyTorch."""

    G = 2
    gates = ("g", "c")

    def step(self, a_x: Any, h_prev: Any, drop: Any = None) -> Any:
        h_in = h_prev if drop is None else h_prev * drop
        W = self.W_h * 1  # (2H, H): no array of the step, though H is B here
        a_g, a_c = self.blocks(a_x + W @ h_in)
        g, c = torch.sigmoid(a_g), torch.tanh(a_c)
        h = g * h_prev + (1 - g) * c
        return h, (h,)


class Twice(OnTorch):
    """A step that calls the one that it inherits."""

    def step(self, a_x: Any, h_prev: Any, drop: Any = None) -> Any:
        h, state = super().step(a_x, h_prev)
        doubled = 2 * h
        return doubled, state

    reads_out = True


def test_a_node_of_ones_own_is_traced_by_the_names_in_its_step() -> None:
    ours = numnet.RecurrentLayer(UGRNNNode(3, input_size=4, dtype="float64"))
    theirs, third = (torchnet.RecurrentLayer(kind(3, input_size=4, dtype="float64")) for kind in (OnTorch, Twice))
    for layer in (theirs, third):
        layer.load_state_dict(weights(ours))
    found = [ours.trace(X), theirs.trace(X), third.trace(X)]
    assert [list(t) for t in found] == [["g", "c", "h", "a_g", "a_c", "y"]] * 3
    assert_near(dict(found[0]), dict(found[1]), TIGHT)
    assert_near({"y": found[2]["y"]}, {"y": 2 * found[0]["y"]}, TIGHT)
    assert found[0].gates == ("g", "c")


def test_an_unknown_name_is_answered(net: Any) -> None:
    t = lstm(net).trace(X)
    with pytest.raises(KeyError, match=r"LSTMLayer\.trace: name is 'forget', expected i, f, g, o, h, c, y, or another"):
        t["forget"]
    with pytest.raises(KeyError, match="name is 0, expected"):
        t[0]
    assert len(t) == len(list(t)) == 12


def test_a_profiler_is_restored(net: Any) -> None:
    def mine(*_: Any) -> None:
        pass

    before = sys.getprofile()
    sys.setprofile(mine)
    lstm(net).trace(X)
    found = sys.getprofile()
    sys.setprofile(before)
    assert found is mine
    with cProfile.Profile() as profile:
        lstm(net).trace(X)
        len("counted")
    assert any(entry.code == "<built-in method builtins.len>" for entry in profile.getstats())
