"""Calls of each kind of part on a Tape: rows are samples, inputs and outputs are ArrayWithGrad.

A call of a node, or of an operation with pure functions, passes the terms of its weights' gradients to Weights. For
other parts the tape stores the values that a call saved, and restores them for its backward pass: stored.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from numnet.autograd.array import ArrayWithGrad
from numnet.autograd.nested import as_tuples, gradients_of, leaves, nested, plain, value_of, values_in
from numnet.autograd.outputs import on_tape
from numnet.autograd.stored import StoredCall
from numnet.autograd.weights import Terms, Weights, inputs_backward
from numnet.core.arrays import as_array
from numnet.core.checks import (
    check_constants,
    check_padded,
    check_parameter,
    check_step,
    check_step_state,
)
from numnet.core.checks.autograd import check_weights_unchanged
from numnet.core.checks.nodes import parts_of_children
from numnet.core.operation import Array
from numnet.core.parameters import ParamOperation
from numnet.recurrent.unroll import at


def on(tape: Any, part: Any) -> OnTape:
    """Return the wrapper that calls the part on the tape."""
    if hasattr(part, "states"):
        return TreeOnTape(tape, part) if hasattr(part, "child_states") else NodeOnTape(tape, part)
    if part.recurrent:
        return LayerOnTape(tape, part)
    return PureOnTape(tape, part) if is_pure(part) else OperationOnTape(tape, part)


def is_pure(part: Any) -> bool:
    """Return whether one class defines `compute` with forward and backward: a subclass may override some of them."""
    names = ("compute", "compute_backward", "forward", "backward")
    definers = [next((kind for kind in type(part).__mro__ if name in vars(kind)), None) for name in names]
    return definers[0] is not None and len(set(definers)) == 1 and getattr(part, "tied_to", None) is None


class OnTape:
    """A wrapper that calls a part on a tape; other attributes are those of the part."""

    own = ("tape", "part", "weights", "modules", "settled", "last_state")

    def __init__(self, tape: Any, part: Any) -> None:
        self.tape, self.part, self.settled = tape, part, False
        self.weights, self.modules = Weights(part), list(part.modules())

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        raise NotImplementedError

    def changes(self) -> int:
        """Return how often the weights of the part were changed."""
        return int(self.part.changes_of_weights())

    def settle(self) -> None:
        """After a call, let the tape check which parts have weights, until this part has them."""
        self.tape.settle()
        self.settled = getattr(self.part, "built", True)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or "part" not in vars(self):
            raise AttributeError(name)
        return self.parameter(name) if self.holder_of(name) else getattr(self.part, name)

    def parameter(self, name: str) -> ArrayWithGrad:
        """Return a parameter, by its name in the part's `params`, on the tape: backward adds to its gradient."""
        found = self.holder_of(name)
        if found is None:
            check_parameter(self.part.name, name, getattr(self.part, "params", ()))
        holder, own = found
        tape, changes = self.tape, holder.weight_changes

        def backward_fn(dW: Array) -> list[Any]:
            check_weights_unchanged(tape.name, holder.weight_changes, changes)
            return [Terms([], [], {own: dW})]

        parameter: ArrayWithGrad = ArrayWithGrad.of(getattr(holder, own), [Weights(holder)], backward_fn)
        return parameter

    def holder_of(self, name: str) -> Any:
        """Return the operation that has a parameter, and its name there, or None."""
        if name == "W" and getattr(self.part, "tied_to", None) is not None:
            return self.part.tied_to, name
        holders = self.part.holders() if isinstance(self.part, ParamOperation) else ()
        return next(((holder, own) for full, holder, own in holders if full == name), None)

    def __repr__(self) -> str:
        return f"<{self.part!r} on a tape>"

    def __setattr__(self, name: str, value: Any) -> None:
        if name in OnTape.own:
            vars(self)[name] = value
        else:
            setattr(self.part, name, value)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "last_state"}


