"""Text as numbers: vocabulary, batches, readers of the files that tasks come in, and where these are to be had."""

from numnet.data.batches import RandomBatches, SequentialBatches
from numnet.data.brackets import parse_tree, read_trees
from numnet.data.classes import read_classes
from numnet.data.conllu import TaggedSentence, read_conllu
from numnet.data.download import FetchError
from numnet.data.english import English, Sentence
from numnet.data.holding_out import hold_out
from numnet.data.lines import read_lines
from numnet.data.pair_batches import PairBatches
from numnet.data.pairs import read_pairs
from numnet.data.registry import fetch
from numnet.data.sequence_batches import SequenceBatches
from numnet.data.snli import Inference, read_snli
from numnet.data.sources import SOURCES, Extract, Source
from numnet.data.spelling import spell
from numnet.data.subwords import Subwords
from numnet.data.text import TextError, default_text, read_text, split
from numnet.data.tree import REDUCE, SHIFT, Tree
from numnet.data.vectors import Vectors, read_vectors
from numnet.data.vocabulary import BEGIN, END, Vocabulary
from numnet.data.word_dropout import WordDropout
from numnet.data.words import from_words, plain, to_words

__all__ = [
    "BEGIN",
    "END",
    "REDUCE",
    "SHIFT",
    "SOURCES",
    "English",
    "Extract",
    "FetchError",
    "Inference",
    "PairBatches",
    "RandomBatches",
    "Sentence",
    "SequenceBatches",
    "SequentialBatches",
    "Source",
    "Subwords",
    "TaggedSentence",
    "TextError",
    "Tree",
    "Vectors",
    "Vocabulary",
    "WordDropout",
    "default_text",
    "fetch",
    "from_words",
    "hold_out",
    "parse_tree",
    "plain",
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
    "to_words",
]
