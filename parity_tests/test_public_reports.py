"""Bugs that users of other projects reported, tried here: each test names the report, project#number on GitHub."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from numnet.core.arrays import to_numpy
from parity_tests.small import TOKENS, VOCABULARY, small_model, small_trainer, weights

RNG = np.random.default_rng(3)
X = RNG.standard_normal((3, 5, 4)).astype(np.float32)
LENGTHS = [4, 2, 3]


def test_lengths_that_are_all_shorter_than_the_batch_truncate_nothing(net: Any) -> None:
    """pytorch/pytorch#144207: pack and pad make (3, 5, D) a (3, 4, D) without a word."""
    y = to_numpy(net.LSTMLayer(6, input_size=4)(X, lengths=LENGTHS))
    assert y.shape == (3, 5, 6)
    assert not y[:, 4].any()


def test_the_last_state_is_that_of_the_last_real_step(net: Any) -> None:
    """ray-project/ray#21392: the state that an LSTM returned had read the padding."""
    layer = net.LSTMLayer(6, input_size=4)
    layer(X, lengths=LENGTHS)
    h, c = (to_numpy(part) for part in layer.last_state)
    for row, length in enumerate(LENGTHS):
        layer(X[row : row + 1, :length])
        one = [to_numpy(part)[0] for part in layer.last_state]
        np.testing.assert_allclose([h[row], c[row]], one, atol=1e-6)


def test_in_both_directions_the_place_of_padding_does_not_matter(net: Any) -> None:
    """keras-team/keras#4192 and #7695: the reverse direction of a masked batch was wrong, and padding had outputs."""
    layer = net.GRULayer(6, input_size=4, bidirectional=True)
    at_the_end, at_the_start = np.zeros((2, 1, 5, 4), np.float32)
    at_the_end[:, :3], at_the_start[:, 2:] = X[0, :3], X[0, :3]
    mask = np.array([[True, True, True, False, False]])
    y, y_late = to_numpy(layer(at_the_end, lengths=mask)), to_numpy(layer(at_the_start, lengths=mask[:, ::-1]))
    np.testing.assert_allclose(y[:, :3], y_late[:, 2:], atol=1e-6)
    assert not y[:, 3:].any()
    assert not y_late[:, :2].any()


def test_an_empty_text_is_legal(net: Any) -> None:
    """ASUS-AICS/LibMultiLabel-Old-Archive#164: a BiGRU ended with an error at a text of length 0."""
    y = to_numpy(net.GRULayer(6, input_size=4, bidirectional=True)(X, lengths=[5, 0, 2]))
    assert np.isfinite(y).all()
    assert not y[1].any()


def test_gradients_that_are_not_finite_are_not_clipped_to_zero(net: Any) -> None:
    """pytorch/pytorch#46849: clipping made gradients with an infinity 0, and training went on."""
    model = small_model(net)
    tokens = TOKENS[:12].reshape(2, 6)
    model.loss_and_grads(tokens, tokens)
    model.grads["layers.3.b"][...] = np.inf
    before = weights(model)
    with pytest.raises(FloatingPointError, match=r"gradient of layers\.3\.b is not finite"):
        net.SGD(0.1, clip_norm=1.0).step(model)
    assert all(np.array_equal(before[name], value) for name, value in weights(model).items())


@pytest.mark.parametrize("limit", [0, -1, -0.5, True, "1.0", float("nan")])
def test_a_limit_that_no_one_can_mean_is_refused(limit: Any, net: Any) -> None:
    """pytorch/pytorch#31367, strands-labs/robots#2028: a negative norm turns all gradients round, 0 stops training."""
    with pytest.raises((TypeError, ValueError), match=r"Adam: clip_norm is .*, expected a number"):
        net.Adam(0.1, clip_norm=limit)


@pytest.mark.parametrize("loss", ["MeanSquaredError", "BinaryCrossEntropy"])
def test_a_loss_does_not_broadcast(loss: str, net: Any) -> None:
    """pytorch/pytorch#1939, #16045, #19699, #5007: (N, 1) against (N,) was a mean over N x N pairs."""
    for shapes in [((6, 2), (6,)), ((10, 5, 8), (10, 8, 5))]:
        with pytest.raises(ValueError, match=f"{loss}: target is"):
            getattr(net, loss)().forward(*(np.full(shape, 0.5) for shape in shapes))


def test_a_mean_over_no_target_is_zero(net: Any) -> None:
    """pytorch/pytorch#116349, #70348, #75181: NaN when every target is ignored."""
    with pytest.warns(UserWarning, match="no target"):
        assert float(net.SoftmaxCrossEntropy(ignore_index=-100).forward(np.ones((1, 5, 9)), np.full((1, 5), -100))) == 0


def test_a_negative_target_that_is_not_ignored_is_refused(net: Any) -> None:
    """pytorch/pytorch#12670: target -4 with ignore_index=-1 gave a loss."""
    with pytest.raises(IndexError, match="target: token -4 at"):
        net.SoftmaxCrossEntropy(ignore_index=-1).forward(np.ones((3, 5)), np.array([1, 2, -4]))


def test_the_best_weights_are_a_copy(net: Any) -> None:
    """WenjieDu/PyPOTS#667, zhangj111/astnn#8, pytorch/tutorials#188: the best weights were the last ones."""
    trainer = small_trainer(net, small_model(net))
    best = trainer.model.state_dict()
    before = {name: np.array(to_numpy(value)) for name, value in best.items()}
    trainer.fit(steps=3)
    assert all(np.array_equal(to_numpy(best[name]), value) for name, value in before.items())
    trainer.model.load_state_dict(best)
    assert all(np.array_equal(value, before[name]) for name, value in weights(trainer.model).items())


def test_a_resumed_schedule_goes_on_where_it_was(net: Any, tmp_path: Any) -> None:
    """ultralytics/yolov5#292, NVIDIA-NeMo/Automodel#3882: after a resume the rate was that of the first step."""
    optimizer = lambda: net.AdamW(net.CosineSchedule(0.1, 8, warmup=2))  # noqa: E731
    whole = small_trainer(net, small_model(net), optimizer=optimizer())
    whole.fit(steps=6)
    half = small_trainer(net, small_model(net), optimizer=optimizer(), directory=tmp_path)
    half.fit(steps=3)
    resumed = small_trainer(net, small_model(net, seed=5), optimizer=optimizer())
    resumed.resume(net.load_checkpoint(tmp_path / "last.npz"))
    resumed.fit(steps=6)
    assert resumed.history.losses == whole.history.losses


def test_a_stateful_layer_gets_no_state_of_shuffled_batches(net: Any) -> None:
    """tensorflow/tensorflow#40067, keras-team/keras#1820: the state of one batch was the start of an unrelated one."""
    layers = [net.GRULayer(6, stateful=True), net.Dense(len(VOCABULARY))]
    seen = []
    model = net.RNNModel(layers, net.SoftmaxCrossEntropy(), input_size=len(VOCABULARY))
    layers[0].remembered = lambda state, B: seen.append(layers[0].last_state)
    net.Trainer(model, net.SGD(0.1), net.RandomBatches(TOKENS, 3, 7), progress=False).fit(steps=3)
    assert seen == [None] * 3
