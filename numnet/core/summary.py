"""A model as a table: its layers, the shapes of their outputs, how many parameters each has, and how it computes."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from numnet.core.show import text

COLUMNS = 100
UNKNOWN = "?"  # the first batch decides it
HEAD = ("", "layer", "output", "parameters", "path")


@dataclass
class Row:
    """One layer; None is a width or a number that is not known yet."""

    name: str
    layer: Any
    axes: tuple[str, ...] = ()
    width: int | None = None
    count: int | None = None
    frozen: int = 0
    pair: bool = False  # two outputs, those of a Bidirectional with merge=None

    @property
    def shape(self) -> str:
        """(B, T, 32)"""
        if is_loss(self.layer):
            return "one number"
        width = UNKNOWN if self.width is None else str(self.width)
        shape = f"({', '.join([*self.axes, width])})"
        return f"2 x {shape}" if self.pair else shape

    @property
    def path(self) -> str:
        """How a recurrent layer computes; the reason is in a line of its own below the table."""
        return str(getattr(self.layer, "path", "")).partition(":")[0]

    def cells(self) -> tuple[str, ...]:
        """The cells of the row in the table."""
        return self.name, repr(self.layer), self.shape, written(self.count), self.path


def summary(model: Any) -> str:
    """The table of a model or tape, at most 100 columns wide."""
    rows = rows_of(model)
    body = [row.cells() for row in rows]
    total = None if any(row.count is None for row in rows) else sum(row.count or 0 for row in rows)
    frozen = sum(row.frozen for row in rows)
    sums = [("", "total", "", written(total), "")]
    if frozen:
        sums.append(("", "trainable", "", written(None if total is None else total - frozen), ""))
    table = [HEAD, *body, *sums]
    widths = [max(len(cells[k]) for cells in table) for k in range(len(HEAD))]
    widths[0] = min(widths[0], 24)
    widths[1] = min(widths[1], COLUMNS - sum(widths) + widths[1] - 2 * (len(HEAD) - 1))
    lines = [line(cells, widths) for cells in table]
    rule = "-" * max(map(len, lines))
    notes = [f"{row.name} runs {row.layer.path}" for row in rows if row.path == "plain"]
    notes += [f"{row.name} is frozen{'' if row.frozen == row.count else ' in part'}" for row in rows if row.frozen]
    layers, totals = lines[1 : 1 + len(rows)], lines[1 + len(rows) :]
    return "\n".join([*title(model), rule, lines[0], rule, *layers, rule, *totals, *folded(notes)])


def title(model: Any) -> list[str]:
    """The class, dtype, device and seed; the loss, which is a row of a tape."""
    loss = [] if hasattr(model, "named_parts") else [f"loss {text(model.loss)}"]
    dtype, device = (text(value).strip("'") for value in (model.dtype, model.device))
    return folded([", ".join([type(model).__name__, dtype, device, f"seed {text(model.seed)}", *loss])])


def line(cells: tuple[str, ...], widths: list[int]) -> str:
    """A row of the table: numbers stand at the right of their column."""
    cut = [cell if len(cell) <= width else cell[: width - 3] + "..." for cell, width in zip(cells, widths)]
    return "  ".join(c.rjust(w) if k == 3 else c.ljust(w) for k, (c, w) in enumerate(zip(cut, widths))).rstrip()


def folded(lines: list[str]) -> list[str]:
    """The same words in lines of at most 100 columns."""
    found: list[str] = []
    for words in (each.split(" ") for each in lines):
        found.append(words[0])
        for word in words[1:]:
            if len(found[-1]) + 1 + len(word) > COLUMNS:
                found.append("   ")
            found[-1] += f" {word}"
    return found


def written(count: int | None) -> str:
    """1,234, and "?" for None."""
    return UNKNOWN if count is None else f"{count:,}"


def rows_of(model: Any) -> list[Row]:
    """A row for each layer, in the order of the calls."""
    if hasattr(model, "named_parts"):
        return [alone(name, part) for name, part in model.named_parts.items()]
    if hasattr(model, "reduce"):
        return list(spinn(model))
    if hasattr(model, "decoder"):
        return list(encoder_decoder(model))
    if hasattr(model, "encoder"):
        return list(classifier(model))
    return list(stack(model.named_layers, model.input_size, model, "T"))


def stack(layers: Mapping[str, Any], width: int | None, model: Any, time: str) -> Iterator[Row]:
    """Layers in a row, the first of which reads this width, or its own."""
    sequence = any(layer.recurrent or layer.over_time for layer in layers.values())
    batch_first = all(layer.batch_first is not False for layer in layers.values())
    axes: tuple[str, ...] = ("B", time) if batch_first else (time, "B")
    axes = axes if sequence or time != "T" or hasattr(model, "encoder") else ("B", "...")
    for name, layer in layers.items():
        row = after(name, layer, width if width is not None else getattr(layer, "input_size", None), model.dtype)
        axes = axes if layer.keeps_time else ("B",)
        row.axes, width = axes, row.width
        yield row


def encoder_decoder(model: Any) -> Iterator[Row]:
    """The encoder's steps are S, the decoder's T; attention and decoder stand side by side before the output."""
    of: dict[str, dict[str, Any]] = {"encoder": {}, "decoder": {}, "attention": {}, "output": {}}
    for name, layer in model.named_layers.items():
        of[name.partition(".")[0]][name] = layer
    rows = list(stack(of["encoder"], model.input_size, model, "S"))
    memory = rows[-1].width if rows else None
    yield from rows
    rows = list(stack(of["decoder"], model.target_size, model, "T"))
    width = rows[-1].width if rows else None
    yield from rows
    if model.attention is not None:
        layer = copy.deepcopy(model.attention)
        vars(layer)["memory_size"] = layer.memory_size or memory
        row = after("attention", layer, width if layer.memory_size else None, model.dtype)
        row.layer, row.axes, row.width = model.attention, ("B", "T"), memory
        yield row
        width = None if width is None or memory is None else width + memory
    yield from stack(of["output"], width, model, "T")


def classifier(model: Any) -> Iterator[Row]:
    """The encoder of both sentences of a pair, then the output layers, which read several vectors side by side."""
    rows = rows_of(model.encoder)
    for row in rows:
        row.name = f"encoder.{row.name}"
    yield from rows
    width = model.encoder.output_width or (rows[-1].width if rows else None)
    output = {name: layer for name, layer in model.named_layers.items() if name.startswith("output.")}
    for row in stack(output, width and model.copies * width, model, "B"):
        row.axes = ("B",)
        yield row


def spinn(model: Any) -> Iterator[Row]:
    """The leaves of N words, the vector of each sentence or node, and the tracker's outputs at each of the moves."""
    leaf = {name: layer for name, layer in model.named_layers.items() if name.startswith("leaf.")}
    yield from stack(leaf, model.input_size, model, "N")
    K = 0 if model.tracker is None else model.tracker.state_sizes[0]
    parts = {"reduce": (model.reduce, K), "tracker": (model.tracker, 3 * model.reduce.state_sizes[0])}
    for name, (part, width) in parts.items():
        if part is not None:
            row = after(name, part, width, model.dtype)
            row.axes = ("B", "2N-1") if name == "tracker" or model.return_nodes else ("B",)
            yield row


