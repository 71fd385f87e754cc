"""Functions of numpy and PyTorch on values with gradients: the call of the method or function here.

np.tanh(x) is x.tanh(), np.sum(x, axis=0) is x.sum(0), np.concatenate([x, y]) is concatenate([x, y], axis=0), and
torch.tanh(x), torch.sum(x, dim=0), torch.cat([x, y]) too, on both backends. It contains no mathematics, so both share
it. A function that is in no table here is refused, and so is an argument such as `out`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from numnet.autograd.shapes import cut
from numnet.core.checks import check_parts_of_axis, lost_gradient_error, unexpected_arguments_error
from numnet.core.first_words import by_word

# numpy calls these if a plain array is an operand: the method for the left operand, and for the right one.
OPERATORS = {
    "add": ("__add__", "__radd__"),
    "subtract": ("__sub__", "__rsub__"),
    "multiply": ("__mul__", "__rmul__"),
    "divide": ("__truediv__", "__rtruediv__"),
    "power": ("__pow__", "__rpow__"),
    "matmul": ("__matmul__", "__rmatmul__"),
    "negative": ("__neg__", ""),
    "positive": ("__pos__", ""),
    "less": ("__lt__", "__gt__"),
    "greater": ("__gt__", "__lt__"),
    "less_equal": ("__le__", "__ge__"),
    "greater_equal": ("__ge__", "__le__"),
    "equal": ("__eq__", "__eq__"),
    "not_equal": ("__ne__", "__ne__"),
}
# Elementwise functions of one operand: numpy's name, or PyTorch's, and the method.
ELEMENTWISE = by_word({"absolute fabs": "abs"})
ELEMENTWISE |= {name: name for name in ("exp", "log", "tanh", "sqrt", "sin", "cos", "tan", "log1p", "expm1")}
ELEMENTWISE |= {name: name for name in ("abs", "relu", "sigmoid")}
SEVERAL = ("maximum", "minimum")  # elementwise functions of two operands that are not operators


def of_concatenate(functions: Any, arrays: Any, axis: int = 0) -> Any:
    """numpy's default axis is the first."""
    return functions["concatenate"](arrays, axis)


def of_dot(functions: Any, a: Any, b: Any) -> Any:
    """Matrices and vectors: a @ b; numbers: a * b."""
    ndims = [getattr(x, "ndim", 0) for x in (a, b)]
    if max(ndims) > 2:
        raise lost_gradient_error(type(a).__name__, "tensordot")
    return a @ b if min(ndims) else a * b


