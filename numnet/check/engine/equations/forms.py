"""Expressions that may replace a derivative by mistake: a variable w of the step, 1 - w, 1 - w², a transpose, ..."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from numnet.check.engine.equations.derivatives import Derivative
from numnet.check.engine.equations.step import Step
from numnet.core.operation import Array


@dataclass(frozen=True, eq=False)
class Form:
    """An expression in the step's variables, its value, and its `oddity`: how unlikely the mistake is."""

    name: str
    value: Array
    oddity: float
    cause: str = "derivative"


class Forms:
    """The expressions of one step."""

    def __init__(self, step: Step) -> None:
        self.step = step
        shape = (step.H, step.upstream[0].shape[1])
        self.plain: dict[str, Array] = {}
        for name, w in self.variables(shape):
            if (
                name not in self.plain
                and w.any()
                and not any(np.array_equal(w, other) for other in self.plain.values())
            ):
                self.plain[name] = w
        self.easy = [Form("1", np.ones(shape), 0.5), *(form for name in self.plain for form in self.of_one(name))]
        self.hard = [form for name in self.plain for other in self.plain for form in self.of_two(name, other)]

    def variables(self, shape: tuple[int, ...]) -> Iterator[tuple[str, Array]]:
        """Yield every array of this shape: the variables of the step and the blocks of a_x."""
        for name, value in self.step.values.items():
            if value.shape == shape:
                yield name, np.array(value)
        for name, part in self.step.named_a(self.step.a).items():
            if part.shape == shape:
                yield name, part

    def of_one(self, name: str) -> list[Form]:
        w = self.plain[name]
        return [
            Form(name, w, 1.0, "operand"), Form(f"1 - {name}", 1 - w, 1.5), Form(f"1 - {name}²", 1 - w * w, 1.5),
            Form(f"{name} (1 - {name})", w * (1 - w), 1.5), Form(f"{name}²", w * w, 2.0),
        ]  # fmt: skip

    def of_two(self, name: str, other: str) -> list[Form]:
        w, z = self.plain[name], self.plain[other]
        if name == other:
            return []
        found = [
            Form(f"{name} (1 - {other})", w * (1 - z), 2.7), Form(f"{name} (1 - {other}²)", w * (1 - z * z), 2.7),
            Form(f"{name} - {other}", w - z, 2.6),
        ]  # fmt: skip
        if (z != 0).all():
            found.append(Form(f"{name} / {other}", w / z, 3.2))
        if name < other:
            found += [
                Form(f"{name} {other}", w * z, 2.5, "operand"), Form(f"1 - {name} {other}", 1 - w * z, 2.6),
                Form(f"{name} + {other}", w + z, 2.6),
            ]  # fmt: skip
        return found

    def of(self, derivative: Derivative, hard: bool) -> Iterator[Form]:
        """Yield the expressions that may replace this derivative by mistake."""
        forms = self.hard if hard else self.easy
        if not derivative.matrix:
            yield from (form for form in forms if form.value.shape == derivative.L.shape)
        elif derivative.operand == 0:  # the derivative by a matrix is the vector it multiplies
            shape = (derivative.L.shape[1], derivative.L.shape[2])
            for form in forms:
                if form.value.shape == shape:
                    yield Form(form.name, np.broadcast_to(form.value, derivative.L.shape), form.oddity, form.cause)
        elif not hard:
            yield from self.matrices(derivative)

    def matrices(self, derivative: Derivative) -> Iterator[Form]:
        """Yield other matrices, since the derivative by a vector is the matrix that multiplies it."""
        W, B = derivative.L[:, :, 0], derivative.L.shape[2]
        if W.shape[0] == W.shape[1]:
            yield Form("its transpose", np.repeat(W.T[..., None], B, axis=2), 1.0, "transposed")
        for name in self.step.names:
            value = getattr(self.step.node, name)
            for gate, rows in self.step.row_blocks(name, value):
                if value[rows].shape == W.shape and not np.array_equal(value[rows], W):
                    label = f"{name}, rows of {gate}" if gate else name
                    yield Form(label, np.repeat(value[rows][..., None], B, axis=2), 2.0, "operand")

    def words(self, L: Array) -> str:
        """Return a derivative as an expression, "" if it is none of them."""
        for form in [*self.easy, *self.hard]:
            if form.value.shape == L.shape:
                for sign, value in (("", form.value), ("-", -form.value)):
                    if np.allclose(value, L, rtol=1e-9, atol=1e-12):
                        return form.name if not sign else f"-({form.name})"
        return ""
