"""Reverse-mode automatic differentiation of arrays: the rules of products, sums, shapes and indices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from numnet.autograd.conversions import ArrayConversions
from numnet.autograd.index import IndexGradient, fixed, indexed
from numnet.autograd.number import WithGrad
from numnet.core.checks import (
    check_arrays,
    check_axes,
    check_axis,
    check_concatenated,
    check_matrices,
    check_operand,
    check_reduced_axes,
    check_reshape,
    check_shape,
    check_single_number,
    check_stacked,
    real_array,
)

Array = npt.NDArray[Any]


class ArrayWithGrad(ArrayConversions, WithGrad):
    """An array `value`; after `backward` of a result, `grad` is its gradient, of the same shape.

        z                    du                             dv
        (1) to (7)           elementwise, as for numbers: see WithGrad
        u @ v                dz vᵀ                          uᵀ dz     (9)    of the last two axes of u and v
        Σ u over axes        dz broadcast to u's shape                (10)
        u.reshape            dz.reshape                               (11)
        u.transpose          dz with the inverse permutation          (12)
        u[index]             dz added at index, else 0                (13)
        concatenate(u, v)    dz split into the parts                  (14)
        softmax, mean                                                 are composed of these

    If u was broadcast, as u (O,) in u + v (B, O), du is summed over the broadcast axes (15). Plain arrays and numbers
    get the dtype of the other operand; otherwise integers become float64, and floats keep their dtype. Undefined
    results are inf or nan, as in numpy and PyTorch. Do not modify an array in place before `backward`.
    Indices and broadcasting follow numpy's rules. Comparisons are elementwise and return plain arrays; float(), int(),
    bool() and round() need one element. Functions of numpy and PyTorch are refused, and so is an operand with a
    gradient of another class or backend.
    """

    value: Array
    owned = False  # True if nothing else refers to the memory of `total`

    def record(self, z: Array, backward_fn: Callable[[Array], Sequence[Any]], *parents: ArrayWithGrad) -> ArrayWithGrad:
        """Create z from its value, its backward function and its parents, by default this array."""
        array: ArrayWithGrad = self.of(z, parents or (self,), backward_fn)
        return array

    @np.errstate(all="ignore")
    def __matmul__(self, other: Any) -> ArrayWithGrad:
        u, v = self.value, (other := self.like(other)).value
        check_matrices("ArrayWithGrad", u.shape, v.shape)
        return self.record(u @ v, lambda dz: (dz @ v.swapaxes(-1, -2), u.swapaxes(-1, -2) @ dz), self, other)  # (9)

    def __rmatmul__(self, other: Any) -> ArrayWithGrad:
        product: ArrayWithGrad = self.like(other) @ self
        return product

    @np.errstate(all="ignore")
    def sum(self, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> ArrayWithGrad:
        """Reduce over the given axes, or all."""
        axis = check_reduced_axes("ArrayWithGrad", axis, self.ndim)
        u, z = self.value, np.asarray(self.value.sum(axis, keepdims=True))
        backward_fn = lambda dz: [np.broadcast_to(dz.reshape(z.shape), u.shape)]  # noqa: E731
        return self.record(z if keepdims else u.sum(axis), backward_fn)  # (10)

    def mean(self, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> ArrayWithGrad:
        """Reduce over the given axes, or all."""
        total = self.sum(axis, keepdims)
        return total / (self.value.size / total.value.size if total.value.size else 1.0)

    def softmax(self, axis: int = -1) -> ArrayWithGrad:
        """e = exp(u - max u), divided by Σ e; the shift cancels, and prevents overflow."""
        axis = check_axis("ArrayWithGrad", axis, self.ndim)
        e = (self - self.value.max(axis, keepdims=True, initial=-np.inf)).exp()
        return e / e.sum(axis, keepdims=True)

    def reshape(self, *shape: Any) -> ArrayWithGrad:
        """Change the shape, given as numbers or a tuple; one -1 is inferred."""
        shape = check_reshape("ArrayWithGrad", self.shape, shape)
        return self.record(self.value.reshape(shape), lambda dz: [dz.reshape(self.shape)])  # (11)

    def transpose(self, *axes: Any) -> ArrayWithGrad:
        """Permute the axes: axis k of the result is axes[k] (numbers or a tuple); without axes, reverse their order."""
        axes = check_axes("ArrayWithGrad", axes, self.ndim)
        return self.record(self.value.transpose(axes), lambda dz: [dz.transpose(np.argsort(axes))])  # (12)

    def __getitem__(self, index: Any) -> ArrayWithGrad:
        index = fixed(index)
        return self.record(indexed(self.value, index), lambda dz: [IndexGradient(self.value, index, dz)])  # (13)

    @property
    def T(self) -> ArrayWithGrad:
        """The transpose: all axes in reverse order."""
        return self.transpose()

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the value."""
        return self.value.shape

    @property
    def ndim(self) -> int:
        """The number of axes of the value."""
        return self.value.ndim

    @property
    def grad(self) -> Array:
        """The sum of the gradients of all backward passes, in an array of its own, created when it is read."""
        if not self.owned:
            self.total = np.zeros_like(self.value) if self.total is None else np.array(self.total)
            self.owned = True
        total: Array = self.total
        return total

    def zero_grad(self) -> None:
        self.total, self.owned = None, False

    def accumulate(self, dz: Any) -> Array:
        array: Array = dz.to_array() if isinstance(dz, IndexGradient) else dz
        if self.owned:
            self.total += array
        elif self.total is None:
            self.total = array
        else:
            self.total, self.owned = self.total + array, True
        return array

    def like(self, other: Any) -> ArrayWithGrad:
        if isinstance(other, ArrayWithGrad):
            return other
        if type(other) is not float:
            check_operand("ArrayWithGrad", "the operand", other)
            other = real_array("ArrayWithGrad", "the operand", other)
        return ArrayWithGrad(np.asarray(other, self.value.dtype))

    def checked(self, value: Any) -> Array:
        if type(value) is np.ndarray and value.dtype.char in "efd" and value.dtype.isnative:
            return value
        value = real_array("ArrayWithGrad", "the value", value)
        return value if value.dtype.kind == "f" else value.astype(np.float64)

    def output_gradient(self, dz: Any) -> Array:
        if dz is None:
            check_single_number("ArrayWithGrad", self.shape)
            return np.ones_like(self.value)
        check_operand("ArrayWithGrad", "dz", dz)
        dz = np.array(real_array("ArrayWithGrad", "dz", dz), self.value.dtype)
        check_shape("ArrayWithGrad", "dz", dz.shape, self.shape, "It has the shape of the value.")
        return dz

    def unbroadcast(self, dz: Any) -> Any:
        if dz.shape == self.value.shape and dz.dtype == self.value.dtype:
            return dz
        extra = dz.ndim - self.ndim
        many = [extra + k for k, size in enumerate(self.shape) if size == 1 != dz.shape[extra + k]]
        dz = dz.sum(axis=(*range(extra), *many), keepdims=True) if extra or many else dz  # (15)
        return dz.reshape(self.shape).astype(self.value.dtype, copy=False)


