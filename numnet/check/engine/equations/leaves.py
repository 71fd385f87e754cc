"""The numbers that a step starts from, by tensor and gate: the gradients promised for them, and those that are due."""

from __future__ import annotations

import numpy as np

from numnet.check.engine.equations.step import Step, before
from numnet.core.operation import Array

EXACT = 1e-7  # relative: two ways of computing one gradient


class Leaves:
    """All of them in one vector; `parts` are (tensor, gate, its place), `numbers` their ids in the trace."""

    def __init__(self, step: Step) -> None:
        self.parts: list[tuple[str, str, slice]] = []
        numbers: list[Array] = []
        promised: list[Array] = []
        for name, ids in step.ids.items():
            for gate, rows in step.row_blocks(name, ids):
                start = sum(part.size for part in numbers)
                numbers.append(ids[rows].ravel())
                promised.append(step.promised[name][rows].ravel())
                self.parts.append((name, gate, slice(start, start + numbers[-1].size)))
        self.numbers, self.promised = np.concatenate(numbers), np.concatenate(promised)
        self.due = step.d[self.numbers, 0]

    def wrong(self, difference: Array) -> Array:
        """Of each part, and of each of K columns, whether it is wrong."""
        least = 0.1 * float(np.linalg.norm(self.due))
        allowed = [EXACT * max(float(np.linalg.norm(self.due[part])), least) for _, _, part in self.parts]
        off = [np.linalg.norm(difference[part], axis=0) for _, _, part in self.parts]
        return np.array([norm > limit for norm, limit in zip(off, allowed)])

    def tensors(self, chosen: Array) -> tuple[str, ...]:
        """The tensors of the chosen parts."""
        return tuple(dict.fromkeys(name for (name, _, _), yes in zip(self.parts, chosen) if yes))

    def gates(self, chosen: Array) -> tuple[str, ...]:
        """Their gates."""
        return tuple(dict.fromkeys(gate for (_, gate, _), yes in zip(self.parts, chosen) if yes and gate))

    def said(self, chosen: Array) -> str:
        """Both, in words."""
        parts = [(name, gate) for (name, gate, _), yes in zip(self.parts, chosen) if yes]
        return ", ".join(f"{name} ({gate})" if gate and name != before(gate) else name for name, gate in parts)
