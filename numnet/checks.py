"""The words of every error, once for both backends: who, got, expected, remedy."""

from __future__ import annotations

import functools
import math
import numbers
from collections.abc import Mapping, Sequence
from typing import Any

Shape = tuple[int, ...]


def kind_of(x: Any) -> str:
    """'token' for integers, 'real' for floats and booleans; numpy and torch dtypes alike."""
    return kind_of_dtype(x.dtype)


@functools.cache  # numpy takes longer to spell a dtype than to add a thousand numbers
def kind_of_dtype(dtype: Any) -> str:
    """What kind_of says of every array of this dtype."""
    name = str(dtype).replace("torch.", "")
    if name.startswith(("int", "uint")):
        return "token"
    return "real" if name.startswith(("float", "bfloat", "bool")) else name


def check_real(who: str, name: str, x: Any) -> None:
    """A TypeError unless x holds real numbers (integers are taken as such)."""
    if kind_of(x) not in ("real", "token"):
        raise TypeError(f"{who}: {name} is {kind_of(x)}, expected real numbers. Convert it with .astype('float32').")


def check_features(who: str, x: Any, input_size: int | None) -> None:
    """Any rank from 2 up, features last."""
    check_real(who, "x", x)
    if x.ndim < 2:
        raise ValueError(f"{who}: x is {tuple(x.shape)}, expected (batch, ..., features). One sample? Pass x[None].")
    check_width(who, x, input_size)


def check_width(who: str, x: Any, input_size: int | None) -> None:
    """The last axis as wide as the parameters are."""
    if input_size is not None and x.shape[-1] != input_size:
        raise ValueError(
            f"{who}: x has {x.shape[-1]} features, expected {input_size}. "
            "The input size is fixed by input_size= or by the first batch."
        )


def check_steps(who: str, x: Any, batch_first: bool = True, tokens: bool = True) -> None:
    """(batch, time, features) of numbers, or, where these are taken, (batch, time) of tokens; at least one step."""
    check_real(who, "x", x)
    integers = kind_of(x) == "token" and x.ndim <= 2
    if x.ndim != (2 if integers and tokens else 3):
        axes, one = ("batch, time", "x[None]") if batch_first else ("time, batch", "x[:, None]")
        or_tokens = f", or integer tokens ({axes})" if tokens else ""
        remedy = f" One sequence? Pass {one}." if x.ndim == (1 if integers else 2) else ""
        remedy = " Tokens? Put an Embedding before it." if integers and not tokens else remedy
        raise ValueError(f"{who}: x is {tuple(x.shape)}, expected ({axes}, features){or_tokens}.{remedy}")
    if 0 in x.shape[:2]:
        raise ValueError(f"{who}: x is {tuple(x.shape)}, expected at least one sequence of at least one step.")


def check_sequence(who: str, x: Any, input_size: int | None, batch_first: bool = True) -> None:
    """A batch of sequences, as wide as the parameters are, or tokens that these know."""
    check_steps(who, x, batch_first)
    if x.ndim == 3:
        check_width(who, x, input_size)
    elif input_size is None:
        raise ValueError(f"{who}: x holds tokens, whose number of values no batch shows. Give input_size= (V).")
    else:
        check_tokens(who, x, input_size)


def check_tokens(who: str, x: Any, size: int) -> None:
    """Integers from 0 to size - 1; numpy alone would read -1 as the last one, silently."""
    if kind_of(x) != "token":
        kind = str(x.dtype).removeprefix("torch.")
        raise TypeError(f"{who}: tokens are {kind}, expected integers. Encode text with Vocabulary.encode.")
    if 0 in x.shape or (int(x.min()) >= 0 and int(x.max()) < size):
        return
    first = first_place((x < 0) | (x >= size))
    raise IndexError(
        f"{who}: token {int(x[tuple(first)])} at {first}, expected 0 to {size - 1} (V = {size}). "
        "Was the text encoded with another vocabulary?"
    )


