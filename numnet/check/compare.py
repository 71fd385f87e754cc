"""Compare two implementations: from the same numbers, the same outputs and the same gradients?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from numnet.check.engine.against.counterpart import full_name
from numnet.check.engine.against.departure import departures
from numnet.check.engine.against.pair import Pair, same_but_for_ones
from numnet.check.engine.against.pairing import paired
from numnet.check.engine.draw import SIZES, Sizes
from numnet.check.engine.finding import gradient
from numnet.check.engine.subject import Arrays, Subject
from numnet.check.report import Report, Row, row_of

TOLERANCE = 1e-9  # both are float64; another order of summation changes about 1e-15 of a norm


def compare(
    ours: Any,
    theirs: Any,
    *inputs: Any,
    lengths: Any = None,
    seed: int = 0,
    tolerance: float = TOLERANCE,
    sizes: Sizes | Sequence[int] = SIZES,
    names: Mapping[str, str] | None = None,
    steps: int = 0,
    optimizers: Sequence[Any] | None = None,
    learning_rate: float = 0.1,
) -> Report:
    """Compare two implementations at the same inputs and parameters, and find the first difference.

        y, state = ours(inputs), theirs(inputs)    (1)   with ours' parameters in both
        φ = Σ u · outputs                          (2)   u random for every output, the last states included
        dz, the gradients of φ from each           (3)   for every parameter, x and the initial state z

    ours, theirs: anything that check_gradients takes. theirs may also be a class or its name, such as "torch.nn.LSTM";
    it is then constructed with the sizes of ours. inputs, lengths, sizes: for ours, as in check_gradients; random if
    not given, without lengths of 0 where PyTorch packs sequences.
    names: {name in theirs: name in ours} for parameters with different names. A torch.nn.RNN, GRU or LSTM is given
    numnet's names W_x, W_h and b: see of_torch/names.py.
    tolerance: the largest error allowed, relative to a tensor's norm. seed: of all random numbers.
    steps: compare this many steps of training, one row each, by p ← p - learning_rate g or by a pair of `optimizers`:
    see training.py.

    The rows are the outputs, y and `last h`, then the gradients, dW_h, dx, and dh, which is that of the initial state.
    Everything is computed in float64, on copies of both.

    Raises TypeError if the two differ in their parameters or shapes, or take different arguments; exceptions raised by
    either of them propagate.
    """
    sizes = sizes if isinstance(sizes, Sizes) else Sizes(*sizes)
    pair = paired(ours, theirs, inputs, lengths, seed, sizes, names)
    if steps:
        from numnet.check.engine.against.training import train_both

        return train_both(pair, steps, optimizers, learning_rate, seed, tolerance)
    rows = compared_rows(pair, seed, tolerance)
    report = Report(full_name(pair.ours), full_name(pair.theirs), tolerance, rows, sizes=pair.ours.sizes)
    report.time, report.gates = time_of(pair), {gradient(name): gates for name, gates in pair.gates.items()}
    if not report.passed:
        report.findings = departures(pair, report, tolerance, (ours, inputs, lengths, seed, sizes))
    return report


def compared_rows(pair: Pair, seed: int, tolerance: float) -> list[Row]:
    """Return the rows of all outputs, then of all gradients."""
    rng = np.random.default_rng([seed, 5])
    y, pullback = pair.ours.run(pair.ours.inputs)
    z, their_pullback = pair.theirs.run(pair.theirs.inputs)
    both = pair.outputs(y, z)
    upstream = {name: rng.standard_normal(value.shape) * (name in both) for name, value in y.items()}
    given = {name: np.zeros(value.shape) for name, value in z.items()}
    given |= {other: upstream[name].reshape(z[other].shape) for name, other in both.items()}
    ours, theirs = pullback({name: u.copy() for name, u in upstream.items()}), their_pullback(given)
    outputs = {output(pair.ours, name): (y[name], z[other]) for name, other in both.items()}
    gradients = {gradient(name): both_gradients(pair, name, ours, theirs) for name in shared_tensors(pair)}
    return [*rows_of(outputs, tolerance), *rows_of(gradients, tolerance)]


def rows_of(tensors: Mapping[str, tuple[Any, Any]], tolerance: float) -> Iterator[Row]:
    """Compare each tensor with theirs; its norm counts as at least 0.1, and at least 0.1 of the norm of all."""
    squares = [np.sum(expected * expected, where=np.isfinite(expected)) for _, expected in tensors.values()]
    least = 0.1 * max(1.0, float(np.sqrt(sum(squares))))
    for name, (ours, expected) in tensors.items():
        expected = np.where(np.isnan(expected), np.inf, expected).reshape(ours.shape)  # row_of skips NaN
        with np.errstate(invalid="ignore"):
            yield row_of(name, ours, expected, least, tolerance, name)


def shared_tensors(pair: Pair) -> list[str]:
    """Return the tensors that both have in the order of the backward pass: last parameter first, then the inputs."""
    theirs = {*pair.theirs.params, *pair.theirs.inputs}
    return [
        name for name in (*reversed(pair.ours.params), *pair.ours.differentiable) if pair.their_name(name) in theirs
    ]


def both_gradients(pair: Pair, name: str, ours: Arrays, theirs: Arrays) -> tuple[Any, Any]:
    """Return the two gradients of one tensor; a missing gradient is zeros."""
    at, found = {**pair.ours.inputs, **pair.ours.params}[name], []
    for subject, gradients, own in ((pair.ours, ours, name), (pair.theirs, theirs, pair.their_name(name))):
        found.append(gradients.get(own, np.zeros(at.shape)))
        same_but_for_ones(
            f"compare: {full_name(subject)}: the gradient of {own}", found[-1].shape, at.shape, "the tensor itself"
        )
    return found[0], found[1]


def output(subject: Subject, name: str) -> str:
    """Return the name of an output: y; `last h` after a whole sequence; h after one step."""
    state = name.rpartition(".")[2].partition("_")[0] in ("h", "c")
    return f"last {name}" if state and not hasattr(subject.thing, "states") else name


def time_of(pair: Pair) -> dict[str, int]:
    """Return the time axis of each row that has one."""
    time = pair.ours.time or pair.theirs.time
    return {name if name == "y" else gradient(name): axis for name, axis in time.items()}
