"""Validation of the targets of losses and of an EncoderDecoder."""

from __future__ import annotations

import math
from typing import Any

from numnet.core.checks.batches import Shape, check_tokens
from numnet.core.checks.values import first_place, kind_of

ONE_ANSWER = "One target per sequence? Set return_sequences=False in the last recurrent layer, or add Pooling."


def same_targets(shape: Shape, target: Shape) -> bool:
    """Return whether two shapes are equal, or are (...) and (..., 1), which have the same numbers in the same order."""
    first, second = tuple(shape), tuple(target)
    return first == second or first == (*second, 1) or second == (*first, 1)


def target_shape(target: Shape, losses: Shape) -> Shape:
    """Return the shape of losses, one for each target, as the targets were given: (...) or (..., 1)."""
    return target if math.prod(target) == math.prod(losses) else losses


def check_target_shape(who: str, target: Any, expected: Shape, remedy: str) -> None:
    """Check the shape of a loss's target; `remedy` is for the case that no likelier cause is known."""
    shape = tuple(target.shape)
    if shape == tuple(expected):
        return
    one = [(expected[0], *expected[2:])] if len(expected) >= 2 else []
    if shape in (one if len(expected) < 3 else [*one, (expected[0],), (expected[0], 1)]):
        remedy = ONE_ANSWER
    elif shape == (*expected, 1):
        remedy = "Pass target[..., 0]."
    raise ValueError(f"{who}: target is {shape}, expected {tuple(expected)}. {remedy}")


def check_target_like(who: str, target: Any, prediction: Shape, what: str = "prediction") -> None:
    """Check that a target has the shape of the prediction."""
    remedy = f"Targets have the shape of the {what}."
    if len(prediction) == 2 and prediction[1] > 1 and tuple(target.shape) in ((prediction[0],), (prediction[0], 1)):
        remedy = f"One number for each sequence? Use Dense(1) as the last layer, in place of {prediction[1]} outputs."
        raise ValueError(f"{who}: target is {tuple(target.shape)}, expected {tuple(prediction)}. {remedy}")
    check_target_shape(who, target, prediction, remedy)


def check_classes(who: str, target: Any, shape: Shape) -> None:
    """Check for integer classes from 0 to V - 1, one for each row of logits of this shape; 0 where none counts."""
    places, V = tuple(shape[:-1]), shape[-1]
    remedy = "Integer targets have the shape of the logits without the last axis."
    check_target_shape(who, target, places, ONE_ANSWER if tuple(target.shape) == (*places[:1], 1) else remedy)
    if kind_of(target) != "token":
        kind = str(target.dtype).removeprefix("torch.")
        raise TypeError(f"{who}: target is {kind}, expected integer classes. Convert it with .astype(int).")
    remedy = "Padding? Pass mask= or ignore_index=. Otherwise the last layer needs more outputs."
    remedy = "One logit for two classes? Use BinaryCrossEntropy." if V == 1 else remedy
    check_tokens(f"{who} target", target, V, remedy)


def has_axis_of_one(target: Any, shape: Shape) -> bool:
    """Return whether integer targets are classes (..., 1) for logits (..., V); for V = 1 they would be weights."""
    return shape[-1] > 1 and tuple(target.shape) == (*shape[:-1], 1) and kind_of(target) == "token"


def check_one_hot(who: str, target: Any, shape: Shape, counted: Any) -> None:
    """Check for a weight for each class, in the shape of the logits; integers must be one-hot where a target counts."""
    remedy = f"One-hot targets have the shape of the logits, integer classes {tuple(shape[:-1])}."
    if tuple(target.shape) == (*shape[:-1], 1):
        remedy += " A class for each? Pass target[..., 0]."
    elif len(shape) == 2 and kind_of(target) == "token":
        remedy += " A class for each step? Leave out return_sequences=False."
    check_target_shape(who, target, shape, remedy)
    if kind_of(target) == "token" and shape[-1] > 1:
        check_integers_one_hot(who, target, counted)


def check_integers_one_hot(who: str, target: Any, counted: Any) -> None:
    """Check that integers in the shape of the logits have one 1 in each row: they could be classes, or counts."""
    wrong = (((target != 0) & (target != 1)).any(-1) | (target.sum(-1) != 1)) & (counted > 0)
    if wrong.any():
        row = tuple(first_place(wrong))
        numbers = ", ".join(str(int(value)) for value in target[row][:8])
        more = ", ..." if target.shape[-1] > 8 else ""
        raise ValueError(
            f"{who}: target{list(row)} is [{numbers}{more}], integers in the shape of the logits, expected one-hot "
            "rows. Weights of the classes? Convert them with .astype(float). A class for each step? Leave out "
            "return_sequences=False. Several labels? Use BinaryCrossEntropy."
        )


def check_logit_axis(who: str, shape: Shape) -> None:
    """Check that predictions have an axis of logits."""
    if not shape or shape[-1] < 1:
        raise ValueError(f"{who}: prediction is {tuple(shape)}, expected (..., V), a logit for each of V classes.")


def check_unit_interval(who: str, target: Any) -> None:
    """Check that targets are probabilities; NaN passes, and makes the loss NaN."""
    if math.prod(target.shape) and (target.min() < 0 or target.max() > 1):
        first = first_place((target < 0) | (target > 1))
        raise ValueError(
            f"{who}: target is {float(target[tuple(first)]):g} at {first}, expected 0 to 1. "
            "Class numbers? Use SoftmaxCrossEntropy."
        )


def check_target(who: str, target: Any, pad: int) -> None:
    """Check for tokens (batch, time), with padding only after each row's last token."""
    if kind_of(target) != "token" or target.ndim != 2 or 0 in target.shape:
        raise ValueError(
            f"{who}: target is {tuple(target.shape)} of {target.dtype}, expected integer tokens (batch, time)."
        )
    real = target != pad
    gaps = (real[:, 1:] & ~real[:, :-1]).nonzero()
    if len(gaps[0]):
        raise ValueError(
            f"{who}: target[{gaps[0][0]}] has {pad} at step {gaps[1][0]} and a token after it, "
            f"expected {pad} only after the last token."
        )
