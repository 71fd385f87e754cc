"""validate_call: the plain options of every public class and function are checked against their annotations."""

from __future__ import annotations

import inspect
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch

import numnet
from numnet.core.checks.arguments import kinds_of, validate_call

FLAGS = ["no", "False", "", 0, 1, 1.0, None, [], np.array([True]), bool]
COUNTS = ["8", 2.5, 8.0, None, True, [8], np.array([8]), np.float32(8), 1j, int]
RATES = ["0.1", None, True, [0.1], 1j, float, np.array([0.1])]


EVERY_STEP = {"clip_by_norm", "clip_by_value", "concatenate", "stack"}  # called in each step: no check of their options


def functions(net: Any) -> list[tuple[str, Any]]:
    """The public functions of a package and its data, and of each class the constructor that is called first."""
    found = []
    for name, thing in ((name, getattr(place, name)) for place in (net, net.data) for name in place.__all__):
        if inspect.isfunction(thing):
            found.append((name, thing))
        elif inspect.isclass(thing) and not issubclass(thing, tuple) and not hasattr(thing, "__dataclass_fields__"):
            found += [(name, vars(base)["__init__"]) for base in thing.__mro__[:-1] if "__init__" in vars(base)][:1]
    return found


def test_every_plain_option_is_validated(net: Any) -> None:
    """Named tuples and data classes have no constructor of ours."""
    plain = {
        name: function
        for name, function in functions(net)
        if any(kinds_of(p.annotation) for p in inspect.signature(function).parameters.values())
    }
    assert {name for name, function in plain.items() if not hasattr(function, "__wrapped__")} == EVERY_STEP
    assert len(plain) > 60


@pytest.mark.parametrize("value", FLAGS, ids=repr)
@pytest.mark.parametrize("option", ["return_sequences", "batch_first", "bidirectional", "stateful", "layer_norm"])
def test_a_flag_is_true_or_false(option: str, value: Any, net: Any) -> None:
    with pytest.raises(TypeError, match=f"GRULayer: {option} is .*, expected True or False"):
        net.GRULayer(3, **{option: value})


@pytest.mark.parametrize("value", COUNTS, ids=repr)
def test_a_size_is_a_whole_number(value: Any, net: Any) -> None:
    with pytest.raises(TypeError, match=r"Dense: output_size is .*, expected a whole number"):
        net.Dense(value)


@pytest.mark.parametrize("value", RATES, ids=repr)
def test_a_rate_is_a_number(value: Any, net: Any) -> None:
    with pytest.raises(TypeError, match=r"Dropout: p is .*, expected a number"):
        net.Dropout(value)


@pytest.mark.parametrize("value", [np.nan, np.float32("nan"), np.array(np.nan), torch.tensor(float("nan"))])
def test_nan_is_no_option(value: Any, net: Any) -> None:
    with pytest.raises(ValueError, match="Embedding: std is nan, expected a number"):
        net.Embedding(3, 2, std=value)


@pytest.mark.parametrize("value", ["floatt", None, [1], object, 3], ids=repr)
def test_a_dtype_is_one_of_real_numbers(value: Any, net: Any) -> None:
    with pytest.raises(TypeError, match=r"Dense: dtype is .*, expected a dtype of real numbers, such as 'float32'"):
        net.Dense(2, dtype=value)


@pytest.mark.parametrize("number", [np.int64(4), np.uint8(4), np.array(4), torch.tensor(4)], ids=repr)
def test_whole_numbers_become_pythons(number: Any, net: Any) -> None:
    size = net.GRULayer(number).node.hidden_size
    assert type(size) is int
    assert size == 4


@pytest.mark.parametrize(
    "number", [np.float32(0.5), np.float64(0.5), np.longdouble(0.5), np.array(0.5), Fraction(1, 2)]
)
def test_numbers_become_pythons(number: Any, net: Any) -> None:
    assert type(net.Dropout(number).p) is float


def test_a_dtype_of_the_other_library_is_taken(net: Any) -> None:
    assert str(net.Dense(2, dtype=torch.float64).dtype).endswith("float64")
    assert str(net.Dense(2, dtype=np.float64).dtype).endswith("float64")


def test_a_class_is_not_an_object(net: Any) -> None:
    with pytest.raises(TypeError, match=r"RNNModel: loss is the class MeanSquaredError, .*MeanSquaredError\(\.\.\.\)"):
        net.RNNModel([net.Dense(1)], net.MeanSquaredError)


def test_an_argument_that_is_missing_is_named(net: Any) -> None:
    with pytest.raises(TypeError, match="Dense: output_size is missing, expected a whole number"):
        net.Dense()
    with pytest.raises(TypeError, match="generate: prompt is missing, expected a string or a list of strings"):
        net.generate(None, numnet.Vocabulary.from_text("ab"))


def test_a_keyword_of_a_function_is_answered(net: Any) -> None:
    with pytest.raises(TypeError, match=r"beam_search: no option is called 'num_beams'\. Use beam"):
        net.beam_search(None, [[1]], num_beams=3)
    with pytest.raises(TypeError, match=r"greedy: no option is called 'max_lengths'.* Did you mean max_length"):
        net.greedy(None, [[1]], max_lengths=3)


def test_what_is_not_in_the_table_is_not_checked() -> None:
    @validate_call
    def of_arrays(x: Any, sizes: list[int], rate: float | None = None) -> Any:
        return x, sizes, rate

    assert of_arrays("x", "sizes", None) == ("x", "sizes", None)  # type: ignore[arg-type]
    assert type(of_arrays(1, [1], np.float32(1))[2]) is float  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="of_arrays: rate is 'x', expected a number or None"):
        of_arrays(1, [1], "x")  # type: ignore[arg-type]
