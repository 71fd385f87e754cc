"""The memory of a recurrence, made once a size: slicing and allocating in the loop would cost as much as arithmetic."""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt

from numnet.columns import dot_for
from numnet.operation import Array

IN_CACHE = 2**16  # numbers in an array of a chunk's steps: small enough for several of them to stay in the cache
CACHE_LINE = 64  # bytes


class Room:
    """One block from which arrays are cut until it is cleared; too small for a call, it is larger for the next."""

    def __init__(self, dtype: npt.DTypeLike) -> None:
        self.block, self.used = np.empty(0, dtype), 0

    def new(self, *shape: int) -> Array:
        """Memory for an array: a part of the block, or memory of its own where the block is full."""
        start, size = self.used, math.prod(shape)
        step = CACHE_LINE // self.block.itemsize
        self.used += -(-size // step) * step
        if self.used > self.block.size:
            return np.empty(shape, self.block.dtype)
        return self.block[start : start + size].reshape(shape)

    def clear(self) -> None:
        """All of it may be cut again."""
        if self.used > self.block.size:
            self.block = np.empty(self.used, self.block.dtype)
        self.used = 0


class Memory:
    """What the stretches of a call have in common: room that is kept, room that one lends the next, and da_all.

    da_all (rows, N) has a column for each of the call's N real steps of all samples; each stretch has its columns.
    `apart` names the parts of the state under zoneout, `thinned` says whether there is state dropout: then what a step
    makes, or what it meets, has memory of its own.
    """

    da_all: Array

    def __init__(self, dtype: npt.DTypeLike, N: int, apart: Sequence[str] = (), thinned: bool = False) -> None:
        self.dtype, self.kept, self.lent = np.dtype(dtype), Room(dtype), Room(dtype)
        self.apart, self.thinned = apart, thinned
        self.begin(N)

    def begin(self, N: int) -> None:
        """A new call: whatever the one before kept is given up."""
        self.kept.clear()
        self.N, self.placed = N, 0

    def side_by_side(self, rows: int, T: int, B: int) -> Array:
        """The next T·B columns of da_all, as (rows, T, B)."""
        if self.placed == 0:
            self.da_all = self.kept.new(rows, self.N)
        first, self.placed = self.placed, self.placed + T * B
        return self.da_all[:, first : self.placed].reshape(rows, T, B)


class Slots(SimpleNamespace):
    """T steps of B samples, for a node of H hidden units and G gates. Arrays of all steps, and views cut once:

    a          (T, G·H, B)        pre-activations, which the step turns into gates
    h, h_new   (T+1, H, B)        h[t] enters step t, which writes h_new[t]: h[t+1] itself, but under zoneout
    h_met      (T, H, B)          the state as matrices meet it: h[t] itself, but where `drop` (H, B) drops parts of it
    dh         (H, B)             the gradient of the state, carried from the last step to the first
    c, c_new, dc                  likewise an LSTM's cell
    da_all     (rows, T, B)       the gradient of a, all steps side by side, ready for one product over all of them
    i_g, tanh_c; m                (T, H, B) what an LSTM, what a GRU keeps of each step besides
    product, spare                (G·H, B), (H, B): room for a result that the next line uses up
    product_rz, product_n, b_h    a GRU's blocks of product; its b_h once for each sample, (H, B)
    dot                           the product of a matrix with the columns: BLAS's own, or in blocks where B is small
    half                          1/2 as an array: in a small step, a Python number costs numpy more than the arithmetic
    gates, d_gates                the G blocks of a, of da: [gate, step] is (H, B)
    steps, d_steps                each step's views, in the order in which the node unpacks them
    W_hT; W_rzT, U_nT             the weights transposed, made for each way back
    ends                          what the last state's gradient adds to dh (and dc), at steps after which rows end

    The way back goes through `chunks`, slices of at most `chunk_steps` steps; some memory serves one after another:

    da         (chunk_steps, rows, B)  the slopes, then the gradient of a; da[:n] are those of a chunk of n steps
    to_c       (chunk_steps, H, B)     an LSTM's slope from h to c

    Under a projection h and dh have P rows. What else a node keeps is in its own `slots`; its `rows_back` says how many
    rows da and da_all have: G·H, and what else its way back leaves, a GRU's dm.
    """

    da_all: Array

    def __init__(self, node: Any, T: int, B: int, memory: Memory | None = None) -> None:
        G, H, rows = node.G, node.hidden_size, node.rows_back
        n = min(T, max(1, IN_CACHE // (H * B)))
        super().__init__(T=T, B=B, chunk_steps=n, dtype=node.dtype, memory=memory or Memory(node.dtype, T * B))
        self.memory.lent.clear()
        self.ends: dict[int, Any] = {}
        self.drop: Array | None = None
        self.dot = dot_for(B)
        self.chunks = [slice(t, min(t + n, T)) for t in range(0, T, n)]
        self.a, self.da, self.da_all = (
            self.new(T, G * H, B),
            self.lent(n, rows, B),
            self.memory.side_by_side(rows, T, B),
        )
        for name, size in zip(node.states, node.state_sizes):
            state = self.new(T + 1, size, B)
            new = self.new(T, size, B) if name in self.memory.apart else state[1:]
            vars(self).update({name: state, f"{name}_new": new, f"d{name}": self.lent(size, B)})
        self.h_met = self.new(*self.h_new.shape) if self.memory.thinned else self.h[:-1]
        self.product, self.half = self.lent(G * H, B), np.asarray(0.5, node.dtype)
        whole = rows - rows % H
        self.gates, self.d_gates = (z.reshape(len(z), -1, H, B).swapaxes(0, 1) for z in (self.a, self.da[:, :whole]))

    def new(self, *shape: int) -> Array:
        """Memory for an array that lasts from forward to backward."""
        return self.memory.kept.new(*shape)

    def lent(self, *shape: int) -> Array:
        """Memory for an array that the next stretch may write over."""
        return self.memory.lent.new(*shape)

    def in_turn(self, part: Array) -> list[Array]:
        """Each step's place in memory (chunk_steps, ...) that serves one chunk after another."""
        return [part[t % self.chunk_steps] for t in range(self.T)]

    def lay_aside(self, steps: slice) -> None:
        """da of a chunk to its steps' place in da_all."""
        self.da_all[:, steps] = self.da[: steps.stop - steps.start].swapaxes(0, 1)
