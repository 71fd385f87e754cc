"""Run a kernel and the plain node side by side on the packed inputs of a layer's last call."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from numnet.check.engine.finding import Finding
from numnet.check.engine.kernels.first_wrong import Quantity, Wrong, alike, argument, first_wrong, lines_of
from numnet.check.engine.kernels.line_by_line import Watched, blocks_of
from numnet.check.engine.kernels.sums import of_sums, plain_x
from numnet.check.engine.source import equations
from numnet.core.operation import Array
from numnet.recurrent.unroll import at


class KernelComparison:
    """Repeats the steps of a layer's last call with the kernel and with the plain node."""

    def __init__(self, layer: Any) -> None:
        call = layer.saved
        _, _, began, self.xs, _ = call.saved
        self.call, self.node, self.reverse = call, call.node, layer.reverse
        self.kernel = type(call.kernel)(call.node, type(layer.pool)())
        self.pooled, _, self.runs = self.kernel.begin(*call.x_shape[:2], call.mask, layer.reverse)
        self.starts = [[getattr(s, name)[0].copy() for name in self.node.states] for s in began]
        self.steps: list[list[Watched]] = []  # for each run, the plain steps
        self.steps_backward: list[list[Any]] = []  # for each run, the results of the plain step_backward

    def findings(self) -> Iterator[Finding]:
        """Yield the first difference: in the forward pass, else in the backward pass, else in the sums."""
        found = [finding for check in (self.inputs, self.forward) for finding in check()][:1]
        yield from found or [finding for check in (self.backward, self.sums) for finding in check()][:1]

    def inputs(self) -> Iterator[Finding]:
        """Compare a = W_x x + b  (0) of all steps."""
        for x, s, start in zip(self.xs, self.runs, self.starts):
            self.kernel.start(s, start)
            self.kernel.inputs(x, s)
            if not alike(s.a, self.node.inputs(plain_x(x))):
                text = f"the kernel {self.who} differs from the plain node: a_x is different, equation (0)"
                yield Finding(text, "forward", ("y", "a_x"), (), "(0)")

    def forward(self) -> Iterator[Finding]:
        """Compare every step, starting from the kernel's own previous state."""
        states, H = self.node.states, self.node.hidden_size
        for k, (x, s) in enumerate(zip(self.xs, self.runs)):
            a_x, steps = self.node.inputs(plain_x(x)), []
            for t in range(s.T):
                state = [getattr(s, name)[t].copy() for name in states]
                plain = Watched(self.node.step, at(a_x, t), *state, rows=H)
                ours = Watched(self.kernel.step, s, t, rows=H, in_place={})
                steps.append(plain)
                wrong = first_wrong(ours, plain, self.results(s, t, plain))
                if wrong:
                    yield self.finding_of(k, t, argument(wrong, ours, plain), plain, "forward")
            self.steps.append(steps)

    def results(self, s: Any, t: int, plain: Watched) -> list[Quantity]:
        """Return the gates, other saved values, and the new state, each with its expected value."""
        node, named = self.node, {write.name: write.value for write in plain.writes}
        found = [Quantity(g, g, g, s.gates[k, t], named[g]) for k, g in enumerate(node.gates) if g in named]
        saved = {name: q[t] for name, q in vars(s).items() if name in named and is_saved(q, s.T)}
        found += [Quantity(name, name, "", q, named[name]) for name, q in saved.items() if name not in node.states]
        new = zip(node.states, plain.result[1])
        return found + [Quantity(name, name, "", getattr(s, name)[t + 1], value) for name, value in new]

    def backward(self) -> Iterator[Finding]:
        """Compare every step backward, each from random gradients, so that errors do not spread to other steps."""
        rng = np.random.default_rng(0)
        self.kernel.weights_backward(self.runs)
        for k, s in enumerate(self.runs):
            self.steps_backward.append([None] * s.T)
            for steps in reversed(s.chunks):
                self.kernel.slopes(s, steps)
                for t in reversed(range(steps.start, steps.stop)):
                    d_new = [rng.standard_normal((size, s.B)) for size in self.node.state_sizes]
                    wrong, plain = self.step_backward(k, t, d_new)
                    if wrong:
                        yield self.finding_of(k, t, wrong, plain, "backward")
                s.store(steps)

    def step_backward(self, k: int, t: int, d_new: Sequence[Array]) -> tuple[Wrong | None, Watched]:
        """Run step t of run k backward in both; return the first wrong quantity."""
        s, node, H = self.runs[k], self.node, self.node.hidden_size
        state_gradients = {f"d{name}": getattr(s, f"d{name}") for name in node.states}
        for gradient, value in zip(state_gradients.values(), d_new):
            gradient[...] = value
        d_state = 0.3 * d_new[0], 0.7 * d_new[0], *d_new[1:]  # dy and dh_next
        plain = Watched(node.step_backward, *d_state, self.steps[k][t].result[2], rows=H)
        ours = Watched(self.kernel.step_backward, s, t, rows=H, in_place=state_gradients)
        self.steps_backward[k][t] = plain.result
        return first_wrong(ours, plain, self.gradients(s, t, plain)), plain

    def gradients(self, s: Any, t: int, plain: Watched) -> list[Quantity]:
        """Return the gradients of the pre-activations, of other inputs of the sums, and of the previous state."""
        node, H, (da, d_prev, _) = self.node, self.node.hidden_size, plain.result
        gates, rows = node.gates or ("",), blocks_of(s.da[t % s.chunk_steps], node.hidden_size)
        names = [f"a_{gate}" if gate else "a" for gate in gates]
        found = [
            Quantity(f"d{n}", n, g, q, expected) for n, g, q, expected in zip(names, gates, rows, blocks_of(da, H))
        ]
        named = {write.name: write.value for write in plain.writes}
        found += [Quantity("dm", "m", "", q, named["dm"]) for q in rows[len(gates) :]]
        found += [Quantity("dh'", "h'", "", s.dh_in, named["dh_in"])] if hasattr(s, "dh_in") else []
        back = zip(node.states, d_prev)
        return found + [Quantity(f"d{n}'", f"{n}'", "", getattr(s, f"d{n}"), expected) for n, expected in back]

    def sums(self) -> Iterator[Finding]:
        """Compare the gradients of all parameters and of x, computed from the gradients of all steps."""
        yield from of_sums(self.kernel, self.who, self.xs, self.runs, self.steps_backward)

    def finding_of(self, k: int, t: int, wrong: Wrong, plain: Watched, way: str) -> Finding:
        """Return the finding about step t of run k; the equation is that of the lines that write the quantity."""
        quantity, _ = wrong
        written, lines = lines_of(wrong, plain, type(self.kernel), way)
        where = equations(lines)
        step = "step" if way == "backward" else "step in its forward pass"
        text = f"the kernel {self.who} differs from the plain {step}: "
        text += f"{quantity.name} at step {self.time(k, t)} is the first wrong quantity"
        text += f", equation {where}" if where else ""
        tensors = (quantity.tensor,) if way == "backward" else ("y", quantity.tensor)
        return Finding(text, way, tensors, (quantity.gate,) if quantity.gate else (), where, back=written)

    def time(self, k: int, t: int) -> str:
        """Return the time step if it is the same for all rows, else the index in the order of computation."""
        t += sum(s.T for s in self.runs[:k])
        T = self.call.x_shape[1]
        return str(T - 1 - t) if self.reverse and self.call.mask is None else str(t)

    @property
    def who(self) -> str:
        """(LSTMKernel, numnet/recurrent/fast/lstm.py)"""
        kind = type(self.kernel)
        return f"({kind.__name__}, {kind.__module__.replace('.', '/')}.py)"


def is_saved(q: Any, T: int) -> bool:
    """Whether an array is a buffer with one entry for each of T steps."""
    return isinstance(q, np.ndarray) and q.ndim == 3 and len(q) == T
