"""Validation for decoding and generation: models that produce tokens one by one, their logits, and options."""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable, Sequence
from typing import Any

from numnet.core.checks.batches import data_array
from numnet.core.checks.losses import has_classes
from numnet.core.checks.parts import described_part, is_ours
from numnet.core.checks.values import kind_of

FORWARD_ONLY = "expected a layer that runs forward only. Leave out reverse= and bidirectional=."


def check_decodable(who: str, model: Any) -> None:
    """Check that a model can generate a sequence token by token."""
    if isinstance(model, type) or not (hasattr(model, "start") and hasattr(model, "advance")):
        remedy = "A language model? Use generate."
        if isinstance(model, type):
            remedy = f"Make an object of the class: {model.__name__}(...)."
        raise TypeError(
            f"{who}: the model is {described_part(model)}, expected an EncoderDecoder, or a model with its start and "
            f"advance. {remedy}"
        )


def check_advance(who: str, result: Any) -> Any:
    """Return the result of a model's advance; TypeError unless it is a triple."""
    if not isinstance(result, (tuple, list)) or len(result) != 3:
        got = f"a {type(result).__name__}" + (f" of {len(result)}" if isinstance(result, (tuple, list)) else "")
        raise TypeError(f"{who}: advance returns {got}, expected (logits, attention weights or None, context).")
    return result


def check_logits_shape(who: str, z: Any, rows: int) -> None:
    """Check that advance returns real logits (N, V)."""
    if z.ndim != 2 or len(z) != rows or not z.shape[1] or kind_of(z) not in ("real", "token"):
        raise ValueError(
            f"{who}: the logits are {tuple(z.shape)} of {z.dtype}, expected real numbers ({rows}, V), one row for each "
            "token."
        )


def check_logits(who: str, z: Any) -> None:
    """Check that each row of z (..., V) has a finite maximum; other entries may be -inf."""
    largest = z.max(axis=-1)
    if ((largest != largest) | (abs(largest) == math.inf)).any():
        raise ValueError(
            f"{who}: the logits contain nan or inf, expected finite numbers. "
            "Did training diverge? Check that the weights are finite."
        )


def check_tokens_left(who: str, log_p: Any) -> None:
    """Check that each row of log_p (N, V) has a token with a probability above 0."""
    if (log_p.max(axis=-1) == -math.inf).any():
        raise ValueError(f"{who}: suppress_tokens leaves no token, expected at least one. Shorten suppress_tokens.")


def token_list(who: str, name: str, tokens: Any) -> list[int]:
    """Return tokens as a list of integers; TypeError for other values, such as words."""
    if isinstance(tokens, (str, bytes, type)) or not isinstance(tokens, Iterable) or getattr(tokens, "ndim", 1) == 0:
        remedy = f"One token? Pass [{tokens}]." if isinstance(tokens, numbers.Integral) else "None? Pass ()."
        remedy = f"Encode it: vocabulary.encode([{tokens!r}])." if isinstance(tokens, str) else remedy
        raise TypeError(f"{who}: {name} is {described_part(tokens)}, expected a list of tokens. {remedy}")
    found = data_array(who, name, tokens, "a list of tokens").tolist() if hasattr(tokens, "tolist") else list(tokens)
    for k, token in enumerate(found):
        if type(token) is bool or not isinstance(token, numbers.Integral):
            remedy = f"Encode it: vocabulary.encode([{token!r}])." if isinstance(token, str) else "Pass one flat list."
            raise TypeError(
                f"{who}: {name}[{k}] is {described_part(token)}, expected a token, a whole number. {remedy}"
            )
    return [int(token) for token in found]


def check_alpha(who: str, alpha: float) -> None:
    """Check for an exponent of the length in the score."""
    if not (0 <= alpha < math.inf):
        raise ValueError(
            f"{who}: alpha is {alpha}, expected a finite number, 0 or more. 1 is the mean of log p, 0 the sum."
        )


