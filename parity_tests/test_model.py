"""A model as a user holds one: sizes from the first batch, states and modes handed through, weights in one vector."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.utils import prune

import numnet
import torchnet
from numnet.core.arrays import to_numpy
from parity_tests.small import assert_same, weights

x = np.random.default_rng(0).standard_normal((3, 5, 6))
target = np.random.default_rng(1).integers(0, 7, (3, 5))


def stack(net: Any, **options: Any) -> Any:
    """The book's: each layer its own width."""
    layers = [net.GRULayer(hidden_size=8, output_size=4), net.LSTMLayer(hidden_size=5, output_size=7)]
    return net.RNNModel(layers=layers, loss=net.SoftmaxCrossEntropy(), **options)


def test_the_first_batch_shows_the_sizes(net: Any) -> None:
    model = stack(net)
    assert not model.params
    model.zero_grad()
    assert model.forward(x).shape == (3, 5, 7)
    widths = {name: tuple(p.shape) for name, p in model.params.items()}
    assert widths["layers.0.W_x"] == (24, 6)
    assert widths["layers.1.W_x"] == (20, 4)
    assert widths["layers.1.output.W"] == (7, 5)


def test_every_parameter_receives_a_gradient(net: Any) -> None:
    """In the book's GRU all but one were zero."""
    model = stack(net)
    model.loss_and_grads(x, target)
    for name, gradient in model.grads.items():
        assert np.abs(to_numpy(gradient)).min() > 0, name


def test_backward_layer_by_layer_is_the_gradient_of_the_loss(net: Any) -> None:
    model = stack(net, dtype="float64")
    model.loss_and_grads(x, target)
    expected = {name: np.array(to_numpy(g)) for name, g in model.grads.items()}
    model.zero_grad()
    model.loss.forward(model.forward(x), target)
    dx = model.backward(model.loss.backward())
    assert tuple(dx.shape) == x.shape
    for name, gradient in model.grads.items():
        np.testing.assert_allclose(to_numpy(gradient), expected[name], rtol=1e-12, atol=1e-15)


def test_the_state_goes_in_and_comes_out(net: Any) -> None:
    model = stack(net, dtype="float64")
    whole = np.array(model.predict(x))
    early = model.predict(x[:, :2])
    late = model.predict(x[:, 2:], model.last_state)
    np.testing.assert_allclose(np.concatenate((early, late), axis=1), whole, rtol=1e-12)
    assert [isinstance(state, tuple) for state in model.last_state] == [False, True]


def test_predicting_leaves_every_mode_as_it_was(net: Any) -> None:
    model = net.RNNModel([net.Dropout(0.5), net.Dense(3), net.Dropout(0.5)])
    model.layers[2].eval()
    model.predict(x)
    assert [layer.training for layer in model.layers] == [True, True, False]
    assert model.layers[0].calls == 0


def test_an_optimizer_sees_numnets_weights_as_one_vector() -> None:
    model = stack(numnet, input_size=6)
    [(weights, gradients)] = model.flat()
    assert weights.size == gradients.size == sum(p.size for p in model.params.values())
    assert all(np.shares_memory(p, weights) for p in model.params.values())
    assert all(np.shares_memory(g, gradients) for g in model.grads.values())
    model.load_state_dict({name: p + 1 for name, p in model.params.items()})
    assert all(np.shares_memory(p, weights) for p in model.params.values())


def test_a_torchnet_layer_is_at_home_in_a_pytorch_model() -> None:
    torch.manual_seed(0)
    mine = torch.nn.Sequential(torch.nn.Linear(6, 4), torchnet.LSTMLayer(5, input_size=4), torch.nn.Linear(5, 1))
    optimizer = torch.optim.SGD(mine.parameters(), 0.5)
    losses = []
    for _ in range(20):
        optimizer.zero_grad()
        loss = (mine(torch.tensor(x, dtype=torch.float32)) - 0.3).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]
    assert list(mine[1].state_dict()) == ["W_x", "W_h", "b"]
    clone = copy.deepcopy(mine)
    assert torch.equal(clone(torch.ones(1, 2, 6)), mine(torch.ones(1, 2, 6)))


