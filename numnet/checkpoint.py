"""A model on disk: one .npz that either backend reads, and that nothing in it can make execute.

    format        JSON: the version, and the names of all that follows
    config        JSON: the architecture, as RNNModel.config gives it
    vocabulary    JSON: the tokens in order, and their unit
    training      JSON: what a trainer needs to go on: step, epoch, the rows of the history
    weights/...   one array a parameter
    optimizer/... what the optimizer remembers, one vector over all parameters each
    arrays/...    the losses, one a step, and the recurrent state that is carried on

It is written beside its place and then moved there, so that a full disk or a killed process leaves the one before.
"""

from __future__ import annotations

import io
import json
import os
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from numnet.checks import check_built
from numnet.data.vocabulary import Vocabulary

Array = npt.NDArray[Any]
FORMAT = 1
# All that reading a file of unknown contents, and building the network it asks for, can raise.
UNUSABLE = (ValueError, TypeError, AttributeError, OSError, EOFError, MemoryError, RuntimeError, zipfile.BadZipFile)


class CheckpointError(ValueError):
    """A file that cannot be used as a checkpoint: the path, the cause."""


@dataclass
class Checkpoint:
    """What a checkpoint file holds, and which file it was."""

    path: str
    config: dict[str, Any]
    weights: dict[str, Array]
    vocabulary: Vocabulary | None = None
    training: dict[str, Any] = field(default_factory=dict)
    optimizer: dict[str, Array] = field(default_factory=dict)
    arrays: dict[str, Array] = field(default_factory=dict)


def to_numpy(value: Any) -> Array:
    """An array, or a tensor wherever it lives, as an array; bfloat16, which numpy has not, as float32."""
    if not hasattr(value, "detach"):
        return np.asarray(value)
    return (value.float() if str(value.dtype) == "torch.bfloat16" else value).detach().cpu().numpy()


def checksum(params: Mapping[str, Any]) -> int:
    """A number that is the same as long as nobody changes one of them."""
    total = 0
    for value in params.values():
        total = zlib.crc32(np.ascontiguousarray(to_numpy(value)).data, total)
    return total


def save_checkpoint(
    path: str | os.PathLike[str],
    model: Any,
    vocabulary: Vocabulary | None = None,
    training: Mapping[str, Any] | None = None,
    optimizer: Any = None,
    arrays: Mapping[str, Any] | None = None,
) -> None:
    """Write a model of either backend, and whatever else is given."""
    check_built("save_checkpoint", model)
    texts = {
        "config": model.config(),
        "vocabulary": vocabulary and vocabulary.config(),
        "training": dict(training or {}),
    }
    entries = {name: as_bytes(text) for name, text in texts.items()}
    groups = {"weights": model.state_dict(), "optimizer": optimizer.state_dict() if optimizer else {}}
    for group, values in {**groups, "arrays": arrays or {}}.items():
        entries.update({f"{group}/{name}": np.array(to_numpy(value), order="C") for name, value in values.items()})
    entries["format"] = as_bytes({"version": FORMAT, "members": list(entries)})
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with open(temporary, "wb") as file:
            np.savez(file, **entries)  # type: ignore[arg-type]
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def load_checkpoint(path: str | os.PathLike[str]) -> Checkpoint:
    """Read a checkpoint of either backend; CheckpointError, with path and cause, for anything else."""
    with refusing(path):
        entries = _read_entries(Path(path))
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


def check_sizes(checkpoint: Checkpoint) -> None:
    """A ValueError where the config asks for more than the weights have, before any memory is given to it."""
    largest = max((size for value in checkpoint.weights.values() for size in value.shape), default=0)
    stacks = [part for part in checkpoint.config.values() if isinstance(part, (list, dict))]
    layers = [layer for part in stacks for layer in (part if isinstance(part, list) else [part])]
    for layer in layers:
        for name in ("hidden_size", "output_size", "input_size", "proj_size", "embedding_size", "width"):
            if (layer.get(name) or 0) > largest:
                raise ValueError(f"{name} of {layer['type']} is {layer[name]}, more than any weight has")
        parts = [part for value in layer.values() for part in (value if isinstance(value, list) else [value])]
        layers.extend(part for part in parts if isinstance(part, dict))


@contextmanager
def refusing(path: str | os.PathLike[str]) -> Iterator[None]:
    """Whatever is wrong with the contents of a file becomes a CheckpointError with its path and the cause."""
    try:
        yield
    except (FileNotFoundError, CheckpointError):
        raise
    except KeyError as cause:
        raise CheckpointError(f"{path}: not a usable checkpoint: {cause} is missing") from cause
    except UNUSABLE as cause:
        raise CheckpointError(f"{path}: not a usable checkpoint: {cause}") from cause


def as_bytes(text: Any) -> Array:
    """JSON as an array of bytes."""
    return np.frombuffer(json.dumps(text).encode(), np.uint8)


def _read_entries(path: Path) -> dict[str, Array]:
    """Every array of the zip file, its checksum tested; nothing compressed and no pickle, so no size is a surprise."""
    entries = {}
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if member.compress_type != zipfile.ZIP_STORED or member.file_size > path.stat().st_size:
                raise ValueError(f"{member.filename} is compressed or larger than the file")
            data = io.BytesIO(archive.read(member))
            entries[member.filename.removesuffix(".npy")] = _read_array(data, member)
    return entries


def _read_array(data: io.BytesIO, member: zipfile.ZipInfo) -> Array:
    """One .npy whose header promises no more than is there."""
    version = np.lib.format.read_magic(data)
    read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read_header(data)
    if dtype.hasobject:
        raise ValueError(f"{member.filename} holds Python objects, which only pickle could read")
    if dtype.itemsize * int(np.prod(shape, dtype=object)) != member.file_size - data.tell():
        raise ValueError(f"{member.filename} is not as long as its header says")
    data.seek(0)
    return np.lib.format.read_array(data, allow_pickle=False)
