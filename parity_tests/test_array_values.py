"""ArrayWithGrad and NumberWithGrad against numpy: special values, empty arrays, mixed dtypes, and wrong operands."""

from __future__ import annotations

import operator
import traceback
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import numnet
import torchnet
from numnet.core.arrays import to_numpy
from numnet.core.checks import check_same_device
from parity_tests.indices import drawn_index

BACKENDS = [numnet, torchnet]
PACKAGES = {Path(str(net.__file__)).parent for net in BACKENDS}


def error_of(wrong: Callable[[], Any]) -> tuple[type, str]:
    """The error of a call; it must be raised by a `raise` of ours, and name what was expected."""
    with pytest.raises((TypeError, ValueError, IndexError)) as caught:
        wrong()
    last = traceback.extract_tb(caught.value.__traceback__)[-1]
    words = str(caught.value)
    assert PACKAGES & set(Path(last.filename).parents), words
    assert str(last.line).startswith("raise "), words
    assert ", expected " in words
    return type(caught.value), words


def same_error(wrong: Callable[[Any], Any]) -> tuple[type, str]:
    """The error on both backends, which must be the same."""
    ours, theirs = (error_of(lambda net=net: wrong(net)) for net in BACKENDS)  # type: ignore[misc]
    assert ours == theirs
    return ours


# Indexing


def indexed(net: Any, values: Any, index: Any) -> tuple[Any, Any, Any]:
    """The value, weights of its shape, and the gradient of their sum of products."""
    u = net.ArrayWithGrad(values.copy())
    z = u[index]
    weights = np.random.default_rng(0).standard_normal(z.shape)
    z.backward(weights)
    return to_numpy(z.value), weights, to_numpy(u.grad)


def check_index(seed: int) -> None:
    rng = np.random.default_rng(seed)
    index, shape = drawn_index(rng)
    values = rng.standard_normal(shape)
    try:
        expected = values[index]
    except IndexError:
        assert same_error(lambda net: net.ArrayWithGrad(values)[index])[0] is IndexError
        return
    for net in BACKENDS:
        found, weights, gradient = indexed(net, values, index)
        assert found.shape == expected.shape
        assert np.array_equal(found, expected)
        du = np.zeros(shape)
        np.add.at(du, index, weights)
        np.testing.assert_allclose(gradient, du, rtol=1e-12, atol=1e-14)


def check_indices(seeds: range) -> None:
    for seed in seeds:
        try:
            check_index(seed)
        except BaseException as error:
            error.add_note(f"drawn_index of seed {seed}: {drawn_index(np.random.default_rng(seed))}")
            raise


def test_an_index_is_numpys() -> None:
    check_indices(range(1000))


@pytest.mark.long
def test_ten_thousand_indices_are_numpys() -> None:
    check_indices(range(10_000))


INDICES = [
    np.s_["a"],
    np.s_[1.0],
    np.s_[np.ones(2)],
    np.s_[[0.5]],
    np.s_[np.zeros(0)],
    np.s_[{}],
    np.s_[1j],
    np.s_[int],
]
INDICES += [
    np.s_["a":],
    np.s_[::0],
    np.s_[1.5:2],
    np.s_[..., ...],
    np.s_[[{}]],
    np.s_[10**30],
    np.s_[[[0], [0, 1]]],
    np.s_[None, 9],
]
INDICES += [np.s_[0, 0, 0], np.s_[[0, 1], [0, 1, 2]], np.s_[:, [7]], np.s_[[True]], np.s_[torch.tensor([0.5])]]


@pytest.mark.parametrize("index", INDICES, ids=str)
def test_a_wrong_index(index: Any) -> None:
    same_error(lambda net: net.ArrayWithGrad(np.ones((2, 3)))[index])


