"""Validation of the options of losses that are numbers or lists of numbers, and of the targets of their own shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from numnet.core.checks.batches import Shape, data_array
from numnet.core.checks.targets import check_target_shape
from numnet.core.checks.values import kind_of
from numnet.core.show import text

REDUCTIONS = ("mean", "sum", "none")


def has_classes(loss: Any) -> bool:
    """Return whether the targets of a loss are classes, and its predictions logits; smoothed and weighted ones too."""
    return getattr(loss, "in_nats", False) or any(k.__name__ == "SoftmaxCrossEntropy" for k in type(loss).__mro__)


def check_reduction(who: str, loss: Any) -> None:
    """Check that a loss is one number, for the training of a model."""
    if getattr(loss, "reduction", "") == "none":
        raise ValueError(
            f"{who}: the reduction of the loss is 'none', expected 'mean' or 'sum', one number to train on. Leave out "
            "loss=, and call losses = loss(model(x), target), then model.backward(loss.backward(weights))."
        )


def numbers_of(who: str, name: str, value: Any, expected: str) -> npt.NDArray[Any]:
    """Return a number or a list of numbers as an array of float64, without an axis or with one."""
    found = data_array(who, name, value, expected)
    if kind_of(found) not in ("real", "token") or found.dtype == bool:
        raise TypeError(f"{who}: {name} is {text(value)}, expected {expected}.")
    if found.ndim > 1 or not found.size:
        raise ValueError(f"{who}: {name} has the shape {found.shape}, expected {expected}.")
    return found.astype(np.float64)


def check_quantiles(who: str, quantiles: Any) -> list[float]:
    """Return quantiles, one or several, as a list; they are different numbers between 0 and 1."""
    expected = "a number between 0 and 1, or a list of them"
    found = numbers_of(who, "quantiles", quantiles, expected)
    values: list[float] = found.reshape(-1).tolist()
    for value in values:
        if not 0 < value < 1:
            remedy = " Percent? Divide by 100." if 1 < value <= 100 else ""
            raise ValueError(f"{who}: quantiles has {value:g}, expected {expected}.{remedy}")
        if values.count(value) > 1:
            raise ValueError(f"{who}: quantiles has {value:g} twice, expected different numbers.")
    return values


def check_quantile_target(who: str, target: Any, shape: Shape, K: int) -> None:
    """Check that predictions are (..., K), K quantiles, for targets (...), or (..., D K) for targets (..., D)."""
    given = tuple(target.shape)
    if (*given, K) == tuple(shape) or (given and (*given[:-1], given[-1] * K) == tuple(shape)):
        return
    if not shape or shape[-1] % K:
        raise ValueError(
            f"{who}: prediction is {tuple(shape)}, expected (..., {K}), a number for each of {K} quantiles. "
            f"Use Dense({K}) as the last layer, or Dense({K} D) for D targets."
        )
    D = shape[-1] // K
    remedy = f"Predictions (..., {shape[-1]}) are {K} quantiles of {D} {'targets' if D > 1 else 'target'}."
    check_target_shape(who, target, (*shape[:-1], D), remedy)


def amounts_of(who: str, name: str, value: Any, expected: str) -> npt.NDArray[Any]:
    """Return finite numbers, 0 or more."""
    found = numbers_of(who, name, value, expected)
    wrong = ~((found >= 0) & np.isfinite(found))
    if wrong.any():
        raise ValueError(f"{who}: {name} has {found[wrong][0]:g}, expected finite numbers, 0 or more.")
    return found


def check_class_weights(who: str, weights: Any) -> npt.NDArray[Any] | None:
    """Return the weights of classes as an array (V,), or None; one of them is above 0."""
    if weights is None:
        return None
    if isinstance(weights, Mapping):
        raise TypeError(
            f"{who}: class_weights is a dictionary, expected a list of V numbers, one for each class. Pass "
            "[weights.get(k, 1.0) for k in range(V)]."
        )
    found = amounts_of(who, "class_weights", weights, "a list of V numbers, one for each class")
    if not found.ndim:
        raise TypeError(f"{who}: class_weights is {text(weights)}, expected a list of V numbers, one for each class.")
    if not found.any():
        raise ValueError(f"{who}: class_weights are 0, expected at least one above 0.")
    return found


def check_width_of_weights(who: str, weights: Any, shape: Shape) -> None:
    """Check that there is a weight for each logit."""
    if weights is not None and len(weights) != shape[-1]:
        raise ValueError(
            f"{who}: prediction is {tuple(shape)}, expected (..., {len(weights)}): class_weights has {len(weights)} "
            f"weights. Pass one for each of the {shape[-1]} classes."
        )


def check_label_weights(who: str, name: str, weights: Any) -> npt.NDArray[Any] | None:
    """Return one number as an array (), several as an array (K,); None stays None."""
    if weights is None:
        return None
    found = amounts_of(who, name, weights, "a number, or a list of K numbers, one for each label")
    return found.reshape(()) if found.size == 1 else found


def check_width_of_labels(who: str, shape: Shape, **weights: Any) -> None:
    """Check that each array of weights is one number, or has one for each label of the last axis."""
    for name, value in weights.items():
        if value is not None and value.ndim and tuple(shape[-1:]) != value.shape:
            raise ValueError(
                f"{who}: prediction is {tuple(shape)}, expected (..., {len(value)}): {name} has {len(value)} numbers. "
                'Pass one number, or one for each label. A weight for each target? Use reduction="none".'
            )
