"""Whole training runs agree: two backends, one seed, the same curve; and every optimizer walks torch.optim's path."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numnet
import torchnet

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


def test_a_schedule_moves_both_backends_alike() -> None:
    ours, theirs = (
        losses(net, "float64", net.SGDMomentum(net.CosineSchedule(0.5, steps=30, warmup=5)), 30)
        for net in (numnet, torchnet)
    )
    assert np.abs(ours / theirs - 1).max() <= 1e-9
