"""The mapping from tokens to ids: identical in every process, and saved with every checkpoint."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from numnet.core.checks import (
    check_count,
    check_ids,
    check_list,
    check_strings,
    check_tokens,
    excerpt,
    validate_call,
)
from numnet.core.packed import as_numbers

UNKNOWN = "<unk>"
PAD = -1  # padding after the end of a target; not a token
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
        self.tokens, self.unit = strings(tokens), unit
        self.ids = {token: k for k, token in enumerate(self.tokens)}
        twice = [token for k, token in enumerate(self.tokens) if self.ids[token] != k]
        if twice or self.tokens[:1] != [UNKNOWN]:
            found = f"; {excerpt(twice[0])} occurs twice" if twice else ""
            raise ValueError(
                f"Vocabulary: tokens must be distinct and begin with {UNKNOWN!r}{found}. Use Vocabulary.from_text."
            )

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
        check_count("Vocabulary", min_count=min_count)
        special = check_strings("Vocabulary", "special", special, "str")
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

    def __contains__(self, token: object) -> bool:
        return isinstance(token, str) and token in self.ids

    def split(self, text: str | Iterable[str]) -> list[str]:
        """Return the tokens of a text; tokens are returned unchanged."""
        if isinstance(text, str):
            return list(text) if self.unit == "character" else text.split()
        return strings(check_list("Vocabulary", "text", text, "tokens, or one text"))

    def encode(self, text: str | Iterable[str]) -> npt.NDArray[np.int64]:
        """Return the token ids (N,), 0 for unknown tokens. ValueError for a list of several texts."""
        tokens = self.split(text)
        ids = np.array([self.ids.get(token, 0) for token in tokens], np.int64)
        if tokens and not isinstance(text, str) and not ids.any():
            self.check_not_texts(tokens)
        return ids

    def check_not_texts(self, unknown: list[str]) -> None:
        """Check that unknown tokens are not whole texts: all of them longer than any token of the vocabulary."""
        several = [len(token if self.unit == "character" else token.split()) > 1 for token in unknown]
        own = [token for token in self.tokens if not token.startswith("<")]
        if all(several) and not any(len(token if self.unit == "character" else token.split()) > 1 for token in own):
            raise ValueError(
                f"Vocabulary: tokens[0] is {excerpt(unknown[0])}, expected one {self.unit}. Several texts? Encode each."
            )

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text of these ids (N,). -1 after the last id, the padding of PairBatches' targets, is left out."""
        return ("" if self.unit == "character" else " ").join([self.tokens[k] for k in unpadded(ids, len(self))])

    def unknown(self, text: str | Iterable[str]) -> list[str]:
        """Return the tokens of a text that are not in the vocabulary, each once, in order."""
        return [token for token in dict.fromkeys(self.split(text)) if token not in self]

    def config(self) -> dict[str, Any]:
        """Return the constructor's arguments, for a checkpoint."""
        return {"tokens": self.tokens, "unit": self.unit}


def strings(tokens: Iterable[Any]) -> list[str]:
    """Return the tokens as a list. TypeError for a number or a list, which would silently become `<unk>`."""
    return check_strings("Vocabulary", "tokens", tokens, "str", "Pass one text, or the tokens of one text.")


def unpadded(ids: Any, size: int) -> list[int]:
    """Return the ids without the padding after them. IndexError for an id outside of 0 to size - 1."""
    who, several = "Vocabulary.decode", "Several texts? Decode each row."
    given = ids if hasattr(ids, "__len__") else check_list(who, "ids", ids, "ids", "One id? Pass [id].")
    x = as_numbers(who, "ids", given, "ids (N,)")
    check_ids(who, "ids", x, several if x.ndim else "One id? Pass [id].", "Probabilities? Pass their argmax(-1).")
    real = (x != PAD).nonzero()[0]
    x = x[: real[-1] + 1 if len(real) else 0]
    if len(real) < len(x):
        raise IndexError(
            f"{who}: ids[{(x == PAD).argmax()}] is -1 and an id follows it, expected -1, padding, only after the last."
        )
    if len(x):
        check_tokens(who, x, size)
    decoded: list[int] = x.tolist()
    return decoded