@pytest.mark.parametrize("kind", ["GRULayer", "LSTMLayer"])
def test_numnet_takes_the_weights_of_torch(kind: str) -> None:
    ours, theirs = (getattr(net, kind)(5, input_size=6, seed=seed) for net, seed in ((numnet, 1), (torchnet, 2)))
    ours.load_state_dict(theirs.state_dict())
    with torch.no_grad():
        np.testing.assert_allclose(ours(x), theirs(x).numpy(), atol=1e-6)


def test_tokens_do_not_show_their_number(net: Any) -> None:
    tokens = np.array([[0, 1, 2, 3, 0, 1, 2]])
    with pytest.raises(ValueError, match=r"V is unknown\. Pass input_size=V"):
        net.RNNModel([net.GRULayer(5), net.Dense(4)])(tokens)
    assert net.RNNModel([net.Embedding(4, 3), net.GRULayer(5)])(tokens).shape == (1, 7, 5)


def test_a_layer_that_has_its_weights_keeps_them(net: Any) -> None:
    table = np.arange(12.0).reshape(4, 3)
    embedding = net.Embedding(4, 3)
    embedding.load_state_dict({"W": table})
    model = net.RNNModel([embedding, net.Dense(2)], input_size=4, dtype="float64")
    assert (to_numpy(model.params["layers.0.W"]) == table).all()
    assert {str(to_numpy(p).dtype) for p in model.params.values()} == {"float64"}
    with pytest.raises(ValueError, match="Dense: its input size is 9, expected 4"):
        net.RNNModel([net.Dense(2, input_size=9)], input_size=4)


def test_a_copy_of_a_model_learns_and_leaves_the_first_alone(net: Any) -> None:
    model = stack(net, input_size=6, dtype="float64")
    model(x)
    before = {name: np.array(to_numpy(p)) for name, p in model.params.items()}
    clone = copy.deepcopy(model)
    assert (np.asarray(clone.predict(2 * x)) == np.asarray(model.predict(2 * x))).all()
    for _ in range(2):
        clone.zero_grad()
        clone.loss_and_grads(x, target)
        net.SGD(0.1).step(clone)
    for name, value in before.items():
        assert (to_numpy(model.params[name]) == value).all()
        assert (to_numpy(clone.params[name]) != value).any()


def test_what_cannot_be_is_refused(net: Any) -> None:
    layer, model = net.GRULayer(6, input_size=6), stack(net, input_size=6)
    with pytest.raises(
        ValueError, match=r"layers\[1\] is an earlier layer, or shares a node with one, expected a new layer"
    ):
        net.RNNModel([layer, layer])
    with pytest.raises(ValueError, match="state has 1 entries, expected 2"):
        model(x, [None])
    model.predict(x)
    with pytest.raises(RuntimeError, match="backward before forward"):
        model.backward(np.ones((3, 5, 7)))
    optimizer = net.SGD(0.1)
    model.loss_and_grads(x, target)
    optimizer.step(model)
    with pytest.raises(ValueError, match="the model differs from that of the first step"):
        optimizer.step(stack(net, input_size=6))


def test_what_is_saved_is_the_dtype_that_the_weights_have_now(tmp_path: Any) -> None:
    model = stack(torchnet, input_size=6).double()
    torchnet.save_checkpoint(tmp_path / "model.npz", model)
    again = numnet.RNNModel.from_checkpoint(numnet.load_checkpoint(tmp_path / "model.npz"))
    assert {p.dtype for p in again.params.values()} == {np.dtype("float64")}
    np.testing.assert_allclose(again.predict(x), model.predict(x), rtol=1e-12)


def test_a_layer_over_any_node_is_saved_and_read(net: Any, tmp_path: Any) -> None:
    model = net.RNNModel([net.RecurrentLayer(net.LSTMNode(5), output_size=3)], input_size=6, dtype="float64")
    net.save_checkpoint(tmp_path / "model.npz", model)
    again = net.RNNModel.from_checkpoint(net.load_checkpoint(tmp_path / "model.npz"))
    assert (np.asarray(again.predict(x)) == np.asarray(model.predict(x))).all()
    with pytest.raises(ValueError, match="no parameters yet"):
        net.save_checkpoint(tmp_path / "other.npz", stack(net))


