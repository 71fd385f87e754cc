"""Reverse-mode automatic differentiation of arrays: the rules of products, sums, shapes and indices."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from numnet.autograd.number import WithGrad
from numnet.core.checks import check_axes, check_last, check_matrices, check_real, check_shape, refuse_plain

Array = npt.NDArray[Any]


class ArrayWithGrad(WithGrad):
    """An array: `value`, and after `backward` of what was made of it, `grad`, of its shape.

        z                    du                             dv
        (1) to (7)           as of numbers, each element by itself: see WithGrad
        u @ v                dz vᵀ                          uᵀ dz     (9)    of the last two axes, which u, v must have
        Σ u over axes        dz at each place summed                  (10)
        u.reshape            dz.reshape                               (11)
        u.transpose          dz with the axes put back                (12)
        u[index]             dz added at index, else 0                (13)
        concatenate(u, v)    dz cut where they meet                   (14)
        softmax, mean                                                 are made of these

    Where one element of u was used for many of z, as u (O,) in u + v (B, O), du is summed over the many (15). Plain
    arrays and numbers take part with the dtype of what they meet; integers become float64, floats keep their dtype. As
    in numpy's own arrays and PyTorch's, what has no value is inf or nan. Change no array in place before `backward`.
    """

    value: Array
    owned = False  # whether nothing else refers to the memory of `total`

    def shaped(self, z: Array, back: Callable[[Array], Sequence[Any]], *parents: ArrayWithGrad) -> ArrayWithGrad:
        """The z of one line of the table, made of this array, or of those given."""
        array: ArrayWithGrad = self.of(z, parents or (self,), back)
        return array

    def __matmul__(self, other: Any) -> ArrayWithGrad:
        u, v = self.value, (other := self.like(other)).value
        check_matrices("ArrayWithGrad", u.shape, v.shape)
        return self.shaped(u @ v, lambda dz: (dz @ v.swapaxes(-1, -2), u.swapaxes(-1, -2) @ dz), self, other)  # (9)

    def __rmatmul__(self, other: Any) -> ArrayWithGrad:
        product: ArrayWithGrad = self.like(other) @ self
        return product

    def sum(self, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> ArrayWithGrad:
        """Over the axes named, or all."""
        u, z = self.value, np.asarray(self.value.sum(axis, keepdims=True))
        back = lambda dz: [np.broadcast_to(dz.reshape(z.shape), u.shape)]  # noqa: E731
        return self.shaped(z if keepdims else u.sum(axis), back)  # (10)

    def mean(self, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> ArrayWithGrad:
        """Over the axes named, or all."""
        total = self.sum(axis, keepdims)
        return total * (total.value.size / self.value.size)

    def softmax(self, axis: int = -1) -> ArrayWithGrad:
        """e = exp(u - max u), divided by Σ e; the shift changes nothing and cannot overflow."""
        e = (self - self.value.max(axis=axis, keepdims=True)).exp()
        return e / e.sum(axis, keepdims=True)

    def reshape(self, *shape: Any) -> ArrayWithGrad:
        """The same elements in another shape, numbers or a tuple of them; one -1 is found from the rest."""
        return self.shaped(self.value.reshape(*shape), lambda dz: [dz.reshape(self.shape)])  # (11)

    def transpose(self, *axes: Any) -> ArrayWithGrad:
        """Axis k is what axes[k] was, numbers or a tuple of them; without axes, their order is turned round."""
        axes = check_axes("ArrayWithGrad", axes, self.ndim)
        return self.shaped(self.value.transpose(axes), lambda dz: [dz.transpose(np.argsort(axes))])  # (12)

    def __getitem__(self, index: Any) -> ArrayWithGrad:
        z, index = self.value[index], fixed(index)
        return self.shaped(z, lambda dz: [Placed(self.value, index, dz)])  # (13)

    def __iter__(self) -> Iterator[ArrayWithGrad]:
        return (self[k] for k in range(len(self)))

    def __len__(self) -> int:
        return len(self.value)

    @property
    def T(self) -> ArrayWithGrad:
        """The transpose: every axis, in the other order."""
        return self.transpose()

    @property
    def shape(self) -> tuple[int, ...]:
        """The value's."""
        return self.value.shape

    @property
    def ndim(self) -> int:
        """How many axes the value has."""
        return self.value.ndim

    @property
    def grad(self) -> Array:
        """The sum of the gradients of all backward passes, a copy that nothing else refers to; made when it is read."""
        if not self.owned:
            self.total = np.zeros_like(self.value) if self.total is None else np.array(self.total)
            self.owned = True
        total: Array = self.total
        return total

    def zero_grad(self) -> None:
        self.total, self.owned = None, False

    def receive(self, dz: Any) -> Array:
        array: Array = dz.whole() if isinstance(dz, Placed) else dz
        if self.owned:
            self.total += array
        elif self.total is None:
            self.total = array
        else:
            self.total, self.owned = self.total + array, True
        return array

    def like(self, other: Any) -> ArrayWithGrad:
        return other if isinstance(other, ArrayWithGrad) else ArrayWithGrad(np.asarray(other, self.value.dtype))

    def checked(self, value: Any) -> Array:
        if type(value) is np.ndarray and value.dtype.kind == "f":
            return value
        value = np.asarray(value)
        check_real("ArrayWithGrad", "the value", value)
        return value if value.dtype.kind == "f" else value.astype(np.float64)

    def first(self, dz: Any) -> Array:
        if dz is None:
            check_last("ArrayWithGrad", self.shape)
            return np.ones_like(self.value)
        dz = np.array(dz, self.value.dtype)
        check_shape("ArrayWithGrad", "dz", dz.shape, self.shape, "It has the shape of the value.")
        return dz

    def fit(self, dz: Any) -> Any:
        if dz.shape == self.value.shape and dz.dtype == self.value.dtype:
            return dz
        extra = dz.ndim - self.ndim
        many = [extra + k for k, size in enumerate(self.shape) if size == 1 != dz.shape[extra + k]]
        dz = dz.sum(axis=(*range(extra), *many), keepdims=True) if extra or many else dz  # (15)
        return dz.reshape(self.shape).astype(self.value.dtype, copy=False)

    def __array__(self, *_: Any, **__: Any) -> Array:
        raise refuse_plain("ArrayWithGrad")


