"""Find the value whose gradient goes astray between the steps of a SPINN, by changing how it varies.

The tracker reads x = [h_b; h_1; h_2] (1) and its last state k', m' (2); the node of the tree reads the context k and
the states of two children (4). A first call records these values. Then the outputs are differentiated while one value
v, of which v₀ is recorded, is replaced by

    v₀ + c (v - v₀)     c = 0: v is a constant; c = 2: it counts twice; c = -1: its sign is wrong
    v₀ + (w - w₀)       the variation of another value w

If all gradients agree with these derivatives, that is what backward computes.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from numnet.check.engine.differences import along
from numnet.check.engine.finding import Finding
from numnet.check.engine.probe import Probe
from numnet.check.engine.source import LABEL, Line

TOLERANCE = 1e-6  # relative to the norms: looser than the check that found the error
FACTORS = {
    0: "treats {} as constant",
    2: "counts the gradient of {} twice",
    -1: "has the gradient of {} with a wrong sign",
}


class Value(NamedTuple):
    """A value that a node's function reads: its name, the argument, the rows in it."""

    name: str
    argument: int
    rows: slice = slice(None)


class Variation(NamedTuple):
    """The values of a function, the values whose variations they get, and the factor of these."""

    equation: str
    node: Any
    function: str
    values: Sequence[Value]
    sources: Sequence[Value]
    factor: int = 1

    @property
    def text(self) -> str:
        names = [value.name for value in self.values]
        if self.factor in FACTORS:
            return FACTORS[self.factor].format(" and ".join(names))
        half = len(names) // 2
        return f"exchanges the gradients of {', '.join(names[:half])} and {', '.join(names[half:])}"


class Varied:
    """A node's function that records its values in one call of the model, and changes how they vary in later ones."""

    def __init__(self, variation: Variation) -> None:
        self.variation, self.original = variation, getattr(variation.node, variation.function)
        self.recorded: list[list[Any]] = []
        self.count = -1  # of the calls of the function; -1 in the call of the model that records

    def __enter__(self) -> Varied:
        vars(self.variation.node)[self.variation.function] = self
        return self

    def __exit__(self, *_: Any) -> None:
        del vars(self.variation.node)[self.variation.function]

    def __call__(self, *given: Any) -> Any:
        now = [part.copy() for part in given]
        if self.count < 0:
            self.recorded.append(now)
            return self.original(*now)
        varied, before = [part.copy() for part in now], self.recorded[self.count]
        self.count += 1
        for value, source in zip(self.variation.values, self.variation.sources):
            move = (now[source.argument] - before[source.argument])[..., source.rows, :]
            varied[value.argument][..., value.rows, :] = (
                before[value.argument][..., value.rows, :] + self.variation.factor * move
            )
        return self.original(*varied)


def of_paths(probe: Probe, wrong: list[str], seed: int) -> Iterator[Finding]:
    """Yield the first variation that explains all gradients; none for a model that is no SPINN of numnet."""
    model = getattr(probe.subject.thing, "encoder", probe.subject.thing)
    if not (hasattr(model, "added_loss") and hasattr(model.reduce, "step_backward")):
        return
    tensors = [*wrong, *(name for name in probe.gradients if name not in wrong)]
    for variation in variations_of(model):
        if explains(probe, variation, tensors, np.random.default_rng([seed, 8])):
            names, equation = tuple(value.name for value in variation.values), variation.equation
            lines = tuple(lines_back(model, equation))
            yield Finding(f"equation {equation}: backward {variation.text}", "path", names, (), equation, None, lines)
            return


def variations_of(model: Any) -> Iterator[Variation]:
    """Yield the variations, those of single values first."""
    node, tracker, count = model.reduce, model.tracker, len(model.reduce.states)
    H, children = node.state_sizes[0], [Value(name, k) for k, name in enumerate(node.child_states, 1)]
    seen = [Value(name, 0, slice(k * H, (k + 1) * H)) for k, name in enumerate(("h_b", "h_1", "h_2"))]
    states, left, right = [Value("k'", 1), Value("m'", 2)], children[:count], children[count:]
    read: list[tuple[str, Any, str, list[Value]]] = [("(4)", node, "step", children)]
    if tracker is not None:
        read += [("(4)", node, "inputs", [Value("k", 0)]), ("(2)", tracker, "step", states)]
        read += [("(1)", tracker, "inputs", seen)]
    for factor in FACTORS:
        for equation, part, function, values in read:
            sets = [[value] for value in values] + [values] * (len(values) > 1)
            for chosen in [*sets, left, right] if values is children and count > 1 else sets:
                yield Variation(equation, part, function, chosen, chosen, factor)
    yield Variation("(4)", node, "step", [*left, *right], [*right, *left])
    for one, other in ((0, 1), (0, 2), (1, 2)) if tracker is not None else ():
        yield Variation("(1)", tracker, "inputs", [seen[one], seen[other]], [seen[other], seen[one]])


def explains(probe: Probe, variation: Variation, tensors: list[str], rng: np.random.Generator) -> bool:
    """Whether all gradients agree with the derivatives, each along one random direction."""
    subject = probe.subject
    with Varied(variation) as varied:
        subject.run(subject.inputs, subject.params)

        def call(thing: Any, inputs: Mapping[str, Any]) -> Any:
            varied.count = 0
            return subject.call(thing, inputs)

        other = Probe(replace(subject, call=call), probe.outputs, probe.upstream, probe.gradients)
        return bool(varied.recorded) and all(agrees(other, name, rng) for name in tensors)


def agrees(probe: Probe, name: str, rng: np.random.Generator) -> bool:
    """Whether the gradient of one tensor is right along a random direction."""
    gradient = probe.gradients[name]
    v = rng.standard_normal(gradient.shape)
    numerical, uncertainty, _ = along(probe, name, v)
    size = float(np.linalg.norm(gradient) * np.linalg.norm(v))
    return bool(abs(numerical - float(np.sum(gradient * v))) <= TOLERANCE * max(size, abs(numerical)) + uncertainty)


def lines_back(model: Any, equation: str) -> Iterator[Line]:
    """Yield the lines of the thin stack's backward pass whose comments name this equation."""
    modules = [inspect.getmodule(kind) for kind in type(model).__mro__]
    stack = next(
        (inspect.getmodule(vars(each)["track_backward"]) for each in modules if hasattr(each, "track_backward")), None
    )
    for name, function in vars(stack).items() if stack else ():
        if inspect.isfunction(function) and name.endswith("_backward"):
            text, first = inspect.getsourcelines(function)
            for number, line in enumerate(text, first):
                code, _, comment = line.partition("#")
                if code.strip() and equation.strip("()") in LABEL.findall(comment):
                    yield Line(inspect.getsourcefile(function) or "", number, code.strip(), ())
