"""Text from a model of either backend: it stands once, in numnet."""

from numnet.generate import choose, generate

__all__ = ["choose", "generate"]
