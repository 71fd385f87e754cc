"""Call a class or a factory function with the sizes of a check, matched by the names of its arguments."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from numnet.check.engine.draw import Sizes
from numnet.check.engine.subject import Unusable
from numnet.core.operation import Operation

# Common names of each size. HIDDEN and INPUT are passed wherever they are accepted, OUTPUT and counts only where they
# are required.
HIDDEN = "hidden_size hidden_dim hidden n_hidden num_units units H".split()  # noqa: SIM905
INPUT = "input_size input_dim in_features n_in num_embeddings vocabulary_size D".split()  # noqa: SIM905
OUTPUT = "output_size output_dim out_features n_out embedding_dim O".split()  # noqa: SIM905


def construct(maker: Callable[..., Any], sizes: Sizes) -> Any:
    """Call the class or function, passing every size that it takes under a known name."""
    try:
        parameters = inspect.signature(maker).parameters.values()
    except ValueError:
        raise Unusable(
            f"the signature of {maker.__name__} cannot be read, expected a Python signature. {remedy(maker, '...')}"
        ) from None
    known: dict[str, Any] = {**dict.fromkeys(HIDDEN, sizes.H), **dict.fromkeys(INPUT, sizes.D)}
    if isinstance(maker, type) and issubclass(maker, Operation):
        known["dtype"] = "float64"
    needed = {**dict.fromkeys(OUTPUT, sizes.H), "sizes": sizes, "B": sizes.B, "T": sizes.T, **known}
    plain = [p for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    unknown = [p.name for p in plain if p.default is p.empty and p.name not in needed]
    if unknown:
        required = " and ".join(unknown)
        raise Unusable(
            f"{maker.__name__} requires {required}, expected only sizes. {remedy(maker, f'{unknown[0]}=...')}"
        )
    given = {p.name: needed[p.name] for p in plain if p.name in known or (p.default is p.empty and p.name in needed)}
    if any(p.kind is p.VAR_KEYWORD for p in parameters) and not plain:  # **options go to the base class
        given = {"hidden_size": sizes.H, "input_size": sizes.D}
    first = [given.pop(p.name) for p in plain if p.kind is p.POSITIONAL_ONLY and p.name in given]
    return maker(*first, **given)


def remedy(maker: Callable[..., Any], arguments: str) -> str:
    """Return the remedy: a function without arguments."""
    return f"Name a function instead: def make(): return {maker.__name__}({arguments})"
