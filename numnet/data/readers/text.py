"""Texts: one that every Python carries, and any file; and the part held back for validation."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class TextError(ValueError):
    """A text that cannot be used: the file and the reason."""


def default_text() -> str:
    """The language reference that ships inside every CPython: some 460 000 characters of English, no download."""
    from pydoc_data.topics import topics

    return "\n\n".join(topics[name] for name in sorted(topics))


def read_text(path: str | os.PathLike[str]) -> str:
    """A UTF-8 file as text, plain or, where its name ends in .gz, gzip; TextError names the byte that is not UTF-8."""
    with open_text(path) as file:
        data: bytes = file.read()
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise TextError(
            f"{path}: not UTF-8 at byte {error.start}: {error.reason}. Convert it, e.g. with iconv."
        ) from None
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    if not text:
        raise TextError(f"{path}: the file is empty.")
    return text


@contextmanager
def open_text(path: str | os.PathLike[str]) -> Iterator[Any]:
    """A file's bytes, unpacked where its name ends in .gz; TextError where they cannot be."""
    try:
        with (gzip.open if os.fspath(path).endswith(".gz") else open)(path, "rb") as file:
            yield file
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise TextError(f"{path}: not whole as gzip: {error}. Fetch it again, or take .gz off a plain file.") from None


def split(text: str, validation_fraction: float) -> tuple[str, str]:
    """The first part to train on and the last to validate on: no window of one reaches into the other."""
    if not 0 <= validation_fraction < 1:
        raise ValueError(f"split: validation_fraction is {validation_fraction}, expected 0 or more and less than 1.")
    cut = len(text) - round(len(text) * validation_fraction)
    return text[:cut], text[cut:]
