"""Values that remember how they were made: against complex steps, autograd, and the backward passes written by hand."""

from __future__ import annotations

import gc
import inspect
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import numnet
import torchnet
from numnet.autograd.index import fixed
from numnet.core.arrays import to_numpy
from parity_tests.faults import WALK_FAULTS, Fault, planted

BACKENDS = [numnet, torchnet]
seeds = st.integers(0, 2**31)

# What a number becomes at one step of a random program, of two that are there already; the same words for complex ones.
NUMBERS: list[Callable[[Any, Any], Any]] = [
    lambda u, v: u + v,
    lambda u, v: u - v,
    lambda u, v: u * v,
    lambda u, v: u / (v * v + 1),
    lambda u, v: 2 - u,
    lambda u, v: 1 / (u * u + 2),
    lambda u, v: (u * u + 1) ** -1.5,
    lambda u, v: (u * u + 1) ** (0.3 * v),
    lambda u, v: 1.5**u,
    lambda u, v: u**3,
    lambda u, v: u**0,
    lambda u, v: -u,
    lambda u, v: of("tanh", u),
    lambda u, v: of("sigmoid", u) * v,
    lambda u, v: of("relu", u) + v,
    lambda u, v: of("exp", u * 0.5),
    lambda u, v: of("log", u * u + 0.5),
]
COMPLEX: dict[str, Callable[[Any], Any]] = {
    "exp": np.exp,
    "log": np.log,
    "tanh": np.tanh,
    "sigmoid": lambda u: 1 / (1 + np.exp(-u)),
    "relu": lambda u: u if u.real > 0 else 0j,
}


def of(function: str, u: Any) -> Any:
    """A function of a number that remembers, or of a complex one, whose imaginary part carries a slope."""
    return COMPLEX[function](u) if isinstance(u, complex) else getattr(u, function)()


def program(inputs: list[Any], seed: int, steps: int = 12) -> Any:
    """A random graph: each step takes any two values that there are; those that grow are brought back."""
    rng, values = np.random.default_rng(seed), list(inputs)
    for _ in range(steps):
        rule, u, v = NUMBERS[rng.integers(len(NUMBERS))], *(values[k] for k in rng.integers(len(values), size=2))
        z = rule(u, v)
        values.append(z * 0.125 if abs(complex(z).real) > 2 else z)
    total = values[-1]
    for value in values[-4:-1]:
        total = total + value * value
    return total


@given(seed=seeds)
def test_a_number_tells_the_slope_that_a_complex_step_finds(net: Any, seed: int) -> None:
    x = np.random.default_rng(seed).uniform(-1.5, 1.5, 3)
    inputs = [net.NumberWithGrad(value) for value in x]
    total = program(inputs, seed)
    total.backward()
    for k, found in enumerate(inputs):
        expected = program([complex(value, 1e-30 * (j == k)) for j, value in enumerate(x)], seed)
        assert total.value == pytest.approx(expected.real, rel=1e-12)
        assert found.grad == pytest.approx(expected.imag / 1e-30, rel=1e-9, abs=1e-12)


def test_the_example_of_the_book(net: Any) -> None:
    a = net.NumberWithGrad(3)
    b = a * 4
    c = b + 3
    d = a + 2
    e = c * d
    e.backward()
    assert (e.value, a.grad, b.grad, c.grad, d.grad, e.grad) == (75.0, 35.0, 5.0, 5.0, 15.0, 1.0)
    assert isinstance(a.grad, float)
    assert repr(a) == "NumberWithGrad(3.0, grad 35.0)"
    assert float(e) == 75.0


def test_what_is_used_twice_receives_from_both_uses_and_a_second_call_doubles_all(net: Any) -> None:
    a = net.NumberWithGrad(2)
    b = a * a
    c = b * b + b
    for times in (1, 2, 3):
        c.backward()
        assert (a.grad, b.grad, c.grad) == (times * 36.0, times * 9.0, times * 1.0)  # 4 a³ + 2 a, 2 b + 1
    a.zero_grad()
    assert (a.grad, b.grad) == (0.0, 27.0)
    c.backward(0.5)
    assert a.grad == 18.0


