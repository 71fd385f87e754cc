"""A language model whose smallest possible loss is known: words of a small English, held against its true entropy.

python examples/small_english.py                                    half a minute of one thread, no data needed
python examples/small_english.py --backend torchnet --plot floor.png --json result.json
"""

import argparse
import importlib
import json
import time
from pathlib import Path

import numpy as np

BEGIN, END = 1, 2  # the numbers of <bos> and <eos>
FRESH = 10**9  # the number of the first sentence to validate on, far from those to train on


def encoded(english, vocabulary, n, first):
    """Sentences as (x, y), <bos> w1 ... wn to w1 ... wn <eos>, and their own -log p, nats a token."""
    sentences = list(english.sentences(n, first))
    words = [vocabulary.encode(str(sentence)) for sentence in sentences]
    x, y = [np.r_[BEGIN, w] for w in words], [np.r_[w, END] for w in words]
    return x, y, -sum(sentence.log_probability for sentence in sentences) / sum(map(len, y))


def sampled(model, vocabulary, n, seed):
    """n sentences that the model says: all begin at once, each word is drawn and read again, until <eos>."""
    rng, state, rows = np.random.default_rng(seed), None, np.full((n, 1), BEGIN)
    for _ in range(30):
        scores = model.predict(rows[:, -1:], state)[:, -1]
        rows = np.c_[rows, (scores + rng.gumbel(size=scores.shape)).argmax(1)]  # as likely as softmax says
        state = model.last_state
    return [vocabulary.decode(row[1 : [*row, END].index(END)]) for row in rows]


def known(english, sentence):
    """Whether the grammar could have said it, too."""
    try:
        return bool(english.parse(sentence))
    except ValueError:
        return False


def plot(rows, sentences, floor, entropy, path):
    """The validation loss by how much was read, and what it cannot be less than."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.subplots()
    losses = [row["validation_loss"] for row in rows]
    read = [row["epoch"] * sentences for row in rows]
    axes.plot(read, losses, "o-", markersize=3, label="model, on sentences it has not seen")
    axes.axhline(floor, color="black", linewidth=1, label="the grammar's own -log p of the same sentences")
    axes.axhline(entropy, color="black", linewidth=1, linestyle=":", label="its entropy, exact")
    axes.axhspan(floor, 1.03 * floor, color="0.9", label="within 3 % of the floor")
    axes.set(xlabel=f"sentences read, {sentences:,} an epoch", ylabel="validation loss (nats a token)")
    axes.set_ylim(0.98 * floor, min(1.01 * losses[0], 1.35 * floor))
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    figure.savefig(path, dpi=120)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--backend", choices=["numnet", "torchnet"], default="numnet")
    add("--sentences", type=int, default=60_000, help="to train on")
    add("--epochs", type=int, default=2)
    add("--seconds", type=float, help="stop then, if the epochs are not over")
    add("--seed", type=int, default=0, help="of the weights and of the order; the sentences stay the same")
    add("--json", metavar="FILE", help="what came out, for a program")
    add("--plot", metavar="FILE.png", help="the loss and its floor")
    args = parser.parse_args()
    net, begun = importlib.import_module(args.backend), time.perf_counter()
    if args.plot:
        net.require_plot(args.plot)

    english = net.data.English()
    vocabulary = net.Vocabulary(["<unk>", "<bos>", "<eos>", *english.words], "word")
    x, y, _ = encoded(english, vocabulary, args.sentences, 0)
    x_fresh, y_fresh, floor = encoded(english, vocabulary, 4000, FRESH)
    V = len(vocabulary)
    model = net.RNNModel(
        [net.Embedding(V, 32), net.LSTMLayer(64), net.Dense(V)], net.SoftmaxCrossEntropy(), V, seed=args.seed
    )
    batches = net.SequenceBatches(x, y, batch_size=32, seed=args.seed)
    held_out = net.SequenceBatches(x_fresh, y_fresh, batch_size=250)
    steps = args.epochs * len(batches)
    schedule = net.CosineSchedule(0.01, steps=steps, warmup=min(20, steps - 1), final=1e-4)
    every = max(100, steps // 20)
    trainer = net.Trainer(model, net.Adam(schedule, clip_norm=1.0), batches, held_out, evaluate_every=every)
    rows = trainer.fit(epochs=args.epochs, seconds=args.seconds).rows

    said = sampled(model, vocabulary, 200, args.seed)
    loss, entropy, right = rows[-1]["validation_loss"], english.entropy_rate, np.mean([known(english, s) for s in said])
    seconds, busy = time.perf_counter() - begun, time.process_time()
    print(*said[:5], sep="\n")
    print(f"{right:.1%} of {len(said)} sentences that the model says are sentences of the grammar")
    print(f"validation loss {loss:.4f} nats a token, after {seconds:.0f} s, {busy:.0f} s of them computing")
    print(f"the grammar's own on the same sentences {floor:.4f}, the model's is {loss / floor - 1:.2%} above")
    print(f"its entropy, exact, {entropy:.4f}, the model's is {loss / entropy - 1:.2%} above")
    if args.json:
        result = {"backend": args.backend, "seed": args.seed, "steps": trainer.step, "seconds": seconds, "busy": busy}
        result |= {"validation_loss": loss, "floor": floor, "entropy": entropy, "right": right, "rows": rows}
        result |= {"loss_by_floor": loss / floor, "loss_by_entropy": loss / entropy, "losses": trainer.history.losses}
        Path(args.json).write_text(json.dumps(result) + "\n", encoding="utf-8")
    if args.plot:
        plot(rows, args.sentences, floor, entropy, args.plot)


if __name__ == "__main__":
    main()
