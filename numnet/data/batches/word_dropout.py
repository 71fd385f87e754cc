"""Word dropout: replace random words by `<unk>` in training, so that a model learns to handle unknown words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from numnet.core.checks import check_count, check_fraction, data_array, described, kind_of, validate_call
from numnet.core.show import Shown
from numnet.data.transitions import ParseBatch

STREAM = 1  # a separate random stream: the order of the batches is also drawn from (seed, epoch)


class WordDropout(Shown):
    """The same batches, with each token of x replaced by `unknown` with probability p (Iyyer et al. 2015).

    The default of `unknown` is 0, `<unk>`. The tokens are drawn for each epoch from (seed, epoch) alone: a resumed run
    gets the same batches as an uninterrupted one. Use it for training; validate on the original batches. Of a
    ParseBatch the words are replaced, and the parse is kept. If x has rows of tokens, `column` is the column of the
    words, and the other columns, such as their characters, are kept. TypeError if x does not have tokens.
    """

    @validate_call
    def __init__(
        self, batches: Any, p: float = 0.1, seed: int = 0, unknown: int = 0, column: int | None = None
    ) -> None:
        check_fraction("WordDropout", p=p)
        check_count("WordDropout", seed=seed, unknown=unknown, **({} if column is None else {"column": column}))
        missing = [name for name in ("epoch", "carries_state") if not hasattr(batches, name)]
        if missing or isinstance(batches, type):
            raise TypeError(
                f"WordDropout: batches is {described(batches)}, expected batches such as SequenceBatches, with epoch "
                "and carries_state."
            )
        self.batches, self.p, self.seed, self.unknown, self.column = batches, p, seed, unknown, column
        self.carries_state = batches.carries_state

    def config(self) -> dict[str, Any]:
        """Return what must be equal to resume a run."""
        drawn = {name: getattr(self, name) for name in ("p", "seed", "unknown", "column")}
        batches = self.batches.config() if hasattr(self.batches, "config") else None
        return {"type": "WordDropout", **drawn, "batches": batches}

    def __len__(self) -> int:
        """The number of batches in an epoch."""
        return len(self.batches)

    def epoch(self, number: int = 0) -> Iterator[tuple[Any, ...]]:
        """Yield the batches of one epoch; only x is changed."""
        check_count("WordDropout.epoch", number=number)
        rng = np.random.default_rng([self.seed, number, STREAM])
        for batch in self.batches.epoch(number):
            if not isinstance(batch, (tuple, list)) or not batch:
                raise TypeError(f"WordDropout: a batch is {described(batch)}, expected a tuple (x, target, ...).")
            x, *others = batch
            words = x.words if isinstance(x, ParseBatch) else x
            words = self.drop(words, rng)
            yield (x._replace(words=words) if isinstance(x, ParseBatch) else words), *others

    def drop(self, x: Any, rng: np.random.Generator) -> Any:
        """Return tokens, some of them replaced by `unknown`."""
        x = data_array("WordDropout", "x", x, "tokens (batch, time)")
        if kind_of(x) != "token":
            raise TypeError(f"WordDropout: x is {x.dtype}, expected tokens. For numbers use a Dropout layer.")
        if x.ndim != (2 if self.column is None else 3):
            expected, remedy = (
                ("(batch, time)", "Rows of tokens? Give column=, the column of the words.")
                if self.column is None
                else ("(batch, time, columns)", "Words only? Omit column=.")
            )
            raise ValueError(f"WordDropout: x is {x.shape}, expected tokens {expected}. {remedy}")
        if self.column is not None and self.column >= x.shape[2]:
            raise ValueError(
                f"WordDropout: column is {self.column}, expected 0 to {x.shape[2] - 1}, the column of the words."
            )
        x = x.copy()
        words = x if self.column is None else x[..., self.column]
        words[rng.random(words.shape) < self.p] = self.unknown
        return x
