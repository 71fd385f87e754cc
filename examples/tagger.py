"""Which part of speech is each word? Many to many in step: every word is read with all that stands around it.

python examples/tagger.py                                      generated English, no download
python examples/tagger.py --data ewt --plot runs/tagger.png    UD English-EWT, downloaded once
python examples/tagger.py --data FOLDER --words-alone --tag "The old man the boats ."
"""

import argparse
from collections.abc import Sequence
from typing import Any

import numpy as np
import task

LONGEST = 20  # characters that are read of a word


def arguments() -> task.Parser:
    parser = task.options(__doc__, "'ewt', or a folder with *train*.conllu and *dev*.conllu", 20, 32, 5e-3)
    add = parser.add_argument
    add("--words-alone", action="store_true", help="without their characters")
    task.add_vectors(parser)
    add("--cell", choices=["LSTM", "GRU"], default="LSTM")
    add("--hidden-size", type=task.whole, default=200, help="of each direction (default %(default)s)")
    add("--depth", type=task.whole, default=1, help="layers, one upon the other (default %(default)s)")
    add("--dropout", type=float, default=0.5, help="default %(default)s")
    add("--word-dropout", type=float, default=0.15, help="the share of words that training hides (default %(default)s)")
    add("--tag", metavar="TEXT", type=task.words, action="append", default=[], help="tag these words, parted by blanks")
    return parser


def sentences(net: Any, args: argparse.Namespace) -> list[list[Any]]:
    """Those to learn from, and those held out."""
    if args.data is None:
        english = net.data.English()
        return [list(english.sentences(2000)), list(english.sentences(500, first=2000))]
    return [list(net.data.read_conllu(path)) for path in task.train_and_dev(net, args, "ewt", ".conllu")]


class Numbers:
    """A sentence as x (T, 1 + C), each word and its characters, or of words alone x (T,); its tags as y (T,)."""

    def __init__(self, net: Any, args: argparse.Namespace, known: Sequence[Any], held_out: Sequence[Any]) -> None:
        learned, others = ([word for sentence in part for word in sentence.words] for part in (known, held_out))
        words = net.Vocabulary.from_tokens([word.lower() for word in learned], min_count=2)
        self.words, self.vectors = task.with_vectors(net, args, words, [word.lower() for word in others])
        self.characters = net.Vocabulary.from_text("".join(learned))
        self.tags = sorted({tag for sentence in (*known, *held_out) for tag in sentence.tags})
        self.net, self.words_alone = net, args.words_alone

    def x(self, words: Sequence[str]) -> Any:
        ids = self.words.encode([word.lower() for word in words])
        if self.words_alone:
            return ids
        return np.column_stack([ids, self.net.data.spell(words, self.characters, LONGEST)])

    def batches(self, given: Sequence[Any], size: int, seed: int = 0, shuffle: bool = True) -> Any:
        y = [[self.tags.index(tag) for tag in sentence.tags] for sentence in given]
        return self.net.SequenceBatches([self.x(sentence.words) for sentence in given], y, size, seed, shuffle=shuffle)

    def hidden(self, given: Sequence[Any], args: argparse.Namespace) -> Any:
        """Batches to train on, in which some words are known by their characters alone."""
        batches = self.batches(given, args.batch_size, args.seed)
        column = None if self.words_alone else 0
        return self.net.data.WordDropout(batches, args.word_dropout, args.seed, column=column)


def model_for(net: Any, args: argparse.Namespace, numbers: Numbers) -> Any:
    words = first = task.embedding(net, args, numbers.words, numbers.vectors, 100)
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


def draw(figure: Any, history: Any, answers: Any, tags: Sequence[str]) -> None:
    figure.set_size_inches(13, 6)
    left, right = figure.subplots(1, 2, width_ratios=[4, 5])
    history.draw(left, unit="nats a word")
    task.draw_confusion(right, *answers, tags)


def main(net: Any, args: argparse.Namespace) -> None:
    known, held_out = sentences(net, args)
    numbers = Numbers(net, args, known, held_out)
    model, tags = model_for(net, args, numbers), numbers.tags
    validation = numbers.batches(held_out, 100, shuffle=False)

    batches = numbers.hidden(known, args)
    trainer = task.train(net, args, model, batches, validation, task.say_accuracy(model, validation))
    true, said = answers = task.answers(model, validation)
    each = {tag: float(np.mean(said[true == k] == k)) for k, tag in enumerate(tags) if k in true}
    print("  ".join(f"{tag} {share:.1%}" for tag, share in each.items()))
    for words in args.tag:
        task.encode(numbers.words, [word.lower() for word in words])
        best = model.predict(numbers.x(words)[None])[0].argmax(axis=-1)
        print(" ".join(f"{word}/{tags[k]}" for word, k in zip(words, best)))
    figures = {"accuracy": float(np.mean(true == said)), "words": len(true), "by_tag": each}
    task.finish(args, trainer, lambda figure: draw(figure, trainer.history, answers, tags), **figures)


if __name__ == "__main__":
    task.run(arguments(), main)
