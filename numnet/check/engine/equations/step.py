"""One step of a node: the gradients from its step_backward and from the trace of its forward pass."""

from __future__ import annotations

import copy
import linecache
from typing import Any

import numpy as np

from numnet.check.engine.equations.recorder import Recorder
from numnet.core.operation import Array
from numnet.core.pairs import summed
from numnet.recurrent.unroll import at

B = 4  # batch size: enough numbers that no wrong guess fits by chance
LARGEST = 8  # hidden units; larger nodes are replaced by a smaller one


class Step:
    """A node's step at random numbers, with its gradients by name: `analytic` from step_backward, `expected` the right.

    Names are a_i, a_f, ... for the blocks of a_x by gate; h', c' for the previous state, h_l, c_l, h_r, c_r for a
    tree's children; and the node's parameters that
    the step reads. `unpaired` are the parameters for which step_backward returns no pair.
    """

    def __init__(self, node: Any, seed: int = 0, drops: bool = False) -> None:
        linecache.checkcache()
        self.node, rng = small(node), np.random.default_rng([seed, 7])
        self.H = self.node.hidden_size
        self.x = rng.standard_normal((1, self.node.width, B))
        self.before = sizes_before(self.node)
        self.state = [rng.standard_normal((size, B)) for size in self.before.values()]
        self.options = {"drop": rng.uniform(0.5, 2.0, self.state[0].shape)} if drops else {}
        self.a = parts_of(at(self.node.inputs(self.x), 0))
        y, *_ = self.step(self.node, self.a, self.state)
        outputs = [np.shape(y), *((size, B) for size in self.node.state_sizes)]
        self.upstream = [rng.standard_normal(shape) for shape in outputs]
        self.a_names: list[str] = [f"a_x[{k}]" for k in range(len(self.a))]
        self.trace, self.ids, self.results, self.values = self.follow()
        self.pairs, self.analytic = self.backward_pass()
        self.names = [name for name in self.node.param_names if name in self.analytic or self.reads(name)]
        self.unpaired = [name for name in self.names if name not in self.analytic]
        self.analytic |= {name: np.zeros(self.ids[name].shape) for name in self.unpaired}
        self.ids = {name: ids for name, ids in self.ids.items() if name in self.analytic}
        self.d = self.trace.gradients(self.seeds(self.upstream))
        self.expected = {name: self.d[ids, 0] for name, ids in self.ids.items()}

    def step(self, node: Any, a: list[Any], state: list[Any]) -> Any:
        """Run one step of a node; `a` is the result of `inputs`: one array or several."""
        return node.step(a[0] if len(a) == 1 else tuple(a), *state, **self.options)

    def reads(self, name: str) -> bool:
        """Whether the step reads a parameter."""
        own = self.ids[name].ravel()
        return any(np.isin(own, edge.before).any() for event in self.trace.events for edge in event.edges)

    @property
    def confirmed(self) -> bool:
        """Whether the trace is complete: its derivative along a random direction equals a finite difference."""
        rng, e = np.random.default_rng(0), 1e-5
        moves = {name: rng.standard_normal(expected.shape) for name, expected in self.expected.items()}
        analytic = sum(float(np.sum(self.expected[name] * v)) for name, v in moves.items())
        derivative = (self.moved(moves, e) - self.moved(moves, -e)) / (2 * e)
        return abs(derivative - analytic) <= 1e-5 * (1 + abs(derivative))

    def moved(self, moves: dict[str, Array], s: float) -> float:
        """Return Σ upstream · outputs, with parameters, state and a_x moved by s."""
        node = copy.copy(self.node)
        for name in self.names:
            vars(node)[name] = getattr(node, name) + s * moves[name]
        state = [part + s * moves[name] for name, part in zip(self.before, self.state)]
        a = [part.copy() for part in self.a]
        for name, part in self.named_a(a).items():
            part += s * moves[name]
        y, new, _ = self.step(node, a, state)
        return sum(float(np.sum(u * part)) for u, part in zip(self.upstream, (y, *new)))

    @property
    def gates(self) -> tuple[str, ...]:
        return gate_names(self.node)

    def named_a(self, parts: list[Any]) -> dict[str, Any]:
        """Name the blocks of a_x by gate; any other array from `inputs`, such as x, by its name in the step."""
        found: dict[str, Any] = {}
        for name, part in zip(self.a_names, parts):
            gated = len(part) == self.node.G * self.H and preactivation(self.gates[0]) not in found
            blocks = zip(self.gates, np.split(part, self.node.G)) if gated else ()
            found |= {preactivation(gate): block for gate, block in blocks} or {name: part}
        return found

    def backward_pass(self) -> tuple[dict[str, Any], dict[str, Array]]:
        """Return the pairs and gradients from step_backward."""
        _, _, saved = self.step(self.node, self.a, self.state)
        da_x, d_prev, pairs = self.node.step_backward(*self.upstream, saved, **self.options)
        found = self.named_a(parts_of(da_x))
        found |= dict(zip(self.before, d_prev))
        return pairs, found | {name: summed([pair]) for name, pair in pairs.items()}

    def follow(self) -> tuple[Recorder, dict[str, Array], list[Array], dict[str, Any]]:
        """Trace the step; return the trace, the ids of its inputs and of its outputs, and its arrays by name."""
        node, trace, ids = copy.copy(self.node), Recorder(), {}
        for name in self.node.param_names:
            traced = vars(node)[name] = trace.new(getattr(node, name))
            ids[name] = trace.numbers(traced)
        a, state = [trace.new(part) for part in self.a], [trace.new(part) for part in self.state]
        states = {name: trace.numbers(part) for name, part in zip(self.before, state)}
        y, new, _ = self.step(node, a, state)
        for k, part in enumerate(a):
            called = [name for name, value in trace.locals.items() if value is part]
            self.a_names[k] = called[0] if called else self.a_names[k]
        ids = {**self.named_a([trace.numbers(part) for part in a]), **states, **ids}
        return trace, ids, [trace.numbers(part) for part in (y, *new)], self.named(trace, state, y, new)

    def named(self, trace: Recorder, state: list[Any], y: Any, new: Any) -> dict[str, Any]:
        """Return every array (rows, B) of the step by its variable name; the first, if it has two."""
        found: dict[str, Any] = {**dict(zip(self.before, state)), **dict(zip(self.node.states, new))}
        sizes = {self.H, *self.node.state_sizes, len(y)}
        for name, value in [*trace.locals.items(), ("y", y)]:
            fits = isinstance(value, np.ndarray) and value.shape in {(size, B) for size in sizes}
            if fits and not any(value.shape == w.shape and same_place(value, w) for w in found.values()):
                found.setdefault(name, value)
        return found

    @property
    def variables(self) -> dict[str, Array]:
        """The ids of all named arrays at the end of the step, and of the previous state."""
        states = {name: ids for name, ids in self.ids.items() if name in self.before}
        named = {name: self.trace.numbers(value) for name, value in self.values.items()}
        return {**{name: ids for name, ids in named.items() if (ids >= 0).all()}, **states}

    @property
    def all_numbers(self) -> dict[str, Array]:
        """The ids of the variables and of the pre-activations."""
        return {**self.variables, **{name: ids for name, ids in self.ids.items() if name not in self.names}}

    def drop_upstream(self, part: int) -> None:
        """Set the upstream gradient of one output to zero: 0 is y, 1 the first part of the new state."""
        self.upstream[part] = np.zeros_like(self.upstream[part])
        self.d = self.trace.gradients(self.seeds(self.upstream))

    def row_blocks(self, name: str, x: Array) -> list[tuple[str, slice]]:
        """Return the blocks of H rows of an array with their gates; the whole array if it is not divided."""
        H, G = self.H, self.node.G
        n = len(x) // H if x.ndim and len(x) % H == 0 else 1
        if name in map(preactivation, self.gates):
            return [(name.removeprefix("a_") if name != "a" else "", slice(None))]
        if n < 2:
            return [("", slice(None))]
        return [(self.gates[k] if n == G else "", slice(k * H, (k + 1) * H)) for k in range(n)]

    def in_blocks(self, x: Array) -> list[Array]:
        """Split into blocks of H rows."""
        return [x[rows] for _, rows in self.row_blocks("", x)] if x.ndim else [x]

    def seeds(self, upstream: list[Array]) -> Array:
        """Return the upstream gradients as an array over all ids."""
        d = np.zeros((self.trace.count, 1))
        for ids, gradient in zip(self.results, upstream):
            d[ids, 0] += gradient
        return d


