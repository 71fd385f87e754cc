"""Known differences between two right implementations: the order of the gates, where a GRU applies its reset."""

from __future__ import annotations

import copy
import dataclasses
import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from numnet.check.engine.against.counterpart import full_name
from numnet.check.engine.against.pair import Pair
from numnet.check.engine.against.pairing import layers_of
from numnet.check.engine.finding import Finding
from numnet.check.engine.subject import Arrays, Subject


def other_order(pair: Pair, tolerance: float) -> Iterator[Finding]:
    """Try every order of theirs' blocks of rows; yield the one in which all outputs agree."""
    stacked = blocks_of(pair)
    orders = {gates for gates in stacked.values() if 1 < len(gates) <= 4}
    for gates in orders if len(orders) == 1 else ():
        ours = pair.ours.run(pair.ours.inputs)[0]
        for order in itertools.permutations(range(len(gates))):
            moved = {name: in_order(p, order) if name in stacked else p for name, p in pair.ours.params.items()}
            theirs = pair.theirs.run(pair.theirs.inputs, pair.load(moved))[0]
            if order != tuple(range(len(gates))) and agree(pair, ours, theirs, tolerance):
                listed = " ".join(gates[k] for k in order)
                yield Finding(
                    f"{full_name(pair.theirs)} has its gates in the order {listed}, {full_name(pair.ours)} in "
                    f"{' '.join(gates)}: with its rows reordered, every output agrees",
                    "order", tuple(stacked), gates,
                )  # fmt: skip
                break
        pair.theirs.run(pair.theirs.inputs, pair.load(pair.ours.params))


def blocks_of(pair: Pair) -> dict[str, tuple[str, ...]]:
    """Return the parameters with one block of rows per gate: those of a node with the most rows."""
    heads = {name: name.rpartition(".")[0] for name in pair.gates}
    tallest = {
        head: max(len(pair.ours.params[n]) for n, other in heads.items() if other == head) for head in heads.values()
    }
    return {name: g for name, g in pair.gates.items() if len(pair.ours.params[name]) == tallest[heads[name]]}


def in_order(p: Any, order: tuple[int, ...]) -> Any:
    """Return the blocks of rows in this order."""
    blocks = np.split(p, len(order))
    return np.concatenate([blocks[k] for k in order])


def agree(pair: Pair, ours: Arrays, theirs: Arrays, tolerance: float) -> bool:
    """Whether all common outputs agree to the tolerance."""
    both = pair.outputs(ours, theirs)
    return all(
        np.linalg.norm(ours[name].ravel() - theirs[other].ravel())
        <= tolerance * max(1.0, float(np.linalg.norm(theirs[other])))
        for name, other in both.items()
    )


def other_reset(pair: Pair, tolerance: float) -> Iterator[Finding]:
    """Apply a GRU's reset on the other side of its matrix product; yield a finding if all outputs then agree."""
    sides = ((pair.ours, pair.theirs), (pair.theirs, pair.ours))
    for subject, other in sides:
        nodes = nodes_of(subject.thing)
        if not nodes:
            continue
        was = nodes[0].reset
        ours, theirs = (flipped(side) if side is subject else side for side in (pair.ours, pair.theirs))
        if agree(pair, ours.run(pair.ours.inputs)[0], theirs.run(pair.theirs.inputs)[0], tolerance):
            now = "after" if was == "before" else "before"
            yield Finding(
                f"{full_name(subject)} resets {was} the matrix product, {full_name(other)} {now} it: "
                f"with reset={now!r} every output agrees",
                "reset",
            )  # fmt: skip
            return


def nodes_of(thing: Any) -> list[Any]:
    """Return the GRU nodes of an object."""
    nodes = [getattr(layer, "node", layer) for layer in layers_of(thing)] if hasattr(thing, "config") else []
    return [node for node in nodes if getattr(node, "reset", None) in ("before", "after")]


def flipped(subject: Subject) -> Subject:
    """Return a copy with the reset on the other side, and a bias b_h of zeros if it had none."""
    thing = copy.deepcopy(subject.thing)
    for node in nodes_of(thing):
        vars(node).update(reset="after" if node.reset == "before" else "before", dtype=node.W_x.dtype)
        if node.reset == "after" and not hasattr(node, "b_h"):
            node.add_param("b_h", np.zeros(node.hidden_size))
    return dataclasses.replace(subject, thing=thing)
