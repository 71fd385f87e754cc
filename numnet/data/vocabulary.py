"""The mapping from tokens to ids: identical in every process, and saved with every checkpoint."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from numnet.core.checks import validate_call

UNKNOWN = "<unk>"
BEGIN, END = "<bos>", "<eos>"  # special tokens 1 and 2 of a decoder's vocabulary


class Vocabulary:
    """Tokens in the order of their ids: `<unk>` is 0, then by decreasing frequency, then by code point.

    unit "character": the tokens of a text are its characters; "word": its words, separated by white space; `decode`
    joins them with spaces. A method that takes a text also takes a list of tokens, which may contain spaces.
    """

    @validate_call
    def __init__(self, tokens: Sequence[str], unit: str = "character") -> None:
        if unit not in ("character", "word"):
            raise ValueError(f"Vocabulary: unit is {unit!r}, expected 'character' or 'word'.")
        if not tokens or tokens[0] != UNKNOWN or len(set(tokens)) != len(tokens):
            raise ValueError(
                f"Vocabulary: tokens must be distinct and begin with {UNKNOWN!r}. Use Vocabulary.from_text."
            )
        self.tokens, self.unit = list(tokens), unit
        self.ids = {token: k for k, token in enumerate(self.tokens)}

    @classmethod
    @validate_call
    def from_text(
        cls, text: str, unit: str = "character", min_count: int = 1, special: Sequence[str] = ()
    ) -> Vocabulary:
        """Collect every token that occurs at least min_count times. The `special` tokens come first, from id 1."""
        return cls.from_tokens(list(text) if unit == "character" else text.split(), unit, min_count, special)

    @classmethod
    @validate_call
    def from_tokens(
        cls, tokens: Iterable[str], unit: str = "word", min_count: int = 1, special: Sequence[str] = ()
    ) -> Vocabulary:
        """Collect the tokens of a list, in the same way as from_text."""
        if isinstance(tokens, str):
            raise TypeError("Vocabulary: tokens is a str, expected a list of str. A text? Use Vocabulary.from_text.")
        counts = Counter(strings(tokens))
        for token in (UNKNOWN, *special):
            counts.pop(token, None)
        kept = sorted(
            (token for token, n in counts.items() if n >= min_count), key=lambda token: (-counts[token], token)
        )
        return cls([UNKNOWN, *special, *kept], unit)

    def __len__(self) -> int:
        return len(self.tokens)

    def __repr__(self) -> str:
        first = ", ".join(map(repr, self.tokens[:5])) + ", ..." * (len(self) > 5)
        return f"<Vocabulary of {len(self)} {self.unit}s: {first}>"

    def __contains__(self, token: str) -> bool:
        return token in self.ids

    def split(self, text: str | Iterable[str]) -> list[str]:
        """Return the tokens of a text; tokens are returned unchanged."""
        if isinstance(text, str):
            return list(text) if self.unit == "character" else text.split()
        return strings(text)

    def encode(self, text: str | Iterable[str]) -> npt.NDArray[np.int64]:
        """Return the token ids (N,), 0 for unknown tokens."""
        return np.array([self.ids.get(token, 0) for token in self.split(text)], np.int64)

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text of these ids."""
        return ("" if self.unit == "character" else " ").join(self.tokens[k] for k in ids)

    def unknown(self, text: str | Iterable[str]) -> list[str]:
        """Return the tokens of a text that are not in the vocabulary, each once, in order."""
        return [token for token in dict.fromkeys(self.split(text)) if token not in self]

    def config(self) -> dict[str, Any]:
        """Return the constructor's arguments, for a checkpoint."""
        return {"tokens": self.tokens, "unit": self.unit}


def strings(tokens: Iterable[Any]) -> list[str]:
    """Return the tokens as a list. TypeError for a number or a list, which would silently become `<unk>`."""
    found = list(tokens)
    for k, token in enumerate(found):
        if not isinstance(token, str):
            kind = type(token).__name__
            raise TypeError(
                f"Vocabulary: tokens[{k}] is {kind}, expected str. Pass one text, or the tokens of one text."
            )
    return found
