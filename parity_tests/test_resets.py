"""Resets: a layer that is told where sequences begin computes what it computes for each of them alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given

import numnet
import torchnet
from numnet.core.arrays import to_numpy
from parity_tests.family import family_case
from parity_tests.probe import Array, Arrays, assert_near, run, upstream_like
from parity_tests.slopes import slope_error
from parity_tests.strategies import TOLERANCE, Case, Sizes, sizes

TIGHT = 1e-12  # the same sums, in another order at most
Segment = tuple[int, list[int], bool]  # the row, its real steps, whether a reset stands before them


def with_resets(node: str, *options: str) -> Case:
    """A row of the family whose inputs have resets; a third of all draws has no lengths, half of them no state."""
    case = family_case(node, *options)

    def draw(rng: np.random.Generator, z: Sizes) -> Arrays:
        inputs = case.draw(rng, z)
        if "learned state" in options and z.seed % 2:
            states, ways = "hc" if node == "LSTM" else "h", ("_forth", "_back") if "both ways" in options else ("",)
            inputs |= {f"{name}{way}": rng.standard_normal((z.B, z.H)) for way in ways for name in states}
        if z.seed % 3 == 0:
            del inputs["lengths"]
        return {**inputs, "resets": rng.random(inputs["x"].shape[:2]) < 0.4}

    return replace(case, draw=draw)


NODES = ["RNN", "GRU before", "GRU after", "GRU after layer_norm", "LSTM", "LSTM with all", "MGU", "IndRNN"]
OPTIONS = [("gaps",), ("reverse",), ("gaps", "reverse"), ("learned state",), ("learned state", "reverse"),
           ("both ways",), ("gaps", "both ways"), ("time-major",), ("last alone",), ("tokens",)]  # fmt: skip
ALONE = [
    *(with_resets(node) for node in NODES),
    *(with_resets("LSTM", *options) for options in OPTIONS),
    *(with_resets("GRU before", *options) for options in (("gaps", "reverse"), ("learned state", "both ways"))),
]
DROPPING = [with_resets("LSTM", "gaps", name) for name in ("state dropout", "weight dropout", "zoneout")]
alone = pytest.mark.parametrize("case", ALONE, ids=repr)


def segments(mask: Array, resets: Array) -> list[Segment]:
    """The sequences of all rows. A reset at a step that is not real holds for the row's next real one."""
    found: list[Segment] = []
    for b, row in enumerate(mask):
        steps: list[int] = []
        begins = fresh = False
        for t in range(len(row)):
            begins = begins or bool(resets[b, t])
            if row[t]:
                if begins and steps:
                    found.append((b, steps, fresh))
                    steps = []
                fresh, begins = fresh or begins, False
                steps.append(t)
        found.append((b, steps, fresh))
    return found