@pytest.mark.parametrize(
    "index", [torch.tensor([1, 0], dtype=torch.uint8), torch.tensor([True, False]), torch.tensor(1)]
)
def test_a_tensor_is_an_index_as_the_array_is(index: Any) -> None:
    values = np.arange(6.0).reshape(2, 3)
    for net in BACKENDS:
        assert np.array_equal(indexed(net, values, index)[0], values[index.numpy()])


# Values

FLOATS = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 1e-310, 1e300, -800.0, 800.0, -40.0, 0.5]
INPUTS: dict[str, Any] = {
    "special": np.array(FLOATS),
    "float32": np.array([np.nan, np.inf, 0.0, 1e-40, 3e38, -200.0, 2.5], np.float32),
    "0-d": np.array(2.0),
    "empty": np.zeros(0),
    "no rows": np.zeros((0, 3)),
    "no columns": np.zeros((3, 0)),
    "matrix": np.array([[1.0, -2.0, 3.0], [0.0, np.nan, np.inf]]),
}


def shifted_softmax(x: Any) -> Any:
    e = np.exp(x - x.max(axis=-1, keepdims=True, initial=-np.inf))
    return e / e.sum(axis=-1, keepdims=True)


# A function of an ArrayWithGrad, and the same of an array; None where the expression is the same.
FUNCTIONS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any] | None]] = {
    "exp": (lambda u: u.exp(), np.exp),
    "log": (lambda u: u.log(), np.log),
    "tanh": (lambda u: u.tanh(), np.tanh),
    "relu": (lambda u: u.relu(), lambda x: np.maximum(x, 0)),
    "sigmoid": (lambda u: u.sigmoid(), lambda x: 1 / (1 + np.exp(-x))),
    "log of sigmoid": (lambda u: u.sigmoid().log(), lambda x: np.log(1 / (1 + np.exp(-x)))),
    "softmax": (lambda u: u.softmax(), shifted_softmax),
    "square": (lambda u: u**2, None),
    "a numpy exponent": (lambda u: u ** np.float64(3), lambda x: x**3),
    "1 / u": (lambda u: 1 / u, None),
    "u / u": (lambda u: u / u, None),
    "u / 3": (lambda u: u / 3, None),
    "0 - u": (lambda u: 0 - u, None),
    "+u - -u": (lambda u: +u - -u, None),
    "u * inf": (lambda u: u * np.inf, None),
    "sum": (lambda u: u.sum(), None),
    "sum of the last axis": (lambda u: u.sum(-1), None),
    "sum of the first axis": (
        lambda u: u.sum(axis=np.int64(0), keepdims=u.ndim > 0),
        lambda x: x.sum(0, keepdims=x.ndim > 0),
    ),
    "sum of no axis": (lambda u: u.sum(()), None),
    "mean": (lambda u: u.mean(), None),
    "mean of the last axis": (lambda u: u.mean(-1), lambda x: x.mean(-1) if x.ndim else x),
    "mean of the first axis": (lambda u: u.mean(0), lambda x: x.mean(0) if x.ndim else x),
    "reshape": (
        lambda u: u.reshape(-1) if u.shape else u.reshape(1, 1),
        lambda x: x.reshape(-1) if x.shape else x.reshape(1, 1),
    ),
    "transpose": (lambda u: u.T, None),
    "transpose(None)": (lambda u: u.transpose(None), None),
    "a list": (lambda u: u + [1], lambda x: x + np.ones(1, x.dtype)),
    "a list before": (lambda u: [2] - u, lambda x: np.full(1, 2, x.dtype) - x),
    "an array before": (lambda u: np.full(1, 2.0) * u, lambda x: np.full(1, 2, x.dtype) * x),
    "a tensor before": (lambda u: torch.full((1,), 2.0) / u, lambda x: np.full(1, 2, x.dtype) / x),
    "numpy's number before": (lambda u: np.float64(2) - u, lambda x: 2 - x),
    "numpy's bool": (lambda u: u * np.True_, lambda x: x * 1),
    "uint64": (lambda u: u * np.array(2**63 + 2**20, np.uint64), lambda x: x * np.array(2**63 + 2**20, x.dtype)),
    "big-endian": (lambda u: u * np.array([3.0], ">f8"), lambda x: x * np.array([3.0], x.dtype)),
    "in place": (lambda u: operator.iadd(u, 2), lambda x: x + 2),
    "in place, of an array": (lambda u: operator.imul(np.ones(u.shape), u), lambda x: np.ones(x.shape, x.dtype) * x),
}


