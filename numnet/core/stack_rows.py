"""The stacks of a batch as row numbers: the states of all nodes are rows of one table M, and a stack lists rows of it.

    row 0                nothing: zeros
    rows 1 to L          the words, sentence by sentence
    the rows after them  the phrases: one row for each REDUCE, in the order in which they are composed

So SHIFT and REDUCE move numbers, and no state is copied: the thin stack of Bowman et al. (2016), with rows of M where
they store the top after every step. Every node is a child once, so no row except 0 is read twice in one step.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from numnet.core.shift_reduce import GROWTH, REDUCE, SHIFT, rules

Array = npt.NDArray[Any]


class StackRows:
    """The buffers and stacks of B sentences, one step after the other, the longest sentence first.

    order    (B,): the sentences by length; `running` of them, the first ones, are not finished before the next step
    nodes    (B, T): the row of M that each step has put on top, in the order of the sentences; 0 after the last step
    rows     how many rows of M are used so far
    """

    def __init__(self, lengths: Array, T: int) -> None:
        self.order = np.argsort(-lengths, kind="stable")
        self.lengths = lengths[self.order]
        self.words = (1 + lengths.cumsum() - lengths)[self.order]  # the row of the next word
        self.size = np.zeros_like(self.lengths)
        self.left = self.lengths.copy()  # words in the buffer
        width = int(lengths.max(initial=0)) + 2  # two places for nothing below the first element
        self.places = width * np.arange(len(lengths))
        self.stack = np.zeros(width * len(lengths), np.int64)
        self.rows = 1 + int(lengths.sum())
        self.nodes = np.zeros((len(lengths), T), np.int64)
        self.counts = (2 * self.lengths[:, None] - 1 > np.arange(T)).sum(axis=0)
        self.step = 0

    @property
    def running(self) -> int:
        """How many sentences are not finished."""
        return int(self.counts[self.step]) if self.step < len(self.counts) else 0

    def operands(self) -> Array:
        """(3, n): the rows of the top of the buffer, the top of the stack and the second element; 0 for nothing."""
        n = self.running
        top = self.places[:n] + self.size[:n]
        return np.stack([np.where(self.left[:n] > 0, self.words[:n], 0), self.stack[top + 1], self.stack[top]])

    def valid(self) -> tuple[Array, Array]:
        """Where SHIFT and where REDUCE is valid, (n,) each."""
        n = self.running
        return rules(self.size[:n], self.left[:n])[:2]

    def move(self, moves: Array) -> tuple[Array, Array]:
        """Make a valid move (n,) in each running sentence; return which of them reduce, and the rows of the phrases."""
        n, shifts = len(moves), moves == SHIFT
        reduced = np.flatnonzero(moves == REDUCE)
        new = np.arange(self.rows, self.rows + len(reduced))
        pushed = self.words[:n].copy()
        pushed[reduced] = new
        self.rows += len(reduced)
        self.words[:n] += shifts
        self.left[:n] -= shifts
        self.size[:n] += GROWTH[moves]
        self.stack[self.places[:n] + self.size[:n] + 1] = pushed
        self.nodes[self.order[:n], self.step] = pushed
        self.step += 1
        return reduced, new

    def roots(self) -> Array:
        """(B,): the row of each sentence's root after the last step, 0 for a sentence without words."""
        found = np.zeros_like(self.order)
        found[self.order] = self.stack[self.places + self.size + 1]
        return found


class Compositions(NamedTuple):
    """The REDUCEs of given transitions by height: those of group k have children in earlier groups alone.

    The phrases left[k], right[k] with starts[g] <= k < starts[g + 1] are of height g + 1, and become rows first + k.
    """

    left: Array
    right: Array
    starts: list[int]
    first: int
    nodes: Array
    roots: Array

    @property
    def rows(self) -> int:
        """How many rows M has."""
        return self.first + len(self.left)


def compositions(transitions: Array, lengths: Array) -> Compositions:
    """Return where the children of every REDUCE are, for valid transitions (B, T): all of one height are one group."""
    moves, first, width = transitions.T, 1 + int(lengths.sum()), int(lengths.max(initial=0)) + 1
    shifts, reduces = moves == SHIFT, moves == REDUCE
    phrases, sentences = int(reduces.sum()), np.arange(len(lengths))
    pushed = np.where(shifts, lengths.cumsum() - lengths + shifts.cumsum(axis=0), 0)  # the row of the next word
    pushed[reduces] = np.arange(first, first + phrases)
    places = GROWTH[moves].cumsum(axis=0) + width * sentences  # of what a step pushes: a phrase takes its left child's
    left, heights = np.zeros(first + phrases, np.int64), np.zeros(first + phrases, np.int64)
    right, stack = left.copy(), np.zeros(width * len(lengths), np.int64)
    for t, (place, new) in enumerate(zip(places, pushed)):
        made = new[reduces[t]]
        left[made], right[made] = stack[place[reduces[t]]], pushed[t - 1][reduces[t]]
        heights[made] = 1 + np.maximum(heights[left[made]], heights[right[made]])
        stack[place] = new
    order = first + np.argsort(heights[first:], kind="stable")
    row = np.arange(first + phrases)
    row[order] = np.arange(first, first + phrases)
    starts = np.searchsorted(heights[order], np.arange(1, heights.max() + 2)).tolist()
    last = np.maximum(2 * lengths - 2, 0)
    roots = np.where(lengths > 0, row[pushed][last, sentences], 0) if len(pushed) else 0 * lengths
    return Compositions(row[left[order]], row[right[order]], starts, first, row[pushed].T, roots)
