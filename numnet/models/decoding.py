"""What a model says, token by token: greedy, or the best of several that are kept side by side (beam search).

A model is whatever has `start(x, lengths)` → course, `advance(tokens, course)` → logits (N, V), attention's weights
(N, S) or None, course; and the tokens `begin` and `end`: EncoderDecoder on either backend. It is left as it was.

    log p(y | x) = Σ_t log softmax(logits_t)[y_t]    (1)   over all tokens said, the end's included
    score = log p / n^α                              (2)   n tokens; α = 1 is the mean (Cho et al. 2014), 0 the sum

Sums favour short sentences, means do not; so it is (2) that chooses among sentences that have ended.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from numnet.core.arrays import to_numpy
from numnet.core.checks import (
    check_decodable,
    check_logits,
    check_size,
    check_special_tokens,
    check_tokens,
    check_tokens_left,
)

Array = npt.NDArray[Any]


@dataclass
class DecodedSequence:
    """Tokens without the end's, the score (2), and attention's weights (T, S), one row a token, or None.

    `ended` is False where the end did not come within `max_length` tokens.
    """

    tokens: list[int]
    score: float
    weights: Array | None = None
    ended: bool = True


@dataclass
class Hypothesis:
    """The beginning of a sentence: its tokens, log p (1), the weights of each step, and whose row it is."""

    owner: int
    tokens: list[int] = field(default_factory=list)
    total: float = 0.0
    weights: list[Array] = field(default_factory=list)

    def longer(self, token: int, total: float, weights: Array | None) -> Hypothesis:
        """With one token more."""
        seen = self.weights if weights is None else [*self.weights, weights]
        return Hypothesis(self.owner, [*self.tokens, token], total, seen)

    def score(self, alpha: float) -> float:
        """(2)"""
        return self.total / max(1, len(self.tokens)) ** alpha

    def decoded(self, end: int, alpha: float) -> DecodedSequence:
        """What it has come to."""
        ended = self.tokens[-1:] == [end]
        words = self.tokens[:-1] if ended else self.tokens
        weights = np.stack(self.weights[: len(words)]) if words and self.weights else None
        return DecodedSequence(words, self.score(alpha), weights, ended)


def greedy(
    model: Any,
    x: Any,
    lengths: Any = None,
    max_length: int = 50,
    alpha: float = 1.0,
    suppress_tokens: Sequence[int] = (),
) -> list[DecodedSequence]:
    """For each row of x the likeliest token at each step, up to the end's or to `max_length` tokens.

    suppress_tokens: tokens that are never chosen, such as `<unk>`.
    """
    check_decodable("greedy", model)
    check_size("greedy", max_length=max_length)
    context = model.start(x, lengths)
    every = [Hypothesis(b) for b in range(len(x))]
    going = every[:]
    for _ in range(max_length):
        log_p, weights, context = step(model, going, context, suppress_tokens)
        for k, one in enumerate(going):
            token = int(log_p[k].argmax())
            every[one.owner] = one.longer(token, one.total + float(log_p[k, token]), at(weights, k))
        rows = [k for k, one in enumerate(going) if every[one.owner].tokens[-1] != model.end]
        going, context = [every[going[k].owner] for k in rows], select_rows(context, rows)
        if not going:
            break
    return [one.decoded(model.end, alpha) for one in every]


def beam_search(
    model: Any,
    x: Any,
    lengths: Any = None,
    beam: int = 5,
    max_length: int = 50,
    alpha: float = 1.0,
    suppress_tokens: Sequence[int] = (),
) -> list[DecodedSequence]:
    """For each row of x the sentence of the best score among those that `beam` beginnings side by side lead to.

    At each step the likeliest continuations by (1) are kept, as many as places are left; one that ends takes its place
    with it. The search for a row ends when all its places have ended, or at `max_length` tokens, where the unfinished
    beginnings count as they are. With beam=1 it is greedy. suppress_tokens: tokens that are never chosen.
    """
    check_decodable("beam_search", model)
    check_size("beam_search", beam=beam, max_length=max_length)
    context = model.start(x, lengths)
    going = [Hypothesis(b) for b in range(len(x))]
    ended: list[list[Hypothesis]] = [[] for _ in going]
    for _ in range(max_length):
        log_p, weights, context = step(model, going, context, suppress_tokens)
        kept, rows = [], []
        for first, last in groups(going):
            places = beam - len(ended[going[first].owner])
            for k, token, total in likeliest(going[first:last], log_p[first:last], places):
                longer = going[first + k].longer(token, total, at(weights, first + k))
                if token == model.end:
                    ended[longer.owner].append(longer)
                else:
                    kept.append(longer)
                    rows.append(first + k)
        going, context = kept, select_rows(context, rows)
        if not going:
            break
    for one in going:
        ended[one.owner].append(one)
    return [max(each, key=lambda one: one.score(alpha)).decoded(model.end, alpha) for each in ended]


def step(model: Any, going: list[Hypothesis], context: Any, suppress_tokens: Sequence[int]) -> tuple[Array, Any, Any]:
    """log softmax of the logits (N, V), in float64, -inf for what is never said; attention's weights; the course."""
    tokens = np.array([one.tokens[-1] if one.tokens else model.begin for one in going])
    logits, weights, context = model.advance(tokens, context)
    z = np.asarray(logits, np.float64)
    check_logits(type(model).__name__, z)
    z = z - z.max(axis=-1, keepdims=True)
    log_p = z - np.log(np.exp(z).sum(axis=-1, keepdims=True))
    check_special_tokens(type(model).__name__, log_p.shape[1], end=model.end)
    suppressed = np.array(suppress_tokens, np.int64)
    check_tokens("suppress_tokens", suppressed, log_p.shape[1])
    log_p[:, suppressed] = -np.inf
    check_tokens_left(type(model).__name__, log_p)
    return log_p, weights, context


def likeliest(going: list[Hypothesis], log_p: Array, places: int) -> list[tuple[int, int, float]]:
    """The best continuations of one row's beginnings, best first: which beginning, which token, log p (1)."""
    totals = (np.array([one.total for one in going])[:, None] + log_p).reshape(-1)
    best = np.argpartition(-totals, min(places, len(totals)) - 1)[:places]
    best = best[np.lexsort((best, -totals[best]))]
    V = log_p.shape[1]
    return [(int(place) // V, int(place) % V, float(totals[place])) for place in best if np.isfinite(totals[place])]


def groups(going: list[Hypothesis]) -> list[tuple[int, int]]:
    """From where to where the beginnings of one row stand: those of a row stand together."""
    owners = np.array([one.owner for one in going])
    edges = [0, *(np.flatnonzero(np.diff(owners)) + 1).tolist(), len(going)]
    return list(itertools.pairwise(edges))


def select_rows(context: Any, rows: list[int]) -> Any:
    """These rows of all that a course holds, in this order, as often as they are named."""
    if isinstance(context, (tuple, list)):
        return type(context)(select_rows(part, rows) for part in context)
    return None if context is None else context[np.array(rows, np.int64)]


def at(weights: Any, k: int) -> Array | None:
    """Row k's, or None."""
    return None if weights is None else to_numpy(weights)[k]
