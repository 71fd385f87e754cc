"""Words and their classes, from a folder of word lists, a file a class: surnames and their languages."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from numnet.data.readers.lines import read_lines
from numnet.data.readers.text import TextError

ENDS = (".txt", ".txt.gz")


def read_classes(folder: str | os.PathLike[str]) -> Iterator[tuple[str, str]]:
    """(class, word) of each line of each .txt or .txt.gz in a folder, in the order of their names, read one by one.

    A file's name, without its end, is the class. Blanks around a word and empty lines are left out; other files are not
    read. TextError names a folder without a list, and a list without a word.
    """
    files = sorted(path for path in Path(folder).iterdir() if path.name.endswith(ENDS))
    if not files:
        raise TextError(f"{folder}: no file in it ends in .txt, expected one a class.")
    for path in files:
        words = 0
        for line in read_lines(path):
            if word := line.strip():
                yield path.name.removesuffix(".gz").removesuffix(".txt"), word
                words += 1
        if not words:
            raise TextError(f"{path}: no word in it. Take the file away, or give it words.")
