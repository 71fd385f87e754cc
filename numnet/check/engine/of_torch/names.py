"""torch.nn.RNN, GRU and LSTM with numnet's names and shapes, for the comparison with a numnet layer.

numnet                  torch.nn
W_x, W_h, b             weight_ih_l0, weight_hh_l0, bias_ih_l0 + bias_hh_l0
b_h, of a GRU           the rows of n in bias_hh_l0
W_r, of proj_size       weight_hr_l0
backwards.W_x, ...      weight_ih_l0_reverse, ...
layers.1.W_x, ...       weight_ih_l1, ..., of a model's second layer
h, c (B, H)             h_0[0], c_0[0]; if bidirectional, h_forth, h_back are h_0[0], h_0[1]
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from numnet.check.engine.of_torch.arguments import names_in, torch_name
from numnet.check.engine.of_torch.recurrent import GATES, Recurrent, counted, states_of
from numnet.check.engine.of_torch.subject import TorchThing, call_torch, copy_of
from numnet.check.engine.subject import Subject, Unusable

WEIGHTS = {"W_x": "weight_ih", "W_h": "weight_hh", "b": "bias_ih", "W_r": "weight_hr"}


def in_numnets_names(module: Any, like: Subject, seed: int, wanted: Collection[str]) -> Subject:
    """Return the module at the inputs of a numnet layer or model, or of a user's module with x and a state.

    A GRU has b_h only if it is in `wanted`: a GRU that resets before its matrix product has none.
    """
    if module.dropout and module.training and module.num_layers > 1:
        raise Unusable(
            f"{torch_name(module)}: dropout is {module.dropout}, expected 0: its masks cannot be shared. "
            "Call .eval() on both."
        )
    inputs = {**like.inputs}
    if "lengths" in inputs:
        inputs["lengths"] = counted(inputs["lengths"], torch_name(module))
    thing = InNumnetsNames(copy_of(module), like, wanted, seed)
    params = {name: w.detach().cpu().numpy().copy() for name, w in thing.weights.items()}
    names = GATES.get(module.mode, ())
    gates = like.gates or {name: names for name in params if names and name.rpartition(".")[2] in ("W_x", "W_h", "b")}
    time = like.time or {"x": int(module.batch_first), "y": int(module.batch_first)}
    return Subject(torch_name(module), thing, call_torch, inputs, params, time, gates, thing.load)


@dataclass(frozen=True)
class Part:
    """One direction of one layer: the prefix of numnet's names, the suffix of torch's, numnet's names of its states."""

    prefix: str
    suffix: str
    states: tuple[str, ...]


def parts(module: Any, like: Subject) -> Iterator[Part]:
    """Yield layer by layer, forward then reverse, the order in which PyTorch stacks the states."""
    model = any(name.startswith("layers.") for name in like.params)
    own = like.thing.places[1:] if isinstance(like.thing, TorchThing) else ()
    for k in range(module.num_layers):
        for way in ("forth", "back") if module.bidirectional else ("",):
            layer = f"layers.{k}." if model else ""
            half = {"forth": "forwards.", "back": "backwards.", "": ""}[way]
            states = tuple(f"{layer}{name}{f'_{way}' if way else ''}" for name in states_of(module))
            states = tuple(name for place in own for name in names_in(place)) or states
            yield Part(layer + half, f"_l{k}{'_reverse' if way == 'back' else ''}", states)


class InNumnetsNames(Recurrent):
    """x and y have numnet's layout; b is the sum of both biases, except b_h."""

    def __init__(self, module: Any, like: Subject, wanted: Collection[str], seed: int) -> None:
        super().__init__(module, seed=seed)
        self.time_first = "x" in like.time and bool(like.time["x"]) != module.batch_first
        self.parts = [*parts(module, like)]
        for part in self.parts:
            for name, w in self.own_weights(part).items():
                if name != "b_h" or any(n.rpartition(".")[2] == name for n in wanted):
                    self.weights[part.prefix + name] = w.clone().requires_grad_()

    def own_weights(self, part: Part) -> dict[str, Any]:
        """Return the module's weights under numnet's names."""
        raw = {name: p.detach() for name, p in self.module.named_parameters()}
        found = {name: raw[theirs + part.suffix] for name, theirs in WEIGHTS.items() if theirs + part.suffix in raw}
        if "b" in found:
            second, H = raw[f"bias_hh{part.suffix}"].clone(), self.module.hidden_size
            if self.module.mode == "GRU":
                found["b_h"] = second[2 * H :].clone()
                second[2 * H :] = 0
            found["b"] = found["b"] + second
        return found

    def raw(self) -> dict[str, Any]:
        """Return the weights under torch's names; the second bias is zeros, except the rows of n."""
        found = {}
        for part in self.parts:
            own = {
                name: self.weights[part.prefix + name]
                for name in (*WEIGHTS, "b_h")
                if part.prefix + name in self.weights
            }
            if "b" in own:
                b_h = own["b"].new_zeros(len(own["b"]))
                if "b_h" in own:
                    b_h = sys.modules["torch"].cat((b_h[: -len(own["b_h"])], own["b_h"]))
                found[f"bias_hh{part.suffix}"] = b_h
            found |= {theirs + part.suffix: own[name] for name, theirs in WEIGHTS.items() if name in own}
        return found

    def run(self, leaves: Mapping[str, Any]) -> dict[str, Any]:
        torch, raw = sys.modules["torch"], self.raw()
        x = leaves["x"].transpose(0, 1) if self.time_first else leaves["x"]
        given = [names for names in zip(*(part.states for part in self.parts)) if names[0] in leaves]
        state = [torch.stack([leaves[name].reshape(leaves[name].shape[-2:]) for name in names]) for names in given]
        found = self.sequence(
            lambda *arguments: torch.func.functional_call(self.module, raw, arguments), x, state, leaves.get("lengths")
        )
        results = {"y": found["y"].transpose(0, 1) if self.time_first else found["y"]}
        for k, name in enumerate(states_of(self.module)):
            results |= {part.states[k]: last for part, last in zip(self.parts, found[name])}
        return results


def with_lengths(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the inputs with lengths raised to at least 1, as PyTorch requires."""
    return {**inputs, **({"lengths": np.maximum(inputs["lengths"], 1)} if "lengths" in inputs else {})}
