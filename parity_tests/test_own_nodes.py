"""Nodes of one's own in a layer: a step, what it reads out, the weights that it names; the same on PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given

import numnet
import torchnet
from numnet.core.arrays import to_numpy
from parity_tests.probe import assert_near, run, upstream_like
from parity_tests.strategies import LAYERS, Sizes, sizes

TIGHT = 1e-12  # the same sums, in another order at most


class Ours(numnet.Node):
    """A node of one's own: its step, and the backward pass of the step."""

    def step(self, a_x: Any, h_prev: Any) -> Any:
        h = np.tanh(a_x + self.W_h @ h_prev)  # (1) (2)
        return h, (h,), (h_prev, h)

    def step_backward(self, dy: Any, dh_next: Any, saved: Any) -> Any:
        h_prev, h = saved
        da = (dy + dh_next) * (1 - h * h)  # (2)
        return da, (self.W_h.T @ da,), {"W_h": (da, h_prev)}  # (1)


class Theirs(torchnet.Node):
    """The same, where autograd computes the gradients: its step alone."""

    def step(self, a_x: Any, h_prev: Any) -> Any:
        h = torch.tanh(a_x + self.W_h @ h_prev)
        return h, (h,)


@given(z=sizes)
def test_a_node_of_ones_own_is_its_step(net: Any, z: Sizes) -> None:
    case = next(case for case in LAYERS if case.name == "RNNLayer")
    inputs, theirs = case.inputs(z), case.build(net, z)
    kind = Ours if net is numnet else Theirs
    ours = net.RecurrentLayer(kind(z.H, input_size=z.D, seed=theirs.seed, dtype=theirs.dtype))
    ours.load_state_dict(theirs.state_dict())
    outputs, pullback = run(ours, inputs)
    expected, pull_expected = run(theirs, inputs)
    upstream = upstream_like(expected, z.rng)
    assert_near({**outputs, **pullback(upstream)}, {**expected, **pull_expected(upstream)}, TIGHT)
    with pytest.raises(ValueError, match=f"state_dropout is 0.5, expected 0: the step of {kind.__name__} takes no"):
        net.RecurrentLayer(kind(z.H), state_dropout=0.5)


class OursReading(Ours):
    """A node whose output is not its state."""

    reads_out = True

    def make(self, rng: np.random.Generator) -> int:
        super().make(rng)
        return 1  # the width of y

    def step(self, a_x: Any, h_prev: Any) -> Any:
        _, state, saved = super().step(a_x, h_prev)
        return 2 * state[0][:1], state, saved

    def step_backward(self, dy: Any, dh_next: Any, saved: Any) -> Any:
        d_state = np.concatenate([2 * dy, np.zeros_like(dh_next[1:])]) + dh_next
        return super().step_backward(0, d_state, saved)


class TheirsReading(Theirs):
    """The same on PyTorch."""

    reads_out = True

    def make(self, rng: np.random.Generator) -> int:
        super().make(rng)
        return 1  # the width of y

    def step(self, a_x: Any, h_prev: Any) -> Any:
        _, state = super().step(a_x, h_prev)
        return 2 * state[0][:1], state


READING = [
    {},
    {"reverse": True},
    {"return_sequences": False},
    {"return_sequences": False, "reverse": True},
    {"zoneout": 0.4},
]


@pytest.mark.parametrize("options", READING, ids=str)
@given(z=sizes)
def test_a_node_may_read_out_what_is_not_its_state(options: Any, z: Sizes) -> None:
    found = []
    x, mask = z.rng.standard_normal((z.B, z.T, z.D)), z.rng.random((z.B, z.T)) < 0.6
    for net, kind in ((numnet, OursReading), (torchnet, TheirsReading)):
        node: Any = kind(z.H, input_size=z.D, seed=z.seed, dtype="float64")
        (y, h), saved = node.forward(x[:, 0].T, np.ones((z.H, z.B)))
        node.zero_grad()
        dx, d_h = node.backward((np.ones((1, z.B)), 2 * np.ones((z.H, z.B))), saved)
        one = {"y": y, "h": h, "dx": dx, "d_h": d_h, **node.grads}
        layer = net.RecurrentLayer(node, **options)
        outputs, pullback = run(layer, {"x": x, "lengths": mask})
        many = {**outputs, **pullback(upstream_like(outputs, z.rng))}
        found.append({**{f"one {name}": np.array(to_numpy(value)) for name, value in one.items()}, **many})
    assert_near(found[0], found[1], TIGHT)


