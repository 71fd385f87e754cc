"""Validation of multi-head attention."""

from __future__ import annotations


def check_heads(who: str, heads: int, input_size: int | None) -> None:
    """Check that the features of the queries can be divided into equal heads."""
    if input_size and input_size % heads:
        divisors = ", ".join(str(n) for n in range(1, input_size + 1) if input_size % n == 0)
        raise ValueError(
            f"{who}: heads is {heads}, expected a divisor of the {input_size} features of the queries: {divisors}."
        )
