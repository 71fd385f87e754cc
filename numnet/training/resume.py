"""Save and restore a training run, so that a resumed run continues as if it had not been interrupted."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from numnet.core.arrays import to_numpy
from numnet.core.checkpoint import as_checkpoint_error
from numnet.core.checks import described
from numnet.models.checkpoint import Checkpoint, save_checkpoint
from numnet.training.history import History

COUNTS = ("step", "epoch", "index", "tokens", "stale", "seconds", "busy")


def save_run(trainer: Any, path: Path) -> None:
    """Save the model, the optimizer, the position in the data, the carried state, the mask counts and the history."""
    counts = {name: getattr(trainer, name) for name in COUNTS}
    best = None if math.isinf(trainer.best) else trainer.best
    masks = [layer.calls for layer in with_masks(trainer.model)]
    seeds = [getattr(layer, seed_of(layer), None) for layer in with_masks(trainer.model)]
    record = {"best": best, "rows": trainer.history.rows, "masks": masks, "mask_seeds": seeds, **setting_of(trainer)}
    arrays = {"losses": trainer.history.losses, **flatten_state(trainer.state)}
    save_checkpoint(path, trainer.model, trainer.vocabulary, {**counts, **record}, trainer.optimizer, arrays)


def resume_run(trainer: Any, checkpoint: Checkpoint) -> None:
    """Restore all of these from a checkpoint, or raise CheckpointError and leave the model unchanged."""
    training = checkpoint.training
    with as_checkpoint_error(checkpoint.path):
        if not training:
            raise ValueError("it has a model but no training run. Start a new run from its weights.")
        for name, ours in setting_of(trainer).items():
            if None not in (ours, training[name]) and training[name] != ours:
                raise ValueError(f"its run had the {name} {training[name]}, this one has {ours}")
        found = {name: training[name] for name in COUNTS}
        found["history"] = History(checkpoint.arrays["losses"].tolist(), training["rows"])
        found["best"] = math.inf if training["best"] is None else training["best"]
        found["state"] = unflatten_state(checkpoint.arrays, len(trainer.model.layers))
        layers = with_masks(trainer.model)
        seeds = training.get("mask_seeds") or [None] * len(layers)
        masks = list(zip(layers, training["masks"], seeds, strict=True))
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
    """Return the modules that draw a mask at each call and count their calls: Dropout, some recurrent layers."""
    return [module for module in model.modules() if hasattr(module, "calls")]


def seed_of(layer: Any) -> str:
    """Return the name of the attribute with the seed of a layer's masks; in Dropout, the seed has no other use."""
    return "mask_seed" if layer.recurrent else "seed"


def setting_of(trainer: Any) -> dict[str, Any]:
    """Return what must be equal to resume a run: the class of the optimizer, and the config of the batches, if any."""
    batches = as_json(trainer.batches.config()) if hasattr(trainer.batches, "config") else None
    return {"optimizer": type(trainer.optimizer).__name__, "batches": batches}


def as_json(config: Any) -> Any:
    """Return a configuration as a checkpoint returns it: numpy scalars are Python's, tuples are lists."""
    return json.loads(json.dumps(config, default=as_plain))


def as_plain(value: Any) -> Any:
    """Return a numpy scalar, an array or a tensor as numbers and lists."""
    if not hasattr(value, "tolist"):
        raise TypeError(
            f"Trainer: config() of the batches contains {described(value)}, expected numbers, strings and lists, which "
            "a checkpoint can store."
        )
    return value.tolist()


def flatten_state(state: Any) -> dict[str, Any]:
    """Return a model's state as arrays named by layer and position: state/1/0 is h of layer 1, state/1/1 is its c.

    In a bidirectional layer, state/1/0/1 is c of the first direction.
    """
    named: dict[str, Any] = {}
    for k, layer in enumerate(state or []):
        flatten_parts(f"state/{k}", layer if isinstance(layer, tuple) else (layer,), named)
    return named


def flatten_parts(name: str, parts: tuple[Any, ...], named: dict[str, Any]) -> None:
    """Add each part to `named` under its position; a part may have parts itself."""
    for j, part in enumerate(parts):
        if isinstance(part, tuple):
            flatten_parts(f"{name}/{j}", part, named)
        elif part is not None:
            named[f"{name}/{j}"] = to_numpy(part)


def unflatten_state(arrays: dict[str, Any], layers: int) -> list[Any] | None:
    """Return the state that flatten_state has flattened, or None if there is none."""
    state: list[Any] = []
    for k in range(layers):
        state.append(unflatten_parts(f"state/{k}", arrays))
    return state if any(part is not None for part in state) else None


def unflatten_parts(name: str, arrays: dict[str, Any]) -> Any:
    """Return a single part itself, two parts as a pair, and None if there is none."""
    if name in arrays:
        return arrays[name]
    places = [f"{name}/{j}" for j in (0, 1)]
    parts = [unflatten_parts(place, arrays) for place in places if any(key.startswith(place) for key in arrays)]
    return tuple(parts) if len(parts) > 1 else parts[0] if parts else None
