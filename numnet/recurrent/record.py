"""What a recorded call stores of each step.

unroll.py calls `begin` before the first step, `after` after each step, and in numnet `before_backward` before the
backward pass of each step.
"""

from __future__ import annotations

import contextlib
import copy
import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any

import numpy as np
import numpy.typing as npt

from numnet.core.arrays import to_numpy
from numnet.core.evaluation import Unwritten

Array = npt.NDArray[Any]


class TracedSteps:
    """The arrays (rows, B) of each step by name: the local variables of the node's `step`, and the new state."""

    def __init__(self) -> None:
        self.node: Any = None
        self.mask: Any = None  # (T, B), True where a step is real; None: everywhere
        self.names: list[str] = []
        self.now: dict[str, Any] = {}
        self.y: Any = None  # the output of the layer
        self.steps: dict[int, dict[str, Any]] = {}

    def begin(self, node: Any, steps: Any) -> Any:
        """Return a copy of the node for the loop, whose step is that of the record."""
        self.node, self.mask, other = node, steps.mask, copy.copy(node)
        vars(other)["step"] = self.step
        return other

    def step(self, a_x: Any, *state: Any, **options: Any) -> Any:
        """Run the node's step, and store its local variables that are arrays (rows, B)."""
        self.names = self.names or names_in_step(self.node, a_x, state, options)
        with local_variables(self.node) as found:
            results = self.node.step(a_x, *state, **options)
        self.now = {name: found[name] for name in self.names}
        return results

    def after(self, t: int, y: Any, new: Any) -> tuple[Any, Any]:
        """Store step t, with the state after it; zoneout may have changed the state that `step` returned."""
        self.steps[t] = {**self.now, **dict(zip(self.node.states, new))}
        return y, new

    def arrays(self, batch_first: bool) -> dict[str, Array]:
        """Return every array as (B, T, rows), or (T, B, rows), NaN at padding: gates, then states, then the others."""
        gates, states = self.gates, list(self.node.states)
        names = [*gates, *states, *(name for name in self.names if name not in (*gates, *states))]
        real = None if self.mask is None else to_numpy(self.mask)[..., None]
        found = {}
        for name in names:
            rows = [to_numpy(self.steps[t][name]).T for t in range(len(self.steps))]
            array = np.stack(rows) if real is None else np.where(real, np.stack(rows), np.nan)
            found[name] = np.ascontiguousarray(array.swapaxes(0, 1)) if batch_first else array
        return found

    @property
    def gates(self) -> list[str]:
        """The names of the node's gates that are variables of its step."""
        return [name for name in self.node.gates if name in self.names and name not in self.node.states]


@contextlib.contextmanager
def local_variables(node: Any) -> Iterator[dict[str, Any]]:
    """Collect the local variables that the node's `step` has when it returns, and those of a step that it inherits."""
    found: dict[str, Any] = {}

    def at_return(frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        if event == "return" and code.co_name == "step" and frame.f_locals.get(code.co_varnames[0]) is node:
            found.update(frame.f_locals)

    before: Any = sys.getprofile()
    sys.setprofile(at_return)
    try:
        yield found
    finally:
        sys.setprofile(None)
        if hasattr(before, "enable"):  # cProfile
            before.enable()
        else:
            sys.setprofile(before)


def names_in_step(node: Any, a_x: Any, state: Any, options: dict[str, Any]) -> list[str]:
    """Return the names of the step's arrays (rows, B) that are not its arguments, in the order of assignment.

    A parameter could be (rows, B) by chance. So one more step runs on as many columns as no parameter has: a prime that
    divides none of their sizes. Of two names of one array the first counts, and none for the state and the output.
    """
    sizes = {size for array in node.params.values() for size in array.shape} | {node.hidden_size}
    columns = next(p for p in (11, 13, 17, 19, 23, 29, 31, 37, 41, 43) if all(size % p for size in sizes))
    a_x = tuple(widened(part, columns) for part in a_x) if isinstance(a_x, tuple) else widened(a_x, columns)
    state, options = [widened(q, columns) for q in state], {name: widened(q, columns) for name, q in options.items()}
    with local_variables(node) as found:
        y, new, *_ = node.step(a_x, *state, **options)
    known = [y, *new, *(a_x if isinstance(a_x, tuple) else (a_x,)), *state, *options.values()]
    names = []
    for name, value in found.items():
        if getattr(value, "ndim", 0) != 2 or value.shape[-1] != columns or any(value is other for other in known):
            continue
        names.append(name)
        known.append(value)
    return [name for name in names if name not in ("y", *node.states)]


def widened(q: Any, columns: int) -> Any:
    """Repeat the first column of an array; leave a number and None as they are."""
    return q[..., [0] * columns] if getattr(q, "ndim", 0) else q


def built_for(part: Any, x: Any, state: Any, lengths: Any, resets: Any) -> None:
    """Create the parameters of a part that has none, as its first call with these arguments does; nothing else."""
    if not part.built:
        with part.evaluating(Unwritten) if hasattr(part, "evaluating") else Unwritten(part):
            part.forward(x, state, lengths, resets)


def recorded_copy(part: Any, kind: Any) -> tuple[Any, dict[str, tuple[Any, Any]]]:
    """Return a copy of the part with its parameters, not copies of them; and each layer with its record, by name.

    The copy runs step by step, and calls the methods of the record, an object of this kind, in each recurrent layer.
    """
    shared = {id(array): array for module in part.modules() for array in parameters_of(module)}
    other = copy.deepcopy(part, shared)
    before, layers = recurrent_in(part), recurrent_in(other)
    records = {name: (layer, kind()) for name, layer in layers.items()}
    for name, (layer, record) in records.items():
        states = {"last_state": before[name].last_state, "cleared": before[name].cleared}  # of a stateful layer
        vars(layer).update(states, _use_fast=False, record=record)
    return other, records


def recurrent_in(part: Any) -> dict[str, Any]:
    """Return the recurrent layers of a part by name; a layer itself has the name ""."""
    return part.recurrent_layers if hasattr(part, "recurrent_layers") else {"": part}


def parameters_of(module: Any) -> Iterator[Any]:
    """Yield the arrays that a copy shares: the parameters, in PyTorch also a weight that a hook computes."""
    own = vars(module)
    yield from (own[name] for name in own.get("param_names", ()))
    yield own.get("flat_params")
    yield from own.get("_parameters", {}).values()
    yield from (value for value in own.values() if hasattr(value, "requires_grad"))
