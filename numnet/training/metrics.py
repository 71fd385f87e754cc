"""Metrics of predictions, exact over batches of different sizes: each adds up sums, never means of batches.

p prediction, t target      of the targets that count: padding and ignore_index do not
classes                     p (..., V) logits, t (...) whole numbers, or (..., V) weights: the largest counts
labels                      p (..., K) logits, t (..., K) from 0 to 1: yes where p > 0, or t > 0.5
numbers                     p and t of one shape
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from numnet.core.checks import check_choice, no_method, validate_call
from numnet.core.checks.metrics import check_class_names, check_reads, check_same_numbers, kind_of_loss
from numnet.core.show import Shown
from numnet.training.history import perplexity

Array = npt.NDArray[Any]
Value = float | dict[str, float | None] | None


class Metric(Shown):
    """A metric of one's own defines add and value: `plus` adds to sums, from which `value` is computed.

    name              the name of its column is train_ or validation_ with this name
    higher_is_better  for `monitor`; None if it is not known
    reads             the kinds of targets that it is for: "classes", "labels", "numbers"
    kind              the kind that the loss of the model has, or None if it is not known
    """

    name = "metric"
    higher_is_better: bool | None = None
    reads: tuple[str, ...] = ("classes", "labels", "numbers")
    kind: str | None = None

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Discard the sums of all batches."""
        self.sums: dict[str, Any] = {}

    def plus(self, **terms: Any) -> None:
        """Add numbers or arrays to the sums of these names."""
        for name, term in terms.items():
            self.sums[name] = self.sums.get(name, 0) + term

    def add(self, prediction: Array, target: Array, counted: Array) -> None:
        """Add a batch; `counted` is True where a target counts: its shape is that of the losses."""
        raise no_method(self, "add", "add(prediction, target, counted)")

    def value(self) -> Value:
        """Return the metric of all batches, None if no target counts, or a dictionary by class."""
        raise no_method(self, "value", "value() → a number")

    def of_loss(self, who: str, name: str, loss: Any) -> Metric:
        """Return an empty copy for the targets of this loss."""
        found = copy.copy(self)
        found.name, found.kind = name, kind_of_loss(loss)
        check_reads(who, found.name, found.reads, found.kind, loss)
        found.reset()
        return found


class Accuracy(Metric):
    """The fraction of targets that are predicted right: of classes, or of labels, each one counted by itself."""

    name, higher_is_better, reads = "accuracy", True, ("classes", "labels")

    def add(self, prediction: Array, target: Array, counted: Array) -> None:
        if self.kind == "labels":
            right = (prediction > 0) == (target > 0.5)
        else:
            right = prediction.argmax(axis=-1) == classes_of(prediction, target)
        self.plus(right=int(right[counted].sum()), n=int(counted.sum()))

    def value(self) -> Value:
        return self.sums["right"] / self.sums["n"] if self.sums.get("n") else None


class Score(Metric):
    """The base class of Precision, Recall and F1: `hits`, `true` and `predicted` count the targets of each class.

    average  "macro": the mean over the classes that occur; "micro": of all counts together; "weighted": the mean, by
             the number of targets; None: one value for each class, None for one that does not occur. 0 / 0 is 0
    names    the names of the classes, for average=None
    """

    higher_is_better, reads = True, ("classes", "labels")

    @validate_call
    def __init__(self, average: str | None = "macro", names: Sequence[str] | None = None) -> None:
        super().__init__()
        check_choice(type(self).__name__, "average", average, ("macro", "micro", "weighted", None))
        self.average, self.names = average, names if names is None else list(names)

    def add(self, prediction: Array, target: Array, counted: Array) -> None:
        V = prediction.shape[-1] if prediction.ndim > 1 else 1
        check_class_names(type(self).__name__, self.names, V)
        if self.kind == "labels":
            yes, real = ((z & counted).reshape(-1, V) for z in (prediction > 0, target > 0.5))
            self.plus(hits=(yes & real).sum(axis=0), true=real.sum(axis=0), predicted=yes.sum(axis=0))
            return
        t, p = classes_of(prediction, target)[counted], prediction.argmax(axis=-1)[counted]
        hits, true, predicted = (np.bincount(z, minlength=V) for z in (t[t == p], t, p))
        self.plus(hits=hits, true=true, predicted=predicted)

    def value(self) -> Value:
        if not self.sums:
            return None
        hits, true, predicted = (self.sums[name] for name in ("hits", "true", "predicted"))
        if self.average == "micro":
            return float(self.score(hits.sum(), true.sum(), predicted.sum()))
        each, occurs = self.score(hits, true, predicted), true + predicted > 0
        if self.average is None:
            names = self.names or map(str, range(len(each)))
            return {name: float(s) if known else None for name, s, known in zip(names, each, occurs)}
        weights = occurs * 1.0 if self.average == "macro" else true
        return float((each * weights).sum() / max(weights.sum(), 1))

    def score(self, hits: Array, true: Array, predicted: Array) -> Any:
        """Return the score of each class."""
        raise no_method(self, "score", "score(hits, true, predicted) → a number for each class")


