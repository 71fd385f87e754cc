"""The words of every error: they stand once, in numnet."""

from numnet.checks import check_shape, check_tokens, kind_of

__all__ = ["check_shape", "check_tokens", "kind_of"]
