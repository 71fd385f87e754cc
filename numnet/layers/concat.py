"""Layers side by side: each reads its own columns of x, or all of x, and the outputs are concatenated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from numnet.core.arrays import as_array
from numnet.core.attributes import check_same_call, serials
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
from numnet.core.layer_list import LayerList
from numnet.core.lengths import expand_mask, mask_like
from numnet.core.operation import Array, Operation
from numnet.core.packed import Packed, padded_like, to_packed, to_padded
from numnet.core.parameters import Layer


class Concat(Layer):
    """x_1, x_2, ... = the columns of x    (1)   `widths`: how many each layer reads; None: each reads all
    y = [layer_1(x_1), layer_2(x_2), ...]  (2)   on the last axis

    x (B, T, Σ widths) → y (B, T, Σ O), or (B, Σ O) of layers that return one vector per sequence, such as Pooling.
    The layers have no state. For layers that look up tokens, x is integers and there is no dx: an Embedding of width 1
    gets its column as tokens (B, T). `lengths` (B,), or a mask (B, T), are passed to the layers that take them; or x is
    Packed. At padding y and dx are 0, and x is never read.

    In the backward pass each layer gets its part of dy (2); dx is the concatenation of their gradients, or, with
    widths=None, the sum (1).
    """

    over_time = True
    fixed = ("keeps_time",)

    @validate_call
    def __init__(
        self,
        layers: Sequence[Operation],
        widths: Sequence[int] | None = None,
        batch_first: bool = True,
        seed: int | None = None,
        dtype: npt.DTypeLike = "float32",
    ) -> None:
        check_layers(self.name, layers, Operation, ordered=False)
        check_side_by_side(self.name, layers, widths, batch_first)
        check_distinct(self.name, layers)
        self.layers: list[Any] = LayerList(self.name, layers)
        self.widths, self.batch_first = None if widths is None else [int(n) for n in widths], batch_first
        self.keeps_time, self.reads = layers[0].keeps_time, reads_of(layers, widths)
        super().__init__(width_of(layers, widths), seed, dtype)
        self.ready(None)

    def parts(self) -> dict[str, Operation]:
        return {f"layers.{k}": layer for k, layer in enumerate(self.layers)}

    def build(self, input_size: int, rng: np.random.Generator, dtype: npt.DTypeLike) -> int:
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
        x = as_array(self.name, "x", x)
        check_columns(self.name, x, self.widths)
        if lengths is not None:
            check_steps(self.name, x, self.batch_first, tokens=self.reads == "tokens")
        mask = mask_like(self.name, x, lengths, self.batch_first)
        x = x if mask is None else np.where(expand_mask(mask, x), x, 0)
        self.ready(self.input_size or x.shape[-1])
        x = self.cast("x", x) if self.reads == "numbers" else x
        ys = [layer(own, mask) if layer.over_time else layer(own) for layer, own in zip(self.layers, self.own(x))]
        check_same_shapes(self.name, [y.shape for y in ys])
        y = np.concatenate(ys, axis=-1).astype(self.dtype, copy=False)  # (2)
        mask = mask if self.keeps_time else None
        y = y if mask is None else np.where(expand_mask(mask, y), y, 0)
        ends = np.cumsum([part.shape[-1] for part in ys])[:-1]
        self.saved = ends, y.shape, mask, lengths if packed else None, serials(self.layers)
        return to_packed(y, lengths, self.batch_first) if packed and self.keeps_time else y

    def backward(self, dy: Any) -> Any:
        """dx of x's shape, None for integers, from dy of y's; parameters' gradients are ADDED."""
        ends, shape, mask, lengths, calls = self.recall()
        check_same_call(self.name, self.parts(), calls)
        dy = padded_like(self.name, dy, lengths if self.keeps_time else None, self.batch_first)
        dy = self.gradient(dy, shape, self.dtype)
        dy = dy if mask is None else np.where(expand_mask(mask, dy), dy, 0)
        dxs = [layer.backward(part) for layer, part in zip(self.layers, np.split(dy, ends, axis=-1))]  # (2)
        if self.reads != "numbers":
            return None
        dx = sum(dxs) if self.widths is None else np.concatenate(dxs, axis=-1)  # (1)
        return dx if lengths is None else to_packed(dx, lengths, self.batch_first)

    def own(self, x: Array) -> list[Array]:
        """Return the input of each layer."""
        if self.widths is None:
            return [x] * len(self.layers)
        parts = np.split(x, np.cumsum(self.widths)[:-1], axis=-1)  # (1)
        one = [layer.reads == "tokens" and width == 1 for layer, width in zip(self.layers, self.widths)]
        return [part[..., 0] if token else part for part, token in zip(parts, one)]


def reads_of(layers: Sequence[Operation], widths: Sequence[int] | None) -> str:
    """Return the kind of values in x: tokens if any layer looks them up."""
    if widths is None:
        return layers[0].reads
    return "numbers" if all(layer.reads == "numbers" for layer in layers) else "rows of tokens"


def width_of(layers: Sequence[Any], widths: Sequence[int] | None) -> int | None:
    """Return the width of x, or the vocabulary size of tokens; None if the first batch must set it."""
    if widths is not None:
        return sum(widths)
    return min(layer.input_size for layer in layers) if layers[0].reads != "numbers" else None
