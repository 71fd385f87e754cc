"""numpy alone, in less than a minute: `make quick`, for whoever has changed a line of numnet.

Every row of the tables at fixed draws: its gradients against differences of the function itself, in a kernel and plain;
all laws; shapes; and steps whose numbers are computed here by hand, from the equations.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from math import exp, log, tanh
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import numnet
from parity_tests import test_laws, test_states
from parity_tests.classifiers import CLASSIFIERS
from parity_tests.family import FAMILY, OVER_TIME
from parity_tests.probe import run, upstream_like
from parity_tests.slopes import slope_error
from parity_tests.strategies import EVERYTHING, LAYERS, TOLERANCE, Case, Sizes, plain
from parity_tests.translator import TRANSLATORS

DRAWS = (Sizes(B=4, T=7, D=3, H=5, O=2, V=4, seed=3), Sizes(B=1, T=3, D=2, H=4, O=3, V=3, seed=4))
ROWS = [case for case in (*EVERYTHING, *FAMILY, *OVER_TIME, *TRANSLATORS, *CLASSIFIERS) if "slope" not in case.unlawful]
Law = Callable[..., None]


def laws(module: ModuleType) -> Iterator[tuple[Law, list[Case], list[Any]]]:
    """Each of its tests that is asked of rows: the test without its draws, the rows, the dtypes that are given."""
    for name, test in vars(module).items():
        marks = [mark for mark in getattr(test, "pytestmark", ()) if mark.name == "parametrize"]
        chosen = {mark.args[0]: mark.args[1] for mark in marks}
        if name.startswith("test_") and "case" in chosen:
            law = test.hypothesis.inner_test if hasattr(test, "hypothesis") else test
            yield law, chosen["case"], chosen.get("given_dtype", [None])


LAWS = [law for module in (test_laws, test_states) for law in laws(module)]


def ask(law: Law, **given: Any) -> None:
    """The law with those of the arguments that it takes."""
    law(**{name: given[name] for name in inspect.signature(law).parameters})


@pytest.mark.parametrize("case", [*ROWS, *map(plain, [*LAYERS, *FAMILY])], ids=repr)
def test_gradients_are_slopes(case: Case) -> None:
    for z in DRAWS:
        error, words = slope_error(case, numnet, z)
        assert error <= TOLERANCE["slopes"], words


@pytest.mark.parametrize("case", ROWS, ids=repr)
def test_every_gradient_has_the_shape_of_what_it_belongs_to(case: Case) -> None:
    for z in DRAWS:
        thing, inputs = case.build(numnet, z), case.inputs(z)
        outputs, pullback = run(thing, inputs)
        of = {**outputs, **inputs, **getattr(thing, "params", {})}
        for name, gradient in pullback(upstream_like(outputs, z.rng)).items():
            assert gradient.shape == of[name[1:]].shape, name
        assert all(outputs[name].shape == inputs[name].shape for name in outputs if name in inputs)


@pytest.mark.parametrize("case", ROWS, ids=repr)
def test_a_row_obeys_the_laws(case: Case) -> None:
    for law, cases, dtypes in LAWS:
        for dtype in dtypes if case in cases else ():
            ask(law, case=case, net=numnet, z=DRAWS[0], given_dtype=dtype)


def sigmoid(a: float) -> float:
    return 1 / (1 + exp(-a))


def rnn(a: float, h: float) -> float:
    return tanh(a + 0.5 * h)


def gru(a: float, h: float, after: bool) -> float:
    gate = sigmoid(a + 0.5 * h)
    return gate * h + (1 - gate) * tanh(a + (gate * 0.5 * h if after else 0.5 * gate * h))


def lstm(a: float, h: float, c: float) -> tuple[float, float]:
    gate = sigmoid(a + 0.5 * h)
    c = gate * c + gate * tanh(a + 0.5 * h)
    return gate * tanh(c), c


def two_steps(layer: Any, h: float, c: float | None = None) -> list[float]:
    """Of one unit whose weights are 0.5 and biases 0, on x = 1, then -2, from this state."""
    layer.load_state_dict({name: np.full(p.shape, 0.5 * name.startswith("W")) for name, p in layer.params.items()})
    state = np.array([[h]]) if c is None else (np.array([[h]]), np.array([[c]]))
    return layer(np.array([[[1.0], [-2.0]]]), state).ravel().tolist()


OF_ONE: dict[str, Any] = {"input_size": 1, "dtype": "float64"}


@pytest.mark.parametrize("use_fast", [True, False])
def test_an_rnn_by_hand(use_fast: bool) -> None:
    layer = numnet.RNNLayer(1, **OF_ONE)
    layer.use_fast = use_fast
    first = rnn(0.5, 0.2)
    assert two_steps(layer, 0.2) == pytest.approx([first, rnn(-1.0, first)], rel=1e-14)


@pytest.mark.parametrize("use_fast", [True, False])
@pytest.mark.parametrize("reset", ["before", "after"])
def test_a_gru_by_hand(reset: str, use_fast: bool) -> None:
    layer = numnet.GRULayer(1, reset=reset, **OF_ONE)
    layer.use_fast = use_fast
    first = gru(0.5, 0.2, reset == "after")
    assert two_steps(layer, 0.2) == pytest.approx([first, gru(-1.0, first, reset == "after")], rel=1e-14)


@pytest.mark.parametrize("use_fast", [True, False])
def test_an_lstm_by_hand(use_fast: bool) -> None:
    layer = numnet.LSTMLayer(1, **OF_ONE)
    layer.use_fast = use_fast
    first, c = lstm(0.5, 0.2, -0.3)
    assert two_steps(layer, 0.2, -0.3) == pytest.approx([first, lstm(-1.0, first, c)[0]], rel=1e-14)


def test_losses_by_hand() -> None:
    cross_entropy, logits = numnet.SoftmaxCrossEntropy(), np.array([[0.0, log(3.0)], [0.0, 0.0]])
    assert cross_entropy(logits, np.array([1, 0])) == pytest.approx((log(4 / 3) + log(2)) / 2, rel=1e-14)
    np.testing.assert_allclose(cross_entropy.backward(), [[0.125, -0.125], [-0.25, 0.25]], rtol=1e-14)
    square = numnet.MeanSquaredError()
    assert square(np.array([[1.0, 3.0]]), np.array([[0.0, 1.0]])) == 2.5
    assert square.backward().tolist() == [[1.0, 2.0]]


@pytest.mark.parametrize(
    ("optimizer", "moved"),
    [
        (numnet.SGD(0.1), [-0.3, 0.4]),
        (numnet.SGD(0.1, clip_norm=1.0), [-0.06, 0.08]),
        (numnet.SGDMomentum(0.1), [-0.3, 0.4]),
        (numnet.Adam(0.1), [-0.1, 0.1]),
    ],
    ids=["SGD", "SGD, clipped", "SGDMomentum", "Adam"],
)
def test_first_steps_by_hand(optimizer: Any, moved: list[float]) -> None:
    dense = numnet.Dense(1, input_size=1, dtype="float64")
    before = np.array([dense.W.item(), dense.b.item()])
    dense.grads["W"][...], dense.grads["b"][...] = 3.0, -4.0
    optimizer.step(dense)
    np.testing.assert_allclose([dense.W.item(), dense.b.item()] - before, moved, rtol=1e-6)


def test_a_small_model_learns() -> None:
    """The class of a sequence is that of its first token: nothing is learned unless the gradient reaches it."""
    tokens = np.random.default_rng(0).integers(0, 3, (30, 6))
    layers = [numnet.Embedding(3, 4), numnet.LSTMLayer(8, return_sequences=False), numnet.Dense(3)]
    model, adam = numnet.RNNModel(layers, numnet.SoftmaxCrossEntropy(), input_size=3), numnet.Adam(0.03)
    losses = []
    for _ in range(100):
        model.zero_grad()
        losses.append(float(model.loss_and_grads(tokens, tokens[:, 0])))
        adam.step(model)
    assert losses[0] == pytest.approx(log(3), rel=0.1)
    assert losses[-1] < 0.1