def of_split(functions: Any, ary: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    """A number of equal parts, or the positions of the cuts."""
    if isinstance(indices_or_sections, int):
        axis, (parts,) = check_parts_of_axis("split", "chunks", indices_or_sections, ary.shape, axis)
        size = ary.shape[axis]
        check_parts_of_axis("split", "sizes", [size // parts] * parts, ary.shape, axis)
        return list(cut(ary, [size // parts * (k + 1) for k in range(parts)], axis))
    axis, _ = check_parts_of_axis("split", "chunks", 1, ary.shape, axis)
    return list(cut(ary, [*indices_or_sections, ary.shape[axis]], axis))


# numpy's functions of arrays, with its names of the arguments. `functions` are those of the class.
NUMPY: dict[str, Callable[..., Any]] = {
    "shape": lambda functions, a: a.shape,
    "ndim": lambda functions, a: a.ndim,
    "size": lambda functions, a: a.size,
    "sum": lambda functions, a, axis=None, keepdims=False: a.sum(axis, keepdims),
    "mean": lambda functions, a, axis=None, keepdims=False: a.mean(axis, keepdims),
    "max": lambda functions, a, axis=None, keepdims=False: a.max(axis, keepdims),
    "min": lambda functions, a, axis=None, keepdims=False: a.min(axis, keepdims),
    "var": lambda functions, a, axis=None, ddof=0, keepdims=False: a.var(axis, ddof, keepdims),
    "std": lambda functions, a, axis=None, ddof=0, keepdims=False: a.std(axis, ddof, keepdims),
    "cumsum": lambda functions, a, axis=None: a.cumsum(axis),
    "clip": lambda functions, a, a_min=None, a_max=None: a.clip(a_min, a_max),
    "reshape": lambda functions, a, shape: a.reshape(shape),
    "transpose": lambda functions, a, axes=None: a.transpose(axes),
    "swapaxes": lambda functions, a, axis1, axis2: a.swapaxes(axis1, axis2),
    "squeeze": lambda functions, a, axis=None: a.squeeze(axis),
    "ravel": lambda functions, a: a.ravel(),
    "concatenate": of_concatenate,
    "stack": lambda functions, arrays, axis=0: functions["stack"](arrays, axis),
    "where": lambda functions, condition, x, y: functions["where"](condition, x, y),
    "einsum": lambda functions, subscripts, *operands: functions["einsum"](subscripts, *operands),
    "dot": of_dot,
    "split": of_split,
}
NUMPY |= {"amax": NUMPY["max"], "amin": NUMPY["min"]}
# PyTorch's, with its names: dim and keepdim become axis and keepdims first.
TORCH: dict[str, Callable[..., Any]] = {
    **{name: NUMPY[name] for name in ("sum", "mean", "amax", "amin", "cumsum", "reshape", "squeeze", "ravel")},
    **{name: NUMPY[name] for name in ("stack", "where", "einsum", "dot")},
    "softmax": lambda functions, a, axis: a.softmax(axis),
    "log_softmax": lambda functions, a, axis: a.log_softmax(axis),
    "clamp": lambda functions, a, min=None, max=None: a.clip(min, max),
    "clip": lambda functions, a, min=None, max=None: a.clip(min, max),
    "permute": lambda functions, a, dims: a.transpose(dims),
    "transpose": lambda functions, a, dim0, dim1: a.swapaxes(dim0, dim1),
    "swapaxes": lambda functions, a, axis0, axis1: a.swapaxes(axis0, axis1),
    "flatten": lambda functions, a: a.ravel(),
    "cat": of_concatenate,
    "concat": of_concatenate,
    "concatenate": of_concatenate,
    "maximum": lambda functions, a, b: functions["maximum"](a, b),
    "minimum": lambda functions, a, b: functions["minimum"](a, b),
    "chunk": lambda functions, a, chunks, axis=0: a.chunk(chunks, axis),
    "split": lambda functions, a, size, axis=0: a.split(size, axis),
}
RENAMED = {"dim": "axis", "keepdim": "keepdims", "tensors": "arrays", "split_size_or_sections": "size"}


def elementwise(kind: Any, name: str, inputs: Sequence[Any]) -> Any:
    """Return the result of a function of numbers, or of each element; TypeError for an unknown one."""
    if name in OPERATORS:
        left, right = OPERATORS[name]
        if hasattr(inputs[0], "zero_grad"):
            return getattr(inputs[0], left)(*inputs[1:])
        return getattr(inputs[1], right)(inputs[0])
    functions = getattr(kind, "functions", {})
    if name in ELEMENTWISE and len(inputs) == 1:
        return getattr(inputs[0], ELEMENTWISE[name])()
    if name in SEVERAL and name in functions:
        return functions[name](*inputs)
    if name == "square":
        return inputs[0] ** 2
    if name == "reciprocal":
        return 1 / inputs[0]
    raise lost_gradient_error(kind.__name__, name, methods_of(kind))


def called(kind: Any, name: str, table: Mapping[str, Any], arguments: Sequence[Any], options: Mapping[str, Any]) -> Any:
    """Return the result of a function in the table; TypeError for another one, and for other arguments."""
    if name not in table:
        raise lost_gradient_error(kind.__name__, name, methods_of(kind))
    function = table[name]
    signature = inspect.signature(function)
    try:
        bound = signature.bind(kind.functions, *arguments, **options)
    except TypeError:
        taken = [p for p in signature.parameters if p != "functions"]
        given = [option for option in options if option not in taken] or [f"{len(arguments) + len(options)} arguments"]
        raise unexpected_arguments_error(kind.__name__, name, given, taken) from None
    return function(*bound.args, **bound.kwargs)


def called_as_in_torch(kind: Any, name: str, arguments: Sequence[Any], options: Mapping[str, Any]) -> Any:
    """Return the result of PyTorch's function of this name."""
    unset = [key for key, value in options.items() if value is None or value is False or key == "_stacklevel"]
    given = {RENAMED.get(key, key): value for key, value in options.items() if key not in unset}
    if name in ELEMENTWISE and len(arguments) == 1 and not given:
        return elementwise(kind, name, arguments)
    return called(kind, name, TORCH if hasattr(kind, "functions") else {}, arguments, given)


def methods_of(kind: Any) -> list[str]:
    """Return the names of the methods that a user calls."""
    return [name for name in dir(kind) if not name.startswith("_") and callable(getattr(kind, name))]
