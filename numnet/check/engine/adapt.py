"""Turn an Operation, a Node, a Layer, a loss, a Model or a pair of functions into a Subject in float64."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from numnet.check.engine import subject as calls
from numnet.check.engine.draw import Sizes, drawn_inputs, drawn_params
from numnet.check.engine.equations import gate_names
from numnet.check.engine.one_step import call_node, call_tree_node
from numnet.check.engine.parses import call_parses
from numnet.check.engine.subject import Arrays, Subject, Unusable
from numnet.core.arrays import to_numpy
from numnet.core.initialization import Initialization


def subject_of(thing: Any, inputs: Sequence[Any], lengths: Any, seed: int, sizes: Sizes) -> Subject:
    """Return a float64 copy as a Subject at these inputs; the seed determines inputs that are not given."""
    if is_torch(thing):
        from numnet.check.engine.of_torch import torch_subject

        return torch_subject(thing, inputs, lengths, seed, sizes)
    if isinstance(thing, tuple) and len(thing) == 2 and all(map(callable, thing)):
        return pair_subject(thing, inputs)
    if isinstance(thing, type) or not (hasattr(thing, "forward") and hasattr(thing, "backward")):
        remedy = "Pass an instance." if isinstance(thing, type) else "For two functions, pass (forward, backward)."
        raise Unusable(
            f"check_gradients: {thing!r} has no forward and backward, expected an Operation, a Node, a Layer, a loss, "
            f"a Model, a torch.nn.Module or autograd.Function, or a pair of functions. {remedy}"
        )
    return numnet_subject(thing, inputs, lengths, seed, sizes)


def is_torch(thing: Any) -> bool:
    """Whether it is a PyTorch Module or Function; torchnet's classes are called like numnet's and do not count."""
    torch = sys.modules.get("torch")
    kind = thing if isinstance(thing, type) else type(thing)
    if torch is None or any(base.__module__.startswith("torchnet.") for base in kind.__mro__):
        return False
    return isinstance(thing, torch.nn.Module) or (
        isinstance(thing, type) and issubclass(thing, torch.autograd.Function)
    )


def pair_subject(thing: Any, inputs: Sequence[Any]) -> Subject:
    """Return a pair of functions as a Subject; the inputs have the names of forward's arguments."""
    if not inputs:
        raise Unusable(
            "check_gradients: a pair of functions got no inputs, expected them after the pair. Pass x, W, ..."
        )
    names = calls.parameter_names(thing[0])[: len(inputs)]
    names += [f"x{k}" for k in range(len(names), len(inputs))]
    name = getattr(thing[0], "__name__", "forward")
    return Subject(name, thing, calls.call_pair, {n: real(x) for n, x in zip(names, inputs)})


def numnet_subject(thing: Any, inputs: Sequence[Any], lengths: Any, seed: int, sizes: Sizes) -> Subject:
    """Return an Operation of either backend, or an object with the same methods, as a Subject."""
    kind, rng = kind_of(thing), np.random.default_rng([seed, 3])
    thing = copy_in_float64(thing)
    given = drawn_inputs(thing, kind, [x if isinstance(x, tuple) else real(x) for x in inputs], lengths, rng, sizes)
    call = CALLS[kind]
    call(thing, {name: x.copy() for name, x in given.items()})  # creates the parameters if the layer is not built yet
    params = drawn_params({n: np.array(to_numpy(p)) for n, p in parameters_of(thing).items()}, rng)
    name, load = getattr(thing, "name", type(thing).__name__), loader(thing)
    if kind in ("model", "parses") and thing.loss is not None and "target" not in given:
        name += " without its loss (pass x and a target to include it)"
    if params:
        load(params)
    return Subject(name, thing, call, given, params, time_of(thing, given), gates_of(thing), load)


def copy_in_float64(thing: Any) -> Any:
    """Return a float64 copy; a part that nobody has used has the values of seed 0, so that reports repeat."""
    thing = copy.deepcopy(thing)
    drawn: Any = thing if isinstance(thing, Initialization) and thing.seed is None else None
    if drawn is not None:
        if not getattr(thing, "built", False):
            vars(thing)["seed"] = 0
        elif drawn.has_initial_values():
            drawn.build(drawn.input_size, np.random.default_rng(0), drawn.dtype)
    if hasattr(thing, "convert"):
        thing.convert("float64")
    if hasattr(thing, "unfreeze"):  # the gradient of a frozen parameter is 0
        thing.unfreeze()
    return thing


def parameters_of(thing: Any) -> dict[str, Any]:
    """Return `params`; for a class without it, each array W that has a dW beside it."""
    if hasattr(thing, "params"):
        return dict(thing.params)
    own = vars(thing)
    return {name: p for name, p in own.items() if isinstance(p, np.ndarray) and f"d{name}" in own}


def loader(thing: Any) -> Callable[[Arrays], None]:
    """Return the function that loads parameters into the object."""

    def load(params: Arrays) -> None:
        for name, value in params.items():
            setattr(thing, name, value.copy())

    return getattr(thing, "load_state_dict", load)


CALLS: dict[str, calls.Call] = {
    "operation": calls.call_operation, "loss": calls.call_loss, "layer": calls.call_layer, "node": call_node,
    "tree_node": call_tree_node, "model": calls.call_model, "encoder_decoder": calls.call_encoder_decoder,
    "parses": call_parses,
}  # fmt: skip


def kind_of(thing: Any) -> str:
    """Return which of the CALLS fits the object."""
    if hasattr(thing, "advance"):
        return "encoder_decoder"
    if getattr(thing, "reads_parses", False):
        return "parses"
    if hasattr(thing, "loss_and_grads"):
        return "model"
    if hasattr(thing, "in_nats"):
        return "loss"
    if hasattr(thing, "states"):
        return "tree_node" if hasattr(thing, "child_states") else "node"
    return "layer" if getattr(thing, "recurrent", False) else "operation"


def time_of(thing: Any, inputs: Arrays) -> dict[str, int]:
    """Return the time axis of x and y, if they have one."""
    if kind_of(thing) not in ("layer", "model") or inputs["x"].ndim < 2:
        return {}
    axis = 1 if getattr(thing, "batch_first", None) is not False else 0
    return {"x": axis, "y": axis} if getattr(thing, "keeps_time", True) else {"x": axis}


def gates_of(thing: Any) -> dict[str, tuple[str, ...]]:
    """Return the names of the blocks of rows of every node's parameters."""
    found = {}
    for full, holder, name in thing.holders() if hasattr(thing, "holders") else ():
        if hasattr(holder, "step") and holder.G > 1 and len(getattr(holder, name)) == holder.G * holder.hidden_size:
            found[full] = gate_names(holder)
    return found


def real(x: Any) -> Any:
    """Convert real numbers to float64; integers and booleans stay."""
    if type(x).__name__ == "Packed":
        raise Unusable("check_gradients: x is Packed, expected an array. Pass the padded x and lengths=.")
    x = np.array(to_numpy(x))
    return x.astype(np.float64) if x.dtype.kind == "f" else x
