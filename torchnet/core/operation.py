"""What every part of a network can do, as a torch.nn.Module: autograd, the independent witness, goes back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from numnet.core.answers import no_attribute
from numnet.core.checks import (
    check_built,
    check_dtype,
    check_fits,
    check_real,
    check_saved,
    check_shape,
    check_state_dict,
)
from numnet.core.evaluation import BUILDING, Mode, Saved, attributes_of_copy, saved_by_this_thread
from numnet.core.initialization import Initialization
from numnet.core.show import Made


def as_dtype(dtype: Any) -> torch.dtype:
    """'float32', numpy.float32 or torch.float32, as PyTorch's own."""
    return dtype if isinstance(dtype, torch.dtype) else getattr(torch, np.dtype(dtype).name)


def as_tensor(x: Any) -> Any:
    """A tensor as it is; numbers by way of numpy; what holds no real numbers stays an array, for a check to refuse."""
    if isinstance(x, Tensor):
        return x
    x = np.asarray(x)
    if x.dtype.kind in "iu":
        return torch.from_numpy(x.astype(np.int64))
    return torch.from_numpy(np.array(x, order="C")) if x.dtype.kind in "fb" else x


class Operation(Made, torch.nn.Module):
    """y = f(x) forward; dx from dy backward, where dy is the gradient of a loss with respect to y.

    `forward` keeps the graph of its last call in `saved`; `backward` lets autograd walk it, as often as asked. Inside a
    larger PyTorch model `backward` is not needed: `loss.backward()` finds the same graph. Predictions and evaluations,
    of this thread or another, leave `saved` as it is.
    """

    takes: tuple[str, ...] = ("x",)  # the inputs of forward; of several, backward gives a gradient each
    recurrent = False  # has a state, and takes lengths
    over_time = False  # takes lengths: makes one vector of a sequence, or looks at other steps, without a state
    keeps_time = True
    last_state: Any = None
    d_state: Any = None
    reads = "numbers"  # or "tokens", one in each place, or "rows of tokens": integers, which have no gradient
    training = Mode()
    saved = Saved()

    def __init__(self) -> None:
        super().__init__()

    @property
    def name(self) -> str:
        """Who speaks in an error."""
        return type(self).__name__

    def forward(self, x: Any) -> Any:
        """y; what backward needs is stored in `saved`."""
        raise NotImplementedError

    def as_real(self, name: str, x: Any) -> Tensor:
        """x as a floating-point tensor that autograd follows, so that there is a dx."""
        x = as_tensor(x)
        check_real(self.name, name, x)
        return self.followed(x if x.is_floating_point() else x.float())

    def followed(self, x: Tensor) -> Tensor:
        """x itself where autograd follows it already; else a leaf that it will follow."""
        return x if x.requires_grad or not torch.is_grad_enabled() else x.detach().requires_grad_()

    def keep(self, outputs: Sequence[Tensor], inputs: Sequence[Tensor]) -> None:
        """What backward starts from and arrives at; nothing where autograd is off."""
        self.saved = (tuple(outputs), tuple(inputs)) if torch.is_grad_enabled() else None

    def recall(self) -> Any:
        """What the last forward kept. RuntimeError where this thread cannot tell whose it is: see recalled."""
        check_saved(self.name, saved := saved_by_this_thread(self))
        return saved

    def gradient(self, dy: Any, y: Tensor) -> Tensor:
        """The upstream gradient as a tensor of y's shape."""
        dy = as_tensor(dy)
        check_real(self.name, "dy", dy)
        dy = dy.to(y)
        check_shape(self.name, "dy", dy.shape, y.shape, "It has the shape of y.")
        return dy

    def pull(self, outputs: Sequence[Tensor], inputs: Sequence[Tensor], upstream: Sequence[Any]) -> list[Tensor | None]:
        """The gradients of the inputs; the parameters' are added to `.grad`. None upstream counts for nothing."""
        pairs = [(y, self.gradient(dy, y)) for y, dy in zip(outputs, upstream) if dy is not None]
        wanted = [*inputs, *self.parameters()]
        followed = [x for x in wanted if x.requires_grad]
        found = iter(
            torch.autograd.grad(
                [y for y, _ in pairs], followed, [dy for _, dy in pairs], retain_graph=True, allow_unused=True
            )
            if pairs and followed
            else [None] * len(followed)
        )
        gradients = [next(found) if x.requires_grad else None for x in wanted]
        for p, g in zip(self.parameters(), gradients[len(inputs) :]):
            if g is not None:
                p.grad = g if p.grad is None else p.grad + g
        return [torch.zeros_like(x) if g is None and x.requires_grad else g for x, g in zip(inputs, gradients)]

    def backward(self, dy: Any) -> Tensor | None:
        """dx, of x's shape, from dy, of y's shape; None if x has no gradient. RuntimeError before forward."""
        (y,), inputs = self.recall()
        return self.pull((y,), inputs, (dy,))[0]

    def build(self, input_size: int, rng: np.random.Generator, dtype: Any) -> int:
        """Make the parameters for inputs of this width, unless there are some; return the width of the outputs."""
        return input_size

    def config(self) -> dict[str, Any]:
        """The constructor's arguments: enough to make the like of it."""
        return {}

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            try:
                return torch.nn.Module.__getattr__(self, name)  # parameters and modules are found here
            except AttributeError as error:
                raise no_attribute(self, name) or error from None

    def __getstate__(self) -> dict[str, Any]:
        """A copy of a module is a copy of its parameters, not of the last call's graph."""
        return attributes_of_copy(self)


