"""Validation of a training run: the model, the optimizer, the history, the checkpoint that it continues."""

from __future__ import annotations

import numbers
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from numnet.core.checks.assignments import all_frozen_error
from numnet.core.checks.networks import check_built
from numnet.core.checks.training import backend_of, shown
from numnet.core.checks.values import check_real


def check_trains(who: str, model: Any, method: str = "loss_and_grads") -> None:
    """Check for a model with a loss, before training or evaluation."""
    if isinstance(model, type) or not hasattr(model, method):
        remedy = "Put the layers in one: RNNModel([...], SoftmaxCrossEntropy())."
        if isinstance(model, type):
            remedy = f"Make an object of the class: {model.__name__}(...)."
        elif hasattr(model, "added_loss"):
            remedy = "Put it in a classifier: TreeClassifier(spinn, [Dense(5)], SoftmaxCrossEntropy())."
        elif backend_of(model) == "torch":
            remedy = "A module of PyTorch needs a training loop of its own."
        raise TypeError(f"{who}: model is {kind(model)}, expected a model with a loss, such as RNNModel. {remedy}")
    loss = model.needs_loss()
    if isinstance(loss, type) or not callable(loss):
        raise TypeError(
            f"{who}: the loss of the model is {shown(loss)}, expected a loss. "
            "Create the model with loss=SoftmaxCrossEntropy(), or another loss."
        )


def check_optimizer(who: str, optimizer: Any, model: Any) -> None:
    """Check for an optimizer of the model's backend."""
    ours, theirs = backend_of(model) or "numnet", backend_of(optimizer)
    known = all(hasattr(optimizer, name) for name in ("step", "steps", "schedule"))
    if isinstance(optimizer, type):
        remedy = f"Make an object of the class: {optimizer.__name__}(0.001)."
    elif known and (theirs == ours or theirs not in ("numnet", "torchnet")):
        if getattr(model, "built", False) and model.params and len(model.frozen) == len(model.params):
            raise all_frozen_error(who, model.frozen)
        return
    else:
        remedy = f"Pass {ours}.Adam(0.001), or another optimizer of {ours}."
    got = f"{type(optimizer).__name__} of {theirs}" if theirs and not isinstance(optimizer, type) else kind(optimizer)
    raise TypeError(f"{who}: optimizer is {got}, expected an optimizer of {ours}. {remedy}")


def kind(value: Any) -> str:
    """Return a plain value as one would type it, and any other object by the name of its class."""
    plain = value is None or isinstance(value, (type, bool, int, float, str)) or hasattr(value, "shape")
    return shown(value) if plain else type(value).__name__


def check_checkpoint(who: str, checkpoint: Any) -> None:
    """Check for the contents of a file, not its path or the weights alone."""
    if not all(hasattr(checkpoint, name) for name in ("path", "config", "weights")) or isinstance(checkpoint, type):
        remedy = "Read the file first: load_checkpoint(path)."
        if isinstance(checkpoint, dict):
            remedy = "Weights alone? Make the model yourself, then model.load_state_dict(weights)."
        raise TypeError(f"{who}: checkpoint is {kind(checkpoint)}, expected a Checkpoint. {remedy}")


def check_folder(who: str, folder: Path) -> None:
    """Check that a path can be a folder: neither it nor a folder above it is a file."""
    for place in (folder, *folder.parents):
        if place.exists() and not place.is_dir():
            raise ValueError(
                f"{who}: the folder is {str(folder)!r}, but {place} is a file, expected a folder. Choose another name."
            )


def check_saveable(who: str, model: Any) -> None:
    """Check for a model or layer that has a configuration and weights."""
    if isinstance(model, type) or not (hasattr(model, "config") and hasattr(model, "params")):
        remedy = "Pass the model itself." if backend_of(model) != "torch" else "Save a module of PyTorch by torch.save."
        raise TypeError(f"{who}: model is {kind(model)}, expected a model or a layer of numnet or torchnet. {remedy}")


def check_file(who: str, path: Path) -> None:
    """Check that a path can be a file in a folder."""
    if path.is_dir():
        raise ValueError(f"{who}: path is {str(path)!r}, which is a folder, expected a file. Add a name: model.npz.")
    check_folder(who, path.parent)


def check_stateful(who: str, optimizer: Any) -> None:
    """Check for an optimizer of either backend, or None."""
    if optimizer is not None and (isinstance(optimizer, type) or not hasattr(optimizer, "buffer_names")):
        raise TypeError(f"{who}: optimizer is {kind(optimizer)}, expected an optimizer of numnet or torchnet, or None.")


def check_named_arrays(who: str, arrays: Any) -> Mapping[str, Any]:
    """Return arrays by name; None becomes none."""
    if arrays is not None and not isinstance(arrays, Mapping):
        raise TypeError(f"{who}: arrays is {kind(arrays)}, expected a dictionary of arrays, or None.")
    return arrays or {}


