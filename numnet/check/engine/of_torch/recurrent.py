"""torch.nn.RNN, GRU and LSTM as Subjects: states by name, gates, and lengths as packed sequences."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from numnet.check.engine.draw import Sizes, ragged
from numnet.check.engine.of_torch.arguments import placed, real, torch_name
from numnet.check.engine.of_torch.subject import TorchThing, copy_of, subject_at
from numnet.check.engine.subject import Arrays, Subject, Unusable

GATES: dict[str, tuple[str, ...]] = {"GRU": ("r", "z", "n"), "LSTM": ("i", "f", "g", "o")}


def is_recurrent(thing: Any) -> bool:
    """Whether it is an instance of torch.nn.RNN, GRU or LSTM."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(thing, (torch.nn.RNN, torch.nn.GRU, torch.nn.LSTM))


def states_of(module: Any) -> tuple[str, ...]:
    """Return the names of the parts of a state."""
    return ("h", "c") if module.mode == "LSTM" else ("h",)


def recurrent_subject(thing: Any, inputs: Sequence[Any], lengths: Any, seed: int, z: Sizes) -> Subject:
    """Return the module as a Subject with inputs x, lengths, h (and c) and outputs y, h (and c)."""
    rng, first = np.random.default_rng([seed, 3]), thing.batch_first
    shape = (z.B, z.T, thing.input_size) if first else (z.T, z.B, thing.input_size)
    found: Arrays = {}
    placed(inputs[0] if inputs else rng.standard_normal(shape), "x", found)
    if lengths is None and not inputs:
        lengths = np.maximum(ragged(rng, z.B, z.T), 1)
    if lengths is not None:
        found["lengths"] = counted(lengths, torch_name(thing))
    found |= initial_state(thing, inputs[1] if len(inputs) > 1 else None, found["x"], rng)
    wrapped = Recurrent(copy_of(thing), seed=seed)
    gates = {n: GATES[thing.mode] for n, _ in thing.named_parameters() if thing.mode in GATES and "_hr_" not in n}
    time = int(first) if found["x"].ndim == 3 else 0
    return subject_at(wrapped, torch_name(thing), found, rng, time={"x": time, "y": time}, gates=gates)


def initial_state(module: Any, given: Any, x: Any, rng: np.random.Generator) -> Arrays:
    """Return the initial state by name, by default random: zeros would hide errors in carried gradients."""
    names, L = states_of(module), module.num_layers * (2 if module.bidirectional else 1)
    if given is not None:
        parts = given if isinstance(given, (tuple, list)) else (given,)
        return {name: real(part) for name, part in zip(names, parts)}
    batch = () if x.ndim == 2 else (x.shape[0 if module.batch_first else 1],)
    sizes = (module.proj_size or module.hidden_size, module.hidden_size)
    return {name: rng.standard_normal((L, *batch, size)) for name, size in zip(names, sizes)}


def counted(lengths: Any, who: str) -> Any:
    """Return lengths (B,) from lengths or a mask (B, T); PyTorch packs only lengths of at least 1, without gaps."""
    lengths = np.asarray(lengths)
    counts = lengths.sum(axis=1) if lengths.ndim == 2 else lengths
    if lengths.ndim == 2 and (lengths != (np.arange(lengths.shape[1]) < counts[:, None])).any():
        raise Unusable(f"{who}: the mask has gaps, expected none: packed sequences have no gaps. Pass lengths (B,).")
    if (counts < 1).any():
        raise Unusable(
            f"{who}: a length is {counts.min()}, expected at least 1: PyTorch packs no empty row. Remove that row."
        )
    return counts.astype(np.int64)


class Recurrent(TorchThing):
    """A recurrent module on padded sequences, which are packed before the call."""

    def run(self, leaves: Mapping[str, Any]) -> dict[str, Any]:
        state = [leaves[name] for name in states_of(self.module) if name in leaves]
        return self.sequence(self.module, leaves["x"], state, leaves.get("lengths"))

    def sequence(self, call: Any, x: Any, state: Sequence[Any], lengths: Any) -> dict[str, Any]:
        """Return y and the last state of call(x, state); an empty state means zeros."""
        pack, first = sys.modules["torch"].nn.utils.rnn, self.module.batch_first
        given = tuple(state) if len(state) > 1 else state[0] if state else None
        if lengths is None:
            y, last = call(x, given)
        else:
            y, last = call(pack.pack_padded_sequence(x, lengths.cpu(), first, enforce_sorted=False), given)
            y, _ = pack.pad_packed_sequence(y, first, total_length=x.shape[1 if first else 0])
        return {"y": y, **dict(zip(states_of(self.module), last if isinstance(last, tuple) else (last,)))}
