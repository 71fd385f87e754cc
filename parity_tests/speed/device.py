"""torchnet against cuDNN: float32, TF32 and bfloat16, each layer as torch.nn has it; GRU before against GRU after."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

import numnet
import torchnet
from parity_tests.speed.layers import Size, assert_same, ours, raw, torch_stages
from parity_tests.speed.timing import Stage

PRECISIONS = {"float32": 1e-4, "TF32": 1e-2, "bfloat16": 5e-2}  # and how far two sums in another order may differ


@contextmanager
def precision(name: str) -> Iterator[None]:
    """TF32, float32 whose products drop thirteen bits, switched on for that name alone."""
    switches: list[Any] = [torch.backends.cuda.matmul, torch.backends.cudnn]
    before = [switch.allow_tf32 for switch in switches]
    for switch in switches:
        switch.allow_tf32 = name == "TF32"
    try:
        yield
    finally:
        for switch, value in zip(switches, before):
            switch.allow_tf32 = value


def device_runs(kind: str, size: Size, device: str, name: str) -> dict[str, list[Stage]]:
    """Within `precision(name)`: torchnet and torch.nn on the device; for GRU before, torch.nn's is another function."""
    T, B, D, H = size
    dtype = torch.bfloat16 if name == "bfloat16" else torch.float32
    rng = np.random.default_rng(0)
    x, dy = (torch.from_numpy(rng.standard_normal((B, T, n))).to(device, dtype) for n in (D, H))
    known = "GRU after" if kind == "GRU before" else kind
    clone = ours(torchnet, kind, D, H).to(device, dtype)
    module = raw(known, D, H, [ours(numnet, known, D, H)]).to(device, dtype)
    runs = {"torchnet": torch_stages(clone, x, dy), "torch": torch_stages(module, x, dy)}
    for one, _ in runs.values():
        for stage in one:
            stage()
    if kind == known:
        boxes = [box for _, box in runs.values()]
        for box in boxes:
            box.y, box.dx, box.dW_h = (part.float().cpu() for part in (box.y, box.dx, box.dW_h))
        assert_same(boxes[0], boxes[1], PRECISIONS[name], f"torchnet, {kind} {size} in {name}")
    return {who: one for who, (one, _) in runs.items()}
