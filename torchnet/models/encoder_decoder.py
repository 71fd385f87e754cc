"""From one sequence to another of another length: an encoder reads it to its end, then a decoder says the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from numnet.core.checks import check_once, check_part, check_real, check_rows
from numnet.core.evaluation import Exclusive, TrainingCall, Unwritten
from numnet.core.packed import to_padded
from numnet.core.schedules import Schedule
from numnet.models.encoder_decoder_base import EncoderDecoderBase
from torchnet.core.operation import Operation, as_tensor
from torchnet.layers.attention import Attention
from torchnet.layers.losses import Loss
from torchnet.models.model import Model, RNNModel
from torchnet.recurrent.node import State

Array = npt.NDArray[Any]


class EncoderDecoder(EncoderDecoderBase, Model):
    """Source tokens x (B, S), or features (B, S, D), and target tokens y (B, T), -1 behind each end → logits (B, T, V).

        y' = [begin, y_1, ..., y_(T-1)]     (1)   what has been said when y_t is to be said
        m, s = encoder(x)                   (2)   m (B, S, M) of all steps, s the last states of its recurrent layers
        h = decoder(y', s)                  (3)   h (B, T, H): layer k begins with s_k, of two directions [s_f; s_b]
        z = [h; attention(h, m)]            (4)   Luong et al. 2015; without attention h, Sutskever et al. 2014
        logits = output(z)                  (5)   e.g. [Dense(H), Tanh(), Dense(V)]: W_o tanh(W_c z)

    encoder, decoder, output: layers in a row, as RNNModel takes them. The decoder has as many recurrent layers as the
    encoder, each of the same cell, and twice as wide as one direction where that goes both ways. All target steps are
    computed at once, for z does not enter the decoder again. `lengths` (B,) or a mask (B, S) are of x; the real steps
    of y are those that are not -1. `input_size` and `target_size` are the two vocabularies' sizes, if the first layers
    do not tell them. forward(x, target, lengths=None) → logits, 0 at padding.

    teacher_forcing: the probability that the decoder reads a token of (1), or a schedule of it by the step; else it
    reads what the model itself says there (scheduled sampling, Bengio et al. 2015; what it says comes from one pass in
    evaluation mode with (1), so that all steps remain one call: Duckworth et al. 2019). In evaluation mode it is 1.
    begin, end: the tokens that the decoder begins with, and with which a sentence ends: see decoding.py.
    """

    def __init__(
        self,
        encoder: Sequence[Operation],
        decoder: Sequence[Operation],
        output: Sequence[Operation],
        attention: Attention | None = None,
        loss: Loss | None = None,
        *,
        input_size: int | None = None,
        target_size: int | None = None,
        teacher_forcing: float | Schedule = 1.0,
        begin: int = 1,
        end: int = 2,
        seed: int | None = None,
        dtype: Any = "float32",
        device: str = "cpu",
    ) -> None:
        super().__init__(input_size, seed, dtype, device)
        check_once(self.name, [*encoder, *decoder, *output])
        check_part(self.name, "attention", attention, Attention)
        self.encoder, self.decoder = RNNModel(encoder, device=device), RNNModel(decoder, device=device)
        self.attention, self.output = attention, RNNModel(output, device=device)
        self.loss, self.target_size, self.teacher_forcing = loss, target_size, teacher_forcing
        self.begin, self.end = begin, end
        self.check_parts()
        self.ready(self.sizes_known())

    def make(self, rng: np.random.Generator) -> int:
        M = self.encoder.build(self.width, rng, self.dtype)
        size = self.decoder.build(self.target_width, rng, self.dtype)
        if self.attention is not None:
            self.attention.memory_size = self.attention.memory_size or M
            size += self.attention.build(size, rng, self.dtype)
        size = self.output.build(size, rng, self.dtype)
        self.to(self.device)
        return size

    def forward(self, x: Any, target: Any, lengths: Any = None) -> Tensor:  # type: ignore[override]
        """Logits (B, T, V), 0 at padding, from x (B, S), the target (B, T) and the lengths of x."""
        (x, lengths), (target, real) = to_padded(x, lengths), self.validated_target(target)
        x = self.validated_x(x)
        logits = self.logits(x, self.read(x, target, real, lengths), real, lengths)
        y = logits.new_zeros(*real.shape, logits.shape[-1]).index_put(self.places(real), logits)
        self.keep((y,), (x,) if x.is_floating_point() else ())
        return y

    def backward(self, dy: Any) -> Any:
        """dx, None for tokens, from dy (B, T, V); parameters' gradients are ADDED to `grads`."""
        with Exclusive(self, "backward"):
            (y,), inputs = self.recall()
            return (self.pull((y,), inputs, (dy,)) or [None])[0]

    def validated_x(self, x: Any) -> Tensor:
        """x as a tensor; features are followed by autograd."""
        x = as_tensor(x)
        check_real(self.name, "x", x)
        return self.followed(x.to(self.device)) if x.is_floating_point() else x

    def places(self, real: Array) -> tuple[Tensor, ...]:
        """(rows, times) of the real target steps."""
        return tuple(torch.from_numpy(axis).to(self.device) for axis in np.nonzero(real))

    def logits(self, x: Any, inputs: Array, real: Array, lengths: Any) -> Tensor:
        """(N, V) for the N real target steps, the padding left out."""
        m, mask = self.encoded(x, lengths)  # (2)
        check_rows(self.name, "target", len(real), len(m))
        h = self.decoder(inputs, self.encoder_states(), real)  # (3)
        z = h if self.attention is None else torch.cat((h, self.attention(h, m, mask)), dim=-1)  # (4)
        return self.output(z[self.places(real)])  # (5)

    def encoded(self, x: Any, lengths: Any) -> tuple[Tensor, Any]:
        """(2) m (B, S, M), and the mask (B, S) of what is real in it, or None."""
        x, lengths = to_padded(x, lengths)
        x = as_tensor(x)
        if not self.built:
            self.ready(self.input_size or self.encoder.shown_input_size(x))
        m = self.encoder(x, None, lengths)
        return m, self.encoder.saved[0]

    def encoder_states(self) -> list[State]:
        """(3) s_k for each recurrent layer of the decoder, None for the others."""
        layers = [layer for layer in self.encoder.layers if layer.recurrent]
        states = iter([side_by_side(layer, layer.last_state) for layer in layers])
        return [next(states) if layer.recurrent else None for layer in self.decoder.layers]

    def loss_and_grads(self, x: Any, target: Any, state: None = None, mask: Any = None, lengths: Any = None) -> Tensor:
        """Forward, the loss, and backward: the loss is returned, its gradients are ADDED to `grads`.

        A mask (B, T) says which target tokens count, besides those that are -1 and never do.
        """
        loss, (target, real) = self.needs_loss(), self.validated_target(target)
        self.no_state(state)
        with TrainingCall(self):
            logits = self.logits(x, self.read(x, target, real, lengths), real, lengths)
            value = loss(logits, target[real], self.target_mask(mask, real))
            value.backward()
        return value.detach()

    def evaluate(self, x: Any, target: Any, state: None = None, mask: Any = None, lengths: Any = None) -> float:
        """The loss in evaluation mode; no gradient."""
        loss, (target, real) = self.needs_loss(), self.validated_target(target)
        self.no_state(state)
        with self.evaluating():
            logits = self.logits(x, self.shifted_right(target), real, lengths)
            return float(loss(logits, target[real], self.target_mask(mask, real)))

    def predict(self, x: Any, target: Any, lengths: Any = None) -> Array:
        """The logits in evaluation mode, as a numpy array. There is no way back from it."""
        with self.evaluating():
            return self.forward(x, target, lengths).cpu().numpy()

    def guesses(self, x: Any, inputs: Array, real: Array, lengths: Any) -> Array:
        """The token (B, T) that the model holds for the likeliest, in evaluation mode; 0 at padding."""
        tokens = np.zeros(real.shape, np.int64)
        with self.evaluating(Unwritten):
            tokens[real] = self.logits(x, inputs, real, lengths).argmax(dim=-1).cpu().numpy()
        return tokens

    def start(self, x: Any, lengths: Any = None) -> Any:
        """(2) What `advance` goes on from, for each row of x: m, its mask, s."""
        with self.evaluating(Unwritten):
            m, mask = self.encoded(x, lengths)
            return m, mask, self.encoder_states()

    def advance(self, tokens: Any, context: Any) -> tuple[Array, Array | None, Any]:
        """(3) to (5), one step: each row's last token (B,) → logits (B, V), attention's weights (B, S), the course."""
        m, mask, state = context
        with self.evaluating(Unwritten):
            h = self.decoder(np.asarray(tokens)[:, None], state)
            z = h if self.attention is None else torch.cat((h, self.attention(h, m, mask)), dim=-1)
            weights = None if self.attention is None else self.attention.weights[:, 0].cpu().numpy()
            return self.output(z[:, 0]).cpu().numpy(), weights, (m, mask, self.decoder.last_state)


def side_by_side(layer: Any, state: State) -> State:
    """A layer's state; of two directions one, [s_f; s_b]."""
    if not hasattr(layer, "forwards"):
        return state
    node = layer.forwards.node
    return node.joined([torch.cat(parts, dim=-1) for parts in zip(*map(node.each, state))])
