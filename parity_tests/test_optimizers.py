"""Optimizers and clipping: numnet's and torchnet's walk torch.optim's path, step by step, and go on from a file."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import numnet
import torchnet
from numnet.core.arrays import to_numpy
from numnet.training import optimizer as optimizer_module
from parity_tests.small import assert_same, lstm, weights, x


class Bowl:
    """A layer with given gradients, as an optimizer sees one: so its path is the optimizer's alone."""

    def __init__(self, net: Any, start: np.ndarray) -> None:
        self.layer = net.Dense(3, input_size=2, dtype="float64")
        self.layer.load_state_dict({"W": start[:, :2], "b": start[:, 2]})
        self.net = net

    def step(self, optimizer: Any, gradient: np.ndarray) -> np.ndarray:
        for name, g in (("W", gradient[:, :2]), ("b", gradient[:, 2])):
            if self.net.__name__ == "numnet":
                self.layer.grads[name][...] = g
            else:
                self.layer.params[name].grad = torch.tensor(g)
        optimizer.step(self.layer)
        p = {name: to_numpy(value) for name, value in self.layer.params.items()}
        return np.column_stack((p["W"], p["b"]))


RATES: dict[str, Any] = {"weight_decay": 0.5, "clip_norm": 2.0, "clip_value": 3.0}
OPTIMIZERS = {
    "SGD": (lambda net, **o: net.SGD(0.3, **o), lambda p, **o: torch.optim.SGD(p, 0.3, **o)),
    "SGDMomentum": (lambda net, **o: net.SGDMomentum(0.1, 0.8, **o), lambda p, **o: torch.optim.SGD(p, 0.1, 0.8, **o)),
    "AdaGrad": (lambda net, **o: net.AdaGrad(0.2, **o), lambda p, **o: torch.optim.Adagrad(p, 0.2, eps=1e-10, **o)),
    "RMSProp": (lambda net, **o: net.RMSProp(0.02, **o), lambda p, **o: torch.optim.RMSprop(p, 0.02, **o)),
    "Adadelta": (lambda net, **o: net.Adadelta(**o), lambda p, **o: torch.optim.Adadelta(p, **o)),
    "Adam": (lambda net, **o: net.Adam(0.05, **o), lambda p, **o: torch.optim.Adam(p, 0.05, **o)),
    "AdamW": (lambda net, **o: net.AdamW(0.05, **o), lambda p, **o: torch.optim.AdamW(p, 0.05, **o)),
}
# Options by name, ours and torch.optim's where the names differ; each alone, and all of an optimizer together.
THEIR_NAMES = {"initial_accumulator": "initial_accumulator_value", "rate_decay": "lr_decay"}
ALL: dict[str, Any] = {"weight_decay": 0.1, "maximize": True}
CHOICES: dict[str, list[dict[str, Any]]] = {
    "SGD": [],
    "SGDMomentum": [{"dampening": 0.3}, {"nesterov": True}],
    "AdaGrad": [{"initial_accumulator": 0.5}, {"rate_decay": 0.1}, {"initial_accumulator": 0.5, "rate_decay": 0.1}],
    "RMSProp": [{"centered": True}, {"momentum": 0.7}, {"centered": True, "momentum": 0.7}],
    "Adadelta": [],
    "Adam": [{"amsgrad": True}],
    "AdamW": [{"amsgrad": True}],
}
PATHS = [
    (kind, {**own, **more})
    for kind, choices in CHOICES.items()
    for own in ({}, *choices)
    for more in ({}, {"weight_decay": 0.1}, {"maximize": True}, ALL)
]


ALONE = {name: {name: value} for own in CHOICES.values() for each in own for name, value in each.items()}


def maker(case: str) -> Any:
    """Make an optimizer of that name, and with the option after it: "Adam amsgrad"."""
    name, _, option = case.partition(" ")
    more = {"maximize": True} if option == "maximize" else ALONE.get(option, {})
    return lambda net, **options: OPTIMIZERS[name][0](net, **options, **more)


@pytest.mark.parametrize(("name", "options"), PATHS, ids=[f"{kind} {' '.join(o)}" for kind, o in PATHS])
def test_optimizers_walk_torch_optims_path(name: str, options: dict[str, Any], net: Any) -> None:
    """For 100 steps, with random gradients that shrink."""
    rng = np.random.default_rng(len(name) + len(options))
    start, (make, make_raw) = rng.standard_normal((3, 3)), OPTIMIZERS[name]
    raw = torch.tensor(start, requires_grad=True)
    raw_optimizer = make_raw([raw], **{THEIR_NAMES.get(option, option): value for option, value in options.items()})
    bowl, optimizer = Bowl(net, start), make(net, **options)
    for k in range(100):
        gradient = rng.standard_normal((3, 3)) / (1 + k / 10)
        raw.grad = torch.tensor(gradient)
        raw_optimizer.step()
        moved, expected = bowl.step(optimizer, gradient), raw.detach().numpy()
        np.testing.assert_allclose(moved, expected, rtol=1e-10, atol=1e-10 * np.abs(expected).max())


