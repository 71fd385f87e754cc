"""Make a Pair of any two implementations: the same inputs, parameters and dropout masks."""

from __future__ import annotations

import copy
import importlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from numnet.check.engine import subject as calls
from numnet.check.engine.adapt import CALLS, copy_in_float64, gates_of, is_torch, kind_of, subject_of
from numnet.check.engine.against.counterpart import instance_of
from numnet.check.engine.against.pair import Pair, check_parameters
from numnet.check.engine.draw import Sizes
from numnet.check.engine.subject import Subject
from numnet.core.arrays import to_numpy


def paired(
    ours: Any,
    theirs: Any,
    inputs: Sequence[Any],
    lengths: Any,
    seed: int,
    sizes: Sizes,
    names: Mapping[str, str] | None,
) -> Pair:
    """Return both, ready to run. `names` is {name in theirs: name in ours} for parameters with different names."""
    free = {*(["lengths"] if lengths is None else []), *(["state"] if len(inputs) < 2 else [])}
    by, renamed = (seed, sizes), {**(names or {})}
    if is_torch(ours):
        theirs = instance_of(theirs, ours)
        if is_torch_recurrent(ours) and in_numnets(theirs):
            second = subject_of(theirs, inputs, lengths, *by)
            first = torch_recurrent(ours, second, seed, free, renamed)
        else:
            first = subject_of(ours, inputs, lengths, *by)
            second = other(theirs, first, seed, free, renamed)
    else:
        first = subject_of(ours, inputs, lengths, *by)
        theirs = instance_of(theirs, first.thing)
        if is_torch_recurrent(theirs) and hasattr(ours, "states"):  # a node is compared as a layer over time
            first = subject_of(
                importlib.import_module(backend(ours)).RecurrentLayer(copy.deepcopy(ours)), inputs, lengths, *by
            )
        second = other(theirs, first, seed, free, renamed)
    places = {} if set(first.inputs) & set(second.inputs) else dict(zip(first.inputs, second.inputs))
    pair = Pair(first, second, {**places, **{mine: name for name, mine in renamed.items()}})
    check_parameters(pair)
    second.params = pair.load(first.params)
    if second.params and second.load:
        second.load(second.params)
    return pair


def other(theirs: Any, first: Subject, seed: int, free: Collection[str], names: Mapping[str, str]) -> Subject:
    """Return theirs as a Subject at the inputs of the first."""
    if is_torch_recurrent(theirs) and in_numnets(getattr(first.thing, "module", first.thing)):
        return torch_recurrent(theirs, first, seed, free, names)
    if is_torch(theirs):
        from numnet.check.engine.against.beside import torch_beside

        return torch_beside(theirs, first, seed, free)
    if isinstance(theirs, tuple):
        wanted, known = calls.parameter_names(theirs[0]), {**first.inputs, **first.params}
        inputs = {name: known[name] for name in wanted} if set(wanted) <= set(known) else first.inputs
        return Subject(getattr(theirs[0], "__name__", "forward"), theirs, calls.call_pair, inputs)
    return numnets(theirs, first)


def numnets(theirs: Any, first: Subject) -> Subject:
    """Return a layer, node, loss or model of either backend in float64, with the dropout masks of the first."""
    theirs = copy_in_float64(theirs)
    kind = kind_of(theirs)
    inputs = dict(zip(("prediction", "target", "mask"), first.inputs.values())) if kind == "loss" else first.inputs
    named = "x" in inputs or kind == "loss" or set(getattr(theirs, "takes", "x")) <= set(inputs)
    inputs = inputs if named else dict(zip(("x", *list(inputs)[1:]), inputs.values()))
    CALLS[kind](theirs, inputs)
    drops_alike(first.thing, theirs)
    params = {name: np.array(to_numpy(p)) for name, p in getattr(theirs, "params", {}).items()}
    load = getattr(theirs, "load_state_dict", None)
    return Subject(theirs.name, theirs, CALLS[kind], inputs, params, first.time, gates_of(theirs), load)


def drops_alike(ours: Any, theirs: Any) -> None:
    """Copy ours' mask seeds, which depend on a layer's position in its model."""
    for mine, other in zip(layers_of(ours), layers_of(theirs)):
        for name in ("mask_seed", "seed"):
            if hasattr(mine, name) and hasattr(other, name):
                vars(other)[name] = getattr(mine, name)


def backend(thing: Any) -> str:
    """Return "numnet" or "torchnet"."""
    bases = [base.__module__.partition(".")[0] for base in type(thing).__mro__]
    return "torchnet" if "torchnet" in bases else "numnet"


def is_torch_recurrent(thing: Any) -> bool:
    """Whether it is a torch.nn.RNN, GRU or LSTM."""
    if not is_torch(thing):
        return False
    from numnet.check.engine.of_torch.recurrent import is_recurrent

    return is_recurrent(thing)


def in_numnets(thing: Any) -> bool:
    """Whether its parameters have numnet's names, not those of torch.nn.LSTM."""
    return not isinstance(thing, tuple) and "weight_ih_l0" not in dict(getattr(thing, "named_parameters", dict)())


def torch_recurrent(module: Any, like: Subject, seed: int, free: Collection[str], names: Mapping[str, str]) -> Subject:
    """Return a torch.nn.RNN, GRU or LSTM in numnet's names; random lengths are raised to at least 1 in both."""
    from numnet.check.engine.of_torch.names import in_numnets_names, with_lengths

    if "lengths" in free:
        like.inputs = with_lengths(like.inputs)
    subject = in_numnets_names(module, like, seed, {*like.params, *names, *names.values()})
    like.inputs = subject.inputs
    return subject


def layers_of(thing: Any) -> list[Any]:
    """Return the layers of a model; of two directions both."""
    if hasattr(thing, "layers"):
        return [part for layer in thing.layers for part in layers_of(layer)]
    return [thing.forwards, thing.backwards] if hasattr(thing, "forwards") else [thing]
