"""A layer unrolls a node over all steps of a batch, step by step or in a vendor's kernel.

    plain   the node's own functions, step by step: unroll.py
    fast    the same results from the vendors' kernels, for RNN, GRU and LSTM: vendor.py

Outside, the batch is the first axis; in a node it is the last: a column is a sample.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from numnet.core.attributes import Saved
from numnet.core.checks import check_node, check_sequence, check_size, check_state, check_steps, validate_call
from numnet.core.lengths import as_mask, as_resets, continuing
from numnet.core.packed import Packed, padded_like, to_packed, to_padded
from numnet.recurrent.options import RecurrentOptions
from torchnet.core.device import as_tensor
from torchnet.core.parameters import Layer
from torchnet.layers.dense import Dense
from torchnet.recurrent import unroll, vendor
from torchnet.recurrent.node import Node, State
from torchnet.recurrent.unroll import Parts


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
    counts = Saved()  # the number of real steps of each row, if the last call's x was Packed
    node: Node

    @validate_call
    def __init__(self, node: Node, *, output_size: int | None = None, **options: Any) -> None:
        check_node(type(self).__name__, node, Node)
        super().__init__(node.input_size, node.seed, node.dtype)
        vars(node)["seed"] = None  # the layer initializes all of its parts from one generator
        check_size(self.name, output_size=output_size)
        self.__dict__["node"] = node  # not a submodule: layer and node share the parameters
        self.hidden_size, self.output_size = node.hidden_size, output_size
        self.output = Dense(output_size, input_size=None, initial=node.initial) if output_size else None
        self.of_node: list[str] = []  # the names of the node's parameters
        node.error_name = self.name
        self.guard_as(node)
        self.set_options(**options)
        self.ready(node.input_size)

    def make(self, rng: np.random.Generator) -> int:
        width = self.node.build(self.width, rng, self.dtype)
        if self.learn_state:
            for name, size in zip(self.node.states, self.node.state_sizes):
                self.add_param(f"{name}_0", np.zeros(size))
        self.of_node = [name for name, _ in self.node.named_parameters()]
        for name in self.of_node:
            self.register_parameter(name, getattr(self.node, name))
        width = self.output.build(width, rng, self.dtype) if self.output is not None else width
        if self.drops:
            self.mask_seed = self.seed_of_masks(rng)
        return width

    @property
    def no_kernel(self) -> str:
        """Return why the node has no kernel, or ""."""
        return vendor.why_none(self.node)

    def forward(
        self, x: Any, state: State = None, lengths: Any = None, resets: Any = None, return_state: bool = False
    ) -> Any:
        """y of all steps, or of the last; `last_state` is then the state after each row's last real step.

        With return_state=True the result is (y, last_state), as in PyTorch; backward takes dy and, if it is wanted, the
        gradient of that state. ValueError, TypeError or IndexError for an x, state, lengths or resets that do not fit.
        """
        counts = x.lengths if isinstance(x, Packed) else None
        given, x, mask, resets = self.validated(x, state, lengths, resets)
        start = self.start_state(state, len(x))
        dropout_masks = self.draw_masks(*x.shape[:2]) if self.drops else {}
        node = self.node if "weights" not in dropout_masks else self.node.with_weights(dropout_masks["weights"])
        reason = "no kernel supports resets" if resets is not None else vendor.why_not_for(mask)
        if self.why_plain(reason):
            y, last = self.unrolled(node, x, start, self.steps(node, mask, resets, dropout_masks))
        else:
            y, last = vendor.forward(node, x, start, mask, self.reverse)
        self.plain_for = reason
        y = self.outputs(y, last, mask)
        self.last_state = node.joined([part.detach() for part in last])
        if self.stateful:
            self.cleared = None
        self.save_graph((y, *last), (given, *start))
        self.counts = counts
        y = y if counts is None or not self.return_sequences else to_packed(y, counts, self.batch_first)
        return (y, node.joined(last)) if return_state else y

    def backward(self, dy: Any, d_last_state: State = None) -> Any:
        """dx, of x's shape, None for tokens; `d_state` is then the gradient of the start state.

        dy has y's shape and d_last_state that of last_state; None is zeros. Parameters' gradients are ADDED to `grads`.
        ValueError for another shape, RuntimeError before forward.
        """
        outputs, inputs = self.recall()
        packed, dy = self.counts is not None, padded_like(self.name, dy, self.counts, self.batch_first)
        dx, *d_start = self.pull(outputs, inputs, (dy, *self.checked(d_last_state, outputs[1:])))
        self.d_state = self.node.joined(d_start)
        return to_packed(dx, self.counts, self.batch_first) if packed and dx is not None else dx

    def steps(self, node: Node, mask: Tensor | None, resets: Any, dropout_masks: dict[str, Any]) -> unroll.Steps:
        """Return the changes of the state between the steps of this call, with the batch last."""
        like, zones = self.node.place_of, dropout_masks.get("zoneout", {})
        continues = None
        if resets is not None:
            found = continuing(resets, None if mask is None else mask.cpu().numpy(), self.reverse)
            continues = torch.from_numpy(found).to(like.device).T
        return unroll.Steps(
            None if mask is None else mask.T,
            self.reverse,
            continues,
            [getattr(self, f"{name}_0")[:, None] if self.learn_state else 0 for name in node.states],
            [unroll.as_zone(zones.get(name), like) for name in node.states] if zones else (),
            {"drop": torch.as_tensor(dropout_masks["state"]).to(like).T} if "state" in dropout_masks else {},
            self.record,
        )

    def unrolled(self, node: Node, x: Tensor, start: Parts, steps: unroll.Steps) -> tuple[Tensor, Parts]:
        """Run unroll.py, where a column is a sample: return y (B, T, O) and the parts (B, H) of the last state."""
        x = x.permute(1, 2, 0) if x.ndim == 3 else x.T
        y, last = unroll.forward(node, x, tuple(part.T for part in start), steps)
        return y.permute(2, 0, 1), tuple(part.T for part in last)

    def checked(self, d_last_state: State, last: Sequence[Tensor]) -> list[Any]:
        """Return the parts of the last state's gradient, cast; ValueError for a wrong shape."""
        shapes = [tuple(part.shape) for part in last]
        return check_state(self.node, "d_last_state {}", d_last_state, shapes, "It is (batch, hidden).")

    def validated(self, x: Any, state: State, lengths: Any, resets: Any) -> tuple[Tensor, Tensor, Tensor | None, Any]:
        """Return x, which requires a gradient; x batch-first with 0 at padding; mask and resets (B, T)."""
        x, lengths = to_padded(x, lengths, self.batch_first)
        x = as_tensor(x, self.name, "x")
        check_steps(self.name, x, self.batch_first, input_size=self.input_size)
        B, T = self.time_major(x).shape[:2]
        found = as_mask(self.name, lengths, B, T, self.batch_first)
        mask = None if found is None or found.all() else torch.from_numpy(found.copy()).to(x.device)
        resets = padded_like(self.name, resets, lengths, self.batch_first, "resets")
        resets = as_resets(self.name, resets, B, T, self.batch_first)
        if x.ndim == 2 and mask is not None:
            x = torch.where(self.time_major(mask), x, 0)  # a token at padding may be anything
        check_sequence(self.name, x, self.input_size, self.batch_first)
        if not self.built:
            self.check_start(state, B)
            self.ready(x.shape[-1], x)
        self.share()
        given = x.long().to(self.node.place_of.device) if x.ndim == 2 else self.followed(self.cast("x", x))
        mask = None if mask is None else mask.to(given.device)
        x = self.time_major(given)
        return given, x if x.ndim == 2 or mask is None else x.masked_fill(~mask[..., None], 0), mask, resets

    def time_major(self, x: Tensor) -> Tensor:
        """Swap the batch and time axes unless batch_first."""
        return x if self.batch_first else x.transpose(0, 1)

    def start_state(self, state: State, B: int) -> Parts:
        """Return the parts (B, H) of the start state, given, stored or learned, with gradients; zeros for None."""
        node, shapes = self.node, [(B, size) for size in self.node.state_sizes]
        given, learned = self.remembered(state, B), self.learned_rows(state, B)
        if learned is None:
            return node.start(self.check_start(given, B), shapes)
        parts = node.each(given)
        rows = torch.from_numpy(learned)[:, None].to(node.place_of.device)
        first = zip((getattr(self, f"{name}_0") for name in node.states), parts)
        start = tuple(torch.where(rows, h_0, 0 if part is None else part.to(h_0)) for h_0, part in first)
        for part in start:
            if part.requires_grad:
                part.retain_grad()
        return start

    def check_start(self, state: State, B: int) -> list[Any]:
        """Return the parts (B, H) of a start state, cast; ValueError for a wrong shape."""
        shapes = [(B, size) for size in self.node.state_sizes]
        return check_state(self.node, "state {}", state, shapes, "It is (batch, hidden).")

    def check_last(self, d_last_state: State) -> None:
        """Check the gradient of the last state of the last call."""
        self.checked(d_last_state, self.recall()[0][1:])

    @property
    def state_in_graph(self) -> State:
        """The last state with its graph, if there is one: `last_state` has none."""
        return self.last_state if self.saved is None else self.node.joined(self.saved[0][1:])

    def outputs(self, y: Tensor, last: Parts, mask: Tensor | None) -> Tensor:
        """Return y of all steps, or of the last one, after the Dense layer if there is one; 0 at padding."""
        if not self.return_sequences:
            y = y[torch.arange(len(y), device=y.device), self.ends(y, mask)] if self.node.reads_out else last[0]
        y = y if self.output is None else self.output(y)
        if mask is not None and not (self.return_sequences and self.output is None):  # y of the steps is 0 at padding
            y = torch.where((mask if self.return_sequences else mask.any(dim=1))[..., None], y, 0)
        return self.time_major(y) if self.return_sequences else y * 1

    def ends(self, y: Tensor, mask: Tensor | None) -> Any:
        """Return (B,): the step of y (B, T, O) that is processed last."""
        B, T = y.shape[:2]
        times = torch.arange(T, device=y.device).expand(B, T)
        if self.reverse:
            return (times if mask is None else torch.where(mask, times, T - 1)).amin(dim=1)
        return (times if mask is None else torch.where(mask, times, 0)).amax(dim=1)

    def start_gradients(self) -> Any:
        """Return the start state's gradient after `loss.backward()` of a larger model."""
        return self.node.joined([part.grad for part in self.saved[1][1:]])

    def share(self) -> None:
        """Give the node the layer's current parameters, which may have been moved, pruned or replaced."""
        node = vars(self.node)
        for name in self.of_node:
            value = getattr(self, name)
            if getattr(self.node, name) is not value:
                node.pop(name, None)
                (self.node._parameters if isinstance(value, torch.nn.Parameter) else node)[name] = value

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "last_state": None, "d_state": None}
