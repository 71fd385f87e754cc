"""Random inputs and parameters for a check: no zeros, no equal numbers, ragged lengths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from numnet.check.engine import subject as calls
from numnet.check.engine.subject import Arrays, Unusable
from numnet.core.shift_reduce import GROWTH, SHIFT, valid_moves


@dataclass(frozen=True)
class Sizes:
    """A batch: B rows, T steps, D features, H hidden units."""

    B: int = 3
    T: int = 5
    D: int = 4
    H: int = 6


SIZES = Sizes()


def drawn_inputs(
    thing: Any, kind: str, given: Sequence[Any], lengths: Any, rng: np.random.Generator, z: Sizes
) -> Arrays:
    """Return the inputs by name; those that are not given are random."""
    if kind == "loss":
        return loss_inputs(thing, given, rng, z)
    if kind == "tree_node":
        return tree_inputs(thing, given, rng, z)
    if len(getattr(thing, "takes", ("x",))) > 1:
        return several_inputs(thing, given, lengths, rng, z)
    if kind == "encoder_decoder":
        return encoder_decoder_inputs(thing, given, lengths, rng, z)
    if kind == "parses":
        return parse_inputs(thing, given, lengths, rng, z)
    inputs: dict[str, Any] = {"x": given[0] if given else drawn_x(thing, kind, rng, z)}
    if kind in ("layer", "model") and inputs["x"].ndim > 2 and reads_of(thing) == "numbers":
        inputs["x"] = inputs["x"].astype(np.float64)  # a layer that reads numbers takes integers as numbers
    takes_lengths = kind in ("layer", "model") or getattr(thing, "over_time", False)
    if lengths is None and not given and takes_lengths and inputs["x"].ndim > 1:
        lengths = ragged(rng, z.B, z.T)
    if lengths is not None:
        inputs["lengths"] = np.array(lengths)
    if len(given) > 1 and kind == "operation":
        raise Unusable(
            f"check_gradients: {calls.name_of(thing)} got {len(given)} inputs, expected x alone. "
            "Pass a pair of functions to check a function of several inputs."
        )
    if len(given) > 1 and kind == "model":
        inputs["target"] = given[1]
    elif len(given) > 1:
        return inputs | state_given(thing, given[1])
    return inputs | drawn_states(thing, kind, inputs, rng)


def tree_inputs(thing: Any, given: Sequence[Any], rng: np.random.Generator, z: Sizes) -> Arrays:
    """Return the states of two children, and a context unless the node has none: its input_size is 0."""
    names, count = thing.child_states, len(thing.states)
    if given and len(given) not in (2, 3):
        raise Unusable(
            f"check_gradients: the number of inputs of {thing.name} is {len(given)}, expected left, right and x. Pass "
            "two states, and a context if the node has one; or none of them."
        )
    for child in given[:2]:
        if not isinstance(child, tuple) if count > 1 else np.ndim(child) != 2:
            raise Unusable(
                f"check_gradients: a child of {thing.name} has no {' and '.join(thing.states)}, expected a state. Pass "
                f"({', '.join(thing.states)}), zeros for a missing child."
            )
    if not given:
        inputs = {name: rng.standard_normal((size, z.B)) for name, size in zip(names, thing.state_sizes * 2)}
        context = {} if thing.input_size == 0 else {"x": rng.standard_normal((thing.input_size or z.D, z.B))}
        return inputs | context
    children = {**calls.named(given[0], names[:count]), **calls.named(given[1], names[count:])}
    return {name: np.array(part, np.float64) for name, part in children.items()} | dict(zip(("x",), given[2:]))


def drawn_x(thing: Any, kind: str, rng: np.random.Generator, z: Sizes) -> Any:
    """Return x with the object's input_size, if known; integers for layers that read tokens, such as an Embedding."""
    D = getattr(thing, "input_size", None) or z.D
    if kind == "node":
        return rng.standard_normal((D, z.B))
    places = (z.B, z.T) if getattr(thing, "batch_first", None) is not False else (z.T, z.B)
    if reads_of(thing) == "tokens":
        return rng.integers(0, D, places)
    if reads_of(thing) == "numbers":
        return rng.standard_normal((*places, D))
    return drawn_rows(thing.layers[0] if kind == "model" else thing, places, z.T, rng)