class NodeOnTape(OnTape):
    """One step: on the tape a row is a sample, in the node a column."""

    def __call__(self, x: Any, state: Any = None) -> Any:
        return self.called(x, self.part.each(as_tuples(state)))

    def called(self, x: Any, parts: tuple[Any, ...]) -> Any:
        """Run the step on x and the parts of the state; return the new state, after y if the node reads out."""
        tape, node = self.tape, self.part
        columns, start = self.validated(x, parts)
        y, new, saved = node.step(at(node.inputs(columns), 0), *start)
        if not self.settled:
            self.settle()
        changes, tracked = node.weight_changes, [isinstance(part, ArrayWithGrad) for part in (x, *parts)]
        results = (y, *new) if node.reads_out else new

        def backward_fn(gradients: list[Any]) -> Any:
            check_weights_unchanged(tape.name, node.weight_changes, changes)
            d_results = [np.zeros_like(q) if dq is None else dq.T for q, dq in zip(results, gradients)]
            dy, *d_new = d_results if node.reads_out else (np.zeros_like(y), *d_results)
            da_x, d_state, pairs = node.step_backward(dy, *d_new, saved)
            dx, terms = self.inputs_backward(da_x, columns, pairs, tracked[0])
            return [*(dq.T for dq, needs_grad in zip((dx, *d_state), tracked) if needs_grad), terms]

        parents = [part for part, needs_grad in zip((x, *parts), tracked) if needs_grad]
        outputs = on_tape([q.T for q in results], [*parents, self.weights], backward_fn)
        return (outputs[0], node.joined(outputs[1:])) if node.reads_out else node.joined(outputs)

    def validated(self, x: Any, parts: tuple[Any, ...]) -> tuple[Array, tuple[Array, ...]]:
        """Return x as a sequence of T = 1 steps, and the parts of the state, checked, with samples as columns."""
        node, given = self.part, x.value if isinstance(x, ArrayWithGrad) else as_array(self.part.name, "x", x)
        check_step(node.name, given)
        rows = [
            None if h is None else as_array(node.name, f"state {name}", value_of(h))
            for name, h in zip(node.states, parts)
        ]
        check_step_state(node, rows, len(given))
        columns = [None if h is None else h.T for h in rows]
        validated: tuple[Array, tuple[Array, ...]] = node.validated(given.T, node.joined(columns))
        return validated

    def inputs_backward(self, da_x: Any, x: Array, pairs: dict[str, Any], needs_grad: bool) -> tuple[Any, Terms]:
        """Return dx, if it is needed, and the terms of the weights' gradients."""
        if not needs_grad:
            return None, Terms([(x, da_x)], [pairs])
        dx, terms = inputs_backward(self.part, da_x, x, pairs)
        return dx[0], terms


class TreeOnTape(NodeOnTape):
    """A node of a tree: the states of two children, None for a missing one, and a context or None."""

    def __call__(self, left: Any = None, right: Any = None, x: Any = None) -> Any:  # type: ignore[override]
        return self.called(x, parts_of_children(self.part, as_tuples(left), as_tuples(right)))

    def validated(self, x: Any, parts: tuple[Any, ...]) -> tuple[Array, tuple[Array, ...]]:
        """Return the context and the parts of both children, checked, with samples as columns."""
        validated: tuple[Array, tuple[Array, ...]] = self.part.validated(*plain((x, parts)), rows=True)
        return validated


class LayerOnTape(OnTape):
    """A recurrent layer: y from x and the start state; `last_state` is on the tape too."""

    def __call__(self, x: Any, state: Any = None, lengths: Any = None, resets: Any = None) -> Any:
        layer, tape, state = self.part, self.tape, as_tuples(state)
        check_padded(layer.name, x)
        check_constants(layer.name, lengths=lengths, resets=resets)
        y = layer.forward(value_of(x), plain(state), lengths, resets)
        stored, changes = StoredCall(self.modules), self.changes()
        if not self.settled:
            self.settle()

        def backward_fn(gradients: list[Any]) -> Any:
            check_weights_unchanged(tape.name, self.changes(), changes)
            with stored.restored():
                dx = layer.backward(*nested(outputs, gradients))
                return gradients_of((x, state), (dx, layer.d_state))

        outputs = y, layer.last_state
        y, self.last_state = nested(outputs, on_tape(leaves(outputs), values_in((x, state)), backward_fn))
        return y


class PureOnTape(OnTape):
    """An operation whose `compute` and `compute_backward` are pure functions."""

    def __call__(self, x: Any) -> Any:
        part, tape = self.part, self.tape
        needs_grad = isinstance(x, ArrayWithGrad)
        if not needs_grad:
            check_padded(part.name, x)
        y, saved = part.compute(part.validated(x.value if needs_grad else x))
        if not self.settled:
            self.settle()
        changes = part.weight_changes

        def backward_fn(dy: Array) -> list[Any]:
            check_weights_unchanged(tape.name, part.weight_changes, changes)
            dx, pairs = part.compute_backward(dy, saved)
            return [dx, Terms([], [pairs])] if needs_grad else [Terms([], [pairs])]

        return ArrayWithGrad.of(y, (x, self.weights) if needs_grad else (self.weights,), backward_fn)


class OperationOnTape(OnTape):
    """Any other part: first the inputs that have gradients, then constants such as a loss's target."""

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        part, tape = self.part, self.tape
        given = inputs[: len(getattr(part, "takes", ("x",)))]
        check_padded(part.name, *inputs)
        constants = {f"input {k}": x for k, x in enumerate(inputs) if k >= len(given)}
        check_constants(part.name, **constants, **options)
        y = part.forward(*map(value_of, inputs), **options)
        stored, changes = StoredCall(self.modules), self.changes()
        if not self.settled:
            self.settle()

        def backward_fn(gradients: list[Any]) -> Any:
            check_weights_unchanged(tape.name, self.changes(), changes)
            dy = nested(y, gradients)
            with stored.restored():
                found = part.backward(float(dy) if isinstance(y, float) else dy)
            return gradients_of(given, found if isinstance(found, tuple) else (found,))

        return nested(y, on_tape(leaves(y), values_in(given), backward_fn))
