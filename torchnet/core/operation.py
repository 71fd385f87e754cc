"""The base classes of all parts of a network, as torch.nn.Module: autograd computes the gradients independently."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from numnet.core.answers import no_attribute
from numnet.core.checks import (
    check_any_feature,
    check_built,
    check_input_size,
    check_saved,
    check_state_shape,
    check_weights,
    check_width_of_y,
    no_method,
    validate_call,
)
from numnet.core.evaluation import BUILDING, Mode, Saved, attributes_of_copy, saved_by_this_thread
from numnet.core.initialization import Initialization
from numnet.core.show import Made
from torchnet.core.device import DTypeLike, as_dtype, as_tensor


class Operation(Made, torch.nn.Module):
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
    training = Mode()
    saved = Saved()

    def __init__(self) -> None:
        super().__init__()

    @property
    def name(self) -> str:
        """The name in error messages."""
        return type(self).__name__

    def forward(self, x: Any) -> Any:
        """y; what backward needs is stored in `saved`."""
        raise no_method(self, "forward", "forward(x) → y")

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
        found = iter(
            torch.autograd.grad(
                [y for y, _ in pairs], followed, [dy for _, dy in pairs], retain_graph=True, allow_unused=True
            )
            if pairs and followed
            else [None] * len(followed)
        )
        gradients = [next(found) if x.requires_grad else None for x in targets]
        for p, g in zip(self.parameters(), gradients[len(inputs) :]):
            if g is not None:
                p.grad = g if p.grad is None else p.grad + g
        return [torch.zeros_like(x) if g is None and x.requires_grad else g for x, g in zip(inputs, gradients)]

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


class ParamOperation(Initialization, Operation):
    """An Operation with parameters: `params` by name, and `grads`, which `backward` ADDS to and `zero_grad` clears.

    With `input_size` the constructor creates the parameters, without it the first batch does; an optimizer of
    torch.optim that is created earlier needs `input_size`. A model initializes all its parts from one generator, so
    that no two start equal. But a part with its own `seed`, or one that was called, changed or in a model before, keeps
    its values.
    """

    @validate_call
    def __init__(self, input_size: int | None = None, seed: int | None = None, dtype: DTypeLike = "float32") -> None:
        super().__init__()
        self.input_size, self.seed, self.dtype = input_size, seed, as_dtype(dtype, self.name)
        self.built, self.output_width = False, 0

    @property
    def params(self) -> dict[str, Tensor]:
        """Every parameter by name."""
        return dict(self.named_parameters())

    @property
    def grads(self) -> dict[str, Tensor]:
        """Every gradient by its parameter's name."""
        return {name: torch.zeros_like(p) if p.grad is None else p.grad for name, p in self.named_parameters()}

    def build(self, input_size: int, rng: np.random.Generator, dtype: DTypeLike) -> int:
        if self.built:
            check_input_size(self.name, self.input_size, input_size)
        if self.built and not self.has_initial_values():
            self.convert(dtype)
        else:
            self.input_size, self.dtype = input_size, as_dtype(dtype, self.name)
            own = rng if self.seed is None else np.random.default_rng(self.seed)
            self.output_width, self.built = check_width_of_y(self, self.make(own)), True
            self.record_initial_values()
        return self.output_width

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        y = super().__call__(*inputs, **options)
        self.__dict__["initial_checksum"] = None
        return y

    def convert(self, dtype: DTypeLike) -> None:
        """Convert the parameters to another dtype."""
        self.dtype = as_dtype(dtype, self.name)
        self.to(self.dtype)

    def make(self, rng: np.random.Generator) -> int:
        """Initialize the parameters for inputs of width `input_size`; return the width of the outputs."""
        raise no_method(self, "make", "make(rng) → the width of y")

    def add_param(self, name: str, value: Any) -> None:
        """Set the parameter `name` to a numpy value, as in numnet; an existing parameter object is updated."""
        initial, known = torch.as_tensor(np.ascontiguousarray(value)).to(self.dtype), self._parameters.get(name)
        if known is None:
            self.register_parameter(name, torch.nn.Parameter(initial))
        else:
            known.data, known.grad = initial.to(known.device), None

    @property
    def width(self) -> int:
        """The input size; ValueError while it is unknown."""
        if self.input_size is None:
            raise ValueError(f"{self.name}: the input size is not known yet. Give input_size=, or run a batch first.")
        return self.input_size

    def ready(self, input_size: int | None, like: Tensor | None = None) -> None:
        """Build for this width, unless built already, on the device of the tensor `like`."""
        if not self.built and input_size is not None:
            check_any_feature(self.name, input_size)
            with BUILDING:
                self.build_once(input_size, like)

    def build_once(self, input_size: int, like: Tensor | None) -> None:
        """Build, unless another thread has built in the meantime."""
        if not self.built:
            self.build(input_size, np.random.default_rng(self.seed or 0), self.dtype)
            if like is not None:
                self.to(like.device)

    def cast(self, name: str, x: Any) -> Tensor:
        """Cast x to the layer's dtype, from any dtype of real numbers."""
        x = as_tensor(x, self.name, name)
        first = next(self.parameters(), None)
        return x.to(self.dtype) if first is None else x.to(first)

    def zero_grad(self, set_to_none: bool = False) -> None:
        """Set every gradient to zeros, as in numnet, also if there was none yet."""
        for p in self.parameters():
            p.grad = None if set_to_none else torch.zeros_like(p)

    def load_state_dict(self, state: Mapping[str, Any], strict: bool = True, assign: bool = False) -> Any:
        """Load these values, arrays or tensors; if any does not match, raise ValueError and change nothing."""
        given = {name: as_tensor(value, self.name, name) for name, value in state.items()}
        check_built(self.name, self)
        check_weights(self.name, dict(self.named_parameters()), given)
        self.protect_parameters()
        return super().load_state_dict(given, strict, assign)


class Layer(ParamOperation):
    """A ParamOperation that contains others: names in `params` have the part as prefix, as in `output.W`."""
