"""Validation of metrics, and of what a run monitors."""

from __future__ import annotations

import numbers
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from numnet.core.checks.losses import has_classes
from numnet.core.checks.runs import kind
from numnet.core.show import text

OF_NUMBERS = ("MeanSquaredError", "MeanAbsoluteError", "HuberLoss", "QuantileLoss")
REMEDIES = {"numbers": "For numbers use 'mae' or 'r2'.", "labels": "For labels use 'accuracy' or 'f1'."}


def kind_of_loss(loss: Any) -> str | None:
    """Return what the targets of a loss are: "classes", "labels" or "numbers"; None for a loss of one's own."""
    names = {base.__name__ for base in type(loss).__mro__}
    if has_classes(loss):
        return "classes"
    return "labels" if "BinaryCrossEntropy" in names else "numbers" if names & set(OF_NUMBERS) else None


def check_reads(who: str, name: str, reads: Sequence[str], own: str | None, loss: Any) -> None:
    """Check that a metric is for the targets of the loss."""
    if own is not None and own not in reads:
        remedy = REMEDIES.get(own, "For classes use 'accuracy', 'f1' or 'perplexity'.")
        raise ValueError(
            f"{who}: metrics has {name}, and the loss is {type(loss).__name__}, expected a loss of "
            f"{' or '.join(reads)}. {remedy}"
        )


def check_metrics(who: str, metrics: Any, known: Iterable[str]) -> None:
    """Check for metrics, each a name, a Metric or a function, in a list or by name in a dictionary."""
    values = list(metrics.values() if isinstance(metrics, Mapping) else metrics)
    for metric in values:
        if isinstance(metric, str) and metric not in known:
            raise ValueError(f"{who}: metrics has {metric!r}, expected one of {', '.join(map(repr, known))}.")
        if isinstance(metric, type):
            raise TypeError(f"{who}: metrics has the class {metric.__name__}, expected an object: {metric.__name__}().")
        if not (isinstance(metric, str) or hasattr(metric, "of_loss") or callable(metric)) or hasattr(
            metric, "forward"
        ):
            raise TypeError(
                f"{who}: metrics has {kind(metric)}, expected a name such as 'accuracy', a Metric, or a function "
                "(predictions, targets, mask)."
            )


def check_is_metrics(who: str, metrics: Any) -> None:
    """Check for a list of metrics, or a dictionary of them by name."""
    if isinstance(metrics, (bytes, type)) or hasattr(metrics, "shape") or not isinstance(metrics, Iterable):
        raise TypeError(f"{who}: metrics is {kind(metrics)}, expected a list, such as ['accuracy'], or a dictionary.")
    if isinstance(metrics, Mapping) and not all(isinstance(name, str) and name for name in metrics):
        raise TypeError(f"{who}: metrics is {text(metrics)}, expected strings as names.")


def check_metric_names(who: str, names: Sequence[str]) -> None:
    """Check that every metric has a name of its own."""
    for name in names:
        if name == "<lambda>":
            raise ValueError(f"{who}: metrics has a lambda, which has no name. Pass metrics={{'name': function}}.")
        if name == "loss":
            raise ValueError(f"{who}: metrics has the name 'loss', the column of the loss itself. Choose another name.")
        if names.count(name) > 1:
            raise ValueError(
                f"{who}: metrics has {name} more than once, expected names of their own. Pass metrics={{'a': one, "
                "'b': other}."
            )


def check_validated(who: str, name: str, validation: Any) -> None:
    """Check that there is validation data for a function, which reads all predictions at once."""
    if validation is None:
        raise ValueError(
            f"{who}: metrics has the function {name}, and there is no validation data, expected validation=. A Metric "
            "is computed in training, too."
        )


def check_class_names(who: str, names: Sequence[str] | None, V: int) -> None:
    """Check that there is a name for each class."""
    if names is not None and len(names) != V:
        raise ValueError(f"{who}: names has {len(names)} entries, expected {V}, one for each class.")


def check_same_numbers(who: str, prediction: Sequence[int], target: Sequence[int]) -> None:
    """Check that prediction and target have one shape, as those of QuantileLoss have not."""
    if tuple(prediction) != tuple(target):
        raise ValueError(
            f"{who}: the prediction is {tuple(prediction)}, expected {tuple(target)}, as the target is. Use a function "
            "(predictions, targets, mask)."
        )


def check_metric_value(who: str, name: str, value: Any) -> float:
    """Return what a function of metrics returns, as a float."""
    value = value.item() if getattr(value, "shape", None) == () else value
    if not isinstance(value, numbers.Real):
        raise TypeError(f"{who}: the metric {name} is {kind(value)}, expected a number.")
    return float(value)


def check_seen(who: str, names: Sequence[str], seen: bool) -> None:
    """Check that the loss of the model was called, and so seen by its metrics."""
    if names and not seen:
        raise ValueError(
            f"{who}: metrics has {names[0]}, and the model did not call its loss, expected a call in each batch."
        )


def check_monitored(who: str, monitor: str, column: str, columns: Iterable[str]) -> None:
    """Check that a run has the column that it monitors."""
    if column not in columns:
        remedy = "" if any(each.startswith("validation") for each in columns) else " Pass validation=."
        raise ValueError(f"{who}: monitor is {monitor!r}, expected one of {', '.join(map(repr, columns))}.{remedy}")


def check_mode(who: str, column: str, mode: str | None) -> None:
    """Check that it is known which values of a column are better."""
    if mode not in ("min", "max"):
        got = f"monitor is {column!r}, and mode is {mode!r}"
        raise ValueError(f"{who}: {got}, expected mode='min' or mode='max', whichever is better.")


def check_patience(who: str, patience: int | None, column: str, columns: Iterable[str]) -> None:
    """Check that a run with patience has the column that it waits for."""
    if patience is not None and column not in columns:
        raise ValueError(
            f"{who}: patience is {patience}, and there is no validation data, expected validation=, or "
            "monitor='train_loss'."
        )


def check_classes_alike(who: str, true: Any, predicted: Any, classes: Sequence[str] | None) -> int:
    """Return the number of classes of two arrays (N,) of whole numbers from 0, each of which has a name, if any has."""
    for name, array in (("true", true), ("predicted", predicted)):
        if array.ndim != 1 or array.dtype.kind not in "iu" or not array.size:
            remedy = "Logits? Pass their argmax(-1)." if array.ndim == 2 else "Select those that count."
            raise ValueError(
                f"{who}: {name} is {array.shape} of {array.dtype}, expected whole numbers (N,), at least one. {remedy}"
            )
    if len(true) != len(predicted):
        raise ValueError(f"{who}: predicted has {len(predicted)} entries, expected {len(true)}, as true has.")
    both = [*true.tolist(), *predicted.tolist()]
    V = max(both) + 1 if classes is None else len(classes)
    for number in (min(both), max(both)):
        if not 0 <= number < V:
            expected = f"0 to {V - 1}, as there are {V} classes" if classes is not None else "0 or more"
            raise ValueError(
                f"{who}: a class is {number}, expected {expected}. Padding? Select the targets that count."
            )
    return V


def check_plot_axes(who: str, axes: Any) -> None:
    """Check for axes of matplotlib, or None."""
    if axes is not None and (isinstance(axes, type) or not hasattr(axes, "imshow")):
        raise TypeError(
            f"{who}: axes is {kind(axes)}, expected axes of matplotlib, such as figure.subplots(), or None."
        )
