"""A third witness: onnxruntime's recurrent kernels, given our weights. Other people wrote them; no code is shared."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np
import onnxruntime
from onnx import TensorProto, helper

from parity_tests.probe import Array, Arrays

# A stack's blocks, one letter a gate, in our order and in ONNX's, which writes h for the n and c for the g below.
OURS = {"RNN": "h", "GRU": "rzn", "LSTM": "ifgo"}
THEIRS = {"RNN": "h", "GRU": "zrn", "LSTM": "iofg"}
# ONNX's names and numbers of axes, in the order of a node's arguments.
INPUTS = {"X": 3, "W": 3, "R": 3, "B": 2, "sequence_lens": 1, "initial_h": 3, "initial_c": 3, "P": 2}
OUTPUTS = {"Y": 4, "Y_h": 3, "Y_c": 3}
# What the names of the last states begin with.
HALVES = {"forward": ("",), "reverse": ("",), "bidirectional": ("forwards.", "backwards.")}
OPSET, FORMAT = 14, 8  # of 2021, so that every onnxruntime we may meet reads them


def witness(
    kind: str,
    params: Any,
    x: Array,
    state: Any = None,
    lengths: Any = None,
    *,
    reset: str = "after",
    activation: str = "tanh",
    peepholes: bool = False,
    coupled: bool = False,
    direction: str = "forward",
) -> Arrays:
    """What an "RNN", "GRU" or "LSTM" makes of x (B, T, D): y (B, T, H) and the last state h (B, H), an LSTM's also c.

    params     W_x, W_h, b; a GRU's b_h; with peepholes p, stacked i, f, o, of which o's sees the new cell.
    coupled    f = 1 - i: onnxruntime computes i and takes f from it. The stacks are then i, g, o, and p is i, o.
    state      h, or (h, c); None for zeros.
    lengths    (B,), from 1 to T; y is 0 at padding. A row of length 0 gives y = 0 and, unlike our layers, last states
               of 0, not the start state; the other rows stay right. Below 0 and above T, onnxruntime raises.
    direction  "forward", "reverse" or "bidirectional". The last takes a pair of params and a pair of states; y is
               (B, T, 2H), and the last states are forwards.h and backwards.h, an LSTM's also forwards.c, backwards.c.

    The numbers are float32: in float64, GRU and LSTM say "does not support double yet", and RNN has no kernel.
    """
    halves = HALVES[direction]
    every, states = (params, state or (None, None)) if len(halves) > 1 else ((params,), (state,))
    B, T, H = *x.shape[:2], every[0]["W_h"].shape[1]
    each = [
        {**onnx_weights(kind, half, coupled, peepholes), **onnx_state(kind, start, (B, H))}
        for half, start in zip(every, states)
    ]
    feed = {"X": x.swapaxes(0, 1), **{name: np.stack([half[name] for half in each]) for name in each[0]}}
    feed = {name: value.astype(np.float32) for name, value in feed.items()}
    feed["sequence_lens"] = np.full(B, T, np.int32) if lengths is None else np.asarray(lengths, np.int32)
    options: dict[str, dict[str, Any]] = {
        "RNN": {"activations": (activation.capitalize(),) * len(halves)},
        "GRU": {"linear_before_reset": int(reset == "after")},
        "LSTM": {"input_forget": int(coupled)},
    }
    run = session(kind, tuple(feed), hidden_size=H, direction=direction, **options[kind]).run
    y, *last = run(None, feed)
    ends = {f"{half}{name}": part for name, parts in zip("hc", last) for half, part in zip(halves, parts)}
    return {"y": y.transpose(2, 0, 1, 3).reshape(B, T, -1), **ends}  # from (T, directions, B, H)


def onnx_weights(kind: str, params: Mapping[str, Array], coupled: bool, peepholes: bool) -> Arrays:
    """One direction's weights, in ONNX's order. B is two biases; of the second, only the GRU's candidate has one."""
    ours, theirs = OURS[kind].replace("f", "" if coupled else "f"), THEIRS[kind]
    W, R, b = (in_their_order(params[name], ours, theirs) for name in ("W_x", "W_h", "b"))
    b_h = np.zeros_like(b)
    if "b_h" in params:
        b_h[-len(params["b_h"]) :] = params["b_h"]
    weights = {"W": W, "R": R, "B": np.concatenate([b, b_h])}
    if peepholes:
        weights["P"] = in_their_order(params["p"], ours.replace("g", ""), theirs.replace("g", ""))
    return weights


def in_their_order(stack: Array, ours: str, theirs: str) -> Array:
    """The gates' blocks of a stack rearranged. Where we have none, random numbers stand: they must not matter."""
    blocks = dict(zip(ours, np.split(stack, len(ours))))
    unused = np.random.default_rng(0).standard_normal(blocks[ours[0]].shape)
    return np.concatenate([blocks.get(gate, unused) for gate in theirs])


def onnx_state(kind: str, state: Any, shape: tuple[int, int]) -> Arrays:
    """One direction's start state."""
    names = ("initial_h", "initial_c") if kind == "LSTM" else ("initial_h",)
    if state is None:
        return {name: np.zeros(shape) for name in names}
    return dict(zip(names, state if kind == "LSTM" else (state,)))


@functools.cache
def session(kind: str, given: tuple[str, ...], **attributes: Any) -> Any:
    """A model of one node. The weights are inputs and the axes have no sizes, so that one session serves all draws."""
    inputs = [name for name in INPUTS if name in given]
    outputs = [name for name in OUTPUTS if kind == "LSTM" or name != "Y_c"]
    node = helper.make_node(kind, inputs, outputs, **attributes)
    described = [value_of(name, INPUTS[name]) for name in inputs], [value_of(name, OUTPUTS[name]) for name in outputs]
    graph = helper.make_graph([node], "witness", *described)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=FORMAT)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def value_of(name: str, axes: int) -> Any:
    """An input or output, its axes of any size."""
    kind = TensorProto.INT32 if name == "sequence_lens" else TensorProto.FLOAT
    return helper.make_tensor_value_info(name, kind, [None] * axes)
