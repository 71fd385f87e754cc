"""A refused call changes nothing: not the previous call, its backward pass, the stored state, nor the masks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from numnet.core.arrays import to_numpy
from parity_tests.small import both, lstm, model_of, x

h = np.zeros((2, 5))
options: dict[str, Any] = {
    "stateful": True,
    "learn_state": True,
    "state_dropout": 0.3,
    "weight_dropout": 0.3,
    "zoneout": 0.3,
}
MADE: dict[str, Callable[[Any], Any]] = {
    "a layer": lambda net: lstm(net, **options),
    "both ways": lambda net: both(net, **options),
    "a pooling": lambda net: net.Pooling("max"),
    "a convolution": lambda net: net.Convolution(5),
    "side by side": lambda net: net.Concat([net.Dropout(0.3), net.Convolution(5)]),
    "a model": lambda net: model_of(net, net.Dropout(0.3), lstm(net, **options), net.Dense(2)),
}
REFUSED = [[4, 1], [-1, 1], [1.0, 2.0], [1, 1, 1], [True, False], np.ones((2, 4), bool), np.full((2, 3), 2)]


def call(thing: Any, values: Any, lengths: Any, state: Any = None) -> Any:
    return thing(values, lengths) if thing.over_time else thing(values, state, lengths)


def spoil(thing: Any) -> None:
    """Refused calls and backward passes: for their lengths, mask, width, state and gradient."""
    for lengths in REFUSED:
        with pytest.raises((ValueError, TypeError)):
            call(thing, 7 * x + 7, lengths)
    if not thing.over_time and not hasattr(thing, "layers"):
        for values, state in ((np.ones((2, 3, 9)), None), (7 * x + 7, (h, np.ones((2, 6))))):
            with pytest.raises(ValueError, match="expected"):
                thing(values, state)
    with pytest.raises(ValueError, match="dy is"):
        thing.backward(np.ones((2, 9)))
    if hasattr(thing, "forwards"):
        with pytest.raises(ValueError, match="d_last_state h is"):
            thing.backward(np.ones((2, 3, 10)), (h, np.ones((2, 6))))


@pytest.mark.parametrize("kind", MADE)
def test_a_refused_call_leaves_the_call_and_the_state_before(kind: str, net: Any) -> None:
    rng, found = np.random.default_rng(0), []
    given = rng.standard_normal((2, 2, 3, 4))
    for spoilt in (False, True):
        thing, numbers = MADE[kind](net), []
        for values, lengths in zip(given, ([3, 2], np.array([[True, False, True], [True, True, True]]))):
            y = call(thing, values, lengths)
            if spoilt:
                spoil(thing)
            dx = thing.backward(np.ones(y.shape))
            numbers += [y, dx, *getattr(thing, "grads", {}).values()]
        found.append([np.array(to_numpy(value)) for value in numbers])
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_refused_weights_leave_the_model_as_it_was(net: Any) -> None:
    layer = net.Dense(2, input_size=4)
    before = {name: np.array(value.tolist()) for name, value in layer.params.items()}
    with pytest.raises(ValueError, match="b is"):
        layer.load_state_dict({"W": np.ones((2, 4)), "b": np.ones(3)})
    assert all((np.array(layer.params[name].tolist()) == value).all() for name, value in before.items())
