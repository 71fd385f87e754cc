"""Parameter groups: parts of a model that an optimizer updates with other options. Shared by both backends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from numnet.core.answers import no_option
from numnet.core.checks import names_under
from numnet.core.checks.groups import check_group, check_groups, check_in_model, check_once
from numnet.core.show import Shown, text

OF_ALL = ("clip_norm", "clip_value", "groups")  # options that no group has: they hold for all parameters together


class Group:
    """The parts of one group, names or objects, and the options that replace those of the optimizer."""

    def __init__(self, who: str, kind: Any, parts: Any, options: Any, allowed: Sequence[str]) -> None:
        self.parts = list(parts) if isinstance(parts, (list, tuple)) else [parts]
        self.name = ", ".join(part if isinstance(part, str) else text(part) for part in self.parts)
        check_group(who, self.name, self.parts, options, OF_ALL)
        for option in options:
            if option not in allowed:
                raise no_option(f"{who}, group {self.name!r}", option, kind)
        self.options = dict(options)

    def names_in(self, who: str, params: Mapping[str, Any]) -> list[str]:
        """Return the names of the group's parameters in the model; ValueError for a part that is not in it."""
        return [name for part in self.parts for name in names_of(who, part, params)]


def as_groups(who: str, kind: Any, groups: Any, allowed: Sequence[str]) -> list[Group]:
    """Return the groups of a dictionary {part or name: options}, or of a list of pairs of them."""
    if groups is None:
        return []
    pairs = check_groups(who, list(groups.items()) if isinstance(groups, Mapping) else groups)
    return [Group(who, kind, parts, options, allowed) for parts, options in pairs]


def names_of(who: str, part: Any, params: Mapping[str, Any]) -> list[str]:
    """Return the names, among those of the model, of the parameters of a part or a name."""
    if isinstance(part, str):
        return names_under(who, "parameter or part", part, params)
    part = part if isinstance(part, Shown) else getattr(part, "part", part)  # a wrapper of a Tape has the part
    arrays = part.params.values() if hasattr(part, "params") else getattr(part, "parameters", tuple)()
    own = {id(p) for p in arrays}
    found = [name for name, p in params.items() if id(p) in own]
    check_in_model(who, part, len(own), len(found), params)
    return found


def group_of_each(who: str, groups: Sequence[Group], params: Mapping[str, Any]) -> list[int]:
    """Return for each parameter the number of its group, counted from 1, or 0 if it is in none."""
    found = dict.fromkeys(params, 0)
    for number, group in enumerate(groups, 1):
        for name in group.names_in(who, params):
            check_once(who, name, found[name], [each.name for each in groups], number)
            found[name] = number
    return list(found.values())
