"""Generate text one token at a time; the state is carried, so nothing is computed twice."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from numnet.core.checks import validate_call
from numnet.data.vocabulary import Vocabulary


def choose(
    logits: npt.NDArray[Any], rng: np.random.Generator, temperature: float = 1.0, top_k: int | None = None
) -> int:
    """Sample a token from softmax(logits / temperature) over the top_k largest; temperature 0 takes the largest."""
    logits = np.asarray(logits, np.float64)
    if temperature == 0:
        return int(logits.argmax())
    logits = np.where(np.argsort(np.argsort(-logits, kind="stable")) < (top_k or len(logits)), logits, -np.inf)
    p = np.exp((logits - logits.max()) / temperature)
    return int(rng.choice(len(p), p=p / p.sum()))


@validate_call
def generate(
    model: Any,
    vocabulary: Vocabulary,
    prompt: str | Sequence[str],
    length: int,
    temperature: float = 1.0,
    top_k: int | None = None,
    seed: int = 0,
    stop: str | None = None,
) -> str:
    """Return the prompt followed by `length` generated tokens. The model reads the prompt, then its own output.

    The prompt is a text, or a list of tokens. The token `stop` ends the text early and is not included. Tokens of the
    prompt that are not in the vocabulary are read as `<unk>`, with a warning. The state, parameters and mode of the
    model are not changed. ValueError for an empty prompt, a temperature below 0, a top_k below 1, an unknown stop.
    """
    if not vocabulary.split(prompt):
        raise ValueError("generate: the prompt is empty, expected at least one token.")
    if not temperature >= 0 or (top_k is not None and top_k < 1):
        raise ValueError(
            f"generate: temperature is {temperature} and top_k is {top_k}, expected 0 or more, and 1 or more or None."
        )
    if stop is not None and stop not in vocabulary:
        raise ValueError(f"generate: stop is {stop!r}, expected a token of the vocabulary, or None.")
    if unknown := vocabulary.unknown(prompt):
        warnings.warn(f"generate: not in the vocabulary, read as <unk>: {', '.join(map(repr, unknown))}", stacklevel=2)
    rng = np.random.default_rng(seed)
    end, written = None if stop is None else vocabulary.ids[stop], []
    with model.fresh_state():  # inside, last_state belongs to this thread
        logits = model.predict(vocabulary.encode(prompt)[None])
        for _ in range(length):
            if (token := choose(logits[0, -1], rng, temperature, top_k)) == end:
                break
            written.append(token)
            logits = model.predict(np.array([[token]]), model.last_state)
    blank = " " if vocabulary.unit == "word" else ""
    start = prompt if isinstance(prompt, str) else blank.join(prompt)
    return start + (blank if written else "") + vocabulary.decode(written)
