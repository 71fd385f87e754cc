"""Every loss with every combination of its options against torch.nn.functional: values and gradients in float64.

    python -m parity_tests.loss_options

prints, for each loss of both backends, how many cases and draws were compared, and the largest relative difference.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.nn import functional as F

import numnet
import torchnet
from numnet.core.arrays import to_numpy

REDUCTIONS = ("mean", "sum", "none")
TAU = [0.1, 0.5, 0.8]
OPTIONS: dict[
    str, dict[str, tuple[Any, ...]]
] = {  # the values of each option; "V" stands for one number for each class
    "SoftmaxCrossEntropy": {
        "ignore_index": (None, 1),
        "class_weights": (None, "V"),
        "label_smoothing": (0.0, 0.1, 1.0),
    },
    "SoftmaxCrossEntropy of weights": {"class_weights": (None, "V"), "label_smoothing": (0.0, 0.1, 1.0)},
    "BinaryCrossEntropy": {"pos_weight": (None, 3.0, "V"), "weight": (None, 0.7, "V")},
    "MeanSquaredError": {},
    "MeanAbsoluteError": {},
    "HuberLoss": {"delta": (0.3, 1.0, 2.5)},
    "QuantileLoss": {"quantiles": (0.9, TAU)},
}


class Drawn(NamedTuple):
    """One case: the options of a loss, and its inputs."""

    options: dict[str, Any]
    prediction: Any
    target: Any
    mask: Any


def cases(kind: str) -> Iterator[dict[str, Any]]:
    """Yield every combination of the options of a loss, with each reduction, with and without a mask."""
    options = {**OPTIONS[kind], "reduction": REDUCTIONS, "masked": (False, True)}
    for values in itertools.product(*options.values()):
        yield dict(zip(options, values))


def drawn(kind: str, case: Mapping[str, Any], seed: int) -> Drawn:
    """Draw the inputs of a case: (B, T, V) of random sizes, or (B, V), one answer for each sequence."""
    rng = np.random.default_rng(seed)
    B, T, V = rng.integers((1, 1, 2), (5, 6, 7))
    places = (B, T) if rng.random() < 0.7 else (B,)
    prediction: Any = 3 * rng.standard_normal((*places, V))
    target: Any = rng.random((*places, V))
    if kind == "SoftmaxCrossEntropy":
        target = rng.integers(0, V, places)
        target.flat[0] = 0  # one that counts, where 1 is ignored
    elif kind == "QuantileLoss":
        K = len(TAU) if case["quantiles"] == TAU else 1
        prediction, target = rng.standard_normal((*places, V * K)), rng.standard_normal((*places, V))
    mask = None
    if case["masked"]:
        mask = rng.random(places if "Softmax" in kind else target.shape) < 0.6
        mask.flat[0] = True
    weights = {
        name: rng.uniform(0.2, 2.0, V) for name, value in case.items() if isinstance(value, str) and value == "V"
    }
    return Drawn({**{name: v for name, v in case.items() if name != "masked"}, **weights}, prediction, target, mask)


def of_torch(loss: Any, x: Any, t: Any, mask: Any = None) -> Any:
    """Return the same loss by torch.nn.functional, from the counted targets alone; `loss` has the options."""
    kind, reduction = type(loss).__name__, loss.reduction
    if kind == "QuantileLoss":
        x = x.reshape(*t.shape, -1)
    counted = torch.ones(x.shape[:-1] if kind == "SoftmaxCrossEntropy" else t.shape, dtype=torch.bool)
    counted = counted if mask is None else torch.as_tensor(np.array(mask))
    if kind == "BinaryCrossEntropy":  # each of the counted targets needs the weights of its own label
        options = [
            w if w is None else torch.as_tensor(w).expand(t.shape)[counted] for w in (loss.weight, loss.pos_weight)
        ]
        value = F.binary_cross_entropy_with_logits(
            x[counted], t[counted], options[0], reduction=reduction, pos_weight=options[1]
        )
    else:
        value = FUNCTIONS[kind](loss, x[counted], t[counted], reduction)
    return value if reduction != "none" else torch.zeros(counted.shape, dtype=x.dtype).masked_scatter(counted, value)


def cross_entropy(loss: Any, x: Any, t: Any, reduction: str) -> Any:
    """Of classes or of weights, which PyTorch tells apart by the dtype."""
    weight = None if loss.class_weights is None else torch.as_tensor(loss.class_weights)
    ignored = {} if loss.ignore_index is None or t.is_floating_point() else {"ignore_index": loss.ignore_index}
    return F.cross_entropy(x, t, weight, reduction=reduction, label_smoothing=loss.label_smoothing, **ignored)


def pinball(loss: Any, x: Any, t: Any, reduction: str) -> Any:
    """As forecasting libraries compute it: the larger of two lines."""
    tau, e = torch.tensor(loss.quantiles, dtype=x.dtype), t[..., None] - x
    value = torch.maximum(tau * e, (tau - 1) * e).mean(dim=-1)
    return value if reduction == "none" else value.mean() if reduction == "mean" else value.sum()


FUNCTIONS: dict[str, Any] = {
    "SoftmaxCrossEntropy": cross_entropy,
    "MeanSquaredError": lambda loss, x, t, reduction: F.mse_loss(x, t, reduction=reduction),
    "MeanAbsoluteError": lambda loss, x, t, reduction: F.l1_loss(x, t, reduction=reduction),
    "HuberLoss": lambda loss, x, t, reduction: (
        F.smooth_l1_loss(x, t, reduction=reduction, beta=loss.delta) * loss.delta
    ),
    "QuantileLoss": pinball,
}


def difference(net: Any, kind: str, case: Mapping[str, Any], seed: int) -> float:
    """Return the largest difference of value and gradient from torch's, relative to the largest number of each."""
    draw = drawn(kind, case, seed)
    loss = getattr(net, kind.split()[0])(**draw.options)
    value = loss(draw.prediction, draw.target, draw.mask)
    x: Any = torch.tensor(draw.prediction, requires_grad=True)
    expected = of_torch(loss, x, torch.tensor(draw.target), draw.mask)
    upstream = np.random.default_rng(seed).standard_normal(tuple(expected.shape))
    expected.backward(torch.tensor(upstream))
    pairs = ((value, expected.detach()), (loss.backward(upstream), x.grad))
    return max(relative(to_numpy(ours), theirs.numpy()) for ours, theirs in pairs)


def relative(ours: Any, theirs: Any) -> float:
    """Return the largest difference of arrays of one shape, relative to the largest number."""
    assert np.shape(ours) == theirs.shape
    return float(np.abs(ours - theirs).max(initial=0) / max(np.abs(theirs).max(initial=0), 1e-3))


def largest(net: Any, kind: str, draws: int) -> float:
    """Return the largest difference over all cases of a loss."""
    return max(difference(net, kind, case, seed) for case in cases(kind) for seed in range(draws))


def main() -> None:
    """Print the table."""
    draws, total = 20, 0
    print(f"{'loss':<32}{'cases':>6}{'draws':>7}{'numnet':>10}{'torchnet':>10}")
    for kind in OPTIONS:
        count = len(list(cases(kind)))
        total += 2 * count
        ours, theirs = (largest(net, kind, draws) for net in (numnet, torchnet))
        print(f"{kind:<32}{count:>6}{draws:>7}{ours:>10.1e}{theirs:>10.1e}")
    print(f"{total} cases on both backends, {draws} draws each")


if __name__ == "__main__":
    main()
