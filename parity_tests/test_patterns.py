"""The five patterns and the word tagger learn their tasks on both backends, and step by step is all at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import patterns
import pytest

import numnet
import torchnet
from numnet.core.arrays import to_numpy
from parity_tests.small import ROOT, python

BACKENDS = [numnet, torchnet]
# Epochs after which each task is half learned, and what share must then be answered without a mistake.
ENOUGH = {"one": (30, 0.85), "many": (50, 0.9), "last": (4, 0.9), "after": (6, 0.4), "step": (12, 0.9)}


def learned(net: Any, name: str, epochs: int) -> tuple[list[float], float]:
    args = patterns.parser.parse_args(["--epochs", str(epochs)])
    model, _, examples, history = patterns.learn(net, name, args)
    return history.losses, patterns.right(model, *examples)


@pytest.mark.parametrize("name", patterns.PATTERNS)
def test_each_pattern_is_learned(name: str) -> None:
    epochs, least = ENOUGH[name]
    losses, right = learned(numnet, name, epochs)
    assert right >= least
    assert losses[-1] < 0.5 * losses[0]


@pytest.mark.parametrize("name", patterns.PATTERNS)
def test_both_backends_take_the_same_way(name: str) -> None:
    ours, theirs = (learned(net, name, 1)[0] for net in BACKENDS)
    np.testing.assert_allclose(ours, theirs, rtol=1e-4)


def program(backend: str, *options: Any) -> Any:
    done = python(ROOT / "examples" / "patterns.py", "--backend", backend, "--epochs", 1, *options)
    assert done.returncode == 0, done.stderr
    assert "loss" in done.stderr
    return [line.split()[0] for line in done.stdout.splitlines()]


def test_the_program_draws_and_writes_what_it_found(tmp_path: Path) -> None:
    plot, path = tmp_path / "all.png", tmp_path / "all.json"
    assert program("numnet", "--seconds", 0.2, "--plot", plot, "--json", path) == [*patterns.PATTERNS]
    assert plot.read_bytes().startswith(b"\x89PNG")
    found = json.loads(path.read_text(encoding="utf-8"))
    assert found.pop("backend") == "numnet"
    assert all(found[name]["losses"] for name in patterns.PATTERNS)


def test_the_program_on_the_other_backend_and_with_one_pattern_alone() -> None:
    assert program("torchnet", "--pattern", "step") == ["step"]


KINDS = ("RNNLayer", "GRULayer", "LSTMLayer")


@pytest.mark.parametrize("kind", KINDS)
def test_time_major_step_by_step_is_the_whole_sequence_at_once(net: Any, kind: str) -> None:
    """Forward, and backward with the state's gradient handed back, without a tape."""
    rng = np.random.default_rng(0)
    x, dy = rng.standard_normal((6, 2, 4)), rng.standard_normal((6, 2, 3))
    layer = getattr(net, kind)(3, input_size=4, batch_first=False, dtype="float64", seed=1)
    clone = getattr(net, kind)(3, input_size=4, dtype="float64", seed=1)
    whole = to_numpy(layer(x))
    dx = to_numpy(layer.backward(dy))
    np.testing.assert_allclose(to_numpy(clone(x.swapaxes(0, 1))), whole.swapaxes(0, 1), rtol=1e-12)
    expected = {name: to_numpy(g).copy() for name, g in layer.grads.items()}
    layer.zero_grad()
    states: list[Any] = [None]
    for t in range(6):
        np.testing.assert_allclose(to_numpy(layer(x[t : t + 1], states[-1]))[0], whole[t], rtol=1e-12)
        states.append(layer.last_state)
    d_state = None
    for t in reversed(range(6)):
        layer(x[t : t + 1], detached(states[t]))
        np.testing.assert_allclose(to_numpy(layer.backward(dy[t : t + 1], d_state))[0], dx[t], rtol=1e-9, atol=1e-14)
        d_state = layer.d_state
    for name, g in layer.grads.items():
        np.testing.assert_allclose(to_numpy(g), expected[name], rtol=1e-9, atol=1e-14)


def detached(state: Any) -> Any:
    if isinstance(state, tuple):
        return tuple(map(detached, state))
    return None if state is None else to_numpy(state).copy()


CORPUS = [
    "the/DET dog/NN barks/V",
    "a/DET cook/NN sleeps/V",
    "the/DET dogs/NN cook/V",
    "the/DET walk/NN ends/V",
    "a/DET dog/NN sees/V the/DET cat/NN",
    "the/DET cats/NN walk/V",
    "the/DET cook/NN sees/V a/DET walk/NN",
    "a/DET walk/NN helps/V the/DET dog/NN",
    "cats/NN cook/V",
    "dogs/NN see/V a/DET cook/NN",
]
TAGS = ["DET", "NN", "V"]
SENTENCES = [[pair.split("/") for pair in text.split()] for text in CORPUS]
WORDS = sorted({word for sentence in SENTENCES for word, _ in sentence})


def tagger(net: Any, epochs: int = 12) -> tuple[Any, list[float]]:
    """One sentence at a time, time first: x (T, 1)."""
    layers = [net.Embedding(len(WORDS), 6), net.LSTMLayer(6, batch_first=False), net.Dense(len(TAGS))]
    model = net.RNNModel(layers, net.SoftmaxCrossEntropy(), input_size=len(WORDS), dtype="float64")
    optimizer, losses = net.Adam(0.05), []
    for _ in range(epochs):
        for sentence in SENTENCES:
            x, target = (np.array(column)[:, None] for column in zip(*numbered(sentence)))
            model.zero_grad()
            losses.append(float(model.loss_and_grads(x, target)))
            optimizer.step(model)
    return model, losses


def numbered(sentence: list[list[str]]) -> list[tuple[int, int]]:
    return [(WORDS.index(word), TAGS.index(tag)) for word, tag in sentence]


def test_the_word_tagger_learns_its_corpus_exactly() -> None:
    (ours, our_losses), (theirs, their_losses) = (tagger(net) for net in BACKENDS)
    np.testing.assert_allclose(our_losses, their_losses, rtol=1e-8)
    for model in (ours, theirs):
        for sentence in SENTENCES:
            x, tags = zip(*numbered(sentence))
            np.testing.assert_array_equal(model.predict(np.array(x)[:, None])[:, 0].argmax(axis=-1), tags)


def test_a_word_of_two_kinds_is_told_apart_by_what_stands_before_it() -> None:
    model, _ = tagger(numnet)
    for before, tag in (("the", "NN"), ("dogs", "V")):
        x = np.array([[WORDS.index(before)], [WORDS.index("walk")]])
        assert TAGS[model.predict(x)[1, 0].argmax()] == tag
