"""Read pretrained word vectors from GloVe's text files, for the words of a vocabulary only."""

from __future__ import annotations

import codecs
import math
import os
from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from numnet.core.checks import check_strings, excerpt, validate_call
from numnet.data.readers.lines import decoded, line_error
from numnet.data.readers.text import TextError, convert, open_text

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
    A word may contain spaces, and may end in a number that is whole, if the vector is not, or if it is one of `words`.
    TextError names the file and the line if a line does not have D numbers, or if a number in the first vector or in
    that of one of these words is not finite. A file whose name ends in .gz is decompressed.
    """
    words = check_strings("read_vectors", "words", words, "words")
    places: dict[bytes, list[int]] = {}
    for k, word in enumerate(words):
        places.setdefault(word.encode("utf-8", "surrogatepass"), []).append(k)
    found, D = np.zeros(len(words), np.bool_), 0
    values = np.zeros((len(words), 0), np.float32)
    with open_text(path) as file:
        for number, line in enumerate(file, 1):
            line = (line.removeprefix(codecs.BOM_UTF8) if number == 1 else line).rstrip()
            if not line:
                continue
            if not D:
                D = width(path, number, line, places)
                values = np.zeros((len(words), D), np.float32)
            key, numbers = split_line(path, number, line, D, places)
            if rows := places.pop(key, None):
                values[rows], found[rows] = vector_of(path, number, numbers), True
                if not places:
                    break
    if not D:
        raise TextError(f"{path}: no vector found.")
    return Vectors(values, found)


def width(path: str | os.PathLike[str], number: int, line: bytes, words: Collection[bytes]) -> int:
    """Return D, from the first line: the numbers after its word, which is one of `words` or as short as possible."""
    decoded(path, number, line)
    parts = line.split(b" ")
    D = next((k for k, part in enumerate(parts[:0:-1]) if not is_number(part)), len(parts) - 1)
    if not D:
        raise line_error(path, number, f"{excerpt(text(line))}, expected a word and its numbers. Is it GloVe's text?")
    D = next((d for d in range(1, D) if line.rsplit(b" ", d)[0] in words), D)
    vector_of(path, number, line.split(b" ", len(parts) - D)[-1])
    return D


def split_line(
    path: str | os.PathLike[str], number: int, line: bytes, D: int, words: Collection[bytes]
) -> tuple[bytes, bytes]:
    """Split a line into its word, which may contain spaces, and its D numbers."""
    blanks = line.count(b" ")
    if 0 in line:
        raise line_error(path, number, f"a NUL at byte {line.find(0)} of the line, expected UTF-8. {convert(line)}")
    if blanks == D:
        word, _, numbers = line.partition(b" ")
        return word, numbers
    word = line.rsplit(b" ", D)[0]
    if blanks < D or not (word in words or is_phrase(word, line[len(word) + 1 :])):
        raise line_error(
            path,
            number,
            f"{blanks} numbers after {excerpt(text(line.partition(b' ')[0]))}, expected {D} as in the first line. "
            "Is the first line a word2vec header of two counts? Remove it.",
        )
    return word, line[len(word) + 1 :]


def is_phrase(word: bytes, numbers: bytes) -> bool:
    """Return whether a word with spaces is one: its last part is not a number, or a whole one before others."""
    last = word.rpartition(b" ")[2]
    if math.isnan(number_or_nan(last)):
        return True
    return last.isdigit() and b"." in numbers and all(map(is_number, numbers.split(b" ")))


def is_number(part: bytes) -> bool:
    """Return whether the part is written as a number; nan and inf are."""
    return part.lower().lstrip(b"+-") in (b"nan", b"inf") or not math.isnan(number_or_nan(part))


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
