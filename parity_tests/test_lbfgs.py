"""L-BFGS: numnet's own is torch.optim's, iteration by iteration, and ends where scipy's does."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from parity_tests.small import assert_same, weights

OPTIONS: dict[str, dict[str, Any]] = {
    "strong Wolfe": {},
    "fixed steps": {"line_search": None, "learning_rate": 0.3},
    "short memory": {"history_size": 2},
    "few evaluations": {"max_eval": 5},
    "few iterations": {"max_iter": 3},
    "tolerances": {"tolerance_grad": 1e-2, "tolerance_change": 1e-3},
}
THEIRS = {"line_search": "line_search_fn", "learning_rate": "lr"}


def problem(net: Any, seed: int) -> tuple[Any, Any]:
    """A small recurrent regression, and its closure."""
    rng = np.random.default_rng(seed)
    x, target = rng.standard_normal((6, 4, 3)), rng.standard_normal((6, 4, 2))
    model = net.RNNModel([net.GRULayer(4), net.Dense(2)], net.MeanSquaredError(), input_size=3, dtype="float64", seed=1)
    return model, lambda: model.loss_and_grads(x, target)


@pytest.mark.parametrize("name", OPTIONS)
@given(seed=st.integers(0, 2**31))
@settings(max_examples=2)
def test_lbfgs_is_torchs(name: str, net: Any, seed: int) -> None:
    """The losses of four steps, the numbers of iterations and of calls, and the parameters."""
    model, closure = problem(net, seed)
    raw, raw_closure = problem(importlib.import_module("torchnet"), seed)
    options = OPTIONS[name]
    theirs = {"line_search_fn": "strong_wolfe", **{THEIRS.get(n, n): value for n, value in options.items()}}
    optimizer, raw_optimizer = net.LBFGS(**options), torch.optim.LBFGS(raw.parameters(), **theirs)

    def evaluated() -> Any:
        raw.zero_grad()
        return raw_closure()

    for _ in range(4):
        loss, expected = optimizer.step(model, closure), float(raw_optimizer.step(evaluated))
        np.testing.assert_allclose(loss, expected, rtol=1e-6)  # rounding grows with the iterations
    state = next(iter(raw_optimizer.state.values()))
    assert (optimizer.iterations, optimizer.evaluations) == (state["n_iter"], state["func_evals"])
    for n, value in weights(model).items():
        np.testing.assert_allclose(value, weights(raw)[n], rtol=1e-4, atol=1e-5)


def test_lbfgs_ends_where_scipys_does(net: Any) -> None:
    """On a convex problem: a linear layer and a cross-entropy with weight decay in the closure."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((30, 5)), rng.integers(0, 3, 30)
    model = net.RNNModel([net.Dense(3)], net.SoftmaxCrossEntropy(), input_size=5, dtype="float64")

    def closure() -> float:
        value = float(model.loss_and_grads(x, y))
        for name, p in weights(model).items():
            value += 0.05 * float((p**2).sum())
            gradient = model.grads[name]
            gradient += 0.1 * (model.params[name] if net.__name__ == "numnet" else model.params[name].detach())
        return value

    optimizer = net.LBFGS(max_iter=200, tolerance_grad=1e-10, tolerance_change=1e-14)
    optimizer.step(model, closure)

    model.zero_grad()
    least = closure()
    assert max(float(abs(g).max()) for g in model.grads.values()) < 1e-6
    optimize = pytest.importorskip("scipy.optimize")

    def objective(vector: np.ndarray) -> float:
        W, b = vector[:15].reshape(3, 5), vector[15:]
        a = x @ W.T + b
        return float(np.mean(np.log(np.exp(a).sum(1)) - a[np.arange(30), y]) + 0.05 * (vector**2).sum())

    expected = optimize.minimize(objective, np.zeros(18), method="L-BFGS-B", options={"ftol": 1e-15, "gtol": 1e-9})
    assert least == pytest.approx(expected.fun, rel=1e-9)
    found = np.concatenate([weights(model)["layers.0.W"].ravel(), weights(model)["layers.0.b"]])
    np.testing.assert_allclose(found, expected.x, atol=1e-4)


def test_frozen_parameters_stay(net: Any) -> None:
    model, closure = problem(net, 0)
    model.freeze("layers.0")
    before = weights(model)
    net.LBFGS().step(model, closure)
    moved = {name for name, value in weights(model).items() if not np.array_equal(value, before[name])}
    assert moved == {"layers.1.W", "layers.1.b"}


def test_what_lbfgs_refuses(net: Any) -> None:
    model, closure = problem(net, 0)
    before, optimizer = weights(model), net.LBFGS()
    arguments: Any
    for arguments, words in (
        ((model,), r"LBFGS: closure is None, expected a function .* Call optimizer.step\(model, lambda: model"),
        ((None, closure), "LBFGS: no model is given"),
        ((model, lambda: float("nan")), "LBFGS: the loss is nan before the step"),
    ):
        with pytest.raises((TypeError, FloatingPointError), match=words):
            optimizer.step(*arguments)
    with pytest.raises(ValueError, match="LBFGS: all parameters of the model are frozen"):
        optimizer.step(model.freeze(), closure)
    options: dict[str, Any]
    for options, words in (
        ({"max_iter": 0}, "LBFGS: max_iter is 0"),
        ({"line_search": "wolfe"}, "LBFGS: line_search is 'wolfe'"),
        ({"tolerance_grad": -1.0}, "LBFGS: tolerance_grad is -1.0"),
    ):
        with pytest.raises(ValueError, match=words):
            net.LBFGS(**options)
    assert optimizer.steps == 0
    assert_same(weights(model), before)
    with pytest.raises(TypeError, match="Trainer: optimizer is LBFGS"):
        net.Trainer(model.unfreeze(), optimizer, [(np.zeros((1, 2, 3)), np.zeros((1, 2, 2)))])
