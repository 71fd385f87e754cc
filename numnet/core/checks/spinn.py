"""Validation of the parts, options and inputs of a SPINN."""

from __future__ import annotations

import math
import numbers
from collections.abc import Sequence
from typing import Any

from numnet.core.checks import check_real
from numnet.core.checks.parts import is_ours


def check_own_moves(who: str, drive: str, predicts: bool) -> None:
    """Check that there is a tracker that scores the moves if they drive the stack."""
    if drive == "own" and not predicts:
        raise ValueError(
            f"{who}: drive is 'own', and no tracker scores the moves, expected one. Give tracker=Tracker(hidden_size)."
        )


def check_weight(who: str, value: Any) -> None:
    """Check for a finite number, 0 or more."""
    if not (isinstance(value, numbers.Real) and 0 <= float(value) < math.inf):
        raise ValueError(f"{who}: transition_weight is {value!r}, expected a finite number, 0 or more.")


def check_gradient_of_loss(who: str, value: Any) -> None:
    """Check for a finite number."""
    if not (isinstance(value, numbers.Real) and math.isfinite(value)):
        raise ValueError(f"{who}: d_added_loss is {value!r}, expected a finite number.")


def check_parse_alone(who: str, **given: Any) -> None:
    """Check that lengths and transitions are not given beside a ParseBatch, which has them."""
    for name, value in given.items():
        if value is not None:
            raise ValueError(f"{who}: {name} is given beside a ParseBatch, which has its own. Omit {name}=.")


def check_given(who: str, drive: str, transitions: Any) -> None:
    """Check that there are transitions if they drive the stack."""
    if transitions is None and drive == "given":
        raise ValueError(
            f"{who}: transitions are missing, expected those of every sentence, because drive is 'given'. Pass "
            "pad_parses(parses, vocabulary), or set drive='own' with a Tracker."
        )


def check_words_stay(who: str, leaf: Sequence[Any]) -> None:
    """Check that the layers of leaf return a vector for each word (batch, N)."""
    for k, layer in enumerate(leaf):
        if layer.batch_first is False:
            raise ValueError(f"{who}: leaf[{k}] has batch_first=False, expected True: words are (batch, N).")
        if not layer.keeps_time:
            remedy = "Omit return_sequences=False" if layer.recurrent else f"Remove the {layer.name}"
            raise ValueError(
                f"{who}: leaf[{k}], {layer.name}, returns one vector for each sentence, expected one for each word: "
                f"the words are the leaves of the tree. {remedy}."
            )


def check_words(who: str, x: Any, first: Any) -> None:
    """Check for words (batch, N), or vectors (batch, N, D); `first` is the layer that reads them, or None."""
    numbers = first is None or (is_ours(first) and first.reads == "numbers" and not hasattr(first, "module"))
    tokens = check_real(who, "x", x) == "token"
    if x.ndim not in ((3,) if numbers else (2, 3)):
        words = "" if numbers else "words (batch, N), or "
        remedy = " One sentence? Pass x[None]." if x.ndim in (1, 2) else ""
        remedy = " Token ids? Begin leaf with Embedding(V, D)." if numbers and tokens and x.ndim == 2 else remedy
        raise ValueError(f"{who}: x is {tuple(x.shape)}, expected {words}vectors of words (batch, N, D).{remedy}")
    if 0 in x.shape[:2]:
        raise ValueError(f"{who}: x is {tuple(x.shape)}, expected at least one sentence of at least one word.")


def check_leaves(who: str, shape: Sequence[int], expected: Sequence[int]) -> None:
    """Check the shape of what leaf returns."""
    if tuple(shape) != tuple(expected):
        raise ValueError(
            f"{who}: leaf returns {tuple(shape)}, expected {tuple(expected)}, a vector for each word. Look for the "
            "layer that changes the axes."
        )


def check_states(who: str, leaf: int, reduce: int, names: str) -> None:
    """Check that the leaves have the width of the states of the tree's node."""
    if leaf != reduce:
        raise ValueError(
            f"{who}: leaf returns {leaf} features, expected {reduce}, the width of the state {names} of reduce. End "
            f"leaf with Dense({reduce})."
        )


def check_input_sizes(who: str, reduce: int | None, context: int, tracker: int | None, width: int) -> None:
    """Check that the node's context is as wide as the tracker's state, 0 without one; and the tracker's input."""
    if reduce is not None and reduce != context:
        has = "the hidden size of the tracker" if context else "because there is no tracker"
        raise ValueError(f"{who}: reduce has input_size {reduce}, expected {context}, {has}. Omit input_size=.")
    if tracker is not None and tracker != width:
        has = "three times the hidden size of reduce"
        raise ValueError(f"{who}: tracker has input_size {tracker}, expected {width}, {has}. Omit input_size=.")
