"""Layers that normalize: each sample over its features, or each feature over the real steps of a batch."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from numnet.core.arrays import as_array
from numnet.core.checks import (
    check_features,
    check_fraction,
    check_positive,
    check_size,
    check_statistics,
    check_steps,
    validate_call,
)
from numnet.core.lengths import mask_like
from numnet.core.operation import Array
from numnet.core.packed import Packed, padded_like, to_packed, to_padded
from numnet.core.pairs import add_grads, summed
from numnet.core.parameters import ParamOperation
from numnet.layers.convolution import put, real_steps


def standardize(x: Array, axis: int, epsilon: float) -> tuple[Array, Array, Array, Array]:
    """Return x̂, s, μ and v: equations (1) to (3) of LayerNorm and BatchNorm, with means over the axis."""
    mu = x.mean(axis=axis, keepdims=True)  # (1)
    centered = x - mu
    v = (centered**2).mean(axis=axis, keepdims=True)  # (2)
    s = 1 / np.sqrt(v + epsilon)  # (3)
    return s * centered, s, mu, v  # (3)


def standardize_backward(dx_hat: Array, x_hat: Array, s: Array) -> Array:
    """Return dx = s (dx̂ - mean dx̂ - x̂ mean (dx̂ ⊙ x̂)): the means are there because μ and v depend on every x."""
    through_v = x_hat * (dx_hat * x_hat).mean(axis=-1, keepdims=True)  # (3) (2), with ∂s/∂v = -s³/2
    return s * (dx_hat - dx_hat.mean(axis=-1, keepdims=True) - through_v)  # (3) (1)


class FeatureNorm(ParamOperation):
    """The base class of the norms of one sample: a gain g (D,) and, with bias=True, a bias b (D,)."""

    bias = False
    compute: Any  # y, and what compute_backward needs, x̂ first
    compute_backward: Any  # dx, and the terms of dg and db
    g: Array
    b: Array
    dg: Array
    db: Array

    def make(self, rng: np.random.Generator) -> int:
        self.add_param("g", np.ones(self.width))
        if self.bias:
            self.add_param("b", np.zeros(self.width))
        return self.width

    def forward(self, x: Any) -> Array:
        """y of x's shape (B, ..., D); the first call finds D. ValueError for another width than D."""
        y, self.saved = self.compute(self.validated(x))
        return y

    def backward(self, dy: Any) -> Array:
        """dx from dy, both (B, ..., D); dg and db are ADDED. ValueError for another shape than y's."""
        saved = self.recall()
        dx, pairs = self.compute_backward(self.gradient(dy, saved[0].shape, self.dtype), saved)
        add_grads(self, {name: summed([pair]) for name, pair in pairs.items()})
        return dx

    def validated(self, x: Any) -> Array:
        """x checked and cast; the first call finds D."""
        x = as_array(self.name, "x", x)
        check_features(self.name, x, self.input_size)
        self.ready(x.shape[-1])
        return self.cast("x", x)


class LayerNorm(FeatureNorm):
    """Each sample with mean 0 and variance 1 over its features, then a gain and a bias (Ba et al. 2016).

        μ = mean x                   (1)   over the last axis
        v = mean (x - μ)²            (2)
        x̂ = s (x - μ)                (3)   s = 1 / √(v + ε)
        y = g ⊙ x̂ + b                (4)

    x, y (B, ..., D); g (D,) starts at 1 and b (D,) at 0, as in torch.nn.LayerNorm; `epsilon` is ε. With bias=False
    there is no b. Each step is normalized by itself, so lengths are not needed. ValueError if the width of x is not D.
    """

    @validate_call
    def __init__(
        self,
        *,
        epsilon: float = 1e-5,
        bias: bool = True,
        input_size: int | None = None,
        dtype: npt.DTypeLike = "float32",
    ) -> None:
        super().__init__(input_size, None, dtype)
        check_size(self.name, input_size=input_size)
        check_positive(self.name, epsilon=epsilon)
        self.epsilon, self.bias = epsilon, bias
        self.ready(input_size)

    def config(self) -> dict[str, Any]:
        return {"epsilon": self.epsilon, "bias": self.bias}

    def compute(self, x: Array) -> tuple[Array, Any]:
        x_hat, s, _, _ = standardize(x, -1, self.epsilon)  # (1) (2) (3)
        return self.g * x_hat + (self.b if self.bias else 0), (x_hat, s)  # (4)

    def compute_backward(self, dy: Array, saved: Any) -> tuple[Array, dict[str, Any]]:
        x_hat, s = saved
        terms = {"g": (by_feature(dy * x_hat), None), "b": (by_feature(dy), None)}  # (4)
        dx = standardize_backward(dy * self.g, x_hat, s)  # (4) (3) (2) (1)
        return dx, {name: terms[name] for name in self.param_names}


class RMSNorm(FeatureNorm):
    """Each sample divided by the root of its mean square, then a gain (Zhang & Sennrich 2019).

        r = 1 / √(mean x² + ε)    (1)   over the last axis
        x̂ = r x                   (2)
        y = g ⊙ x̂                 (3)

    x, y (B, ..., D); g (D,) starts at 1, as in torch.nn.RMSNorm. `epsilon` is ε, by default the dtype's precision.
    """

    @validate_call
    def __init__(
        self, *, epsilon: float | None = None, input_size: int | None = None, dtype: npt.DTypeLike = "float32"
    ) -> None:
        super().__init__(input_size, None, dtype)
        check_size(self.name, input_size=input_size)
        check_positive(self.name, epsilon=epsilon)
        self.epsilon = epsilon
        self.ready(input_size)

    def config(self) -> dict[str, Any]:
        return {"epsilon": self.epsilon}

    def compute(self, x: Array) -> tuple[Array, Any]:
        epsilon = float(np.finfo(x.dtype).eps) if self.epsilon is None else self.epsilon
        r = 1 / np.sqrt((x**2).mean(axis=-1, keepdims=True) + epsilon)  # (1)
        x_hat = r * x  # (2)
        return self.g * x_hat, (x_hat, r)  # (3)

    def compute_backward(self, dy: Array, saved: Any) -> tuple[Array, dict[str, Any]]:
        x_hat, r = saved
        dx_hat = dy * self.g  # (3)
        through_r = x_hat * (dx_hat * x_hat).mean(axis=-1, keepdims=True)  # (2) (1)   ∂r/∂x = -r² x̂ / D
        return r * (dx_hat - through_r), {"g": (by_feature(dy * x_hat), None)}  # (2) (3)


