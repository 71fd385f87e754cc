"""A node of one's own, trained on text, on either backend: docs/your_own_node.md tells how it was made.

python examples/your_own_node.py                                    half a minute on the text that ships with Python
python examples/your_own_node.py --backend torchnet --text FILE     its twin, on a text of one's own
python -m numnet.check examples/your_own_node.py:UGRNNNode          is its way back right?
"""

import argparse
import importlib

import numpy as np

import numnet
from numnet.activations import sigmoid


class UGRNNNode(numnet.Node):
    """One step of the update gate RNN (Collins et al. 2017), x (D, B), h (H, B); h' is the state before.

        a = W_x x + b                  (0)   a (2H, B), the rows of g, c; for all steps at once: see numnet/node.py
        g = σ(a_g + W_g h')            (1)   the gate
        c = tanh(a_c + W_c h')         (2)   candidate
        h = g ⊙ h' + (1 - g) ⊙ c       (3)   computed as c + g ⊙ (h' - c)

    W_x (2H, D), W_h (2H, H) = W_g over W_c, b (2H,).
    """

    G = 2
    gates = ("g", "c")
    passes_state = True
    bounded = True

    def step(self, s, t):
        (g, c), h_prev = s.gates[:, t], s.h[t]
        s.a[t] += self.W_h @ s.h_met[t]  # (1) (2)
        g[...] = sigmoid(g)  # (1)
        np.tanh(c, c)  # (2)
        s.h_new[t] = c + g * (h_prev - c)  # (3)

    def step_backward(self, s, t):
        k = t % s.chunk_steps
        (g, c), (dg, dc), h_prev, dh = s.gates[:, t], s.d_gates[:, k], s.h[t], s.dh
        dg[...] = dh * (h_prev - c) * g * (1 - g)  # (3) (1)
        dc[...] = dh * (1 - g) * (1 - c * c)  # (3) (2)
        d_met = s.W_hT @ s.da[k]  # (1) (2)
        dh *= g  # (3)
        dh += d_met if s.drop is None else d_met * s.drop


def twin():
    """The same step for torchnet: the equations alone, for autograd goes back. PyTorch is imported only now."""
    import torch

    import torchnet

    class UGRNNNode(torchnet.Node):
        """One step of the update gate RNN."""

        G = 2

        def step(self, a, state, h_met, W_h):
            a_g, a_c = (a + W_h[0] @ h_met).chunk(2)
            g, c = torch.sigmoid(a_g), torch.tanh(a_c)  # (1) (2)
            return (g * state[0] + (1 - g) * c,)  # (3)

    return UGRNNNode


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", choices=["numnet", "torchnet"], default="numnet")
    parser.add_argument("--text", metavar="FILE", help="a UTF-8 file; without it, Python's own language reference")
    parser.add_argument("--seconds", type=float, default=30)
    args = parser.parse_args()
    net = importlib.import_module(args.backend)
    node = UGRNNNode if args.backend == "numnet" else twin()

    text = net.data.read_text(args.text) if args.text else net.data.default_text()
    vocabulary = net.Vocabulary.from_text(text)
    train, validation = (vocabulary.encode(part) for part in net.data.split(text, validation_fraction=0.1))
    model = net.RNNModel(
        [net.RecurrentLayer(node(128)), net.Dense(len(vocabulary))], net.SoftmaxCrossEntropy(), len(vocabulary)
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
