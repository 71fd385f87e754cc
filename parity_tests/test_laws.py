"""Laws that need no oracle: what any layer must obey, whatever its equations, on both backends."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given

import numnet
from numnet.checkpoint import to_numpy
from parity_tests.probe import Arrays, assert_near, run, upstream_like
from parity_tests.strategies import EVERYTHING, LAYERS, NODES, OPERATIONS, Case, Sizes, sizes

SEQUENCES = [*LAYERS, *OPERATIONS]
TIGHT = 1e-12  # the same sums, in another order at most
layers = pytest.mark.parametrize("case", LAYERS, ids=repr)
sequences = pytest.mark.parametrize("case", SEQUENCES, ids=repr)
everything = pytest.mark.parametrize("case", EVERYTHING, ids=repr)


def pulled(case: Case, net: Any, z: Sizes, inputs: Arrays, upstream: Arrays) -> Arrays:
    """Outputs and gradients of a new thing, in one dictionary."""
    outputs, pullback = run(case.build(net, z), inputs)
    return {**outputs, **pullback(upstream)}


def rows_of(arrays: Arrays, chosen: Any) -> Arrays:
    """The same with only these rows of the batch."""
    return {name: value[chosen] for name, value in arrays.items()}


@sequences
@given(z=sizes)
def test_permuting_the_batch_permutes_the_result(case: Case, net: Any, z: Sizes) -> None:
    inputs, order = case.inputs(z), np.random.default_rng(z.seed).permutation(z.B)
    outputs, _ = run(case.build(net, z), inputs)
    upstream = upstream_like(outputs, z.rng)
    plain = pulled(case, net, z, inputs, upstream)
    permuted = pulled(case, net, z, rows_of(inputs, order), rows_of(upstream, order))
    by_row = {*outputs, *(f"d{name}" for name in inputs)}
    assert_near(permuted, {name: v[order] if name in by_row else v for name, v in plain.items()}, TIGHT)


@sequences
@given(z=sizes)
def test_a_batch_is_its_rows_one_by_one(case: Case, net: Any, z: Sizes) -> None:
    inputs = case.inputs(z)
    outputs, pullback = run(case.build(net, z), inputs)
    upstream = upstream_like(outputs, z.rng)
    single = [pulled(case, net, z, rows_of(inputs, [b]), rows_of(upstream, [b])) for b in range(z.B)]
    by_row = {*outputs, *(f"d{name}" for name in inputs)}
    together = {
        name: np.concatenate([row[name] for row in single])
        if name in by_row
        else np.sum([row[name] for row in single], axis=0)
        for name in single[0]
    }
    assert_near({**outputs, **pullback(upstream)}, together, TIGHT)


@layers
@given(z=sizes)
def test_a_sequence_cut_in_two_is_the_whole(case: Case, net: Any, z: Sizes) -> None:
    z = replace(z, T=z.T + 1)
    inputs, names = case.inputs(z), case.build(net, z).node.states
    whole, pull_whole = run(case.build(net, z), inputs)
    upstream, cut = upstream_like(whole, z.rng), z.T // 2
    early, pull_early = run(case.build(net, z), {**inputs, "x": inputs["x"][:, :cut]})
    late, pull_late = run(case.build(net, z), {"x": inputs["x"][:, cut:], **{name: early[name] for name in names}})
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
@given(z=sizes)
def test_how_many_steps_stay_in_the_cache_changes_nothing(case: Case, z: Sizes) -> None:
    inputs = case.inputs(z)
    upstream = upstream_like(run(case.build(numnet, z), inputs)[0], z.rng)
    in_chunks = pulled(case, numnet, z, inputs, upstream)  # conftest makes the limits small
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(numnet.slots, "IN_CACHE", 2**16)
        patch.setattr(numnet.columns, "LONG", 2**16)
        assert_near(pulled(case, numnet, z, inputs, upstream), in_chunks, TIGHT)


class AllInOne(numnet.RNNNode):
    """The plain node of a person who knows nothing of `slopes`."""

    def slopes(self, s: Any, steps: slice) -> None:
        numnet.node.Node.slopes(self, s, steps)

    def step_backward(self, s: Any, t: int) -> None:
        h, da = s.h[t + 1], s.d_steps[t]
        da[...] = s.dh * (1 - h * h)  # (2)
        np.dot(self.W_h.T, da, s.dh)  # (1)


@given(z=sizes)
def test_a_node_may_do_everything_in_step_backward(z: Sizes) -> None:
    case = next(case for case in LAYERS if case.name == "RNNLayer")
    inputs, theirs = case.inputs(z), case.build(numnet, z)
    ours = numnet.RecurrentLayer(AllInOne(z.H, z.D, seed=theirs.seed, dtype=theirs.dtype))
    ours.load_state_dict(theirs.state_dict())
    outputs, pullback = run(ours, inputs)
    expected, pull_expected = run(theirs, inputs)
    upstream = upstream_like(expected, z.rng)
    assert_near({**outputs, **pullback(upstream)}, {**expected, **pull_expected(upstream)}, TIGHT)


@pytest.mark.parametrize("case", NODES, ids=repr)
@given(z=sizes)
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
@given(z=sizes)
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


@layers
@given(z=sizes)
def test_a_refused_call_leaves_the_one_before(case: Case, z: Sizes) -> None:
    layer, inputs = case.build(numnet, z), case.inputs(z)
    outputs, pullback = run(layer, inputs)
    upstream = upstream_like(outputs, z.rng)
    before = pullback(upstream)
    with pytest.raises(ValueError, match="state h is"):
        layer(0 * inputs["x"], tuple(np.zeros((z.B, z.H + 1)) for _ in layer.node.states))
    after = pullback(upstream)
    assert all((after[name] == before[name]).all() for name in before)


@layers
@given(z=sizes)
def test_step_by_step_is_the_whole_sequence_at_once(case: Case, net: Any, z: Sizes) -> None:
    inputs, layer = case.inputs(z), case.build(net, z)
    whole, _ = run(layer, inputs)
    state, shown = {name: v for name, v in inputs.items() if name != "x"}, []
    for t in range(z.T):
        step, _ = run(layer, {"x": inputs["x"][:, t : t + 1], **state})
        state = {name: step[name] for name in state}
        shown.append(step["y"])
    assert_near({"y": np.concatenate(shown, axis=1), **state}, whole, TIGHT)


@pytest.mark.parametrize("case", [case for case in LAYERS if "tokens" in case.name], ids=repr)
@given(z=sizes)
def test_tokens_are_one_hot_vectors(case: Case, net: Any, z: Sizes) -> None:
    inputs = case.inputs(z)
    outputs, pullback = run(case.build(net, z), inputs)
    dense, pull_dense = run(case.build(net, z), {**inputs, "x": np.eye(z.D)[inputs["x"]]})
    upstream = upstream_like(outputs, z.rng)
    gradients = pull_dense(upstream)
    gradients.pop("dx")
    assert_near(outputs, dense, TIGHT)
    assert_near(pullback(upstream), gradients, TIGHT)


@everything
@given(z=sizes)
def test_no_upstream_gradient_gives_none(case: Case, net: Any, z: Sizes) -> None:
    outputs, pullback = run(case.build(net, z), case.inputs(z))
    for name, gradient in pullback({name: np.zeros_like(y) for name, y in outputs.items()}).items():
        assert (gradient == 0).all(), name


@everything
@given(z=sizes)
def test_backward_is_linear_in_the_upstream_gradient(case: Case, net: Any, z: Sizes) -> None:
    outputs, pullback = run(case.build(net, z), case.inputs(z))
    one, two = upstream_like(outputs, z.rng), upstream_like(outputs, np.random.default_rng([z.seed, 3]))
    a, b = pullback(one), pullback(two)
    mixed = pullback({name: 2 * one[name] - 3 * two[name] for name in one})
    scale = {name: np.abs(a[name]) + np.abs(b[name]) for name in a}
    for name, value in mixed.items():
        assert (np.abs(value - (2 * a[name] - 3 * b[name])) <= 1e-11 * (scale[name] + scale[name].max())).all(), name


@everything
@given(z=sizes)
def test_backward_twice_adds_twice(case: Case, net: Any, z: Sizes) -> None:
    thing = case.build(net, z)
    outputs, pullback = run(thing, case.inputs(z))
    upstream = upstream_like(outputs, z.rng)
    once, twice = pullback(upstream), pullback(upstream, clear=False)
    params = {f"d{name}" for name in getattr(thing, "params", {})}
    assert_near(twice, {name: 2 * v if name in params else v for name, v in once.items()}, TIGHT)


@everything
@given(z=sizes)
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
@given(z=sizes)
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
@given(z=sizes)
def test_the_dtype_is_the_layers_own(case: Case, given_dtype: str, net: Any, z: Sizes) -> None:
    thing = case.build(net, z, "float32")
    outputs, pullback = run(thing, case.inputs(z, given_dtype))
    expected = "float32" if hasattr(thing, "params") else given_dtype
    numbers = {**outputs, **pullback(upstream_like(outputs, z.rng))}
    numbers.pop("value", None)
    assert {name: str(v.dtype) for name, v in numbers.items()} == dict.fromkeys(numbers, expected)


@everything
@given(z=sizes)
def test_large_numbers_stay_finite_without_a_warning(case: Case, net: Any, z: Sizes) -> None:
    inputs = case.inputs(z, "float32")
    large = {
        name: v * np.float32(1e4) if name in ("x", "prediction") and v.dtype.kind == "f" else v
        for name, v in inputs.items()
    }
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message=".*no target is counted")
        outputs, pullback = run(case.build(net, z, "float32"), large)
        gradients = pullback(upstream_like(outputs, z.rng))
    assert all(np.isfinite(value).all() for value in {**outputs, **gradients}.values())


@sequences
@given(z=sizes)
def test_memory_layout_does_not_matter(case: Case, net: Any, z: Sizes) -> None:
    inputs = case.inputs(z)
    odd = {name: np.asfortranarray(np.repeat(v, 2, axis=-1))[..., ::2] for name, v in inputs.items()}
    outputs, pullback = run(case.build(net, z), inputs)
    upstream = upstream_like(outputs, z.rng)
    reversed_twice = {name: v[::-1].copy()[::-1] for name, v in upstream.items()}
    assert_near(pulled(case, net, z, odd, reversed_twice), {**outputs, **pullback(upstream)}, TIGHT)
