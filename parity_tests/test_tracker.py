"""Tracker: an LSTM and a linear layer of PyTorch, a stack that it drives on a Tape, checkpoints, errors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given

import numnet
import torchnet
from numnet.check import check_gradients
from numnet.core.arrays import to_numpy
from parity_tests.probe import assert_near, upstream_like
from parity_tests.strategies import Sizes, sizes
from parity_tests.test_array_values import same_error

TIGHT = 1e-12  # the same sums, in another order at most
each_kind = pytest.mark.parametrize("options", [{}, {"bias": False, "forget_bias": 0.0}, {"predicts": False}], ids=str)


def witness(p: dict[str, Any], x: Any) -> tuple[Any, Any, dict[str, Any]]:
    """y (B, T, O) and the last (h, c) by torch.nn.LSTM and torch.nn.Linear, and the parameters with their gradients."""
    bias, H = "b" in p, p["W_h"].shape[1]
    lstm: Any = torch.nn.LSTM(x.shape[-1], H, bias=bias, batch_first=True, dtype=torch.float64)
    named: dict[str, Any] = {"W_x": lstm.weight_ih_l0, "W_h": lstm.weight_hh_l0}
    if bias:
        named["b"] = lstm.bias_ih_l0
        torch.nn.init.zeros_(lstm.bias_hh_l0)
    scores: Any = torch.nn.Identity()
    if "W_m" in p:
        scores = torch.nn.Linear(H, 2, bias="b_m" in p, dtype=torch.float64)
        named |= {"W_m": scores.weight, **({"b_m": scores.bias} if "b_m" in p else {})}
    with torch.no_grad():
        for name, value in named.items():
            value.copy_(torch.as_tensor(to_numpy(p[name])))
    h, (h_last, c_last) = lstm(x)
    return scores(h), (h_last[0], c_last[0]), named


@each_kind
@given(z=sizes)
def test_over_time_it_is_an_lstm_and_a_linear_layer_of_pytorch(net: Any, options: dict[str, Any], z: Sizes) -> None:
    node = net.Tracker(z.H, input_size=3 * z.D, seed=z.seed, dtype="float64", **options)
    layer, draw = net.RecurrentLayer(node), z.rng.standard_normal
    x = torch.tensor(draw((z.B, z.T, 3 * z.D)), requires_grad=True)
    y, last, params = witness(dict(node.params), x)
    assert set(node.params) == set(params)
    found = {"y": to_numpy(layer(x.detach().numpy()))}
    found |= dict(zip("hc", map(to_numpy, layer.last_state)))
    assert_near(found, {"y": to_numpy(y), "h": to_numpy(last[0]), "c": to_numpy(last[1])}, TIGHT)
    dy = upstream_like(found, z.rng)
    torch.autograd.backward([y, *last], [torch.tensor(dy[name]) for name in ("y", "h", "c")])
    got = {"x": to_numpy(layer.backward(dy["y"], (dy["h"], dy["c"])))}
    got |= {name.removeprefix("node."): to_numpy(g) for name, g in layer.grads.items()}
    assert_near(got, {name: to_numpy(q.grad) for name, q in {"x": x, **params}.items()}, TIGHT)


def parsed(net: Any, tape: Any, words: Any) -> tuple[Any, list[Any]]:
    """One sentence, the tracker before each move, its h the context of each REDUCE: the root's state and all scores."""
    buffer = [tuple(row.chunk(2, axis=1)) for row in tape.leaf(words).chunk(len(words), axis=0)][::-1]
    stack: list[Any] = []
    scores, context, nothing = [], None, (np.zeros((1, 3)),)
    while buffer or len(stack) > 1:
        seen = [*buffer[-1:], nothing][0], *[*stack[:-3:-1], nothing, nothing][:2]
        x = net.concatenate([part[0] for part in seen], axis=1)
        logits, context = tape.tracker(x, context)
        scores.append(logits)
        if buffer and len(stack) < 3:
            stack.append(buffer.pop())
        else:
            right, left = stack.pop(), stack.pop()
            stack.append(tape.reduce(left, right, context[0]))
    return stack[0], scores


def test_on_a_tape_its_state_is_the_context_of_reduce() -> None:
    """Both backends agree, and differences of the loss along a random direction."""
    words, found = np.random.default_rng(0).standard_normal((5, 4)), []
    for net in (numnet, torchnet):
        tape = net.Tape(
            seed=1, dtype="float64", leaf=net.Dense(6), tracker=net.Tracker(2), reduce=net.TreeLSTMNode(3)
        )  # fmt: skip

        def loss(net: Any = net, tape: Any = tape) -> Any:
            (h, c), scores = parsed(net, tape, words)
            return (h * c).sum() + sum((k + 1) * (s * s).sum() for k, s in enumerate(scores))

        value = loss()
        tape.backward(value)
        grads = {name: np.array(to_numpy(g)) for name, g in tape.grads.items()}
        found.append({"value": np.array(float(value)), **grads})
        rng = np.random.default_rng(2)
        p = {name: np.array(to_numpy(q)) for name, q in tape.params.items()}
        v = {name: rng.standard_normal(q.shape) for name, q in p.items()}
        ends = []
        for step in (1e-5, -1e-5):
            tape.load_state_dict({name: p[name] + step * v[name] for name in p})
            ends.append(float(loss()))
        slope = sum((grads[name] * v[name]).sum() for name in v)
        assert abs((ends[0] - ends[1]) / 2e-5 - slope) < 1e-6 * abs(slope)
    assert set(found[0]) >= {"tracker.W_m", "tracker.b_m", "reduce.W_x"}
    assert_near(found[0], found[1], TIGHT)


