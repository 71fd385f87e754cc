"""What the numbers of a report count: characters, words, tokens, time steps, sequences."""

from __future__ import annotations

from typing import Any

import numpy as np

from numnet.core.arrays import to_numpy
from numnet.core.checks import has_classes
from numnet.core.checks.inputs import is_parses


def token_of(vocabulary: Any, batches: Any) -> str:
    """Return what one step of x is: the unit of the vocabulary, "token" for whole numbers, else "time step"."""
    if vocabulary is not None:
        return str(vocabulary.unit)
    batches = getattr(batches, "batches", batches)
    data = getattr(batches, "tokens", None)
    data = getattr(batches, "sequences", [getattr(batches, "x", None)])[0] if data is None else data
    return "token" if getattr(getattr(data, "dtype", None), "kind", "") in ("i", "u") else "time step"


def target_of(x: Any, target: Any, loss: Any, token: str) -> str:
    """Return what the loss is a mean over: the token if each has a target, else "sequence" or "target".

    Of a ParseBatch it is a node, a sentence or a pair.
    """
    if not has_classes(loss):
        return "target"
    if hasattr(target, "lengths"):
        return token
    shape = np.shape(to_numpy(target))
    if is_parses(x):
        rows = len(x.lengths)
        return "node" if shape[:2] == tuple(np.shape(x.transitions)) else "sentence" if shape[:1] == (rows,) else "pair"
    one = shape[-1:] == (1,) or to_numpy(target).dtype.kind not in "iu"  # classes (..., 1), or weights (..., V)
    places = shape[:-1] if one and len(shape) > 1 else shape
    if len(places) == 1:
        return "sequence"
    return token if places == tuple(getattr(x, "shape", np.shape(x)))[:2] else "target"


def unit_of(loss: Any, target: str) -> str:
    """Return the unit of a loss in a plot: "nats a word", or the name of a loss that is not in nats."""
    return f"nats a {target}" if loss.in_nats else str(getattr(loss, "name", type(loss).__name__))


def per_target(loss: Any, value: float) -> float:
    """Return the mean over the targets of the last call: with reduction="sum", the value is divided by their number."""
    counted = float(getattr(loss, "counted", 0))
    return value / counted if counted and getattr(loss, "reduction", "mean") == "sum" else value


def steps_of(x: Any, lengths: Any) -> int:
    """Return the number of steps of a batch: (B, T, ...) has B T, fewer with lengths; anything else counts as one.

    A ParseBatch has as many as words.
    """
    lengths = getattr(x, "lengths", lengths)
    if lengths is not None:
        return int(to_numpy(lengths).sum())
    shape = x.shape if hasattr(x, "shape") else np.shape(x) if isinstance(x, (list, tuple)) else ()
    return int(np.prod(shape[:2], dtype=int))
