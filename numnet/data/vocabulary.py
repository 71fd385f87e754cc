"""Which token has which number: the same in every process, and kept with every checkpoint."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

UNKNOWN = "<unk>"
BEGIN, END = "<bos>", "<eos>"  # special tokens 1 and 2 of what a decoder says


class Vocabulary:
    """Tokens in order: `<unk>` is 0, then by frequency, and where that is equal by code point.

    unit "character": a text's tokens are its characters; "word": what white space parts, joined again by a blank. Where
    a text is taken, tokens are taken, too, as they are: a list of words, say, some of which may hold blanks.
    """

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
    def from_text(
        cls, text: str, unit: str = "character", min_count: int = 1, special: Sequence[str] = ()
    ) -> Vocabulary:
        """Every token that occurs at least min_count times; before them those that are `special`, from 1 on."""
        return cls.from_tokens(list(text) if unit == "character" else text.split(), unit, min_count, special)

    @classmethod
    def from_tokens(
        cls, tokens: Iterable[str], unit: str = "word", min_count: int = 1, special: Sequence[str] = ()
    ) -> Vocabulary:
        """The same of what is in tokens already."""
        if isinstance(tokens, str):
            raise TypeError("Vocabulary: tokens is a str, expected a list of them. A text? Use Vocabulary.from_text.")
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
        """A text's tokens; tokens stay what they are."""
        if isinstance(text, str):
            return list(text) if self.unit == "character" else text.split()
        return strings(text)

    def encode(self, text: str | Iterable[str]) -> npt.NDArray[np.int64]:
        """Token numbers (N,), 0 for the unknown."""
        return np.array([self.ids.get(token, 0) for token in self.split(text)], np.int64)

    def decode(self, ids: Iterable[int]) -> str:
        """The text of these numbers."""
        return ("" if self.unit == "character" else " ").join(self.tokens[k] for k in ids)

    def unknown(self, text: str | Iterable[str]) -> list[str]:
        """The text's tokens that are not here, each once, in order."""
        return [token for token in dict.fromkeys(self.split(text)) if token not in self]

    def config(self) -> dict[str, Any]:
        """The constructor's arguments, for a checkpoint."""
        return {"tokens": self.tokens, "unit": self.unit}


def strings(tokens: Iterable[Any]) -> list[str]:
    """Tokens as a list; numbers or lists among them would all be unknown, silently."""
    found = list(tokens)
    for k, token in enumerate(found):
        if not isinstance(token, str):
            kind = type(token).__name__
            raise TypeError(
                f"Vocabulary: tokens[{k}] is {kind}, expected str. Give one text, or its tokens, at a time."
            )
    return found
