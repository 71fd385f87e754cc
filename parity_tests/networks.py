"""Networks as programs on a Tape, the same lines for either backend: loops, trees, layers called again and again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from numnet.core.arrays import to_numpy
from parity_tests.probe import Array, Arrays

Parts = Callable[[Any], dict[str, Any]]
V, D, H = 7, 4, 3


@dataclass(frozen=True)
class Network:
    """Its parts, and the program (net, tape, x) → an ArrayWithGrad; x (B, T, D) is an ArrayWithGrad, B 2 and T 5."""

    name: str
    parts: Parts
    program: Callable[[Any, Any, Any], Any]

    def tape(self, net: Any, dtype: str = "float64") -> Any:
        """A tape whose weights are random, the same on either backend; a first run makes those that wait for it."""
        tape = net.Tape(dtype=dtype, **self.parts(net))
        self.program(net, tape, net.ArrayWithGrad(drawn_input()))
        rng = np.random.default_rng(1)
        tape.load_state_dict({name: 0.5 * rng.standard_normal(tuple(p.shape)) for name, p in tape.params.items()})
        restart(tape)
        return tape

    def __repr__(self) -> str:
        return self.name


def restart(tape: Any) -> None:
    """Reset the states of stateful parts and the counters of dropout, so that the same masks are drawn again."""
    tape.reset_state()
    for module in tape.modules():
        if hasattr(module, "calls"):
            module.calls = 0


def drawn_input(B: int = 2, T: int = 5) -> Array:
    return np.random.default_rng(2).standard_normal((B, T, D))


def results(network: Network, net: Any, times: int = 1) -> Arrays:
    """y, and after so many backward passes with a random gradient those of x and of every parameter."""
    tape, x = network.tape(net), net.ArrayWithGrad(drawn_input())
    y = network.program(net, tape, x)
    dy = np.random.default_rng(3).standard_normal(tuple(y.shape))
    for _ in range(times):
        tape.backward(y, dy)
    found = {"y": y.value, "dx": x.grad, **{f"d{name}": g for name, g in tape.grads.items()}}
    return {name: np.array(to_numpy(value)) for name, value in found.items()}


def as_pair(network: Network, net: Any) -> tuple[Any, list[Array]]:
    """The network as two functions, of x and of all parameters, and these: what check_gradients takes."""
    tape, made = network.tape(net), {}

    def forward(x: Any, *params: Any) -> Any:
        tape.load_state_dict(dict(zip(tape.params, params)))
        restart(tape)
        made["x"] = net.ArrayWithGrad(x)
        made["y"] = network.program(net, tape, made["x"])
        return made["y"].value

    def backward(dy: Any, *_: Any) -> Any:
        tape.zero_grad()
        made["x"].zero_grad()
        tape.backward(made["y"], dy)
        return (made["x"].grad, *tape.grads.values())

    return (forward, backward), [drawn_input(), *(p.copy() for p in tape.params.values())]


def loop(net: Any, tape: Any, x: Any) -> Any:
    """A state handed on step by step; every second step twice."""
    state: Any = None
    for t in range(x.shape[1]):
        for _ in range(1 + t % 2):
            state = tape.node(x[:, t], state)
    return state[0] * state[1] if isinstance(state, tuple) else state


def looped(name: str, node: Callable[[Any], Any]) -> Network:
    return Network(f"loop, {name}", lambda net: {"node": node(net)}, loop)


def tokens(net: Any, tape: Any, x: Any) -> Any:
    """A node on tokens, beside one on their vectors; a part that is not called at all."""
    words = [[3, 1], [0, 3], [3, 3], [6, 2]]
    h: Any = None
    k: Any = None
    for word in words:
        h, k = tape.node(word, h), tape.other(tape.embed(word), k)
    return tape.dense(net.concatenate((h, k[0], k[1], x[:, 0])))


def tree(net: Any, tape: Any, x: Any) -> Any:
    """A left and a right half, each made likewise, down to single steps."""

    def vector(first: int, end: int) -> Any:
        if end - first == 1:
            return tape.leaf(x[:, first])
        middle = first + 1 if (end - first) % 2 else (first + end) // 2
        return tape.tanh(tape.reduce(net.concatenate((vector(first, middle), vector(middle, end)))))

    return vector(0, x.shape[1])


def tree_lstm(net: Any, tape: Any, x: Any) -> Any:
    """A phrase that is used twice, in two places and as both children of one; a missing child; one batch of trees."""

    def leaf(t: int) -> Any:
        return tape.leaf(x[:, t]).chunk(2, axis=1)

    context = [x[:, 4]] if hasattr(tape, "context") else []
    phrase = tape.reduce(leaf(0), leaf(1), *context)
    longer = tape.reduce(leaf(2), phrase, *context)
    both = tape.reduce(longer, phrase, *context)
    twice = tape.reduce(both, both, *context)
    h, c = tape.reduce(twice, None, *context)
    return net.concatenate((h, c, phrase[0]))


def branch(net: Any, tape: Any, x: Any) -> Any:
    """Which way it goes hangs on the values."""
    h = tape.leaf(x[:, 0])
    for t in range(1, x.shape[1]):
        if float((h * h).sum()) > 1.0:
            h = tape.tanh(tape.reduce(net.concatenate((h, tape.leaf(x[:, t])))))
        else:
            h = h + tape.sigmoid(tape.leaf(x[:, t])) * 2
    return h


def again(net: Any, tape: Any, x: Any) -> Any:
    """One layer on sequences of one size, of another, with lengths, its last state handed on; and alone in between."""
    y = tape.layer(x)
    first = tape.layer.last_state
    tape.layer.part(np.ones(x.shape))  # not on the tape: it leaves no trace there
    z = tape.layer(x * 0.5, first)
    u = tape.layer(x[:, 1:3] + 1, tape.layer.last_state)
    v = tape.layer(net.concatenate((x, x), axis=1), None, lengths=[10, 4])
    state = leaves(first) + leaves(tape.layer.last_state)
    every = [each for each in (y, z, u, v) for each in leaves(each)]
    return net.concatenate([each.sum(axis=1) if each.ndim == 3 else each for each in [*every, *state]])


def layered(name: str, layer: Callable[[Any], Any]) -> Network:
    return Network(f"again, {name}", lambda net: {"layer": layer(net)}, again)


def leaves(state: Any) -> list[Any]:
    return [leaf for part in state for leaf in leaves(part)] if isinstance(state, tuple) else [state]


def rest(net: Any, tape: Any, x: Any) -> Any:
    """What else there is: dropout, a whole model, pooling, softmax, two losses, of which one is twice in the sum."""
    y = tape.drop(x)
    y = y + tape.drop(x * 2)
    z = tape.model(y[:, :3])
    pooled = tape.pool(tape.model(y), [5, 2]) + tape.pool(z)
    loss = tape.loss(pooled, [1, 0]) + tape.loss(z, np.ones((2, 3), int)) * 0.5
    return loss + loss * tape.squares(tape.softmax(pooled), np.zeros((2, 2)))


def tied(net: Any, tape: Any, x: Any) -> Any:
    """A list of layers, a start state that is learned, and weights that are read: of the first layer, and of a part."""
    h = tape.start + x[:, 0, :1] * 0
    for t in range(3):
        h = tape.node(x[:, t], h)
    for layer in tape.layers:
        h = net.maximum(layer(h), tape.scale)
    return h @ tape.layers[0].W.T + (h @ tape.parameter("both.forwards.W_h").T).sum() + tape.node.b_h.max()


NETWORKS = [
    looped("RNN", lambda net: net.RNNNode(H)),
    looped("GRU after", lambda net: net.GRUNode(H)),
    looped("GRU before", lambda net: net.GRUVariantNode(H, reset="before", layer_norm=True)),
    looped("LSTM", lambda net: net.LSTMNode(H)),
    looped("LSTM variant", lambda net: net.LSTMVariantNode(H, peepholes=True, coupled=True)),
    looped("GRU without bias", lambda net: net.GRUNode(H, bias=False)),
    looped("LSTM without bias", lambda net: net.LSTMNode(H, bias=False)),
    looped("MGU", lambda net: net.MGUNode(H)),
    looped("IndRNN", lambda net: net.IndRNNNode(H, activation="tanh")),
    Network("tokens", lambda net: {"embed": net.Embedding(V, D), "node": net.GRUNode(H, input_size=V),
            "other": net.LSTMNode(H), "dense": net.Dense(2), "spare": net.Dense(5, input_size=2)}, tokens),
    Network("tree", lambda net: {"leaf": net.Dense(H), "reduce": net.Dense(H), "tanh": net.Tanh()}, tree),
    Network("TreeLSTM", lambda net: {"leaf": net.Dense(2 * H), "reduce": net.TreeLSTMNode(H)}, tree_lstm),
    Network("TreeLSTM with a context", lambda net: {"leaf": net.Dense(2 * H), "reduce": net.TreeLSTMNode(H),
            "context": net.Tanh()}, tree_lstm),
    Network("branch", lambda net: {"leaf": net.Dense(H), "reduce": net.Dense(H, input_size=2 * H), "tanh": net.Tanh(),
            "sigmoid": net.Sigmoid()}, branch),
    layered("RNN", lambda net: net.RNNLayer(H, output_size=2)),
    layered("GRU", lambda net: net.GRULayer(H, learn_state=True)),
    layered("LSTM", lambda net: net.LSTMLayer(H, forget_bias=1.0)),
    layered("LSTM in reverse", lambda net: net.LSTMLayer(H, reverse=True, weight_dropout=0.3)),
    layered("GRU that drops", lambda net: net.GRULayer(H, state_dropout=0.3, zoneout=0.2)),
    layered("both ways", lambda net: net.LSTMLayer(H, bidirectional=True)),
    layered("both ways, a pair", lambda net: net.Bidirectional(net.GRULayer(H), merge=None)),
    layered("last alone", lambda net: net.GRULayer(H, return_sequences=False)),
    Network("rest", lambda net: {"drop": net.Dropout(0.4), "pool": net.Pooling("max"), "softmax": net.Softmax(),
            "loss": net.SoftmaxCrossEntropy(), "squares": net.MeanSquaredError(),
            "model": net.RNNModel([net.GRULayer(H), net.Dropout(0.3), net.Dense(2)])}, rest),
    Network("tied", lambda net: {"node": net.GRUNode(H), "layers": [net.Dense(H), net.Dense(H)],
            "scale": net.Parameter(()), "start": net.Parameter(H, std=0.5), "both":
            net.Bidirectional(net.GRULayer(H, input_size=2))}, tied),
]  # fmt: skip
