"""Two subjects at the same numbers, and what each calls the tensors of the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from numnet.check.engine.against.counterpart import full_name
from numnet.check.engine.subject import Arrays, Subject, Unusable


@dataclass
class Pair:
    """Ours, theirs, and what theirs calls a tensor that ours calls `name`."""

    ours: Subject
    theirs: Subject
    their: dict[str, str] = field(default_factory=dict)

    def their_name(self, name: str) -> str:
        """An input's or a parameter's."""
        return self.their.get(name, name)

    @property
    def gates(self) -> dict[str, tuple[str, ...]]:
        """The names of the blocks of rows, of ours' parameters."""
        names = {self.their_name(name): name for name in self.ours.params}
        return dict(self.ours.gates) or {
            names[name]: gates for name, gates in self.theirs.gates.items() if name in names
        }

    def load(self, params: Arrays) -> Arrays:
        """The parameters, in theirs' names and shapes; those that no tensor of ours stands for stay."""
        known = {**self.ours.inputs, **params}
        names = {self.their_name(name): name for name in known}
        return {
            name: known[names[name]].reshape(p.shape) if name in names else p for name, p in self.theirs.params.items()
        }

    def outputs(self, ours: Arrays, theirs: Arrays) -> dict[str, str]:
        """Theirs' name of each output that both have: the same name, or else the same place among as many."""
        common = {name: name for name in ours if name in theirs}
        if not common or (len(ours) == len(theirs) and len(common) < len(ours)):
            common = dict(zip(ours, theirs))
        for name, other in common.items():
            same_but_for_ones(
                f"{full_name(self.theirs)}: {other}", theirs[other].shape, ours[name].shape, full_name(self.ours)
            )
        return common


def check_parameters(pair: Pair) -> None:
    """The same names, but for those that are inputs of the other, and the same shapes."""
    ours, theirs, names = pair.ours, pair.theirs, {mine: name for name, mine in pair.their.items()}
    have, expected = [names.get(name, name) for name in theirs.params], [*ours.params]
    extra = [name for name in have if name not in expected and name not in ours.inputs]
    missing = [name for name in expected if name not in have and name not in theirs.inputs]
    if extra or missing:
        raise Unusable(
            f"compare: {full_name(theirs)} has the parameters {', '.join(theirs.params) or 'none'}, expected "
            f"{', '.join(expected) or 'none'}, as {full_name(ours)} has. Called otherwise? Pass names={{theirs: ours}}."
            " Made otherwise? Give both the same options."
        )
    for name, p in theirs.params.items():
        mine = {**ours.inputs, **ours.params}[names.get(name, name)]
        same_but_for_ones(f"compare: {full_name(theirs)}: {name}", p.shape, mine.shape, full_name(ours))


def same_but_for_ones(what: str, got: Sequence[int], expected: Sequence[int], who: str) -> None:
    """Shapes (1, B, H) and (B, H) hold the same."""
    if [n for n in got if n != 1] != [n for n in expected if n != 1]:
        raise Unusable(
            f"{what} is {tuple(got)}, expected {tuple(expected)}, as of {who}. Give both the same sizes and options."
        )
