"""The record of a training run: the loss of every step and one row per report, as CSV or as a plot."""

from __future__ import annotations

import csv
import math
import os
from pathlib import Path
from typing import Any

from numnet.core.checks import validate_call

COLUMNS = (
    "step", "epoch", "seconds", "learning_rate", "gradient_norm", "train_loss",
    "validation_loss", "perplexity", "bits_per_character", "characters_per_second",
)  # fmt: skip


class History:
    """losses: one per step, in nats. rows: one per report, keys COLUMNS; train_loss is the mean since the last row."""

    def __init__(self, losses: list[float] | None = None, rows: list[dict[str, Any]] | None = None) -> None:
        self.losses, self.rows = losses or [], rows or []

    def __repr__(self) -> str:
        return f"<History of {len(self.losses)} steps, {len(self.rows)} reports>"

    def add(self, validation_loss: float | None, in_nats: bool = True, **row: Any) -> dict[str, Any]:
        """Add a row, with perplexity exp(loss) and bits loss / ln 2 of the validation loss, or else the training loss.

        Both are None if the loss is not a likelihood in nats.
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
        """Write a header, and one line per row."""
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        with open(path, "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(self.rows)

    def plot(self, path: str | os.PathLike[str], title: str = "") -> None:
        """Save a plot of the loss curve. Without matplotlib, ImportError names the command that installs it."""
        require_plot(path)
        from matplotlib.figure import Figure

        figure = Figure(figsize=(7, 4.2), layout="constrained")
        self.draw(figure.subplots(), title)
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=120)

    def draw(self, axes: Any, title: str = "", unit: str = "nats a character") -> None:
        """Draw the loss curve on the axes of an existing figure."""
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
    """Return exp(loss), or infinity if that overflows."""
    return math.exp(loss) if loss < 700 else math.inf


@validate_call
def require_plot(path: str | os.PathLike[str]) -> None:
    """Raise a one-line error if no plot of that file type can be saved."""
    try:
        from matplotlib.backend_bases import FigureCanvasBase
    except ImportError:
        raise ImportError("A plot needs matplotlib: pip install 'numnet[examples]'") from None
    kinds = FigureCanvasBase.get_supported_filetypes()
    if Path(path).suffix.removeprefix(".") not in kinds:
        raise ValueError(f"{path}: unsupported file type of a plot, expected one of .{', .'.join(sorted(kinds))}.")
