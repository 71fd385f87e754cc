"""Is a gradient the slope of its function? One random direction through every input and parameter answers at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from numnet.core.arrays import to_numpy
from parity_tests.probe import Array, Arrays, run, upstream_like
from parity_tests.strategies import Case, Sizes

EPSILON = 1e-5  # of five points: the error goes with its fourth power, so that a steep layer_norm is seen too
FINER = 1e-7  # where a function has kinks, so that hardly ever one lies between the points


def movable(inputs: Mapping[str, Array]) -> list[str]:
    """The inputs that a slope is taken along: numbers, and not a loss's target."""
    return [name for name, value in inputs.items() if value.dtype.kind == "f" and name != "target"]


def slope_error(case: Case, net: Any, z: Sizes) -> tuple[float, str]:
    """|slope - gradient · direction| relative to ‖gradient‖‖direction‖ + |φ(0)| + 1e-3, and both numbers in words.

    φ(s) = Σ upstream · outputs(inputs + s v, parameters + s w), for random v, w; its slope at 0 is what the
    gradients promise: Σ gradient · (v, w). φ(0) counts because a difference of two φ is no
    more exact than φ is, and the last term because what φ sums up, numbers of about 1, is rounded too.
    """
    thing, inputs = case.build(net, z), case.inputs(z)
    rng = np.random.default_rng([z.seed, 2])
    outputs, pullback = run(thing, inputs)
    upstream = upstream_like(outputs, rng)
    gradients = pullback(upstream)
    params = {name: np.array(to_numpy(p)) for name, p in getattr(thing, "params", {}).items()}
    start = {**{name: inputs[name] for name in movable(inputs)}, **params}
    direction = {name: rng.standard_normal(value.shape) for name, value in start.items()}

    e = FINER if case.has_kinks else EPSILON

    def phi(s: float) -> float:
        moved = {name: start[name] + s * v for name, v in direction.items()}
        if params:
            thing.load_state_dict({name: moved[name] for name in params})
        at, _ = run(thing, {**inputs, **{name: moved[name] for name in movable(inputs)}})
        return sum(float(np.sum(upstream[name] * y)) for name, y in at.items())

    slope = (8 * (phi(e) - phi(-e)) - (phi(2 * e) - phi(-2 * e))) / (12 * e)
    promised = sum(float(np.sum(gradients[f"d{name}"] * v)) for name, v in direction.items())
    scale = norm(gradients) * norm(direction) + abs(phi(0)) + 1e-3
    return abs(slope - promised) / (scale or 1.0), f"slope {slope:.12g}, gradient says {promised:.12g}"


def norm(arrays: Arrays) -> float:
    """√Σ over all of them."""
    return float(np.sqrt(sum(float(np.sum(a * a)) for a in arrays.values())))
