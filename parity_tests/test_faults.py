"""Test of the testers: every planted fault must be caught, and the gradient checker must say rightly what is wrong.

Caught by slopes, by parity with autograd or by a law; named as catalogue.py says, but for the few in its list VAGUE.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import numnet
import torchnet
from numnet.core.arrays import to_numpy
from parity_tests.catalogue import CASES, SIZES, Score, gradient_score, sizes_of, training_score
from parity_tests.faults import (
    DATA_FAULTS,
    FAULTS,
    NORM_FAULTS,
    POOL_FAULTS,
    RATE_FAULTS,
    RUN_FAULTS,
    SPINN_FAULTS,
    STEP_FAULTS,
    VAGUE,
    Fault,
    planted,
)
from parity_tests.probe import Arrays, assert_near, run, upstream_like
from parity_tests.slopes import slope_error
from parity_tests.strategies import TOLERANCE, Case
from parity_tests.test_optimizers import Bowl, maker


def slopes(case: Case, net: Any) -> bool:
    """Whether finite differences find nothing wrong."""
    error, _ = slope_error(case, net, sizes_of(case))
    return error <= TOLERANCE["slopes"]


@functools.cache
def of_autograd(name: str) -> tuple[Arrays, Arrays, Arrays]:
    """Of torchnet's row: the outputs, random gradients of them, and what autograd makes of these."""
    case = CASES[name]
    z = sizes_of(case)
    outputs, pullback = run(case.build(torchnet, z), case.inputs(z))
    upstream = upstream_like(outputs, z.rng)
    return outputs, upstream, pullback(upstream)


def parity(case: Case, net: Any) -> bool:
    """Whether autograd agrees."""
    z, (expected, upstream, gradients) = sizes_of(case), of_autograd(case.name)
    outputs, pullback = run(case.build(net, z), case.inputs(z))
    try:
        assert_near(outputs, expected, TOLERANCE["float64"])
        assert_near(pullback(upstream), gradients, TOLERANCE["float64"])
    except AssertionError:
        return False
    return True


def adds(case: Case, net: Any) -> bool:
    """Whether a second backward doubles every parameter's gradient."""
    z = sizes_of(case)
    thing = case.build(net, z)
    outputs, pullback = run(thing, case.inputs(z))
    upstream = upstream_like(outputs, z.rng)
    once, twice = pullback(upstream), pullback(upstream, clear=False)
    return all(np.allclose(twice[f"d{name}"], 2 * once[f"d{name}"]) for name in getattr(thing, "params", {}))


CHECKS = {"parity": parity, "slopes": slopes, "adds": adds}  # the cheapest first


def caught_by(case: Case, net: Any) -> str:
    """The first check that fails, "" if all pass."""
    return next((name for name, passes in CHECKS.items() if not passes(case, net)), "")


def assert_named(fault: Fault, score: Score) -> None:
    """A diagnosis that was right stays right."""
    assert score.caught, "the gradient checker finds nothing"
    assert score.right, f"should name {fault.tensor} {fault.where}, but the diagnosis is: {score.diagnosis}"


# Of each file the first fault, and the book's: the others are long.
FIRST = {fault.file: fault.name for fault in reversed(FAULTS)}.values()
AT_ONCE = [fault.name for fault in FAULTS if fault.name in FIRST or fault.name.startswith("the book's")]
ROWS = [pytest.param(fault, marks=[] if fault.name in AT_ONCE else pytest.mark.long, id=fault.name) for fault in FAULTS]


def test_the_line_of_each_fault_stands_once_in_its_file() -> None:
    texts = {path: path.read_text(encoding="utf-8") for path in Path(numnet.__file__).parent.rglob("*.py")}
    others = (*STEP_FAULTS, *POOL_FAULTS, *DATA_FAULTS, *RUN_FAULTS, *NORM_FAULTS, *RATE_FAULTS, *SPINN_FAULTS)
    for fault in (*FAULTS, *others):
        assert texts[Path(numnet.__file__).parent / fault.file].count(fault.old) == 1, fault.name


