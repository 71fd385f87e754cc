"""The first quantity of a step that a kernel gets wrong, and the line that does it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from numnet.check.engine.kernels.line_by_line import Watched, Write, address_of
from numnet.check.engine.source import Line, writing_lines
from numnet.core.operation import Array

EXACT = 1e-9  # relative; float64, sums in another order


@dataclass(frozen=True, eq=False)
class Quantity:
    """What must stand in a block after a step: as in "da_f at step 3", of the tensor a_f and the gate f."""

    name: str
    tensor: str
    gate: str
    place: Array
    value: Array


Wrong = tuple[Quantity, Write | None]  # a quantity, and the line of the kernel that gets it wrong, if one writes it


def first_wrong(ours: Watched, plain: Watched, quantities: Sequence[Quantity]) -> Wrong | None:
    """The first quantity that a line of the kernel gets wrong, and that line.

    Of each block that is wrong in the end this is the first write of a value that the plain step has nowhere, or else
    its last write. A block that no line writes comes first.
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
    """Of a wrong gate its argument a_i, where the plain step has one that the kernel has nowhere."""
    wrong, write = first
    named = f"a_{wrong.gate}"
    due = [write.value for write in plain.writes if write.name == named and write.line.own_labels]
    if not wrong.gate or not due or any(alike(write.value, due[0]) for write in ours.writes):
        return wrong, write
    return Quantity(named, named, wrong.gate, wrong.place, due[0]), None


def renamed(quantity: Quantity, write: Write, final: bool, plain: Watched) -> Quantity:
    """The gradient of a state before the step, dc', as dc as long as it is that of the new state."""
    name = quantity.tensor.removesuffix("'")
    own = any(w.name == f"d{name}" and set(w.line.own_labels) & set(write.line.labels) for w in plain.writes)
    if final or not quantity.name.endswith("'") or not own:
        return quantity
    return Quantity(f"d{name}", name, "", quantity.place, quantity.value)


def lines_of(wrong: Wrong, plain: Watched, kernel: type, way: str) -> tuple[tuple[Line, ...], list[Line]]:
    """The lines of the kernel that write a wrong quantity, and the lines that name its equation.

    Where the last line of the kernel is right so far, what follows it is missing: the plain step has the equation.
    """
    quantity, write = wrong
    lines = [write.line] if write else []
    due = [other.line for other in plain.writes if alike(other.value, quantity.value) and other.line.own_labels][:1]
    if write and due and any(alike(write.value, value) for value in plain.values()):
        return tuple(lines), due
    if not lines or (quantity.gate and way == "backward"):
        names = {write.name} if write else {f"d{quantity.gate}", quantity.name, quantity.name.partition("_")[0]}
        functions = ("step",) if way == "forward" else ("step_backward", "slopes")
        lines += [line for name in sorted(names) for line in writing_lines(kernel, functions, name)]
    return tuple(dict.fromkeys(lines)), lines


def alike(a: Array, b: Array) -> bool:
    """Equal to rounding, of one shape."""
    if np.shape(a) != np.shape(b):
        return False
    return float(np.linalg.norm(a - b)) <= EXACT * (float(np.linalg.norm(b)) + 1e-3)
