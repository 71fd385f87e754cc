"""Translate sentences with an encoder and a decoder with attention, on either backend.

python examples/translate.py                                  generated English into a made-up language
python examples/translate.py --data fra-eng --plot runs/attention.png --translate "I am cold."
python examples/translate.py --data PAIRS.txt --attention dot --cell LSTM --beam 1 --backend torchnet

Each line of PAIRS.txt has a sentence, a tab, and its translation. A tenth of the sentences is held out, with all of
their translations. All text is in lower case; sacrebleu computes BLEU on sentences with normal spacing.
"""

import argparse
from typing import Any

import task

from numnet.data import BEGIN, END, Subwords, from_words, hold_out, plain, to_words

EMBEDDED, HIDDEN, DROPOUT = 128, 256, 0.4


def arguments() -> task.Parser:
    parser = task.options(__doc__, "'fra-eng', or a file of pairs", 12, 64, 3e-3)
    add = parser.add_argument
    add("--attention", choices=["none", "dot", "general", "additive"], default="additive")
    add("--cell", choices=["GRU", "LSTM"], default="GRU")
    add("--merges", type=task.non_negative_int, default=2000, help="BPE merges per language (default %(default)s)")
    add("--beam", type=task.positive_int, default=5, help="parallel hypotheses; 1 is greedy (default %(default)s)")
    add("--teacher-forcing", type=float, default=1.0, help="the probability that the decoder reads a target token")
    add("--translate", metavar="TEXT", type=task.text, action="append", default=[], help="translate this sentence")
    return parser


def pairs_for(net: Any, args: argparse.Namespace) -> list[Any]:
    if args.data is None:
        return [(one, from_words(other.split())) for one, other in net.data.English().translations(5000)]
    return list(net.data.read_pairs(task.file(net, args, "fra-eng")))


def model_for(net: Any, args: argparse.Namespace, source: int, target: int) -> Any:
    cell, drop = getattr(net, f"{args.cell}Layer"), lambda: net.Dropout(DROPOUT)
    encoder = [net.Embedding(source, EMBEDDED, std=0.1), drop(), cell(HIDDEN // 2, bidirectional=True)]
    decoder = [net.Embedding(target, EMBEDDED, std=0.1), drop(), cell(HIDDEN)]
    output = [net.Dense(EMBEDDED), net.Tanh(), drop(), net.Dense(target)]
    attention = None if args.attention == "none" else net.Attention(args.attention)
    options = {"teacher_forcing": args.teacher_forcing, "seed": args.seed, "device": args.device}
    return net.EncoderDecoder(encoder, decoder, output, attention, net.SoftmaxCrossEntropy(), **options)


class Language:
    """Texts as the ids of subword units: frequent words are one unit, rare words are split into several."""

    def __init__(self, net: Any, texts: list[str], merges: int) -> None:
        words = [word for text in texts for word in to_words(text)]
        self.subwords = Subwords.from_words(words, merges)
        self.vocabulary = net.Vocabulary.from_tokens(self.subwords.split(words), special=(BEGIN, END))

    def pieces(self, text: str) -> list[str]:
        return self.subwords.split(to_words(text))

    def encode(self, text: str, *more: str) -> Any:
        return self.vocabulary.encode([*self.pieces(text), *more])

    def text(self, pieces: list[str]) -> str:
        return from_words(self.subwords.join(pieces))


def translated(net: Any, model: Any, sides: list[Language], texts: list[str], beam: int) -> dict[str, Any]:
    """Return, for each text, the pieces of its translation and the attention weights of each piece."""
    (source, target), found = sides, {}
    texts = sorted(texts, key=lambda text: len(source.pieces(text)))
    for part in (texts[k : k + 64] for k in range(0, len(texts), 64)):
        x, lengths = net.pad_sequences([source.encode(text) for text in part])
        for text, decoded in zip(part, net.beam_search(model, x, lengths, beam, suppress_tokens=[0])):  # <unk>
            found[text] = [target.vocabulary.tokens[k] for k in decoded.tokens], decoded.weights
    return found


def draw(figure: Any, history: Any, examples: dict[str, Any]) -> None:
    """Draw the loss, and the attention weights of some sentences: source pieces (columns) by target pieces (rows)."""
    figure.set_size_inches(3.2 * len(examples) + 5, 4)
    loss, *images = figure.subplots(1, len(examples) + 1, squeeze=False)[0]
    history.draw(loss, unit="nats a piece")
    for image, (source, target, weights) in zip(images, examples.values()):
        image.imshow(weights[:, : len(source)], cmap="Blues", vmin=0, vmax=1)
        image.set_xticks(range(len(source)), source, rotation=60)
        image.set_yticks(range(len(target)), target)
        image.set(xlabel="source", ylabel="translation")


def main(net: Any, args: argparse.Namespace) -> None:
    net.translation_scores(["a"], [["a"]])  # raises ImportError before the training if sacrebleu is missing
    known, held_out = hold_out(pairs_for(net, args), lambda pair: plain(pair[0]), seed=args.seed)
    source, target = sides = [Language(net, texts, args.merges) for texts in zip(*known)]
    model = model_for(net, args, len(source.vocabulary), len(target.vocabulary))

    def batches(pairs: list[Any], **options: Any) -> Any:
        encoded = zip(*[(source.encode(text), target.encode(translation, END)) for text, translation in pairs])
        return net.PairBatches(*encoded, args.batch_size, args.seed, **options)

    def glimpse() -> str:
        found = translated(net, model, sides, list(held_out)[:3], 1)
        return "\n".join(f"{text}  ->  {target.text(pieces)}" for text, (pieces, _) in found.items())

    validation = batches([pair for pairs in held_out.values() for pair in pairs], shuffle=False)
    trainer = task.train(net, args, model, (batches(known), validation), token="piece", sample=glimpse)
    found = translated(net, model, sides, [*held_out, *args.translate], args.beam)
    texts = {text: target.text(pieces) for text, (pieces, _) in found.items()}
    for text in [*list(held_out)[:5], *args.translate]:
        print(f"{text}  ->  {texts[text]}")
    references = {text: [plain(other) for _, other in pairs] for text, pairs in held_out.items()}
    right = [text for text, every in references.items() if texts[text] in every]
    drawn = args.translate or sorted(right or held_out, key=lambda text: -len(found[text][0]))[:3]
    examples = {text: (source.pieces(text), *found[text]) for text in drawn if found[text][1] is not None}
    figures = net.translation_scores([texts[text] for text in references], list(references.values()))
    task.finish(args, trainer, lambda figure: draw(figure, trainer.history, examples), **figures)


if __name__ == "__main__":
    task.run(arguments(), main)
