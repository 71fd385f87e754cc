"""The course of a training run: every step's loss, a row a report; as CSV and as a picture."""

from __future__ import annotations

import csv
import math
import os
from pathlib import Path
from typing import Any

COLUMNS = (
    "step", "epoch", "seconds", "learning_rate", "gradient_norm", "train_loss",
    "validation_loss", "perplexity", "bits_per_character", "characters_per_second",
)  # fmt: skip


class History:
    """losses: one a step, in nats. rows: one a report, by COLUMNS; a row's loss is the mean since the row before."""

    def __init__(self, losses: list[float] | None = None, rows: list[dict[str, Any]] | None = None) -> None:
        self.losses, self.rows = losses or [], rows or []

    def __repr__(self) -> str:
        return f"<History of {len(self.losses)} steps, {len(self.rows)} reports>"

    def add(self, validation_loss: float | None, in_nats: bool = True, **row: Any) -> dict[str, Any]:
        """One more row, with perplexity exp(loss) and bits loss / ln 2 of the validation loss, or the training's.

        These two are None where the loss is not a likelihood in nats.
        """
        self.rows = [before for before in self.rows if before["step"] < row["step"]]
        since = self.rows[-1]["step"] if self.rows else 0
        recent = self.losses[since:] or self.losses[-1:]
        train_loss = math.fsum(recent) / len(recent) if recent else None
        loss = train_loss if validation_loss is None else validation_loss
        measures: dict[str, float | None] = {"perplexity": None, "bits_per_character": None}
        if loss is not None and in_nats:
            measures = {"perplexity": perplexity(loss), "bits_per_character": loss / math.log(2)}
        self.rows.append({**row, "train_loss": train_loss, "validation_loss": validation_loss, **measures})
        return self.rows[-1]

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """A header and a line for each row."""
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        with open(path, "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(self.rows)

    def plot(self, path: str | os.PathLike[str], title: str = "") -> None:
        """The loss curve as a picture; ImportError names the command where matplotlib is missing."""
        require_plot(path)
        from matplotlib.figure import Figure

        figure = Figure(figsize=(7, 4.2), layout="constrained")
        self.draw(figure.subplots(), title)
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=120)

    def draw(self, axes: Any, title: str = "", unit: str = "nats a character") -> None:
        """The loss curve on the axes of a figure of yours."""
        axes.plot(range(1, len(self.losses) + 1), self.losses, color="0.75", linewidth=0.8, label="training, each step")
        steps = [row["step"] for row in self.rows]
        between = [(a + b) / 2 for a, b in zip([0, *steps], steps)]
        means = [row["train_loss"] for row in self.rows]
        axes.plot(between, means, "o-", markersize=3, label="training, mean between reports")
        if any(row["validation_loss"] is not None for row in self.rows):
            axes.plot(steps, [row["validation_loss"] for row in self.rows], "o-", markersize=3, label="validation")
        axes.set(xlabel="step", ylabel=f"loss ({unit})", title=title)
        axes.grid(alpha=0.3)
        axes.legend(frameon=False)


def perplexity(loss: float) -> float:
    """exp(loss), infinite where that overflows."""
    return math.exp(loss) if loss < 700 else math.inf


def require_plot(path: str | os.PathLike[str]) -> None:
    """An error in one line, with its remedy, where no picture of that kind can be drawn."""
    try:
        from matplotlib.backend_bases import FigureCanvasBase
    except ImportError:
        raise ImportError("A plot needs matplotlib: pip install 'numnet[examples]'") from None
    kinds = FigureCanvasBase.get_supported_filetypes()
    if Path(path).suffix.removeprefix(".") not in kinds:
        raise ValueError(f"{path}: no such kind of picture can be drawn, expected one of .{', .'.join(sorted(kinds))}.")