def alone(name: str, part: Any) -> Row:
    """A part of a tape, as far as it tells by itself: x may have any shape."""
    row = after(name, part, getattr(part, "input_size", None), getattr(part, "dtype", "float32"))
    sequence = part.recurrent or part.over_time
    if not part.takes:  # a Parameter
        row.axes = tuple(map(str, part.shape[:-1]))
        return row
    row.axes = ("B",) if hasattr(part, "states") or not part.keeps_time else ("B", "T") if sequence else ("B", "...")
    return row


def after(name: str, layer: Any, width: int | None, dtype: Any) -> Row:
    """The row of a layer that reads this width."""
    pair = hasattr(layer, "merge") and layer.merge is None
    if getattr(layer, "built", False) or width is None:
        return Row(name, layer, (), width_after(layer, width), count_of(layer), frozen_in(layer), pair)
    try:
        other = copy.deepcopy(layer)
        out = other.build(width, np.random.default_rng(0), dtype)
    except ValueError:  # it does not fit: the first batch raises the error
        return Row(name, layer, (), width_after(layer, None), pair=pair)
    return Row(name, layer, (), out, count_of(other), frozen_in(other), pair)


def count_of(layer: Any) -> int | None:
    """How many numbers are learned; None where the parameters are not made yet."""
    if not getattr(layer, "built", True):
        return None
    return sum(int(np.prod(tuple(p.shape))) for p in getattr(layer, "params", {}).values())


def frozen_in(layer: Any) -> int:
    """How many of these are frozen."""
    params = getattr(layer, "params", {})
    return sum(int(np.prod(tuple(params[name].shape))) for name in layer.frozen)


def width_after(layer: Any, width: int | None) -> int | None:
    """The width of a layer's output, as far as the layer tells."""
    if getattr(layer, "output_width", 0):
        return int(layer.output_width)
    if hasattr(layer, "forwards"):
        one, other = (width_after(each, width) for each in (layer.forwards, layer.backwards))
        return one if one is None or other is None or layer.merge != "concat" else one + other
    if getattr(layer, "output_size", None):
        return int(layer.output_size)
    node = getattr(layer, "node", layer)
    if hasattr(node, "state_sizes"):
        return None if node.reads_out else int(node.state_sizes[0])
    return None if hasattr(layer, "built") else width


def is_loss(layer: Any) -> bool:
    """Return whether the output is one number."""
    return hasattr(layer, "in_nats")
