"""The state that a node hands on: h, or an LSTM's pair (h, c), written into the slots and read out of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from numnet.checks import check_shape
from numnet.operation import Array, ParamOperation
from numnet.slots import Slots

State = Any  # h, or for an LSTM (h, c)


class Stateful(ParamOperation):
    """Its slots hold h[0] to h[T], and dh that is carried back; an LSTM's hold c and dc likewise."""

    states: tuple[str, ...] = ("h",)

    def start(self, s: Slots, state: Sequence[Any]) -> None:
        """Write the parts of the start state, zeros for None, into the slots that enter step 0."""
        for name, value in zip(self.states, state):
            first = getattr(s, name)[0]
            if value is None:
                first.fill(0)
            else:
                first[...] = value

    def start_backward(self, s: Slots, d_state: Sequence[Any]) -> None:
        """Write the gradient of the last state, zeros for None."""
        for name, value in zip(self.states, d_state):
            gradient = getattr(s, f"d{name}")
            if value is None:
                gradient.fill(0)
            else:
                gradient[...] = value

    def checked(self, names: Sequence[str], state: Sequence[Any], shapes: Sequence[Any], remedy: str) -> list[Any]:
        """The parts of a state cast, and each of its shape, or a ValueError."""
        parts = list(state)
        for k, (name, value) in enumerate(zip(names, state)):
            if value is not None:
                parts[k] = value = self.cast(name, value)
                check_shape(self.name, name, value.shape, shapes[k], remedy)
        return parts

    def each(self, state: State, name: str = "state") -> tuple[Any, ...]:
        """The state as a tuple: (h,), or an LSTM's (h, c)."""
        if state is None:
            return (None,) * len(self.states)
        if len(self.states) == 1:
            return (state,)
        if not isinstance(state, (tuple, list)) or len(state) != len(self.states):
            pair = f"({', '.join(self.states)})"
            raise ValueError(
                f"{self.name}: {name} is {type(state).__name__}, expected a pair {pair}. Pass both, or None."
            )
        return tuple(state)

    def joined(self, state: Any) -> State:
        """A state of one part as that part, of two as a pair."""
        return tuple(state) if len(state) > 1 else state[0]

    def last_state(self, s: Slots, counts: Any = None) -> list[Array]:
        """A copy of each part of the state after the last step, or after so many steps of each row."""
        parts = [getattr(s, name) for name in self.states]
        if counts is None:
            return [part[-1].copy() for part in parts]
        return [part[counts, :, np.arange(s.B)].T for part in parts]

    def gradients(self, s: Slots) -> list[Array]:
        """The gradient of each part of the state, as it is carried."""
        return [getattr(s, f"d{name}") for name in self.states]

    def state_gradient(self, s: Slots) -> list[Array]:
        """A copy of it."""
        return [gradient.copy() for gradient in self.gradients(s)]
