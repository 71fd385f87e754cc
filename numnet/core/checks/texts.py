"""Validation of texts, lists of texts and token ids, and how an error message describes a wrong value."""

from __future__ import annotations

from typing import Any

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
