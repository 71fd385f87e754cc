"""Read pretrained word vectors from GloVe's text files, for the words of a vocabulary only."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from numnet.core.checks import validate_call
from numnet.data.readers.lines import excerpt, line_error
from numnet.data.readers.text import TextError, open_text

LARGEST = float(np.finfo(np.float32).max)


class Vectors(NamedTuple):
    """values (words, D), float32, 0 for a word that is not in the file; found (words,), True for a word that is."""

    values: npt.NDArray[np.float32]
    found: npt.NDArray[np.bool_]

    @property
    def coverage(self) -> float:
        """The fraction of the words that were found."""
        return float(self.found.mean()) if self.found.size else 0.0


@validate_call
def read_vectors(path: str | os.PathLike[str], words: Sequence[str]) -> Vectors:
    """Return the vectors of these words, from a file of lines `word number ... number` (Pennington et al. 2014).

    The first line determines D. The search is case-sensitive: convert the words to lower case if the file is. `words`
    may have duplicates; if the file has a word twice, the first line is used. Reading stops when all words are found.
    TextError names the file and the line if a line does not have D numbers, or if a number in the vector of one of
    these words is not finite. A file whose name ends in .gz is decompressed.
    """
    places: dict[bytes, list[int]] = {}
    for k, word in enumerate(words):
        places.setdefault(word.encode("utf-8", "surrogatepass"), []).append(k)
    found, D = np.zeros(len(words), np.bool_), 0
    values = np.zeros((len(words), 0), np.float32)
    with open_text(path) as file:
        for number, line in enumerate(file, 1):
            if not (line := line.rstrip()):
                continue
            if not D:
                D = width(path, number, line)
                values = np.zeros((len(words), D), np.float32)
            key, numbers = split_line(path, number, line, D)
            if rows := places.pop(key, None):
                values[rows], found[rows] = vector_of(path, number, numbers), True
                if not places:
                    break
    if not D:
        raise TextError(f"{path}: no vector found.")
    return Vectors(values, found)


def width(path: str | os.PathLike[str], number: int, line: bytes) -> int:
    """Return D, from the first line."""
    if not (D := line.count(b" ")):
        raise line_error(path, number, f"{excerpt(text(line))}, expected a word and its numbers. Is it GloVe's text?")
    return D


def split_line(path: str | os.PathLike[str], number: int, line: bytes, D: int) -> tuple[bytes, bytes]:
    """Split a line into its word, which may contain spaces, and its D numbers."""
    blanks = line.count(b" ")
    if blanks == D:
        word, _, numbers = line.partition(b" ")
        return word, numbers
    word = line.rsplit(b" ", D)[0]
    if blanks < D or not math.isnan(number_or_nan(word.rpartition(b" ")[2])):
        raise line_error(
            path,
            number,
            f"{blanks} numbers after {excerpt(text(line.partition(b' ')[0]))}, expected {D} as in the first line. "
            "Is the first line a word2vec header of two counts? Remove it.",
        )
    return word, line[len(word) + 1 :]


def number_or_nan(part: bytes) -> float:
    """Return the number, or NaN if it is not a number."""
    try:
        return float(part)
    except ValueError:
        return math.nan


def vector_of(path: str | os.PathLike[str], number: int, numbers: bytes) -> npt.NDArray[np.float64]:
    """Return the numbers of one line. TextError if one of them is not finite."""
    parts = numbers.split(b" ")
    vector = np.array([number_or_nan(part) for part in parts])
    good = np.abs(vector) <= LARGEST
    if not good.all():
        part = excerpt(text(parts[good.argmin()]))
        raise line_error(path, number, f"{part} in a vector, expected a finite number. Correct the line.")
    return vector


def text(line: bytes) -> str:
    """Decode bytes for an error message."""
    return line.decode("utf-8", "replace")
