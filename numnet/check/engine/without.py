"""Turn off one option of a layer at a time: if it is right without its lengths or dropout, the error is there."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np

from numnet.check.engine.finding import Finding
from numnet.check.engine.measure import passes
from numnet.check.engine.probe import Probe

# Each with its equation and the place of its code.
OPTIONS = {
    "state_dropout": ("", "the masks `drop` of the node's step"),
    "zoneout": ("(1)", "unroll.py"),
    "weight_dropout": ("", ""),
    "reverse": ("", ""),
}


def of_options(probe: Probe, wrong: list[str], seed: int) -> Iterator[Finding]:
    """Yield each option without which the layer is right; lengths first."""
    thing, x = probe.subject.thing, probe.subject.inputs.get("x")
    if x is None or not getattr(thing, "recurrent", False):
        return
    lengths = probe.subject.inputs.get("lengths")
    if lengths is not None and passes(thing, x, seed=seed):
        text = "right without lengths: look at the code for rows that end early or have gaps"
        yield Finding(text, "lengths", tuple(wrong))
        return
    for name, (equation, place) in OPTIONS.items():
        if is_on(thing, name) and passes(left_out(thing, name), x, lengths=lengths, seed=seed):
            where = f": look at equation {equation} of {place}" if equation else f": look at {place}" if place else ""
            yield Finding(f"right without {name}{where}", "option", tuple(wrong), equation=equation)
    if getattr(thing, "path", "") == "fast" and passes(plain(thing), x, lengths=lengths, seed=seed):
        text = "right with use_fast = False: the kernel's steps are right, look at its loop or packing (fast/)"
        yield Finding(text, "kernel", tuple(wrong))


def is_on(layer: Any, name: str) -> bool:
    """Whether an option of a layer is on."""
    return bool(np.any(getattr(layer, name, False))) and hasattr(layer, "set_options")


def left_out(layer: Any, name: str) -> Any:
    """Return a copy of the layer without the option."""
    like = copy.deepcopy(layer)
    vars(like)[name] = [0.0] * len(layer.node.states) if name == "zoneout" else type(getattr(layer, name))()
    vars(like)["drops"] = bool(like.state_dropout or like.weight_dropout or any(like.zoneout))
    return like


def plain(layer: Any) -> Any:
    """Return a copy of the layer without its kernel."""
    like = copy.deepcopy(layer)
    like.use_fast = False
    return like