def reads_of(thing: Any) -> str:
    """Return the kind of x that it or its first layer reads: "numbers", "tokens" or "rows of tokens"."""
    if hasattr(thing, "loss_and_grads") or hasattr(thing, "reads_parses"):
        return reads_of(thing.layers[0]) if len(thing.layers) else "numbers"
    return str(getattr(thing, "reads", "tokens" if type(thing).__name__ == "Embedding" else "numbers"))


def drawn_rows(thing: Any, places: tuple[int, int], width: int, rng: np.random.Generator) -> Any:
    """Return token columns: for Concat those of each layer; for Characters words shorter than the row."""
    if getattr(thing, "widths", None):
        columns = zip(thing.layers, thing.widths)
        return np.concatenate([drawn_rows(layer, places, own, rng) for layer, own in columns], axis=-1)
    V = thing.input_size if reads_of(thing) != "numbers" else width
    if reads_of(thing) != "rows of tokens":
        return rng.integers(0, V, (*places, width))
    ends = rng.integers(0, width + 1, (*places, 1))
    return np.where(np.arange(width) < ends, rng.integers(min(1, V - 1), V, (*places, width)), 0)


def ragged(rng: np.random.Generator, B: int, T: int) -> Any:
    """Return unsorted lengths from 0 to T; with at least three rows, T, 1 and 0 are among them."""
    lengths = rng.integers(0, T + 1, B)
    lengths[: min(3, B)] = [T, 1, 0][: min(3, B)]
    return rng.permutation(lengths)


def loss_inputs(thing: Any, given: Sequence[Any], rng: np.random.Generator, z: Sizes) -> Arrays:
    """Return a prediction and a target: numbers of the same shape, or class indices if the loss rejects numbers."""
    if len(given) == 1:
        raise Unusable(
            f"check_gradients: {calls.name_of(thing)} got only a prediction, expected prediction and target. "
            "Pass both or neither."
        )
    if given:
        return dict(zip(("prediction", "target", "mask"), map(np.asarray, given)))
    weights = (getattr(thing, name, None) for name in ("class_weights", "pos_weight", "weight"))
    D = next((len(w) for w in weights if w is not None and np.ndim(w)), z.D)
    prediction = rng.standard_normal((z.B, z.T, D * len(getattr(thing, "quantiles", (None,)))))
    target = {"classes": rng.integers(0, D, (z.B, z.T)), "numbers": rng.random((z.B, z.T, D))}
    try:
        thing.forward(prediction, target["numbers"])
    except (ValueError, TypeError, IndexError):
        return {"prediction": prediction, "target": target["classes"]}
    return {"prediction": prediction, "target": target["numbers"]}


def several_inputs(thing: Any, given: Sequence[Any], lengths: Any, rng: np.random.Generator, z: Sizes) -> Arrays:
    """Return the inputs that an Operation names, with its widths; each is one step longer than the one before."""
    names, inputs = thing.takes, dict(zip(thing.takes, given))
    if given and len(given) != len(names):
        raise Unusable(
            f"check_gradients: {thing.name} got {len(given)} inputs, expected {', '.join(names)}. Pass all or none."
        )
    if not given:
        inputs = {name: rng.standard_normal((z.B, z.T + k, thing.widths[k] or z.D)) for k, name in enumerate(names)}
        lengths = ragged(rng, z.B, z.T + len(names) - 1) if lengths is None else lengths
    return inputs if lengths is None else {**inputs, "lengths": np.array(lengths)}


def encoder_decoder_inputs(
    thing: Any, given: Sequence[Any], lengths: Any, rng: np.random.Generator, z: Sizes
) -> Arrays:
    """Return a source and a target of different lengths; the target is padded with -1."""
    if len(given) == 1:
        raise Unusable(f"check_gradients: {thing.name} got only x, expected x and a target. Pass both or neither.")
    if given:
        inputs = {"x": given[0], "target": np.asarray(given[1])}
        return inputs if lengths is None else {**inputs, "lengths": np.array(lengths)}
    x, T = drawn_x(thing.encoder, "model", rng, z), z.T + 1
    target = rng.integers(0, thing.target_width, (z.B, T))
    target[np.arange(T) >= ragged(rng, z.B, T)[:, None]] = -1
    return {"x": x, "target": target, "lengths": ragged(rng, z.B, z.T) if lengths is None else np.array(lengths)}


