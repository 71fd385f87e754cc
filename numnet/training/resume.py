"""A run on disk: what a trainer must write for another to go on as if the run had never stopped."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from numnet.core.arrays import to_numpy
from numnet.core.checkpoint import as_checkpoint_error
from numnet.models.checkpoint import Checkpoint, save_checkpoint
from numnet.training.history import History

COUNTS = ("step", "epoch", "index", "tokens", "stale", "seconds", "busy")


def save_run(trainer: Any, path: Path) -> None:
    """The model, the optimizer's memory, the place in the data, the carried state, the masks drawn, the history."""
    counts = {name: getattr(trainer, name) for name in COUNTS}
    best = None if math.isinf(trainer.best) else trainer.best
    masks = [layer.calls for layer in with_masks(trainer.model)]
    seeds = [getattr(layer, seed_of(layer), None) for layer in with_masks(trainer.model)]
    told = {"best": best, "rows": trainer.history.rows, "masks": masks, "mask_seeds": seeds, **setting_of(trainer)}
    arrays = {"losses": trainer.history.losses, **flatten_state(trainer.state)}
    save_checkpoint(path, trainer.model, trainer.vocabulary, {**counts, **told}, trainer.optimizer, arrays)


def resume_run(trainer: Any, checkpoint: Checkpoint) -> None:
    """Take all that from a checkpoint, or raise a CheckpointError and leave the model as it is."""
    training = checkpoint.training
    with as_checkpoint_error(checkpoint.path):
        if not training:
            raise ValueError("it holds a model but no training run. Begin one from its weights.")
        for name, ours in setting_of(trainer).items():
            if None not in (ours, training[name]) and training[name] != ours:
                raise ValueError(f"its run had the {name} {training[name]}, this one has {ours}")
        found = {name: training[name] for name in COUNTS}
        found["history"] = History(checkpoint.arrays["losses"].tolist(), training["rows"])
        found["best"] = math.inf if training["best"] is None else training["best"]
        found["state"] = unflatten_state(checkpoint.arrays, len(trainer.model.layers))
        drawing = with_masks(trainer.model)
        seeds = training.get("mask_seeds") or [None] * len(drawing)
        masks = list(zip(drawing, training["masks"], seeds, strict=True))
        before = trainer.model.state_dict()
        trainer.model.load_state_dict(checkpoint.weights)
        try:
            trainer.optimizer.load_state_dict(checkpoint.optimizer, trainer.model)
        except BaseException:
            trainer.model.load_state_dict(before)
            raise
    for name, value in found.items():
        setattr(trainer, name, value)
    for layer, calls, seed in masks:
        layer.calls = calls
        if seed is not None:
            setattr(layer, seed_of(layer), seed)


def with_masks(model: Any) -> list[Any]:
    """What draws a mask at each call, and counts its calls: Dropout, and recurrent layers that drop something."""
    return [module for module in model.modules() if hasattr(module, "calls")]


def seed_of(layer: Any) -> str:
    """What its masks are drawn from: a Dropout has no other use of a seed."""
    return "mask_seed" if layer.recurrent else "seed"


def setting_of(trainer: Any) -> dict[str, Any]:
    """What a run cannot change on its way: the optimizer, and the batches where they can say what they are."""
    batches = trainer.batches.config() if hasattr(trainer.batches, "config") else None
    return {"optimizer": type(trainer.optimizer).__name__, "batches": batches}


def flatten_state(state: Any) -> dict[str, Any]:
    """A model's state as arrays named by layer and place: state/1/0 is layer 1's h, state/1/1 its c.

    Of two directions, state/1/0/1 is the first one's c.
    """
    named: dict[str, Any] = {}
    for k, layer in enumerate(state or []):
        flatten_parts(f"state/{k}", layer if isinstance(layer, tuple) else (layer,), named)
    return named


def flatten_parts(name: str, parts: tuple[Any, ...], named: dict[str, Any]) -> None:
    """Each part under its place, and the parts of a part below it."""
    for j, part in enumerate(parts):
        if isinstance(part, tuple):
            flatten_parts(f"{name}/{j}", part, named)
        elif part is not None:
            named[f"{name}/{j}"] = to_numpy(part)


def unflatten_state(arrays: dict[str, Any], layers: int) -> list[Any] | None:
    """The way back."""
    state: list[Any] = []
    for k in range(layers):
        state.append(unflatten_parts(f"state/{k}", arrays))
    return state if any(part is not None for part in state) else None


def unflatten_parts(name: str, arrays: dict[str, Any]) -> Any:
    """One part as itself, two as a pair; None where there is nothing."""
    if name in arrays:
        return arrays[name]
    places = [f"{name}/{j}" for j in (0, 1)]
    parts = [unflatten_parts(place, arrays) for place in places if any(key.startswith(place) for key in arrays)]
    return tuple(parts) if len(parts) > 1 else parts[0] if parts else None
