"""The signature of a class whose constructor passes its **options to others."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Iterator
from typing import Any


class Signature:
    """`__signature__` of a class: the parameters of its constructor, and those that its **options stand for."""

    def __get__(self, instance: Any, kind: Any) -> inspect.Signature:
        if instance is not None:  # which has the signature of its __call__
            raise AttributeError("__signature__")
        return signature_of(kind)


@functools.cache  # each construction asks for it several times
def signature_of(kind: Any) -> inspect.Signature:
    """Return the signature of a class, collected from the constructors of its bases and its nodes."""
    first, *others = (list(inspect.signature(function).parameters.values())[1:] for function in functions_of(kind))
    parameters = {p.name: p for p in first if p.kind is not p.VAR_KEYWORD}
    for p in (p for other in others for p in other):
        if p.name != "node" and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD):  # a named layer makes the node
            parameters.setdefault(p.name, p.replace(kind=p.KEYWORD_ONLY))
    for name, default in getattr(kind, "variant_options", {}).items() if "zoneout" in parameters else ():
        parameters.setdefault(name, inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default))
    return inspect.Signature(list(parameters.values()))


def functions_of(kind: Any) -> Iterator[Any]:
    """The functions that take a constructor's arguments: each passes its **options to the next."""
    for base in kind.__mro__:
        for name in vars(base).keys() & {"__init__", "set_options"}:
            yield vars(base)[name]
            if name == "set_options":
                yield from (function for node in kind.node_types for function in functions_of(node))
                return
            if all(p.kind is not p.VAR_KEYWORD for p in inspect.signature(vars(base)[name]).parameters.values()):
                return
