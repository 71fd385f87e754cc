"""The record of a training run: the loss of every step and one row per report, as CSV or as a plot."""

from __future__ import annotations

import csv
import math
import os
from pathlib import Path
from typing import Any

from numnet.core.checks import validate_call
from numnet.core.checks.runs import check_axes_of_plot, check_history, check_row
from numnet.core.plots import no_matplotlib

COLUMNS = (
    "step", "epoch", "seconds", "learning_rate", "gradient_norm", "train_loss",
    "validation_loss", "perplexity", "bits_per_{target}", "{token}s_per_second",
)  # fmt: skip


class History:
    """losses: one per step, in nats. rows: one per report; train_loss is the mean since the last row, over all targets.

    counts  the number of targets of each step, by which its loss is weighted
    token   what a step of x is, as in the column "characters_per_second"
    target  what a loss is a mean over, as in "bits_per_character"; unit: the loss's in a plot, such as "nats a word"
    """

    @validate_call
    def __init__(
        self,
        losses: list[float] | None = None,
        rows: list[dict[str, Any]] | None = None,
        counts: list[float] | None = None,
        token: str = "token",
        target: str | None = None,
        unit: str = "",
    ) -> None:
        self.losses, self.rows = [] if losses is None else losses, [] if rows is None else rows
        check_history(self.losses, self.rows, [] if counts is None else counts)
        self.counts = [1.0] * len(self.losses) if counts is None else counts
        self.token, self.target, self.unit = token, target, unit

    def __repr__(self) -> str:
        return f"<History of {len(self.losses)} steps, {len(self.rows)} reports>"

    def add(
        self,
        validation_loss: float | None,
        in_nats: bool = True,
        speed: float | None = None,
        metrics: dict[str, float | None] | None = None,
        **row: Any,
    ) -> dict[str, Any]:
        """Add a row, with perplexity exp(loss) and bits loss / ln 2 of the validation loss, or else the training loss.

        Both are None if the loss is not a likelihood in nats. `speed` is the number of tokens in a second; `metrics`
        are columns after the others.
        """
        check_row(validation_loss, row)
        self.rows = [before for before in self.rows if before["step"] < row["step"]]
        since = self.rows[-1]["step"] if self.rows else 0
        train_loss = mean(self.losses[since:] or self.losses[-1:], self.counts[since:] or self.counts[-1:])
        loss = train_loss if validation_loss is None else validation_loss
        *_, bits, per_second = self.columns
        measures = {
            "train_loss": train_loss,
            "validation_loss": validation_loss,
            "perplexity": perplexity(loss) if loss is not None and in_nats else None,
            bits: loss / math.log(2) if loss is not None and in_nats else None,
            per_second: speed,
        }
        self.rows.append({**row, **measures, **(metrics or {})})
        return self.rows[-1]

    @property
    def columns(self) -> list[str]:
        """The names of the columns; the last two have the names of a target and of a token."""
        names = {"target": self.target or self.token, "token": self.token}
        return [name.format(**names).replace(" ", "_") for name in COLUMNS]

    @validate_call
    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write a header, and one line per row."""
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        with open(path, "w", newline="", encoding="utf-8") as file:
            names = dict.fromkeys([*self.columns, *(name for row in self.rows for name in row)])
            writer = csv.DictWriter(file, list(names))
            writer.writeheader()
            writer.writerows(self.rows)

    @validate_call
    def plot(self, path: str | os.PathLike[str], title: str = "") -> None:
        """Save a plot of the loss curve. Without matplotlib, ImportError names the command that installs it."""
        require_plot(path)
        from matplotlib.figure import Figure

        figure = Figure(figsize=(7, 4.2), layout="constrained")
        self.draw(figure.subplots(), title)
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=120)

    @validate_call
    def draw(self, axes: Any, title: str = "", unit: str | None = None) -> None:
        """Draw the loss curve on the axes of an existing figure."""
        check_axes_of_plot(axes)
        unit = self.unit if unit is None else unit
        axes.plot(range(1, len(self.losses) + 1), self.losses, color="0.75", linewidth=0.8, label="training, each step")
        steps = [row["step"] for row in self.rows]
        between = [(a + b) / 2 for a, b in zip([0, *steps], steps)]
        means = [row["train_loss"] for row in self.rows]
        axes.plot(between, means, "o-", markersize=3, label="training, mean between reports")
        if any(row["validation_loss"] is not None for row in self.rows):
            axes.plot(steps, [row["validation_loss"] for row in self.rows], "o-", markersize=3, label="validation")
        axes.set(xlabel="step", ylabel=f"loss ({unit})" if unit else "loss", title=title)
        axes.grid(alpha=0.3)
        axes.legend(frameon=False)


def mean(losses: list[float], counts: list[float]) -> float | None:
    """Return the mean over all targets: of losses weighted by their counts, or None of none."""
    if not losses:
        return None
    if len(set(counts)) == 1 or not any(counts):
        return math.fsum(losses) / len(losses)
    return math.fsum(loss * count for loss, count in zip(losses, counts)) / math.fsum(counts)


def perplexity(loss: float) -> float:
    """Return exp(loss), or infinity if that overflows."""
    return math.exp(loss) if loss < 700 else math.inf


@validate_call
def require_plot(path: str | os.PathLike[str]) -> None:
    """Raise a one-line error if no plot of that file type can be saved."""
    try:
        from matplotlib.backend_bases import FigureCanvasBase
    except ImportError:
        raise no_matplotlib() from None
    kinds = FigureCanvasBase.get_supported_filetypes()
    if Path(path).suffix.removeprefix(".").lower() not in kinds:
        names = ", .".join(sorted(kinds))
        raise ValueError(f"require_plot: path is {str(path)!r}, expected a name that ends in one of .{names}.")
