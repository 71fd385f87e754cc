"""One layer and stacks of two, forward and backward: numnet, torchnet, raw torch.nn, and the bare matrix products."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor

import numnet
import torchnet
from numnet.core.arrays import to_numpy
from numnet.recurrent.fast import blas
from parity_tests.speed.timing import Stage

SIZES = [
    (35, 32, 28, 256),
    (25, 32, 62, 256),
    (64, 64, 128, 512),
    (50, 16, 64, 64),
    (100, 1, 64, 128),
    (35, 64, 512, 1024),
]
STACKED = [SIZES[0], SIZES[2]]
KINDS = ["RNN", "GRU before", "GRU after", "LSTM"]
GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
Size = tuple[int, int, int, int]


def ours(net: Any, kind: str, D: int, H: int, depth: int = 1) -> Any:
    """The layer of a backend; a stack is a model."""
    name, _, reset = kind.partition(" ")
    make = partial(getattr(net, f"{name}Layer"), H, **({"reset": reset} if reset else {}))
    return make(input_size=D) if depth == 1 else net.RNNModel([make(input_size=D), make(input_size=H)], input_size=D)


class GRUBefore(torch.nn.Module):
    """Cho's GRU, which torch.nn has not, as a PyTorch user would write it: step by step."""

    def __init__(self, D: int, H: int) -> None:
        super().__init__()
        self.W_x, self.W_h, self.b = (torch.nn.Parameter(torch.empty(s)) for s in ((3 * H, D), (3 * H, H), (3 * H,)))

    def forward(self, x: Tensor, h: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """x (B, T, D) → y (B, T, H), the last h (B, H)."""
        H = self.W_h.shape[1]
        W_rz, U_n = self.W_h[: 2 * H].T, self.W_h[2 * H :].T
        h, shown = x.new_zeros(len(x), H) if h is None else h, []
        for a in torch.nn.functional.linear(x, self.W_x, self.b).unbind(1):
            r, z = torch.sigmoid(a[:, : 2 * H] + h @ W_rz).chunk(2, 1)
            n = torch.tanh(a[:, 2 * H :] + (r * h) @ U_n)
            h = z * h + (1 - z) * n
            shown.append(h)
        return torch.stack(shown, 1), h


def raw(kind: str, D: int, H: int, layers: Sequence[Any]) -> Any:
    """torch.nn's own layer, or GRUBefore, with the weights of numnet's layers in it."""
    params = [{name: torch.from_numpy(np.array(p)) for name, p in layer.params.items()} for layer in layers]
    if kind == "GRU before":
        module: Any = GRUBefore(D, H)
        module.load_state_dict(params[0])
        return module
    module = getattr(torch.nn, kind.partition(" ")[0])(D, H, num_layers=len(layers), batch_first=True)
    state: dict[str, Tensor] = {}
    for k, p in enumerate(params):
        b_h = torch.zeros_like(p["b"])
        if "b_h" in p:
            b_h[2 * H :] = p["b_h"]
        state |= {
            f"weight_ih_l{k}": p["W_x"],
            f"weight_hh_l{k}": p["W_h"],
            f"bias_ih_l{k}": p["b"],
            f"bias_hh_l{k}": b_h,
        }
    module.load_state_dict(state)
    return module


def numpy_stages(layer: Any, x: Any, dy: Any) -> tuple[list[Stage], SimpleNamespace]:
    """Forward and backward of a numnet layer, and where what it found last is kept."""
    box = SimpleNamespace()

    def forward() -> None:
        box.y = layer.forward(x)

    def backward() -> None:
        layer.zero_grad()
        box.dx = layer.backward(dy)
        box.dW_h = list(layer.grads.values())[1]

    return [forward, backward], box


def torch_stages(layer: Any, x: Tensor, dy: Tensor) -> tuple[list[Stage], SimpleNamespace]:
    """The same of a PyTorch module, torchnet's among them, by y.backward(dy) as in any PyTorch model."""
    box, x = SimpleNamespace(), x.detach().clone().requires_grad_()
    W_h = list(layer.parameters())[1]

    def forward() -> None:
        y = layer(x)
        box.y = y[0] if isinstance(y, tuple) else y

    def backward() -> None:
        layer.zero_grad()
        x.grad = None
        box.y.backward(dy)
        box.dx, box.dW_h = x.grad, W_h.grad

    return [forward, backward], box


def assert_same(box: SimpleNamespace, expected: SimpleNamespace, tolerance: float, who: str) -> None:
    """y, dx and the first dW_h, relative to their norm: what is timed is the same function."""
    for name in ("y", "dx", "dW_h"):
        right, got = (to_numpy(getattr(found, name)).astype(float) for found in (expected, box))
        error = np.linalg.norm(got - right) / np.linalg.norm(right)
        assert error < tolerance, f"{who}: {name} differs by {error:.0e} of its norm"


def layer_runs(kind: str, size: Size, depth: int = 1) -> dict[str, list[Stage]]:
    """Everyone's forward and backward; their outputs and dx compared before they are timed."""
    T, B, D, H = size
    rng = np.random.default_rng(0)
    x, dy = rng.standard_normal((B, T, D)).astype("f"), rng.standard_normal((B, T, H)).astype("f")
    layer = ours(numnet, kind, D, H, depth)
    module = raw(kind, D, H, [layer] if depth == 1 else layer.layers)
    as_torch = torch.from_numpy(x), torch.from_numpy(dy)
    runs = {
        "numnet": numpy_stages(layer, x, dy),
        "torchnet": torch_stages(ours(torchnet, kind, D, H, depth), *as_torch),
        "torch": torch_stages(module, *as_torch),
    }
    for one, _ in runs.values():
        for stage in one:
            stage()
    for who, (_, box) in runs.items():
        assert_same(box, runs["torch"][1], 1e-5, f"{who}, {kind} {size}")
    return {**{who: one for who, (one, _) in runs.items()}, "products": bare_products(kind, size, depth)}


def form_runs(kind: str, size: Size) -> dict[str, list[Stage]]:
    """Forward and backward of numnet's layer in its kernel and in the plain form, compared before they are timed."""
    T, B, D, H = size
    rng = np.random.default_rng(0)
    x, dy = rng.standard_normal((B, T, D)).astype("f"), rng.standard_normal((B, T, H)).astype("f")
    layers = {"kernel": ours(numnet, kind, D, H), "plain": ours(numnet, kind, D, H)}
    layers["plain"].use_fast = False
    runs = {who: numpy_stages(layer, x, dy) for who, layer in layers.items()}
    for one, _ in runs.values():
        for stage in one:
            stage()
    assert_same(runs["kernel"][1], runs["plain"][1], 1e-5, f"kernel, {kind} {size}")
    return {who: one for who, (one, _) in runs.items()}


def bare_products(kind: str, size: Size, depth: int = 1) -> list[Stage]:
    """The floor: the matrix products of a forward and of a backward, and nothing else, in numpy."""
    T, B, D, H = size
    G = GATES[kind.partition(" ")[0]]
    rng = np.random.default_rng(0)

    def d(*shape: int) -> Any:
        return rng.standard_normal(shape).astype("f")

    h, a, dh, da_all = d(T, H, B), d(T, G * H, B), d(H, B), d(G * H, T * B)
    W_h, product = d(G * H, H), d(G * H, B)
    whole, blocks = [slice(0, G * H)], [slice(0, 2 * H), slice(2 * H, 3 * H)]
    fore, back = (blocks if kind in kinds else whole for kinds in (["GRU before"], ["GRU before", "GRU after"]))
    W_hT = [np.ascontiguousarray(W_h[rows].T) for rows in back]
    inputs = [(d(G * H, width), d(T, width, B), d(T * B, width)) for width in [D, H][:depth]]

    def forward() -> None:
        for W_x, x, _ in inputs:
            blas.product(W_x, x, out=a)
            for t in range(T):
                for rows in fore:
                    np.dot(W_h[rows], h[t], product[rows])

    def backward() -> None:
        for W_x, _, x in inputs:
            for t in range(T):
                for W, rows in zip(W_hT, back):
                    np.dot(W, a[t, rows], dh)
            da_all @ h.reshape(T * B, H)
            da_all @ x
            W_x.T @ da_all

    return [forward, backward]
