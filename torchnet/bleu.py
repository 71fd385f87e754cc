"""How near what is said comes to what people have said: no mathematics of a network, so it stands once, in numnet."""

from numnet.bleu import translation_scores

__all__ = ["translation_scores"]
