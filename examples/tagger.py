"""Tag each word of a sentence with its part of speech (many to many, in step).

python examples/tagger.py                                      generated English, no download
python examples/tagger.py --data ewt --plot runs/tagger.png    UD English-EWT, downloaded once
python examples/tagger.py --data FOLDER --words-alone --tag "The old man the boats ."
"""

import argparse
from collections.abc import Sequence
from typing import Any

import numpy as np
import task
import vectors

LONGEST = 20  # the maximum number of characters that are read per word


def arguments() -> task.Parser:
    parser = task.options(__doc__, "'ewt', or a folder with *train*.conllu and *dev*.conllu", 20, 32, 5e-3)
    add = parser.add_argument
    add("--words-alone", action="store_true", help="do not read the characters of words")
    vectors.add_vectors(parser)
    add("--cell", choices=["LSTM", "GRU"], default="LSTM")
    add("--hidden-size", type=task.positive_int, default=200, help="in each direction (default %(default)s)")
    add("--depth", type=task.positive_int, default=1, help="the number of recurrent layers (default %(default)s)")
    add("--dropout", type=float, default=0.5, help="default %(default)s")
    add("--word-dropout", type=float, default=0.15, help="the probability of <unk> for a word (default %(default)s)")
    add("--tag", metavar="TEXT", type=task.words, action="append", default=[], help="tag these words (spaces between)")
    return parser


def sentences(net: Any, args: argparse.Namespace) -> list[list[Any]]:
    """Return the training sentences and the held-out sentences."""
    if args.data is None:
        english = net.data.English()
        return [list(english.sentences(2000)), list(english.sentences(500, first=2000))]
    return [list(net.data.read_conllu(path)) for path in task.train_and_dev(net, args, "ewt", ".conllu")]


class Encoder:
    """Sentences as ids: x (T, 1 + C), each word and its characters, or x (T,), words only; the tags as y (T,)."""

    def __init__(self, net: Any, args: argparse.Namespace, known: Sequence[Any], held_out: Sequence[Any]) -> None:
        in_training, others = ([word for sentence in part for word in sentence.words] for part in (known, held_out))
        words = net.Vocabulary.from_tokens([word.lower() for word in in_training], min_count=2)
        self.words, self.vectors = vectors.with_vectors(net, args, words, [word.lower() for word in others])
        self.characters = net.Vocabulary.from_text("".join(in_training))
        self.tags = sorted({tag for sentence in (*known, *held_out) for tag in sentence.tags})
        self.net, self.words_alone = net, args.words_alone

    def x(self, words: Sequence[str]) -> Any:
        ids = self.words.encode([word.lower() for word in words])
        if self.words_alone:
            return ids
        return np.column_stack([ids, self.net.data.spell(words, self.characters, LONGEST)])

    def data(self, args: argparse.Namespace, known: Sequence[Any], held_out: Sequence[Any]) -> tuple[Any, Any]:
        """Return training batches with word dropout, after which only characters remain, and held-out batches."""
        parts = [
            [(self.x(s.words), [self.tags.index(tag) for tag in s.tags]) for s in part] for part in (known, held_out)
        ]
        return task.batches_of(self.net, args, *parts, args.word_dropout, None if self.words_alone else 0)


def model_for(net: Any, args: argparse.Namespace, numbers: Encoder) -> Any:
    words = first = vectors.embedding(net, args, numbers.words, numbers.vectors, 100)
    if not args.words_alone:
        spelt = net.Characters(len(numbers.characters) + 1, embedding_size=30, output_size=100, width=5)
        first = net.Concat([words, spelt], widths=[1, LONGEST])
    layer = getattr(net, f"{args.cell}Layer")
    stack: list[Any] = [first, net.Dropout(args.dropout)]
    for _ in range(args.depth):
        stack += [layer(args.hidden_size, bidirectional=True), net.Dropout(args.dropout)]
    stack.append(net.Dense(len(numbers.tags)))
    size = len(numbers.words) if args.words_alone else 1 + LONGEST
    return net.RNNModel(stack, net.SoftmaxCrossEntropy(), input_size=size, seed=args.seed, device=args.device)


def draw(figure: Any, net: Any, history: Any, answers: Any, tags: Sequence[str]) -> None:
    figure.set_size_inches(13, 6)
    left, right = figure.subplots(1, 2, width_ratios=[4, 5])
    history.draw(left, unit="nats a word")
    net.plot_confusion(*answers, tags, right)


def main(net: Any, args: argparse.Namespace) -> None:
    known, held_out = sentences(net, args)
    numbers = Encoder(net, args, known, held_out)
    model, tags = model_for(net, args, numbers), numbers.tags
    trainer = task.train(net, args, model, numbers.data(args, known, held_out), metrics="accuracy")
    true, predicted = answers = task.answers(trainer)
    each = {tag: float(np.mean(predicted[true == k] == k)) for k, tag in enumerate(tags) if k in true}
    print("  ".join(f"{tag} {share:.1%}" for tag, share in each.items()))
    for words in args.tag:
        task.encode(numbers.words, [word.lower() for word in words])
        best = model.predict(numbers.x(words)[None])[0].argmax(axis=-1)
        print(" ".join(f"{word}/{tags[k]}" for word, k in zip(words, best)))
    figures = {"accuracy": float(np.mean(true == predicted)), "words": len(true), "by_tag": each}
    task.finish(args, trainer, lambda figure: draw(figure, net, trainer.history, answers, tags), **figures)


if __name__ == "__main__":
    task.run(arguments(), main)