@given(seed=st.integers(0, 2**31), limit=st.floats(0.1, 5))
def test_clipping_is_torchs(net: Any, seed: int, limit: float) -> None:
    rng = np.random.default_rng(seed)
    start, gradient = rng.standard_normal((3, 3)), rng.standard_normal((3, 3))
    scaled = gradient * min(1.0, limit / float(np.linalg.norm(gradient)))
    for options, expected in (({"clip_norm": limit}, scaled), ({"clip_value": limit}, gradient.clip(-limit, limit))):
        moved = Bowl(net, start).step(net.SGD(1.0, **options), gradient.copy())
        np.testing.assert_allclose(start - moved, expected, rtol=1e-12, atol=1e-14)


def schedule_of(optimizer: Any) -> dict[str, Any]:
    """All numbers that an optimizer was made of."""
    numbers = {name: value for name, value in vars(optimizer).items() if isinstance(value, (int, float))}
    return {**numbers, "rate": optimizer.schedule(0)}


@pytest.mark.parametrize("kind", OPTIMIZERS)
@pytest.mark.parametrize("given", [{}, RATES, {**RATES, "learning_rate": 0.25}], ids=["none", "some", "all"])
def test_an_optimizer_is_made_of_the_same_numbers_on_both_backends(kind: str, given: dict[str, Any]) -> None:
    given = {"learning_rate": 0.125, **given} if kind.startswith("SGD") else given
    ours, theirs = (schedule_of(getattr(net, kind)(**given)) for net in (numnet, torchnet))
    assert ours == theirs
    assert {name: ours[name] for name in RATES if name in given} == {k: v for k, v in RATES.items() if k in given}


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_an_optimizer_of_several_parameters_goes_on_from_what_it_wrote(kind: str) -> None:
    rng, found = np.random.default_rng(0), []
    layer, same = (numnet.RNNLayer(2, input_size=3, dtype="float64") for _ in range(2))
    one, other = (getattr(numnet, kind)(0.1) for _ in range(2))
    for step in range(4):
        for gradient, its in zip(layer.grads.values(), same.grads.values()):
            gradient[...] = its[...] = rng.standard_normal(gradient.shape)
        one.step(layer)
        if step == 1:
            other.load_state_dict(one.state_dict(), same)
            same.load_state_dict(layer.state_dict())
        elif step > 1:
            other.step(same)
            found.append(weights(same))
    assert_same(found[-1], weights(layer))


def test_nothing_is_clipped_to_nothing() -> None:
    grads = [np.zeros(2)]
    assert (numnet.clip_by_norm(grads, 0.0), grads[0].tolist()) == (0.0, [0.0, 0.0])


def test_gradients_are_clipped_by_the_norm_they_have_or_are_said_to_have() -> None:
    for said, by in ((None, 5.0), (10.0, 10.0)):
        grads = [np.array([3.0]), np.array([4.0])]
        assert numnet.clip_by_norm(grads, 1.0, said) == by
        np.testing.assert_allclose(grads, [[3 / by], [4 / by]])
    within = [np.array([3.0]), np.array([4.0])]
    assert numnet.clip_by_norm(within, 5.0) == 5.0
    np.testing.assert_array_equal(within, [[3.0], [4.0]])


def test_gradients_whose_squares_overflow_are_still_clipped(net: Any) -> None:
    dense = net.Dense(2, input_size=2)
    dense.load_state_dict({"W": np.zeros((2, 2)), "b": np.zeros(2)})
    dense(np.ones((1, 2)))
    dense.backward(np.full((1, 2), 1e30))
    assert net.SGD(1.0, clip_norm=6**0.5).step(dense) == pytest.approx(6**0.5 * 1e30)
    np.testing.assert_allclose(to_numpy(dense.params["W"]), -np.ones((2, 2)), rtol=1e-6)


