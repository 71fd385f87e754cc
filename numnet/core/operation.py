"""What every part of a network can do: forward, and the same way back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

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

Array = npt.NDArray[Any]


class Operation(Made):
    """y = f(x) forward; dx from dy backward, where dy is the gradient of a loss with respect to y.

    `forward` keeps in `saved` what `backward` needs, of the last call only; x itself, not a copy: change an input in
    place only after `backward`. Predictions and evaluations, of this thread or another, leave `saved` as it is.

    An operation of one input may have pure functions besides, as Dense has them; a Tape then calls these:

        validated(x) -> x                           x checked and cast
        compute(x) -> y, saved                      y, and what compute_backward needs
        compute_backward(dy, saved) -> dx, pairs    (da, h) of each weight W, whose gradient is Σ da hᵀ: pairs.py
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

    def forward(self, x: Any) -> Array:
        """y; what backward needs is stored in `saved`."""
        raise NotImplementedError

    def backward(self, dy: Any) -> Array | None:
        """dx, of x's shape, from dy, of y's shape; None if x has no gradient. RuntimeError before forward."""
        raise NotImplementedError

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        return self.forward(*inputs, **options)

    def recall(self) -> Any:
        """What the last forward kept. RuntimeError where this thread cannot tell whose it is: see recalled."""
        check_saved(self.name, saved := saved_by_this_thread(self))
        return saved

    def as_real(self, name: str, x: Any) -> Array:
        """x as an array of real numbers, which keep their dtype; integers become float32."""
        x = np.asarray(x)
        check_real(self.name, name, x)
        return x if x.dtype.kind == "f" else x.astype(np.float32)

    def gradient(self, dy: Any, y_shape: tuple[int, ...], dtype: npt.DTypeLike) -> Array:
        """The upstream gradient as an array of y's shape; None is zeros."""
        dy = np.zeros(y_shape) if dy is None else np.asarray(dy)
        check_real(self.name, "dy", dy)
        dy = dy.astype(dtype, copy=False)
        check_shape(self.name, "dy", dy.shape, y_shape, "It has the shape of y.")
        return dy

    def __getstate__(self) -> dict[str, Any]:
        """A copy is a copy of the parameters, not of what the last call kept."""
        return attributes_of_copy(self)

    def build(self, input_size: int, rng: np.random.Generator, dtype: npt.DTypeLike) -> int:
        """Make the parameters for inputs of this width, unless there are some; return the width of the outputs."""
        return input_size

    def config(self) -> dict[str, Any]:
        """The constructor's arguments: enough to make the like of it."""
        return {}

    def parts(self) -> dict[str, Operation]:
        """The operations it is made of, by name; one with the name '' lends its parameters' own names."""
        return {}

    def modules(self) -> Iterator[Operation]:
        """Itself and all that it is made of."""
        yield self
        for part in self.parts().values():
            yield from part.modules()

    def train(self, mode: bool = True) -> Operation:
        """Training mode (dropout drops) or, with False, evaluation mode; of all that it is made of."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Operation:
        """Evaluation mode: nothing is dropped."""
        return self.train(False)


class ParamOperation(Initialization, Operation):
    """An Operation with parameters: an array `W` has its gradient in `dW`.

    `backward` ADDS to the gradients; `zero_grad` clears them. Parameters are made by the first batch, which shows the
    input size, or at once where `input_size` is given. A model draws those of all its parts, one after another, so that
    no two begin equal; but a part that was made with a `seed` of its own, or has been called, changed or in a model
    before, keeps what it has.
    """

    def __init__(
        self, input_size: int | None = None, seed: int | None = None, dtype: npt.DTypeLike = "float32"
    ) -> None:
        self.input_size, self.seed, self.dtype = input_size, seed, np.dtype(dtype)
        self.param_names: list[str] = []
        self.built, self.output_width = False, 0
        check_dtype(self.name, self.dtype)

    def build(self, input_size: int, rng: np.random.Generator, dtype: npt.DTypeLike) -> int:
        if self.built:
            check_fits(self.name, self.input_size, input_size)
        if self.built and not self.has_initial_values():
            self.convert(dtype)
        else:
            self.input_size, self.dtype = input_size, np.dtype(dtype)
            own = rng if self.seed is None else np.random.default_rng(self.seed)
            self.output_width, self.built = self.make(own), True
            self.record_initial_values()
        return self.output_width

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        y = super().__call__(*inputs, **options)
        self.initial_checksum = None
        return y

    def convert(self, dtype: npt.DTypeLike) -> None:
        """The same parameters in another dtype; what the last call kept is forgotten."""
        for module in self.modules():
            module.saved = None
            if isinstance(module, ParamOperation):
                module.dtype = np.dtype(dtype)
        for _, holder, name in list(self.holders()):
            holder.dtype = np.dtype(dtype)
            holder.add_param(name, getattr(holder, name))
        self.dtype = np.dtype(dtype)

    def make(self, rng: np.random.Generator) -> int:
        """Draw the parameters for inputs of width `input_size`; return the width of the outputs."""
        raise NotImplementedError

    def holders(self, prefix: str = "") -> Iterator[tuple[str, ParamOperation, str]]:
        """(full name, who holds it, its name there) of every parameter, its own first, then its parts'."""
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
        """The attribute `name`, and its gradient `d` + name, zero."""
        value = np.ascontiguousarray(value, self.dtype)
        setattr(self, name, value)
        setattr(self, f"d{name}", np.zeros_like(value))
        if name not in self.param_names:
            self.param_names.append(name)

    @property
    def width(self) -> int:
        """The input size, once known."""
        if self.input_size is None:
            raise ValueError(f"{self.name}: the input size is not known yet. Give input_size=, or run a batch first.")
        return self.input_size

    def ready(self, input_size: int | None) -> None:
        """Build for this width, unless built already."""
        if not self.built and input_size is not None:
            with BUILDING:
                self.build_once(input_size)

    def build_once(self, input_size: int) -> None:
        """Build, unless another thread has built in the meantime."""
        if not self.built:
            self.build(input_size, np.random.default_rng(self.seed or 0), self.dtype)

    def cast(self, name: str, x: Any) -> Array:
        """The one rule of dtypes: floats come in as any, and are computed in the layer's own."""
        x = np.asarray(x)
        check_real(self.name, name, x)
        return x.astype(self.dtype, copy=False)

    def flat(self) -> list[tuple[Array, Array]]:
        """(parameters, gradients) for an optimizer, in the order of `params`."""
        return list(zip(self.params.values(), self.grads.values()))

    def zero_grad(self) -> None:
        """Clear every gradient."""
        for gradient in self.grads.values():
            gradient.fill(0)

    def state_dict(self) -> dict[str, Array]:
        """A copy of every parameter by name."""
        return {name: value.copy() for name, value in self.params.items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take these values; all of them, or a ValueError and none."""
        params, given = self.params, {name: np.asarray(value) for name, value in state.items()}
        check_built(self.name, self)
        check_state_dict(self.name, {n: p.shape for n, p in params.items()}, {n: v.shape for n, v in given.items()})
        for name, value in given.items():
            check_real(self.name, name, value)
        for name, value in given.items():
            params[name][...] = value
        self.keep_parameters()


class Layer(ParamOperation):
    """A ParamOperation made of others: `params` names each by its part, as in `output.W`."""
