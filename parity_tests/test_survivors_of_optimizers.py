"""What mutation testing found untested in optimizers, schedules, losses and second derivatives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numnet
import torchnet
from parity_tests.probe import assert_near
from parity_tests.small import assert_same, weights

LENGTHS = np.array([2, 3])
RATES: dict[str, Any] = {"weight_decay": 0.5, "clip_norm": 2.0, "clip_value": 3.0}
OPTIMIZERS = ("SGD", "SGDMomentum", "AdaGrad", "RMSProp", "Adam", "AdamW")


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


def test_a_mask_or_lengths_count_the_same_targets() -> None:
    loss, y, t = numnet.MeanSquaredError(), np.arange(24.0).reshape(2, 3, 4), np.zeros((2, 3, 4))
    real = np.arange(3) < LENGTHS[:, None]
    expected = (y[real] ** 2).mean()
    for mask in (LENGTHS, real, np.repeat(real[..., None], 4, axis=-1)):
        assert loss(y, t, mask) == pytest.approx(expected, rel=1e-12)
        assert loss.counted == 20
    assert loss(y[0, 0], t[0, 0], np.array([0, 1, 0, 1])) == (1 + 9) / 2


def test_a_schedule_with_nothing_but_its_rate_and_length() -> None:
    assert numnet.StepSchedule(1.0, every=2)(2) == 0.1
    assert numnet.CosineSchedule(1.0, steps=4)(0) == 1.0
    assert numnet.CosineSchedule(1.0, steps=4)(4) == 0.0


def test_a_mask_counts_in_second_derivatives_and_a_longer_direction_is_as_exact() -> None:
    rng = np.random.default_rng(0)
    model = numnet.RNNModel(
        [numnet.GRULayer(3), numnet.Dense(2)], numnet.MeanSquaredError(), input_size=4, dtype="float64"
    )
    x, t = rng.standard_normal((2, 3, 4)), rng.standard_normal((2, 3, 2))
    v = {name: rng.standard_normal(p.shape) for name, p in model.params.items()}
    masked = numnet.hessian_vector(model, x, t, v, mask=np.arange(3) < LENGTHS[:, None])
    assert_near(masked, numnet.hessian_vector(model, x, t, v, lengths=LENGTHS), 1e-7)
    far = numnet.hessian_vector(model, x, t, {name: 1e6 * value for name, value in v.items()})
    assert_near({name: value / 1e6 for name, value in far.items()}, numnet.hessian_vector(model, x, t, v), 1e-7)


def test_one_hot_targets_may_be_integers() -> None:
    loss, logits = numnet.SoftmaxCrossEntropy(), np.random.default_rng(0).standard_normal((2, 3, 4))
    classes = np.array([[0, 1, 2], [3, 0, 1]])
    assert loss(logits, np.eye(4, dtype=int)[classes]) == pytest.approx(loss(logits, classes), rel=1e-12)


def test_nothing_is_clipped_to_nothing() -> None:
    grads = [np.zeros(2)]
    assert (numnet.clip_by_norm(grads, 0.0), grads[0].tolist()) == (0.0, [0.0, 0.0])


@pytest.mark.parametrize(("size", "length"), [(0.1, 2.0), (50.0, 0.5)])
def test_the_step_of_second_derivatives_is_the_documented_one(size: float, length: float) -> None:
    model = numnet.RNNModel([numnet.Dense(1)], numnet.MeanSquaredError(), input_size=1, dtype="float64")
    model.load_state_dict({"layers.0.W": [[0.0]], "layers.0.b": [size]})
    seen: list[float] = []
    model.loss_and_grads = lambda *_, **__: seen.append(float(model.params["layers.0.b"][0]))  # type: ignore[method-assign, assignment]
    numnet.hessian_vector(model, None, None, {"layers.0.W": [[0.0]], "layers.0.b": [length]})
    epsilon = np.finfo("float64").eps ** (1 / 3) * max(1.0, size) / length
    assert seen == pytest.approx([size + epsilon * length, size - epsilon * length], rel=1e-13)
