"""Recognize how a wrong gradient differs from the right one: zero, a multiple, transposed, permuted, a part wrong.

Each signature takes a tensor's gradient and the expected one, and returns a predicate and its cause, or None.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from numnet.core.operation import Array

Signature = Callable[[Array, Array, "Known"], "tuple[str, str] | None"]
ALIKE = 1e-6


@dataclass
class Known:
    """What is known about a tensor: its time axis, gates, the input sizes, the expected gradients of other tensors.

    `own` is its gradient if every number affected only the number of y in its own place; `place` is then x, y and the
    upstream gradient of y, all of the same shape.
    """

    time: int | None = None
    gates: Sequence[str] = ()
    dims: Sequence[int] = ()
    others: Mapping[str, Array] = field(default_factory=dict)
    own: Array | None = None
    place: tuple[Array, Array, Array] | None = None


def signature(ours: Array, expected: Array, known: Known) -> tuple[str, str]:
    """Return the first signature that fits."""
    for look in SIGNATURES:
        found = look(ours, expected, known)
        if found is not None:
            return found
    return "is wrong, in no way that the checker recognizes", "unknown"


def zero(ours: Array, expected: Array, known: Known) -> tuple[str, str] | None:
    """All zeros."""
    if np.any(ours):
        return None
    return "is 0 everywhere: it is never written, or the result is not added to it", "missing"


def factor(ours: Array, expected: Array, known: Known) -> tuple[str, str] | None:
    """A multiple."""
    c = float(np.sum(ours * expected) / max(float(np.sum(expected * expected)), 1e-300))
    if not alike(ours, c * expected) or abs(c - 1) < 1e-4:
        return None
    if abs(c + 1) < ALIKE:
        return "has the wrong sign", "sign"
    return f"is {c:.6g} times what it should be{in_sizes(c, known.dims)}", "factor"


def transposed(ours: Array, expected: Array, known: Known) -> tuple[str, str] | None:
    """Rows and columns exchanged."""
    if ours.ndim == 2 and ours.shape[0] == ours.shape[1] and alike(ours, expected.T):
        return "is transposed", "transposed"
    return None


def steps_moved(ours: Array, expected: Array, known: Known) -> tuple[str, str] | None:
    """The time steps in another order."""
    if known.time is None or ours.shape[known.time] < 2:
        return None
    order = order_of(ours, expected, known.time)
    if order is None:
        return None
    T = len(order)
    if order == list(range(T))[::-1]:
        return "has its steps reversed: step t is at T - 1 - t", "time"
    return f"has its steps in another order: steps 0, 1, ... hold those of {order}", "time"


def rows_moved(ours: Array, expected: Array, known: Known) -> tuple[str, str] | None:
    """The rows of a batch, or of a matrix, in another order."""
    if ours.ndim < 2 or len(ours) < 2:
        return None
    axis = 1 if known.time == 0 else 0
    order = order_of(ours, expected, axis)
    if order is None:
        return None
    H = len(ours) // max(1, len(known.gates))
    if known.gates and all(
        order[k * H : (k + 1) * H] == list(range(order[k * H], order[k * H] + H)) for k in range(len(known.gates))
    ):
        blocks = ", ".join(known.gates[order[k * H] // H] for k in range(len(known.gates)))
        return f"has its gates in the order {blocks}, expected {', '.join(known.gates)}", "order"
    return f"has its rows in another order: rows 0, 1, ... hold those of {order}", "order"


def columns_moved(ours: Array, expected: Array, known: Known) -> tuple[str, str] | None:
    """The columns in another order."""
    if ours.ndim < 2:
        return None
    order = order_of(ours, expected, ours.ndim - 1)
    return None if order is None else (f"has its columns in another order: {order}", "order")


def padding(ours: Array, expected: Array, known: Known) -> tuple[str, str] | None:
    """Nonzero where it should be exactly 0, or 0 where it should not be; the rest right."""
    empty = expected == 0
    if empty.any() and alike(np.where(empty, 0, ours), expected) and np.any(ours[empty]):
        return (
            f"is not 0 where it must be, first at {first_of(empty & (ours != 0))}: padding, or unused rows",
            "mask",
        )
    lost = (ours == 0) & ~empty
    if lost.any() and alike(np.where(lost, expected, ours), expected):
        return (
            f"is 0 where it should not be, first at {first_of(lost)}: the mask is inverted, or it is never written",
            "mask",
        )
    return None


def diagonal(ours: Array, expected: Array, known: Known) -> tuple[str, str] | None:
    """Only the diagonal of the Jacobian."""
    if known.own is None or not alike(ours, known.own):
        return None
    return "has only the diagonal of the Jacobian ∂y/∂x: the effect of each number on the others is missing", "missing"


def elementwise(ours: Array, expected: Array, known: Known) -> tuple[str, str] | None:
    """The wrong derivative of an elementwise function."""
    if known.own is None or known.place is None or not alike(expected, known.own):
        return None
    x, y, u = known.place
    forms = {
        "1": np.ones_like(y), "y": y, "1 - y": 1 - y, "1 - y²": 1 - y * y, "y (1 - y)": y * (1 - y), "y²": y * y,
        "x": x, "1 - x": 1 - x, "1 - x²": 1 - x * x, "x (1 - x)": x * (1 - x), "2 x": 2 * x, "x > 0": x > 0,
    }  # fmt: skip
    used, right = (next((name for name, L in forms.items() if alike(d, L * u)), "") for d in (ours, expected))
    return (f"∂y/∂x{right and f' = {right}'} is taken as {used}", "derivative") if used else None


def unexpected(ours: Array, expected: Array, known: Known) -> tuple[str, str] | None:
    """Nonzero where the right gradient is zero everywhere."""
    return None if np.any(expected) else ("is not 0, though no output depends on it", "unexpected")


def blocks(ours: Array, expected: Array, known: Known) -> tuple[str, str] | None:
    """Wrong only in the rows of some gates."""
    G = len(known.gates)
    if G < 2 or len(ours) % G:
        return None
    pairs = list(zip(known.gates, np.split(ours, G), np.split(expected, G)))
    wrong = [gate for gate, a, b in pairs if not alike(a, b, float(np.linalg.norm(expected)) * 0.1)]
    if not wrong or len(wrong) == G:
        return None
    inside = [signature(a, b, Known(dims=known.dims)) for gate, a, b in pairs if gate in wrong]
    predicate = inside[0][0] if len({text for text, _ in inside}) == 1 else "is wrong"
    return f"is right except in the rows of {', '.join(wrong)}, where it {predicate}", inside[0][1]


def another(ours: Array, expected: Array, known: Known) -> tuple[str, str] | None:
    """Equal to another tensor's gradient."""
    for name, other in known.others.items():
        if other.shape == ours.shape and np.any(other) and alike(ours, other):
            return f"is {name}", "operand"
    return None


