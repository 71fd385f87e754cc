"""Two implementations of one thing, held together: the same numbers in, the same numbers out, forward and backward."""

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

TOLERANCE = 1e-9  # float64 both: sums in another order differ by some 1e-15 of a norm


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
    """Whether two implementations compute the same, from the same inputs and parameters; and if not, what differs.

        y, state = ours(inputs), theirs(inputs)    (1)   with ours' parameters in both
        φ = Σ u · outputs                          (2)   u drawn for every output, the last states included
        dz, the gradients of φ by each             (3)   for every parameter, x and the start state z

    ours, theirs: whatever check_gradients takes. theirs may be a class, or its name, such as "torch.nn.LSTM": then it
    is made in ours' sizes. inputs, lengths, sizes: as check_gradients takes them for ours; what is not given is drawn,
    but no length of 0 where PyTorch packs sequences.
    names: ours' name of each of theirs' parameters that is called otherwise. A torch.nn.RNN, GRU or LSTM beside
    another implementation has W_x, W_h and b: see torch_names.py.
    tolerance: the largest error allowed, relative to a tensor's norm. seed: of all that is drawn.
    steps: so many steps of training, a row each, by p ← p - learning_rate g, or by a pair of `optimizers`: see
    training.py.

    The rows are the outputs, y and `last h`, then the gradients, dW_h, dx, and dh, which is the start state's.
    Everything is computed in float64, with copies of both.

    TypeError, where the two have other parameters, other shapes, or cannot be called alike; errors of theirs come
    through.
    """
    sizes = sizes if isinstance(sizes, Sizes) else Sizes(*sizes)
    pair = paired(ours, theirs, inputs, lengths, seed, sizes, names)
    if steps:
        from numnet.check.engine.against.training import trained

        return trained(pair, steps, optimizers, learning_rate, seed, tolerance)
    rows = held_together(pair, seed, tolerance)
    report = Report(full_name(pair.ours), full_name(pair.theirs), tolerance, rows, sizes=pair.ours.sizes)
    report.time, report.gates = time_of(pair), {gradient(name): gates for name, gates in pair.gates.items()}
    if not report.passed:
        report.findings = departures(pair, report, tolerance, (ours, inputs, lengths, seed, sizes))
    return report


def held_together(pair: Pair, seed: int, tolerance: float) -> list[Row]:
    """The rows of all outputs, then of all gradients."""
    rng = np.random.default_rng([seed, 5])
    y, pullback = pair.ours.run(pair.ours.inputs)
    z, their_pullback = pair.theirs.run(pair.theirs.inputs)
    both = pair.outputs(y, z)
    upstream = {name: rng.standard_normal(value.shape) * (name in both) for name, value in y.items()}
    given = {name: np.zeros(value.shape) for name, value in z.items()}
    given |= {other: upstream[name].reshape(z[other].shape) for name, other in both.items()}
    ours, theirs = pullback({name: u.copy() for name, u in upstream.items()}), their_pullback(given)
    outputs = {output(pair.ours, name): (y[name], z[other]) for name, other in both.items()}
    gradients = {gradient(name): both_gradients(pair, name, ours, theirs) for name in compared(pair)}
    return [*rows_of(outputs, tolerance), *rows_of(gradients, tolerance)]


def rows_of(tensors: Mapping[str, tuple[Any, Any]], tolerance: float) -> Iterator[Row]:
    """Each against theirs; one counts as at least a tenth, and at least a tenth of the norm of all."""
    squares = [np.sum(due * due, where=np.isfinite(due)) for _, due in tensors.values()]
    least = 0.1 * max(1.0, float(np.sqrt(sum(squares))))
    for name, (ours, due) in tensors.items():
        due = np.where(np.isnan(due), np.inf, due).reshape(ours.shape)  # to row_of NaN is what nobody has measured
        with np.errstate(invalid="ignore"):
            yield row_of(name, ours, due, least, tolerance, name)


def compared(pair: Pair) -> list[str]:
    """The tensors that both have: parameters from the last to the first, then inputs, as the way back meets them."""
    theirs = {*pair.theirs.params, *pair.theirs.inputs}
    return [name for name in (*reversed(pair.ours.params), *pair.ours.movable) if pair.their_name(name) in theirs]


def both_gradients(pair: Pair, name: str, ours: Arrays, theirs: Arrays) -> tuple[Any, Any]:
    """Ours' and theirs'; None is zeros."""
    at, found = {**pair.ours.inputs, **pair.ours.params}[name], []
    for subject, gradients, own in ((pair.ours, ours, name), (pair.theirs, theirs, pair.their_name(name))):
        found.append(gradients.get(own, np.zeros(at.shape)))
        same_but_for_ones(
            f"compare: {full_name(subject)}: the gradient of {own}", found[-1].shape, at.shape, "the tensor itself"
        )
    return found[0], found[1]


def output(subject: Subject, name: str) -> str:
    """y; `last h` of what comes after a whole sequence; h after one step."""
    state = name.rpartition(".")[2].partition("_")[0] in ("h", "c")
    return f"last {name}" if state and not hasattr(subject.thing, "states") else name


def time_of(pair: Pair) -> dict[str, int]:
    """The axis of a row that is time."""
    time = pair.ours.time or pair.theirs.time
    return {name if name == "y" else gradient(name): axis for name, axis in time.items()}
