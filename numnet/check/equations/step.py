"""One step of a node, alone: what its own way back says, and what the trace of its forward pass says."""

from __future__ import annotations

import copy
import linecache
from typing import Any

import numpy as np

from numnet.check.equations.recorder import Recorder, TracedMemory
from numnet.columns import with_ones
from numnet.operation import Array

B = 4  # samples of a step: enough numbers that no wrong guess fits by chance
LARGEST = 8  # hidden units
UNWRITTEN = 1.25e75  # stands in da until something else does


class Step:
    """A node's step with random numbers; `promised` and `due` are the gradients by name, and agree where it is right.

    Names are a_i, a_f, ... the pre-activations by gate; h', c', the state before; and the node's parameters but W_x
    and b, which the step does not see.
    """

    def __init__(self, node: Any, seed: int = 0) -> None:
        linecache.checkcache()
        self.node, rng = small(node), np.random.default_rng([seed, 7])
        self.H = self.node.hidden_size
        self.x = rng.standard_normal((self.node.width, B))
        self.state = [rng.standard_normal((size, B)) for size in self.node.state_sizes]
        self.upstream = [rng.standard_normal((size, B)) for size in self.node.state_sizes]
        self.a = self.pre_activations()
        self.names = [name for name in self.node.param_names if name not in ("W_x", "b", "g_x")]
        self.promised = self.way_back()
        self.trace, self.ids, self.results, self.values = self.follow()
        self.d = self.trace.gradients(self.seeds(self.upstream))
        self.due = {name: self.d[ids, 0] for name, ids in self.ids.items()}

    @property
    def confirmed(self) -> bool:
        """Whether the trace has followed everything: its slope along a drawn direction is that of the step itself."""
        rng, e = np.random.default_rng(0), 1e-5
        moves = {name: rng.standard_normal(self.due[name].shape) for name in self.due if not name.startswith("a")}
        promised = sum(float(np.sum(self.due[name] * v)) for name, v in moves.items())
        slope = (self.moved(moves, e) - self.moved(moves, -e)) / (2 * e)
        return abs(slope - promised) <= 1e-5 * (1 + abs(slope))

    def moved(self, moves: dict[str, Array], s: float) -> float:
        """Σ upstream · the new state, from parameters and a state that are moved by s."""
        node = copy.copy(self.node)
        for name in self.names:
            setattr(node, name, getattr(node, name) + s * moves[name])
        state = [part + s * moves[f"{name}'"] for name, part in zip(node.states, self.state)]
        new, _ = node.forward(self.x, node.joined(state))
        return sum(float(np.sum(u * part)) for u, part in zip(self.upstream, node.each(new)))

    @property
    def gates(self) -> tuple[str, ...]:
        return gate_names(self.node)

    def pre_activations(self) -> Array:
        s = self.node.slots(1, B)
        self.node.start(s, self.state)
        self.node.inputs(with_ones(self.x.T[:, None]), s)
        return s.a[0].copy()

    def way_back(self) -> dict[str, Array]:
        """The node's own gradients."""
        _, saved = self.node.forward(self.x, self.node.joined(self.state))
        saved[1].da.fill(UNWRITTEN)
        self.node.zero_grad()
        _, back = self.node.backward(self.node.joined(self.upstream), saved)
        da = saved[1].da_all[: self.node.G * self.H, 0]
        found = {before(gate): part for gate, part in zip(self.gates, np.split(da, self.node.G))}
        found |= {f"{name}'": part for name, part in zip(self.node.states, self.node.each(back))}
        return found | {name: self.node.grads[name] for name in self.names}

    def follow(self) -> tuple[Recorder, dict[str, Array], list[Array], dict[str, Any]]:
        """The trace of the step; the numbers of all that it starts from, and of the new state; the arrays by name."""
        node, trace, ids = copy.copy(self.node), Recorder(), {}
        for name in self.names:
            traced = trace.new(getattr(node, name))
            setattr(node, name, traced)
            ids[name] = trace.numbers(traced)
        s = node.slots(1, B, TracedMemory(trace, B))
        node.start(s, self.state)
        s.a[0] = self.a
        blocks = np.split(trace.numbers(s.a[0]), node.G)
        states = {f"{name}'": trace.numbers(getattr(s, name)[0]) for name in node.states}
        ids = {**{before(gate): block for gate, block in zip(self.gates, blocks)}, **states, **ids}
        node.step(s, 0)
        results = [trace.numbers(getattr(s, f"{name}_new")[0]) for name in node.states]
        return trace, ids, results, self.named(s, trace)

    def named(self, s: Any, trace: Recorder) -> dict[str, Any]:
        """Every array of one step by the name that the step itself gives it, else by its place in the slots."""
        H, states, found = self.H, self.node.states, {}
        for gate, block in zip(self.gates, np.split(s.a[0], self.node.G)):
            found[gate or "a"] = block
        for name in states:
            found |= {f"{name}'": getattr(s, name)[0], name: getattr(s, f"{name}_new")[0]}
        for name, value in [*trace.locals.items(), *vars(s).items()]:
            value = value[0] if isinstance(value, np.ndarray) and value.ndim == 3 else value
            if isinstance(value, np.ndarray) and value.shape[-1:] == (B,) and value.shape[0] == H and value.ndim == 2:
                found.setdefault(name, value)
        return found

    @property
    def variables(self) -> dict[str, Array]:
        """The numbers of all that has a name: at the end of the step, and of the state before."""
        states = {name: ids for name, ids in self.ids.items() if name.endswith("'")}
        return {**{name: self.trace.numbers(value) for name, value in self.values.items()}, **states}

    @property
    def all_numbers(self) -> dict[str, Array]:
        """Those, and the pre-activations."""
        return {**self.variables, **{name: ids for name, ids in self.ids.items() if name.startswith("a")}}

    def lose(self, part: int) -> None:
        """As if nothing came in with this part of the new state."""
        self.upstream[part] = np.zeros_like(self.upstream[part])
        self.d = self.trace.gradients(self.seeds(self.upstream))

    def row_blocks(self, name: str, x: Array) -> list[tuple[str, slice]]:
        """The blocks of H rows of an array, each with its gate; all of it where it is one block, or none."""
        H, G = self.H, self.node.G
        n = len(x) // H if x.ndim and len(x) % H == 0 else 1
        if name.startswith("a_"):
            return [(name.removeprefix("a_"), slice(None))]
        if n < 2:
            return [("", slice(None))]
        return [(self.gates[k] if n == G else "", slice(k * H, (k + 1) * H)) for k in range(n)]

    def in_blocks(self, x: Array) -> list[Array]:
        """Its blocks of H rows."""
        return [x[rows] for _, rows in self.row_blocks("", x)] if x.ndim else [x]

    def seeds(self, upstream: list[Array]) -> Array:
        """The upstream gradient at the numbers of the new state."""
        d = np.zeros((self.trace.count, 1))
        for ids, gradient in zip(self.results, upstream):
            d[ids, 0] += gradient
        return d


def small(node: Any) -> Any:
    """A copy; of a large node the like of it with few hidden units, as every number is followed by itself."""
    if node.hidden_size <= LARGEST:
        return copy.deepcopy(node)
    try:
        like = type(node)(**{**node.config(), "hidden_size": LARGEST}, input_size=min(node.width, LARGEST))
    except TypeError:  # a constructor of its own
        return copy.deepcopy(node)
    like.convert("float64")
    rng = np.random.default_rng(0)
    like.load_state_dict({name: p + 0.3 * rng.standard_normal(p.shape) for name, p in like.params.items()})
    return like


def gate_names(node: Any) -> tuple[str, ...]:
    """The node's own names of its gates, else numbers; one block needs no name."""
    given = tuple(getattr(node, "gates", ()))
    if len(given) == node.G:
        return given
    return ("",) if node.G == 1 else tuple(f"gate {k}" for k in range(node.G))


def before(gate: str) -> str:
    """The name of what a gate is the σ or the tanh of."""
    return f"a_{gate}" if gate else "a"
