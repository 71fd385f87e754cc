"""Reverse-mode automatic differentiation of arrays, by PyTorch's autograd, under numnet's names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from numnet.autograd.conversions import ArrayConversions
from numnet.core.checks import (
    check_arrays,
    check_axes,
    check_axis,
    check_concatenated,
    check_has_values,
    check_matrices,
    check_operand,
    check_real,
    check_reduced_axes,
    check_reshape,
    check_shape,
    check_single_number,
    check_stacked,
    real_array,
)
from torchnet.autograd.index import indexed
from torchnet.autograd.number import WithGrad


class ArrayWithGrad(ArrayConversions, WithGrad):
    """An array `value`; after `backward` of a result, `grad` is its gradient, of the same shape. Both are tensors.

    Plain arrays and numbers get the dtype of the other operand; otherwise integers become float64, and floats keep
    their dtype. Undefined results are inf or nan, as in numpy and PyTorch. `tensor` is the tensor with its graph.
    Indices and broadcasting follow numpy's rules. Comparisons are elementwise and return plain tensors; float(), int(),
    bool() and round() need one element. Functions of numpy and PyTorch are refused, and so is an operand with a
    gradient of another class or backend.
    """

    def __matmul__(self, other: Any) -> ArrayWithGrad:
        other = self.like(other)
        check_matrices("ArrayWithGrad", self.shape, other.shape)
        product: ArrayWithGrad = self.apply(torch.matmul, other)
        return product

    def __rmatmul__(self, other: Any) -> ArrayWithGrad:
        product: ArrayWithGrad = self.like(other) @ self
        return product

    def sum(self, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> ArrayWithGrad:
        """Reduce over the given axes, or all."""
        axes = self.axes(axis)
        return self.of(self.tensor.sum(axes, keepdims)) if axes else self * 1

    def mean(self, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> ArrayWithGrad:
        """Reduce over the given axes, or all."""
        axes = self.axes(axis)
        return self.of(self.tensor.mean(axes, keepdims)) if axes else self * 1

    def axes(self, axis: int | tuple[int, ...] | None) -> tuple[int, ...]:
        """Return the given axes, or all."""
        axes = check_reduced_axes("ArrayWithGrad", axis, self.ndim)
        return tuple(range(self.ndim)) if axes is None else axes

    def softmax(self, axis: int = -1) -> ArrayWithGrad:
        """exp(u) / Σ exp(u) over that axis."""
        return self.of(self.tensor.softmax(check_axis("ArrayWithGrad", axis, self.ndim)))

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


def concatenate(parts: Sequence[Any], axis: int = -1) -> ArrayWithGrad:
    """Concatenate arrays along an existing axis; some may be plain arrays."""
    arrays = alike("concatenate", parts)
    axis = check_concatenated("concatenate", [u.shape for u in arrays], axis)
    joined: ArrayWithGrad = ArrayWithGrad.of(torch.cat([u.tensor for u in arrays], axis))
    return joined


def stack(parts: Sequence[Any], axis: int = 0) -> ArrayWithGrad:
    """Stack arrays of one shape along a new axis."""
    arrays = alike("stack", parts)
    axis = check_stacked("stack", [u.shape for u in arrays], axis)
    joined: ArrayWithGrad = ArrayWithGrad.of(torch.stack([u.tensor for u in arrays], axis))
    return joined


def alike(who: str, parts: Sequence[Any]) -> list[ArrayWithGrad]:
    """Convert all to ArrayWithGrad; plain arrays get the dtype of the first ArrayWithGrad."""
    parts = check_arrays(who, parts)
    first = next((u for u in parts if isinstance(u, ArrayWithGrad)), None)
    return [ArrayWithGrad(u) if first is None else first.like(u) for u in parts]
