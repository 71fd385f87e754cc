"""Small classifiers of parsed sentences and of pairs of them, for the tests of all parts and for their own."""

from __future__ import annotations

from typing import Any

import numpy as np

from numnet.check.engine.draw import drawn_moves
from numnet.core.arrays import to_numpy
from numnet.data import ParseBatch
from parity_tests.family import ragged
from parity_tests.probe import Arrays
from parity_tests.strategies import Case, Sizes

V, O = 9, 3  # words, classes


def encoder_of(net: Any, D: int = 4, H: int = 5, words: int = V) -> list[Any]:
    """Layers that make one vector of a sentence."""
    return [net.Embedding(words, D), net.LSTMLayer(H, bidirectional=True), net.Pooling("mean")]


def classifier(net: Any, kind: str = "PairClassifier", encoder: Any = None, **options: Any) -> Any:
    """A model with large weights, so that classes depend on the words."""
    output = options.pop("output", None) or [net.Dense(6), net.Tanh(), net.Dense(O)]
    options = {"loss": net.SoftmaxCrossEntropy(), "dtype": "float64", "seed": 2, **options}
    model = getattr(net, kind)(encoder or encoder_of(net), output, **options)
    if model.built:
        model.load_state_dict({name: to_numpy(p) * (3 if p.ndim == 2 else 1) for name, p in model.params.items()})
    return model


def parses(B: int = 6, N: int = 5, seed: int = 0) -> ParseBatch:
    """B sentences of words below V; one of them has N words, one has 1."""
    rng = np.random.default_rng(seed)
    lengths = rng.permutation([N, 1, *rng.integers(1, N + 1, B)][:B])
    words = np.where(np.arange(N) < lengths[:, None], rng.integers(0, V, (B, N)), 0)
    return ParseBatch(words, lengths, drawn_moves(rng, lengths, N))


def case_of(kind: str, features: bool, trees: bool = False) -> Case:
    """A row of the tables: a model without a loss, whose outputs are its logits, and the transition loss of a SPINN."""

    def make(net: Any, z: Sizes, dtype: str) -> Any:
        words = [net.Dense(z.O)] if features else [net.Embedding(z.D, z.O), net.Dropout(0.3)]
        encoder: Any = [*words, net.GRULayer(z.H), net.Pooling("mean")]
        if trees:
            nodes = kind == "TreeClassifier"
            leaf = [*words, net.Dense(2 * z.H)]
            encoder = net.SPINN(leaf, net.TreeLSTMNode(z.H), net.Tracker(z.V), return_nodes=nodes)
        output = [net.Dense(z.O), net.Tanh(), net.Dropout(0.3), net.Dense(z.V)]
        return getattr(net, kind)(encoder, output, input_size=z.D, seed=z.seed, dtype=dtype)

    def draw(rng: np.random.Generator, z: Sizes) -> Arrays:
        B = 2 * z.B if kind == "PairClassifier" else z.B
        lengths = ragged(rng, Sizes(B=B, T=z.T))
        x = rng.standard_normal((B, z.T, z.D)) if features else rng.integers(0, z.D, (B, z.T))
        return {"x": x, "lengths": lengths, "transitions": drawn_moves(rng, lengths, z.T)}

    return Case(f"{kind} of {'vectors' if features else 'words'}{' and their trees' * trees}", make, draw)


def spinn_case(name: str, features: bool = False, tracker: bool = True, **options: Any) -> Case:
    """A row of the tables: a SPINN alone."""

    def make(net: Any, z: Sizes, dtype: str) -> Any:
        leaf = [net.Dense(2 * z.H), net.Dropout(0.3)] if features else [net.Embedding(z.D, z.O), net.Dense(2 * z.H)]
        beside = net.Tracker(z.V) if tracker else None
        chosen = {"input_size": z.D, "seed": z.seed, "dtype": dtype, **options}
        return net.SPINN(leaf, net.TreeLSTMNode(z.H), beside, **chosen)

    return Case(name, make, case_of("TreeClassifier", features).draw)


SPINNS = [
    spinn_case("SPINN", transition_weight=0.7),
    spinn_case("SPINN by height", features=True, tracker=False, return_nodes=True),
    spinn_case("SPINN by its own moves", features=True, drive="own", teacher_forcing=0.5, return_nodes=True),
]
CLASSIFIERS = [
    case_of("PairClassifier", True),
    case_of("PairClassifier", False),
    case_of("TreeClassifier", True),
    case_of("PairClassifier", False, trees=True),
    case_of("TreeClassifier", True, trees=True),
]