@pytest.mark.parametrize("fault", ROWS)
def test_fault_is_caught(fault: Fault, tmp_path: Path) -> None:
    with planted(fault, tmp_path) as faulty:
        assert caught_by(CASES[fault.case], faulty), f"{fault.name}: not caught"
        if fault.name not in VAGUE:
            assert_named(fault, gradient_score(fault, faulty))


@pytest.mark.parametrize("name", sorted({fault.case for fault in FAULTS}))
def test_the_right_code_raises_no_alarm(name: str) -> None:
    assert caught_by(CASES[name], numnet) == ""


def test_losing_the_gradient_from_above_freezes_every_layer_below(tmp_path: Path) -> None:
    fault = next(fault for fault in FAULTS if "from above lost" in fault.name)
    case = CASES[fault.case]
    with planted(fault, tmp_path) as faulty:
        outputs, pullback = run(case.build(faulty, SIZES), case.inputs(SIZES))
        gradients = pullback({"y": np.ones_like(outputs["y"])})
    assert all((gradient == 0).all() for gradient in gradients.values())


def walked(net: Any, name: str) -> np.ndarray:
    """Where seven steps of that optimizer, with weight decay and clipping, take a layer."""
    rng, make = np.random.default_rng(0), maker(name)
    bowl, optimizer = Bowl(net, rng.standard_normal((3, 3))), make(net, weight_decay=0.1, clip_norm=2.0)
    return [bowl.step(optimizer, rng.standard_normal((3, 3))) for _ in range(7)][-1]


@pytest.mark.parametrize("fault", STEP_FAULTS, ids=lambda fault: fault.name)
def test_fault_in_a_step_is_caught(fault: Fault, tmp_path: Path) -> None:
    expected = walked(torchnet, fault.case)
    np.testing.assert_allclose(walked(numnet, fault.case), expected, rtol=1e-11)
    with planted(fault, tmp_path) as faulty:
        assert np.abs(walked(faulty, fault.case) - expected).max() > 1e-6
        assert_named(fault, training_score(fault, faulty))


def calls(case: Case, net: Any) -> bool:
    """Whether a call's results stay, and its backward pass is its own, where another call comes in between."""
    z = sizes_of(case)
    layer, alone, inputs = case.build(net, z), case.build(net, z), case.inputs(z)
    x, lengths = inputs["x"], inputs.get("lengths")
    expected = alone.forward(x, None, lengths)
    dy = z.rng.standard_normal(expected.shape)
    dx = alone.backward(dy)
    y, last_state = layer.forward(x, None, lengths), layer.last_state
    layer.forward(2 * x, None, lengths)
    stays = np.array_equal(y, expected) and np.array_equal(last_state, alone.last_state)
    layer.forward(x, None, lengths)
    first = layer.saved
    layer.forward(2 * x, None, lengths)
    layer.saved = first
    return stays and np.array_equal(layer.backward(dy), dx)


@pytest.mark.parametrize("fault", POOL_FAULTS, ids=lambda fault: fault.name)
def test_fault_in_the_pool_is_caught(fault: Fault, tmp_path: Path) -> None:
    assert calls(CASES[fault.case], numnet)
    with planted(fault, tmp_path) as faulty:
        assert not calls(CASES[fault.case], faulty)


def stepped(net: Any, gradient: float, dtype: str = "float32", rate: float = 0.1, kind: str = "Adam") -> Any:
    """The weights of a layer after one step; the gradient of its bias is 0."""
    layer = net.Dense(2, input_size=2, seed=0, dtype=dtype)
    layer.zero_grad()
    layer.grads["W"][...] = gradient
    getattr(net, kind)(lambda step: rate).step(layer)
    return layer.params


def refused(bad: Callable[[], Any]) -> bool:
    try:
        with np.errstate(all="ignore"):
            bad()
    except (ValueError, FloatingPointError):
        return True
    return False


