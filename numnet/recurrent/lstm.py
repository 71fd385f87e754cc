"""The long short-term memory: a cell state that three gates keep, write and read."""

from __future__ import annotations

from typing import Any

import numpy as np

from numnet.core.checks import check_forget_bias, validate_call
from numnet.core.operation import Array
from numnet.layers.activations import sigmoid
from numnet.recurrent.node import Node, dropped


class LSTMNode(Node):
    """One time step of an LSTM (Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000).

        a = a_x + W_h h'                   (1)   pre-activations a_i, a_f, a_g, a_o, stacked; a_x = W_x x + b  (0)
        i, f, o = σ(a_i), σ(a_f), σ(a_o)   (2)   input, forget and output gate
        g = tanh(a_g)                      (3)   candidate
        c = f ⊙ c' + i ⊙ g                 (4)   cell state
        h = o ⊙ tanh(c)                    (5)   hidden state, and the output y

    h', c' are h, c of the previous step. (0) and its backward pass, with the gradients of x, W_x and b, are in node.py.
    unroll.py calls step from the first step to the last, then step_backward from the last to the first: what one call
    returns as dh_prev, dc_prev is dh_next, dc_next of the next call. Shapes: h, c (H, B); a (4H, B); W_x (4H, D),
    W_h (4H, H) and b (4H,) in PyTorch's order of gates. With a mask `drop` of state dropout W_h reads h_in = h' ⊙ drop;
    without one h_in is h'. `forget_bias` is added to the initial b_f: with 1 a new network keeps more of its cell
    state.
    """

    G = 4
    gates = ("i", "f", "g", "o")
    states = ("h", "c")

    @validate_call
    def __init__(self, hidden_size: int, *, forget_bias: float = 0.0, **options: Any) -> None:
        check_forget_bias(self.name, forget_bias, options.get("bias", True))
        self.forget_bias = forget_bias
        super().__init__(hidden_size, **options)

    def make(self, rng: np.random.Generator) -> int:
        width = super().make(rng)
        if self.forget_bias:
            self.b[self.hidden_size : 2 * self.hidden_size] += self.forget_bias
        return width

    def config(self) -> dict[str, Any]:
        return {**super().config(), "forget_bias": self.forget_bias}

    def step(self, a_x: Array, h_prev: Array, c_prev: Array, drop: Array | None = None) -> Any:
        h_in = dropped(h_prev, drop)
        a_i, a_f, a_g, a_o = self.blocks(a_x + self.W_h @ h_in)  # (1)
        i, f, o = sigmoid(a_i), sigmoid(a_f), sigmoid(a_o)  # (2)
        g = np.tanh(a_g)  # (3)
        c = f * c_prev + i * g  # (4)
        tanh_c = np.tanh(c)  # (5)
        h = o * tanh_c  # (5)
        return h, (h, c), (h_in, c_prev, i, f, g, o, tanh_c)

    def step_backward(self, dy: Array, dh_next: Array, dc_next: Array, saved: Any, drop: Array | None = None) -> Any:
        """dq is ∂L/∂q. The pair (da, h_in) is the step's term of dW_h = Σ_t da h_inᵀ, which core/pairs.py sums."""
        h_in, c_prev, i, f, g, o, tanh_c = saved
        dh = dy + dh_next  # h is the output, and the next step's h'
        do = dh * tanh_c  # (5)
        dc = dc_next + dh * o * (1 - tanh_c**2)  # (5)   c is also the next step's c'
        di = dc * g  # (4)
        dg = dc * i  # (4)
        df = dc * c_prev  # (4)
        dc_prev = dc * f  # (4)
        da_g = dg * (1 - g**2)  # (3)   the derivative of tanh is 1 - tanh²
        da_i = di * i * (1 - i)  # (2)   the derivative of σ is σ (1 - σ)
        da_f = df * f * (1 - f)  # (2)
        da_o = do * o * (1 - o)  # (2)
        da = np.concatenate([da_i, da_f, da_g, da_o])  # in the order of (1)
        dh_prev = dropped(self.W_h.T @ da, drop)  # (1)   with h_in = h' ⊙ drop
        return da, (dh_prev, dc_prev), {"W_h": (da, h_in)}  # (1)   da_x is da
