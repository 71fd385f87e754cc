"""Validation of texts, lists of texts and token ids, and how an error message describes a wrong value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from numnet.core.checks.values import described, kind_of

EXCERPT = 40  # the maximum number of characters that an error message quotes


def excerpt(text: str) -> str:
    """Quote a text for an error message; a long text is shortened."""
    return repr(str(text) if len(text) <= EXCERPT else f"{text[:EXCERPT]}…")


def check_text(who: str, name: str, value: Any, remedy: str = "") -> None:
    """Check for a str."""
    if not isinstance(value, str):
        remedy = "Bytes? Pass text.decode('utf-8')." if isinstance(value, (bytes, bytearray)) else remedy
        raise TypeError(f"{who}: {name} is {described(value)}, expected a text (str). {remedy}".rstrip())


def check_list(who: str, name: str, value: Any, what: str, remedy: str = "") -> list[Any]:
    """Return the items of a list or another iterable; TypeError for one text, or for a value without items."""
    try:
        items = iter(() if isinstance(value, str) else value)
    except TypeError:
        items = None
    if items is None or isinstance(value, str):
        raise TypeError(f"{who}: {name} is {described(value)}, expected a list of {what}. {remedy}".rstrip())
    return list(items)


def check_strings(who: str, name: str, values: Any, what: str, remedy: str = "") -> list[str]:
    """Return the items of a list of str."""
    found = check_list(who, name, values, what, remedy)
    for k, value in enumerate(found):
        if not isinstance(value, str):
            raise TypeError(f"{who}: {name}[{k}] is {type(value).__name__}, expected str. {remedy}".rstrip())
    return found


def check_ids(who: str, name: str, x: Any, several: str, numbers: str) -> None:
    """Check for integers (N,), of any dtype if it is empty; the remedies are for other shapes and other dtypes."""
    if x.ndim == 1 and not len(x):
        return
    if kind_of(x) != "token":
        got = "a str" if x.ndim == 0 and x.dtype.kind == "U" else x.dtype
        raise TypeError(f"{who}: {name} is {got}, expected integers. {numbers}")
    if x.ndim != 1:
        raise ValueError(f"{who}: {name} is {tuple(x.shape)}, expected (N,). {several}".rstrip())


def check_characters_of_model(who: str, model: Any, V: int) -> None:
    """Check that a model reads and predicts a class for each character of a text."""
    layers = list(model.layers)
    reads = model.input_size or getattr(layers[0], "input_size", None)
    if reads != V:
        raise ValueError(f"{who}: the model has input_size={reads}, expected {V}: the text has {V} characters.")
    predicts = model.predict(np.zeros((1, 1), np.int64)).shape[-1]
    if predicts != V:
        raise ValueError(f"{who}: the model predicts {predicts} classes, expected {V}: the text has {V} characters.")


def check_character(who: str, char: int | str, known: Mapping[str, int]) -> int:
    """Return the number of a character of a text, given as it is or by its number."""
    number = known.get(char, -1) if isinstance(char, str) else char
    if not 0 <= number < len(known):
        got = excerpt(char) if isinstance(char, str) else char
        raise ValueError(
            f"{who}: input_char is {got}, expected a character of the text, or a number from 0 to {len(known) - 1}."
        )
    return number
