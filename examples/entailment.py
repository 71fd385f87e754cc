"""Decide whether a sentence follows from another: entailment, neutral or contradiction.

python examples/entailment.py                                             generated pairs, no download
python examples/entailment.py --data snli --vectors glove-50 --encoder spinn-pi
python examples/entailment.py --data snli --vectors glove-50 --encoder spinn --classify "a man sleeps" "nobody sleeps"

Encoders: a bag of words; a bidirectional LSTM; a TreeLSTM over the given parse (spinn-pi-nt), the same with a tracker
(spinn-pi), or over its own parse (spinn), after Bowman et al. (2016).
"""

from __future__ import annotations

import argparse
import tempfile
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import inference
import numpy as np
import task
import vectors as pretrained

from numnet import Softmax

ENCODERS = ["bow", "lstm", "spinn-pi-nt", "spinn-pi", "spinn"]
WIDTH = 50  # of word vectors, without --vectors
STD = 0.3  # of the vectors of other words


class Recipe(NamedTuple):
    """The settings of a training run; rates and dropouts of the paper are in the table of its appendix."""

    learning_rate: float = 2e-3
    epochs: float = 12
    batch_size: int = 128
    hidden_size: int = 100
    tracker_size: int = 64
    mlp_layers: int = 1
    leaf_dropout: float = 0.1
    dropout: float = 0.2
    word_dropout: float = 0.1
    weight_decay: float = 0.0
    transition_weight: float = 3.0


LARGE = Recipe(epochs=10, batch_size=32, hidden_size=300, mlp_layers=2, dropout=0.06, word_dropout=0.0)
PAPER = {
    "bow": LARGE._replace(learning_rate=5e-3, weight_decay=4e-6, leaf_dropout=0.0),  # not in the paper
    "lstm": LARGE._replace(learning_rate=5e-3, weight_decay=4e-6, leaf_dropout=0.0),
    "spinn-pi-nt": LARGE._replace(learning_rate=3e-4, weight_decay=3e-6, leaf_dropout=0.17),
    "spinn-pi": LARGE._replace(learning_rate=7e-3, weight_decay=2e-5, leaf_dropout=0.08, dropout=0.07, tracker_size=61),
    "spinn": LARGE._replace(
        learning_rate=2e-3, weight_decay=3e-5, leaf_dropout=0.14, tracker_size=79, mlp_layers=1, transition_weight=3.9
    ),
}

WHERE = "snli, or a folder with *train*.jsonl and *dev*.jsonl (default: generated pairs)"
parser = task.options(__doc__ or "", WHERE, epochs=None)
add = parser.add_argument
add("--encoder", choices=ENCODERS, default="spinn", help="default %(default)s")
add(
    "--trees",
    choices=["given", "left", "right", "balanced", "random"],
    default="given",
    help="to compare with the parse",
)
pretrained.add_vectors(parser)
add("--recipe", choices=["small", "paper"], default="small", help="paper: all of SNLI, frozen vectors of 300 numbers")
for name, value in Recipe._field_defaults.items():
    if name not in ("learning_rate", "epochs", "batch_size"):
        add(
            f"--{name.replace('_', '-')}",
            type=task.positive_int if isinstance(value, int) else float,
            help="default: that of the recipe",
        )
add("--classify", nargs=2, type=task.text, metavar=("PREMISE", "HYPOTHESIS"), action="append", default=[],
    help="words, or a parse in brackets")  # fmt: skip
parser.set_defaults(learning_rate=None, batch_size=None)


def complete(args: argparse.Namespace) -> None:
    """Set the options that are not given to those of the recipe."""
    if args.recipe == "paper" and not (args.data and args.vectors):
        raise ValueError("--recipe paper: expected --data and --vectors, such as --data snli --vectors glove-300.")
    recipe = Recipe() if args.recipe == "small" else PAPER[args.encoder]
    for name, value in recipe._asdict().items():
        if getattr(args, name) is None:
            setattr(args, name, value)


def encoder_of(net: Any, args: argparse.Namespace, embedding: Any) -> Any:
    """Return the encoder: a list of layers, or a SPINN."""
    H, K, dropout = args.hidden_size, args.tracker_size, net.Dropout(args.leaf_dropout)
    if args.encoder == "bow":
        return [embedding, net.Dense(H), net.BatchNorm(), dropout, net.Pooling("max")]
    if args.encoder == "lstm":
        return [embedding, dropout, net.LSTMLayer(H, bidirectional=True), net.Pooling("max")]
    predicts = args.encoder == "spinn"
    tracker = None if args.encoder == "spinn-pi-nt" else net.Tracker(K, predicts=predicts)
    options = {"drive": "own" if predicts else "given", "transition_weight": args.transition_weight}
    return net.SPINN([embedding, net.Dense(2 * H), net.BatchNorm(), dropout], net.TreeLSTMNode(H), tracker, **options)


def model_of(net: Any, args: argparse.Namespace, words: Any, vectors: Any) -> Any:
    """Return the model: pairs of sentences → logits of the three labels."""
    embedding = pretrained.embedding(net, args, words, vectors, WIDTH, STD)
    output = [net.BatchNorm(), net.Dropout(args.dropout)]
    for _ in range(args.mlp_layers):
        output += [net.Dense(1024), net.ReLU(), net.BatchNorm(), net.Dropout(args.dropout)]
    output = [*(output[:-2] if args.recipe == "small" else output), net.Dense(len(inference.LABELS))]
    encoder = encoder_of(net, args, embedding)
    model = net.PairClassifier(encoder, output, net.SoftmaxCrossEntropy(), seed=args.seed, device=args.device)
    if args.recipe == "paper":
        embedding.freeze()
    return model


