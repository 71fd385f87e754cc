"""Errors for a name, keyword or attribute that does not exist, with the remedy from the tables in first_*.py."""

from __future__ import annotations

import difflib
import functools
import inspect
import sys
from collections.abc import Mapping
from dis import opmap
from typing import Any

from numnet.core.first_attributes import ATTRIBUTES
from numnet.core.first_calls import CALLS
from numnet.core.first_options import OPTIONS, ORDER
from numnet.core.first_words import NAMES


def package_of(kind: Any) -> str:
    """The package that a class, the base class of a user's class, or a function belongs to."""
    bases = getattr(kind, "__mro__", (kind,))
    return "torchnet" if any(base.__module__.startswith("torchnet.") for base in bases) else "numnet"


def no_name(package: str, name: str) -> Exception:
    """For a name that a module does not have: AttributeError, or in `from numnet import LSTM` ImportError.

    An import replaces the message of an AttributeError by its own.
    """
    if name not in NAMES:
        return AttributeError(f"module {package!r} has no attribute {name!r}")
    message = f"{package}.{name} does not exist. {NAMES[name].format(net=package)}."
    frame = sys._getframe(2)  # the caller of the module's __getattr__
    if frame.f_code.co_code[frame.f_lasti] == opmap["IMPORT_FROM"]:
        return ImportError(message, name=package)
    return AttributeError(message, name=name, obj=None)  # without an object Python adds no suggestion of its own


def no_attribute(thing: Any, name: str) -> AttributeError | None:
    """For an attribute that an object does not have, if the table has it."""
    kind = type(thing)
    remedy = next((table[name] for base in kind.__mro__ if name in (table := ATTRIBUTES.get(base.__name__, {}))), "")
    if not remedy:
        return None
    message = f"{kind.__name__}.{name} does not exist. {remedy.format(net=package_of(kind), kind=kind.__name__)}."
    return AttributeError(message, name=name, obj=None)


def no_option(who: str, name: str, kind: Any) -> TypeError:
    """For a keyword that a class or a function does not take: the remedy, or the options that it has."""
    known = OPTIONS.get(name, {})
    remedy = next((known[each] for each in names_of(kind) if each in known), "")
    if remedy:
        return TypeError(f"{who}: no option is called {name!r}. {remedy.format(net=package_of(kind), kind=who)}.")
    return unknown(who, "option", name, parameters_of(kind))


@functools.cache
def inputs_of(forward: Any) -> frozenset[str] | None:
    """The names of the inputs of a forward; None if it takes every keyword."""
    parameters = parameters_of(forward)
    return None if any(p.kind is p.VAR_KEYWORD for p in parameters.values()) else frozenset(parameters)


def check_inputs(part: Any, options: Mapping[str, Any]) -> None:
    """TypeError for a keyword of a call, part(x, mask=...), that its forward does not take."""
    taken = inputs_of(type(part).forward)
    if taken is None or taken.issuperset(options) or "forward" in vars(part):
        return
    who, name = part.name, next(name for name in options if name not in taken)
    meant, remedy = CALLS.get(name, ("", ""))
    if not remedy or meant not in {"", *taken}:
        raise unknown(who, "input", name, parameters_of(part.forward))
    raise TypeError(f"{who}: no input is called {name!r}. {remedy}.")


def unknown(who: str, what: str, name: str, parameters: Mapping[str, inspect.Parameter]) -> TypeError:
    """For a keyword without a remedy: the names that are taken, and the nearest one."""
    by_name = [p.name for p in parameters.values() if p.kind is p.KEYWORD_ONLY] or list(parameters)
    near = difflib.get_close_matches(name, parameters, 1, 0.8)
    meant = f" Did you mean {near[0]}?" if near else ""
    expected = f"one of {', '.join(by_name)}" if parameters else "none"
    return TypeError(f"{who}: no {what} is called {name!r}, expected {expected}.{meant}")


def names_of(kind: Any) -> list[str]:
    """The names of a class and its base classes, nearest first; that of a function."""
    return [each.__name__ for each in getattr(kind, "__mro__", (kind,))]


def parameters_of(kind: Any) -> dict[str, inspect.Parameter]:
    """The parameters of a class or a function, by name; of a method without self."""
    return {name: p for name, p in inspect.signature(kind).parameters.items() if name not in ("self", "cls")}


def check_arguments(who: str, kind: Any, arguments: tuple[Any, ...], options: Mapping[str, Any]) -> None:
    """TypeError for a keyword that the class or function does not take, or too many arguments without one."""
    if not (arguments or options):
        return
    parameters = parameters_of(kind)
    kinds = {p.kind for p in parameters.values()}
    for name in options if inspect.Parameter.VAR_KEYWORD not in kinds else ():
        if name not in parameters:
            raise no_option(who, name, kind)
    first = [p.name for p in parameters.values() if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    if len(arguments) > len(first) and inspect.Parameter.VAR_POSITIONAL not in kinds:
        expected = f"{len(first)}: {', '.join(first)}" if first else "none"
        others = [f"{name}=" for name in parameters if name not in first]
        order = next((f". {ORDER[each]}" for each in names_of(kind) if each in ORDER), "")
        rest = f" Others are given by name, e.g. {others[0]}{order.format(kind=who)}." if others else ""
        raise TypeError(f"{who}: {len(arguments)} arguments without a name, expected {expected}.{rest}")