class Nameless(Ours):
    """A node that calls its weights by another name and does not say so."""

    recurrent_weights = "V"


class NamelessToo(Theirs):
    """The same on PyTorch."""

    recurrent_weights = "V"


def test_weight_dropout_wants_the_weights_that_a_node_names(net: Any) -> None:
    kind = Nameless if net is numnet else NamelessToo
    with pytest.raises(ValueError, match=f"weight_dropout is 0.5, expected 0: {kind.__name__} has no parameter V"):
        net.RecurrentLayer(kind(3, input_size=2), weight_dropout=0.5)


def tanh_step(self: Any, a_x: Any, h_prev: Any) -> Any:
    """The step of Ours or Theirs."""
    return (Ours if isinstance(self, numnet.Node) else Theirs).step(self, a_x, h_prev)


def sent_back(pairs: Any) -> Any:
    """A step_backward that returns these pairs, made of da and h_prev."""
    return lambda self, dy, dh_next, saved: (dy + dh_next, (dh_next,), pairs(dy + dh_next, saved[0]))


# The methods of a node, and the beginning of the error; those of a backward pass are numnet's alone.
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"step": None}, "Mine: there is no step, expected step(a_x, *state)"),
    ({"make": lambda self, rng: None}, "Mine: make returns None, expected the width of y, a whole number."),
    (
        {"inputs": lambda self, x: [x]},
        "Mine: inputs returns a list of 1, expected an array (T, rows, batch), or a tuple",
    ),
    ({"inputs": lambda self, x: self.W_x @ x[:2]}, "Mine: inputs returns (2, 5, 2), expected 3 steps, as x has."),
    ({"step": lambda self, a_x, h: None}, "Mine: step returns None, expected y, state"),
    ({"step": lambda self, a_x, h: [a_x, (h,)]}, "Mine: step returns a list of 2, expected y, state"),
]
WRONG_BACK: list[tuple[Any, str]] = [
    (
        sent_back(lambda da, h: {"W_q": (da, h)}),
        "Mine: step_backward returns a pair for 'W_q', expected names of parameters",
    ),
    (sent_back(lambda da, h: {"W_h": None}), "Mine: step_backward returns None for W_h, expected a pair (da, h)"),
    (sent_back(lambda da, h: None), "Mine: step_backward returns pairs of None, expected a dict by parameter."),
    (sent_back(lambda da, h: {"W_h": (da, h.T)}), "Mine: step_backward returns a pair of (5, 2) and (2, 5) for W_h"),
    (sent_back(lambda da, h: {"W_h": (da[:3], h)}), "Mine: the gradient of W_h is (3, 5), expected (5, 5)."),
    (
        lambda self, dy, dh, saved: (dy, (dh,)),
        "Mine: step_backward returns a tuple of 2, expected da_x, d_state, pairs.",
    ),
    (None, "Mine: there is no step_backward, expected step_backward(dy, *d_state, saved)"),
]


def refused(net: Any, methods: dict[str, Any]) -> tuple[str, Any]:
    """The error of a call and a backward pass of a layer of this node, and its gradients."""
    methods = {name: method for name, method in {"step": tanh_step, **methods}.items() if method is not None}
    made: list[Any] = []

    def call() -> None:
        made.append(net.RecurrentLayer(type("Mine", (net.Node,), methods)(5, input_size=4)))
        made[0].backward(np.ones(tuple(made[0](np.ones((2, 3, 4))).shape)))

    with pytest.raises((TypeError, ValueError, NotImplementedError)) as caught:
        call()
    return str(caught.value), made


@pytest.mark.parametrize(("methods", "words"), WRONG, ids=[words for _, words in WRONG])
def test_a_method_that_returns_something_else_is_named(net: Any, methods: dict[str, Any], words: str) -> None:
    found, _ = refused(net, methods)
    assert found.startswith(words)


@pytest.mark.parametrize(("back", "words"), WRONG_BACK, ids=[words for _, words in WRONG_BACK])
def test_pairs_that_do_not_fit_change_no_gradient(back: Any, words: str) -> None:
    found, (layer,) = refused(numnet, {} if back is None else {"step_backward": back})
    assert found.startswith(words)
    assert not any(gradient.any() for gradient in layer.grads.values())


def test_a_state_of_another_shape_is_not_broadcast(net: Any) -> None:
    results = (0,) if net is numnet else ()  # of which the first is the values saved
    found, _ = refused(net, {"step": lambda self, a_x, h: (a_x, (a_x[:1],), *results)})
    assert found.startswith("Mine: step returns a new h of (1, 2), expected (5, 2), as the previous one.")
