"""Laws that need no oracle: what any layer must obey, whatever its equations, on both backends."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

import numnet
from numnet.core.arrays import to_numpy
from parity_tests.classifiers import CLASSIFIERS
from parity_tests.family import FAMILY, OVER_TIME, family_case
from parity_tests.probe import Arrays, assert_near, run, upstream_like
from parity_tests.strategies import EVERYTHING, LAYERS, NODES, OPERATIONS, Case, Sizes, sizes
from parity_tests.translator import TRANSLATORS

WHOLE_FAMILY = [*LAYERS, *FAMILY]
TIGHT = 1e-12  # the same sums, in another order at most
plain = pytest.mark.parametrize("case", LAYERS, ids=repr)
layers = pytest.mark.parametrize("case", WHOLE_FAMILY, ids=repr)
can_be_cut = pytest.mark.parametrize("case", [case for case in WHOLE_FAMILY if not case.unlawful], ids=repr)
by_row = pytest.mark.parametrize(
    "case", [case for case in (*WHOLE_FAMILY, *OPERATIONS, *OVER_TIME) if "rows" not in case.unlawful], ids=repr
)
padded = pytest.mark.parametrize("case", [*FAMILY, *OVER_TIME], ids=repr)
sequences = pytest.mark.parametrize("case", [*WHOLE_FAMILY, *OPERATIONS, *OVER_TIME], ids=repr)
everything = pytest.mark.parametrize("case", [*EVERYTHING, *FAMILY, *OVER_TIME, *TRANSLATORS, *CLASSIFIERS], ids=repr)

FEW = settings(max_examples=max(3, settings().max_examples * 2 // 5))  # of each row; the rows are many


def drawn(law: Any) -> Any:
    """The law for drawn sizes."""
    return FEW(given(z=sizes)(law))


def pulled(case: Case, net: Any, z: Sizes, inputs: Arrays, upstream: Arrays) -> Arrays:
    """Outputs and gradients of a new thing, in one dictionary."""
    outputs, pullback = run(case.build(net, z), inputs)
    return {**outputs, **pullback(upstream)}


def rows_of(arrays: Arrays, chosen: Any) -> Arrays:
    """The same with only these rows of the batch."""
    return {name: value[chosen] for name, value in arrays.items()}


def steps_of(inputs: Arrays, first: int, end: int) -> Arrays:
    """x and lengths, or a mask, of these steps alone."""
    lengths = inputs.get("lengths")
    if lengths is None:
        return {"x": inputs["x"][:, first:end]}
    cut = lengths[:, first:end] if lengths.ndim == 2 else np.clip(lengths, first, end) - first
    return {"x": inputs["x"][:, first:end], "lengths": cut}


@by_row
@drawn
def test_permuting_the_batch_permutes_the_result(case: Case, net: Any, z: Sizes) -> None:
    inputs, order = case.inputs(z), np.random.default_rng(z.seed).permutation(z.B)
    outputs, _ = run(case.build(net, z), inputs)
    upstream = upstream_like(outputs, z.rng)
    plain = pulled(case, net, z, inputs, upstream)
    permuted = pulled(case, net, z, rows_of(inputs, order), rows_of(upstream, order))
    rowwise = {*outputs, *(f"d{name}" for name in (*inputs, *outputs))}
    assert_near(permuted, {name: v[order] if name in rowwise else v for name, v in plain.items()}, TIGHT)


@by_row
@drawn
def test_a_batch_is_its_rows_one_by_one(case: Case, net: Any, z: Sizes) -> None:
    inputs = case.inputs(z)
    outputs, pullback = run(case.build(net, z), inputs)
    upstream = upstream_like(outputs, z.rng)
    single = [pulled(case, net, z, rows_of(inputs, [b]), rows_of(upstream, [b])) for b in range(z.B)]
    rowwise = {*outputs, *(f"d{name}" for name in (*inputs, *outputs))}
    together = {
        name: np.concatenate([row[name] for row in single])
        if name in rowwise
        else np.sum([row[name] for row in single], axis=0)
        for name in single[0]
    }
    assert_near({**outputs, **pullback(upstream)}, together, TIGHT)


@can_be_cut
@drawn
def test_a_sequence_cut_in_two_is_the_whole(case: Case, net: Any, z: Sizes) -> None:
    z = replace(z, T=z.T + 1)
    inputs = case.inputs(z)
    names = [name for name in inputs if name not in ("x", "lengths")]
    whole, pull_whole = run(case.build(net, z), inputs)
    upstream, cut = upstream_like(whole, z.rng), z.T // 2
    early, pull_early = run(case.build(net, z), {**inputs, **steps_of(inputs, 0, cut)})
    late, pull_late = run(case.build(net, z), {**steps_of(inputs, cut, z.T), **{name: early[name] for name in names}})
    assert_near({**late, "y": np.concatenate([early["y"], late["y"]], axis=1)}, whole, TIGHT)
    d_late = pull_late({**upstream, "y": upstream["y"][:, cut:]})
    d_early = pull_early({"y": upstream["y"][:, :cut], **{name: d_late[f"d{name}"] for name in names}})
    expected = pull_whole(upstream)
    joined = {name: d_early[name] + d_late[name] for name in expected if name[1:] not in inputs}
    joined |= {f"d{name}": d_early[f"d{name}"] for name in names}
    if "dx" in expected:
        joined["dx"] = np.concatenate([d_early["dx"], d_late["dx"]], axis=1)
    assert_near(joined, expected, TIGHT)


@layers
@drawn
def test_how_many_steps_stay_in_the_cache_changes_nothing(case: Case, z: Sizes) -> None:
    inputs = case.inputs(z)
    upstream = upstream_like(run(case.build(numnet, z), inputs)[0], z.rng)
    in_chunks = pulled(case, numnet, z, inputs, upstream)  # conftest makes the limits small
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(numnet.recurrent.fast.buffers, "IN_CACHE", 2**16)
        patch.setattr(numnet.recurrent.fast.blas, "LONG", 2**16)
        assert_near(pulled(case, numnet, z, inputs, upstream), in_chunks, TIGHT)


@pytest.mark.parametrize("case", NODES, ids=repr)
@drawn
def test_a_node_called_twice_goes_back_in_either_order(case: Case, net: Any, z: Sizes) -> None:
    node, inputs = case.build(net, z), case.inputs(z)
    twice = [inputs, {"x": inputs["x"]}]  # the second from a state of zeros
    upstream = upstream_like(run(node, inputs)[0], z.rng)
    found: list[Arrays] = []
    for order in ((0, 1), (1, 0)):
        pullbacks = [run(node, given)[1] for given in twice]
        node.zero_grad()
        states = {f"{name} of call {k}": v for k in order for name, v in pullbacks[k](upstream, clear=False).items()}
        sums = {name: np.array(to_numpy(value)) for name, value in node.grads.items()}
        found.append({**{name: v for name, v in states.items() if name[1:].split()[0] not in sums}, **sums})
    assert_near(found[1], found[0], TIGHT)


@layers
@drawn
def test_a_layer_converted_after_use_is_one_made_in_that_dtype(case: Case, z: Sizes) -> None:
    inputs = case.inputs(z)
    used, new = case.build(numnet, z), case.build(numnet, z)
    for dtype in ("float32", "float64"):
        used.convert(dtype)
        run(used, inputs)  # buffers of this dtype and these sizes are there now
    used.load_state_dict(new.state_dict())
    outputs, pullback = run(used, inputs)
    expected, pull_expected = run(new, inputs)
    upstream = upstream_like(expected, z.rng)
    assert_near({**outputs, **pullback(upstream)}, {**expected, **pull_expected(upstream)}, TIGHT)
    assert outputs["y"].dtype == np.float64


@plain
@drawn
def test_a_refused_call_leaves_the_one_before(case: Case, z: Sizes) -> None:
    layer, inputs = case.build(numnet, z), case.inputs(z)
    outputs, pullback = run(layer, inputs)
    upstream = upstream_like(outputs, z.rng)
    before = pullback(upstream)
    with pytest.raises(ValueError, match=r"state (h )?is"):
        layer(0 * inputs["x"], tuple(np.zeros((z.B, z.H + 1)) for _ in layer.node.states))
    after = pullback(upstream)
    assert all((after[name] == before[name]).all() for name in before)


@can_be_cut
@drawn
def test_step_by_step_is_the_whole_sequence_at_once(case: Case, net: Any, z: Sizes) -> None:
    inputs, layer = case.inputs(z), case.build(net, z)
    whole, _ = run(layer, inputs)
    state, shown = {name: v for name, v in inputs.items() if name not in ("x", "lengths")}, []
    for t in range(z.T):
        step, _ = run(layer, {**steps_of(inputs, t, t + 1), **state})
        state = {name: step[name] for name in state}
        shown.append(step["y"])
    assert_near({"y": np.concatenate(shown, axis=1), **state}, whole, TIGHT)


@pytest.mark.parametrize("case", [case for case in LAYERS if "tokens" in case.name], ids=repr)
@drawn
def test_tokens_are_one_hot_vectors(case: Case, net: Any, z: Sizes) -> None:
    inputs = case.inputs(z)
    outputs, pullback = run(case.build(net, z), inputs)
    dense, pull_dense = run(case.build(net, z), {**inputs, "x": np.eye(z.D)[inputs["x"]]})
    upstream = upstream_like(outputs, z.rng)
    gradients = pull_dense(upstream)
    gradients.pop("dx")
    assert_near(outputs, dense, TIGHT)
    assert_near(pullback(upstream), gradients, TIGHT)


def mask_of(inputs: Arrays, T: int) -> Any:
    """The mask (B, T) that the lengths mean."""
    lengths = inputs["lengths"]
    return lengths if lengths.ndim == 2 else np.arange(T) < lengths[:, None]


@padded
@drawn
def test_what_stands_in_the_padding_is_never_read(case: Case, net: Any, z: Sizes) -> None:
    inputs = case.inputs(z)
    outputs, pullback = run(case.build(net, z), inputs)
    upstream = upstream_like(outputs, z.rng)
    unreal = ~mask_of(inputs, z.T)
    time_major = "time-major" in case.name
    spoilt = {**inputs, "x": inputs["x"].copy()}
    spoilt["x"][unreal.T if time_major else unreal] = -7 if "tokens" in case.name else np.nan
    dirty = {name: v.copy() for name, v in upstream.items()}
    if dirty["y"].shape[:2] == ((z.T, z.B) if time_major else (z.B, z.T)) and dirty["y"].ndim == 3:
        dirty["y"][unreal.T if time_major else unreal] = np.nan
    ours = pulled(case, net, z, spoilt, dirty)
    assert_near(ours, {**outputs, **pullback(upstream)}, 0)
    for name in ("y", "dx"):
        if name in ours and ours[name].ndim == 3:
            assert (ours[name][unreal.T if time_major else unreal] == 0).all(), name


@padded
@drawn
def test_more_padding_changes_nothing(case: Case, net: Any, z: Sizes) -> None:
    if "zoneout" in case.name and "evaluation" not in case.name:
        return  # its masks are drawn for a batch of this length
    inputs, axis = case.inputs(z), 0 if "time-major" in case.name else 1
    outputs, pullback = run(case.build(net, z), inputs)
    upstream = upstream_like(outputs, z.rng)
    longer = {**inputs, "x": wider(inputs["x"], axis)}
    if inputs["lengths"].ndim == 2:
        longer["lengths"] = wider(inputs["lengths"], axis)
    whole = outputs["y"].ndim == 3
    long_upstream = {**upstream, "y": wider(upstream["y"], axis) if whole else upstream["y"]}
    expected = {**outputs, **pullback(upstream)}
    for name in ["y"] * whole + ["dx"] * ("dx" in expected):
        expected[name] = wider(expected[name], axis)
    assert_near(pulled(case, net, z, longer, long_upstream), expected, TIGHT)


def wider(value: Any, axis: int) -> Any:
    """Three more steps of zeros."""
    widths = [(0, 0)] * value.ndim
    widths[axis] = (0, 3)
    return np.pad(value, widths)


@padded
@drawn
def test_a_full_mask_is_none(case: Case, net: Any, z: Sizes) -> None:
    inputs = case.inputs(z)
    none = {name: value for name, value in inputs.items() if name != "lengths"}
    outputs, pullback = run(case.build(net, z), none)
    upstream = upstream_like(outputs, z.rng)
    full = {**none, "lengths": np.full(z.B, z.T)}
    assert_near(pulled(case, net, z, full, upstream), {**outputs, **pullback(upstream)}, TIGHT)


@padded
@drawn
def test_a_row_without_a_step_keeps_its_state(case: Case, net: Any, z: Sizes) -> None:
    inputs = {**case.inputs(z), "lengths": np.zeros(z.B, int)}
    outputs, pullback = run(case.build(net, z), inputs)
    upstream = upstream_like(outputs, z.rng)
    found = pullback(upstream)
    states = [name for name in outputs if name != "y"]
    learned = "learned state" in case.name
    for name in states:
        assert (outputs[name] == (0 if name not in inputs and not learned else inputs.get(name, outputs[name]))).all()
        assert (found.pop(f"d{name}") == upstream[name]).all()
    if "with output" not in case.name:
        assert (outputs["y"] == 0).all()
    assert all((found[name] == 0).all() for name in found if not name.endswith("_0"))


@pytest.mark.parametrize("node", ["RNN", "GRU before", "GRU after", "LSTM", "LSTM with all", "MGU", "IndRNN"])
@pytest.mark.parametrize("option", ["", "tokens"])
@drawn
def test_the_reverse_layer_is_the_layer_on_the_reversed_input(node: str, option: str, net: Any, z: Sizes) -> None:
    options = ["gaps", option] if option else ["gaps"]
    ahead, back = family_case(node, *options), family_case(node, *options, "reverse")
    inputs = ahead.inputs(z)
    outputs, pullback = run(back.build(net, z), inputs)
    upstream = upstream_like(outputs, z.rng)
    turned = {**inputs, "x": inputs["x"][:, ::-1], "lengths": inputs["lengths"][:, ::-1]}
    found = pulled(ahead, net, z, turned, {**upstream, "y": upstream["y"][:, ::-1]})
    for name in ("y", "dx"):
        if name in found:
            found[name] = found[name][:, ::-1]
    assert_near(found, {**outputs, **pullback(upstream)}, TIGHT)


@everything
@drawn
def test_no_upstream_gradient_gives_none(case: Case, net: Any, z: Sizes) -> None:
    outputs, pullback = run(case.build(net, z), case.inputs(z))
    for name, gradient in pullback({name: np.zeros_like(y) for name, y in outputs.items()}).items():
        assert (gradient == 0).all(), name


@everything
@drawn
def test_backward_is_linear_in_the_upstream_gradient(case: Case, net: Any, z: Sizes) -> None:
    outputs, pullback = run(case.build(net, z), case.inputs(z))
    one, two = upstream_like(outputs, z.rng), upstream_like(outputs, np.random.default_rng([z.seed, 3]))
    a, b = pullback(one), pullback(two)
    mixed = pullback({name: 2 * one[name] - 3 * two[name] for name in one})
    largest = max(np.abs(value).max(initial=0) for value in (*a.values(), *b.values()))
    for name, value in mixed.items():  # where terms cancel, a sum is as inexact as they are
        assert (np.abs(value - (2 * a[name] - 3 * b[name])) <= 1e-11 * largest).all(), name


@everything
@drawn
def test_backward_twice_adds_twice(case: Case, net: Any, z: Sizes) -> None:
    thing = case.build(net, z)
    outputs, pullback = run(thing, case.inputs(z))
    upstream = upstream_like(outputs, z.rng)
    once, twice = pullback(upstream), pullback(upstream, clear=False)
    params = {f"d{name}" for name in getattr(thing, "params", {})}
    assert_near(twice, {name: 2 * v if name in params else v for name, v in once.items()}, TIGHT)


@everything
@drawn
def test_what_is_passed_in_is_left_alone(case: Case, net: Any, z: Sizes) -> None:
    inputs = case.inputs(z)
    before = {name: value.copy() for name, value in inputs.items()}
    outputs, pullback = run(case.build(net, z), inputs)
    upstream = upstream_like(outputs, z.rng)
    kept = {name: value.copy() for name, value in upstream.items()}
    pullback(upstream)
    assert all((inputs[name] == before[name]).all() for name in inputs)
    assert all((upstream[name] == kept[name]).all() for name in upstream)


@layers
@drawn
def test_used_buffers_change_nothing_and_results_stay(case: Case, net: Any, z: Sizes) -> None:
    used, inputs = case.build(net, z), case.inputs(z)
    kept = used.forward(inputs["x"])
    first = np.array(to_numpy(kept))
    for other in (replace(z, seed=z.seed + 1), replace(z, T=z.T + 2), replace(z, B=z.B + 1)):
        outputs, pullback = run(used, case.inputs(other))
        pullback(upstream_like(outputs, other.rng))
    assert (to_numpy(kept) == first).all(), "a later call changed an earlier result"
    outputs, pullback = run(used, inputs)
    upstream = upstream_like(outputs, z.rng)
    assert_near({**outputs, **pullback(upstream)}, pulled(case, net, z, inputs, upstream), 0)


@everything
@pytest.mark.parametrize("given_dtype", ["float32", "float64"])
@drawn
def test_the_dtype_is_the_layers_own(case: Case, given_dtype: str, net: Any, z: Sizes) -> None:
    thing = case.build(net, z, "float32")
    outputs, pullback = run(thing, case.inputs(z, given_dtype))
    expected = "float32" if hasattr(thing, "params") else given_dtype
    numbers = {**outputs, **pullback(upstream_like(outputs, z.rng))}
    for loss in ("value", "added_loss"):
        numbers.pop(loss, None)
    assert {name: str(v.dtype) for name, v in numbers.items()} == dict.fromkeys(numbers, expected)


@everything
@drawn
def test_large_numbers_stay_finite_without_a_warning(case: Case, net: Any, z: Sizes) -> None:
    inputs = case.inputs(z, "float32")
    large = {
        name: v * np.float32(1e4) if name in ("x", "q", "m", "prediction") and v.dtype.kind == "f" else v
        for name, v in inputs.items()
    }
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message=".*no target is counted")
        warnings.filterwarnings("ignore", message="LSTM with projections is not supported")  # PyTorch, once a process
        outputs, pullback = run(case.build(net, z, "float32"), large)
        gradients = pullback(upstream_like(outputs, z.rng))
    assert all(np.isfinite(value).all() for value in {**outputs, **gradients}.values())


@sequences
@drawn
def test_memory_layout_does_not_matter(case: Case, net: Any, z: Sizes) -> None:
    inputs = case.inputs(z)
    odd = {name: np.asfortranarray(np.repeat(v, 2, axis=-1))[..., ::2] for name, v in inputs.items()}
    outputs, pullback = run(case.build(net, z), inputs)
    upstream = upstream_like(outputs, z.rng)
    reversed_twice = {name: v[::-1].copy()[::-1] for name, v in upstream.items()}
    assert_near(pulled(case, net, z, odd, reversed_twice), {**outputs, **pullback(upstream)}, TIGHT)
