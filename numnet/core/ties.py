"""Tied weights: a Dense layer whose matrix is that of an Embedding. No mathematics, so both backends share it.

The matrix is a parameter of the Embedding alone: so it is counted, updated, clipped and saved once. The layer reads it
through its attribute `tied_to`, which copies and pickles of a model keep.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from numnet.core.checks.ties import absent_tie_error, check_tied_sizes, unknown_tie_error


class Tied:
    """The part of Dense that says which Embedding has its matrix."""

    name: Any
    tied_to: Any  # an Embedding, its name until a model knows the part of that name, or None
    tied_name: str | None = None  # in the model
    tie_checked = False  # by an outer network, which has the embedding in another of its models
    output_size: int

    def tie(self, embedding: Any) -> None:
        """Set the embedding that has the matrix; ValueError if its number of tokens is not the layer's output size."""
        check_tied_sizes(self.name, self.output_size, embedding.input_size)
        vars(self)["tied_to"] = embedding

    def assigned(self, name: str, value: Any) -> bool:
        """Assign the matrix, or its gradient, to the embedding."""
        if name in ("W", "dW") and vars(self).get("tied_to") is not None:
            setattr(self.tied_to, name, value)
            return True
        return bool(super().assigned(name, value))  # type: ignore[misc]

    def set_trained(self, trained: bool, names: Collection[str]) -> Any:
        """Freeze or unfreeze the matrix, too, which is a parameter of the embedding."""
        tied = vars(self).get("tied_to")
        if tied is not None and not isinstance(tied, str) and (not names or "W" in names):
            tied.set_trained(trained, ("W",))
            others = [name for name in names if name != "W"]
            if names and not others:
                return self
            names = others
        return super().set_trained(trained, names)  # type: ignore[misc]

    def tied_config(self) -> dict[str, Any]:
        """Return the entry of config, the embedding's name in the model."""
        return {} if self.tied_to is None else {"tied_to": self.tied_name}


def resolve_ties(who: str, named: Mapping[str, Any], inner: bool = False) -> None:
    """Find the embedding of each tied layer among these parts, by name or by identity; ValueError if it is absent.

    With inner=True the parts are handed on to models inside, which then need not have the embedding themselves.
    """
    found = dict(parts_below(named))
    tables = {name: part for name, part in found.items() if type(part).__name__ == "Embedding"}
    for place, part in found.items():
        tied = vars(part).get("tied_to")
        if tied is None or vars(part).pop("tie_checked", False):
            continue
        if isinstance(tied, str):
            if tied not in tables:
                raise unknown_tie_error(who, place, tied, tables)
            part.tie(tables[tied])
        name = next((name for name, table in tables.items() if table is part.tied_to), None)
        if name is None:
            raise absent_tie_error(who, place, tables)
        vars(part).update(tied_name=name, **({"tie_checked": True} if inner else {}))


def tied_names(network: Any, names: Collection[str]) -> Iterator[str]:
    """Yield the names of the matrices to which the parts of these names are tied."""
    for place, part in parts_below({"": network}) if names else ():
        tied = vars(part).get("tied_name")
        if tied and any(place == name or place.startswith(f"{name}.") or f"{place}.W" == name for name in names):
            yield f"{tied}.W"


def parts_below(named: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield these parts and all parts inside them, by name."""
    for name, part in named.items():
        yield name, part
        inside = part.parts() if hasattr(part, "parts") else dict(part.named_children())
        yield from parts_below({".".join(filter(None, (name, own))): each for own, each in inside.items()})
