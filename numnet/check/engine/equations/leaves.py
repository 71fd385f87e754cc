"""The inputs of a step by tensor and gate: their gradients from step_backward, and the right ones."""

from __future__ import annotations

import numpy as np

from numnet.check.engine.equations.step import Step, preactivation
from numnet.core.operation import Array

EXACT = 1e-7  # relative error between two ways of computing a gradient


class Leaves:
    """All inputs as one vector; `parts` are (tensor, gate, slice), `numbers` the ids in the trace."""

    def __init__(self, step: Step) -> None:
        self.parts: list[tuple[str, str, slice]] = []
        numbers: list[Array] = []
        analytic: list[Array] = []
        for name, ids in step.ids.items():
            for gate, rows in step.row_blocks(name, ids):
                start = sum(part.size for part in numbers)
                numbers.append(ids[rows].ravel())
                analytic.append(step.analytic[name][rows].ravel())
                self.parts.append((name, gate, slice(start, start + numbers[-1].size)))
        self.numbers, self.analytic = np.concatenate(numbers), np.concatenate(analytic)
        self.expected = step.d[self.numbers, 0]

    def wrong(self, difference: Array) -> Array:
        """Return for each part, and each of K columns, whether it is wrong."""
        least = 0.1 * float(np.linalg.norm(self.expected))
        allowed = [EXACT * max(float(np.linalg.norm(self.expected[part])), least) for _, _, part in self.parts]
        off = [np.linalg.norm(difference[part], axis=0) for _, _, part in self.parts]
        return np.array([norm > limit for norm, limit in zip(off, allowed)])

    def tensors(self, chosen: Array) -> tuple[str, ...]:
        """Return the tensors of the chosen parts."""
        return tuple(dict.fromkeys(name for (name, _, _), yes in zip(self.parts, chosen) if yes))

    def gates(self, chosen: Array) -> tuple[str, ...]:
        """Return the gates of the chosen parts."""
        return tuple(dict.fromkeys(gate for (_, gate, _), yes in zip(self.parts, chosen) if yes and gate))

    def describe(self, chosen: Array) -> str:
        """Return tensors and gates of the chosen parts as text."""
        parts = [(name, gate) for (name, gate, _), yes in zip(self.parts, chosen) if yes]
        return ", ".join(f"{name} ({gate})" if gate and name != preactivation(gate) else name for name, gate in parts)
