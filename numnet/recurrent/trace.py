"""Look inside a recurrent layer: the gates and states of every step by name, as the node's own step computes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy.typing as npt

from numnet.core.arrays import to_numpy
from numnet.core.checks import validate_call
from numnet.core.checks.recurrent import check_name_of_trace
from numnet.core.packed import to_padded
from numnet.recurrent.record import TracedSteps, built_for, recorded_copy

Array = npt.NDArray[Any]


class Trace(Mapping[str, Array]):
    """The arrays of one call of a recurrent layer, or of a part that contains such layers, by name.

        trace["i"], trace["f"]    the gates of each step, (B, T, H), by the names in the equations of the node
        trace["h"], trace["c"]    the state after each step, (B, T, H)
        trace["a_f"]              any other array (rows, B) that the node's step computes, by its variable name
        trace["y"]                the output, the same as that of forward: at padding it is 0, all others are NaN
        trace["layers.0.i"]       in the trace of a stack or a model; "forwards.i", "backwards.i" in a Bidirectional's

    `gates` and `states` are the names of the gates and states, `layers` the Trace of each layer by its name. `path`
    names how the call ran: a trace always runs step by step, never in a kernel. With batch_first=False the arrays are
    (T, B, H), as x is.
    """

    path = "plain: a trace stores every step"

    @validate_call
    def __init__(
        self,
        who: str,
        values: dict[str, Array],
        gates: Sequence[str] = (),
        states: Sequence[str] = (),
        layers: dict[str, Trace] | None = None,
        batch_first: bool = True,
    ) -> None:
        self.who, self.layers, self.batch_first = who, layers or {}, batch_first
        self.gates, self.states, self.arrays = tuple(gates), tuple(states), dict[str, Array]()
        for name, layer in self.layers.items():
            self.gates += tuple(f"{name}.{gate}" for gate in layer.gates)
            self.states += tuple(f"{name}.{q}" for q in layer.states)
            self.arrays |= {f"{name}.{own}": layer[own] for own in layer}
        self.arrays |= values

    def __getitem__(self, name: str) -> Array:
        check_name_of_trace(self.who, name, self.arrays, (*self.gates, *self.states, "y"))
        return self.arrays[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.arrays)

    def __len__(self) -> int:
        return len(self.arrays)

    def __repr__(self) -> str:
        return "\n".join([f"Trace of {self.who}, {self.path}", *self.lines()])

    def lines(self) -> Iterator[str]:
        """Yield a line for each kind of arrays, indented below the name of each layer."""
        for name, layer in self.layers.items():
            yield f"  {name}: {layer.who}"
            yield from (f"  {line}" for line in layer.lines())
        own = [name for name in self if "." not in name]
        kinds: dict[str, Any] = {"gates": self.gates, "states": self.states, "output": ["y"]}
        known = [name for names in kinds.values() for name in names]
        for kind, names in {**kinds, "others": [name for name in own if name not in known]}.items():
            by_shape: dict[Any, list[str]] = {}
            for name in (name for name in names if name in own):
                by_shape.setdefault(self[name].shape, []).append(name)
            if by_shape:
                groups = (f"{', '.join(same)} {shape}" for shape, same in by_shape.items())
                yield f"  {kind:7} {'; '.join(groups)}"


def trace(part: Any, x: Any, state: Any = None, lengths: Any = None, resets: Any = None) -> Trace:
    """Return the gates, states and outputs of every step, as a Trace: trace["f"] is (B, T, H).

    The arguments are those of forward. The call runs in evaluation mode and step by step in the node's own `step`,
    never in a kernel, and the arrays are numpy's on both backends. It changes nothing: a backward pass of an earlier
    call, `last_state`, the state of a stateful layer and the masks of the next training step are as before. It reads
    the local variables of `step` with sys.setprofile, in this thread; a profiler is paused during the call.
    """
    x, lengths = to_padded(x, lengths, part.batch_first is not False)
    built_for(part, x, state, lengths, resets)
    other, records = recorded_copy(part, TracedSteps)
    for layer, record in records.values():
        vars(layer)["forward"] = partial(forward_stored, layer.forward, record)
    y = other.eval().forward(x, state, lengths, resets)
    layers = {name: of_layer(layer, record) for name, (layer, record) in records.items()}
    if "" in layers:
        return layers[""]
    merged = {} if isinstance(y, tuple) else {"y": to_numpy(y)}  # a Bidirectional with merge=None has two outputs
    return Trace(part.name, merged, layers=layers, batch_first=part.batch_first is not False)


def forward_stored(forward: Callable[..., Any], record: TracedSteps, *inputs: Any, **options: Any) -> Any:
    """Call a layer's forward, and store its output."""
    found = forward(*inputs, **options)
    record.y = found[0] if isinstance(found, tuple) else found
    return found


def of_layer(layer: Any, record: TracedSteps) -> Trace:
    """Return the trace of one recurrent layer."""
    values = {**record.arrays(layer.batch_first), "y": to_numpy(record.y)}
    return Trace(layer.name, values, record.gates, layer.node.states, batch_first=layer.batch_first)
