"""Reverse-mode automatic differentiation: of numbers here, of arrays in array_with_grad.py."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Any

import numpy as np

from numnet.core.checks import check_finite_number, check_one_number

creation_order = itertools.count()


class WithGrad:
    """A value z, what it was made of, and the way back; numbers and arrays alike. u, v are numbers, or arrays.

        z            ∂z/∂u          ∂z/∂v
        u + v        1              1            (1)
        u v          v              u            (2)
        uᵏ           k uᵏ⁻¹                      (3)   k a plain number; uᵛ is exp(v log u)
        exp u        z                           (4)
        log u        1/u                         (5)
        tanh u       1 - z²                      (6)
        max(u, 0)    1 where u > 0               (7)   relu
        backward:    du += dz ∂z/∂u              (8)   the youngest z first: then its dz is whole before it goes on

    -u, u - v, u / v and σ(u) are made of these.
    """

    __array_ufunc__ = None  # an array + this is this + the array
    value: Any
    total: Any = None  # the sum of the gradients of all backward passes; None is 0

    def __init__(self, value: Any) -> None:
        """A value that was made of nothing."""
        self.keep(self.checked(value), (), no_gradients)

    def keep(self, value: Any, parents: Sequence[Any], back: Callable[[Any], Iterable[Any]]) -> None:
        """The value, the values that it was made of, and `back`, from its gradient to theirs."""
        self.value, self.parents, self.back, self.order = value, parents, back, next(creation_order)

    @classmethod
    def of(cls, value: Any, parents: Sequence[Any], back: Callable[[Any], Iterable[Any]]) -> Any:
        """A value that was made of others."""
        z = cls.__new__(cls)
        z.keep(z.checked(value), parents, back)
        return z

    @np.errstate(all="ignore")
    def made(self, rule: Callable[..., Any], *others: Any) -> Any:
        """The z of one line of the table: `rule` gives z and its slope along each that it is made of."""
        parents = (self, *map(self.like, others))
        z, *slopes = rule(*[u.value for u in parents])
        return self.of(z, parents, lambda dz: [times(dz, slope) for slope in slopes])

    def __add__(self, other: Any) -> Any:
        return self.made(lambda u, v: (u + v, 1, 1), other)  # (1)

    def __mul__(self, other: Any) -> Any:
        return self.made(lambda u, v: (u * v, v, u), other)  # (2)

    def __pow__(self, k: Any) -> Any:
        if isinstance(k, WithGrad):
            return (self.log() * k).exp()
        check_one_number(type(self).__name__, "the exponent", k)
        return self.made(lambda u: (np.power(u, k), k and k * np.power(u, k - 1)))  # (3)

    def exp(self) -> Any:
        """eᵘ"""
        return self.made(lambda u: (z := np.exp(u), z))  # (4)

    def log(self) -> Any:
        """The natural logarithm."""
        return self.made(lambda u: (np.log(u), np.divide(1, u)))  # (5)

    def tanh(self) -> Any:
        """The hyperbolic tangent."""
        return self.made(lambda u: (z := np.tanh(u), 1 - z * z))  # (6)

    def relu(self) -> Any:
        """max(u, 0), its slope at 0 taken as 0."""
        return self.made(lambda u: (np.maximum(u, 0), np.greater(u, 0)))  # (7)

    def sigmoid(self) -> Any:
        """σ(u) = tanh(u/2)/2 + 1/2"""
        return (self * 0.5).tanh() * 0.5 + 0.5

    def __bool__(self) -> bool:
        return bool(self.value)

    def __lt__(self, other: Any) -> Any:
        return self.value < self.like(other).value

    def __gt__(self, other: Any) -> Any:
        return self.value > self.like(other).value

    def __neg__(self) -> Any:
        return self * -1

    def __sub__(self, other: Any) -> Any:
        return self + -self.like(other)

    def __truediv__(self, other: Any) -> Any:
        return self * self.like(other) ** -1

    __radd__, __rmul__ = __add__, __mul__

    def __rsub__(self, other: Any) -> Any:
        return -self + other

    def __rtruediv__(self, other: Any) -> Any:
        return self**-1 * other

    def __rpow__(self, other: Any) -> Any:
        return self.like(other) ** self

    def backward(self, dz: Any = None) -> None:
        """Add this value's slope along each that it was made of to that one's `grad`; along itself it is dz, or 1.

        Gradients add: what is used twice receives from both uses, and a second call doubles all. `zero_grad` clears.
        """
        arriving: dict[WithGrad, Any] = {self: self.first(dz)}
        for z in youngest_first(self):
            dz = z.receive(arriving.pop(z))
            for u, du in zip(z.parents, z.back(dz)):
                du = u.fit(du)
                arriving[u] = arriving[u] + du if u in arriving else du  # (8)

    def receive(self, dz: Any) -> Any:
        """Add the gradient of one backward pass to `grad`."""
        self.total = dz if self.total is None else self.total + dz
        return dz

    @property
    def grad(self) -> Any:
        """The sum of the gradients of all backward passes."""
        raise NotImplementedError

    def zero_grad(self) -> None:
        """This value's gradient alone is 0 again."""
        self.total = None

    def like(self, other: Any) -> Any:
        """Another value of this kind; a plain one becomes one that was made of nothing."""
        return other if isinstance(other, type(self)) else type(self)(other)

    def checked(self, value: Any) -> Any:
        """The value as it is kept, or an error."""
        raise NotImplementedError

    def first(self, dz: Any) -> Any:
        """The gradient with which the backward pass begins, that of the last value."""
        raise NotImplementedError

    def fit(self, dz: Any) -> Any:
        """What arrives, as it is added to `grad`."""
        raise NotImplementedError

    def __float__(self) -> float:
        return float(self.value)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.value}, grad {self.grad})"


class NumberWithGrad(WithGrad):
    """One number: `value`, and after `backward` of what was made of it, `grad`. The rules are in WithGrad.

        a = NumberWithGrad(3)
        b = a * 4;  c = b + 3;  d = a + 2;  e = c * d
        e.backward()                                     # de/da = d 4 + c 1 = 35

    ValueError where a value or a gradient is not finite, as that of log 0.
    """

    value: float

    @property
    def grad(self) -> float:
        """The sum of the gradients of all backward passes."""
        return 0.0 if self.total is None else float(self.total)

    def checked(self, value: Any) -> float:
        check_one_number("NumberWithGrad", "the value", value)
        check_finite_number("NumberWithGrad", "the value", float(value))
        return float(value)

    def first(self, dz: Any) -> float:
        return 1.0 if dz is None else self.fit(dz)

    def fit(self, dz: Any) -> float:
        check_finite_number("NumberWithGrad", "a gradient", float(dz))
        return float(dz)


def youngest_first(z: WithGrad) -> list[Any]:
    """z and all that went into it, each before the older values that it is made of; no recursion, however deep."""
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
    """The `back` of a value that was made of nothing."""
    return ()
