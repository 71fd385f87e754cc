"""The picture of docs/speed.md: each layer's time over torch.nn's."""

from __future__ import annotations

from pathlib import Path

from parity_tests.speed.goals import Record, one_layer, ratio


def plot(record: Record, path: Path) -> None:
    """numnet over torch.nn, forward and backward, a mark for each number of threads."""
    from matplotlib.figure import Figure

    rows = [row for row in record["rows"] if row["table"] == "layers" and one_layer(row)]
    names = list(dict.fromkeys(row["name"] for row in reversed(rows)))
    drawing = Figure(figsize=(8, 0.26 * len(names) + 1.2), layout="constrained")
    axes = drawing.subplots()
    for count, mark, label in ((1, "o", "1 thread"), (2, "D", "2 threads")):
        shown = [row for row in rows if row["threads"] == count]
        places = [names.index(row["name"]) for row in shown]
        axes.plot([ratio(row, "numnet") for row in shown], places, mark, label=label, alpha=0.85)
    axes.axvline(1, color="0.3", linewidth=1)
    axes.axvline(0.5, color="0.7", linewidth=1, linestyle="--")
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.set_xscale("log", base=2)
    axes.set_xticks([0.25, 0.5, 1, 2], ["¼", "½", "1", "2"])
    axes.set_xlabel("numnet's time over torch.nn's, forward and backward; left of 1 plain numpy is faster")
    axes.grid(axis="y", color="0.92")
    axes.legend(loc="lower right")
    drawing.savefig(path, dpi=110)