def clipped(net: Any, dtype: str, value: float, limit: float) -> float:
    """The first of four equal gradients after clipping, as a multiple of what it should be."""
    gradient = np.full(4, value, dtype)
    if refused(lambda: net.clip_by_norm([gradient], limit)):
        return np.nan
    return float(gradient[0]) / (limit / 2)


def weighted(net: Any) -> bool:
    history = net.History([1.0, 4.0], counts=[3.0, 1.0])
    return bool(history.add(None, step=2)["train_loss"] == 1.75)


def reported(net: Any, reduction: str) -> list[float]:
    """The losses of two batches of different sizes and of their evaluation, at weights that stay as they are."""
    x, t = np.arange(10.0).reshape(5, 2), np.arange(5.0)[:, None]
    model = net.RNNModel([net.Dense(1)], net.MeanSquaredError(reduction=reduction), input_size=2, dtype="float64")
    history = net.Trainer(model, net.SGD(1e-30), (x, t), batch_size=4, shuffle=False, progress=False).fit(epochs=1)
    return [*np.round(history.losses, 9), round(net.evaluate(model, (x, t), batch_size=4), 9)]


def nothing(net: Any) -> Any:
    model = net.RNNModel([net.Dense(2)], net.SoftmaxCrossEntropy(ignore_index=0), input_size=2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return net.evaluate(model, SimpleNamespace(epoch=lambda k: [(np.ones((1, 2)), [0])], carries_state=False))


XS = [np.full((n, 1), float(n)) for n in (4, 1, 3, 2, 5)]
MADE_OF = np.arange(7)


def orders(net: Any) -> bool:
    run = net.Trainer(mean_of(net), net.SGD(0.1), (MADE_OF[:, None, None], MADE_OF[:, None]), progress=False)
    first, second = (np.concatenate([y[:, 0] for _, y in run.batches.epoch(k)]).tolist() for k in (0, 1))
    return bool(first != second and sorted(first) == sorted(second))


def pairs(net: Any) -> bool:
    run = net.Trainer(mean_of(net), net.SGD(0.1), (MADE_OF[:, None, None], MADE_OF[:, None]), progress=False)
    return all((x[:, 0] == y).all() for x, y in run.batches.epoch(0))


def mean_of(net: Any, **options: Any) -> Any:
    layers = [net.GRULayer(2, seed=3, **options), net.Dense(1, seed=4)]
    return net.RNNModel(layers, net.MeanSquaredError(), input_size=1, dtype="float64")


def evaluated(net: Any) -> bool:
    model, ys = mean_of(net), [x**2 for x in XS]
    found = [net.evaluate(model, (XS, ys), batch_size=size) for size in (3, 5)]
    return bool(abs(found[0] - found[1]) < 1e-12)


def predicted(net: Any, **options: Any) -> bool:
    model = mean_of(net, **options)
    run = net.Trainer(model, net.SGD(0.1), (XS, XS), progress=False)
    found = run.predict(net.SequenceBatches(XS, XS, 2)) if not options else run.predict(XS, batch_size=1)
    model.reset_state()
    expected = [mean_of(net).predict(x[None])[0] for x in XS]
    return all(ours.shape == theirs.shape and np.allclose(ours, theirs) for ours, theirs in zip(found, expected))


def frozen(net: Any, before: bool = False, again: bool = False) -> bool:
    """Whether a model whose first layer is frozen, before its first batch or after it, moves as it should."""
    model, optimizer = net.RNNModel([net.Dense(2), net.Dense(1)], net.MeanSquaredError(), seed=1), net.Adam(0.1)
    if before:
        model.layers[0].freeze()
    for step in range(3):
        if step == 1 or (again and step == 2):
            model.layers[0].requires_grad_(again and step == 2)
        model.zero_grad()
        model.loss_and_grads(np.ones((4, 3), np.float32), np.ones((4, 1)))
        W = model.layers[0].W.copy()
        norm, rest = optimizer.step(model), [g for name, g in model.grads.items() if name[:8] == "layers.1"]
        if (before or step == 1) and (model.layers[0].W != W).any():
            return False
        if step == 1 and abs(norm - net.global_norm(rest)) > 1e-6:
            return False
    return not again or optimizer.updates == [2, 2, 3, 3]


def descent(net: Any) -> list[float]:
    """The losses of four steps of L-BFGS, from large weights, so that the line search works."""
    rng = np.random.default_rng(3)
    x, y = rng.standard_normal((6, 4, 3)), rng.standard_normal((6, 4, 2))
    model = net.RNNModel([net.GRULayer(4), net.Dense(2)], net.MeanSquaredError(), input_size=3, dtype="float64", seed=1)
    model.load_state_dict({name: 3 * to_numpy(p) for name, p in model.params.items()})
    losses = []
    for rate in (1.0, 30.0):
        optimizer = net.LBFGS(rate, max_iter=8)
        losses += [optimizer.step(model, lambda: model.loss_and_grads(x, y)) for _ in range(4)]
    return losses


def plateau(net: Any) -> bool:
    schedule, rates = net.ReduceOnPlateau(1.0, factor=0.5, patience=2, threshold=0.5, cooldown=2), []
    for value in (8.0, 7, 6, 5, 5, 5, 5, 5, 2.2, 3, 3, 3):
        schedule.observe(value)
        rates.append(schedule(0))
    return rates == [1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.25]


def restart(net: Any) -> bool:
    optimizer = net.SGD(0.1)
    optimizer.steps = 3
    optimizer.schedule = net.CosineSchedule(0.5, steps=4)
    return bool(optimizer.learning_rate == 0.5)


def grouped(net: Any, **options: Any) -> bool:
    """Whether a layer whose rate is a tenth moves a tenth of the way of the other."""
    rate = net.StepSchedule(0.1, every=1, factor=0.5) if options else 0.1
    layers = [net.Dense(2, bias=False, input_size=2), net.Dense(2, bias=False, input_size=2)]
    model, optimizer = net.RNNModel(layers), net.SGD(rate, groups={"layers.1": {"learning_rate": 0.01}})
    model(np.ones((1, 2), np.float32))
    before = model.state_dict()
    for _ in range(3):
        for g in model.grads.values():
            g.fill(1.0)
        optimizer.step(model)
    ways = [float((before[name] - p).mean()) for name, p in model.params.items()]
    return abs(ways[0] / ways[1] - 10) < 1e-3


P, TRUE = np.array([[2.0, 1, 0, 0], [0, 3, 0, 0], [0, 1, 0, 0], [5, 0, 0, 0], [0, 4, 0, 1]]), np.array([0, 0, 1, 0, 2])


def metric_of(net: Any, metric: Any, p: Any = P, t: Any = TRUE) -> float:
    """The metric of two batches of 1 and 4 rows."""
    one = metric.of_loss("test", "one", net.MeanSquaredError() if p.shape == t.shape else net.SoftmaxCrossEntropy())
    for rows in (slice(0, 1), slice(1, None)):
        one.add(p[rows], t[rows], np.ones(t[rows].shape, bool))
    return float(one.value())


def class_scores(net: Any) -> bool:
    found = [metric_of(net, kind()) for kind in (net.Precision, net.Recall, net.F1)]
    each = [(1, 2 / 3), (1 / 3, 1), (0, 0)]  # precision and recall; the last class does not occur
    f1 = sum(2 * p * r / (p + r) for p, r in each if p)
    return bool(np.allclose(found, [(1 + 1 / 3) / 3, (2 / 3 + 1) / 3, f1 / 3]))


def accuracy_of(net: Any, reports: int = 1) -> bool:
    loss = net.SoftmaxCrossEntropy(ignore_index=0)
    model = net.RNNModel([net.GRULayer(4, seed=1), net.Dense(3, seed=2)], loss, input_size=1, dtype="float64")
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((5, 4, 1)), rng.integers(0, 3, (5, 4))
    lengths = np.array([4, 1, 2, 4, 3])
    run = net.Trainer(model, net.SGD(0.1), (x, y), batch_size=2, metrics=["accuracy"], progress=False)
    real = (np.arange(4) < lengths[:, None]) & (y > 0)
    right = (model.predict(x, lengths=lengths).argmax(-1) == y)[real].mean()
    for rows in (slice(0, 2), slice(None))[2 - reports :]:
        found = run.evaluate((x[rows], y[rows], lengths[rows]))["accuracy"]
    return bool(abs(found - right) < 1e-12)


def monitored(net: Any) -> bool:
    run = net.Trainer(mean_of(net), net.SGD(0.1), (XS, XS), metrics="r2", monitor="r2", progress=False)
    return bool(run.monitored.better(2.0, 1.0) and not run.monitored.better(1.0, 2.0))


NUMBERS = np.array([[1.0], [5], [2], [8], [3]])
RUNS: dict[str, Callable[[Any], bool]] = {
    "a tiny gradient": lambda net: abs(clipped(net, "float32", 1e-30, 1e-33) - 1) < 1e-3,
    "a huge gradient": lambda net: abs(clipped(net, "float64", 1e200, 1.0) - 1) < 1e-3,
    "a norm beyond float16": lambda net: abs(clipped(net, "float16", 6e4, 1e-4) - 1) < 1e-2,
    "Adam in float16": lambda net: bool(np.isfinite(stepped(net, 1e-3, "float16")["b"]).all()),
    "a rate of NaN": lambda net: refused(lambda: stepped(net, 1.0, rate=np.nan)),
    "squares beyond float32": lambda net: refused(lambda: stepped(net, 1e30)),
    "a weight beyond float32": lambda net: refused(
        lambda: net.Dense(1, input_size=1).load_state_dict({"W": np.array([[1e300]]), "b": [0.0]})
    ),
    "a frozen layer": frozen,
    "frozen before the first batch": lambda net: frozen(net, before=True),
    "a layer that was frozen": lambda net: frozen(net, again=True),
    "L-BFGS": lambda net: bool(np.allclose(descent(net), descent(torchnet), rtol=1e-6)),
    "a plateau": plateau,
    "a restart": restart,
    "a group": grouped,
    "a group with a schedule": lambda net: grouped(net, schedule=True),
    "a report": weighted,
    "a report of sums": lambda net: reported(net, "sum") == reported(net, "mean"),
    "an accuracy": accuracy_of,
    "two reports": lambda net: accuracy_of(net, 2),
    "class scores": class_scores,
    "a perplexity": lambda net: (
        abs(metric_of(net, net.Perplexity()) - np.exp(float(net.SoftmaxCrossEntropy()(P, TRUE)))) < 1e-9
    ),
    "R2": lambda net: abs(metric_of(net, net.R2(), NUMBERS - 0.5, NUMBERS) - 1 + 1.25 / (5 * NUMBERS.var())) < 1e-9,
    "MAE": lambda net: abs(metric_of(net, net.MAE(), NUMBERS * [[-1]], NUMBERS) - 2 * NUMBERS.mean()) < 1e-9,
    "a monitor": monitored,
    "orders": orders,
    "pairs": pairs,
    "an evaluation": evaluated,
    "predictions": predicted,
    "stateful predictions": lambda net: predicted(net, stateful=True),
    "an evaluation of nothing": lambda net: refused(lambda: nothing(net)),
}


@pytest.mark.parametrize("fault", RUN_FAULTS, ids=lambda fault: fault.name)
def test_fault_in_a_run_is_caught(fault: Fault, tmp_path: Path) -> None:
    assert RUNS[fault.case](numnet)
    with planted(fault, tmp_path) as faulty, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert not RUNS[fault.case](faulty)
