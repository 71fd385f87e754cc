"""What made a loss or a gradient infinite or NaN: the data, the weights, or the step size."""

from __future__ import annotations

from typing import Any

import numpy as np

from numnet.core.arrays import to_numpy
from numnet.core.checks import first_place
from numnet.core.checks.inputs import is_parses
from numnet.core.lengths import as_mask

LARGE = 1e4  # larger values of the data are named as the likely cause of an overflow


def first_nonfinite(model: Any) -> str:
    """Return a sentence that names the first parameter, or else the first gradient, with an infinity or NaN."""
    for what, arrays in (("The parameter", model.params), ("The gradient of", model.grads)):
        for name, value in arrays.items():
            if value is not None and not np.isfinite(to_numpy(value)).all():
                return f"{what} {name} is not finite."
    return "Every parameter and gradient is finite."


def remedy(model: Any, step: int, x: Any, target: Any, lengths: Any = None) -> str:
    """Return the remedy for a loss or a gradient that is not finite, after this number of steps."""
    batch = {"x": counted_values(x, lengths), "target": counted_values(target, lengths)}
    for name, values in batch.items():
        if not np.isfinite(values).all():
            place = first_place(~np.isfinite(values))
            return f"{name}{place} is {values[tuple(place)]}: clean the data, which has a NaN or an infinity."
    if step > 0:
        return f"Lower the learning rate, or set clip_norm.{half(model)}"
    if not all(np.isfinite(to_numpy(p)).all() for p in model.params.values()):
        return "No step was taken yet: load weights that are finite."
    name, largest = max(
        ((name, float(np.abs(v).max(initial=0))) for name, v in batch.items()), key=lambda each: each[1]
    )
    if largest > LARGE:
        return f"No step was taken yet: scale the data, as the largest value of {name} is {largest:.3g}.{half(model)}"
    return f"No step was taken yet: use smaller initial weights, shorter sequences or clip_norm.{half(model)}"


def counted_values(values: Any, lengths: Any) -> Any:
    """Return the numbers of a batch, with 0 at padding; an empty array for anything that is no numbers, as a tree."""
    values, lengths = (values.words, values.lengths) if is_parses(values) else (values, lengths)
    found = to_numpy(getattr(values, "values", values))
    if found.dtype.kind not in "fiub":
        return np.zeros(0)
    if lengths is not None and found.ndim > 1 and len(found) == len(to_numpy(lengths)):
        mask: Any = as_mask("Trainer", np.minimum(to_numpy(lengths), found.shape[1]), *found.shape[:2])
        found = np.where(np.reshape(mask, (*found.shape[:2], *(1,) * (found.ndim - 2))), found, 0)
    return found


def half(model: Any) -> str:
    """Return the advice for half precision, or ""."""
    name = str(getattr(model, "dtype", "")).removeprefix("torch.")
    return f" The model is {name}: train in float32." if name in ("float16", "bfloat16") else ""
