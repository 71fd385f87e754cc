"""Reverse-mode automatic differentiation of arrays, by PyTorch's autograd, under numnet's names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

import numpy as np
import torch
from torch import Tensor

from numnet.autograd import shapes
from numnet.autograd.conversions import ArrayConversions
from numnet.core.checks import (
    check_axes,
    check_has_values,
    check_operand,
    check_real,
    check_reshape,
    check_shape,
    check_single_number,
    real_array,
)
from torchnet.autograd import elementwise, products, reductions
from torchnet.autograd.index import indexed
from torchnet.autograd.number import WithGrad

Function = TypeVar("Function", bound=Callable[..., Any])


class ArrayWithGrad(ArrayConversions, WithGrad):
    """An array `value`; after `backward` of a result, `grad` is its gradient, of the same shape. Both are tensors.

    Plain arrays and numbers get the dtype of the other operand; otherwise integers become float64, and floats keep
    their dtype. Undefined results are inf or nan, as in numpy and PyTorch. `tensor` is the tensor with its graph.
    Indices and broadcasting follow numpy's rules. Comparisons are elementwise and return plain tensors; float(), int(),
    bool() and round() need one element. np.tanh(x), np.sum(x) and others are x.tanh(), x.sum(): numnet's
    autograd/protocols.py has the list, and other functions of numpy and PyTorch are refused. So is an operand with a
    gradient of another class or backend, and x[...] = : values do not change.
    """

    functions: ClassVar[dict[str, Callable[..., Any]]] = {}  # those of several arrays, by name

    clip = elementwise.clip
    sum, mean, softmax, log_softmax = reductions.total, reductions.mean, reductions.softmax, reductions.log_softmax
    max, min, cumsum = reductions.largest, reductions.smallest, reductions.cumsum
    var, std = reductions.var, reductions.std
    swapaxes, squeeze, ravel = shapes.swapaxes, shapes.squeeze, shapes.ravel
    chunk, split = shapes.chunk, shapes.split
    __matmul__ = products.matmul

    @classmethod
    def implements(cls, function: Function) -> Function:
        """Decorate a function of several arrays: numpy's and PyTorch's of the same name call it."""
        cls.functions[function.__name__] = function
        return function

    def __rmatmul__(self, other: Any) -> ArrayWithGrad:
        product: ArrayWithGrad = self.like(other) @ self
        return product

    def reshape(self, *shape: Any) -> ArrayWithGrad:
        """Change the shape, given as numbers or a tuple; one -1 is inferred."""
        return self.of(self.tensor.reshape(check_reshape("ArrayWithGrad", self.shape, shape)))

    def transpose(self, *axes: Any) -> ArrayWithGrad:
        """Permute the axes: axis k of the result is axes[k] (numbers or a tuple); without axes, reverse their order."""
        return self.of(self.tensor.permute(check_axes("ArrayWithGrad", axes, self.ndim)))

    def __getitem__(self, index: Any) -> ArrayWithGrad:
        return self.of(indexed(self.tensor, index))

    @property
    def value(self) -> Tensor:
        """The tensor without its graph."""
        return self.tensor.detach()

    @property
    def grad(self) -> Tensor:
        """The sum of the gradients of all backward passes."""
        return torch.zeros_like(self.tensor) if self.tensor.grad is None else self.tensor.grad

    @property
    def T(self) -> ArrayWithGrad:
        """The transpose: all axes in reverse order."""
        return self.transpose()

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the value."""
        return tuple(self.tensor.shape)

    @property
    def ndim(self) -> int:
        """The number of axes of the value."""
        return self.tensor.ndim

    @property
    def size(self) -> int:
        """The number of elements."""
        return self.tensor.numel()

    @property
    def dtype(self) -> Any:
        """The dtype of the value and of the gradient."""
        return self.tensor.dtype

    def detach(self) -> ArrayWithGrad:
        """Return the same value without its history: the backward pass ends here."""
        return ArrayWithGrad(self.value)

    def like(self, other: Any) -> ArrayWithGrad:
        if isinstance(other, ArrayWithGrad):
            return other
        check_operand("ArrayWithGrad", "the operand", other)
        return ArrayWithGrad(as_real("the operand", other).to(self.tensor))

    def checked(self, value: Any) -> Tensor:
        tensor = as_real("the value", value)
        return tensor if tensor.is_floating_point() else tensor.double()

    def output_gradient(self, dz: Any) -> Tensor:
        if dz is None:
            check_single_number("ArrayWithGrad", self.shape)
            return torch.ones_like(self.tensor)
        check_operand("ArrayWithGrad", "dz", dz)
        dz = as_real("dz", dz).to(self.tensor)
        check_shape("ArrayWithGrad", "dz", dz.shape, self.shape, "It has the shape of the value.")
        return dz

    def __repr__(self) -> str:
        return f"ArrayWithGrad({self.value.tolist()}, grad {self.grad.tolist()})"


def as_real(name: str, value: Any) -> Tensor:
    """Return real numbers as a tensor; TypeError for anything else."""
    if isinstance(value, Tensor):
        check_has_values("ArrayWithGrad", name, value)
        check_real("ArrayWithGrad", name, value)
        return value
    array = real_array("ArrayWithGrad", name, value)
    return torch.from_numpy(np.array(array if array.dtype.kind == "f" else array.astype(np.float64)))