def differentiated(net: Any, function: Callable[[Any], Any], values: Any) -> list[Any]:
    u = net.ArrayWithGrad(values)
    z = function(u)
    z.backward(np.ones(z.shape))
    return [to_numpy(z.value), to_numpy(u.grad)]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_values_are_numpys_and_gradients_the_same_on_both_backends(name: str) -> None:
    function, reference = FUNCTIONS[name]
    for values in INPUTS.values():
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            (ours, ours_du), (theirs, theirs_du) = (differentiated(net, function, values) for net in BACKENDS)
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the mean of nothing
            expected = np.asarray((reference or function)(values))
        rtol = 1e-5 if values.dtype == np.float32 else 1e-12
        for found in (ours, theirs):
            assert (found.shape, found.dtype) == (expected.shape, values.dtype)
            np.testing.assert_allclose(found, expected, rtol=rtol, atol=0)
        np.testing.assert_allclose(ours_du, theirs_du, rtol=rtol, atol=1e-300)


def test_dtypes_promote_as_in_numpy() -> None:
    values = [np.full(shape, 1.1, dtype) for shape in ((), (2,)) for dtype in ("float16", "float32", "float64")]
    for x in values:
        for y in values:
            for net in BACKENDS:
                u, v = net.ArrayWithGrad(x), net.ArrayWithGrad(y)
                z = u * v
                assert to_numpy(z.value).dtype == (x * y).dtype
                assert np.array_equal(to_numpy(u == v), x == y)
                z.backward(np.ones(z.shape))
                assert [to_numpy(q.grad).dtype for q in (u, v)] == [x.dtype, y.dtype]


def test_a_gradient_passes_relu_where_the_input_is_nan(net: Any) -> None:
    u = net.ArrayWithGrad([np.nan, 0.0, 2.0])
    u.relu().backward([3.0, 3.0, 3.0])
    assert to_numpy(u.grad).tolist() == [3, 0, 3]


COMPARISONS = [operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne]


@pytest.mark.parametrize("compare", COMPARISONS)
def test_comparisons_are_elementwise(compare: Any, net: Any) -> None:
    x, y = np.array([[1.0, 2.0, np.nan]]), np.array([[1.0], [2.0]])
    u, v = net.ArrayWithGrad(x), net.ArrayWithGrad(y)
    for found in (compare(u, v), compare(u, y), compare(x, v)):
        assert np.array_equal(to_numpy(found), compare(x, y))
    assert np.array_equal(to_numpy(compare(u, 1)), compare(x, 1))
    two = net.NumberWithGrad(2)
    assert [compare(two, k) for k in (1, 2.0, np.float32(3))] == [compare(2, k) for k in (1, 2, 3)]
    assert len({u, v, two, u}) == 3


def test_one_element_is_a_number(net: Any) -> None:
    for shape in ((), (1,), (1, 1)):
        u = net.ArrayWithGrad(np.full(shape, -2.5))
        assert (float(u), int(u), bool(u), round(u), round(u, 1), f"{u:.2f}") == (-2.5, -2, True, -2, -2.5, "-2.50")
    number = net.NumberWithGrad(-2.5)
    assert (float(number), int(number), bool(number), round(number, 1), f"{number:6.1f}") == (
        -2.5,
        -2,
        True,
        -2.5,
        "  -2.5",
    )
    u = net.ArrayWithGrad(np.arange(6.0).reshape(2, 3))
    assert (len(u), [row.shape for row in u], 5 in u, 6 in u, f"{u}") == (2, [(3,), (3,)], True, False, str(u))


