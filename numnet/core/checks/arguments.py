"""validate_call: the arguments of a function are checked against its annotations, and numpy scalars become Python's.

An annotation that is not in the table is not checked: arrays and batches have checks of their own.
"""

from __future__ import annotations

import functools
import inspect
import math
import numbers
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np

from numnet.core.answers import check_arguments
from numnet.core.checks.texts import excerpt
from numnet.core.show import text

Function = TypeVar("Function", bound=Callable[..., Any])
REFUSED = object()  # what `convert` returns for a value of another kind


class Kind(NamedTuple):
    """The values that an annotation stands for."""

    expected: str
    convert: Callable[[Any], Any]


def scalar(value: Any) -> Any:
    """Return the number in a numpy scalar, an array or a tensor without axes; other values unchanged."""
    return value.item() if getattr(value, "shape", None) == () and hasattr(value, "item") else value


def as_flag(value: Any) -> Any:
    """Return True or False as Python's; 0 and 1 are refused, as other numbers are."""
    value = scalar(value)
    return value if isinstance(value, bool) else REFUSED


def as_int(value: Any) -> Any:
    """Return a whole number of any library as Python's."""
    value = scalar(value)
    if isinstance(value, bool):
        return REFUSED
    return int(value) if isinstance(value, numbers.Integral) else REFUSED


def as_float(value: Any) -> Any:
    """Return a real number as Python's float; an int stays an int."""
    value = scalar(value)
    if isinstance(value, bool):
        return REFUSED
    if isinstance(value, (int, float)):
        return value
    return float(value) if isinstance(value, numbers.Real) else REFUSED


def as_text(value: Any) -> Any:
    """Return a string as Python's: numpy has a type of its own."""
    return str(value) if isinstance(value, str) else REFUSED


def as_path(value: Any) -> Any:
    """Return a path unchanged."""
    return value if isinstance(value, (str, os.PathLike)) else REFUSED


def as_dtype(value: Any) -> Any:
    """Return a dtype of numpy unchanged, PyTorch's by its name, and bfloat16, which numpy lacks, as a name."""
    if str(value).removeprefix("torch.") == "bfloat16":
        return "bfloat16"
    if type(value).__name__ == "dtype" and type(value).__module__ == "torch":
        value = str(value).removeprefix("torch.")
    try:
        known = isinstance(value, (str, type, np.dtype)) and np.dtype(value).kind in "biufc"
    except TypeError:
        return REFUSED
    return value if known else REFUSED


def as_texts(value: Any) -> Any:
    """A sequence or an iterator of strings, but not one string."""
    if getattr(value, "ndim", 1) == 0:
        return REFUSED
    known = isinstance(value, (Sequence, np.ndarray)) and not isinstance(value, (str, bytes))
    if known and not all(isinstance(each, str) for each in value):
        return REFUSED
    return value if hasattr(value, "__iter__") and not isinstance(value, (str, bytes)) else REFUSED


def as_mapping(value: Any) -> Any:
    """Return a dictionary unchanged."""
    return value if isinstance(value, Mapping) else REFUSED


def as_function(value: Any) -> Any:
    """Return a function unchanged."""
    return value if callable(value) else REFUSED


def instance_of(name: str) -> Kind:
    """An object of the class with this name, of either backend, or of a class derived from it."""
    article = "an" if name[0] in "AEIO" else "a"
    known = lambda value: any(base.__name__ == name for base in type(value).__mro__)  # noqa: E731
    return Kind(f"{article} {name}", lambda value: value if known(value) else REFUSED)


NONE = Kind("None", lambda value: REFUSED if value is not None else None)
KINDS = {
    "bool": Kind("True or False", as_flag),
    "int": Kind("a whole number", as_int),
    "float": Kind("a number", as_float),
    "str": Kind("a string", as_text),
    "str | os.PathLike[str]": Kind("a path", as_path),
    "npt.DTypeLike": Kind("a dtype of real numbers, such as 'float32'", as_dtype),
    "DTypeLike": Kind("a dtype of real numbers, such as 'float32'", as_dtype),  # torchnet's
    "Sequence[str]": Kind("a list of strings", as_texts),
    "Iterable[str]": Kind("a list of strings", as_texts),
    "Mapping[str, Any]": Kind("a dictionary", as_mapping),
    "Callable[[], str]": Kind("a function", as_function),
    **{name: instance_of(name) for name in ("Node", "TimeSeries", "Tree", "Vocabulary")},
}


