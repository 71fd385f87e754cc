"""A SPINN or a classifier of parses as a function of named arrays: x, lengths, transitions, and a target."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from numnet.check.engine.subject import Back, restart


def call_parses(thing: Any, inputs: Mapping[str, Any]) -> tuple[dict[str, Any], Back]:
    """Call a SPINN or a classifier of parses: its output, or with a target its loss; and the transition loss.

    backward includes the gradient of the transition loss, with the weight of the model. So the pullback repeats the
    forward pass with that weight times the upstream gradient of the transition loss.
    """
    encoder = getattr(thing, "encoder", thing)

    def forward() -> dict[str, Any]:
        restart(thing)
        y = thing.forward(*(inputs.get(name) for name in ("x", "lengths", "transitions")))
        found = {"y": y} if "target" not in inputs else {"value": loss_of_parses(thing, y, inputs["target"])}
        return found | ({"added_loss": encoder.added_loss} if getattr(encoder, "predicts", False) else {})

    def back(upstream: Mapping[str, Any]) -> dict[str, Any]:
        weight = vars(encoder).get("transition_weight", 1.0)
        vars(encoder)["transition_weight"] = weight * np.asarray(upstream.get("added_loss", 1.0)).item()
        try:
            forward()
        finally:
            vars(encoder)["transition_weight"] = weight
        return {"x": thing.backward(upstream["y"] if "y" in upstream else thing.loss.backward(upstream["value"]))}

    return forward(), back


def loss_of_parses(thing: Any, y: Any, target: Any) -> Any:
    """Return the loss of a classifier of parses; integers of -1 do not count."""
    counted = target != -1 if target.dtype.kind in "iu" else np.ones(target.shape, bool)
    return thing.loss.forward(y, np.where(counted, target, 0), counted)
