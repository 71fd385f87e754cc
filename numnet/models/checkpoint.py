"""Save and load a model as one .npz file that both backends read.

format        JSON: the version, and the names of all other entries
config        JSON: the architecture, as returned by RNNModel.config
vocabulary    JSON: the tokens in order, and their unit
training      JSON: what a trainer needs to continue: step, epoch, the rows of the history
weights/...   one array per parameter
optimizer/... the state of the optimizer: each buffer as one vector over all parameters
arrays/...    the losses, one per step, and the carried recurrent state
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from numnet.core.arrays import to_numpy
from numnet.core.checkpoint import CheckpointError, as_bytes, as_checkpoint_error, read_entries, write_entries
from numnet.core.checks import check_built, validate_call
from numnet.core.checks.runs import check_file, check_named_arrays, check_saveable, check_stateful
from numnet.data.vocabulary import Vocabulary

Array = npt.NDArray[Any]
FORMAT = 1


@dataclass
class Checkpoint:
    """The contents of a checkpoint file, and its path."""

    path: str
    config: dict[str, Any]
    weights: dict[str, Array] = field(repr=False)
    vocabulary: Vocabulary | None = None
    training: dict[str, Any] = field(default_factory=dict)
    optimizer: dict[str, Array] = field(default_factory=dict, repr=False)
    arrays: dict[str, Array] = field(default_factory=dict, repr=False)


@validate_call
def save_checkpoint(
    path: str | os.PathLike[str],
    model: Any,
    vocabulary: Vocabulary | None = None,
    training: Mapping[str, Any] | None = None,
    optimizer: Any = None,
    arrays: Mapping[str, Any] | None = None,
) -> None:
    """Write a model of either backend, and optionally its vocabulary and the state of its training run."""
    check_saveable("save_checkpoint", model)
    check_built("save_checkpoint", model)
    check_stateful("save_checkpoint", optimizer)
    check_file("save_checkpoint", Path(path))
    texts = {
        "config": model.config(),
        "vocabulary": vocabulary and vocabulary.config(),
        "training": dict(training or {}),
    }
    entries = {name: as_bytes(text) for name, text in texts.items()}
    groups = {"weights": model.state_dict(), "optimizer": optimizer.state_dict() if optimizer else {}}
    for group, values in {**groups, "arrays": check_named_arrays("save_checkpoint", arrays)}.items():
        entries.update({f"{group}/{name}": np.array(to_numpy(value), order="C") for name, value in values.items()})
    entries["format"] = as_bytes({"version": FORMAT, "members": list(entries)})
    write_entries(Path(path), entries)


@validate_call
def load_checkpoint(path: str | os.PathLike[str]) -> Checkpoint:
    """Read a checkpoint of either backend. CheckpointError names the path and the cause if it cannot be read."""
    if Path(path).is_dir():
        files = ", ".join(sorted(each.name for each in Path(path).glob("*.npz"))) or "none"
        raise CheckpointError(
            f"load_checkpoint: path is {str(path)!r}, which is a folder, expected a file of save_checkpoint. "
            f"Its files: {files}."
        )
    if not Path(path).exists():
        raise FileNotFoundError(f"load_checkpoint: {str(path)!r} does not exist, expected a file of save_checkpoint.")
    with as_checkpoint_error(path):
        entries = read_entries(Path(path))
        form = json.loads(entries.pop("format").tobytes())
        if form["version"] != FORMAT:
            raise ValueError(f"its format is {form['version']}, this version reads {FORMAT}")
        for name in set(form["members"]) ^ set(entries):
            raise ValueError(f"{name} is {'unexpected' if name in entries else 'missing'}")
        texts = {name: json.loads(entries[name].tobytes()) for name in ("config", "vocabulary", "training")}
        groups: dict[str, dict[str, Array]] = {"weights": {}, "optimizer": {}, "arrays": {}}
        for name, value in entries.items():
            group, _, rest = name.partition("/")
            if rest:
                groups[group][rest] = value
        vocabulary = texts["vocabulary"] and Vocabulary(**texts["vocabulary"])
        return Checkpoint(str(path), texts["config"], vocabulary=vocabulary, training=texts["training"], **groups)
