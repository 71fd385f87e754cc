"""Shift-reduce parses of a batch as integers: which moves are valid."""

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
