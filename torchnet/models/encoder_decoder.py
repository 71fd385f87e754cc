"""Sequence to sequence: an encoder reads the whole source, then a decoder generates the target, of another length."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from numnet.core.checks import (
    check_distinct,
    check_layers,
    check_loss,
    check_memory_size,
    check_output_width,
    check_part,
    check_rows,
    check_size,
    check_steps,
    validate_call,
    warn_of_last_layers,
)
from numnet.core.evaluation import Exclusive, TrainingCall, Unwritten
from numnet.core.packed import to_padded
from numnet.core.schedules import Schedule
from numnet.core.ties import resolve_ties
from numnet.models.encoder_decoder_base import EncoderDecoderBase
from torchnet.core.device import DTypeLike, as_tensor
from torchnet.core.operation import Operation
from torchnet.layers.attention import Attention
from torchnet.layers.losses import Loss
from torchnet.layers.module import as_layers
from torchnet.models.model import Model, RNNModel
from torchnet.recurrent.node import State

Array = npt.NDArray[Any]


class EncoderDecoder(EncoderDecoderBase, Model):
    """Source tokens x (B, S), or features (B, S, D), and target tokens y (B, T), padded with -1 → logits (B, T, V).

        y' = [begin, y_1, ..., y_(T-1)]     (1)   the input at step t is the target token before y_t
        m, s = encoder(x)                   (2)   m (B, S, M) of all steps, s the last states of its recurrent layers
        h = decoder(y', s)                  (3)   h (B, T, H): layer k starts from s_k (bidirectional: [s_f; s_b])
        z = [h; attention(h, m)]            (4)   Luong et al. 2015; without attention h, Sutskever et al. 2014
        logits = output(z)                  (5)   e.g. [Dense(H), Tanh(), Dense(V)]: W_o tanh(W_c z)

    encoder, decoder, output: lists of layers, as in RNNModel. The decoder has as many recurrent layers as the encoder,
    with the same cells. If an encoder layer is bidirectional, the decoder's is twice as wide as one direction. All
    target steps are computed in one call, because z is not an input of the decoder. `lengths` (B,) or a mask (B, S)
    belong to x; the real steps of y are those that are not -1. `input_size` and `target_size` are the sizes of the two
    vocabularies; they can be omitted if the first layers know them. forward(x, target, lengths=None) → logits, 0 at
    padding.

    teacher_forcing: the probability that the decoder reads a token of (1), or a schedule of it over the steps. The
    other inputs are predicted tokens (scheduled sampling, Bengio et al. 2015), from one pass in evaluation mode with
    (1), so that all steps remain one call (Duckworth et al. 2019). In evaluation mode the probability is 1.
    begin, end: the first input token of the decoder, and the last token of a sentence: see decoding.py.
    """

    @validate_call
    def __init__(
        self,
        encoder: Sequence[torch.nn.Module],
        decoder: Sequence[torch.nn.Module],
        output: Sequence[torch.nn.Module],
        attention: Attention | None = None,
        loss: Loss | None = None,
        *,
        input_size: int | None = None,
        target_size: int | None = None,
        teacher_forcing: float | Schedule = 1.0,
        begin: int = 1,
        end: int = 2,
        seed: int | None = None,
        dtype: DTypeLike = "float32",
        device: Any = "cpu",
    ) -> None:
        super().__init__(input_size, seed, dtype, device)
        check_size(self.name, target_size=target_size)
        encoder = as_layers(self.name, encoder, "encoder")
        decoder, output = (
            as_layers(self.name, layers, name, single_steps=True)
            for name, layers in (("decoder", decoder), ("output", output))
        )
        for name, layers in (("encoder", encoder), ("decoder", decoder), ("output", output)):
            check_layers(self.name, layers, Operation, name)
        if attention is not None:
            check_part(self.name, "attention", attention, Attention, "{net}.Attention('dot')")
        check_distinct(self.name, [*encoder, *decoder, *output, *([] if attention is None else [attention])])
        check_loss(self.name, loss, Loss)
        resolve_ties(self.name, self.layers_by_name(encoder=encoder, decoder=decoder, output=output), inner=True)
        self.encoder, self.decoder = RNNModel(encoder, device=device), RNNModel(decoder, device=device)
        self.attention, self.output = attention, RNNModel(output, device=device)
        self.loss, self.target_size, self.teacher_forcing = loss, target_size, teacher_forcing
        self.begin, self.end = begin, end
        self.check_parts()
        warn_of_last_layers(self.name, "output", output, loss)
        self.ready(self.known_input_size())

    def make(self, rng: np.random.Generator) -> int:
        M = self.encoder.build(self.width, rng, self.dtype)
        size = self.decoder.build(self.target_width, rng, self.dtype)
        if self.attention is not None:
            check_memory_size(self.name, self.attention.memory_size, M)
            vars(self.attention)["memory_size"] = M
            size += self.attention.build(size, rng, self.dtype)
        size = self.output.build(size, rng, self.dtype)
        check_output_width(self.name, size, self.target_width)
        self.to(self.device)
        return size

    def forward(self, x: Any, target: Any, lengths: Any = None) -> Tensor:  # type: ignore[override]
        """Logits (B, T, V), 0 at padding, from x (B, S), the target (B, T) and the lengths of x."""
        (x, lengths), (target, real) = to_padded(x, lengths), self.validated_target(target)
        x = self.validated_x(x)
        logits = self.logits(x, self.decoder_inputs(x, target, real, lengths), real, lengths)
        self.calls += self.training
        y = logits.new_zeros(*real.shape, logits.shape[-1]).index_put(self.places(real), logits)
        self.save_graph((y,), (x,) if x.is_floating_point() else ())
        return y

    def backward(self, dy: Any) -> Any:
        """dx, None for tokens, from dy (B, T, V); parameters' gradients are ADDED to `grads`."""
        with Exclusive(self, "backward"):
            (y,), inputs = self.recall()
            return (self.pull((y,), inputs, (dy,)) or [None])[0]

    def validated_x(self, x: Any) -> Tensor:
        """Return x as a tensor; autograd records features."""
        x = as_tensor(x, self.name, "x")
        return self.followed(x.to(self.device)) if x.is_floating_point() else x

    def places(self, real: Array) -> tuple[Tensor, ...]:
        """Return the indices (rows, times) of the real target steps."""
        return tuple(torch.from_numpy(axis).to(self.device) for axis in np.nonzero(real))

    def logits(self, x: Any, inputs: Array, real: Array, lengths: Any) -> Tensor:
        """Return (N, V) for the N real target steps, without padding."""
        m, mask = self.encoded(x, lengths)  # (2)
        check_rows(self.name, "target", len(real), len(m))
        h = self.decoder(inputs, self.encoder_states(), real)  # (3)
        z = h if self.attention is None else torch.cat((h, self.attention(h, m, mask)), dim=-1)  # (4)
        return self.output(z[self.places(real)])  # (5)

    def encoded(self, x: Any, lengths: Any) -> tuple[Tensor, Any]:
        """(2) Return m (B, S, M), and the mask (B, S) of its real steps, or None."""
        x, lengths = to_padded(x, lengths)
        x = as_tensor(x, self.name, "x")
        check_steps(self.name, x)
        if not self.built:
            self.ready(self.input_size or self.encoder.infer_input_size(x))
        m = self.encoder(x, None, lengths)
        return m, self.encoder.saved[0]

    def encoder_states(self) -> list[State]:
        """(3) Return s_k for each recurrent layer of the decoder, None for the others."""
        layers = [layer for layer in self.encoder.layers if layer.recurrent]
        states = iter([concat_directions(layer, layer.state_in_graph) for layer in layers])
        return [next(states) if layer.recurrent else None for layer in self.decoder.layers]

    def loss_and_grads(self, x: Any, target: Any, state: None = None, mask: Any = None, lengths: Any = None) -> Tensor:
        """Run forward, loss and backward. Return the loss; its gradients are ADDED to `grads`.

        A mask (B, T) selects the target tokens that count in the loss; -1 never counts.
        """
        loss, (target, real) = self.needs_loss(), self.validated_target(target)
        self.refuse_state(state)
        with TrainingCall(self):
            logits = self.logits(x, self.decoder_inputs(x, target, real, lengths), real, lengths)
            self.calls += self.training
            value = loss(logits, target[real], self.target_mask(mask, real))
            if value.requires_grad:  # not if all parameters are frozen
                value.backward()
        return value.detach()

    def evaluate(self, x: Any, target: Any, state: None = None, mask: Any = None, lengths: Any = None) -> float:
        """Return the loss in evaluation mode, without gradients."""
        loss, (target, real) = self.needs_loss(), self.validated_target(target)
        self.refuse_state(state)
        with self.evaluating():
            logits = self.logits(x, self.shifted_right(target), real, lengths)
            return float(loss(logits, target[real], self.target_mask(mask, real)))

    def predict(self, x: Any, target: Any, lengths: Any = None) -> Array:
        """Return the logits in evaluation mode, as a numpy array, without a backward pass."""
        with self.evaluating():
            return self.forward(x, target, lengths).cpu().numpy()

    def predicted_tokens(self, x: Any, inputs: Array, real: Array, lengths: Any) -> Array:
        """Return the most likely tokens (B, T), in evaluation mode; 0 at padding."""
        tokens = np.zeros(real.shape, np.int64)
        with self.evaluating(Unwritten):
            tokens[real] = self.logits(x, inputs, real, lengths).argmax(dim=-1).cpu().numpy()
        return tokens

    def start(self, x: Any, lengths: Any = None) -> Any:
        """(2) Return the context for `advance`, for each row of x: m, its mask, s."""
        with self.evaluating(Unwritten):
            m, mask = self.encoded(x, lengths)
            return m, mask, self.encoder_states()

    def advance(self, tokens: Any, context: Any) -> tuple[Array, Array | None, Any]:
        """(3) to (5), one step: the last token of each row (B,) → logits (B, V), attention weights (B, S), context."""
        m, mask, state = context
        with self.evaluating(Unwritten):
            h = self.decoder(np.asarray(tokens)[:, None], state)
            z = h if self.attention is None else torch.cat((h, self.attention(h, m, mask)), dim=-1)
            weights = None if self.attention is None else self.attention.weights[:, 0].cpu().numpy()
            return self.output(z[:, 0]).cpu().numpy(), weights, (m, mask, self.decoder.last_state)


def concat_directions(layer: Any, state: State) -> State:
    """Return the state of a layer; the two states of a bidirectional layer are concatenated: [s_f; s_b]."""
    if not hasattr(layer, "forwards"):
        return state
    node = layer.forwards.node
    return node.joined([torch.cat(parts, dim=-1) for parts in zip(*map(node.each, state))])
