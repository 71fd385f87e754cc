"""A long row of tokens cut into batches (x, y), y being x moved on by one: in order, or at random.

Both are sequences of epochs, and epoch k depends on (seed, k) alone: a resumed run sees what it would have seen.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from numnet.core.checks import check_positive
from numnet.core.show import Shown
from numnet.data.readers.text import TextError

Tokens = npt.NDArray[Any]
Batch = tuple[Tokens, Tokens]


class SequentialBatches(Shown):
    """Row b of a batch goes on where row b of the batch before it ended, so the state can be carried.

    The text is cut into batch_size long rows, and these into windows of sequence_length. What is left over is less
    than one batch; each epoch starts at another place within that remainder. With whole=True nothing but the last
    few tokens is left out: one start, and a shorter last window (for validation).
    """

    carries_state = True

    def __init__(
        self, tokens: Tokens, batch_size: int, sequence_length: int, seed: int = 0, whole: bool = False
    ) -> None:
        check_positive("SequentialBatches", batch_size=batch_size, sequence_length=sequence_length)
        check_length("SequentialBatches", tokens, batch_size if whole else batch_size * sequence_length)
        self.tokens, self.batch_size, self.sequence_length = tokens, batch_size, sequence_length
        self.seed, self.whole = seed, whole
        self.row = (len(tokens) - 1) // batch_size
        if not whole:
            self.row -= self.row % sequence_length

    def config(self) -> dict[str, Any]:
        """What a run cannot be resumed with another of."""
        return config_of(self)

    def __len__(self) -> int:
        """Batches in an epoch."""
        return -(-self.row // self.sequence_length)

    def epoch(self, number: int = 0) -> Iterator[Batch]:
        """The batches of one epoch; the state is zero at its start and carried through it."""
        used = self.row * self.batch_size
        spare = 0 if self.whole else len(self.tokens) - 1 - used
        start = int(np.random.default_rng([self.seed, number]).integers(spare + 1))
        x, y = (self.tokens[start + k : start + k + used].reshape(self.batch_size, self.row) for k in (0, 1))
        for t in range(0, self.row, self.sequence_length):
            yield x[:, t : t + self.sequence_length], y[:, t : t + self.sequence_length]


class RandomBatches(Shown):
    """Windows of sequence_length in random order, none overlapping another; the state is zero for each.

    Each epoch's windows start at another place, and the last batch of an epoch may be left out as too small.
    """

    carries_state = False

    def __init__(self, tokens: Tokens, batch_size: int, sequence_length: int, seed: int = 0) -> None:
        check_positive("RandomBatches", batch_size=batch_size, sequence_length=sequence_length)
        check_length("RandomBatches", tokens, batch_size * sequence_length)
        self.tokens, self.batch_size, self.sequence_length, self.seed = tokens, batch_size, sequence_length, seed

    def config(self) -> dict[str, Any]:
        """What a run cannot be resumed with another of."""
        return config_of(self)

    def __len__(self) -> int:
        """Batches in an epoch."""
        return (len(self.tokens) - 1) // (self.batch_size * self.sequence_length)

    def epoch(self, number: int = 0) -> Iterator[Batch]:
        """The batches of one epoch."""
        rng = np.random.default_rng([self.seed, number])
        T, B = self.sequence_length, self.batch_size
        spare = len(self.tokens) - 1 - len(self) * B * T
        first = rng.integers(min(spare, T) + 1)
        starts = first + T * rng.permutation((len(self.tokens) - 1 - first) // T)
        for k in range(len(self)):
            windows = starts[k * B : (k + 1) * B, None] + np.arange(T)
            yield self.tokens[windows], self.tokens[windows + 1]


def config_of(batches: Any) -> dict[str, Any]:
    """The class, the sizes, the seed, and the text's length and checksum."""
    text = f"{len(batches.tokens)} of checksum {zlib.crc32(batches.tokens.tobytes()):08x}"
    sizes = {name: getattr(batches, name) for name in ("batch_size", "sequence_length", "seed")}
    return {"type": type(batches).__name__, **sizes, "tokens": text}


def check_length(who: str, tokens: Tokens, needed: int) -> None:
    """A TextError where the text does not fill one batch."""
    if len(tokens) < needed + 1:
        raise TextError(
            f"{who}: the text has {len(tokens)} tokens, expected at least {needed + 1} for one batch. "
            "Give more text, or a smaller batch_size or sequence_length."
        )
