"""The layer is time: one node, step after step, with all that can be done outside of the loop outside.

phase  forward                                           backward
  1    before the loop, a = W_x x + b for all steps:     after the loop, the gradients of W_x, W_h, b and x:
       a Dense layer over time (a lookup, for tokens)    one product over all steps each
  2    the node's step, which needs the state before     the node's step, which needs the gradient of the state after
  3    with output_size, y = W h + b for all steps:      before the loop
       another Dense layer, as in Weidman's book (2019)

With lengths the loop goes through stretches, in each of which the same rows take part: see course.py. Phase 3, and all
that is not time, is in recurrent.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

import numpy as np
import numpy.typing as npt

from numnet.between_steps import BetweenSteps
from numnet.columns import columns, columns_copy, with_ones
from numnet.course import Course
from numnet.node import Node, Stretches
from numnet.operation import Array
from numnet.slots import Memory, Slots

UNCHANGED = nullcontext()  # the weights as they are


class ThroughTime:
    """The part of a recurrent layer that is time: `node` goes through the stretches of a batch and back."""

    reused: tuple[str, ...] = ("slots", "memory")
    node: Node
    stepper: Any  # the node, or BetweenSteps, which stands for it
    reverse: bool
    zoneout: list[float]
    state_dropout: float
    dtype: npt.DTypeLike
    slots: Slots | None = None
    memory: Memory | None = None
    whole: Course | None = None

    def through_time(self, x: Array, start: Sequence[Any], course: Course, drawn: dict[str, Any]) -> Any:
        """The stretches of x, their memory, and the last state as columns."""
        node, stepper, stretches = self.node, self.stepper, self.stretches(course)
        xs = [with_ones(part) if part.ndim == 3 else part.T.copy() for part in course.take(x)]
        if isinstance(stepper, BetweenSteps):
            stepper.prepare(stretches, course, drawn)
        state = course.columns(start, node.state_sizes, self.dtype)
        for x, s, stretch in zip(xs, stretches, course.stretches):
            node.start(s, stretch.first(state))
            node.inputs(x, s)  # phase 1
            for t in range(s.T):
                stepper.step(s, t)  # phase 2
            state = stretch.handed_on(state, node.last_state(s, stretch.counts))
        return xs, stretches, state

    def back_through_time(self, dy: Any, d_last: Sequence[Any], stretches: Stretches, course: Course) -> list[Any]:
        """The gradient of the start state, as columns."""
        node = self.node
        node.weights_back(stretches)
        d_state = course.columns(d_last, node.state_sizes, self.dtype)
        for part, s, stretch in reversed(list(zip(course.take(dy), stretches, course.stretches))):
            node.start_backward(s, stretch.going_on(d_state))
            for t, ended in stretch.ends.items():
                s.ends[t] = [(d, ended, last[:, ended]) for d, last in zip(node.gradients(s), d_state)]
            self.loop_backward(s, part)  # phase 2
            d_state = stretch.handed_back(d_state, node.state_gradient(s))
        return d_state

    def loop_backward(self, s: Slots, dy: Array) -> None:
        """From the last step to the first, chunk by chunk: what comes from above meets what the later steps send."""
        dy = columns(dy) if columns(dy).flags.c_contiguous else columns_copy(dy)
        stepper, ends = self.stepper, s.ends
        for steps in reversed(s.chunks):
            self.node.slopes(s, steps)
            for t in reversed(range(steps.start, steps.stop)):
                s.dh += dy[t]
                if t in ends:
                    for gradient, ended, last in ends[t]:
                        gradient[:, ended] += last
                stepper.step_backward(s, t)
            s.lay_aside(steps)

    def course_of(self, B: int, T: int, mask: Any) -> Course:
        """The course of this batch; without padding, one serves all batches of a size."""
        whole = self.whole
        if mask is None and whole is not None and (whole.B, whole.T, whole.reverse) == (B, T, self.reverse):
            return whole
        course = Course(B, T, mask, self.reverse, None if self.node.bounded else 1)
        if mask is None:
            self.whole = course
        return course

    def stretches(self, course: Course) -> Stretches:
        """Buffers made once, and anew when the sizes or the dtype change; with lengths, cut out of memory made once."""
        dtype, s = self.node.dtype, self.slots
        if course.mask is None:
            if s is None or (s.T, s.B, s.dtype) != (course.T, course.B, dtype):
                s = self.slots = self.node.slots(course.T, course.B, self.new_memory(course.N))
            return [s]
        if self.memory is None or self.memory.dtype != dtype:
            self.memory = self.new_memory(course.N)
        self.memory.begin(course.N)
        return [self.node.slots(stretch.T, stretch.B, self.memory) for stretch in course.stretches]

    def new_memory(self, N: int) -> Memory:
        """Memory for N steps of all rows, with room for what zoneout and state dropout hold apart."""
        apart = [name for name, rate in zip(self.node.states, self.zoneout) if rate]
        return Memory(self.node.dtype, N, apart, self.state_dropout > 0)

    @contextmanager
    def dropped(self, kept: Array) -> Iterator[None]:
        """DropConnect: for as long as the context lasts, W_h ⊙ kept is W_h, and so is its gradient's way back."""
        node, name = self.node, self.node.recurrent_weights
        whole, gradient = getattr(node, name), getattr(node, f"d{name}")
        setattr(node, name, whole * kept.astype(whole.dtype))
        setattr(node, f"d{name}", np.zeros_like(gradient))
        try:
            yield
            gradient += kept * getattr(node, f"d{name}")
        finally:
            setattr(node, name, whole)
            setattr(node, f"d{name}", gradient)
