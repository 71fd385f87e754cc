"""Convolution over time, by PyTorch, of padded sequences."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import conv1d, pad

from numnet.core import init as draw
from numnet.core.attributes import Saved
from numnet.core.checks import check_size, check_steps, check_width, validate_call
from numnet.core.lengths import mask_like
from numnet.core.packed import Packed, padded_like, to_packed, to_padded
from torchnet.core.device import DTypeLike, as_tensor
from torchnet.core.parameters import ParamOperation


class Convolution(ParamOperation):
    """y_t = Σ_k W_k x_{t+k-h} + b, k from 0 to K - 1: over time (Waibel et al. 1989).

    x (B, T, D), with `lengths` (B,) or a mask (B, T), or Packed → y (B, T, O), or Packed. `width` is K. h is ⌊K/2⌋, or
    with causal=True K - 1: then y_t reads no step after t. W (O, D, K), of which W_k is W[..., k], and b (O,) have the
    shapes and initial values of torch.nn.Conv1d; for `initial` see `numnet.core.init`. Before a row's first step and
    after its last real step x counts as 0. At padding y and dx are 0, and x is never read. With batch_first=False x and
    masks are time-major; with bias=False there is no b.
    """

    over_time = True
    fixed = ("K",)
    lengths = Saved()

    W: Tensor
    b: Tensor

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
        dtype: DTypeLike = "float32",
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
        else:
            self.register_parameter("b", None)
        return self.output_size

    def config(self) -> dict[str, Any]:
        sizes = {"output_size": self.output_size, "width": self.K, **({} if self.bias else {"bias": False})}
        changed = {"causal": True} if self.causal else {}
        return {**sizes, "initial": self.initial, "batch_first": self.batch_first, **changed}

    def forward(self, x: Any, lengths: Any = None) -> Any:
        """y (B, T, O) from x (B, T, D), both Packed if x is. ValueError for an x or lengths that do not fit."""
        packed, (x, lengths) = isinstance(x, Packed), to_padded(x, lengths, self.batch_first)
        x = as_tensor(x, self.name, "x")
        check_steps(self.name, x, self.batch_first, tokens=False, input_size=self.input_size)
        check_width(self.name, x, self.input_size)
        found = mask_like(self.name, x, lengths, self.batch_first)
        self.ready(x.shape[-1], x)
        given = self.followed(self.cast("x", x))
        mask = None if found is None else torch.from_numpy(found.copy()).to(given.device)[..., None]
        x = given if mask is None else torch.where(mask, given, 0)
        x = x.permute(0, 2, 1) if self.batch_first else x.permute(1, 2, 0)
        y = conv1d(pad(x, (self.before, self.K - 1 - self.before)), self.W, self.b)
        y = y.permute(0, 2, 1) if self.batch_first else y.permute(2, 0, 1)
        y = y if mask is None else torch.where(mask, y, 0)
        self.save_graph((y,), (given,))
        self.lengths = lengths if packed else None
        return to_packed(y, lengths, self.batch_first) if packed else y

    def backward(self, dy: Any) -> Any:
        """dx (B, T, D) from dy (B, T, O), both Packed if x was; dW and db are ADDED. ValueError for another shape."""
        dx = super().backward(padded_like(self.name, dy, self.lengths, self.batch_first))
        return dx if self.lengths is None else to_packed(dx, self.lengths, self.batch_first)
