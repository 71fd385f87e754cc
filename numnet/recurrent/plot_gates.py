"""Draw a trace: a heat map of each gate and state over time, with the tokens of the sequence along the axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from numnet.core.checks import validate_call
from numnet.core.checks.recurrent import check_names_of_trace, check_row_of_trace, check_tokens_of_trace, check_trace
from numnet.core.plots import new_figure
from numnet.recurrent.trace import Trace

Array = npt.NDArray[Any]
VISIBLE = {" ": "\u2423", "\n": "\u21b5", "\t": "\u21e5"}
MOST_TICKS = 100  # more tokens than these are not legible


@validate_call
def plot_gates(
    trace: Any, tokens: str | Sequence[str] | None = None, names: Sequence[str] | None = None, row: int = 0
) -> Any:
    """Return a figure of matplotlib: a heat map (units, steps) for each of these names, by default gates and states.

    tokens   the text of each step, a string or a list of strings; without it the numbers of the steps, from 0
    names    names of the trace, such as ["f", "c"] or ["layers.1.f"]
    row      the sequence of the batch; its padding is not drawn

    Values from 0 to 1, such as those of gates, are drawn from white to black; others from blue, negative, over white
    to red. Save it with figure.savefig("gates.png"). Without matplotlib, ImportError names the command to install it.
    """
    check_trace("plot_gates", trace, Trace)
    chosen = (*trace.gates, *trace.states) if names is None else tuple(names)
    check_names_of_trace("plot_gates", chosen, trace)
    arrays = {name: trace[name] if trace.batch_first else trace[name].swapaxes(0, 1) for name in chosen}
    check_row_of_trace("plot_gates", row, len(next(iter(arrays.values()))))
    of_row = {name: array[row] for name, array in arrays.items()}
    real = max(real_steps(array) for array in of_row.values())
    labels = check_tokens_of_trace("plot_gates", tokens, real, len(next(iter(of_row.values()))))
    heights = [max(0.6, 0.11 * array.shape[1]) for array in of_row.values()]
    figure = new_figure(min(16.0, max(4.0, 1.8 + 0.19 * real)), sum(heights) + 0.32 * len(heights) + 0.4)
    panels = figure.subplots(len(of_row), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
    for axes, (name, array) in zip(panels, of_row.items()):
        draw_units(figure, axes, name, array[:real].T)
    label_steps(panels[-1], labels, real)
    return figure


def real_steps(array: Array) -> int:
    """Return the number of steps up to the last that is not padding."""
    real = np.flatnonzero(~np.isnan(array).all(axis=1))
    return int(real[-1]) + 1 if len(real) else 0


def draw_units(figure: Any, axes: Any, name: str, values: Array) -> None:
    """Draw one array (units, steps), with its scale."""
    largest = float(np.nanmax(np.abs(values), initial=0.0))
    if np.nanmin(values, initial=0.0) >= 0 and largest <= 1:
        colors: dict[str, Any] = {"cmap": "Greys", "vmin": 0, "vmax": 1}
    else:
        colors = {"cmap": "RdBu_r", "vmin": -max(1.0, largest), "vmax": max(1.0, largest)}
    image = axes.imshow(values, aspect="auto", interpolation="nearest", **colors)
    figure.colorbar(image, ax=axes, pad=0.01, aspect=12).ax.tick_params(labelsize=8)
    axes.set_title(name, loc="left", fontsize=9, pad=2)
    axes.set_ylabel("unit", fontsize=8)
    units = range(len(values)) if len(values) <= 10 else range(0, len(values), 10 * (1 + len(values) // 100))
    axes.set_yticks(list(units))
    axes.tick_params(labelsize=8, bottom=False)


def label_steps(axes: Any, labels: Sequence[str] | None, real: int) -> None:
    """Write the tokens below the last heat map; words are vertical."""
    axes.tick_params(bottom=labels is None)
    if labels is None:
        axes.set_xlabel("step t", fontsize=9)
        return
    shown = [VISIBLE.get(label, label) for label in labels]
    apart = range(0, real, 1 + real // MOST_TICKS)
    of_words = any(len(label) > 1 for label in shown)
    axes.set_xticks(list(apart), [shown[t] for t in apart], rotation=90 if of_words else 0, fontsize=9)
    axes.set_xlabel("token of the step", fontsize=9)
