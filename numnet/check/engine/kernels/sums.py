"""Compare a kernel's sums over all steps with those of the plain node."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from numnet.check.engine.finding import Finding, gradient
from numnet.check.engine.kernels.first_wrong import alike
from numnet.check.engine.source import equations, writing_lines
from numnet.core.operation import Array
from numnet.core.pairs import summed


def of_sums(kernel: Any, who: str, xs: Sequence[Array], runs: Sequence[Any], steps: Sequence[Any]) -> Iterator[Finding]:
    """Yield the gradients of parameters and of x that differ, computed from the same gradients of all steps."""
    if not runs:
        return
    dx, grads = kernel.sums(xs, runs)
    ours = {"x": dx, **{name: dense(g, kernel.node, name) for name, g in grads.items()}}
    each = [plain_sums(kernel.node, plain_x(x), of_run) for x, of_run in zip(xs, steps)]
    expected = {name: together(name, [sums[name] for sums in each]) for name in each[0]}
    wrong = [name for name in expected if ours.get(name) is None or not alike(ours[name], expected[name])]
    if wrong:
        gates = wrong_rows(kernel.node.gates, ours.get(wrong[0]), expected[wrong[0]])
        yield finding_of(kernel, who, wrong, len(wrong) < len(expected), gates)


def plain_sums(node: Any, x: Array, steps: Sequence[Any]) -> dict[str, Array]:
    """Return the plain sums over the steps of one run, and dx (D, T·B)."""
    da_x, _, pairs = zip(*steps)
    dx, grads = node.inputs_backward(np.stack(da_x), x)
    grads |= {name: summed([pair[name] for pair in pairs]) for name in pairs[0]}
    found = {name: dense(g, node, name) for name, g in grads.items()}
    return found if dx is None else {**found, "x": dx.swapaxes(0, 1).reshape(dx.shape[1], -1)}


def together(name: str, parts: Sequence[Array]) -> Array:
    """Sum over the runs; for dx, concatenate the columns of all runs."""
    return np.concatenate(parts, axis=1) if name == "x" else np.sum(parts, axis=0)


def finding_of(kernel: Any, who: str, wrong: Sequence[str], others_right: bool, gates: tuple[str, ...]) -> Finding:
    """Return the finding; the equation is that of the lines that sum."""
    kind = type(kernel)
    lines = [line for name in wrong for line in writing_lines(kind, ("state_sums", "sums"), f'"{name}":')]
    lines = lines or [line for line in writing_lines(kind, ("sums",), "W_x") if "return" in line.text]
    only = f"{' and '.join(map(gradient, wrong))} only" if others_right else "every tensor"
    text = f"the kernel {who} differs from the plain node: the sums over all steps are wrong for {only}"
    text += f", in the rows of {', '.join(gates)}" if gates else ""
    where = equations(lines)
    text += f", equation {where}" if where else ""
    return Finding(text, "sums", tuple(wrong), gates, where, back=tuple(dict.fromkeys(lines)))


def wrong_rows(gates: Sequence[str], ours: Any, expected: Array) -> tuple[str, ...]:
    """Return the gates in whose rows a gradient differs, () if it differs in all."""
    G = len(gates)
    if G < 2 or ours is None or len(ours) % G:
        return ()
    found = tuple(gate for gate, a, b in zip(gates, np.split(ours, G), np.split(expected, G)) if not alike(a, b))
    return found if len(found) < G else ()


def plain_x(x: Array) -> Array:
    """Return x (T, D, B) without the row of ones; tokens are unchanged."""
    return x[:, :-1] if x.ndim == 3 else x


def dense(gradient: Any, node: Any, name: str) -> Array:
    """Return a parameter's gradient; (columns, sums) becomes the whole array."""
    if not isinstance(gradient, tuple):
        return np.asarray(gradient)
    whole = np.zeros_like(getattr(node, name))
    whole[:, gradient[0]] += gradient[1]
    return whole
