"""Read columns of numbers from a CSV file, such as a series for forecasting."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from numnet.core.checks import check_choice, check_strings, excerpt, validate_call
from numnet.data.readers.lines import line_error, read_lines

MISSING = ("", "nan", "na", "n/a", "null", "none")
SEPARATORS = {",": "a comma", ";": "a semicolon", "\t": "a tab"}


@validate_call
def read_csv(path: str | os.PathLike[str], columns: Any, separator: str = ",") -> npt.NDArray[np.float64]:
    """Return the numbers of one column (T,), or of a list of columns (T, K), by their names in the first line.

    Cells may be quoted. An empty cell, or one that is nan, NA, null or none in any case, is nan. Empty lines are
    skipped, and a file whose name ends in .gz is decompressed. TextError names the file, and the line and the column of
    a cell that is not a finite number, of a line with too few or too many cells, or of a column that the file lacks.
    """
    check_choice("read_csv", "separator", separator, list(SEPARATORS))
    names = [columns] if isinstance(columns, str) else check_strings("read_csv", "columns", columns, "column names")
    if not names:
        raise ValueError("read_csv: columns is empty, expected at least one name.")
    lines = rows_of(path, separator)
    number, header = next(lines, (1, []))
    header = [cell.strip() for cell in header]
    places = [place_of(path, number, name, header, separator) for name in names]
    found = [numbers(path, number, row, header, places) for number, row in lines]
    if not found:
        raise line_error(path, number, "no line follows the names of the columns, expected numbers.")
    table = np.array(found)
    return table[:, 0] if isinstance(columns, str) else table


def rows_of(path: str | os.PathLike[str], separator: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the number and the cells of each line that is not empty."""
    for number, line in enumerate(read_lines(path), 1):
        if line.strip():
            try:
                yield number, next(csv.reader([line], delimiter=separator, strict=True))
            except csv.Error as error:
                raise line_error(path, number, f"{error}, expected cells between separators.") from None


def place_of(path: str | os.PathLike[str], number: int, name: str, header: list[str], separator: str) -> int:
    """Return the place of a column. TextError unless the header has its name once."""
    if header.count(name) == 1:
        return header.index(name)
    other = next((s for s in SEPARATORS if s != separator and len(header) == 1 and s in header[0]), None)
    remedy = f"Is the separator {SEPARATORS[other]}? Pass separator={other!r}." if other else "Check the name."
    got = ", ".join(map(excerpt, header[:12])) + (", ..." if len(header) > 12 else "")
    times = "no column" if name not in header else f"{header.count(name)} columns"
    raise line_error(path, number, f"{times} {excerpt(name)} in {got}, expected one. {remedy}")


def numbers(
    path: str | os.PathLike[str], number: int, row: list[str], header: list[str], places: Sequence[int]
) -> list[float]:
    """Return the numbers of one line in these places."""
    if len(row) != len(header):
        message = f"{len(row)} cells, expected {len(header)} as in the first line. A comma in a number? Quote the cell."
        raise line_error(path, number, message)
    return [as_number(path, number, header[k], row[k].strip()) for k in places]


def as_number(path: str | os.PathLike[str], number: int, name: str, cell: str) -> float:
    """Return the number in a cell; nan if it is missing."""
    if cell.lower() in MISSING:
        return np.nan
    try:
        found = float(cell)
    except ValueError:
        found = np.inf
    if not np.isfinite(found):
        remedy = "Write decimals with a point." if "," in cell else "Correct it, or leave it empty if it is missing."
        raise line_error(path, number, f"{excerpt(cell)} in column {excerpt(name)}, expected a finite number. {remedy}")
    return found
