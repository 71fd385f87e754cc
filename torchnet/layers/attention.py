"""Attention: for each query a weighted mean of all steps of a sequence, with weights from scores."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import linear

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
from torchnet.core.device import DTypeLike, as_tensor
from torchnet.core.parameters import ParamOperation

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
    W_m: Tensor
    W_q: Tensor
    v: Tensor
    scale: Tensor
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
        dtype: DTypeLike = "float32",
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
        scale = torch.tensor(H**-0.5 if self.kind == "dot" else 1.0, dtype=self.dtype)
        self.register_buffer("scale", scale, persistent=False)  # all is computed on its device, in its dtype
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

    def forward(self, q: Any, m: Any, lengths: Any = None) -> Tensor:  # type: ignore[override]
        """y (B, Q, M) from q (B, Q, H) and m (B, T, M); `weights` (B, Q, T) are then those of this call."""
        q, given, mask = self.validated(q, m, lengths)
        m = given if mask is None else torch.where(mask[..., None], given, 0)
        e = self.scores(q, m)
        if mask is None:
            alpha = torch.softmax(e, dim=-1)  # (3)
        else:
            some = mask.any(dim=1)[:, None, None]
            alpha = torch.softmax(torch.where(mask[:, None] | ~some, e, -torch.inf), dim=-1) * some  # (3)
        self.weights = alpha.detach()
        y = alpha @ m  # (4)
        self.save_graph((y,), (q, given))
        return y

    def backward(self, dy: Any) -> Any:
        """(dq, dm) from dy (B, Q, M); parameters' gradients are ADDED. ValueError for another shape."""
        (y,), inputs = self.recall()
        return tuple(self.pull((y,), inputs, (dy,)))

    def scores(self, q: Tensor, m: Tensor) -> Tensor:
        """Return the scores e (B, Q, T): (1) (2)."""
        k = m if self.kind == "dot" else linear(m, self.W_m)
        if self.kind == "additive":
            return torch.tanh(linear(q, self.W_q)[:, :, None] + k[:, None]) @ self.v
        return self.scale * (q @ k.transpose(1, 2))

    def cast(self, name: str, x: Any) -> Tensor:
        x = as_tensor(x, self.name, name)
        return x.to(self.scale) if self.built else x.to(self.dtype)

    @property
    def widths(self) -> tuple[int | None, int | None]:
        """The widths of q and m, None if unknown."""
        return self.input_size, self.memory_size

    def validated(self, q: Any, m: Any, lengths: Any) -> tuple[Tensor, Tensor, Tensor | None]:
        """Return q and m as tensors that require gradients, with checked shapes; and the mask (B, T)."""
        q, m = self.cast("q", q), self.cast("m", m)
        check_attention_batch(self.name, q, m)
        check_attention_widths(self.name, q, m, self.input_size, self.memory_size, self.kind == "dot")
        mask = as_mask(self.name, lengths, *m.shape[:2])
        vars(self)["memory_size"] = self.memory_size or m.shape[-1]
        self.ready(q.shape[-1], q)
        return self.followed(q), self.followed(m), None if mask is None else torch.from_numpy(mask.copy()).to(q.device)

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "weights": None}
