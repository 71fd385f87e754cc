"""N steps of training, two implementations side by side: the first step at which they part, and what parts there."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from numnet.check.engine.against.counterpart import full_name
from numnet.check.engine.against.pair import Pair
from numnet.check.engine.finding import Finding
from numnet.check.engine.subject import Arrays, Subject, Unusable
from numnet.check.report import Report, Row
from numnet.core.arrays import to_numpy


def trained(
    pair: Pair, steps: int, optimizers: Sequence[Any] | None, learning_rate: float, seed: int, tolerance: float
) -> Report:
    """A row for each step k, counted from 1: the loss of both before it; and the parameters of both after it.

        ℓ = loss(x, target), or Σ u · outputs where there is no target    (1)   u drawn once
        p ← p - learning_rate ∂ℓ/∂p, or as the optimizers do              (2)

    optimizers: ours' and theirs', each a numnet or torchnet Optimizer, or for a torch.nn.Module a function from its
    parameters to a torch.optim one; copies of them are used. A row's error is the largest of the loss and all
    parameters, relative to their norms, which count as at least 1; it passes up to the tolerance.
    """
    if not pair.ours.params:
        raise Unusable(f"compare: {full_name(pair.ours)} has no parameters, expected some to train. Leave steps out.")
    given = (None, None) if optimizers is None else tuple(optimizers)
    if len(given) != 2:
        raise Unusable(f"compare: there are {len(given)} optimizers, expected two: ours' and theirs'. Pass both.")
    u = drawn_upstream(pair, seed)
    runners = [Runner(subject, maker, learning_rate) for subject, maker in zip((pair.ours, pair.theirs), given)]
    report = Report(full_name(pair.ours), full_name(pair.theirs), tolerance, [], sizes=pair.ours.sizes, unit="steps")
    for k in range(1, steps + 1):
        taken = [runner.step(upstream) for runner, upstream in zip(runners, u)]
        errors = errors_of(pair, *taken)
        worst = max(errors.values())
        says, should = taken[0].loss, taken[1].loss
        report.rows.append(
            Row(f"step {k}", worst, worst <= tolerance, abs(says - should), says, should, label=f"step {k}")
        )
        if worst > tolerance and not report.findings:
            report.findings = [parting(pair, k, errors, taken, tolerance)]
    return report


@dataclass
class Taken:
    """One step: the loss before it, its gradients, the parameters after it."""

    loss: float
    gradients: Arrays
    params: Arrays


class Runner:
    """One side, and what moves its parameters."""

    def __init__(self, subject: Subject, optimizer: Any, learning_rate: float) -> None:
        self.subject, self.learning_rate = subject, learning_rate
        self.held: dict[str, Any] | None = getattr(subject.thing, "weights", None)
        self.optimizer = copy.deepcopy(optimizer) if self.held is None else optimizer
        if self.held is not None and optimizer is not None:
            self.optimizer = optimizer(list(self.held.values()))

    def step(self, upstream: Arrays) -> Taken:
        """(1) (2)"""
        outputs, pullback = self.subject.run(self.subject.inputs)
        gradients = pullback({name: u.copy() for name, u in upstream.items()})
        gradients = {name: gradients.get(name, np.zeros(p.shape)) for name, p in self.subject.params.items()}
        loss = float(sum(np.sum(u * outputs[name]) for name, u in upstream.items()))
        params = self.descended(gradients) if self.optimizer is None else self.moved(gradients)
        self.subject.params = params
        return Taken(loss, gradients, params)

    def descended(self, gradients: Arrays) -> Arrays:
        """p - η g"""
        params = {name: p - self.learning_rate * gradients[name] for name, p in self.subject.params.items()}
        if self.subject.load:
            self.subject.load(params)
        return params

    def moved(self, gradients: Arrays) -> Arrays:
        """By the optimizer, from the gradients that the thing itself holds."""
        thing = self.subject.thing
        if self.held is None:
            self.optimizer.step(thing)
            return {name: np.array(to_numpy(p)) for name, p in thing.params.items()}
        for name, p in self.held.items():
            p.grad = p.new_tensor(gradients[name])
        self.optimizer.step()
        return {name: np.array(to_numpy(p)) for name, p in self.held.items()}


def drawn_upstream(pair: Pair, seed: int) -> tuple[Arrays, Arrays]:
    """1 of a loss; of other outputs a drawn u, in either's names."""
    rng = np.random.default_rng([seed, 5])
    ours, theirs = (subject.run(subject.inputs)[0] for subject in (pair.ours, pair.theirs))
    both = pair.outputs(ours, theirs)
    u = {
        name: np.ones(y.shape) if y.ndim == 0 else rng.standard_normal(y.shape) * (name in both)
        for name, y in ours.items()
    }
    given = {name: np.zeros(y.shape) for name, y in theirs.items()}
    return u, {**given, **{other: u[name].reshape(theirs[other].shape) for name, other in both.items()}}


def errors_of(pair: Pair, ours: Taken, theirs: Taken) -> dict[str, float]:
    """The loss's, and every parameter's; not finite is as far off as can be."""
    errors = {"the loss": relative(ours.loss, theirs.loss)}
    for name, p in ours.params.items():
        if pair.their_name(name) in theirs.params:
            errors[name] = relative(p, theirs.params[pair.their_name(name)])
    return errors


def relative(x: Any, y: Any) -> float:
    """‖x - y‖ / max(1, ‖y‖)"""
    x, y = np.ravel(x), np.ravel(y)
    error = float(np.linalg.norm(x - y) / max(1.0, float(np.linalg.norm(y))))
    return error if math.isfinite(error) else math.inf


def parting(pair: Pair, k: int, errors: dict[str, float], taken: Sequence[Taken], tolerance: float) -> Finding:
    """The first thing that parts at step k: the loss, the gradients, or the way the parameters are moved."""
    ours, theirs = taken
    params = {name: error for name, error in errors.items() if name != "the loss"}
    name = max(params, key=lambda name: params[name])
    gradients = {n: relative(g, theirs.gradients[pair.their_name(n)]) for n, g in ours.gradients.items() if n in params}
    if errors["the loss"] > tolerance:
        why = f"the losses differ, {ours.loss:.10g} and {theirs.loss:.10g}: already the forward pass does"
    elif max(gradients.values()) > tolerance:
        why = f"the losses agree, the gradients do not, most that of {max(gradients, key=lambda n: gradients[n])}"
    else:
        why = (
            "losses and gradients agree: it is the step that differs, its rule, its learning rate or what it remembers"
        )
    text = f"training parts at step {k}: {name} is furthest off after it, by {params[name]:.1e}; {why}"
    return Finding(text, "training", (name,))
