"""A node, of a sequence or of a tree, as a subject: the gradient of its state is split between dy and the next step."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from numnet.check.engine.subject import Back, joined, named


def call_node(thing: Any, inputs: Mapping[str, Any]) -> tuple[dict[str, Any], Back]:
    """Call one step of a node; the outputs are its state, and y if the node has a readout."""
    state, saved = thing.forward(inputs["x"], joined(inputs, thing.states))
    reads_out = getattr(thing, "reads_out", False)
    y, state = state if reads_out else (None, state)

    def back(upstream: Mapping[str, Any]) -> dict[str, Any]:
        d_state = joined(upstream, thing.states)
        d_new = (upstream["y"], d_state) if reads_out else d_state
        dx, d_state = halved(thing).backward(d_new, saved)
        return {"x": dx, **named(d_state, thing.states)}

    return {**({"y": y} if reads_out else {}), **named(state, thing.states)}, back


def call_tree_node(thing: Any, inputs: Mapping[str, Any]) -> tuple[dict[str, Any], Back]:
    """Call a node of a tree on its two children, and on its context if it has one; the outputs are its state."""
    left, right = thing.child_states[: len(thing.states)], thing.child_states[len(thing.states) :]
    state, saved = thing.forward(joined(inputs, left), joined(inputs, right), inputs.get("x"))

    def back(upstream: Mapping[str, Any]) -> dict[str, Any]:
        d_left, d_right, dx = halved(thing).backward(joined(upstream, thing.states), saved)
        return {**named(d_left, left), **named(d_right, right), **({"x": dx} if "x" in inputs else {})}

    return named(state, thing.states), back


def halved(node: Any) -> Any:
    """Return the node with half of its state's gradient passed as dy: since y is h, no gradient may change."""
    if not hasattr(node, "step_backward") or getattr(node, "reads_out", False):
        return node

    def step_backward(dy: Any, d_next: Any, *rest: Any, **options: Any) -> Any:
        return node.step_backward(dy + 0.5 * d_next, 0.5 * d_next, *rest, **options)

    other = copy.copy(node)
    vars(other)["step_backward"] = step_backward
    return other
