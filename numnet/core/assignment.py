"""What an assignment to an attribute of a part does. It contains no mathematics, so both backends share it.

A parameter gets the values, in the memory that it has. An option of the constructor, and a part inside another, are
fixed after construction, except the options that a class names in `changeable`. All other attributes are free.
"""

from __future__ import annotations

import functools
import inspect
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NoReturn

from numnet.core.answers import no_attribute
from numnet.core.checks import (
    check_named,
    check_reduction,
    check_size,
    fixed_error,
    frozen_error,
    list_error,
    unbuilt_error,
)
from numnet.core.checks.arguments import check_kind, kinds_of
from numnet.core.show import Answering, Made

LIVE: weakref.WeakSet[Any] = weakref.WeakSet()  # all parts: the parameter of one cannot become that of another
FREEZING = frozenset({"requires_grad", "trainable"})
UNTIL_BUILT = ("seed", "input_size")  # options that count when the parameters are created
MISSING = object()


class Assigned(Made):
    """The part of Operation that decides what an assignment does. It is asked for the names in `guarded` alone."""

    guarded: Any = frozenset()
    annotated: Any = frozenset()  # the parameters that the class declares
    changeable: tuple[str, ...] = ()  # the options that every call reads
    fixed: tuple[str, ...] = ()  # attributes that are no options, and are fixed as these are

    def __new__(cls, *arguments: Any, **options: Any) -> Any:
        if "guarded" not in vars(cls):
            cls.annotated = frozenset(annotated_by(cls))
            kind: Any = cls
            cls.guarded = frozenset({*FREEZING, *cls.annotated, *options_of(kind), *read_only(kind), *cls.fixed})
        made = super().__new__(cls, *arguments, **options)
        LIVE.add(made)
        return made

    def guard(self, names: Iterable[str]) -> None:
        """Decide about assignments to these parameters, and to their gradients, too."""
        names = set(names)
        vars(self)["guarded"] = self.guarded | names | {f"d{name}" for name in names}

    def guard_as(self, part: Any) -> None:
        """Decide about assignments to the parameters of a part inside this one, which have the same names here."""
        vars(self)["annotated"] = part.annotated
        self.guard(part.annotated)

    def assigned(self: Any, name: str, value: Any) -> bool:
        """Return True if the assignment is done, False if the value is a usual attribute; an error if it is fixed."""
        own, ours = vars(self), is_ours(type(self))
        if name in FREEZING:
            if ours:
                raise frozen_error(self.name, name, value)
            return False
        kind: Any = type(self)
        if name in read_only(kind):
            raise fixed_error(self.name, name, value)
        built = own.get("built", True)
        if not (built or (ours and "constructed" in own)):
            return False
        if name in self.annotated:
            if not built:
                raise unbuilt_error(self.name, name)
            return False
        present = own.get(name, own.get("_modules", {}).get(name, MISSING))  # a part of torchnet is a submodule
        if present is MISSING or same(value, present):
            return False
        if name in self.changeable or (name in UNTIL_BUILT and not built):
            return self.change_option(name, value)
        raise fixed_error(self.name, name, value)

    def change_option(self: Any, name: str, value: Any) -> bool:
        """Check an option that may be changed, as the constructor does, and store it."""
        kind: Any = type(self)
        if kinds := kinds_of(options_of(kind)[name].annotation):
            value = check_kind(self.name, name, value, kinds)
        self.check_option(name, value)
        if hasattr(value, "over_time"):
            return False
        vars(self)[name] = value
        return True

    def check_option(self: Any, name: str, value: Any) -> None:
        """Check the range of an option that may be changed."""
        if name == "input_size":
            check_size(self.name, input_size=value)
        elif name == "loss":
            check_reduction(self.name, value)


class Rechecked(Answering):
    """An object whose options may be changed: an assignment is checked as in the constructor."""

    def __setattr__(self, name: str, value: Any) -> None:
        kind: Any = type(self)
        own, options = vars(self), option_names(kind)
        if name in own if name != "learning_rate" else "schedule" in own:
            if name in options or name == "schedule":
                name, value = self.rechecked(name, value, options)
        elif error := no_attribute(self, name):
            raise error
        object.__setattr__(self, name, value)

    def rechecked(self, name: str, value: Any, options: Iterable[str]) -> tuple[str, Any]:
        """Return under which name an option is stored, and its value, as another object with that option has them."""
        given = {other: getattr(self, "schedule" if other == "learning_rate" else other) for other in options}
        other = type(self)(**{**given, "learning_rate" if name == "schedule" else name: value})
        name = "schedule" if name == "learning_rate" else name
        return name, getattr(other, name)


@functools.cache
def option_names(kind: Any) -> frozenset[str]:
    """Return the names of the options of a constructor, with those that it passes on to the base class as **options."""
    found: set[str] = set()
    for base in kind.__mro__:
        if "__init__" in vars(base):
            parameters = list(inspect.signature(base.__init__).parameters.values())[1:]
            found |= {p.name for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)}
            if all(p.kind is not p.VAR_KEYWORD for p in parameters):
                break
    return frozenset(found)


class NamedArrays(dict[str, Any]):
    """Parameters or gradients by name, in a new dictionary; a value that is assigned to a name is that of the part."""

    def __init__(self, arrays: Mapping[str, Any], who: str, what: str, write: Callable[[str, Any], Any]) -> None:
        super().__init__(arrays)
        self.who, self.what, self.write = who, what, write

    def __setitem__(self, name: str, value: Any) -> None:
        check_named(self.who, self.what, name, self)
        super().__setitem__(name, self.write(name, value))

    def update(self, *others: Any, **more: Any) -> None:
        for name, value in dict(*others, **more).items():
            self[name] = value

    def __ior__(self, other: Any) -> Any:  # type: ignore[misc]
        self.update(other)
        return self

    def __reduce__(self) -> Any:
        return dict, (dict(self),)


def refuse_change(layers: Any, *_: Any, **__: Any) -> NoReturn:
    """Raise the error for a change of a list of layers."""
    raise list_error(layers.who, "layers")


def is_ours(kind: type) -> bool:
    """Return whether a class is one of the package's own; the attributes of a subclass are the user's."""
    return kind.__module__.startswith(("numnet.", "torchnet."))


def our_bases(kind: type) -> Iterator[type]:
    """Yield the classes of the package that a class is derived from."""
    return (base for base in kind.__mro__ if is_ours(base))


def annotated_by(kind: type) -> Iterator[str]:
    """Yield the parameters that our classes declare, such as `W: Array`."""
    for base in our_bases(kind):
        yield from (name for name, what in vars(base).get("__annotations__", {}).items() if what in ("Array", "Tensor"))


@functools.cache
def options_of(kind: Any) -> Mapping[str, inspect.Parameter]:
    """Return the options of the constructor of a class, of a user's class those of ours that it is derived from."""
    base = next(our_bases(kind))
    found = inspect.signature(base).parameters.values()
    return {p.name: p for p in found if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)}


@functools.cache
def read_only(kind: Any) -> frozenset[str]:
    """Return the properties that cannot be set."""
    found: dict[str, Any] = {}
    for base in our_bases(kind):
        found = {**vars(base), **found}
    return frozenset(name for name, p in found.items() if isinstance(p, property) and p.fset is None)


def same(value: Any, present: Any) -> bool:
    """Return whether an assignment changes nothing."""
    plain = isinstance(value, (bool, int, float, str)) and type(value) is type(present)
    return value is present or (plain and value == present)
