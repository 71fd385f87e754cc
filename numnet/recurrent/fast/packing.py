"""Packing: each step runs only on rows that are not yet finished, so that padding costs little time.

Rows are sorted by their number of real steps, longest first. Then the unfinished rows are always the first ones, and
time is divided into runs: consecutive steps of the same rows. The last state of a run starts the next, with fewer rows.

        mask          its runs
    1 1 1 1 1         2 steps of 3 rows,
    1 1 0 1 0         1 step of 2 rows,
    1 1 0 0 0         2 steps of 1 row

A step that a mask excludes is skipped: the row's next real step follows. The reverse direction processes the real steps
from the last to the first. BLAS multiplies 8 columns in less time than 5, so the number of rows of a run is
rounded up: a row that has ended may continue with inputs of 0. Its outputs there are set to 0, and get no gradient.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from numnet.core.operation import Array

ROW_MULTIPLE = 8  # numbers of rows are rounded up to multiples of it, to its half, or to 1


def rounded_up(rows: Array, row_multiple: int) -> Array:
    """Round up to 1, half of ROW_MULTIPLE, or a multiple of it: few runs, of widths that BLAS multiplies fast."""
    half = row_multiple // 2
    return np.where(rows <= 1, rows, np.where(rows <= half, half, -(-rows // row_multiple) * row_multiple))


@dataclass
class Run:
    """T steps of the first B rows; row b has the first counts[b] of them.

    Without padding `counts` is None, and a state is passed on unchanged.
    """

    T: int
    B: int
    counts: Any = None

    @property
    def ends(self) -> dict[int, Array]:
        """For each step but the last, the columns of the rows that end there."""
        if self.counts is None:
            return {}
        return {int(k) - 1: np.flatnonzero(self.counts == k) for k in set(self.counts) if 0 < k < self.T}

    def active_columns(self, state: list[Any]) -> list[Any]:
        """Return the columns of the active rows from a state of all rows."""
        return state if self.counts is None else [part[:, : self.B] for part in state]

    def merged_state(self, state: list[Any], new: list[Array]) -> list[Array]:
        """Return the state of all rows, with new values for the active rows."""
        if self.counts is None:
            return new
        for part, columns in zip(state, new):
            part[:, : self.B] = columns
        return state

    def last_step_gradient(self, d_state: list[Any]) -> list[Any]:
        """Return the gradient at the last step: that of the rows that have not ended before it."""
        return d_state if self.counts is None else [part[:, : self.B] * (self.counts == self.T) for part in d_state]

    def merged_gradient(self, d_state: list[Any], new: list[Array]) -> list[Array]:
        """Return the gradient of all rows, with new values for rows that had a step."""
        if self.counts is None:
            return new
        taken = np.flatnonzero(self.counts)
        for part, columns in zip(d_state, new):
            part[:, taken] = columns[:, taken]
        return d_state


class Packing:
    """`pack` and `unpack` convert a padded array to the runs and back; `columns` and `rows` do so for a state.

    Without a mask there is one run, and nothing is copied.
    """

    def __init__(
        self, B: int, T: int, mask: Array | None = None, reverse: bool = False, row_multiple: int = ROW_MULTIPLE
    ) -> None:
        self.B, self.T, self.reverse = B, T, reverse
        self.mask = mask
        self.runs = [Run(T, B)] if mask is None else self.divided(mask, mask.sum(axis=1), row_multiple)

    def divided(self, mask: Array, counts: Array, row_multiple: int) -> list[Run]:
        """Divide into runs: a run ends where the number of unfinished rows, rounded up, decreases."""
        self.order, self.place, self.ended = np.argsort(-counts, kind="stable"), np.zeros(0, int), np.zeros(0, int)
        counts, times = counts[self.order], self.real_first(mask[self.order])
        rows = (counts[:, None] > np.arange(counts[0])).sum(axis=0)
        widths = np.minimum(self.B, rounded_up(rows, row_multiple))
        starts = np.flatnonzero(np.diff(widths, prepend=0))
        runs, place, real = [], [], []
        for first, end in zip(starts, [*starts[1:], len(widths)]):
            B, T = int(widths[first]), int(end - first)
            runs.append(Run(T, B, np.clip(counts[:B] - first, 0, T)))
            place.append((times[:B, first:end] + self.T * self.order[:B, None]).T.reshape(-1))
            real.append((np.arange(first, end)[:, None] < counts[:B]).reshape(-1))
        if runs:
            self.place, self.ended = np.concatenate(place), np.flatnonzero(~np.concatenate(real))
        return runs

    def real_first(self, mask: Array) -> Array:
        """Return the times (B, T) of each row: the real ones in processing order, then the others."""
        if not (mask[:, 1:] & ~mask[:, :-1]).any():  # no gaps: lengths
            times, counts = np.broadcast_to(np.arange(self.T), mask.shape), mask.sum(axis=1)[:, None]
            return np.where(times < counts, counts - 1 - times, times) if self.reverse else times
        if self.reverse:
            return self.T - 1 - np.argsort(~mask[:, ::-1], axis=1, kind="stable")
        return np.argsort(~mask, axis=1, kind="stable")

    @property
    def N(self) -> int:
        """The number of steps of all rows."""
        return sum(s.T * s.B for s in self.runs)

    def pack(self, x: Array) -> list[Array]:
        """Return x (B, T, ...) as the runs (B_k, T_k, ...), 0 where a row has ended."""
        if self.mask is None:
            return [x[:, ::-1] if self.reverse else x]
        packed = x.reshape(self.B * self.T, *x.shape[2:])[self.place]
        packed[self.ended] = 0
        return [part.reshape(s.T, s.B, *x.shape[2:]).swapaxes(0, 1) for s, part in self.divide(packed)]

    def unpack(self, parts: list[Array], width: int, dtype: npt.DTypeLike) -> Array:
        """Return runs (B_k, T_k, width) as (B, T, width), exactly 0 at padding."""
        if self.mask is None:
            return parts[0][:, ::-1] if self.reverse else parts[0]
        out, packed = np.zeros((self.B * self.T, width), dtype), np.empty((self.N, width), dtype)
        for (s, place), part in zip(self.divide(packed), parts):
            place.reshape(s.T, s.B, width)[...] = part.swapaxes(0, 1)
        packed[self.ended] = 0
        out[self.place] = packed
        return out.reshape(self.B, self.T, width)

    def divide(self, packed: Array) -> list[tuple[Run, Array]]:
        """Return each run and its part of packed values (N, ...), ordered by step, then by row."""
        ends = np.cumsum([s.T * s.B for s in self.runs])
        return [(s, packed[end - s.T * s.B : end]) for s, end in zip(self.runs, ends)]

    def split(self, all_steps: Array | None) -> list[Array]:
        """Return (D, N), the columns of all runs side by side, as the runs (B_k, T_k, D)."""
        if all_steps is None:
            return []
        return [part.reshape(s.T, s.B, -1).swapaxes(0, 1) for s, part in self.divide(all_steps.T)]

    def columns(self, state: Sequence[Any], sizes: Sequence[int], dtype: npt.DTypeLike) -> list[Any]:
        """Return the parts (B, H) of a state as (H, B), in the order of the runs; None becomes zeros."""
        if self.mask is None:
            return [None if part is None else part.T for part in state]
        return [
            np.zeros((size, self.B), dtype) if part is None else part[self.order].T for part, size in zip(state, sizes)
        ]

    def rows(self, part: Array) -> Array:
        """Return columns (H, B) as rows (B, H) in the order of the batch."""
        if self.mask is None:
            return part.T
        out = np.empty_like(part.T)
        out[self.order] = part.T
        return out
