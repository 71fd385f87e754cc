"""Read words and their classes from a folder with one word list per class, such as surnames by language."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from numnet.core.checks import validate_call
from numnet.data.readers.lines import read_lines
from numnet.data.readers.text import TextError

ENDS = (".txt", ".txt.gz")


@validate_call
def read_classes(folder: str | os.PathLike[str]) -> Iterator[tuple[str, str]]:
    """Yield (class, word) for each line of each .txt or .txt.gz file in a folder, in the order of the file names.

    The class is the file name without its extension. White space around a word and empty lines are skipped; other
    files are ignored, as are those whose name begins with a dot, such as the ._NAME that macOS adds. TextError names a
    folder without a word list, or a word list without a word.
    """
    files = sorted(path for path in entries(folder) if path.name.endswith(ENDS) and path.name[0] != ".")
    if not files:
        raise TextError(f"{folder}: no .txt file found, expected one per class.")
    for path in files:
        words = 0
        for line in read_lines(path):
            if word := line.strip():
                yield path.name.removesuffix(".gz").removesuffix(".txt"), word
                words += 1
        if not words:
            raise TextError(f"{path}: no word found. Remove the file, or add words to it.")


def entries(folder: str | os.PathLike[str]) -> list[Path]:
    """Return what a folder contains. TextError for a file, else an error of the class that Python raises."""
    try:
        return list(Path(folder).iterdir())
    except NotADirectoryError:
        raise TextError(f"{folder}: this is not a folder, expected one with a .txt file per class.") from None
    except OSError as error:
        raise type(error)(f"{folder}: cannot be read: {error.strerror}. Check the path.") from None
