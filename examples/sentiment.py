"""Classify the sentiment of a sentence (many to one: the input is words, the output is one class).

python examples/sentiment.py                                        generated English, no download
python examples/sentiment.py --data sst --vectors glove-50          Stanford sentiment trees, downloaded once
python examples/sentiment.py --data FOLDER --classes 2 --classify "not a good film"
python examples/sentiment.py --encoder tree-lstm --classify "( not ( a ( good film ) ) )"

--encoder rnn reads the words in order; tree-lstm composes the phrases of the tree, with a loss at each of them.
"""

from __future__ import annotations

import argparse
from typing import Any

import sentiment_rnn
import sentiment_trees
import task
import vectors as pretrained
from sentiment_rnn import NAMES

DEFAULTS = {
    "rnn": {"epochs": 3, "batch_size": 256, "learning_rate": 8e-3, "hidden_size": 100, "dropout": 0.4,
            "word_dropout": 0.1, "weight_decay": 0.5, "embedding_rate": None, "cell": "GRU", "pool": "last"},
    "tree-lstm": {"epochs": 5, "batch_size": 32, "learning_rate": 2e-3, "hidden_size": 150, "dropout": 0.3,
                  "word_dropout": 0.2, "weight_decay": 0.0, "embedding_rate": 2e-2},
}  # fmt: skip

WHERE = "sst, or a folder with train.txt and dev.txt (default: generated English)"
parser = task.options(__doc__ or "", WHERE, epochs=None, batch_size=None, learning_rate=None)
parser.epilog = "\n".join(f"{name}: " + ", ".join(f"{k} {v}" for k, v in own.items()) for name, own in DEFAULTS.items())
add = parser.add_argument
add("--encoder", choices=DEFAULTS, default="rnn", help="default %(default)s; the end of this text has their defaults")
add("--classes", type=int, choices=NAMES, default=5, help="2 omits neutral sentences (default %(default)s)")
add("--sentences-alone", action="store_true", help="do not train on the phrases in the sentences")
pretrained.add_vectors(parser)
add("--embedding-rate", type=task.positive_float, help="the learning rate of the word vectors")
add("--cell", choices=["RNN", "GRU", "LSTM"], help="of rnn")
add("--hidden-size", type=task.positive_int, help="rnn: in each direction")
add("--pool", choices=["last", "max", "mean"], help="of rnn: pooling of the states")
add("--dropout", type=float, help="of the word vectors, and before the last layer")
add("--word-dropout", type=float, help="the probability of <unk>")
add("--weight-decay", type=float)
add("--classify", metavar="TEXT", type=task.words, action="append", default=[],
    help="rnn: classify after each word; tree-lstm: every phrase of a text or a tree in brackets")  # fmt: skip


def settle(args: argparse.Namespace) -> None:
    """Set the defaults of the encoder. ValueError for an option that it does not have."""
    defaults = DEFAULTS[args.encoder]
    for name in DEFAULTS["rnn"]:
        if getattr(args, name) is None:
            setattr(args, name, defaults.get(name))
        elif name not in defaults:
            raise ValueError(f"--{name}: a {args.encoder} has none. Omit it, or pass --encoder rnn.")


def trees_of(net: Any, args: argparse.Namespace) -> list[list[Any]]:
    """Return the training trees and the held-out trees."""
    if args.data is None:
        english = net.data.English()
        return [[s.tree for s in english.sentences(n, first)] for n, first in ((8000, 0), (500, 10**6))]
    return [list(net.data.read_trees(path)) for path in task.train_and_dev(net, args, "sst", ".txt")]


def main(net: Any, args: argparse.Namespace) -> None:
    settle(args)
    encoder = sentiment_rnn if args.encoder == "rnn" else sentiment_trees
    encoder.main(net, args, *trees_of(net, args))


if __name__ == "__main__":
    task.run(parser, main)