def parse_inputs(thing: Any, given: Sequence[Any], lengths: Any, rng: np.random.Generator, z: Sizes) -> Arrays:
    """Return words, lengths and transitions, those of a given ParseBatch or random ones; and a target if given."""
    target = {"target": np.asarray(given[1])} if len(given) > 1 else {}
    if given and hasattr(given[0], "transitions"):
        return dict(zip(("x", "lengths", "transitions"), map(np.asarray, given[0]))) | target
    if given:
        got = type(given[0]).__name__
        raise Unusable(f"check_gradients: {thing.name} got {got}, expected a ParseBatch, and a target for the loss.")
    z = Sizes(getattr(thing, "sides", 1) * z.B, z.T, z.D, z.H)
    counts = ragged(rng, z.B, z.T) if lengths is None else np.array(lengths)
    return {"x": drawn_x(thing, "model", rng, z), "lengths": counts, "transitions": drawn_moves(rng, counts, z.T)}


def drawn_moves(rng: np.random.Generator, lengths: Any, N: int) -> Any:
    """Return random moves (B, 2N - 1) that build a tree of each sentence."""
    size, left, moves = np.zeros_like(lengths), lengths, []
    for _ in range(2 * N - 1):
        valid = valid_moves(size, left)
        moves.append((rng.random(valid.shape) * valid).argmax(axis=-1))
        size, left = size + GROWTH[moves[-1]], left - (moves[-1] == SHIFT)
    return np.stack(moves, axis=1)


def state_given(thing: Any, state: Any) -> Arrays:
    """Return a given initial state by name."""
    names = tuple(thing.states) if hasattr(thing, "states") else calls.state_names(thing)
    return {name: np.array(part, np.float64) for name, part in calls.named(state, names).items()}


def drawn_states(thing: Any, kind: str, inputs: Arrays, rng: np.random.Generator) -> Arrays:
    """Return random initial states where they are no parameters: zeros would hide errors in carried gradients."""
    if kind == "node":
        B = inputs["x"].shape[-1]
        return {name: rng.standard_normal((size, B)) for name, size in zip(thing.states, thing.state_sizes)}
    layers = thing.layers if kind == "model" else [thing] if kind == "layer" else []
    found: Arrays = {}
    for k, layer in enumerate(layers):
        if getattr(layer, "recurrent", False) and not learns(layer):
            B = inputs["x"].shape[0 if getattr(thing, "batch_first", None) is not False else 1]
            names = calls.state_names(layer)
            names = calls.numbered(names, k) if kind == "model" else names
            found |= drawn_state(layer, names, B, rng)
    return found


def learns(layer: Any) -> bool:
    """Whether the initial state is a parameter."""
    first = layer.layers[0] if hasattr(layer, "stacked_state") else layer
    return bool(getattr(getattr(first, "forwards", first), "learn_state", False))


def drawn_state(layer: Any, names: tuple[Any, ...], B: int, rng: np.random.Generator) -> Arrays:
    """Return the random initial state of one layer, for two directions or several layers that of all."""
    if isinstance(names[0], tuple):
        parts = layer.layers if hasattr(layer, "stacked_state") else (layer.forwards, layer.backwards)
        ways = zip(parts, names)
        return {name: part for half, way in ways for name, part in drawn_state(half, way, B, rng).items()}
    return {name: rng.standard_normal((B, size)) for name, size in zip(names, layer.node.state_sizes)}


def drawn_params(params: Arrays, rng: np.random.Generator) -> Arrays:
    """Return the parameters; noise is added to those with all numbers equal, such as a fresh bias or gain."""
    return {
        name: p if p.size > 1 and np.ptp(p) > 0 else p + 0.3 * rng.standard_normal(p.shape)
        for name, p in params.items()
    }