def check_temperature(who: str, temperature: float) -> None:
    """Check for a temperature, by which logits are divided."""
    if not (0 <= temperature < math.inf):
        raise ValueError(
            f"{who}: temperature is {temperature}, expected a finite number, 0 or more. "
            "0 takes the most likely token, 1 samples from the probabilities of the model."
        )


def check_causal(who: str, name: str, layer: Any, last: bool = False) -> None:
    """Check that a layer can run step by step: it reads no later step, and earlier ones through its state alone.

    `last`: whether a Pooling of the last step is accepted.
    """
    for part in layer.modules():
        if hasattr(part, "forwards") or getattr(part, "reverse", False):
            raise ValueError(f"{who}: {name} reads the steps that it must predict, {FORWARD_ONLY}")
        alone = hasattr(part, "layers") or getattr(part, "K", 0) == 1 or (last and getattr(part, "how", "") == "last")
        if getattr(part, "over_time", False) and not alone:
            raise ValueError(
                f"{who}: {name} is {part.name}, which reads several steps at once, expected layers that carry earlier "
                "steps in their state. Use a recurrent layer, which runs forward."
            )


def check_generates(who: str, model: Any, layers: Sequence[Any]) -> None:
    """Check that a model continues a sequence of tokens one by one."""
    runs = hasattr(model, "fresh_state") and hasattr(model, "predict") and not hasattr(model, "prediction")  # a Tape
    if isinstance(model, type) or hasattr(model, "advance") or not runs:
        remedy = "Use greedy or beam_search." if hasattr(model, "advance") else "Use RNNModel([...])."
        if isinstance(model, type):
            remedy = f"Make an object of the class: {model.__name__}(...)."
        raise TypeError(f"{who}: the model is {described_part(model)}, expected an RNNModel. {remedy}")
    if not layers:
        raise ValueError(f"{who}: the model has no layers, expected a language model. Give layers: RNNModel([...]).")
    first = layers[0]
    if is_ours(first) and not first.recurrent and first.reads != "tokens":
        raise ValueError(
            f"{who}: layers[0] is {first.name}, which reads {first.reads}, expected a layer that reads tokens (batch, "
            "time). Put an Embedding first."
        )
    for k, layer in enumerate(layers):
        check_causal(who, f"layers[{k}]", layer, last=True)


def check_probabilities(who: str, layer: Any, loss: Any) -> None:
    """Check that the outputs of the last layer are logits. A loss that takes them as logits has been warned of."""
    if is_ours(layer) and type(layer).__name__ == "Softmax" and not has_classes(loss):
        raise ValueError(
            f"{who}: the last layer is Softmax, whose outputs are probabilities, expected logits: softmax is applied "
            "again. Remove it, or pass temperature=0."
        )


TRAINED = "Pass the vocabulary of the text that the model was trained on."


def check_vocabulary(who: str, vocabulary: Any, size: int | None) -> None:
    """Check that the vocabulary has as many tokens as the model reads."""
    if size is not None and len(vocabulary) != size:
        raise ValueError(
            f"{who}: the vocabulary has {len(vocabulary)} tokens, expected {size}, as the model reads. {TRAINED}"
        )


def check_predicted(who: str, vocabulary: Any, size: int) -> None:
    """Check that each token that the model predicts is in the vocabulary; some of these may never be predicted."""
    if size > len(vocabulary):
        raise ValueError(
            f"{who}: the model predicts {size} tokens, expected at most {len(vocabulary)}, as the vocabulary has. "
            f"{TRAINED}"
        )


def check_prompt(who: str, prompt: Any) -> None:
    """Check for a text or a list of tokens, which has an order."""
    if isinstance(prompt, (set, frozenset, dict)) or getattr(prompt, "ndim", 1) != 1:
        remedy = "Pass the text, or its tokens." if hasattr(prompt, "ndim") else "It has no order: pass a list."
        raise TypeError(f"{who}: prompt is {described_part(prompt)}, expected a string or a list of strings. {remedy}")
