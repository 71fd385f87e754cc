"""The metrics of a run: each sees the calls of the model's loss, in training, in evaluation, on either backend."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from numnet.core.arrays import to_numpy
from numnet.core.checks.metrics import (
    check_is_metrics,
    check_metric_names,
    check_metric_value,
    check_metrics,
    check_seen,
    check_validated,
)
from numnet.core.lengths import as_loss_mask
from numnet.core.packed import Packed
from numnet.training.metrics import F1, MAE, R2, Accuracy, Metric, Perplexity, Precision, Recall, Value
from numnet.training.monitor import rising_columns

Array = npt.NDArray[Any]
KINDS: tuple[type[Metric], ...] = (Accuracy, Precision, Recall, F1, Perplexity, R2, MAE)
METRICS = {kind.name: kind for kind in KINDS}


class OwnFunction(Metric):
    """A function (predictions, targets, mask) → a number, called once with all batches; shorter ones are padded with 0.

    The mask is True where a target counts, and has the shape of the losses.
    """

    def __init__(self, function: Any) -> None:
        super().__init__()
        self.function = function

    def reset(self) -> None:
        self.batches: list[tuple[Array, Array, Array]] = []

    def add(self, prediction: Array, target: Array, counted: Array) -> None:
        self.batches.append((prediction, target, counted))

    def value(self) -> Value:
        steps = max(counted.shape[1] if counted.ndim > 1 else 0 for _, _, counted in self.batches)
        joined = [np.concatenate([padded(part, steps) for part in parts]) for parts in zip(*self.batches)]
        return check_metric_value("Trainer", self.name, self.function(*joined))


def padded(array: Array, steps: int) -> Array:
    """Return an array (B, T, ...) padded with 0 to this number of steps; one without steps unchanged."""
    if not steps or array.ndim < 2 or array.shape[1] >= steps:
        return array
    return np.pad(array, [(0, 0), (0, steps - array.shape[1]), *[(0, 0)] * (array.ndim - 2)])


class Watch:
    """The metrics of the training steps, or of an evaluation, by name."""

    def __init__(self, metrics: Mapping[str, Metric]) -> None:
        self.metrics, self.seen = metrics, False

    def reset(self) -> None:
        """Discard the sums of all batches."""
        self.seen = False
        for metric in self.metrics.values():
            metric.reset()

    def values(self, prefix: str = "") -> dict[str, float | None]:
        """Return the value of each metric by its column; one by class has a column for each."""
        columns: dict[str, float | None] = {}
        for name, metric in self.metrics.items():
            value = metric.value()
            named = {f"_{each}": v for each, v in value.items()} if isinstance(value, dict) else {"": value}
            columns |= {f"{prefix}{name}{end}": None if v is None else float(v) for end, v in named.items()}
        return columns

    def state(self) -> dict[str, Any]:
        """Return the sums of all metrics as arrays, for a checkpoint."""
        return {f"metrics/{n}/{key}": value for n, m in self.metrics.items() for key, value in m.sums.items()}

    def load(self, arrays: Mapping[str, Any]) -> None:
        """Restore the sums from the arrays of a checkpoint; a metric that it does not have begins with none."""
        for name, metric in self.metrics.items():
            prefix = f"metrics/{name}/"
            metric.sums = {key.removeprefix(prefix): v for key, v in arrays.items() if key.startswith(prefix)}

    def of(self, model: Any) -> contextlib.AbstractContextManager[None]:
        """A context in which the metrics see every call of the model's loss: its prediction, target and mask."""
        return self.watching(model.needs_loss()) if self.metrics else contextlib.nullcontext()

    @contextlib.contextmanager
    def watching(self, loss: Any) -> Iterator[None]:
        """The context, for a loss."""
        forward = loss.forward

        def shown(prediction: Any, target: Any, mask: Any = None) -> Any:
            value = forward(prediction, target, mask)
            arrays = counted_targets(loss, prediction, target, mask)
            self.seen = True
            for metric in self.metrics.values():
                metric.add(*arrays)
            return value

        before = vars(loss).get("forward")
        vars(loss)["forward"] = shown
        try:
            yield
        finally:
            vars(loss).pop("forward") if before is None else vars(loss).update(forward=before)
        check_seen("Trainer", list(self.metrics), self.seen)


def counted_targets(loss: Any, prediction: Any, target: Any, mask: Any) -> tuple[Array, Array, Array]:
    """Return predictions, targets, and which targets count, as arrays; numbers have the shape of the prediction."""
    p, t = (to_numpy(z.values if isinstance(z, Packed) else z) for z in (prediction, target))
    if hasattr(loss, "quantiles"):
        p = p.reshape(*t.shape, len(loss.quantiles))
    places = tuple(loss.places(p.shape)) if hasattr(loss, "places") else t.shape
    counted = np.ones(places, bool) if mask is None else np.array(as_loss_mask("Trainer", mask, places))
    if t.shape == (*places, 1) != p.shape:
        t = t[..., 0]
    if getattr(loss, "ignore_index", None) is not None and t.shape == places:
        counted = counted & (t != loss.ignore_index)
    if places == p.shape and t.size == p.size:
        t = t.reshape(p.shape)
    return p, t, counted


class Metrics(NamedTuple):
    """The metrics of the training steps since a report, and those of an evaluation, which has functions, too."""

    of_steps: Watch
    of_evaluation: Watch

    def rising(self, validation: Any) -> dict[str, bool | None]:
        """Return the columns that a run can monitor, each with whether more is better; None if that is not known."""
        held_out = None if validation is None else self.of_evaluation.metrics
        return rising_columns(self.of_steps.metrics, held_out)


def metrics_of(who: str, metrics: Any, loss: Any, validation: Any) -> Metrics:
    """Return the metrics of a run, from names, Metrics and functions."""
    if metrics is None:
        return Metrics(Watch({}), Watch({}))
    given = [metrics] if isinstance(metrics, str) or not isinstance(metrics, (list, tuple, Mapping)) else metrics
    check_is_metrics(who, given)
    check_metrics(who, given, METRICS)
    pairs = list(given.items()) if isinstance(given, Mapping) else [(name_of(metric), metric) for metric in given]
    check_metric_names(who, [name for name, _ in pairs])
    made = {name: METRICS[m]() if isinstance(m, str) else m for name, m in pairs}
    named = {name: m if isinstance(m, Metric) else OwnFunction(m) for name, m in made.items()}
    for name, metric in named.items():
        if isinstance(metric, OwnFunction):
            check_validated(who, name, validation)
    steps, evaluated = ({name: m.of_loss(who, name, loss) for name, m in named.items()} for _ in range(2))
    of_steps = {name: metric for name, metric in steps.items() if not isinstance(metric, OwnFunction)}
    return Metrics(Watch(of_steps), Watch(evaluated))


def name_of(metric: Any) -> str:
    """Return the name of a metric: itself, its own, or that of a function."""
    return metric if isinstance(metric, str) else str(getattr(metric, "name", getattr(metric, "__name__", "function")))
