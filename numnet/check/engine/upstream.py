"""What a way back did with the gradients that came to it: lost some, counted some twice, took them for others'.

The measured slopes say what the gradients are for any upstream gradient. The one for which they are what the way back
gives, in all tensors at once, tells what it took it for.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from numnet.check.engine.finding import Finding, gradient
from numnet.check.engine.signatures import alike
from numnet.check.engine.subject import Arrays, Asked
from numnet.core.operation import Array

NICE = (0.0, 1.0, 2.0, -1.0, 0.5, 3.0)
SAID = 4  # parts that are named


class Upstream:
    """All wrong tensors in one vector, and the slopes that lead to it from the upstream gradients."""

    def __init__(self, asked: Asked, wrong: Sequence[str]) -> None:
        self.subject, self.upstream, self.names = asked.subject, asked.upstream, tuple(wrong)
        seen = [asked.measured[name] for name in wrong]
        self.ours = np.concatenate([asked.gradients[name].flat[m.picked] for name, m in zip(wrong, seen)])
        self.slopes = {key: np.concatenate([m.slopes[key] for m in seen]) for key in self.upstream}

    def findings(self) -> list[Finding]:
        """The first that explains everything."""
        for text, given in self.taken_for():
            if alike(self.gradient(given), self.ours):
                return [Finding(f"{self.said}: {text}", "order", self.names)]
        for split in (self.by_output(), self.by_way(), self.by_row(), self.by_step(), self.by_place()):
            found = self.counted(split)
            if found:
                return [found]
        return []

    @property
    def said(self) -> str:
        return ", ".join(map(gradient, self.names))

    def gradient(self, given: Mapping[str, Array]) -> Array:
        """What an upstream gradient comes to."""
        return np.asarray(sum(self.slopes[key] @ u.ravel() for key, u in given.items()))

    def counted(self, split: Mapping[str, Mapping[str, Array]]) -> Finding | None:
        """A part counted otherwise than once: ours as a sum of the parts' gradients."""
        each = {name: self.gradient(part) for name, part in split.items()}
        each = {name: part for name, part in each.items() if np.any(np.abs(part) > 1e-9)}
        if len(each) < 2 or len(each) > self.ours.size:
            return None
        stack = np.stack(list(each.values()), axis=1)
        counted, *_ = np.linalg.lstsq(stack, self.ours, rcond=None)
        if not alike(stack @ counted, self.ours) or any(min(abs(c - n) for n in NICE) > 1e-5 for c in counted):
            return None
        if np.ptp(counted.round(6)) == 0:
            return None  # all alike, or nothing at all: of that the tensors speak for themselves
        wrong = {name: round(float(c), 3) for name, c in zip(each, counted) if abs(c - 1) > 1e-5}
        listed = "; ".join(f"{name} counts {times(c)}" for name, c in list(wrong.items())[:SAID])
        more = f"; and {len(wrong) - SAID} more" if len(wrong) > SAID else ""
        cause = "missing" if set(wrong.values()) == {0.0} else "accumulation"
        return Finding(f"{self.said}: not every part counts once: {listed}{more}", cause, self.names)

    def taken_for(self) -> Iterator[tuple[str, Arrays]]:
        """Upstream gradients in another order."""
        for key, u in self.upstream.items():
            for text, other in self.orders(key, u):
                if not np.array_equal(other, u):
                    yield f"as if d{shown(key)} {text}", {**self.upstream, key: other}
        keys = [key for key in self.upstream if key not in ("y", "value")]
        for a, b in itertools.permutations(keys, 2):
            all_of, (da, db) = self.upstream, (self.upstream[a], self.upstream[b])
            if da.shape == db.shape:
                yield f"as if d{shown(b)} were d{shown(a)}", {**all_of, b: da}
                yield f"as if d{shown(a)} and d{shown(b)} were exchanged", {**all_of, a: db, b: da}

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
        """The orders in which rows of different lengths are likely to stand."""
        if B > 1:
            yield "reversed", np.arange(B)[::-1]
        lengths = self.subject.inputs.get("lengths")
        if lengths is not None and lengths.shape == (B,):
            for said, by in (("longest first", -lengths), ("shortest first", lengths)):
                order = np.argsort(by, kind="stable")
                yield said, order
                yield f"{said}, and that undone", np.argsort(order)

    def by_output(self) -> dict[str, Arrays]:
        return {shown(key): {key: u} for key, u in self.upstream.items()}

    def by_way(self) -> dict[str, Arrays]:
        """The two directions of a layer that concatenates them."""
        y, states = self.upstream.get("y"), [key for key in self.upstream if key.endswith(("_forth", "_back"))]
        if y is None or not states:
            return {}
        forth = np.arange(y.shape[-1]) < y.shape[-1] // 2
        ways = {"first": ("_forth", forth), "second": ("_back", ~forth)}
        return {
            f"what comes from the {name} direction": {
                **{key: self.upstream[key] for key in states if key.endswith(end)},
                "y": y * half,
            }
            for name, (end, half) in ways.items()
        }

    def by_row(self) -> dict[str, Arrays]:
        found: dict[str, Arrays] = {}
        for key, u in self.upstream.items():
            axis = 1 if self.subject.time.get(key) == 0 else 0
            for b in range(u.shape[axis] if u.ndim > 1 else 0):
                found[f"{shown(key)} of row {b}"] = {key: u * at(u, axis, b)}
        return found

    def by_step(self) -> dict[str, Arrays]:
        found: dict[str, Arrays] = {}
        for key, u in self.upstream.items():
            time = self.subject.time.get(key, 1 if u.ndim > 2 else None)
            steps = range(u.shape[time]) if time is not None else ()
            found |= {f"{shown(key)} at step {t}": {key: u * at(u, time, t)} for t in steps if time is not None}
            found |= {} if steps else {shown(key): {key: u}}
        return found

    def by_place(self) -> dict[str, Arrays]:
        """Each row of each step."""
        found: dict[str, Arrays] = {}
        for name, part in self.by_row().items():
            ((key, u),) = part.items()
            time = 0 if self.subject.time.get(key) == 0 else 1
            if u.ndim > 2:
                found |= {f"{name} at step {t}": {key: u * at(u, time, t)} for t in range(u.shape[time])}
            else:
                found[name] = part
        return found


def shown(key: str) -> str:
    """An output in words."""
    return key if key.startswith("y") or key == "value" else f"the last {key}"


def at(u: Array, axis: int, k: int) -> Array:
    """1 in one slice, else 0."""
    mask = np.zeros(u.shape)
    np.moveaxis(mask, axis, 0)[k] = 1
    return mask


def times(c: float) -> str:
    """How often something counts."""
    return {0.0: "not at all", 2.0: "twice", -1.0: "negatively", 0.5: "half"}.get(c, f"{c:g} times")
