"""Multi-head attention: several attentions side by side, each in a part of the features (Vaswani et al. 2017)."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import linear

from numnet.core import init as draw
from numnet.core import random as masks
from numnet.core.attributes import OfCall, Saved
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
from numnet.core.packed import Packed, padded_like, to_packed, to_padded
from torchnet.core.device import DTypeLike, as_tensor
from torchnet.core.parameters import ParamOperation


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
    W_q: Tensor
    W_k: Tensor
    W_v: Tensor
    W_o: Tensor
    b_q: Tensor
    b_k: Tensor
    b_v: Tensor
    b_o: Tensor
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
        dtype: DTypeLike = "float32",
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
            else:
                self.register_parameter(f"b_{name}", None)
        if self.dropout:
            self.mask_seed = int(rng.integers(2**31))
        return E

    def config(self) -> dict[str, Any]:
        options = {"causal": self.causal, "dropout": self.dropout, "bias": self.bias, "memory_size": self.memory_size}
        return {"heads": self.heads, "initial": self.initial, **options}

    def forward(self, q: Any, m: Any, lengths: Any = None) -> Tensor:  # type: ignore[override]
        """y (B, Q, E) from q (B, Q, E) and m (B, T, M); `weights` (B, heads, Q, T) are then those of this call."""
        q, given, mask = self.validated(q, m, lengths)
        m = given if mask is None else torch.where(mask[..., None], given, 0)
        y = self.attended(q, m, mask)
        self.save_graph((y,), (q, given))
        return y

    def backward(self, dy: Any) -> Any:
        """(dx, dm) from dy (B, Q, E); parameters' gradients are ADDED. ValueError for another shape."""
        (y,), inputs = self.recall()
        return tuple(self.pull((y,), inputs, (dy,)))

    def attended(self, x: Tensor, m: Tensor, mask: Tensor | None) -> Tensor:
        """y of the queries x."""
        q = self.split(linear(x, self.W_q, self.b_q))  # (1)
        k, v = self.split(linear(m, self.W_k, self.b_k)), self.split(linear(m, self.W_v, self.b_v))  # (1)
        e = (q @ k.transpose(-1, -2)) * (self.width // self.heads) ** -0.5  # (2)
        real = self.readable(mask, e)
        some = real.any(dim=-1, keepdim=True)
        alpha = torch.softmax(torch.where(real | ~some, e, -torch.inf), dim=-1) * some  # (3)
        self.weights = alpha.detach()
        u = (alpha * self.mask_of_dropout(alpha)) @ v  # (4)
        y = linear(u.transpose(1, 2).flatten(2), self.W_o, self.b_o)  # (5)
        return torch.where(some[:, 0], y, 0)

    def split(self, x: Tensor) -> Tensor:
        """(B, T, E) as one tensor for each head, (B, heads, T, d)."""
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)

    def readable(self, mask: Tensor | None, e: Tensor) -> Tensor:
        """Which steps each query reads, (B, 1, Q, T) or (1, 1, Q, T)."""
        real = torch.ones((1, 1, *e.shape[-2:]), dtype=torch.bool, device=e.device)
        real = real.tril() if self.causal else real
        return real if mask is None else real & mask[:, None, None]

    def mask_of_dropout(self, alpha: Tensor) -> Any:
        """1 / (1 - p) with probability 1 - p, else 0, for each weight; 1 in evaluation mode."""
        if not (self.dropout and self.training):
            return 1
        self.calls += 1
        drawn = masks.mask(self.dropout, tuple(alpha.shape), self.mask_seed, self.calls)
        return torch.as_tensor(drawn).to(alpha) / (1 - self.dropout)

    def validated(self, q: Any, m: Any, lengths: Any) -> tuple[Tensor, Tensor, Tensor | None]:
        """Return q and m as tensors that require gradients, with checked shapes; and the mask (B, T)."""
        q, m = self.cast("q", q), self.cast("m", m)
        check_attention_batch(self.name, q, m)
        check_attention_widths(self.name, q, m, self.input_size, self.memory_size, False)
        mask = as_mask(self.name, lengths, *m.shape[:2])
        check_heads(self.name, self.heads, q.shape[-1])
        vars(self)["memory_size"] = self.memory_size or m.shape[-1]
        self.ready(q.shape[-1], q)
        return self.followed(q), self.followed(m), None if mask is None else torch.from_numpy(mask.copy()).to(q.device)


class SelfAttention(MultiHeadAttention):
    """MultiHeadAttention of a sequence to itself, as a layer: x (B, T, E), with lengths or a mask (B, T) → y (B, T, E).

    Queries and memory are x; with causal=True a step reads only itself and earlier steps. y and dx are 0 at padding; y
    is Packed if x is. Without causal=True y of a step does not depend on the order of the others: add positions to x.
    """

    takes = ("x",)
    over_time = True
    batch_first = True
    lengths = Saved()  # of an x that is Packed

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
        dtype: DTypeLike = "float32",
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
        x = as_tensor(x, self.name, "x")
        check_steps(self.name, x, tokens=False, input_size=self.input_size)
        check_width(self.name, x, self.input_size)
        given = self.followed(self.cast("x", x))
        found = as_mask(self.name, lengths, *x.shape[:2])
        mask = None if found is None else torch.from_numpy(found.copy()).to(given.device)[..., None]
        x = given if mask is None else torch.where(mask, given, 0)
        x, _, real = self.validated(x, x, found)
        y = self.attended(x, x, real)
        y = y if mask is None else torch.where(mask, y, 0)
        self.save_graph((y,), (given,))
        self.lengths = lengths if packed else None
        return to_packed(y, lengths) if packed else y

    def backward(self, dy: Any) -> Any:
        """dx (B, T, E) from dy (B, T, E); parameters' gradients are ADDED. ValueError for another shape."""
        (y,), inputs = self.recall()
        dx = self.pull((y,), inputs, (padded_like(self.name, dy, self.lengths),))[0]
        return dx if self.lengths is None else to_packed(dx, self.lengths)
