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
from numnet.core.checks import check_logits, check_marks, check_sayable, check_size, check_speaks, check_tokens

Array = npt.NDArray[Any]


@dataclass
class Said:
    """Tokens without the end's, the score (2), and attention's weights (T, S), one row a token, or None.

    `ended` is False where the end did not come within `limit` tokens.
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

    def said(self, end: int, alpha: float) -> Said:
        """What it has come to."""
        ended = self.tokens[-1:] == [end]
        words = self.tokens[:-1] if ended else self.tokens
        weights = np.stack(self.weights[: len(words)]) if words and self.weights else None
        return Said(words, self.score(alpha), weights, ended)


def greedy(
    model: Any, x: Any, lengths: Any = None, limit: int = 50, alpha: float = 1.0, never: Sequence[int] = ()
) -> list[Said]:
    """For each row of x the likeliest token at each step, up to the end's or to `limit` tokens.

    never: tokens that are not to be said, such as `<unk>`.
    """
    check_speaks("greedy", model)
    check_size("greedy", limit=limit)
    course = model.start(x, lengths)
    every = [Hypothesis(b) for b in range(len(x))]
    going = every[:]
    for _ in range(limit):
        log_p, weights, course = step(model, going, course, never)
        for k, one in enumerate(going):
            token = int(log_p[k].argmax())
            every[one.owner] = one.longer(token, one.total + float(log_p[k, token]), at(weights, k))
        rows = [k for k, one in enumerate(going) if every[one.owner].tokens[-1] != model.end]
        going, course = [every[going[k].owner] for k in rows], taken(course, rows)
        if not going:
            break
    return [one.said(model.end, alpha) for one in every]


def beam_search(
    model: Any,
    x: Any,
    lengths: Any = None,
    beam: int = 5,
    limit: int = 50,
    alpha: float = 1.0,
    never: Sequence[int] = (),
) -> list[Said]:
    """For each row of x the sentence of the best score among those that `beam` beginnings side by side lead to.

    At each step the likeliest continuations by (1) are kept, as many as places are left; one that ends takes its place
    with it. The search for a row is over when all its places have ended, or at `limit` tokens, where the beginnings
    that are left count as they are. With beam=1 it is greedy. never: tokens that are not to be said.
    """
    check_speaks("beam_search", model)
    check_size("beam_search", beam=beam, limit=limit)
    course = model.start(x, lengths)
    going = [Hypothesis(b) for b in range(len(x))]
    ended: list[list[Hypothesis]] = [[] for _ in going]
    for _ in range(limit):
        log_p, weights, course = step(model, going, course, never)
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
        going, course = kept, taken(course, rows)
        if not going:
            break
    for one in going:
        ended[one.owner].append(one)
    return [max(each, key=lambda one: one.score(alpha)).said(model.end, alpha) for each in ended]


def step(model: Any, going: list[Hypothesis], course: Any, never: Sequence[int]) -> tuple[Array, Any, Any]:
    """log softmax of the logits (N, V), in float64, -inf for what is never said; attention's weights; the course."""
    tokens = np.array([one.tokens[-1] if one.tokens else model.begin for one in going])
    logits, weights, course = model.advance(tokens, course)
    z = np.asarray(logits, np.float64)
    check_logits(type(model).__name__, z)
    z = z - z.max(axis=-1, keepdims=True)
    log_p = z - np.log(np.exp(z).sum(axis=-1, keepdims=True))
    check_marks(type(model).__name__, log_p.shape[1], end=model.end)
    unsaid = np.array(never, np.int64)
    check_tokens("never", unsaid, log_p.shape[1])
    log_p[:, unsaid] = -np.inf
    check_sayable(type(model).__name__, log_p)
    return log_p, weights, course


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


def taken(course: Any, rows: list[int]) -> Any:
    """These rows of all that a course holds, in this order, as often as they are named."""
    if isinstance(course, (tuple, list)):
        return type(course)(taken(part, rows) for part in course)
    return None if course is None else course[np.array(rows, np.int64)]


def at(weights: Any, k: int) -> Array | None:
    """Row k's, or None."""
    return None if weights is None else to_numpy(weights)[k]
