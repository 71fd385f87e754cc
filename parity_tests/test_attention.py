"""Attention as a user meets it: what the weights are, that padding is never read, and what is refused in words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given

import numnet
from numnet.check import check_gradients, compare
from numnet.check.engine.subject import Unusable
from numnet.core.arrays import to_numpy
from parity_tests.probe import assert_near, run, upstream_like
from parity_tests.strategies import OPERATIONS, Case, Sizes, sizes

TIGHT = 1e-12
ROWS = [case for case in OPERATIONS if case.name.startswith("Attention")]
each = pytest.mark.parametrize("case", ROWS, ids=repr)
KINDS = ("dot", "general", "additive")


def numbers(thing: Any) -> Any:
    return np.array(to_numpy(thing))


def everything(case: Case, net: Any, z: Sizes, inputs: Any, upstream: Any = None) -> Any:
    """Outputs and gradients, of a new thing."""
    outputs, pullback = run(case.build(net, z), inputs)
    return {**outputs, **pullback(upstream or upstream_like(outputs, z.rng))}


@each
@given(z=sizes)
def test_weights_are_a_mean_over_the_real_steps(case: Case, net: Any, z: Sizes) -> None:
    thing, inputs = case.build(net, z), case.inputs(z)
    y = numbers(thing.forward(**inputs))
    mask, weights = np.array(inputs["lengths"]), numbers(thing.weights)
    some = np.asarray(mask.any(axis=1))
    assert weights.shape == (z.B, z.V, z.T)
    assert (weights >= 0).all()
    assert (weights.swapaxes(1, 2)[~mask] == 0).all()
    np.testing.assert_allclose(weights.sum(axis=-1), np.repeat(some[:, None], z.V, axis=1), rtol=TIGHT)
    np.testing.assert_allclose(y, np.einsum("bqt,btm->bqm", weights, inputs["m"]), rtol=TIGHT, atol=TIGHT)
    assert (y[~some] == 0).all()


@each
@given(z=sizes)
def test_what_stands_in_the_padding_is_never_read(case: Case, net: Any, z: Sizes) -> None:
    inputs = case.inputs(z)
    mask, spoilt = inputs["lengths"], inputs["m"].copy()
    spoilt[~mask] = np.nan
    expected = everything(case, net, z, inputs)
    found = everything(case, net, z, {**inputs, "m": spoilt})
    assert_near(found, expected, 0)
    assert (found["dm"][~mask] == 0).all()
    longer = {**inputs, "m": np.pad(inputs["m"], ((0, 0), (0, 2), (0, 0))), "lengths": np.pad(mask, ((0, 0), (0, 2)))}
    found = everything(case, net, z, longer)
    assert not found["dm"][:, z.T :].any()
    assert_near({**found, "dm": found["dm"][:, : z.T]}, expected, TIGHT)


@each
@given(z=sizes)
def test_lengths_are_a_mask_and_full_ones_are_none(case: Case, net: Any, z: Sizes) -> None:
    inputs, lengths = case.inputs(z), z.rng.integers(0, z.T + 1, z.B)
    masked = everything(case, net, z, {**inputs, "lengths": np.arange(z.T) < lengths[:, None]})
    assert_near(everything(case, net, z, {**inputs, "lengths": lengths}), masked, 0)
    none = {name: value for name, value in inputs.items() if name != "lengths"}
    full = everything(case, net, z, {**none, "lengths": np.full(z.B, z.T)})
    assert_near(everything(case, net, z, none), full, TIGHT)


@each
@given(z=sizes)
def test_the_order_of_the_steps_and_of_the_queries_does_not_matter(case: Case, net: Any, z: Sizes) -> None:
    inputs = case.inputs(z)
    steps, queries = z.rng.permutation(z.T), z.rng.permutation(z.V)
    upstream = upstream_like(run(case.build(net, z), inputs)[0], z.rng)
    expected = everything(case, net, z, inputs, upstream)
    moved = {"q": inputs["q"][:, queries], "m": inputs["m"][:, steps], "lengths": inputs["lengths"][:, steps]}
    found = everything(case, net, z, moved, {"y": upstream["y"][:, queries]})
    for name, order in (("y", queries), ("dq", queries), ("dm", steps)):
        expected[name] = expected[name][:, order]
    assert_near(found, expected, TIGHT)


@given(z=sizes)
def test_a_dot_product_is_pytorchs_own_attention(net: Any, z: Sizes) -> None:
    case = ROWS[0]
    inputs = case.inputs(z)
    inputs["lengths"][:, 0] = True  # PyTorch gives NaN to a row without a real step
    outputs, pullback = run(case.build(net, z), inputs)
    upstream = upstream_like(outputs, z.rng)
    q, m = (torch.tensor(inputs[name], requires_grad=True) for name in ("q", "m"))
    mask = torch.tensor(inputs["lengths"])[:, None].expand(-1, z.V, -1)
    y = torch.nn.functional.scaled_dot_product_attention(q, m, m, mask)
    dq, dm = torch.autograd.grad(y, (q, m), torch.tensor(upstream["y"]))
    expected = {"y": numbers(y), "dq": numbers(dq), "dm": numbers(dm)}
    assert_near({**outputs, **pullback(upstream)}, expected, TIGHT)


@each
def test_scores_are_those_of_the_equations_one_by_one(case: Case, net: Any) -> None:
    z = Sizes(B=2, T=3, V=2)
    thing, inputs = case.build(net, z), case.inputs(z)
    inputs["lengths"][:] = True
    thing.forward(**inputs)
    p = {name: numbers(value) for name, value in thing.params.items()}
    for b in range(z.B):
        for j, q in enumerate(inputs["q"][b]):
            scores = []
            for m in inputs["m"][b]:
                k = m if thing.kind == "dot" else p["W_m"] @ m
                scores.append(p["v"] @ np.tanh(p["W_q"] @ q + k) if thing.kind == "additive" else q @ k)
            e = np.array(scores) / (np.sqrt(z.D) if thing.kind == "dot" else 1)
            np.testing.assert_allclose(numbers(thing.weights)[b, j], np.exp(e) / np.exp(e).sum(), rtol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_one_step_is_taken_whole_and_of_equal_ones_the_mean(kind: str, net: Any) -> None:
    rng = np.random.default_rng(0)
    q, m = rng.standard_normal((2, 3, 4)), rng.standard_normal((2, 1, 4))
    y = net.Attention(kind, dtype="float64")(q, m)
    np.testing.assert_allclose(numbers(y), np.repeat(m, 3, axis=1), rtol=TIGHT)
    equal = np.repeat(m, 5, axis=1)
    attention = net.Attention(kind, dtype="float64")
    np.testing.assert_allclose(numbers(attention(q, equal)), np.repeat(m, 3, axis=1), rtol=TIGHT)
    np.testing.assert_allclose(numbers(attention.weights), 0.2, rtol=TIGHT)


@pytest.mark.parametrize("kind", KINDS)
def test_the_first_batch_shows_the_sizes(kind: str, net: Any) -> None:
    attention = net.Attention(kind)
    assert not attention.params
    M = 4 if kind == "dot" else 6
    attention(np.zeros((2, 3, 4)), np.zeros((2, 5, M)))
    shapes = {name: tuple(p.shape) for name, p in attention.params.items()}
    expected = {"dot": {}, "general": {"W_m": (4, 6)}, "additive": {"W_m": (4, 6), "W_q": (4, 4), "v": (4,)}}
    assert shapes == expected[kind]
    again = net.Attention(**attention.config(), input_size=4)
    assert {name: tuple(p.shape) for name, p in again.params.items()} == shapes


@pytest.mark.parametrize("kind", KINDS)
def test_the_checker_of_gradients_takes_it(kind: str, net: Any) -> None:
    for attention in (net.Attention(kind), net.Attention(kind, input_size=4, memory_size=4)):
        assert check_gradients(attention).passed
    rng = np.random.default_rng(0)
    q, m = rng.standard_normal((2, 3, 4)), rng.standard_normal((2, 5, 4))
    report = check_gradients(net.Attention(kind), q, m, lengths=[5, 0], full=True)
    assert [row.name for row in report.rows][-2:] == ["q", "m"]
    assert report.passed, str(report)
    assert compare(
        numnet.Attention(kind, input_size=4, memory_size=4), net.Attention(kind, input_size=4, memory_size=4)
    ).passed
    with pytest.raises(Unusable, match="Attention got 1 inputs, expected q, m"):
        check_gradients(net.Attention(kind), q)


def test_a_wrong_backward_pass_is_found() -> None:
    class Halved(numnet.Attention):
        def backward(self, dy: Any) -> Any:
            dq, dm = super().backward(dy)
            return dq, dm / 2

    report = check_gradients(Halved("general"))
    assert [finding.text for finding in report.findings] == ["dm is 0.5 times what it should be"]


def test_a_copy_forgets_the_last_call_and_a_dtype_is_kept(net: Any) -> None:
    import copy

    z = replace(Sizes(), seed=3)
    thing = ROWS[2].build(net, z, "float32")
    thing.forward(**ROWS[2].inputs(z))
    assert str(numbers(thing.weights).dtype) == "float32"
    assert copy.deepcopy(thing).weights is None


q, m = np.zeros((2, 3, 4)), np.zeros((2, 5, 6))
WORDS: list[tuple[Any, str]] = [
    (
        lambda a: a("dot", input_size=4, memory_size=6),
        "Attention: m has 6 features, expected 4, as q has. For other widths pass kind='general'.",
    ),
    (lambda a: a("additive")(q[0], m), r"Attention: q is (3, 4), expected (batch, queries, features), none of them 0."),
    (lambda a: a("additive")(q, m[0]), r"Attention: m is (5, 6), expected (batch, time, features), none of them 0."),
    (lambda a: a("additive")(q, m[:, :0]), "Attention: m is (2, 0, 6), expected (batch, time, features), none of"),
    (
        lambda a: a("general")(q, m[:1]),
        "Attention: m has 1 rows, expected 2, as q has. Queries of a row attend to its row of m",
    ),
    (lambda a: a("dot")(q, m), "Attention: m has 6 features, expected 4, as q has. For other widths pass kind='gener"),
    (
        lambda a: a("general", input_size=4, memory_size=5)(q, m),
        "Attention: m has 6 features, expected 5. The sizes are fixed by input_size=",
    ),
    (
        lambda a: a("general", input_size=5)(q, m),
        "Attention: q has 4 features, expected 5. The sizes are fixed by input_size=",
    ),
    (lambda a: a("softmax"), "Attention: kind is 'softmax', expected one of 'dot', 'general', 'additive'."),
    (lambda a: a("dot", memory_size=0), "Attention: memory_size is 0, expected a whole number above 0."),
    (lambda a: a("general")(q, m, [5, 6]), "Attention: lengths[1] is 6, expected 0 to 5 (T = 5)."),
    (lambda a: a("general").backward(q), "Attention: backward before forward. Call forward first."),
    (lambda a: a("general")(q * 1j, m), "Attention: q is complex128, expected real numbers."),
]


@pytest.mark.parametrize(("bad", "words"), WORDS, ids=[words[11:40] for _, words in WORDS])
def test_what_is_refused(bad: Any, words: str, net: Any) -> None:
    with pytest.raises((ValueError, TypeError, RuntimeError)) as refused:
        bad(net.Attention)
    assert str(refused.value).startswith(words)


def test_an_upstream_gradient_of_another_shape_is_refused(net: Any) -> None:
    attention = net.Attention("general")
    attention(q, m)
    with pytest.raises(ValueError, match=r"Attention: dy is \(2, 3, 4\), expected \(2, 3, 6\)"):
        attention.backward(q)


@pytest.mark.parametrize("kind", KINDS)
def test_it_computes_in_the_dtype_that_its_model_is_converted_to(kind: str, net: Any) -> None:
    attention = net.Attention(kind, input_size=4, memory_size=4)
    attention.convert("float64")
    rng = np.random.default_rng(0)
    y = numbers(attention(rng.standard_normal((2, 3, 4)), rng.standard_normal((2, 5, 4))))
    assert y.dtype == np.float64
