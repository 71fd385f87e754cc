"""The layer is time: the vendor's fused kernel where there is one, else the node's step, written out.

What `lengths` mean is written down here a second time, in another way than numnet's: step by step with a mask, or by
PyTorch's own packed sequences.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from numnet.checks import check_real, check_sequence, check_shape, check_size, check_steps
from numnet.lengths import as_mask
from numnet.recurrent_options import Options, RecurrentOptions
from numnet.sequences import Packed, closed, opened, opened_like
from torchnet.dense import Dense
from torchnet.node import Node, State
from torchnet.operation import Layer, as_tensor

if TYPE_CHECKING:
    from typing import Unpack

Parts = tuple[Tensor, ...]


class RecurrentLayer(RecurrentOptions, Layer):
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
        state_dropout, zoneout    see numnet/between_steps.py; zoneout may be a pair, for h and for c
        weight_dropout            a part of W_h, drawn anew for each call, is 0 (DropConnect, as Merity et al. 2017)
        bidirectional=True        makes a Bidirectional of the layer

    `path` says what the last call ran: a fused kernel, perhaps on packed sequences, or the step written out, and why.
    `use_fused = False` takes the latter in any case.
    """

    recurrent = True
    use_fused = True
    path = "not called yet"
    node: Node
    batch_first: bool
    keeps_time: bool

    def __init__(self, node: Node, output_size: int | None = None, **options: Unpack[Options]) -> None:
        super().__init__(node.input_size, node.seed, node.dtype)
        node.seed = None  # the layer's is for all of its parts, one after another
        check_size(self.name, output_size=output_size)
        self.__dict__["node"] = node  # no submodule: the parameters are the layer's own, and lent to the node
        self.hidden_size, self.output_size = node.hidden_size, output_size
        self.output = Dense(output_size, None, node.initial) if output_size else None
        self.lent: list[str] = []
        self.last_state: State = None
        self.d_state: State = None
        self.counts: Any = None  # the last call's real steps of each row, where it was Packed
        node.speaker = self.name
        self.set_options(options)
        self.ready(node.input_size)

    def make(self, rng: np.random.Generator) -> int:
        width = self.node.build(self.width, rng, self.dtype)
        if self.learn_state:
            for name, size in zip(self.node.states, self.node.state_sizes):
                self.add_param(f"{name}_0", np.zeros(size))
        self.lent = [name for name, _ in self.node.named_parameters()]
        for name in self.lent:
            self.register_parameter(name, getattr(self.node, name))
        width = self.output.build(width, rng, self.dtype) if self.output is not None else width
        if self.drops:
            self.mask_seed = int(rng.integers(2**31))
        return width

    def forward(self, x: Any, state: State = None, lengths: Any = None) -> Any:
        packed = isinstance(x, Packed)
        given, x, mask = self.entered(x, lengths)
        start, drawn = self.start_state(state, x), self.draw(*x.shape[:2])
        self.lend(drawn.get("weights"))
        reason = self.why_written_out(mask, drawn)
        self.path = f"written out: {reason}" if reason else "fused" if mask is None else "fused, on packed sequences"
        y, *last = self.written_out(x, start, mask, drawn) if reason else self.fused(x, start, mask)
        y = self.shown(y, last[0], mask)
        self.remember(self.node.joined(last))
        self.keep((y, *last), (given, *start))
        counts = np.full(len(x), x.shape[1]) if mask is None else mask.sum(dim=1)
        self.counts = counts if packed else None
        if "weights" in drawn:
            self.lend()  # the node keeps the weights themselves, not what a call has dropped of them
        return closed(y, counts, self.batch_first) if packed and self.return_sequences else y

    def backward(self, dy: Any, d_last_state: State = None) -> Any:
        outputs, inputs = self.recall()
        packed, dy = self.counts is not None, opened_like(self.name, dy, self.counts, self.batch_first)
        dx, *d_start = self.pull(outputs, inputs, (dy, *self.checked(d_last_state, outputs[1:])))
        self.d_state = self.node.joined(d_start)
        return closed(dx, self.counts, self.batch_first) if packed and dx is not None else dx

    def checked(self, d_last_state: State, last: Parts) -> tuple[Any, ...]:
        """The parts of the last state's gradient, shaped as it is."""
        d_last = self.node.each(d_last_state, "d_last_state")
        for name, value, part in zip(self.node.states, d_last, last):
            if value is not None:
                value = as_tensor(value)
                check_real(self.name, f"d_last_state {name}", value)
                check_shape(self.name, f"d_last_state {name}", value.shape, part.shape, "It is (batch, hidden).")
        return d_last

    def entered(self, x: Any, lengths: Any) -> tuple[Tensor, Tensor, Tensor | None]:
        """x as given, which autograd follows; the same with the batch first and 0 at padding; the mask (B, T)."""
        x, lengths = opened(x, lengths, self.batch_first)
        x = as_tensor(x)
        check_steps(self.name, x, self.batch_first)
        B, T = self.turned(x).shape[:2]
        found = as_mask(self.name, lengths, B, T, self.batch_first)
        mask = None if found is None or found.all() else torch.from_numpy(found.copy())
        tokens = x.ndim == 2
        if tokens and mask is not None:
            x = torch.where(self.turned(mask.to(x.device)), x, 0)  # a token at padding may be anything
        check_sequence(self.name, x, self.input_size, self.batch_first)
        self.ready(x.shape[-1], x)
        self.lend()
        given = x.long().to(self.node.W_x.device) if tokens else self.followed(self.cast("x", x))
        mask = None if mask is None else mask.to(given.device)
        x = self.turned(given)
        return given, x if tokens or mask is None else torch.where(mask[..., None], x, 0), mask

    def turned(self, x: Tensor) -> Tensor:
        """(T, B, ...) as (B, T, ...) and back, where the batch is not first."""
        return x if self.batch_first else x.transpose(0, 1)

    def start_state(self, state: State, x: Tensor) -> Parts:
        """The parts (B, H) of the state given, remembered or learned, which autograd follows; zeros for None."""
        B, node = len(x), self.node
        parts = node.each(self.remembered(state, B))
        if state is None:
            parts = tuple(None if part is None else part.detach() for part in parts)
        learned = self.learned_rows(state, B)
        if learned is not None:
            rows = torch.from_numpy(learned)[:, None].to(node.W_x.device)
            first = zip((getattr(self, f"{name}_0") for name in node.states), parts)
            start = tuple(torch.where(rows, h_0, 0 if part is None else part.to(h_0)) for h_0, part in first)
            for part in start:
                if part.requires_grad:
                    part.retain_grad()
            return start
        shapes = [(B, size) for size in node.state_sizes]
        return node.start(parts, shapes, "It is (batch, hidden).", self.name)

    def shown(self, y: Tensor, h: Tensor, mask: Tensor | None) -> Tensor:
        """y of all steps, or the last one's; through the Dense layer where there is one; 0 where nothing is real."""
        real = None if mask is None else mask if self.return_sequences else mask.any(dim=1)
        y = y if self.return_sequences else h
        y = y if self.output is None else self.output(y)
        y = y if real is None else torch.where(real[..., None], y, 0)
        return self.turned(y) if self.return_sequences else y * 1

    def start_gradients(self) -> Any:
        """What `loss.backward()` of a larger model has left as the start state's gradient."""
        return self.node.joined([part.grad for part in self.saved[1][1:]])

    def lend(self, kept: Any = None) -> None:
        """Whatever W_x, W_h, b are by now (moved, pruned, replaced for one call), the node computes with them.

        DropConnect: a part of W_h is kept, the rest is 0 in this call.
        """
        for name in self.lent:
            self.node.__dict__.pop(name, None)
            value = getattr(self, name)
            if kept is not None and name == self.node.recurrent_weights:
                self.node._parameters.pop(name, None)
                value = value * torch.as_tensor(kept).to(value)
            (self.node._parameters if isinstance(value, torch.nn.Parameter) else self.node.__dict__)[name] = value

    def why_written_out(self, mask: Tensor | None, drawn: dict[str, Any]) -> str:
        """Why no fused kernel can serve this call; nothing where one can."""
        if not self.use_fused:
            return "use_fused is False"
        if "state" in drawn:
            return "state_dropout is in no vendor's kernel"
        if drawn.get("zoneout"):
            return "zoneout is in no vendor's kernel"
        if mask is not None and not mask.any():
            return "no step is real"
        if mask is not None and (mask[:, 1:] & ~mask[:, :-1]).any():
            return "the mask has gaps, which packed sequences cannot have"
        return self.node.not_fused

    def fused(self, x: Tensor, start: Parts, mask: Tensor | None) -> Parts:
        """y (B, T, H) and the last state by the vendor's kernel."""
        x, W_x = self.dense(x)
        counts = torch.full((len(x),), x.shape[1], device=x.device) if mask is None else mask.sum(dim=1)
        if self.reverse:
            x = reversed_rows(x, counts)
        if mask is None:
            y, *last = self.kernel(W_x, start, x, None)
        else:
            y, *last = self.kernel_on_packed(W_x, start, x, counts)
        return reversed_rows(y, counts) if self.reverse else y, *last

    def kernel(self, W_x: Tensor, start: Parts, x: Tensor, sizes: Tensor | None) -> Parts:
        """One call of it: x (B, T, D), or (N, D) packed with the number of rows of each step."""
        function, weights = self.node.kernel(W_x)
        first: Any = [part[None].contiguous() for part in start]
        first = first if len(first) > 1 else first[0]
        grad = torch.is_grad_enabled()
        if sizes is None:
            y, *last = function(x, first, weights, True, 1, 0.0, grad, False, True)
        else:
            y, *last = function(x, sizes, first, weights, True, 1, 0.0, grad, False)
        return y, *(part[0] for part in last)

    def kernel_on_packed(self, W_x: Tensor, start: Parts, x: Tensor, counts: Tensor) -> Parts:
        """The same over packed sequences, which have no rows of length 0: such rows are left out, and put back."""
        some = counts.nonzero()[:, 0]
        packed = pack_padded_sequence(x[some], counts[some].cpu(), batch_first=True, enforce_sorted=False)
        order = some[packed.sorted_indices]
        y, *last = self.kernel(W_x, tuple(part[order] for part in start), packed.data, packed.batch_sizes)
        shown = PackedSequence(y, packed.batch_sizes, packed.sorted_indices, packed.unsorted_indices)
        y, _ = pad_packed_sequence(shown, batch_first=True, total_length=x.shape[1])
        whole = y.new_zeros(len(x), *y.shape[1:]).index_copy(0, some, y)
        return whole, *(part.index_copy(0, order, new) for part, new in zip(start, last))

    def written_out(self, x: Tensor, start: Parts, mask: Tensor | None, drawn: dict[str, Any]) -> Parts:
        """y (B, T, H) and the last state, step by step, a column a sample; a masked step passes the state through."""
        steps = list(self.node.inputs(x.permute(1, 2, 0) if x.is_floating_point() else x.T))
        state, W_h = tuple(part.T for part in start), self.node.parts_of_W_h()
        drop = None if "state" not in drawn else torch.as_tensor(drawn["state"]).to(state[0]).T
        zones = {name: torch.as_tensor(k).to(state[0]) for name, k in drawn.get("zoneout", {}).items()}
        shown: list[Tensor] = [state[0]] * len(steps)
        for t in reversed(range(len(steps))) if self.reverse else range(len(steps)):
            new = self.node.step(steps[t], state, state[0] if drop is None else drop * state[0], W_h)
            keeps = {name: k[:, t].T if k.ndim else k for name, k in zones.items()}
            new = tuple(
                torch.lerp(after, before, keeps[name].to(after).expand_as(after)) if name in keeps else after
                for name, before, after in zip(self.node.states, state, new)
            )
            if mask is not None:
                new = tuple(torch.where(mask[:, t], after, before) for before, after in zip(state, new))
            state = new
            shown[t] = state[0] if mask is None else torch.where(mask[:, t], state[0], 0)
        return torch.stack(shown).permute(2, 0, 1), *(part.T for part in state)

    def dense(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x and W_x as the vendors' kernels take them: tokens as one-hot vectors, over the tokens that are there."""
        W_x = self.node.W_x
        if x.is_floating_point():
            return x, W_x
        present, places = torch.unique(x, return_inverse=True)
        one_hot = torch.zeros(*x.shape, len(present), dtype=W_x.dtype, device=x.device)
        return one_hot.scatter_(-1, places[..., None], 1), W_x[:, present]

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "last_state": None, "d_state": None}


def reversed_rows(x: Tensor, counts: Tensor) -> Tensor:
    """Each row's real steps from the last to the first; its padding stays where it is."""
    t = torch.arange(x.shape[1], device=x.device).expand(len(x), -1)
    places = torch.where(t < counts[:, None], counts[:, None] - 1 - t, t)
    return x.gather(1, places[..., None].expand_as(x))
