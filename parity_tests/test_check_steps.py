"""Findings about one step: errors in pairs, in upstream gradients, in a readout, and in a kernel."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numnet
from numnet.check import check_gradients
from numnet.recurrent.fast import KERNELS
from numnet.recurrent.fast.lstm import LSTMKernel
from numnet.recurrent.gru import GRUNode
from numnet.recurrent.lstm import LSTMNode
from numnet.recurrent.rnn import RNNNode


def wrong(kind: Any, change: Any) -> Any:
    """Return a subclass with another step_backward: change(node, right step_backward, *its arguments)."""

    class Wrong(kind):
        def step_backward(self, *given: Any, **options: Any) -> Any:
            return change(self, super().step_backward, *given)

    return Wrong


def pairs(change: Any) -> Any:
    """Return a change of only the pairs."""

    def changed(node: Any, back: Any, *given: Any) -> Any:
        da, d_state, found = back(*given)
        return da, d_state, change(found, given[-1])

    return changed


FAULTS = {
    "dy lost": (
        RNNNode, lambda node, back, dy, *rest: back(0 * dy, *rest), "the upstream gradient dy is lost: add it", (),
    ),
    "dh_next lost": (
        RNNNode, lambda node, back, dy, dh, saved: back(dy, 0 * dh, saved),
        "the upstream gradient dh_next is lost: add it", (),
    ),
    "dc_next doubled": (
        LSTMNode, lambda node, back, dy, dh, dc, saved: back(dy, dh, 2 * dc, saved),
        "equation (5): the upstream gradient dc_next is added twice", (),
    ),
    "no pair": (
        RNNNode, pairs(lambda found, saved: {}), "equation (1): dW_h is missing: step_backward returns no", ("W_h",),
    ),
    "swapped": (
        RNNNode, pairs(lambda found, saved: {"W_h": found["W_h"][::-1]}),
        "equation (1): dW_h has its two factors swapped in the pair", ("W_h",),
    ),
    "the new h for h'": (
        RNNNode, pairs(lambda found, saved: {"W_h": (found["W_h"][0], saved[1])}),
        "equation (1): ∂(W_h h')/∂W_h = h' is taken as h", ("W_h",),
    ),
    "another order of blocks": (
        GRUNode, pairs(lambda found, saved: {"W_h": found["W_h"][::-1]}),
        "dW_h has the blocks of its pairs in another order", ("W_h",),
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_an_error_in_the_pairs_or_the_upstream_gradient_is_named(fault: str) -> None:
    kind, change, words, tensors = FAULTS[fault]
    node = wrong(kind, change)(6, input_size=4, **({"reset": "before"} if kind is GRUNode else {}))
    for thing in (node, numnet.RecurrentLayer(node)):
        finding = check_gradients(thing).findings[0]
        assert words in finding.text
        assert not tensors or finding.tensors == tensors


class ReadsOut(numnet.Node):
    """h = tanh(a + W_h h')  (1),  y = h ⊙ x  (2): y is not a state, and the step needs x."""

    reads_out = True
    factor = 1.0

    def inputs(self, x: Any) -> Any:
        return super().inputs(x), x

    def inputs_backward(self, da_x: Any, x: Any) -> Any:
        dx, grads = super().inputs_backward(da_x[0], x)
        return dx + da_x[1], grads

    def step(self, a_x: Any, h_prev: Any) -> Any:
        a_x, x = a_x
        h = np.tanh(a_x + self.W_h @ h_prev)  # (1)
        return h * x, (h,), (h_prev, h, x)  # (2)

    def step_backward(self, dy: Any, dh_next: Any, saved: Any) -> Any:
        h_prev, h, x = saved
        dh, dx = dh_next + dy * x, self.factor * dy * h  # (2)
        da = dh * (1 - h**2)  # (1)
        return (da, dx), (self.W_h.T @ da,), {"W_h": (da, h_prev)}  # (1)


class ReadsOutTwice(ReadsOut):
    factor = 2.0


def test_a_node_with_a_readout_that_needs_x_is_traced() -> None:
    assert check_gradients(ReadsOut(4, input_size=4)).passed
    assert check_gradients(numnet.RecurrentLayer(ReadsOut(4, input_size=4))).passed
    finding = check_gradients(numnet.RecurrentLayer(ReadsOutTwice(4, input_size=4))).findings[0]
    assert finding.text == "equation (2): ∂y/∂x = h is taken as 2 times that"


class WrongForget(LSTMKernel):
    def step_backward(self, s: Any, t: int) -> None:
        da, di, df, dg, do, to_c, f = s.d_steps[t]
        dh, dc, dot = s.dh, s.dc, s.dot
        do *= dh  # (5) (2)
        dc += np.multiply(dh, to_c, to_c)  # (5)
        dg *= dc  # (4) (3)
        di *= dc  # (4) (2)
        df *= dc  # (4) (2)
        dc *= f  # (4)
        dot(s.W_hT, da, dh)  # (1)


class WrongCell(LSTMKernel):
    def step(self, s: Any, t: int) -> None:
        super().step(s, t)
        s.c[t + 1] *= 1.5


class WrongSums(LSTMKernel):
    def state_sums(self, runs: Any, da_all: Any) -> Any:
        return {"W_h": 2 * super().state_sums(runs, da_all)["W_h"]}  # (1)


class WrongLoop(LSTMKernel):
    def start_backward(self, s: Any, d_state: Any) -> None:
        super().start_backward(s, [None, None])


@pytest.mark.parametrize(
    ("kernel", "words"),
    [
        (WrongForget, "differs from the plain step: da_f at step 4 is the first wrong quantity, equation (4) (2)"),
        (WrongCell, "differs from the plain step in its forward pass: c at step 0 is the first wrong quantity"),
        (WrongSums, "differs from the plain node: the sums over all steps are wrong for dW_h only, equation (1)"),
        (WrongLoop, "the last h has weight 0; the last c has weight 0"),
    ],
)
def test_a_wrong_kernel_is_compared_with_the_plain_step(kernel: Any, words: str, monkeypatch: Any) -> None:
    assert check_gradients(numnet.LSTMLayer(6), lengths=[5, 2, 0]).passed
    monkeypatch.setitem(KERNELS, LSTMNode, kernel)
    layer = numnet.LSTMLayer(6, input_size=4)
    report = check_gradients(layer, np.random.default_rng(0).standard_normal((2, 5, 4)))
    assert words in report.findings[0].text
    assert kernel is WrongLoop or f"({kernel.__name__}, " in report.findings[0].text
    assert any("right with use_fast = False" in finding.text for finding in report.findings) == (kernel is WrongLoop)
    layer.use_fast = False
    assert check_gradients(layer).passed
