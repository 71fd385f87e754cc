"""Both backends against raw torch.nn: their own layers and losses, with their weights, on random everything."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given

import torchnet
from numnet.core.arrays import to_numpy
from parity_tests.loss_options import OPTIONS, largest, of_torch
from parity_tests.probe import Arrays, assert_near, run, upstream_like
from parity_tests.strategies import LOSSES, TOLERANCE, Case, Sizes, column, recurrent, sequence, sizes

RAW = {"RNN": (torch.nn.RNN, ("h",)), "GRU": (torch.nn.GRU, ("h",)), "LSTM": (torch.nn.LSTM, ("h", "c"))}
CELL = {"RNN": torch.nn.RNNCell, "GRU": torch.nn.GRUCell, "LSTM": torch.nn.LSTMCell}
kinds = pytest.mark.parametrize("kind", RAW)


def tensors(inputs: Arrays) -> dict[str, Any]:
    return {name: torch.tensor(v, requires_grad=v.dtype.kind == "f") for name, v in inputs.items()}


def load(raw: Any, params: dict[str, Any], suffix: str) -> None:
    """Our weights in torch's layer: a second bias of zeros, but for the candidate of a GRU."""
    ours = {name: np.array(to_numpy(value)) for name, value in params.items()}
    b_h = np.zeros_like(ours["b"])
    if "b_h" in ours:
        b_h[-len(ours["b_h"]) :] = ours["b_h"]
    values = {"weight_ih": ours["W_x"], "weight_hh": ours["W_h"], "bias_ih": ours["b"], "bias_hh": b_h}
    raw.load_state_dict({f"{name}{suffix}": torch.tensor(value) for name, value in values.items()})


def raw_gradients(raw: Any, suffix: str, has_b_h: bool) -> Arrays:
    grads = {name.removesuffix(suffix): p.grad.numpy() for name, p in raw.named_parameters()}
    ours = {"dW_x": grads["weight_ih"], "dW_h": grads["weight_hh"], "db": grads["bias_ih"]}
    return {**ours, "db_h": grads["bias_hh"][2 * len(grads["bias_hh"]) // 3 :]} if has_b_h else ours


@kinds
@given(z=sizes)
def test_layers_are_torchs(kind: str, net: Any, z: Sizes) -> None:
    make, names = RAW[kind]
    case = Case(kind, recurrent(f"{kind}Layer"), sequence(*names))
    layer, inputs = case.build(net, z), case.inputs(z)
    raw = make(z.D, z.H, batch_first=True).double()
    load(raw, layer.params, "_l0")
    outputs, pullback = run(layer, inputs)
    given_ = tensors(inputs)
    start = [given_[name][None] for name in names]
    y, last = raw(given_["x"], tuple(start) if len(start) > 1 else start[0])
    expected = {"y": y, **{name: part[0] for name, part in zip(names, last if len(names) > 1 else (last,))}}
    upstream = upstream_like(outputs, z.rng)
    torch.autograd.backward(list(expected.values()), [torch.tensor(upstream[name]) for name in expected])
    assert_near(outputs, {name: v.detach().numpy() for name, v in expected.items()}, TOLERANCE["float64"])
    gradients = {f"d{name}": v.grad.numpy() for name, v in given_.items()}
    assert_near(pullback(upstream), {**gradients, **raw_gradients(raw, "_l0", kind == "GRU")}, TOLERANCE["float64"])


@kinds
@given(z=sizes)
def test_nodes_are_torchs_cells(kind: str, net: Any, z: Sizes) -> None:
    names = RAW[kind][1]
    case = Case(kind, recurrent(f"{kind}Node"), column(*names))
    node, inputs = case.build(net, z), case.inputs(z)
    raw = CELL[kind](z.D, z.H).double()
    load(raw, node.params, "")
    outputs, pullback = run(node, inputs)
    given_ = tensors({name: v.T.copy() for name, v in inputs.items()})
    start = [given_[name] for name in names]
    last = raw(given_["x"], tuple(start) if len(start) > 1 else start[0])
    expected = dict(zip(names, last if len(names) > 1 else (last,)))
    upstream = upstream_like(outputs, z.rng)
    torch.autograd.backward(list(expected.values()), [torch.tensor(upstream[name].T) for name in expected])
    assert_near(outputs, {name: v.detach().numpy().T for name, v in expected.items()}, TOLERANCE["float64"])
    gradients = {f"d{name}": v.grad.numpy().T for name, v in given_.items()}
    assert_near(pullback(upstream), {**gradients, **raw_gradients(raw, "", kind == "GRU")}, TOLERANCE["float64"])


@pytest.mark.parametrize("case", LOSSES, ids=repr)
@given(z=sizes)
def test_losses_are_torchs(case: Case, net: Any, z: Sizes) -> None:
    inputs, loss = case.inputs(z), case.build(net, z)
    if "ignoring" in case.name:
        inputs["target"].flat[0] = 0
    outputs, pullback = run(loss, inputs)
    given_ = tensors(inputs)
    value = of_torch(loss, given_["prediction"], given_["target"].detach(), inputs.get("mask"))
    upstream = upstream_like(outputs, z.rng)
    value.backward(torch.tensor(upstream["value"]))
    assert_near(outputs, {"value": value.detach().numpy()}, TOLERANCE["float64"])
    assert_near(pullback(upstream), {"dprediction": given_["prediction"].grad.numpy()}, TOLERANCE["float64"])


@pytest.mark.parametrize("kind", OPTIONS)
def test_every_option_of_a_loss_is_torchs(kind: str, net: Any) -> None:
    assert largest(net, kind, draws=1) < 1e-12  # a few roundings of 1e-16, in sums of at most 200 numbers


class Wrapped(torch.nn.Module):
    """A module of a user's own; its layers have no parameters before the first batch."""

    def __init__(self, part: Any) -> None:
        super().__init__()
        self.part, self.head = part, torch.nn.Linear(3, 1)

    def forward(self, x: Any) -> Any:
        return self.head(self.part(x)).sum()


PARTS: dict[str, Callable[[], Any]] = {
    "Dense": lambda: torchnet.Dense(3),
    "GRULayer": lambda: torchnet.GRULayer(3),
    "RNNModel": lambda: torchnet.RNNModel([torchnet.LSTMLayer(3), torchnet.Dense(3)]),
}


@pytest.mark.parametrize("kind", PARTS)
def test_an_optimizer_made_before_the_first_batch_says_what_it_misses(kind: str) -> None:
    module, x = Wrapped(PARTS[kind]()), torch.ones(2, 4, 5)
    early = torch.optim.SGD(module.parameters(), 0.1)
    module(x).backward()
    with pytest.warns(
        UserWarning, match=rf"{kind}: the first batch created its parameters after this SGD, .*input_size"
    ):
        early.step()
    module(x).backward()
    with warnings.catch_warnings():  # once, and never of an optimizer that has the parameters
        warnings.simplefilter("error")
        early.step()
        module = Wrapped(PARTS[kind]())
        module(x).backward()
        torch.optim.SGD(module.parameters(), 0.1).step()
        model = torchnet.RNNModel([torchnet.Dense(3)])
        model(x).sum().backward()
        torchnet.SGD(0.1).step(model)
