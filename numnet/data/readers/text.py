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
        raise TextError(f"{path}: not UTF-8 at byte {error.start}: {error.reason}. {convert(data)}") from None
    if (null := data.find(0)) >= 0:
        raise TextError(f"{path}: a NUL at byte {null}, expected UTF-8. {convert(data)}")
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    if not text:
        raise TextError(f"{path}: the file is empty.")
    return text


@contextmanager
def open_text(path: str | os.PathLike[str]) -> Iterator[Any]:
    """Open the bytes of a file, decompressed if its name ends in .gz. TextError if they cannot be decompressed."""
    try:
        with open_bytes(path) as file:
            yield file
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        message = f"{path}: not a complete gzip file: {error}. Download it again, or remove .gz if it is uncompressed."
        raise TextError(message) from None


def open_bytes(path: str | os.PathLike[str]) -> Any:
    """Return the open file. TextError for a folder, else an error of the class that Python raises."""
    try:
        return (gzip.open if os.fspath(path).lower().endswith(".gz") else open)(path, "rb")
    except IsADirectoryError:
        raise TextError(f"{path}: this is a folder, expected a file. Pass a path in the folder.") from None
    except OSError as error:
        raise type(error)(
            f"{os.fspath(path) or 'an empty path'}: cannot be read: {error.strerror}. Check the path."
        ) from None
    except ValueError as error:
        raise TextError(f"{path!r}: not a path: {error}.") from None


def convert(data: bytes) -> str:
    """Return the remedy for bytes that are not UTF-8, from the first ones."""
    if data[:2] == b"\x1f\x8b":
        return "Is it gzip? Then give it a name that ends in .gz."
    return f"{'Is it UTF-16? ' if 0 in data[:4] else ''}Convert the file, e.g. with iconv."


@validate_call
def split(text: str, validation_fraction: float) -> tuple[str, str]:
    """Return the first part for training and the last part for validation, so that no window overlaps both."""
    if not 0 <= validation_fraction < 1:
        raise ValueError(f"split: validation_fraction is {validation_fraction}, expected 0 or more and less than 1.")
    cut = len(text) - round(len(text) * validation_fraction)
    return text[:cut], text[cut:]
