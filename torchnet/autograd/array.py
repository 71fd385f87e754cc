"""Reverse-mode automatic differentiation of arrays, by PyTorch's autograd, under numnet's names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from numnet.core.checks import (
    check_axes,
    check_matrices,
    check_real,
    check_shape,
    check_single_number,
    lost_gradient_error,
)
from torchnet.autograd.number import WithGrad
from torchnet.core.device import as_tensor


class ArrayWithGrad(WithGrad):
    """An array `value`; after `backward` of a result, `grad` is its gradient, of the same shape. Both are tensors.

    Plain arrays and numbers get the dtype of the other operand; otherwise integers become float64, and floats keep
    their dtype. Undefined results are inf or nan, as in numpy and PyTorch. `tensor` is the tensor with its graph.
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
        return self * 1 if axis == () else self.of(self.tensor.sum(self.axes(axis), keepdims))

    def mean(self, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> ArrayWithGrad:
        """Reduce over the given axes, or all."""
        return self * 1 if axis == () else self.of(self.tensor.mean(self.axes(axis), keepdims))

    def axes(self, axis: int | tuple[int, ...] | None) -> Any:
        """Return the given axes, or all."""
        return tuple(range(self.ndim)) if axis is None else axis

    def softmax(self, axis: int = -1) -> ArrayWithGrad:
        """exp(u) / Σ exp(u) over that axis."""
        return self.of(self.tensor.softmax(axis))

    def reshape(self, *shape: Any) -> ArrayWithGrad:
        """Change the shape, given as numbers or a tuple; one -1 is inferred."""
        return self.of(self.tensor.reshape(*shape))

    def transpose(self, *axes: Any) -> ArrayWithGrad:
        """Permute the axes: axis k of the result is axes[k] (numbers or a tuple); without axes, reverse their order."""
        return self.of(self.tensor.permute(check_axes("ArrayWithGrad", axes, self.ndim)))

    def __getitem__(self, index: Any) -> ArrayWithGrad:
        whole = index if isinstance(index, tuple) else (index,)
        if any(isinstance(k, slice) and (k.step or 1) < 0 for k in whole):  # PyTorch cannot; numpy finds the elements
            places = np.arange(self.tensor.numel()).reshape(self.shape)[index]
            return self.of(self.tensor.reshape(-1)[torch.from_numpy(places.copy())])
        return self.of(self.tensor[tuple(as_tensor(k) if isinstance(k, np.ndarray) else k for k in whole)])

    def __iter__(self) -> Iterator[ArrayWithGrad]:
        return (self[k] for k in range(len(self)))

    def __len__(self) -> int:
        return len(self.tensor)

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
        return other if isinstance(other, ArrayWithGrad) else ArrayWithGrad(as_tensor(other).to(self.tensor))

    def checked(self, value: Any) -> Tensor:
        tensor = as_tensor(value)
        check_real("ArrayWithGrad", "the value", tensor)
        return tensor if tensor.is_floating_point() else tensor.double()

    def output_gradient(self, dz: Any) -> Tensor:
        if dz is None:
            check_single_number("ArrayWithGrad", self.shape)
            return torch.ones_like(self.tensor)
        dz = as_tensor(dz).to(self.tensor)
        check_shape("ArrayWithGrad", "dz", dz.shape, self.shape, "It has the shape of the value.")
        return dz

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise lost_gradient_error("ArrayWithGrad")

    def __repr__(self) -> str:
        return f"ArrayWithGrad({self.value.tolist()}, grad {self.grad.tolist()})"


def concatenate(parts: Sequence[Any], axis: int = -1) -> ArrayWithGrad:
    """Concatenate arrays along an existing axis; some may be plain arrays."""
    joined: ArrayWithGrad = ArrayWithGrad.of(torch.cat([u.tensor for u in alike(parts)], axis))
    return joined


def stack(parts: Sequence[Any], axis: int = 0) -> ArrayWithGrad:
    """Stack arrays of one shape along a new axis."""
    joined: ArrayWithGrad = ArrayWithGrad.of(torch.stack([u.tensor for u in alike(parts)], axis))
    return joined


def alike(parts: Sequence[Any]) -> list[ArrayWithGrad]:
    """Convert all to ArrayWithGrad; plain arrays get the dtype of the first ArrayWithGrad."""
    first = next((u for u in parts if isinstance(u, ArrayWithGrad)), None)
    return [ArrayWithGrad(u) if first is None else first.like(u) for u in parts]
