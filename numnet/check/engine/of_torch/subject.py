"""A torch.nn.Module or torch.autograd.Function as a Subject. autograd runs the backward pass, a Function its own.

numnet does not import PyTorch: a caller with a module has imported it, so it is in sys.modules.
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
    """Return a float64 copy of a module, or a Function, as a Subject; x is random if the module has an input size.

    Raises TypeError if there is no x and no input size, or if an input or output is a PackedSequence.
    """
    if lengths is not None:
        raise Unusable(f"{torch_name(thing)}: got lengths=, expected none. Pass forward's arguments in order.")
    rng, found = np.random.default_rng([seed, 3]), Arrays()
    names = argument_names(thing, max(1, len(inputs)))
    given = inputs or (drawn_x(thing, rng, sizes),)
    places = tuple(placed(value, name, found) for name, value in zip(names, given))
    return subject_at(TorchThing(copy_of(thing), places, seed), torch_name(thing), found, rng)


def subject_at(thing: TorchThing, name: str, inputs: Arrays, rng: Any = None, **known: Any) -> Subject:
    """Return a Subject after one call, which creates lazy parameters; with `rng`, noise is added to equal numbers."""
    call_torch(thing, inputs)
    thing.collect_weights()
    params = {n: np.array(to_numpy(p)) for n, p in thing.weights.items()}
    params = params if rng is None else drawn_params(params, rng)
    thing.load(params)
    return Subject(name, thing, call_torch, inputs, params, load=thing.load, **known)


class TorchThing:
    """A module or a Function with its arguments, trainable parameters, and a copy of its buffers."""

    def __init__(self, module: Any, places: tuple[Any, ...] = (), seed: int = 0) -> None:
        self.module, self.places, self.seed = module, places, seed
        self.weights: dict[str, Any] = {}
        lazy = sys.modules["torch"].nn.parameter.is_lazy
        buffers = [] if isinstance(module, type) else module.buffers()
        self.buffers = [(buffer, buffer.clone()) for buffer in buffers if not lazy(buffer)]
        self.function = module.apply if isinstance(module, type) else module  # type: ignore[attr-defined]
        self.device = next((p.device for _, p in named(module)), "cpu")

    def collect_weights(self) -> None:
        """Collect the trainable parameters, after the first call has created lazy ones."""
        self.weights = {name: p for name, p in named(self.module) if p.requires_grad}

    def load(self, arrays: Mapping[str, Any]) -> None:
        torch = sys.modules["torch"]
        with torch.no_grad():
            for name, value in arrays.items():
                self.weights[name].copy_(torch.as_tensor(value))

    def leaf(self, name: str, x: Any) -> Any:
        """Return a leaf tensor; it requires a gradient if it has real numbers and is not the target of a loss."""
        leaf = sys.modules["torch"].as_tensor(x).to(self.device)
        return leaf.requires_grad_() if leaf.is_floating_point() and name != "target" else leaf

    def run(self, leaves: Mapping[str, Any]) -> Any:
        """Call the module and return its result."""
        arguments = [filled(place, leaves) for place in self.places]
        return self.function(*arguments)

    def __call__(self, leaves: Mapping[str, Any]) -> dict[str, Any]:
        """Return outputs by name; buffers and random generator are reset before every call."""
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
    """Return its outputs, and the pullback by autograd to inputs and parameters."""
    torch = sys.modules["torch"]
    leaves = {name: thing.leaf(name, x) for name, x in inputs.items()}
    results = thing(leaves)
    outputs = {name: y for name, y in results.items() if y.requires_grad}
    if not outputs:
        raise Unusable(
            f"{torch_name(thing.module)}: no output requires a gradient ({', '.join(results)}), expected one that "
            "depends on a parameter or a float input. Pass floats, or remove .detach()."
        )

    def back(upstream: Mapping[str, Any]) -> dict[str, Any]:
        wanted = {n: x for n, x in {**leaves, **thing.weights}.items() if x.requires_grad}
        dys = [torch.as_tensor(upstream[name]).to(y) for name, y in outputs.items()]
        found = torch.autograd.grad([*outputs.values()], [*wanted.values()], dys, retain_graph=True, allow_unused=True)
        return {n: torch.zeros_like(x) if g is None else g for (n, x), g in zip(wanted.items(), found)}

    return outputs, back


def drawn_x(thing: Any, rng: np.random.Generator, z: Sizes) -> Any:
    """Return random x (B, T, D), or (B, D) for a cell, with the module's input size."""
    width = getattr(thing, "in_features", None) or getattr(thing, "input_size", None)
    if not isinstance(width, int):
        raise Unusable(
            f"{torch_name(thing)}: no inputs, expected x: without input_size no random x can be made. Pass x."
        )
    cell = isinstance(thing, sys.modules["torch"].nn.RNNCellBase)
    return rng.standard_normal((z.B, width) if cell else (z.B, z.T, width))


def copy_of(module: Any) -> Any:
    """Return a float64 copy of a module; a Function is not copied."""
    return module if isinstance(module, type) else copy.deepcopy(module).double()
