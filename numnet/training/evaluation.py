"""The loss and the predictions of a model over data of any kind, in evaluation mode; no mathematics of the network."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from numnet.core.arrays import to_numpy
from numnet.core.checks import validate_call
from numnet.core.checks.inputs import check_counted, check_one_output, check_predictable, epoch_of, is_parses
from numnet.core.checks.runs import check_trains
from numnet.core.packed import Packed
from numnet.data.batches.arrays import ArrayBatches
from numnet.training.inputs import Cutting, as_batches, check_cut, without_targets
from numnet.training.units import per_target


@validate_call
def evaluate(model: Any, batches: Any, batch_size: int | None = None) -> float:
    """Return the mean loss over all targets of one epoch, in evaluation mode; the state is carried if the batches do.

    `batches` is data of any kind that a Trainer takes; arrays are read in order, `batch_size` (32) rows at a time. The
    states of stateful layers are the same afterwards. ValueError if no target counts.
    """
    check_trains("evaluate", model, "evaluate")
    return mean_loss("evaluate", "batches", model, ordered("evaluate", "batches", model, batches, batch_size))


def ordered(who: str, name: str, model: Any, data: Any, batch_size: int | None) -> Any:
    """Return data of any kind as batches, arrays in their own order."""
    batches = as_batches(who, name, data, Cutting(batch_size, shuffle=False), sized=False)
    check_cut(who, model, Cutting(batch_size), **{name: (batches, data)})
    return batches


def mean_loss(who: str, name: str, model: Any, batches: Any, watch: Any = None) -> float:
    """Return the mean loss of checked batches; the metrics of `watch` see them. `name` is their name in errors."""
    state, total, count = None, 0.0, 0.0
    if watch is not None:
        watch.reset()
    with model.fresh_state(), contextlib.nullcontext() if watch is None else watch.of(model):
        for x, y, *lengths in epoch_of(who, name, batches, 0):
            value = float(model.evaluate(x, y, state, lengths=lengths[0] if lengths else None))
            loss = model.needs_loss()
            counted = float(getattr(loss, "counted", 0))
            total, count = total + per_target(loss, value) * counted, count + counted
            state = model.last_state if batches.carries_state else None
            if not batches.carries_state:
                model.reset_state()
    check_counted(who, name, 0, count)
    return total / count


def predict(who: str, model: Any, data: Any, lengths: Any, batch_size: int | None) -> Any:
    """Return the predictions for data of any kind, in its order: see Trainer.predict."""
    check_predictable(who, model)
    batches = without_targets(who, data, lengths, Cutting(batch_size, shuffle=False))
    check_cut(who, model, Cutting(batch_size), data=(batches, data))
    rows: list[Any] = []
    found, whole = [], isinstance(batches, ArrayBatches)
    for x, y, real in outputs(who, model, batches):
        if whole or real is None or not has_steps(model, x, y):
            found.append(y)
        else:
            rows += real_steps(y, real)
    if batches.carries_state:
        return np.concatenate(found, axis=1)
    if rows or len({y.shape[1:] for y in found}) > 1:
        return in_order(batches, rows or [row for y in found for row in y])
    return in_order(batches, np.concatenate(found))


def outputs(who: str, model: Any, batches: Any) -> Iterator[tuple[Any, Any, Any]]:
    """Yield x, the output of the model as an array, and the lengths or None, for each batch."""
    state = None
    with model.fresh_state():
        for x, _, *lengths in epoch_of(who, "data", batches, 0, targets=False):
            real = lengths[0] if lengths else None
            y = model.predict(x, state, lengths=real)
            state = model.last_state if batches.carries_state else None
            if not batches.carries_state:
                model.reset_state()
            if isinstance(y, Packed):
                x, y, real = x.padded(), y.padded(), y.lengths
            if is_parses(x):
                real = nodes_of(x)
            check_one_output(who, y)
            yield x, to_numpy(y), None if real is None else to_numpy(real)


def nodes_of(x: Any) -> Any:
    """Return the number of nodes of each tree of a ParseBatch: 2N - 1, or 0 without words."""
    return np.maximum(2 * to_numpy(x.lengths) - 1, 0)


def has_steps(model: Any, x: Any, y: Any) -> bool:
    """Return whether an output has one entry for each step of x, or node of its trees, not one for each sequence."""
    if is_parses(x):
        return y.shape[:2] == to_numpy(x.transitions).shape and y.ndim > 2
    layers = getattr(model, "layers", None)
    keeps = y.ndim > 2 if layers is None else all(layer.keeps_time for layer in layers)
    return keeps and y.shape[:2] == to_numpy(x).shape[:2]


def real_steps(y: Any, real: Any) -> list[Any]:
    """Return the output of the real steps of each row; `real` is lengths (B,) or a mask (B, T)."""
    return [row[:steps] if real.ndim == 1 else row[steps.astype(bool)] for row, steps in zip(y, real)]


def in_order(batches: Any, found: Any) -> Any:
    """Return predictions in the order of the data: `order` of shuffled batches has the rows of each batch."""
    batches = getattr(batches, "batches", batches)
    if not hasattr(batches, "order"):
        return found
    places = np.argsort(np.concatenate(batches.order(0)))
    return [found[k] for k in places] if isinstance(found, list) else found[places]
