"""Fair timing: all in one process, turn and turn about, warm, threads fixed; a ratio is a result, a time is not."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from threadpoolctl import threadpool_info, threadpool_limits

Stage = Callable[[], object]
Figures = dict[str, tuple[float, float]]  # who: best and median, in milliseconds


def alternate(
    runs: Mapping[str, Sequence[Stage]],
    turns: int = 8,
    pause: float = 0.15,
    clock: Callable[[], float] = time.perf_counter,
) -> list[Figures]:
    """Best and median of each contestant after its first stage, after its second, and so on.

    The worker threads of OpenBLAS and of PyTorch wait for more work by spinning, on the cores that the other needs
    next: without a pause before each turn, whoever comes second is measured up to twice as slow as it is. All have
    the same number of runs, fewer where a run is long: the best of more runs would be better.
    """
    times: dict[str, list[list[float]]] = {name: [[] for _ in stages] for name, stages in runs.items()}
    longest = max(sum(once(stages, clock)) for stages in runs.values())
    turns, repeats = min(turns, max(3, round(turns * 0.1 / longest))), min(6, max(2, round(pause / longest)))
    for _ in range(turns):
        for name, stages in runs.items():
            time.sleep(pause)
            once(stages, clock)
            for _ in range(repeats):
                total = 0.0
                for taken, seconds in zip(times[name], once(stages, clock)):
                    total += 1e3 * seconds
                    taken.append(total)
    counts = range(max(map(len, runs.values())))
    return [
        {name: (min(taken[k]), statistics.median(taken[k])) for name, taken in times.items() if k < len(taken)}
        for k in counts
    ]


def once(stages: Sequence[Stage], clock: Callable[[], float]) -> list[float]:
    """Seconds of each stage, one after the other."""
    marks = [clock()]
    for stage in stages:
        stage()
        marks.append(clock())
    return [after - before for before, after in pairwise(marks)]


def device_clock() -> float:
    """Seconds, once all that was sent to the GPU is done."""
    torch.cuda.synchronize()
    return time.perf_counter()


@contextmanager
def threads(count: int) -> Iterator[None]:
    """So many threads for numpy's BLAS and for PyTorch."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        with threadpool_limits(count):
            yield
    finally:
        torch.set_num_threads(before)


def surroundings(device: str = "cpu") -> dict[str, Any]:
    """What the figures hang on: versions, cores, and the kernel that BLAS took for this processor."""
    blas = [info for info in threadpool_info() if info["user_api"] == "blas"]
    here = {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "BLAS": ", ".join(f"{info['internal_api']} {info['version']}" for info in blas),
        "BLAS kernel": ", ".join(str(info.get("architecture", "?")) for info in blas),
        "OPENBLAS_CORETYPE": os.environ.get("OPENBLAS_CORETYPE", "unset"),
        "torch": torch.__version__.partition("+")[0],
        "processor": f"{processor()}, {os.cpu_count()} cores",
    }
    return here if device == "cpu" else {**here, "GPU": torch.cuda.get_device_name()}


def processor() -> str:
    """Its name, and whether it has AVX-512, on which BLAS depends more than on anything else."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            fields = dict(line.partition(":")[::2] for line in file if ":" in line)
    except OSError:
        return platform.processor() or platform.machine()
    named = {key.strip(): value.strip() for key, value in fields.items()}
    return named.get("model name", platform.machine()) + " with AVX-512" * ("avx512f" in named.get("flags", ""))