def test_a_value_of_two_tapes_adds_to_the_gradients_of_both(net: Any) -> None:
    tapes = [net.Tape(seed=k, f=net.Dense(2, input_size=3)) for k in (1, 2)]
    value = (tapes[0].f(np.ones((1, 3))) * tapes[1].f(np.ones((1, 3)))).sum()
    tapes[0].backward(value)
    assert all(to_numpy(tape.grads["f.W"]).any() for tape in tapes)


def test_parts_may_be_an_iterator(net: Any) -> None:
    u = net.ArrayWithGrad(np.arange(4.0))
    assert to_numpy(net.concatenate(u[k : k + 1] for k in range(4)).value).tolist() == [0, 1, 2, 3]
    assert net.stack((row for row in (u, u, u)), axis=-1).shape == (4, 3)


# Errors


def other(net: Any) -> Any:
    return torchnet if net is numnet else numnet


OPERANDS: dict[str, Callable[[Any], Any]] = {
    "None": lambda net: None,
    "a string": lambda net: "1",
    "bytes": lambda net: b"1",
    "a complex number": lambda net: 1j,
    "a dictionary": lambda net: {"a": 1},
    "a class": lambda net: float,
    "rows of different lengths": lambda net: [[1.0], [1.0, 2.0]],
    "a list with None": lambda net: [1.0, None],
    "an array of objects": lambda net: np.array([1.0, None]),
    "an array of strings": lambda net: np.array(["1", "2"]),
    "a complex array": lambda net: np.array([1j, 2j]),
    "a number that no float has": lambda net: 10**400,
    "an ArrayWithGrad of the other backend": lambda net: other(net).ArrayWithGrad(np.ones(2)),
    "a number of the other backend": lambda net: other(net).NumberWithGrad(1),
    "a tensor without values": lambda net: torch.empty(2, device="meta"),
    "a tensor that requires a gradient": lambda net: torch.ones(2, requires_grad=True),
}
OPERATORS = [*COMPARISONS, operator.add, operator.sub, operator.mul, operator.truediv, operator.pow, operator.matmul]


@pytest.mark.parametrize("name", OPERANDS)
def test_a_wrong_operand(name: str) -> None:
    for apply in OPERATORS:
        wrong = OPERANDS[name]
        for make in (lambda net: net.ArrayWithGrad(np.ones((2, 2))), lambda net: net.NumberWithGrad(1)):
            if apply is operator.matmul and make(numnet).__class__ is numnet.NumberWithGrad:
                continue
            same_error(lambda net: apply(make(net), wrong(net)))  # noqa: B023
            same_error(lambda net: apply(wrong(net), make(net)))  # noqa: B023


@pytest.mark.parametrize("apply", OPERATORS)
def test_numbers_and_arrays_do_not_mix(apply: Any) -> None:
    same_error(lambda net: apply(net.ArrayWithGrad(np.ones((2, 2))), net.NumberWithGrad(1)))
    if apply is not operator.matmul:
        same_error(lambda net: apply(net.NumberWithGrad(1), net.ArrayWithGrad(1.0)))


def u23(net: Any) -> Any:
    return net.ArrayWithGrad(np.ones((2, 3)))


def each(name: str, call: Callable[..., Any], values: Sequence[Any]) -> dict[str, Callable[[Any], Any]]:
    """A row for each value: call(net, value)."""
    return {f"{name}({value!r})": lambda net, value=value: call(net, value) for value in values}  # type: ignore[misc]


