"""The second witness: torch.nn's own layers, one row at a time on its real steps, so that no mask or padding is there.

This file states the meaning of a row of the family a second time, by hand: which steps are real, their order,
where an output stands, what passes a row of length 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from parity_tests.family import PAIRS
from parity_tests.probe import Array, Arrays
from parity_tests.strategies import Case, Sizes

NOT_THERE = {"state dropout", "weight dropout", "zoneout", "zoneout in evaluation", *PAIRS}
Tensors = dict[str, Tensor]


def torch_has(case: Case, z: Sizes) -> bool:
    """Whether torch.nn has that node and those options; a projection only to fewer numbers."""
    spec = case.spec
    if not spec or spec["kind"] not in ("RNN", "GRU", "LSTM") or NOT_THERE & set(spec["options"]):
        return False
    chosen = spec["chosen"]
    if not {chosen.get("activation", "tanh"), chosen.get("recurrent_activation", "tanh")} <= {"tanh", "relu"}:
        return False
    if spec["kind"] != "RNN" and "activation" in chosen:
        return False
    absent = chosen.get("reset") == "before" or any(chosen.get(k) for k in ("layer_norm", "peepholes", "coupled"))
    return not absent and chosen.get("proj_size", 0) < z.H


def torch_witness(case: Case, params: Arrays, inputs: Arrays, z: Sizes) -> tuple[Arrays, Any]:
    """Outputs by name, and the function from their gradients to those of inputs and parameters."""
    leaves = {name: torch.tensor(v, requires_grad=v.dtype.kind == "f") for name, v in {**inputs, **params}.items()}
    outputs = family_outputs(case.spec, leaves, z)

    def pullback(upstream: Arrays) -> Arrays:
        wanted = {name: leaf for name, leaf in leaves.items() if leaf.requires_grad}
        reached = [name for name, value in outputs.items() if value.requires_grad]  # none, where no step is real
        shown, d_shown = [outputs[name] for name in reached], [torch.tensor(upstream[name]) for name in reached]
        found = torch.autograd.grad(shown, list(wanted.values()), d_shown, allow_unused=True, retain_graph=True)
        return {f"d{n}": np.zeros(w.shape) if g is None else g.numpy() for (n, w), g in zip(wanted.items(), found)}

    return {name: value.detach().numpy() for name, value in outputs.items()}, pullback


def family_outputs(spec: Any, leaves: Tensors, z: Sizes) -> Tensors:
    """One direction, or both merged."""
    chosen, options = spec["chosen"], spec["options"]
    x, mask = leaves["x"], leaves.get("lengths")
    x = x.transpose(0, 1) if "time-major" in options else x
    x = torch.eye(z.D, dtype=torch.float64)[x] if "tokens" in options else x
    real = np.ones((z.B, z.T), bool) if mask is None else mask.numpy()
    real = real if real.ndim == 2 else np.arange(z.T) < real[:, None]
    real = real.T if "time-major" in options and mask is not None and mask.ndim == 2 else real
    states = ("h", "c") if spec["kind"] == "LSTM" else ("h",)
    ways = {"_forth": "forwards.", "_back": "backwards."} if chosen.get("bidirectional") else {"": ""}
    shown: list[Tensor] = []
    last: Tensors = {}
    for way, prefix in ways.items():
        own = {name.removeprefix(prefix): p for name, p in leaves.items() if name.startswith(prefix)}
        start = [leaves.get(f"{name}{way}", own.get(f"{name}_0")) for name in states]
        y, ends = one_way(spec, own, x, real, start, way == "_back" or bool(chosen.get("reverse")), z)
        shown.append(y)
        last |= {f"{name}{way}": end for name, end in zip(states, ends)}
    y = shown[0] if len(shown) == 1 else shown[0] * shown[1] if chosen.get("merge") == "mul" else torch.cat(shown, -1)
    return {"y": y.transpose(0, 1) if "time-major" in options else y, **last}


def one_way(spec: Any, own: Tensors, x: Tensor, real: Array, start: Any, reverse: bool, z: Sizes) -> Any:
    """y and the last state, row by row."""
    chosen, rows, ends = spec["chosen"], [], []
    module = raw_module(spec["kind"], chosen, z)
    for b in range(z.B):
        times = np.flatnonzero(real[b])[:: -1 if reverse else 1].copy()
        state = tuple(part if part.ndim == 1 else part[b] for part in start)
        width = chosen.get("proj_size", z.H)
        y = torch.zeros(z.T, width, dtype=torch.float64)
        if len(times):
            first = tuple(part[None, None] for part in state)
            found, after = torch.func.functional_call(
                module, raw_weights(own), (x[b, times][None], first if len(first) > 1 else first[0])
            )
            y = y.index_put((torch.tensor(times),), found[0])
            state = tuple(part[0, 0] for part in (after if isinstance(after, tuple) else (after,)))
        rows.append(y if chosen.get("return_sequences", True) else state[0] if len(times) else y[0])
        ends.append(state)
    y, some = torch.stack(rows), torch.tensor(real if chosen.get("return_sequences", True) else real.any(axis=1))
    if chosen.get("output_size"):
        y = torch.where(some[..., None], torch.nn.functional.linear(y, own["output.W"], own["output.b"]), 0)
    return y, [torch.stack(part) for part in zip(*ends)]


def raw_module(kind: str, chosen: Any, z: Sizes) -> Any:
    """torch.nn's layer, whose own weights are never used."""
    options: dict[str, Any] = {"nonlinearity": chosen.get("activation", "tanh")} if kind == "RNN" else {}
    options |= {name: chosen[name] for name in ("proj_size", "bias") if name in chosen}
    return getattr(torch.nn, kind)(z.D, z.H, batch_first=True, **options).double()


def raw_weights(own: Tensors) -> Tensors:
    """Our weights under torch's names: a second bias of zeros, but for the candidate of a GRU."""
    weights = {"weight_ih_l0": own["W_x"], "weight_hh_l0": own["W_h"]}
    if "b" in own:
        b_h = torch.zeros_like(own["b"])
        if "b_h" in own:
            b_h = torch.cat((b_h[: -len(own["b_h"])], own["b_h"]))
        weights |= {"bias_ih_l0": own["b"], "bias_hh_l0": b_h}
    return {**weights, "weight_hr_l0": own["W_r"]} if "W_r" in own else weights
