"""A torch.nn.Module or Function as a Subject at the inputs of another implementation."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from numnet.check.engine.adapt import kind_of
from numnet.check.engine.of_torch.arguments import At, forward_arguments, names_in, torch_name
from numnet.check.engine.of_torch.recurrent import Recurrent, is_recurrent
from numnet.check.engine.of_torch.subject import TorchThing, copy_of, subject_at
from numnet.check.engine.subject import Subject, Unusable


def torch_beside(thing: Any, first: Subject, seed: int, free: Collection[str]) -> Subject:
    """Pass x, then a state as one argument, then lengths, as far as its forward has arguments.

    The rest is left out of both if it is `free`, that is random and not given by the user. Raises TypeError otherwise.
    """
    who, known = torch_name(thing), {"time": first.time}
    if isinstance(first.thing, Recurrent) and is_recurrent(thing):
        return subject_at(Recurrent(copy_of(thing), seed=seed), who, first.inputs, **known)
    places, names = [*places_of(first)], forward_arguments(thing)
    if "lengths" in first.inputs and names[len(places) : len(places) + 1] == ["lengths"]:
        places.append(At("lengths"))
    places = places[: len(names)] if names else places
    taken = [name for place in places for name in names_in(place)]
    left = {name: "lengths" if name == "lengths" else "state" for name in first.inputs if name not in taken}
    if not set(left.values()) <= set(free):
        raise Unusable(
            f"compare: {who} takes {', '.join(names)}, expected arguments for {', '.join(first.inputs)}. "
            f"Do not pass {', '.join(left)}."
        )
    first.inputs = {name: x for name, x in first.inputs.items() if name in taken}
    return subject_at(TorchThing(copy_of(thing), tuple(places), seed), who, first.inputs, **known)


def places_of(first: Subject) -> Iterator[Any]:
    """Yield the inputs of the first as arguments: a state is one argument, h or (h, c); a model's state is left out."""
    thing, names = first.thing, [name for name in first.inputs if name != "lengths"]
    if isinstance(thing, TorchThing) and not isinstance(thing, Recurrent):
        yield from thing.places
    elif isinstance(thing, Recurrent) or (not isinstance(thing, tuple) and kind_of(thing) in ("layer", "node")):
        yield At("x")
        state = tuple(map(At, names[1:]))
        if state:
            yield state if len(state) > 1 else state[0]
    else:
        yield from (At(name) for name in names if not name.startswith("layers."))
