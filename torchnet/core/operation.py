"""The base class of all parts of a network, as torch.nn.Module: autograd computes the gradients independently."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from numnet.core.answers import check_inputs, no_attribute
from numnet.core.assignment import Assigned
from numnet.core.attributes import Mode, Saved, attributes_of_copy, saved_by_this_thread
from numnet.core.checks import check_saved, check_state_shape, check_unchanged_tensors, no_method
from numnet.core.freezing import Freezing
from torchnet.core.device import DTypeLike, as_tensor


class Operation(Freezing, Assigned, torch.nn.Module):
    """y = f(x) forward; dx from dy backward, where dy is the gradient of a loss with respect to y.

    `forward` stores the graph of its last call in `saved`; `backward` backpropagates through it, any number of times.
    Inside a larger PyTorch model `backward` is not needed: `loss.backward()` uses the same graph. Predictions and
    evaluations, in any thread, do not change `saved`.
    """

    takes: tuple[str, ...] = ("x",)  # the inputs of forward; with several, backward returns a gradient for each
    recurrent = False  # has a state, and takes lengths
    over_time = False  # takes lengths: reads several steps of a sequence, without a state
    keeps_time = True
    reads = "numbers"  # or "tokens" or "rows of tokens", integers, which have no gradient
    batch_first: Any = None  # False for (T, B, ...); None where the layer accepts both
    last_state: Any = None
    d_state: Any = None
    weight_changes = 0
    training = Mode()
    saved = Saved()

    def __init__(self) -> None:
        super().__init__()

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self.guarded and self.assigned(name, value):
            return
        super().__setattr__(name, value)

    @property
    def needs_sequences(self) -> bool:
        """Whether y of a step depends on the steps before or after it."""
        return self.recurrent or self.over_time

    @property
    def name(self) -> str:
        """The name in error messages."""
        return type(self).__name__

    def forward(self, x: Any) -> Any:
        """y; what backward needs is stored in `saved`."""
        raise no_method(self, "forward", "forward(x) → y")

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        if options:
            check_inputs(self, options)
        return super().__call__(*inputs, **options)

    def as_real(self, name: str, x: Any) -> Tensor:
        """Return x as a floating-point tensor that requires a gradient."""
        x = as_tensor(x, self.name, name)
        return self.followed(x if x.is_floating_point() else x.float())

    def followed(self, x: Tensor) -> Tensor:
        """Return x itself if it requires a gradient already, else a leaf that does."""
        return x if x.requires_grad or not torch.is_grad_enabled() else x.detach().requires_grad_()

    def save_graph(self, outputs: Sequence[Tensor], inputs: Sequence[Tensor]) -> None:
        """Save the outputs and inputs for backward, or None if autograd is disabled."""
        self.saved = (tuple(outputs), tuple(inputs)) if torch.is_grad_enabled() else None

    def recall(self) -> Any:
        """Return the values that the last forward saved; RuntimeError as in saved_by_this_thread."""
        saved = saved_by_this_thread(self)
        if saved is None:
            check_saved(self.name, saved)
        return saved

    def gradient(self, dy: Any, y: Tensor) -> Tensor:
        """Return the upstream gradient as a tensor of y's shape."""
        dy = as_tensor(dy, self.name, "dy").to(y)
        check_state_shape(self.name, "dy", dy.shape, tuple(y.shape), "It has the shape of y.")
        return dy

    def pull(self, outputs: Sequence[Tensor], inputs: Sequence[Tensor], upstream: Sequence[Any]) -> list[Tensor | None]:
        """Return the gradients of the inputs; ADD those of the parameters to `.grad`. None upstream counts as zeros."""
        pairs = [(y, self.gradient(dy, y)) for y, dy in zip(outputs, upstream) if dy is not None]
        targets = [*inputs, *self.parameters()]
        followed = [x for x in targets if x.requires_grad]
        found = iter(self.pulled(pairs, followed) if pairs and followed else [None] * len(followed))
        gradients = [next(found) if x.requires_grad else None for x in targets]
        for p, g in zip(self.parameters(), gradients[len(inputs) :]):
            if g is not None:
                p.grad = g if p.grad is None else p.grad + g
        return [torch.zeros_like(x) if g is None and x.requires_grad else g for x, g in zip(inputs, gradients)]

    def pulled(self, pairs: Sequence[tuple[Tensor, Tensor]], targets: Sequence[Tensor]) -> Sequence[Tensor | None]:
        """Return the gradients of the targets, from outputs y and their gradients dy; None where there is none."""
        ys, dys = zip(*pairs)
        try:
            return torch.autograd.grad(ys, targets, dys, retain_graph=True, allow_unused=True)
        except RuntimeError as error:
            check_unchanged_tensors(self.name, error)
            raise

    @property
    def frozen(self) -> list[str]:
        return [name for name, p in torch.nn.Module.named_parameters(self) if not p.requires_grad]

    def mark(self, names: Collection[str] | None, trained: bool) -> None:
        for name, p in torch.nn.Module.named_parameters(self):
            if names is None or name in names:
                p.requires_grad_(trained)
                p.grad = torch.zeros_like(p) if trained else None

    def changes_of_weights(self) -> int:
        """Return how often the parameters were changed: by an optimizer, a file, `convert`, an assignment, in place.

        Changes of `p.data` are not counted.
        """
        modules = list(self.modules())
        in_place = sum(p._version for module in modules for p in module._parameters.values() if p is not None)
        nodes = [vars(module)["node"] for module in modules if "node" in vars(module)]  # no modules: see RecurrentLayer
        return in_place + sum(vars(module).get("weight_changes", 0) for module in [*modules, *nodes])

    def backward(self, dy: Any) -> Tensor | None:
        """dx, of x's shape, from dy, of y's shape; None if x has no gradient. RuntimeError before forward."""
        (y,), inputs = self.recall()
        return self.pull((y,), inputs, (dy,))[0]

    def build(self, input_size: int, rng: np.random.Generator, dtype: DTypeLike) -> int:
        """Create the parameters for inputs of this width, unless they exist; return the width of the outputs."""
        return input_size

    def config(self) -> dict[str, Any]:
        """Return the constructor's arguments, from which an equal part can be created."""
        return {}

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            try:
                return torch.nn.Module.__getattr__(self, name)  # parameters and modules are found here
            except AttributeError as error:
                raise no_attribute(self, name) or error from None

    def __getstate__(self) -> dict[str, Any]:
        """Copy the parameters, not the graph of the last call."""
        return attributes_of_copy(self)
