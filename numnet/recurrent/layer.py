"""A layer unrolls a node over all steps of a batch, in plain numpy or in a kernel.

    plain   the node's own functions, step by step: unroll.py
    fast    the same results from in-place code, for RNN, GRU and LSTM: fast/

Outside, the batch is the first axis; inside, it is the last: a column is a sample.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from numnet.core.arrays import as_array
from numnet.core.attributes import save_for_backward, store
from numnet.core.checks import check_node, check_sequence, check_size, check_state, check_steps, validate_call
from numnet.core.layout import rows
from numnet.core.lengths import as_mask, as_resets, continuing
from numnet.core.operation import Array, Operation
from numnet.core.packed import Packed, padded_like, to_packed, to_padded
from numnet.core.pairs import add_grads
from numnet.core.parameters import Layer
from numnet.layers.dense import Dense
from numnet.recurrent import unroll
from numnet.recurrent.call import Call
from numnet.recurrent.fast import KERNELS, Pool
from numnet.recurrent.node import Node, State, or_zeros
from numnet.recurrent.options import RecurrentOptions


class RecurrentLayer(RecurrentOptions, Layer):
    """Any node, unrolled over time. x (B, T, D) or tokens (B, T) → y (B, T, H), or (B, T, O) with output_size.

    forward(x, state=None, lengths=None, resets=None) starts from the state (B, H), an LSTM's a pair (h, c), zeros for
    None; then `last_state` is the state after each row's last real step. backward(dy, d_last_state=None) → dx; then
    `d_state` is the gradient of the start state. `lengths` (B,) counts the real steps of each row, or is a mask (B, T),
    True where a step is real; or x is Packed, and then y is. At padding y and dx are exactly 0, and x is never read.
    `resets` (B, T) is True where a new sequence begins: the state before that step is zero, or the learned start state,
    and no gradient passes. In reverse, no state passes from that step to the one before it in time.

        batch_first=False         x, y, masks, resets and gradients are (T, B, ...)
        reverse=True              from each row's last real step to its first; y[:, t] still belongs to x[:, t]
        return_sequences=False    y is the output of the last step only, (B, H)
        learn_state=True          the default start state is a parameter, h_0 (and c_0)
        stateful=True             the default start state is `last_state`, until reset_state(rows=None)
        state_dropout             the probability that the weights read 0 for an element of h', one mask per sequence
        zoneout                   the probability that a unit keeps its state; or a pair, for h and for c
        weight_dropout            the probability that an element of W_h is 0, drawn for each call (Merity et al. 2017)
        bidirectional=True        returns a Bidirectional of the layer; layers=2, dropout=0.5 a RecurrentStack of such

    `path` is "fast" or "plain: " and the reason; `use_fast = False` makes every call plain.
    `y, state = layer(x, return_state=True)` gives `last_state` with y.
    """

    recurrent = True
    d_state: State = None
    pool: Pool | None = None

    @validate_call
    def __init__(self, node: Node, *, output_size: int | None = None, **options: Any) -> None:
        check_node(type(self).__name__, node, Node)
        super().__init__(node.input_size, node.seed, node.dtype)
        vars(node)["seed"] = None  # the layer initializes all of its parts from one generator
        check_size(self.name, output_size=output_size)
        self.node, self.hidden_size, self.output_size = node, node.hidden_size, output_size
        self.output = Dense(output_size, input_size=None, initial=node.initial) if output_size else None
        node.error_name = self.name
        self.guard_as(node)
        self.set_options(**options)
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
            self.mask_seed = self.seed_of_masks(rng)
        return width

    def assigned(self, name: str, value: Any) -> bool:
        """Assign a parameter of the node to the node."""
        node = vars(self).get("node")
        names = node.param_names if node is not None else ()
        if name in names or (name[0] == "d" and name[1:] in names):
            setattr(node, name, value)
            return True
        return super().assigned(name, value)

    @property
    def no_kernel(self) -> str:
        """Return why the node has no kernel, or ""."""
        return "" if type(self.node) in KERNELS else f"{type(self.node).__name__} has no kernel"

    def forward(
        self, x: Any, state: State = None, lengths: Any = None, resets: Any = None, return_state: bool = False
    ) -> Any:
        """y of all steps, or of the last; `last_state` is then the state after each row's last real step.

        With return_state=True the result is (y, last_state), as in PyTorch; backward takes dy and, if it is wanted, the
        gradient of that state. ValueError, TypeError or IndexError for an x, state, lengths or resets that do not fit.
        """
        counts = x.lengths if isinstance(x, Packed) else None
        x, mask, resets = self.validated(x, state, lengths, resets)
        start, learned = self.start_state(state, len(x))
        dropout_masks = self.draw_masks(*x.shape[:2]) if self.drops else {}
        save_for_backward(self, None)  # free the buffers of the previous call
        weights = dropout_masks.get("weights")
        node = self.node if weights is None else self.node.with_weights(weights)
        between = resets is not None or "state" in dropout_masks or dropout_masks.get("zoneout")
        kind = KERNELS.get(type(node)) if self._use_fast and not (between or self.other_function) else None
        if kind is None:
            kernel, (y, last, saved) = None, self.unrolled(node, x, start, mask, resets, dropout_masks)
        else:
            vars(self)["pool"] = pool = self.pool or Pool()
            kernel = kind(node, pool)
            y, last, saved = kernel.forward(x, start, mask, self.reverse)
        store(self, "last_state", node.joined(last))
        if self.stateful:
            self.cleared = None
        vars(self)["plain_for"] = "" if resets is None else "no kernel supports resets"
        call = Call(node, kernel, saved, x.shape, mask, self.reverse, learned, weights, counts)
        save_for_backward(self, call)
        y = y if self.return_sequences else call.masked(y[np.arange(len(y)), call.ends])
        y = call.masked(self.output(y)) if self.output else y
        y = self.time_major(y) if self.return_sequences else y
        y = y if counts is None or not self.return_sequences else to_packed(y, counts, self.batch_first)
        return (y, self.last_state) if return_state else y

    def backward(self, dy: Any, d_last_state: State = None) -> Any:
        """dx, of x's shape, None for tokens; `d_state` is then the gradient of the start state.

        dy has y's shape and d_last_state that of last_state; None is zeros. Parameters' gradients are ADDED to `grads`.
        ValueError for another shape, RuntimeError before forward.
        """
        call: Call = self.recall()
        node, B, T = call.node, *call.x_shape[:2]
        dy = padded_like(self.name, dy, call.lengths, self.batch_first)
        d_last = self.checked(d_last_state, B, "d_last_state {}")
        shape = (B,) if not self.return_sequences else (B, T) if self.batch_first else (T, B)
        dy = self.gradient(dy, (*shape, self.output_width), self.dtype)
        dy = self.time_major(dy) if self.return_sequences else dy
        dy = self.output.backward(call.masked(dy)) if self.output else dy
        if not self.return_sequences:
            d_end, dy = call.masked(dy), np.zeros((B, T, dy.shape[-1]), self.dtype)
            dy[np.arange(B), call.ends] = d_end
        if call.kernel:
            dx, d_start, grads = call.kernel.backward(dy, d_last, call.saved)
        else:
            dx, d_start, grads = self.unrolled_backward(dy, d_last, call)
        self.add_grads(grads, d_start, call)
        self.d_state = node.joined(d_start)
        if dx is None or len(call.x_shape) == 2:  # tokens have no gradient
            return None
        dx = self.time_major(dx)
        return dx if call.lengths is None else to_packed(dx, call.lengths, self.batch_first)

    def unrolled(self, node: Node, x: Array, start: list[Any], mask: Any, resets: Any, dropout_masks: Any) -> Any:
        """Run unroll.py, where a column is a sample: return y (B, T, O) and the parts (B, H) of the last state."""
        zones = dropout_masks.get("zoneout", {})
        if mask is not None and x.ndim == 3:
            x = np.where(mask[..., None], x, 0)  # x at padding may be anything, and 0 times NaN is NaN
        steps = unroll.Steps(
            None if mask is None else mask.T,
            self.reverse,
            None if resets is None else continuing(resets, mask, self.reverse).T,
            tuple(getattr(self, f"{name}_0")[:, None] if self.learn_state else 0 for name in node.states),
            tuple(unroll.columns(zones.get(name)) for name in node.states) if zones else (),
            {"drop": unroll.columns(dropout_masks["state"].astype(self.dtype))} if "state" in dropout_masks else {},
            self.record,
        )
        state = or_zeros(start, [(len(x), size) for size in node.state_sizes], self.dtype)
        y, last, saved = unroll.forward(node, unroll.columns(x), unroll.columns(state), steps)
        return rows(y), [part.T.copy() for part in last], saved

    def unrolled_backward(self, dy: Array, d_last: Sequence[Any], call: Call) -> Any:
        """Return dx (B, T, D), the parts (B, H) of the start state's gradient, and the parameters' gradients."""
        d_last = or_zeros(d_last, [(len(dy), size) for size in call.node.state_sizes], self.dtype)
        dx, d_start, grads, d_0 = unroll.backward(call.node, unroll.columns(dy), unroll.columns(d_last), call.saved)
        if self.learn_state:  # resets start from h_0
            add_grads(self, {f"{name}_0": d.sum(axis=1) for name, d in zip(call.node.states, d_0) if np.ndim(d)})
        return None if dx is None else rows(dx), [part.T for part in d_start], grads

    def add_grads(self, grads: dict[str, Any], d_start: Sequence[Array], call: Call) -> None:
        """Add to the gradients of the node's weights and of the learned start state."""
        name = str(self.node.recurrent_weights)
        if call.weight_mask is not None and name in grads:  # a kernel without steps returns no gradients
            grads[name] = grads[name] * call.weight_mask.astype(self.dtype)
        add_grads(self.node, grads)
        for name, part in zip(self.node.states, d_start) if self.learn_state else ():
            gradient = getattr(self, f"d{name}_0")
            gradient += 0 if call.learned is None else part[call.learned].sum(axis=0)

    def validated(self, x: Any, state: State, lengths: Any, resets: Any) -> tuple[Array, Any, Any]:
        """Return x, batch first and cast; the mask and the resets (B, T), or None."""
        mask = None
        if isinstance(x, Packed):
            x, lengths = to_padded(x, lengths, self.batch_first)
        x = as_array(self.name, "x", x)
        if lengths is not None or resets is not None:
            check_steps(self.name, x, self.batch_first, input_size=self.input_size)
            B, T = self.time_major(x).shape[:2]
            mask = as_mask(self.name, lengths, B, T, self.batch_first)
            mask = None if mask is None or mask.all() else mask
            resets = padded_like(self.name, resets, lengths, self.batch_first, "resets")
            resets = as_resets(self.name, resets, B, T, self.batch_first)
            if mask is not None and x.ndim == 2:
                x = np.where(self.time_major(mask), x, 0)  # a token at padding may be anything
        check_sequence(self.name, x, self.input_size, self.batch_first)
        if not self.built:
            self.check_start(state, len(self.time_major(x)))
            self.ready(x.shape[-1])
        x = self.time_major(x.astype(self.dtype, copy=False) if x.ndim == 3 else x)
        return x, mask, resets

    def time_major(self, x: Array) -> Array:
        """Swap the batch and time axes unless batch_first."""
        return x if self.batch_first else x.swapaxes(0, 1)

    def start_state(self, state: State, B: int) -> tuple[list[Any], Any]:
        """Return the parts (B, H) of the start state, None for zeros; and which rows start from the learned one."""
        if not (self.learn_state or self.stateful):
            return self.checked(state, B, "state {}"), None
        parts, learned = self.checked(self.remembered(state, B), B, "state {}"), self.learned_rows(state, B)
        if learned is None:
            return parts, None
        first = zip((getattr(self, f"{name}_0") for name in self.node.states), parts)
        return [np.where(learned[:, None], h_0, 0 if part is None else part) for h_0, part in first], learned

    def checked(self, state: State, B: int, label: str) -> list[Any]:
        """Return the parts (B, H) of a state, cast, with checked shapes."""
        shapes = [(B, size) for size in self.node.state_sizes]
        return check_state(self.node, label, state, shapes, "It is (batch, hidden).")

    def check_start(self, state: State, B: int) -> None:
        """Check a start state of B rows."""
        self.checked(state, B, "state {}")

    def check_last(self, d_last_state: State) -> None:
        """Check the gradient of the last state of the last call."""
        self.checked(d_last_state, self.recall().x_shape[0], "d_last_state {}")

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "pool": None, "last_state": None, "d_state": None}
