"""What every way back owes besides the right numbers: laws that need no second opinion."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from numnet.check.engine.finding import Finding
from numnet.check.engine.subject import Arrays, Asked

UNREPEATABLE = "unrepeatable"  # the cause of findings after which no number can be trusted


def broken(asked: Asked, before: Arrays, given: Arrays) -> Iterator[Finding]:
    """The laws that calls break; `before` are the inputs as they were, `given` the upstream gradients as they are."""
    for name, gradient in asked.gradients.items():
        if not np.isfinite(gradient).all():
            where = [int(k) for k in np.argwhere(~np.isfinite(gradient))[0]]
            yield law(f"the gradient of {name} is not finite, first at {where}", name)
    yield from written_into(asked, before, given)
    yield from repeated(asked)
    yield from added(asked)
    _, pullback = asked.subject.run(asked.subject.inputs)
    nothing = pullback({name: np.zeros_like(u) for name, u in asked.upstream.items()})
    found = [name for name, gradient in nothing.items() if np.any(gradient != 0)]
    if found:
        yield law(f"an upstream gradient of zero gives a gradient of {' and '.join(found)} that is not zero", *found)


def written_into(asked: Asked, before: Arrays, given: Arrays) -> Iterator[Finding]:
    """Inputs and upstream gradients are only read."""
    for name, x in before.items():
        if not np.array_equal(x, asked.subject.inputs[name]):
            yield law(f"the call writes into its input {name}", name)
            asked.subject.inputs[name] = x
    for name, u in asked.upstream.items():
        if not np.array_equal(u, given[name]):
            yield law(f"backward writes into the upstream gradient of {name}", name)


def repeated(asked: Asked) -> Iterator[Finding]:
    """The same call gives the same, whatever the call before left behind."""
    outputs, pullback = asked.subject.run(asked.subject.inputs)
    if any(not np.array_equal(y, outputs[name]) for name, y in asked.outputs.items()):
        yield Finding("a second call with the same inputs gives other outputs", UNREPEATABLE)
    again = pullback(asked.fresh_upstream())
    others = [name for name, gradient in asked.gradients.items() if name in again and not same(gradient, again[name])]
    if others:
        text = f"a second call gives another gradient of {' and '.join(others)}"
        yield Finding(text, UNREPEATABLE, tuple(others))


def added(asked: Asked) -> Iterator[Finding]:
    """A second way back adds to the gradients of parameters."""
    if not hasattr(asked.subject.thing, "zero_grad"):
        return
    asked.subject.run(asked.subject.inputs)[1](asked.fresh_upstream())
    twice = asked.subject.run(asked.subject.inputs)[1](asked.fresh_upstream(), clear=False)
    once = [name for name in asked.subject.params if name in asked.gradients]
    found = [name for name in once if not same(twice[name], 2 * asked.gradients[name])]
    if found:
        text = (
            f"the gradient of {' and '.join(found)} is not added to: after a second backward it is not twice as large"
        )
        yield Finding(text, "accumulation", tuple(found))


def law(text: str, *names: str) -> Finding:
    """A law that is broken."""
    return Finding(text, "unlawful", names)


def same(a: object, b: object) -> bool:
    """To rounding: another order of summing is allowed."""
    return bool(np.allclose(a, b, rtol=1e-9, atol=1e-12, equal_nan=True))  # type: ignore[arg-type]
