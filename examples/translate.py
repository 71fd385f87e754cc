"""One sentence from another: an encoder reads it, a decoder with attention says it, on either backend.

python examples/translate.py                                  generated English into a made-up language
python examples/translate.py --data fra-eng --plot runs/attention.png --translate "I am cold."
python examples/translate.py --data PAIRS.txt --attention dot --cell lstm --beam 1 --backend torchnet

PAIRS.txt has lines of one language, a tab, the other. A tenth of the sentences is held out, with all translations of
each. Text is in lower case throughout; BLEU is sacrebleu's, of sentences with their blanks as a person writes them: so
it is BLEU without regard to case.
"""

import argparse
from typing import Any

import task

from numnet.data import BEGIN, END, from_words, hold_out, plain, to_words

CELLS = {"gru": "GRULayer", "lstm": "LSTMLayer"}
EMBEDDED, HIDDEN, DROPOUT = 128, 256, 0.4


def arguments() -> task.Parser:
    parser = task.options(__doc__, "'fra-eng', or a file of pairs", 12, 64, 3e-3)
    add = parser.add_argument
    add("--attention", choices=["none", "dot", "general", "additive"], default="additive")
    add("--cell", choices=CELLS, default="gru")
    add("--beam", type=task.whole, default=5, help="beginnings kept side by side; 1 is greedy")
    add("--teacher-forcing", type=float, default=1.0, help="how often the decoder reads what it should have said")
    add("--translate", metavar="TEXT", action="append", default=[], help="a sentence of yours; may be given again")
    return parser


def pairs_for(net: Any, args: argparse.Namespace) -> list[Any]:
    if args.data is None:
        return list(net.data.English(args.seed).translations(2000))
    return list(net.data.read_pairs(task.file(net, args, "fra-eng")))


def model_for(net: Any, args: argparse.Namespace, source: int, target: int) -> Any:
    cell, drop = getattr(net, CELLS[args.cell]), lambda: net.Dropout(DROPOUT)
    encoder = [net.Embedding(source, EMBEDDED, seed=args.seed), drop(), cell(HIDDEN // 2, bidirectional=True)]
    decoder = [net.Embedding(target, EMBEDDED, seed=args.seed + 1), drop(), cell(HIDDEN)]
    output = [net.Dense(EMBEDDED), net.Tanh(), drop(), net.Dense(target)]
    attention = None if args.attention == "none" else net.Attention(args.attention)
    loss, forcing = net.SoftmaxCrossEntropy(), args.teacher_forcing
    told = {"teacher_forcing": forcing, "seed": args.seed, "device": args.device}
    return net.EncoderDecoder(encoder, decoder, output, attention, loss, **told)


class Numbers:
    """Texts as the numbers of their words, and the model's answers as texts."""

    def __init__(self, net: Any, known: list[Any]) -> None:
        sides = [[word for text in side for word in to_words(text)] for side in zip(*known)]
        self.source, self.target = (
            net.Vocabulary.from_tokens(words, min_count=2, special=(BEGIN, END)) for words in sides
        )
        self.net = net

    def batches(self, pairs: list[Any], size: int, seed: int = 0, shuffle: bool = True) -> Any:
        asked = [self.source.encode(to_words(text)) for text, _ in pairs]
        said = [self.target.encode([*to_words(text), END]) for _, text in pairs]
        return self.net.PairBatches(asked, said, size, seed, shuffle=shuffle)

    def translated(self, model: Any, texts: list[str], beam: int) -> dict[str, tuple[list[str], Any]]:
        """Text by text: the words that it says, and what it looked at for each."""
        texts, found = sorted(texts, key=lambda text: len(to_words(text))), {}
        for part in (texts[k : k + 64] for k in range(0, len(texts), 64)):
            x, lengths = self.net.pad_sequences([self.source.encode(to_words(text)) for text in part])
            said = self.net.beam_search(model, x, lengths, beam, never=[0])  # <unk>
            found |= {text: ([self.target.tokens[k] for k in one.tokens], one.weights) for text, one in zip(part, said)}
        return found


def draw(figure: Any, history: Any, said: dict[str, Any]) -> None:
    """The loss, and for some sentences which of their words were looked at for each word that was said."""
    figure.set_size_inches(3.2 * len(said) + 5, 4)
    loss, *images = figure.subplots(1, len(said) + 1, squeeze=False)[0]
    history.draw(loss, unit="nats a word")
    for image, (text, (words, weights)) in zip(images, said.items()):
        image.imshow(weights[:, : len(to_words(text))], cmap="Blues", vmin=0, vmax=1)
        image.set_xticks(range(len(to_words(text))), to_words(text), rotation=60)
        image.set_yticks(range(len(words)), words)


def main(net: Any, args: argparse.Namespace) -> None:
    net.translation_scores(["a"], [["a"]])  # where something is missing, an error now
    known, held_out = hold_out(pairs_for(net, args), lambda pair: plain(pair[0]), seed=args.seed)
    numbers = Numbers(net, known)
    model = model_for(net, args, len(numbers.source), len(numbers.target))
    asked = numbers.batches([pair for pairs in held_out.values() for pair in pairs], 64, shuffle=False)
    some = list(held_out)[:3]

    def glimpse() -> str:
        said = numbers.translated(model, some, 1)
        return "\n".join(f"{text}  ->  {from_words(said[text][0])}" for text in some)

    trainer = task.train(net, args, model, numbers.batches(known, args.batch_size, args.seed), asked, glimpse)
    said = numbers.translated(model, [*held_out, *args.translate], args.beam)
    texts = {text: from_words(words) for text, (words, _) in said.items()}
    for text in [*list(held_out)[:5], *args.translate]:
        print(f"{text}  ->  {texts[text]}")
    references = {text: [plain(other) for _, other in pairs] for text, pairs in held_out.items()}
    right = [text for text, every in references.items() if texts[text] in every]
    shown = args.translate or sorted(right, key=lambda text: -len(said[text][0]))[:3]
    looked = {text: said[text] for text in shown if said[text][1] is not None}
    figures = net.translation_scores([texts[text] for text in references], list(references.values()))
    task.finish(args, trainer, lambda figure: draw(figure, trainer.history, looked), **figures)


if __name__ == "__main__":
    task.run(arguments(), main)
