"""Train two implementations side by side and find the first step at which they differ."""

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


def train_both(
    pair: Pair, steps: int, optimizers: Sequence[Any] | None, learning_rate: float, seed: int, tolerance: float
) -> Report:
    """Return one row per step k, from 1: it compares the loss before the step and the parameters after it.

        ℓ = loss(x, target), or Σ u · outputs where there is no target    (1)   u random, fixed
        p ← p - learning_rate ∂ℓ/∂p, or a step of the optimizers          (2)

    optimizers: ours' and theirs', each a numnet or torchnet Optimizer, or for a torch.nn.Module a function from its
    parameters to a torch.optim optimizer; optimizers are copied. A row's error is the largest of the loss and all
    parameters, relative to their norms, which count as at least 1; it passes up to the tolerance.
    """
    if not pair.ours.params:
        raise Unusable(
            f"compare: {full_name(pair.ours)} has no parameters, expected at least one to train. Omit steps=."
        )
    given = (None, None) if optimizers is None else tuple(optimizers)
    if len(given) != 2:
        raise Unusable(f"compare: got {len(given)} optimizers, expected two: for ours and for theirs. Pass both.")
    u = drawn_upstream(pair, seed)
    runners = [Runner(subject, maker, learning_rate) for subject, maker in zip((pair.ours, pair.theirs), given)]
    report = Report(full_name(pair.ours), full_name(pair.theirs), tolerance, [], sizes=pair.ours.sizes, unit="steps")
    for k in range(1, steps + 1):
        taken = [runner.step(upstream) for runner, upstream in zip(runners, u)]
        errors = errors_of(pair, *taken)
        worst = max(errors.values())
        got, expected = taken[0].loss, taken[1].loss
        report.rows.append(
            Row(f"step {k}", worst, worst <= tolerance, abs(got - expected), got, expected, label=f"step {k}")
        )
        if worst > tolerance and not report.findings:
            report.findings = [first_divergence(pair, k, errors, taken, tolerance)]
    return report


@dataclass
class TrainingStep:
    """One step: the loss before it, its gradients, the parameters after it."""

    loss: float
    gradients: Arrays
    params: Arrays


class Runner:
    """One implementation with the optimizer of its parameters."""

    def __init__(self, subject: Subject, optimizer: Any, learning_rate: float) -> None:
        self.subject, self.learning_rate = subject, learning_rate
        self.weights: dict[str, Any] | None = getattr(subject.thing, "weights", None)
        self.optimizer = copy.deepcopy(optimizer) if self.weights is None else optimizer
        if self.weights is not None and optimizer is not None:
            self.optimizer = optimizer(list(self.weights.values()))

    def step(self, upstream: Arrays) -> TrainingStep:
        """Take one training step. (1) (2)"""
        outputs, pullback = self.subject.run(self.subject.inputs)
        gradients = pullback({name: u.copy() for name, u in upstream.items()})
        gradients = {name: gradients.get(name, np.zeros(p.shape)) for name, p in self.subject.params.items()}
        loss = float(sum(np.sum(u * outputs[name]) for name, u in upstream.items()))
        params = self.descend(gradients) if self.optimizer is None else self.optimize(gradients)
        self.subject.params = params
        return TrainingStep(loss, gradients, params)

    def descend(self, gradients: Arrays) -> Arrays:
        """Take a step of plain gradient descent: p - η g."""
        params = {name: p - self.learning_rate * gradients[name] for name, p in self.subject.params.items()}
        if self.subject.load:
            self.subject.load(params)
        return params

    def optimize(self, gradients: Arrays) -> Arrays:
        """Take a step of the optimizer, which reads the gradients that the object itself stores."""
        thing = self.subject.thing
        if self.weights is None:
            self.optimizer.step(thing)
            return {name: np.array(to_numpy(p)) for name, p in thing.params.items()}
        for name, p in self.weights.items():
            p.grad = p.new_tensor(gradients[name])
        self.optimizer.step()
        return {name: np.array(to_numpy(p)) for name, p in self.weights.items()}


def drawn_upstream(pair: Pair, seed: int) -> tuple[Arrays, Arrays]:
    """Return the upstream gradients for both: 1 for a loss, random for other outputs."""
    rng = np.random.default_rng([seed, 5])
    ours, theirs = (subject.run(subject.inputs)[0] for subject in (pair.ours, pair.theirs))
    both = pair.outputs(ours, theirs)
    u = {
        name: np.ones(y.shape) if y.ndim == 0 else rng.standard_normal(y.shape) * (name in both)
        for name, y in ours.items()
    }
    given = {name: np.zeros(y.shape) for name, y in theirs.items()}
    return u, {**given, **{other: u[name].reshape(theirs[other].shape) for name, other in both.items()}}


def errors_of(pair: Pair, ours: TrainingStep, theirs: TrainingStep) -> dict[str, float]:
    """Return the relative error of the loss and of every parameter; inf if it is not finite."""
    errors = {"the loss": relative(ours.loss, theirs.loss)}
    for name, p in ours.params.items():
        if pair.their_name(name) in theirs.params:
            errors[name] = relative(p, theirs.params[pair.their_name(name)])
    return errors


def relative(x: Any, y: Any) -> float:
    """Return ‖x - y‖ / max(1, ‖y‖)."""
    x, y = np.ravel(x), np.ravel(y)
    error = float(np.linalg.norm(x - y) / max(1.0, float(np.linalg.norm(y))))
    return error if math.isfinite(error) else math.inf


def first_divergence(
    pair: Pair, k: int, errors: dict[str, float], taken: Sequence[TrainingStep], tolerance: float
) -> Finding:
    """Return the finding about step k: which differs first, the loss, the gradients or the optimizer's step."""
    ours, theirs = taken
    params = {name: error for name, error in errors.items() if name != "the loss"}
    name = max(params, key=lambda name: params[name])
    gradients = {n: relative(g, theirs.gradients[pair.their_name(n)]) for n, g in ours.gradients.items() if n in params}
    if errors["the loss"] > tolerance:
        why = f"the losses differ, {ours.loss:.10g} and {theirs.loss:.10g}: so the forward passes differ"
    elif max(gradients.values()) > tolerance:
        worst = max(gradients, key=lambda n: gradients[n])
        why = f"the losses agree, the gradients do not; the largest error is in that of {worst}"
    else:
        why = "losses and gradients agree, so the optimizers differ: in the update rule, the learning rate or the state"
    text = f"training differs at step {k}: afterwards {name} has the largest error, {params[name]:.1e}; {why}"
    return Finding(text, "training", (name,))
