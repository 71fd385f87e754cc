"""French from English: an encoder reads the sentence, a decoder with attention says it, on either backend.

python examples/translate.py --data PAIRS.txt                          lines of English, a tab, French
python examples/translate.py --data PAIRS.txt --translate "I am cold." --plot attention.png
python examples/translate.py --data PAIRS.txt --backend torchnet --attention dot --cell lstm --beam 1

A tenth of the English sentences is held out, with all French sentences of each. Text is in lower case throughout; BLEU
is sacrebleu's, of sentences with their blanks as a person writes them: so it is BLEU without regard to case.
"""

import argparse
import importlib
import json
from itertools import zip_longest
from pathlib import Path

import numpy as np

from numnet.data import BEGIN, END, from_words, hold_out, plain, to_words

CELLS = {"gru": "GRULayer", "lstm": "LSTMLayer"}
EMBEDDED, HIDDEN, DROPOUT, BATCH, RATE = 128, 256, 0.3, 64, 3e-3


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--backend", choices=["numnet", "torchnet"], default="numnet")
    add("--data", metavar="FILE", required=True, help="pairs, one a line: English, a tab, French")
    add("--epochs", type=int, default=12)
    add("--seconds", type=float, help="an end before these epochs")
    add("--seed", type=int, default=0)
    add("--json", metavar="FILE", help="what came out, for a program")
    add("--plot", metavar="FILE.png", help="where it looked for each word, and the loss")
    add("--attention", choices=["none", "dot", "general", "additive"], default="additive")
    add("--cell", choices=CELLS, default="gru")
    add("--beam", type=int, default=5, help="beginnings kept side by side; 1 is greedy")
    add("--translate", metavar="TEXT", action="append", default=[], help="a sentence of yours; may be given again")
    return parser.parse_args()


def read_pairs(path):
    return [line.split("\t")[:2] for line in Path(path).read_text(encoding="utf-8").splitlines()]


def model_for(net, args, source, target):
    cell, drop = getattr(net, CELLS[args.cell]), lambda: net.Dropout(DROPOUT)
    encoder = [net.Embedding(source, EMBEDDED, seed=1), drop(), cell(HIDDEN // 2, bidirectional=True)]
    decoder = [net.Embedding(target, EMBEDDED, seed=2), drop(), cell(HIDDEN)]
    output = [net.Dense(EMBEDDED), net.Tanh(), drop(), net.Dense(target)]
    attention = None if args.attention == "none" else net.Attention(args.attention)
    return net.EncoderDecoder(encoder, decoder, output, attention, net.SoftmaxCrossEntropy(), seed=args.seed)


def translated(net, model, encode, target, texts, beam):
    """Text by text: the words that it says, and what it looked at for each."""
    texts, found = sorted(texts, key=lambda text: len(to_words(text))), {}
    for part in (texts[k : k + 64] for k in range(0, len(texts), 64)):
        x, lengths = net.pad_sequences([encode(text) for text in part])
        said = net.beam_search(model, x, lengths, beam, never=[0])  # <unk>
        found |= {text: ([target.tokens[k] for k in one.tokens], one.weights) for text, one in zip(part, said)}
    return found


def scores(texts, held_out):
    """BLEU pair by pair, and against all that a sentence is in French; and how many are just one of these."""
    from sacrebleu import corpus_bleu

    known = {english: [plain(french) for _, french in pairs] for english, pairs in held_out.items()}
    ours, theirs = zip(*[(texts[english], french) for english, every in known.items() for french in every])
    return {
        "bleu": corpus_bleu(ours, [theirs]).score,
        "bleu_all_references": corpus_bleu([texts[e] for e in known], list(zip_longest(*known.values()))).score,
        "exact": float(np.mean([texts[english] in every for english, every in known.items()])),
    }


def picture(path, history, said):
    """The loss, and for some sentences which of their words were looked at for each word that was said."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.2 * len(said) + 4, 3.6), layout="constrained")
    ((loss, *images),) = figure.subplots(1, len(said) + 1, squeeze=False)
    for name in ("train_loss", "validation_loss"):
        loss.plot([row["epoch"] for row in history.rows], [row[name] for row in history.rows], label=name[:-5])
    loss.set(xlabel="epoch", ylabel="loss (nats a word)")
    loss.legend(frameon=False)
    for image, (text, (words, weights)) in zip(images, said.items()):
        image.imshow(weights[:, : len(to_words(text))], cmap="Greys", vmin=0, vmax=1)
        image.set_xticks(range(len(to_words(text))), to_words(text), rotation=60)
        image.set_yticks(range(len(words)), words)
    figure.savefig(path, dpi=120)


def main():
    args = arguments()
    net = importlib.import_module(args.backend)
    train, held_out = hold_out(read_pairs(args.data), lambda pair: plain(pair[0]), 0.1, args.seed)
    texts = [" ".join(" ".join(to_words(text)) for text in side) for side in zip(*train)]
    source, target = (net.Vocabulary.from_text(text, "word", min_count=2, special=(BEGIN, END)) for text in texts)

    def encode(text):
        return source.encode(" ".join(to_words(text)))

    def batches(pairs, **options):
        said = [target.encode(" ".join([*to_words(french), END])) for _, french in pairs]
        return net.PairBatches([encode(english) for english, _ in pairs], said, BATCH, args.seed, **options)

    learning, asked = batches(train), batches([pair for pairs in held_out.values() for pair in pairs], shuffle=False)
    model = model_for(net, args, len(source), len(target))
    rate = net.CosineSchedule(RATE, args.epochs * len(learning))
    trainer = net.Trainer(model, net.Adam(rate, clip_norm=1.0), learning, asked)
    history = trainer.fit(epochs=args.epochs, seconds=args.seconds)
    said = translated(net, model, encode, target, [*held_out, *args.translate], args.beam)
    texts = {english: from_words(words) for english, (words, _) in said.items()}
    result = {"backend": args.backend, "seconds": trainer.seconds, **scores(texts, held_out)}
    print("BLEU {bleu:.2f}, against all references {bleu_all_references:.2f}, exact {exact:.3f}".format(**result))
    for english in [*list(held_out)[:5], *args.translate]:
        print(f"{english}  ->  {texts[english]}")
    if args.plot:
        right = [e for e, pairs in held_out.items() if texts[e] in [plain(french) for _, french in pairs]]
        shown = args.translate or sorted(right, key=lambda english: -len(said[english][0]))[:3]
        picture(args.plot, history, {e: said[e] for e in shown if said[e][1] is not None})
    if args.json:
        Path(args.json).write_text(json.dumps({**result, "rows": history.rows}, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
