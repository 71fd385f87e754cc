"""Packing: which rows take which steps, so that padding costs little and changes nothing.

Rows are sorted by their number of real steps, longest first. Then the rows that go on are always the first ones, and
time falls into runs: steps that the same rows take. The state of a run's rows is handed to the next run, of fewer rows.

        mask          its runs
    1 1 1 1 1         2 steps of 3 rows,
    1 1 0 1 0         1 step of 2 rows,
    1 1 0 0 0         2 steps of 1 row

A step that a mask leaves out is skipped: the row's next real one follows. The reverse direction takes the real steps
from the last to the first. BLAS multiplies 8 columns in less time than 5: so a run's rows are rounded up, and a row
that has ended may go on with inputs of 0. Its outputs there are set to 0, and get no gradient.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from numnet.core.operation import Array

GRAIN = 8  # columns; to its multiples, its half and one, numbers of rows are rounded up


def rounded_up(rows: Array, grain: int) -> Array:
    """1, half a grain, or a multiple of grains: few runs, of widths that BLAS multiplies fast."""
    half = grain // 2
    return np.where(rows <= 1, rows, np.where(rows <= half, half, -(-rows // grain) * grain))


@dataclass
class Run:
    """T steps of the first B rows, of which row b takes the first counts[b].

    Without padding `counts` is None, and a state is handed on as it is.
    """

    T: int
    B: int
    counts: Any = None

    @property
    def ends(self) -> dict[int, Array]:
        """The columns of the rows whose last step this is, for each step but the last."""
        if self.counts is None:
            return {}
        return {int(k) - 1: np.flatnonzero(self.counts == k) for k in set(self.counts) if 0 < k < self.T}

    def first(self, state: list[Any]) -> list[Any]:
        """The columns of the rows that take part, of a state of all rows."""
        return state if self.counts is None else [part[:, : self.B] for part in state]

    def next_start(self, state: list[Any], new: list[Array]) -> list[Array]:
        """The state of all rows, new where they take part."""
        if self.counts is None:
            return new
        for part, columns in zip(state, new):
            part[:, : self.B] = columns
        return state

    def going_on(self, d_state: list[Any]) -> list[Any]:
        """The gradient with which the last step begins: that of the rows that have not ended before."""
        return d_state if self.counts is None else [part[:, : self.B] * (self.counts == self.T) for part in d_state]

    def previous_end(self, d_state: list[Any], new: list[Array]) -> list[Array]:
        """The gradient of all rows, new where they have taken a step."""
        if self.counts is None:
            return new
        taken = np.flatnonzero(self.counts)
        for part, columns in zip(d_state, new):
            part[:, taken] = columns[:, taken]
        return d_state


class Packing:
    """`take` and `put` go from a padded array to the runs and back; `columns` and `rows` likewise for a state.

    Without a mask there is one run, and nothing is copied.
    """

    def __init__(self, B: int, T: int, mask: Array | None = None, reverse: bool = False, grain: int = GRAIN) -> None:
        self.B, self.T, self.reverse = B, T, reverse
        self.mask = mask
        self.runs = [Run(T, B)] if mask is None else self.divided(mask, mask.sum(axis=1), grain)

    def divided(self, mask: Array, counts: Array, grain: int) -> list[Run]:
        """A run ends where the number of rows that go on, rounded up, falls."""
        self.order, self.place, self.ended = np.argsort(-counts, kind="stable"), np.zeros(0, int), np.zeros(0, int)
        counts, times = counts[self.order], self.real_first(mask[self.order])
        rows = (counts[:, None] > np.arange(counts[0])).sum(axis=0)
        widths = np.minimum(self.B, rounded_up(rows, grain))
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
        """Every row's times, (B, T): the real ones in the order in which they are taken, then others."""
        if not (mask[:, 1:] & ~mask[:, :-1]).any():  # no gaps: lengths
            times, counts = np.broadcast_to(np.arange(self.T), mask.shape), mask.sum(axis=1)[:, None]
            return np.where(times < counts, counts - 1 - times, times) if self.reverse else times
        if self.reverse:
            return self.T - 1 - np.argsort(~mask[:, ::-1], axis=1, kind="stable")
        return np.argsort(~mask, axis=1, kind="stable")

    @property
    def N(self) -> int:
        """Steps of all rows."""
        return sum(s.T * s.B for s in self.runs)

    def take(self, x: Array) -> list[Array]:
        """x (B, T, ...) as the runs (B_k, T_k, ...), 0 where a row has ended."""
        if self.mask is None:
            return [x[:, ::-1] if self.reverse else x]
        packed = x.reshape(self.B * self.T, *x.shape[2:])[self.place]
        packed[self.ended] = 0
        return [part.reshape(s.T, s.B, *x.shape[2:]).swapaxes(0, 1) for s, part in self.divide(packed)]

    def put(self, parts: list[Array], width: int, dtype: npt.DTypeLike) -> Array:
        """Runs (B_k, T_k, width) as (B, T, width), exactly 0 where nothing is real."""
        if self.mask is None:
            return parts[0][:, ::-1] if self.reverse else parts[0]
        out, packed = np.zeros((self.B * self.T, width), dtype), np.empty((self.N, width), dtype)
        for (s, place), part in zip(self.divide(packed), parts):
            place.reshape(s.T, s.B, width)[...] = part.swapaxes(0, 1)
        packed[self.ended] = 0
        out[self.place] = packed
        return out.reshape(self.B, self.T, width)

    def divide(self, packed: Array) -> list[tuple[Run, Array]]:
        """Each run and its part of packed values (N, ...): step after step, and in a step row after row."""
        ends = np.cumsum([s.T * s.B for s in self.runs])
        return [(s, packed[end - s.T * s.B : end]) for s, end in zip(self.runs, ends)]

    def split(self, all_steps: Array | None) -> list[Array]:
        """(D, N), the columns of all runs side by side, as the runs (B_k, T_k, D)."""
        if all_steps is None:
            return []
        return [part.reshape(s.T, s.B, -1).swapaxes(0, 1) for s, part in self.divide(all_steps.T)]

    def columns(self, state: Sequence[Any], sizes: Sequence[int], dtype: npt.DTypeLike) -> list[Any]:
        """The parts (B, H) of a state as (H, B), in the order of the runs; None is zeros."""
        if self.mask is None:
            return [None if part is None else part.T for part in state]
        return [
            np.zeros((size, self.B), dtype) if part is None else part[self.order].T for part, size in zip(state, sizes)
        ]

    def rows(self, part: Array) -> Array:
        """Columns (H, B) as rows (B, H) in the batch's own order."""
        if self.mask is None:
            return part.T
        out = np.empty_like(part.T)
        out[self.order] = part.T
        return out
