"""The parts of a network that have parameters: by name, in files, their initialization, assignments to them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from numnet.core.answers import check_inputs
from numnet.core.arrays import as_array, as_dtype
from numnet.core.assignment import LIVE, NamedArrays
from numnet.core.attributes import discard_saved
from numnet.core.buffers import Buffers
from numnet.core.checks import (
    check_any_feature,
    check_input_size,
    check_shape,
    check_width_of_y,
    no_method,
    tied_error,
    validate_call,
)
from numnet.core.evaluation import BUILDING, Unbuilt
from numnet.core.initialization import Initialization
from numnet.core.operation import Array, Operation
from numnet.core.seeds import PART_SEEDS


class ParamOperation(Buffers, Initialization, Operation):
    """An Operation with parameters: an array `W` has its gradient in `dW`.

    `backward` ADDS to the gradients; `zero_grad` clears them. With `input_size` the constructor creates the parameters,
    without it the first batch does. A model initializes all its parts from one generator, so that no two start equal.
    But a part with its own `seed`, or one that was called, changed or in a model before, keeps its values. Buffers are
    attributes that are saved with the parameters, but have no gradient: see `add_buffer`.
    """

    part_seeds = PART_SEEDS
    frozen_names: frozenset[str] = frozenset()  # of its own parameters

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
            vars(self).update(input_size=input_size, dtype=as_dtype(dtype, self.name))
            own = rng if self.seed is None else np.random.default_rng(self.seed)
            self.output_width, self.built = check_width_of_y(self, self.make(own)), True
            self.record_initial_values()
            self.guard(full for full, _, _ in self.holders() if "." not in full)
        return self.output_width

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        if options:
            check_inputs(self, options)
        if not self.built:
            with Unbuilt(self):
                y = self.forward(*inputs, **options)
        else:
            y = self.forward(*inputs, **options)
        if self.initial_checksum is not None:
            vars(self)["initial_checksum"] = None
        return y

    def convert(self, dtype: npt.DTypeLike) -> None:
        """Convert the parameters to another dtype, and discard the saved values of the last call."""
        converted = as_dtype(dtype, self.name)
        for module in self.modules():
            discard_saved(module)
            if isinstance(module, ParamOperation):
                vars(module)["dtype"] = converted
        for _, holder, name in list(self.holders()):
            holder.add_param(name, getattr(holder, name))
        for _, holder, name in self.holders(kind="buffer_names"):
            holder.add_buffer(name, getattr(holder, name))
        self.count_change()

    def make(self, rng: np.random.Generator) -> int:
        """Initialize the parameters for inputs of width `input_size`; return the width of the outputs."""
        raise no_method(self, "make", "make(rng) → the width of y")

    def holders(self, prefix: str = "", kind: str = "param_names") -> Iterator[tuple[str, ParamOperation, str]]:
        """Yield (full name, owner, name in the owner) of every parameter: its own first, then those of its parts.

        With kind="buffer_names" it yields the buffers.
        """
        for name in getattr(self, kind):
            yield prefix + name, self, name
        for part, operation in self.parts().items():
            if isinstance(operation, ParamOperation):
                yield from operation.holders(f"{prefix}{part}." if part else prefix, kind)

    @property
    def params(self) -> dict[str, Array]:
        """Every parameter by name."""
        return NamedArrays(
            {full: getattr(holder, name) for full, holder, name in self.holders()}, self.name, "params", self.write
        )

    @property
    def grads(self) -> dict[str, Array]:
        """Every gradient by its parameter's name; that of a frozen parameter is 0."""
        found = {
            full: np.zeros_like(getattr(holder, name)) if name in holder.frozen_names else getattr(holder, f"d{name}")
            for full, holder, name in self.holders()
        }
        return NamedArrays(found, self.name, "grads", lambda name, value: self.write(name, value, "d"))

    @property
    def frozen(self) -> list[str]:
        return [full for full, holder, name in self.holders() if name in holder.frozen_names]

    def mark(self, names: Collection[str] | None, trained: bool) -> None:
        for full, holder, name in self.holders():
            if names is None or full in names:
                others = holder.frozen_names - {name}
                holder.frozen_names = others if trained else others | {name}
                getattr(holder, f"d{name}").fill(0)

    def write(self, full: str, value: Any, prefix: str = "") -> Array:
        """Assign a parameter by its full name, or with the prefix "d" its gradient; return its array."""
        holder, name = next((holder, prefix + name) for known, holder, name in self.holders() if known == full)
        setattr(holder, name, value)
        array: Array = getattr(holder, name)
        return array

    def assigned(self, name: str, value: Any) -> bool:
        """Write a value that is assigned to a parameter, or to its gradient, into the array that it has."""
        own, names = vars(self), vars(self).get("param_names", ())
        if name not in names and not (name[0] == "d" and name[1:] in names):
            return super().assigned(name, value)
        if value is not own[name]:  # it is in `self.W -= ...`, which has changed the array
            self.check_untied(name, value)
            array = self.cast(name, value)
            check_shape(self.name, name, array.shape, own[name].shape, "A parameter keeps its shape.")
            own[name][...] = array
        own["weight_changes"] = self.weight_changes + (name in names)
        return True

    def check_untied(self, name: str, value: Any) -> None:
        """Check that an array is not, or a view of, a parameter of another part."""
        for part in list(LIVE) if isinstance(value, np.ndarray) else ():
            for theirs in vars(part).get("param_names", ()):
                array = vars(part)[theirs]
                if array is not vars(self)[name] and part is not self and np.may_share_memory(array, value):
                    raise tied_error(self.name, name, part.name, theirs)

    def add_param(self, name: str, value: Array) -> None:
        """Set the parameter as attribute `name`, and its gradient, zeros, as attribute `d` + name."""
        value = np.ascontiguousarray(value, self.dtype)
        vars(self).update({name: value, f"d{name}": np.zeros_like(value)})
        if name not in self.param_names:
            self.param_names.append(name)
            if self.starts_frozen:
                self.frozen_names |= {name}

    @property
    def width(self) -> int:
        """The input size; ValueError while it is unknown."""
        if self.input_size is None:
            raise ValueError(f"{self.name}: the input size is not known yet. Give input_size=, or run a batch first.")
        return self.input_size

    def ready(self, input_size: int | None) -> None:
        """Build for this width, unless built already."""
        if not self.built:
            vars(self)["constructed"] = True
            if input_size is not None:
                check_any_feature(self.name, input_size)
                with BUILDING:
                    self.build_once(input_size)

    def build_once(self, input_size: int) -> None:
        """Build, unless another thread has built in the meantime."""
        if not self.built:
            with self.keeping_parts():
                self.build(input_size, self.own_generator(), self.dtype)

    def cast(self, name: str, x: Any) -> Array:
        """Cast x to the layer's dtype, from any dtype of real numbers."""
        return as_array(self.name, name, x).astype(self.dtype, copy=False)

    def flat(self) -> list[tuple[Array, Array]]:
        """(parameters, gradients) for an optimizer, in the order of `params`."""
        return [(vars(holder)[name], vars(holder)[f"d{name}"]) for _, holder, name in self.holders()]

    def trained(self) -> list[bool]:
        """Return of each parameter, in the order of `params`, whether it is trained: not frozen."""
        return [name not in holder.frozen_names for _, holder, name in self.holders()]

    def runs(self, keys: Sequence[Any]) -> list[tuple[Any, slice, Array, Array]]:
        """Return (key, place in a vector of all, p, g) of each parameter whose key is not None, for an optimizer."""
        found, stop = [], 0
        for key, (p, g) in zip(keys, self.flat()):
            start, stop = stop, stop + p.size
            if key is not None:
                found.append((key, slice(start, stop), p, g))
        return found

    def zero_grad(self) -> None:
        """Clear every gradient."""
        for _, gradient in self.flat():
            gradient.fill(0)


class Layer(ParamOperation):
    """A ParamOperation that contains others: names in `params` have the part as prefix, as in `output.W`."""
