"""Two subjects at the same numbers, and the mapping between their tensors' names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from numnet.check.engine.against.counterpart import full_name
from numnet.check.engine.subject import Arrays, Subject, Unusable


@dataclass
class Pair:
    """Two subjects; `their` maps a name in ours to the name in theirs."""

    ours: Subject
    theirs: Subject
    their: dict[str, str] = field(default_factory=dict)

    def their_name(self, name: str) -> str:
        """Return the name in theirs of an input or parameter of ours."""
        return self.their.get(name, name)

    @property
    def gates(self) -> dict[str, tuple[str, ...]]:
        """The gates of each parameter of ours, in the order of their blocks of rows."""
        names = {self.their_name(name): name for name in self.ours.params}
        return dict(self.ours.gates) or {
            names[name]: gates for name, gates in self.theirs.gates.items() if name in names
        }

    def load(self, params: Arrays) -> Arrays:
        """Return the parameters in theirs' names and shapes; those without a counterpart in ours stay."""
        known = {**self.ours.inputs, **params}
        names = {self.their_name(name): name for name in known}
        return {
            name: known[names[name]].reshape(p.shape) if name in names else p for name, p in self.theirs.params.items()
        }

    def outputs(self, ours: Arrays, theirs: Arrays) -> dict[str, str]:
        """Return theirs' name of each common output: matched by name, else by position if the numbers are equal."""
        common = {name: name for name in ours if name in theirs}
        if not common or (len(ours) == len(theirs) and len(common) < len(ours)):
            common = dict(zip(ours, theirs))
        for name, other in common.items():
            same_but_for_ones(
                f"{full_name(self.theirs)}: {other}", theirs[other].shape, ours[name].shape, full_name(self.ours)
            )
        return common


def check_parameters(pair: Pair) -> None:
    """Raise TypeError unless both have the same parameters; one may be an input of the other."""
    ours, theirs, names = pair.ours, pair.theirs, {mine: name for name, mine in pair.their.items()}
    have, expected = [names.get(name, name) for name in theirs.params], [*ours.params]
    extra = [name for name in have if name not in expected and name not in ours.inputs]
    missing = [name for name in expected if name not in have and name not in theirs.inputs]
    if extra or missing:
        raise Unusable(
            f"compare: {full_name(theirs)} has the parameters {', '.join(theirs.params) or 'none'}, expected "
            f"{', '.join(expected) or 'none'}, as in {full_name(ours)}. Other names? Pass names={{theirs: ours}}. "
            "Other parameters? Give both the same options."
        )
    for name, p in theirs.params.items():
        mine = {**ours.inputs, **ours.params}[names.get(name, name)]
        same_but_for_ones(f"compare: {full_name(theirs)}: {name}", p.shape, mine.shape, full_name(ours))


def same_but_for_ones(what: str, got: Sequence[int], expected: Sequence[int], who: str) -> None:
    """Raise TypeError unless the shapes agree; axes of size 1 do not matter, as in (1, B, H) and (B, H)."""
    if [n for n in got if n != 1] != [n for n in expected if n != 1]:
        raise Unusable(
            f"{what} is {tuple(got)}, expected {tuple(expected)}, as in {who}. Give both the same sizes and options."
        )
