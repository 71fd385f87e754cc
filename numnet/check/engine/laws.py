"""General laws of every backward pass besides right numbers. They need no finite differences."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from numnet.check.engine.finding import Finding
from numnet.check.engine.probe import Probe
from numnet.check.engine.subject import Arrays

UNREPEATABLE = "unrepeatable"  # the cause of findings that make all numbers unreliable


def violations(probe: Probe, before: Arrays, given: Arrays) -> Iterator[Finding]:
    """Yield the broken laws; `before` are copies of the inputs, `given` the upstream gradients passed to backward."""
    for name, gradient in probe.gradients.items():
        if not np.isfinite(gradient).all():
            where = [int(k) for k in np.argwhere(~np.isfinite(gradient))[0]]
            yield law(f"the gradient of {name} is not finite, first at {where}", name)
    yield from written_into(probe, before, given)
    yield from repeated(probe)
    yield from added(probe)
    _, pullback = probe.subject.run(probe.subject.inputs)
    nothing = pullback({name: np.zeros_like(u) for name, u in probe.upstream.items()})
    found = [name for name, gradient in nothing.items() if np.any(gradient != 0)]
    if found:
        yield law(f"an upstream gradient of zero gives a gradient of {' and '.join(found)} that is not zero", *found)


def written_into(probe: Probe, before: Arrays, given: Arrays) -> Iterator[Finding]:
    """Law: inputs and upstream gradients are not modified."""
    for name, x in before.items():
        if not np.array_equal(x, probe.subject.inputs[name]):
            yield law(f"the call modifies its input {name}: copy it before writing", name)
            probe.subject.inputs[name] = x
    for name, u in probe.upstream.items():
        if not np.array_equal(u, given[name]):
            yield law(f"backward modifies the upstream gradient of {name}: copy it before writing", name)


def repeated(probe: Probe) -> Iterator[Finding]:
    """Law: calls are repeatable, whatever an earlier call stored."""
    outputs, pullback = probe.subject.run(probe.subject.inputs)
    if any(not np.array_equal(y, outputs[name]) for name, y in probe.outputs.items()):
        yield Finding(
            "a second call with the same inputs gives different outputs: is a state or a random mask not reset?",
            UNREPEATABLE,
        )
    again = pullback(probe.fresh_upstream())
    others = [name for name, gradient in probe.gradients.items() if name in again and not same(gradient, again[name])]
    if others:
        text = f"a second call with the same inputs gives a different gradient of {' and '.join(others)}"
        yield Finding(text, UNREPEATABLE, tuple(others))


def added(probe: Probe) -> Iterator[Finding]:
    """Law: backward accumulates the gradients of parameters."""
    if not hasattr(probe.subject.thing, "zero_grad"):
        return
    probe.subject.run(probe.subject.inputs)[1](probe.fresh_upstream())
    twice = probe.subject.run(probe.subject.inputs)[1](probe.fresh_upstream(), clear=False)
    once = [name for name in probe.subject.params if name in probe.gradients]
    found = [name for name in once if not same(twice[name], 2 * probe.gradients[name])]
    if found:
        text = (
            f"the gradient of {' and '.join(found)} does not accumulate: a second backward does not double it. Use += "
            "in backward"
        )
        yield Finding(text, "accumulation", tuple(found))


def law(text: str, *names: str) -> Finding:
    """Return the finding of a broken law."""
    return Finding(text, "law", names)


def same(a: object, b: object) -> bool:
    """Whether two arrays are equal up to rounding: the order of summation may differ."""
    return bool(np.allclose(a, b, rtol=1e-9, atol=1e-12, equal_nan=True))  # type: ignore[arg-type]