def test_without_predictions_it_is_an_lstm_with_an_open_forget_gate(net: Any) -> None:
    tracker = net.Tracker(3, input_size=6, predicts=False, seed=4)
    node = net.LSTMNode(3, input_size=6, forget_bias=1.0, seed=4)
    assert list(tracker.params) == list(node.params)
    for name, value in node.params.items():
        np.testing.assert_array_equal(to_numpy(tracker.params[name]), to_numpy(value))
    tape = net.Tape(tracker=tracker, node=node)
    x = np.random.default_rng(0).standard_normal((2, 6)).astype("float32")
    for ours, theirs in zip(tape.tracker(x, tape.tracker(x)), tape.node(x, tape.node(x))):
        np.testing.assert_allclose(to_numpy(ours.value), to_numpy(theirs.value), rtol=1e-6)


@each_kind
def test_the_initial_values_are_the_same(options: dict[str, Any]) -> None:
    for initial in ("pytorch", "glorot", "orthogonal", 0.1):
        ours, theirs = (net.Tracker(4, input_size=6, seed=3, initial=initial, **options) for net in (numnet, torchnet))
        assert list(ours.params) == list(theirs.params)
        for name, value in ours.params.items():
            np.testing.assert_array_equal(value, to_numpy(theirs.params[name]))
    assert "b" not in ours.params or ours.b[4:8].mean() > 0.8
    assert ours.output_width == theirs.output_width == (4 if "predicts" in options else 2)


@each_kind
def test_a_checkpoint_is_read_by_either_backend(net: Any, options: dict[str, Any], tmp_path: Path) -> None:
    tape, x = net.Tape(tracker=net.Tracker(4, **options), seed=1), np.ones((1, 6), "float32")
    expected = tape.tracker(x)[0]
    net.save_checkpoint(tmp_path / "tracker.npz", tape)
    for other in (numnet, torchnet):
        read = other.Tape.from_checkpoint(other.load_checkpoint(tmp_path / "tracker.npz"))
        assert read.tracker.predicts == options.get("predicts", True)
        np.testing.assert_allclose(to_numpy(read.tracker(x)[0].value), to_numpy(expected.value), rtol=1e-6)


def test_the_checker_takes_it(net: Any) -> None:
    for options in ({}, {"predicts": False}):
        assert check_gradients(net.Tracker(4, input_size=6, **options)), options
    assert check_gradients(net.RecurrentLayer(net.Tracker(4), zoneout=0.2, state_dropout=0.3), lengths=[3, 0, 5])


WRONG: dict[str, tuple[Any, str]] = {
    "no bias to add to": (
        lambda net: net.Tracker(3, bias=False),
        "Tracker: forget_bias is 1.0, expected 0: with bias=False there is no b to add it to.",
    ),
    "predicts a number": (lambda net: net.Tracker(3, predicts=3), "Tracker: predicts is 3, expected"),
    "logits and state as the state": (
        lambda net: twice(net, lambda tape, found: tape.tracker(np.ones((1, 6)), found)),
        "Tracker: state[1] is a tuple of 2, expected an array c. A node with an output beside its state returns (y, "
        "state): pass state alone.",
    ),
    "a state as the context": (
        lambda net: net.Tape(reduce=net.TreeLSTMNode(3)).reduce(None, None, (np.ones((4, 3)), np.ones((4, 3)))),
        "TreeLSTMNode: x is (2, 4, 3), expected one step, on a tape (batch, features), or tokens (batch,). A state "
        "(h, c)? Pass h.",
    ),
    "another width": (
        lambda net: twice(net, lambda tape, found: tape.tracker(np.ones((1, 5)), found[1])),
        "Tracker: x has 5 features, expected 6.",
    ),
    "in a model": (
        lambda net: net.RNNModel([net.Tracker(3)]),
        "RNNModel: layers[0] is the node Tracker, which computes one step, expected a layer.",
    ),
}


def twice(net: Any, again: Any) -> Any:
    tape = net.Tape(tracker=net.Tracker(3))
    return again(tape, tape.tracker(np.ones((1, 6))))


@pytest.mark.parametrize("name", WRONG)
def test_errors_have_the_same_words(name: str) -> None:
    wrong, words = WRONG[name]
    found = same_error(wrong)[1]
    assert found.startswith(words), found
