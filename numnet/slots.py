"""The memory of a recurrence, made once a size: slicing and allocating in the loop would cost as much as arithmetic."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import numpy.typing as npt

from numnet.operation import Array

IN_CACHE = 2**16  # numbers in an array of a chunk's steps: small enough for several of them to stay in the cache


class Slots(SimpleNamespace):
    """T steps of B samples, H hidden units and G gates. Arrays of all steps, and views that are cut once:

    a          (T, G·H, B)     pre-activations, which the step turns into gates
    h          (T+1, H, B)     h[t] enters step t, h[t+1] leaves it; an LSTM has c beside it
    dh         (H, B)          the gradient of the state, carried from the last step to the first; likewise dc
    side       (G·H, T, B)     the gradient of a, all steps side by side, ready for one product over all of them
    i_g, tanh_c; m, dm         (T, H, B) what an LSTM, what a GRU keeps of each step besides
    product, spare             (G·H, B), (H, B): room for a result that the next line uses up
    half                       1/2 as an array: in a small step, a Python number costs numpy more than the arithmetic
    gates, d_gates             the G blocks of a, of da: [gate, step] is (H, B)
    steps, d_steps             each step's views, a tuple a step, in the order in which the node unpacks them

    The way back goes through `chunks`, slices of at most `size` steps, and some memory serves one chunk after another:

    da         (size, G·H, B)  the slopes, then the gradient of a; da[:n] are those of a chunk of n steps
    to_c       (size, H, B)    an LSTM's slope from h to c
    """

    def __init__(self, T: int, B: int, G: int, H: int, dtype: npt.DTypeLike) -> None:
        size = min(T, max(1, IN_CACHE // (H * B)))
        super().__init__(T=T, B=B, size=size, dtype=dtype)
        self.chunks = [slice(t, min(t + size, T)) for t in range(0, T, size)]
        self.a, self.da, self.side = self.new(T, G * H, B), self.new(size, G * H, B), self.new(G * H, T, B)
        self.h, self.dh = self.new(T + 1, H, B), self.new(H, B)
        self.product, self.spare, self.half = self.new(G * H, B), self.new(H, B), np.asarray(0.5, dtype)
        self.gates, self.d_gates = (z.reshape(-1, G, H, B).swapaxes(0, 1) for z in (self.a, self.da))

    def new(self, *shape: int) -> Array:
        return np.empty(shape, self.dtype)

    def in_turn(self, z: Array) -> list[Array]:
        """Each step's place in memory (size, ...) that serves one chunk after another."""
        return [z[t % self.size] for t in range(self.T)]
