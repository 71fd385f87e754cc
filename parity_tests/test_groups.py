"""Parameter groups: as torch.optim's, option by option; by names or parts; saved, resumed, scaled by a schedule."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import numnet
import torchnet
from numnet.core.arrays import to_numpy
from parity_tests.small import assert_same, small_model, small_trainer, weights

NAMES = ("layers.0.W", "layers.0.b", "layers.1.W", "layers.1.b", "layers.2.W", "layers.2.b")


def model_of(net: Any, seed: int = 1) -> Any:
    """Three layers, whose gradients the tests give."""
    layers = [net.Dense(3, input_size=2), net.Dense(2), net.Dense(4)]
    return net.RNNModel(layers, input_size=2, dtype="float64", seed=seed)


def step(net: Any, model: Any, optimizer: Any, rng: np.random.Generator) -> None:
    """One step with random gradients."""
    model.zero_grad()
    for name, p in model.params.items():
        gradient = rng.standard_normal(tuple(p.shape))
        model.grads[name][...] = gradient if net is numnet else torch.tensor(gradient)
    optimizer.step(model)


OPTIONS: dict[str, Any] = {  # ours, and torch.optim's
    "SGD": ({"weight_decay": 0.3}, {"weight_decay": 0.3}),
    "SGDMomentum": ({"momentum": 0.4}, {"momentum": 0.4}),
    "AdaGrad": ({"epsilon": 0.1}, {"eps": 0.1}),
    "RMSProp": ({"decay": 0.5, "weight_decay": 0.1}, {"alpha": 0.5, "weight_decay": 0.1}),
    "Adam": ({"beta1": 0.5, "beta2": 0.9}, {"betas": (0.5, 0.9)}),
    "AdamW": ({"weight_decay": 0.0}, {"weight_decay": 0.0}),
}
THEIRS = {
    "SGD": "SGD",
    "SGDMomentum": "SGD",
    "AdaGrad": "Adagrad",
    "RMSProp": "RMSprop",
    "Adam": "Adam",
    "AdamW": "AdamW",
}
KEYS = {
    "names": lambda model: ("layers.0", ["layers.1.W", "layers.2.b"]),
    "parts": lambda model: (model.layers[0], ["layers.1.W", "layers.2.b"]),
}


@pytest.mark.parametrize("keys", KEYS)
@pytest.mark.parametrize("kind", OPTIONS)
@given(seed=st.integers(0, 2**31))
@settings(max_examples=2)
def test_groups_are_torchs(kind: str, keys: str, net: Any, seed: int) -> None:
    """Two groups with a rate and an option of their own; the rest has those of the optimizer. A schedule halves all."""
    ours, theirs = OPTIONS[kind]
    model = model_of(net, seed)
    one, other = KEYS[keys](model)
    groups = [(one, {"learning_rate": 0.03, **ours}), (other, ours)]
    own = {"momentum": 0.9} if kind == "SGDMomentum" else {}
    optimizer = getattr(net, kind)(net.StepSchedule(0.01, every=3, factor=0.5), groups=groups, **own)
    raw = {name: torch.tensor(to_numpy(p), requires_grad=True) for name, p in model.params.items()}
    raw_groups = [
        {"params": [raw[name] for name in NAMES if name.startswith("layers.0")], "lr": 0.03, **theirs},
        {"params": [raw["layers.1.W"], raw["layers.2.b"]], **theirs},
        {"params": [raw["layers.1.b"], raw["layers.2.W"]]},
    ]
    defaults = {"eps": 1e-10} if kind == "AdaGrad" else own
    raw_optimizer = getattr(torch.optim, THEIRS.get(kind, kind))(raw_groups, 0.01, **defaults)
    schedule = torch.optim.lr_scheduler.StepLR(raw_optimizer, 3, 0.5)
    rng = np.random.default_rng(seed)
    for _ in range(7):
        step(net, model, optimizer, rng)
        for name, p in raw.items():
            p.grad = torch.tensor(to_numpy(model.grads[name]))
        raw_optimizer.step()
        schedule.step()
        for name, p in raw.items():
            np.testing.assert_allclose(to_numpy(model.params[name]), p.detach().numpy(), rtol=1e-11, atol=1e-13)
    rates = [group["lr"] for group in raw_optimizer.param_groups]
    assert list(optimizer.learning_rates.values()) == pytest.approx([rates[2], *rates[:2]])
    assert optimizer.learning_rate == pytest.approx(rates[2])


def test_groups_change_between_steps(net: Any) -> None:
    """Options, rates and the groups themselves; the buffers stay."""
    rng, model = np.random.default_rng(0), model_of(net)
    optimizer, found = net.Adam(0.1, groups={"layers.0": {"learning_rate": 0.01}}), []
    for groups in (optimizer.groups, {model.layers[1]: {"weight_decay": 0.5}}, None, {"layers.2.b": {"beta1": 0.1}}):
        optimizer.groups = groups
        step(net, model, optimizer, rng)
        found.append(weights(model))
    other = numnet if net is torchnet else torchnet
    again, model, rng = other.Adam(0.1), model_of(other), np.random.default_rng(0)
    for k, groups in enumerate(({"layers.0": {"learning_rate": 0.01}}, {"layers.1": {"weight_decay": 0.5}}, None)):
        again.groups = groups
        step(other, model, again, rng)
        for name, value in weights(model).items():
            np.testing.assert_allclose(value, found[k][name], rtol=1e-12)


def test_a_group_with_a_schedule_of_its_own(net: Any) -> None:
    optimizer = net.SGD(lambda step: 0.1 * step, groups={"layers.1": {"learning_rate": lambda step: 1.0 + step}})
    model, rng = model_of(net), np.random.default_rng(0)
    assert optimizer.learning_rates == {"": 0.0, "layers.1": 1.0}
    step(net, model, optimizer, rng)
    assert optimizer.learning_rates == {"": 0.1, "layers.1": 2.0}


def test_a_copy_and_a_run_with_groups(net: Any, tmp_path: Path) -> None:
    def start(model: Any, **options: Any) -> Any:
        groups = {model.layers[0]: {"learning_rate": 0.001, "weight_decay": 0.3}}
        return small_trainer(net, model, optimizer=net.Adam(0.01, groups=groups), **options)

    whole, first = start(small_model(net)), start(small_model(net), directory=tmp_path)
    whole.fit(steps=9)
    first.fit(steps=4)
    checkpoint = net.load_checkpoint(tmp_path / "last.npz")
    rest = start(net.RNNModel.from_checkpoint(checkpoint))
    rest.resume(checkpoint)
    rest.fit(steps=9)
    assert_same(weights(rest.model), weights(whole.model))
    model, optimizer = copy.deepcopy((first.model, first.optimizer))
    copied = small_trainer(net, model, optimizer=optimizer)
    copied.resume(checkpoint)
    copied.fit(steps=9)
    assert_same(weights(copied.model), weights(whole.model))
    other = small_trainer(net, small_model(net), optimizer=net.Adam(0.01))
    with pytest.raises(net.CheckpointError, match=r"groups of the optimizer is \[\], expected \['layers.0.W_x, .*Pass"):
        other.resume(checkpoint)


WRONG: list[tuple[Any, str]] = [
    ("layers.0", "groups is 'layers.0', expected a dictionary from parts or names to options"),
    ([{"params": [], "lr": 0.1}], r"groups is .* PyTorch's dictionary with params becomes a pair: \(part, {option"),
    ({"layers.0": 0.1}, r"the options of group 'layers.0' are 0.1, expected a dictionary of at least one"),
    ({"layers.0": {}}, "the options of group 'layers.0' are {}, expected"),
    ({"layers.0": {"lr": 0.1}}, "Adam, group 'layers.0': no option is called 'lr'. Use learning_rate"),
    ({"layers.0": {"weight_decy": 0.1}}, "no option is called 'weight_decy', expected .* Did you mean weight_decay?"),
    ({"layers.0": {"clip_norm": 1.0}}, "group 'layers.0' has clip_norm, expected options of an update"),
    ({"layers.0": {"beta1": 2.0}}, "Adam: beta1 is 2.0, expected 0 or more and less than 1"),
    ({"layers.0": {"learning_rate": 0.0}}, "Adam: learning_rate is 0.0, expected a number above 0"),
    ({"layers.0": {"learning_rate": numnet.ReduceOnPlateau(0.1)}}, "Adam: .* it scales the rates of all groups"),
    ({3: {"beta1": 0.5}}, "groups has the key 3, expected a part of the model, or a name"),
]


@pytest.mark.parametrize(("groups", "words"), WRONG, ids=[words[:40] for _, words in WRONG])
def test_wrong_groups_are_refused_when_the_optimizer_is_made(groups: Any, words: str, net: Any) -> None:
    with pytest.raises((TypeError, ValueError), match=words):
        net.Adam(groups=groups)


def test_groups_that_do_not_fit_the_model_change_nothing(net: Any) -> None:
    model, rng = model_of(net), np.random.default_rng(0)
    before = weights(model)
    for groups, words in (
        ({"layer.0": {"beta1": 0.1}}, "Adam: no parameter or part is called 'layer.0', .* Did you mean 'layers.0'"),
        (
            {"layers": {"beta1": 0.1}, "layers.1.b": {"beta1": 0.2}},
            "layers.1.b is in two groups, 'layers' and 'layers.1.b'",
        ),
        ({net.Dense(2, input_size=3): {"beta1": 0.1}}, r"a part, Dense\(2, input_size=3\), that is not in the model"),
        ({net.Tanh(): {"beta1": 0.1}}, r"a part, Tanh\(\), that has no parameters"),
    ):
        optimizer = net.Adam(groups=groups)
        with pytest.raises(ValueError, match=words):
            step(net, model, optimizer, rng)
        assert optimizer.steps == 0
    optimizer = net.Adam(lambda step: 0.1, groups={"layers.0": {"learning_rate": 0.1}})
    with pytest.raises(ValueError, match=r"Adam: group 'layers.0' has a number as learning_rate, .* a function, too"):
        step(net, model, optimizer, rng)
    assert_same(weights(model), before)


@pytest.mark.parametrize("by_name", [False, True])
def test_a_run_with_a_directory_may_begin_before_the_parameters(net: Any, by_name: bool, tmp_path: Any) -> None:
    """The names of the groups are those of parameters that the first batch creates."""
    layers = [net.LSTMLayer(4, return_sequences=False), net.Dense(1)]
    model = net.RNNModel(layers, net.MeanSquaredError())
    optimizer = net.Adam(0.01, groups={"layers.0" if by_name else layers[0]: {"learning_rate": 0.001}})
    data = np.zeros((8, 5, 3)), np.zeros(8)
    net.Trainer(model, optimizer, data, directory=tmp_path, progress=False).fit(epochs=1)
    saved = net.load_checkpoint(tmp_path / "last.npz").training
    assert saved["groups"] == ["layers.0.W_x, layers.0.W_h, layers.0.b"]