class Placed:
    """The gradient of u in z = u[index]: dz at the index, 0 elsewhere. Those of several indices add to one array."""

    __array_ufunc__ = None

    def __init__(self, u: Array, index: Any, dz: Array) -> None:
        self.shape, self.dtype = u.shape, u.dtype
        self.parts, self.rest = [(index, dz)], None

    def __add__(self, other: Any) -> Placed:
        """Only the backward pass refers to this object, so it may change."""
        if isinstance(other, Placed):
            self.parts += other.parts
        else:
            self.rest = other if self.rest is None else self.rest + other
        return self

    __radd__ = __add__

    def whole(self) -> Array:
        """The sum as an array."""
        du = np.zeros(self.shape, self.dtype) if self.rest is None else self.rest.copy()
        for index, dz in self.parts:
            if basic(index):
                du[index] += dz  # (13)
            else:
                np.add.at(du, index, dz)  # (13): an element taken twice gets both
        return du


def basic(index: Any) -> bool:
    """Whether it takes each element once at most: it is made of integers, slices, None and Ellipsis."""
    parts = index if isinstance(index, tuple) else (index,)
    return all(part is None or part is ... or isinstance(part, (int, np.integer, slice)) for part in parts)


def fixed(index: Any) -> Any:
    """An index that nobody changes before the backward pass: lists, and arrays that may be written to, are copied."""
    if isinstance(index, tuple):
        return index if basic(index) else tuple(map(fixed, index))
    if isinstance(index, list):
        return copy.deepcopy(index)
    return index.copy() if isinstance(index, np.ndarray) and index.flags.writeable else index


def concatenate(parts: Sequence[Any], axis: int = -1) -> ArrayWithGrad:
    """Arrays side by side along an axis that they have; plain ones may be among them."""
    arrays = alike(parts)
    cuts = np.cumsum([u.shape[axis] for u in arrays])[:-1]
    z = np.concatenate([u.value for u in arrays], axis)
    return arrays[0].shaped(z, lambda dz: np.split(dz, cuts, axis), *arrays)  # (14)


def stack(parts: Sequence[Any], axis: int = 0) -> ArrayWithGrad:
    """Arrays of one shape side by side along an axis that is new."""
    z = concatenate([u[None] for u in alike(parts)], axis=0)
    order = [*range(1, z.ndim)]
    order.insert(axis % z.ndim, 0)
    return z.transpose(*order)


def alike(parts: Sequence[Any]) -> list[ArrayWithGrad]:
    """All of them with a gradient; the plain ones with the dtype of the first that has one."""
    first = next((u for u in parts if isinstance(u, ArrayWithGrad)), None)
    return [ArrayWithGrad(u) if first is None else first.like(u) for u in parts]
