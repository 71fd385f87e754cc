"""Peak memory of forward and backward, each in a process of its own.

`python -m parity_tests.speed.memory WHO KIND T B D H` prints how far the resident memory rose above what the process
had before, in bytes. Linux only.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

import numnet
import torchnet
from parity_tests.speed.layers import GATES, Size, numpy_stages, ours, raw, torch_stages
from parity_tests.speed.timing import Stage

SIZES = [(256, 64, 128, 512), (64, 64, 128, 512)]


def must_keep(kind: str, size: Size) -> int:
    """Bytes that a backward pass needs of a forward: x, all gates and states, and an LSTM's tanh(c), a GRU's m."""
    T, B, D, H = size
    name = kind.partition(" ")[0]
    kept = {"RNN": 1, "GRU": GATES["GRU"] + 2, "LSTM": GATES["LSTM"] + 3}[name]  # an RNN's gate is its state
    return 4 * T * B * (D + kept * H)


def peak(who: str, kind: str, size: Size) -> int:
    """Measured in a new process."""
    command = [sys.executable, "-m", "parity_tests.speed.memory", who, kind, *map(str, size)]
    one = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    return int(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=one).stdout)


def resident(field: str) -> int:
    """This process's memory now (VmRSS) or at its highest (VmHWM), in bytes, as Linux tells it."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return 1024 * int(next(line.split()[1] for line in lines if line.startswith(field)))


def contestant(who: str, kind: str, D: int, H: int) -> Callable[[Any, Any], list[Stage]]:
    """What makes forward and backward of its layer out of x and dy."""
    layer = ours(numnet, kind, D, H)
    if who == "numnet":
        return lambda x, dy: numpy_stages(layer, x, dy)[0]
    module = ours(torchnet, kind, D, H) if who == "torchnet" else raw(kind, D, H, [layer])
    return lambda x, dy: torch_stages(module, torch.from_numpy(x), torch.from_numpy(dy))[0]


def measure(who: str, kind: str, size: Size) -> int:
    """The highest rise over two forwards and backwards; what is set up once is there before, and not counted."""
    T, B, D, H = size
    rng = np.random.default_rng(0)
    x, dy = (rng.random((B, T, width), np.float32) for width in (D, H))
    stages = contestant(who, kind, D, H)
    for stage in stages(x[:1, :1], dy[:1, :1]):
        stage()
    run = stages(x, dy) * 2
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")  # the highest so far is forgotten
    before = resident("VmRSS")
    for stage in run:
        stage()
    return resident("VmHWM") - before


if __name__ == "__main__":
    print(measure(sys.argv[1], sys.argv[2], tuple(map(int, sys.argv[3:]))))  # type: ignore[arg-type]
