"""Whole training runs agree: two backends, one seed, the same curve; and every optimizer walks torch.optim's path."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import numnet
import torchnet
from numnet.core.arrays import to_numpy

V = 12
TEXT = np.random.default_rng(0).integers(0, V, 60) * np.ones((40, 1), int)  # a row that comes again and can be learned


def mixed_stack(net: Any, dtype: str, device: str = "cpu") -> Any:
    layers = [
        net.GRULayer(hidden_size=12, output_size=8),
        net.Dropout(0.1),
        net.RNNLayer(hidden_size=9),
        net.GRULayer(hidden_size=7, reset="before"),
        net.LSTMLayer(hidden_size=11, output_size=V),
    ]
    options = {"device": device} if device != "cpu" else {}
    return net.RNNModel(layers, net.SoftmaxCrossEntropy(), input_size=V, dtype=dtype, **options)


def losses(net: Any, dtype: str, optimizer: Any, steps: int, device: str = "cpu") -> np.ndarray:
    batches = net.SequentialBatches(TEXT.ravel(), batch_size=4, sequence_length=10)
    trainer = net.Trainer(mixed_stack(net, dtype, device), optimizer, batches, evaluate_every=10**6, progress=False)
    return np.array(trainer.fit(steps=steps).losses)


# float32: rounding grows along the run, and most where the curve is steep; the two curves stay one to the eye.
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-9), ("float32", 1e-3)])
def test_200_steps_of_a_mixed_stack(dtype: str, tolerance: float, device: str) -> None:
    ours = losses(numnet, dtype, numnet.Adam(3e-3, clip_norm=1.0), 200)
    theirs = losses(torchnet, dtype, torchnet.Adam(3e-3, clip_norm=1.0), 200, device)
    assert ours[-1] < 0.9 * ours[0], "nothing was learned, so nothing was compared"
    assert np.abs(ours / theirs - 1).max() <= tolerance


def test_the_first_float32_loss_is_the_same_to_rounding() -> None:
    ours, theirs = (losses(net, "float32", net.SGD(0.1), 1)[0] for net in (numnet, torchnet))
    assert abs(ours / theirs - 1) <= 1e-6


OPTIMIZERS = {
    "SGD": (lambda net, **o: net.SGD(0.3, **o), lambda p, **o: torch.optim.SGD(p, 0.3, **o)),
    "SGDMomentum": (lambda net, **o: net.SGDMomentum(0.1, 0.8, **o), lambda p, **o: torch.optim.SGD(p, 0.1, 0.8, **o)),
    "AdaGrad": (lambda net, **o: net.AdaGrad(0.2, **o), lambda p, **o: torch.optim.Adagrad(p, 0.2, eps=1e-10, **o)),
    "RMSProp": (lambda net, **o: net.RMSProp(0.02, **o), lambda p, **o: torch.optim.RMSprop(p, 0.02, **o)),
    "Adam": (lambda net, **o: net.Adam(0.05, **o), lambda p, **o: torch.optim.Adam(p, 0.05, **o)),
    "AdamW": (lambda net, **o: net.AdamW(0.05, **o), lambda p, **o: torch.optim.AdamW(p, 0.05, **o)),
}


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


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
@pytest.mark.parametrize("name", OPTIMIZERS)
@given(seed=st.integers(0, 2**31))
def test_optimizers_walk_torch_optims_path(name: str, weight_decay: float, net: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    start, (make, make_raw) = rng.standard_normal((3, 3)), OPTIMIZERS[name]
    raw = torch.tensor(start, requires_grad=True)
    raw_optimizer = make_raw([raw], weight_decay=weight_decay)
    bowl, optimizer = Bowl(net, start), make(net, weight_decay=weight_decay)
    for _ in range(7):
        gradient = rng.standard_normal((3, 3))
        raw.grad = torch.tensor(gradient)
        raw_optimizer.step()
        np.testing.assert_allclose(bowl.step(optimizer, gradient), raw.detach().numpy(), rtol=1e-11, atol=1e-13)


@given(seed=st.integers(0, 2**31), limit=st.floats(0.1, 5))
def test_clipping_is_torchs(net: Any, seed: int, limit: float) -> None:
    rng = np.random.default_rng(seed)
    start, gradient = rng.standard_normal((3, 3)), rng.standard_normal((3, 3))
    scaled = gradient * min(1.0, limit / float(np.linalg.norm(gradient)))
    for options, expected in (({"clip_norm": limit}, scaled), ({"clip_value": limit}, gradient.clip(-limit, limit))):
        moved = Bowl(net, start).step(net.SGD(1.0, **options), gradient.copy())
        np.testing.assert_allclose(start - moved, expected, rtol=1e-12, atol=1e-14)


def raw_rates(schedule: Any, steps: int) -> list[float]:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], 0.5)
    scheduler, rates = schedule(optimizer), []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


def test_schedules_are_torchs() -> None:
    lr = torch.optim.lr_scheduler
    for ours, theirs in (
        (numnet.ConstantSchedule(0.5), lambda o: lr.ConstantLR(o, factor=1.0)),
        (numnet.StepSchedule(0.5, every=4, factor=0.3), lambda o: lr.StepLR(o, 4, 0.3)),
        (numnet.ExponentialSchedule(0.5, 0.9), lambda o: lr.ExponentialLR(o, 0.9)),
        (numnet.CosineSchedule(0.5, steps=20, final=0.1), lambda o: lr.CosineAnnealingLR(o, 20, 0.1)),
    ):
        np.testing.assert_allclose([ours(step) for step in range(20)], raw_rates(theirs, 20), rtol=1e-12)


def test_warm_up_rises_in_a_line_to_the_rate_and_the_cosine_ends_at_its_floor() -> None:
    schedule = numnet.CosineSchedule(1.0, steps=30, warmup=10, final=0.2)
    assert [schedule(step) for step in range(10)] == pytest.approx([0.1 * (step + 1) for step in range(10)])
    assert schedule(10) == 1.0
    assert schedule(20) == pytest.approx(0.6)
    assert schedule(30) == schedule(99) == pytest.approx(0.2)


def test_a_schedule_moves_both_backends_alike() -> None:
    ours, theirs = (
        losses(net, "float64", net.SGDMomentum(net.CosineSchedule(0.5, steps=30, warmup=5)), 30)
        for net in (numnet, torchnet)
    )
    assert np.abs(ours / theirs - 1).max() <= 1e-9


def test_the_loss_of_a_uniform_guess_is_log_v(net: Any) -> None:
    """62 characters: log 62 = 4.13, not the 5.12 that a binary term for every class would make of it."""
    loss = net.SoftmaxCrossEntropy()(np.zeros((2, 3, 62)), np.ones((2, 3), int))
    assert to_numpy(loss) == pytest.approx(math.log(62))
