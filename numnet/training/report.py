"""A report of a run: the validation, a row of the history, and whether the model is the best so far."""

from __future__ import annotations

import math
from typing import Any

from numnet.training.evaluation import mean_loss
from numnet.training.inputs import length_of


def validated(trainer: Any) -> tuple[float | None, dict[str, float | None]]:
    """Return the loss and the metrics of the validation data, if there is any."""
    if trainer.validation is None:
        return None, {}
    watch = trainer.watch.of_evaluation
    loss = mean_loss("Trainer", "validation", trainer.model, trainer.validation, watch)
    return loss, watch.values("validation_")


def add_row(trainer: Any) -> tuple[dict[str, Any], bool]:
    """Validate, and add a row to the history. Return it, and whether what the run monitors is better than before."""
    new_step = not trainer.reported
    loss, metrics = validated(trainer)
    row = trainer.history.add(
        loss,
        trainer.model.needs_loss().in_nats,
        metrics=trainer.watch.of_steps.values("train_") | metrics,
        step=trainer.step,
        epoch=round(trainer.epoch + trainer.index / (length_of(trainer.batches) or math.inf), 3),
        seconds=round(trainer.seconds, 3),
        learning_rate=last_rate(trainer.optimizer),
        gradient_norm=trainer.gradient_norm,
        speed=trainer.tokens / trainer.busy if trainer.busy else None,
    )
    value = row.get(trainer.monitored.column)
    better = trainer.monitored.better(value, trainer.best)
    if value is not None:
        if new_step and hasattr(trainer.optimizer.schedule, "observe"):
            trainer.optimizer.schedule.observe(value)
        trainer.best, trainer.stale = (value, 0) if better else (trainer.best, trainer.stale + new_step)
    return row, better


def last_rate(optimizer: Any) -> float:
    """Return the learning rate of the last step; a schedule that was set later begins with its step 0."""
    rate: float = optimizer.schedule(max(0, optimizer.steps - 1 - getattr(optimizer, "began", 0)))
    return rate
