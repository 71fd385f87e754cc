"""Whole sequences of different lengths as batches (x, y, lengths), like lengths together so that little is padding.

Epoch k depends on (seed, k) alone, as for a text's batches: a resumed run sees what it would have seen.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from numnet.core.checks import check_shape, check_size
from numnet.core.packed import as_numbers, join, pad_sequences
from numnet.core.show import Shown

Array = npt.NDArray[Any]
POOL = 50  # batches sorted together: enough for like lengths, few enough for every epoch to mix sequences anew


class SequenceBatches(Shown):
    """Each sequence (T_b,) or (T_b, D) once an epoch, padded with 0 to its batch's longest; the state is zero for each.

    A target is a sequence of the same length, then y is padded likewise; or it is one number, then y is (B,).

    bucketed  a shuffle, cut into pools of 50 batches; each pool is sorted by length and cut into batches, and these
              come in random order. Without it they hold whatever the shuffle brings together
    shuffle   with False the order given, and no buckets (for validation)
    """

    carries_state = False

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
        self.sequences, self.lengths = filled_sequences("SequenceBatches", "sequences", sequences)
        self.targets = targets_of(self.lengths, targets)
        self.batch_size, self.seed, self.bucketed, self.shuffle = batch_size, seed, bucketed, shuffle

    def config(self) -> dict[str, Any]:
        """What a run cannot be resumed with another of."""
        checksum = zlib.crc32(self.lengths.tobytes())
        for part in [*self.sequences, *self.targets]:
            checksum = zlib.crc32(part.tobytes(), checksum)
        options = {name: getattr(self, name) for name in ("batch_size", "seed", "bucketed", "shuffle")}
        return {"type": type(self).__name__, **options, "sequences": f"{len(self.lengths)} of checksum {checksum:08x}"}

    def __len__(self) -> int:
        """Batches in an epoch; the smallest one holds what is left over."""
        return -(-len(self.lengths) // self.batch_size)

    def epoch(self, number: int = 0) -> Iterator[tuple[Array, Array, Array]]:
        """The batches of one epoch."""
        for rows in self.order(number):
            x, lengths = pad_sequences([self.sequences[row] for row in rows])
            y = [self.targets[row] for row in rows]
            yield x, pad_sequences(y)[0] if y[0].ndim else np.stack(y), lengths

    def filled(self, number: int = 0) -> float:
        """The share of an epoch's places that hold a step, the rest being padding."""
        return float(self.lengths.sum() / sum(len(rows) * self.lengths[rows].max() for rows in self.order(number)))

    def order(self, number: int) -> list[Array]:
        """Which sequences make up each batch of one epoch."""
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
        """The order that lays those of like length side by side."""
        return self.lengths[rows].argsort(kind="stable")


def filled_sequences(who: str, name: str, sequences: Iterable[Any]) -> tuple[list[Array], Array]:
    """Each as an array of one dtype, and their lengths; a ValueError names one without a step."""
    packed = join(who, name, sequences)
    if 0 in packed.lengths:
        k = packed.lengths.argmin()
        raise ValueError(f"{who}: {name}[{k}] is empty, expected at least one step. Leave it out.")
    return packed.sequences(), packed.lengths


def cut(rows: Array, size: int) -> list[Array]:
    """Pieces of that size; the last one holds what is left over."""
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def targets_of(lengths: Array, targets: Any) -> list[Array]:
    """The targets as arrays of one dtype; a ValueError where they do not fit the sequences."""
    if len(targets) != len(lengths):
        raise ValueError(f"SequenceBatches: there are {len(targets)} targets, expected {len(lengths)}, one a sequence.")
    arrays = [as_numbers("SequenceBatches", f"targets[{k}]", target) for k, target in enumerate(targets)]
    steps, width = arrays[0].ndim > 0, arrays[0].shape[1:]
    for k, array in enumerate(arrays):
        expected = (int(lengths[k]), *width) if steps else ()
        remedy = "Each sequence has one target a step, or each has one number."
        check_shape("SequenceBatches", f"targets[{k}]", array.shape, expected, remedy)
    return join("SequenceBatches", "targets", arrays).sequences() if steps else list(np.stack(arrays))
