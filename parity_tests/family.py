"""The whole recurrent family, a row for each layer and option; every row has start states, and lengths with 0 and 1.

A row is no subject of two kinds of law where an option says so: "rows", that rows do not know of each other (dropout
draws other masks for other batches; time-major batches have their rows elsewhere), and "cut", that a sequence cut in
two is the whole (not in reverse, not where one output is the last one's).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from parity_tests.probe import Arrays
from parity_tests.strategies import Case, Sizes, sequence, words

Draw = Callable[[np.random.Generator, Sizes], Arrays]

NODES: dict[str, dict[str, Any]] = {
    "RNN": {},
    "RNN relu": {"activation": "relu"},
    "RNN elu": {"activation": "elu"},
    "RNN layer_norm": {"layer_norm": True},
    "GRU before": {"reset": "before"},
    "GRU after": {"reset": "after"},
    "GRU before layer_norm": {"reset": "before", "layer_norm": True},
    "GRU after layer_norm": {"reset": "after", "layer_norm": True},
    "GRU before softsign": {"reset": "before", "activation": "softsign", "recurrent_activation": "hard_sigmoid"},
    "GRU after selu": {"activation": "selu", "recurrent_activation": "tanh"},
    "LSTM": {},
    "LSTM leaky_relu": {"activation": "leaky_relu"},
    "LSTM hard_tanh": {"activation": "hard_tanh", "recurrent_activation": "softplus"},
    "LSTM peepholes": {"peepholes": True},
    "LSTM coupled": {"coupled": True},
    "LSTM peepholes coupled": {"peepholes": True, "coupled": True},
    "LSTM projection": {"proj_size": 2},
    "LSTM layer_norm": {"layer_norm": True},
    "LSTM with all": {"peepholes": True, "coupled": True, "proj_size": 2, "layer_norm": True},
    "MGU": {},
    "MGU linear": {"activation": "linear", "recurrent_activation": "hard_sigmoid"},
    "IndRNN": {},
    "IndRNN tanh": {"activation": "tanh"},
}
OPTIONS: dict[str, dict[str, Any]] = {
    "gaps": {},
    "tokens": {},
    "no bias": {"bias": False},
    "with output": {"output_size": True},
    "reverse": {"reverse": True},
    "last alone": {"return_sequences": False},
    "last alone with output": {"return_sequences": False, "output_size": True},
    "learned state": {"learn_state": True},
    "time-major": {"batch_first": False},
    "state dropout": {"state_dropout": 0.4},
    "weight dropout": {"weight_dropout": 0.4},
    "zoneout": {"zoneout": 0.4},
    "zoneout in evaluation": {"zoneout": 0.4},
    "zoneout of c alone": {"zoneout": (0.0, 0.4)},
    "zoneout of h alone": {"zoneout": (0.4, 0.0)},
    "both ways": {"bidirectional": True},
    "both ways, mul": {"bidirectional": True, "merge": "mul"},
}
PAIRS = ("zoneout of c alone", "zoneout of h alone")  # an LSTM's
NOT_BY_ROW = ("time-major", "state dropout", "weight dropout", "zoneout", *PAIRS)
NOT_CUT = (
    *NOT_BY_ROW,
    "reverse",
    "last alone",
    "last alone with output",
    "learned state",
    "both ways",
    "both ways, mul",
)


def family_case(node: str, *options: str) -> Case:
    """One row: a node, and any options that go together."""
    chosen = {**NODES[node], **{k: v for option in options for k, v in OPTIONS[option].items()}}
    unlawful = ["rows"] * bool(set(options) & set(NOT_BY_ROW)) + ["cut"] * bool(set(options) & set(NOT_CUT))
    name = f"{node}, {', '.join(options) or 'lengths'}"
    spec = {"kind": node.split()[0], "chosen": chosen, "options": options}
    return Case(
        name, maker(f"{spec['kind']}Layer", chosen, options), drawer(node, chosen, options), tuple(unlawful), spec
    )


def maker(kind: str, chosen: dict[str, Any], options: tuple[str, ...]) -> Callable[[Any, Sizes, str], Any]:
    def make(net: Any, z: Sizes, dtype: str) -> Any:
        given = {**chosen, "output_size": z.O if chosen.get("output_size") else None}
        merge, both = given.pop("merge", "concat"), given.pop("bidirectional", False)
        layer = getattr(net, kind)(hidden(z, chosen), input_size=z.D, seed=z.seed, dtype=dtype, **given)
        layer = net.Bidirectional(layer, merge) if both else layer
        return layer.eval() if "zoneout in evaluation" in options else layer

    return make


def hidden(z: Sizes, chosen: dict[str, Any]) -> int:
    """The hidden size; of very few numbers the variance may be near 0, where layer_norm is too steep to be checked."""
    return z.H + 3 if chosen.get("layer_norm") else z.H


def ragged(rng: np.random.Generator, z: Sizes) -> Any:
    """Lengths from 0 to T; where there are rows enough, 0, 1 and T are among them."""
    lengths = rng.integers(0, z.T + 1, z.B)
    lengths[: min(3, z.B)] = [z.T, 0, 1][: min(3, z.B)]
    return rng.permutation(lengths)


def drawer(node: str, chosen: dict[str, Any], options: tuple[str, ...]) -> Draw:
    states = ("h", "c") if node.startswith("LSTM") else ("h",)

    def draw(rng: np.random.Generator, z: Sizes) -> Arrays:
        x = rng.integers(0, z.D, (z.B, z.T)) if "tokens" in options else rng.standard_normal((z.B, z.T, z.D))
        lengths = rng.random((z.B, z.T)) < 0.6 if "gaps" in options else ragged(rng, z)
        turned = "time-major" in options
        lengths = lengths.T if turned and lengths.ndim == 2 else lengths
        inputs = {"x": x.swapaxes(0, 1) if turned else x, "lengths": lengths}
        widths = {"h": chosen.get("proj_size", hidden(z, chosen)), "c": hidden(z, chosen)}
        ways = ("_forth", "_back") if chosen.get("bidirectional") else ("",)
        if not chosen.get("learn_state"):
            inputs |= {f"{name}{way}": rng.standard_normal((z.B, widths[name])) for way in ways for name in states}
        return inputs

    return draw


FAMILY = [
    *(family_case(node) for node in NODES),
    *(family_case("LSTM", option) for option in OPTIONS),
    *(family_case("GRU before", option) for option in OPTIONS if option not in PAIRS),
    *(family_case("RNN", option) for option in ("gaps", "reverse", "no bias", "state dropout", "zoneout", "both ways")),
    *(family_case("GRU after", option) for option in ("gaps", "no bias", "state dropout", "zoneout", "both ways")),
    *(
        family_case("LSTM with all", option)
        for option in ("gaps", "tokens", "no bias", "state dropout", "weight dropout", "zoneout", "both ways")
    ),
    *(family_case("GRU before layer_norm", option) for option in ("tokens", "state dropout", "weight dropout")),
    *(family_case("MGU", option) for option in ("gaps", "state dropout", "both ways")),
    *(family_case("IndRNN", option) for option in ("gaps", "state dropout", "weight dropout")),
]


def pooling_case(how: str) -> Case:
    return Case(
        f"Pooling {how}",
        lambda net, z, dtype: net.Pooling(how),
        lambda rng, z: {**sequence()(rng, z), "lengths": ragged(rng, z)},
    )


POOLING = [pooling_case(how) for how in ("last", "first", "mean", "max")]


def over_time(
    name: str, make: Callable[[Any, Sizes, str], Any], *, wider: int = 0, gaps: bool = False, even: bool = False
) -> Case:
    """A row with lengths, or a mask with gaps; x with more features, or integers, where the name says so."""
    turned = "time-major" in name

    def draw(rng: np.random.Generator, z: Sizes) -> Arrays:
        x = rng.standard_normal((z.B, z.T, 2 * z.D if even else z.D + wider))
        if "tokens" in name:
            x = np.concatenate([rng.integers(0, z.V, (z.B, z.T, 1)), words(rng, z)["x"]], axis=-1)
        lengths = rng.random((z.B, z.T)) < 0.6 if gaps else ragged(rng, z)
        return {"x": x.swapaxes(0, 1) if turned else x, "lengths": lengths}

    return Case(name, make, draw, ("rows",) if turned else ())


def convolution(width: int, **options: Any) -> Callable[[Any, Sizes, str], Any]:
    return lambda net, z, dtype: net.Convolution(z.O, width=width, input_size=z.D, seed=z.seed, dtype=dtype, **options)


def self_attention(**options: Any) -> Callable[[Any, Sizes, str], Any]:
    """Two heads."""
    return lambda net, z, dtype: net.SelfAttention(2, input_size=2 * z.D, seed=z.seed, dtype=dtype, **options)


def batch_norm(name: str, **options: Any) -> Case:
    """Several rows have all steps, for the variance of very few numbers may be near 0."""

    def draw(rng: np.random.Generator, z: Sizes) -> Arrays:
        x, lengths = rng.standard_normal((z.B + 5, z.T, z.D)), rng.integers(0, z.T + 1, z.B + 5)
        lengths[:5] = z.T
        time_major = not options.get("batch_first", True)
        return {"x": x.swapaxes(0, 1) if time_major else x, "lengths": lengths}

    return Case(name, lambda net, z, dtype: net.BatchNorm(input_size=z.D, dtype=dtype, **options), draw)


def evaluated(net: Any, z: Sizes, dtype: str) -> Any:
    """A BatchNorm with the statistics of one batch, in evaluation mode."""
    layer = net.BatchNorm(input_size=z.D, dtype=dtype)
    layer(z.rng.standard_normal((9, z.D)))
    return layer.eval()


BATCH_NORMS = [batch_norm("BatchNorm"), batch_norm("BatchNorm, time-major", batch_first=False)]


def concat(layers: Callable[[Any, Sizes], list[Any]], *widths: str) -> Callable[[Any, Sizes, str], Any]:
    """Widths are numbers, or letters of the sizes."""

    def make(net: Any, z: Sizes, dtype: str) -> Any:
        made = net.Concat(layers(net, z), [getattr(z, w, None) or int(w) for w in widths] or None, seed=z.seed)
        made.build(made.input_size or z.D, np.random.default_rng(z.seed), dtype)
        return made

    return make


OVER_TIME = [
    *POOLING,
    over_time("Convolution", convolution(3)),
    over_time("Convolution, causal", convolution(3, causal=True)),
    over_time("Convolution without bias", convolution(3, bias=False)),
    over_time("Convolution of width 4, gaps", convolution(4), gaps=True),
    over_time("Convolution, time-major", convolution(3, batch_first=False)),
    over_time("SelfAttention", self_attention(), even=True),
    over_time("SelfAttention, causal", self_attention(causal=True), even=True, gaps=True),
    over_time("BatchNorm in evaluation", evaluated),
    over_time("Concat of all of x", concat(lambda net, z: [net.Dense(z.O), net.Tanh(), net.Convolution(z.H, width=2)])),
    over_time("Concat of columns", concat(lambda net, z: [net.Convolution(z.H), net.Dense(z.O)], "D", "2"), wider=2),
    over_time("Concat of poolings", concat(lambda net, z: [net.Pooling("mean"), net.Pooling("max")])),
    over_time(
        "Concat on tokens",
        concat(
            lambda net, z: [net.Embedding(z.V, z.O), net.Characters(z.V, embedding_size=z.D, output_size=z.H)], "1", "T"
        ),
    ),
]
