"""Text and series as numbers: vocabularies, windows, batches, file readers, and a registry of public data sets."""

from numnet.core.shift_reduce import REDUCE, SHIFT, SKIP, valid_moves
from numnet.data.batches.held_out import hold_out
from numnet.data.batches.pairs import PairBatches
from numnet.data.batches.parses import ParseBatches
from numnet.data.batches.sequences import SequenceBatches
from numnet.data.batches.tokens import RandomBatches, SequentialBatches
from numnet.data.batches.windows import WindowBatches
from numnet.data.batches.word_dropout import WordDropout
from numnet.data.download import FetchError
from numnet.data.generated.english import English, Sentence
from numnet.data.generated.series import GeneratedSeries, generate_series
from numnet.data.readers.brackets import parse_tree, read_trees
from numnet.data.readers.classes import read_classes
from numnet.data.readers.columns import read_csv
from numnet.data.readers.conllu import TaggedSentence, read_conllu
from numnet.data.readers.lines import read_lines
from numnet.data.readers.pairs import read_pairs
from numnet.data.readers.snli import Inference, read_snli
from numnet.data.readers.text import TextError, default_text, read_text, split
from numnet.data.readers.transitions import read_transitions
from numnet.data.readers.vectors import Vectors, read_vectors
from numnet.data.registry import fetch
from numnet.data.series import TimeSeries, seasonal_covariates
from numnet.data.sources import SOURCES, Extract, Source
from numnet.data.spelling import spell
from numnet.data.subwords import Subwords
from numnet.data.transitions import EncodedParse, ParseBatch, Transitions, pad_parses
from numnet.data.tree import Tree
from numnet.data.vocabulary import BEGIN, END, Vocabulary
from numnet.data.words import from_words, plain, to_words

__all__ = [
    "BEGIN",
    "END",
    "REDUCE",
    "SHIFT",
    "SKIP",
    "SOURCES",
    "EncodedParse",
    "English",
    "Extract",
    "FetchError",
    "GeneratedSeries",
    "Inference",
    "PairBatches",
    "ParseBatch",
    "ParseBatches",
    "RandomBatches",
    "Sentence",
    "SequenceBatches",
    "SequentialBatches",
    "Source",
    "Subwords",
    "TaggedSentence",
    "TextError",
    "TimeSeries",
    "Transitions",
    "Tree",
    "Vectors",
    "Vocabulary",
    "WindowBatches",
    "WordDropout",
    "default_text",
    "fetch",
    "from_words",
    "generate_series",
    "hold_out",
    "pad_parses",
    "parse_tree",
    "plain",
    "read_classes",
    "read_conllu",
    "read_csv",
    "read_lines",
    "read_pairs",
    "read_snli",
    "read_text",
    "read_transitions",
    "read_trees",
    "read_vectors",
    "seasonal_covariates",
    "spell",
    "split",
    "to_words",
    "valid_moves",
]
