"""repr(x) is the call that makes x: only the arguments that differ from their defaults, in one line."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from numnet.core.answers import check_arguments, no_attribute

ELSEWHERE = ("input_size", "memory_size", "seed", "dtype")  # a first batch or a model may set them: shown as given


class Shown:
    """Objects are shown as the call that makes them; a wrong keyword is answered with the right one."""

    def __new__(cls, *arguments: Any, **options: Any) -> Any:
        check_arguments(cls.__name__, cls, arguments, options)
        return super().__new__(cls)

    def __repr__(self) -> str:
        return show(self)

    def arguments(self) -> dict[str, Any]:
        """The constructor's arguments that are not attributes of the same name."""
        return {}


class Answering(Shown):
    """A wrong attribute is answered too. Layers and nodes do without: in Python 3.11 it slows every attribute down."""

    if not TYPE_CHECKING:  # a type checker would believe that every attribute exists

        def __getattr__(self, name: str) -> Any:
            if error := no_attribute(self, name):
                raise error
            return object.__getattribute__(self, name)  # the usual error, or that of a property


class Made(Shown):
    """A part of a network: what its constructor was called with is stored, for a batch or a model may change it."""

    def __new__(cls, *arguments: Any, **options: Any) -> Any:
        made = super().__new__(cls, *arguments, **options)
        if arguments or options:  # a copy is made without, and gets all attributes later
            names = list(inspect.signature(cls).parameters)
            given = {**dict(zip(names, arguments)), **options}
            vars(made)["made_with"] = {name: kept(value) for name, value in given.items()}
        return made


class Text(str):
    """A value that is shown as this text."""


UNKNOWN = Text("...")  # a value that is neither an attribute nor known from the call


def kept(value: Any) -> Any:
    """Return parts and plain values unchanged, and a short text for arrays and functions: no part stores those."""
    if isinstance(value, (list, tuple)) and all(not isinstance(kept(each), Text) for each in value):
        return value
    plain = value is None or isinstance(value, (Shown, bool, int, float, str))
    return value if plain else Text(text(value))


def show(thing: Any, **more: Any) -> str:
    """Return the call that makes the thing, as one would type it, with `more` arguments."""
    shown = [*arguments_of(thing), *(f"{name}={text(value)}" for name, value in more.items())]
    return f"{type(thing).__name__}({', '.join(shown)})"


def show_stack(stack: Any) -> str:
    """Return the call that makes a stack of layers: of alike layers that of one, with the option `layers`."""
    alone = [getattr(layer, "forwards", layer) for layer in stack.layers]
    both = [getattr(layer, "merge", None) for layer in stack.layers]
    configs = [{"output_size": None, **each.config()} for each in alone]
    alike = (
        all(
            {**c, "return_sequences": True, "output_size": None}
            == {**configs[0], "return_sequences": True, "output_size": None}
            for c in configs
        )
        and len({type(each) for each in alone}) == 1
    )
    if not alike or set(both) not in ({None}, {"concat"}):
        return show(stack)
    last = copy.copy(alone[-1])
    first = vars(alone[0]).get("made_with", {})
    vars(last)["made_with"] = {
        **vars(last).get("made_with", {}),
        **{name: first.get(name) for name in ("input_size", "seed")},
    }
    more: dict[str, Any] = {"bidirectional": True} if both[0] else {}
    more["layers"] = len(alone)
    return show(last, **more, **({"dropout": stack.dropout} if stack.dropout else {}))


def arguments_of(thing: Any) -> Iterator[str]:
    """Each argument that differs from its default: "50", or by name, "output_size=3"."""
    given, known = vars(thing).get("made_with", {}), known_of(thing)
    parameters = inspect.signature(type(thing)).parameters
    by_position = True
    for name, parameter in parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            yield from (f"{each}={text(given[each])}" for each in given if each not in parameters)
            continue
        default, required = parameter.default, parameter.default is parameter.empty
        before = given.get(name, UNKNOWN if required else default)
        value = before if name in ELSEWHERE and not required else now(thing, name, before, known)
        by_position = by_position and required and parameter.kind is not parameter.KEYWORD_ONLY
        if by_position:
            yield text(value)
        elif value is not default and not alike(value, default):
            yield f"{name}={text(value)}"


def known_of(thing: Any) -> dict[str, Any]:
    """Its `arguments`, and its configuration without the entries that describe parts."""
    config = thing.config() if isinstance(thing, Made) and hasattr(thing, "config") else {}
    return {**{name: value for name, value in config.items() if not has_parts(value)}, **thing.arguments()}


def now(thing: Any, name: str, before: Any, known: Mapping[str, Any]) -> Any:
    """Return the present value of an argument in the form in which it was given: a number, a list or a tuple."""
    value = known[name] if name in known else getattr(thing, name, before)
    many = list(before) if isinstance(before, (tuple, list)) else [before]
    numbers = isinstance(value, list) and all(isinstance(each, (int, float)) for each in value)
    return before if numbers and value in (many, many * len(value)) else value


def has_parts(value: Any) -> bool:
    """Whether an entry of a configuration describes a layer or a loss, or several."""
    if isinstance(value, list):
        return any(has_parts(each) for each in value)
    return isinstance(value, dict)


def alike(value: Any, default: Any) -> bool:
    """Whether a value has the same text as the default, or is the same number."""
    numbers = all(isinstance(each, (int, float)) for each in (value, default))
    return value == default if numbers else text(value) == text(default)


def text(value: Any) -> str:
    """Return a value as one would type it; arrays, functions and values with a long repr get a short form."""
    if isinstance(value, Text):
        return str(value)
    if isinstance(value, Shown):
        return repr(value)
    if isinstance(value, type) and issubclass(value, np.generic):
        value = np.dtype(value)
    if getattr(value, "shape", None) == () and hasattr(value, "item"):
        value = value.item()
    if type(value).__name__ in ("dtype", "device") or isinstance(value, np.dtype):
        return repr(str(value).removeprefix("torch."))
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        kind = "array" if isinstance(value, np.ndarray) else "tensor"
        return f"<{str(value.dtype).removeprefix('torch.')} {kind} {tuple(value.shape)}>"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{name!r}: {text(each)}' for name, each in value.items())}}}"
    if isinstance(value, tuple):
        return f"({', '.join(map(text, value))}{',' * (len(value) == 1)})"
    if isinstance(value, list) or any(base.__name__ == "ModuleList" for base in type(value).__mro__):
        return texts(list(value))
    if value is None or isinstance(value, (bool, int, float, str)):
        return repr(value)
    if callable(value) and hasattr(value, "__name__"):
        return str(value.__name__)
    return shortened(value)


def texts(values: list[Any]) -> str:
    """A list; of many arrays or numbers only how many."""
    if any(isinstance(value, Shown) for value in values) or len(values) <= 10:
        return f"[{', '.join(map(text, values))}]"
    return f"<list of {len(values)}>"


def shortened(value: Any) -> str:
    """Its repr where that is short, else its class."""
    found = repr(value)
    return found if len(found) <= 60 and "\n" not in found else f"<{type(value).__name__}>"
