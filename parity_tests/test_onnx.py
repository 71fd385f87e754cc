"""Both backends against onnxruntime, their third witness; and first, without our code, the witness itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from numnet.check.engine.subject import named
from numnet.core.arrays import to_numpy
from parity_tests.onnx_witness import HALVES, witness
from parity_tests.probe import Array, Arrays, assert_near
from parity_tests.strategies import TOLERANCE, Case, Sizes, recurrent, sequence, sizes

NEAR = TOLERANCE["float32"]  # onnxruntime's kernels know no float64: 6e-8 a rounding, over at most 8 steps
STATES = {"RNN": ("h",), "GRU": ("h",), "LSTM": ("h", "c")}
BOTH = HALVES["bidirectional"]
Row = tuple[str, dict[str, Any]]
IN_TORCH: list[Row] = [("RNN", {}), ("RNN", {"activation": "relu"}), ("GRU", {"reset": "after"}), ("LSTM", {})]
NOT_IN_TORCH: list[Row] = [
    ("GRU", {"reset": "before"}),
    ("LSTM", {"peepholes": True}),
    ("LSTM", {"coupled": True}),
    ("LSTM", {"peepholes": True, "coupled": True}),
]


def table(rows: Sequence[Row]) -> Any:
    """One test a row."""
    names = [" ".join([kind, *(f"{name}={value}" for name, value in options.items())]) for kind, options in rows]
    return pytest.mark.parametrize(("kind", "options"), rows, ids=names)


ragged = pytest.mark.parametrize("ragged", [False, True], ids=["full", "ragged"])


def draw_x(z: Sizes) -> Array:
    return z.rng.standard_normal((z.B, z.T, z.D))


def draw_state(kind: str, z: Sizes, half: int = 0) -> Any:
    """A start state as a layer takes it."""
    rng = np.random.default_rng([z.seed, 2, half])
    parts = tuple(rng.standard_normal((z.B, z.H)) for _ in STATES[kind])
    return parts if kind == "LSTM" else parts[0]


def draw_lengths(z: Sizes, ragged: bool) -> Array | None:
    """From 1 to T; of two rows or more, one has 1 step and one has T."""
    if not ragged:
        return None
    lengths = z.rng.integers(1, z.T + 1, z.B)
    if z.B > 1:
        lengths[:2] = 1, z.T
    return lengths


def from_torch(raw: Any, kind: str, suffix: str) -> Arrays:
    """The weights of torch's layer as ours: two biases are one, but for the candidate of a GRU."""
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    W_x, W_h, b, b_h = (getattr(raw, f"{name}_l0{suffix}").detach().numpy().copy() for name in names)
    if kind != "GRU":
        return {"W_x": W_x, "W_h": W_h, "b": b + b_h}
    rz = 2 * len(b) // 3
    b[:rz] += b_h[:rz]
    return {"W_x": W_x, "W_h": W_h, "b": b, "b_h": b_h[rz:]}


def torchs_answer(raw: Any, kind: str, x: Any, states: Any, lengths: Any) -> Arrays:
    """What torch's bidirectional layer makes of it, under the witness's names."""
    x, T = torch.tensor(x), x.shape[1]
    start = [torch.tensor(np.stack(part)) for part in (zip(*states) if kind == "LSTM" else (states,))]
    if lengths is not None:
        x = pack_padded_sequence(x, torch.tensor(lengths), batch_first=True, enforce_sorted=False)
    y, last = raw(x, tuple(start) if kind == "LSTM" else start[0])
    if lengths is not None:
        y, _ = pad_packed_sequence(y, batch_first=True, total_length=T)
    parts = zip(STATES[kind], last if kind == "LSTM" else (last,))
    ends = {f"{half}{name}": value for name, part in parts for half, value in zip(BOTH, part)}
    return {name: value.detach().numpy() for name, value in {"y": y, **ends}.items()}


def one_half(both: Arrays, k: int) -> Arrays:
    """The first or the second half of a bidirectional answer."""
    last = {name.removeprefix(BOTH[k]): value for name, value in both.items() if name.startswith(BOTH[k])}
    return {"y": np.split(both["y"], 2, axis=-1)[k], **last}


@ragged
@table(IN_TORCH)
@given(z=sizes)
def test_the_witness_is_torch(kind: str, options: dict[str, Any], ragged: bool, z: Sizes) -> None:
    torch.manual_seed(z.seed)
    chosen = {"nonlinearity": options["activation"]} if "activation" in options else {}
    raw = getattr(torch.nn, kind)(z.D, z.H, batch_first=True, bidirectional=True, **chosen).double()
    x, states, lengths = draw_x(z), (draw_state(kind, z), draw_state(kind, z, 1)), draw_lengths(z, ragged)
    params = from_torch(raw, kind, ""), from_torch(raw, kind, "_reverse")
    expected = torchs_answer(raw, kind, x, states, lengths)
    assert_near(witness(kind, params, x, states, lengths, direction="bidirectional", **options), expected, NEAR)
    for k, direction in enumerate(("forward", "reverse")):
        alone = witness(kind, params[k], x, states[k], lengths, direction=direction, **options)
        assert_near(alone, one_half(expected, k), NEAR)