class BatchNorm(ParamOperation):
    """Each feature with mean 0 and variance 1 over the real steps of a batch (Ioffe & Szegedy 2015).

        μ = mean x                        (1)   in training over all N real steps of all sequences
        v = mean (x - μ)²                 (2)
        x̂ = s (x - μ)                     (3)   s = 1 / √(v + ε)
        y = g ⊙ x̂ + b                     (4)
        m ← (1 - p) m + p μ               (5)   running mean, p = `momentum`
        u ← (1 - p) u + p v N / (N - 1)   (6)   running variance, without bias

    In evaluation mode μ and v are m and u, which start at 0 and 1. They are the buffers `running_mean` and
    `running_var`: state_dict and checkpoints contain them, optimizers do not change them. As torch.nn.BatchNorm1d with
    x (B, D), or x (B, T, D), with `lengths` (B,) or a mask (B, T), or Packed: padding is never read, and y and dx are 0
    there. With batch_first=False x and masks are time-major. ValueError for N = 1 in training: the variance is unknown.
    """

    over_time, needs_sequences = True, False  # it reads all steps, in any order
    g: Array
    b: Array
    dg: Array
    db: Array
    running_mean: Array
    running_var: Array

    @validate_call
    def __init__(
        self,
        *,
        epsilon: float = 1e-5,
        momentum: float = 0.1,
        input_size: int | None = None,
        dtype: npt.DTypeLike = "float32",
        batch_first: bool = True,
    ) -> None:
        super().__init__(input_size, None, dtype)
        check_size(self.name, input_size=input_size)
        check_positive(self.name, epsilon=epsilon)
        check_fraction(self.name, momentum=momentum)
        self.epsilon, self.momentum, self.batch_first = epsilon, momentum, batch_first
        self.ready(input_size)

    def make(self, rng: np.random.Generator) -> int:
        self.add_param("g", np.ones(self.width))
        self.add_param("b", np.zeros(self.width))
        self.add_buffer("running_mean", np.zeros(self.width))
        self.add_buffer("running_var", np.ones(self.width))
        return self.width

    def config(self) -> dict[str, Any]:
        return {"epsilon": self.epsilon, "momentum": self.momentum, "batch_first": self.batch_first}

    def forward(self, x: Any, lengths: Any = None) -> Any:
        """y of x's shape, Packed if x is. ValueError for an x or lengths that do not fit."""
        packed, (x, lengths) = isinstance(x, Packed), to_padded(x, lengths, self.batch_first)
        x = as_array(self.name, "x", x)
        check_features(self.name, x, self.input_size)
        if lengths is not None:
            check_steps(self.name, x, self.batch_first, tokens=False)
        mask = None if lengths is None else mask_like(self.name, x, lengths, self.batch_first)
        real = np.ones(x.shape[:-1], bool) if mask is None else mask
        check_statistics(self.name, int(real.sum()), self.training)
        self.ready(x.shape[-1])
        x_hat, s = self.standardized(real_steps(self.cast("x", x), real))  # (1) (2) (3)
        self.saved = x_hat, s, self.training, real, lengths if packed else None
        y = put(self.g * x_hat + self.b, real)  # (4)
        return to_packed(y, lengths, self.batch_first) if packed else y

    def backward(self, dy: Any) -> Any:
        """dx from dy, both of x's shape; dg and db are ADDED. ValueError for another shape."""
        x_hat, s, of_batch, real, counts = self.recall()
        dy = padded_like(self.name, dy, counts, self.batch_first)
        dy = real_steps(self.gradient(dy, (*real.shape, self.width), self.dtype), real)
        dg, db = np.einsum("nd,nd->d", dy, x_hat), dy.sum(axis=0)  # (4)
        add_grads(self, {"g": dg, "b": db})
        if of_batch and len(dy):  # then μ and v depend on every x
            dy = dy - db / len(dy) - x_hat * (dg / len(dy))  # (3) (2) (1)   as in standardize_backward
        dx = put(self.g * s * dy, real)  # (4) (3)
        return dx if counts is None else to_packed(dx, counts, self.batch_first)

    def standardized(self, x: Array) -> tuple[Array, Array]:
        """Return x̂ and s of the real steps (N, D); in training, update the running statistics."""
        if not self.training or not len(x):
            s = 1 / np.sqrt(self.running_var + self.epsilon)  # (3)
            return s * (x - self.running_mean), s  # (3)
        x_hat, s, mu, v = standardize(x, 0, self.epsilon)  # (1) (2) (3)
        p, unbiased = self.momentum, v[0] * (len(x) / (len(x) - 1))
        self.add_buffer("running_mean", (1 - p) * self.running_mean + p * mu[0])  # (5)
        self.add_buffer("running_var", (1 - p) * self.running_var + p * unbiased)  # (6)
        return x_hat, s


def by_feature(q: Array) -> Array:
    """(B, ..., D) as (D, everything else), for a sum over all samples."""
    return q.reshape(-1, q.shape[-1]).T
