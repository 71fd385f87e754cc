"""A file's lines one by one, and the error that says which of them cannot be used: all readers stand on this."""

from __future__ import annotations

import os
from collections.abc import Iterator

from numnet.data.readers.text import TextError, open_text

SHOWN = 40  # characters of a wrong line that an error repeats


def read_lines(path: str | os.PathLike[str]) -> Iterator[str]:
    """The lines of a UTF-8 file without their ends, each read when it is asked for; gzip where the name ends in .gz.

    Lines end at a line feed, with or without a carriage return; what Unicode calls a separator besides is a character.
    TextError names the line and its byte where it is not UTF-8, and an empty file.
    """
    number = 0
    with open_text(path) as file:
        for number, line in enumerate(file, 1):
            text = decoded(path, number, line)
            yield text.removeprefix("\ufeff") if number == 1 else text
    if not number:
        raise TextError(f"{path}: the file is empty.")


def decoded(path: str | os.PathLike[str], number: int, line: bytes) -> str:
    """One line as text."""
    try:
        return line.removesuffix(b"\n").removesuffix(b"\r").decode("utf-8")
    except UnicodeDecodeError as error:
        said = f"not UTF-8 at byte {error.start} of the line: {error.reason}. Convert it, e.g. with iconv."
        raise wrong(path, number, said) from None


def wrong(path: str | os.PathLike[str], number: int, said: str) -> TextError:
    """The error to raise: the file, the line's number from 1, what it has, what was expected, what to do."""
    return TextError(f"{path}:{number}: {said}")


def excerpt(text: str) -> str:
    """As an error repeats it: its beginning, where it is long."""
    return repr(text if len(text) <= SHOWN else f"{text[:SHOWN]}…")
