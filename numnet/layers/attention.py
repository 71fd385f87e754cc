"""Attention: for each query a weighted mean of all steps of a sequence, with weights from scores."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from numnet.core import init as draw
from numnet.core.attributes import OfCall
from numnet.core.checks import (
    check_attention_batch,
    check_attention_widths,
    check_choice,
    check_equal_widths,
    check_size,
    validate_call,
)
from numnet.core.lengths import as_mask
from numnet.core.operation import Array
from numnet.core.parameters import ParamOperation

KINDS = ("dot", "general", "additive")


class Attention(ParamOperation):
    """Queries q (B, Q, H), a memory m (B, T, M), with `lengths` (B,) or a mask (B, T) of it → y (B, Q, M).

        k = m                          (1)   "dot": H = M
          = W_m m                            "general", "additive"
        e = q·k / √H                   (2)   "dot": Luong et al. 2015, with the scale of Vaswani et al. 2017
          = q·k                              "general": Luong et al. 2015
          = v·tanh(W_q q + k)                "additive": Bahdanau et al. 2015
        α = exp e / Σ_t exp e          (3)   over the real steps t of m; elsewhere 0, so that padding is never read
        y = Σ_t α_t m_t                (4)   0 for a row without a real step

    W_m (H, M), or with "additive" W_m (A, M), W_q (A, H), v (A,), where A is `hidden_size`, by default H.
    `input_size` is H and `memory_size` M; the first batch sets both. `weights` are the α (B, Q, T) of the last call.
    backward(dy) → (dq, dm). ValueError for wrong shapes.
    """

    takes = ("q", "m")
    W_m: Array
    W_q: Array
    v: Array
    dW_m: Array
    dW_q: Array
    dv: Array
    weights = OfCall()

    @validate_call
    def __init__(
        self,
        kind: str = "additive",
        *,
        input_size: int | None = None,
        memory_size: int | None = None,
        hidden_size: int | None = None,
        initial: str | float = "pytorch",
        seed: int | None = None,
        dtype: npt.DTypeLike = "float32",
    ) -> None:
        super().__init__(input_size, seed, dtype)
        check_choice(self.name, "kind", kind, KINDS)
        draw.check_initial(self.name, initial)
        check_size(self.name, input_size=input_size, memory_size=memory_size, hidden_size=hidden_size)
        self.kind, self.initial = kind, initial
        self.memory_size, self.hidden_size = memory_size, hidden_size
        self.ready(input_size if memory_size or kind == "dot" else None)

    def make(self, rng: np.random.Generator) -> int:
        H, M = self.width, self.memory_size or self.width
        A = self.hidden_size if self.hidden_size and self.kind == "additive" else H
        vars(self)["memory_size"] = M
        if self.kind == "dot":
            check_equal_widths(self.name, H, M)
        else:
            self.add_param("W_m", draw.projection(self.initial, rng, A, M))
        if self.kind == "additive":
            self.add_param("W_q", draw.projection(self.initial, rng, A, H))
            self.add_param("v", draw.projection(self.initial, rng, 1, A)[0])
        return M

    def config(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "memory_size": self.memory_size,
            "hidden_size": self.hidden_size,
            "initial": self.initial,
        }

    def forward(self, q: Any, m: Any, lengths: Any = None) -> Array:  # type: ignore[override]
        """y (B, Q, M) from q (B, Q, H) and m (B, T, M); `weights` (B, Q, T) are then those of this call."""
        q, m, mask = self.validated(q, m, lengths)
        k = m if self.kind == "dot" else m @ self.W_m.T  # (1)
        if self.kind == "additive":
            u = np.tanh((q @ self.W_q.T)[:, :, None] + k[:, None])  # (2) (B, Q, T, A)
            e = u @ self.v
        else:
            u, e = None, self.scale * (q @ k.swapaxes(1, 2))  # (2)
        self.weights = alpha = softmax_where(e, None if mask is None else mask[:, None])  # (3)
        self.saved = q, m, k, u, alpha
        return alpha @ m  # (4)

    def backward(self, dy: Any) -> tuple[Array, Array]:  # type: ignore[override]
        """(dq, dm) from dy (B, Q, M); parameters' gradients are ADDED. ValueError for another shape."""
        q, m, k, u, alpha = self.recall()
        dy = self.gradient(dy, (*q.shape[:2], m.shape[2]), self.dtype)
        d_alpha, dm = dy @ m.swapaxes(1, 2), alpha.swapaxes(1, 2) @ dy  # (4)
        de = alpha * (d_alpha - (d_alpha * alpha).sum(axis=-1, keepdims=True))  # (3)
        if self.kind == "additive":
            self.dv += de.reshape(-1) @ u.reshape(-1, len(self.v))  # (2)
            da = (1 - u * u) * self.v * de[..., None]  # (2) a = W_q q + k
            da_q, dk = da.sum(axis=2), da.sum(axis=1)
            self.dW_q += over_all(da_q, q)  # (2)
            dq = da_q @ self.W_q  # (2)
        else:
            de *= self.scale  # (2)
            dq, dk = de @ k, de.swapaxes(1, 2) @ q  # (2)
        if self.kind == "dot":
            return dq, dm + dk  # (1)
        self.dW_m += over_all(dk, m)  # (1)
        return dq, dm + dk @ self.W_m  # (1)

    @property
    def scale(self) -> float:
        """The factor of q·k. Without it wide vectors would start with one weight near 1, where (3) has no gradient."""
        return self.width**-0.5 if self.kind == "dot" else 1.0

    @property
    def widths(self) -> tuple[int | None, int | None]:
        """The widths of q and m, None if unknown."""
        return self.input_size, self.memory_size

    def validated(self, q: Any, m: Any, lengths: Any) -> tuple[Array, Array, Array | None]:
        """Return q and m, checked, cast and contiguous for BLAS, m with 0 at padding; and the mask (B, T)."""
        q, m = self.cast("q", q), self.cast("m", m)
        check_attention_batch(self.name, q, m)
        check_attention_widths(self.name, q, m, self.input_size, self.memory_size, self.kind == "dot")
        mask = as_mask(self.name, lengths, *m.shape[:2])
        vars(self)["memory_size"] = self.memory_size or m.shape[-1]
        self.ready(q.shape[-1])
        m = m if mask is None else np.where(mask[..., None], m, 0)
        return np.ascontiguousarray(q), np.ascontiguousarray(m), mask

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "weights": None}


def softmax_where(e: Array, real: Array | None) -> Array:
    """(3) exp(e - max e) / Σ over the steps t where `real` is true, 0 if there is none; the shift prevents overflow."""
    if real is not None:
        e = np.where(real, e, -np.inf)
    largest = e.max(axis=-1, keepdims=True)
    alpha = np.exp(e - np.where(np.isfinite(largest), largest, 0))
    total = alpha.sum(axis=-1, keepdims=True)
    return alpha / np.where(total > 0, total, 1)


def over_all(dy: Array, x: Array) -> Array:
    """Σ dy xᵀ over all vectors of dy (B, T, A) and x (B, T, M): the gradient (A, M) of W in y = W x."""
    return dy.reshape(-1, dy.shape[-1]).T @ x.reshape(-1, x.shape[-1])