def sigmoid(a: Array) -> Array:
    return 1 / (1 + np.exp(-a))


def gru_by_hand(params: Arrays, x: Array, h: Array, reset: str) -> Arrays:
    """Cho et al. 2014, with the reset before the product."""
    assert reset == "before"
    y, (W_r, W_z, U_n) = [], np.split(params["W_h"], 3)
    for a in (x @ params["W_x"].T + params["b"]).swapaxes(0, 1):
        a_r, a_z, a_n = np.split(a, 3, axis=1)
        r, z = sigmoid(a_r + h @ W_r.T), sigmoid(a_z + h @ W_z.T)
        h = z * h + (1 - z) * np.tanh(a_n + (r * h) @ U_n.T)
        y.append(h)
    return {"y": np.stack(y, axis=1), "h": h}


def lstm_by_hand(params: Arrays, x: Array, state: Any, peepholes: bool = False, coupled: bool = False) -> Arrays:
    """Gers & Schmidhuber 2000 with peepholes, Greff et al. 2017 with coupled gates."""
    (h, c), y, gates = state, [], "igo" if coupled else "ifgo"
    letters = gates.replace("g", "")
    p = dict(zip(letters, np.split(params["p"], len(letters)))) if peepholes else dict.fromkeys(letters, 0)
    for step in x.swapaxes(0, 1):
        a = dict(zip(gates, np.split(step @ params["W_x"].T + h @ params["W_h"].T + params["b"], len(gates), axis=1)))
        i = sigmoid(a["i"] + p["i"] * c)
        f = 1 - i if coupled else sigmoid(a["f"] + p["f"] * c)
        c = f * c + i * np.tanh(a["g"])
        h = sigmoid(a["o"] + p["o"] * c) * np.tanh(c)
        y.append(h)
    return {"y": np.stack(y, axis=1), "h": h, "c": c}


@table(NOT_IN_TORCH)
@given(z=sizes)
def test_the_witness_is_the_equations_that_torch_has_not(kind: str, options: dict[str, Any], z: Sizes) -> None:
    rng, G = z.rng, 3 if kind == "GRU" or "coupled" in options else 4
    shapes = {"W_x": (G * z.H, z.D), "W_h": (G * z.H, z.H), "b": (G * z.H,), "p": ((G - 1) * z.H,)}
    params = {name: 0.3 * rng.standard_normal(shape) for name, shape in shapes.items()}
    x, state = draw_x(z), draw_state(kind, z)
    expected = (gru_by_hand if kind == "GRU" else lstm_by_hand)(params, x, state, **options)
    assert_near(witness(kind, params, x, state, **options), expected, NEAR)


def arrays(values: Any) -> Arrays:
    return {name: np.array(to_numpy(value)) for name, value in values.items()}


@ragged
@pytest.mark.parametrize("direction", ["forward", "reverse"])
@table([*IN_TORCH, *NOT_IN_TORCH])
@given(z=sizes)
def test_layers_are_onnxs(kind: str, options: dict[str, Any], direction: str, ragged: bool, net: Any, z: Sizes) -> None:
    make = recurrent(f"{kind}Layer", reverse=direction == "reverse", **options)
    layer = Case(kind, make, sequence()).build(net, z)
    x, state, lengths = draw_x(z), draw_state(kind, z), draw_lengths(z, ragged)
    y = layer.forward(x, state, lengths)
    expected = witness(kind, arrays(layer.params), x, state, lengths, direction=direction, **options)
    assert_near(arrays({"y": y, **named(layer.last_state, STATES[kind])}), expected, NEAR)


@ragged
@table([*IN_TORCH, *NOT_IN_TORCH])
@given(z=sizes)
def test_bidirectional_layers_are_onnxs(kind: str, options: dict[str, Any], ragged: bool, net: Any, z: Sizes) -> None:
    case = Case(kind, recurrent(f"{kind}Layer", **options), sequence())
    params = [arrays(case.build(net, replace(z, seed=z.seed + k)).params) for k in range(2)]
    layer = net.Bidirectional(case.make(net, z, "float64"))
    layer.load_state_dict({f"{half}{name}": v for half, own in zip(BOTH, params) for name, v in own.items()})
    x, states, lengths = draw_x(z), (draw_state(kind, z), draw_state(kind, z, 1)), draw_lengths(z, ragged)
    outputs = {"y": layer.forward(x, states, lengths)}
    for half, last in zip(BOTH, layer.last_state):
        outputs.update({f"{half}{name}": value for name, value in named(last, STATES[kind]).items()})
    expected = witness(kind, params, x, states, lengths, direction="bidirectional", **options)
    assert_near(arrays(outputs), expected, NEAR)
