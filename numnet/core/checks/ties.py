"""Validation of tied weights."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from numnet.core.answers import package_of
from numnet.core.checks.parts import described_part


def check_tied_to(who: str, tied_to: Any, kind: type) -> None:
    """Check that a layer is tied to an Embedding of this package, to the name of one, or to nothing."""
    if tied_to is None or isinstance(tied_to, (kind, str)):
        return
    remedy = f" Make it first: embedding = Embedding(...), then {who}(..., tied_to=embedding)."
    remedy = remedy if isinstance(tied_to, type) else " Only a matrix of one vector for each token can be tied."
    raise TypeError(
        f"{who}: tied_to is {described_part(tied_to, package_of(kind))}, expected an Embedding of this package, or its "
        f"name in the model.{remedy}"
    )


def check_tied_sizes(who: str, output_size: int, tokens: int) -> None:
    """Check that there is an output for each token of the embedding."""
    if output_size != tokens:
        raise ValueError(
            f"{who}: output_size is {output_size}, expected {tokens}, the number of tokens of the Embedding that it is "
            f"tied to. Use {who}({tokens}, tied_to=...)."
        )


def check_tied_width(who: str, input_size: int, tied_to: Any) -> None:
    """Check that the embedding is known, and that its vectors are as wide as x."""
    if isinstance(tied_to, str):
        raise ValueError(
            f"{who}: tied_to is {tied_to!r}, expected an Embedding: a name is that of a part of the same model. Put "
            "both into one model, or pass the Embedding itself."
        )
    if input_size != tied_to.output_size:
        raise ValueError(
            f"{who}: x has {input_size} features, expected {tied_to.output_size}, the width of the Embedding that it "
            f"is tied to. Put a Dense({tied_to.output_size}) before it, or change one of the widths."
        )


def unknown_tie_error(who: str, place: str, name: str, known: Iterable[str]) -> ValueError:
    """Return the error for a layer that is tied to a name that no embedding has."""
    return ValueError(f"{who}: {place} is tied to {name!r}, expected the name of an Embedding: {listed(known)}.")


def absent_tie_error(who: str, place: str, known: Iterable[str]) -> ValueError:
    """Return the error for a layer that is tied to an embedding of another model, or of none."""
    return ValueError(
        f"{who}: {place} is tied to an Embedding that is no part of the {who}, expected one of its Embeddings: "
        f"{listed(known)}. Give both parts to the same model."
    )


def listed(names: Iterable[str]) -> str:
    """Return names in a row, or that there are none."""
    return ", ".join(names) or "there is none"
