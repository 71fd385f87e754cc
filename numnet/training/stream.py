"""The batches of a run, from its present position in the data: epoch after epoch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from numnet.core.checks.inputs import check_counted, epoch_of
from numnet.training.inputs import length_of


def batches_from(trainer: Any) -> Iterator[tuple[tuple[Any, ...], bool]]:
    """Yield batches endlessly, each with whether it is the last of its epoch.

    The first ones of a resumed epoch are skipped. The state is zero at the start of an epoch.
    """
    while True:
        number, first, taken, history = trainer.epoch, trainer.index, 0, trainer.history
        batches = epoch_of("Trainer", "batches", trainer.batches, number)
        for k, batch in enumerate(with_last(batches, length_of(trainer.batches))):
            if k < first:
                continue
            if trainer.index == 0 or not trainer.batches.carries_state:
                trainer.state = None
                trainer.model.reset_state()
            taken += 1
            yield batch
        if taken and not any(history.losses[-taken:]):
            check_counted("Trainer", "batches", number, max(history.counts[-taken:]))
        trainer.epoch, trainer.index = number + 1, 0


def with_last(batches: Iterator[Any], length: int | None) -> Iterator[tuple[Any, bool]]:
    """Yield each batch, and whether it is the last of its epoch; without a length the next one is read before."""
    if length is not None:
        for k, batch in enumerate(batches, 1):
            yield batch, k == length
        return
    batch = next(batches)
    for following in batches:
        yield batch, False
        batch = following
    yield batch, True
