"""A text, layers, a model and a training run so small that a test can afford many; a subprocess for programs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

import numnet
from numnet.core.arrays import to_numpy
from parity_tests.probe import Arrays

ROOT = Path(__file__).resolve().parent.parent
TEXT = "".join(np.random.default_rng(5).choice(list("abcdefgh ."), 300))
VOCABULARY = numnet.Vocabulary.from_text(TEXT)
TOKENS = VOCABULARY.encode(TEXT)
x = np.zeros((2, 3, 4), np.float32)  # (batch, time, features), for the layers below
TRAIN, VALIDATION = TOKENS[:250], TOKENS[250:]  # 250 tokens: 11 batches an epoch, so that 30 steps see three


def small_model(net: Any, dtype: str = "float32", dropout: float = 0.0, seed: int = 2) -> Any:
    """A mixed stack with large weights and small biases, so that what it says hangs on what it has read."""
    layers = [net.GRULayer(6, output_size=5), net.Dropout(dropout), net.LSTMLayer(7), net.Dense(len(VOCABULARY))]
    model = net.RNNModel(layers, net.SoftmaxCrossEntropy(), input_size=len(VOCABULARY), seed=seed, dtype=dtype)
    model.load_state_dict({name: to_numpy(p) * (3 if p.ndim == 2 else 0.3) for name, p in model.params.items()})
    return model


def small_trainer(net: Any, model: Any, sampling: str = "sequential", optimizer: Any = None, **options: Any) -> Any:
    """A trainer of that model on the small text: 11 batches an epoch."""
    batches = {"sequential": net.SequentialBatches, "random": net.RandomBatches}[sampling](TRAIN, 3, 7, seed=4)
    held_out = net.SequentialBatches(VALIDATION, 3, 7, whole=True)
    optimizer = optimizer or net.Adam(0.01, clip_norm=1.0)
    options = {"validation": held_out, "vocabulary": VOCABULARY, "progress": False, **options}
    return net.Trainer(model, optimizer, batches, **options)


def lstm(net: Any, **options: Any) -> Any:
    return net.LSTMLayer(5, input_size=4, **options)


def gru(net: Any, **options: Any) -> Any:
    return net.GRULayer(5, input_size=4, **options)


def both(net: Any, merge: str | None = "concat", **options: Any) -> Any:
    return net.Bidirectional(gru(net, **options), merge)


def model_of(net: Any, *layers: Any) -> Any:
    return net.RNNModel(layers, net.SoftmaxCrossEntropy())


def trained(net: Any, layer: Any = None, given: Any = x) -> Any:
    """A layer after one forward."""
    layer = layer or lstm(net)
    layer(given)
    return layer


def ragged_run() -> tuple[Any, Any]:
    """A model, and batches of sequences of 1, 5, 2 and 4 steps."""
    rng = np.random.default_rng(0)
    model = numnet.RNNModel(
        [numnet.GRULayer(3), numnet.Dense(2)], numnet.MeanSquaredError(), input_size=4, dtype="float64"
    )
    x, y = ([rng.standard_normal((length, width)) for length in (1, 5, 2, 4)] for width in (4, 2))
    return model, numnet.SequenceBatches(x, y, batch_size=2, shuffle=False)


def small_checkpoint(folder: Path) -> Path:
    """The last checkpoint of a run of 4 steps."""
    small_trainer(numnet, small_model(numnet), directory=folder).fit(steps=4)
    return folder / "last.npz"


def weights(model: Any) -> Arrays:
    """A copy of every parameter as an array, of either backend."""
    return {name: np.array(to_numpy(p)) for name, p in model.params.items()}


def assert_same(ours: Arrays, theirs: Arrays) -> None:
    """Equal to the last bit, NaN to NaN."""
    __tracebackhide__ = True
    assert list(ours) == list(theirs)
    for name, value in ours.items():
        assert value.dtype == theirs[name].dtype, name
        np.testing.assert_array_equal(value, theirs[name], err_msg=name)


def assert_same_run(ours: Any, theirs: Any) -> None:
    """The same losses and weights to the last bit."""
    assert ours.history.losses == theirs.history.losses
    assert_same(weights(ours.model), weights(theirs.model))


def python(*arguments: Any, **environment: str) -> subprocess.CompletedProcess[str]:
    """A new Python that finds this checkout's packages."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **environment}
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", env=env, cwd=ROOT, timeout=120)
