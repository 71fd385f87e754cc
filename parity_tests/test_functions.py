"""The functions of a node by name: f and f′ against torch.nn.functional, and the nodes against equations in PyTorch."""

from __future__ import annotations

import functools
import inspect
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

import numnet
import torchnet
from numnet.check.engine.against.counterpart import torch_layer_like
from numnet.check.engine.subject import Unusable
from numnet.core.arrays import to_numpy
from numnet.recurrent.functions import FUNCTIONS
from parity_tests.probe import assert_near
from parity_tests.strategies import TOLERANCE

OF_TORCH: dict[str, Any] = {  # functions of PyTorch; F.hardsigmoid rounds 1/6 to float32
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "relu": F.relu,
    "linear": lambda a: a * 1,
    "hard_sigmoid": lambda a: F.relu6(a + 3) / 6,
    "hard_tanh": F.hardtanh,
    "softsign": F.softsign,
    "softplus": lambda a: F.softplus(a, threshold=40.0),
    "elu": F.elu,
    "selu": F.selu,
    "leaky_relu": F.leaky_relu,
}
A = np.concatenate([np.linspace(-8, 8, 801), [-1e-9, 0, 1e-9, -30, 30, -700, 700]])
X = np.random.default_rng(0).standard_normal((3, 4, 2))
LENGTHS = [4, 0, 3]


def test_every_function_is_known_to_both_backends_and_tested() -> None:
    assert list(FUNCTIONS) == list(torchnet.recurrent.functions.FUNCTIONS) == list(OF_TORCH)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_and_its_slope_are_those_of_torch(name: str, dtype: str) -> None:
    a, f = A.astype(dtype), FUNCTIONS[name]
    y, leaf = f(a), torch.tensor(a, requires_grad=True)
    expected = OF_TORCH[name](leaf)
    expected.sum().backward()
    assert y.dtype == (y * f.slope(y)).dtype == dtype
    assert leaf.grad is not None
    rounding = 1e-15 if dtype == "float64" else 5e-7  # of a few operations on numbers up to 1
    np.testing.assert_allclose(y, expected.detach(), 4 * rounding, 2 * rounding)
    np.testing.assert_allclose(f.slope(y), leaf.grad, 0, 4 * rounding)


def near(ours: Any, theirs: Any) -> None:
    assert_near({"y": to_numpy(ours)}, {"y": to_numpy(theirs)}, TOLERANCE["float64"])


def gru(p: dict[str, Tensor], x: Tensor, h: Tensor, phi: Any, sigma: Any, reset: str) -> tuple[Tensor, ...]:
    """One step in rows, as Keras writes it: the matrices of the gates one by one."""
    (W_r, W_z, W_n), (U_r, U_z, U_n) = p["W_x"].chunk(3), p["W_h"].chunk(3)
    b_r, b_z, b_n = p["b"].chunk(3)
    r, z = sigma(x @ W_r.T + h @ U_r.T + b_r), sigma(x @ W_z.T + h @ U_z.T + b_z)
    recurrent = (r * h) @ U_n.T if reset == "before" else r * (h @ U_n.T + p["b_h"])
    n = phi(x @ W_n.T + b_n + recurrent)
    return (z * h + (1 - z) * n,)


def lstm(p: dict[str, Tensor], x: Tensor, h: Tensor, c: Tensor, phi: Any, sigma: Any) -> tuple[Tensor, ...]:
    i, f, g, o = (x @ p["W_x"].T + h @ p["W_h"].T + p["b"]).chunk(4, dim=-1)
    c = sigma(f) * c + sigma(i) * phi(g)
    return sigma(o) * phi(c), c


def rnn(p: dict[str, Tensor], x: Tensor, h: Tensor, phi: Any, sigma: Any) -> tuple[Tensor, ...]:
    return (phi(x @ p["W_x"].T + h @ p["W_h"].T + p["b"]),)


def mgu(p: dict[str, Tensor], x: Tensor, h: Tensor, phi: Any, sigma: Any) -> tuple[Tensor, ...]:
    (W_f, W_n), (U_f, U_n), (b_f, b_n) = p["W_x"].chunk(2), p["W_h"].chunk(2), p["b"].chunk(2)
    f = sigma(x @ W_f.T + h @ U_f.T + b_f)
    return ((1 - f) * h + f * phi(x @ W_n.T + b_n + (f * h) @ U_n.T),)


