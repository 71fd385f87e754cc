"""The parts of a network that have parameters: by name, in files, their initialization, assignments to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from numnet.core.assignment import LIVE, NamedArrays
from numnet.core.checks import (
    check_any_feature,
    check_built,
    check_input_size,
    check_shape,
    check_weights,
    check_width_of_y,
    no_method,
    tied_error,
    validate_call,
)
from numnet.core.evaluation import BUILDING, Unbuilt
from numnet.core.initialization import Initialization
from torchnet.core.device import DTypeLike, as_dtype, as_tensor
from torchnet.core.late import LATE
from torchnet.core.operation import Operation
from torchnet.core.seeds import PART_SEEDS


class ParamOperation(Initialization, Operation):
    """An Operation with parameters: `params` by name, and `grads`, which `backward` ADDS to and `zero_grad` clears.

    With `input_size` the constructor creates the parameters, without it the first batch does; an optimizer of
    torch.optim that is created earlier needs `input_size`. A model initializes all its parts from one generator, so
    that no two start equal. But a part with its own `seed`, or one that was called, changed or in a model before, keeps
    its values.
    """

    part_seeds = PART_SEEDS

    @validate_call
    def __init__(self, input_size: int | None = None, seed: int | None = None, dtype: DTypeLike = "float32") -> None:
        super().__init__()
        self.input_size, self.seed, self.dtype = input_size, seed, as_dtype(dtype, self.name)
        self.built, self.output_width = False, 0

    @property
    def params(self) -> dict[str, Tensor]:
        """Every parameter by name."""
        return NamedArrays(dict(self.own_parameters()), self.name, "params", self.write)

    @property
    def grads(self) -> dict[str, Tensor]:
        """Every gradient by its parameter's name; that of a frozen parameter is 0."""
        found = {
            name: p.grad if p.requires_grad and p.grad is not None else torch.zeros_like(p)
            for name, p in self.own_parameters()
        }
        return NamedArrays(found, self.name, "grads", lambda name, value: self.write(name, value, "d"))

    def own_parameters(self) -> Iterator[tuple[str, torch.nn.Parameter]]:
        """Yield the parameters that exist by now, with their names."""
        return super().named_parameters()

    def named_parameters(self, *arguments: Any, **options: Any) -> Iterator[tuple[str, torch.nn.Parameter]]:
        """As in torch.nn.Module; ValueError before the first batch has created them, for an optimizer of torch.optim.

        An optimizer of torchnet takes the model, and may be created earlier.
        """
        if type(self).make is not ParamOperation.make or hasattr(self, "unbuilt"):  # others have them from the start
            check_built(f"{self.name}.parameters", self)
        return super().named_parameters(*arguments, **options)

    def write(self, full: str, value: Any, prefix: str = "") -> Any:
        """Assign a parameter by its full name, or with the prefix "d" its gradient; return its tensor."""
        holder, _, name = full.rpartition(".")
        part = self.get_submodule(holder)
        setattr(part, prefix + name, value)
        p: Any = part._parameters[name]
        return p.grad if prefix else p

    def assigned(self, name: str, value: Any) -> bool:
        """Write a value that is assigned to a parameter, or to its gradient, into the tensor that it has.

        Another torch.nn.Parameter takes the place of a layer's, as in PyTorch.
        """
        own = vars(self).get("_parameters", {})
        p = own.get(name[1:] if name[0] == "d" and name not in own else name)
        if p is None:
            return super().assigned(name, value)
        if value is p:
            return True
        self.check_untied(p, name, value)
        tensor = self.cast(name, value)
        check_shape(self.name, name, tuple(tensor.shape), tuple(p.shape), "A parameter keeps its shape.")
        if name not in own:
            p.grad = tensor.detach().clone()
        elif isinstance(value, torch.nn.Parameter) and vars(self).get("error_name") is None:
            vars(self)["weight_changes"] = self.weight_changes + 1 + p._version
            return False
        else:
            with torch.no_grad():
                p.copy_(tensor)
        return True

    def check_untied(self, p: Tensor, name: str, value: Any) -> None:
        """Check that a tensor is not, or a view of, a parameter of another part."""
        for part in list(LIVE) if isinstance(value, Tensor) else ():
            for theirs, q in vars(part).get("_parameters", {}).items():
                if q is not None and q is not p and part is not self and address(q) == address(value):
                    raise tied_error(self.name, name, part.name, theirs)

    def count_change(self) -> None:
        """Count a change of the parameters that PyTorch does not: backward passes of earlier calls are then refused."""
        vars(self)["weight_changes"] = self.weight_changes + 1

    def _apply(self, *arguments: Any, **options: Any) -> Any:
        """Move or convert the parameters: PyTorch calls it for `to`, `double` and others."""
        self.count_change()
        return super()._apply(*arguments, **options)

    def build(self, input_size: int, rng: np.random.Generator, dtype: DTypeLike) -> int:
        if self.built:
            check_input_size(self.name, self.input_size, input_size)
        if self.built and not self.has_initial_values():
            self.convert(dtype)
        else:
            vars(self).update(input_size=input_size, dtype=as_dtype(dtype, self.name))
            own = rng if self.seed is None else np.random.default_rng(self.seed)
            self.output_width, self.built = check_width_of_y(self, self.make(own)), True
            self.record_initial_values()
            self.guard(self._parameters)
        return self.output_width

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        if self.built:
            y = super().__call__(*inputs, **options)
        else:
            with Unbuilt(self):
                y = super().__call__(*inputs, **options)
            LATE.add(self)
        self.__dict__["initial_checksum"] = None
        return y

    def convert(self, dtype: DTypeLike) -> None:
        """Convert the parameters to another dtype."""
        vars(self)["dtype"] = as_dtype(dtype, self.name)
        self.to(self.dtype)

    def make(self, rng: np.random.Generator) -> int:
        """Initialize the parameters for inputs of width `input_size`; return the width of the outputs."""
        raise no_method(self, "make", "make(rng) → the width of y")

    def add_param(self, name: str, value: Any) -> None:
        """Set the parameter `name` to a numpy value, as in numnet; an existing parameter object is updated."""
        initial, known = torch.as_tensor(np.ascontiguousarray(value)).to(self.dtype), self._parameters.get(name)
        if known is None:
            self.register_parameter(name, torch.nn.Parameter(initial, requires_grad=not self.starts_frozen))
        else:
            known.data, known.grad = initial.to(known.device), None

    def add_buffer(self, name: str, value: Any) -> None:
        """Set the buffer `name` to a numpy value: a tensor that is saved, and that no optimizer changes."""
        self.register_buffer(name, torch.as_tensor(np.ascontiguousarray(value)).to(self.dtype))

    @property
    def width(self) -> int:
        """The input size; ValueError while it is unknown."""
        if self.input_size is None:
            raise ValueError(f"{self.name}: the input size is not known yet. Give input_size=, or run a batch first.")
        return self.input_size

    def ready(self, input_size: int | None, like: Tensor | None = None) -> None:
        """Build for this width, unless built already, on the device of the tensor `like`."""
        if not self.built:
            vars(self)["constructed"] = True
            if input_size is not None:
                check_any_feature(self.name, input_size)
                with BUILDING:
                    self.build_once(input_size, like)

    def build_once(self, input_size: int, like: Tensor | None) -> None:
        """Build, unless another thread has built in the meantime."""
        if not self.built:
            with self.keeping_parts():
                self.build(input_size, self.own_generator(), self.dtype)
            if like is not None:
                self.to(like.device)

    def cast(self, name: str, x: Any) -> Tensor:
        """Cast x to the layer's dtype, from any dtype of real numbers."""
        x = as_tensor(x, self.name, name)
        first = next((p for _, p in self.own_parameters()), None)
        return x.to(self.dtype) if first is None else x.to(first)

    def zero_grad(self, set_to_none: bool = False) -> None:
        """Set every gradient to zeros, also if there was none yet; to None where requires_grad is False."""
        for _, p in self.own_parameters():
            p.grad = None if set_to_none or not p.requires_grad else torch.zeros_like(p)

    def state_dict(self, *, destination: Any = None, prefix: str = "", keep_vars: bool = False) -> Any:
        """Return a copy of every parameter by name, as in numnet; with keep_vars=True the parameters themselves."""
        state = super().state_dict(destination=destination, prefix=prefix, keep_vars=keep_vars)
        for name, value in state.items() if not keep_vars else ():
            if name.startswith(prefix) and isinstance(value, Tensor):
                state[name] = value.clone()
        return state

    @validate_call
    def load_state_dict(self, state: Mapping[str, Any], strict: bool = True, assign: bool = False) -> Any:
        """Load these values, arrays or tensors; if any does not match, raise ValueError and change nothing.

        With strict=False the names may differ, but not the shapes. Buffers may be left out, all of them, as in
        `params`: they are then unchanged. Else as in torch.nn.Module.
        """
        given = {name: as_tensor(value, self.name, name) for name, value in state.items()}
        own = super().state_dict(keep_vars=True)
        buffers = {name: value for name, value in own.items() if not isinstance(value, torch.nn.Parameter)}
        given = given if buffers.keys() & given.keys() else {**given, **buffers}
        check_built(self.name, self)
        expected = {name: value for name, value in own.items() if strict or name in given}
        check_weights(self.name, expected, {n: value for n, value in given.items() if strict or n in expected})
        self.protect_parameters()
        return super().load_state_dict(given, strict, assign)


class Layer(ParamOperation):
    """A ParamOperation that contains others: names in `params` have the part as prefix, as in `output.W`."""


def address(tensor: Tensor) -> tuple[Any, int]:
    """Return the memory of a tensor, which its views share."""
    return tensor.device, tensor.untyped_storage().data_ptr()
