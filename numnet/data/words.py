"""Sentences as words and signs, and back again: rules enough for English and French, and no more."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

APOSTROPHES = str.maketrans("’‘", "''")


def plain(text: str) -> str:
    """Lower case, one kind of blank and of apostrophe (NFKC): what a word's case and the typist's keys add is gone."""
    return unicodedata.normalize("NFKC", text).translate(APOSTROPHES).lower()


def to_words(text: str) -> list[str]:
    """The plain text's words, each with the apostrophe that ends it, and signs: "L'eau ?" is l' eau ?"""
    return re.findall(r"\w+'?|[^\w\s]", plain(text))


def from_words(words: Iterable[str]) -> str:
    """The way back: no blank after an apostrophe, beside a hyphen, before a full stop or a comma."""
    return re.sub(r"(?<=') | (?=[.,-])|(?<=-) ", "", " ".join(words))
