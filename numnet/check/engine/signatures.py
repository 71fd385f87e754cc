"""What a wrong gradient looks like beside the right one, and what that says: nothing, a multiple, a transpose, a part.

Each signature takes a tensor's gradient, what it should be, and returns its words and its cause, or None.
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
    """What is known of a tensor: its time axis, its gates, the inputs' sizes, what others' gradients should be.

    `own` is what it would be, if every number had a part in its own place of y alone; `place` is then x, y and the
    upstream gradient of y, all of one shape.
    """

    time: int | None = None
    gates: Sequence[str] = ()
    dims: Sequence[int] = ()
    others: Mapping[str, Array] = field(default_factory=dict)
    own: Array | None = None
    place: tuple[Array, Array, Array] | None = None


def signature(ours: Array, due: Array, known: Known) -> tuple[str, str]:
    """The first that fits."""
    for look in SIGNATURES:
        found = look(ours, due, known)
        if found is not None:
            return found
    return "is wrong in no way that this check knows", "unknown"


def zero(ours: Array, due: Array, known: Known) -> tuple[str, str] | None:
    """Nothing at all."""
    if np.any(ours):
        return None
    return "is 0 throughout: it is never written, or what is written is not added to it", "missing"


def factor(ours: Array, due: Array, known: Known) -> tuple[str, str] | None:
    """A multiple."""
    c = float(np.sum(ours * due) / max(float(np.sum(due * due)), 1e-300))
    if not alike(ours, c * due) or abs(c - 1) < 1e-4:
        return None
    if abs(c + 1) < ALIKE:
        return "has the wrong sign", "sign"
    return f"is {c:.6g} times what it should be{in_sizes(c, known.dims)}", "factor"


def transposed(ours: Array, due: Array, known: Known) -> tuple[str, str] | None:
    """Rows for columns."""
    if ours.ndim == 2 and ours.shape[0] == ours.shape[1] and alike(ours, due.T):
        return "is transposed", "transposed"
    return None


def steps_moved(ours: Array, due: Array, known: Known) -> tuple[str, str] | None:
    """The steps in another order."""
    if known.time is None or ours.shape[known.time] < 2:
        return None
    order = order_of(ours, due, known.time)
    if order is None:
        return None
    T = len(order)
    if order == list(range(T))[::-1]:
        return "has its steps reversed: step t stands at T - 1 - t", "time"
    return f"has its steps in another order: at step 0, 1, ... stands what belongs to {order}", "time"


def rows_moved(ours: Array, due: Array, known: Known) -> tuple[str, str] | None:
    """The rows of a batch, or of a matrix, in another order."""
    if ours.ndim < 2 or len(ours) < 2:
        return None
    axis = 1 if known.time == 0 else 0
    order = order_of(ours, due, axis)
    if order is None:
        return None
    H = len(ours) // max(1, len(known.gates))
    if known.gates and all(
        order[k * H : (k + 1) * H] == list(range(order[k * H], order[k * H] + H)) for k in range(len(known.gates))
    ):
        blocks = ", ".join(known.gates[order[k * H] // H] for k in range(len(known.gates)))
        return f"has its gates in the order {blocks}, which should be {', '.join(known.gates)}", "order"
    return f"has its rows in another order: in row 0, 1, ... stands what belongs to {order}", "order"


def columns_moved(ours: Array, due: Array, known: Known) -> tuple[str, str] | None:
    """The columns in another order."""
    if ours.ndim < 2:
        return None
    order = order_of(ours, due, ours.ndim - 1)
    return None if order is None else (f"has its columns in another order: {order}", "order")


def padding(ours: Array, due: Array, known: Known) -> tuple[str, str] | None:
    """Numbers where there should be exactly none, and the rest right; or none where there should be some."""
    empty = due == 0
    if empty.any() and alike(np.where(empty, 0, ours), due) and np.any(ours[empty]):
        return (
            f"is not 0 where it has to be, at {first_of(empty & (ours != 0))}: at padding, or where nothing was read",
            "mask",
        )
    lost = (ours == 0) & ~empty
    if lost.any() and alike(np.where(lost, due, ours), due):
        return (
            f"is 0 where it should not be, first at {first_of(lost)}: masked on the wrong side, or never written",
            "mask",
        )
    return None


def diagonal(ours: Array, due: Array, known: Known) -> tuple[str, str] | None:
    """Each number's own slope alone."""
    if known.own is None or not alike(ours, known.own):
        return None
    return "is each number's own slope alone: what one number does to the others is missing", "missing"


