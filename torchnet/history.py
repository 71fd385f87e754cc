"""The course of a training run: it stands once, in numnet."""

from numnet.history import COLUMNS, History, perplexity, require_plot

__all__ = ["COLUMNS", "History", "perplexity", "require_plot"]
