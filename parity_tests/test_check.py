"""check_gradients as a user calls it: the inputs it accepts, its findings, and that it modifies nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numnet
from numnet.check import check_gradients
from numnet.check.engine.subject import Unusable

RIGHT = {
    "an operation": lambda: numnet.Softmax(),
    "a dense layer": lambda: numnet.Dense(3, input_size=4),
    "an embedding": lambda: numnet.Embedding(7, 3),
    "a convolution": lambda: numnet.Convolution(3, width=4),
    "characters": lambda: numnet.Characters(9, embedding_size=3, output_size=4),
    "side by side": lambda: numnet.Concat(
        [numnet.Embedding(9, 3), numnet.Characters(7, embedding_size=2, output_size=3)], [1, 4]
    ),
    "a loss": lambda: numnet.MeanSquaredError(),
    "a node": lambda: numnet.LSTMNode(5, input_size=4),
    "a layer": lambda: numnet.GRULayer(5, input_size=4, output_size=2),
    "a layer not built yet": lambda: numnet.LSTMLayer(5),
    "two directions": lambda: numnet.Bidirectional(numnet.LSTMLayer(3, input_size=4), merge=None),
    "time first": lambda: numnet.RNNLayer(3, input_size=4, batch_first=False, reverse=True),
    "kinks": lambda: numnet.RNNLayer(6, activation="relu"),
    "dropout of all kinds": lambda: numnet.GRULayer(
        3, input_size=4, state_dropout=0.3, zoneout=0.2, weight_dropout=0.3
    ),
    "a learned start": lambda: numnet.LSTMLayer(3, input_size=4, learn_state=True, layer_norm=True, peepholes=True),
    "a model": lambda: numnet.RNNModel([numnet.GRULayer(3), numnet.LSTMLayer(2, bidirectional=True), numnet.Dense(2)]),
}


class Doubled(numnet.LSTMNode):
    """The forget gate's gradient is twice the right one."""

    def step_backward(self, dy: Any, dh_next: Any, dc_next: Any, saved: Any, drop: Any = None) -> Any:
        h_in, c_prev, i, f, g, o, tanh_c = saved
        dh = dy + dh_next
        dc = dc_next + dh * o * (1 - tanh_c**2)  # (5)
        df, dc_prev = 2 * dc * c_prev, dc * f  # (4)
        da_i, da_f = dc * g * i * (1 - i), df * f * (1 - f)  # (4) (2)
        da_g, da_o = dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)  # (4) (3) (5) (2)
        da = np.concatenate([da_i, da_f, da_g, da_o])
        return da, (self.W_h.T @ da, dc_prev), {"W_h": (da, h_in)}  # (1)


class Cut(numnet.RNNNode):
    """At step 3 the gradient of the previous state is lost. `inputs` returns (a_x, carry), carry is 0 there."""

    def inputs(self, x: Any) -> Any:
        carry = np.ones((len(x), 1, 1))
        carry[3:4] = 0
        return super().inputs(x), carry

    def inputs_backward(self, da_x: Any, x: Any) -> Any:
        return super().inputs_backward(da_x[0], x)

    def step(self, a_x: Any, h_prev: Any, drop: Any = None) -> Any:
        a_x, carry = a_x
        h, state, saved = super().step(a_x, h_prev)
        return h, state, (saved, carry)

    def step_backward(self, dy: Any, dh_next: Any, saved: Any, drop: Any = None) -> Any:
        saved, carry = saved
        da, (dh_prev,), pairs = super().step_backward(dy, dh_next, saved)
        return (da, 0 * carry), (carry * dh_prev,), pairs


class IgnoresLastState(numnet.LSTMLayer):
    """Ignores the upstream gradient of the last state."""

    def backward(self, dy: Any, d_last_state: Any = None) -> Any:
        return super().backward(dy, None)


@pytest.mark.parametrize("name", RIGHT)
@pytest.mark.parametrize("full", [False, True])
def test_right_gradients_pass(name: str, full: bool) -> None:
    report = check_gradients(RIGHT[name](), full=full)
    assert report.passed, str(report)
    assert len(report.rows) > 0
    assert all(row.error < 1e-7 for row in report.rows)


def test_the_finding_names_the_gate_and_the_equation() -> None:
    for thing in (Doubled(6, input_size=4), numnet.RecurrentLayer(Doubled(6, input_size=4))):
        report = check_gradients(thing)
        assert not report
        finding = report.findings[0]
        assert (finding.gates, finding.cause) == (("f",), "factor"), str(report)
        assert "2 times that" in finding.text
        assert finding.equation in ("(2)", "(4)")
        assert any(line.text.startswith("df, ") for line in finding.back), str(report)


def test_a_finding_about_a_model_names_the_layer() -> None:
    model = numnet.RNNModel([numnet.GRULayer(3), numnet.RecurrentLayer(Doubled(4)), numnet.Dense(2)])
    finding = check_gradients(model).findings[0]
    assert finding.text.startswith("layers.1, alone: ")
    assert finding.gates == ("f",)


