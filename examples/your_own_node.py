"""Define a node of your own and train it on text, on either backend: docs/your_own_node.md explains it.

python examples/your_own_node.py                                    half a minute on the text that ships with Python
python examples/your_own_node.py --backend torchnet --text FILE     the same on PyTorch, on your own text
python -m numnet.check examples/your_own_node.py:UGRNNNode          check its gradients
"""

import argparse
import importlib

import numpy as np

import numnet
from numnet.layers.activations import sigmoid
from numnet.recurrent.node import dropped


class UGRNNNode(numnet.Node):
    """One time step of the update gate RNN (Collins et al. 2017).

        g = σ(a_g + W_g h')            (1)   the gate; a_x = W_x x + b  (0), its rows a_g and a_c
        c = tanh(a_c + W_c h')         (2)   candidate
        h = g ⊙ h' + (1 - g) ⊙ c       (3)   hidden state, and the output y

    h' is h of the previous step. Shapes: h (H, B); a_x (2H, B); W_x (2H, D), W_h (2H, H) = W_g over W_c, b (2H,).
    `drop` is a mask of state dropout, or None: W_h reads h_in = h' ⊙ drop, and (3) reads h' itself.
    """

    G = 2
    gates = ("g", "c")

    def step(self, a_x, h_prev, drop=None):
        h_in = dropped(h_prev, drop)
        a_g, a_c = self.blocks(a_x + self.W_h @ h_in)  # (1) (2)
        g, c = sigmoid(a_g), np.tanh(a_c)  # (1) (2)
        h = g * h_prev + (1 - g) * c  # (3)
        return h, (h,), (h_prev, h_in, g, c)

    def step_backward(self, dy, dh_next, saved, drop=None):
        h_prev, h_in, g, c = saved
        dh = dy + dh_next
        dg, dc = dh * (h_prev - c), dh * (1 - g)  # (3)
        da = np.concatenate([dg * g * (1 - g), dc * (1 - c**2)])  # (1) (2)
        dh_prev = dh * g + dropped(self.W_h.T @ da, drop)  # (3), and (1) and (2), which both read h_in
        return da, (dh_prev,), {"W_h": (da, h_in)}  # (1) (2)


def on_torch():
    """Return the same node for torchnet, where autograd computes the gradients. PyTorch is imported only here."""
    import torch

    import torchnet
    from torchnet.recurrent.node import dropped

    class UGRNNNode(torchnet.Node):
        """One time step of the update gate RNN."""

        G = 2

        def step(self, a_x, h_prev, drop=None):
            a_g, a_c = self.blocks(a_x + self.W_h @ dropped(h_prev, drop))  # (1) (2)
            g, c = torch.sigmoid(a_g), torch.tanh(a_c)  # (1) (2)
            h = g * h_prev + (1 - g) * c  # (3)
            return h, (h,)

    return UGRNNNode


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", choices=["numnet", "torchnet"], default="numnet")
    parser.add_argument("--text", metavar="FILE", help="a UTF-8 file; without it, Python's own language reference")
    parser.add_argument("--seconds", type=float, default=30)
    args = parser.parse_args()
    net = importlib.import_module(args.backend)
    node = UGRNNNode if args.backend == "numnet" else on_torch()

    text = net.data.read_text(args.text) if args.text else net.data.default_text()
    vocabulary = net.Vocabulary.from_text(text)
    train, validation = (vocabulary.encode(part) for part in net.data.split(text, validation_fraction=0.1))
    model = net.RNNModel(
        [net.RecurrentLayer(node(128)), net.Dense(len(vocabulary))],
        net.SoftmaxCrossEntropy(),
        input_size=len(vocabulary),
    )
    batches = net.SequentialBatches(train, batch_size=32, sequence_length=50)
    held_out = net.SequentialBatches(validation, batch_size=32, sequence_length=50, whole=True)
    trainer = net.Trainer(model, net.Adam(learning_rate=3e-3, clip_norm=1.0), batches, held_out)
    history = trainer.fit(seconds=args.seconds)
    for row in history.rows:
        print(f"step {row['step']}  train {row['train_loss']:.3f}  validation {row['validation_loss']:.3f}")
    print(net.generate(model, vocabulary, prompt="The ", length=300, temperature=0.8))


if __name__ == "__main__":
    main()
