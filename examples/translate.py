"""One sentence from another: an encoder reads it, a decoder with attention says it, on either backend.

python examples/translate.py                                  generated English into a made-up language
python examples/translate.py --data fra-eng --plot runs/attention.png --translate "I am cold."
python examples/translate.py --data PAIRS.txt --attention dot --cell LSTM --beam 1 --backend torchnet

PAIRS.txt has lines of one language, a tab, the other. A tenth of the sentences is held out, with all translations of
each. Text is in lower case throughout; BLEU is sacrebleu's, of sentences with their blanks as a person writes them.
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
    add("--merges", type=task.count, default=2000, help="of byte pair encoding, a language (default %(default)s)")
    add("--beam", type=task.whole, default=5, help="beginnings kept side by side; 1 is greedy (default %(default)s)")
    add("--teacher-forcing", type=float, default=1.0, help="how often the decoder reads what it should have said")
    add("--translate", metavar="TEXT", type=task.text, action="append", default=[], help="a sentence of yours")
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
    told = {"teacher_forcing": args.teacher_forcing, "seed": args.seed, "device": args.device}
    return net.EncoderDecoder(encoder, decoder, output, attention, net.SoftmaxCrossEntropy(), **told)


class Language:
    """Texts as the numbers of their pieces: frequent words whole, rare ones in parts that other words have too."""

    def __init__(self, net: Any, texts: list[str], merges: int) -> None:
        words = [word for text in texts for word in to_words(text)]
        self.subwords = Subwords.from_words(words, merges)
        self.vocabulary = net.Vocabulary.from_tokens(self.subwords.split(words), special=(BEGIN, END))

    def pieces(self, text: str) -> list[str]:
        return self.subwords.split(to_words(text))

    def numbers(self, text: str, *more: str) -> Any:
        return self.vocabulary.encode([*self.pieces(text), *more])

    def text(self, pieces: list[str]) -> str:
        return from_words(self.subwords.join(pieces))


def translated(net: Any, model: Any, sides: list[Language], texts: list[str], beam: int) -> dict[str, Any]:
    """Text by text: the pieces that the model says, and what it looked at for each."""
    (source, target), found = sides, {}
    texts = sorted(texts, key=lambda text: len(source.pieces(text)))
    for part in (texts[k : k + 64] for k in range(0, len(texts), 64)):
        x, lengths = net.pad_sequences([source.numbers(text) for text in part])
        for text, said in zip(part, net.beam_search(model, x, lengths, beam, suppress_tokens=[0])):  # <unk>
            found[text] = [target.vocabulary.tokens[k] for k in said.tokens], said.weights
    return found


def draw(figure: Any, history: Any, said: dict[str, Any]) -> None:
    """The loss, and for some sentences which of their pieces were looked at for each piece that was said."""
    figure.set_size_inches(3.2 * len(said) + 5, 4)
    loss, *images = figure.subplots(1, len(said) + 1, squeeze=False)[0]
    history.draw(loss, unit="nats a piece")
    for image, (read, written, weights) in zip(images, said.values()):
        image.imshow(weights[:, : len(read)], cmap="Blues", vmin=0, vmax=1)
        image.set_xticks(range(len(read)), read, rotation=60)
        image.set_yticks(range(len(written)), written)
        image.set(xlabel="read", ylabel="said")


def main(net: Any, args: argparse.Namespace) -> None:
    net.translation_scores(["a"], [["a"]])  # where something is missing, an error now
    known, held_out = hold_out(pairs_for(net, args), lambda pair: plain(pair[0]), seed=args.seed)
    source, target = sides = [Language(net, texts, args.merges) for texts in zip(*known)]
    model = model_for(net, args, len(source.vocabulary), len(target.vocabulary))

    def batches(pairs: list[Any], **options: Any) -> Any:
        numbers = zip(*[(source.numbers(asked), target.numbers(said, END)) for asked, said in pairs])
        return net.PairBatches(*numbers, args.batch_size, args.seed, **options)

    def glimpse() -> str:
        said = translated(net, model, sides, list(held_out)[:3], 1)
        return "\n".join(f"{text}  ->  {target.text(pieces)}" for text, (pieces, _) in said.items())

    asked = batches([pair for pairs in held_out.values() for pair in pairs], shuffle=False)
    trainer = task.train(net, args, model, batches(known), asked, glimpse, token="piece")
    said = translated(net, model, sides, [*held_out, *args.translate], args.beam)
    texts = {text: target.text(pieces) for text, (pieces, _) in said.items()}
    for text in [*list(held_out)[:5], *args.translate]:
        print(f"{text}  ->  {texts[text]}")
    references = {text: [plain(other) for _, other in pairs] for text, pairs in held_out.items()}
    right = [text for text, every in references.items() if texts[text] in every]
    shown = args.translate or sorted(right or held_out, key=lambda text: -len(said[text][0]))[:3]
    looked = {text: (source.pieces(text), *said[text]) for text in shown if said[text][1] is not None}
    figures = net.translation_scores([texts[text] for text in references], list(references.values()))
    task.finish(args, trainer, lambda figure: draw(figure, trainer.history, looked), **figures)


if __name__ == "__main__":
    task.run(arguments(), main)