def small(node: Any) -> Any:
    """Return a copy; a large node is replaced by one with few hidden units, since each number is traced separately."""
    if node.hidden_size <= LARGEST:
        return copy.deepcopy(node)
    try:
        like = type(node)(**{**node.config(), "hidden_size": LARGEST}, input_size=min(node.width, LARGEST))
    except TypeError:  # its constructor takes other arguments
        return copy.deepcopy(node)
    like.convert("float64")
    rng = np.random.default_rng(0)
    like.load_state_dict({name: p + 0.3 * rng.standard_normal(p.shape) for name, p in like.params.items()})
    return like


def sizes_before(node: Any) -> dict[str, int]:
    """Return the size of each part of the state that a step reads: of h' and c', or of a tree's h_l, c_l, h_r, c_r."""
    if hasattr(node, "child_states"):
        return dict(zip(node.child_states, node.state_sizes * 2))
    return {f"{name}'": size for name, size in zip(node.states, node.state_sizes)}


def gate_names(node: Any) -> tuple[str, ...]:
    """Return the names of a node's gates, by default numbered; a single block has no name."""
    given = tuple(getattr(node, "gates", ()))
    if len(given) == node.G:
        return given
    return ("",) if node.G == 1 else tuple(f"gate {k}" for k in range(node.G))


def preactivation(gate: str) -> str:
    """Return the name of a gate's pre-activation, the argument of σ or tanh."""
    return f"a_{gate}" if gate else "a"


def same_place(x: Array, y: Array) -> bool:
    """Whether two arrays start at the same address."""
    return bool(x.__array_interface__["data"][0] == y.__array_interface__["data"][0])


def parts_of(a: Any) -> list[Array]:
    """Return the arrays that `inputs` returned, one or several, as a list."""
    return list(a) if isinstance(a, tuple) else [a]
