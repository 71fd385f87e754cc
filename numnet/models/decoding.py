"""Decode a sequence token by token: greedy or beam search.

A model is any object with `start(x, lengths)` → context, `advance(tokens, context)` → logits (N, V), attention weights
(N, S) or None, context; and the tokens `begin` and `end`: EncoderDecoder on either backend. The model is not changed.

    log p(y | x) = Σ_t log softmax(logits_t)[y_t]    (1)   over all generated tokens, including the end token
    score = log p / n^α                              (2)   n tokens; α = 1 is the mean (Cho et al. 2014), 0 the sum

Sums favour short sentences, means do not; so (2) selects among finished sentences.
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
    check_advance,
    check_alpha,
    check_decodable,
    check_logits,
    check_logits_shape,
    check_size,
    check_special_tokens,
    check_tokens,
    check_tokens_left,
    token_list,
    validate_call,
)

Array = npt.NDArray[Any]


@dataclass
class DecodedSequence:
    """Tokens without the end token, the score (2), and attention weights (T, S), one row per token, or None.

    `ended` is False if the end token was not generated within `max_length` tokens.
    """

    tokens: list[int]
    score: float
    weights: Array | None = None
    ended: bool = True


@dataclass
class Hypothesis:
    """A partial sentence: the row of x, its tokens, log p (1), and the attention weights of each step."""

    row: int
    tokens: list[int] = field(default_factory=list)
    total: float = 0.0
    weights: list[Array] = field(default_factory=list)

    def extended(self, token: int, total: float, weights: Array | None) -> Hypothesis:
        """Return the hypothesis with one more token."""
        all_weights = self.weights if weights is None else [*self.weights, weights]
        return Hypothesis(self.row, [*self.tokens, token], total, all_weights)

    def score(self, alpha: float) -> float:
        """Return the score (2)."""
        return self.total * max(1, len(self.tokens)) ** -alpha

    def decoded(self, end: int, alpha: float) -> DecodedSequence:
        """Return the result, without the end token."""
        ended = self.tokens[-1:] == [end]
        tokens = self.tokens[:-1] if ended else self.tokens
        weights = np.stack(self.weights[: len(tokens)]) if tokens and self.weights else None
        return DecodedSequence(tokens, self.score(alpha), weights, ended)


@validate_call
def greedy(
    model: Any,
    x: Any,
    lengths: Any = None,
    max_length: int = 50,
    alpha: float = 1.0,
    suppress_tokens: Sequence[int] = (),
) -> list[DecodedSequence]:
    """Choose, for each row of x, the most likely token at each step, up to the end token or `max_length` tokens.

    Of equal logits the lowest token is chosen. suppress_tokens: tokens that are never chosen, such as `<unk>`.
    ValueError for logits with nan or inf.
    """
    check_decodable("greedy", model)
    check_size("greedy", max_length=max_length)
    check_alpha("greedy", alpha)
    suppressed = token_list("greedy", "suppress_tokens", suppress_tokens)
    context = model.start(x, lengths)
    found = [Hypothesis(b) for b in range(len(x))]
    active = found[:]
    for _ in range(max_length):
        log_p, weights, context = step(model, active, context, suppressed)
        for k, one in enumerate(active):
            token = int(log_p[k].argmax())
            found[one.row] = one.extended(token, one.total + float(log_p[k, token]), at(weights, k))
        rows = [k for k, one in enumerate(active) if found[one.row].tokens[-1] != model.end]
        active, context = [found[active[k].row] for k in rows], select_rows(context, rows)
        if not active:
            break
    return [one.decoded(model.end, alpha) for one in found]


@validate_call
def beam_search(
    model: Any,
    x: Any,
    lengths: Any = None,
    beam: int = 5,
    max_length: int = 50,
    alpha: float = 1.0,
    suppress_tokens: Sequence[int] = (),
) -> list[DecodedSequence]:
    """Return, for each row of x, the sentence with the best score that a search with `beam` parallel hypotheses finds.

    Each step keeps the most likely continuations by (1). A hypothesis that ends leaves the search, and the beam of its
    row becomes narrower by one. The search for a row stops when the beam is empty, or at `max_length` tokens, where
    unfinished hypotheses compete as they are. Of equal continuations the one of the better hypothesis, then the lowest
    token, is kept, so beam=1 is greedy search. suppress_tokens: tokens that are never chosen. ValueError for logits
    with nan or inf.
    """
    check_decodable("beam_search", model)
    check_size("beam_search", beam=beam, max_length=max_length)
    check_alpha("beam_search", alpha)
    suppressed = token_list("beam_search", "suppress_tokens", suppress_tokens)
    context = model.start(x, lengths)
    active = [Hypothesis(b) for b in range(len(x))]
    ended: list[list[Hypothesis]] = [[] for _ in active]
    for _ in range(max_length):
        log_p, weights, context = step(model, active, context, suppressed)
        kept, rows = [], []
        for first, last in groups(active):
            width = beam - len(ended[active[first].row])
            for k, token, total in most_likely(active[first:last], log_p[first:last], width):
                extended = active[first + k].extended(token, total, at(weights, first + k))
                if token == model.end:
                    ended[extended.row].append(extended)
                else:
                    kept.append(extended)
                    rows.append(first + k)
        active, context = kept, select_rows(context, rows)
        if not active:
            break
    for one in active:
        ended[one.row].append(one)
    return [max(each, key=lambda one: one.score(alpha)).decoded(model.end, alpha) for each in ended]


def step(model: Any, active: list[Hypothesis], context: Any, suppressed: list[int]) -> tuple[Array, Any, Any]:
    """Return log softmax of the logits (N, V) in float64, -inf for suppressed tokens; attention weights; context."""
    who, tokens = type(model).__name__, np.array([one.tokens[-1] if one.tokens else model.begin for one in active])
    logits, weights, context = check_advance(who, model.advance(tokens, context))
    z = to_numpy(logits)
    check_logits_shape(who, z, len(active))
    z = z.astype(np.float64)
    check_logits(who, z)
    z = z - z.max(axis=-1, keepdims=True)
    log_p = z - np.log(np.exp(z).sum(axis=-1, keepdims=True))
    check_special_tokens(who, log_p.shape[1], end=model.end)
    if suppressed:
        check_tokens("suppress_tokens", np.array(suppressed), log_p.shape[1])
        log_p[:, suppressed] = -np.inf
        check_tokens_left(who, log_p)
    return log_p, weights, context


def most_likely(active: list[Hypothesis], log_p: Array, width: int) -> list[tuple[int, int, float]]:
    """Return the best continuations of the hypotheses of one row, best first: (hypothesis, token, log p (1)).

    Equal ones are in the order of the hypotheses, then of the tokens; of sums that are equal only by rounding, the one
    with the more likely last token comes first.
    """
    totals, steps = (np.array([one.total for one in active])[:, None] + log_p).reshape(-1), log_p.reshape(-1)
    least = -np.partition(-totals, min(width, len(totals)) - 1)[min(width, len(totals)) - 1]
    best = np.flatnonzero(totals >= least)  # all that are equal to the last one too
    best = best[np.lexsort((best, -steps[best], -totals[best]))][:width]
    V = log_p.shape[1]
    return [(int(index) // V, int(index) % V, float(totals[index])) for index in best if np.isfinite(totals[index])]


def groups(active: list[Hypothesis]) -> list[tuple[int, int]]:
    """Return the range (first, last) of the hypotheses of each row; those of one row are adjacent."""
    rows = np.array([one.row for one in active])
    edges = [0, *(np.flatnonzero(np.diff(rows)) + 1).tolist(), len(active)]
    return list(itertools.pairwise(edges))


def select_rows(context: Any, rows: list[int]) -> Any:
    """Return these rows of every array in a context, in this order; a row may be selected several times."""
    if isinstance(context, (tuple, list)):
        return type(context)(select_rows(part, rows) for part in context)
    return None if context is None else context[np.array(rows, np.int64)]


def at(weights: Any, k: int) -> Array | None:
    """Return the weights of row k, or None."""
    return None if weights is None else to_numpy(weights)[k]
