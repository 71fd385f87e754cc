"""Every function of ArrayWithGrad × case against PyTorch, the package autograd, and differences.

    python -m parity_tests.array_functions

Value and gradients, of a random upstream gradient, of both backends are compared with PyTorch; those of numnet with the
package autograd, if it is installed, and with central differences where the function is smooth. The largest relative
difference of each row is printed; nan and inf must be at the same places.
"""

from __future__ import annotations

import importlib
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

import numnet
import torchnet
from numnet.core.arrays import to_numpy
from parity_tests.array_rows import ROWS, Row, drawn

BACKENDS = (numnet, torchnet)
STEP = 1e-6
SMOOTH = ("normal", "positive")


@dataclass
class Result:
    """Of a witness: the number of cases, and the largest difference."""

    cases: int = 0
    largest: float = 0.0

    def add(self, found: list[Any], expected: list[Any]) -> None:
        self.cases += 1
        self.largest = max(self.largest, *(difference(x, y) for x, y in zip(found, expected)))


def difference(found: Any, expected: Any) -> float:
    """The largest difference relative to the largest value, or to 1; infinite for other shapes, nan or inf."""
    found, expected = np.asarray(found), np.asarray(expected)
    usual = np.isfinite(expected)
    if found.shape != expected.shape or not np.array_equal(found[~usual], expected[~usual], equal_nan=True):
        return float("inf")
    if not np.isfinite(found[usual]).all():
        return float("inf")
    if not found[usual].size:
        return 0.0
    scale = max(1.0, float(np.abs(expected[usual]).max()))
    return float(np.max(np.abs(found[usual] - expected[usual]) / scale))


def cases(name: str, row: Row) -> Iterator[tuple[str, list[Any]]]:
    """The kind and the inputs of each case."""
    for kind in row.kinds:
        for k, shapes in enumerate(row.shapes):
            rng = np.random.default_rng([zlib.crc32(f"{name} {kind}".encode()), k])
            yield kind, [drawn(kind, shape, rng) for shape in shapes]


def upstream(shape: tuple[int, ...]) -> Any:
    return np.random.default_rng(1).uniform(0.5, 1.5, shape)


def of_backend(net: Any, row: Row, arrays: list[Any]) -> list[Any]:
    """Value and gradients of numnet or torchnet."""
    inputs = [net.ArrayWithGrad(x.copy()) for x in arrays]
    z = row.ours(np, *inputs)
    z.backward(upstream(z.shape))
    return [to_numpy(z.value), *(to_numpy(u.grad) for u in inputs)]


def of_torch(row: Row, arrays: list[Any]) -> list[Any]:
    inputs = [torch.tensor(x, requires_grad=True) for x in arrays]
    z = row.torch(*inputs)
    z.backward(torch.tensor(upstream(tuple(z.shape)), dtype=z.dtype))
    return [to_numpy(z), *(np.zeros(x.shape) if u.grad is None else to_numpy(u.grad) for u, x in zip(inputs, arrays))]


def of_autograd(package: Any, row: Row, arrays: list[Any]) -> list[Any]:
    names = importlib.import_module("autograd.numpy")
    z = np.asarray(row.ours(np, *arrays))
    scalar = lambda *inputs: names.sum(row.ours(names, *inputs) * upstream(z.shape))  # noqa: E731
    return [z, *(package.grad(scalar, k)(*arrays) for k in range(len(arrays)))]


def along_a_direction(row: Row, arrays: list[Any]) -> tuple[list[Any], list[Any]]:
    """The derivative along a random direction, by the gradients and by central differences of numnet's values."""
    rng = np.random.default_rng(2)
    directions = [rng.uniform(0.5, 1.5, x.shape) for x in arrays]

    def total(step: float) -> float:
        z = row.ours(np, *(numnet.ArrayWithGrad(x + step * v) for x, v in zip(arrays, directions)))
        return float(np.sum(z.value * upstream(z.shape)))

    gradients = of_backend(numnet, row, arrays)[1:]
    slope = sum(float(np.sum(g * v)) for g, v in zip(gradients, directions))
    return [slope], [(total(STEP) - total(-STEP)) / (2 * STEP)]


def run(name: str, row: Row) -> dict[str, Result]:
    """The results of a row by witness."""
    found = {witness: Result() for witness in ("PyTorch", "autograd", "differences")}
    package = autograd_package()
    for kind, arrays in cases(name, row):
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # those of the witnesses
            expected = of_torch(row, arrays)
            for net in BACKENDS:
                found["PyTorch"].add(of_backend(net, row, arrays), expected)
            if package and row.autograd and kind != "special":
                found["autograd"].add(of_backend(numnet, row, arrays), of_autograd(package, row, arrays))
            if kind in SMOOTH:
                found["differences"].add(*along_a_direction(row, arrays))
    return found


def autograd_package() -> Any:
    """The package autograd, or None: it is in no list of requirements."""
    try:
        return importlib.import_module("autograd")
    except ImportError:
        return None


def table() -> Iterator[str]:
    """The lines of the table; the last one has the sums of the cases, and the largest differences."""
    head = ("function", "PyTorch", "autograd", "differences")
    yield f"{head[0]:24}" + "".join(f"{witness:>22}" for witness in head[1:])
    total = {witness: Result() for witness in head[1:]}
    for name, row in ROWS.items():
        results = run(name, row)
        yield line(name, results)
        for witness, result in results.items():
            total[witness].cases += result.cases
            total[witness].largest = max(total[witness].largest, result.largest)
    yield line(f"{len(ROWS)} rows", total)
    if not autograd_package():
        yield "The package autograd is not installed: python -m pip install autograd adds its column."


def line(name: str, results: dict[str, Result]) -> str:
    shown = (f"{r.cases:12} {r.largest:9.1e}" if r.cases else f"{'-':>22}" for r in results.values())
    return f"{name:24}" + "".join(shown)


if __name__ == "__main__":
    print(*table(), sep="\n")
