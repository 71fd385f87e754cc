"""Shift-reduce parses of a batch as integers: which moves are valid, and where the children of each step are."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from numnet.core.checks import check_shape, data_array, kind_of, validate_call
from numnet.core.lengths import check_lengths

Array = npt.NDArray[Any]
SHIFT, REDUCE, SKIP = 0, 1, 2
MOVES = ("SHIFT", "REDUCE", "SKIP")
EXPECTED = ("SHIFT", "REDUCE", "the end or SKIP")
GROWTH = np.array([1, -1, 0])  # of the stack, by move


@validate_call
def valid_moves(stack: Any, words: Any) -> npt.NDArray[np.bool_]:
    """Return which of SHIFT, REDUCE, SKIP are valid, as truth values (..., 3); each choice among them makes a tree.

    stack: how many subtrees are on the stack; words: how many words are left. Both are whole numbers or arrays (...).

        SHIFT    words > 0
        REDUCE   stack >= 2
        SKIP     words = 0 and stack < 2, the sentence is finished

    So SHIFT is forced with fewer than two subtrees on the stack, and REDUCE when no word is left.
    """
    found = [data_array("valid_moves", name, x, "whole numbers") for name, x in (("stack", stack), ("words", words))]
    for name, x in zip(("stack", "words"), found):
        if kind_of(x) != "token" or (x < 0).any():
            got = x.min() if kind_of(x) == "token" else x.dtype
            raise ValueError(f"valid_moves: {name} has {got}, expected whole numbers, 0 or more.")
    if found[0].ndim and found[1].ndim:
        check_shape("valid_moves", "words", found[1].shape, found[0].shape, "One number for each stack.")
    return np.stack(np.broadcast_arrays(*rules(*found)), axis=-1)


def rules(stack: Array, words: Array) -> tuple[Array, Array, Array]:
    """Return where SHIFT, REDUCE and SKIP are valid, for arrays that are known to be right."""
    return words > 0, stack >= 2, (words == 0) & (stack < 2)


class Fault(NamedTuple):
    """The first transition that is not valid: its row and step, and what is wrong with it."""

    row: int
    step: int
    reason: str


def first_fault(transitions: Array, lengths: Array) -> Fault | None:
    """Return where a row of transitions (B, T) first stops being the parse of its number of words, or None.

    Step T is the end of the row, where the sentence must be finished.
    """
    B, T = transitions.shape
    ended = np.full((B, T + 1), SKIP, transitions.dtype)
    ended[:, :T] = transitions
    known = (ended >= SHIFT) & (ended <= SKIP)
    moves = np.where(known, ended, SKIP).astype(np.int64)
    growth, shifts = GROWTH[moves], moves == SHIFT
    stack = growth.cumsum(axis=1) - growth  # before the step
    words = lengths[:, None] - (shifts.cumsum(axis=1) - shifts)
    possible = rules(stack, words)
    right = known & np.choose(moves, possible)
    if right.all():
        return None
    b = int((~right).any(axis=1).argmax())
    t = int((~right[b]).argmax())
    got = "the end" if t == T else MOVES[moves[b, t]] if known[b, t] else str(ended[b, t])
    left = f"{words[b, t]} word{'s' * int(words[b, t] != 1)} left"
    expected = " or ".join(name for name, fits in zip(EXPECTED, possible) if fits[b, t])
    return Fault(b, t, f"{got} with {stack[b, t]} on the stack and {left}, expected {expected}")


def check_transitions(who: str, transitions: Any, lengths: Any) -> tuple[Array, Array]:
    """Return transitions (B, T) and lengths (B,) as int64; ValueError names the first step that no tree has."""
    found = data_array(who, "transitions", transitions, "transitions (batch, 2N - 1)")
    if kind_of(found) != "token":
        raise TypeError(f"{who}: transitions is {found.dtype}, expected integers: {named()}.")
    if found.ndim != 2:
        raise ValueError(f"{who}: transitions is {found.shape}, expected (batch, 2N - 1). One sentence? Pass [row].")
    counts = check_lengths(who, lengths, len(found), (found.shape[1] + 1) // 2)
    if fault := first_fault(found, counts):
        raise ValueError(f"{who}: transitions[{fault.row}, {fault.step}] is {fault.reason}.")
    return found.astype(np.int64), counts


def named() -> str:
    """Return the numbers of the moves, for a message."""
    return ", ".join(f"{k} ({name})" for k, name in enumerate(MOVES))


class StackPointers:
    """Where the operands of each step of a batch are, one step after the other: the thin stack of Bowman et al. (2016).

    S (T + 1, B, ...) contains whatever is on top of a stack: S[0] = 0 stands for nothing, S[t + 1] is the top after
    step t. A SKIP copies the top. Before step t, in row b:

        S[t, b]              the top of the stack, the right child of a REDUCE
        S[second[b], b]      the second element, the left child; second is 0 if there is none
        word cursor[b]       the top of the buffer; none is left if cursor[b] = lengths[b]
        size[b]              the number of elements on the stack

    Every element is an operand once, so no row of S, except S[0], occurs twice in the pairs (second[b], b) of a step.
    """

    def __init__(self, lengths: Array) -> None:
        self.lengths, self.step = lengths, 0
        self.size, self.cursor = np.zeros_like(lengths), np.zeros_like(lengths)
        self.rows = np.arange(len(lengths))
        self.stack = np.zeros((len(lengths), lengths.max(initial=0) + 1), np.int64)  # row of S, by element from 1

    @property
    def second(self) -> Array:
        """(B,): the row of S in which the second element is."""
        return self.stack[self.rows, np.maximum(self.size - 1, 0)]

    def valid(self) -> npt.NDArray[np.bool_]:
        """(B, 3): the valid moves of each sentence."""
        return np.stack(rules(self.size, self.lengths - self.cursor), axis=-1)

    def move(self, moves: Array) -> None:
        """Make one valid move (B,) in each sentence."""
        self.step += 1
        self.size = self.size + GROWTH[moves]
        self.cursor = self.cursor + (moves == SHIFT)
        self.stack[self.rows, self.size] = self.step
        self.stack[:, 0] = 0  # a sentence without words has no top


def second_pointers(transitions: Array, lengths: Array) -> Array:
    """Return `second` (T, B) of StackPointers before each step of valid transitions (B, T), all at once."""
    B, width = len(lengths), int(lengths.max(initial=0)) + 2
    growth = GROWTH[transitions.T]
    size, first = growth.cumsum(axis=0), width * np.arange(B)
    read = first + np.maximum(size - growth - 1, 0)
    write = first + np.where(size == 0, width - 1, size)  # a sentence without words has no top: the last column
    second, stack = np.zeros_like(read), np.zeros(B * width, np.int64)
    for t in range(len(read)):
        second[t] = stack[read[t]]
        stack[write[t]] = t + 1
    return second
