"""Scalar reverse-mode automatic differentiation, by PyTorch's autograd, under numnet's names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from numnet.autograd.conversions import Conversions, has_elements
from numnet.core.checks import (
    check_broadcast,
    check_finite_number,
    check_has_graph,
    check_one_number,
    check_operand,
    check_same_device,
    check_unchanged_tensors,
)
from torchnet.autograd import elementwise


class WithGrad(Conversions):
    """A tensor that requires a gradient, with the operators and functions of numnet's class."""

    tensor: Tensor

    abs = __abs__ = elementwise.absolute
    sqrt, log1p, expm1 = elementwise.sqrt, elementwise.log1p, elementwise.expm1
    sin, cos, tan = elementwise.sin, elementwise.cos, elementwise.tan

    def __init__(self, value: Any) -> None:
        """Create a leaf, which was not computed from other values."""
        self.store(self.checked(value).detach().requires_grad_())

    def store(self, tensor: Tensor) -> None:
        """Store the tensor, and let autograd retain its gradient even if it is not a leaf."""
        self.tensor = tensor
        if tensor.requires_grad:
            tensor.retain_grad()

    @classmethod
    def of(cls, tensor: Tensor) -> Any:
        """Wrap a tensor with its graph."""
        z = cls.__new__(cls)
        z.store(tensor)
        return z

    def apply(self, function: Callable[..., Tensor], *others: Any) -> Any:
        """Apply a function of PyTorch to these values."""
        tensors = promoted(self.tensor, *(self.like(u).tensor for u in others))
        try:
            z = function(*tensors)
        except RuntimeError:
            check_same_device(type(self).__name__, *(u.device for u in tensors))
            check_broadcast(type(self).__name__, *(tuple(u.shape) for u in tensors))
            raise
        return self.of(z)

    def operands(self, other: Any) -> tuple[Any, Any]:
        u, v = promoted(self.tensor.detach(), other.tensor.detach())
        return u, v

    def __add__(self, other: Any) -> Any:
        return self.apply(torch.add, other)

    def __mul__(self, other: Any) -> Any:
        return self.apply(torch.mul, other)

    def __pow__(self, k: Any) -> Any:
        if has_elements(k):
            return elementwise.power(self, k)
        k = check_one_number(type(self).__name__, "the exponent", k)
        return self.apply(lambda u: u**k)

    def exp(self) -> Any:
        """eᵘ"""
        return self.apply(torch.exp)

    def log(self) -> Any:
        """The natural logarithm."""
        return self.apply(torch.log)

    def tanh(self) -> Any:
        """The hyperbolic tangent."""
        return self.apply(torch.tanh)

    def relu(self) -> Any:
        """max(u, 0), its derivative at 0 taken as 0."""
        return self.apply(torch.relu)

    def sigmoid(self) -> Any:
        """1 / (1 + exp(-u))"""
        return self.apply(torch.sigmoid)

    def __neg__(self) -> Any:
        return self.apply(torch.neg)

    def __sub__(self, other: Any) -> Any:
        return self.apply(torch.sub, other)

    def __truediv__(self, other: Any) -> Any:
        return self.apply(torch.div, other)

    __radd__, __rmul__ = __add__, __mul__

    def __rsub__(self, other: Any) -> Any:
        return self.like(other) - self

    def __rtruediv__(self, other: Any) -> Any:
        return self.like(other) / self

    def __rpow__(self, other: Any) -> Any:
        return self.like(other) ** self

    def backward(self, dz: Any = None) -> None:
        """Add the gradient of this value to the `grad` of all values it was computed from; its own is dz, or 1.

        Gradients accumulate: a value used twice gets both, and a second call doubles all. `zero_grad` clears them.
        """
        check_has_graph(type(self).__name__, self.tensor.requires_grad)
        try:
            self.tensor.backward(self.output_gradient(dz), retain_graph=True)
        except RuntimeError as error:
            check_unchanged_tensors("Tape", error)
            raise

    def zero_grad(self) -> None:
        """Reset the gradient of this value only."""
        self.tensor.grad = None

    def like(self, other: Any) -> Any:
        """Return an operand of this class; a plain value becomes a leaf."""
        if isinstance(other, type(self)):
            return other
        check_operand(type(self).__name__, "the operand", other)
        return type(self)(other)

    def checked(self, value: Any) -> Tensor:
        """Return the value in the form in which it is stored, or raise an error."""
        raise NotImplementedError

    def output_gradient(self, dz: Any) -> Tensor:
        """Return the gradient at the output, from which the backward pass starts."""
        raise NotImplementedError


class NumberWithGrad(WithGrad):
    """A number `value`; after `backward` of a result, `grad` is its gradient. Both are Python floats.

        a = NumberWithGrad(3)
        b = a * 4;  c = b + 3;  d = a + 2;  e = c * d
        e.backward()                                     # de/da = d 4 + c 1 = 35

    ValueError if a value or a gradient is not finite, as for log 0.
    """

    def store(self, tensor: Tensor) -> None:
        check_finite_number("NumberWithGrad", "the value", float(tensor.detach()))
        super().store(tensor)
        tensor.register_hook(lambda dz: check_finite_number("NumberWithGrad", "a gradient", float(dz)))

    @property
    def value(self) -> float:
        """The number."""
        return float(self.tensor.detach())

    @property
    def grad(self) -> float:
        """The sum of the gradients of all backward passes."""
        return 0.0 if self.tensor.grad is None else float(self.tensor.grad)

    def checked(self, value: Any) -> Tensor:
        return torch.tensor(check_one_number("NumberWithGrad", "the value", value), dtype=torch.float64)

    def output_gradient(self, dz: Any) -> Tensor:
        number = 1.0 if dz is None else check_one_number("NumberWithGrad", "dz", dz)
        check_finite_number("NumberWithGrad", "a gradient", number)
        return torch.tensor(number, dtype=torch.float64)

    def __repr__(self) -> str:
        return f"NumberWithGrad({self.value}, grad {self.grad})"


def promoted(*tensors: Tensor) -> tuple[Tensor, ...]:
    """Return tensors of one dtype, numpy's: PyTorch lets one without axes take the dtype of the other."""
    if len(tensors) == 1 or tensors[0].dtype == tensors[1].dtype:
        return tensors
    dtype = torch.promote_types(tensors[0].dtype, tensors[1].dtype)
    return tuple(u.to(dtype) for u in tensors)
