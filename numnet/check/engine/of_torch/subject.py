"""A torch.nn.Module or torch.autograd.Function as a Subject: autograd, or what the Function has by hand, goes back.

numnet imports nothing of PyTorch: whoever has a module has imported it, so it stands in sys.modules.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from numnet.check.engine.draw import Sizes, drawn_params
from numnet.check.engine.of_torch.arguments import argument_names, filled, flat, named, placed, torch_name
from numnet.check.engine.subject import Arrays, Back, Subject, Unusable
from numnet.core.arrays import to_numpy


def module_subject(thing: Any, inputs: Sequence[Any], lengths: Any, seed: int, sizes: Sizes) -> Subject:
    """A module, a copy in float64, or a Function, at these inputs; x is drawn where the module tells its width.

    TypeError where there is no x, and none can be drawn; where an input or the output is a PackedSequence.
    """
    if lengths is not None:
        raise Unusable(f"{torch_name(thing)}: lengths are given, expected none. Pass what forward takes, in its order.")
    rng, found = np.random.default_rng([seed, 3]), Arrays()
    names = argument_names(thing, max(1, len(inputs)))
    given = inputs or (drawn_x(thing, rng, sizes),)
    places = tuple(placed(value, name, found) for name, value in zip(names, given))
    return subject_at(TorchThing(copy_of(thing), places, seed), torch_name(thing), found, rng)


def subject_at(thing: TorchThing, name: str, inputs: Arrays, rng: Any = None, **known: Any) -> Subject:
    """Called once, for there are modules whose parameters the first call makes; equal numbers of these are moved."""
    call_torch(thing, inputs)
    thing.own()
    params = {n: np.array(to_numpy(p)) for n, p in thing.weights.items()}
    params = params if rng is None else drawn_params(params, rng)
    thing.load(params)
    return Subject(name, thing, call_torch, inputs, params, load=thing.load, **known)


class TorchThing:
    """A module or a Function, its arguments, the parameters that autograd follows, the buffers as they were."""

    def __init__(self, module: Any, places: tuple[Any, ...] = (), seed: int = 0) -> None:
        self.module, self.places, self.seed = module, places, seed
        self.weights: dict[str, Any] = {}
        lazy = sys.modules["torch"].nn.parameter.is_lazy
        buffers = [] if isinstance(module, type) else module.buffers()
        self.buffers = [(buffer, buffer.clone()) for buffer in buffers if not lazy(buffer)]
        self.function = module.apply if isinstance(module, type) else module  # type: ignore[attr-defined]
        self.device = next((p.device for _, p in named(module)), "cpu")

    def own(self) -> None:
        """Take hold of the parameters, once they are there."""
        self.weights = {name: p for name, p in named(self.module) if p.requires_grad}

    def load(self, arrays: Mapping[str, Any]) -> None:
        torch = sys.modules["torch"]
        with torch.no_grad():
            for name, value in arrays.items():
                self.weights[name].copy_(torch.as_tensor(value))

    def leaf(self, name: str, x: Any) -> Any:
        """A tensor that autograd follows, if it is one of real numbers; a loss's target is not followed."""
        leaf = sys.modules["torch"].as_tensor(x).to(self.device)
        return leaf.requires_grad_() if leaf.is_floating_point() and name != "target" else leaf

    def run(self, leaves: Mapping[str, Any]) -> Any:
        """What the module returns."""
        arguments = [filled(place, leaves) for place in self.places]
        return self.function(*arguments)

    def __call__(self, leaves: Mapping[str, Any]) -> dict[str, Any]:
        """Outputs by name; every call begins with the same buffers and drops the same."""
        torch = sys.modules["torch"]
        devices = [self.device] if getattr(self.device, "type", "cpu") == "cuda" else []
        with torch.no_grad():
            for buffer, before in self.buffers:
                buffer.copy_(before)
        with torch.random.fork_rng(devices), torch.enable_grad():
            torch.manual_seed(self.seed)
            results = self.run(leaves)
        return results if isinstance(results, dict) else dict(flat(torch_name(self.module), results))


def call_torch(thing: TorchThing, inputs: Mapping[str, Any]) -> tuple[dict[str, Any], Back]:
    """Its outputs, and autograd's way back from them to inputs and parameters."""
    torch = sys.modules["torch"]
    leaves = {name: thing.leaf(name, x) for name, x in inputs.items()}
    results = thing(leaves)
    outputs = {name: y for name, y in results.items() if y.requires_grad}
    if not outputs:
        raise Unusable(
            f"{torch_name(thing.module)}: autograd follows none of {', '.join(results)}, expected an output that "
            "depends on a parameter or an input of real numbers. Detached? Leave that out."
        )

    def back(upstream: Mapping[str, Any]) -> dict[str, Any]:
        wanted = {n: x for n, x in {**leaves, **thing.weights}.items() if x.requires_grad}
        dys = [torch.as_tensor(upstream[name]).to(y) for name, y in outputs.items()]
        found = torch.autograd.grad([*outputs.values()], [*wanted.values()], dys, retain_graph=True, allow_unused=True)
        return {n: torch.zeros_like(x) if g is None else g for (n, x), g in zip(wanted.items(), found)}

    return outputs, back


def drawn_x(thing: Any, rng: np.random.Generator, z: Sizes) -> Any:
    """x (B, T, D), or a cell's (B, D), as wide as the module says."""
    width = getattr(thing, "in_features", None) or getattr(thing, "input_size", None)
    if not isinstance(width, int):
        raise Unusable(
            f"{torch_name(thing)}: no inputs, expected x: there is no input_size to draw one by. Pass x after it."
        )
    cell = isinstance(thing, sys.modules["torch"].nn.RNNCellBase)
    return rng.standard_normal((z.B, width) if cell else (z.B, z.T, width))


def copy_of(module: Any) -> Any:
    """In float64; of a Function there is nothing to copy."""
    return module if isinstance(module, type) else copy.deepcopy(module).double()