KINDS: dict[str, tuple[str, dict[str, Any], Any]] = {
    "RNN": ("RNNLayer", {}, rnn),
    "GRU before": ("GRULayer", {"reset": "before"}, functools.partial(gru, reset="before")),
    "GRU after": ("GRULayer", {}, functools.partial(gru, reset="after")),
    "LSTM": ("LSTMLayer", {}, lstm),
    "MGU": ("MGULayer", {}, mgu),
}


@pytest.mark.parametrize("activation", FUNCTIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_layers_are_the_equations_with_other_functions(kind: str, activation: str, net: Any) -> None:
    """The gates have the next function of the table; rows one by one, without padding."""
    name, options, step = KINDS[kind]
    functions = list(FUNCTIONS)
    gates = functions[(functions.index(activation) + 1) % len(functions)] if kind != "RNN" else "sigmoid"
    options = {**options, "activation": activation, **({"recurrent_activation": gates} if kind != "RNN" else {})}
    layer = getattr(net, name)(3, input_size=2, dtype="float64", seed=1, **options)
    y = layer(X, None, LENGTHS)
    dx = layer.backward(np.cos(np.arange(y.size if net is numnet else y.numel())).reshape(y.shape))

    p = {name: torch.tensor(to_numpy(value), requires_grad=True) for name, value in layer.params.items()}
    x, rows = torch.tensor(X, requires_grad=True), []
    for b, length in enumerate(LENGTHS):
        state = tuple(torch.zeros(3, dtype=torch.float64) for _ in layer.node.states)
        for t in range(length):
            state = step(p, x[b, t], *state, OF_TORCH[activation], OF_TORCH[gates])
            rows.append(state[0])
        rows += [torch.zeros(3, dtype=torch.float64)] * (4 - length)
    expected = torch.stack(rows).reshape(3, 4, 3)
    expected.backward(torch.cos(torch.arange(expected.numel(), dtype=torch.float64)).reshape(expected.shape))
    near(y, expected)
    assert x.grad is not None
    near(dx, x.grad)
    for full, gradient in layer.grads.items():
        near(gradient, p[full].grad)


@pytest.mark.parametrize("layer", ["GRULayer", "LSTMLayer"])
def test_the_usual_functions_by_name_keep_the_node_of_the_textbook(net: Any, layer: str) -> None:
    made = getattr(net, layer)(3, activation="tanh", recurrent_activation="sigmoid")
    assert type(made.node).__name__ == layer.replace("Layer", "Node")
    assert made.path == "fast"
    assert "activation" not in made.config()


@pytest.mark.parametrize("kind", KINDS)
def test_a_config_and_the_parameters_go_to_the_other_backend(kind: str) -> None:
    name, options, _ = KINDS[kind]
    options = {**options, "activation": "softsign"} | (
        {"recurrent_activation": "hard_sigmoid"} if kind != "RNN" else {}
    )
    ours = numnet.RNNModel([getattr(numnet, name)(3, **options)], input_size=2, dtype="float64", seed=3)
    theirs = torchnet.RNNModel.from_config(ours.config())
    theirs.load_state_dict(ours.state_dict())
    assert theirs.config() == ours.config()
    near(theirs.predict(X), ours.predict(X))


def test_nodes_on_a_tape_have_them(net: Any) -> None:
    for kind in ("RNNNode", "GRUVariantNode", "LSTMVariantNode"):
        tape = net.Tape(node=getattr(net, kind)(3, activation="elu", seed=1), dtype="float64")
        layer = net.RecurrentLayer(getattr(net, kind)(3, activation="elu", input_size=2, seed=1, dtype="float64"))
        state: Any = None
        for t in range(4):
            state = tape.node(X[:, t], state)
        h = state[0] if isinstance(state, tuple) else state
        near(h.value, layer(X)[:, -1])


def test_no_layer_of_torch_is_made_for_a_function_that_it_lacks() -> None:
    with pytest.raises(Unusable, match=r"torch.nn.RNN cannot compute .*: no kernel supports activation='elu'"):
        torch_layer_like(torch.nn.RNN, numnet.RNNLayer(3, input_size=2, activation="elu"))
    assert torch_layer_like(torch.nn.RNN, numnet.RNNLayer(3, input_size=2, activation="relu")).nonlinearity == "relu"


def test_layers_name_them_among_their_options(net: Any) -> None:
    for kind in ("RNNLayer", "GRULayer", "LSTMLayer", "MGULayer"):
        assert inspect.signature(getattr(net, kind)).parameters["activation"].default == "tanh"
