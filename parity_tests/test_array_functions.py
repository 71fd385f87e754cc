"""The functions of ArrayWithGrad: the rows of array_functions.py, numpy's protocols, errors, and dtypes."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import numnet
import torchnet
from numnet.core.arrays import to_numpy
from parity_tests.array_functions import cases, difference, of_backend, of_torch, run
from parity_tests.array_rows import ROWS
from parity_tests.faults import FUNCTION_FAULTS, Fault, planted
from parity_tests.test_array_values import each, same_error, u23

BACKENDS = [numnet, torchnet]
# Of float64: the same formula may be summed in another order; a difference over 2e-6 rounds to about 1e-9.
TOLERANCE = {"PyTorch": 1e-12, "autograd": 1e-12, "differences": 1e-7}


@pytest.mark.parametrize("name", ROWS)
def test_value_and_gradients(name: str) -> None:
    for witness, result in run(name, ROWS[name]).items():
        assert result.largest <= TOLERANCE[witness], f"{witness}: {result.largest}"


def differs(net: Any, name: str) -> bool:
    """Whether a case of the row has other numbers than PyTorch, or none."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _, arrays in cases(name, ROWS[name]):
            try:
                found = of_backend(net, ROWS[name], arrays)
            except ValueError:
                return True
            if max(map(difference, found, of_torch(ROWS[name], arrays))) > 1e-9:
                return True
    return False


@pytest.mark.parametrize("fault", FUNCTION_FAULTS, ids=lambda fault: fault.name)
def test_a_planted_fault_is_caught(fault: Fault, tmp_path: Path) -> None:
    with planted(fault, tmp_path) as faulty:
        assert differs(faulty, fault.case)


