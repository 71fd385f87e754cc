"""Sentences and their translations, from files with a tab between them."""

from __future__ import annotations

import os
from collections.abc import Iterator

from numnet.data.readers.lines import excerpt, read_lines, wrong
from numnet.data.readers.text import TextError


def read_pairs(path: str | os.PathLike[str]) -> Iterator[tuple[str, str]]:
    """The first two columns of each line, read one by one; columns after them, such as an attribution, are left out.

    Empty lines are left out. TextError names file and line where a column is missing or blank. gzip where the name ends
    in .gz.
    """
    pairs = 0
    for number, line in enumerate(read_lines(path), 1):
        if not line:
            continue
        first, _, rest = line.partition("\t")
        second = rest.partition("\t")[0]
        if not first.strip() or not second.strip():
            raise wrong(path, number, f"{excerpt(line)}, expected two texts with a tab between.")
        yield first, second
        pairs += 1
    if not pairs:
        raise TextError(f"{path}: no pair in it.")
