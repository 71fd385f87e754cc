"""The minimal gated unit: one gate that forgets, resets and updates at once."""

from __future__ import annotations

from numpy import dot, multiply, tanh

from numnet.activations import sigmoid
from numnet.columns import all_columns
from numnet.node import Node, Stretches
from numnet.operation import Array
from numnet.slots import Memory, Slots


class MGUNode(Node):
    """One step of the minimal gated unit (Zhou et al. 2016), x (D, B), h (H, B); h' is the state before.

        a = W_x x + b                  (0)   a (2H, B), the rows of f, n; for all steps at once: see node.py
        f = σ(a_f + U_f h')            (1)   the gate
        m = f ⊙ h'                     (2)
        n = tanh(a_n + U_n m)          (3)   candidate
        h = (1 - f) ⊙ h' + f ⊙ n       (4)

    W_x (2H, D), W_h (2H, H) = U_f over U_n, b (2H,).
    """

    G = 2
    gates = ("f", "n")
    passes_state = True
    bounded = True

    def slots(self, T: int, B: int, memory: Memory | None = None) -> Slots:
        s, H = super().slots(T, B, memory), self.hidden_size
        s.m = s.new(T, H, B)
        return s

    def step(self, s: Slots, t: int) -> None:
        H, (f, n), m, h_prev, h_met = self.hidden_size, s.gates[:, t], s.m[t], s.h[t], s.h_met[t]
        f += dot(self.W_h[:H], h_met)  # (1)
        f[...] = sigmoid(f)
        multiply(f, h_met, m)  # (2)
        n += dot(self.W_h[H:], m)  # (3)
        tanh(n, n)
        s.h_new[t] = h_prev + f * (n - h_prev)  # (4)

    def step_backward(self, s: Slots, t: int) -> None:
        H, (f, n), (df, dn) = self.hidden_size, s.gates[:, t], s.d_gates[:, t % s.chunk_steps]
        dh, h_prev, h_met = s.dh, s.h[t], s.h_met[t]
        multiply(dh * f, 1 - n * n, dn)  # (4) (3)
        dm = dot(self.W_h[H:].T, dn)  # (3)
        df[...] = (dh * (n - h_prev) + dm * h_met) * f * (1 - f)  # (4) (2) (1)
        dh *= 1 - f  # (4)
        d_met = dm * f + dot(self.W_h[:H].T, df)  # (2) (1)
        dh += d_met if s.drop is None else d_met * s.drop

    def state_backward(self, stretches: Stretches, da_all: Array) -> None:
        H = self.hidden_size
        h_met, m = (all_columns(*(getattr(s, name) for s in stretches)) for name in ("h_met", "m"))
        self.dW_h[:H] += da_all[:H] @ h_met.T  # (1)
        self.dW_h[H:] += da_all[H:] @ m.T  # (3)
