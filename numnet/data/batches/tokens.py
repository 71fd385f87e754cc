"""One long sequence of tokens cut into batches (x, y), where y is x shifted by one token: in order or at random.

In both classes epoch k depends on (seed, k) alone: a resumed run gets the same batches as an uninterrupted one.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from numnet.core.checks import check_count, check_ids, check_size, data_array, validate_call
from numnet.core.show import Shown
from numnet.data.readers.text import TextError

Tokens = npt.NDArray[Any]
Batch = tuple[Tokens, Tokens]


class SequentialBatches(Shown):
    """Row b of a batch continues row b of the previous batch, so the state can be carried.

    The text is cut into batch_size long rows, and these into windows of sequence_length. The remainder is less than
    one batch; each epoch starts at a different offset within it. With whole=True only the last few tokens are left
    out: the offset is always 0, and the last window may be shorter (for validation).
    """

    carries_state = True

    @validate_call
    def __init__(
        self, tokens: Tokens, batch_size: int, sequence_length: int, seed: int = 0, whole: bool = False
    ) -> None:
        check_size("SequentialBatches", batch_size=batch_size, sequence_length=sequence_length)
        check_count("SequentialBatches", seed=seed)
        tokens = tokens_of("SequentialBatches", tokens, batch_size if whole else batch_size * sequence_length)
        self.tokens, self.batch_size, self.sequence_length = tokens, batch_size, sequence_length
        self.seed, self.whole = seed, whole
        self.row = (len(tokens) - 1) // batch_size
        if not whole:
            self.row -= self.row % sequence_length

    def config(self) -> dict[str, Any]:
        """Return what must be equal to resume a run."""
        return config_of(self)

    def __len__(self) -> int:
        """The number of batches in an epoch."""
        return -(-self.row // self.sequence_length)

    def epoch(self, number: int = 0) -> Iterator[Batch]:
        """Yield the batches of one epoch. The state is zero at its start and carried from batch to batch."""
        check_count("SequentialBatches.epoch", number=number)
        used = self.row * self.batch_size
        spare = 0 if self.whole else len(self.tokens) - 1 - used
        start = int(np.random.default_rng([self.seed, number]).integers(spare + 1))
        x, y = (self.tokens[start + k : start + k + used].reshape(self.batch_size, self.row) for k in (0, 1))
        for t in range(0, self.row, self.sequence_length):
            yield x[:, t : t + self.sequence_length], y[:, t : t + self.sequence_length]


class RandomBatches(Shown):
    """Windows of sequence_length in random order, without overlap. The initial state of each window is zero.

    Each epoch starts at a different offset, and may leave out a last batch that would be too small.
    """

    carries_state = False

    @validate_call
    def __init__(self, tokens: Tokens, batch_size: int, sequence_length: int, seed: int = 0) -> None:
        check_size("RandomBatches", batch_size=batch_size, sequence_length=sequence_length)
        check_count("RandomBatches", seed=seed)
        tokens = tokens_of("RandomBatches", tokens, batch_size * sequence_length)
        self.tokens, self.batch_size, self.sequence_length, self.seed = tokens, batch_size, sequence_length, seed

    def config(self) -> dict[str, Any]:
        """Return what must be equal to resume a run."""
        return config_of(self)

    def __len__(self) -> int:
        """The number of batches in an epoch."""
        return (len(self.tokens) - 1) // (self.batch_size * self.sequence_length)

    def epoch(self, number: int = 0) -> Iterator[Batch]:
        """Yield the batches of one epoch."""
        check_count("RandomBatches.epoch", number=number)
        rng = np.random.default_rng([self.seed, number])
        T, B = self.sequence_length, self.batch_size
        spare = len(self.tokens) - 1 - len(self) * B * T
        first = rng.integers(min(spare, T) + 1)
        starts = first + T * rng.permutation((len(self.tokens) - 1 - first) // T)
        for k in range(len(self)):
            windows = starts[k * B : (k + 1) * B, None] + np.arange(T)
            yield self.tokens[windows], self.tokens[windows + 1]


def config_of(batches: Any) -> dict[str, Any]:
    """Return the class, the sizes, the seed, `whole` if it is True, and the length and checksum of the text."""
    text = f"{len(batches.tokens)} of checksum {zlib.crc32(batches.tokens.tobytes()):08x}"
    sizes = {name: getattr(batches, name) for name in ("batch_size", "sequence_length", "seed")}
    whole = {"whole": True} if getattr(batches, "whole", False) else {}
    return {"type": type(batches).__name__, **sizes, **whole, "tokens": text}


def tokens_of(who: str, tokens: Any, needed: int) -> Tokens:
    """Return the tokens as an array (N,), an array of numpy uncopied. TextError if they do not fill one batch."""
    encode = "Pass vocabulary.encode(text)."
    found = data_array(who, "tokens", tokens, "integers (N,)")
    several = "Several sequences? Use SequenceBatches." if found.ndim else ""
    check_ids(who, "tokens", found, several, encode if found.dtype.kind in "SU" else "Numbers? Use SequenceBatches.")
    check_length(who, found, needed)
    return found


def check_length(who: str, tokens: Tokens, needed: int) -> None:
    """Raise TextError if the text does not fill one batch."""
    if len(tokens) < needed + 1:
        raise TextError(
            f"{who}: the text has {len(tokens)} tokens, expected at least {needed + 1} for one batch. "
            "Give more text, or a smaller batch_size or sequence_length."
        )
