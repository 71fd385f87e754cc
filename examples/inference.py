"""The data of entailment.py: pairs of parsed sentences with one of three labels, and the trees over their words."""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import task

LABELS = ["entailment", "neutral", "contradiction"]
TRAINING, HELD_OUT = (
    1024,
    1000,
)  # pairs of the training file of SNLI; the last ones of the dev file, at most half of them
GENERATED = 6000, 500


class Pairs(NamedTuple):
    """Pairs (premise, hypothesis) of Transitions, and their labels as numbers."""

    parses: list[tuple[Any, Any]]
    labels: list[int]

    def words(self) -> list[str]:
        """All words, in order."""
        return [word for pair in self.parses for parse in pair for word in parse.words]


def read(net: Any, args: argparse.Namespace) -> tuple[Pairs, Pairs, int]:
    """Return training pairs, held-out pairs, and how many of these, the first ones, choose the epoch; 0 for all.

    Of SNLI all labelled dev pairs but the last 1,000 are training pairs too, because so few training pairs are at hand;
    with --recipe paper the training pairs are those of the training file, and the dev pairs choose the epoch.
    """
    if args.data is None:
        english = net.data.English()
        first, held_out = (list(english.pairs(n, start)) for n, start in zip(GENERATED, (0, 10**6)))
    else:
        train, dev = (net.data.read_snli(path) for path in task.train_and_dev(net, args, "snli", ".jsonl*"))
        first, held_out = list(train if args.recipe == "paper" else itertools.islice(train, TRAINING)), list(dev)
        if args.recipe != "paper":
            start = max(len(held_out) // 2, len(held_out) - HELD_OUT)
            first, held_out = [*first, *held_out[:start]], held_out[start:]
    if not (first and held_out):
        raise ValueError(f"--data: {len(first)} training and {len(held_out)} held-out pairs, expected some of each.")
    training, reported = (labelled(net, args, pairs) for pairs in (first, held_out))
    return training, reported, 0 if args.recipe == "paper" else len(held_out) // 2


def labelled(net: Any, args: argparse.Namespace, pairs: Sequence[Any]) -> Pairs:
    """Return pairs with the trees of --trees over their words in lower case."""
    parses = [tuple(parse_of(net, args, tree) for tree in (pair.premise, pair.hypothesis)) for pair in pairs]
    return Pairs(parses, [LABELS.index(pair.label) for pair in pairs])  # type: ignore[arg-type]


def parse_of(net: Any, args: argparse.Namespace, tree: Any) -> Any:
    """Return the parse of a tree, or another tree over the same words."""
    parse = net.data.Transitions.from_tree(tree).lower()
    return parse if args.trees == "given" else net.data.Transitions.of_shape(parse.words, args.trees, args.seed)


def batches_of(net: Any, args: argparse.Namespace, words: Any, pairs: Pairs, training: bool = False) -> Any:
    """Return shuffled training batches with word dropout, or ordered batches."""
    rows = [tuple(parse.encode(words) for parse in pair) for pair in pairs.parses]
    if not training:
        return net.ParseBatches(rows, pairs.labels, args.batch_size, shuffle=False)
    batches = net.ParseBatches(rows, pairs.labels, args.batch_size, args.seed)
    return net.data.WordDropout(batches, args.word_dropout, args.seed) if args.word_dropout else batches


def typed(net: Any, args: argparse.Namespace, text: str) -> tuple[Any, str]:
    """Return a tree over a typed sentence, and its kind: the given one if there are brackets, else one of a shape."""
    if "(" in text:
        return net.data.Transitions.parse(text).lower(), "given"
    shape = "right" if args.trees == "given" else args.trees
    kind = f"{shape}-branching" if shape in ("left", "right") else shape
    return net.data.Transitions.of_shape(net.data.plain(text).split(), shape, args.seed), kind


def moves_right(model: Any, batches: Any, drive: str) -> tuple[float, float]:
    """Return how many of the tracker's moves are those of the given parse: of all steps, and of those with a choice.

    A step has a choice if the given parse could go on with either move: two subtrees or more, and a word left.
    """
    encoder, right, free = model.encoder, [], []
    before, encoder.drive = encoder.drive, drive
    for x, _ in batches.epoch():
        model.predict(x)
        real = x.transitions < 2
        shifts = np.where(real, x.transitions == 0, 0).cumsum(axis=1) - (x.transitions == 0)
        size = 2 * shifts - np.arange(x.transitions.shape[1])  # of the stack before each step
        right.append((encoder.predicted_moves == x.transitions)[real])
        free.append(((size > 1) & (shifts < x.lengths[:, None]))[real])
    encoder.drive = before
    hits, choices = np.concatenate(right), np.concatenate(free)
    return float(hits.mean()), float(hits[choices].mean())


def show_unknown(words: Any, parses: Sequence[Any]) -> None:
    """Print the words that are not in the vocabulary."""
    if unknown := words.unknown([word for parse in parses for word in parse.words]):
        print(f"not in the training data: {', '.join(map(repr, unknown))}", file=sys.stderr)
