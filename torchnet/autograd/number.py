"""A number that remembers how it was made: the same names as in numnet, and PyTorch's autograd does the remembering."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from numnet.core.checks import check_finite_number, check_one_number


class WithGrad:
    """A tensor that autograd follows, with the operators and functions that numnet's has."""

    __array_ufunc__ = None  # an array + this is this + the array
    tensor: Tensor

    def __init__(self, value: Any) -> None:
        """A leaf, which was made of nothing."""
        self.keep(self.checked(value).detach().requires_grad_())

    def keep(self, tensor: Tensor) -> None:
        """The tensor, which has a gradient even though others were made of it."""
        self.tensor = tensor
        if tensor.requires_grad:
            tensor.retain_grad()

    @classmethod
    def of(cls, tensor: Tensor) -> Any:
        """What autograd follows, as it is."""
        z = cls.__new__(cls)
        z.keep(tensor)
        return z

    def made(self, function: Callable[..., Tensor], *others: Any) -> Any:
        """What PyTorch's function makes of these."""
        return self.of(function(self.tensor, *(self.like(u).tensor for u in others)))

    def __add__(self, other: Any) -> Any:
        return self.made(torch.add, other)

    def __mul__(self, other: Any) -> Any:
        return self.made(torch.mul, other)

    def __pow__(self, k: Any) -> Any:
        if isinstance(k, WithGrad):
            return (self.log() * k).exp()
        check_one_number(type(self).__name__, "the exponent", k)
        return self.made(lambda u: u**k)

    def exp(self) -> Any:
        """eᵘ"""
        return self.made(torch.exp)

    def log(self) -> Any:
        """The natural logarithm."""
        return self.made(torch.log)

    def tanh(self) -> Any:
        """The hyperbolic tangent."""
        return self.made(torch.tanh)

    def relu(self) -> Any:
        """max(u, 0), its slope at 0 taken as 0."""
        return self.made(torch.relu)

    def sigmoid(self) -> Any:
        """1 / (1 + exp(-u))"""
        return self.made(torch.sigmoid)

    def __bool__(self) -> bool:
        return bool(self.tensor)

    def __lt__(self, other: Any) -> Any:
        return self.tensor.detach() < self.like(other).tensor.detach()

    def __gt__(self, other: Any) -> Any:
        return self.tensor.detach() > self.like(other).tensor.detach()

    def __neg__(self) -> Any:
        return self.made(torch.neg)

    def __sub__(self, other: Any) -> Any:
        return self.made(torch.sub, other)

    def __truediv__(self, other: Any) -> Any:
        return self.made(torch.div, other)

    __radd__, __rmul__ = __add__, __mul__

    def __rsub__(self, other: Any) -> Any:
        return self.like(other) - self

    def __rtruediv__(self, other: Any) -> Any:
        return self.like(other) / self

    def __rpow__(self, other: Any) -> Any:
        return self.like(other) ** self

    def backward(self, dz: Any = None) -> None:
        """Add this value's slope along each that it was made of to that one's `grad`; along itself it is dz, or 1.

        Gradients add: what is used twice receives from both uses, and a second call doubles all. `zero_grad` clears.
        """
        self.tensor.backward(self.first(dz), retain_graph=True)

    def zero_grad(self) -> None:
        """This value's gradient alone is 0 again."""
        self.tensor.grad = None

    def like(self, other: Any) -> Any:
        """Another value of this kind; a plain one becomes one that was made of nothing."""
        return other if isinstance(other, type(self)) else type(self)(other)

    def checked(self, value: Any) -> Tensor:
        """The value as it is kept, or an error."""
        raise NotImplementedError

    def first(self, dz: Any) -> Tensor:
        """Where the way back begins: the gradient of the last value."""
        raise NotImplementedError

    def __float__(self) -> float:
        return float(self.tensor.detach())


class NumberWithGrad(WithGrad):
    """One number: `value`, and after `backward` of what was made of it, `grad`; both are Python's floats.

        a = NumberWithGrad(3)
        b = a * 4;  c = b + 3;  d = a + 2;  e = c * d
        e.backward()                                     # de/da = d 4 + c 1 = 35

    ValueError where a value or a gradient is not finite, as that of log 0.
    """

    def keep(self, tensor: Tensor) -> None:
        check_finite_number("NumberWithGrad", "the value", float(tensor.detach()))
        super().keep(tensor)
        tensor.register_hook(lambda dz: check_finite_number("NumberWithGrad", "a gradient", float(dz)))

    @property
    def value(self) -> float:
        """The number."""
        return float(self.tensor.detach())

    @property
    def grad(self) -> float:
        """What `backward` has added up."""
        return 0.0 if self.tensor.grad is None else float(self.tensor.grad)

    def checked(self, value: Any) -> Tensor:
        check_one_number("NumberWithGrad", "the value", value)
        return torch.tensor(float(value), dtype=torch.float64)

    def first(self, dz: Any) -> Tensor:
        return torch.tensor(1.0 if dz is None else float(dz), dtype=torch.float64)

    def __repr__(self) -> str:
        return f"NumberWithGrad({self.value}, grad {self.grad})"
