"""Scalar reverse-mode automatic differentiation; array.py has arrays."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Any

import numpy as np

from numnet.autograd import elementwise
from numnet.autograd.conversions import Conversions, has_elements
from numnet.core.attributes import HERE
from numnet.core.checks import check_broadcast, check_finite_number, check_has_graph, check_one_number, check_operand

creation_order = itertools.count()


class WithGrad(Conversions):
    """A value z, the values u, v that it was computed from, and its backward function; for numbers and arrays.

        z            ∂z/∂u          ∂z/∂v
        u + v        1              1            (1)
        u v          v              u            (2)
        u / v        1/v            -z/v         (2b)
        uᵏ           k uᵏ⁻¹                      (3)   k a plain number; (16) is uᵛ
        exp u        z                           (4)
        log u        1/u                         (5)
        tanh u       1 - z²                      (6)
        max(u, 0)    1 where u > 0 or nan        (7)   relu
        σ(u)         z (1 - z)                   (7b)  1 / (1 + exp(-u))
        backward:    du += dz ∂z/∂u              (8)   the latest z first: then its dz is complete before it is used

    -u and u - v are composed of these. sqrt, abs, sin and others are (16) to (23), in elementwise.py.
    """

    value: Any
    total: Any = None  # the sum of the gradients of all backward passes; None is 0

    abs = __abs__ = elementwise.absolute
    sqrt, log1p, expm1 = elementwise.sqrt, elementwise.log1p, elementwise.expm1
    sin, cos, tan = elementwise.sin, elementwise.cos, elementwise.tan

    def __init__(self, value: Any) -> None:
        """Create a leaf, which was not computed from other values."""
        self.store(self.checked(value), (), no_gradients)

    def store(self, value: Any, parents: Sequence[Any], backward_fn: Callable[[Any], Iterable[Any]]) -> None:
        """Store the value, its parents, and `backward_fn`, which maps its gradient to theirs."""
        self.value, self.parents, self.backward_fn, self.order = value, parents, backward_fn, next(creation_order)

    @classmethod
    def of(cls, value: Any, parents: Sequence[Any], backward_fn: Callable[[Any], Iterable[Any]]) -> Any:
        """Create a value that was computed from its parents; an evaluation records none."""
        z = cls.__new__(cls)
        if (call := HERE.call) is not None and call.evaluates:
            parents, backward_fn = (), no_graph
        z.store(z.checked(value), parents, backward_fn)
        return z

    @np.errstate(all="ignore")
    def apply(self, rule: Callable[..., Any], *others: Any) -> Any:
        """Apply one line of the table: `rule` returns z and its local derivative for each operand."""
        parents = (self, *map(self.like, others))
        try:
            z, *slopes = rule(*[u.value for u in parents])
        except ValueError:
            check_broadcast(type(self).__name__, *[u.shape for u in parents])
            raise
        return self.of(z, parents, lambda dz: [times(dz, slope) for slope in slopes])

    def __add__(self, other: Any) -> Any:
        return self.apply(lambda u, v: (u + v, 1, 1), other)  # (1)

    def __mul__(self, other: Any) -> Any:
        return self.apply(lambda u, v: (u * v, v, u), other)  # (2)

    def __pow__(self, k: Any) -> Any:
        if has_elements(k):
            return elementwise.power(self, k)  # (16)
        k = check_one_number(type(self).__name__, "the exponent", k)
        return self.apply(lambda u: (np.power(u, k), k and k * np.power(u, k - 1)))  # (3)

    def exp(self) -> Any:
        """eᵘ"""
        return self.apply(lambda u: (z := np.exp(u), z))  # (4)

    def log(self) -> Any:
        """The natural logarithm."""
        return self.apply(lambda u: (np.log(u), np.divide(1, u)))  # (5)

    def tanh(self) -> Any:
        """The hyperbolic tangent."""
        return self.apply(lambda u: (z := np.tanh(u), 1 - z * z))  # (6)

    def relu(self) -> Any:
        """max(u, 0), its derivative at 0 taken as 0."""
        return self.apply(lambda u: (np.maximum(u, 0), np.logical_not(np.less_equal(u, 0))))  # (7)

    def sigmoid(self) -> Any:
        """1 / (1 + exp(-u))"""
        return self.apply(lambda u: (z := 1 / (1 + np.exp(-u)), z * (1 - z)))  # (7b)

    def __neg__(self) -> Any:
        return self * -1

    def __sub__(self, other: Any) -> Any:
        return self + -self.like(other)

    def __truediv__(self, other: Any) -> Any:
        return self.apply(lambda u, v: (z := np.divide(u, v), np.divide(1, v), -z / v), other)  # (2b)

    __radd__, __rmul__ = __add__, __mul__

    def __rsub__(self, other: Any) -> Any:
        return self.like(other) - self

    def __rtruediv__(self, other: Any) -> Any:
        return self.like(other) / self

    def __rpow__(self, other: Any) -> Any:
        return self.like(other) ** self

    @np.errstate(all="ignore")
    def backward(self, dz: Any = None) -> None:
        """Add the gradient of this value to the `grad` of all values it was computed from; its own is dz, or 1.

        Gradients accumulate: a value used twice gets both, and a second call doubles all. `zero_grad` clears them.
        """
        check_has_graph(type(self).__name__, self.backward_fn is not no_graph)
        arriving: dict[WithGrad, Any] = {self: self.output_gradient(dz)}
        for z in reverse_topological_order(self):
            dz = z.accumulate(arriving.pop(z))
            for u, du in zip(z.parents, z.backward_fn(dz)):
                du = u.unbroadcast(du)
                arriving[u] = arriving[u] + du if u in arriving else du  # (8)

    def accumulate(self, dz: Any) -> Any:
        """Add the gradient of one backward pass to `grad`."""
        self.total = dz if self.total is None else self.total + dz
        return dz

    @property
    def grad(self) -> Any:
        """The sum of the gradients of all backward passes."""
        raise NotImplementedError

    def zero_grad(self) -> None:
        """Reset the gradient of this value only."""
        self.total = None

    def like(self, other: Any) -> Any:
        """Return an operand of this class; a plain value becomes a leaf."""
        if isinstance(other, type(self)):
            return other
        check_operand(type(self).__name__, "the operand", other)
        return type(self)(other)

    def checked(self, value: Any) -> Any:
        """Return the value in the form in which it is stored, or raise an error."""
        raise NotImplementedError

    def output_gradient(self, dz: Any) -> Any:
        """Return the gradient at the output, from which the backward pass starts."""
        raise NotImplementedError

    def unbroadcast(self, dz: Any) -> Any:
        """Return an incoming gradient in the form in which it is added to `grad`."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.value}, grad {self.grad})"


