"""Save and restore a training run, so that a resumed run continues as if it had not been interrupted."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from numnet.core.arrays import to_numpy
from numnet.core.checkpoint import CheckpointError, as_bytes, as_checkpoint_error
from numnet.core.checks import check_named
from numnet.core.checks.runs import check_checkpoint, check_folder, kind
from numnet.models.checkpoint import Checkpoint, save_checkpoint
from numnet.training.history import History
from numnet.training.monitor import DEFAULT

COUNTS = ("step", "epoch", "index", "tokens", "stale", "seconds", "busy")
NAMES = ("token", "target", "unit")


def save_run(trainer: Any, path: Path) -> None:
    """Save the model, the optimizer, the position in the data, the carried state, the mask counts and the history."""
    counts = {name: getattr(trainer, name) for name in COUNTS}
    best = None if math.isinf(trainer.best) else trainer.best
    watched = trainer.watch.of_steps.state()
    masks = [layer.calls for layer in with_masks(trainer.model)]
    seeds = [getattr(layer, seed_of(layer), None) for layer in with_masks(trainer.model)]
    history = {name: getattr(trainer.history, name) for name in NAMES}
    record = {"best": best, "rows": trainer.history.rows, "masks": masks, "mask_seeds": seeds, "history": history}
    arrays = {"losses": trainer.history.losses, "counts": trainer.history.counts, **watched}
    arrays |= flatten_state(trainer.state)
    training = {**counts, **record, **setting_of(trainer), "frozen": trainer.model.frozen}
    save_checkpoint(path, trainer.model, trainer.vocabulary, training, trainer.optimizer, arrays)


def check_writable(trainer: Any) -> None:
    """Check, before a run, that its checkpoints can be written: the folder, and what goes into a file as JSON."""
    check_folder("Trainer", trainer.directory)
    as_bytes(trainer.model.config())
    config_of_batches(trainer)


def resume_run(trainer: Any, checkpoint: Checkpoint) -> None:
    """Restore what save_run saves, from a checkpoint; or raise CheckpointError and leave the model unchanged."""
    check_checkpoint("Trainer.resume", checkpoint)
    training, layers = checkpoint.training, with_masks(trainer.model)
    with as_checkpoint_error(checkpoint.path):
        if not training:
            raise ValueError("it has a model but no training run. Start a new run from its weights.")
        check_setting(checkpoint.path, training, setting_of(trainer))
        found = {name: training[name] for name in COUNTS}
        found["history"] = history_of(checkpoint, trainer.history.token)
        found["best"] = trainer.monitored.worst if training["best"] is None else training["best"]
        found["state"] = unflatten_state(checkpoint.arrays, len(trainer.model.named_layers))
        seeds = training.get("mask_seeds") or [None] * len(layers)
        if not len(layers) == len(training["masks"]) == len(seeds):
            raise ValueError(f"it has masks of {len(training['masks'])} layers, the model has {len(layers)}")
        for name in training.get("frozen", ()):
            check_named("Trainer.resume", "the model", name, trainer.model.params)
        before = trainer.model.state_dict()
        trainer.model.load_state_dict(checkpoint.weights)
        try:
            trainer.optimizer.load_state_dict(checkpoint.optimizer, trainer.model)
        except BaseException:
            trainer.model.load_state_dict(before)
            raise
    if not getattr(trainer.batches, "rewinds", True):
        warnings.warn(cannot_rewind(trainer.batches, found), stacklevel=4)
    if "frozen" in training:
        trainer.model.unfreeze()
        trainer.model.mark(training["frozen"], trained=False)
    for name, value in found.items():
        setattr(trainer, name, value)
    trainer.watch.of_steps.load(checkpoint.arrays)
    for layer, calls, seed in zip(layers, training["masks"], seeds):
        layer.calls = calls
        if seed is not None:
            setattr(layer, seed_of(layer), seed)


def cannot_rewind(batches: Any, found: dict[str, Any]) -> str:
    """The statement that a resumed run may differ from an uninterrupted one."""
    again = "is read from its beginning" if not batches.again else f"gives the batches of epoch {found['epoch']} again"
    return (
        f"Trainer.resume: batches is {kind(batches.source)}, whose order is not known: it {again}, and the first "
        f"{found['index']} batches are skipped. If they are not the batches of the run before, the run differs from an "
        "uninterrupted one. Arrays, lists of batches and SequenceBatches are resumed exactly."
    )


def check_setting(path: str, training: dict[str, Any], ours: dict[str, Any]) -> None:
    """Raise CheckpointError if the optimizer, or the data or its batches, are not those of the run."""
    remedy = "or start a new run from its weights: model.load_state_dict(checkpoint.weights)."
    if training["optimizer"] != ours["optimizer"]:
        raise CheckpointError(
            f"Trainer.resume: optimizer is {ours['optimizer']}, expected {training['optimizer']}, as in the run of "
            f"{path}. Pass that optimizer, {remedy}"
        )
    monitored = training.get("monitor", [DEFAULT, "min"])
    if monitored != ours["monitor"] and training["best"] is not None:
        (column, mode), name = monitored, " ".join(ours["monitor"])
        raise CheckpointError(
            f"Trainer.resume: monitor is {name}, expected {column} {mode}, as in the run of {path}. Pass "
            f"monitor={column!r}, mode={mode!r}, {remedy}"
        )
    groups = [each.get("groups", []) for each in (ours, training)]
    if groups[0] != groups[1]:
        raise CheckpointError(
            f"Trainer.resume: groups of the optimizer is {groups[0]}, expected {groups[1]}, as in the run of {path}. "
            f"Pass an optimizer with these groups, {remedy}"
        )
    if None in (ours["batches"], training["batches"]):
        return
    for name, value, expected in differences(ours["batches"], training["batches"]):
        advice = f"Pass {name}={expected!r} as in"
        if name in ("tokens", "sequences", "targets", "windows"):
            advice = "The data is another: pass the text, the sequences or the series of"
        raise CheckpointError(
            f"Trainer.resume: {name} of the batches is {value!r}, expected {expected!r}, as in the run of {path}. "
            f"{advice} that run, {remedy}"
        )


def differences(ours: Any, theirs: Any) -> Iterator[tuple[str, Any, Any]]:
    """Yield (name, ours, theirs) of each entry that differs."""
    known = isinstance(ours, dict) and isinstance(theirs, dict)
    if not known and ours != theirs:
        yield "config()", ours, theirs
    names = dict.fromkeys([*ours, *theirs]) if known else {}
    for name in names:
        value, expected = ours.get(name), theirs.get(name)
        if isinstance(value, dict) and isinstance(expected, dict):
            yield from differences(value, expected)
        elif value != expected:
            yield name, value, expected


def history_of(checkpoint: Checkpoint, token: str) -> History:
    """Return the history of the run; a file of an older version has no counts and no names of what is counted."""
    losses = checkpoint.arrays["losses"].tolist()
    counts = checkpoint.arrays.get("counts", np.ones(len(losses))).tolist()
    names = {"token": token, **checkpoint.training.get("history", {})}
    return History(losses, checkpoint.training["rows"], counts, **names)


def with_masks(model: Any) -> list[Any]:
    """Return the modules that draw a mask at each call and count their calls: Dropout, some recurrent layers."""
    return [module for module in model.modules() if hasattr(module, "calls")]


def seed_of(layer: Any) -> str:
    """Return the name of the attribute with the seed of a layer's masks; in Dropout `seed` has no other use."""
    return "mask_seed" if layer.recurrent or hasattr(layer, "mask_seed") else "seed"


