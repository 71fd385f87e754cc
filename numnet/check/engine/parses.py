"""A SPINN or a classifier of parses as a function of named arrays: x, lengths, transitions, and a target."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from numnet.check.engine.subject import Back, restart


def call_parses(thing: Any, inputs: Mapping[str, Any]) -> tuple[dict[str, Any], Back]:
    """Call a SPINN or a classifier of parses: its output, or with a target its loss; and the transition loss."""
    restart(thing)
    y = thing.forward(*(inputs.get(name) for name in ("x", "lengths", "transitions")))
    outputs = {"y": y} if "target" not in inputs else {"value": loss_of_parses(thing, y, inputs["target"])}
    encoder = getattr(thing, "encoder", thing)
    if getattr(encoder, "predicts", False):
        outputs["added_loss"] = encoder.added_loss

    def back(upstream: Mapping[str, Any]) -> dict[str, Any]:
        dy = upstream["y"] if "y" in upstream else thing.loss.backward(upstream["value"])
        d_added = upstream.get("added_loss")
        return {"x": thing.backward(dy, 0.0 if d_added is None else float(np.asarray(d_added)))}

    return outputs, back


def loss_of_parses(thing: Any, y: Any, target: Any) -> Any:
    """Return the loss of a classifier of parses; integers of -1 do not count."""
    counted = target != -1 if target.dtype.kind in "iu" else np.ones(target.shape, bool)
    return thing.loss.forward(y, np.where(counted, target, 0), counted)
