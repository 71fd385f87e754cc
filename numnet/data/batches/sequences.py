"""Whole sequences as batches (x, y, lengths); a batch has sequences of similar lengths, so there is little padding.

Epoch k depends on (seed, k) alone, as in tokens.py: a resumed run gets the same batches as an uninterrupted one.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from numnet.core.checks import check_count, check_list, check_shape, check_size, kind_of, validate_call
from numnet.core.packed import as_numbers, join, pad_sequences
from numnet.core.show import Shown

Array = npt.NDArray[Any]
POOL = 50  # batches that are sorted together: more give more similar lengths, fewer mix the sequences better


class SequenceBatches(Shown):
    """Each sequence (T_b,) or (T_b, D) once per epoch, padded with 0 to the longest in its batch. Initial state: zero.

    A target is a sequence of the same length, padded in the same way, or one number; then y is (B,). Targets as an
    array (N, K) of real numbers are K numbers for each sequence; then y is (B, K).

    bucketed  shuffle the sequences, cut them into pools of 50 batches, sort each pool by length, cut it into batches,
              and shuffle the batches. With False, the shuffled sequences are cut into batches directly
    shuffle   with False, keep the given order without bucketing (for validation)
    """

    carries_state = False

    @validate_call
    def __init__(
        self,
        sequences: Iterable[Any],
        targets: Any,
        batch_size: int,
        seed: int = 0,
        bucketed: bool = True,
        shuffle: bool = True,
    ) -> None:
        check_size("SequenceBatches", batch_size=batch_size)
        check_count("SequenceBatches", seed=seed)
        self.sequences, self.lengths = filled_sequences("SequenceBatches", "sequences", sequences)
        self.targets = targets_of("SequenceBatches", self.lengths, targets)
        self.batch_size, self.seed, self.bucketed, self.shuffle = batch_size, seed, bucketed, shuffle

    def config(self) -> dict[str, Any]:
        """Return what must be equal to resume a run."""
        checksum = zlib.crc32(self.lengths.tobytes())
        for part in [*self.sequences, *self.targets]:
            checksum = zlib.crc32(part.tobytes(), checksum)
        options = {name: getattr(self, name) for name in ("batch_size", "seed", "bucketed", "shuffle")}
        return {"type": type(self).__name__, **options, "sequences": f"{len(self.lengths)} of checksum {checksum:08x}"}

    def __len__(self) -> int:
        """The number of batches in an epoch, including the smaller one with the remainder."""
        return -(-len(self.lengths) // self.batch_size)

    def epoch(self, number: int = 0) -> Iterator[tuple[Array, Array, Array]]:
        """Yield the batches of one epoch."""
        for rows in self.order(number):
            x, lengths = pad_sequences([self.sequences[row] for row in rows])
            y = [self.targets[row] for row in rows]
            yield x, pad_sequences(y)[0] if y[0].ndim else np.stack(y), lengths

    def filled(self, number: int = 0) -> float:
        """Return the fraction of an epoch's steps that are real, not padding."""
        return float(self.lengths.sum() / sum(len(rows) * self.lengths[rows].max() for rows in self.order(number)))

    def order(self, number: int) -> list[Array]:
        """Return the sequence indices of each batch of one epoch."""
        check_count(f"{type(self).__name__}.epoch", number=number)
        rows = np.arange(len(self.lengths))
        if not self.shuffle:
            return cut(rows, self.batch_size)
        rng = np.random.default_rng([self.seed, number])
        rng.shuffle(rows)
        if not self.bucketed:
            return cut(rows, self.batch_size)
        pools = [pool[self.by_length(pool)] for pool in cut(rows, POOL * self.batch_size)]
        batches = [batch for pool in pools for batch in cut(pool, self.batch_size)]
        return [batches[k] for k in rng.permutation(len(batches))]

    def by_length(self, rows: Array) -> Array:
        """Return the order that sorts these rows by length."""
        return self.lengths[rows].argsort(kind="stable")


def filled_sequences(who: str, name: str, sequences: Iterable[Any]) -> tuple[list[Array], Array]:
    """Return the sequences as arrays of one dtype, and their lengths. ValueError names an empty sequence."""
    packed = join(who, name, sequences)
    if 0 in packed.lengths:
        k = packed.lengths.argmin()
        raise ValueError(f"{who}: {name}[{k}] is empty, expected at least one step. Leave it out.")
    return packed.sequences(), packed.lengths


def cut(rows: Array, size: int) -> list[Array]:
    """Return pieces of that size; the last one has the remainder."""
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def targets_of(who: str, lengths: Array, targets: Any, row: str = "sequence", step: str = "step") -> list[Array]:
    """Return the targets as arrays of one dtype. ValueError if they do not match the rows, each of `lengths` steps."""
    several = getattr(targets, "ndim", 0) == 2 and kind_of(targets) == "real"
    targets = check_list(who, "targets", targets, f"targets, one per {row}")
    if len(targets) != len(lengths):
        raise ValueError(f"{who}: there are {len(targets)} targets, expected {len(lengths)}, one per {row}.")
    arrays = [as_numbers(who, f"targets[{k}]", target) for k, target in enumerate(targets)]
    if several:
        return arrays
    steps, width = arrays[0].ndim > 0, arrays[0].shape[1:]
    for k, array in enumerate(arrays):
        expected = (int(lengths[k]), *width) if steps else ()
        remedy = f"Give one target per {step} for every {row}, or one number for every {row}."
        check_shape(who, f"targets[{k}]", array.shape, expected, remedy)
    return join(who, "targets", arrays).sequences() if steps else list(np.stack(arrays))
