"""Buffers of a kernel, created once per size: in the loop, slicing and allocation would cost as much as arithmetic.

A call takes its buffers from the layer's pool and owns them until nothing refers to the values that it saved. So calls
in several threads, or several calls before the first backward pass, never share memory.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt

from numnet.core.operation import Array
from numnet.recurrent.fast.blas import dot_for

IN_CACHE = 2**16  # numbers in an array of a chunk's steps: several such arrays stay in the processor's cache
CACHE_LINE = 64  # bytes
POOLED = 2  # free sets of buffers to store: enough for sizes that alternate, such as training and validation


class Arena:
    """Sub-allocates arrays from one block until clear(), which grows the block if it was too small."""

    def __init__(self, dtype: npt.DTypeLike) -> None:
        self.block, self.used = np.empty(0, dtype), 0

    def new(self, *shape: int) -> Array:
        """Return an array from the block, or a separate one if the block is full."""
        start, size = self.used, math.prod(shape)
        step = CACHE_LINE // self.block.itemsize
        self.used += -(-size // step) * step
        if self.used > self.block.size:
            return np.empty(shape, self.block.dtype)
        return self.block[start : start + size].reshape(shape)

    def clear(self) -> None:
        """Free the whole block."""
        if self.used > self.block.size:
            self.block = np.empty(self.used, self.block.dtype)
        self.used = 0


class CallBuffers:
    """The buffers of one call: an arena for values saved until backward, another for scratch, and da_all.

    da_all (rows, N) has a column for each of the call's N steps of all samples; each run has its own columns.
    """

    da_all: Array

    def __init__(self, dtype: npt.DTypeLike) -> None:
        self.dtype, self.saved, self.scratch = np.dtype(dtype), Arena(dtype), Arena(dtype)

    def begin(self, N: int) -> None:
        """Start a call of N steps, counted over all samples."""
        self.saved.clear()
        self.N, self.placed = N, 0

    def side_by_side(self, rows: int, T: int, B: int) -> Array:
        """The next T·B columns of da_all, as (rows, T, B)."""
        if self.placed == 0:
            self.da_all = self.saved.new(rows, self.N)
        first, self.placed = self.placed, self.placed + T * B
        return self.da_all[:, first : self.placed].reshape(rows, T, B)


class StepBuffers(SimpleNamespace):
    """T steps of B samples, for a kernel of H hidden units and G gates: arrays of all steps, and views of each.

    a          (T, G·H, B)        pre-activations, which the step turns into gates
    h          (T+1, H, B)        h[t] enters step t, which writes h[t+1]
    dh         (H, B)             the gradient of the state, passed from the last step to the first
    c, dc                         likewise an LSTM's cell state
    da_all     (rows, T, B)       the gradient of a, all steps side by side, for one product over all of them
    i_g, tanh_c; m                (T, H, B): further saved values of each step: an LSTM's; a GRU's
    product, temp                 (G·H, B), (H, B): scratch, for a result that the next line reads
    product_rz, product_n, b_h    a GRU's blocks of product; its b_h for each sample, (H, B)
    dot                           the product of a matrix with the columns: np.dot, or in blocks where B is small
    half                          1/2 as an array: in a small step a Python number costs numpy more than the arithmetic
    gates, d_gates                the G blocks of a, of da: [gate, step] is (H, B)
    steps, d_steps                the views of each step, in the order in which the kernel unpacks them
    W_hT; W_rzT, U_nT             the transposed weights of a backward pass
    ends                          the last state's gradient that is added to dh (and dc) at steps after which rows end

    The backward pass processes `chunks`, slices of at most `chunk_steps` steps, which share some scratch:

    da         (chunk_steps, rows, B)  the local derivatives, then the gradient of a; da[:n] is a chunk of n steps
    to_c       (chunk_steps, H, B)     an LSTM's ∂h/∂c

    da and da_all have `rows` rows: G·H, and H more for a GRU's dm.
    """

    da_all: Array

    def __init__(self, kernel: Any, T: int, B: int, call: CallBuffers) -> None:
        H, rows, dtype = kernel.H, kernel.rows, kernel.node.dtype
        n = min(T, max(1, IN_CACHE // (H * B)))
        super().__init__(T=T, B=B, chunk_steps=n, call=call)
        call.scratch.clear()
        self.ends: dict[int, Any] = {}
        self.dot = dot_for(B)
        self.chunks = [slice(t, min(t + n, T)) for t in range(0, T, n)]
        self.a, self.da = self.saved(T, kernel.G * H, B), self.scratch(n, rows, B)
        self.da_all = call.side_by_side(rows, T, B)
        for name in kernel.states:
            vars(self).update({name: self.saved(T + 1, H, B), f"d{name}": self.scratch(H, B)})
        self.product, self.half = self.scratch(kernel.G * H, B), np.asarray(0.5, dtype)
        self.gates, self.d_gates = (z.reshape(len(z), -1, H, B).swapaxes(0, 1) for z in (self.a, self.da))

    def saved(self, *shape: int) -> Array:
        """Return an array that is valid from forward to backward."""
        return self.call.saved.new(*shape)

    def scratch(self, *shape: int) -> Array:
        """An array that the next run may overwrite."""
        return self.call.scratch.new(*shape)

    def in_turn(self, part: Array) -> list[Array]:
        """Return the view of each step in an array (chunk_steps, ...) that the chunks share."""
        return [part[t % self.chunk_steps] for t in range(self.T)]

    def store(self, steps: slice) -> None:
        """Copy da of a chunk to the columns of its steps in da_all."""
        self.da_all[:, steps] = self.da[: steps.stop - steps.start].swapaxes(0, 1)


class Pool:
    """Free buffers by size. `take` and `put` are thread-safe."""

    def __init__(self) -> None:
        self.free: dict[Hashable, list[Any]] = {}

    def take(self, key: Hashable, make: Callable[..., Any], *sizes: Any) -> PooledBuffers:
        """Return buffers for a call: free ones with this key, or new ones from make(*sizes)."""
        try:
            return PooledBuffers(self, key, self.free[key].pop())
        except (KeyError, IndexError):
            return PooledBuffers(self, key, make(*sizes))

    def put(self, key: Hashable, buffers: Any) -> None:
        """Return buffers to the pool; of too many sizes, or too many of one size, the oldest are discarded."""
        waiting = self.free.setdefault(key, [])
        waiting.append(buffers)
        if len(waiting) > POOLED or len(self.free) > POOLED:
            del waiting[:-POOLED]
            for oldest in list(self.free)[:-POOLED]:
                self.free.pop(oldest, None)


class PooledBuffers:
    """The buffers of a call; they return to the pool when the last reference to the call is deleted."""

    __slots__ = ("buffers", "key", "pool")

    def __init__(self, pool: Pool, key: Hashable, buffers: Any) -> None:
        self.pool, self.key, self.buffers = pool, key, buffers

    def __del__(self) -> None:
        self.pool.put(self.key, self.buffers)
