"""Convolution over time: one matrix product over all windows of all sequences."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from numnet.core import init as draw
from numnet.core.arrays import as_array
from numnet.core.checks import check_size, check_steps, check_width, validate_call
from numnet.core.lengths import as_mask
from numnet.core.operation import Array
from numnet.core.packed import Packed, padded_like, to_packed, to_padded
from numnet.core.parameters import ParamOperation


class Convolution(ParamOperation):
    """y_t = Σ_k W_k x_{t+k-h} + b  (1), k from 0 to K - 1: over time (Waibel et al. 1989).

    x (B, T, D), with `lengths` (B,) or a mask (B, T), or Packed → y (B, T, O), or Packed. `width` is K. h is ⌊K/2⌋, or
    with causal=True K - 1: then y_t reads no step after t. W (O, D, K), of which W_k is W[..., k], and b (O,) have the
    shapes and initial values of torch.nn.Conv1d; for `initial` see `numnet.core.init`. Before a row's first step and
    after its last real step x counts as 0. At padding y and dx are 0, and x is never read. With batch_first=False x and
    masks are time-major; with bias=False there is no b.

    The backward pass applies the weights in reverse order:

        dx_s = Σ_k W_kᵀ dy_{s-k+h},  dW_k = Σ_t dy_t x_{t+k-h}ᵀ,  db = Σ_t dy_t   (1)
    """

    over_time = True
    fixed = ("K",)

    W: Array
    b: Array
    dW: Array
    db: Array

    @validate_call
    def __init__(
        self,
        output_size: int,
        *,
        width: int = 3,
        causal: bool = False,
        input_size: int | None = None,
        bias: bool = True,
        initial: str | float = "pytorch",
        seed: int | None = None,
        dtype: npt.DTypeLike = "float32",
        batch_first: bool = True,
    ) -> None:
        super().__init__(input_size, seed, dtype)
        check_size(self.name, output_size=output_size, width=width, input_size=input_size)
        draw.check_initial(self.name, initial)
        self.output_size, self.K, self.bias, self.causal = output_size, width, bias, causal
        self.initial, self.batch_first = initial, batch_first
        self.ready(input_size)

    @property
    def before(self) -> int:
        """h, the number of earlier steps that y_t reads."""
        return self.K - 1 if self.causal else self.K // 2

    def make(self, rng: np.random.Generator) -> int:
        W, b = draw.convolution(self.initial, rng, self.output_size, self.width, self.K)
        self.add_param("W", W)
        if self.bias:
            self.add_param("b", b)
        return self.output_size

    def config(self) -> dict[str, Any]:
        sizes = {"output_size": self.output_size, "width": self.K, **({} if self.bias else {"bias": False})}
        changed = {"causal": True} if self.causal else {}
        return {**sizes, "initial": self.initial, "batch_first": self.batch_first, **changed}

    def forward(self, x: Any, lengths: Any = None) -> Any:
        """y (B, T, O) from x (B, T, D), both Packed if x is. ValueError for an x or lengths that do not fit."""
        packed, (x, lengths) = isinstance(x, Packed), to_padded(x, lengths, self.batch_first)
        x = as_array(self.name, "x", x)
        check_steps(self.name, x, self.batch_first, tokens=False, input_size=self.input_size)
        check_width(self.name, x, self.input_size)
        B, T = self.time_major(x).shape[:2]
        mask = as_mask(self.name, lengths, B, T, self.batch_first)
        self.ready(x.shape[-1])
        x = self.time_major(self.cast("x", x))
        real = np.ones((B, T), bool) if mask is None else mask
        windows = windows_of(x[real], real, self.before, self.K)
        y = windows @ self.W.transpose(2, 1, 0).reshape(-1, self.output_size)  # (1)
        if self.bias:
            y += self.b
        self.saved = windows, real, packed
        y = self.time_major(put(y, real))
        return to_packed(y, lengths, self.batch_first) if packed else y

    def backward(self, dy: Any) -> Any:
        """dx (B, T, D) from dy (B, T, O), both Packed if x was; dW and db are ADDED. ValueError for another shape."""
        windows, real, packed = self.recall()
        counts = real.sum(axis=1)
        dy = padded_like(self.name, dy, counts if packed else None, self.batch_first)
        shape = (*(real.shape if self.batch_first else real.shape[::-1]), self.output_size)
        dy = self.time_major(self.gradient(dy, shape, self.dtype))[real]
        self.dW += (dy.T @ windows).reshape(-1, self.K, self.width).transpose(0, 2, 1)  # (1)
        if self.bias:
            self.db += dy.sum(axis=0)  # (1)
        windows = windows_of(dy, real, self.K - 1 - self.before, self.K)
        dx = windows @ self.W[..., ::-1].transpose(2, 0, 1).reshape(-1, self.width)  # (1)
        dx = self.time_major(put(dx, real))
        return to_packed(dx, counts, self.batch_first) if packed else dx

    def time_major(self, x: Array) -> Array:
        """Swap the batch and time axes unless batch_first."""
        return x if self.batch_first else x.swapaxes(0, 1)


def windows_of(steps: Array, real: Array, before: int, K: int) -> Array:
    """Return (N, K·D): the K steps around each of the N real steps (N, D), from `before` steps earlier; 0 outside."""
    (N, D), (B, T) = steps.shape, real.shape
    place = np.full((B, T + K - 1), N)
    place[:, before : before + T][real] = np.arange(N)
    beside = sliding_window_view(place, K, axis=1)[real]
    return np.concatenate([steps, np.zeros((1, D), steps.dtype)]).take(beside, axis=0).reshape(N, K * D)


def real_steps(x: Array, real: Array) -> Array:
    """Return the N real steps (N, D) of x (B, T, D); a view of x if all are."""
    return x.reshape(-1, x.shape[-1]) if real.all() else x[real]


def put(steps: Array, real: Array) -> Array:
    """Return (B, T, D): the real steps (N, D) at their positions, 0 elsewhere; a view of them if all are real."""
    if real.all():
        return steps.reshape(*real.shape, steps.shape[-1])
    out = np.zeros((*real.shape, steps.shape[-1]), steps.dtype)
    out[real] = steps
    return out
