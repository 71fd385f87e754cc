"""Generate text one token at a time; the state is carried, so nothing is computed twice."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from numnet.core.arrays import to_numpy
from numnet.core.checks import (
    check_count,
    check_generates,
    check_logits,
    check_predicted,
    check_probabilities,
    check_prompt,
    check_size,
    check_temperature,
    check_vocabulary,
    validate_call,
)
from numnet.data.vocabulary import Vocabulary


def choose(
    logits: npt.NDArray[Any], rng: np.random.Generator, temperature: float = 1.0, top_k: int | None = None
) -> int:
    """Sample a token from softmax(logits / temperature) over the top_k largest; temperature 0 takes the largest."""
    logits = np.asarray(logits, np.float64)
    if temperature == 0:
        return int(logits.argmax())
    logits = np.where(np.argsort(np.argsort(-logits, kind="stable")) < (top_k or len(logits)), logits, -np.inf)
    with np.errstate(over="ignore"):  # a temperature near 0: -inf, whose exp is 0
        p = np.exp((logits - logits.max()) / temperature)
    return int(rng.choice(len(p), p=p / p.sum()))


def last_logits(model: Any, x: npt.NDArray[Any], state: Any) -> npt.NDArray[Any]:
    """Return the logits (V,) of the last step, also of a model that returns those alone."""
    logits = to_numpy(model.predict(x, state))
    logits = logits.reshape(-1, logits.shape[-1])[-1]
    if not math.isfinite(logits.max()):
        check_logits(model.name, logits)
    return logits


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

    Each token is sampled from softmax(logits / temperature) over the top_k most likely; temperature 0 takes the most
    likely, of equal ones the lowest. The prompt is a text, or a list of tokens. The token `stop` ends the text early
    and is not included. Tokens of the prompt that are not in the vocabulary are read as `<unk>`, with a warning. The
    state, parameters and mode of the model are not changed. ValueError for an empty prompt, options out of range, an
    unknown stop, a vocabulary of another size, logits with nan or inf, and a model that reads later steps.
    """
    layers = list(getattr(model, "layers", ()))
    check_generates("generate", model, layers)
    check_count("generate", length=length)
    check_temperature("generate", temperature)
    check_size("generate", top_k=top_k)
    check_prompt("generate", prompt)
    prompt = prompt if isinstance(prompt, str) else list(prompt)
    if not vocabulary.split(prompt):
        raise ValueError("generate: the prompt is empty, expected at least one token.")
    if temperature:
        check_probabilities("generate", layers[-1], model.loss)
    check_vocabulary("generate", vocabulary, model.input_size or getattr(layers[0], "input_size", None))
    if stop is not None and stop not in vocabulary:
        raise ValueError(f"generate: stop is {stop!r}, expected a token of the vocabulary, or None.")
    if unknown := vocabulary.unknown(prompt):
        warnings.warn(f"generate: not in the vocabulary, read as <unk>: {', '.join(map(repr, unknown))}", stacklevel=3)
    rng = np.random.default_rng(seed)
    end, written = None if stop is None else vocabulary.ids[stop], []
    ids = vocabulary.encode(prompt)
    with model.fresh_state():  # inside, last_state belongs to this thread
        logits = last_logits(model, ids[None] if model.batch_first else ids[:, None], None)
        check_predicted("generate", vocabulary, len(logits))
        for k in range(length):
            if (token := choose(logits, rng, temperature, top_k)) == end:
                break
            written.append(token)
            if k + 1 < length:
                logits = last_logits(model, np.array([[token]]), model.last_state)
    blank = " " if vocabulary.unit == "word" else ""
    start = prompt if isinstance(prompt, str) else blank.join(prompt)
    return start + (blank if written else "") + vocabulary.decode(written)
