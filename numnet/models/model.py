"""A stack of layers and a loss: forward from first to last, backward from last to first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from numnet.core.arrays import as_array
from numnet.core.attributes import OfCall, check_same_call, save_for_backward, serials, store
from numnet.core.checks import (
    check_distinct,
    check_layers,
    check_loss,
    check_same_layout,
    check_shape,
    resets_for,
    states_of,
    validate_call,
    wants_state,
    warn_of_last_layers,
)
from numnet.core.evaluation import Evaluation, Exclusive, TrainingCall, Unbuilt
from numnet.core.layer_list import LayerList
from numnet.core.lengths import expand_mask
from numnet.core.operation import Operation
from numnet.core.packed import Packed, padded_like, to_packed, to_padded
from numnet.core.ties import resolve_ties
from numnet.layers.losses import Loss
from numnet.models.vectors import Model
from numnet.recurrent.node import State
from numnet.recurrent.trace import trace


class RNNModel(Model):
    """A stack of layers, each with its own width; recurrent layers may be at any position.

    forward(x, state=None, lengths=None) → the output of the last layer. `state`, like `last_state`, has one entry per
    layer, None for a layer without a state. `lengths` (B,) or a mask (B, T) select the real steps; padding is never
    read, y is 0 there, and the loss ignores it unless it gets its own mask. If x is Packed, so is y. `resets` (B, T),
    True where a sequence begins, are passed to the recurrent layers. For tokens x (B, T), `input_size` is the size of
    the vocabulary; otherwise it can be inferred from the first batch. `dtype` is used in all layers, `seed`
    for their initial values: see ParamOperation. `device` is "cpu"; torchnet has others.
    """

    changeable = ("loss",)
    last_state = OfCall()
    trace = trace
    d_state: list[State] | None = None

    @validate_call
    def __init__(
        self,
        layers: Sequence[Operation],
        loss: Loss | None = None,
        *,
        input_size: int | None = None,
        seed: int | None = None,
        dtype: npt.DTypeLike = "float32",
        device: Any = "cpu",
    ) -> None:
        super().__init__(input_size, seed, dtype, device)
        check_layers(self.name, layers, Operation)
        check_distinct(self.name, layers)
        check_same_layout(self.name, layers)
        check_loss(self.name, loss, Loss)
        warn_of_last_layers(self.name, "layers", layers, loss)
        self.layers, self.loss = LayerList(self.name, layers), loss
        resolve_ties(self.name, self.named_layers)
        self.ready(input_size)

    def parts(self) -> dict[str, Operation]:
        return {f"layers.{k}": layer for k, layer in enumerate(self.layers)}

    def make(self, rng: np.random.Generator) -> int:
        size = self.width
        for layer in self.layers:
            size = layer.build(size, rng, self.dtype)
        self.flatten()
        return size

    def forward(
        self,
        x: Any,
        state: Sequence[State] | None = None,
        lengths: Any = None,
        resets: Any = None,
        return_state: bool = False,
    ) -> Any:
        """The last layer's output; with return_state=True (y, last_state), the state being a list, one entry a layer.

        ValueError, TypeError or IndexError for an x, state, lengths or resets that do not fit.
        """
        return_state = return_state is not False and wants_state(self.name, return_state)
        if self.built:
            return self.called(x, state, lengths, resets, return_state)
        with Unbuilt(self):
            return self.called(x, state, lengths, resets, return_state)

    def called(self, x: Any, state: Any, lengths: Any, resets: Any, return_state: bool) -> Any:
        """Call the layers from first to last."""
        packed = isinstance(x, Packed)
        if packed:
            x, lengths = to_padded(x, lengths, self.batch_first)
        x = as_array(self.name, "x", x)
        mask = self.mask_of(x, lengths)
        x = x if mask is None else np.where(expand_mask(mask, x), x, 0)
        self.ensure_built(x)
        start = states_of(self.name, state, self.layers)
        options = {}
        if resets is not None:
            options = resets_for(self.name, self.layers, self.validated_resets(resets, x, lengths))
        for layer, first in zip(self.layers, start):
            run = layer.forward  # the model is built, and so is the layer
            x = run(x, first, mask, **options) if layer.recurrent else run(x, mask) if layer.over_time else run(x)
            mask = mask if layer.keeps_time else None
        x = x if mask is None else np.where(expand_mask(mask, x), x, 0)
        last_state = [layer.last_state for layer in self.layers]
        store(self, "last_state", last_state)
        packed, counts = packed and mask is not None, lengths if packed else None
        save_for_backward(self, (mask, packed, x.shape, counts, serials(self.layers)))
        y = to_packed(x, lengths, self.batch_first) if packed else x
        return (y, last_state) if return_state else y

    def backward(self, dy: Any, d_last_state: Sequence[State] | None = None) -> Any:
        """dx, None for tokens, from dy of the output's shape; `d_state` then has an entry for each layer.

        Parameters' gradients are ADDED to `grads`. RuntimeError before forward, or while another thread is in backward.
        """
        with Exclusive(self, "backward"):
            return self.layers_backward(dy, d_last_state)

    def layers_backward(self, dy: Any, d_last_state: Sequence[State] | None) -> Any:
        """Run backward from the last layer to the first."""
        mask, packed, shape, counts, calls = self.recall()
        check_same_call(self.name, self.named_layers, calls)
        dy = padded_like(self.name, dy, counts if packed else None, self.batch_first)
        if mask is not None and dy is not None:
            dy = as_array(self.name, "dy", dy)
            check_shape(self.name, "dy", dy.shape, shape, "It has the shape of y.")
            dy = np.where(expand_mask(mask, dy), dy, 0)
        d_last = states_of(self.name, d_last_state, self.layers, "d_last_state")
        for layer, d_state in zip(self.layers, d_last):  # before any gradient is added
            if d_state is not None and hasattr(layer, "check_last"):
                layer.check_last(d_state)
        for layer, d_state in zip(reversed(self.layers), reversed(d_last)):
            dy = layer.backward(dy, d_state) if layer.recurrent else layer.backward(dy)
        self.d_state = [layer.d_state for layer in self.layers]
        return dy if dy is None or counts is None else to_packed(dy, counts, self.batch_first)

    def loss_and_grads(
        self,
        x: Any,
        target: Any,
        state: Sequence[State] | None = None,
        mask: Any = None,
        lengths: Any = None,
        resets: Any = None,
    ) -> float:
        """Run forward, loss and backward. Return the loss; its gradients are ADDED to `grads`."""
        loss = self.needs_loss()
        with TrainingCall(self):
            value: float = loss.forward(self.forward(x, state, lengths, resets), target, self.loss_mask(mask))
            self.layers_backward(loss.backward(), None)
        return value

    def evaluate(
        self,
        x: Any,
        target: Any,
        state: Sequence[State] | None = None,
        mask: Any = None,
        lengths: Any = None,
        resets: Any = None,
    ) -> float:
        """Return the loss in evaluation mode, without gradients."""
        with Evaluation(self):
            y = self.forward(x, state, lengths, resets)
            value: float = self.needs_loss().forward(y, target, self.loss_mask(mask))
        return value

    def predict(self, x: Any, state: Sequence[State] | None = None, lengths: Any = None, resets: Any = None) -> Any:
        """Return the output in evaluation mode, as a numpy array, without a backward pass; `last_state` is set."""
        with Evaluation(self):
            return self.forward(x, state, lengths, resets)