AXES = [2, -3, 1.0, "1", (0, 0), (0, 2), [0], True, {}, (None,)]
SHAPES = [(4, 2), (-1, -1), (-2, 3), (2.0, 3), "6", None, (), (0, -1), (5, -1)]
PERMUTATIONS = [(0,), (0, 0), (1, 2), ("a", 0), (0.0, 1), ("01",)]
PARTS: list[Any] = [None, np.array(1.0), "ab", [], 3, {}, [None], [1.0, 2.0], [[1.0], "a"], ["a"], [[1.0], [[1.0]]]]
STACKED: list[Any] = [*PARTS[:7], [[1.0], [1.0, 2.0]], [[[1.0], [1.0, 2.0]]]]
NUMPYS = ["arctan", "cosh", "argmax", "asarray", "isnan", "copy"]
ERRORS: dict[str, Callable[[Any], Any]] = {
    **each("sum", lambda net, axis: u23(net).sum(axis), AXES),
    **each("mean", lambda net, axis: u23(net).mean(axis), AXES),
    **each("softmax", lambda net, axis: u23(net).softmax(axis), [*AXES, None]),
    **each("concatenate along", lambda net, axis: net.concatenate([u23(net)], axis), [*AXES, None]),
    **each("stack along", lambda net, axis: net.stack([u23(net)], axis), [3, -4, *AXES[2:], None]),
    **each("reshape", lambda net, shape: u23(net).reshape(shape), SHAPES),
    **each("transpose", lambda net, axes: u23(net).transpose(*axes), PERMUTATIONS),
    **each("concatenate", lambda net, parts: net.concatenate(parts), PARTS),
    **each("stack", lambda net, parts: net.stack(parts), STACKED),
    **each("numpy's", lambda net, name: getattr(np, name)(u23(net)), NUMPYS),
    **each("PyTorch's", lambda net, name: getattr(torch, name)(u23(net)), ["atan", "cosh", "isnan"]),
    "reshape()": lambda net: u23(net).reshape(),
    "reshape of nothing": lambda net: net.ArrayWithGrad(np.zeros((0, 3))).reshape(0, -1),
    "concatenate: other sizes": lambda net: net.concatenate([u23(net), np.ones((3, 2))]),
    "concatenate: an empty vector": lambda net: net.concatenate([u23(net), np.ones(0)]),
    "concatenate: of the other backend": lambda net: net.concatenate([u23(net), u23(other(net))]),
    "concatenate: a number": lambda net: net.stack([u23(net), net.NumberWithGrad(1)]),
    "+ of other sizes": lambda net: u23(net) + np.ones(2),
    "- of other sizes": lambda net: np.ones((3, 2)) - u23(net),
    "/ of other sizes": lambda net: u23(net) / net.ArrayWithGrad(np.ones((4, 1, 2))),
    "** of other sizes": lambda net: u23(net) ** net.ArrayWithGrad(np.ones(2)),
    "< of other sizes": lambda net: u23(net) < np.ones(2),
    "== of other sizes": lambda net: u23(net) == np.ones(2),
    "@ of other sizes": lambda net: u23(net) @ np.ones((2, 3)),
    "@ of other batches": lambda net: net.ArrayWithGrad(np.ones((2, 3, 3))) @ np.ones((4, 3, 3)),
    "@ of a vector": lambda net: np.ones(3) @ u23(net),
    "@ of a number": lambda net: u23(net) @ 2,
    "backward from many": lambda net: u23(net).backward(),
    "backward from none": lambda net: net.ArrayWithGrad(np.zeros(0)).backward(),
    "backward: another shape": lambda net: u23(net).sum(0).backward(np.ones(2)),
    "backward: a string": lambda net: u23(net).sum().backward("1"),
    "backward: ragged": lambda net: u23(net).backward([[1.0], [1.0, 2.0]]),
    "backward: complex": lambda net: u23(net).sum().backward(1j),
    "backward: a value with gradient": lambda net: u23(net).sum().backward(net.ArrayWithGrad(1.0)),
    "backward of a number: a string": lambda net: net.NumberWithGrad(1).backward("1"),
    "backward of a number: many": lambda net: net.NumberWithGrad(1).backward([1.0, 2.0]),
    "backward of a number: nan": lambda net: net.NumberWithGrad(1).backward(np.nan),
    "float() of many": lambda net: float(u23(net)),
    "float() of none": lambda net: float(net.ArrayWithGrad([])),
    "int() of many": lambda net: int(u23(net)),
    "int() of nan": lambda net: int(net.ArrayWithGrad(np.nan)),
    "bool() of many": lambda net: bool(u23(net)),
    "bool() of none": lambda net: bool(net.ArrayWithGrad([])),
    "format of many": lambda net: f"{u23(net):.3f}",
    "len() of a number": lambda net: len(net.ArrayWithGrad(1.0)),
    "iteration of a number": lambda net: list(net.ArrayWithGrad(1.0)),
    "index of a number": lambda net: net.ArrayWithGrad(1.0)[0],
    "assignment": lambda net: operator.setitem(u23(net), 0, 1),
    "//": lambda net: u23(net) // 2,
    "// before": lambda net: np.ones(3) // u23(net),
    "%": lambda net: 3 % net.NumberWithGrad(1),
    "np.add.reduce": lambda net: np.add.reduce(u23(net)),
    "np.add, where": lambda net: np.add(u23(net), 1, where=[True]),
    "an ArrayWithGrad of None": lambda net: net.ArrayWithGrad(None),
    "an ArrayWithGrad of a string": lambda net: net.ArrayWithGrad("abc"),
    "an ArrayWithGrad of an ArrayWithGrad": lambda net: net.ArrayWithGrad(u23(net)),
    "an ArrayWithGrad of a number": lambda net: net.ArrayWithGrad(net.NumberWithGrad(1)),
    "an ArrayWithGrad of them": lambda net: net.ArrayWithGrad([u23(net), u23(net)]),
    "an ArrayWithGrad of rows": lambda net: net.ArrayWithGrad([[1.0], [1.0, 2.0]]),
    "a NumberWithGrad of one": lambda net: net.NumberWithGrad(net.NumberWithGrad(1)),
    "a NumberWithGrad of an array": lambda net: net.NumberWithGrad(net.ArrayWithGrad(1.0)),
    "a NumberWithGrad of a string": lambda net: net.NumberWithGrad(np.array("1")),
    "a NumberWithGrad of a complex number": lambda net: net.NumberWithGrad(np.complex64(1)),
    "a NumberWithGrad that no float has": lambda net: net.NumberWithGrad(10**400),
    "an exponent of other sizes": lambda net: u23(net) ** [1, 2],
    "np.arctan of a number": lambda net: np.arctan(net.NumberWithGrad(1)),
    "an array for the exponent of a number": lambda net: net.NumberWithGrad(1) ** [1, 2],
}


