"""The GRU and the loss of a book (Weidman 2019, chapter 6), with its errors E1 to E5, and each of them corrected.

python examples/errata.py --plot docs/pictures/errata.png     train each version for 200 steps
python -m numnet.check examples/errata.py:BookGRU             check the gradients

docs/errata.md explains the errors.
"""

import argparse

import numpy as np

import numnet
from numnet.layers.activations import sigmoid
from numnet.layers.losses import Loss


class BookGRU(numnet.Node):
    """One step of the book's GRU. x (D, B), state (h, k), each (H, B); k' is k of the previous step.

        a = W_x x + b                          (0)   E1: the rows of u are W_xr x + b_u, with r's weights for u's
        r = σ(a_r + W_r k')                    (1)   reset gate
        u = σ(a_u + W_r k')                    (2)   update gate; E1: W_r for W_u
        m = r ⊙ k'                             (3)
        n = tanh(a_n + W_n m)                  (4)   candidate
        h = u ⊙ k' + (1 - u) ⊙ n               (5)   what the layer above reads, the output y
        k = h                                  (6)   what the next step reads

    In the backward pass, dh = dy + dh_next comes from the layer above and dk_next from the next step. Because k = h,
    the upstream gradient of (5) is their sum; E2 uses only dk_next. E3: the gradient of the first term of (5) with
    respect to k' is missing. The rest of the backward pass is correct for the equations without E1.
    """

    G = 3
    gates = ("r", "u", "n")
    states = ("h", "k")

    W_r = property(lambda self: self.blocks(self.W_h)[0])
    W_u = W_r  # E1

    def inputs(self, x):
        a_r, _, a_n = np.split(super().inputs(x), 3, axis=1)
        b_r, b_u, _ = self.b.reshape(3, -1, 1)
        return np.concatenate([a_r, a_r - b_r + b_u, a_n], axis=1)  # (0) E1

    def step(self, a_x, h_prev, k_prev):
        a_r, a_u, a_n = self.blocks(a_x)
        W_n = self.blocks(self.W_h)[2]
        r = sigmoid(a_r + self.W_r @ k_prev)  # (1)
        u = sigmoid(a_u + self.W_u @ k_prev)  # (2)
        m = r * k_prev  # (3)
        n = np.tanh(a_n + W_n @ m)  # (4)
        h = u * k_prev + (1 - u) * n  # (5)
        k = h.copy()  # (6)
        return h, (h, k), (k_prev, r, u, m, n)

    def step_backward(self, dy, dh_next, dk_next, saved):
        k_prev, r, u, m, n = saved
        W_r, W_u, W_n = self.blocks(self.W_h)
        dh = dk_next  # (6) E2: without dy + dh_next
        du = dh * (k_prev - n)  # (5)
        dn = dh * (1 - u)  # (5)
        da_n = dn * (1 - n**2)  # (4)
        dm = W_n.T @ da_n  # (4)
        dr = dm * k_prev  # (3)
        da_u = du * u * (1 - u)  # (2)
        da_r = dr * r * (1 - r)  # (1)
        dk_prev = dm * r + W_u.T @ da_u + W_r.T @ da_r  # (3) (2) (1) E3: without dh * u of (5)
        da_ru, dh_prev = np.concatenate([da_r, da_u]), np.zeros_like(k_prev)  # no equation reads h'
        da_x = np.concatenate([da_ru, da_n])
        return da_x, (dh_prev, dk_prev), {"W_h": [(da_ru, k_prev), (da_n, m)]}  # (1) (2) (4)


class WithoutE1(BookGRU):
    """The update gate has its own weights, as the backward pass assumes."""

    W_u = property(lambda self: self.blocks(self.W_h)[1])  # (2)
    inputs = numnet.Node.inputs  # (0)


class WithoutE2(WithoutE1):
    """The gradient from the layer above is added."""

    def step_backward(self, dy, dh_next, dk_next, saved):
        return super().step_backward(dy, dh_next, dy + dh_next + dk_next, saved)  # (6)


class WithoutE3(WithoutE2):
    """The gradient of u ⊙ k' with respect to k' is added. This version is correct."""

    def step_backward(self, dy, dh_next, dk_next, saved):
        da_x, (dh_prev, dk_prev), pairs = super().step_backward(dy, dh_next, dk_next, saved)
        u, dh = saved[2], dy + dh_next + dk_next
        return da_x, (dh_prev, dk_prev + dh * u), pairs  # (5)


