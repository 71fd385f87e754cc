"""The rows that only the planted faults need: layers that run plain, resets, a node that reads out, merges, gaps."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import torch

from parity_tests.family import BATCH_NORMS, drawer, family_case, maker, over_time, ragged, self_attention
from parity_tests.probe import Arrays
from parity_tests.strategies import LAYERS, Case, Sizes, plain, recurrent, sequence


def merging(merge: str) -> Case:
    chosen = {"bidirectional": True, "merge": merge}
    return Case(f"LSTM, both ways, {merge}", maker("LSTMLayer", chosen, ()), drawer("LSTM", chosen, ()))


def with_gaps(rng: np.random.Generator, z: Sizes) -> Arrays:
    return {**sequence()(rng, z), "lengths": rng.random((z.B, z.T)) < 0.6}


def resets_of(z: Sizes) -> Any:
    """(B, T): where a sequence begins, the first step of some rows among them."""
    return np.random.default_rng([z.seed, 7]).random((z.B, z.T)) < 0.4


def resetting(node: str, *options: str) -> Case:
    """The row of the family, with resets in each call."""
    case = family_case(node, *options)

    def make(net: Any, z: Sizes, dtype: str) -> Any:
        layer = case.make(net, z, dtype)
        layer.forward = functools.partial(layer.forward, resets=resets_of(z))
        return layer

    return Case(f"{node}, {', '.join(('resets', *options))}", make, case.draw)


def reading(net: Any) -> Any:
    """A node y = h², h = tanh(a_x + W_h h'), whose output is none of its states; on torchnet its step alone."""
    ours = net.__name__ == "numnet"

    class Reading(net.Node):
        reads_out = True

        def step(self, a_x: Any, h_prev: Any) -> Any:
            h = (np if ours else torch).tanh(a_x + self.W_h @ h_prev)  # (1)
            return (h**2, (h,), (h_prev, h))[: 3 if ours else 2]  # (2)

        def step_backward(self, dy: Any, dh_next: Any, saved: Any) -> Any:
            h_prev, h = saved
            da = (2 * h * dy + dh_next) * (1 - h**2)  # (2) (1)
            return da, (self.W_h.T @ da,), {"W_h": (da, h_prev)}  # (1)

    return Reading


def reading_case(name: str, **options: Any) -> Case:
    def make(net: Any, z: Sizes, dtype: str) -> Any:
        return net.RecurrentLayer(reading(net)(z.H, input_size=z.D, seed=z.seed, dtype=dtype), **options)

    return Case(f"a node that reads out, {name}", make, drawer("RNN", {}, ("gaps",)))


ATTENTION_THAT_DROPS = over_time("SelfAttention that drops", self_attention(dropout=0.4), even=True)


def stacked(kind: str, **options: Any) -> Case:
    """A stack of two layers, or of as many as the options say, with start states and lengths."""
    both, options = options.get("bidirectional"), {"layers": 2, **options}
    names = ("h", "c") if kind == "LSTM" else ("h",)

    def make(net: Any, z: Sizes, dtype: str) -> Any:
        return getattr(net, f"{kind}Layer")(z.H, input_size=z.D, seed=z.seed, dtype=dtype, **options)

    def draw(rng: np.random.Generator, z: Sizes) -> Arrays:
        ways = ("_forth", "_back") if both else ("",)
        states = [f"layers.{k}.{name}{way}" for k in range(options["layers"]) for way in ways for name in names]
        drawn = {name: rng.standard_normal((z.B, z.H)) for name in states}
        return {"x": rng.standard_normal((z.B, z.T, z.D)), "lengths": ragged(rng, z), **drawn}

    return Case(f"{kind} in layers, {', '.join(options)}", make, draw)


def mixed(merge: str, H: int) -> Case:
    """An LSTM forwards and a GRU backwards, which is wider with H."""

    def make(net: Any, z: Sizes, dtype: str) -> Any:
        options = {"input_size": z.D, "seed": z.seed, "dtype": dtype}
        return net.Bidirectional(
            net.LSTMLayer(z.H, **options), merge, backward_layer=net.GRULayer(z.H + H, reverse=True, **options)
        )

    def draw(rng: np.random.Generator, z: Sizes) -> Arrays:
        states = {name: rng.standard_normal((z.B, z.H)) for name in ("h_forth", "c_forth")}
        states["h_back"] = rng.standard_normal((z.B, z.H + H))
        return {"x": rng.standard_normal((z.B, z.T, z.D)), "lengths": ragged(rng, z), **states}

    return Case(f"LSTM and GRU, both ways, {merge}", make, draw)


MIXED = [mixed("concat", 2), mixed("mul", 0)]
STACKS = [
    stacked("RNN"),
    stacked("GRU", dropout=0.4, layers=3, reset="before"),
    stacked("LSTM", dropout=0.4, bidirectional=True),
    stacked("LSTM", return_sequences=False, peepholes=True),
]
MORE = [
    ATTENTION_THAT_DROPS,
    *BATCH_NORMS,
    *STACKS,
    *MIXED,
    *(plain(case) for case in (*LAYERS, *map(family_case, ("RNN relu", "GRU before", "LSTM")))),
    merging("mean"),
    merging("sum"),
    family_case("LSTM", "gaps", "reverse"),
    plain(family_case("LSTM", "gaps", "reverse")),
    plain(family_case("LSTM", "gaps")),
    family_case("LSTM", "gaps", "time-major"),
    plain(family_case("GRU before", "last alone")),
    plain(family_case("GRU before", "weight dropout")),
    resetting("LSTM"),
    resetting("GRU before", "gaps"),
    resetting("LSTM", "learned state"),
    resetting("GRU after", "gaps", "reverse"),
    reading_case("lengths"),
    reading_case("last alone", return_sequences=False),
    reading_case("last alone, reverse", return_sequences=False, reverse=True),
    reading_case("zoneout", zoneout=0.4),
    Case("LSTM reverse, unpadded", recurrent("LSTMLayer", reverse=True), sequence("h", "c")),
    Case("Pooling first with gaps", lambda net, z, dtype: net.Pooling("first"), with_gaps),
    Case("Dropout per sequence", lambda net, z, dtype: net.Dropout(0.4, z.seed, per_sequence=True), sequence()),
]
