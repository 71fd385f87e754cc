"""The base class of all models: all parameters in one vector, and all gradients in another."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from operator import itemgetter
from typing import Any

import numpy as np
import numpy.typing as npt

from numnet.core.checks import check_size
from numnet.core.device import usable_device
from numnet.core.operation import Array
from numnet.core.parameters import Layer
from numnet.core.show import Answering
from numnet.models.base import ModelBase


class Model(Answering, ModelBase, Layer):
    """The base class of all models: all parameters in one vector, a device. `device` is "cpu"; torchnet has others."""

    usable_device = classmethod(usable_device)

    def __init__(self, input_size: int | None, seed: int | None, dtype: npt.DTypeLike, device: str) -> None:
        super().__init__(input_size, seed, dtype)
        check_size(self.name, input_size=input_size)
        self.device = self.usable_device(device)
        self.flat_params = self.flat_grads = np.zeros(0, self.dtype)
        self.places: list[slice] = []  # of the parameters in them
        self.owned: list[tuple[Any, str]] = []  # the parameters: owner, and name in the owner

    def build(self, input_size: int, rng: np.random.Generator, dtype: npt.DTypeLike) -> int:
        width = super().build(input_size, rng, dtype)
        self.protect_parameters()
        return width

    def flatten(self) -> None:
        """Move all parameters into one flat array, and all gradients into another.

        Clipping and an optimizer step are then a few calls on one vector, for any number of parameters.
        """
        self.owned = [(holder, name) for _, holder, name in self.holders()]
        count = sum(getattr(holder, name).size for holder, name in self.owned)
        self.flat_params, self.flat_grads = np.zeros(count, self.dtype), np.zeros(count, self.dtype)
        self.places, start = [], 0
        for holder, name in self.owned:
            value = getattr(holder, name)
            place = slice(start, start + value.size)
            for attribute, flat in ((name, self.flat_params), (f"d{name}", self.flat_grads)):
                view = flat[place].reshape(value.shape)
                view[...] = getattr(holder, attribute)
                vars(holder)[attribute] = view
            self.places.append(place)
            start = place.stop

    def flat(self) -> list[tuple[Array, Array]]:
        """Return the two vectors as one pair. Rebuild them if a parameter is not a view of them, as in a copy."""
        params, grads = self.flat_params, self.flat_grads
        arrays = [(vars(holder)[name], vars(holder)[f"d{name}"]) for holder, name in self.owned]
        if not arrays or not all(p.base is params and g.base is grads for p, g in arrays):
            self.flatten()
        return [(self.flat_params, self.flat_grads)]

    def trained(self) -> list[bool]:
        if not self.owned:
            self.flatten()
        return [name not in holder.frozen_names for holder, name in self.owned]

    def runs(self, keys: Sequence[Any]) -> list[tuple[Any, slice, Array, Array]]:
        """Return (key, place, p, g) of each run of parameters with the same key, which are views of the vectors."""
        [(params, grads)] = self.flat()
        runs = [(key, list(run)) for key, run in itertools.groupby(zip(keys, self.places), key=itemgetter(0)) if key]
        places = [(key, slice(run[0][1].start, run[-1][1].stop)) for key, run in runs]
        return [(key, place, params[place], grads[place]) for key, place in places]

    def zero_grad(self) -> None:
        if self.built:
            self.flat()[0][1].fill(0)
        for _, holder, name in () if self.built else self.holders():  # which keep the arrays of their initial values
            vars(holder)[f"d{name}"].fill(0)
