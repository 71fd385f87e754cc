"""A small model from one sequence to another, for the tests that need one: any cell, any attention, one way or both."""

from __future__ import annotations

from typing import Any

import numpy as np

from numnet.core.arrays import to_numpy
from parity_tests.family import ragged
from parity_tests.probe import Arrays
from parity_tests.strategies import Case, Sizes

V, W, H = 7, 6, 4  # tokens of the source, of the target; width of a state
KINDS = (None, "dot", "general", "additive")


def translator(
    net: Any,
    attention: str | None = "additive",
    cell: str = "GRULayer",
    both: bool = True,
    depth: int = 1,
    dropout: float = 0.0,
    gain: float = 3.0,
    **options: Any,
) -> Any:
    """Weights are large and biases small, so that what it says hangs on what it has read."""
    encoder, decoder = [net.Embedding(V, 3)], [net.Embedding(W, 3)]
    layer = getattr(net, cell)
    for _ in range(depth):
        encoder += [net.Dropout(dropout), layer(H // 2, bidirectional=True) if both else layer(H)]
        decoder += [net.Dropout(dropout), layer(H)]
    output = [net.Dense(5), net.Tanh(), net.Dropout(dropout), net.Dense(W)]
    options = {"loss": net.SoftmaxCrossEntropy(), "dtype": "float64", "seed": 2, **options}
    model = net.EncoderDecoder(encoder, decoder, output, attention and net.Attention(attention), **options)
    model.load_state_dict({name: to_numpy(p) * (gain if p.ndim == 2 else 0.3) for name, p in model.params.items()})
    return model


def pairs(B: int = 4, S: int = 5, T: int = 6, seed: int = 0) -> tuple[Any, Any, Any]:
    """x, target and the lengths of x; 0 and 1 are among the lengths of both."""
    rng = np.random.default_rng(seed)
    lengths, ends = (rng.permutation([n, 0, 1, *rng.integers(1, n + 1, B)][:B]) for n in (S, T))
    target = np.where(np.arange(T) < ends[:, None], rng.integers(0, W, (B, T)), -1)
    return rng.integers(0, V, (B, S)), target, lengths


def translator_case(cell: str, attention: str | None, both: bool, depth: int = 1) -> Case:
    """A row of the tables: a model without a loss, whose outputs are its logits."""

    def make(net: Any, z: Sizes, dtype: str) -> Any:
        encoder, decoder = [net.Embedding(z.D, z.O)], [net.Embedding(z.V, z.O)]
        for _ in range(depth):
            layer = getattr(net, f"{cell}Layer")
            encoder += [net.Dropout(0.3), layer(z.H, bidirectional=True) if both else layer(2 * z.H)]
            decoder += [net.Dropout(0.3), layer(2 * z.H)]
        output, way = [net.Dense(z.O), net.Tanh(), net.Dense(z.V)], attention and net.Attention(attention)
        return net.EncoderDecoder(encoder, decoder, output, way, seed=z.seed, dtype=dtype)

    def draw(rng: np.random.Generator, z: Sizes) -> Arrays:
        ends, T = ragged(rng, Sizes(B=z.B, T=z.T + 1)), z.T + 1
        target = np.where(np.arange(T) < ends[:, None], rng.integers(0, z.V, (z.B, T)), -1)
        return {"x": rng.integers(0, z.D, (z.B, z.T)), "target": target, "lengths": ragged(rng, z)}

    return Case(f"EncoderDecoder {cell} {attention}{', both ways' * both}{f', {depth} deep' * (depth > 1)}", make, draw)


TRANSLATORS = [
    translator_case("GRU", "additive", True),
    translator_case("LSTM", "dot", True, depth=2),
    translator_case("RNN", "general", False),
    translator_case("LSTM", None, False),
]
