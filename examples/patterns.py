"""The five patterns of sequence problems, each with a tiny task that is learned in seconds: see docs/patterns.md.

python examples/patterns.py                                   all five; the progress bar is on standard error
python examples/patterns.py --pattern after --backend torchnet --plot patterns.png
"""

import argparse
import json
from itertools import product

import numpy as np
import task

from numnet import Softmax

NAMES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
LETTERS = ["_", *sorted(set("".join(NAMES)))]  # _ ends a word


def words(letters, lengths):
    """Return all words of these letters and lengths."""
    return [np.array(word) for length in lengths for word in product(letters, repeat=length)]


def one_to_one(net, rng, **options):
    """Is a point inside the circle? There is one step, so no memory is needed."""
    x = rng.uniform(-1, 1, (600, 1, 2))
    inside = (np.linalg.norm(x, axis=-1) < 0.7).astype(int)
    model = net.RNNModel([net.Dense(16), net.Tanh(), net.Dense(2)], net.SoftmaxCrossEntropy(), input_size=2, **options)
    return model, [*x], [*inside], ["", ["outside", "inside"]]


def one_to_many(net, rng, **options):
    """The input is a digit, then nothing; the output is its name, letter by letter. There are only ten examples."""
    x = [np.array([digit] + [10] * len(name)) for digit, name in enumerate(NAMES)] * 20  # 10: nothing
    letters = [np.array([LETTERS.index(letter) for letter in name + "_"]) for name in NAMES] * 20
    model = net.RNNModel(
        [net.LSTMLayer(32), net.Dense(len(LETTERS))], net.SoftmaxCrossEntropy(), input_size=11, **options
    )
    return model, x, letters, ["0123456789 ", LETTERS]


def many_to_one(net, rng, **options):
    """Which letter occurs more often in a word, a or b? One output, after the last letter."""
    x = words([0, 1], [1, 3, 5, 7, 9])
    more_b = [int(word.mean() > 0.5) for word in x]
    layers = [net.GRULayer(16, return_sequences=False), net.Dense(2)]
    return net.RNNModel(layers, net.SoftmaxCrossEntropy(), input_size=2, **options), x, more_b, ["ab", "ab"]


def after_the_end(net, rng, **options):
    """The output is the input word backwards, after its end: the decoder starts from the encoder's last state."""
    parts = {"embed": net.Embedding(6, 16), "encoder": net.GRULayer(64), "decoder": net.GRULayer(64)}
    tape = net.Tape(**options, **parts, dense=net.Dense(6), loss=net.SoftmaxCrossEntropy())

    def logits(x, decoded, lengths):
        tape.encoder(tape.embed(x), None, lengths)
        return tape.dense(tape.decoder(tape.embed(decoded), tape.encoder.last_state))

    def objective(x, target, lengths):  # in training the decoder reads the previous target tokens
        return tape.loss(logits(x, np.pad(target[:, :-1], [(0, 0), (1, 0)]), lengths), target, lengths)

    def predict(x, lengths):  # otherwise it reads its own output
        decoded = np.zeros((len(x), 1), int)  # 0 is the first and the last token
        for _ in range(x.shape[1]):
            scores = np.asarray(logits(x, decoded, lengths).value)
            decoded = np.append(decoded, scores[:, -1:].argmax(axis=-1), axis=1)
        return scores

    tape.objective, tape.predict = objective, predict
    x = words(range(1, 6), [2, 3, 4])
    return tape, [np.append(word, 0) for word in x], [np.append(word[::-1], 0) for word in x], ["_abcde", "_abcde"]


def in_step(net, rng, **options):
    """The inputs are the bits of two numbers, lowest first, the outputs those of their sum: the state is the carry."""
    a, b = rng.integers(0, 2**7, (2, 400, 1))
    x, sums = 2 * (a >> np.arange(8) & 1) + (b >> np.arange(8) & 1), a + b >> np.arange(8) & 1
    model = net.RNNModel([net.RNNLayer(16), net.Dense(2)], net.SoftmaxCrossEntropy(), input_size=4, **options)
    return model, [*x], [*sums], [["0+0", "0+1", "1+0", "1+1"], "01"]


