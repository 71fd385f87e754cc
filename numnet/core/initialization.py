"""The seeds of initial values, and whether a part still has them. No mathematics, so both backends share it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import numpy as np

from numnet.core.arrays import checksum
from numnet.core.checks import check_count, modules_of


class PartSeeds:
    """The generators of parts outside of models: that of the n-th part is drawn from (seed, n), so no two are equal."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.restart(0)

    def restart(self, seed: int) -> None:
        """Begin with the first part of this seed; ValueError unless it is a whole number, 0 or more."""
        check_count("manual_seed", seed=seed)
        with self.lock:
            self.seed, self.parts = int(seed), 0

    def generator(self) -> np.random.Generator:
        """Return the generator of the next part."""
        with self.lock:
            self.parts += 1
            return np.random.default_rng([self.seed, self.parts])


class Initialization:
    """The part of ParamOperation that draws initial values, and decides whether a model may draw them again."""

    part_seeds: ClassVar[PartSeeds]  # of the package
    seed: int | None
    params: Any
    initial_checksum: int | None = None  # their checksum, until they are loaded, used or owned by a model

    def own_generator(self) -> np.random.Generator:
        """Return the generator of a part that is in no model: that of its seed, or else the package's next."""
        return self.part_seeds.generator() if self.seed is None else np.random.default_rng(self.seed)

    @contextmanager
    def keeping_parts(self) -> Iterator[None]:
        """A context in which the parts of a part without a seed keep the values that they have.

        A model may draw them again later.
        """
        parts = [part for part in modules_of(self) if part is not self and built(part) and self.seed is None]
        before = {part: part.initial_checksum for part in parts}
        for part in before:
            vars(part)["initial_checksum"] = None
        try:
            yield
        finally:
            for part, value in before.items():
                vars(part)["initial_checksum"] = value

    def record_initial_values(self) -> None:
        """Record a checksum of new values; a part with its own seed is never initialized again."""
        self.initial_checksum = checksum(self.params) if self.seed is None else None

    def has_initial_values(self) -> bool:
        """Return whether a model may initialize the parameters again: nobody has loaded, used or changed them."""
        return self.seed is None and self.initial_checksum == checksum(self.params)

    def protect_parameters(self) -> None:
        """Mark the parameters as loaded or owned by a model: no other model initializes them again."""
        for module in modules_of(self):
            if isinstance(module, Initialization):
                module.initial_checksum = None


def built(part: Any) -> bool:
    """Return whether a part has parameters already."""
    return isinstance(part, Initialization) and bool(getattr(part, "built", False))
