"""Validation of the parts, options and inputs of a SPINN."""

from __future__ import annotations

import math
import numbers
from collections.abc import Sequence
from typing import Any


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


def check_parse_alone(who: str, **given: Any) -> None:
    """Check that lengths and transitions are not given beside a ParseBatch, which has them."""
    for name, value in given.items():
        if value is not None:
            raise ValueError(f"{who}: {name} is given beside a ParseBatch, which has its own. Omit {name}=.")


def check_given(who: str, drive: str, transitions: Any) -> None:
    """Check that there are transitions if they drive the stack."""
    if transitions is None and drive == "given":
        raise ValueError(
            f"{who}: transitions are missing, expected those of every sentence, because drive is 'given'. Pass a "
            "ParseBatch, or set drive='own' with a Tracker."
        )


def check_batch_first(who: str, leaf: Sequence[Any]) -> None:
    """Check that no layer of leaf is time-major."""
    for k, layer in enumerate(leaf):
        if layer.batch_first is False:
            raise ValueError(f"{who}: leaf[{k}] has batch_first=False, expected True: words are (batch, N).")


def check_states(who: str, leaf: int, reduce: int, names: str) -> None:
    """Check that the leaves have the width of the states of the tree's node."""
    if leaf != reduce:
        raise ValueError(
            f"{who}: leaf returns {leaf} features, expected {reduce}, the width of the state {names} of reduce. End "
            f"leaf with Dense({reduce})."
        )


def check_context_size(who: str, reduce: int | None, tracker: int) -> None:
    """Check that the context of the tree's node has the width of the tracker's hidden state, or is 0 without one."""
    if reduce is not None and reduce != tracker:
        has = "the hidden size of the tracker" if tracker else "because there is no tracker"
        raise ValueError(f"{who}: reduce has input_size {reduce}, expected {tracker}, {has}. Omit input_size=.")
