"""The base class of the kernels: the loop over the runs of a batch, in place. The same results as ../unroll.py.

phase  forward                                            backward
  1    a = W_x x + b for all steps at once                the gradients of W_x, W_h, b and x, one product each
  2    step, which reads the previous state               step_backward, which reads the next step's gradient

The backward pass is linear in dh and dc. `slopes` computes their coefficients, the local derivatives, for many steps at
once; `step_backward` is the remaining recursion.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from numnet.core.layout import all_columns, columns, rows
from numnet.core.operation import Array
from numnet.core.pairs import sum_by_token
from numnet.recurrent.fast.blas import columns_copy, product, transposed, with_ones
from numnet.recurrent.fast.buffers import CallBuffers, Pool, StepBuffers
from numnet.recurrent.fast.packing import ROW_MULTIPLE, Packing


class Kernel:
    """One call of a layer whose node has in-place code. A subclass has step, slopes and step_backward."""

    G = 1
    states: tuple[str, ...] = ("h",)
    row_multiple = ROW_MULTIPLE  # of the packing: 1 if a state might overflow when it continues after its row's end

    def __init__(self, node: Any, pool: Pool) -> None:
        self.node, self.pool, self.H = node, pool, node.hidden_size

    @property
    def rows(self) -> int:
        """The number of rows of da: G·H, and more for other gradients that are summed over all steps."""
        return self.G * self.H

    def buffers(self, T: int, B: int, call: CallBuffers) -> StepBuffers:
        """Buffers for T steps of B samples; each kernel adds its own, and the views."""
        return StepBuffers(self, T, B, call)

    def step(self, s: StepBuffers, t: int) -> None:
        """Step t forward: s.a[t] and the state s.h[t] become gates and the state s.h[t + 1]."""
        raise NotImplementedError

    def slopes(self, s: StepBuffers, steps: slice) -> None:
        """Write the local derivatives of a chunk of steps to s.da[: its length]."""
        raise NotImplementedError

    def step_backward(self, s: StepBuffers, t: int) -> None:
        """Step t backward: s.dh at t+1 becomes s.dh at t; the step's local derivatives become da."""
        raise NotImplementedError

    def forward(self, x: Array, start: Sequence[Any], mask: Any, reverse: bool) -> Any:
        """x (B, T, D) or tokens (B, T), the parts (B, H) of the start state → y (B, T, H), the last state, saved."""
        sizes, dtype = self.node.state_sizes, self.node.dtype
        tokens = x.ndim == 2
        pooled, packing, runs = self.begin(x.shape[0], x.shape[1], mask, reverse)
        xs = [part.T.copy() if tokens else with_ones(part) for part in packing.pack(x)]
        state = packing.columns(start, sizes, dtype)
        for x, s, run in zip(xs, runs, packing.runs):
            self.start(s, run.active_columns(state))
            self.inputs(x, s)  # phase 1
            for t in range(s.T):
                self.step(s, t)  # phase 2
            state = run.merged_state(state, self.last_state(s, run.counts))
        y = packing.unpack([rows(s.h[1:]) for s in runs], sizes[0], dtype)
        y = y.copy(order="K") if mask is None else y  # the buffers are reused
        return y, [packing.rows(part) for part in state], (pooled, packing, runs, xs, tokens)

    def backward(self, dy: Array, d_last: Sequence[Any], saved: Any) -> Any:
        """dx (B, T, D), None for tokens; the start state's gradient; the parameters' gradients."""
        (_, packing, runs, xs, tokens), sizes, dtype = saved, self.node.state_sizes, self.node.dtype
        self.weights_backward(runs)
        d_state = packing.columns(d_last, sizes, dtype)
        for part, s, run in reversed(list(zip(packing.pack(dy), runs, packing.runs))):
            self.start_backward(s, run.last_step_gradient(d_state))
            for t, ended in run.ends.items():
                s.ends[t] = [(d, ended, last[:, ended]) for d, last in zip(self.gradients(s), d_state)]
            self.loop_backward(s, part)  # phase 2
            d_state = run.merged_gradient(d_state, [gradient.copy() for gradient in self.gradients(s)])
        dx, grads = self.sums(xs, runs) if runs else (None, {})  # phase 1
        d_start = [packing.rows(part) for part in d_state]
        return None if tokens else packing.unpack(packing.split(dx), self.node.width, dtype), d_start, grads

    def loop_backward(self, s: StepBuffers, dy: Array) -> None:
        """Run from the last step to the first, chunk by chunk."""
        dy = columns(dy) if columns(dy).flags.c_contiguous else columns_copy(dy)
        ends = s.ends
        for steps in reversed(s.chunks):
            self.slopes(s, steps)
            for t in reversed(range(steps.start, steps.stop)):
                s.dh += dy[t]
                if t in ends:
                    for gradient, ended, last in ends[t]:
                        gradient[:, ended] += last
                self.step_backward(s, t)
            s.store(steps)

    def begin(self, B: int, T: int, mask: Any, reverse: bool) -> Any:
        """Return the call's buffers from the pool, its packing, and the step buffers of each run."""
        dtype = self.node.dtype
        if mask is None:
            pooled = self.pool.take((B, T, reverse, dtype.char), self.whole, B, T, reverse)
            return pooled, *pooled.buffers
        packing = Packing(B, T, mask, reverse, self.row_multiple)
        pooled = self.pool.take(("packed", dtype.char), CallBuffers, dtype)
        pooled.buffers.begin(packing.N)
        return pooled, packing, [self.buffers(run.T, run.B, pooled.buffers) for run in packing.runs]

    def whole(self, B: int, T: int, reverse: bool) -> tuple[Packing, list[StepBuffers]]:
        """Create the packing and the buffers of calls without a mask, reused by each such call of this size."""
        call = CallBuffers(self.node.dtype)
        call.begin(T * B)
        return Packing(B, T, None, reverse), [self.buffers(T, B, call)]

    def start(self, s: StepBuffers, state: Sequence[Any]) -> None:
        """Write the parts of the start state, zeros for None, into the buffers that enter step 0."""
        for name, value in zip(self.states, state):
            getattr(s, name)[0] = 0 if value is None else value

    def start_backward(self, s: StepBuffers, d_state: Sequence[Any]) -> None:
        """Write the gradient of the last state, zeros for None."""
        for gradient, value in zip(self.gradients(s), d_state):
            gradient[...] = 0 if value is None else value

    def gradients(self, s: StepBuffers) -> list[Array]:
        """Return the current gradient of each part of the state."""
        return [getattr(s, f"d{name}") for name in self.states]

    def last_state(self, s: StepBuffers, counts: Any) -> list[Array]:
        """Copy each part of the state after the last step, or after counts (B,) steps of each row."""
        parts = [getattr(s, name) for name in self.states]
        if counts is None:
            return [part[-1].copy() for part in parts]
        return [part[counts, :, np.arange(s.B)].T for part in parts]

    def inputs(self, x: Array, s: StepBuffers) -> None:
        """s.a = W_x x + b  (0) for all steps: [W_x b] [x; 1] for x (T, D+1, B), a lookup for tokens (T, B)."""
        W_x = self.node.W_x
        b = self.node.b if self.node.bias else np.zeros(len(W_x), W_x.dtype)
        if x.ndim == 3:
            product(np.column_stack((W_x, b)), x, out=s.a)  # (0)
            return
        few = x.size < W_x.shape[1]  # fewer tokens than columns: b is added to the looked-up columns, not to the table
        table = W_x if few else W_x + b[:, None]  # (0)
        for tokens, a in zip(x, s.a):  # mode="clip" writes to `out` without a copy; the tokens have been checked
            table.take(tokens, axis=1, out=a, mode="clip")
        if few:
            s.a += b[:, None]

    def weights_backward(self, runs: Sequence[StepBuffers]) -> None:
        """Set the transposed weights for all steps."""
        W_hT = transposed(self.node.W_h, sum(s.T for s in runs))
        for s in runs:
            s.W_hT = W_hT

    def sums(self, xs: Sequence[Array], runs: Sequence[StepBuffers]) -> tuple[Array | None, dict[str, Any]]:
        """Return dx (D, N), None for tokens, and the gradients of all parameters, summed over all steps."""
        da_all = runs[0].call.da_all
        grads, da = self.state_sums(runs, da_all), da_all[: self.G * self.H]
        if xs[0].ndim == 3:
            dW = da @ all_columns(*xs).T  # (0) [dW_x db] = da [x; 1]ᵀ
            of_b = {"b": dW[:, -1]} if self.node.bias else {}  # (0)
            return self.node.W_x.T @ da, {**grads, "W_x": dW[:, :-1], **of_b}  # (0)
        present, sums = sum_by_token(np.concatenate([x.reshape(-1) for x in xs]), da)  # (0)
        of_b = {"b": sums.sum(axis=1)} if self.node.bias else {}  # (0)
        return None, {**grads, "W_x": (present, sums), **of_b}  # (0)

    def state_sums(self, runs: Sequence[StepBuffers], da_all: Array) -> dict[str, Any]:
        """Return the gradients of W_h and of other parameters that the step reads."""
        return {"W_h": da_all @ all_columns(*(s.h[:-1] for s in runs)).T}  # (1)
