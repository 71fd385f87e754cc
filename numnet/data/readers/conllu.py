"""Read sentences with part-of-speech tags from the files of Universal Dependencies."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

from numnet.core.checks import excerpt, validate_call
from numnet.data.readers.lines import line_error, read_lines
from numnet.data.readers.text import TextError

UPOS = "ADJ ADP ADV AUX CCONJ DET INTJ NOUN NUM PART PRON PROPN PUNCT SCONJ SYM VERB X".split()  # noqa: SIM905
COLUMNS = 10
NOT_A_WORD = re.compile("[0-9]+[-.][0-9]+")  # n-m: a multiword token, written for words n to m; n.1: an empty node


class TaggedSentence(NamedTuple):
    """Words, and the part of speech of each (UPOS)."""

    words: tuple[str, ...]
    tags: tuple[str, ...]


@validate_call
def read_conllu(path: str | os.PathLike[str]) -> Iterator[TaggedSentence]:
    """Yield the sentences of a CoNLL-U file (Nivre et al. 2020). A file whose name ends in .gz is decompressed.

    Comments, multiword tokens (rows n-m) and empty nodes (n.1) are skipped; a blank line ends a sentence. TextError
    names the file and the line if a row does not have ten columns, is out of order, or has a tag that is not one of
    the 17.
    """
    sentence: list[tuple[str, str]] = []
    sentences = 0
    for number, line in enumerate(chain(read_lines(path), [""]), 1):
        blank = not line.strip()
        if not blank and not line.startswith("#"):
            sentence += word_and_tag(path, number, line, len(sentence) + 1)
        elif blank and sentence:
            words, tags = zip(*sentence)
            yield TaggedSentence(words, tags)
            sentence = []
            sentences += 1
    if not sentences:
        raise TextError(f"{path}: no sentence found. Is it CoNLL-U?")


def word_and_tag(path: str | os.PathLike[str], number: int, line: str, place: int) -> list[tuple[str, str]]:
    """Return a row's (word, tag) in a list, or [] if the row is not a word."""
    columns = line.split("\t")
    if len(columns) != COLUMNS:
        message = f"{len(columns)} columns in {excerpt(line)}, expected {COLUMNS}, separated by tabs. Is it CoNLL-U?"
        raise line_error(path, number, message)
    if NOT_A_WORD.fullmatch(columns[0]):
        return []
    if columns[0] != str(place):
        message = f"word number {excerpt(columns[0])}, expected {place}. Put an empty line between two sentences."
        raise line_error(path, number, message)
    if columns[1] == "":
        raise line_error(path, number, "the word is empty, expected at least one character. Correct the row.")
    if columns[3] not in UPOS:
        raise line_error(
            path, number, f"tag {excerpt(columns[3])}, expected one of {', '.join(UPOS)} in the fourth column."
        )
    return [(columns[1], columns[3])]
