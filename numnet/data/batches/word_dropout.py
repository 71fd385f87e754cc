"""Words hidden at random in training, so that a model learns what to make of one that it has never met."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from numnet.core.checks import check_count, check_fraction, kind_of
from numnet.core.show import Shown

STREAM = 1  # chances of its own: the order of the batches is drawn from (seed, epoch), too


class WordDropout(Shown):
    """The same batches, in which each token of x is `unknown`, 0 for `<unk>`, with probability p (Iyyer et al. 2015).

    Which ones is drawn anew for each epoch, from (seed, epoch) alone: a resumed run sees what it would have seen.
    For training; validate on the batches themselves. Where x holds rows of tokens, `column` is that of the words: so
    what else a row tells, such as their characters, is read for them. TypeError where x holds no tokens.
    """

    def __init__(
        self, batches: Any, p: float = 0.1, seed: int = 0, unknown: int = 0, column: int | None = None
    ) -> None:
        check_fraction("WordDropout", p=p)
        check_count("WordDropout", **({} if column is None else {"column": column}))
        self.batches, self.p, self.seed, self.unknown, self.column = batches, p, seed, unknown, column
        self.carries_state = batches.carries_state

    def config(self) -> dict[str, Any]:
        """What a run cannot be resumed with another of."""
        drawn = {name: getattr(self, name) for name in ("p", "seed", "unknown", "column")}
        return {"type": "WordDropout", **drawn, "batches": self.batches.config()}

    def __len__(self) -> int:
        """Batches in an epoch."""
        return len(self.batches)

    def epoch(self, number: int = 0) -> Iterator[tuple[Any, ...]]:
        """The batches of one epoch; what else than x is in them stays as it is."""
        rng = np.random.default_rng([self.seed, number, STREAM])
        for x, *others in self.batches.epoch(number):
            if kind_of(x) != "token":
                raise TypeError(f"WordDropout: x is {x.dtype}, expected tokens. For numbers use a Dropout layer.")
            if x.ndim != (2 if self.column is None else 3):
                expected, remedy = (
                    ("(batch, time)", "Rows of tokens? Give column=, that of the words.")
                    if self.column is None
                    else ("(batch, time, columns)", "Words alone? Leave column out.")
                )
                raise ValueError(f"WordDropout: x is {x.shape}, expected tokens {expected}. {remedy}")
            if self.column is not None and self.column >= x.shape[2]:
                raise ValueError(
                    f"WordDropout: column is {self.column}, expected 0 to {x.shape[2] - 1}, that of the words."
                )
            x = x.copy()
            words = x if self.column is None else x[..., self.column]
            words[rng.random(words.shape) < self.p] = self.unknown
            yield x, *others