# The same call by numpy, by PyTorch and by a method or a function of the package.
CALLS: dict[str, tuple[Callable[[Any, Any], Any], ...]] = {
    "tanh": (lambda net, x: x.tanh(), lambda net, x: np.tanh(x), lambda net, x: torch.tanh(x)),
    "relu": (lambda net, x: x.relu(), lambda net, x: torch.nn.functional.relu(x)),
    "abs": (lambda net, x: x.abs(), lambda net, x: abs(x), lambda net, x: np.abs(x), lambda net, x: torch.abs(x)),
    "sum": (
        lambda net, x: x.sum(1, True),
        lambda net, x: np.sum(x, axis=1, keepdims=True),
        lambda net, x: torch.sum(x, dim=1, keepdim=True),
    ),
    "softmax": (lambda net, x: x.softmax(-1), lambda net, x: torch.nn.functional.softmax(x, dim=-1)),
    "log_softmax": (lambda net, x: x.log_softmax(0), lambda net, x: torch.log_softmax(x, 0)),
    "maximum": (
        lambda net, x: net.maximum(x, 0.5),
        lambda net, x: np.maximum(x, 0.5),
        lambda net, x: np.maximum(0.5, x),
        lambda net, x: torch.maximum(torch.full((3,), 0.5), x),
    ),
    "minimum": (lambda net, x: net.minimum(x, x * x), lambda net, x: np.minimum(x, x * x)),
    "where": (
        lambda net, x: net.where(x > 0.5, x, 0.0),
        lambda net, x: np.where(to_numpy(x > 0.5), x, 0.0),
        lambda net, x: torch.where(torch.as_tensor(x > 0.5), x, 0.0),
    ),
    "concatenate": (
        lambda net, x: net.concatenate([x, x], axis=0),
        lambda net, x: np.concatenate([x, x]),
        lambda net, x: torch.cat((x, x), dim=0),
    ),
    "stack": (lambda net, x: net.stack([x, x]), lambda net, x: np.stack([x, x]), lambda net, x: torch.stack([x, x])),
    "einsum": (
        lambda net, x: net.einsum("ij,ik->jk", x, x),
        lambda net, x: np.einsum("ij,ik->jk", x, x),
        lambda net, x: torch.einsum("ij,ik->jk", x, x),
        lambda net, x: x.T @ x,
    ),
    "clip": (
        lambda net, x: x.clip(0.2, 0.9),
        lambda net, x: np.clip(x, 0.2, 0.9),
        lambda net, x: torch.clamp(x, 0.2, 0.9),
    ),
    "chunk": (
        lambda net, x: x.chunk(2)[1],
        lambda net, x: np.split(x, 2)[1],
        lambda net, x: torch.chunk(x, 2, dim=0)[1],
        lambda net, x: x.split([1, 1])[1],
    ),
    "transpose": (
        lambda net, x: x.swapaxes(0, 1),
        lambda net, x: np.transpose(x),
        lambda net, x: torch.transpose(x, 0, 1),
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_the_same_by_numpy_and_by_pytorch(name: str, net: Any) -> None:
    found = []
    for call in CALLS[name]:
        x = net.ArrayWithGrad(np.linspace(-1.0, 1.5, 6).reshape(2, 3))
        z = call(net, x)
        z.backward(np.arange(1.0, z.size + 1).reshape(z.shape))
        found.append((to_numpy(z.value), to_numpy(x.grad)))
    for value, grad in found[1:]:
        np.testing.assert_array_equal(value, found[0][0])
        np.testing.assert_allclose(grad, found[0][1], rtol=1e-14)


def test_a_number_has_the_elementwise_functions(net: Any) -> None:
    a = net.NumberWithGrad(0.25)
    z = np.sqrt(a) + np.sin(a) * a.cos() + abs(-a) + np.tanh(a) + a**a + a.log1p() * a.expm1() + a.tan()
    z.backward()
    x: Any = torch.tensor(0.25, dtype=torch.float64, requires_grad=True)
    expected = x.sqrt() + x.sin() * x.cos() + x + x.tanh() + x**x + x.log1p() * x.expm1() + x.tan()
    expected.backward()
    assert (z.value, a.grad) == pytest.approx((float(expected.detach()), float(x.grad)), rel=1e-14)


def test_powers_at_zero_and_below(net: Any) -> None:
    u, v = net.ArrayWithGrad([0.0, 0.0, -2.0, -2.0]), net.ArrayWithGrad([2.0, 1.0, 3.0, 0.5])
    z = u**v
    z.backward(np.ones(4))
    np.testing.assert_array_equal(to_numpy(z.value), [0, 0, -8, np.nan])
    np.testing.assert_array_equal(to_numpy(u.grad), [0, 1, 12, np.nan])
    np.testing.assert_array_equal(to_numpy(v.grad), [0, 0, np.nan, np.nan])
    w = net.ArrayWithGrad([0.0, -3.0])
    (w**2).backward([1.0, 1.0])
    assert to_numpy(w.grad).tolist() == [0, -6]


def test_float32_stays_float32(net: Any) -> None:
    for call in (call for calls in CALLS.values() for call in calls):
        x = net.ArrayWithGrad(np.linspace(-1, 1, 6, dtype=np.float32).reshape(2, 3))
        z = call(net, x)
        z.sum().backward()
        assert str(z.dtype).endswith("float32")
        assert str(x.grad.dtype).endswith("float32")


def test_a_value_is_detached(net: Any) -> None:
    x = net.ArrayWithGrad([1.0, 2.0])
    y = (x * x).detach()
    (x * y).sum().backward()
    assert to_numpy(x.grad).tolist() == [1, 4]
    assert (y.size, str(y.dtype).endswith("float64")) == (2, True)


NUMPYS = ["argmax", "median", "sort", "isnan", "prod", "floor", "arctan", "argsort"]
ERRORS: dict[str, Callable[[Any], Any]] = {
    **each("numpy's", lambda net, name: getattr(np, name)(u23(net)), NUMPYS),
    "np.pad": lambda net: np.pad(u23(net), 1),
    "np.linalg.norm": lambda net: np.linalg.norm(u23(net)),
    **each("torch's", lambda net, name: getattr(torch, name)(u23(net)), ["isnan", "argmax", "var", "max", "sort"]),
    "sum(dtype)": lambda net: np.sum(u23(net), dtype=float),
    "exp(out)": lambda net: np.exp(u23(net), out=np.ones((2, 3))),
    "split in 4": lambda net: np.split(u23(net), 4),
    "dot of 3 axes": lambda net: np.dot(net.ArrayWithGrad(np.ones((2, 2, 2))), np.ones((2, 2))),
    "a % b": lambda net: u23(net) % 2,
    "divmod": lambda net: divmod(u23(net), 2),
    **each("max of nothing", lambda net, axis: net.ArrayWithGrad(np.zeros((0, 3))).max(axis), [None, 0]),
    "var(ddof=6)": lambda net: u23(net).var(ddof=6),
    "std(ddof=0.5)": lambda net: u23(net).std(ddof=0.5),
    **each("squeeze", lambda net, axis: u23(net).squeeze(axis), [0, 2, "a", (0, 0)]),
    **each("chunk", lambda net, n: u23(net).chunk(n), [0, -1, 1.5, None, [2]]),
    **each("split", lambda net, sizes: u23(net).split(sizes, 1), [0, [1, 1], [-1, 4], [], "a", [1.5, 1.5]]),
    "chunk of a number": lambda net: net.ArrayWithGrad(1.0).chunk(1),
    "swapaxes": lambda net: u23(net).swapaxes(0, 2),
    "swapaxes of a number": lambda net: net.ArrayWithGrad(1.0).swapaxes(0, 0),
    "cumsum": lambda net: u23(net).cumsum(2),
    "log_softmax": lambda net: u23(net).log_softmax(2),
    **each("clip", lambda net, bound: u23(net).clip(bound), [None, "a", np.ones(2), 1j]),
    "clip of an array with gradient": lambda net: u23(net).clip(u23(net)),
    **each("where", lambda net, c: net.where(c, u23(net), 0), [1.0, "a", None, np.ones(3), [[True], [True, False]]]),
    "where of itself": lambda net: net.where(u23(net), 1, 0),
    "where of other sizes": lambda net: net.where(np.ones(2, bool), u23(net), 0),
    "maximum of other sizes": lambda net: net.maximum(u23(net), np.ones(2)),
    "maximum of a string": lambda net: net.maximum(u23(net), "a"),
    **each(
        "einsum",
        lambda net, subscripts: net.einsum(subscripts, u23(net), u23(net)),
        ["ij", "ij,jk", "ii,ij", "ij,ij->k", "ij,ij->ii", "...,ij", "i1,ij", "i,ij", "ij,ij->j->i", 3],
    ),
    "einsum of nothing": lambda net: net.einsum("->"),
    **each("@", lambda net, v: u23(net) @ v, [2, np.ones(2), np.ones((2, 3))]),
    "assignment": lambda net: u23(net).__setitem__(0, 1),
}


@pytest.mark.parametrize("name", ERRORS)
def test_a_wrong_use(name: str) -> None:
    same_error(ERRORS[name])


def test_the_words_of_an_error() -> None:
    words = {
        "numpy's('median')": "ArrayWithGrad: passed to median of another package, expected its own methods",
        "sum(dtype)": "ArrayWithGrad: sum is called with dtype, expected only a, axis, keepdims.",
        "assignment": "ArrayWithGrad: x[...] = is used, expected +, -, *, /, **, @ or a comparison. Values do not",
    }
    for name, start in words.items():
        assert same_error(ERRORS[name])[1].startswith(start)
    assert same_error(ERRORS["np.linalg.norm"])[1].endswith("Write (x**2).sum().sqrt().")
    assert same_error(ERRORS["assignment"])[1].endswith("use where(mask, new, x), or concatenate.")
