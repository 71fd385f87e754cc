"""Train a language model on a small English, and compare its loss with the true entropy, the lowest possible loss.

python examples/small_english.py                                    half a minute on one thread, no data needed
python examples/small_english.py --backend torchnet --plot floor.png --json result.json
"""

import numpy as np
import task

BEGIN, END = 1, 2  # the ids of <bos> and <eos>
FRESH = 10**9  # the number of the first validation sentence, far from the training sentences

parser = task.options(__doc__ or "", None, epochs=2, learning_rate=0.01)
parser.add_argument("--sentences", type=task.positive_int, default=60_000, help="for training (default %(default)s)")


def encoded(english, vocabulary, n, first):
    """Return sentences as rows (x, y), <bos> w1 ... wn and w1 ... wn <eos>, and their true -log p in nats per token."""
    sentences = list(english.sentences(n, first))
    words = [vocabulary.encode(str(sentence)) for sentence in sentences]
    rows = [(np.r_[BEGIN, w], np.r_[w, END]) for w in words]
    return rows, -sum(sentence.log_probability for sentence in sentences) / sum(len(y) for _, y in rows)


def sampled(model, vocabulary, n, seed):
    """Sample n sentences from the model in parallel; each word is sampled and fed back, until <eos>."""
    rng, state, rows = np.random.default_rng(seed), None, np.full((n, 1), BEGIN)
    for _ in range(30):
        scores = model.predict(rows[:, -1:], state)[:, -1]
        rows = np.c_[rows, (scores + rng.gumbel(size=scores.shape)).argmax(1)]  # sampled from softmax
        state = model.last_state
    return [vocabulary.decode(row[1 : [*row, END].index(END)]) for row in rows]


def grammatical(english, sentence):
    """Return whether the grammar can produce the sentence."""
    try:
        return bool(english.parse(sentence))
    except ValueError:
        return False


def draw(figure, rows, sentences, floor, entropy):
    """Draw the validation loss by the number of training sentences, and its lower bound."""
    figure.set_size_inches(7, 4.2)
    axes = figure.subplots()
    losses = [row["validation_loss"] for row in rows]
    read = [row["epoch"] * sentences for row in rows]
    axes.plot(read, losses, "o-", markersize=3, label="model, on held-out sentences")
    axes.axhline(floor, color="black", linewidth=1, label="the grammar's own -log p of the same sentences")
    axes.axhline(entropy, color="black", linewidth=1, linestyle=":", label="its entropy, exact")
    axes.axhspan(floor, 1.03 * floor, color="0.9", label="within 3 % of the floor")
    axes.set(xlabel=f"sentences read, {sentences:,} an epoch", ylabel="validation loss (nats a token)")
    axes.set_ylim(0.98 * floor, min(1.01 * losses[0], 1.35 * floor))
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)


def main(net, args):
    english = net.data.English()
    vocabulary = net.Vocabulary(["<unk>", "<bos>", "<eos>", *english.words], "word")
    learned, _ = encoded(english, vocabulary, args.sentences, 0)
    fresh, floor = encoded(english, vocabulary, 4000, FRESH)
    data = task.batches_of(net, args, learned, fresh)
    V, loss = len(vocabulary), net.SoftmaxCrossEntropy()
    model = net.RNNModel(
        [net.Embedding(V, 32), net.LSTMLayer(64), net.Dense(V)], loss, input_size=V, seed=args.seed, device=args.device
    )
    every = max(100, round(args.epochs * len(data[0])) // 20)
    trainer = task.train(net, args, model, data, evaluate_every=every)

    samples, rows = sampled(model, vocabulary, 200, args.seed), trainer.history.rows
    reached, entropy = rows[-1]["validation_loss"], english.entropy_rate
    right = float(np.mean([grammatical(english, sentence) for sentence in samples]))
    print(*samples[:5], sep="\n")
    print(f"{right:.1%} of {len(samples)} sentences sampled from the model are grammatical")
    print(f"loss of the grammar on these sentences: {floor:.4f}; the model's loss is {reached / floor - 1:.2%} higher")
    print(f"exact entropy of the grammar: {entropy:.4f}; the model's loss is {reached / entropy - 1:.2%} higher")
    figures = {"validation_loss": reached, "floor": floor, "entropy": entropy, "right": right}
    figures |= {"loss_by_floor": reached / floor, "loss_by_entropy": reached / entropy}
    task.finish(args, trainer, lambda figure: draw(figure, rows, args.sentences, floor, entropy), **figures)


if __name__ == "__main__":
    task.run(parser, main)
