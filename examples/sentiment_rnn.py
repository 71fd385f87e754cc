"""The recurrent network of sentiment.py: it reads the words in order, and its pooled states are classified."""

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


def main(net: Any, args: argparse.Namespace, trees: list[Any], dev: list[Any]) -> None:
    names, held_out = NAMES[args.classes], rows_of(dev, args.classes)
    rows = rows_of(trees if args.sentences_alone else [t for tree in trees for t in tree.subtrees()], args.classes)
    rows = list(dict(rows).items())  # each phrase once
    words = net.Vocabulary.from_tokens(word for row, _ in rows for word in row)
    words, vectors = pretrained.with_vectors(net, args, words, [word for row, _ in held_out for word in row])
    model = model_of(net, args, words, vectors)
    encoded = [[(words.encode(row), label) for row, label in part] for part in (rows, held_out)]
    data = task.batches_of(net, args, *encoded, args.word_dropout)
    rates = [(model.layers[0], args.embedding_rate)] if args.embedding_rate else []
    trainer = task.train(net, args, model, data, args.weight_decay, rates=rates, metrics="accuracy")
    texts = args.classify or [row for row, _ in held_out if 6 < len(row) < 16][:3] or [held_out[0][0]]
    read = readings(net, args, model, words, texts)
    for text, (_, p) in zip(args.classify, read):
        for k, word in enumerate(text):
            print(f"{word:>16}  " + "  ".join(f"{name} {value:.2f}" for name, value in zip(names, p[k])))
    true, predicted = answers = task.answers(trainer)
    picture = partial(draw, net=net, history=trainer.history, answers=answers, names=names, texts=texts, read=read)
    task.finish(args, trainer, picture, accuracy=float(np.mean(true == predicted)))