def check_words(who: str, x: Any, size: int) -> None:
    """Words, each a row of characters and then zeros."""
    if x.ndim < 2 or 0 in x.shape:
        remedy = " One word? Pass x[None]." if x.ndim == 1 else ""
        raise ValueError(f"{who}: x is {tuple(x.shape)}, expected (batch, ..., characters), at least one word.{remedy}")
    check_tokens(who, x, size)
    first = first_place((x[..., 1:] != 0) & (x[..., :-1] == 0))
    if first:
        first[-1] += 1
        raise ValueError(
            f"{who}: character {int(x[tuple(first)])} at {first} stands behind a 0, expected zeros at a word's end "
            "alone. Number the characters from 1."
        )


def first_place(where: Any) -> list[int]:
    """The place of the first truth value, of an array or a tensor; of none, nothing."""
    found = where.nonzero()
    if hasattr(found, "tolist"):
        found = tuple(found.T)
    return [int(axis[0]) for axis in found if len(axis)]


def check_shape(who: str, name: str, shape: Sequence[int], expected: Sequence[int], remedy: str) -> None:
    """One array of one known shape: a state, an upstream gradient, a mask."""
    if tuple(shape) != tuple(expected):
        raise ValueError(f"{who}: {name} is {tuple(shape)}, expected {tuple(expected)}. {remedy}")


def check_saved(who: str, saved: Any) -> None:
    """backward needs what forward kept."""
    if saved is None:
        raise RuntimeError(f"{who}: backward before forward. Call forward first.")


def check_dtype(who: str, dtype: Any) -> None:
    """Parameters are real numbers."""
    name = str(dtype).removeprefix("torch.")
    if not name.startswith(("float", "bfloat")):
        raise ValueError(f"{who}: dtype is {name}, expected one of real numbers, such as 'float32'.")


def check_queries(who: str, q: Any, m: Any) -> None:
    """Vectors that ask, and vectors that are asked, row by row."""
    for name, x, axis in (("q", q, "queries"), ("m", m, "time")):
        if x.ndim != 3 or 0 in x.shape:
            raise ValueError(f"{who}: {name} is {tuple(x.shape)}, expected (batch, {axis}, features), none of them 0.")
    if len(q) != len(m):
        raise ValueError(f"{who}: m has {len(m)} rows, expected {len(q)}, as q has. A row's queries read its own m.")


def check_memory(who: str, q: Any, m: Any, H: int | None, M: int | None, alike: bool) -> None:
    """Both as wide as the parameters are; where there are none, as each other."""
    for name, x, size in (("q", q, H), ("m", m, M)):
        if size is not None and x.shape[-1] != size:
            raise ValueError(
                f"{who}: {name} has {x.shape[-1]} features, expected {size}. "
                "The sizes are fixed by input_size= and memory_size=, or by the first batch."
            )
    if alike and q.shape[-1] != m.shape[-1]:
        raise ValueError(
            f"{who}: m has {m.shape[-1]} features, expected {q.shape[-1]}, as q has. "
            "For other widths pass kind='general'."
        )


def check_choice(who: str, name: str, value: Any, choices: Sequence[Any]) -> None:
    """One of a few names."""
    if value not in choices:
        raise ValueError(f"{who}: {name} is {value!r}, expected one of {', '.join(map(repr, choices))}.")


def check_positive(who: str, **sizes: float | None) -> None:
    """Sizes and rates that must be above zero, where they are given."""
    for name, value in sizes.items():
        if value is not None and not value > 0:
            raise ValueError(f"{who}: {name} is {value!r}, expected a number above 0.")


def check_size(who: str, **sizes: Any) -> None:
    """Whole numbers above zero, where they are given."""
    for name, value in sizes.items():
        if value is not None and (not isinstance(value, numbers.Integral) or value < 1):
            raise ValueError(f"{who}: {name} is {value!r}, expected a whole number above 0.")


