"""Texts: from any file, or the text that ships with Python; and the split into training and validation parts."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from numnet.core.checks import validate_call


class TextError(ValueError):
    """A text cannot be used. The message names the file and the cause."""


@validate_call
def default_text() -> str:
    """Return the language reference that ships with CPython: about 460 000 characters of English, no download."""
    from pydoc_data.topics import topics

    return "\n\n".join(topics[name] for name in sorted(topics))


@validate_call
def read_text(path: str | os.PathLike[str]) -> str:
    """Return a UTF-8 file as text; .gz is decompressed. TextError names an empty file or a byte that is not UTF-8."""
    with open_text(path) as file:
        data: bytes = file.read()
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise TextError(
            f"{path}: not UTF-8 at byte {error.start}: {error.reason}. Convert the file, e.g. with iconv."
        ) from None
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    if not text:
        raise TextError(f"{path}: the file is empty.")
    return text


@contextmanager
def open_text(path: str | os.PathLike[str]) -> Iterator[Any]:
    """Open the bytes of a file, decompressed if its name ends in .gz. TextError if they cannot be decompressed."""
    try:
        with (gzip.open if os.fspath(path).endswith(".gz") else open)(path, "rb") as file:
            yield file
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        message = f"{path}: not a complete gzip file: {error}. Download it again, or remove .gz if it is uncompressed."
        raise TextError(message) from None


@validate_call
def split(text: str, validation_fraction: float) -> tuple[str, str]:
    """Return the first part for training and the last part for validation, so that no window overlaps both."""
    if not 0 <= validation_fraction < 1:
        raise ValueError(f"split: validation_fraction is {validation_fraction}, expected 0 or more and less than 1.")
    cut = len(text) - round(len(text) * validation_fraction)
    return text[:cut], text[cut:]