def check_history(losses: Any, rows: Any, counts: Any) -> None:
    """Check that losses and counts are lists of numbers of one length, and rows a list of dictionaries with a step."""
    for name, values in (("losses", losses), ("counts", counts)):
        if not isinstance(values, list) or not all(isinstance(each, numbers.Real) for each in values):
            raise TypeError(f"History: {name} is {kind(values)}, expected a list of numbers, one for each step.")
    if not isinstance(rows, list) or not all(isinstance(row, dict) and "step" in row for row in rows):
        raise TypeError(f"History: rows is {kind(rows)}, expected a list of dictionaries, each with a step.")
    if counts and len(losses) != len(counts):
        raise ValueError(f"History: counts has {len(counts)} entries, expected {len(losses)}: one for each loss.")


def check_row(validation_loss: Any, row: Mapping[str, Any]) -> None:
    """Check that a row of a history has a step, and a number, or None, as validation loss."""
    if validation_loss is not None and not isinstance(validation_loss, numbers.Real):
        raise TypeError(f"History.add: validation_loss is {kind(validation_loss)}, expected a number or None.")
    if not isinstance(row.get("step"), numbers.Real):
        raise TypeError(f"History.add: step is {kind(row.get('step'))}, expected a number. Call add(loss, step=7).")


def check_axes_of_plot(axes: Any, who: str = "History.draw") -> None:
    """Check for axes of matplotlib."""
    if isinstance(axes, type) or not (hasattr(axes, "plot") and hasattr(axes, "legend")):
        raise TypeError(
            f"{who}: axes is {kind(axes)}, expected axes of matplotlib, such as figure.subplots(). "
            "A file? Call plot(path)."
        )


def check_direction(model: Any, direction: Any) -> None:
    """Check that a model has weights and a loss, and that a direction has values by the names of its parameters."""
    check_trains("hessian_vector", model)
    check_built("hessian_vector", model)
    if not isinstance(direction, Mapping):
        raise TypeError(
            f"hessian_vector: direction is {kind(direction)}, expected a dictionary of arrays with the names of "
            "model.params."
        )


def check_finite_values(who: str, name: str, finite: bool) -> None:
    """Check that an array has no NaN and no infinity."""
    if not finite:
        raise ValueError(f"{who}: {name} has a NaN or an infinity, expected finite numbers.")


def check_sentences(hypotheses: Any, references: Any) -> None:
    """Check for a list of sentences, and as many lists of references."""
    who, remedy = "translation_scores", "One reference? Pass [reference]."
    if isinstance(hypotheses, str) or not isinstance(hypotheses, Sequence):
        raise TypeError(f"{who}: hypotheses is {kind(hypotheses)}, expected a list of sentences. Pass list(sentences).")
    if isinstance(references, str) or not isinstance(references, Sequence):
        raise TypeError(f"{who}: references is {kind(references)}, expected a list of lists of sentences. {remedy}")
    for k, sentence in enumerate(hypotheses):
        if not isinstance(sentence, str):
            raise TypeError(f"{who}: hypotheses[{k}] is {kind(sentence)}, expected a sentence. Decode tokens first.")
    for k, known in enumerate(references):
        if isinstance(known, str) or not isinstance(known, Sequence):
            raise TypeError(f"{who}: references[{k}] is {kind(known)}, expected a list of sentences. {remedy}")
        for j, sentence in enumerate(known):
            if not isinstance(sentence, str):
                raise TypeError(f"{who}: references[{k}][{j}] is {kind(sentence)}, expected a sentence. {remedy}")


def check_optimizer_state(who: str, state: Any) -> dict[str, Any]:
    """Return the state of an optimizer as arrays; an error for anything that state_dict does not return."""
    if not isinstance(state, Mapping):
        raise TypeError(f"{who}: state is {kind(state)}, expected a dictionary, as state_dict returns it.")
    found = {name: to_array(who, name, value) for name, value in state.items()}
    steps = found.get("steps", np.array(0))
    if steps.shape != () or steps.dtype.kind not in "iu" or steps < 0:
        raise ValueError(f"{who}: steps is {shown(steps)}, expected a whole number, 0 or more.")
    return found


def to_array(who: str, name: str, value: Any) -> Any:
    """Return real numbers as an array."""
    found = value.detach().cpu().numpy() if hasattr(value, "detach") else value
    if not hasattr(found, "dtype") and not isinstance(found, numbers.Real):
        raise TypeError(f"{who}: {name} is {kind(value)}, expected an array. Is it the state of a torch optimizer?")
    check_real(who, name, found := np.asarray(found))
    return found
