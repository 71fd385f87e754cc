"""A run on disk: what a trainer must write for another to go on as if the run had never stopped."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from numnet.checkpoint import Checkpoint, refusing, save_checkpoint, to_numpy
from numnet.history import History

COUNTS = ("step", "epoch", "index", "tokens", "stale", "seconds", "busy")


def save_run(trainer: Any, path: Path) -> None:
    """The model, the optimizer's memory, the place in the data, the carried state, the masks drawn, the history."""
    counts = {name: getattr(trainer, name) for name in COUNTS}
    best = None if math.isinf(trainer.best) else trainer.best
    masks = [layer.calls for layer in with_masks(trainer.model)]
    told = {"best": best, "rows": trainer.history.rows, "masks": masks, "batches": config_of(trainer.batches)}
    arrays = {"losses": trainer.history.losses, **flatten_state(trainer.state)}
    save_checkpoint(path, trainer.model, trainer.vocabulary, {**counts, **told}, trainer.optimizer, arrays)


def resume_run(trainer: Any, checkpoint: Checkpoint) -> None:
    """Take all that from a checkpoint, or raise a CheckpointError and leave the model as it is."""
    training, batches = checkpoint.training, config_of(trainer.batches)
    with refusing(checkpoint.path):
        if not training:
            raise ValueError("it holds a model but no training run. Begin one from its weights.")
        if None not in (batches, training["batches"]) and training["batches"] != batches:
            raise ValueError(f"its run had the batches {training['batches']}, this one has {batches}")
        found = {name: training[name] for name in COUNTS}
        found["history"] = History(checkpoint.arrays["losses"].tolist(), training["rows"])
        found["best"] = math.inf if training["best"] is None else training["best"]
        found["state"] = unflatten_state(checkpoint.arrays, len(trainer.model.layers))
        masks = list(zip(with_masks(trainer.model), training["masks"], strict=True))
        trainer.optimizer.load_state_dict(checkpoint.optimizer, trainer.model)
        trainer.model.load_state_dict(checkpoint.weights)
    for name, value in found.items():
        setattr(trainer, name, value)
    for layer, calls in masks:
        layer.calls = calls


def with_masks(model: Any) -> list[Any]:
    """The layers that draw a mask at each call, and count their calls: Dropout."""
    return [layer for layer in model.layers if hasattr(layer, "calls")]


def config_of(batches: Any) -> dict[str, Any] | None:
    """What the batches are, where they can say so."""
    return batches.config() if hasattr(batches, "config") else None


def flatten_state(state: Any) -> dict[str, Any]:
    """A model's state as arrays named by layer and place: state/1/0 is layer 1's h, state/1/1 its c."""
    named = {}
    for k, layer in enumerate(state or []):
        parts = layer if isinstance(layer, tuple) else (layer,)
        named.update({f"state/{k}/{j}": to_numpy(part) for j, part in enumerate(parts) if part is not None})
    return named


def unflatten_state(arrays: dict[str, Any], layers: int) -> list[Any] | None:
    """The way back."""
    state: list[Any] = []
    for k in range(layers):
        parts = tuple(arrays[name] for name in (f"state/{k}/{j}" for j in (0, 1)) if name in arrays)
        state.append(parts if len(parts) > 1 else parts[0] if parts else None)
    return state if any(part is not None for part in state) else None