class NumberWithGrad(WithGrad):
    """A number `value`; after `backward` of a result, `grad` is its gradient. The rules are in WithGrad.

        a = NumberWithGrad(3)
        b = a * 4;  c = b + 3;  d = a + 2;  e = c * d
        e.backward()                                     # de/da = d 4 + c 1 = 35

    ValueError if a value or a gradient is not finite, as for log 0.
    """

    value: float

    @property
    def grad(self) -> float:
        """The sum of the gradients of all backward passes."""
        return 0.0 if self.total is None else float(self.total)

    def checked(self, value: Any) -> float:
        number = value if type(value) is float else check_one_number("NumberWithGrad", "the value", value)
        check_finite_number("NumberWithGrad", "the value", number)
        return number

    def output_gradient(self, dz: Any) -> float:
        return 1.0 if dz is None else self.unbroadcast(check_one_number("NumberWithGrad", "dz", dz))

    def unbroadcast(self, dz: Any) -> float:
        check_finite_number("NumberWithGrad", "a gradient", float(dz))
        return float(dz)


def reverse_topological_order(z: WithGrad) -> list[Any]:
    """Return z and all its ancestors, each before its parents; without recursion, so that any depth works."""
    found, new = {z}, [z]
    for z_new in new:
        for u in z_new.parents:
            if u not in found:
                found.add(u)
                new.append(u)
    return sorted(new, key=attrgetter("order"), reverse=True)


def times(dz: Any, slope: Any) -> Any:
    """dz ∂z/∂u; the local derivative 1 of a sum needs no product."""
    return dz if type(slope) is int and slope == 1 else dz * slope


def no_gradients(dz: Any) -> tuple[Any, ...]:
    """The backward function of a leaf."""
    return ()


def no_graph(dz: Any) -> tuple[Any, ...]:
    """The backward function of a value that was computed in an evaluation: for other values it is a constant."""
    return ()