class Precision(Score):
    """hits / predicted: of the targets that are predicted as a class, the fraction that are of it."""

    name = "precision"

    def score(self, hits: Array, true: Array, predicted: Array) -> Any:
        return hits / np.maximum(predicted, 1)


class Recall(Score):
    """hits / true: of the targets of a class, the fraction that are predicted as it: the accuracy of each class."""

    name = "recall"

    def score(self, hits: Array, true: Array, predicted: Array) -> Any:
        return hits / np.maximum(true, 1)


class F1(Score):
    """2 hits / (true + predicted): the harmonic mean of precision and recall."""

    name = "f1"

    def score(self, hits: Array, true: Array, predicted: Array) -> Any:
        return 2 * hits / np.maximum(true + predicted, 1)


class Perplexity(Metric):
    """exp(mean of -log softmax(p)[t]), over all targets; of a target of weights, -Σ t log softmax(p)."""

    name, higher_is_better, reads = "perplexity", False, ("classes",)

    def add(self, prediction: Array, target: Array, counted: Array) -> None:
        p = prediction[counted].astype(np.float64)
        z = p - p.max(axis=-1, keepdims=True, initial=-np.inf)
        log_p = z - np.log(np.exp(z).sum(axis=-1, keepdims=True))
        t = target[counted]
        if t.ndim == p.ndim:
            nats = -np.where(t > 0, t * log_p, 0).sum()
        else:
            nats = -np.take_along_axis(log_p, t[:, None].astype(np.int64), axis=-1).sum()
        self.plus(nats=float(nats), n=len(p))

    def value(self) -> Value:
        return perplexity(self.sums["nats"] / self.sums["n"]) if self.sums.get("n") else None


class MAE(Metric):
    """The mean absolute error, |p - t| over all numbers that count."""

    name, higher_is_better, reads = "mae", False, ("numbers",)

    def add(self, prediction: Array, target: Array, counted: Array) -> None:
        check_same_numbers(type(self).__name__, prediction.shape, target.shape)
        p, t = (z[counted].astype(np.float64) for z in (prediction, target))
        self.plus(error=float(np.abs(p - t).sum()), n=p.size)

    def value(self) -> Value:
        return self.sums["error"] / self.sums["n"] if self.sums.get("n") else None


class R2(Metric):
    """1 - Σ (p - t)² / Σ (t - mean t)², the coefficient of determination: of each column, then their mean.

    The columns are those of the last axis. Means and squares of batches are merged as in Chan, Golub & LeVeque 1979.
    A column whose targets are all equal has 1 if it is predicted exactly, else 0, as in scikit-learn.
    """

    name, higher_is_better, reads = "r2", True, ("numbers",)

    def add(self, prediction: Array, target: Array, counted: Array) -> None:
        check_same_numbers(type(self).__name__, prediction.shape, target.shape)
        K = target.shape[-1] if target.ndim > 1 else 1
        c, p, t = (z.reshape(-1, K) for z in (counted, prediction, target))
        p, t = (np.where(c, z.astype(np.float64), 0) for z in (p, t))
        n = c.sum(axis=0)
        mean = t.sum(axis=0) / np.maximum(n, 1)
        squares = (c * (t - mean) ** 2).sum(axis=0)
        before, m = self.sums.get("n", np.zeros(K)), self.sums.get("mean", np.zeros(K))
        total = np.maximum(before + n, 1)
        self.plus(n=n, squares=squares + (mean - m) ** 2 * before * n / total, residual=((p - t) ** 2).sum(axis=0))
        self.sums["mean"] = m + (mean - m) * n / total

    def value(self) -> Value:
        if not self.sums or not self.sums["n"].any():
            return None
        squares, residual = self.sums["squares"], self.sums["residual"]
        constant = np.where(residual == 0, 1.0, 0.0)
        each = np.where(squares > 0, 1 - residual / np.where(squares > 0, squares, 1), constant)
        return float(each[self.sums["n"] > 0].mean())


def classes_of(prediction: Array, target: Array) -> Array:
    """Return the class of each target: the target itself, or the largest of its weights."""
    return target.argmax(axis=-1) if target.ndim == prediction.ndim else target.astype(np.int64)
