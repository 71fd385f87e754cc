"""Hold out a part of the data for evaluation; it shares no key with the training data."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import numpy as np

from numnet.core.checks import check_count, check_list, described, validate_call

Item = TypeVar("Item")


@validate_call
def hold_out(
    items: Iterable[Item], key: Callable[[Item], Any], fraction: float = 0.1, seed: int = 0
) -> tuple[list[Item], dict[Any, list[Item]]]:
    """Return the training items, in order, and the held-out items by key. All items of a key are in the same part.

    For example, a sentence that occurs in several pairs is never in both parts. The seed selects the held-out keys,
    a `fraction` of all keys; the order of the items does not matter. ValueError if either part would be empty.
    """
    if not 0 < fraction < 1:
        raise ValueError(f"hold_out: fraction is {fraction!r}, expected more than 0 and less than 1.")
    check_count("hold_out", seed=seed)
    if not callable(key):
        raise TypeError(f"hold_out: key is {described(key)}, expected a function from an item to its key.")
    given: Any = list(items) if isinstance(items, str) else items
    items = check_list("hold_out", "items", given, "items")
    key_of = [key(item) for item in items]
    keys = distinct(key_of)
    count = round(fraction * len(keys))
    if not 0 < count < len(keys):
        raise ValueError(
            f"hold_out: {count} of {len(keys)} keys would be held out, expected at least 1 and not all. "
            "Give more items, or another fraction."
        )
    held_out: dict[Any, list[Item]] = {keys[k]: [] for k in np.random.default_rng(seed).permutation(len(keys))[:count]}
    rest: list[Item] = []
    for item, own in zip(items, key_of):
        held_out.get(own, rest).append(item)
    return rest, held_out


def distinct(keys: list[Any]) -> list[Any]:
    """Return the keys in sorted order, each once."""
    try:
        return sorted(set(keys))
    except TypeError:
        kinds = ", ".join(sorted({type(key).__name__ for key in keys}))
    raise TypeError(
        f"hold_out: the keys are {kinds}, expected keys that can be sorted and hashed, such as str or tuple."
    )
