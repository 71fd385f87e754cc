"""Calls on a Tape, each against the same module of PyTorch: a chain of calls, and the backward pass through all."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

import numnet
import torchnet
from numnet.core.arrays import to_numpy
from parity_tests.speed.layers import raw
from parity_tests.speed.timing import Stage

CALLS = 20
SIZES = [(1, 50), (32, 128)]  # (B, D = H)
KINDS = ["GRU node", "Dense"]


def part_of(net: Any, kind: str, H: int) -> Any:
    """The part; its weights are those of seed 0 on either backend."""
    return net.GRUNode(H, input_size=H, seed=0) if kind == "GRU node" else net.Dense(H, input_size=H, seed=0)


def module_of(kind: str, H: int) -> Any:
    """PyTorch's own, with the same weights."""
    part = part_of(numnet, kind, H)
    if kind == "Dense":
        linear = torch.nn.Linear(H, H)
        linear.load_state_dict({"weight": torch.tensor(part.W), "bias": torch.tensor(part.b)})
        return linear
    cell, layer = torch.nn.GRUCell(H, H), raw("GRU after", H, H, [numnet.RecurrentLayer(part)])
    cell.load_state_dict({name.removesuffix("_l0"): value for name, value in layer.state_dict().items()})
    return cell


def chain(kind: str, call: Callable[..., Any], x: Any) -> Any:
    """What the last of CALLS calls gives; x (CALLS, B, D). A node reads a new x in each, Dense what came before."""
    h = None if kind == "GRU node" else x[0]
    for k in range(CALLS):
        h = call(x[k], h) if kind == "GRU node" else call(h)
    return h


def stages(kind: str, call: Callable[..., Any], x: Any, dy: Any) -> tuple[list[Stage], Any]:
    """Forward, and the backward pass from dy; gradients are added to those of the runs before."""
    box = SimpleNamespace()

    def forward() -> None:
        box.y = chain(kind, call, x)

    def backward() -> None:
        box.y.backward(dy)

    return [forward, backward], box


def tape_runs(kind: str, size: tuple[int, int]) -> dict[str, list[Stage]]:
    """Everyone's forward and backward; outputs and gradients are compared before they are timed."""
    B, H = size
    rng = np.random.default_rng(0)
    x, dy = rng.standard_normal((CALLS, B, H)).astype("f"), rng.standard_normal((B, H)).astype("f")
    tapes = {net.__name__: net.Tape(part=part_of(net, kind, H)) for net in (numnet, torchnet)}
    module, tensors = module_of(kind, H), (torch.from_numpy(x), torch.from_numpy(dy))
    runs = {
        "numnet": stages(kind, tapes["numnet"].part, x, dy),
        "torchnet": stages(kind, tapes["torchnet"].part, *tensors),
        "torch": stages(kind, module, *tensors),
    }
    for one, _ in runs.values():
        for stage in one:
            stage()
    found = {who: [runs[who][1].y.value, *tape.grads.values()] for who, tape in tapes.items()}
    found["torch"] = [runs["torch"][1].y.detach(), *expected(kind, module)]
    for who, arrays in found.items():
        for ours, theirs in zip(arrays, found["torch"]):
            right = to_numpy(theirs)
            error = np.linalg.norm(to_numpy(ours) - right) / np.linalg.norm(right)
            assert error < 1e-5, f"{who}, {kind} {size} differs by {error:.0e} of its norm"
    return {who: one for who, (one, _) in runs.items()}


def expected(kind: str, module: Any) -> list[Any]:
    """PyTorch's gradients, in the order of numnet's parameters."""
    grads = [p.grad for p in module.parameters()]
    return grads if kind == "Dense" else [*grads[:3], grads[3][-module.hidden_size :]]