@pytest.mark.parametrize("kind", ["NumberWithGrad", "ArrayWithGrad"])
def test_ten_thousand_steps_are_no_matter(net: Any, kind: str) -> None:
    x = getattr(net, kind)(0.5)
    h = x
    for _ in range(10_000):
        h = h * 0.5 + x
    h.backward()
    assert float(x.grad) == pytest.approx(2)
    del h


@pytest.mark.parametrize("kind", ["NumberWithGrad", "ArrayWithGrad"])
def test_a_graph_goes_with_its_last_value(net: Any, kind: str) -> None:
    x = getattr(net, kind)(0.5)
    middle = x.tanh() + x
    end = ((middle.exp() * x).log() ** 2).sigmoid()
    end.backward()
    gone = weakref.ref(middle)
    gc.disable()
    try:
        del middle, end
        assert gone() is None
    finally:
        gc.enable()


# What an array (B, D) becomes, of two of that shape and a weight (D, D).
ARRAYS: list[Callable[[Any, Any, Any, Any], Any]] = [
    lambda net, u, v, W: u @ W + v,
    lambda net, u, v, W: u * v - W[0],
    lambda net, u, v, W: (u / (v * v + 1)).tanh(),
    lambda net, u, v, W: u.softmax(axis=0) * v.sigmoid(),
    lambda net, u, v, W: u.relu() + v.sum(axis=1, keepdims=True) * 0.2,
    lambda net, u, v, W: u - v.mean(),
    lambda net, u, v, W: u * v.mean(axis=(0, 1), keepdims=True) + v.sum(0) * 0.1,
    lambda net, u, v, W: (u.T @ v).reshape(-1)[: W.shape[0]] + u * 0.5,
    lambda net, u, v, W: net.concatenate((u[:, 1:], v[:, :1], np.zeros((len(u), 0)))),
    lambda net, u, v, W: u[[0] * len(u)] * v + u[:, [-1]],
    lambda net, u, v, W: u[np.arange(len(u)) // 2] - v[None][0],
    lambda net, u, v, W: net.stack([u, v, u], axis=-1).transpose(2, 0, 1).mean(axis=0),
    lambda net, u, v, W: (net.stack([u, v], 1) @ W)[:, 0],
    lambda net, u, v, W: (u.exp() + 1).log() * 0.5 + np.ones(u.shape[1]) * v,
    lambda net, u, v, W: np.ones((len(u), len(u))) @ u * 0.3 - v,
    lambda net, u, v, W: net.stack([row.reshape(1, -1) @ W for row in u])[:, 0],
]


def array_program(net: Any, arrays: list[Any], seed: int) -> tuple[Any, list[Any]]:
    rng, inputs = np.random.default_rng(seed), [net.ArrayWithGrad(value) for value in arrays]
    W, *values = inputs
    for _ in range(8):
        u, v = (values[k] for k in rng.integers(len(values), size=2))
        values.append(ARRAYS[rng.integers(len(ARRAYS))](net, u, v, W).tanh())
    return (values[-1] * values[-2] + values[-3]).sum(), inputs


@given(seed=seeds, B=st.integers(1, 4), D=st.integers(1, 4))
def test_arrays_go_back_as_autograd_does(seed: int, B: int, D: int) -> None:
    draw = np.random.default_rng(seed).standard_normal
    arrays = [draw((D, D)), draw((B, D)), draw((B, D))]
    (ours, found), (theirs, expected) = (array_program(net, arrays, seed) for net in BACKENDS)
    assert float(ours) == pytest.approx(float(theirs), rel=1e-12, abs=1e-12)
    ours.backward()
    theirs.backward()
    for x, y in zip(found, expected):
        np.testing.assert_allclose(x.grad, to_numpy(y.grad), rtol=1e-9, atol=1e-12)


def test_every_rule_of_arrays_is_the_slope_of_its_value() -> None:
    from numnet.check import check_gradients

    rng = np.random.default_rng(0)
    arrays = {"u": rng.standard_normal((3, 4)), "v": rng.standard_normal((3, 4)), "W": rng.standard_normal((4, 4))}
    for rule in ARRAYS:
        kept: list[Any] = []

        def forward(u: Any, v: Any, W: Any, rule: Any = rule, kept: list[Any] = kept) -> Any:
            inputs = [numnet.ArrayWithGrad(value) for value in (u, v, W)]
            kept[:] = rule(numnet, *inputs), inputs
            return kept[0].value

        def backward(dz: Any, *_: Any, kept: list[Any] = kept) -> Any:
            for x in kept[1]:
                x.zero_grad()
            kept[0].backward(dz)
            return tuple(x.grad for x in kept[1])

        report = check_gradients((forward, backward), *arrays.values())
        assert report, f"{inspect.getsource(rule)}{report}"


def test_gradients_have_the_shape_and_dtype_of_their_value(net: Any) -> None:
    u, v = net.ArrayWithGrad(np.ones((2, 3), "float32")), net.ArrayWithGrad(np.ones((4, 2, 1)))
    z = u * v + 2 * u - np.ones(3)
    assert (str(z.value.dtype).removeprefix("torch."), tuple(z.shape), z.ndim, len(z)) == ("float64", (4, 2, 3), 3, 4)
    z.sum().backward()
    assert [str(x.grad.dtype).removeprefix("torch.") for x in (u, v)] == ["float32", "float64"]
    np.testing.assert_array_equal(to_numpy(u.grad), np.full((2, 3), 12.0))
    np.testing.assert_array_equal(to_numpy(v.grad), np.full((4, 2, 1), 3.0))
    u.zero_grad()
    assert not to_numpy(u.grad).any()
    half = (u * 0.5 + np.ones(3)) ** 2 / 3
    assert str(half.value.dtype).endswith("float32")
    assert str(net.ArrayWithGrad([1, 2]).value.dtype).endswith("float64")


def test_an_index_may_change_after_its_use(net: Any) -> None:
    u, rows, whole = net.ArrayWithGrad(np.arange(4.0)), np.array([1, 1]), [2, 3]
    z = u[rows].sum() + u[whole].sum() * 10 + u[0] * 100 + u[1:3].sum() * 1000
    rows[:], whole[:] = 0, [0, 0]
    z.backward()
    np.testing.assert_array_equal(to_numpy(u.grad), [100.0, 1002.0, 1010.0, 10.0])


def test_an_index_is_copied_only_where_it_may_change() -> None:
    frozen = np.arange(3)
    frozen.flags.writeable = False
    for index in (1, slice(2), (..., None, slice(1), np.int64(1)), frozen):
        assert fixed(index) is index
    assert fixed((slice(2), frozen))[1] is frozen
    assert fixed(whole := np.arange(3)) is not whole


def test_each_gradient_has_memory_of_its_own(net: Any) -> None:
    u = net.ArrayWithGrad(np.ones(1))
    v = u.reshape(1, 1)
    w = v + 0.0
    dz = np.ones((1, 1))
    w.backward(dz)
    dz[:] = 7
    grad = v.grad
    grad *= 5
    assert [float(q.grad.sum()) for q in (u, v, w)] == [1.0, 5.0, 1.0]
    w.backward(np.ones((1, 1)))
    assert [float(q.grad.sum()) for q in (u, v, w)] == [2.0, 6.0, 2.0]


WRONG: list[tuple[str, Callable[[Any], Any], type[Exception]]] = [
    ("log of 0", lambda net: net.NumberWithGrad(0).log(), ValueError),
    ("division by 0", lambda net: 1 / net.NumberWithGrad(0), ValueError),
    ("root of a negative number", lambda net: net.NumberWithGrad(-2) ** 0.5, ValueError),
    ("slope of a root at 0", lambda net: (net.NumberWithGrad(0) ** 0.5).backward(), ValueError),
    ("exp too large", lambda net: net.NumberWithGrad(1000).exp(), ValueError),
    ("not a number", lambda net: net.NumberWithGrad(np.nan), ValueError),
    ("a list for a number", lambda net: net.NumberWithGrad([1, 2]), TypeError),
    ("an array for a number", lambda net: net.NumberWithGrad(2) * np.ones(3), TypeError),
    ("an array before a number", lambda net: np.ones(3) * net.NumberWithGrad(2), TypeError),
    ("an array for a number's exponent", lambda net: net.NumberWithGrad(2) ** np.ones(3), TypeError),
    ("text", lambda net: net.ArrayWithGrad(["a"]), TypeError),
    ("backward from many", lambda net: (net.ArrayWithGrad(np.ones((2, 3))) * 2).backward(), ValueError),
    ("a gradient of another shape", lambda net: net.ArrayWithGrad(np.ones((2, 3))).backward(np.ones(3)), ValueError),
    ("a vector at @", lambda net: net.ArrayWithGrad(np.ones(3)) @ np.ones((2, 3)), ValueError),
    ("widths that do not fit", lambda net: net.ArrayWithGrad(np.ones((2, 3))) @ np.ones((2, 3)), ValueError),
    ("given to numpy", lambda net: np.argmax(net.ArrayWithGrad(np.ones((2, 3)))), TypeError),
    ("given to a layer", lambda net: net.Dense(2)(net.ArrayWithGrad(np.ones((2, 3)))), TypeError),
]


@pytest.mark.parametrize(("wrong", "kind"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_errors_have_the_same_words(wrong: Callable[[Any], Any], kind: type[Exception]) -> None:
    said = []
    for net in BACKENDS:
        with pytest.raises(kind) as error:
            wrong(net)
        said.append(str(error.value))
    assert said[0] == said[1]
    assert ", expected " in said[0]


@pytest.mark.parametrize("name", ["NumberWithGrad", "ArrayWithGrad"])
def test_the_same_methods_on_both_backends(name: str) -> None:
    ours, theirs = (getattr(net, name) for net in BACKENDS)
    for method in [m for m in dir(ours) if not m.startswith("_") and callable(getattr(ours, m))]:
        if method in (
            "of",
            "store",
            "apply",
            "record",
            "checked",
            "output_gradient",
            "unbroadcast",
            "accumulate",
        ):  # numnet's own rules
            continue
        shape = [(p.name, p.default) for p in inspect.signature(getattr(ours, method)).parameters.values()]
        other = [(p.name, p.default) for p in inspect.signature(getattr(theirs, method)).parameters.values()]
        assert shape == other, method


# The layers' equations once more, in ArrayWithGrad: rows are samples here. Each gives its outputs.
def dense(net: Any, p: Any, x: Any) -> Any:
    return x @ p["W"].T + p["b"]


def cross_entropy(net: Any, p: Any, x: Any, target: Any) -> Any:
    z = x - x.value.max(axis=-1, keepdims=True)
    return (z.exp().sum(axis=-1).log() - z[np.arange(len(target)), target]).mean()


def rnn(net: Any, p: Any, x: Any, h: Any) -> Any:
    return (x @ p["W_x"].T + p["b"] + h @ p["W_h"].T).tanh()


def gates(z: Any, G: int) -> list[Any]:
    H = z.shape[1] // G
    return [z[:, k * H : (k + 1) * H] for k in range(G)]


def gru(net: Any, p: Any, x: Any, h: Any) -> Any:
    (x_r, x_z, x_n), (h_r, h_z, h_n) = gates(x @ p["W_x"].T + p["b"], 3), gates(h @ p["W_h"].T, 3)
    r, z = (x_r + h_r).sigmoid(), (x_z + h_z).sigmoid()
    n = (x_n + r * (h_n + p["b_h"])).tanh()
    return z * h + (1 - z) * n


def gru_before(net: Any, p: Any, x: Any, h: Any) -> Any:
    x_r, x_z, x_n = gates(x @ p["W_x"].T + p["b"], 3)
    U_r, U_z, U_n = (p["W_h"][k * h.shape[1] : (k + 1) * h.shape[1]].T for k in range(3))
    r, z = (x_r + h @ U_r).sigmoid(), (x_z + h @ U_z).sigmoid()
    return z * h + (1 - z) * (x_n + (r * h) @ U_n).tanh()


def lstm(net: Any, p: Any, x: Any, h: Any, c: Any) -> Any:
    i, f, g, o = gates(x @ p["W_x"].T + p["b"] + h @ p["W_h"].T, 4)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    return o.sigmoid() * c.tanh(), c


STEPS: dict[str, tuple[Callable[..., Any], Callable[[Any], Any], int]] = {
    "RNN": (rnn, lambda net: net.RNNNode(5, input_size=4, dtype="float64"), 1),
    "GRU after": (gru, lambda net: net.GRUNode(5, input_size=4, dtype="float64"), 1),
    "GRU before": (gru_before, lambda net: net.GRUNode(5, input_size=4, reset="before", dtype="float64"), 1),
    "LSTM": (lstm, lambda net: net.LSTMNode(5, input_size=4, dtype="float64"), 2),
}


def near(ours: Any, theirs: Any) -> bool:
    return bool(np.allclose(ours, theirs, rtol=1e-12, atol=1e-14))


def step_agrees(net: Any, name: str) -> bool:
    """Outputs and all gradients of one step by hand are those of its equations in ArrayWithGrad."""
    equations, make, states = STEPS[name]
    rng, node = np.random.default_rng(3), make(net)
    x, *state = rng.standard_normal((7, 4)), *(rng.standard_normal((7, 5)) for _ in range(states))
    p = {key: net.ArrayWithGrad(value.copy()) for key, value in node.params.items()}
    inputs = [net.ArrayWithGrad(value) for value in (x, *state)]
    outputs = equations(net, p, *inputs)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    upstream = [rng.standard_normal((7, 5)) for _ in outputs]
    by_hand, saved = node.forward(x.T, node.joined([h.T for h in state]))
    dx, d_state = node.backward(node.joined([dy.T for dy in upstream]), saved)
    sum((y * dy).sum() for y, dy in zip(outputs, upstream)).backward()
    pairs = [(y.value, h.T) for y, h in zip(outputs, node.each(by_hand))]
    pairs += [(z.grad, dz.T) for z, dz in zip(inputs, (dx, *node.each(d_state)))]
    pairs += [(p[key].grad, node.grads[key]) for key in p]
    return all(near(*pair) for pair in pairs)


@pytest.mark.parametrize("name", STEPS)
def test_a_step_by_hand_agrees_with_its_equations(name: str) -> None:
    assert step_agrees(numnet, name)


OPERATIONS: dict[str, tuple[Callable[..., Any], Callable[[Any], Any]]] = {
    "Sigmoid": (lambda net, p, x: x.sigmoid(), lambda net: net.Sigmoid()),
    "Tanh": (lambda net, p, x: x.tanh(), lambda net: net.Tanh()),
    "ReLU": (lambda net, p, x: x.relu(), lambda net: net.ReLU()),
    "Softmax": (lambda net, p, x: x.softmax(), lambda net: net.Softmax()),
    "Dense": (dense, lambda net: net.Dense(3, input_size=4, dtype="float64")),
}


def operation_agrees(net: Any, name: str) -> bool:
    equations, make = OPERATIONS[name]
    rng, operation = np.random.default_rng(4), make(net)
    x = rng.standard_normal((6, 4))
    p = {key: net.ArrayWithGrad(value.copy()) for key, value in getattr(operation, "params", {}).items()}
    inputs = net.ArrayWithGrad(x)
    y, by_hand = equations(net, p, inputs), operation.forward(x)
    dy = rng.standard_normal(by_hand.shape)
    dx = operation.backward(dy)
    y.backward(dy)
    grads = [(p[key].grad, operation.grads[key]) for key in p]
    return all(near(*pair) for pair in [(y.value, by_hand), (inputs.grad, dx), *grads])


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_by_hand_agrees_with_its_equations(name: str) -> None:
    assert operation_agrees(numnet, name)


def loss_agrees(net: Any) -> bool:
    rng, loss = np.random.default_rng(5), net.SoftmaxCrossEntropy()
    x, target = 3 * rng.standard_normal((6, 4)), rng.integers(0, 4, 6)
    logits = net.ArrayWithGrad(x)
    value = cross_entropy(net, {}, logits, target)
    by_hand = loss.forward(x, target)
    value.backward()
    return near(float(value), by_hand) and near(logits.grad, loss.backward())


def test_cross_entropy_by_hand_agrees_with_its_equations() -> None:
    assert loss_agrees(numnet)


def everything_agrees(net: Any) -> bool:
    """All of the above, and the numbers: what a fault in the walk, or in a rule, must break."""
    a = net.NumberWithGrad(3)
    ((a * 4 + 3) * (a + 2)).backward()
    root = net.NumberWithGrad(2)
    (root**3 * root.log() + root.exp()).backward()
    slopes = (a.grad, root.grad) == pytest.approx((35.0, 12 * np.log(2) + 4 + np.exp(2)))
    draw = np.random.default_rng(6).standard_normal
    arrays, agrees = [draw((3, 3)), draw((2, 3)), draw((2, 3))], True
    for seed in range(12):
        (ours, found), (theirs, expected) = (array_program(each, arrays, seed) for each in (net, torchnet))
        ours.backward()
        theirs.backward()
        agrees = agrees and all(near(x.grad, to_numpy(y.grad)) for x, y in zip(found, expected))
    parts = [step_agrees(net, name) for name in STEPS] + [operation_agrees(net, name) for name in OPERATIONS]
    return slopes and agrees and all(parts) and loss_agrees(net)


def test_the_right_code_agrees() -> None:
    assert everything_agrees(numnet)


def passes(net: Any) -> bool:
    """Not where the walk breaks down either."""
    try:
        return everything_agrees(net)
    except (ValueError, KeyError):
        return False


@pytest.mark.parametrize("fault", WALK_FAULTS, ids=lambda fault: fault.name)
def test_a_planted_fault_is_caught(fault: Fault, tmp_path: Path) -> None:
    with planted(fault, tmp_path) as faulty:
        assert not passes(faulty)


def test_values_are_asked_as_plain_ones_are(net: Any) -> None:
    zero, two = net.NumberWithGrad(0.0), net.NumberWithGrad(2.0)
    assert (bool(zero), bool(two), zero < two, zero > two, two > 1, max(zero, two) is two) == (
        (False, True, True, False, True, True)
    )
    array = net.ArrayWithGrad(np.array([[1.0, -1.0]]))
    assert np.array_equal(np.asarray(array > 0), [[True, False]])
    assert bool(array[0, 0])


def test_axes_may_be_counted_from_the_end(net: Any) -> None:
    w = np.random.default_rng(0).standard_normal((4, 2, 3))
    u = net.ArrayWithGrad(np.zeros((2, 3, 4)))
    (u.transpose(-1, 0, 1) * w).sum().backward()
    assert np.array_equal(np.asarray(u.grad), w.transpose(1, 2, 0))


def test_a_shape_and_axes_may_be_a_tuple(net: Any) -> None:
    w = np.random.default_rng(0).standard_normal((3, 8))
    u = net.ArrayWithGrad(np.zeros((2, 3, 4)))
    (u.transpose((1, 0, 2)).reshape((3, -1)) * w).sum().backward()
    assert np.array_equal(np.asarray(u.grad), w.reshape(3, 2, 4).transpose(1, 0, 2))
    assert net.ArrayWithGrad(np.float64(3)).reshape(()).shape == ()


BACKWARDS = [np.s_[::-1], np.s_[:, ::-2], np.s_[..., 3:0:-1], np.s_[1, ::-1, None], np.s_[[0, 1, 1], ::-1]]


@pytest.mark.parametrize("index", BACKWARDS, ids=str)
def test_a_slice_may_go_backwards(index: Any, net: Any) -> None:
    rng = np.random.default_rng(0)
    values = rng.standard_normal((2, 3, 4))
    w = rng.standard_normal(values[index].shape)
    u = net.ArrayWithGrad(values)
    assert np.array_equal(np.asarray(u[index].value), values[index])
    (u[index] * w).sum().backward()
    expected = np.zeros_like(values)
    np.add.at(expected, index, w)
    assert np.array_equal(np.asarray(u.grad), expected)


def test_an_index_may_change_before_the_backward_pass(net: Any) -> None:
    for make in (lambda k: k, lambda k: (k, slice(None))):
        places, u = np.array([0, 0, 1]), net.ArrayWithGrad(np.ones((3, 2)))
        z = u[make(places)].sum()
        places[:] = 2
        z.backward()
        assert np.array_equal(np.asarray(u.grad), [[2, 2], [1, 1], [0, 0]])
