"""Word vectors that others have trained, from GloVe's text files: those of a vocabulary's words alone."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from numnet.data.readers.lines import excerpt, wrong
from numnet.data.readers.text import TextError, open_text

LARGEST = float(np.finfo(np.float32).max)


class Vectors(NamedTuple):
    """values (words, D), float32, 0 for a word that the file lacks; found (words,), True for one that it has."""

    values: npt.NDArray[np.float32]
    found: npt.NDArray[np.bool_]

    @property
    def coverage(self) -> float:
        """The share of the words that were found."""
        return float(self.found.mean()) if self.found.size else 0.0


def read_vectors(path: str | os.PathLike[str], words: Sequence[str]) -> Vectors:
    """The vectors of these words, from a file of lines `word number ... number` (Pennington et al. 2014).

    The first line says D. A word is looked up as it is written: lower it first where the file is lower case. The same
    word may be asked for twice; of a word that the file has twice, the first counts. Reading ends where nothing is left
    to find. TextError names file and line of any line read with another number of numbers, and of a word asked for
    whose vector holds what is no finite number. gzip where the name ends in .gz.
    """
    if isinstance(words, str):
        raise TypeError("read_vectors: words is a str, expected a list of words. One word? Pass [word].")
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
            key, numbers = parted(path, number, line, D)
            if rows := places.pop(key, None):
                values[rows], found[rows] = finite(path, number, numbers), True
                if not places:
                    break
    if not D:
        raise TextError(f"{path}: no vector in it.")
    return Vectors(values, found)


def width(path: str | os.PathLike[str], number: int, line: bytes) -> int:
    """D, as the first line has it."""
    if not (D := line.count(b" ")):
        raise wrong(path, number, f"{excerpt(text(line))}, expected a word and its numbers. Is it GloVe's text?")
    return D


def parted(path: str | os.PathLike[str], number: int, line: bytes, D: int) -> tuple[bytes, bytes]:
    """A line's word, which may hold blanks, and its D numbers."""
    blanks = line.count(b" ")
    if blanks == D:
        word, _, numbers = line.partition(b" ")
        return word, numbers
    word = line.rsplit(b" ", D)[0]
    if blanks < D or not math.isnan(number_or_nan(word.rpartition(b" ")[2])):
        raise wrong(
            path,
            number,
            f"{blanks} numbers after {excerpt(text(line.partition(b' ')[0]))}, expected {D} as in the first line. "
            "A first line of two counts, as word2vec writes it? Take it away.",
        )
    return word, line[len(word) + 1 :]


def number_or_nan(part: bytes) -> float:
    """What it reads as."""
    try:
        return float(part)
    except ValueError:
        return math.nan


def finite(path: str | os.PathLike[str], number: int, numbers: bytes) -> npt.NDArray[np.float64]:
    """The numbers of one line."""
    parts = numbers.split(b" ")
    vector = np.array([number_or_nan(part) for part in parts])
    good = np.abs(vector) <= LARGEST
    if not good.all():
        part = excerpt(text(parts[good.argmin()]))
        raise wrong(path, number, f"{part} in a vector, expected a finite number. Mend the line.")
    return vector


def text(line: bytes) -> str:
    """Bytes as an error shows them."""
    return line.decode("utf-8", "replace")
