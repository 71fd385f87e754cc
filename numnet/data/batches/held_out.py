"""Hold out a part of the data for evaluation; it shares no key with the training data."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import numpy as np

from numnet.core.checks import validate_call

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
    groups = defaultdict(list)
    items = list(items)
    for item in items:
        groups[key(item)].append(item)
    keys, count = sorted(groups), round(fraction * len(groups))
    if not 0 < count < len(keys):
        raise ValueError(
            f"hold_out: {count} of {len(keys)} keys would be held out, expected at least 1 and not all. "
            "Give more items, or another fraction."
        )
    held_out = {keys[k]: groups[keys[k]] for k in np.random.default_rng(seed).permutation(len(keys))[:count]}
    return [item for item in items if key(item) not in held_out], held_out
