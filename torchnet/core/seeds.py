"""The seeds of torchnet's parts outside of models."""

from __future__ import annotations

from numnet.core.checks import validate_call
from numnet.core.initialization import PartSeeds

PART_SEEDS = PartSeeds()


@validate_call
def manual_seed(seed: int) -> None:
    """Set the seed of parts that have no `seed` and are in no model or tape; before the first call it is 0.

    The n-th such part gets its initial values from (seed, n). After the same manual_seed, the same script has the same
    initial values, in numnet and in torchnet. ValueError unless the seed is a whole number, 0 or more.
    """
    PART_SEEDS.restart(seed)
