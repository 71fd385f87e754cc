"""The one table of everything that is checked, and what hypothesis draws for it: sizes and a seed, not arrays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

from parity_tests.probe import Arrays

# Largest allowed error, relative to the norm of what is compared, and why.
TOLERANCE = {
    "float64": 1e-9,  # two orders of summing: rounding, some 1e-15, times the growth over 8 steps
    "float32": 1e-5,  # the same at 6e-8; elementwise relative error would mean nothing here
    "cuda float64": 1e-9,  # as on the CPU
    "cuda float32": 1e-4,  # cuDNN sums in tiles and in another order; TF32 is switched off
    "slopes": 1e-7,  # differences of five points: truncation and rounding some 1e-10, times the condition
}


@dataclass(frozen=True)
class Sizes:
    """One draw: shrinks to a sequence of one step of one number, which a person can read."""

    B: int = 3
    T: int = 5
    D: int = 4
    H: int = 5
    O: int = 3
    V: int = 4
    seed: int = 0

    @property
    def rng(self) -> np.random.Generator:
        return np.random.default_rng(self.seed)


sizes = st.builds(
    Sizes,
    B=st.integers(1, 4),
    T=st.integers(1, 8),
    D=st.integers(1, 5),
    H=st.integers(1, 6),
    O=st.integers(1, 4),
    V=st.integers(2, 6),
    seed=st.integers(0, 2**31),
)


@dataclass(frozen=True)
class Case:
    """A row of the table: how to make it on a backend, what to feed it."""

    name: str
    make: Callable[[Any, Sizes, str], Any]
    draw: Callable[[np.random.Generator, Sizes], Arrays]
    unlawful: tuple[str, ...] = ()  # the laws that this row is no subject of: see family.py; or "slope"
    spec: Any = None  # of a row of the family: its kind, what was chosen, and the names of its options

    @property
    def has_kinks(self) -> bool:
        """Whether a max(a, 0), |a| or another function with a kink is in it."""
        kinks: tuple[str, ...] = ("relu", "ReLU", "ELU of", "IndRNN,", "hard_", "selu", "MGU linear", "softsign")
        kinks += ("MeanAbsoluteError", "HuberLoss", "QuantileLoss")
        return any(name in self.name for name in kinks)

    def build(self, net: Any, z: Sizes, dtype: str = "float64", device: str = "cpu") -> Any:
        """The thing on that backend, every parameter random: the same numbers on either."""
        thing = self.make(net, z, dtype)
        if hasattr(thing, "params"):
            if device != "cpu":
                thing.to(device)
            rng = np.random.default_rng([z.seed, 1])
            drawn = {name: 0.3 * rng.standard_normal(tuple(p.shape)) for name, p in thing.params.items()}
            for name, value in drawn.items():
                if name.endswith("W_h"):  # a gain above 1 would multiply rounding at every step
                    value /= max(1.0, float(np.linalg.norm(value, 2)))
            thing.load_state_dict(drawn)
        return thing

    def inputs(self, z: Sizes, dtype: str = "float64") -> Arrays:
        """Random inputs, start states among them; integers and truth values stay such."""
        drawn = self.draw(z.rng, z)
        return {name: v.astype(dtype) if v.dtype.kind == "f" else v for name, v in drawn.items()}

    def __repr__(self) -> str:
        return self.name


def sequence(*states: str, tokens: bool = False) -> Callable[[np.random.Generator, Sizes], Arrays]:
    """x (B, T, D) or tokens (B, T), and start states (B, H)."""

    def draw(rng: np.random.Generator, z: Sizes) -> Arrays:
        x = rng.integers(0, z.D, (z.B, z.T)) if tokens else rng.standard_normal((z.B, z.T, z.D))
        return {"x": x, **{name: rng.standard_normal((z.B, z.H)) for name in states}}

    return draw


def words(rng: np.random.Generator, z: Sizes) -> Arrays:
    """x (B, T, T): in each place a word of up to T characters, then zeros; some words are equal."""
    x = np.where(np.arange(z.T) < rng.integers(0, z.T + 1, (z.B, z.T, 1)), rng.integers(1, z.V, (z.B, z.T, z.T)), 0)
    return {"x": x[:, rng.integers(0, z.T, z.T)]}


def column(*states: str, tokens: bool = False) -> Callable[[np.random.Generator, Sizes], Arrays]:
    """x (D, B) or tokens (B,), and start states (H, B)."""

    def draw(rng: np.random.Generator, z: Sizes) -> Arrays:
        x = rng.integers(0, z.D, z.B) if tokens else rng.standard_normal((z.D, z.B))
        return {"x": x, **{name: rng.standard_normal((z.H, z.B)) for name in states}}

    return draw


def recurrent(kind: str, **options: Any) -> Callable[[Any, Sizes, str], Any]:
    """A layer or node of that class; output_size=True draws one."""

    def make(net: Any, z: Sizes, dtype: str) -> Any:
        chosen = {**options, "output_size": z.O} if options.get("output_size") else options
        return getattr(net, kind)(z.H, input_size=z.D, seed=z.seed, dtype=dtype, **chosen)

    return make


def plain(case: Case) -> Case:
    """The same layer, step by step."""

    def make(net: Any, z: Sizes, dtype: str) -> Any:
        layer = case.make(net, z, dtype)
        layer.use_fast = False
        return layer

    return Case(f"{case.name}, plain", make, case.draw, (), case.spec)


def loss(kind: str, **options: Any) -> Callable[[Any, Sizes, str], Any]:
    return lambda net, z, dtype: getattr(net, kind)(**options)


def weighted_classes(**options: Any) -> Callable[[Any, Sizes, str], Any]:
    """SoftmaxCrossEntropy with a weight above 0 for each of V classes."""
    return lambda net, z, dtype: net.SoftmaxCrossEntropy(class_weights=0.2 + z.rng.random(z.V), **options)


def classes(rng: np.random.Generator, z: Sizes) -> Arrays:
    """Logits (B, T, V) and target classes (B, T)."""
    return {"prediction": 3 * rng.standard_normal((z.B, z.T, z.V)), "target": rng.integers(0, z.V, (z.B, z.T))}


def masked(draw: Callable[[np.random.Generator, Sizes], Arrays]) -> Callable[[np.random.Generator, Sizes], Arrays]:
    """The same with a mask that counts at least one place."""

    def drawn(rng: np.random.Generator, z: Sizes) -> Arrays:
        values = draw(rng, z)
        mask = rng.random(values["target"].shape) < 0.6
        mask.flat[0] = True
        return {**values, "mask": mask}

    return drawn


def one_hot(rng: np.random.Generator, z: Sizes) -> Arrays:
    values = classes(rng, z)
    return {**values, "target": np.eye(z.V)[values["target"]]}


def numbers(rng: np.random.Generator, z: Sizes) -> Arrays:
    """A prediction (B, T, V) and targets in [0, 1] of its shape."""
    return {"prediction": rng.standard_normal((z.B, z.T, z.V)), "target": rng.random((z.B, z.T, z.V))}


def quantiles(rng: np.random.Generator, z: Sizes) -> Arrays:
    """Three predictions for each target (B, T, V)."""
    return {"prediction": rng.standard_normal((z.B, z.T, 3 * z.V)), "target": rng.standard_normal((z.B, z.T, z.V))}


def one_quantile(rng: np.random.Generator, z: Sizes) -> Arrays:
    """One prediction (B, T, 1) for each target (B, T)."""
    return {"prediction": rng.standard_normal((z.B, z.T, 1)), "target": rng.standard_normal((z.B, z.T))}


def operation(kind: str) -> Callable[[Any, Sizes, str], Any]:
    return lambda net, z, dtype: getattr(net, kind)()


def norm(kind: str, **options: Any) -> Case:
    """A norm of one sample. Of very few numbers the variance may be near 0, where it is too steep to be checked."""
    return Case(
        f"{kind}{' without bias' if options else ''}",
        lambda net, z, dtype: getattr(net, kind)(input_size=z.D + 3, dtype=dtype, **options),
        lambda rng, z: {"x": rng.standard_normal((z.B, z.T, z.D + 3))},
    )


def dropout(p: float, training: bool) -> Callable[[Any, Sizes, str], Any]:
    return lambda net, z, dtype: net.Dropout(p, seed=z.seed).train(training)


def attention(kind: str) -> Case:
    """Queries as many as V, and a memory with gaps, in which rows without a real step are likely."""

    def widths(z: Sizes) -> tuple[int, int]:
        return z.D, z.D if kind == "dot" else z.O

    def make(net: Any, z: Sizes, dtype: str) -> Any:
        input_size, memory_size = widths(z)
        return net.Attention(kind, input_size=input_size, memory_size=memory_size, hidden_size=z.H, dtype=dtype)

    def draw(rng: np.random.Generator, z: Sizes) -> Arrays:
        (H, M), mask = widths(z), rng.random((z.B, z.T)) < 0.6
        return {"q": rng.standard_normal((z.B, z.V, H)), "m": rng.standard_normal((z.B, z.T, M)), "lengths": mask}

    return Case(f"Attention {kind}", make, draw)


def heads(**options: Any) -> Callable[[Any, Sizes, str], Any]:
    """Two heads."""
    return lambda net, z, dtype: net.MultiHeadAttention(
        2, input_size=2 * z.D, memory_size=z.O, seed=z.seed, dtype=dtype, **options
    )


def heads_drawn(rng: np.random.Generator, z: Sizes) -> Arrays:
    """Queries as many as V, and a memory with gaps; of three rows or more, the third has no real step."""
    q, m = rng.standard_normal((z.B, z.V, 2 * z.D)), rng.standard_normal((z.B, z.T, z.O))
    real = rng.random((z.B, z.T)) < 0.6
    real[2:3] = False
    return {"q": q, "m": m, "lengths": real}


def tied(padding: int | None = None, bias: bool = True) -> Callable[[Any, Sizes, str], Any]:
    """A model that ends with the matrix that it begins with."""

    def make(net: Any, z: Sizes, dtype: str) -> Any:
        embedding = net.Embedding(z.V, z.D, padding=padding)
        layers = [embedding, net.Tanh(), net.Dense(z.V, bias=bias, tied_to=embedding)]
        return net.RNNModel(layers, input_size=z.V, seed=z.seed, dtype=dtype)

    return make


def tokens_below_V(rng: np.random.Generator, z: Sizes) -> Arrays:
    return {"x": rng.integers(0, z.V, (z.B, z.T))}


ACTIVATIONS = ("Sigmoid", "Tanh", "ReLU", "LeakyReLU", "ELU", "SiLU", "GELU", "Softplus", "Softmax")
OPERATIONS = [
    *(Case(kind, operation(kind), sequence()) for kind in ACTIVATIONS),
    Case("GELU by tanh", lambda net, z, dtype: net.GELU("tanh"), sequence()),
    Case("ELU of 0.5", lambda net, z, dtype: net.ELU(0.5), sequence()),
    Case("Dense", lambda net, z, dtype: net.Dense(z.O, input_size=z.D, dtype=dtype), sequence()),
    Case("Dense without bias", lambda net, z, dtype: net.Dense(z.O, input_size=z.D, bias=False, dtype=dtype),
         sequence()),
    Case("Dense on one step", lambda net, z, dtype: net.Dense(z.O, input_size=z.D, dtype=dtype),
         lambda rng, z: {"x": rng.standard_normal((z.B, z.D))}),
    norm("LayerNorm"),
    norm("LayerNorm", bias=False),
    norm("RMSNorm"),
    Case("Embedding", lambda net, z, dtype: net.Embedding(z.D, z.O, dtype=dtype), sequence(tokens=True)),
    Case("Embedding with padding", lambda net, z, dtype: net.Embedding(z.D, z.O, padding=0, dtype=dtype),
         sequence(tokens=True), ("slope",)),  # the row of padding has no gradient, on purpose
    Case("Dense that is tied", tied(), tokens_below_V),
    Case("Dense that is tied, with padding", tied(padding=0, bias=False), tokens_below_V, ("slope",)),
    Case("RepeatVector", lambda net, z, dtype: net.RepeatVector(z.T),
         lambda rng, z: {"x": rng.standard_normal((z.B, z.D))}),
    Case("Characters", lambda net, z, dtype: net.Characters(z.V, embedding_size=z.D, output_size=z.O, dtype=dtype),
         words),
    Case("Dropout in evaluation", dropout(0.4, False), sequence()),
    *map(attention, ("dot", "general", "additive")),
    Case("MultiHeadAttention", heads(), heads_drawn),
    Case("MultiHeadAttention, causal", heads(causal=True, bias=False), heads_drawn),
]  # fmt: skip
DROPOUT = Case("Dropout", dropout(0.4, True), sequence())
CHILDREN = ("h_l", "c_l", "h_r", "c_r")
NODES = [
    Case("RNNNode", recurrent("RNNNode"), column("h")),
    Case("GRUNode before", recurrent("GRUNode", reset="before"), column("h")),
    Case("GRUNode after", recurrent("GRUNode", reset="after"), column("h")),
    Case("LSTMNode", recurrent("LSTMNode"), column("h", "c")),
    Case("LSTMNode on tokens", recurrent("LSTMNode"), column("h", "c", tokens=True)),
    Case("Tracker", recurrent("Tracker"), column("h", "c")),
    Case("Tracker without bias", recurrent("Tracker", bias=False, forget_bias=0.0), column("h", "c")),
    Case("Tracker that predicts nothing", recurrent("Tracker", predicts=False), column("h", "c")),
]
TREES = [
    Case("TreeLSTMNode", recurrent("TreeLSTMNode"), column(*CHILDREN)),
    Case("TreeLSTMNode on tokens", recurrent("TreeLSTMNode"), column(*CHILDREN, tokens=True)),
    Case("TreeLSTMNode without bias", recurrent("TreeLSTMNode", bias=False, forget_bias=0.0), column(*CHILDREN)),
    Case("TreeLSTMNode without context", lambda net, z, dtype: net.TreeLSTMNode(z.H, input_size=0, dtype=dtype),
         lambda rng, z: {name: rng.standard_normal((z.H, z.B)) for name in CHILDREN}),
    Case("ChildSumTreeLSTMNode", recurrent("ChildSumTreeLSTMNode"), column(*CHILDREN)),
    Case("ChildSumTreeLSTMNode without bias", recurrent("ChildSumTreeLSTMNode", bias=False, forget_bias=0.0),
         column(*CHILDREN)),
    Case("ChildSumTreeLSTMNode without context",
         lambda net, z, dtype: net.ChildSumTreeLSTMNode(z.H, input_size=0, dtype=dtype),
         lambda rng, z: {name: rng.standard_normal((z.H, z.B)) for name in CHILDREN}),
]  # fmt: skip
LAYERS = [
    Case("RNNLayer", recurrent("RNNLayer"), sequence("h")),
    Case("RNNLayer on tokens", recurrent("RNNLayer"), sequence("h", tokens=True)),
    Case("RNNLayer with output", recurrent("RNNLayer", output_size=True), sequence("h")),
    Case("GRULayer before", recurrent("GRULayer", reset="before"), sequence("h")),
    Case("GRULayer before on tokens", recurrent("GRULayer", reset="before"), sequence("h", tokens=True)),
    Case("GRULayer after", recurrent("GRULayer", reset="after"), sequence("h")),
    Case("GRULayer after on tokens", recurrent("GRULayer", reset="after"), sequence("h", tokens=True)),
    Case("GRULayer with output", recurrent("GRULayer", output_size=True), sequence("h")),
    Case("LSTMLayer", recurrent("LSTMLayer"), sequence("h", "c")),
    Case("LSTMLayer on tokens", recurrent("LSTMLayer"), sequence("h", "c", tokens=True)),
    Case("LSTMLayer with output", recurrent("LSTMLayer", output_size=True), sequence("h", "c")),
]
LOSSES = [
    Case("SoftmaxCrossEntropy", loss("SoftmaxCrossEntropy"), classes),
    Case("SoftmaxCrossEntropy masked", loss("SoftmaxCrossEntropy"), masked(classes)),
    Case("SoftmaxCrossEntropy ignoring 1", loss("SoftmaxCrossEntropy", ignore_index=1), classes),
    Case("SoftmaxCrossEntropy one-hot", loss("SoftmaxCrossEntropy"), one_hot),
    Case("SoftmaxCrossEntropy of weights", loss("SoftmaxCrossEntropy"), numbers),
    Case("SoftmaxCrossEntropy smoothed", loss("SoftmaxCrossEntropy", label_smoothing=0.1), masked(classes)),
    Case("SoftmaxCrossEntropy with class weights", weighted_classes(), classes),
    Case("SoftmaxCrossEntropy with class weights, smoothed", weighted_classes(label_smoothing=0.2), masked(classes)),
    Case("SoftmaxCrossEntropy with class weights, of weights", weighted_classes(label_smoothing=0.2), numbers),
    Case("BinaryCrossEntropy", loss("BinaryCrossEntropy"), numbers),
    Case("BinaryCrossEntropy with weights", loss("BinaryCrossEntropy", pos_weight=3, weight=0.7), masked(numbers)),
    Case("BinaryCrossEntropy masked", loss("BinaryCrossEntropy"), masked(numbers)),
    Case("MeanSquaredError", loss("MeanSquaredError"), numbers),
    Case("MeanSquaredError masked", loss("MeanSquaredError"), masked(numbers)),
    Case("MeanSquaredError summed", loss("MeanSquaredError", reduction="sum"), masked(numbers)),
    Case("MeanSquaredError of each target", loss("MeanSquaredError", reduction="none"), masked(numbers)),
    Case("MeanAbsoluteError", loss("MeanAbsoluteError"), numbers),
    Case("MeanAbsoluteError masked", loss("MeanAbsoluteError"), masked(numbers)),
    Case("HuberLoss", loss("HuberLoss", delta=0.7), numbers),
    Case("HuberLoss masked", loss("HuberLoss"), masked(numbers)),
    Case("QuantileLoss", loss("QuantileLoss", quantiles=[0.1, 0.5, 0.8]), quantiles),
    Case("QuantileLoss masked", loss("QuantileLoss", quantiles=[0.1, 0.5, 0.8]), masked(quantiles)),
    Case("QuantileLoss of one quantile", loss("QuantileLoss", quantiles=0.9), masked(one_quantile)),
]
EVERYTHING = [*OPERATIONS, *NODES, *TREES, *LAYERS, *LOSSES]
