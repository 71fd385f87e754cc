"""Find errors in how backward uses the upstream gradients: some lost, counted twice, or taken from other rows.

The measured derivatives give the right gradients for any upstream gradient. If the wrong gradients of all tensors are
right for another upstream gradient, backward used that one by mistake.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from numnet.check.engine.finding import Finding, gradient
from numnet.check.engine.probe import Probe
from numnet.check.engine.signatures import alike
from numnet.check.engine.subject import Arrays
from numnet.core.operation import Array

NICE = (0.0, 1.0, 2.0, -1.0, 0.5, 3.0)
MOST_NAMED = 4  # at most this many parts are named


class Upstream:
    """All wrong gradients as one vector, and their derivatives with respect to the upstream gradients."""

    def __init__(self, probe: Probe, wrong: Sequence[str]) -> None:
        self.subject, self.upstream, self.names = probe.subject, probe.upstream, tuple(wrong)
        seen = [probe.measured[name] for name in wrong]
        self.ours = np.concatenate([probe.gradients[name].flat[m.picked] for name, m in zip(wrong, seen)])
        self.derivatives = {key: np.concatenate([m.derivatives[key] for m in seen]) for key in self.upstream}

    def findings(self) -> list[Finding]:
        """Return the first explanation that reproduces all wrong gradients."""
        for text, given in self.taken_for():
            if alike(self.gradient(given), self.ours):
                return [Finding(f"{self.tensors}: {text}", "order", self.names)]
        for split in (self.by_output(), self.by_way(), self.by_row(), self.by_step(), self.by_place()):
            found = self.counted(split)
            if found:
                return [found]
        return []

    @property
    def tensors(self) -> str:
        return ", ".join(map(gradient, self.names))

    def gradient(self, given: Mapping[str, Array]) -> Array:
        """Return the right gradients for an upstream gradient."""
        return np.asarray(sum(self.derivatives[key] @ u.ravel() for key, u in given.items()))

    def counted(self, split: Mapping[str, Mapping[str, Array]]) -> Finding | None:
        """Fit ours as a weighted sum of the parts' gradients; a weight other than 1 is the finding."""
        each = {name: self.gradient(part) for name, part in split.items()}
        each = {name: part for name, part in each.items() if np.any(np.abs(part) > 1e-9)}
        if len(each) < 2 or len(each) > self.ours.size:
            return None
        stack = np.stack(list(each.values()), axis=1)
        counted, *_ = np.linalg.lstsq(stack, self.ours, rcond=None)
        if not alike(stack @ counted, self.ours) or any(min(abs(c - n) for n in NICE) > 1e-5 for c in counted):
            return None
        if np.ptp(counted.round(6)) == 0:
            return None  # all weights are equal: signature() describes that better
        wrong = {name: round(float(c), 3) + 0.0 for name, c in zip(each, counted) if abs(c - 1) > 1e-5}
        listed = "; ".join(f"{name} has weight {c:g}" for name, c in list(wrong.items())[:MOST_NAMED])
        more = f"; and {len(wrong) - MOST_NAMED} more" if len(wrong) > MOST_NAMED else ""
        cause = "missing" if set(wrong.values()) == {0.0} else "accumulation"
        return Finding(
            f"{self.tensors}: parts of the upstream gradient with a weight other than 1: {listed}{more}",
            cause,
            self.names,
        )

    def taken_for(self) -> Iterator[tuple[str, Arrays]]:
        """Yield upstream gradients that backward may have used by mistake."""
        for key, u in self.upstream.items():
            for text, other in self.orders(key, u):
                if not np.array_equal(other, u):
                    yield f"as if the upstream gradient of {output_name(key)} {text}", {**self.upstream, key: other}
        keys = [key for key in self.upstream if key not in ("y", "value")]
        for a, b in itertools.permutations(keys, 2):
            all_of, (da, db) = self.upstream, (self.upstream[a], self.upstream[b])
            if da.shape == db.shape:
                yield (
                    f"as if the upstream gradient of {output_name(b)} were that of {output_name(a)}",
                    {**all_of, b: da},
                )
                yield (
                    f"as if the upstream gradients of {output_name(a)} and {output_name(b)} were exchanged",
                    {**all_of, a: db, b: da},
                )

    def orders(self, key: str, u: Array) -> Iterator[tuple[str, Array]]:
        time, halves = self.subject.time.get(key), u.shape[-1] // 2 if u.ndim else 0
        if time is not None:
            yield "had its steps reversed", np.flip(u, time)
        if u.ndim > 1 and u.shape[-1] == 2 * halves:
            yield "had its halves exchanged", np.roll(u, halves, axis=-1)
        if u.ndim > 2 and u.shape[0] == u.shape[1]:
            yield "had batch and time exchanged", u.swapaxes(0, 1)
        for name, order in self.row_orders(u.shape[1 if time == 0 else 0] if u.ndim > 1 else 0):
            yield f"had its rows {name}", np.take(u, order, axis=1 if time == 0 else 0)

    def row_orders(self, B: int) -> Iterator[tuple[str, Array]]:
        """Yield likely orders of rows of different lengths."""
        if B > 1:
            yield "reversed", np.arange(B)[::-1]
        lengths = self.subject.inputs.get("lengths")
        if lengths is not None and lengths.shape == (B,):
            for name, by in (("longest first", -lengths), ("shortest first", lengths)):
                order = np.argsort(by, kind="stable")
                yield name, order
                yield f"{name}, then restored", np.argsort(order)

    def by_output(self) -> dict[str, Arrays]:
        return {output_name(key): {key: u} for key, u in self.upstream.items()}

    def by_way(self) -> dict[str, Arrays]:
        """Split into the two directions of a layer that concatenates them."""
        y, states = self.upstream.get("y"), [key for key in self.upstream if key.endswith(("_forth", "_back"))]
        if y is None or not states:
            return {}
        forth = np.arange(y.shape[-1]) < y.shape[-1] // 2
        ways = {"first": ("_forth", forth), "second": ("_back", ~forth)}
        return {
            f"the gradient of the {name} direction": {
                **{key: self.upstream[key] for key in states if key.endswith(end)},
                "y": y * half,
            }
            for name, (end, half) in ways.items()
        }

    def by_row(self) -> dict[str, Arrays]:
        found: dict[str, Arrays] = {}
        for key, u in self.upstream.items():
            axis = 1 if self.subject.time.get(key) == 0 else 0
            rows = range(u.shape[axis] if u.ndim > 1 else 0)
            found |= {f"{output_name(key)} of row {b}": {key: u * at(u, axis, b)} for b in rows}
            found |= {} if rows else {output_name(key): {key: u}}
        return found

    def by_step(self) -> dict[str, Arrays]:
        found: dict[str, Arrays] = {}
        for key, u in self.upstream.items():
            time = self.subject.time.get(key, 1 if u.ndim > 2 else None)
            steps = range(u.shape[time]) if time is not None else ()
            found |= {f"{output_name(key)} at step {t}": {key: u * at(u, time, t)} for t in steps if time is not None}
            found |= {} if steps else {output_name(key): {key: u}}
        return found

    def by_place(self) -> dict[str, Arrays]:
        """Split into single rows at single steps."""
        found: dict[str, Arrays] = {}
        for name, part in self.by_row().items():
            ((key, u),) = part.items()
            time = 0 if self.subject.time.get(key) == 0 else 1
            if u.ndim > 2:
                found |= {f"{name} at step {t}": {key: u * at(u, time, t)} for t in range(u.shape[time])}
            else:
                found[name] = part
        return found


def output_name(key: str) -> str:
    """Return the name of an output in sentences."""
    return key if key.startswith("y") or key in ("value", "added_loss") else f"the last {key}"


def at(u: Array, axis: int, k: int) -> Array:
    """Return a mask: 1 in one slice, else 0."""
    mask = np.zeros(u.shape)
    np.moveaxis(mask, axis, 0)[k] = 1
    return mask