SIGNATURES: tuple[Signature, ...] = (
    zero, unexpected, factor, transposed, another, diagonal, elementwise, steps_moved, rows_moved, columns_moved,
    padding, blocks,
)  # fmt: skip


def alike(a: Array, b: Array, least: float = 0.0) -> bool:
    """Whether two arrays agree, relative to their norm."""
    return float(np.linalg.norm(a - b)) <= ALIKE * max(float(np.linalg.norm(b)), least, 1e-12)


def order_of(ours: Array, expected: Array, axis: int) -> list[int] | None:
    """Return which slice of `expected` each slice of `ours` equals, if ours is a permutation of it, else None."""
    a, b = (np.moveaxis(z, axis, 0).reshape(z.shape[axis], -1) for z in (ours, expected))
    near = np.linalg.norm(a[:, None] - b[None], axis=2) <= ALIKE * max(float(np.linalg.norm(b)), 1e-12)
    if not near.any(axis=1).all():
        return None
    order = [int(np.flatnonzero(row)[np.argmin(np.abs(np.flatnonzero(row) - k))]) for k, row in enumerate(near)]
    return order if sorted(order) == list(range(len(order))) != order else None


def in_sizes(c: float, dims: Sequence[int]) -> str:
    """Explain a factor as a product of input sizes: a mean in place of a sum, or a sum in place of a mean."""
    for n in range(1, len(dims) + 1):
        for chosen in itertools.combinations([d for d in dims if d > 1], n):
            size = int(np.prod(chosen))
            product = " × ".join(map(str, chosen))
            if abs(c - size) < ALIKE * size:
                return f" ({product}: a sum in place of a mean?)"
            if abs(c * size - 1) < ALIKE:
                return f" (1 / ({product}): a mean in place of a sum?)"
    return ""


def first_of(where: Array) -> str:
    """Return the first index where it is true, as text."""
    return str([int(k) for k in np.argwhere(where)[0]])
