"""Pretrained word vectors for the scripts that read words: the option, the vocabulary, and the layer."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

import numpy as np


def add_vectors(parser: argparse.ArgumentParser) -> None:
    """Add the option --vectors, which the other functions use."""
    text = "pretrained word vectors: a GloVe text file, or glove-50, -100, -200, -300"
    parser.add_argument("--vectors", metavar="WHERE", help=text)


def with_vectors(net: Any, args: argparse.Namespace, words: Any, others: Sequence[str]) -> tuple[Any, Any]:
    """Return the vocabulary and the vectors of its words; without --vectors, the given vocabulary and None.

    Words of `others` that have a vector are added to the vocabulary.
    """
    if not args.vectors:
        return words, None
    new = words.unknown(others)
    tokens, in_training = [*words.tokens, *new], np.arange(len(words) + len(new)) < len(words)
    path = net.data.fetch(args.vectors, args.offline) if args.vectors.startswith("glove-") else args.vectors
    vectors = net.data.read_vectors(path, tokens)
    kept = vectors.found | in_training
    words = net.Vocabulary([token for token, keep in zip(tokens, kept) if keep], words.unit)
    vectors = vectors._replace(values=vectors.values[kept], found=vectors.found[kept])
    running = vectors.found[words.encode(others)].mean()
    print(f"vectors: found for {vectors.coverage:.1%} of {len(words)} words, {running:.1%} of the held-out text")
    return words, vectors


def embedding(
    net: Any, args: argparse.Namespace, words: Any, vectors: Any, width: int, std: float | None = None
) -> Any:
    """Return an Embedding of this width, or one that starts from `vectors`; other words have `std`, or the same std."""
    if vectors is None or not vectors.found.any():
        return net.Embedding(len(words), width, std=std or 0.1)
    pretrained = vectors.values[vectors.found]
    layer = net.Embedding(len(words), pretrained.shape[1], seed=args.seed, std=std or float(pretrained.std()))
    layer.start_from(pretrained, np.flatnonzero(vectors.found))
    return layer
