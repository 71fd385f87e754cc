"""Conversions of values with gradients to plain ones: comparisons, float(), len(); and numpy's functions.

It contains no mathematics, so both backends share it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from numnet.autograd.protocols import NUMPY, OPERATORS, called, called_as_in_torch, elementwise
from numnet.core.checks import (
    check_broadcast,
    check_finite_number,
    check_has_axes,
    check_one_element,
    lost_gradient_error,
    unknown_operator_error,
)


def has_elements(k: Any) -> bool:
    """Return whether an exponent is an array, or has a gradient: not one plain number."""
    return hasattr(k, "zero_grad") or bool(getattr(k, "ndim", isinstance(k, (list, tuple))))


def refused(symbol: str, remedy: str) -> Callable[..., Any]:
    """Return a method for an operator without a gradient."""

    def method(self: Any, *_: Any) -> Any:
        raise unknown_operator_error(type(self).__name__, symbol, remedy)

    return method


class Conversions:
    """Values with gradients as operands of numpy, in comparisons, and as plain numbers. Comparisons are elementwise."""

    value: Any
    like: Callable[[Any], Any]

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        name = ufunc.__name__
        if method != "__call__" or options.keys() - {"out"} or ("out" in options and name not in OPERATORS):
            raise lost_gradient_error(type(self).__name__, name)
        return elementwise(type(self), name, inputs)

    @classmethod
    def __torch_function__(cls, function: Any, kinds: Any, arguments: Any = (), options: Any = None) -> Any:
        """Call ours, or refuse. After this error an operator of a tensor tries ours."""
        return called_as_in_torch(cls, function.__name__, arguments, options or {})

    def compared(self, other: Any, compare: Callable[[Any, Any], Any]) -> Any:
        """Return the comparison as plain values, True or False."""
        u, v = self.operands(self.like(other))
        try:
            return compare(u, v)
        except (ValueError, RuntimeError):
            check_broadcast(type(self).__name__, tuple(u.shape), tuple(v.shape))
            raise

    def operands(self, other: Any) -> tuple[Any, Any]:
        """Return the plain values of this operand and another of the same class, of one dtype."""
        return self.value, other.value

    def __lt__(self, other: Any) -> Any:
        return self.compared(other, operator.lt)

    def __gt__(self, other: Any) -> Any:
        return self.compared(other, operator.gt)

    def __le__(self, other: Any) -> Any:
        return self.compared(other, operator.le)

    def __ge__(self, other: Any) -> Any:
        return self.compared(other, operator.ge)

    def __eq__(self, other: object) -> Any:
        return self.compared(other, operator.eq)

    def __ne__(self, other: object) -> Any:
        return self.compared(other, operator.ne)

    __hash__ = object.__hash__  # by identity: values are keys of the backward pass

    def item(self, what: str) -> Any:
        """Return the only element as Python's number."""
        check_one_element(type(self).__name__, what, getattr(self, "shape", ()))
        return self.value.item() if hasattr(self.value, "item") else self.value

    def __float__(self) -> float:
        return float(self.item("float()"))

    def __int__(self) -> int:
        number = self.item("int()")
        check_finite_number(type(self).__name__, "int()", number)
        return int(number)

    def __bool__(self) -> bool:
        return bool(self.item("bool()"))

    def __round__(self, digits: int | None = None) -> Any:
        return round(float(self.item("round()")), digits)

    def __format__(self, spec: str) -> str:
        return format(float(self.item("format()")), spec) if spec else str(self)

    def __pos__(self) -> Any:
        return self

    __floordiv__ = __rfloordiv__ = refused("//", "Plain numbers? Use .value.")
    __mod__ = __rmod__ = refused("%", "Plain numbers? Use .value.")
    __divmod__ = __rdivmod__ = refused("divmod()", "Plain numbers? Use .value.")


class ArrayConversions(Conversions):
    """What only arrays have: a length, iteration over the first axis, and numpy's functions of arrays."""

    if TYPE_CHECKING:

        @property
        def shape(self) -> tuple[int, ...]: ...

        @property
        def ndim(self) -> int: ...

        def __getitem__(self, index: Any) -> Any: ...

    def __iter__(self) -> Iterator[Any]:
        check_has_axes(type(self).__name__, "iteration", self.ndim)
        return (self[k] for k in range(len(self)))

    def __len__(self) -> int:
        check_has_axes(type(self).__name__, "len()", self.ndim)
        return self.shape[0]

    def __contains__(self, item: Any) -> bool:
        return bool((self == item).any())

    __setitem__ = refused("x[...] =", "Values do not change: use where(mask, new, x), or concatenate.")

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise lost_gradient_error(type(self).__name__)

    def __array_function__(self, function: Any, kinds: Any, arguments: Any, options: Any) -> Any:
        return called(type(self), function.__name__, NUMPY, arguments, options)
