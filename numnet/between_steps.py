"""What a layer does to the state between two steps, whatever the node: dropout of the state, and zoneout.

    h_met = d ⊙ h'               (1)   state dropout, one mask a sequence, on what matrices meet (Gal & Ghahramani 2016)
    h_new = step(a, h_met, h')         the node
    h = h_new + k ⊙ (h' - h_new) (2)   zoneout: where k is 1, the state stays as it was (Krueger et al. 2016)

d is 1 / (1 - p) with probability 1 - p, else 0. k is 1 with probability p, drawn for each step and each part of the
state; in evaluation mode it is p itself, its mean. A cell c has a k of its own, and h is made from the c that is new.
"""

from __future__ import annotations

from typing import Any

from numpy import copyto, multiply, subtract

from numnet.columns import columns
from numnet.course import Course
from numnet.node import Node, Stretches
from numnet.slots import Slots


class BetweenSteps:
    """A node's step and step_backward with (1) before and (2) after; in a layer's loop it stands for the node."""

    def __init__(self, node: Node) -> None:
        self.node = node

    def prepare(self, stretches: Stretches, course: Course, drawn: dict[str, Any]) -> None:
        """The masks of a call to its stretches: d (H, B), and for each part of the state k (T, H, B) or a number."""
        drop = course.columns([drawn["state"]], (0,), self.node.dtype)[0] if "state" in drawn else None
        for s in stretches:
            s.drop, s.kept = None if drop is None else drop[:, : s.B].astype(self.node.dtype), {}
        for name, k in drawn["zoneout"].items():
            parts = [columns(part) for part in course.take(k)] if k.ndim else [k] * len(stretches)
            for s, part in zip(stretches, parts):
                s.kept[name] = part.astype(self.node.dtype if part.ndim == 0 else bool)

    def step(self, s: Slots, t: int) -> None:
        if s.drop is not None:
            multiply(s.h[t], s.drop, s.h_met[t])  # (1)
        elif s.memory.thinned:
            s.h_met[t] = s.h[t]
        self.node.step(s, t)
        for name, k in s.kept.items():
            before, new, after = getattr(s, name)[t], getattr(s, f"{name}_new")[t], getattr(s, name)[t + 1]
            if k.ndim:
                copyto(after, new)  # (2)
                copyto(after, before, where=k[t])
            else:
                subtract(before, new, after)  # (2)
                after *= k
                after += new

    def step_backward(self, s: Slots, t: int) -> None:
        passed = []
        for name, k in s.kept.items():
            d_state = getattr(s, f"d{name}")
            passed.append((d_state, multiply(d_state, k[t] if k.ndim else k)))  # (2) dh' += k ⊙ dh
            d_state -= passed[-1][1]  # (2) dh_new = (1 - k) ⊙ dh
        self.node.step_backward(s, t)
        if s.drop is not None and not self.node.passes_state:
            s.dh *= s.drop  # (1)
        for d_state, part in passed:
            d_state += part
