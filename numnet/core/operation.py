"""The base classes of all parts of a network: forward and backward, parameters, initialization."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from numnet.core.arrays import as_array, as_dtype
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

Array = npt.NDArray[Any]


class Operation(Made):
    """y = f(x) forward; dx from dy backward, where dy is the gradient of a loss with respect to y.

    `forward` stores in `saved` the values that `backward` needs, for the latest call only. It stores x itself, not a
    copy: do not modify x in place before `backward`. Predictions and evaluations, in any thread, do not change `saved`.

    An operation of one input may also have pure functions, as Dense has; a Tape then calls these:

        validated(x) -> x                           x checked and cast
        compute(x) -> y, saved                      y, and the values saved for compute_backward
        compute_backward(dy, saved) -> dx, pairs    (da, h) of each weight W, whose gradient is Σ da hᵀ: pairs.py
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

    def forward(self, x: Any) -> Array:
        """y; what backward needs is stored in `saved`."""
        raise no_method(self, "forward", "forward(x) → y")

    def backward(self, dy: Any) -> Array | None:
        """dx, of x's shape, from dy, of y's shape; None if x has no gradient. RuntimeError before forward."""
        raise no_method(self, "backward", "backward(dy) → dx")

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        return self.forward(*inputs, **options)

    def recall(self) -> Any:
        """Return the values that the last forward saved; RuntimeError as in saved_by_this_thread."""
        saved = saved_by_this_thread(self)
        if saved is None:
            check_saved(self.name, saved)
        return saved

    def as_real(self, name: str, x: Any) -> Array:
        """Return x as an array of real numbers; floats keep their dtype, integers become float32."""
        x = as_array(self.name, name, x)
        return x if x.dtype.kind == "f" else x.astype(np.float32)

    def gradient(self, dy: Any, y_shape: tuple[int, ...], dtype: npt.DTypeLike) -> Array:
        """Return the upstream gradient as an array of y's shape; None becomes zeros."""
        dy = np.zeros(y_shape) if dy is None else as_array(self.name, "dy", dy)
        dy = dy.astype(dtype, copy=False)
        check_state_shape(self.name, "dy", dy.shape, y_shape, "It has the shape of y.")
        return dy

    def __getstate__(self) -> dict[str, Any]:
        """Copy the parameters, not the values saved by the last call."""
        return attributes_of_copy(self)

    def build(self, input_size: int, rng: np.random.Generator, dtype: npt.DTypeLike) -> int:
        """Create the parameters for inputs of this width, unless they exist; return the width of the outputs."""
        return input_size

    def config(self) -> dict[str, Any]:
        """Return the constructor's arguments, from which an equal part can be created."""
        return {}

    def parts(self) -> dict[str, Operation]:
        """Return the operations it contains, by name; parameters of one with the name '' have no prefix."""
        return {}

    def modules(self) -> Iterator[Operation]:
        """Yield the operation and all operations inside it."""
        yield self
        for part in self.parts().values():
            yield from part.modules()

    def train(self, mode: bool = True) -> Operation:
        """Set training mode (dropout is active) or, with False, evaluation mode, for all parts."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Operation:
        """Set evaluation mode: dropout is inactive."""
        return self.train(False)


class ParamOperation(Initialization, Operation):
    """An Operation with parameters: an array `W` has its gradient in `dW`.

    `backward` ADDS to the gradients; `zero_grad` clears them. With `input_size` the constructor creates the parameters,
    without it the first batch does. A model initializes all its parts from one generator, so that no two start equal.
    But a part with its own `seed`, or one that was called, changed or in a model before, keeps its values.
    """

    @validate_call
    def __init__(
        self, input_size: int | None = None, seed: int | None = None, dtype: npt.DTypeLike = "float32"
    ) -> None:
        self.input_size, self.seed, self.dtype = input_size, seed, as_dtype(dtype, self.name)
        self.param_names: list[str] = []
        self.built, self.output_width = False, 0

    def build(self, input_size: int, rng: np.random.Generator, dtype: npt.DTypeLike) -> int:
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
        self.initial_checksum = None
        return y

    def convert(self, dtype: npt.DTypeLike) -> None:
        """Convert the parameters to another dtype, and discard the saved values of the last call."""
        dtype = as_dtype(dtype, self.name)
        for module in self.modules():
            module.saved = None
            if isinstance(module, ParamOperation):
                module.dtype = dtype
        for _, holder, name in list(self.holders()):
            holder.dtype = dtype
            holder.add_param(name, getattr(holder, name))
        self.dtype = dtype

    def make(self, rng: np.random.Generator) -> int:
        """Initialize the parameters for inputs of width `input_size`; return the width of the outputs."""
        raise no_method(self, "make", "make(rng) → the width of y")

    def holders(self, prefix: str = "") -> Iterator[tuple[str, ParamOperation, str]]:
        """Yield (full name, owner, name in the owner) of every parameter: its own first, then those of its parts."""
        for name in self.param_names:
            yield prefix + name, self, name
        for part, operation in self.parts().items():
            if isinstance(operation, ParamOperation):
                yield from operation.holders(f"{prefix}{part}." if part else prefix)

    @property
    def params(self) -> dict[str, Array]:
        """Every parameter by name."""
        return {full: getattr(holder, name) for full, holder, name in self.holders()}

    @property
    def grads(self) -> dict[str, Array]:
        """Every gradient by its parameter's name."""
        return {full: getattr(holder, f"d{name}") for full, holder, name in self.holders()}

    def add_param(self, name: str, value: Array) -> None:
        """Set the parameter as attribute `name`, and its gradient, zeros, as attribute `d` + name."""
        value = np.ascontiguousarray(value, self.dtype)
        setattr(self, name, value)
        setattr(self, f"d{name}", np.zeros_like(value))
        if name not in self.param_names:
            self.param_names.append(name)

    @property
    def width(self) -> int:
        """The input size; ValueError while it is unknown."""
        if self.input_size is None:
            raise ValueError(f"{self.name}: the input size is not known yet. Give input_size=, or run a batch first.")
        return self.input_size

    def ready(self, input_size: int | None) -> None:
        """Build for this width, unless built already."""
        if not self.built and input_size is not None:
            check_any_feature(self.name, input_size)
            with BUILDING:
                self.build_once(input_size)

    def build_once(self, input_size: int) -> None:
        """Build, unless another thread has built in the meantime."""
        if not self.built:
            self.build(input_size, np.random.default_rng(self.seed or 0), self.dtype)

    def cast(self, name: str, x: Any) -> Array:
        """Cast x to the layer's dtype, from any dtype of real numbers."""
        return as_array(self.name, name, x).astype(self.dtype, copy=False)

    def flat(self) -> list[tuple[Array, Array]]:
        """(parameters, gradients) for an optimizer, in the order of `params`."""
        return list(zip(self.params.values(), self.grads.values()))

    def zero_grad(self) -> None:
        """Clear every gradient."""
        for gradient in self.grads.values():
            gradient.fill(0)

    def state_dict(self) -> dict[str, Array]:
        """Return a copy of every parameter by name."""
        return {name: value.copy() for name, value in self.params.items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Load these values; if any does not match, raise ValueError and change nothing."""
        params, given = self.params, {name: np.asarray(value) for name, value in state.items()}
        check_built(self.name, self)
        check_weights(self.name, params, given)
        for name, value in given.items():
            params[name][...] = value
        self.protect_parameters()


class Layer(ParamOperation):
    """A ParamOperation that contains others: names in `params` have the part as prefix, as in `output.W`."""
