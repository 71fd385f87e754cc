"""Fair timing: both in one process, turn and turn about, warm, threads fixed; a ratio is a result, a time is not."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Mapping

import numpy as np
import torch


def alternate(
    runs: Mapping[str, Callable[[], object]], turns: int = 8, pause: float = 0.25
) -> dict[str, tuple[float, float]]:
    """Best and median time of each, in milliseconds; the pause in seconds.

    The worker threads of OpenBLAS and of PyTorch wait for more work by spinning, on the cores that the other needs
    next: without the pause before each turn, whoever comes second is measured up to twice as slow as it is.
    """
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(turns):
        for name, run in runs.items():
            time.sleep(pause)
            run()
            for _ in range(3):
                start = time.perf_counter()
                run()
                times[name].append(1e3 * (time.perf_counter() - start))
    return {name: (min(taken), statistics.median(taken)) for name, taken in times.items()}


def surroundings() -> str:
    """What the figures hang on: versions, threads, BLAS."""
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    threads = os.environ.get("OPENBLAS_NUM_THREADS", f"{os.cpu_count()} (all)")
    kernel = os.environ.get("OPENBLAS_CORETYPE", "as detected")
    return (
        f"numpy {np.__version__}, {blas['name']} {blas['version']}, kernel {kernel}, threads {threads}; "
        f"torch {torch.__version__}, threads {torch.get_num_threads()}"
    )
