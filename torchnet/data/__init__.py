"""Text as numbers: it stands once, in numnet."""

from numnet.data import (
    RandomBatches,
    SequenceBatches,
    SequentialBatches,
    TextError,
    Vocabulary,
    default_text,
    read_text,
    split,
)

__all__ = [
    "RandomBatches",
    "SequenceBatches",
    "SequentialBatches",
    "TextError",
    "Vocabulary",
    "default_text",
    "read_text",
    "split",
]
