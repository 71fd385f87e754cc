"""From what a user has, an Operation, a Node, a Layer, a loss, a Model, two functions, to a Subject in float64."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from numnet.check.engine import subject as calls
from numnet.check.engine.draw import Sizes, drawn_inputs, drawn_params
from numnet.check.engine.equations import gate_names
from numnet.check.engine.one_step import call_node
from numnet.check.engine.subject import Arrays, Subject, Unusable
from numnet.core.arrays import to_numpy


def subject_of(thing: Any, inputs: Sequence[Any], lengths: Any, seed: int, sizes: Sizes) -> Subject:
    """The thing in float64, a copy, at these inputs; what is not given is drawn from the seed."""
    if is_torch(thing):
        from numnet.check.engine.of_torch import torch_subject

        return torch_subject(thing, inputs, lengths, seed, sizes)
    if isinstance(thing, tuple) and len(thing) == 2 and all(map(callable, thing)):
        return pair_subject(thing, inputs)
    if isinstance(thing, type) or not (hasattr(thing, "forward") and hasattr(thing, "backward")):
        remedy = "Pass an instance." if isinstance(thing, type) else "Of two functions pass the pair."
        raise Unusable(
            f"check_gradients: {thing!r} has no forward and backward, expected an Operation, a Node, a Layer, a loss, "
            f"a Model, PyTorch's Module or Function, or a pair (forward, backward). {remedy}"
        )
    return numnet_subject(thing, inputs, lengths, seed, sizes)


def is_torch(thing: Any) -> bool:
    """A module or a Function of PyTorch's, and none of torchnet's, whose calls are numnet's."""
    torch = sys.modules.get("torch")
    kind = thing if isinstance(thing, type) else type(thing)
    if torch is None or any(base.__module__.startswith("torchnet.") for base in kind.__mro__):
        return False
    return isinstance(thing, torch.nn.Module) or (
        isinstance(thing, type) and issubclass(thing, torch.autograd.Function)
    )


def pair_subject(thing: Any, inputs: Sequence[Any]) -> Subject:
    """Two functions, their inputs by the names that forward gives them."""
    if not inputs:
        raise Unusable("check_gradients: a pair of functions has no inputs, expected them after it. Pass x, W, ...")
    names = calls.parameter_names(thing[0])[: len(inputs)]
    names += [f"x{k}" for k in range(len(names), len(inputs))]
    name = getattr(thing[0], "__name__", "forward")
    return Subject(name, thing, calls.call_pair, {n: real(x) for n, x in zip(names, inputs)})


def numnet_subject(thing: Any, inputs: Sequence[Any], lengths: Any, seed: int, sizes: Sizes) -> Subject:
    """An Operation of either backend's, or what is called like one."""
    kind, rng = kind_of(thing), np.random.default_rng([seed, 3])
    thing = copy.deepcopy(thing)
    if hasattr(thing, "convert"):
        thing.convert("float64")
    given = drawn_inputs(thing, kind, [x if isinstance(x, tuple) else real(x) for x in inputs], lengths, rng, sizes)
    call = CALLS[kind]
    call(thing, {name: x.copy() for name, x in given.items()})  # makes parameters, where there are none
    params = drawn_params({n: np.array(to_numpy(p)) for n, p in parameters_of(thing).items()}, rng)
    name, load = getattr(thing, "name", type(thing).__name__), loader(thing)
    if kind == "model" and thing.loss is not None and "target" not in given:
        name += " without its loss, for which it takes x and a target,"
    if params:
        load(params)
    return Subject(name, thing, call, given, params, time_of(thing, given), gates_of(thing), load)


def parameters_of(thing: Any) -> dict[str, Any]:
    """`params`; of a class that has none, each array W beside which there is dW."""
    if hasattr(thing, "params"):
        return dict(thing.params)
    own = vars(thing)
    return {name: p for name, p in own.items() if isinstance(p, np.ndarray) and f"d{name}" in own}


def loader(thing: Any) -> Callable[[Arrays], None]:
    """What gives the thing other parameters."""

    def load(params: Arrays) -> None:
        for name, value in params.items():
            setattr(thing, name, value.copy())

    return getattr(thing, "load_state_dict", load)


CALLS: dict[str, calls.Call] = {
    "operation": calls.call_operation, "loss": calls.call_loss, "layer": calls.call_layer, "node": call_node,
    "model": calls.call_model, "encoder_decoder": calls.call_encoder_decoder,
}  # fmt: skip


def kind_of(thing: Any) -> str:
    """Which of the six ways of calling is its own."""
    if hasattr(thing, "advance"):
        return "encoder_decoder"
    if hasattr(thing, "loss_and_grads"):
        return "model"
    if hasattr(thing, "in_nats"):
        return "loss"
    if hasattr(thing, "states"):
        return "node"
    return "layer" if getattr(thing, "recurrent", False) else "operation"


def time_of(thing: Any, inputs: Arrays) -> dict[str, int]:
    """The axis that is time."""
    if kind_of(thing) not in ("layer", "model") or inputs["x"].ndim < 2:
        return {}
    axis = 1 if getattr(thing, "batch_first", True) else 0
    return {"x": axis, "y": axis} if getattr(thing, "keeps_time", True) else {"x": axis}


def gates_of(thing: Any) -> dict[str, tuple[str, ...]]:
    """The names of the blocks of rows of every node's parameters."""
    found = {}
    for full, holder, name in thing.holders() if hasattr(thing, "holders") else ():
        if hasattr(holder, "step") and holder.G > 1 and len(getattr(holder, name)) == holder.G * holder.hidden_size:
            found[full] = gate_names(holder)
    return found


def real(x: Any) -> Any:
    """Numbers as float64; integers and truth values stay such."""
    if type(x).__name__ == "Packed":
        raise Unusable("check_gradients: x is Packed, expected an array. Pass the padded x and its lengths.")
    x = np.array(to_numpy(x))
    return x.astype(np.float64) if x.dtype.kind == "f" else x
