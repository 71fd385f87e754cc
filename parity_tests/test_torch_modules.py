"""Modules of PyTorch in torchnet's models and tapes: equal to the same network written in torch.nn alone.

Tolerance 1e-12 in float64: both sides call the same functions of PyTorch, and differ in the order of sums at most.
"""

from __future__ import annotations

import copy
import pickle
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

import numnet
import torchnet as net
from numnet.check import check_gradients

B, T, D, V = 3, 5, 4, 6
TOL = 1e-12
rng = np.random.default_rng(0)
ids, features, target = rng.integers(0, 9, (B, T)), rng.standard_normal((B, T, D)), rng.integers(0, V, (B, T))


class Head(nn.Module):
    """A user's own module, with a buffer that optimizers do not change."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.inner, self.layers = nn.Linear(width, width), nn.Sequential(nn.Tanh(), nn.Linear(width, width))
        self.register_buffer("scale", torch.full((width,), 0.5))
        self.register_buffer("calls", torch.tensor(0))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.scale * self.layers(self.inner(x))


class Normed(nn.Module):
    """Batch statistics of (B, T, D): the axes are swapped for PyTorch."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(D)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.norm(x.transpose(1, 2)).transpose(1, 2)


class Cumulative(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.cumsum(1)


class Two(nn.Module):
    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return x + y


class Witness(nn.Module):
    """The network of `mixed`, in torch.nn alone, with the same values."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        embedding, linear, lstm = model.layers[:3]
        norm, head, dense = model.layers[3:]
        self.embedding = nn.Embedding.from_pretrained(embedding.W.detach().clone(), freeze=False)
        self.linear, self.norm, self.head = map(copy.deepcopy, (linear.module, norm.module, head.module))
        self.lstm, self.dense = nn.LSTM(7, 8, batch_first=True).double(), nn.Linear(8, V).double()
        with torch.no_grad():
            nn.init.zeros_(self.lstm.get_parameter("bias_hh_l0")).requires_grad_(False)
            for p, ours in zip(self.lstm.parameters(), (lstm.node.W_x, lstm.node.W_h, lstm.node.b)):
                p.copy_(ours)
            self.dense.weight.copy_(dense.W)
            self.dense.bias.copy_(dense.b)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.dense(self.head(self.norm(self.lstm(self.linear(self.embedding(x)))[0])))
        return y

    def in_our_order(self) -> list[torch.Tensor]:
        parts = (self.embedding, self.linear, self.lstm, self.norm, self.head, self.dense)
        return [p for part in parts for p in part.parameters() if p.requires_grad]


def mixed(**options: Any) -> Any:
    torch.manual_seed(3)
    layers = [net.Embedding(9, 5), nn.Linear(5, 7), net.LSTMLayer(8), nn.LayerNorm(8), Head(8), net.Dense(V)]
    return net.RNNModel(layers, net.SoftmaxCrossEntropy(), **{"dtype": "float64", "input_size": 9, **options})


def compare(model: Any, witness: Witness) -> None:
    for (name, ours), theirs in zip(model.named_parameters(), witness.in_our_order(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=TOL, atol=TOL, msg=name)


@pytest.mark.parametrize("kind", [torch.optim.Adam, torch.optim.SGD])
def test_values_gradients_and_20_steps_of_training_are_those_of_the_network_in_torch_alone(kind: Any) -> None:
    model = mixed()
    witness = Witness(model)
    theirs = kind(witness.in_our_order(), lr=0.05)
    ours = {torch.optim.Adam: net.Adam, torch.optim.SGD: net.SGD}[kind](0.05)
    x, t = torch.as_tensor(ids), torch.as_tensor(target)
    for step in range(20):
        loss = cross_entropy(witness(x).flatten(0, 1), t.flatten())
        theirs.zero_grad()
        loss.backward()
        value = model.loss_and_grads(ids, target)
        torch.testing.assert_close(value, loss.detach(), rtol=TOL, atol=TOL)
        if not step:
            for (name, g), p in zip(model.grads.items(), witness.in_our_order(), strict=True):
                torch.testing.assert_close(g, p.grad, rtol=TOL, atol=TOL, msg=name)
        theirs.step()
        ours.step(model)
        model.zero_grad()
    compare(model, witness)
    np.testing.assert_allclose(model.predict(ids), witness(x).detach(), rtol=TOL, atol=TOL)


def test_forward_and_backward_by_hand_pass_through_a_module() -> None:
    model = net.RNNModel(
        [net.Dense(3), nn.Sequential(nn.Linear(3, 4), nn.ReLU(inplace=True)), net.GRULayer(2)],
        input_size=D,
        dtype="float64",
    )
    dy = rng.standard_normal((B, T, 2))
    model.forward(features)
    dx, grads = model.backward(dy), {name: g.clone() for name, g in model.grads.items()}
    x = torch.tensor(features, requires_grad=True)
    model.zero_grad()
    model(x).backward(torch.as_tensor(dy))
    torch.testing.assert_close(dx, x.grad, rtol=TOL, atol=TOL)
    for name, g in model.grads.items():
        torch.testing.assert_close(grads[name], g, rtol=TOL, atol=TOL, msg=name)


def test_initial_values_are_those_that_pytorch_drew_whatever_the_seed() -> None:
    linear = nn.Linear(D, V)
    before = linear.weight.detach().clone()
    state = torch.get_rng_state()
    for seed in (0, 1):
        model = net.RNNModel([linear], input_size=D, seed=seed)
    assert torch.equal(torch.get_rng_state(), state)
    assert model.layers[0].module is linear
    assert torch.equal(linear.weight, before)


@pytest.mark.parametrize("lengths", [[5, 0, 3], [5, 2, 1]])
def test_padding_counts_for_nothing(lengths: list[int]) -> None:
    model, real = mixed(), np.arange(T) < np.array(lengths)[:, None]
    loss = model.loss_and_grads(ids, target, lengths=lengths)
    grads = {name: g.clone() for name, g in model.grads.items()}
    model.zero_grad()
    other = np.where(real, ids, 8)
    assert model.loss_and_grads(other, target, lengths=lengths) == loss
    for name, g in model.grads.items():
        torch.testing.assert_close(g, grads[name], rtol=TOL, atol=TOL, msg=name)
    for row, length in enumerate(lengths):
        if length:
            alone = model.predict(ids[row : row + 1, :length])
            np.testing.assert_allclose(model.predict(ids, lengths=lengths)[row, :length], alone[0], rtol=0, atol=TOL)
    packed = net.Packed.from_padded(ids, lengths)
    np.testing.assert_allclose(model.predict(packed).padded(), model.predict(ids, lengths=lengths), rtol=0, atol=TOL)


def test_on_a_tape_it_is_the_same_program_in_torch() -> None:
    torch.manual_seed(0)
    mlp = nn.Sequential(nn.Linear(D, 8), nn.ReLU(), nn.Linear(8, 8))
    tape = net.Tape(
        mlp=mlp, node=net.GRUNode(8), others=[nn.Linear(8, V), nn.LayerNorm(V)], loss=net.SoftmaxCrossEntropy(),
        dtype="float64",
    )  # fmt: skip

    def objective(x: Any, t: Any) -> Any:
        h = None
        for k in range(T):
            h = tape.node(tape.mlp(x[:, k]), h)
        return tape.loss(tape.others[1](tape.others[0](h)), t[:, -1])

    tape.objective, tape.prediction = objective, lambda x: tape.mlp(x)
    value = tape.loss_and_grads(features, target)
    cell = nn.GRUCell(8, 8).double()
    node = tape.node.part
    with torch.no_grad():
        cell.weight_ih.copy_(node.W_x)
        cell.weight_hh.copy_(node.W_h)
        cell.bias_ih.copy_(node.b)
        cell.bias_hh.zero_()[-8:] = node.b_h
    theirs, h = copy.deepcopy([mlp, tape.others[0].part.module, tape.others[1].part.module]), None
    for part in theirs:
        part.zero_grad()
    for k in range(T):
        h = cell(theirs[0](torch.as_tensor(features[:, k])), h)
    loss = cross_entropy(theirs[2](theirs[1](h)), torch.as_tensor(target[:, -1]))
    loss.backward()
    assert value == pytest.approx(loss.item(), rel=TOL)
    expected = [p.grad for part in (theirs[0], cell, theirs[1], theirs[2]) for p in part.parameters()]
    found = [g for name, g in tape.grads.items() if not name.startswith("node")]
    for ours, g in zip(found, [g for g in expected if g is not None and g.shape[0] != 24], strict=True):
        torch.testing.assert_close(ours, g, rtol=TOL, atol=TOL)
    torch.testing.assert_close(tape.grads["node.W_x"], cell.weight_ih.grad, rtol=TOL, atol=TOL)
    np.testing.assert_allclose(tape.predict(features), mlp(torch.as_tensor(features)).detach(), rtol=TOL)
    assert "Sequential" in str(tape)
    weight = mlp.get_parameter("0.weight")
    before = weight.detach().clone()
    net.Adam(0.01).step(tape)
    assert not torch.equal(weight, before)


def test_frozen_by_either_name_and_grouped_and_clipped() -> None:
    model = mixed()
    model.layers[1].module.requires_grad_(False)
    assert model.frozen == ["layers.1.module.weight", "layers.1.module.bias"]
    model.freeze("layers.4")
    assert not any(p.requires_grad for p in model.layers[4].module.parameters())
    model.unfreeze("layers.1")
    assert all(p.requires_grad for p in model.layers[1].module.parameters())
    before = {name: p.detach().clone() for name, p in model.params.items()}
    model.loss_and_grads(ids, target)
    net.SGD(1.0, clip_norm=0.1, groups={"layers.1": {"learning_rate": 0.01}}).step(model)
    moved = {name: (p.detach() - before[name]).norm() for name, p in model.params.items()}
    assert all(moved[name] == 0 for name in moved if name.startswith("layers.4."))
    grads = torch.cat([g.flatten() for g in model.grads.values()])
    for name, factor in (("layers.1.module.weight", 0.01), ("layers.3.module.weight", 1.0)):
        torch.testing.assert_close(
            moved[name], model.grads[name].norm() * factor * min(1.0, float(0.1 / grads.norm())), rtol=1e-9, atol=0.0
        )


def test_a_checkpoint_has_parameters_and_buffers_and_no_config_of_a_module(tmp_path: Path) -> None:
    model, other = mixed(), mixed()
    model.layers[4].module.calls.fill_(7)
    model.loss_and_grads(ids, target)
    net.Adam(0.1).step(model)
    net.save_checkpoint(tmp_path / "m.npz", model)
    checkpoint = net.load_checkpoint(tmp_path / "m.npz")
    assert {"layers.4.module.calls", "layers.4.module.scale", "layers.1.module.weight"} <= set(checkpoint.weights)
    other.load_state_dict(checkpoint.weights)
    np.testing.assert_array_equal(other.predict(ids), model.predict(ids))
    assert other.layers[4].module.calls == 7
    for package in (net, numnet):
        with pytest.raises(ValueError, match=r"no layer or loss named 'torch.nn.Linear'.*load_state_dict\(checkpoint"):
            package.RNNModel.from_checkpoint(checkpoint)


def test_dtype_device_and_copies() -> None:
    for dtype in ("float32", "float64"):
        model = mixed(dtype=dtype)
        assert {p.dtype for p in model.parameters()} == {getattr(torch, dtype)}
        assert model.layers[4].module.scale.dtype == getattr(torch, dtype)
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(other.predict(ids), model.predict(ids))
        other.loss_and_grads(ids, target)
        net.SGD(1.0).step(other)
        assert not torch.equal(other.layers[1].module.weight, model.layers[1].module.weight)
    on_meta = copy.deepcopy(model).to("meta")
    assert {value.device.type for value in on_meta.state_dict().values()} == {"meta"}


def test_dropout_and_batch_statistics_follow_the_mode_of_the_model() -> None:
    model = net.RNNModel(
        [Normed(), nn.Dropout(0.5), nn.Identity()], net.MeanSquaredError(), input_size=D, dtype="float64"
    )
    norm = model.layers[0].module.norm
    assert torch.equal(norm.running_mean, torch.zeros(D, dtype=torch.float64))  # found without a call in training
    first = model.predict(features)
    np.testing.assert_array_equal(first, model.predict(features))
    assert norm.training
    assert (model.forward(features) == 0).any()
    expected = 0.1 * features.mean((0, 1))
    np.testing.assert_allclose(norm.running_mean, expected, rtol=TOL)
    model.eval()
    assert not norm.training
    assert not (model.forward(features) == 0).any()
    tape = net.Tape(drop=nn.Dropout(0.5), dtype="float64")
    tape.prediction = lambda x: tape.drop(x)
    np.testing.assert_array_equal(tape.predict(features), features)
    assert tape.drop.part.module.training


def test_threads_predict_while_one_trains() -> None:
    model: Any = mixed()
    found: list[bool] = []
    expected = model.predict(ids)

    def predict() -> None:
        found.extend(bool(np.array_equal(model.predict(ids), expected)) for _ in range(20))

    threads = [threading.Thread(target=predict) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(10):
        model.loss_and_grads(ids, target)
    for thread in threads:
        thread.join()
    assert found == [True] * 60
    assert all(module.training for module in model.modules())


def test_backward_is_refused_after_a_step() -> None:
    model = net.RNNModel([nn.Linear(D, V)], net.SoftmaxCrossEntropy(), input_size=D)
    model.loss_and_grads(features, target)
    y = model.forward(features)
    net.SGD(0.1).step(model)
    with pytest.raises(RuntimeError, match="the weights have changed since this call"):
        model.backward(torch.ones_like(y))


def test_the_trainer_and_the_embedding_of_pytorch() -> None:
    layers = [nn.Embedding(9, 5), nn.Linear(5, 8), net.GRULayer(8), nn.Dropout(0.1), nn.Linear(8, V)]
    model = net.RNNModel(layers, net.SoftmaxCrossEntropy())
    trainer = net.Trainer(model, net.Adam(0.05), (ids, target), batch_size=3)
    before = model.evaluate(ids, target)
    trainer.fit(epochs=20)
    assert model.evaluate(ids, target) < before / 2
    model.forward(ids)
    assert model.backward(torch.ones(B, T, V)) is None
    with pytest.raises(IndexError, match=r"^torch\.nn\.Embedding"):
        model.predict(ids + 9)


def test_in_concat_and_in_an_encoder_decoder() -> None:
    both = net.RNNModel([net.Concat([nn.Linear(D, 2), net.Dense(3)]), nn.Linear(5, 2)], dtype="float64")
    assert both.predict(features, lengths=[5, 1, 2]).shape == (B, T, 2)
    coder = net.EncoderDecoder(
        [nn.Embedding(9, 5), net.GRULayer(4)], [net.Embedding(V, 3), nn.Linear(3, 3), net.GRULayer(4)],
        [nn.LayerNorm(4), nn.Linear(4, V)], loss=net.SoftmaxCrossEntropy(),
    )  # fmt: skip
    coder.loss_and_grads(ids, target)
    assert "decoder.layers.1.module.weight" in coder.params
    decoder = [net.Embedding(V, 3), Cumulative(), net.GRULayer(4)]
    with pytest.raises(ValueError, match=r"the module mixes steps.*a decoder generates one step"):
        net.EncoderDecoder([nn.Embedding(9, 5), net.GRULayer(4)], decoder, [net.Dense(V)])


REFUSED: list[tuple[str, Callable[[], Any]]] = [
    ("layers[0] is PyTorch's LSTM, expected a layer. Use {net}.LSTMLayer(hidden_size)", lambda: nn.LSTM(D, 3)),
    ("layers[0] is PyTorch's GRU, expected a layer. Use {net}.GRULayer(hidden_size)", lambda: nn.GRU(D, 3)),
    ("layers[0] is PyTorch's RNN, expected a layer. Use {net}.RNNLayer(hidden_size)", lambda: nn.RNN(D, 3)),
    ("layers[0] is PyTorch's GRUCell, expected a layer. Use {net}.GRUNode(hidden_size)", lambda: nn.GRUCell(D, 3)),
    ("Use {net}.MultiHeadAttention(heads), or as a layer {net}.Self", lambda: nn.MultiheadAttention(D, 2)),
    ("layers[0] is PyTorch's Conv1d, expected a layer. Use {net}.Convolution(output_size", lambda: nn.Conv1d(D, 3, 1)),
    ("layers[0] is PyTorch's BatchNorm1d, expected a layer. Use {net}.BatchNorm()", lambda: nn.BatchNorm1d(D)),
    ("expected a layer. Use {net}.SoftmaxCrossEntropy()", nn.CrossEntropyLoss),
]  # fmt: skip
OURS_ALONE: list[tuple[str, Callable[[], Any]]] = [  # what torchnet answers
    ("layers[0].1 is PyTorch's BatchNorm1d", lambda: nn.Sequential(nn.Linear(D, 4), nn.BatchNorm1d(4))),
    ("layers[0] is PyTorch's GroupNorm, expected a layer. Use torchnet.LayerNorm()", lambda: nn.GroupNorm(2, D)),
    ("expected a layer. Use torchnet.SelfAttention(heads).", lambda: nn.TransformerEncoderLayer(D, 2)),
    ("layers[0] is Two, which takes x, y, expected a layer. Write a module of one input.", Two),
    ("layers[0] is PyTorch's PReLU, expected a layer. Use PReLU(), with one parameter.", lambda: nn.PReLU(D)),
    ("layers[0] is PyTorch's LazyLinear, which has no sizes yet", lambda: nn.LazyLinear(3)),
    ("layers[0].0 is torchnet's Dense, expected modules of PyTorch inside", lambda: nn.Sequential(net.Dense(3))),
]


@pytest.mark.parametrize("package", [net, numnet], ids=["torchnet", "numnet"])
@pytest.mark.parametrize(("said", "make"), REFUSED)
def test_a_module_that_is_no_layer_is_answered_with_ours(package: Any, said: str, make: Callable[[], Any]) -> None:
    with pytest.raises(TypeError) as error:
        package.RNNModel([make()])
    assert said.format(net=package.__name__) in str(error.value)
    assert "torchnet takes" not in str(error.value)


@pytest.mark.parametrize(("said", "make"), OURS_ALONE)
def test_other_modules_that_are_no_layers(said: str, make: Callable[[], Any]) -> None:
    with pytest.raises(TypeError) as error:
        net.RNNModel([make()])
    assert said in str(error.value)
    with pytest.raises(TypeError, match=r"^Tape: part"):
        net.Tape(part=make())


@pytest.mark.parametrize("make", [lambda: nn.Linear(D, 3), lambda: Head(D), nn.Hardtanh, nn.Sequential])
def test_numnet_says_that_torchnet_takes_it(make: Callable[[], Any]) -> None:
    with pytest.raises(TypeError, match="torchnet takes modules of PyTorch"):
        numnet.RNNModel([make()])
    with pytest.raises(TypeError, match="torchnet takes modules of PyTorch"):
        numnet.Tape(part=make())


def test_what_only_a_call_shows() -> None:
    class Pair(nn.Module):
        def forward(self, x: Any) -> Any:
            return x, x

    for module, kind, said in (
        (Pair(), TypeError, "the module returned tuple, expected one tensor"),
        (nn.Flatten(), ValueError, r"x is \(2, 3, 4\) and y \(2, 12\), expected \(2, 3, width\)"),
        (nn.Linear(5, 2), ValueError, "x has 4 features, expected 5"),
        (
            nn.Sequential(nn.Identity(), nn.Linear(5, 2)),
            ValueError,
            "x has 4 features, which the module refuses .mat1 and mat2.*Give it the width",
        ),
    ):
        with pytest.raises(kind, match=said):
            net.RNNModel([module]).predict(features)
    with pytest.raises(ValueError, match=r"torch.nn.Linear: its input size is 5, expected 3.*Make the module with 3."):
        net.RNNModel([net.Dense(3), nn.Linear(5, 2)], input_size=D)
    for mixing in (Cumulative(), nn.Softmax(1), nn.Softmax(0), Normed()):
        model = net.RNNModel([mixing])
        assert model.predict(features).shape == features.shape
        with pytest.raises(ValueError, match="lengths are given, and the module mixes steps"):
            model.predict(features, lengths=[5, 2, 1])
    shared = nn.Linear(D, D)
    with pytest.raises(ValueError, match="is an earlier layer"):
        net.RNNModel([shared, shared])


def test_texts_are_generated_and_gradients_checked_through_modules() -> None:
    vocabulary = net.Vocabulary.from_text("abcdefgh")
    size = len(vocabulary)
    for module in (nn.Linear(5, 5), Cumulative()):
        layers = [net.Embedding(size, 5), module, net.GRULayer(4), net.Dense(size)]
        model = net.RNNModel(layers, net.SoftmaxCrossEntropy(), input_size=size)
        if isinstance(module, nn.Linear):
            assert len(net.generate(model, vocabulary, "ab", 5)) >= 5
        else:
            with pytest.raises(ValueError, match=r"Cumulative, which reads several steps at once"):
                net.generate(model, vocabulary, "ab", 5)
    report = check_gradients(net.RNNModel([nn.Linear(D, 5), net.GRULayer(3), nn.Tanh()], input_size=D))
    assert report.passed
    assert "layers.0.module.dweight" in str(report)


@pytest.mark.parametrize("module", [nn.Softmax(-1), nn.Sigmoid(), nn.Dropout(0.3)])
def test_a_last_module_between_the_logits_and_their_loss_is_warned_of(module: nn.Module) -> None:
    with pytest.warns(UserWarning, match=r"layers\[1\] is torch\.nn\..*, the last layer before the loss"):
        net.RNNModel([nn.Linear(D, V), module], net.SoftmaxCrossEntropy())
