"""Read a file line by line; errors name the file and the line. All other readers use this module."""

from __future__ import annotations

import os
from collections.abc import Iterator

from numnet.core.checks import validate_call
from numnet.data.readers.text import TextError, convert, open_text


@validate_call
def read_lines(path: str | os.PathLike[str]) -> Iterator[str]:
    """Yield the lines of a UTF-8 file without their ends. A file whose name ends in .gz is decompressed.

    A line ends with a line feed, with or without a carriage return; other Unicode separators are ordinary characters.
    TextError names the line and the byte that is not UTF-8 or is NUL, or an empty file.
    """
    number = 0
    with open_text(path) as file:
        for number, line in enumerate(file, 1):
            text = decoded(path, number, line)
            yield text.removeprefix("\ufeff") if number == 1 else text
    if not number:
        raise TextError(f"{path}: the file is empty.")


def decoded(path: str | os.PathLike[str], number: int, line: bytes) -> str:
    """Return one line as text."""
    if (null := line.find(0)) >= 0:
        raise line_error(path, number, f"a NUL at byte {null} of the line, expected UTF-8. {convert(line)}")
    try:
        return line.removesuffix(b"\n").removesuffix(b"\r").decode("utf-8")
    except UnicodeDecodeError as error:
        message = f"not UTF-8 at byte {error.start} of the line: {error.reason}. {convert(line)}"
        raise line_error(path, number, message) from None


def line_error(path: str | os.PathLike[str], number: int, message: str) -> TextError:
    """Return the error to raise, with the file and the line number (from 1) before the message."""
    return TextError(f"{path}:{number}: {message}")
