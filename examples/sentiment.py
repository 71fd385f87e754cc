"""Classify the sentiment of a sentence (many to one: the input is words, the output is one class).

python examples/sentiment.py                                        generated English, no download
python examples/sentiment.py --data sst --vectors glove-50          Stanford sentiment trees, downloaded once
python examples/sentiment.py --data FOLDER --classes 2 --classify "not a good film"
"""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

import numpy as np
import task
import vectors as pretrained

from numnet import Softmax

NAMES = {2: ["negative", "positive"], 5: ["very negative", "negative", "neutral", "positive", "very positive"]}
NEUTRAL, WIDTH, SHOWN = 2, 50, 40
Rows = list[tuple[tuple[str, ...], int]]

WHERE = "sst, or a folder with train.txt and dev.txt (default: generated English)"
parser = task.options(__doc__ or "", WHERE, epochs=3, batch_size=256, learning_rate=8e-3)
add = parser.add_argument
add("--classes", type=int, choices=NAMES, default=5, help="2 omits neutral sentences (default %(default)s)")
add("--sentences-alone", action="store_true", help="do not train on the phrases in the sentences")
pretrained.add_vectors(parser)
add("--cell", choices=["RNN", "GRU", "LSTM"], default="GRU")
add("--hidden-size", type=task.positive_int, default=100, help="in each direction (default %(default)s)")
add("--pool", choices=["last", "max", "mean"], default="last", help="pooling of the states (default %(default)s)")
add("--dropout", type=float, default=0.4, help="default %(default)s")
add("--word-dropout", type=float, default=0.1, help="the probability of <unk> (default %(default)s)")
add("--weight-decay", type=float, default=0.5, help="default %(default)s")
add("--classify", metavar="TEXT", type=task.words, action="append", default=[], help="classify after each word")


def trees_of(net: Any, args: argparse.Namespace) -> list[list[Any]]:
    """Return the training trees and the held-out trees."""
    if args.data is None:
        english = net.data.English()
        return [[s.tree for s in english.sentences(n, first)] for n, first in ((8000, 0), (500, 10**6))]
    return [list(net.data.read_trees(path)) for path in task.train_and_dev(net, args, "sst", ".txt")]


def rows_of(trees: list[Any], classes: int) -> Rows:
    """Return (words, class) of each tree; two classes omit neutral trees."""
    rows = [(tuple(map(str.lower, tree.words())), tree.label) for tree in trees]
    return rows if classes == 5 else [(words, int(label > NEUTRAL)) for words, label in rows if label != NEUTRAL]


def model_of(net: Any, args: argparse.Namespace, words: Any, vectors: Any) -> Any:
    """Return the model: tokens (B, T) → vectors (B, T, D) → states (B, T, 2H) → one vector (B, 2H) → logits (B, O)."""
    last = args.pool == "last"
    read = getattr(net, f"{args.cell}Layer")(args.hidden_size, bidirectional=True, return_sequences=not last)
    pooled = [read] if last else [read, net.Pooling(args.pool)]
    first = pretrained.embedding(net, args, words, vectors, WIDTH), net.Dropout(args.dropout)
    layers = [*first, *pooled, net.Dropout(args.dropout), net.Dense(args.classes)]
    return net.RNNModel(layers, net.SoftmaxCrossEntropy(), input_size=len(words), seed=args.seed, device=args.device)


def readings(net: Any, args: argparse.Namespace, model: Any, words: Any, texts: list[Any]) -> list[tuple[Any, Any]]:
    """Return, for each text, the pooled vectors (T, 2H) and the probabilities (T, O) after each of its words."""
    parts, found = (net.RNNModel(model.layers[:-1], device=args.device), model), []
    for text in texts:
        ids = task.encode(words, [word.lower() for word in text])
        x, lengths = net.pad_sequences([ids[: k + 1] for k in range(len(ids))])
        vectors, logits = (part.predict(x, lengths=lengths) for part in parts)
        found.append((vectors, Softmax()(logits)))
    return found


def draw(figure: Any, net: Any, history: Any, answers: Any, names: list[str], texts: Any, read: list[Any]) -> None:
    """Draw the loss, the confusion matrix, the features of the first text, and the classes after each word."""
    figure.set_size_inches(13, 4 * (3 + len(texts) // 2) - 4)
    places = figure.subplots((4 + len(texts)) // 2, 2).ravel()
    history.draw(places[0], "training", "nats a phrase")
    net.plot_confusion(*answers, names, places[1])
    features = read[0][0].T
    features = features[np.ptp(features, axis=1).argsort()[-SHOWN:]]
    features = features[(features[:, -1] - features[:, 0]).argsort()]
    task.draw_heat(places[2], features, texts[0], cmap="RdBu", vmin=-1, vmax=1)
    places[2].set(title=f"the {SHOWN} features that change the most", ylabel="feature of the pooled vector")
    for place, text, (_, p) in zip(places[3:], texts, read):
        task.draw_heat(place, p.T[::-1], text, names[::-1], cmap="Blues", vmin=0, vmax=1)
        place.set_title("the class probabilities after each word")
    for place in places[3 + len(texts) :]:
        place.axis("off")


def main(net: Any, args: argparse.Namespace) -> None:
    trees, dev = trees_of(net, args)
    names, held_out = NAMES[args.classes], rows_of(dev, args.classes)
    rows = rows_of(trees if args.sentences_alone else [t for tree in trees for t in tree.subtrees()], args.classes)
    rows = list(dict(rows).items())  # each phrase once
    words = net.Vocabulary.from_tokens(word for row, _ in rows for word in row)
    words, vectors = pretrained.with_vectors(net, args, words, [word for row, _ in held_out for word in row])
    model = model_of(net, args, words, vectors)
    encoded = [[(words.encode(row), label) for row, label in part] for part in (rows, held_out)]
    data = task.batches_of(net, args, *encoded, args.word_dropout)
    trainer = task.train(net, args, model, data, args.weight_decay, metrics="accuracy")
    texts = args.classify or [row for row, _ in held_out if 6 < len(row) < 16][:3] or [held_out[0][0]]
    read = readings(net, args, model, words, texts)
    for text, (_, p) in zip(args.classify, read):
        for k, word in enumerate(text):
            print(f"{word:>16}  " + "  ".join(f"{name} {value:.2f}" for name, value in zip(names, p[k])))
    true, predicted = answers = task.answers(trainer)
    picture = partial(draw, net=net, history=trainer.history, answers=answers, names=names, texts=texts, read=read)
    task.finish(args, trainer, picture, accuracy=float(np.mean(true == predicted)))


if __name__ == "__main__":
    task.run(parser, main)
