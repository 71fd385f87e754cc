"""Initialization of parameters, each scheme with its source. numpy draws the values, so a seed fits both backends.

pytorch     uniform within ±1/√H (Dense: ±1/√D, Convolution: ±1/√(D·K)), biases too: the default of torch.nn's layers
glorot      uniform within ±√(6/(inputs + outputs)), each gate by itself; biases 0 (Glorot & Bengio 2010)
orthogonal  W_h of each gate orthogonal (Saxe et al. 2014), so that it neither grows nor shrinks h; W_x as glorot,
            biases 0, and a Dense layer's W orthogonal

All are drawn in float64 and then rounded, so that a float32 and a float64 model start at the same point.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
SCHEMES = ("pytorch", "glorot", "orthogonal")


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


def dense(scheme: str, rng: np.random.Generator, O: int, D: int) -> tuple[Array, Array]:
    """W (O, D) and b (O,)."""
    if scheme == "pytorch":
        return uniform(rng, (O, D), D**-0.5), uniform(rng, (O,), D**-0.5)
    return {"glorot": glorot, "orthogonal": orthogonal}[scheme](rng, O, D), np.zeros(O)


def convolution(scheme: str, rng: np.random.Generator, O: int, D: int, K: int) -> tuple[Array, Array]:
    """W (O, D, K) and b (O,): each output sees D·K inputs, each input K·O outputs."""
    if scheme == "glorot":
        return uniform(rng, (O, D, K), float(np.sqrt(6 / (K * (D + O))))), np.zeros(O)
    W, b = dense(scheme, rng, O, D * K)
    return W.reshape(O, D, K), b


def vector(scheme: str, rng: np.random.Generator, size: int, H: int) -> Array:
    """A bias or a peephole: uniform within ±1/√H, or 0."""
    return uniform(rng, (size,), H**-0.5) if scheme == "pytorch" else np.zeros(size)


def projection(scheme: str, rng: np.random.Generator, P: int, H: int) -> Array:
    """W_r (P, H)."""
    if scheme == "pytorch":
        return uniform(rng, (P, H), H**-0.5)
    return {"glorot": glorot, "orthogonal": orthogonal}[scheme](rng, P, H)


def recurrent(
    scheme: str, rng: np.random.Generator, G: int, H: int, D: int, P: int | None = None
) -> tuple[Array, Array, Array]:
    """W_x (G·H, D), W_h (G·H, P) and b (G·H,); P, the width of h, is H without a projection."""
    P = P or H
    if scheme == "pytorch":
        bound = H**-0.5
        return uniform(rng, (G * H, D), bound), uniform(rng, (G * H, P), bound), uniform(rng, (G * H,), bound)
    W_h = {"glorot": glorot, "orthogonal": orthogonal}[scheme]
    gate_by_gate = [glorot(rng, H, D) for _ in range(G)], [W_h(rng, H, P) for _ in range(G)]
    return np.concatenate(gate_by_gate[0]), np.concatenate(gate_by_gate[1]), np.zeros(G * H)
