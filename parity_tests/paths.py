"""Which layers and options run in a kernel, on either backend: `python -m parity_tests.paths` prints the table.

A cell is how a training call runs: "fast", in a kernel, or "plain"; "fast / plain" is numnet's and torchnet's.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

import numnet
import torchnet
from parity_tests.family import NODES

B, T, D, H = 3, 5, 4, 6
LENGTHS = [5, 0, 2]
GAPS = np.arange(B * T).reshape(B, T) % 3 > 0
RESETS = np.arange(B * T).reshape(B, T) % 4 == 0
OPTIONS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {  # of the layer, and of the call
    "no option": ({}, {}),
    "lengths": ({}, {"lengths": LENGTHS}),
    "gaps": ({}, {"lengths": GAPS}),
    "resets": ({}, {"resets": RESETS}),
    "reverse": ({"reverse": True}, {}),
    "bidirectional": ({"bidirectional": True}, {}),
    "output_size": ({"output_size": 2}, {}),
    "return_sequences=False": ({"return_sequences": False}, {}),
    "bias=False": ({"bias": False}, {}),
    "learn_state": ({"learn_state": True}, {}),
    "stateful": ({"stateful": True}, {}),
    "weight_dropout": ({"weight_dropout": 0.4}, {}),
    "state_dropout": ({"state_dropout": 0.4}, {}),
    "zoneout": ({"zoneout": 0.4}, {}),
    "use_fast=False": ({}, {}),
}
X = np.random.default_rng(0).standard_normal((B, T, D))


def path_of(net: Any, node: str, option: str) -> str:
    """What a layer's path is after a call with this option."""
    of_layer, of_call = OPTIONS[option]
    layer = getattr(net, f"{node.split()[0]}Layer")(H, input_size=D, **NODES[node], **of_layer)
    if option == "use_fast=False":
        layer.use_fast = False
    layer(X, **of_call)
    return str(layer.path)


def cell(node: str, option: str) -> str:
    """ "fast", "plain", or numnet's and torchnet's where they differ."""
    ours, theirs = (path_of(net, node, option).partition(":")[0] for net in (numnet, torchnet))
    return ours if ours == theirs else f"{ours} / {theirs}"


def rows() -> Iterator[list[str]]:
    """A line for each option, with a cell for each node; nodes with the same cells share a column."""
    cells = {node: [cell(node, option) for option in OPTIONS] for node in NODES}
    columns: dict[tuple[str, ...], list[str]] = {}
    for node, found in cells.items():
        columns.setdefault(tuple(found), []).append(node)
    yield ["", *(", ".join(nodes) for nodes in columns.values())]
    for k, option in enumerate(OPTIONS):
        yield [option, *(found[k] for found in columns)]


def main() -> None:
    warnings.filterwarnings("ignore", message="LSTM with projections")  # PyTorch: oneDNN has none
    head, *lines = rows()
    print("\n".join(f"| {' | '.join(line)} |" for line in (head, ["---"] * len(head), *lines)))


if __name__ == "__main__":
    main()
