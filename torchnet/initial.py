"""First values of the parameters: drawn by numpy for both backends, so they stand once, in numnet."""

from numnet.initial import SCHEMES, dense, glorot, normal, orthogonal, recurrent, uniform

__all__ = ["SCHEMES", "dense", "glorot", "normal", "orthogonal", "recurrent", "uniform"]