def test_a_lost_upstream_gradient_is_named() -> None:
    finding = check_gradients(IgnoresLastState(6, input_size=4)).findings[0]
    assert "the last h has weight 0; the last c has weight 0" in finding.text


def test_the_step_at_which_the_carried_gradient_is_lost_is_named() -> None:
    layer = numnet.RecurrentLayer(Cut(4, input_size=3))
    report = check_gradients(layer, np.random.default_rng(0).standard_normal((2, 6, 3)))
    assert "dx is right at steps 3 to 5 and wrong before: look at the gradient carried from step 3 to step 2" in str(
        report
    )
    assert report.by_step is not None
    wrong = np.nan_to_num(report.by_step) > 1e-7
    assert wrong[3:, :3].all()
    assert not wrong[:3].any()
    assert not wrong[:, 3:].any()


def test_the_checked_object_is_not_modified() -> None:
    layer = numnet.LSTMLayer(3, input_size=4)
    layer.forward(np.ones((1, 2, 4)))
    layer.backward(np.ones((1, 2, 3)))
    params = {name: p.copy() for name, p in layer.params.items()}
    grads = {name: g.copy() for name, g in layer.grads.items()}
    check_gradients(layer, full=True)
    assert layer.dtype == np.float32
    for name in params:
        np.testing.assert_array_equal(layer.params[name], params[name])
        np.testing.assert_array_equal(layer.grads[name], grads[name])


def test_the_same_seed_gives_the_same_report() -> None:
    first, again, other = (str(check_gradients(numnet.GRULayer(3), seed=seed)) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_two_functions_are_checked_with_their_argument_names_and_exact_derivatives() -> None:
    def forward(x: Any, W: Any) -> Any:
        return np.tanh(x @ W)

    def backward(dy: Any, x: Any, W: Any) -> Any:
        da = dy * (1 - np.tanh(x @ W) ** 2)
        return da @ W.T, x.T @ da

    rng = np.random.default_rng(0)
    inputs = rng.standard_normal((3, 2)), rng.standard_normal((2, 4))
    report = check_gradients((forward, backward), *inputs)
    assert [row.name for row in report.rows] == ["x", "W"]
    assert max(row.error for row in report.rows) < 1e-14
    wrong = check_gradients((forward, lambda dy, x, W: (-backward(dy, x, W)[0], 3 * backward(dy, x, W)[1])), *inputs)
    assert [finding.text for finding in wrong.findings] == [
        "dx has the wrong sign",
        "dW is 3 times what it should be (3: a sum in place of a mean?)",
    ]


def test_wrt_limits_the_checked_tensors() -> None:
    layer = numnet.RecurrentLayer(Doubled(6, input_size=4))
    assert [row.name for row in check_gradients(layer, wrt=["W_h", "x"]).rows] == ["W_h", "x"]
    with pytest.raises(Unusable, match=r"wrt has 'W_z', expected names from b, W_h, W_x, x, h, c"):
        check_gradients(layer, wrt=["W_z"])


class WritesIntoX(numnet.Tanh):
    message = "the call modifies its input x: copy it before writing"

    def forward(self, x: Any) -> Any:
        y = super().forward(x)
        x[...] = 0
        return y


class WritesIntoDy(numnet.Tanh):
    message = "backward modifies the upstream gradient of y: copy it before writing"

    def backward(self, dy: Any) -> Any:
        dx = super().backward(dy)
        dy *= 2
        return dx


class KeepsSum(numnet.Tanh):
    message = "a second call with the same inputs gives a different gradient of x"
    past: Any = 0.0

    def backward(self, dy: Any) -> Any:
        self.past = self.past + super().backward(dy)
        return self.past


class AddsAConstant(numnet.Tanh):
    message = "an upstream gradient of zero gives a gradient of x that is not zero"

    def backward(self, dy: Any) -> Any:
        return super().backward(dy) + 1e-12


class Overwrites(numnet.Dense):
    message = "the gradient of W does not accumulate: a second backward does not double it. Use += in backward"

    def backward(self, dy: Any) -> Any:
        self.dW[...] = 0
        return super().backward(dy)


@pytest.mark.parametrize("kind", [WritesIntoX, WritesIntoDy, KeepsSum, AddsAConstant, Overwrites])
def test_broken_laws_are_named(kind: Any) -> None:
    report = check_gradients(kind(3) if kind is Overwrites else kind())
    assert not report
    assert any(finding.text == kind.message for finding in report.findings), str(report)


@pytest.mark.parametrize("thing", [3, numnet.LSTMLayer, "LSTMLayer", (np.tanh, 3)])
def test_objects_that_cannot_be_checked_are_rejected(thing: Any) -> None:
    with pytest.raises(Unusable, match="has no forward and backward, expected an Operation"):
        check_gradients(thing)


def test_a_derivative_below_rounding_error_is_rejected() -> None:
    with pytest.raises(Unusable, match="the rounding error of the derivative along x is"):
        check_gradients((lambda x: np.sum(np.real(x) ** 2) + 1e12, lambda dy, x: x * dy), np.arange(1.0, 5))
