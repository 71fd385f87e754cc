"""A part of the data that no training sees, and nothing that it has in common with the rest."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import numpy as np

Item = TypeVar("Item")


def hold_out(
    items: Iterable[Item], key: Callable[[Item], Any], fraction: float = 0.1, seed: int = 0
) -> tuple[list[Item], dict[Any, list[Item]]]:
    """The items to train on, in their order; and the others by their key: each key's items are on one side.

    So a sentence that stands in several pairs is not both learned and asked. A fraction of the keys is held out, drawn
    from the seed; the order of the items does not matter to it. ValueError where either side would be empty.
    """
    if not 0 < fraction < 1:
        raise ValueError(f"hold_out: fraction is {fraction!r}, expected more than 0 and less than 1.")
    groups = defaultdict(list)
    items = list(items)
    for item in items:
        groups[key(item)].append(item)
    keys, count = sorted(groups), round(fraction * len(groups))
    if not 0 < count < len(keys):
        raise ValueError(f"hold_out: {count} of {len(keys)} keys would be held out, expected some and not all.")
    held_out = {keys[k]: groups[keys[k]] for k in np.random.default_rng(seed).permutation(len(keys))[:count]}
    return [item for item in items if key(item) not in held_out], held_out
