"""The tracker: an LSTM beside a stack, which reads what a parser looks at, and scores its next move."""

from __future__ import annotations

from typing import Any

import numpy as np

from numnet.core import init as draw
from numnet.core.checks import validate_call
from numnet.core.operation import Array
from numnet.recurrent.lstm import LSTMNode


class Tracker(LSTMNode):
    """One step of the tracking LSTM of SPINN (Bowman et al. 2016): an LSTM that scores the two moves of a parser.

        h, c = LSTM(x, h', c')    (0) to (5)   the step of LSTMNode
        y = W_m h + b_m           (6)          the scores (logits) of SHIFT and REDUCE, in this order

    It runs before each move, on x = [h_b; h_1; h_2]: the hidden states of the top of the buffer, of the top of the
    stack and of the second element; zeros where there is none. Its h is the context e of the move's TreeNode. Shapes
    with hidden size H: h, c (H, B); y (2, B); W_m (2, H), b_m (2,), no b_m with bias=False; W_x (4H, 3D) for states of
    D numbers. y is no part of the state, so the node returns (y, (h, c)), on a Tape
    `logits, context = tape.tracker(x, context)`. With predicts=False there is no (6), and y is h. `forget_bias` is that
    of LSTMNode; with bias=False it must be 0.
    """

    W_m: Array
    b_m: Array

    @validate_call
    def __init__(self, hidden_size: int, *, predicts: bool = True, forget_bias: float = 1.0, **options: Any) -> None:
        self.predicts = self.reads_out = predicts
        super().__init__(hidden_size, forget_bias=forget_bias, **options)

    def make(self, rng: np.random.Generator) -> int:
        width = super().make(rng)
        if not self.predicts:
            return width
        W_m, b_m = draw.dense(self.initial, rng, 2, self.hidden_size)
        self.add_param("W_m", W_m)
        if self.bias:
            self.add_param("b_m", b_m)
        return 2

    def config(self) -> dict[str, Any]:
        return {**super().config(), "predicts": self.predicts}

    def step(self, a_x: Array, h_prev: Array, c_prev: Array, drop: Array | None = None) -> Any:
        h, state, saved = super().step(a_x, h_prev, c_prev, drop)  # (1) to (5)
        if not self.predicts:
            return h, state, (h, saved)
        y = self.W_m @ h + (self.b_m[:, None] if self.bias else 0)  # (6)
        return y, state, (h, saved)

    def step_backward(self, dy: Array, dh_next: Array, dc_next: Array, saved: Any, drop: Array | None = None) -> Any:
        """dq is ∂L/∂q; dh_next is from the next step and from the TreeNode whose context h is."""
        h, saved = saved
        pairs: dict[str, Any] = {}
        if self.predicts:
            pairs = {"W_m": (dy, h), **({"b_m": (dy, None)} if self.bias else {})}  # (6)
            dy = self.W_m.T @ dy  # (6)   the gradient of h from the scores
        da, d_state, lstm_pairs = super().step_backward(dy, dh_next, dc_next, saved, drop)  # (5) to (1)
        return da, d_state, {**lstm_pairs, **pairs}
