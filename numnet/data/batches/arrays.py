"""Arrays of examples, x and y with one entry for each, cut into batches (x, y) or (x, y, lengths).

Epoch k depends on (seed, k) alone, as in tokens.py: a resumed run gets the same batches as an uninterrupted one.
"""

from __future__ import annotations

import functools
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from numnet.core.show import Shown
from numnet.data.batches.sequences import cut

Array = npt.NDArray[Any]


class ArrayBatches(Shown):
    """Rows of checked arrays x (N, ...), y (N, ...), and of lengths (N,) or a mask (N, T) unless None, batch by batch.

    The rows are shuffled in each epoch, or kept in order with shuffle=False; the last batch has the remainder. y is
    None for x alone. Initial state: zero.
    """

    carries_state = False

    def __init__(
        self, x: Array, y: Array | None, lengths: Array | None, batch_size: int, seed: int = 0, shuffle: bool = True
    ) -> None:
        self.x, self.y, self.lengths = x, y, lengths
        self.batch_size, self.seed, self.shuffle = batch_size, seed, shuffle

    def config(self) -> dict[str, Any]:
        """Return what must be equal to resume a run."""
        options = {name: getattr(self, name) for name in ("batch_size", "seed", "shuffle")}
        return {"type": "ArrayBatches", **options, "sequences": f"{len(self.x)} of checksum {self.checksum:08x}"}

    @functools.cached_property
    def checksum(self) -> int:
        """The CRC-32 checksum of all values."""
        return checksum_of([self.x, self.y, self.lengths])

    def __len__(self) -> int:
        """The number of batches in an epoch, including the smaller one with the remainder."""
        return -(-len(self.x) // self.batch_size)

    def epoch(self, number: int = 0) -> Iterator[tuple[Any, ...]]:
        """Yield the batches of one epoch."""
        parts = [self.x, self.y, *([] if self.lengths is None else [self.lengths])]
        for rows in self.order(number):
            yield tuple(part if part is None else part[rows] for part in parts)

    def order(self, number: int) -> list[Array]:
        """Return the rows of each batch of one epoch."""
        rows = np.arange(len(self.x))
        if self.shuffle:
            np.random.default_rng([self.seed, number]).shuffle(rows)
        return cut(rows, self.batch_size)


def checksum_of(parts: Any, total: int = 0) -> int:
    """Return the CRC-32 checksum of the arrays in nested lists and tuples; other objects are left out."""
    for part in parts:
        if isinstance(part, (list, tuple)):
            total = checksum_of(part, total)
        elif isinstance(part, np.ndarray) and part.dtype.kind in "biuf":
            total = zlib.crc32(np.ascontiguousarray(part).data, total)
    return total
