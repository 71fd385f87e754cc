"""A layer's doors: how a batch, its lengths and a state come in, how outputs and gradients go out; inside is time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from numnet.between_steps import BetweenSteps
from numnet.checks import check_sequence, check_size, check_steps
from numnet.columns import rows
from numnet.course import Course
from numnet.dense import Dense
from numnet.lengths import as_mask
from numnet.node import Node, Stretches
from numnet.operation import Array, Layer, Operation
from numnet.recurrent_options import Options, RecurrentOptions
from numnet.sequences import Packed, closed, opened, opened_like
from numnet.state import State
from numnet.through_time import UNCHANGED, ThroughTime

if TYPE_CHECKING:
    from typing import Unpack


class RecurrentLayer(RecurrentOptions, ThroughTime, Layer):
    """Any node through time. x (B, T, D) or tokens (B, T) → y (B, T, H), or (B, T, O) with output_size.

    forward(x, state=None, lengths=None) starts from the state (B, H), an LSTM's a pair (h, c), zeros for None; then
    `last_state` is the state after each row's last real step. backward(dy, d_last_state=None) → dx; then `d_state` is
    the start state's gradient. `lengths` (B,) counts each row's real steps, or is a mask (B, T), True where a step is
    real; or x is Packed, and then y is. At padding y and dx are exactly 0, and what stands there is never read.

        batch_first=False         x, y, masks and their gradients are (T, B, ...)
        reverse=True              from each row's last real step to its first; y[:, t] still belongs to x[:, t]
        return_sequences=False    y is the last step's alone, (B, H)
        learn_state=True          where no state is given, it is a parameter, h_0 (and c_0)
        stateful=True             where no state is given, row b goes on from `last_state`, until reset_state(rows=None)
        state_dropout, zoneout    see between_steps.py; zoneout may be a pair, for h and for c
        weight_dropout            a part of W_h, drawn anew for each call, is 0 (DropConnect, as Merity et al. 2017)
        bidirectional=True        makes a Bidirectional of the layer
    """

    recurrent = True
    last_state: State = None
    d_state: State = None

    def __init__(self, node: Node, output_size: int | None = None, **options: Unpack[Options]) -> None:
        super().__init__(node.input_size, node.seed, node.dtype)
        node.seed = None  # the layer's is for all of its parts, one after another
        check_size(self.name, output_size=output_size)
        self.node, self.hidden_size, self.output_size = node, node.hidden_size, output_size
        self.output = Dense(output_size, None, node.initial) if output_size else None
        node.speaker = self.name
        self.set_options(options)
        self.stepper = BetweenSteps(node) if self.drops else node
        self.ready(node.input_size)

    def parts(self) -> dict[str, Operation]:
        return {"": self.node, "output": self.output} if self.output else {"": self.node}

    def make(self, rng: np.random.Generator) -> int:
        width = self.node.build(self.width, rng, self.dtype)
        if self.learn_state:
            for name, size in zip(self.node.states, self.node.state_sizes):
                self.add_param(f"{name}_0", np.zeros(size))
        width = self.output.build(width, rng, self.dtype) if self.output else width
        if self.drops:
            self.mask_seed = int(rng.integers(2**31))
        return width

    def forward(self, x: Any, state: State = None, lengths: Any = None) -> Any:
        packed = isinstance(x, Packed)
        x, mask = self.entered(x, lengths)
        course = self.course_of(x.shape[0], x.shape[1], mask)
        start, learned = self.start_state(state, course.B)
        drawn = self.draw(course.B, course.T)
        with self.dropped(drawn["weights"]) if "weights" in drawn else UNCHANGED:
            xs, stretches, last = self.through_time(x, start, course, drawn)
        self.remember(self.node.joined([course.rows(part) for part in last]))
        y = self.shown(stretches, course)
        self.saved = xs, stretches, course, x.shape[2:], learned, drawn.get("weights"), packed
        return closed(y, course.counts, self.batch_first) if packed and self.return_sequences else y

    def backward(self, dy: Any, d_last_state: State = None) -> Any:
        xs, stretches, course, width, learned, weights, packed = self.recall()
        dy = opened_like(self.name, dy, course.counts if packed else None, self.batch_first)
        d_last = self.checked(d_last_state, course.B, "d_last_state")
        dy, d_last = self.shown_backward(dy, d_last, course)
        with self.dropped(weights) if weights is not None else UNCHANGED:
            d_start = self.back_through_time(dy, d_last, stretches, course)
            dx = self.node.sums_backward(xs, stretches) if stretches else None  # phase 1
        d_start = [course.rows(part) for part in d_start]
        self.d_state = self.node.joined(d_start)
        if learned is not None:
            for name, part in zip(self.node.states, d_start):
                gradient = getattr(self, f"d{name}_0")
                gradient += part[learned].sum(axis=0)
        if not width:
            return None
        dx = self.turned(course.put(course.split(dx), *width, self.dtype))
        return closed(dx, course.counts, self.batch_first) if packed else dx

    def shown(self, stretches: Stretches, course: Course) -> Array:
        """y: the states of all steps, or the last one's; through the Dense layer where there is one."""
        if self.return_sequences:
            y = course.put([rows(s.h[1:]) for s in stretches], self.node.state_sizes[0], self.dtype)
        else:
            y = course.shown(self.node.each(self.last_state)[0])
        y = course.shown(self.output(y)) if self.output else y.copy(order="K")  # phase 3; a copy: slots are used again
        return self.turned(y) if self.return_sequences else y

    def shown_backward(self, dy: Any, d_last: list[Any], course: Course) -> tuple[Array, list[Any]]:
        """The gradients of all states and of the last one."""
        width, shape = self.output_size or self.node.state_sizes[0], [course.B, course.T]
        shape = shape[:1] if not self.return_sequences else shape if self.batch_first else shape[::-1]
        dy = self.gradient(dy, (*shape, width), self.dtype)
        dy = self.turned(dy) if self.return_sequences else dy
        if self.output:
            dy = self.output.backward(course.shown(dy))  # phase 3
        if self.return_sequences:
            return dy, d_last
        dh = course.shown(dy)
        every = np.zeros((course.B, course.T, self.node.state_sizes[0]), self.dtype)
        return every, [dh if d_last[0] is None else d_last[0] + dh, *d_last[1:]]

    def entered(self, x: Any, lengths: Any) -> tuple[Array, Any]:
        """x with the batch first, checked and cast; the mask (B, T), or None."""
        mask = None
        if not isinstance(x, np.ndarray):
            x, lengths = opened(x, lengths, self.batch_first)
            x = np.asarray(x)
        if lengths is not None:
            check_steps(self.name, x, self.batch_first)
            B, T = self.turned(x).shape[:2]
            mask = as_mask(self.name, lengths, B, T, self.batch_first)
            if mask is not None and x.ndim == 2:
                x = np.where(self.turned(mask), x, 0)  # a token at padding may be anything
        check_sequence(self.name, x, self.input_size, self.batch_first)
        self.ready(x.shape[-1])
        return self.turned(self.cast("x", x) if x.ndim == 3 else x), mask

    def turned(self, x: Array) -> Array:
        """(T, B, ...) as (B, T, ...) and back, where the batch is not first."""
        return x if self.batch_first else x.swapaxes(0, 1)

    def start_state(self, state: State, B: int) -> tuple[list[Any], Any]:
        """The parts (B, H) of the state given, remembered or learned, None for zeros; and which rows' is learned."""
        if not (self.learn_state or self.stateful):
            return self.checked(state, B, "state"), None
        parts, learned = self.checked(self.remembered(state, B), B, "state"), self.learned_rows(state, B)
        if learned is None:
            return parts, None
        first = zip((getattr(self, f"{name}_0") for name in self.node.states), parts)
        return [np.where(learned[:, None], h_0, 0 if part is None else part) for h_0, part in first], learned

    def checked(self, state: State, B: int, name: str) -> list[Any]:
        """The parts (B, H) of a state, cast, their shapes checked."""
        node = self.node
        if state is None:
            return [None] * len(node.states)
        names, shapes = [f"{name} {part}" for part in node.states], [(B, size) for size in node.state_sizes]
        return node.checked(names, node.each(state, name), shapes, "It is (batch, hidden).")

    def __getstate__(self) -> dict[str, Any]:
        return {
            **super().__getstate__(),
            "slots": None,
            "memory": None,
            "whole": None,
            "last_state": None,
            "d_state": None,
        }