def optimizer_of(net: Any, args: argparse.Namespace) -> Any:
    """Return the optimizer of the paper, or None for that of the other tasks."""
    if args.recipe == "small":
        return None
    schedule = net.StepSchedule(args.learning_rate, every=10_000, factor=0.75)
    return net.RMSProp(schedule, decay=0.9, epsilon=1e-6, weight_decay=args.weight_decay, clip_norm=5.0)


def train(net: Any, args: argparse.Namespace, model: Any, data: tuple[Any, Any]) -> Any:
    """Train, and give the model the parameters of the epoch with the best accuracy on the held-out data."""
    with tempfile.TemporaryDirectory() as folder:
        options = {"metrics": "accuracy", "monitor": "validation_accuracy", "directory": folder}
        trainer = task.train(net, args, model, data, args.weight_decay, optimizer=optimizer_of(net, args), **options)
        model.load_state_dict(net.load_checkpoint(Path(folder) / "best.npz").weights)
    return trainer


def classify(net: Any, args: argparse.Namespace, model: Any, words: Any) -> list[Any]:
    """Print the probabilities for each typed pair, and its trees; return (the tree used, the given one or None)."""
    found: list[Any] = []
    own, trees = args.encoder == "spinn", args.encoder.startswith("spinn")
    for texts in args.classify:
        parses, kinds = zip(*(inference.typed(net, args, text) for text in texts))
        inference.show_unknown(words, parses)
        x, lengths, transitions = net.data.pad_parses(parses, words)
        z = model.predict(x, lengths=lengths) if own else model.predict(net.data.ParseBatch(x, lengths, transitions))
        print("  ".join(f"{label} {p:.2f}" for label, p in zip(inference.LABELS, Softmax()(z)[0])))
        for k, (parse, kind) in enumerate(zip(parses, kinds)):
            used = net.data.Transitions(parse.words, model.encoder.moves[k]) if own else parse
            print(f"  {used.format()}   {'own' if own else kind} tree" if trees else f"  {' '.join(parse.words)}")
            found.append((used, parse if kind == "given" else None))
    return found


def trees_of(net: Any, model: Any, words: Any, pairs: Any) -> list[Any]:
    """Return (own, given) parses of the first pair of some length; (used, None) of a network without its own."""
    pair = next((pair for pair in pairs.parses if 6 < len(pair[0].words) < 14), pairs.parses[0])
    batch = net.data.pad_parses(pair, words)
    model.predict(batch)
    own = model.encoder.drive == "own"
    used = [net.data.Transitions(parse.words, moves) for parse, moves in zip(pair, model.encoder.moves)]
    return [(tree, parse if own else None) for tree, parse in zip(used, pair)]


def draw(figure: Any, net: Any, history: Any, answers: Any, trees: list[Any]) -> None:
    """Draw the loss and the confusion matrix; below, of two sentences, the own tree and the given one."""
    figure.set_size_inches(12, 4 * (1 + len(trees)))
    places = figure.subplots(1 + len(trees), 2)
    first, *others = places if trees else [places]
    history.draw(first[0], "training", "nats a pair")
    net.plot_confusion(*answers, inference.LABELS, first[1])
    for (left, right), (own, given) in zip(others, trees):
        net.plot_parse(own, given, left)
        left.set_title(f"the tree that was used. {left.get_title()}".rstrip(". "))
        right.axis("off")
        if given is not None:
            net.plot_parse(given, axes=right)
            right.set_title("the given tree")


def main(net: Any, args: argparse.Namespace) -> None:
    complete(args)
    training, held_out, first = inference.read(net, args)
    words = net.Vocabulary.from_tokens(training.words())
    words, vectors = pretrained.with_vectors(net, args, words, held_out.words())
    model = model_of(net, args, words, vectors)
    choosing = inference.Pairs(held_out.parses[: first or None], held_out.labels[: first or None])
    data = inference.batches_of(net, args, words, training, True), inference.batches_of(net, args, words, choosing)
    trainer = train(net, args, model, data)
    reported = inference.batches_of(net, args, words, held_out)
    true, predicted = np.array(held_out.labels), trainer.predict(reported).argmax(-1)
    right, figures = true == predicted, {}
    if args.encoder == "spinn":
        given, own = (inference.moves_right(model, reported, drive) for drive in ("given", "own"))
        names = ("transition_accuracy", "transition_accuracy_free", "transition_accuracy_given_drive")
        figures = dict(zip(names, (*own, given[0])))
    figures |= {"accuracy": float(right.mean()), "accuracy_second_half": float(right[first:].mean())}
    typed = classify(net, args, model, words)
    trees = [] if args.encoder in ("bow", "lstm") else typed or trees_of(net, model, words, held_out)
    picture = partial(draw, net=net, history=trainer.history, answers=(true, predicted), trees=trees)
    task.finish(args, trainer, picture, **figures)


if __name__ == "__main__":
    task.run(parser, main)
