"""A new figure of matplotlib, which is imported only when something is drawn."""

from __future__ import annotations

from typing import Any


def new_figure(width: float, height: float) -> Any:
    """Return an empty figure of this size in inches; without matplotlib, ImportError with the command to install it."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise no_matplotlib() from None
    return Figure(figsize=(width, height), layout="constrained")


def no_matplotlib() -> ImportError:
    """Return the error without matplotlib."""
    return ImportError("A plot needs matplotlib: pip install 'numnet[examples]'")
