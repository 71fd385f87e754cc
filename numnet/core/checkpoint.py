"""The checkpoint file format: a .npz of arrays and JSON. Reading a file executes no code from it."""

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

from numnet.core.checks import described

Array = npt.NDArray[Any]
# All exceptions that reading an untrusted file, and building the network it describes, can raise.
UNUSABLE = (ValueError, TypeError, AttributeError, OSError, EOFError, MemoryError, RuntimeError, zipfile.BadZipFile)


class CheckpointError(ValueError):
    """The file is not a usable checkpoint; the message has the path and the cause."""


def write_entries(path: Path, entries: Mapping[str, Array]) -> None:
    """Write a .npz file through a temporary file: after a full disk or a killed process the old file is intact."""
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
    """Read every array and test its checksum; compressed or pickled entries raise, so no array exceeds the file."""
    entries = {}
    if not zipfile.is_zipfile(path):
        raise ValueError("it is no zip file, or only a part of one. Save it again by save_checkpoint")
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if member.compress_type != zipfile.ZIP_STORED or member.file_size > path.stat().st_size:
                raise ValueError(f"{member.filename} is compressed or larger than the file")
            data = io.BytesIO(archive.read(member))
            entries[member.filename.removesuffix(".npy")] = _read_array(data, member)
    return entries


def _read_array(data: io.BytesIO, member: zipfile.ZipInfo) -> Array:
    """Read one .npy entry; ValueError if its size differs from its header."""
    if not data.getvalue().startswith(np.lib.format.MAGIC_PREFIX):
        remedy = "A file of torch.save? Read it by torch.load, then model.load_state_dict(weights)"
        raise ValueError(f"{member.filename} is no array of numpy. {remedy}")
    version = np.lib.format.read_magic(data)
    read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read_header(data)
    if dtype.hasobject:
        raise ValueError(f"{member.filename} contains Python objects, which only pickle can read")
    if dtype.itemsize * int(np.prod(shape, dtype=object)) != member.file_size - data.tell():
        raise ValueError(f"{member.filename} differs in size from its header")
    data.seek(0)
    return np.lib.format.read_array(data, allow_pickle=False)


def as_bytes(value: Any, what: str = "save_checkpoint: a configuration") -> Array:
    """Encode a value as JSON, in an array of bytes; numbers and arrays of numpy become Python's numbers and lists."""

    def plain(part: Any) -> Any:
        if hasattr(part, "tolist"):
            return part.tolist()
        raise TypeError(
            f"{what} contains {described(part)}, expected numbers, strings and lists, which a checkpoint can store."
        )

    return np.frombuffer(json.dumps(value, default=plain).encode(), np.uint8)


def check_sizes(checkpoint: Any) -> None:
    """Raise ValueError, before memory is allocated, if the config names a size larger than any weight has."""
    largest = max((size for value in checkpoint.weights.values() for size in value.shape), default=0)
    stacks = [part for part in checkpoint.config.values() if isinstance(part, (list, dict))]
    layers = [layer for part in stacks for layer in (part if isinstance(part, list) else [part])]
    for layer in layers:
        for name in ("hidden_size", "output_size", "input_size", "proj_size", "embedding_size", "width"):
            if (layer.get(name) or 0) > largest:
                raise ValueError(f"{name} of {layer['type']} is {layer[name]}, larger than any axis of the weights")
        parts = [part for value in layer.values() for part in (value if isinstance(value, list) else [value])]
        layers.extend(part for part in parts if isinstance(part, dict))


@contextmanager
def as_checkpoint_error(path: str | os.PathLike[str]) -> Iterator[None]:
    """Convert any error in the contents of a file to a CheckpointError with the path and the cause."""
    try:
        yield
    except (FileNotFoundError, CheckpointError):
        raise
    except KeyError as cause:
        raise CheckpointError(f"{path}: not a usable checkpoint: {cause} is missing") from cause
    except UNUSABLE as cause:
        raise CheckpointError(f"{path}: not a usable checkpoint: {cause}") from cause