class Alone:
    """Each sequence of a batch as a row of another batch, with the start state that it has in the first."""

    def __init__(self, layer: Any, inputs: Arrays) -> None:
        self.layer, self.inputs = layer, inputs
        self.whole = self.batch_first(inputs["x"])
        B, T = self.whole.shape[:2]
        lengths = inputs.get("lengths", np.full(B, T))
        mask = self.batch_first(lengths) if lengths.ndim == 2 else np.arange(T) < lengths[:, None]
        self.found = segments(mask, self.batch_first(inputs["resets"]))
        self.rows = np.array([b for b, _, _ in self.found])
        self.last = np.array([*(self.rows[1:] != self.rows[:-1]), True])  # of its row
        self.first = np.array([True, *(self.rows[1:] != self.rows[:-1])])
        self.fresh = np.array([fresh for _, _, fresh in self.found])

    def batch_first(self, x: Any) -> Any:
        """(T, B, ...) as (B, T, ...), and back."""
        return x if self.layer.batch_first else x.swapaxes(0, 1)

    def backwards(self, name: str) -> bool:
        """Whether a part of the state, or of the parameters, is of a layer that takes the last step first."""
        return bool(getattr(self.layer, "reverse", False)) or name.endswith("_back") or name.startswith("backwards.")

    def continues(self, name: str) -> Array:
        """(S,): whether a sequence starts from the start state of its row."""
        return self.last if self.backwards(name) else ~self.fresh

    def ends(self, name: str) -> Array:
        """(S,): whether a sequence leaves the last state of its row."""
        return self.first if self.backwards(name) else self.last

    def gather(self, x: Array) -> Array:
        """The steps (B, T, ...) of each sequence, padded to (S, T, ...)."""
        cut = np.zeros((len(self.found), *x.shape[1:]), x.dtype)
        for s, (b, steps, _) in enumerate(self.found):
            cut[s, : len(steps)] = x[b, steps]
        return cut

    def scatter(self, cut: Array) -> Array:
        """The backward pass, 0 where no step is real."""
        x = np.zeros((*self.whole.shape[:2], *cut.shape[2:]), cut.dtype)
        for s, (b, steps, _) in enumerate(self.found):
            x[b, steps] = cut[s, : len(steps)]
        return x

    def of_rows(self, part: Array, chosen: Array) -> Array:
        """(B, H): of each row that of its chosen sequence, 0 without one."""
        whole = np.zeros((len(self.whole), *part.shape[1:]), part.dtype)
        whole[self.rows[chosen]] = part[chosen]
        return whole

    def run(self, names: list[str], learned: dict[str, Array]) -> tuple[Arrays, Callable[[Arrays], Arrays]]:
        """What `run` gives of the layer on the whole batch with its resets."""
        sizes = {name: self.inputs[name] if name in self.inputs else learned[name] for name in names}
        start = {}
        for name, value in sizes.items():
            h_0 = np.broadcast_to(learned.get(name, 0), (len(self.rows), value.shape[-1]))
            value = np.broadcast_to(value, (len(self.whole), value.shape[-1]))
            start[name] = np.where(self.continues(name)[:, None], value[self.rows], h_0)
        x, lengths = self.batch_first(self.gather(self.whole)), np.array([len(steps) for _, steps, _ in self.found])
        outputs, pullback = run(self.layer, {"x": x, "lengths": lengths, **start})

        def pulled(upstream: Arrays) -> Arrays:
            given = {n: np.where(self.ends(n)[:, None], upstream[n][self.rows], 0) for n in names}
            gradients = pullback({**given, "y": self.upstream(upstream["y"])})
            parts = {name: gradients.pop(f"d{name}") for name in names}
            for key in [key for key in gradients if key.endswith("_0")]:
                name = key[-3] + {"d": "", "f": "_forth", "b": "_back"}["d" if "." not in key else key[1]]
                none = name not in self.inputs
                gradients[key] = parts[name][none | ~self.continues(name)].sum(axis=0)
            if "dx" in gradients:
                gradients["dx"] = self.batch_first(self.scatter(self.batch_first(gradients["dx"])))
            return {**gradients, **{f"d{n}": self.of_rows(part, self.continues(n)) for n, part in parts.items()}}

        y, kept = outputs["y"], {n: self.of_rows(outputs[n], self.ends(n)) for n in names}
        if self.layer.keeps_time:
            return {"y": self.batch_first(self.scatter(self.batch_first(y))), **kept}, pulled
        return {"y": self.of_rows(y, self.ends(names[0])), **kept}, pulled

    def upstream(self, dy: Array) -> Array:
        """dy as the sequences get it."""
        if self.layer.keeps_time:
            return self.batch_first(self.gather(self.batch_first(dy)))
        return np.where(self.ends("h")[:, None], dy[self.rows], 0)


@alone
@given(z=sizes)
def test_a_sequence_after_a_reset_is_computed_as_if_alone(case: Case, net: Any, z: Sizes) -> None:
    layer, inputs = case.build(net, z), case.inputs(z)
    outputs, pullback = run(layer, inputs)
    names = [name for name in outputs if name != "y"]
    upstream = upstream_like(outputs, z.rng)
    gradients = pullback(upstream)
    learned = {}
    for key, value in layer.params.items():
        if key.endswith("_0"):
            way = {"f": "_forth", "b": "_back"}[key[0]] if "." in key else ""
            learned[f"{key[-3]}{way}"] = np.array(to_numpy(value))
    expected, pull_expected = Alone(case.build(net, z), inputs).run(names, learned)
    assert_near(outputs, expected, TIGHT)
    assert_near(gradients, pull_expected(upstream), TIGHT)


@pytest.mark.parametrize("options", [(), ("gaps",), ("reverse",), ("gaps", "reverse")], ids=str)
@pytest.mark.parametrize("node", ["GRU before", "LSTM with all"])
@given(z=sizes)
def test_no_gradient_passes_a_reset(node: str, options: Any, net: Any, z: Sizes) -> None:
    case = with_resets(node, *options)
    inputs, t = case.inputs(z), z.seed % z.T
    inputs["resets"][:, t] = True
    later = np.arange(z.T) >= t
    outputs, pullback = run(case.build(net, z), inputs)
    upstream = {name: value * 0 for name, value in outputs.items()}
    after = ~later if "reverse" in options else later  # of the steps that are taken after the reset
    upstream["y"] = np.where(after[:, None], upstream_like(outputs, z.rng)["y"], 0)
    dx = pullback(upstream)["dx"]
    assert (dx[:, ~after] == 0).all()


@pytest.mark.parametrize("case", ALONE[::2], ids=repr)
@given(z=sizes)
def test_no_reset_is_none(case: Case, net: Any, z: Sizes) -> None:
    found, inputs = [], case.inputs(z)
    for resets in (None, np.zeros_like(inputs["resets"])):
        outputs, pullback = run(case.build(net, z), {**inputs, "resets": resets})
        found.append({**outputs, **pullback(upstream_like(outputs, z.rng))})
    assert_near(found[0], found[1], TIGHT)


