"""Initialization of parameters, each scheme with its source. numpy draws the values, so a seed fits both backends.

pytorch     uniform within ±1/√H (Dense: ±1/√D, Convolution: ±1/√(D·K)), biases too: the default of torch.nn's layers
glorot      uniform within ±√(6/(inputs + outputs)), each gate by itself; biases 0 (Glorot & Bengio 2010)
orthogonal  W_h of each gate orthogonal (Saxe et al. 2014), so that it neither grows nor shrinks h; W_x as glorot,
            biases 0, and a Dense layer's W orthogonal
a number r  uniform within ±r, biases too, as in many language models (Zaremba et al. 2014)

All are drawn in float64 and then rounded, so that a float32 and a float64 model start at the same point.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from numnet.core.checks import check_choice, check_finite_number, check_positive

Array = npt.NDArray[Any]
SCHEMES = ("pytorch", "glorot", "orthogonal")
Scheme = str | float


def check_initial(who: str, initial: Scheme) -> None:
    """Check for the name of a scheme, or the range of a uniform distribution."""
    if isinstance(initial, str):
        check_choice(who, "initial", initial, SCHEMES)
    else:
        check_positive(who, initial=initial)
        check_finite_number(who, "initial", initial)


def bound_of(scheme: Scheme, bound: float) -> float | None:
    """Return the bound of all values if these are uniform: the number itself, or PyTorch's bound; else None."""
    return (bound if scheme == "pytorch" else None) if isinstance(scheme, str) else scheme


def normal(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Draw with mean 0 and standard deviation 1, the default of torch.nn.Embedding."""
    return rng.standard_normal(shape)


def uniform(rng: np.random.Generator, shape: tuple[int, ...], bound: float) -> Array:
    """Draw uniformly within ±bound: variance bound²/3."""
    return rng.uniform(-bound, bound, shape)


def glorot(rng: np.random.Generator, outputs: int, inputs: int) -> Array:
    """W (outputs, inputs) with variance 2/(inputs + outputs)."""
    return uniform(rng, (outputs, inputs), float(np.sqrt(6 / (inputs + outputs))))


def orthogonal(rng: np.random.Generator, outputs: int, inputs: int) -> Array:
    """W with WᵀW = 1 or WWᵀ = 1: Q of a normal matrix, signs from R's diagonal: all rotations are equally likely."""
    tall = rng.standard_normal((max(outputs, inputs), min(outputs, inputs)))
    Q, R = np.linalg.qr(tall)
    Q = Q * np.sign(np.diag(R))
    return Q if outputs >= inputs else Q.T


def matrix(scheme: Scheme, rng: np.random.Generator, outputs: int, inputs: int) -> Array:
    """W of the scheme "glorot" or "orthogonal"."""
    return (glorot if scheme == "glorot" else orthogonal)(rng, outputs, inputs)


def dense(scheme: Scheme, rng: np.random.Generator, O: int, D: int) -> tuple[Array, Array]:
    """W (O, D) and b (O,)."""
    bound = bound_of(scheme, D**-0.5)
    if bound is not None:
        return uniform(rng, (O, D), bound), uniform(rng, (O,), bound)
    return matrix(scheme, rng, O, D), np.zeros(O)


def convolution(scheme: Scheme, rng: np.random.Generator, O: int, D: int, K: int) -> tuple[Array, Array]:
    """W (O, D, K) and b (O,): each output sees D·K inputs, each input K·O outputs."""
    if scheme == "glorot":
        return uniform(rng, (O, D, K), float(np.sqrt(6 / (K * (D + O))))), np.zeros(O)
    W, b = dense(scheme, rng, O, D * K)
    return W.reshape(O, D, K), b


def vector(scheme: Scheme, rng: np.random.Generator, size: int, H: int) -> Array:
    """A bias or a peephole: uniform within ±1/√H, or 0."""
    bound = bound_of(scheme, H**-0.5)
    return np.zeros(size) if bound is None else uniform(rng, (size,), bound)


def projection(scheme: Scheme, rng: np.random.Generator, P: int, H: int) -> Array:
    """W_r (P, H)."""
    bound = bound_of(scheme, H**-0.5)
    return matrix(scheme, rng, P, H) if bound is None else uniform(rng, (P, H), bound)


def recurrent(
    scheme: Scheme, rng: np.random.Generator, G: int, H: int, D: int, P: int | None = None
) -> tuple[Array, Array, Array]:
    """W_x (G·H, D), W_h (G·H, P) and b (G·H,); P, the width of h, is H without a projection."""
    P = P or H
    bound = bound_of(scheme, H**-0.5)
    if bound is not None:
        return uniform(rng, (G * H, D), bound), uniform(rng, (G * H, P), bound), uniform(rng, (G * H,), bound)
    gate_by_gate = [glorot(rng, H, D) for _ in range(G)], [matrix(scheme, rng, H, P) for _ in range(G)]
    return np.concatenate(gate_by_gate[0]), np.concatenate(gate_by_gate[1]), np.zeros(G * H)
