"""One model in four threads: predictions, evaluations, generated texts and searches, and how many of them are wrong."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

from numnet.core.arrays import to_numpy
from parity_tests.small import VOCABULARY, small_model
from parity_tests.translator import V, W, translator

Answer = Callable[[], Any]
THREADS = 4


@contextmanager
def switching_often() -> Iterator[None]:
    """Python changes from thread to thread every 10 µs, as long as the context lasts."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def simple(net: Any, seed: int = 1) -> tuple[Any, Any]:
    """A model without recurrent layers, but with dropout, and its input size."""
    layers = [net.Dense(7), net.Dropout(0.5), net.Tanh(), net.Concat([net.Dense(3), net.Convolution(2, width=3)])]
    return net.RNNModel(
        [*layers, net.Pooling("mean"), net.Dense(4)],
        net.SoftmaxCrossEntropy(),
        input_size=3,
        seed=seed,
        dtype="float64",
    ), 3


def zoneout(net: Any, bidirectional: bool = True) -> Any:
    """A model with all that differs between training and evaluation; its layers remember where they ended."""
    options: dict[str, Any] = {"zoneout": 0.3, "state_dropout": 0.2, "stateful": True}
    layers = [net.GRULayer(5, **options), net.Dropout(0.4), net.LSTMLayer(4, bidirectional=bidirectional)]
    layers.append(net.Dense(len(VOCABULARY)))
    return net.RNNModel(layers, net.SoftmaxCrossEntropy(), input_size=len(VOCABULARY), seed=3, dtype="float64")


def simple_answers(net: Any, count: int) -> list[Answer]:
    """Predictions and evaluations of batches of different sizes and lengths."""
    (model, width), rng = simple(net), np.random.default_rng(0)
    answers: list[Answer] = []
    for k in range(count):
        x, target = rng.standard_normal((2 + k % 3, 4 + k % 5, width)), rng.integers(0, 4, 2 + k % 3)
        lengths = rng.integers(1, 4, len(x)) if k % 2 else None
        if k % 4 < 2:
            answers.append(partial(model.predict, x, lengths=lengths))
        else:
            answers.append(partial(model.evaluate, x, target, lengths=lengths))
    return answers


def generated(net: Any, count: int) -> list[Answer]:
    """Texts of a model with dropout, and of one with zoneout and stateful layers; the state of a prediction."""
    models, rng = [small_model(net, "float64", 0.4), zoneout(net, bidirectional=False)], np.random.default_rng(1)
    answers: list[Answer] = []
    held_out = net.SequenceBatches(*2 * [[rng.integers(0, len(VOCABULARY), n) for n in (3, 5, 4)]], 2)
    for k in range(count):
        model, prompt = models[k % 2], "".join(rng.choice(list("abcdefgh"), 1 + k % 4))
        if k % 3:
            answers.append(partial(net.generate, model, VOCABULARY, prompt, 4, seed=2))
        else:
            answers.append(partial(net.evaluate, model, held_out))
    return answers


def searched(net: Any, count: int) -> list[Answer]:
    """Greedy and beam searches, and predictions, of a translator with attention and dropout."""
    model, rng = translator(net, "additive", dropout=0.4), np.random.default_rng(2)
    answers: list[Answer] = []
    for k in range(count):
        x, target = rng.integers(0, V, (1 + k % 3, 4)), rng.integers(0, W, (1 + k % 3, 3))
        if k % 3 == 0:
            answers.append(partial(sentences, net.greedy, model, x, max_length=4))
        elif k % 3 == 1:
            answers.append(partial(sentences, net.beam_search, model, x, beam=2, max_length=4))
        else:
            answers.append(partial(model.predict, x, target))
    return answers


def on_tape(net: Any, count: int) -> list[Answer]:
    """Evaluations of a program on a tape, with dropout."""
    rng = np.random.default_rng(3)
    tape = net.Tape(
        1, "float64", first=net.Dense(5), drop=net.Dropout(0.5), last=net.Dense(3), loss=net.MeanSquaredError()
    )
    tape.objective = lambda x, target: tape.loss(tape.last(tape.drop(tape.first(x)).tanh()), target)
    batches = [(rng.standard_normal((2 + k % 3, 4)), rng.standard_normal((2 + k % 3, 3))) for k in range(count)]
    return [partial(tape.evaluate, x, y) for x, y in batches]


WITHOUT_RECURRENCE = (simple_answers, on_tape)
RECURRENT = (generated, searched)


def sentences(search: Any, *given: Any, **options: Any) -> list[Any]:
    """Tokens, scores and weights that a search finds."""
    return [
        part
        for one in search(*given, **options)
        for part in (one.tokens, one.score, 0 if one.weights is None else one.weights)
    ]


def alike(ours: Any, theirs: Any) -> bool:
    """The same text, or the same numbers."""
    if isinstance(ours, str):
        return bool(ours == theirs)
    if isinstance(ours, list):
        return len(ours) == len(theirs) and all(map(alike, ours, theirs))
    ours, theirs = to_numpy(ours), to_numpy(theirs)
    return ours.shape == theirs.shape and np.allclose(ours, theirs, rtol=1e-9, atol=1e-12)


def wrong(answers: list[Answer], calls: int) -> int:
    """How many of so many calls in four threads give another answer than the same call in one, or an error."""
    right = [answer() for answer in answers]

    def is_wrong(k: int) -> bool:
        try:
            return not alike(answers[k % len(answers)](), right[k % len(answers)])
        except (ValueError, RuntimeError, IndexError, TypeError, AttributeError, KeyError):
            return True

    with switching_often(), ThreadPoolExecutor(THREADS) as pool:
        return sum(pool.map(is_wrong, range(calls)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=5000)
    parser.add_argument("--backend", choices=["numnet", "torchnet"], default="numnet")
    given = parser.parse_args()
    net, kinds, total = importlib.import_module(given.backend), (*WITHOUT_RECURRENCE, *RECURRENT), 0
    for kind in kinds:
        calls = given.calls // len(kinds)
        found = wrong(kind(net, 60), calls)
        total += found
        print(f"{kind.__name__}: {found} of {calls} wrong")
    sys.exit(total > 0)


if __name__ == "__main__":
    main()
