"""Sequence to sequence: an encoder reads the whole source, then a decoder generates the target, of another length."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from numnet.core.arrays import as_array
from numnet.core.attributes import check_same_call, serials
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
from numnet.core.evaluation import Evaluation, Exclusive, TrainingCall, Unwritten
from numnet.core.operation import Array, Operation
from numnet.core.packed import to_padded
from numnet.core.schedules import Schedule
from numnet.core.ties import resolve_ties
from numnet.layers.attention import Attention
from numnet.layers.losses import Loss
from numnet.models.encoder_decoder_base import EncoderDecoderBase
from numnet.models.model import RNNModel
from numnet.models.vectors import Model
from numnet.recurrent.node import State


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

    d_state: Any = None

    @validate_call
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
        dtype: npt.DTypeLike = "float32",
        device: Any = "cpu",
    ) -> None:
        super().__init__(input_size, seed, dtype, device)
        check_size(self.name, target_size=target_size)
        for name, layers in (("encoder", encoder), ("decoder", decoder), ("output", output)):
            check_layers(self.name, layers, Operation, name)
        if attention is not None:
            check_part(self.name, "attention", attention, Attention, "{net}.Attention('dot')")
        check_distinct(self.name, [*encoder, *decoder, *output, *([] if attention is None else [attention])])
        check_loss(self.name, loss, Loss)
        resolve_ties(self.name, self.layers_by_name(encoder=encoder, decoder=decoder, output=output), inner=True)
        self.encoder, self.decoder = RNNModel(encoder), RNNModel(decoder)
        self.attention, self.output = attention, RNNModel(output)
        self.loss, self.target_size, self.teacher_forcing = loss, target_size, teacher_forcing
        self.begin, self.end = begin, end
        self.check_parts()
        warn_of_last_layers(self.name, "output", output, loss)
        self.ready(self.known_input_size())

    def parts(self) -> dict[str, Operation]:
        between = {} if self.attention is None else {"attention": self.attention}
        return {"encoder": self.encoder, "decoder": self.decoder, **between, "output": self.output}

    def make(self, rng: np.random.Generator) -> int:
        M = self.encoder.build(self.width, rng, self.dtype)
        size = self.decoder.build(self.target_width, rng, self.dtype)
        if self.attention is not None:
            check_memory_size(self.name, self.attention.memory_size, M)
            vars(self.attention)["memory_size"] = M
            size += self.attention.build(size, rng, self.dtype)
        size = self.output.build(size, rng, self.dtype)
        check_output_width(self.name, size, self.target_width)
        self.flatten()
        return size

    def forward(self, x: Any, target: Any, lengths: Any = None) -> Array:  # type: ignore[override]
        """Logits (B, T, V), 0 at padding, from x (B, S), the target (B, T) and the lengths of x."""
        target, real = self.validated_target(target)
        logits = self.logits(x, self.decoder_inputs(x, target, real, lengths), real, lengths)
        self.calls += self.training
        y = np.zeros((*real.shape, logits.shape[-1]), logits.dtype)
        y[real] = logits
        return y

    def backward(self, dy: Any) -> Array | None:
        """dx, None for tokens, from dy (B, T, V); parameters' gradients are ADDED to `grads`."""
        with Exclusive(self, "backward"):
            real, width = self.recall()[0], self.output.output_width
            return self.logits_backward(self.gradient(dy, (*real.shape, width), self.dtype)[real])

    def logits(self, x: Any, inputs: Array, real: Array, lengths: Any) -> Array:
        """Return (N, V) for the N real target steps; padding is skipped because (5) is the largest product."""
        m, mask = self.encoded(x, lengths)  # (2)
        check_rows(self.name, "target", len(real), len(m))
        h = self.decoder(inputs, self.encoder_states(), real)  # (3)
        z = h if self.attention is None else np.concatenate((h, self.attention(h, m, mask)), axis=-1)  # (4)
        logits: Array = self.output(z[real])  # (5)
        self.saved = real, z.shape, h.shape[-1], serials(self.parts().values())
        return logits

    def logits_backward(self, d_logits: Array) -> Array | None:
        real, z_shape, H, calls = self.recall()
        check_same_call(self.name, self.parts(), calls)
        dz, dm = np.zeros(z_shape, self.dtype), None
        dz[real] = self.output.backward(d_logits)  # (5)
        dh = dz[..., :H]
        if self.attention is not None:
            dq, dm = self.attention.backward(dz[..., H:])  # (4)
            dh = dh + dq
        self.decoder.backward(dh)  # (3)
        return self.encoder.backward(dm, self.encoder_state_grads())  # (2)

    def encoded(self, x: Any, lengths: Any) -> tuple[Array, Any]:
        """(2) Return m (B, S, M), and the mask (B, S) of its real steps, or None."""
        x, lengths = to_padded(x, lengths)
        x = as_array(self.name, "x", x)
        check_steps(self.name, x)
        if not self.built:
            self.ready(self.input_size or self.encoder.infer_input_size(x))
        m = self.encoder(x, None, lengths)
        return m, self.encoder.saved[0]

    def encoder_states(self) -> list[State]:
        """(3) Return s_k for each recurrent layer of the decoder, None for the others."""
        pairs = zip(self.encoder.layers, self.encoder.last_state or ())
        states = iter([concat_directions(layer, state) for layer, state in pairs if layer.recurrent])
        return [next(states) if layer.recurrent else None for layer in self.decoder.layers]

    def encoder_state_grads(self) -> list[State]:
        """(3) Return the gradient of each s_k, for the encoder layer that computed s_k."""
        pairs = zip(self.decoder.layers, self.decoder.d_state or ())
        gradients = iter([d_state for layer, d_state in pairs if layer.recurrent])
        return [split_directions(layer, next(gradients)) if layer.recurrent else None for layer in self.encoder.layers]

    def loss_and_grads(self, x: Any, target: Any, state: None = None, mask: Any = None, lengths: Any = None) -> float:
        """Run forward, loss and backward. Return the loss; its gradients are ADDED to `grads`.

        A mask (B, T) selects the target tokens that count in the loss; -1 never counts.
        """
        loss, (target, real) = self.needs_loss(), self.validated_target(target)
        self.refuse_state(state)
        with TrainingCall(self):
            logits = self.logits(x, self.decoder_inputs(x, target, real, lengths), real, lengths)
            self.calls += self.training
            value: float = loss.forward(logits, target[real], self.target_mask(mask, real))
            self.logits_backward(loss.backward())
        return value

    def evaluate(self, x: Any, target: Any, state: None = None, mask: Any = None, lengths: Any = None) -> float:
        """Return the loss in evaluation mode, without gradients."""
        loss, (target, real) = self.needs_loss(), self.validated_target(target)
        self.refuse_state(state)
        with Evaluation(self):
            logits = self.logits(x, self.shifted_right(target), real, lengths)
            value: float = loss.forward(logits, target[real], self.target_mask(mask, real))
        return value

    def predict(self, x: Any, target: Any, lengths: Any = None) -> Array:
        """Return the logits in evaluation mode, as a numpy array, without a backward pass."""
        with Evaluation(self):
            return self.forward(x, target, lengths)

    def predicted_tokens(self, x: Any, inputs: Array, real: Array, lengths: Any) -> Array:
        """Return the most likely tokens (B, T), in evaluation mode; 0 at padding."""
        tokens = np.zeros(real.shape, np.int64)
        with Unwritten(self):
            tokens[real] = self.logits(x, inputs, real, lengths).argmax(axis=-1)
        return tokens

    def start(self, x: Any, lengths: Any = None) -> Any:
        """(2) Return the context for `advance`, for each row of x: m, its mask, s."""
        with Unwritten(self):
            m, mask = self.encoded(x, lengths)
            return m, mask, self.encoder_states()

    def advance(self, tokens: Any, context: Any) -> tuple[Array, Array | None, Any]:
        """(3) to (5), one step: the last token of each row (B,) → logits (B, V), attention weights (B, S), context."""
        m, mask, state = context
        with Unwritten(self):
            h = self.decoder(np.asarray(tokens)[:, None], state)
            z = h if self.attention is None else np.concatenate((h, self.attention(h, m, mask)), axis=-1)
            weights = None if self.attention is None else self.attention.weights[:, 0]
            return self.output(z[:, 0]), weights, (m, mask, self.decoder.last_state)


def concat_directions(layer: Any, state: State) -> State:
    """Return the state of a layer; the two states of a bidirectional layer are concatenated: [s_f; s_b]."""
    if not hasattr(layer, "forwards"):
        return state
    node = layer.forwards.node
    return node.joined([np.concatenate(parts, axis=-1) for parts in zip(*map(node.each, state))])


def split_directions(layer: Any, d_state: State) -> State:
    """Return the gradients of the two states that concat_directions has concatenated."""
    if not hasattr(layer, "forwards"):
        return d_state
    node = layer.forwards.node
    halves = [np.split(part, 2, axis=-1) for part in node.each(d_state)]
    return tuple(node.joined([half[way] for half in halves]) for way in (0, 1))
