"""compare: equal implementations agree; for others the findings name the step, the gates and the wrong side."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import numnet
import torchnet
from numnet.check.compare import compare

X = np.random.default_rng(0).standard_normal((3, 5, 4))
TOKENS = np.random.default_rng(1).integers(0, 7, (3, 5))
TARGET = np.random.default_rng(2).integers(0, 3, (3, 5))


class NearlyRight(numnet.RNNNode):
    """The local derivative is 1 - h in place of 1 - h²."""

    def step_backward(self, dy: Any, dh_next: Any, saved: Any, drop: Any = None) -> Any:
        h_in, h = saved
        da = (dy + dh_next) * (1 - h)  # (2)
        return da, (self.W_h.T @ da,), {"W_h": (da, h_in)}  # (1)


class LeakyForget(numnet.LSTMNode):
    """The gradient of the forget gate is 1 % too large."""

    def step_backward(self, dy: Any, dh_next: Any, dc_next: Any, saved: Any, drop: Any = None) -> Any:
        da, d_state, pairs = super().step_backward(dy, dh_next, dc_next, saved)
        da[self.hidden_size : 2 * self.hidden_size] *= 1.01
        return da, d_state, pairs


class LateStart(numnet.RNNNode):
    """Computes another function from step 3 on."""

    def inputs(self, x: Any) -> Any:
        return super().inputs(x), np.where(np.arange(len(x)) < 3, 1, 1.1)[:, None, None]

    def inputs_backward(self, da_x: Any, x: Any) -> Any:
        return super().inputs_backward(da_x[0], x)

    def step(self, a_x: Any, h_prev: Any, drop: Any = None) -> Any:
        a_x, scale = a_x
        h, _, saved = super().step(a_x, h_prev)
        return scale * h, (scale * h,), (saved, scale)

    def step_backward(self, dy: Any, dh_next: Any, saved: Any, drop: Any = None) -> Any:
        saved, scale = saved
        da, d_state, pairs = super().step_backward(scale * dy, scale * dh_next, saved)
        return (da, 0 * scale), d_state, pairs


class Plain(nn.Module):
    """A plain LSTM with its gates in any order."""

    def __init__(self, order: str) -> None:
        super().__init__()
        self.order = order
        self.W_x, self.W_h = nn.Parameter(torch.randn(24, 4)), nn.Parameter(torch.randn(24, 6))
        self.b = nn.Parameter(torch.zeros(24))

    def forward(self, x: Any, state: Any) -> Any:
        (h, c), outputs = state, []
        for x_t in x.unbind(1):
            a = dict(zip(self.order, (x_t @ self.W_x.T + h @ self.W_h.T + self.b).chunk(4, -1)))
            c = a["f"].sigmoid() * c + a["i"].sigmoid() * a["g"].tanh()
            h = a["o"].sigmoid() * c.tanh()
            outputs.append(h)
        return torch.stack(outputs, 1), (h, c)


ALIKE: dict[str, tuple[Any, Any]] = {
    "LSTM, torchnet": (numnet.LSTMLayer(6), torchnet.LSTMLayer(6, seed=1)),
    "LSTM, torchnet's class": (numnet.LSTMLayer(6, peepholes=True), torchnet.LSTMLayer),
    "LSTM, torch.nn": (numnet.LSTMLayer(6), torch.nn.LSTM),
    "LSTM, torch.nn by name": (numnet.LSTMLayer(6, input_size=4), "torch.nn.LSTM"),
    "LSTM with proj_size, time first": (numnet.LSTMLayer(6, proj_size=3, batch_first=False), torch.nn.LSTM),
    "LSTM, time first on one side": (numnet.LSTMLayer(6), torch.nn.LSTM(4, 6)),
    "LSTM, both directions": (numnet.LSTMLayer(6, bidirectional=True), torch.nn.LSTM),
    "GRU, both directions": (numnet.GRULayer(6, bidirectional=True), torch.nn.GRU),
    "GRU, reset before, torchnet": (numnet.GRULayer(6, reset="before"), torchnet.GRULayer),
    "RNN with ReLU": (numnet.RNNLayer(6, activation="relu"), torch.nn.RNN),
    "torchnet and torch.nn": (torchnet.GRULayer(6, bidirectional=True), torch.nn.GRU),
    "torch.nn and numnet": (torch.nn.GRU(4, 6, bidirectional=True), "numnet.GRULayer"),
    "torch.nn and torch.nn": (torch.nn.LSTM(4, 6, 2), torch.nn.LSTM(4, 6, 2)),
    "two layers": (numnet.RNNModel([numnet.LSTMLayer(6), numnet.LSTMLayer(6)]), torch.nn.LSTM),
    "a node through time": (numnet.GRUNode(6, input_size=4), torch.nn.GRU),
    "a node": (numnet.LSTMNode(6, input_size=4), torchnet.LSTMNode(6, input_size=4)),
    "a subclass of a layer": (type("Mine", (numnet.LSTMLayer,), {})(6), torch.nn.LSTM),
    "a loss": (numnet.MeanSquaredError(), nn.MSELoss()),
    "an operation": (numnet.Tanh(), nn.Tanh()),
    "a plain module": (numnet.LSTMLayer(6), Plain("ifgo")),
    "dropout masks": (numnet.LSTMLayer(6, zoneout=0.2), torchnet.LSTMLayer(6, zoneout=0.2, seed=4)),
}


@pytest.mark.parametrize("name", ALIKE)
def test_equal_implementations_agree(name: str) -> None:
    report = compare(*ALIKE[name])
    assert report.passed, str(report)
    assert any(row.name.rpartition(".")[2].startswith("d") for row in report.rows)


def test_rows_are_outputs_then_gradients() -> None:
    report = compare(numnet.LSTMLayer(6), torch.nn.LSTM)
    assert (report.name, report.against) == ("numnet.LSTMLayer", "torch.nn.LSTM")
    assert [row.name for row in report.rows] == ["y", "last h", "last c", "db", "dW_h", "dW_x", "dx", "dh", "dc"]
    assert max(row.error for row in report.rows) < 1e-13
    assert report.gates["dW_h"] == ("i", "f", "g", "o")
    assert report.time == {"y": 1, "dx": 1}


@pytest.mark.parametrize("lengths", [[5, 0, 2], [1, 1, 1], np.eye(3, 5, dtype=bool)])
def test_ragged_lengths_agree_between_backends(lengths: Any) -> None:
    assert compare(numnet.GRULayer(6), torchnet.GRULayer, X, lengths=lengths).passed


def test_given_inputs_are_used() -> None:
    h, c = np.ones((3, 6)), np.zeros((3, 6))
    report = compare(numnet.LSTMLayer(6), torch.nn.LSTM, X, (h, c), lengths=[5, 1, 2])
    assert report.passed, str(report)
    assert report.sizes == "x (3, 5, 4), lengths (3,), h (3, 6), c (3, 6)"


def test_parameters_of_other_names_are_matched_by_names() -> None:
    names = {"weight": "W", "bias": "b"}
    assert compare(numnet.Dense(3), nn.Linear(4, 3), names=names).passed
    report = compare(numnet.Dense(3), nn.Linear(4, 3, bias=True), X, names=names)
    assert [row.name for row in report.rows] == ["y", "db", "dW", "dx"]


def test_a_pair_of_functions_agrees_with_a_layer() -> None:
    pair = (
        (lambda x, W, b: x @ W.T + b),
        (lambda dy, x, W, b: (dy @ W, np.einsum("bto,bti->oi", dy, x), dy.sum((0, 1)))),
    )
    report = compare(pair, numnet.Dense(3), X, np.ones((3, 4)), np.ones(3))
    assert report.passed, str(report)
    assert [row.name for row in report.rows] == ["y", "dx", "dW", "db"]
    assert compare(numnet.Dense(3), pair).passed


def test_two_models_have_the_same_dropout_masks() -> None:
    ours, theirs = (model(net, seed=k) for k, net in enumerate((numnet, torchnet)))
    report = compare(ours, theirs, TOKENS, TARGET)
    assert report.passed, str(report)
    assert report.rows[0].name == "value"
    assert "layers.1.dW_h" in [row.name for row in report.rows]


def test_a_wrong_gradient_of_ours_is_named_and_diagnosed() -> None:
    report = compare(numnet.RecurrentLayer(NearlyRight(6)), torch.nn.RNN)
    assert not report
    assert report.first == "db"
    first = report.findings[0]
    assert "first db" in first.text
    assert "ours, numnet.RecurrentLayer of NearlyRight, is wrong" in first.text
    assert "theirs" not in first.text
    assert [row.passed for row in report.rows][:2] == [True, True]
    from numnet.check import check_gradients

    own = check_gradients(numnet.RecurrentLayer(NearlyRight(6))).findings
    assert [f.text for f in report.findings[1:]] == [f.text for f in own]


def test_a_wrong_gradient_of_theirs_is_named() -> None:
    report = compare(numnet.LSTMLayer(6), numnet.RecurrentLayer(LeakyForget(6)))
    assert len(report.findings) == 1
    assert "theirs, numnet.RecurrentLayer of LeakyForget, is wrong" in report.findings[0].text
    assert "ours" not in report.findings[0].text


def test_the_wrong_gate_is_named() -> None:
    report = compare(numnet.RecurrentLayer(LeakyForget(6)), torch.nn.LSTM, X[:, :1])
    assert report.findings[0].gates == ("f",)
    assert "first db, in the rows of f" in report.findings[0].text


def test_the_first_step_that_differs_in_the_forward_pass_is_named() -> None:
    report = compare(numnet.RecurrentLayer(LateStart(6)), torch.nn.RNN, X)
    assert [finding.cause for finding in report.findings] == ["forward"]
    assert report.findings[0].text == "the forward pass differs: y, first at step 3, y[:, 3]"


@pytest.mark.parametrize("order", ["ifog", "gofi"])
def test_a_different_order_of_the_gates_is_recognized(order: str) -> None:
    report = compare(numnet.LSTMLayer(6), Plain(order))
    assert report.findings[0].cause == "order"
    assert f"Plain has its gates in the order {' '.join(order)}, numnet.LSTMLayer in i f g o" in report.findings[0].text
    report = compare(
        torch.nn.LSTM(4, 6, batch_first=True), Plain(order), X, (X[:, 0, :1].repeat(6, 1), np.ones((3, 6)))
    )
    assert f"in the order {' '.join(order)}, torch.nn.LSTM in i f g o" in report.findings[0].text


@pytest.mark.parametrize("ours", [numnet.GRULayer, torchnet.GRULayer])
def test_a_gru_with_its_reset_on_the_other_side_is_recognized(ours: Any) -> None:
    report = compare(ours(6, reset="before"), torch.nn.GRU)
    assert report.findings[0].cause == "reset"
    assert "resets before the matrix product, torch.nn.GRU after it" in report.findings[0].text


def test_nan_never_agrees() -> None:
    class Spoilt(nn.Tanh):
        def forward(self, x: Any) -> Any:
            return super().forward(x) + float("nan")

    report = compare(numnet.Tanh(), Spoilt())
    assert [row.name for row in report.rows if not row.passed] == ["y"]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ((numnet.Dense(3), nn.Linear(4, 3)), "torch.nn.Linear has the parameters weight, bias, expected W, b"),
        ((numnet.GRULayer(6), torch.nn.LSTM), "expected W_x, W_h, b, b_h, as in numnet.GRULayer"),
        ((numnet.Dense(3), torchnet.Dense(2)), r"W is \(2, 4\), expected \(3, 4\), as in numnet.Dense"),
        ((numnet.LSTMLayer(6, return_sequences=False), torch.nn.LSTM), r"y is \(3, 5, 6\), expected \(3, 6\)"),
        ((numnet.LSTMLayer(6), "torch.nn.LSTMM"), "there is no 'torch.nn.LSTMM'"),
        (
            (numnet.LSTMLayer(6), torch.nn.Linear),
            "torch.nn.Linear cannot be constructed in the sizes of numnet.LSTMLayer",
        ),
        ((numnet.RNNLayer(6), Plain), "Plain is a class"),
    ],
)
def test_objects_that_cannot_be_compared_are_rejected_with_the_reason(call: Any, words: str) -> None:
    with pytest.raises(TypeError, match=words):
        compare(*call)


def test_an_empty_row_is_rejected_where_pytorch_packs() -> None:
    with pytest.raises(TypeError, match="a length is 0, expected at least 1"):
        compare(numnet.LSTMLayer(6), torch.nn.LSTM, X, lengths=[5, 0, 2])


def model(net: Any, **options: Any) -> Any:
    layers = [net.Embedding(7, 4), net.LSTMLayer(6), net.Dropout(0.4), net.Dense(3)]
    return net.RNNModel(layers, net.SoftmaxCrossEntropy(), input_size=7, **options)


@pytest.mark.parametrize("kind", [None, "adam", "momentum"])
def test_two_backends_train_alike(kind: str | None) -> None:
    optimizers = None if kind is None else [net.OPTIMIZERS[kind](0.05) for net in (numnet, torchnet)]
    ours = model(numnet)
    before = {name: p.copy() for name, p in ours.params.items()}
    report = compare(ours, model(torchnet, seed=3), TOKENS, TARGET, steps=8, optimizers=optimizers)
    assert report.passed, str(report)
    assert [row.name for row in report.rows] == [f"step {k}" for k in range(1, 9)]
    assert report.rows[-1].got < report.rows[0].got
    assert all(np.array_equal(p, before[name]) for name, p in ours.params.items())


def test_momentum_differs_from_the_second_step_on() -> None:
    optimizers = numnet.SGD(0.05), torchnet.SGDMomentum(0.05)
    report = compare(model(numnet), torchnet.RNNModel, TOKENS, TARGET, steps=4, optimizers=optimizers)
    assert [row.passed for row in report.rows] == [True, False, False, False]
    assert "training differs at step 2: afterwards layers.3.b has the largest error" in report.findings[0].text
    assert "losses and gradients agree, so the optimizers differ: in the update rule" in report.findings[0].text


def test_another_learning_rate_differs_from_its_first_step_on() -> None:
    steps = numnet.SGD(numnet.StepSchedule(0.1, 3, 0.5)), torchnet.SGD(0.1)
    report = compare(model(numnet), torchnet.RNNModel, TOKENS, TARGET, steps=5, optimizers=steps)
    assert [row.passed for row in report.rows] == [True, True, True, False, False]
    assert report.findings[0].tensors == ("layers.3.b",)


def test_a_wrong_gradient_differs_at_the_first_step() -> None:
    report = compare(numnet.RecurrentLayer(NearlyRight(6)), torch.nn.RNN, steps=2)
    assert report.first == "step 1"
    assert "the losses agree, the gradients do not" in report.findings[0].text


def test_torch_optimizers_train_torch_modules() -> None:
    by = numnet.Adam(0.01), lambda parameters: torch.optim.Adam(parameters, 0.01)
    assert compare(numnet.LSTMLayer(6), torch.nn.LSTM, steps=4, optimizers=by).passed


def test_training_needs_parameters_and_two_optimizers() -> None:
    with pytest.raises(TypeError, match="Tanh has no parameters, expected at least one to train"):
        compare(numnet.Tanh(), nn.Tanh(), steps=2)
    with pytest.raises(TypeError, match="got 1 optimizers, expected two"):
        compare(numnet.Dense(3), torchnet.Dense, steps=2, optimizers=[numnet.SGD(0.1)])
