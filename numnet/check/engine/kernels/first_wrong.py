"""Find the first quantity of a step that the kernel computes wrongly, and the line that writes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from numnet.check.engine.kernels.line_by_line import Watched, Write, address_of
from numnet.check.engine.source import Line, writing_lines
from numnet.core.operation import Array

EXACT = 1e-9  # relative error; float64, another order of summation


@dataclass(frozen=True, eq=False)
class Quantity:
    """The expected value of a block after a step, such as "da_f at step 3", for tensor a_f and gate f."""

    name: str
    tensor: str
    gate: str
    place: Array
    value: Array


Wrong = tuple[Quantity, Write | None]  # a quantity, and the write that makes it wrong, None if no line writes it


def first_wrong(ours: Watched, plain: Watched, quantities: Sequence[Quantity]) -> Wrong | None:
    """Return the first wrong quantity and the write that makes it wrong.

    For each block that is wrong at the end, this is the first write of a value that does not occur in the plain step,
    else its last write. A block that no line writes comes first.
    """
    wrong = {address_of(q.place): q for q in quantities if not alike(q.place, q.value)}
    if not wrong:
        return None
    writes = [write for write in ours.writes if write.address in wrong]
    for address, quantity in wrong.items():
        if address not in {write.address for write in writes}:
            return quantity, None
    values, last = list(plain.values()), {write.address: write for write in writes}
    odd = {w.address: w for w in reversed(writes) if not any(alike(w.value, value) for value in values)}
    write = min({**last, **odd}.values(), key=writes.index)
    return renamed(wrong[write.address], write, last[write.address] is write, plain), write


def argument(first: Wrong, ours: Watched, plain: Watched) -> Wrong:
    """Replace a wrong gate by its pre-activation a_i, if the plain step computes one that the kernel does not."""
    wrong, write = first
    named = f"a_{wrong.gate}"
    expected = [write.value for write in plain.writes if write.name == named and write.line.own_labels]
    if not wrong.gate or not expected or any(alike(write.value, expected[0]) for write in ours.writes):
        return wrong, write
    return Quantity(named, named, wrong.gate, wrong.place, expected[0]), None


def renamed(quantity: Quantity, write: Write, final: bool, plain: Watched) -> Quantity:
    """Rename the gradient dc' of the previous state to dc while it still holds that of the new state."""
    name = quantity.tensor.removesuffix("'")
    own = any(w.name == f"d{name}" and set(w.line.own_labels) & set(write.line.labels) for w in plain.writes)
    if final or not quantity.name.endswith("'") or not own:
        return quantity
    return Quantity(f"d{name}", name, "", quantity.place, quantity.value)


def lines_of(wrong: Wrong, plain: Watched, kernel: type, way: str) -> tuple[tuple[Line, ...], list[Line]]:
    """Return the lines of the kernel that write a wrong quantity, and the lines that name its equation.

    If the last write is a right intermediate value, a later line is missing: then the plain step names the equation.
    """
    quantity, write = wrong
    lines = [write.line] if write else []
    expected = [other.line for other in plain.writes if alike(other.value, quantity.value) and other.line.own_labels][
        :1
    ]
    if write and expected and any(alike(write.value, value) for value in plain.values()):
        return tuple(lines), expected
    if not lines or (quantity.gate and way == "backward"):
        names = {write.name} if write else {f"d{quantity.gate}", quantity.name, quantity.name.partition("_")[0]}
        functions = ("step",) if way == "forward" else ("step_backward", "slopes")
        lines += [line for name in sorted(names) for line in writing_lines(kernel, functions, name)]
    return tuple(dict.fromkeys(lines)), lines


def alike(a: Array, b: Array) -> bool:
    """Whether two arrays have the same shape and are equal up to rounding."""
    if np.shape(a) != np.shape(b):
        return False
    return float(np.linalg.norm(a - b)) <= EXACT * (float(np.linalg.norm(b)) + 1e-3)
