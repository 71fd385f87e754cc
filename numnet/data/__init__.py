"""Text as numbers: vocabulary, batches, the texts themselves."""

from numnet.data.batches import RandomBatches, SequentialBatches
from numnet.data.sequence_batches import SequenceBatches
from numnet.data.text import TextError, default_text, read_text, split
from numnet.data.vocabulary import Vocabulary

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
