"""Reverse-mode automatic differentiation of arrays: shapes and indices; other files have the other rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, TypeVar

import numpy as np
import numpy.typing as npt

from numnet.autograd import elementwise, products, reductions, shapes
from numnet.autograd.conversions import ArrayConversions
from numnet.autograd.index import IndexGradient, fixed, indexed
from numnet.autograd.number import WithGrad
from numnet.core.checks import (
    check_axes,
    check_operand,
    check_reshape,
    check_shape,
    check_single_number,
    real_array,
)

Array = npt.NDArray[Any]
Function = TypeVar("Function", bound=Callable[..., Any])


class ArrayWithGrad(ArrayConversions, WithGrad):
    """An array `value`; after `backward` of a result, `grad` is its gradient, of the same shape.

        z                    du                             dv
        (1) to (7)           elementwise, as for numbers: see WithGrad
        (16) to (26)         more of them: elementwise.py
        u @ v, einsum        (9), (32): products.py
        Σ u, max, var, ...   (10), (27) to (31): reductions.py
        u.reshape            dz.reshape                               (11)
        u.transpose          dz with the inverse permutation          (12)
        u[index]             dz added at index, else 0                (13)
        concatenate(u, v)    dz split into the parts                  (14)   functions.py; stack, where, maximum too

    If u was broadcast, as u (O,) in u + v (B, O), du is summed over the broadcast axes (15). Plain arrays and numbers
    get the dtype of the other operand; otherwise integers become float64, and floats keep their dtype. Undefined
    results are inf or nan, as in numpy and PyTorch. Do not modify an array in place before `backward`.
    Indices and broadcasting follow numpy's rules. Comparisons are elementwise and return plain arrays; float(), int(),
    bool() and round() need one element. np.tanh(x), np.sum(x) and others are x.tanh(), x.sum(): protocols.py has the
    list, and other functions of numpy and PyTorch are refused. So is an operand with a gradient of another class or
    backend, and x[...] = : values do not change.
    """

    value: Array
    owned = False  # True if nothing else refers to the memory of `total`
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

    def record(self, z: Array, backward_fn: Callable[[Array], Sequence[Any]], *parents: ArrayWithGrad) -> ArrayWithGrad:
        """Create z from its value, its backward function and its parents, by default this array."""
        array: ArrayWithGrad = self.of(z, parents or (self,), backward_fn)
        return array

    def __rmatmul__(self, other: Any) -> ArrayWithGrad:
        product: ArrayWithGrad = self.like(other) @ self
        return product

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
    def size(self) -> int:
        """The number of elements."""
        return self.value.size

    @property
    def dtype(self) -> Any:
        """The dtype of the value and of the gradient."""
        return self.value.dtype

    def detach(self) -> ArrayWithGrad:
        """Return the same value without its history: the backward pass ends here."""
        return ArrayWithGrad(self.value)

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
