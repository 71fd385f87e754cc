"""The TreeLSTM of sentiment.py: every phrase is a vector, composed of its two parts, and every phrase has a loss."""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

import numpy as np
import task
import vectors as pretrained
from sentiment_rnn import NAMES, NEUTRAL, WIDTH

from numnet import Softmax
from numnet.data import ParseBatches, Transitions, Tree, WordDropout

UNLABELLED = -1
Rows = list[tuple[Transitions, list[int]]]  # a parse, and the class of each of its nodes


def rows_of(trees: list[Any], sentences_alone: bool) -> Rows:
    """Return the parse of each tree and the class of every node, or of the root alone."""
    found = [(Transitions.from_tree(tree).lower(), [part.label for part in tree.subtrees()]) for tree in trees]
    return [(parse, [UNLABELLED] * (len(c) - 1) + c[-1:]) for parse, c in found] if sentences_alone else found


def parse_of(text: list[str]) -> Transitions:
    """Return the tree of a text in brackets, or the right-branching tree of a text without."""
    if (joined := " ".join(text)).startswith("("):
        return Transitions.parse(joined.replace("(", " ( ").replace(")", " ) "))
    return Transitions.of_shape(text, "right")


def model_of(net: Any, args: argparse.Namespace, words: Any, vectors: Any) -> tuple[Any, Any]:
    """Return the model, words (B, N) → states (B, N, 2H) → nodes (B, 2N - 1, H) → logits (B, 2N - 1, 5).

    Return the Embedding, too. A Dense layer makes the state [h; c] of a word from its vector.
    """
    embedding, H = pretrained.embedding(net, args, words, vectors, WIDTH), args.hidden_size
    leaf = [embedding, net.Dropout(args.dropout), net.Dense(2 * H)]
    encoder = net.SPINN(leaf, net.TreeLSTMNode(H), return_nodes=True)
    output = [net.Dropout(args.dropout), net.Dense(5)]
    options = {"input_size": len(words), "seed": args.seed, "device": args.device}
    return net.TreeClassifier(encoder, output, net.SoftmaxCrossEntropy(), **options), embedding


def batches_of(args: argparse.Namespace, words: Any, rows: Rows, held_out: Rows) -> tuple[Any, Any]:
    """Return shuffled training batches, with word dropout, and ordered held-out batches."""
    task.check_rows(rows, held_out)
    (parses, classes), others = (
        [[p.encode(words) for p, _ in part], [c for _, c in part]] for part in (rows, held_out)
    )
    batches: Any = ParseBatches(parses, classes, args.batch_size, args.seed)
    if args.word_dropout:
        batches = WordDropout(batches, args.word_dropout, args.seed)
    return batches, ParseBatches(*others, 256, shuffle=False)


def probabilities(logits: Any, classes: int) -> Any:
    """Return the probabilities of five classes, or of two: those of the two sides, without neutral."""
    p = Softmax()(logits)
    if classes == 5:
        return p
    sides = np.stack([p[..., :NEUTRAL].sum(-1), p[..., NEUTRAL + 1 :].sum(-1)], axis=-1)
    return sides / sides.sum(-1, keepdims=True)


def read(net: Any, args: argparse.Namespace, model: Any, words: Any, parse: Transitions) -> Any:
    """Return the probabilities of every node of a parse (2N - 1, classes)."""
    task.encode(words, parse.lower().words)  # prints the words that are not known
    return probabilities(model.predict(net.data.pad_parses([parse.lower()], words))[0], args.classes)


def labelled(parse: Transitions, p: Any) -> Tree:
    """Return the tree with the likeliest class of each node."""
    stack: list[Tree] = []
    for part, label in zip(parse.tree().subtrees(), p.argmax(axis=-1).tolist()):
        children = tuple(stack[-len(part.children) :]) if part.children else ()
        del stack[len(stack) - len(children) :]
        stack.append(Tree(label, part.word, children))
    return stack[0]


def show(text: list[str], tree: Tree, names: list[str]) -> None:
    """Print every phrase, below the phrase that it is a part of, with its class."""
    print("the given tree:" if text[0].startswith("(") else "no tree is given, so each word and the rest are a phrase:")
    waiting = [(tree, 0)]
    while waiting:
        part, depth = waiting.pop()
        print(f"{names[part.label or 0]:>13}  {'  ' * depth}{' '.join(part.words())}")
        waiting += [(child, depth + 1) for child in part.children[::-1]]


def draw(figure: Any, net: Any, history: Any, answers: Any, names: list[str], trees: list[Tree]) -> None:
    """Draw the loss, the confusion matrix, and trees with the class of every phrase."""
    figure.set_size_inches(13, 4 + 4 * len(trees))
    above, *below = figure.subfigures(1 + len(trees), 1)
    left, right = above.subplots(1, 2)
    history.draw(left, "training", "nats a phrase")
    net.plot_confusion(*answers, names, right)
    for part, tree in zip(below, trees):
        net.plot_parse(tree, axes=part.subplots())
        part.suptitle(", ".join(f"{k} {name}" for k, name in enumerate(names)))


def answers_of(args: argparse.Namespace, trainer: Any, held_out: Rows) -> tuple[Any, Any]:
    """Return (true, predicted): the classes of the held-out sentences, in order."""
    roots = np.stack([logits[-1] for logits in trainer.predict(trainer.validation)])
    true = np.array([classes[-1] for _, classes in held_out])
    true = true if args.classes == 5 else (true > NEUTRAL).astype(int)
    return true, probabilities(roots, args.classes).argmax(-1)


def main(net: Any, args: argparse.Namespace, trees: list[Any], dev: list[Any]) -> None:
    parses = [parse_of(text) for text in args.classify]
    names, rows = NAMES[args.classes], rows_of(trees, args.sentences_alone)
    held_out = rows_of([tree for tree in dev if args.classes == 5 or tree.label != NEUTRAL], sentences_alone=False)
    words = net.Vocabulary.from_tokens(word for parse, _ in rows for word in parse.words)
    words, vectors = pretrained.with_vectors(net, args, words, [word for parse, _ in held_out for word in parse.words])
    model, embedding = model_of(net, args, words, vectors)
    data = batches_of(args, words, rows, held_out)
    options: dict[str, Any] = {"rates": [(embedding, args.embedding_rate)], "metrics": "accuracy"}
    trainer = task.train(net, args, model, data, args.weight_decay, **options)
    found = [labelled(parse, read(net, args, model, words, parse)) for parse in parses]
    for text, tree in zip(args.classify, found):
        show(text, tree, names)
    answers = answers_of(args, trainer, held_out)
    shown = [parse for parse, _ in held_out if 6 < len(parse.words) < 16][:2] or [held_out[0][0]]
    found = found or [labelled(parse, read(net, args, model, words, parse)) for parse in shown]
    picture = partial(draw, net=net, history=trainer.history, answers=answers, names=names, trees=found)
    task.finish(args, trainer, picture, accuracy=float(np.mean(np.equal(*answers))))