PATTERNS = {"one": one_to_one, "many": one_to_many, "last": many_to_one, "after": after_the_end, "step": in_step}
EPOCHS = {"one": 100, "many": 80, "last": 15, "after": 25, "step": 20}


def learn(net, name, args):
    """Train one pattern. Return the model, the names of inputs and classes, held-out examples, and the history."""
    rng = np.random.default_rng(args.seed)
    model, x, target, read = PATTERNS[name](net, rng, seed=args.seed, device=args.device)
    order = rng.permutation(len(x))
    parts = [([x[k] for k in rows], [target[k] for k in rows]) for rows in np.split(order, [len(x) - len(x) // 6])]
    batches, held_out = (
        net.SequenceBatches(*part, n, args.seed) for part, n in zip(parts, (args.batch_size, len(x) // 6))
    )
    args = argparse.Namespace(**{**vars(args), "epochs": args.epochs or EPOCHS[name]})
    trainer = task.train(net, args, model, (batches, None), evaluate_every=10**9, token="step")
    return model, read, next(held_out.epoch()), trainer.history


def right(model, x, target, lengths):
    """Return the fraction of the examples in which every output is correct."""
    correct = model.predict(x, lengths=lengths).argmax(axis=-1) == target
    padding = np.arange(x.shape[1]) >= lengths[:, None]
    return float((correct if target.ndim == 1 else (correct | padding).all(axis=1)).mean())


def likely(model, x, lengths):
    """Return the probability of each class."""
    return Softmax()(model.predict(x, lengths=lengths))


def draw(axes, name, model, read, x, target, lengths):
    """Draw the class probabilities at each step of one example, or over the plane; a ring marks the correct class."""
    axes.set_title(PATTERNS[name].__name__.replace("_", " "))
    if name == "one":
        line = np.linspace(-1, 1, 61)
        plane = np.stack(np.meshgrid(line, line), axis=-1)
        inside = likely(model, plane.reshape(-1, 1, 2), np.ones(61 * 61, int))[:, 0, 1]
        axes.imshow(inside.reshape(61, 61), "Greys", origin="lower", extent=(-1, 1, -1, 1), vmin=0, vmax=1)
        axes.contour(line, line, np.linalg.norm(plane, axis=-1), [0.7], colors="tab:red")
        return
    k = lengths.argmax()
    T = lengths[k]
    if name == "last":  # after each step, as if the word ended there
        found, steps = likely(model, np.tile(x[k, :T], (T, 1)), 1 + np.arange(T)), np.array([T - 1])
    else:
        found, steps = likely(model, x[k : k + 1, :T], lengths[k : k + 1])[0], np.arange(T)
    axes.imshow(found.T, "Greys", vmin=0, vmax=1, aspect="auto")
    axes.plot(steps, target[k].reshape(-1)[: len(steps)], "o", mfc="none", color="tab:red")
    inputs = [read[0][token] for token in x[k, :T]]
    axes.set_xlabel(f"after the input {' '.join(inputs)}" if name == "after" else "input")
    axes.set_xticks(range(T), [""] * T if name == "after" else inputs)
    axes.set_yticks(range(len(read[1])), read[1])


parser = task.options(__doc__, None, None, batch_size=20, learning_rate=0.01)
parser.add_argument("--pattern", choices=PATTERNS, nargs="+", default=[*PATTERNS], help="default: all")


def main(net, args):
    found, figure = {}, None
    if args.plot:
        from matplotlib.figure import Figure

        figure = Figure(figsize=(3.6 * len(args.pattern), 3.2), layout="constrained")
    for k, name in enumerate(args.pattern, 1):
        model, read, examples, history = learn(net, name, args)
        found[name] = {"right": right(model, *examples), "losses": history.losses}
        print(f"{name:6}{found[name]['right']:7.1%} correct  {PATTERNS[name].__doc__}")
        if figure:
            draw(figure.add_subplot(1, len(args.pattern), k), name, model, read, *examples)
    if figure:
        figure.savefig(task.output_path(args.plot), dpi=100)
    if args.json:
        task.output_path(args.json).write_text(json.dumps({"backend": args.backend, **found}), encoding="utf-8")


if __name__ == "__main__":
    task.run(parser, main)
