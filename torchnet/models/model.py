"""A stack of layers and a loss, on the CPU or a GPU."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

from numnet.core.checks import check_alike, check_once, check_real, check_shape, check_states, resets_for
from numnet.core.evaluation import Evaluation, Exclusive, OfCall, TrainingCall
from numnet.core.lengths import expand_mask
from numnet.core.packed import Packed, padded_like, to_packed, to_padded
from numnet.models.base import ModelBase
from torchnet.core.device import usable_device
from torchnet.core.operation import Layer, Operation, as_tensor
from torchnet.layers.losses import Loss
from torchnet.recurrent.node import State

SWITCHING = threading.Lock()
SWITCHED: dict[torch.nn.Module, int] = {}  # PyTorch's modules that evaluations have switched, and by how many


class Model(ModelBase, Layer):
    """What every model is: modes, a device. `device` is "cpu", "cuda" or any other that PyTorch knows."""

    usable_device = classmethod(usable_device)

    def __init__(self, input_size: int | None, seed: int | None, dtype: Any, device: str) -> None:
        super().__init__(input_size, seed, dtype)
        self.device = self.usable_device(device)

    def build(self, input_size: int, rng: np.random.Generator, dtype: Any) -> int:
        width = super().build(input_size, rng, dtype)
        self.keep_parameters()
        return width

    @contextmanager
    def evaluating(self, kind: type[Evaluation] = Evaluation) -> Iterator[None]:
        """Evaluation mode without a graph, for as long as the context lasts."""
        own = (Operation, torch.nn.ModuleList)
        with torch.no_grad(), kind(), switched([module for module in self.modules() if not isinstance(module, own)]):
            yield


class RNNModel(Model):
    """Layers in a row, each its own width; recurrent ones may stand anywhere among them.

    forward(x, state=None, lengths=None) → the last layer's output; `state`, like `last_state`, has one entry a layer,
    None where a layer has no state. `lengths` (B,), or a mask (B, T), say which steps are real; x may be Packed, and
    then y is: padding is never read, and y is 0 there. In a loss they are the mask, unless one is given. `resets`
    (B, T), True where a sequence begins, go to the recurrent layers. For tokens x (B, T), `input_size` is the
    vocabulary's size; else the first batch shows it. `dtype` is that of all layers, `seed`
    that of their first values: see ParamOperation. `device` is "cpu", "cuda" or any other that PyTorch knows.
    """

    last_state = OfCall()

    def __init__(
        self,
        layers: Sequence[Operation],
        loss: Loss | None = None,
        *,
        input_size: int | None = None,
        seed: int | None = None,
        dtype: Any = "float32",
        device: str = "cpu",
    ) -> None:
        super().__init__(input_size, seed, dtype, device)
        check_once(self.name, layers)
        check_alike(self.name, layers)
        self.layers: Any = torch.nn.ModuleList(layers)
        self.loss = loss
        self.d_state: list[State] | None = None
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
        packed, (x, lengths) = isinstance(x, Packed), to_padded(x, lengths, self.batch_first)
        x = as_tensor(x)
        check_real(self.name, "x", x)
        x = x.to(self.device)
        mask = self.mask_of(x, lengths)
        mask = None if mask is None else torch.from_numpy(mask.copy()).to(self.device)
        x = x if mask is None else torch.where(expand_mask(mask, x), x, 0)
        self.ready_for(x)
        start = list(state) if state is not None else [None] * len(self.layers)
        check_states(self.name, start, len(self.layers))
        options = resets_for(self.name, self.layers, resets)
        for layer, first in zip(self.layers, start):
            x = layer(x, first, mask, **options) if layer.recurrent else layer(x, mask) if layer.over_time else layer(x)
            mask = mask if layer.keeps_time else None
        x = x if mask is None else torch.where(expand_mask(mask, x), x, 0)
        self.last_state = [detached(getattr(layer, "last_state", None)) for layer in self.layers]
        self.saved = mask, packed and mask is not None, tuple(x.shape)
        y = to_packed(x, lengths, self.batch_first) if packed and mask is not None else x
        return (y, self.last_state) if return_state else y

    def backward(self, dy: Any, d_last_state: Sequence[State] | None = None) -> Any:
        """dx, None for tokens, from dy of the output's shape; `d_state` then has an entry for each layer.

        Parameters' gradients are ADDED to `grads`. RuntimeError before forward, or while another thread is in backward.
        """
        with Exclusive(self, "backward"):
            return self.layers_backward(dy, d_last_state)

    def layers_backward(self, dy: Any, d_last_state: Sequence[State] | None) -> Any:
        """From the last layer to the first."""
        (mask, packed, shape), given = self.recall(), dy
        dy = padded_like(self.name, given, self.lengths_of(mask) if packed else None, self.batch_first)
        if mask is not None and dy is not None:
            dy = as_tensor(dy)
            check_shape(self.name, "dy", dy.shape, shape, "It has the shape of y.")
            dy = torch.where(expand_mask(mask, dy), dy.to(self.device), 0)
        d_last = list(d_last_state) if d_last_state is not None else [None] * len(self.layers)
        check_states(self.name, d_last, len(self.layers), "d_last_state")
        for layer, d_state in zip(reversed(self.layers), reversed(d_last)):
            dy = layer.backward(dy, d_state) if layer.recurrent else layer.backward(dy)
        self.d_state = [getattr(layer, "d_state", None) for layer in self.layers]
        return to_packed(dy, given.lengths, self.batch_first) if isinstance(given, Packed) and dy is not None else dy

    def loss_and_grads(
        self,
        x: Any,
        target: Any,
        state: Sequence[State] | None = None,
        mask: Any = None,
        lengths: Any = None,
        resets: Any = None,
    ) -> Tensor:
        """Forward, the loss, and backward: the loss is returned, its gradients are ADDED to `grads`."""
        loss = self.needs_loss()
        with TrainingCall(self):
            value = loss(self.forward(x, state, lengths, resets), target, self.counted(mask))
            value.backward()
            for layer in self.layers:
                if layer.recurrent:
                    layer.d_state = layer.start_gradients()
        self.d_state = [getattr(layer, "d_state", None) for layer in self.layers]
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
        """The loss in evaluation mode; no gradient."""
        with self.evaluating():
            y = self.forward(x, state, lengths, resets)
            return float(self.needs_loss()(y, target, self.counted(mask)))

    def predict(self, x: Any, state: Sequence[State] | None = None, lengths: Any = None, resets: Any = None) -> Any:
        """The output in evaluation mode, as a numpy array; `last_state` is set. There is no way back from it."""
        with self.evaluating():
            y = self.forward(x, state, lengths, resets)
        return y.like(y.values.cpu().numpy()) if isinstance(y, Packed) else y.cpu().numpy()


@contextmanager
def switched(modules: Sequence[torch.nn.Module]) -> Iterator[None]:
    """PyTorch's own modules in evaluation mode, until the last of the contexts that need it has ended.

    Their mode is one for all threads: a training call that runs meanwhile finds them in evaluation mode, too.
    """
    with SWITCHING:
        chosen = [module for module in modules if module.training or module in SWITCHED]
        for module in chosen:
            SWITCHED[module] = SWITCHED.get(module, 0) + 1
            module.training = False
    try:
        yield
    finally:
        with SWITCHING:
            for module in chosen:
                SWITCHED[module] -= 1
                if not SWITCHED[module]:
                    del SWITCHED[module]
                    module.training = True


def detached(state: State) -> State:
    """A state whose gradient is cut, to be carried to the next batch."""
    if isinstance(state, tuple):
        return tuple(detached(part) for part in state)
    return None if state is None else state.detach()
