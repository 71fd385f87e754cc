"""Sequences of different lengths: no mathematics, so it stands once, in numnet."""

from numnet.sequences import Packed, pack, pad_sequences, unpack

__all__ = ["Packed", "pack", "pad_sequences", "unpack"]
