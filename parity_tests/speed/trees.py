"""SPINN: a training step over its bare matrix products, an encoder over an LSTM, a batch over sentence by sentence.

python -m parity_tests.speed.trees HIDDEN    the peak memory of the encoder and its backward pass, in bytes; Linux only
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import numnet
import torchnet
from numnet.core.arrays import to_numpy
from numnet.core.stack_rows import StackRows, compositions
from numnet.data import ParseBatch, Transitions, read_snli
from numnet.data.transitions import pad_encoded
from parity_tests.speed.memory import resident
from parity_tests.speed.timing import Stage

V, D, H, K, PAIRS, MLP = 7000, 50, 100, 60, 128, 1024
SMALL = 64  # sentences that are also encoded one at a time


class Sizes(NamedTuple):
    """Of the models: words, word vectors, nodes, tracker, the hidden layer of the classifier."""

    D: int = D
    H: int = H
    K: int | None = None  # None: without a tracker
    MLP: int = MLP


def pairs_of(path: Path | None, count: int = PAIRS) -> ParseBatch:
    """The first pairs of a file of SNLI; without one, as many words, and every binary tree equally likely."""
    vocabulary = numnet.Vocabulary.from_tokens(map(str, range(V - 1)))
    if path is None:
        rng = np.random.default_rng(0)
        sides = [np.clip(rng.lognormal(np.log(mean), 0.4, count), 2, 60).astype(int) for mean in (13, 7)]
        words = [rng.integers(0, V - 1, n).astype(str) for n in np.concatenate(sides)]
        return pad_encoded([Transitions.of_shape(list(w), "random", k).encode(vocabulary) for k, w in enumerate(words)])
    pairs = [pair for pair, _ in zip(read_snli(path), range(count))]
    trees = [pair.premise for pair in pairs] + [pair.hypothesis for pair in pairs]
    vocabulary = numnet.Vocabulary.from_tokens(word for tree in trees for word in tree.words())
    return pad_encoded([Transitions.from_tree(tree).encode(vocabulary) for tree in trees])


def encoder(net: Any, sizes: Sizes, **options: Any) -> Any:
    """Word vectors, a dense layer, batch normalization, dropout; a TreeLSTM; a tracker that does not predict."""
    leaf = [net.Embedding(V, sizes.D), net.Dense(2 * sizes.H), net.BatchNorm(), net.Dropout(0.1)]
    tracker = None if sizes.K is None else net.Tracker(sizes.K, predicts=False)
    return net.SPINN(leaf, net.TreeLSTMNode(sizes.H), tracker, input_size=V, **options)


def classifier(net: Any, sizes: Sizes) -> Any:
    """The whole model, with one hidden layer."""
    output = [net.BatchNorm(), net.Dropout(0.1), net.Dense(sizes.MLP), net.ReLU(), net.Dense(3)]
    return net.PairClassifier(encoder(net, sizes), output, net.SoftmaxCrossEntropy())


def step_runs(batch: ParseBatch, sizes: Sizes) -> dict[str, list[Stage]]:
    """A training step with Adam of both backends, losses compared; and the matrix products of numnet's step."""
    target = np.random.default_rng(1).integers(0, 3, len(batch.lengths) // 2)

    def framework(net: Any) -> Stage:
        model, optimizer = classifier(net, sizes), net.Adam(1e-5)

        def step() -> float:
            model.zero_grad()
            loss = float(model.loss_and_grads(batch, target))
            optimizer.step(model)
            return loss

        return step

    runs = {net.__name__: framework(net) for net in (numnet, torchnet)}
    losses: dict[str, Any] = {who: [run(), run()] for who, run in runs.items()}
    assert np.allclose(losses["numnet"], losses["torchnet"], rtol=1e-4), losses
    return {**{who: [run] for who, run in runs.items()}, "products": [products(batch, sizes)]}


def products(batch: ParseBatch, sizes: Sizes) -> Stage:
    """The products of a step's forward and backward pass, float32: of each weight W x, Wᵀ da and da xᵀ."""
    rng = np.random.default_rng(2)
    each, weights = columns_of(batch, sizes)
    factors: list[tuple[Any, list[tuple[Any, Any]], tuple[Any, Any]]] = []
    for (rows, columns), counts in weights:
        W = rng.standard_normal((rows, columns), np.float32)
        steps = [(each(columns, n), each(rows, n)) for n in counts]
        factors.append((W, steps, (each(columns, sum(counts)), each(rows, sum(counts)))))

    def run() -> None:
        for W, steps, _ in factors:
            for x, _ in steps:
                W @ x
        for W, steps, (x_all, da_all) in factors:
            for _, da in steps:
                W.T @ da
            da_all @ x_all.T

    return run


def columns_of(batch: ParseBatch, sizes: Sizes) -> tuple[Callable[[int, int], Any], list[tuple[tuple[int, int], Any]]]:
    """What makes a random factor, and the shape of every weight with the columns of each of its products."""
    rng, (D, H, K, MLP) = np.random.default_rng(3), sizes
    words, rows = int(batch.lengths.sum()), len(batch.lengths) // 2
    weights = [((2 * H, D), [words]), ((MLP, 4 * H), [rows]), ((3, MLP), [rows])]
    if K is None:
        counts = np.diff(compositions(batch.transitions, batch.lengths).starts).tolist()
    else:
        stack, counts, running = StackRows(batch.lengths, batch.transitions.shape[1]), [], []
        while n := stack.running:
            running.append(n)
            counts.append(len(stack.move(batch.transitions[stack.order[:n], stack.step])[0]))
        counts = [n for n in counts if n]
        weights += [((4 * K, 3 * H), running), ((4 * K, K), running), ((5 * H, K), counts)]
    weights += [((5 * H, H), counts)] * 2
    return lambda m, n: rng.standard_normal((m, n), np.float32), weights


def encoder_stage(model: Any, batch: ParseBatch) -> Stage:
    """Forward and backward."""
    y = to_numpy(model(batch))
    dy = np.random.default_rng(4).standard_normal(y.shape, np.float32)
    return lambda: (model(batch), model.backward(dy))


def width_runs(batch: ParseBatch, sizes: Sizes) -> dict[str, list[Stage]]:
    """numnet's encoder, and an LSTM layer of the same width on the same words, with their lengths."""
    layers = [numnet.Embedding(V, sizes.D), numnet.LSTMLayer(sizes.H, return_sequences=False)]
    model, rng = numnet.RNNModel(layers, input_size=V), np.random.default_rng(4)
    dy = rng.standard_normal((len(batch.lengths), sizes.H), np.float32)

    def lstm() -> None:
        model(batch.words, lengths=batch.lengths)
        model.backward(dy)

    return {"numnet": [encoder_stage(encoder(numnet, sizes), batch)], "LSTM": [lstm]}


def batched_runs(batch: ParseBatch, sizes: Sizes) -> dict[str, list[Stage]]:
    """numnet's encoder on all sentences at once, and the same encoder on one after the other."""
    model = encoder(numnet, sizes)
    model.leaf.eval()  # batch normalization has no statistics of a sentence of one word
    alone = [encoder_stage(model, sentence) for sentence in sentences(batch)]
    together = encoder_stage(model, batch)

    def one_at_a_time() -> None:
        for stage in alone:
            stage()

    return {"numnet": [together], "one at a time": [one_at_a_time]}


def sentences(batch: ParseBatch) -> list[ParseBatch]:
    """Each sentence as a batch without padding."""
    rows = zip(batch.words, batch.lengths, batch.transitions)
    return [ParseBatch(w[None, :n], np.array([n]), t[None, : 2 * n - 1]) for w, n, t in rows]


def peak(hidden: int, path: Path | None = None) -> int:
    """The highest rise of the memory of forward and backward of an encoder with a tracker, in a new process."""
    command = [sys.executable, "-m", "parity_tests.speed.trees", str(hidden), *([] if path is None else [str(path)])]
    one = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    return int(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=one).stdout)


def measure(hidden: int, path: Path | None) -> int:
    """The rise over two forward and backward passes, after a first one of two sentences."""
    batch = pairs_of(path)
    model = encoder(numnet, Sizes(H=hidden, K=K))
    encoder_stage(model, ParseBatch(*(part[:2] for part in batch)))()
    y = np.zeros((len(batch.lengths), hidden), np.float32)
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")  # the highest so far is forgotten
    before = resident("VmRSS")
    for _ in range(2):
        model(batch)
        model.backward(y)
    return resident("VmHWM") - before


if __name__ == "__main__":
    print(measure(int(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None))
