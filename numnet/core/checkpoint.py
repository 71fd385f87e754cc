"""The file of a checkpoint: a .npz of arrays and JSON. Reading one executes nothing."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
# All that reading a file of unknown contents, and building the network it asks for, can raise.
UNUSABLE = (ValueError, TypeError, AttributeError, OSError, EOFError, MemoryError, RuntimeError, zipfile.BadZipFile)


class CheckpointError(ValueError):
    """A file that cannot be used as a checkpoint: the path, the cause."""


def write_entries(path: Path, entries: Mapping[str, Array]) -> None:
    """One .npz, written next to its place and then moved there: a full disk or a killed process leaves the old file."""
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


def read_entries(path: Path) -> dict[str, Array]:
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


def as_bytes(text: Any) -> Array:
    """JSON as an array of bytes."""
    return np.frombuffer(json.dumps(text).encode(), np.uint8)


def check_sizes(checkpoint: Any) -> None:
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