def test_a_gradient_that_is_no_number_names_its_parameter_and_moves_nothing(net: Any) -> None:
    model = net.RNNModel([lstm(net)], net.MeanSquaredError(), input_size=4)
    before = {name: np.array(value.tolist()) for name, value in model.params.items()}
    optimizer = net.Adam(0.1, clip_norm=1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.loss_and_grads(x * np.float32("nan"), np.zeros((2, 3, 5)))
    with pytest.raises(FloatingPointError, match=r"the gradient of layers\.0\.W_x is not finite"):
        optimizer.step(model)
    assert optimizer.steps == 0
    assert all((np.array(model.params[name].tolist()) == value).all() for name, value in before.items())


def array_of(net: Any, values: Any, dtype: str = "float32") -> Any:
    return np.array(values, dtype) if net is numnet else torch.tensor(np.array(values, dtype))


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("size", ["largest", "smallest", "both"])
def test_a_norm_is_right_wherever_it_can_be_represented(net: Any, dtype: str, size: str) -> None:
    """3, 4 and 12, of norm 13, times a power of two: its squares overflow, or vanish, or both at once."""
    largest, smallest = (2.0 ** int(np.log2(float(x))) for x in (np.finfo(dtype).max / 32, np.finfo(dtype).tiny))
    s = smallest if size == "smallest" else largest
    parts = [[3 * s, 4 * s], [0.0, 12 * s], [smallest] if size == "both" else [0.0]]
    grads = [array_of(net, part, dtype) for part in parts]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert net.global_norm(grads) == pytest.approx(13 * s, rel=2 * float(np.finfo("float32").eps))
        limit = min(1.0, 13 * s / 2)
        assert net.clip_by_norm(iter(grads), limit) == pytest.approx(13 * s, rel=1e-6)
    np.testing.assert_allclose(to_numpy(grads[0]) / limit, [3 / 13, 4 / 13], rtol=3 * float(np.finfo(dtype).eps))


def test_a_norm_beyond_the_dtype_of_its_gradients_clips_them(net: Any) -> None:
    """The factor limit / norm vanishes in float16, and has lost digits in float32."""
    for dtype, value in (("float16", 6e4), ("float32", 3e38)):
        grads = [array_of(net, np.full(20_000, value), dtype)]
        norm = net.clip_by_norm(grads, 0.01)
        assert norm == pytest.approx(value * 20_000**0.5, rel=1e-3)
        np.testing.assert_allclose(to_numpy(grads[0])[:3], 0.01 / 20_000**0.5, rtol=1e-3)


def test_gradients_that_are_not_finite_or_no_list_are_not_clipped(net: Any) -> None:
    given = array_of(net, [np.inf, 1.0])
    for clip, words, grads in (
        (net.clip_by_norm, "the norm of the gradients is inf", [given]),
        (net.clip_by_norm, "grads is a dictionary", {"W": given}),
        (net.clip_by_value, r"grads\[1\] is None", [given, None]),
        (net.global_norm, r"grads\[0\] is 2.0", [2.0]),
        (net.clip_by_value, r"grads is <float32 .* Pass \[grads\]", given),
        (net.clip_by_norm, r"grads\[0\] is <int64", [array_of(net, [1, 2], "int64")]),
    ):
        with pytest.raises((TypeError, FloatingPointError), match=words):
            clip(*(grads, 1.0)[: 1 if clip is net.global_norm else 2])
    for limit in (-1.0, np.nan, "1", None):
        with pytest.raises((TypeError, ValueError), match="limit is"):
            net.clip_by_norm([given], limit)
    assert to_numpy(given).tolist() == [np.inf, 1.0]
    values = array_of(net, [2.0, -3.0])
    net.clip_by_value([values], 1e300)
    assert to_numpy(values).tolist() == [2.0, -3.0]


HALVES = [("float16", numnet), ("float16", torchnet), ("bfloat16", torchnet)]


@pytest.mark.parametrize(("dtype", "net"), HALVES)
@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_half_precision_is_updated_in_float32_and_rounded(kind: str, dtype: str, net: Any) -> None:
    """Rows of an embedding that no token reads have a gradient of 0, and gradients of 2⁻²⁰ have squares of 0."""
    half, full = (net.Embedding(3, 2, dtype=each) for each in (dtype, "float32"))
    full.load_state_dict(half.state_dict())
    optimizers = [getattr(net, kind)(0.05, weight_decay=0.01) for _ in range(2)]
    for _ in range(3):
        for layer, optimizer in zip((half, full), optimizers):
            layer.zero_grad()
            gradient = layer.grads["W"]
            gradient[0, 0], gradient[1, 1] = 2.0**-20, 0.5
            optimizer.step(layer)
        full.load_state_dict(half.state_dict())
    assert np.isfinite(to_numpy(half.params["W"])).all()
    np.testing.assert_allclose(to_numpy(half.params["W"]), to_numpy(full.params["W"]))
    for name, value in optimizers[0].state_dict().items():
        assert name == "steps" or value.dtype == np.float32
        np.testing.assert_allclose(value, optimizers[1].state_dict()[name], rtol=1e-3, atol=1e-9)


WRONG_OPTIONS: list[tuple[str, dict[str, Any], str]] = [
    ("AdaGrad", {"epsilon": -1e-8}, "epsilon is -1e-08, expected a number above 0"),
    ("RMSProp", {"epsilon": 0.0}, "epsilon is 0.0, expected a number above 0"),
    ("AdamW", {"epsilon": np.inf}, "epsilon is inf, expected a finite number above 0"),
    ("AdamW", {"weight_decay": -0.1}, "weight_decay is -0.1, expected a finite number, 0 or more"),
    ("RMSProp", {"weight_decay": np.inf}, "weight_decay is inf, expected a finite number, 0 or more"),
    ("SGDMomentum", {"momentum": 1.0, "learning_rate": 1}, "momentum is 1.0, expected 0 or more and less than 1"),
    ("SGDMomentum", {"dampening": -0.1, "learning_rate": 1}, "dampening is -0.1, expected a finite number, 0 or more"),
    ("SGDMomentum", {"nesterov": True, "momentum": 0.0, "learning_rate": 1}, "nesterov is True with momentum = 0.0"),
    ("SGDMomentum", {"nesterov": True, "dampening": 0.1, "learning_rate": 1}, ".*expected a momentum above 0 and no"),
    ("AdaGrad", {"initial_accumulator": -1.0}, "initial_accumulator is -1.0, expected a finite number, 0 or more"),
    ("AdaGrad", {"rate_decay": np.inf}, "rate_decay is inf, expected a finite number, 0 or more"),
    ("RMSProp", {"momentum": 1.0}, "momentum is 1.0, expected 0 or more and less than 1"),
    ("Adadelta", {"decay": 1.0}, "decay is 1.0, expected 0 or more and less than 1"),
    ("Adam", {"amsgrad": 1}, "amsgrad is 1, expected True or False"),
    ("Adam", {"clip_norm": np.inf}, "clip_norm is inf, expected a finite number above 0"),
    ("Adam", {"clip_value": -2.0}, "clip_value is -2.0, expected a number above 0"),
    ("Adam", {"learning_rate": np.inf}, "learning_rate is inf, expected a finite number above 0"),
    ("Adam", {"learning_rate": "1e-3"}, "learning_rate is '1e-3', expected a number or a schedule"),
    ("Adam", {"learning_rate": None}, "learning_rate is None, expected a number or a schedule. Pass a number"),
    ("Adam", {"learning_rate": numnet.StepSchedule}, "learning_rate is the class StepSchedule"),
    ("SGD", {"learning_rate": lambda: 0.1}, "expected a function of one argument"),
    ("SGD", {"learning_rate": torch.nn.Linear(2, 2)}, "learning_rate is Linear, expected a number or a schedule"),
]


@pytest.mark.parametrize(("kind", "options", "words"), WRONG_OPTIONS, ids=[words for *_, words in WRONG_OPTIONS])
def test_options_out_of_range_are_refused_when_it_is_made(
    net: Any, kind: str, options: dict[str, Any], words: str
) -> None:
    with pytest.raises((ValueError, TypeError), match=f"^{kind}: .*{words}"):
        getattr(net, kind)(**options)


@pytest.mark.parametrize("rate", [np.nan, -0.1, np.inf, None, "0.1", np.array([0.1]), 1j, True])
def test_a_rate_that_is_none_changes_nothing(net: Any, rate: Any) -> None:
    layer = net.Dense(2, input_size=2)
    layer.zero_grad()
    layer.grads["W"][...] = 1.0
    optimizer = net.SGDMomentum(lambda step: 0.5 if step == 0 else rate, clip_norm=1.0)
    optimizer.step(layer)
    layer.grads["W"][...] = 1.0
    before, state = weights(layer), optimizer.state_dict()
    with pytest.raises(ValueError, match=r"SGDMomentum: the learning rate of step 1 is .*Correct the schedule"):
        optimizer.step(layer)
    assert_same(weights(layer), before)
    assert_same(optimizer.state_dict(), state)
    assert float(layer.grads["W"][0, 0]) == 1.0


@pytest.mark.parametrize("rate", [np.float64(0.1), np.float32(0.1), np.array(0.1), torch.tensor(0.1), 1])
def test_a_rate_of_any_library_is_a_number(net: Any, rate: Any) -> None:
    found = []
    for learning_rate in (rate, lambda step: rate, float(rate)):
        layer = net.Dense(2, input_size=2, seed=0)
        layer.zero_grad()
        layer.grads["W"][...] = 0.3
        net.Adam(learning_rate).step(layer)
        found.append(weights(layer))
    assert_same(found[0], found[2])
    assert_same(found[1], found[2])


def test_squares_that_overflow_are_refused_unless_the_gradients_are_clipped(net: Any) -> None:
    for kind in ("AdaGrad", "RMSProp", "Adam", "AdamW"):
        for options in ({}, {"clip_norm": 1.0}, {"clip_value": 1.0}):
            layer = net.Dense(2, input_size=2)
            layer.zero_grad()
            layer.grads["W"][...] = 1e25
            before, optimizer = weights(layer), getattr(net, kind)(0.1, **options)
            if options:
                assert optimizer.step(layer) == pytest.approx(2e25)
                assert not np.array_equal(weights(layer)["W"], before["W"])
                continue
            with pytest.raises(FloatingPointError, match=rf"{kind}: the norm .* is 2e\+25.*Set clip_norm"):
                optimizer.step(layer)
            assert_same(weights(layer), before)


def test_an_epsilon_that_is_0_in_float32_is_refused_at_the_first_step(net: Any) -> None:
    for dtype in ("float16", "float32"):
        layer, optimizer = net.Dense(2, input_size=2, dtype=dtype), net.Adam(epsilon=1e-50)
        layer.zero_grad()
        with pytest.raises(ValueError, match="Adam: epsilon is 1e-50, which is 0 in float32"):
            optimizer.step(layer)
        assert optimizer.steps == 0
    layer = net.Dense(2, input_size=2, dtype="float64")
    layer.zero_grad()
    optimizer.step(layer)
    assert np.isfinite(weights(layer)["W"]).all()


def test_an_optimizer_steps_models_of_its_backend_in_the_dtype_of_its_buffers(net: Any) -> None:
    other = torchnet if net is numnet else numnet
    for model, words in (
        (net.GRULayer, r"the class GRULayer, expected .* GRULayer\(\.\.\.\)"),
        (other.Dense(2, input_size=2), rf"the model is of {other.__name__}, .*use {other.__name__}\.Adam"),
        ([array_of(net, [1.0])], "the model is list"),
        (net.RNNModel([net.Tanh()], input_size=2), "the model has no parameters"),
    ):
        with pytest.raises((TypeError, ValueError), match=words):
            net.Adam().step(model)
    layer, optimizer = net.Dense(2, input_size=2), net.Adam()
    layer.zero_grad()
    optimizer.step(layer)
    layer.convert("float64")
    layer.zero_grad()
    with pytest.raises(ValueError, match="Adam: the model is float64, expected float32"):
        optimizer.step(layer)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (None, "state is None"),
        ({"steps": -1}, "steps is -1"),
        ({"steps": 0.5}, "steps is 0.5"),
        ({"state": {0: {}}, "param_groups": []}, "state is dict, expected an array"),
        ({"steps": 1, "v": np.full(6, 1e300)}, r"v has 1e\+300, expected at most 3.4028e\+38"),
    ],
)
def test_a_state_of_something_else_changes_nothing(net: Any, state: Any, words: str) -> None:
    layer, optimizer = net.Dense(2, input_size=2), net.SGDMomentum(0.1)
    layer.zero_grad()
    optimizer.step(layer)
    before = optimizer.state_dict()
    with pytest.raises((TypeError, ValueError), match=f"SGDMomentum: {words}"):
        optimizer.load_state_dict(state, layer)
    assert_same(optimizer.state_dict(), before)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_large_parameter_is_updated_in_pieces_with_the_same_results(name: str, monkeypatch: Any) -> None:
    found = []
    for in_cache in (optimizer_module.IN_CACHE, 7, 1):
        monkeypatch.setattr(optimizer_module, "IN_CACHE", in_cache)
        model = numnet.RNNModel([numnet.LSTMLayer(5)], numnet.MeanSquaredError(), input_size=4)
        for part in (model, model.layers[0]):  # one vector, and matrices
            made = OPTIMIZERS[name][0](numnet)
            for _ in range(3):
                model.loss_and_grads(np.ones((2, 3, 4)), np.zeros((2, 3, 5)))
                made.step(part)
        found.append(weights(model))
    assert_same(found[1], found[0])
    assert_same(found[2], found[0])
