"""Looks inside recurrent networks: how far a gradient reaches, what gates of a small model do, and a learning rate.

python examples/looking_inside.py                                            the figures, as text
python examples/looking_inside.py --plot-norms norms.png --plot-gates gates.png --plot-rates rates.png
python examples/looking_inside.py --backend torchnet                         the same on PyTorch
"""

import argparse
import importlib

import numpy as np

STEPS, HIDDEN, FEATURES, BATCH = 100, 64, 8, 32
LAYERS: dict[str, tuple[str, dict]] = {
    "RNN, 2 × an orthogonal W_h": ("RNNLayer", {"initial": "orthogonal"}),
    "RNN": ("RNNLayer", {}),
    "GRU": ("GRULayer", {}),
    "LSTM": ("LSTMLayer", {}),
    "LSTM, forget_bias=3": ("LSTMLayer", {"forget_bias": 3.0}),
}
EXAMPLE = 'ab ca cb"BA CAB B"c ac b"AB"cba a"C BACA"bc'


def norms(net):
    """‖∂L/∂h_t‖ of new networks, for one target after the last of 100 random inputs."""
    rng = np.random.default_rng(0)
    x, target = rng.standard_normal((BATCH, STEPS, FEATURES)), rng.standard_normal((BATCH, 1))
    found = {}
    for name, (kind, options) in LAYERS.items():
        layer = getattr(net, kind)(HIDDEN, return_sequences=False, **options)
        model = net.RNNModel([layer, net.Dense(1)], net.MeanSquaredError(), input_size=FEATURES, seed=0)
        if name.startswith("RNN, 2"):
            layer.params["W_h"] = 2 * layer.state_dict()["W_h"]
        found[name] = net.gradient_norms(model, x, target)["layers.0"]
    return found


def quotes(count=1500):
    """A text of random letters: in lower case, and in capitals between quotation marks."""
    rng, text = np.random.default_rng(0), ""
    for _ in range(count):
        plain, quoted = ("".join(rng.choice([*"abc "], rng.integers(3, 9))) for _ in range(2))
        text += f'{plain}"{quoted.upper()}"'
    return text


def new_model(net, hidden_size):
    """An LSTM that predicts the next character of that text, with its initial weights; its vocabulary and batches."""
    vocabulary = net.Vocabulary.from_text(quotes())
    V = len(vocabulary)
    model = net.RNNModel([net.LSTMLayer(hidden_size), net.Dense(V)], net.SoftmaxCrossEntropy(), input_size=V, seed=0)
    return model, vocabulary, net.SequentialBatches(vocabulary.encode(quotes()), batch_size=32, sequence_length=32)


def model_of_quotes(net, steps=600):
    """The model with four units, trained; and its vocabulary."""
    model, vocabulary, batches = new_model(net, 4)
    history = net.Trainer(model, net.Adam(0.02), batches, progress=False).fit(steps=steps)
    return model, vocabulary, history


def plot_norms(found, path):
    """Draw the norms, relative to that of the last step; colours differ in lightness, lines in their dashes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 4.2), layout="constrained")
    axes, t = figure.subplots(), np.arange(1, STEPS + 1)
    styles = ("#b2182b", "-"), ("#ef8a62", "--"), ("#1b7837", "-."), ("#4393c3", ":"), ("black", "-")
    for (name, values), (color, dashes) in zip(found.items(), styles):
        axes.semilogy(t, values / values[-1], color=color, linestyle=dashes, linewidth=2, label=name)
    axes.set(xlim=(1, STEPS), ylim=(1e-17, 1e7), xlabel="time step t (the loss is after step 100)")
    axes.set_ylabel("$\\Vert\\partial L/\\partial h_t\\Vert$, relative to step 100", fontsize=11)
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(0.01, 0.42))
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", choices=["numnet", "torchnet"], default="numnet")
    parser.add_argument("--plot-norms", metavar="FILE.png", help="draw the norms of the gradients")
    parser.add_argument("--plot-gates", metavar="FILE.png", help="draw the gates of the model of the quotes")
    parser.add_argument("--plot-rates", metavar="FILE.png", help="draw the loss at each learning rate")
    args = parser.parse_args()
    net = importlib.import_module(args.backend)
    for path in filter(None, (args.plot_norms, args.plot_gates, args.plot_rates)):
        net.require_plot(path)
    found = norms(net)
    print("relative to step 100, at step            99        90        50         1")
    for name, values in found.items():
        print(f"{name:32}", *(f"{values[t - 1] / values[-1]:9.1e}" for t in (99, 90, 50, 1)))
    model, vocabulary, history = model_of_quotes(net)
    trace = model.trace(vocabulary.encode(EXAMPLE)[None])
    forget = trace["layers.0.f"][0]
    quote = np.array([character == '"' for character in EXAMPLE])
    print(f"the model of the quotes: loss {history.losses[0]:.2f}, then {np.mean(history.losses[-20:]):.2f}")
    print("mean forget gate by unit, at quotation marks:", forget[quote].mean(axis=0).round(2))
    print("                             at other steps: ", forget[~quote].mean(axis=0).round(2))
    model, _, batches = new_model(net, 32)
    curve = net.find_learning_rate(model, net.Adam, batches)
    print("of 32 units, with Adam:", curve)
    if args.plot_rates:
        curve.plot(args.plot_rates)
    if args.plot_norms:
        plot_norms(found, args.plot_norms)
    if args.plot_gates:
        net.plot_gates(trace, EXAMPLE, [f"layers.0.{name}" for name in "ifoc"]).savefig(args.plot_gates, dpi=110)


if __name__ == "__main__":
    main()