def check_built(who: str, thing: Any) -> None:
    """Parameters must be there to be moved or loaded."""
    if not getattr(thing, "built", True):
        part = f"{thing.name}'s {thing.unbuilt}" if hasattr(thing, "unbuilt") else thing.name
        raise ValueError(f"{who}: the {part} has no parameters yet. Give input_size=, or run a batch first.")


def check_fraction(who: str, **fractions: Any) -> None:
    """Probabilities and decays: 0 allowed, 1 not."""
    for name, value in fractions.items():
        is_number = isinstance(value, numbers.Real)
        if not (is_number and 0 <= value < 1):
            raise ValueError(f"{who}: {name} is {value!r}, expected 0 or more and less than 1.")


def check_pair(who: str, name: str, value: Any) -> tuple[Any, Any]:
    """Something of either direction, or None for both."""
    if value is None:
        return None, None
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise ValueError(
            f"{who}: {name} is {type(value).__name__}, expected a pair: the forward layer's and the backward one's."
        )
    return value[0], value[1]


def check_options(who: str, given: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    """No keyword that nobody knows."""
    for name in given:
        if name not in known:
            every = ", ".join([*known, "bidirectional"])
            raise TypeError(f"{who}: no option is called {name!r}, expected one of {every}.")


def check_rates(who: str, rates: Sequence[float], states: Sequence[str]) -> None:
    """Zoneout's: one for each part of the state."""
    if len(rates) != len(states):
        raise ValueError(f"{who}: zoneout has {len(rates)} rates, expected {len(states)}: {', '.join(states)}.")
    for rate in rates:
        check_fraction(who, zoneout=rate)


def check_same_batch(who: str, remembered: int, B: int) -> None:
    """A stateful layer goes on row by row."""
    if remembered != B:
        raise ValueError(
            f"{who}: x has {B} rows, expected {remembered}, as are remembered. Call reset_state() to begin anew."
        )


def check_fits(who: str, built: int | None, input_size: int) -> None:
    """A layer that has its weights already must take what the layer before it gives."""
    if built != input_size:
        raise ValueError(f"{who}: its input size is {built}, expected {input_size}, the width of what comes before it.")


def check_alike(who: str, layers: Sequence[Any]) -> None:
    """Each layer gives one output, and time stands on one axis all through a model."""
    ways: dict[bool, int] = {}
    for k, layer in enumerate(layers):
        if getattr(layer, "merge", "") is None:
            raise ValueError(f"{who}: layers[{k}] gives a pair (merge=None), expected one output. Choose a merge.")
        way = way_of(layer)
        if way is not None:
            ways.setdefault(way, k)
    if len(ways) == 2:
        raise ValueError(
            f"{who}: layers[{ways[False]}] is time-major, layers[{ways[True]}] batch-first, expected all alike. "
            "Give each the same batch_first=."
        )


def way_of(layer: Any) -> bool | None:
    """Whether the batch is first for it; None where that is all the same."""
    way: bool | None = getattr(layer, "per_sequence", False) or getattr(layer, "batch_first", None)
    return way


def check_side_by_side(who: str, layers: Sequence[Any], widths: Sequence[int] | None, batch_first: bool) -> None:
    """Layers that can read one x and stand in one row: no states, alike in time, each with its width."""
    if not len(layers):
        raise ValueError(f"{who}: there are no layers, expected at least one.")
    for k, layer in enumerate(layers):
        if layer.recurrent:
            raise ValueError(
                f"{who}: layers[{k}] is {layer.name}, which has a state, expected layers without one. "
                f"Put it before or behind the {who}."
            )
        if layer.keeps_time != layers[0].keeps_time:
            names = f"layers[{k}] is {layer.name}, layers[0] {layers[0].name}"
            raise ValueError(f"{who}: {names}, and time ends in one of them alone, expected all alike. Pool behind it.")
        if way_of(layer) not in (None, batch_first):
            ours, theirs = ("batch-first", "time-major") if batch_first else ("time-major", "batch-first")
            raise ValueError(f"{who}: layers[{k}] is {theirs}, expected {ours}, as the {who} is. Give both the same.")
        if widths is None and layer.reads != layers[0].reads:
            reads = f"layers[{k}] reads {layer.reads}, layers[0] {layers[0].reads}"
            raise ValueError(f"{who}: {reads}, expected all alike. Give widths=.")
    if widths is not None:
        check_size(who, **{f"widths[{k}]": width for k, width in enumerate(widths)})
        if len(widths) != len(layers):
            raise ValueError(f"{who}: widths has {len(widths)} entries, expected {len(layers)}, one a layer.")


def check_columns(who: str, x: Any, widths: Sequence[int] | None) -> None:
    """As many as the layers read."""
    check_real(who, "x", x)
    if x.ndim < 2:
        raise ValueError(f"{who}: x is {tuple(x.shape)}, expected (batch, ..., features). One sample? Pass x[None].")
    if widths is not None and x.shape[-1] != sum(widths):
        raise ValueError(f"{who}: x has {x.shape[-1]} columns, expected {sum(widths)}, the sum of widths {widths}.")


def check_outputs(who: str, shapes: Sequence[Any]) -> None:
    """What is to stand side by side is alike but for its width."""
    for k, shape in enumerate(shapes):
        if shape[:-1] != shapes[0][:-1]:
            raise ValueError(
                f"{who}: layers[{k}] gives {tuple(shape)}, layers[0] {tuple(shapes[0])}, expected the same but for the "
                "last axis. An Embedding reads one column."
            )


def check_recurrent(who: str, layer: Any) -> None:
    """What goes both ways is a layer that can be made once more, in reverse."""
    if not hasattr(layer, "twin"):
        raise ValueError(f"{who}: layer is {type(layer).__name__}, expected a recurrent layer, such as LSTMLayer.")


def check_stack(who: str, name: str, layers: Sequence[Any], ahead: bool) -> None:
    """One output a step, batch first; and where `ahead` is False, no step has read a later one."""
    for k, layer in enumerate(layers):
        if not layer.keeps_time:
            raise ValueError(f"{who}: {name}[{k}] makes one vector of a sequence, expected one a step.")
        if not getattr(layer, "batch_first", True):
            raise ValueError(f"{who}: {name}[{k}] is time-major, expected batch-first. Leave out batch_first=.")
        if any(getattr(part, "stateful", False) for part in layer.modules()):
            raise ValueError(
                f"{who}: {name}[{k}] is stateful, expected one that begins anew with every pair. Leave out stateful=."
            )
        if not ahead and (hasattr(layer, "forwards") or getattr(layer, "reverse", False)):
            raise ValueError(
                f"{who}: {name}[{k}] reads the steps that it is to say, expected a layer that goes ahead alone. "
                "Leave out reverse= and bidirectional=."
            )


def check_handed_on(who: str, given: Sequence[Mapping[str, int]], taken: Sequence[Mapping[str, int]]) -> None:
    """The states of the encoder's recurrent layers are those that the decoder's begin with."""
    if len(given) != len(taken):
        raise ValueError(
            f"{who}: the encoder has {len(given)} recurrent layers, the decoder {len(taken)}, expected as many. "
            "Each hands its last state on."
        )
    for k, (ours, theirs) in enumerate(zip(given, taken)):
        if ours != theirs:
            words = (", ".join(f"{name} ({size})" for name, size in each.items()) for each in (ours, theirs))
            raise ValueError(
                f"{who}: the encoder's recurrent layer {k} hands on {next(words)}, the decoder's takes {next(words)}. "
                "Of a layer in two directions both are handed on, side by side: give each half of the width."
            )


def check_target(who: str, target: Any, pad: int) -> None:
    """Tokens (batch, time), with padding behind each row's last one alone."""
    if kind_of(target) != "token" or target.ndim != 2 or 0 in target.shape:
        raise ValueError(
            f"{who}: target is {tuple(target.shape)} of {target.dtype}, expected integer tokens (batch, time)."
        )
    real = target != pad
    gaps = (real[:, 1:] & ~real[:, :-1]).nonzero()
    if len(gaps[0]):
        raise ValueError(
            f"{who}: target[{gaps[0][0]}] has {pad} at step {gaps[1][0]} and a token after it, "
            f"expected {pad} behind the last token alone."
        )


def check_rows(who: str, name: str, rows: int, expected: int) -> None:
    """As many as x has."""
    if rows != expected:
        raise ValueError(f"{who}: {name} has {rows} rows, expected {expected}, as x has.")


def check_probability(who: str, name: str, value: Any) -> None:
    """0 and 1 are allowed."""
    is_number = isinstance(value, numbers.Real)
    if not (is_number and 0 <= value <= 1):
        raise ValueError(f"{who}: {name} is {value!r}, expected 0 to 1.")


def check_same_lengths(who: str, name: str, given: Sequence[int], expected: Sequence[int]) -> None:
    """What belongs to a packed batch, step by step, has its lengths."""
    if len(given) != len(expected):
        raise ValueError(f"{who}: {name} has {len(given)} sequences, expected {len(expected)}. Pack both alike.")
    for k, (ours, theirs) in enumerate(zip(given, expected)):
        if ours != theirs:
            raise ValueError(f"{who}: {name}[{k}] has {ours} steps, expected {theirs}. Pack both alike.")


def check_states(who: str, state: Sequence[Any], layers: int, name: str = "state") -> None:
    """One entry a layer, None where a layer has no state."""
    if len(state) != layers:
        raise ValueError(f"{who}: {name} has {len(state)} entries, expected {layers}: one a layer, as in last_state.")


def check_once(who: str, layers: Sequence[Any]) -> None:
    """A layer remembers one call, so it can stand in one place; and its node with it."""
    for k, layer in enumerate(layers):
        node = getattr(layer, "node", layer)
        if any(node is getattr(other, "node", other) for other in layers[:k]):
            raise ValueError(
                f"{who}: layers[{k}] is, or shares its node with, a layer that stands before it. Make another."
            )


def check_same_model(who: str, remembered: Any, model: Any) -> None:
    """What an optimizer remembers is one model's."""
    if remembered is not None and remembered is not model:
        raise ValueError(f"{who}: this is another model than at the first step. Make another optimizer for it.")


def check_state_dict(who: str, expected: Mapping[str, Shape], given: Mapping[str, Shape]) -> None:
    """The same names with the same shapes, before a single weight is written."""
    for name in [*expected, *given]:
        if expected.get(name) != given.get(name):
            got = given.get(name, "missing")
            raise ValueError(
                f"{who}: {name} is {got}, expected {expected.get(name, 'no such parameter')}. "
                "Is the file of another architecture?"
            )


def check_count(who: str, **counts: Any) -> None:
    """Whole numbers, 0 or more."""
    for name, value in counts.items():
        if not isinstance(value, numbers.Integral) or value < 0:
            raise ValueError(f"{who}: {name} is {value!r}, expected a whole number, 0 or more.")


def check_one_number(who: str, name: str, value: Any) -> None:
    """A plain number, or one in an array or tensor without axes."""
    if not isinstance(value, numbers.Real) and getattr(value, "shape", None) != ():
        got = tuple(value.shape) if hasattr(value, "shape") else type(value).__name__
        raise TypeError(f"{who}: {name} is {got}, expected one number. Arrays are for ArrayWithGrad.")


def check_finite_number(who: str, name: str, value: float) -> None:
    """Neither infinite nor none at all."""
    if not math.isfinite(value):
        raise ValueError(
            f"{who}: {name} is {value}, expected a finite number. "
            "Look for a division by 0, log or a root of 0 or less, exp of more than 709."
        )


def check_matrices(who: str, u: Shape, v: Shape) -> None:
    """What @ multiplies has rows and columns."""
    if len(u) < 2 or len(v) < 2 or u[-1] != v[-2]:
        raise ValueError(
            f"{who}: {tuple(u)} @ {tuple(v)}, expected (..., n, k) @ (..., k, m). Of a vector, v[None] is a matrix."
        )


def check_last(who: str, shape: Shape) -> None:
    """The way back begins at one number, unless it is said how."""
    if math.prod(shape) != 1:
        raise ValueError(
            f"{who}: backward from {tuple(shape)}, expected one number. Take .sum() or .mean(), or pass its gradient."
        )


def refuse_plain(who: str) -> TypeError:
    """For what would lose the way back without a word."""
    return TypeError(
        f"{who}: given to what keeps no gradient, expected its methods or a part of a Tape. Plain numbers? Pass .value."
    )


def check_parts(who: str, parts: Mapping[str, Any], taken: Sequence[str]) -> None:
    """Each a part of a network, under a name of its own, and there once."""
    for k, (name, part) in enumerate(parts.items()):
        if not hasattr(part, "over_time"):
            raise TypeError(
                f"{who}: {name} is {type(part).__name__}, expected an Operation, a Node, a Layer or a loss."
            )
        if name in taken or name.startswith("_"):
            raise ValueError(
                f"{who}: a part is called {name}, expected a name that a {who} has no use for. Give another."
            )
        shared = [other for other in list(parts)[:k] if modules_of(part) & modules_of(parts[other])]
        if shared:
            raise ValueError(
                f"{who}: {name} is, or shares a part with, {shared[0]}, expected weights of its own. "
                f"Make another, or call {shared[0]} twice."
            )


def modules_of(part: Any) -> set[Any]:
    """All that it is made of, a torchnet layer's node among it."""
    return {node for module in part.modules() for node in (module, getattr(module, "node", module))}


def check_objective(who: str, objective: Any, what: str = "objective") -> Any:
    """What a Trainer cannot do without."""
    if objective is None:
        raise ValueError(
            f"{who}: there is no {what}. A Trainer needs {who}(loss=...), and {who.lower()}.objective = a function "
            "(x, target) → the loss."
        )
    return objective


def check_on_tape(who: str, name: str, value: Any) -> None:
    """What can be walked back through."""
    if not hasattr(value, "backward"):
        raise TypeError(
            f"{who}: {name} is {type(value).__name__}, expected what a call on the {who.lower()} gave, as it is: "
            "no float(), no .value."
        )


def check_one_way(who: str, **inputs: Any) -> None:
    """Inputs through which no gradient goes are plain."""
    for name, value in inputs.items():
        if hasattr(value, "zero_grad"):
            raise TypeError(
                f"{who}: {name} is {type(value).__name__}, expected what needs no gradient. Pass its .value."
            )


def check_padded(who: str, *inputs: Any) -> None:
    """On a tape sequences are padded."""
    for x in inputs:
        if type(x).__name__ == "Packed":
            raise TypeError(f"{who}: x is Packed, expected an array on a tape. Pass x.padded(), and lengths.")


def check_unchanged(who: str, now: int, then: int) -> None:
    """A way back through weights that are no longer those of the way forward would be wrong."""
    if now != then:
        raise RuntimeError(
            f"{who}: the weights have changed since this call, expected the way back before the step. Call it again."
        )


def check_step(who: str, x: Any) -> None:
    """One step, batch first, as a node on a tape takes it."""
    if not (x.ndim == 2 or (x.ndim == 1 and kind_of(x) == "token")):
        remedy = " One sample? Pass x[None]." if x.ndim == 1 else ""
        raise ValueError(
            f"{who}: x is {tuple(x.shape)}, expected one step, on a tape (batch, features), or tokens (batch,).{remedy}"
        )
