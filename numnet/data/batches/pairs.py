"""Pairs of sequences of different lengths as batches (x, y, lengths): a model reads x and then generates y."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from numnet.core.checks import check_count, check_size, validate_call
from numnet.core.packed import pad_sequences
from numnet.data.batches.sequences import SequenceBatches, filled_sequences
from numnet.data.vocabulary import PAD

Array = npt.NDArray[Any]


class PairBatches(SequenceBatches):
    """Each pair once per epoch: x padded with 0, y padded with -1, and the lengths (B,) of x. Initial state: zero.

    A source is tokens (S_b,) or features (S_b, D). Its target is tokens (T_b,), the last of which is the end token.
    Pairs are shuffled and bucketed as in SequenceBatches, by the length of the source, then by that of the target.
    """

    @validate_call
    def __init__(
        self,
        sources: Iterable[Any],
        targets: Iterable[Any],
        batch_size: int,
        seed: int = 0,
        bucketed: bool = True,
        shuffle: bool = True,
    ) -> None:
        check_size("PairBatches", batch_size=batch_size)
        check_count("PairBatches", seed=seed)
        self.sequences, self.lengths = filled_sequences("PairBatches", "sources", sources)
        self.targets, self.target_lengths = filled_sequences("PairBatches", "targets", targets)
        if len(self.targets) != len(self.sequences):
            raise ValueError(
                f"PairBatches: there are {len(self.targets)} targets, expected {len(self.sequences)}, one per source."
            )
        for k, target in enumerate(self.targets):
            if target.ndim != 1 or target.dtype.kind not in "iu" or target.min() < 0:
                got = f"{target.shape} of {target.dtype}, from {target.min()}"
                raise ValueError(f"PairBatches: targets[{k}] is {got}, expected tokens (T,), whole numbers from 0.")
        self.batch_size, self.seed, self.bucketed, self.shuffle = batch_size, seed, bucketed, shuffle

    def config(self) -> dict[str, Any]:
        checksum = zlib.crc32(self.target_lengths.tobytes())
        return {**super().config(), "targets": f"of lengths of checksum {checksum:08x}"}

    def epoch(self, number: int = 0) -> Iterator[tuple[Array, Array, Array]]:
        """Yield the batches of one epoch."""
        for rows in self.order(number):
            x, lengths = pad_sequences([self.sequences[row] for row in rows])
            yield x, pad_sequences([self.targets[row] for row in rows], PAD)[0], lengths

    def by_length(self, rows: Array) -> Array:
        return np.lexsort((self.target_lengths[rows], self.lengths[rows]))