def elementwise(ours: Array, due: Array, known: Known) -> tuple[str, str] | None:
    """Of a function of each number by itself: another slope."""
    if known.own is None or known.place is None or not alike(due, known.own):
        return None
    x, y, u = known.place
    forms = {
        "1": np.ones_like(y), "y": y, "1 - y": 1 - y, "1 - y²": 1 - y * y, "y (1 - y)": y * (1 - y), "y²": y * y,
        "x": x, "1 - x": 1 - x, "1 - x²": 1 - x * x, "x (1 - x)": x * (1 - x), "2 x": 2 * x, "x > 0": x > 0,
    }  # fmt: skip
    used, right = (next((name for name, L in forms.items() if alike(slope, L * u)), "") for slope in (ours, due))
    return (f"∂y/∂x{right and f' = {right}'} is taken as {used}", "slope") if used else None


def undue(ours: Array, due: Array, known: Known) -> tuple[str, str] | None:
    """Something where nothing is due."""
    return None if np.any(due) else ("is not 0, though nothing that comes out depends on it", "undue")


def blocks(ours: Array, due: Array, known: Known) -> tuple[str, str] | None:
    """Wrong in the rows of some gates only."""
    G = len(known.gates)
    if G < 2 or len(ours) % G:
        return None
    pairs = list(zip(known.gates, np.split(ours, G), np.split(due, G)))
    wrong = [gate for gate, a, b in pairs if not alike(a, b, float(np.linalg.norm(due)) * 0.1)]
    if not wrong or len(wrong) == G:
        return None
    inside = [signature(a, b, Known(dims=known.dims)) for gate, a, b in pairs if gate in wrong]
    said = inside[0][0] if len({text for text, _ in inside}) == 1 else "is wrong"
    return f"is right but for the rows of {', '.join(wrong)}, where it {said}", inside[0][1]


def another(ours: Array, due: Array, known: Known) -> tuple[str, str] | None:
    """What another tensor's should be."""
    for name, other in known.others.items():
        if other.shape == ours.shape and np.any(other) and alike(ours, other):
            return f"is {name}", "operand"
    return None


SIGNATURES: tuple[Signature, ...] = (
    zero, undue, factor, transposed, another, diagonal, elementwise, steps_moved, rows_moved, columns_moved, padding,
    blocks,
)  # fmt: skip


def alike(a: Array, b: Array, least: float = 0.0) -> bool:
    """Whether two arrays agree, relative to their norm."""
    return float(np.linalg.norm(a - b)) <= ALIKE * max(float(np.linalg.norm(b)), least, 1e-12)


def order_of(ours: Array, due: Array, axis: int) -> list[int] | None:
    """Which slice of `due` each slice of `ours` is, if each is one and the order is another."""
    a, b = (np.moveaxis(z, axis, 0).reshape(z.shape[axis], -1) for z in (ours, due))
    near = np.linalg.norm(a[:, None] - b[None], axis=2) <= ALIKE * max(float(np.linalg.norm(b)), 1e-12)
    if not near.any(axis=1).all():
        return None
    order = [int(np.flatnonzero(row)[np.argmin(np.abs(np.flatnonzero(row) - k))]) for k, row in enumerate(near)]
    return order if sorted(order) == list(range(len(order))) != order else None


def in_sizes(c: float, dims: Sequence[int]) -> str:
    """A factor as a product of sizes of the inputs: a mean for a sum, or a sum for a mean."""
    for n in range(1, len(dims) + 1):
        for chosen in itertools.combinations([d for d in dims if d > 1], n):
            size = int(np.prod(chosen))
            said = " × ".join(map(str, chosen))
            if abs(c - size) < ALIKE * size:
                return f" ({said}: a sum where a mean is due?)"
            if abs(c * size - 1) < ALIKE:
                return f" (1 / ({said}): a mean where a sum is due?)"
    return ""


def first_of(where: Array) -> str:
    """The first place, in words."""
    return str([int(k) for k in np.argwhere(where)[0]])
