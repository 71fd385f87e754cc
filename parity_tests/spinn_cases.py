"""Drawn SPINNs and batches, small and random: what test_spinn.py and the commands of stack_program.py compare."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import numnet
from numnet.core.arrays import to_numpy
from numnet.data import SKIP, Transitions
from numnet.data.transitions import SHAPES
from parity_tests.probe import Array, Arrays
from parity_tests.test_tree_lstm import Ours, Theirs

V, D, H, K = 7, 4, 3, 5
LEAVES: dict[str, Callable[[Any, int], list[Any]]] = {
    "dense": lambda net, S: [net.Dense(S)],
    "norm": lambda net, S: [net.Dense(S), net.BatchNorm(), net.Tanh()],
    "dropout": lambda net, S: [net.Dropout(0.3), net.Dense(S)],
    "recurrent": lambda net, S: [net.LSTMLayer(S)],
}


@dataclass(frozen=True)
class Draw:
    """A network and a batch: the options of a SPINN, sizes and a seed."""

    B: int = 3
    N: int = 4
    lengths: tuple[int, ...] = ()  # of the sentences; default: drawn from 0 to N
    shape: str = "random"  # of the trees
    leaf: str = "dense"
    tokens: bool = False
    own_node: bool = False  # a TreeNode of one's own, whose state has one part
    tracker: str = "predicts"  # or "context", without scores, or "none"
    forcing: float | None = None  # None: the given moves drive
    nodes: bool = False
    bias: bool = True
    seed: int = 0

    @property
    def rng(self) -> np.random.Generator:
        return np.random.default_rng(self.seed)

    def build(self, net: Any, dtype: str = "float64", **options: Any) -> Any:
        """A SPINN with random weights, the same on either backend."""
        forget: dict[str, Any] = {} if self.bias else {"bias": False, "forget_bias": 0.0}
        node: Any = (Ours if net is numnet else Theirs) if self.own_node else net.TreeLSTMNode
        reduce = node(H, bias=self.bias) if self.own_node else node(H, **forget)
        tracker = None if self.tracker == "none" else net.Tracker(K, predicts=self.tracker == "predicts", **forget)
        leaf = LEAVES[self.leaf](net, sum(reduce.state_sizes))
        drive = {} if self.forcing is None else {"drive": "own", "teacher_forcing": self.forcing}
        given = {"transition_weight": 0.7, "return_nodes": self.nodes, "seed": 1, "dtype": dtype, **drive, **options}
        first = [net.Embedding(V, D)] if self.tokens else []
        spinn = net.SPINN([*first, *leaf], reduce, tracker, input_size=V if self.tokens else D, **given)
        rng = np.random.default_rng(self.seed + 1)
        spinn.load_state_dict({k: 0.7 * rng.standard_normal(tuple(p.shape)) for k, p in spinn.params.items()})
        return spinn

    def batch(self) -> tuple[Array, Array, Array]:
        """Words (B, N) or (B, N, D), lengths and moves; the padding of the words is not 0."""
        rng = self.rng
        lengths = np.array(self.lengths) if self.lengths else rng.integers(0, self.N + 1, self.B)
        size = (len(lengths), self.N)
        x = rng.integers(0, V, size) if self.tokens else rng.standard_normal((*size, D))
        moves = np.full((len(lengths), 2 * self.N - 1), SKIP)
        for b, n in enumerate(lengths):
            if n:
                words = tuple(f"{b}.{k}" for k in range(n))
                moves[b, : 2 * n - 1] = Transitions.of_shape(words, self.shape, self.seed).moves
        return x, lengths, moves

    def upstream(self) -> Array:
        """A gradient of y."""
        B = len(self.batch()[1])
        return np.random.default_rng(self.seed + 2).standard_normal((B, 2 * self.N - 1, H) if self.nodes else (B, H))


def called(spinn: Any, z: Draw, dy: Array | None = None, given: bool = True) -> Arrays:
    """Outputs and gradients of one call of a SPINN, which has `moves` afterwards."""
    x, lengths, moves = z.batch()
    dtype = str(spinn.dtype).removeprefix("torch.")
    spinn.zero_grad()
    y = spinn.forward(x if z.tokens else x.astype(dtype), lengths, moves if given else None)
    found = {"y": y, "added_loss": spinn.added_loss}
    found["predicted"] = np.full(moves.shape, SKIP) if spinn.predicted_moves is None else spinn.predicted_moves
    found["dx"] = spinn.backward((z.upstream() if dy is None else dy).astype(dtype))
    found |= {f"d{name}": dW for name, dW in spinn.grads.items()}
    return {name: np.array(to_numpy(value)) for name, value in found.items() if value is not None}


def drawn(seed: int, **options: Any) -> Draw:
    """A draw without hypothesis."""
    rng = np.random.default_rng(seed)
    B, N = (int(n) for n in rng.integers((1, 1), (6, 8)))
    leaf, shape = str(rng.choice(list(LEAVES))), str(rng.choice(SHAPES))
    tokens, own_node, nodes, bias = (bool(k) for k in rng.integers(0, 2, 4))
    z = Draw(B, N, (), shape, leaf, tokens, own_node, nodes=nodes, bias=bias, seed=seed, **options)
    return replace(z, leaf="dense") if z.batch()[1].sum() == 1 else z  # one word has no variance


DRIVES: dict[str, dict[str, Any]] = {
    "no tracker": {"tracker": "none"},
    "a tracker without scores": {"tracker": "context"},
    "given moves": {},
    "own moves": {"forcing": 0.0},
    "mixed": {"forcing": 0.5},
}
