"""Layers side by side: each reads its own columns of x, or all of x, and the outputs are concatenated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from numnet.core.attributes import Saved
from numnet.core.checks import (
    check_columns,
    check_distinct,
    check_input_size,
    check_layers,
    check_same_shapes,
    check_side_by_side,
    check_steps,
    validate_call,
)
from numnet.core.lengths import expand_mask, mask_like
from numnet.core.packed import Packed, padded_like, to_packed, to_padded
from torchnet.core.device import DTypeLike, as_tensor
from torchnet.core.layer_list import LayerList
from torchnet.core.operation import Operation
from torchnet.core.parameters import Layer
from torchnet.layers.module import as_layers


class Concat(Layer):
    """y = [layer_1(x_1), layer_2(x_2), ...] on the last axis; each layer reads its columns of x, or all of x.

    x (B, T, Σ widths) → y (B, T, Σ O), or (B, Σ O) of layers that return one vector per sequence, such as Pooling.
    `widths` is the number of columns that each layer reads; None: each reads all of x. The layers have no state. For
    layers that look up tokens, x is integers and there is no dx: an Embedding of width 1 gets its column as tokens
    (B, T). `lengths` (B,), or a mask (B, T), are passed to the layers that take them; or x is Packed. At padding y and
    dx are 0, and x is never read.
    """

    over_time = True
    fixed = ("keeps_time",)
    lengths = Saved()

    @validate_call
    def __init__(
        self,
        layers: Sequence[torch.nn.Module],
        widths: Sequence[int] | None = None,
        batch_first: bool = True,
        seed: int | None = None,
        dtype: DTypeLike = "float32",
    ) -> None:
        parts: Any = as_layers(self.name, layers)
        check_layers(self.name, parts, Operation, ordered=False)
        check_side_by_side(self.name, parts, widths, batch_first)
        check_distinct(self.name, parts)
        super().__init__(width_of(parts, widths), seed, dtype)
        self.layers: Any = LayerList(self.name, parts)
        self.widths, self.batch_first = None if widths is None else [int(n) for n in widths], batch_first
        self.keeps_time, self.reads = parts[0].keeps_time, reads_of(parts, widths)
        self.ready(None)

    def build(self, input_size: int, rng: np.random.Generator, dtype: DTypeLike) -> int:
        if self.input_size is not None:
            check_input_size(self.name, self.input_size, input_size)
        return super().build(input_size, rng, dtype)

    def make(self, rng: np.random.Generator) -> int:
        sizes = self.widths or [self.width] * len(self.layers)
        sizes = [n if layer.reads == "numbers" else layer.input_size for layer, n in zip(self.layers, sizes)]
        return sum(layer.build(size, rng, self.dtype) for layer, size in zip(self.layers, sizes))

    def config(self) -> dict[str, Any]:
        layers = [{"type": layer.name, **layer.config()} for layer in self.layers]
        return {"layers": layers, "widths": self.widths, "batch_first": self.batch_first}

    def forward(self, x: Any, lengths: Any = None) -> Any:
        """y (B, ..., Σ O) from x (B, ..., Σ widths). ValueError for another number of columns."""
        packed, (x, lengths) = isinstance(x, Packed), to_padded(x, lengths, self.batch_first)
        x = as_tensor(x, self.name, "x")
        check_columns(self.name, x, self.widths)
        if lengths is not None:
            check_steps(self.name, x, self.batch_first, tokens=self.reads == "tokens")
        found = mask_like(self.name, x, lengths, self.batch_first)
        self.ready(self.input_size or x.shape[-1], x)
        numbers = self.reads == "numbers"
        given = self.followed(self.cast("x", x)) if numbers else x
        mask = None if found is None else torch.from_numpy(found.copy()).to(given.device)
        x = given if mask is None else torch.where(expand_mask(mask, given), given, 0)
        ys = [layer(own, mask) if layer.over_time else layer(own) for layer, own in zip(self.layers, self.own(x))]
        check_same_shapes(self.name, [y.shape for y in ys])
        y = torch.cat(ys, dim=-1)
        mask = mask.to(y.device) if mask is not None and self.keeps_time else None
        y = y if mask is None else torch.where(expand_mask(mask, y), y, 0)
        self.save_graph((y,), (given,) if numbers else ())
        self.lengths = lengths if packed else None
        return to_packed(y, lengths, self.batch_first) if packed and self.keeps_time else y

    def backward(self, dy: Any) -> Any:
        """dx of x's shape, None for integers, from dy of y's; parameters' gradients are ADDED."""
        (y,), inputs = self.recall()
        dy = padded_like(self.name, dy, self.lengths if self.keeps_time else None, self.batch_first)
        dxs = self.pull((y,), inputs, (dy,))
        dx = dxs[0] if dxs else None
        return dx if dx is None or self.lengths is None else to_packed(dx, self.lengths, self.batch_first)

    def own(self, x: Tensor) -> list[Tensor]:
        """Return the input of each layer."""
        if self.widths is None:
            return [x] * len(self.layers)
        one = [layer.reads == "tokens" and width == 1 for layer, width in zip(self.layers, self.widths)]
        return [part[..., 0] if token else part for part, token in zip(x.split(self.widths, dim=-1), one)]


def reads_of(layers: Sequence[Any], widths: Sequence[int] | None) -> str:
    """Return the kind of values in x: tokens if any layer looks them up."""
    if widths is None:
        return layers[0].reads
    return "numbers" if all(layer.reads == "numbers" for layer in layers) else "rows of tokens"


def width_of(layers: Sequence[Any], widths: Sequence[int] | None) -> int | None:
    """Return the width of x, or the vocabulary size of tokens; None if the first batch must set it."""
    if widths is not None:
        return sum(widths)
    return min(layer.input_size for layer in layers) if layers[0].reads != "numbers" else None
