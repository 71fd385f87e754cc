"""Read sentences and their translations from tab-separated files."""

from __future__ import annotations

import os
from collections.abc import Iterator

from numnet.core.checks import excerpt, validate_call
from numnet.data.readers.lines import line_error, read_lines
from numnet.data.readers.text import TextError


@validate_call
def read_pairs(path: str | os.PathLike[str]) -> Iterator[tuple[str, str]]:
    """Yield the first two columns of each line; further columns, such as an attribution, are ignored.

    Blank lines are skipped. TextError names the file and the line if a column is missing or blank. A file whose name
    ends in .gz is decompressed.
    """
    pairs = 0
    for number, line in enumerate(read_lines(path), 1):
        if not line.strip():
            continue
        first, _, rest = line.partition("\t")
        second = rest.partition("\t")[0]
        if not first.strip() or not second.strip():
            raise line_error(path, number, f"{excerpt(line)}, expected two texts separated by a tab.")
        yield first, second
        pairs += 1
    if not pairs:
        raise TextError(f"{path}: no pair found.")
