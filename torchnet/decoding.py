"""What a model of either backend says: no mathematics of a network, so it stands once, in numnet."""

from numnet.decoding import Said, beam_search, greedy

__all__ = ["Said", "beam_search", "greedy"]