@pytest.mark.parametrize("case", [*ALONE, *DROPPING], ids=repr)
@given(z=sizes)
def test_the_two_agree(case: Case, z: Sizes) -> None:
    found, inputs = [], case.inputs(z)
    for net in (numnet, torchnet):
        outputs, pullback = run(case.build(net, z), inputs)
        found.append({**outputs, **pullback(upstream_like(outputs, z.rng))})
    assert_near(found[0], found[1], TOLERANCE["float64"])


@given(z=sizes)
def test_the_gradients_are_the_slopes(z: Sizes) -> None:
    error, words = slope_error(with_resets("LSTM", "gaps", "learned state", "both ways"), numnet, z)
    assert error <= TOLERANCE["slopes"], words


x, resets = np.ones((2, 3, 4)), np.zeros((2, 3), bool)
BAD: list[tuple[str, str, Callable[[Any], Any]]] = [
    ("another number of steps", "LSTMLayer: resets is (2, 4), expected (2, 3). One truth value per step",
     lambda net: net.LSTMLayer(5)(x, None, None, np.zeros((2, 4), bool))),
    ("one for each row", "GRULayer: resets is (2,), expected (2, 3). One truth value per step",
     lambda net: net.GRULayer(5)(x, None, None, [True, False])),
    ("batch first in a layer that has time first", "MGULayer: resets is (3, 2), expected (2, 3).",
     lambda net: net.MGULayer(5, batch_first=False)(x, None, None, resets.T)),
    ("2", "LSTMLayer: resets contains 2, expected truth values. True where a sequence begins.",
     lambda net: net.LSTMLayer(5)(x, None, None, resets + 2)),
    ("a half", "LSTMLayer: resets contains 0.5, expected truth values.",
     lambda net: net.LSTMLayer(5)(x, None, None, resets + 0.5)),
    ("both ways", "GRULayer: resets is (2, 4), expected (2, 3).",
     lambda net: net.GRULayer(5, bidirectional=True)(x, None, None, np.zeros((2, 4), bool))),
]  # fmt: skip


@pytest.mark.parametrize(("name", "words", "bad"), BAD, ids=[row[0] for row in BAD])
def test_bad_resets_are_refused_in_the_same_words(name: str, words: str, bad: Callable[[Any], Any]) -> None:
    found = []
    for net in (numnet, torchnet):
        with pytest.raises(ValueError, match="resets") as caught:
            bad(net)
        found.append(str(caught.value))
    assert found[0].startswith(words), name
    assert found[1] == found[0]


def test_resets_may_be_zeros_and_ones_of_any_type_and_a_tensor(net: Any) -> None:
    layer, given_ones = net.LSTMLayer(5, seed=0), np.array([[0, 1, 0], [1, 0, 1]])
    expected = np.array(to_numpy(layer(x, None, None, given_ones == 1)))
    for same in (given_ones, given_ones.astype("float32"), torch.tensor(given_ones), given_ones.tolist()):
        assert (to_numpy(layer(x, None, None, same)) == expected).all()


def test_a_model_hands_resets_to_its_recurrent_layers(net: Any) -> None:
    """Its loss and outputs are those of the two sequences apart; a model without a recurrent layer refuses them."""
    layers = [net.LSTMLayer(4), net.Dense(3), net.GRULayer(3, bidirectional=True), net.Dense(2)]
    model = net.RNNModel(layers, net.MeanSquaredError(), input_size=3, dtype="float64")
    rng = np.random.default_rng(0)
    x, target, resets = rng.standard_normal((1, 7, 3)), rng.standard_normal((1, 7, 2)), np.arange(7)[None] == 3
    found = []
    for parts in ([(slice(None), resets)], [(slice(0, 3), None), (slice(3, 7), None)]):
        losses = [float(model.loss_and_grads(x[:, s], target[:, s], resets=marks)) for s, marks in parts]
        found.append(sum(loss * len(range(7)[s]) for loss, (s, _) in zip(losses, parts)))
    np.testing.assert_allclose(found[0], found[1], rtol=1e-12)
    np.testing.assert_allclose(
        np.asarray(model.predict(x, resets=resets)[:, 3:]), np.asarray(model.predict(x[:, 3:])), rtol=1e-12
    )
    with pytest.raises(ValueError, match="resets are given, expected None: no layer is recurrent"):
        net.RNNModel([net.Dense(2)], input_size=3)(x, resets=resets)


def test_packed_resets_have_the_lengths_of_x(net: Any) -> None:
    x, layer = np.zeros((9, 2), "float32"), net.GRULayer(3, input_size=2)
    with pytest.raises(ValueError, match="GRULayer: resets"):
        layer(net.Packed(x, [4, 2, 3]), None, None, net.Packed(np.ones(8), [4, 3, 1]))
    layer(net.Packed(x, [4, 2, 3]), None, None, net.Packed(np.ones(9), [4, 2, 3]))
