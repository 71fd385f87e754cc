"""Split sentences into words and punctuation marks, and join them again; the rules cover English and French only."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from numnet.core.checks import check_strings, validate_call

APOSTROPHES = str.maketrans("’‘", "''")


@validate_call
def plain(text: str) -> str:
    """Return the text in lower case, normalized to one kind of space and apostrophe (NFKC)."""
    return unicodedata.normalize("NFKC", text).translate(APOSTROPHES).lower()


@validate_call
def to_words(text: str) -> list[str]:
    """Return the words and punctuation marks of the plain text; an apostrophe ends its word: "L'eau ?" is l' eau ?"""
    return re.findall(r"\w+'?|[^\w\s]", plain(text))


@validate_call
def from_words(words: Iterable[str]) -> str:
    """Join words to a text: no space after an apostrophe, beside a hyphen, before a full stop or a comma."""
    text = " ".join(check_strings("from_words", "words", words, "words"))
    return re.sub(r"(?<=') | (?=[.,-])|(?<=-) ", "", text)
