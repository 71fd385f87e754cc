"""Texts: one that every Python carries, and any file; and the part held back for validation."""

from __future__ import annotations

import os
from pathlib import Path


class TextError(ValueError):
    """A text that cannot be used: the file and the reason."""


def default_text() -> str:
    """The language reference that ships inside every CPython: some 460 000 characters of English, no download."""
    from pydoc_data.topics import topics

    return "\n\n".join(topics[name] for name in sorted(topics))


def read_text(path: str | os.PathLike[str]) -> str:
    """A UTF-8 file as text; TextError names the byte where it is not UTF-8."""
    data = Path(path).read_bytes()
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


def split(text: str, validation_fraction: float) -> tuple[str, str]:
    """The first part to train on and the last to validate on: no window of one reaches into the other."""
    if not 0 <= validation_fraction < 1:
        raise ValueError(f"split: validation_fraction is {validation_fraction}, expected 0 or more and less than 1.")
    cut = len(text) - round(len(text) * validation_fraction)
    return text[:cut], text[cut:]