def test_tokens_changed_after_forward_change_nothing(net: Any) -> None:
    for make, draw in ((lambda: net.GRULayer(5, input_size=4), (1, 6)), (lambda: net.Embedding(4, 5), (2, 6))):
        layer, tokens = make(), np.random.default_rng(0).integers(0, 4, draw)
        gradients = []
        for change in (0, 1):
            layer.zero_grad()
            y = layer(tokens)
            tokens[:] = (tokens + change) % 4
            layer.backward(np.ones(y.shape))
            gradients.append({name: np.array(to_numpy(g)) for name, g in layer.grads.items()})
        for name, g in gradients[0].items():
            np.testing.assert_array_equal(gradients[1][name], g)


def test_a_node_in_a_layer_can_be_called_alone(net: Any) -> None:
    layer = net.LSTMLayer(5, input_size=6)
    layer(x)
    layer.zero_grad()
    _, saved = layer.node.forward(np.ones((6, 2)))
    layer.node.backward((np.ones((5, 2)), None), saved)
    assert np.abs(to_numpy(layer.grads["W_x"])).max() > 0
    assert list(layer.node.params) == list(layer.params)


def test_torchnet_computes_with_the_weights_that_the_layer_has_now() -> None:
    layer = torchnet.LSTMLayer(5, input_size=6)
    zeros = {name: torch.zeros_like(p) for name, p in layer.named_parameters()}
    assert not torch.func.functional_call(layer, zeros, (torch.tensor(x),)).any()
    assert layer(x).any()
    layer.double()
    assert layer(x).dtype == torch.float64
    prune.l1_unstructured(layer, "W_x", 1.0)
    prune.l1_unstructured(layer, "b", 1.0)
    assert not layer(x).any()


def test_a_config_on_another_device_is_refused() -> None:
    config = numnet.RNNModel([numnet.Dense(2)], input_size=3).config()
    with pytest.raises(ValueError, match="device is 'cuda', expected 'cpu'"):
        numnet.RNNModel.from_config(config, "cuda")


def test_a_model_of_a_config_is_on_the_cpu_unless_told_otherwise() -> None:
    model = numnet.RNNModel([numnet.GRULayer(5), numnet.Dense(2)], input_size=4)
    again = numnet.RNNModel.from_config(model.config())
    assert_same(weights(again), weights(model))


def test_a_model_has_the_gradient_of_each_layers_start_state() -> None:
    model = numnet.RNNModel([numnet.GRULayer(5), numnet.Dense(2)], input_size=4)
    model.backward(np.ones_like(model(np.ones((2, 3, 4)))))
    assert model.d_state is not None
    assert model.d_state[0] is model.layers[0].d_state is not None
    assert model.d_state[1] is None
    assert (numnet.RNNModel([])(np.ones((2, 3, 4))) == 1).all()


def test_training_follows_evaluation() -> None:
    model = numnet.RNNModel([numnet.Dropout()])
    assert all(part.training is False for part in model.eval().modules())
    assert all(part.training is True for part in model.train().modules())


def test_in_a_model_every_part_has_its_dtype_and_none_its_last_call() -> None:
    layers = [numnet.Bidirectional(numnet.GRULayer(3, input_size=4, dtype="float64")), numnet.Dense(2, input_size=6)]
    layers[1](np.ones((2, 6)))
    model = numnet.RNNModel(layers, input_size=4)
    assert {part.dtype for part in model.modules() if hasattr(part, "dtype")} == {np.dtype("float32")}
    assert {value.dtype for of in (model.params, model.grads) for value in of.values()} == {np.dtype("float32")}
    assert {part.saved for part in model.modules()} == {None}


def test_a_model_without_layers_gives_back_tokens_and_one_without_time_a_batch_without_steps() -> None:
    assert numnet.RNNModel([])(np.array([[1, 2]])).tolist() == [[1, 2]]
    assert numnet.RNNModel([numnet.Dense(2)])(np.zeros((2, 0, 4)), None, [0, 0]).shape == (2, 0, 2)
    assert numnet.RNNModel([]).device == "cpu"
