"""Text as numbers: vocabulary, batches, the texts themselves, and readers of the files that tasks come in."""

from numnet.data.batches import RandomBatches, SequentialBatches
from numnet.data.brackets import parse_tree, read_trees
from numnet.data.classes import read_classes
from numnet.data.conllu import TaggedSentence, read_conllu
from numnet.data.lines import read_lines
from numnet.data.pairs import read_pairs
from numnet.data.sequence_batches import SequenceBatches
from numnet.data.snli import Inference, read_snli
from numnet.data.spelling import spell
from numnet.data.text import TextError, default_text, read_text, split
from numnet.data.tree import REDUCE, SHIFT, Tree
from numnet.data.vectors import Vectors, read_vectors
from numnet.data.vocabulary import Vocabulary

__all__ = [
    "REDUCE",
    "SHIFT",
    "Inference",
    "RandomBatches",
    "SequenceBatches",
    "SequentialBatches",
    "TaggedSentence",
    "TextError",
    "Tree",
    "Vectors",
    "Vocabulary",
    "default_text",
    "parse_tree",
    "read_classes",
    "read_conllu",
    "read_lines",
    "read_pairs",
    "read_snli",
    "read_text",
    "read_trees",
    "read_vectors",
    "spell",
    "split",
]