class ParamOperation(Initialization, Operation):
    """An Operation with parameters: `params` by name, and `grads`, which `backward` ADDS to and `zero_grad` clears.

    Parameters are made by the first batch, which shows the input size, or at once where `input_size` is given: give it
    where an optimizer of torch.optim is made before. A model draws those of all its parts, one after another, so that
    no two begin equal; but a part that was made with a `seed` of its own, or has been called, changed or in a model
    before, keeps what it has.
    """

    def __init__(self, input_size: int | None = None, seed: int | None = None, dtype: Any = "float32") -> None:
        super().__init__()
        self.input_size, self.seed, self.dtype = input_size, seed, as_dtype(dtype)
        self.built, self.output_width = False, 0
        check_dtype(self.name, self.dtype)

    @property
    def params(self) -> dict[str, Tensor]:
        """Every parameter by name."""
        return dict(self.named_parameters())

    @property
    def grads(self) -> dict[str, Tensor]:
        """Every gradient by its parameter's name."""
        return {name: torch.zeros_like(p) if p.grad is None else p.grad for name, p in self.named_parameters()}

    def build(self, input_size: int, rng: np.random.Generator, dtype: Any) -> int:
        if self.built:
            check_fits(self.name, self.input_size, input_size)
        if self.built and not self.has_initial_values():
            self.convert(dtype)
        else:
            self.input_size, self.dtype = input_size, as_dtype(dtype)
            own = rng if self.seed is None else np.random.default_rng(self.seed)
            self.output_width, self.built = self.make(own), True
            self.record_initial_values()
        return self.output_width

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        y = super().__call__(*inputs, **options)
        self.__dict__["initial_checksum"] = None
        return y

    def convert(self, dtype: Any) -> None:
        """The same parameters in another dtype."""
        self.dtype = as_dtype(dtype)
        self.to(self.dtype)

    def make(self, rng: np.random.Generator) -> int:
        """Draw the parameters for inputs of width `input_size`; return the width of the outputs."""
        raise NotImplementedError

    def add_param(self, name: str, value: Any) -> None:
        """The parameter `name`, drawn by numpy, so that one seed serves both backends; drawn anew it stays the same."""
        drawn, known = torch.as_tensor(np.ascontiguousarray(value)).to(self.dtype), self._parameters.get(name)
        if known is None:
            self.register_parameter(name, torch.nn.Parameter(drawn))
        else:
            known.data, known.grad = drawn.to(known.device), None

    @property
    def width(self) -> int:
        """The input size, once known."""
        if self.input_size is None:
            raise ValueError(f"{self.name}: the input size is not known yet. Give input_size=, or run a batch first.")
        return self.input_size

    def ready(self, input_size: int | None, like: Tensor | None = None) -> None:
        """Build for this width, unless built already, where the tensor `like` lives."""
        if not self.built and input_size is not None:
            with BUILDING:
                self.build_once(input_size, like)

    def build_once(self, input_size: int, like: Tensor | None) -> None:
        """Build, unless another thread has built in the meantime."""
        if not self.built:
            self.build(input_size, np.random.default_rng(self.seed or 0), self.dtype)
            if like is not None:
                self.to(like.device)

    def cast(self, name: str, x: Any) -> Tensor:
        """The one rule of dtypes: floats come in as any, and are computed in the layer's own."""
        x = as_tensor(x)
        check_real(self.name, name, x)
        first = next(self.parameters(), None)
        return x.to(self.dtype) if first is None else x.to(first)

    def zero_grad(self, set_to_none: bool = False) -> None:
        """Clear every gradient: zeros, as in numnet, also where there was none yet."""
        for p in self.parameters():
            p.grad = None if set_to_none else torch.zeros_like(p)

    def load_state_dict(self, state: Mapping[str, Any], strict: bool = True, assign: bool = False) -> Any:
        """Take these values, arrays or tensors; all of them, or a ValueError and none."""
        given = {name: as_tensor(value) for name, value in state.items()}
        expected = {name: tuple(p.shape) for name, p in self.named_parameters()}
        check_built(self.name, self)
        check_state_dict(self.name, expected, {name: tuple(value.shape) for name, value in given.items()})
        for name, value in given.items():
            check_real(self.name, name, value)
        self.keep_parameters()
        return super().load_state_dict(given, strict, assign)


class Layer(ParamOperation):
    """A ParamOperation made of others: `params` names each by its part, as in `output.W`."""
