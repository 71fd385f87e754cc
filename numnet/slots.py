"""The memory of a recurrence, made once a size: slicing and allocating in the loop would cost as much as arithmetic."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import numpy.typing as npt

from numnet.operation import Array

IN_CACHE = 2**16  # numbers in an array of a chunk's steps: small enough for several of them to stay in the cache


class Slots(SimpleNamespace):
    """T steps of B samples, H hidden units and G gates. Arrays of all steps, and views that are cut once:

    a          (T, G·H, B)        pre-activations, which the step turns into gates
    h          (T+1, H, B)        h[t] enters step t, h[t+1] leaves it; an LSTM has c beside it
    dh         (H, B)             the gradient of the state, carried from the last step to the first; likewise dc
    da_all     (G·H, T, B)        the gradient of a, all steps side by side, ready for one product over all of them
    i_g, tanh_c; m                (T, H, B) what an LSTM, what a GRU keeps of each step besides
    product, spare                (G·H, B), (H, B): room for a result that the next line uses up
    product_rz, product_n, b_h    a GRU's blocks of product; its b_h once for each sample, (H, B)
    half                          1/2 as an array: in a small step, a Python number costs numpy more than the arithmetic
    gates, d_gates                the G blocks of a, of da: [gate, step] is (H, B)
    steps, d_steps                each step's views, in the order in which the node unpacks them
    W_hT; W_rzT, U_nT             the weights transposed, made for each way back

    The way back goes through `chunks`, slices of at most `chunk_steps` steps; some memory serves one after another:

    da         (chunk_steps, G·H, B)   the slopes, then the gradient of a; da[:n] are those of a chunk of n steps
    to_c       (chunk_steps, H, B)     an LSTM's slope from h to c

    `more` blocks of H rows follow the gates' in da and da_all: a GRU has dm there.
    """

    def __init__(self, T: int, B: int, G: int, H: int, dtype: npt.DTypeLike, more: int = 0) -> None:
        n = min(T, max(1, IN_CACHE // (H * B)))
        super().__init__(T=T, B=B, chunk_steps=n, dtype=dtype)
        self.chunks = [slice(t, min(t + n, T)) for t in range(0, T, n)]
        self.a, self.h, self.dh = self.new(T, G * H, B), self.new(T + 1, H, B), self.new(H, B)
        self.da, self.da_all = self.new(n, (G + more) * H, B), self.new((G + more) * H, T, B)
        self.product, self.half = self.new(G * H, B), np.asarray(0.5, dtype)
        self.gates, self.d_gates = (z.reshape(len(z), -1, H, B).swapaxes(0, 1) for z in (self.a, self.da))

    def new(self, *shape: int) -> Array:
        """Memory for an array."""
        return np.empty(shape, self.dtype)

    def in_turn(self, part: Array) -> list[Array]:
        """Each step's place in memory (chunk_steps, ...) that serves one chunk after another."""
        return [part[t % self.chunk_steps] for t in range(self.T)]

    def lay_aside(self, steps: slice) -> None:
        """da of a chunk to its steps' place in da_all."""
        self.da_all[:, steps] = self.da[: steps.stop - steps.start].swapaxes(0, 1)