def concatenate(parts: Sequence[Any], axis: int = -1) -> ArrayWithGrad:
    """Concatenate arrays along an existing axis; some may be plain arrays."""
    arrays = alike("concatenate", parts)
    axis = check_concatenated("concatenate", [u.shape for u in arrays], axis)
    cuts = np.cumsum([u.shape[axis] for u in arrays])[:-1]
    z = np.concatenate([u.value for u in arrays], axis)
    return arrays[0].record(z, lambda dz: np.split(dz, cuts, axis), *arrays)  # (14)


def stack(parts: Sequence[Any], axis: int = 0) -> ArrayWithGrad:
    """Stack arrays of one shape along a new axis."""
    arrays = alike("stack", parts)
    axis = check_stacked("stack", [u.shape for u in arrays], axis)
    z = concatenate([u[None] for u in arrays], axis=0)
    order = [*range(1, z.ndim)]
    order.insert(axis, 0)
    return z.transpose(*order)


def alike(who: str, parts: Sequence[Any]) -> list[ArrayWithGrad]:
    """Convert all to ArrayWithGrad; plain arrays get the dtype of the first ArrayWithGrad."""
    parts = check_arrays(who, parts)
    first = next((u for u in parts if isinstance(u, ArrayWithGrad)), None)
    return [ArrayWithGrad(u) if first is None else first.like(u) for u in parts]
