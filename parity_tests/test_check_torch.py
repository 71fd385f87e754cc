"""check_gradients on PyTorch modules, Functions and torchnet: no false alarms, and wrong Functions are found."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import numnet
import torchnet
from numnet.check import check_gradients

X = np.random.default_rng(0).standard_normal((3, 5, 4))
TOKENS = np.random.default_rng(1).integers(0, 7, (3, 5))
rnn = nn.utils.rnn


class Cube(torch.autograd.Function):
    """y = k x³"""

    @staticmethod
    def forward(ctx: Any, x: Any, k: float) -> Any:
        ctx.save_for_backward(x)
        ctx.k = k
        return k * x**3

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (x,) = ctx.saved_tensors
        return 3 * ctx.k * x**2 * dy, None


class Product(torch.autograd.Function):
    """y = a b, written with setup_context."""

    @staticmethod
    def forward(a: Any, b: Any) -> Any:
        return a * b

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        a, b = ctx.saved_tensors
        return b * dy, a * dy


class WrongCube(Cube):
    """The derivative is 2 k x² in place of 3 k x²."""

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        return 2 / 3 * Cube.backward(ctx, dy)[0], None


class OverwritesDy(Cube):
    """Overwrites the upstream gradient."""

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        d_input = Cube.backward(ctx, dy)
        dy.zero_()
        return d_input


class Block(nn.Module):
    """A Function between two layers, with dropout."""

    def __init__(self, function: Any) -> None:
        super().__init__()
        self.function, self.first, self.drop, self.second = function, nn.Linear(4, 3), nn.Dropout(0.5), nn.Linear(3, 2)

    def forward(self, x: Any) -> Any:
        return self.second(self.function.apply(self.drop(self.first(x)), 2.0))


class Branches(nn.Module):
    """Several outputs, two of them not differentiable."""

    def forward(self, x: Any) -> Any:
        return x.tanh(), (x.sin(), x.argmax(-1)), x.detach()


RIGHT = {
    "Linear": (nn.Linear(4, 3),),
    "LSTM": (nn.LSTM(4, 6),),
    "LSTM with proj_size": (nn.LSTM(4, 6, proj_size=2, batch_first=True),),
    "LSTM from a given state": (nn.LSTM(4, 6), torch.randn(5, 3, 4), (torch.ones(1, 3, 6), torch.ones(1, 3, 6))),
    "LSTM of one sequence": (nn.LSTM(4, 6), X[0]),
    "GRU, two directions, two layers": (nn.GRU(4, 5, 2, bidirectional=True, dropout=0.3),),
    "RNN with ReLU": (nn.RNN(4, 6, nonlinearity="relu"),),
    "LSTMCell": (nn.LSTMCell(4, 6),),
    "LayerNorm": (nn.LayerNorm(4), X),
    "BatchNorm": (nn.BatchNorm1d(5), X),
    "a lazy Linear": (nn.LazyLinear(3), X),
    "Embedding": (nn.Embedding(7, 4), TOKENS),
    "attention": (nn.MultiheadAttention(4, 2, dropout=0.2), X, X, X),
    "MSELoss": (nn.MSELoss(), X, X + 1),
    "CrossEntropyLoss": (nn.CrossEntropyLoss(), X[:, 0], [0, 3, 1]),
    "a Function": (Cube, X, 2.0),
    "a Function with setup_context": (Product, X, X + 1),
    "a module around a Function": (Block(Cube), X),
    "several outputs": (Branches(), X),
}


@pytest.mark.parametrize("name", RIGHT)
def test_right_modules_pass(name: str) -> None:
    report = check_gradients(*RIGHT[name])
    assert report.passed, str(report)
    assert report.rows


def test_the_report_names_the_tensors_of_a_recurrent_module() -> None:
    report = check_gradients(nn.LSTM(4, 6))
    assert report.name == "torch.nn.LSTM"
    assert [row.name for row in report.rows] == [
        "bias_hh_l0", "bias_ih_l0", "weight_hh_l0", "weight_ih_l0", "x", "h", "c",
    ]  # fmt: skip
    assert report.gates["weight_ih_l0"] == ("i", "f", "g", "o")
    assert report.time["x"] == 0
    assert "lengths" in report.sizes


@pytest.mark.parametrize("thing", [WrongCube, Block(WrongCube)], ids=["alone", "in a module"])
def test_a_wrong_function_is_caught(thing: Any) -> None:
    report = check_gradients(thing, X, 2.0) if thing is WrongCube else check_gradients(thing, X)
    wrong = {row.name: row.error for row in report.rows if not row.passed}
    below = ["x"] if thing is WrongCube else ["first.bias", "first.weight", "x"]
    assert list(wrong) == below
    assert min(wrong.values()) > 0.01


def test_a_function_that_modifies_its_upstream_gradient_is_caught() -> None:
    report = check_gradients(OverwritesDy, X, 2.0)
    assert [finding.cause for finding in report.findings] == ["law"]
    assert "upstream gradient of y" in report.findings[0].text


def test_the_module_is_not_modified() -> None:
    module = nn.BatchNorm1d(5)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    drawn = torch.get_rng_state()
    check_gradients(module, X)
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert module.weight.dtype is torch.float32
    assert module.weight.grad is None
    assert torch.equal(torch.get_rng_state(), drawn)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ((nn.LayerNorm(4),), "LayerNorm: no inputs, expected x: without input_size"),
        ((Cube,), "Cube: no inputs, expected x"),
        ((nn.Tanh(), rnn.pack_sequence([torch.ones(2, 4)])), "x is a PackedSequence, expected a tensor"),
        ((nn.LSTM(4, 6), rnn.pack_sequence([torch.ones(2, 4)])), "x is a PackedSequence, expected a tensor"),
        ((nn.Tanh(), TOKENS > 3), r"Tanh: no output requires a gradient \(y\)"),
    ],
)
def test_objects_that_cannot_be_checked_are_rejected_with_the_reason(call: Any, words: str) -> None:
    with pytest.raises(TypeError, match=words):
        check_gradients(*call)


@pytest.mark.parametrize("lengths", [[5, 0, 2], [[1, 0, 1, 1, 1], [1] * 5, [1] * 5]])
def test_lengths_that_pytorch_cannot_pack_are_rejected(lengths: Any) -> None:
    with pytest.raises(TypeError, match=r"torch.nn.LSTM: .*expected"):
        check_gradients(nn.LSTM(4, 6, batch_first=True), X, lengths=lengths)


TORCHNETS = {
    "LSTMLayer": torchnet.LSTMLayer(6),
    "GRULayer, reset before": torchnet.GRULayer(6, reset="before", learn_state=True),
    "Bidirectional": torchnet.LSTMLayer(5, bidirectional=True),
    "LSTMVariantNode": torchnet.LSTMVariantNode(6, input_size=4, peepholes=True, layer_norm=True),
    "MGUNode": torchnet.MGUNode(6),
    "Dense": torchnet.Dense(3),
    "Tanh": torchnet.Tanh(),
    "SoftmaxCrossEntropy": torchnet.SoftmaxCrossEntropy(),
    "RNNModel": torchnet.RNNModel([torchnet.GRULayer(5), torchnet.Dropout(0.3), torchnet.Dense(3)]),
}


@pytest.mark.parametrize("name", TORCHNETS)
def test_torchnets_layers_nodes_losses_and_models_pass(name: str) -> None:
    report = check_gradients(TORCHNETS[name])
    assert report.passed, str(report)
    names = [row.name for row in report.rows]
    assert names == [row.name for row in check_gradients(numnet_copy(TORCHNETS[name])).rows]


def numnet_copy(thing: Any) -> Any:
    """Return numnet's object with the same config."""
    from numnet.check.engine.against.counterpart import instance_of

    return instance_of(f"numnet.{type(thing).__name__}", thing)


def test_a_models_loss_passes_too() -> None:
    model = torchnet.RNNModel([torchnet.RNNLayer(5), torchnet.Dense(7)], torchnet.SoftmaxCrossEntropy())
    assert check_gradients(model, X, TOKENS).passed
    assert check_gradients(numnet.RNNModel.from_config(model.config()), X, TOKENS).passed
