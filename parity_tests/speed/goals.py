"""How fast numnet and torchnet are to be, as ratios in one run, and the worst that a record shows of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]
Record = dict[str, Any]
LAYER_ALONE = "torch layer alone"  # in generation: without the Dense layer above it


def ratio(row: Row, who: str, to: str = "torch") -> float:
    """One contestant's best time over another's."""
    return row["best"][who] / row["best"][to]


def one_layer(row: Row) -> bool:
    """Forward and backward of a layer, not of a stack."""
    return row["pass"] == "forward and backward" and "stack" not in row["name"]


def whole(row: Row) -> bool:
    """Forward and backward."""
    return bool(row["pass"] == "forward and backward")


def lstm(row: Row) -> bool:
    """An LSTM, layer or model."""
    return "LSTM" in row["name"]


def large(row: Row) -> bool:
    """An LSTM layer with B ≥ 32 and H ≥ 256; the name ends in (T, B, D, H)."""
    _, B, _, H = map(int, row["name"].partition("(")[2].rstrip(")").split(","))
    return one_layer(row) and lstm(row) and B >= 32 and H >= 256


@dataclass(frozen=True)
class Goal:
    """At most `limits[threads]` in every row of a table that `chosen` takes; to=None: the figure itself."""

    name: str
    limits: dict[int, float]
    table: str
    chosen: Callable[[Row], bool]
    who: str = "numnet"
    to: str | None = "torch"

    def found(self, record: Record, threads: int) -> list[tuple[float, str]]:
        """Each value that the goal is about, with its row's name, the worst first."""
        rows = [row for row in record["rows"] if row["table"] == self.table and row["threads"] == threads]
        return sorted(((self.value(row), row["name"]) for row in rows if self.chosen(row)), reverse=True)

    def value(self, row: Row) -> float:
        """What the limits limit."""
        return row["best"][self.who] if self.to is None else ratio(row, self.who, self.to)


HALF = {1: 0.50, 2: 0.50}
TAPE = {1: 1.2}
GOALS = [
    Goal("GRU (both) and RNN / torch.nn, forward and backward", HALF, "layers", lambda r: one_layer(r) and not lstm(r)),
    Goal("LSTM / torch.nn, B ≥ 32 and H ≥ 256", {1: 1.00, 2: 1.15}, "layers", large),
    Goal(
        "LSTM / torch.nn, the two small sizes",
        {1: 1.3, 2: 1.3},
        "layers",
        lambda r: one_layer(r) and lstm(r) and not large(r),
    ),
    Goal("training step / PyTorch, LSTM 256", {1: 1.00, 2: 1.15}, "step", lstm),
    Goal("training step / PyTorch, GRU 256, either", HALF, "step", lambda r: "GRU" in r["name"]),
    Goal("training step / the book's way of writing it, LSTM 256", {1: 0.15, 2: 0.15}, "step", lstm, to="book"),
    Goal("LSTM / its bare products, B ≥ 32 and H ≥ 256", {1: 1.15, 2: 1.35}, "layers", large, to="products"),
    Goal("generation / PyTorch, LSTM 256, one step", {1: 0.25, 2: 0.25}, "generate", lstm),
    Goal(
        "torchnet / torch.nn, every size",
        {1: 1.05, 2: 1.05},
        "layers",
        lambda r: one_layer(r) and "before" not in r["name"],
        who="torchnet",
    ),
    Goal("call on a Tape / PyTorch, forward and backward", TAPE, "tape", whole),
    Goal("torchnet's call on a Tape / PyTorch, forward and backward", TAPE, "tape", whole, who="torchnet"),
    Goal("training step, V 10,000 / PyTorch", {1: 1.2}, "vocabulary", lambda r: r["name"].endswith(" 10000")),
    Goal("training step of a cell on a Tape, B 1 / PyTorch", {1: 1.5}, "cell", lambda r: "B 1," in r["name"]),
    Goal("peak memory / PyTorch's", {1: 1.0}, "memory", lambda r: "before" not in r["name"]),
    Goal("growth in T and in B, exponent", {1: 1.05, 2: 1.05}, "growth", lambda r: "in H" not in r["name"], to=None),
]
