"""What mutation testing found in what both backends share, where agreeing proves nothing; and in blas.py."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import numnet
from numnet.core import random as masks
from numnet.core.checks import check_dtype
from numnet.models.checkpoint import Checkpoint
from numnet.recurrent.fast import blas


def test_every_call_draws_its_masks_from_the_seed_the_call_and_the_place() -> None:
    layer = numnet.LSTMLayer(5, input_size=4, state_dropout=0.3, weight_dropout=0.2, zoneout=(0.1, 0.4))
    for call in (1, 2):
        drawn, source = layer.draw_masks(2, 3), (layer.mask_seed, call)
        np.testing.assert_array_equal(drawn["state"], masks.mask(0.3, (2, 5), *source, masks.STATE) / 0.7)
        np.testing.assert_array_equal(drawn["weights"], masks.mask(0.2, (20, 5), *source, masks.WEIGHTS) / 0.8)
        for k, (name, p) in enumerate({"h": 0.1, "c": 0.4}.items()):
            np.testing.assert_array_equal(drawn["zoneout"][name], ~masks.mask(p, (2, 3, 5), *source, masks.ZONEOUT + k))
        assert layer.calls == call
    layer.eval()
    assert layer.draw_masks(2, 3) == {"zoneout": {"h": 0.1, "c": 0.4}}
    assert layer.calls == 2


def test_a_layer_of_a_model_drops_other_weights_at_each_call() -> None:
    x = np.random.default_rng(0).standard_normal((2, 3, 4))
    layer = numnet.GRULayer(5, input_size=4, weight_dropout=0.5)
    first, second = layer(x), layer(x)
    assert not np.array_equal(first, second)
    assert not np.array_equal(layer.eval()(x), second)


def test_a_model_without_weights_is_kept_with_its_dtype(tmp_path: Path) -> None:
    model = numnet.RNNModel([numnet.Tanh()], dtype="float64")
    model(np.ones((2, 3)))
    assert model.config()["dtype"] == "float64"
    numnet.save_checkpoint(tmp_path / "model.npz", model)
    again = numnet.RNNModel.from_checkpoint(numnet.load_checkpoint(tmp_path / "model.npz"))
    assert again.config() == model.config()


def test_a_config_on_another_device_is_refused() -> None:
    config = numnet.RNNModel([numnet.Dense(2)], input_size=3).config()
    with pytest.raises(ValueError, match="device is 'cuda', expected 'cpu'"):
        numnet.RNNModel.from_config(config, "cuda")


def test_a_layer_may_be_told_that_it_goes_one_way() -> None:
    assert numnet.LSTMLayer(5, bidirectional=False).config() == numnet.LSTMLayer(5).config()


@pytest.mark.parametrize("name", ["hidden_size", "output_size", "input_size", "proj_size"])
def test_no_size_may_be_larger_than_the_weights(name: str) -> None:
    config = {"layers": [{"type": "LSTMLayer", name: 5}], "loss": None, "input_size": 4, "seed": 0, "dtype": "float32"}
    with pytest.raises(numnet.CheckpointError, match=f"{name} of LSTMLayer is 5, larger than any axis of the weights"):
        numnet.RNNModel.from_checkpoint(Checkpoint("run.npz", config, {"W": np.zeros((2, 4))}))


def test_no_size_is_allowed_where_there_are_no_weights() -> None:
    config = {"layers": [{"type": "Dense", "output_size": 1}], "loss": None, "input_size": 1}
    with pytest.raises(numnet.CheckpointError, match="output_size of Dense is 1, larger than any axis of the weights"):
        numnet.RNNModel.from_checkpoint(Checkpoint("run.npz", config, {}))


def test_a_checkpoints_model_is_made_where_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numnet.RNNModel, "usable_device", classmethod(lambda cls, device: device))
    model = numnet.RNNModel([numnet.Dense(2)], input_size=3)
    checkpoint = Checkpoint("run.npz", model.config(), model.state_dict())
    assert numnet.RNNModel.from_checkpoint(checkpoint, "elsewhere").device == "elsewhere"


def test_numbers_of_a_short_float_are_real_and_integers_are_not() -> None:
    for dtype in (torch.bfloat16, torch.float16, np.dtype("float64")):
        check_dtype("test", dtype)
    with pytest.raises(
        ValueError, match=r"test: dtype is int32, expected a dtype of real numbers, such as 'float32'\."
    ):
        check_dtype("test", torch.int32)


def test_a_product_in_blocks_of_rows_is_the_product(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blas, "UNPACKED", 30)
    blas.number_of_blocks.cache_clear()
    rng, out = np.random.default_rng(0), np.full((8, 2), np.nan)
    W, x = rng.standard_normal((8, 3)), rng.standard_normal((3, 2))
    assert blas.number_of_blocks(8, 3, 2) == 2
    assert blas.dot_in_blocks(W, x, out) is out
    blas.number_of_blocks.cache_clear()
    np.testing.assert_allclose(out, W @ x, atol=1e-14)
