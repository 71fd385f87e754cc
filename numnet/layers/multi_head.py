"""Multi-head attention: several attentions side by side, each in a part of the features (Vaswani et al. 2017)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from numnet.core import init as draw
from numnet.core import random as masks
from numnet.core.arrays import as_array
from numnet.core.attributes import OfCall
from numnet.core.checks import (
    check_attention_batch,
    check_attention_widths,
    check_fraction,
    check_size,
    check_steps,
    check_width,
    validate_call,
)
from numnet.core.checks.attention import check_heads
from numnet.core.lengths import as_mask
from numnet.core.operation import Array
from numnet.core.packed import Packed, padded_like, to_packed, to_padded
from numnet.core.parameters import ParamOperation
from numnet.layers.attention import over_all, softmax_where


class MultiHeadAttention(ParamOperation):
    """Queries x (B, Q, E), a memory m (B, T, M), with `lengths` (B,) or a mask (B, T) of it → y (B, Q, E).

        q = W_q x + b_q                       (1)   and k = W_k m + b_k, v = W_v m + b_v, all of width E
        e = q·k / √d                          (2)   in each head: the E features are `heads` blocks of d = E / heads
        α = exp e / Σ_t exp e                 (3)   over the real steps t of m; with causal=True over t ≤ the query's
        u = Σ_t α_t v_t                       (4)   in training `dropout` is applied to α first, as in torch.nn
        y = W_o u + b_o                       (5)   u of all heads side by side; y is 0 where no step is left in (3)

    W_q, W_o (E, E), W_k, W_v (E, M); without biases if bias=False. `input_size` is E and `memory_size` M; the first
    batch sets both. As torch.nn.MultiheadAttention with batch_first=True, whose in_proj_weight is W_q, W_k and W_v,
    stacked; it gives NaN where no step is left. `weights` are the α (B, heads, Q, T) of the last call, before dropout.
    The argument q of a call is x. backward(dy) → (dx, dm). ValueError for wrong shapes.
    """

    takes: tuple[str, ...] = ("q", "m")
    W_q: Array
    W_k: Array
    W_v: Array
    W_o: Array
    b_q: Array
    b_k: Array
    b_v: Array
    b_o: Array
    weights = OfCall()

    @validate_call
    def __init__(
        self,
        heads: int,
        *,
        causal: bool = False,
        dropout: float = 0.0,
        bias: bool = True,
        input_size: int | None = None,
        memory_size: int | None = None,
        initial: str | float = "glorot",
        seed: int | None = None,
        dtype: npt.DTypeLike = "float32",
    ) -> None:
        super().__init__(input_size, seed, dtype)
        check_size(self.name, heads=heads, input_size=input_size, memory_size=memory_size)
        check_fraction(self.name, dropout=dropout)
        draw.check_initial(self.name, initial)
        check_heads(self.name, heads, input_size)
        self.heads, self.causal, self.dropout, self.bias = heads, causal, dropout, bias
        self.initial, self.memory_size = initial, memory_size
        if dropout:
            self.calls = 0
        self.ready(input_size if memory_size else None)

    def make(self, rng: np.random.Generator) -> int:
        E, M = self.width, self.memory_size or self.width
        check_heads(self.name, self.heads, E)
        vars(self)["memory_size"] = M
        for name, width in (("q", E), ("k", M), ("v", M), ("o", E)):
            W, b = draw.dense(self.initial, rng, E, width)
            self.add_param(f"W_{name}", W)
            if self.bias:
                self.add_param(f"b_{name}", b)
        if self.dropout:
            self.mask_seed = int(rng.integers(2**31))
        return E

    def config(self) -> dict[str, Any]:
        options = {"causal": self.causal, "dropout": self.dropout, "bias": self.bias, "memory_size": self.memory_size}
        return {"heads": self.heads, "initial": self.initial, **options}

    def forward(self, q: Any, m: Any, lengths: Any = None) -> Array:  # type: ignore[override]
        """y (B, Q, E) from q (B, Q, E) and m (B, T, M); `weights` (B, heads, Q, T) are then those of this call."""
        y, self.saved = self.attended(*self.validated(q, m, lengths))
        return y

    def backward(self, dy: Any) -> Any:
        """(dx, dm) from dy (B, Q, E); parameters' gradients are ADDED. ValueError for another shape."""
        return self.attended_backward(dy, self.recall())

    def attended(self, x: Array, m: Array, mask: Array | None) -> tuple[Array, Any]:
        """Return y, and what attended_backward needs."""
        q = self.split(self.product("q", x))  # (1)
        k, v = self.split(self.product("k", m)), self.split(self.product("v", m))  # (1)
        e = self.scale * (q @ k.swapaxes(-1, -2))  # (2)
        real = self.readable(mask, *e.shape[-2:])
        self.weights = alpha = softmax_where(e, real)  # (3)
        drop = self.mask_of_dropout(alpha)
        u = joined((alpha * drop) @ v)  # (4)
        some: Any = True if real is None else real.any(axis=-1)[:, 0, :, None]  # type: ignore[index]
        y = np.where(some, self.product("o", u), 0)  # (5)
        return y, ((x, m, some), (q, k, v), (alpha, drop, u))

    def attended_backward(self, dy: Any, saved: Any) -> tuple[Array, Array]:
        """dx and dm."""
        (x, m, some), (q, k, v), (alpha, drop, u) = saved
        dy = np.where(some, self.gradient(dy, x.shape, self.dtype), 0)
        du = self.split(self.product_backward("o", dy, u))  # (5)
        dv, d_alpha = (alpha * drop).swapaxes(-1, -2) @ du, drop * (du @ v.swapaxes(-1, -2))  # (4)
        de = alpha * (d_alpha - (d_alpha * alpha).sum(axis=-1, keepdims=True))  # (3)
        dq, dk = self.scale * (de @ k), self.scale * (de.swapaxes(-1, -2) @ q)  # (2)
        dx = self.product_backward("q", joined(dq), x)  # (1)
        dm = self.product_backward("k", joined(dk), m) + self.product_backward("v", joined(dv), m)  # (1)
        return dx, dm

    def product(self, name: str, x: Array) -> Array:
        """W x + b for the W of this name: (1) or (5)."""
        y = x @ getattr(self, f"W_{name}").T
        return y + getattr(self, f"b_{name}") if self.bias else y

    def product_backward(self, name: str, dy: Array, x: Array) -> Array:
        """dx = Wᵀ dy; dW = Σ dy xᵀ and db = Σ dy are ADDED: (1) or (5)."""
        dW = getattr(self, f"dW_{name}")
        dW += over_all(dy, x)
        if self.bias:
            db = getattr(self, f"db_{name}")
            db += dy.sum(axis=(0, 1))
        return dy @ getattr(self, f"W_{name}")

    @property
    def scale(self) -> float:
        """1 / √d: the variance of q·k then does not grow with the width of a head."""
        return float((self.width // self.heads) ** -0.5)

    def split(self, x: Array) -> Array:
        """(B, T, E) as one array for each head, (B, heads, T, d)."""
        return x.reshape(*x.shape[:2], self.heads, -1).swapaxes(1, 2)

    def readable(self, mask: Array | None, Q: int, T: int) -> Array | None:
        """Which steps each query reads, (B, 1, Q, T) or (1, 1, Q, T); None for all."""
        earlier = np.tri(Q, T, dtype=bool)[None, None] if self.causal else None
        if mask is None:
            return earlier
        real = np.broadcast_to(mask[:, None, None], (len(mask), 1, Q, T))
        return real if earlier is None else real & earlier

    def mask_of_dropout(self, alpha: Array) -> Any:
        """1 / (1 - p) with probability 1 - p, else 0, for each weight; 1 in evaluation mode."""
        if not (self.dropout and self.training):
            return 1
        self.calls += 1
        drawn = masks.mask(self.dropout, alpha.shape, self.mask_seed, self.calls).astype(self.dtype)
        return drawn / np.asarray(1 - self.dropout, self.dtype)

    def validated(self, q: Any, m: Any, lengths: Any) -> tuple[Array, Array, Array | None]:
        """Return q and m, checked and cast, m with 0 at padding; and the mask (B, T)."""
        q, m = self.cast("q", q), self.cast("m", m)
        check_attention_batch(self.name, q, m)
        check_attention_widths(self.name, q, m, self.input_size, self.memory_size, False)
        mask = as_mask(self.name, lengths, *m.shape[:2])
        check_heads(self.name, self.heads, q.shape[-1])
        vars(self)["memory_size"] = self.memory_size or m.shape[-1]
        self.ready(q.shape[-1])
        return q, m if mask is None else np.where(mask[..., None], m, 0), mask

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "weights": None}


class SelfAttention(MultiHeadAttention):
    """MultiHeadAttention of a sequence to itself, as a layer: x (B, T, E), with lengths or a mask (B, T) → y (B, T, E).

    Queries and memory are x; with causal=True a step reads only itself and earlier steps. y and dx are 0 at padding; y
    is Packed if x is. Without causal=True y of a step does not depend on the order of the others: add positions to x.
    """

    takes = ("x",)
    over_time = True
    batch_first = True

    @validate_call
    def __init__(
        self,
        heads: int,
        *,
        causal: bool = False,
        dropout: float = 0.0,
        bias: bool = True,
        input_size: int | None = None,
        initial: str | float = "glorot",
        seed: int | None = None,
        dtype: npt.DTypeLike = "float32",
    ) -> None:
        super().__init__(
            heads, causal=causal, dropout=dropout, bias=bias, input_size=input_size, memory_size=input_size,
            initial=initial, seed=seed, dtype=dtype,
        )  # fmt: skip

    def config(self) -> dict[str, Any]:
        return {name: value for name, value in super().config().items() if name != "memory_size"}

    def forward(self, x: Any, lengths: Any = None) -> Any:  # type: ignore[override]
        """y (B, T, E) from x (B, T, E). ValueError for an x or lengths that do not fit."""
        packed, (x, lengths) = isinstance(x, Packed), to_padded(x, lengths)
        x = as_array(self.name, "x", x)
        check_steps(self.name, x, tokens=False, input_size=self.input_size)
        check_width(self.name, x, self.input_size)
        mask = as_mask(self.name, lengths, *x.shape[:2])
        x = x if mask is None else np.where(mask[..., None], x, 0)
        y, saved = self.attended(*self.validated(x, x, mask))
        y = y if mask is None else np.where(mask[..., None], y, 0)
        self.saved = saved, mask, lengths if packed else None
        return to_packed(y, lengths) if packed else y

    def backward(self, dy: Any) -> Any:
        """dx (B, T, E) from dy (B, T, E); parameters' gradients are ADDED. ValueError for another shape."""
        saved, mask, counts = self.recall()
        dy = self.gradient(padded_like(self.name, dy, counts), saved[0][0].shape, self.dtype)
        dy = dy if mask is None else np.where(mask[..., None], dy, 0)
        d_queries, d_memory = self.attended_backward(dy, saved)
        dx = d_queries + d_memory
        dx = dx if mask is None else np.where(mask[..., None], dx, 0)
        return dx if counts is None else to_packed(dx, counts)


def joined(heads: Array) -> Array:
    """(B, heads, T, d) side by side, (B, T, E)."""
    B, _, T, _ = heads.shape
    return heads.swapaxes(1, 2).reshape(B, T, -1)
