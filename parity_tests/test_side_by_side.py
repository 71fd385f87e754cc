"""Convolution, Characters and Concat: raw torch.nn row by row, a tagger on either backend, and laws of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import numnet
import torchnet
from numnet.check import check_gradients, compare
from numnet.core.arrays import to_numpy
from parity_tests.family import OVER_TIME, ragged
from parity_tests.probe import Arrays, assert_near, run, upstream_like
from parity_tests.small import assert_same_run
from parity_tests.strategies import OPERATIONS, TOLERANCE, Case, Sizes, sizes, words

OTHER = {numnet: torchnet, torchnet: numnet}
V, A, C, TAGS = 20, 12, 6, 4
ROWS = {case.name: case for case in [*OPERATIONS, *OVER_TIME]}


def raw_convolution(p: Arrays, width: int, prefix: str = "") -> Any:
    """torch.nn's own, with our weights as they are; one step longer where the width is even."""
    W, b = (torch.tensor(p[f"{prefix}{name}"]) for name in "Wb")
    raw = torch.nn.Conv1d(W.shape[1], W.shape[0], width, padding=width // 2).double()
    raw.load_state_dict({"weight": W, "bias": b})
    return raw


def raw_gradients(raw: Any, prefix: str = "") -> Arrays:
    found = zip("Wb", (raw.weight, raw.bias))
    return {f"d{prefix}{n}": np.zeros(p.shape) if p.grad is None else p.grad.numpy() for n, p in found}


def numbers(thing: Any) -> Arrays:
    return {name: np.array(to_numpy(p)) for name, p in thing.params.items()}


@given(z=sizes, width=st.integers(1, 5))
def test_a_convolution_is_torchs_of_each_row_without_its_padding(net: Any, z: Sizes, width: int) -> None:
    case = Case(
        "", lambda net, z, dtype: net.Convolution(z.O, width=width, input_size=z.D, dtype=dtype), lambda rng, z: {}
    )
    layer, x, lengths = case.build(net, z), z.rng.standard_normal((z.B, z.T, z.D)), ragged(z.rng, z)
    raw, given_, y = raw_convolution(numbers(layer), width), torch.tensor(x, requires_grad=True), []
    for row, length in zip(given_, lengths):
        some = raw(row[:length].T)[:, :length].T if length else torch.zeros(0, z.O, dtype=torch.float64)
        y.append(torch.cat([some, torch.zeros(z.T - length, z.O)]))
    outputs, pullback = run(layer, {"x": x, "lengths": lengths})
    upstream = upstream_like(outputs, z.rng)
    torch.stack(y).backward(torch.tensor(upstream["y"])) if lengths.any() else None
    dx = np.zeros(x.shape) if given_.grad is None else given_.grad.numpy()
    assert_near(outputs, {"y": torch.stack(y).detach().numpy()}, TOLERANCE["float64"])
    assert_near(pullback(upstream), {"dx": dx, **raw_gradients(raw)}, TOLERANCE["float64"])


@given(z=sizes)
def test_characters_are_torchs_of_each_word_without_its_zeros(net: Any, z: Sizes) -> None:
    layer, x = ROWS["Characters"].build(net, z), words(z.rng, z)["x"]
    p = numbers(layer)
    E, raw, y = torch.tensor(p["embedding.W"], requires_grad=True), raw_convolution(p, 3, "convolution."), []
    for word in x.reshape(-1, z.T):
        letters = torch.tensor(word[word > 0])
        y.append(raw(E[letters].T).max(dim=1).values if len(letters) else 0 * raw.bias + 0 * E.sum())
    outputs, pullback = run(layer, {"x": x})
    upstream = upstream_like(outputs, z.rng)
    expected = torch.stack(y).reshape(z.B, z.T, z.O)
    expected.backward(torch.tensor(upstream["y"]))
    assert_near(outputs, {"y": expected.detach().numpy()}, TOLERANCE["float64"])
    gradients = {"dembedding.W": E.grad.numpy() if E.grad is not None else 0 * p["embedding.W"]}
    assert_near(pullback(upstream), {**gradients, **raw_gradients(raw, "convolution.")}, TOLERANCE["float64"])


@given(z=sizes, more=st.integers(1, 5))
def test_unused_places_of_words_change_nothing(net: Any, z: Sizes, more: int) -> None:
    layer, x = ROWS["Characters"].build(net, z), words(z.rng, z)["x"]
    outputs, pullback = run(layer, {"x": x})
    upstream = upstream_like(outputs, z.rng)
    expected = {**outputs, **pullback(upstream)}
    outputs, pullback = run(layer, {"x": np.pad(x, [(0, 0), (0, 0), (0, more)])})
    assert_near({**outputs, **pullback(upstream)}, expected, 0)


def test_equal_words_are_computed_once() -> None:
    layer = numnet.Characters(300, embedding_size=3, output_size=4)
    x = np.array([[[256, 0, 0], [1, 0, 0]], [[256, 0, 0], [1, 255, 0]], [[0, 0, 0], [256, 0, 0]]])
    y = layer(x)
    assert len(layer.embedding.recall()) == 4  # 256; 1; 1 255
    assert (y[0, 0] == y[1, 0]).all()
    assert (y[0, 0] == y[2, 1]).all()
    assert len(np.unique(y.reshape(6, 4), axis=0)) == 4


def test_a_batch_without_a_character_is_0_and_moves_nothing(net: Any) -> None:
    layer = net.Characters(5, embedding_size=3, output_size=4)
    y = layer(np.zeros((2, 3, 4), int))
    assert layer.backward(np.ones((2, 3, 4))) is None
    np.testing.assert_array_equal(to_numpy(y), np.zeros((2, 3, 4)))
    assert not any(np.array(to_numpy(g)).any() for g in layer.grads.values())


def test_the_vector_of_no_character_is_never_read(net: Any) -> None:
    layer = net.Characters(5, embedding_size=3, output_size=4)
    state = numbers(layer)
    state["embedding.W"][0] = np.nan
    layer.load_state_dict(state)
    assert np.isfinite(to_numpy(layer(np.array([[[1, 2, 0], [0, 0, 0]]])))).all()


def test_a_largest_number_that_is_none_is_shown(net: Any) -> None:
    x = np.array([[[1.0, np.nan], [np.nan, 2.0], [3.0, 1.0]]])
    assert np.isnan(to_numpy(net.Pooling("max")(x))).all()
    np.testing.assert_array_equal(to_numpy(net.Pooling("max")(x, [1]))[0, 0], 1)


@pytest.mark.parametrize("name", ["Convolution", "Concat of all of x", "Concat of poolings", "Concat on tokens"])
@given(z=sizes)
def test_a_packed_batch_is_the_padded_one(name: str, net: Any, z: Sizes) -> None:
    layer, x, lengths = ROWS[name].build(net, z), ROWS[name].inputs(z)["x"], np.maximum(ragged(z.rng, z), 1)
    padded = layer(x, lengths)
    dy = np.ones(padded.shape)
    dx = layer.backward(dy)
    packed = net.Packed.from_padded(x, lengths)
    y = layer(packed)
    expected = net.Packed.from_padded(padded, lengths) if layer.keeps_time else padded
    given_ = net.Packed.from_padded(dy, lengths) if layer.keeps_time else dy
    back = layer.backward(given_)
    ours, theirs = (to_numpy(part.values if isinstance(part, net.Packed) else part) for part in (y, expected))
    np.testing.assert_array_equal(ours, theirs)
    if dx is not None:
        np.testing.assert_array_equal(to_numpy(back.values), to_numpy(net.Packed.from_padded(dx, lengths).values))


@given(z=sizes)
def test_a_concat_with_time_first_is_the_concat_of_the_turned_batch(net: Any, z: Sizes) -> None:
    found = []
    for first in (True, False):
        layers = [net.Convolution(z.O, width=2, seed=1, batch_first=first), net.Dense(z.H, seed=2)]
        layer = net.Concat(layers, batch_first=first, dtype="float64")
        inputs = ROWS["Convolution"].inputs(z)
        x = inputs["x"] if first else inputs["x"].swapaxes(0, 1)
        y = layer(x, inputs["lengths"])
        dx = layer.backward(2 * np.ones(y.shape))
        turned = [np.array(to_numpy(part)) for part in (y, dx)]
        found.append({str(k): part if first else part.swapaxes(0, 1) for k, part in enumerate(turned)})
    assert_near(found[1], found[0], 1e-12)


def test_a_concat_is_its_layers_beside_each_other(net: Any) -> None:
    x = np.random.default_rng(0).standard_normal((2, 3, 5))
    layers = [net.Dense(2, input_size=4, dtype="float64"), net.Tanh()]
    y = np.array(to_numpy(net.Concat(layers, [4, 1], dtype="float64")(x)))
    np.testing.assert_allclose(y[..., :2], to_numpy(layers[0](x[..., :4])), rtol=1e-12)
    np.testing.assert_allclose(y[..., 2:], np.tanh(x[..., 4:]), rtol=1e-12)


def test_a_concat_of_tokens_stands_before_or_behind_others(net: Any) -> None:
    """Nested, and with columns that are numbers though they are integers; two embeddings of one token."""
    both = net.Concat([net.Embedding(7, 2), net.Embedding(5, 3)])
    assert (both.reads, both.input_size) == ("tokens", 5)
    inner = net.Concat([net.Embedding(7, 2), net.Characters(6, embedding_size=2, output_size=3)], [1, 4])
    whole = net.Concat([inner, net.Embedding(3, 2), net.Dense(4), both], [5, 1, 2, 1])
    assert check_gradients(whole, full=True).passed
    assert tuple(whole(np.ones((2, 3, 9), int)).shape) == (2, 3, 2 + 3 + 2 + 4 + 5)
    assert whole.backward(np.ones((2, 3, 16))) is None


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_one_dtype_for_all_that_stands_side_by_side(net: Any, dtype: str) -> None:
    layer = net.Concat([net.Dropout(0.3), net.Dense(2, input_size=4)], [3, 4], dtype=dtype)
    for given_ in ("float32", "float64", "int64"):
        y = layer(np.ones((2, 3, 7), given_))
        assert {str(part.dtype).removeprefix("torch.") for part in (y, layer.backward(np.ones(y.shape)))} == {dtype}


def test_vectors_that_others_trained(net: Any) -> None:
    embedding, rng = net.Embedding(5, 3), np.random.default_rng(0)
    before, vectors = numbers(embedding)["W"], rng.standard_normal((5, 3))
    embedding.start_from(vectors[[3, 1]], rows=[4, 0])
    after = numbers(embedding)["W"]
    np.testing.assert_array_equal(after[[4, 0]], vectors[[3, 1]].astype("float32"))
    np.testing.assert_array_equal(after[1:4], before[1:4])
    model = net.RNNModel([embedding, net.Dense(2)], net.SoftmaxCrossEntropy(), dtype="float64")
    model(np.zeros((1, 2), int))
    embedding.start_from(vectors)
    np.testing.assert_array_equal(to_numpy(model.params["layers.0.W"]), vectors)
    model.loss_and_grads(np.array([[1, 2]]), np.array([[0, 1]]))
    model.zero_grad()
    net.SGD(0.1).step(model)
    np.testing.assert_array_equal(to_numpy(embedding.W), vectors)


def tagger(net: Any) -> Any:
    """Words and their characters, both ways, a tag for each; some of the dropout stands inside the Concat."""
    characters = net.Characters(A, embedding_size=4, output_size=6, seed=2)
    both = net.Concat([net.Embedding(V, 5, seed=1), characters, net.Dropout(0.2)], [1, C, 1])
    rest = [net.Dropout(0.3), net.Convolution(8), net.LSTMLayer(6, bidirectional=True), net.Dropout(0.3)]
    return net.RNNModel([both, *rest, net.Dense(TAGS)], net.SoftmaxCrossEntropy(), seed=3, dtype="float64")


def trainer(net: Any, model: Any, **options: Any) -> Any:
    """Sentences of words that are spelt with up to C characters; a tag follows from the word and its first one."""
    rng = np.random.default_rng(4)
    spelt = np.where(np.arange(C) < rng.integers(1, C + 1, (V, 1)), rng.integers(1, A, (V, C)), 0)
    sentences = [rng.integers(0, V, length) for length in rng.integers(1, 9, 27)]
    x = [np.column_stack([words, spelt[words], words % 3]) for words in sentences]
    tags = [(words + spelt[words, 0]) % TAGS for words in sentences]
    batches = net.SequenceBatches(x, tags, batch_size=4, seed=5)
    return net.Trainer(model, net.Adam(0.02, clip_norm=1.0), batches, batches, progress=False, **options)


def test_a_tagger_is_the_same_on_both_backends_and_when_it_is_resumed(net: Any, tmp_path: Path) -> None:
    whole, other = trainer(net, tagger(net)), trainer(OTHER[net], tagger(OTHER[net]))
    for run_ in (whole, other):
        run_.fit(steps=30)
    np.testing.assert_allclose(other.history.losses, whole.history.losses, rtol=1e-9)
    assert np.mean(whole.history.losses[-7:]) < np.mean(whole.history.losses[:7])
    trainer(net, tagger(net), directory=tmp_path).fit(steps=17)
    for backend in (net, OTHER[net]):
        checkpoint = backend.load_checkpoint(tmp_path / "last.npz")
        rest = trainer(backend, backend.RNNModel.from_checkpoint(checkpoint))
        rest.resume(checkpoint)
        rest.fit(steps=30)
        if backend is net:
            assert_same_run(rest, whole)
        np.testing.assert_allclose(rest.history.losses, whole.history.losses, rtol=1e-9)


def test_the_check_takes_the_tagger_and_its_clone() -> None:
    model = tagger(numnet)
    assert check_gradients(model).passed
    assert compare(model, torchnet.RNNModel).passed
    assert compare(model.layers[0], torchnet.Concat).passed


@pytest.mark.parametrize("case", [case for case in ROWS.values() if "Con" in case.name], ids=repr)
def test_a_checkpoint_keeps_what_stands_side_by_side(case: Case, net: Any, tmp_path: Path) -> None:
    z = Sizes()
    layer, inputs = case.build(net, z), case.inputs(z)
    model = net.RNNModel([layer], input_size=layer.input_size or z.D, dtype="float64")
    expected = run(layer, inputs)[0]
    net.save_checkpoint(tmp_path / "model.npz", model)
    for backend in (net, OTHER[net]):
        clone = backend.RNNModel.from_checkpoint(backend.load_checkpoint(tmp_path / "model.npz"))
        assert clone.config() == model.config()
        assert_near(run(clone.layers[0], inputs)[0], expected, TOLERANCE["float64"])


def test_first_values_of_a_convolution_are_torchs() -> None:
    W, b = numnet.Convolution(40, width=5, input_size=5).params.values()
    raw: Any = torch.nn.Conv1d(5, 40, 5)
    for ours, theirs in ((W, raw.weight), (b, raw.bias)):
        assert ours.shape == tuple(theirs.shape)
        assert 0.9 / 5 < np.abs(ours).max() <= 1 / 5
        assert float(theirs.detach().abs().max()) <= 1 / 5
    W, b = numnet.Convolution(40, width=5, input_size=50, initial="glorot").params.values()
    theirs = torch.nn.init.xavier_uniform_(torch.empty(40, 50, 5))
    assert W.std() == pytest.approx(float(theirs.std()), rel=0.05)
    assert not b.any()
    W, b = numnet.Convolution(8, width=3, input_size=5, initial="orthogonal", dtype="float64").params.values()
    np.testing.assert_allclose(W.reshape(8, 15) @ W.reshape(8, 15).T, np.eye(8), atol=1e-12)


@pytest.mark.parametrize("kind", ["Convolution", "Characters"])
@pytest.mark.parametrize("initial", ["pytorch", "glorot", "orthogonal"])
def test_one_seed_draws_the_same_first_values(kind: str, initial: str) -> None:
    options: dict[str, Any] = {"width": 2, "initial": initial, "seed": 5}
    options |= {"input_size": 3} if kind == "Convolution" else {"embedding_size": 4, "output_size": 3}
    ours, theirs = (getattr(net, kind)(7, **options) for net in (numnet, torchnet))
    assert_near(numbers(ours), numbers(theirs), 0)
    assert list(ours.params) == list(theirs.params)
    assert ours.config() == theirs.config()