def kinds_of(annotation: Any) -> list[Kind]:
    """Return the kinds that an annotation names, the one without None first; [] for one that is not in the table."""
    if annotation in KINDS:
        return [KINDS[annotation]]
    pieces = str(annotation).removesuffix(" | None").split(" | ")
    whole = " | ".join(pieces)
    kinds = [KINDS[whole]] if whole in KINDS else [KINDS.get(piece, NONE) for piece in pieces]
    if NONE in kinds:
        return []
    return [*kinds, NONE] if str(annotation).endswith(" | None") else kinds


def check_kind(who: str, name: str, value: Any, kinds: Sequence[Kind]) -> Any:
    """Return the value, a numpy scalar as Python's; TypeError for another kind, ValueError for nan."""
    for kind in kinds:
        converted = kind.convert(value)
        if converted is REFUSED:
            continue
        if isinstance(converted, float) and math.isnan(converted):
            raise ValueError(f"{who}: {name} is nan, expected a number. Look for 0 / 0 where it is computed.")
        if name == "seed" and converted is not None and converted < 0:
            raise ValueError(f"{who}: seed is {converted}, expected a whole number, 0 or more.")
        return converted
    expected = " or ".join(kind.expected for kind in kinds)
    got = f"the class {value.__name__}" if isinstance(value, type) else text(value)
    got = excerpt(value) if isinstance(value, str) else got
    raise TypeError(f"{who}: {name} is {got}, expected {expected}.{hint(value, expected)}")


def hint(value: Any, expected: str) -> str:
    """Return the remedy for the likeliest cause, or ""."""
    if isinstance(value, type) and any(f" {base.__name__}" in f" {expected}" for base in value.__mro__):
        return f" Make an object of the class: {value.__name__}(...)."
    if expected.startswith("a list of strings") and isinstance(value, str):
        return " Put it in a list, or pass list(text) for its characters and text.split() for its words."
    if isinstance(value, str) and expected.startswith("True or False"):
        return " Any string that is not empty counts as true in Python, so compare it: value == 'True'."
    if isinstance(value, str) and "number" in expected and value.strip().lstrip("+-").replace(".", "", 1).isdigit():
        return f" Convert it: {'int' if 'whole' in expected else 'float'}({value!r})."
    if expected.startswith("a whole number") and isinstance(scalar(value), float) and scalar(value).is_integer():
        return f" Pass int({text(value)})."
    return ""


def validate_call(function: Function) -> Function:
    """Decorate a constructor, a method or a function: its arguments are checked before it runs.

    TypeError for a value of another kind, for an argument that is missing, and for one that does not exist.
    """
    signature = inspect.signature(function)
    checked = {p.name: kinds for p in signature.parameters.values() if (kinds := kinds_of(p.annotation))}
    first = next(iter(signature.parameters), "")

    @functools.wraps(function)
    def validated(*arguments: Any, **options: Any) -> Any:
        bound = bind(function, signature, first, arguments, options)
        for name in [name for name in checked if name in bound.arguments]:
            who = owner(function, first, arguments)
            bound.arguments[name] = check_kind(who, name, bound.arguments[name], checked[name])
        return function(*bound.args, **bound.kwargs)

    return validated  # type: ignore[return-value]


def owner(function: Any, first: str, arguments: Sequence[Any]) -> str:
    """Return the name in error messages: that of the class for a constructor, else the function's."""
    if first not in ("self", "cls") or not arguments:
        return str(function.__name__)
    kind = arguments[0] if first == "cls" else type(arguments[0])
    made_by = function.__name__ in ("__init__", "__new__", "set_options")
    return str(kind.__name__) if made_by else f"{kind.__name__}.{function.__name__}"


def bind(
    function: Any, signature: inspect.Signature, first: str, arguments: tuple[Any, ...], options: dict[str, Any]
) -> inspect.BoundArguments:
    """Return which argument has which name; TypeError in our words where they do not fit."""
    try:
        return signature.bind(*arguments, **options)
    except TypeError:
        who, taken = owner(function, first, arguments), first in ("self", "cls")
        check_arguments(who, function, arguments[taken:], options)
        given = signature.bind_partial(*arguments, **options).arguments
        missing = next(p for p in signature.parameters.values() if p.default is p.empty and p.name not in given)
        kinds = kinds_of(missing.annotation)
        expected = f", expected {' or '.join(kind.expected for kind in kinds)}" if kinds else ""
        raise TypeError(f"{who}: {missing.name} is missing{expected}.") from None
