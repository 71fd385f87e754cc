"""Draw a confusion matrix: which classes are predicted for the targets of each class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from numnet.core.arrays import as_array
from numnet.core.checks import check_strings, validate_call
from numnet.core.checks.metrics import check_classes_alike, check_plot_axes
from numnet.core.plots import new_figure

LEAST = 0.005  # smaller fractions are not written into their cells


@validate_call
def plot_confusion(true: Any, predicted: Any, classes: Sequence[str] | None = None, axes: Any = None) -> Any:
    """Draw a confusion matrix, and return its figure: a row for each true class, the share of each predicted one in %.

    true, predicted  whole numbers (N,), such as logits.argmax(-1)
    classes          the names of the classes; default: their numbers
    axes             the axes of an existing figure, such as figure.subplots(); default: a new figure

    Each row has its number of targets. Without matplotlib, ImportError names the command that installs it.
    """
    who = "plot_confusion"
    true, predicted = as_array(who, "true", true, True), as_array(who, "predicted", predicted, True)
    check_plot_axes(who, axes)
    classes = None if classes is None else check_strings(who, "classes", classes, "names of classes")
    V = check_classes_alike(who, true, predicted, classes)
    if axes is None:
        axes = new_figure(2.5 + 0.35 * V, 2 + 0.35 * V).subplots()
    counts = np.zeros((V, V), int)
    np.add.at(counts, (true, predicted), 1)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    for (row, column), value in np.ndenumerate(share):
        if value >= LEAST:
            colour = "white" if value > 0.5 else "black"
            axes.text(column, row, f"{100 * value:.0f}", ha="center", va="center", color=colour, fontsize=7)
    names = list(map(str, range(V))) if classes is None else classes
    axes.set_xticks(range(V), names, rotation=90)
    axes.set_yticks(range(V), [f"{name}  {n}" for name, n in zip(names, counts.sum(axis=1))])
    axes.set(xlabel="predicted class", ylabel="true class and its count")
    axes.set_title(f"{np.mean(true == predicted):.1%} of {len(true)} are correct; each row in %")
    return axes.figure
