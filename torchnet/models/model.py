"""A stack of layers and a loss, on the CPU or a GPU."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

from numnet.core.attributes import OfCall, check_same_call, serials
from numnet.core.checks import (
    check_distinct,
    check_layers,
    check_loss,
    check_same_layout,
    check_shape,
    check_size,
    resets_for,
    states_of,
    validate_call,
    wants_state,
    warn_of_last_layers,
)
from numnet.core.evaluation import Evaluation, Exclusive, TrainingCall, Unbuilt
from numnet.core.lengths import expand_mask
from numnet.core.packed import Packed, padded_like, to_packed, to_padded
from numnet.core.ties import resolve_ties
from numnet.models.base import ModelBase
from numnet.recurrent.trace import trace
from torchnet.core.device import DTypeLike, as_tensor, usable_device
from torchnet.core.layer_list import LayerList
from torchnet.core.operation import Operation
from torchnet.core.parameters import Layer
from torchnet.layers.losses import Loss
from torchnet.layers.module import as_layers, evaluation_mode
from torchnet.recurrent.node import State


class Model(ModelBase, Layer):
    """The base class of all models: modes, a device. `device` is "cpu", "cuda" or any other device of PyTorch."""

    usable_device = classmethod(usable_device)

    def __init__(self, input_size: int | None, seed: int | None, dtype: DTypeLike, device: str) -> None:
        super().__init__(input_size, seed, dtype)
        check_size(self.name, input_size=input_size)
        self.device = self.usable_device(device)

    def build(self, input_size: int, rng: np.random.Generator, dtype: DTypeLike) -> int:
        width = super().build(input_size, rng, dtype)
        self.protect_parameters()
        return width

    @contextmanager
    def evaluating(self, kind: type[Evaluation] = Evaluation) -> Iterator[None]:
        """Use evaluation mode without an autograd graph within the context."""
        own = (Operation, torch.nn.ModuleList)
        with (
            torch.no_grad(),
            kind(self),
            evaluation_mode([module for module in self.modules() if not isinstance(module, own)]),
        ):
            yield


class RNNModel(Model):
    """A stack of layers, each with its own width; recurrent layers may be at any position.

    forward(x, state=None, lengths=None) → the output of the last layer. `state`, like `last_state`, has one entry per
    layer, None for a layer without a state. `lengths` (B,) or a mask (B, T) select the real steps; padding is never
    read, y is 0 there, and the loss ignores it unless it gets its own mask. If x is Packed, so is y. `resets` (B, T),
    True where a sequence begins, are passed to the recurrent layers. For tokens x (B, T), `input_size` is the size of
    the vocabulary; otherwise it can be inferred from the first batch. `dtype` is used in all layers, `seed`
    for their initial values: see ParamOperation. `device` is "cpu", "cuda" or any other device of PyTorch.
    A module of PyTorch is a layer too: see ModuleLayer.
    """

    changeable = ("loss",)
    last_state = OfCall()
    d_state: list[State] | None = None
    trace = trace

    @validate_call
    def __init__(
        self,
        layers: Sequence[torch.nn.Module],
        loss: Loss | None = None,
        *,
        input_size: int | None = None,
        seed: int | None = None,
        dtype: DTypeLike = "float32",
        device: Any = "cpu",
    ) -> None:
        super().__init__(input_size, seed, dtype, device)
        layers = as_layers(self.name, layers)
        check_layers(self.name, layers, Operation)
        check_distinct(self.name, layers)
        check_same_layout(self.name, layers)
        check_loss(self.name, loss, Loss)
        warn_of_last_layers(self.name, "layers", layers, loss)
        self.layers, self.loss = LayerList(self.name, layers), loss
        resolve_ties(self.name, self.named_layers)
        self.ready(input_size)

    def make(self, rng: np.random.Generator) -> int:
        size = self.width
        for layer in self.layers:
            size = layer.build(size, rng, self.dtype)
        self.to(self.device)
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
        packed, (x, lengths) = isinstance(x, Packed), to_padded(x, lengths, self.batch_first)
        x = as_tensor(x, self.name, "x").to(self.device)
        mask = self.mask_of(x, lengths)
        mask = None if mask is None else torch.from_numpy(mask.copy()).to(self.device)
        x = x if mask is None else torch.where(expand_mask(mask, x), x, 0)
        self.ensure_built(x)
        start = states_of(self.name, state, self.layers)
        options = {}
        if resets is not None:
            options = resets_for(self.name, self.layers, self.validated_resets(resets, x, lengths))
        for layer, first in zip(self.layers, start):
            x = layer(x, first, mask, **options) if layer.recurrent else layer(x, mask) if layer.over_time else layer(x)
            mask = mask if layer.keeps_time else None
        x = x if mask is None else torch.where(expand_mask(mask, x), x, 0)
        self.last_state = [detached(layer.last_state) for layer in self.layers]
        packed, counts = packed and mask is not None, lengths if packed else None
        self.saved = mask, packed, tuple(x.shape), counts, serials(self.layers)
        y = to_packed(x, lengths, self.batch_first) if packed else x
        return (y, self.last_state) if return_state else y

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
            dy = as_tensor(dy, self.name, "dy")
            check_shape(self.name, "dy", dy.shape, shape, "It has the shape of y.")
            dy = torch.where(expand_mask(mask, dy), dy.to(self.device), 0)
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
    ) -> Tensor:
        """Run forward, loss and backward. Return the loss; its gradients are ADDED to `grads`."""
        loss = self.needs_loss()
        with TrainingCall(self):
            value = loss(self.forward(x, state, lengths, resets), target, self.loss_mask(mask))
            if value.requires_grad:  # not if all parameters are frozen
                value.backward()
            for layer in self.layers:
                if layer.recurrent:
                    layer.d_state = layer.start_gradients()
        self.d_state = [layer.d_state for layer in self.layers]
        return value.detach()

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
        with self.evaluating():
            y = self.forward(x, state, lengths, resets)
            return float(self.needs_loss()(y, target, self.loss_mask(mask)))

    def predict(self, x: Any, state: Sequence[State] | None = None, lengths: Any = None, resets: Any = None) -> Any:
        """Return the output in evaluation mode, as a numpy array, without a backward pass; `last_state` is set."""
        with self.evaluating():
            y = self.forward(x, state, lengths, resets)
        return y.like(y.values.cpu().numpy()) if isinstance(y, Packed) else y.cpu().numpy()


def detached(state: State) -> State:
    """Return the state detached from the graph, to be carried to the next batch."""
    if isinstance(state, tuple):
        return tuple(detached(part) for part in state)
    return None if state is None else state.detach()