class BookLoss(Loss):
    """The book's softmax cross-entropy of logits x (B, T, V) and classes (B, T); t is the target as one-hot.

    p = softmax(x)                              (1)
    ℓ = -Σ t log p - Σ (1 - t) log (1 - p)      (2)   E4: the second sum is that of V binary cross-entropies
    L = Σ ℓ                                     (3)   E5: over batch and time
    dx = p - t                                  (2) (1)   the gradient of the first sum only
    """

    def places(self, shape):
        return shape[:-1]

    def terms(self, prediction, target, weights):
        p, t = numnet.Softmax()(prediction), np.eye(prediction.shape[-1])[target]  # (1)
        return self.of(p, t).sum(axis=-1), p - t  # (2)

    def of(self, p, t):
        return -t * np.log(p) - (1 - t) * np.log(1 - p)  # (2) E4

    def forward(self, prediction, target, mask=None):
        return super().forward(prediction, target, mask) * self.counted  # (3) E5: the mean becomes the sum

    def backward(self, dy=1.0):
        return super().backward(dy * self.counted)  # (3)


class LossWithoutE4(BookLoss):
    """Cross-entropy, still a sum. numnet.SoftmaxCrossEntropy corrects E5 as well."""

    def of(self, p, t):
        return -t * np.log(p)  # (2)


ONES = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen".split()  # noqa: SIM905
ONES += [f"{ten}teen" for ten in ("fif", "six", "seven", "eigh", "nine")]
TENS = [f"{ten}ty" for ten in ("twen", "thir", "for", "fif", "six", "seven", "eigh", "nine")]


def counting() -> str:
    """Return zero one two ... nine hundred ninety-nine."""
    words = ONES + [ten + one for ten in TENS for one in ("", *(f"-{one}" for one in ONES[1:10]))]
    hundreds = [f"{one} hundred {word}".rstrip() for one in ONES[1:10] for word in ("", *words[1:])]
    return " ".join(words + hundreds)


def remembering() -> str:
    """Return g....g f....f e....e ...: the letter after the dots is the letter before them."""
    return " ".join(f"{c}....{c}" for c in np.random.default_rng(0).choice(list("abcdefgh"), 1000))


NODES = (BookGRU, WithoutE1, WithoutE2, WithoutE3)
TEXTS = (counting, remembering)


def train(node, text, steps=200):
    """Train a small character model with this node. Return the loss and the change of each parameter, step by step."""
    vocabulary = numnet.Vocabulary.from_text(text)
    V = len(vocabulary)
    layers = [numnet.Embedding(V, 16), numnet.RecurrentLayer(node(24), output_size=V)]
    model = numnet.RNNModel(layers, numnet.SoftmaxCrossEntropy(), input_size=V, dtype="float64")
    first, states = model.state_dict(), []
    batches = numnet.SequentialBatches(vocabulary.encode(text), batch_size=8, sequence_length=24)
    store = numnet.Callback(on_step=lambda trainer: states.append(model.state_dict()))
    trainer = numnet.Trainer(model, numnet.AdaGrad(0.1), batches, progress=False, callbacks=[store])
    losses = trainer.fit(steps).losses
    return losses, [{name: np.abs(p - first[name]).max() for name, p in state.items()} for state in states]


def plot(runs, path) -> None:
    """Draw the losses on both texts, averaged over ten steps, and the largest change of W_h."""
    numnet.require_plot(path)
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.6, 3.2), layout="constrained")
    panels = figure.subplots(1, 3)
    names = ("as in the book", "without E1", "without E1, E2", "without E1, E2, E3")
    styles = ({"color": "C3", "linewidth": 3}, {"color": "black", "linestyle": ":"}, {"color": "C1"}, {"color": "C0"})
    for node, name, style in zip(NODES, names, styles):
        for axes, text in zip(panels, TEXTS):
            losses = runs[text, node][0]
            axes.plot(range(10, len(losses) + 1), np.convolve(losses, np.full(10, 0.1), "valid"), label=name, **style)
        panels[2].plot([step["layers.1.W_h"] for step in runs[remembering, node][1]], **style)
    for axes, title in zip(panels, ("loss: counting", "loss: remembering", "largest change of W_h: remembering")):
        axes.set_title(title, fontsize=10)
        axes.set_xlabel("step")
        axes.grid(alpha=0.3)
    for axes in panels[:2]:
        axes.set_ylim(bottom=0)
    panels[0].legend(frameon=False, fontsize=8)
    figure.savefig(path, dpi=80)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plot", metavar="FILE.png", help="draw the losses of each version")
    parser.add_argument("--steps", type=int, default=200, help="steps of AdaGrad (default 200; at least 10 for a plot)")
    args = parser.parse_args()
    runs = {(text, node): train(node, text(), args.steps) for text in TEXTS for node in NODES}
    for (text, node), (losses, moved) in runs.items():
        print(f"{text.__name__:11}  {node.__name__:9}  loss {np.mean(losses[-20:]):.2f}", end="  ")
        print(f"largest change of W_h {moved[-1]['layers.1.W_h']:.2f}")
    if args.plot:
        plot(runs, args.plot)


if __name__ == "__main__":
    main()
