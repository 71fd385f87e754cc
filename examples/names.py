"""Classify the language of a surname (many to one), or generate surnames of a language (one to many).

python examples/names.py                                     six made-up languages, no download
python examples/names.py --data names --classify Satoshi     20,050 surnames of 18 languages, downloaded once
python examples/names.py --data FOLDER --write 3             learn to generate names, and print 3 per language
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from typing import Any

import numpy as np
import task

from numnet import Softmax

END, LONGEST, WIDTH, LETTER_DROPOUT = "\n", 20, 32, 0.1  # training replaces this fraction of letters by <unk>
Names = list[tuple[str, str]]

WHERE = "names, or a folder with one .txt file per language (default: made-up languages)"
parser = task.options(__doc__ or "", WHERE, epochs=16)
add = parser.add_argument
add("--hidden-size", type=task.positive_int, default=128, help="default %(default)s")
add("--dropout", type=float, default=0.3, help="default %(default)s")
add = parser.add_mutually_exclusive_group().add_argument
add("--classify", metavar="NAME", type=task.words, action="append", default=[], help="print the language of this name")
add("--write", metavar="N", type=task.positive_int, help="generate N names per language instead")


def read(net: Any, args: argparse.Namespace) -> tuple[Names, Names]:
    """Return (language, name) rows for training, and a random tenth that is held out."""
    if args.data is None:
        names = list(net.data.English().names(4000))
    else:
        names = list(net.data.read_classes(task.folder(args, "names") or net.data.fetch("names", args.offline)))
    order = np.random.default_rng(args.seed).permutation(len(names))
    cut = -(-len(names) // 10)
    return [names[k] for k in order[cut:]], [names[k] for k in order[:cut]]


def figures(rows: Names, held_out: Names, right: Any) -> dict[str, float]:
    """Return the accuracy on all names, on names that are not in the training data, and that of a perfect memory."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for language, name in rows + held_out:
        counts[name][language] += 1
    new = ~np.isin([name for _, name in held_out], [name for _, name in rows])
    ceiling = np.mean([counts[name].most_common(1)[0][0] == language for language, name in held_out])
    of_new = {"of_new_names": float(right[new].mean())} if new.any() else {}
    return {"accuracy": float(right.mean()), **of_new, "ceiling": float(ceiling)}


def classify(net: Any, args: argparse.Namespace, rows: Names, held_out: Names, languages: list[str]) -> None:
    """Train many to one: letters (B, T) → logits of the languages (B, O)."""
    letters = net.Vocabulary.from_tokens((letter for _, name in rows for letter in name), "character")
    encoded = (
        [(letters.encode(name), languages.index(language)) for language, name in part] for part in (rows, held_out)
    )
    data, drop = task.batches_of(net, args, *encoded, LETTER_DROPOUT), lambda: net.Dropout(args.dropout)
    read = net.GRULayer(args.hidden_size, bidirectional=True, return_sequences=False)
    layers = [net.Embedding(len(letters), WIDTH), drop(), read, drop(), net.Dense(len(languages))]
    model = net.RNNModel(layers, net.SoftmaxCrossEntropy(), input_size=len(letters), seed=args.seed, device=args.device)
    trainer = task.train(net, args, model, data, token="letter", metrics="accuracy")
    for name in args.classify:
        p = Softmax()(model.predict(task.encode(letters, " ".join(name))[None])[0])
        print(" ".join(name) + ":", ", ".join(f"{languages[k]} {p[k]:.3f}" for k in p.argsort()[:-4:-1]))
    true, predicted = task.answers(trainer)

    def draw(figure: Any) -> None:
        figure.set_size_inches(8, 8)
        net.plot_confusion(true, predicted, languages, figure.subplots())

    task.finish(args, trainer, draw, **figures(rows, held_out, true == predicted))


def write(net: Any, args: argparse.Namespace, rows: Names, held_out: Names, languages: list[str]) -> None:
    """Train one to many: a token for the language, then the letters so far → logits of the next letter (B, T, V)."""
    letters = net.Vocabulary.from_tokens([letter for _, name in rows for letter in name] + [END], "character")
    begin = {language: f"<{language}>" for language in languages}
    tokens = net.Vocabulary([*letters.tokens, *begin.values()])
    encoded = [
        [(tokens.encode([begin[language], *name]), letters.encode([*name, END])) for language, name in part]
        for part in (rows, held_out)
    ]
    last = net.Dropout(args.dropout), net.Dense(len(letters))
    layers = [net.Embedding(len(tokens), WIDTH), net.GRULayer(args.hidden_size), *last]
    model = net.RNNModel(layers, net.SoftmaxCrossEntropy(), input_size=len(tokens), seed=args.seed, device=args.device)

    def written(language: str, n: int) -> str:
        """Generate n names of a language."""
        first, seed = begin[language], args.seed + 1000 * languages.index(language)
        texts = [net.generate(model, tokens, [first], LONGEST, seed=seed + k, stop=END) for k in range(n)]
        return f"{language:12}" + ", ".join(text.removeprefix(first) for text in texts)

    data, sample = task.batches_of(net, args, *encoded), lambda: written(languages[-1], 3)
    trainer = task.train(net, args, model, data, token="letter", sample=sample)
    print("\n".join(written(language, args.write) for language in languages))

    def draw(figure: Any) -> None:
        figure.set_size_inches(9, 6)
        p = Softmax()(model.predict(tokens.encode(begin.values())[:, None])[:, 0])
        likely = np.sort(p.max(axis=0).argsort()[-30:])
        axes = figure.subplots()
        task.draw_heat(axes, p[:, likely], [letters.tokens[k] for k in likely], languages, cmap="Blues")
        axes.set_title("probability of the first letter")

    task.finish(args, trainer, draw, loss=trainer.history.rows[-1]["validation_loss"])


def main(net: Any, args: argparse.Namespace) -> None:
    rows, held_out = read(net, args)
    languages = sorted({language for language, _ in rows + held_out})
    (write if args.write else classify)(net, args, rows, held_out, languages)


if __name__ == "__main__":
    task.run(parser, main)