def setting_of(trainer: Any) -> dict[str, Any]:
    """Return what must be equal to resume a run: the class of the optimizer, and the config of the batches, if any."""
    groups = trainer.optimizer.names_of_groups(trainer.model) if hasattr(trainer.optimizer, "names_of_groups") else []
    return {
        "optimizer": type(trainer.optimizer).__name__,
        "groups": groups,
        "batches": config_of_batches(trainer),
        "monitor": list(trainer.monitored),
    }


def config_of_batches(trainer: Any) -> Any:
    """Return the config of the batches as a file contains it, or None if they have none."""
    return as_json(trainer.batches.config()) if hasattr(trainer.batches, "config") else None


def as_json(config: Any) -> Any:
    """Return a configuration as a checkpoint returns it: numpy scalars are Python's, tuples are lists."""
    return json.loads(as_bytes(config, "Trainer: config() of the batches").tobytes())


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
    """Return a single part itself, several parts as a tuple, and None if there is none."""
    if name in arrays:
        return arrays[name]
    numbers = {int(key[len(name) + 1 :].partition("/")[0]) for key in arrays if key.startswith(f"{name}/")}
    parts = [unflatten_parts(f"{name}/{j}", arrays) for j in sorted(numbers)]
    return tuple(parts) if len(parts) > 1 else parts[0] if parts else None
