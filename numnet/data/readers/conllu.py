"""Sentences with a tag a word, from the files of Universal Dependencies."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

from numnet.data.readers.lines import excerpt, read_lines, wrong
from numnet.data.readers.text import TextError

UPOS = "ADJ ADP ADV AUX CCONJ DET INTJ NOUN NUM PART PRON PROPN PUNCT SCONJ SYM VERB X".split()  # noqa: SIM905
COLUMNS = 10
NOT_A_WORD = re.compile("[0-9]+[-.][0-9]+")  # n-m: words n to m as they are written together; n.1: a word left unsaid


class TaggedSentence(NamedTuple):
    """Words, and the part of speech of each (UPOS)."""

    words: tuple[str, ...]
    tags: tuple[str, ...]


def read_conllu(path: str | os.PathLike[str]) -> Iterator[TaggedSentence]:
    """The sentences of a CoNLL-U file (Nivre et al. 2020), read one by one; plain, or gzip where it ends in .gz.

    Comments, words written together (rows n-m) and empty nodes (n.1) are left out. TextError names file and line of a
    row without ten columns, out of order, or whose tag is none of the 17.
    """
    sentence: list[tuple[str, str]] = []
    sentences = 0
    for number, line in enumerate(chain(read_lines(path), [""]), 1):
        if line and not line.startswith("#"):
            sentence += word_and_tag(path, number, line, len(sentence) + 1)
        elif not line and sentence:
            words, tags = zip(*sentence)
            yield TaggedSentence(words, tags)
            sentence = []
            sentences += 1
    if not sentences:
        raise TextError(f"{path}: no sentence in it. Is it CoNLL-U?")


def word_and_tag(path: str | os.PathLike[str], number: int, line: str, place: int) -> list[tuple[str, str]]:
    """What a row brings: one word with its tag, or none."""
    columns = line.split("\t")
    if len(columns) != COLUMNS:
        said = f"{len(columns)} columns in {excerpt(line)}, expected {COLUMNS}, with tabs between. Is it CoNLL-U?"
        raise wrong(path, number, said)
    if NOT_A_WORD.fullmatch(columns[0]):
        return []
    if columns[0] != str(place):
        said = f"word {excerpt(columns[0])}, expected {place}. An empty line parts two sentences."
        raise wrong(path, number, said)
    if columns[1] == "":
        raise wrong(path, number, "the word is empty, expected at least one character. Mend the row.")
    if columns[3] not in UPOS:
        raise wrong(path, number, f"tag {excerpt(columns[3])}, expected one of {', '.join(UPOS)} in the fourth column.")
    return [(columns[1], columns[3])]
