"""Convolution over time, by PyTorch, of padded sequences."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import conv1d, pad

from numnet.core import init as draw
from numnet.core.attributes import Saved
from numnet.core.checks import check_choice, check_size, check_steps, check_width, validate_call
from numnet.core.lengths import mask_like
from numnet.core.packed import Packed, padded_like, to_packed, to_padded
from torchnet.core.device import DTypeLike, as_tensor
from torchnet.core.parameters import ParamOperation


class Convolution(ParamOperation):
    """y_t = Σ_k W_k x_{t+k-h} + b, k from 0 to K - 1, h = ⌊K/2⌋: over time (Waibel et al. 1989).

    x (B, T, D), with `lengths` (B,) or a mask (B, T), or Packed → y (B, T, O), or Packed. `width` is K. W (O, D, K), of
    which W_k is W[..., k], and b (O,) have the shapes and initial values of torch.nn.Conv1d; for `initial` see
    `numnet.core.init`. Before a row's first step and after its last real step x counts as 0. At padding y and dx are 0,
    and x is never read. With batch_first=False x and masks are time-major.
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
        input_size: int | None = None,
        initial: str = "pytorch",
        seed: int | None = None,
        dtype: DTypeLike = "float32",
        batch_first: bool = True,
    ) -> None:
        super().__init__(input_size, seed, dtype)
        check_size(self.name, output_size=output_size, width=width, input_size=input_size)
        check_choice(self.name, "initial", initial, draw.SCHEMES)
        self.output_size, self.K, self.initial, self.batch_first = output_size, width, initial, batch_first
        self.ready(input_size)

    def make(self, rng: np.random.Generator) -> int:
        W, b = draw.convolution(self.initial, rng, self.output_size, self.width, self.K)
        self.add_param("W", W)
        self.add_param("b", b)
        return self.output_size

    def config(self) -> dict[str, Any]:
        sizes = {"output_size": self.output_size, "width": self.K}
        return {**sizes, "initial": self.initial, "batch_first": self.batch_first}

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
        y = conv1d(pad(x, (self.K // 2, self.K - 1 - self.K // 2)), self.W, self.b)
        y = y.permute(0, 2, 1) if self.batch_first else y.permute(2, 0, 1)
        y = y if mask is None else torch.where(mask, y, 0)
        self.save_graph((y,), (given,))
        self.lengths = lengths if packed else None
        return to_packed(y, lengths, self.batch_first) if packed else y

    def backward(self, dy: Any) -> Any:
        """dx (B, T, D) from dy (B, T, O), both Packed if x was; dW and db are ADDED. ValueError for another shape."""
        dx = super().backward(padded_like(self.name, dy, self.lengths, self.batch_first))
        return dx if self.lengths is None else to_packed(dx, self.lengths, self.batch_first)
