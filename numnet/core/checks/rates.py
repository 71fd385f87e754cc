"""Validation of a search for a learning rate."""

from __future__ import annotations

from typing import Any

LARGEST_RATE = 1e30  # of a search; float32 has numbers up to 3e38


def check_copyable(who: str, model: Any) -> None:
    """Check for a model of which a copy can be trained."""
    if any(base.__name__ == "Tape" for base in type(model).__mro__):
        raise TypeError(
            f"{who}: model is {type(model).__name__}, expected RNNModel or EncoderDecoder, of which a copy is trained. "
            "The objective of a tape is your program, which calls the parts of this tape alone: train a second one."
        )


def check_rates_of_search(who: str, smallest: float, largest: float, steps: int) -> None:
    """Check the range of a search for a learning rate."""
    for name, value in {"smallest": smallest, "largest": largest}.items():
        if not 0 < value <= LARGEST_RATE:
            raise ValueError(f"{who}: {name} is {value!r}, expected a number above 0, at most {LARGEST_RATE:g}.")
    if not smallest < largest:
        raise ValueError(f"{who}: smallest is {smallest!r} and largest {largest!r}, expected smallest < largest.")
    if steps < 2:
        raise ValueError(f"{who}: steps is {steps!r}, expected at least 2.")