@pytest.mark.parametrize("name", ERRORS)
def test_a_wrong_use(name: str) -> None:
    same_error(ERRORS[name])


WORDS = {
    "sum(2)": "ArrayWithGrad: axis is 2, expected -2 to 1.",
    "reshape((4, 2))": "ArrayWithGrad: reshape of (2, 3) to (4, 2), expected sizes whose product is 6. ",
    "+ of other sizes": "ArrayWithGrad: operands are (2, 3) and (2,), expected shapes that broadcast: sizes",
    "numpy's('arctan')": "ArrayWithGrad: passed to arctan of another package, expected its own methods or a part",
    "concatenate: an empty vector": "concatenate: part 1 is (0,), expected the sizes of part 0, (2, 3), except at axis",
    "bool() of many": "ArrayWithGrad: bool() of (2, 3), expected one number. Take .sum(), .mean() or an element",
    "concatenate: of the other backend": "ArrayWithGrad: the operand is ArrayWithGrad of the other backend, expected",
}


def test_operands_are_on_one_device() -> None:
    with pytest.raises(ValueError, match="operands are on cpu and cuda:0, expected one device"):
        check_same_device("ArrayWithGrad", torch.device("cpu"), torch.device("cuda:0"))


@pytest.mark.parametrize("name", WORDS)
def test_the_words_of_an_error(name: str) -> None:
    assert same_error(ERRORS[name])[1].startswith(WORDS[name])
