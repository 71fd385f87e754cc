"""What is packed is what is padded, with lengths: layers in either shape and direction, and losses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.utils import rnn

import numnet
from numnet.core.arrays import to_numpy
from parity_tests.family import ragged
from parity_tests.probe import assert_near, run
from parity_tests.small import gru
from parity_tests.strategies import LOSSES, Case, Sizes, sizes
from parity_tests.test_states import TIGHT, made, nodes, numbers, yes_or_no

MERGES = ["one way", "concat", "sum", "mean", "mul", None]


@pytest.mark.parametrize("merge", MERGES)
@given(z=sizes, node=nodes, turned=yes_or_no, alone=yes_or_no)
def test_packed_is_padded_with_lengths(
    net: Any, z: Sizes, node: str, merge: str | None, turned: bool, alone: bool
) -> None:
    options: dict[str, Any] = {"batch_first": not turned, "return_sequences": not alone}
    if merge != "one way":
        options |= {"bidirectional": True, "merge": merge}
    lengths = np.maximum(ragged(z.rng, z), z.T * (np.arange(z.B) == 0))  # so that T is the longest
    packed = net.pack([z.rng.standard_normal((length, z.D)) for length in lengths])
    x = packed.padded().swapaxes(0, 1) if turned else packed.padded()
    ours, theirs = made(net, node, z, **options), made(net, node, z, **options)
    y, expected = ours(packed), theirs(x, None, lengths)
    pair = expected if merge is None else (expected,)
    dy = tuple(z.rng.standard_normal(tuple(part.shape)) for part in pair)
    if alone:
        shown, given_dy = expected, dy
    else:
        parts = y if merge is None else (y,)
        assert [part.lengths.tolist() for part in parts] == [lengths.tolist()] * len(pair)
        y, shown = (tuple(part.values for part in parts), tuple(values(net, part, lengths, turned) for part in pair))
        given_dy = tuple(net.Packed(values(net, part, lengths, turned), lengths) for part in dy)
    dx = ours.backward(given_dy if merge is None else given_dy[0])
    d_padded = theirs.backward(dy if merge is None else dy[0])
    assert dx.lengths.tolist() == lengths.tolist()
    dx, d_padded = dx.values, values(net, d_padded, lengths, turned)
    expected = numbers(y=shown, last=theirs.last_state, dx=d_padded, d_first=theirs.d_state, **theirs.grads)
    assert_near(numbers(y=y, last=ours.last_state, dx=dx, d_first=ours.d_state, **ours.grads), expected, TIGHT)


@given(z=sizes, more=st.integers(0, 3))
def test_padding_to_a_total_length_is_pytorchs(net: Any, z: Sizes, more: int) -> None:
    lengths = [2, 0, 5, 1]
    packed = net.pack([z.rng.standard_normal((n, z.D)) for n in lengths])
    padded = packed.padded(total_length=5 + more)
    steps = [torch.tensor(sequence) for sequence in packed.sequences() if len(sequence)]  # PyTorch has no empty row
    theirs = rnn.pack_sequence(steps, enforce_sorted=False)
    expected, _ = rnn.pad_packed_sequence(theirs, batch_first=True, total_length=5 + more)
    np.testing.assert_array_equal(np.delete(padded, 1, 0), expected)
    np.testing.assert_array_equal(padded[1], 0)


@pytest.mark.parametrize(
    ("total_length", "kind"), [(4, ValueError), (5.0, TypeError), ("7", TypeError), (True, TypeError)]
)
def test_a_total_length_cuts_no_sequence(net: Any, total_length: Any, kind: type[Exception]) -> None:
    packed = net.pack([np.ones(5)])
    with pytest.raises(kind, match=f"Packed.*: total_length is {total_length!r}, expected a whole number"):
        packed.padded(total_length=total_length)


def values(net: Any, padded: Any, lengths: Any, turned: bool) -> Any:
    """The real steps of a padded batch."""
    return net.Packed.from_padded(padded.swapaxes(0, 1) if turned else padded, lengths).values


@pytest.mark.parametrize("case", [case for case in LOSSES if "masked" not in case.name], ids=repr)
@given(z=sizes)
def test_a_loss_of_what_is_packed_is_that_of_the_real_steps(case: Case, net: Any, z: Sizes) -> None:
    inputs, lengths = case.inputs(z), np.maximum(ragged(z.rng, z), np.arange(z.B) == 0)
    mask = np.arange(z.T) < lengths[:, None]
    loss = case.build(net, z)
    shape = inputs["target"].shape
    whole = "Softmax" not in case.name  # then a mask is shaped as the target
    masks = [np.broadcast_to(mask.reshape(z.B, z.T, *(1 for _ in shape[2:])), shape)] if whole else [mask, lengths]
    packed = [net.Packed.from_padded(inputs[name], lengths) for name in ("prediction", "target")]
    value = loss(*packed)
    each = isinstance(value, net.Packed)  # reduction="none"
    value = np.array(to_numpy(value.values if each else value))
    dx = loss.backward(np.ones(value.shape))
    assert dx.lengths.tolist() == lengths.tolist()
    for given_mask in masks:
        outputs, pullback = run(loss, {**inputs, "mask": given_mask})
        expected = {"value": outputs["value"][mask] if each else outputs["value"]}
        expected["dx"] = pullback({"value": np.ones(outputs["value"].shape)})["dprediction"][mask]
        assert_near({"value": value, "dx": np.array(to_numpy(dx.values))}, expected, TIGHT)


@given(z=sizes, turned=yes_or_no)
def test_a_model_takes_and_gives_what_is_packed(net: Any, z: Sizes, turned: bool) -> None:
    lengths = np.maximum(ragged(z.rng, z), z.T * (np.arange(z.B) == 0))
    packed = net.pack([z.rng.standard_normal((length, z.D)) for length in lengths])
    x = packed.padded().swapaxes(0, 1) if turned else packed.padded()
    ways = net.Bidirectional(net.GRULayer(z.H, batch_first=not turned), "mean")
    model = net.RNNModel([ways, net.Dense(z.O)], net.MeanSquaredError(), input_size=z.D, dtype="float64")
    dy = z.rng.standard_normal(tuple(model(x, None, lengths).shape))
    found = []
    for given_x, given_dy in ((packed, net.Packed(values(net, dy, lengths, turned), lengths)), (x, dy)):
        y = model(given_x, None, None if given_x is packed else lengths)
        model.zero_grad()
        dx = model.backward(given_dy)
        if given_x is packed:
            assert [part.lengths.tolist() for part in (y, dx)] == [lengths.tolist()] * 2
            y, dx = y.values, dx.values
        else:
            y, dx = (values(net, part, lengths, turned) for part in (y, dx))
        found.append(numbers(y=y, dx=dx, **model.grads))
    assert_near(found[0], found[1], TIGHT)
    shown = model.predict(packed)
    assert (type(shown.values), shown.lengths.tolist()) == (np.ndarray, lengths.tolist())


def test_a_packed_gradient_is_taken_as_the_padded_one() -> None:
    rng, layer = np.random.default_rng(0), gru(numnet, dtype="float64")
    batch, dy = (numnet.pack(np.split(rng.standard_normal((5, width)), [2])) for width in (4, 5))
    layer(batch)
    dx = layer.backward(dy)
    layer(batch.padded(), None, batch.lengths)
    np.testing.assert_array_equal(dx.padded(), layer.backward(dy.padded()))
