"""Whole models on sequences of different lengths: padded, packed, trained, stopped, resumed, on either backend."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import numnet
import torchnet
from numnet.core.arrays import to_numpy
from parity_tests.family import FAMILY, ragged
from parity_tests.probe import Arrays, assert_near, restart, run, upstream_like
from parity_tests.small import VOCABULARY, assert_same_run, small_trainer
from parity_tests.strategies import TOLERANCE, Case, Sizes, sizes

TIGHT = 1e-12
OTHER = {numnet: torchnet, torchnet: numnet}
yes_or_no = st.booleans()


def tagger(net: Any, z: Sizes, turned: bool = False) -> Any:
    """A class for every step: both ways, and with a mask of dropout for each sequence."""
    way = net.LSTMLayer(z.H, batch_first=not turned, reverse=turned)
    between = [] if turned else [net.Dropout(0.3, per_sequence=True)]
    return ready(net, z, [net.Embedding(z.V, z.D), net.Bidirectional(way), *between, net.Dense(z.O)])


CLASSIFIERS: dict[str, Callable[[Any, Sizes], list[Any]]] = {
    "last alone": lambda net, z: [net.GRULayer(z.H, return_sequences=False)],
    "last alone, both ways": lambda net, z: [net.LSTMLayer(z.H, return_sequences=False, bidirectional=True)],
    "last": lambda net, z: [net.Bidirectional(net.MGULayer(z.H), "sum"), net.Pooling("last")],
    "first": lambda net, z: [net.Bidirectional(net.MGULayer(z.H), "mul"), net.Pooling("first")],
    "mean": lambda net, z: [net.IndRNNLayer(z.H, reverse=True), net.Pooling("mean")],
    "max": lambda net, z: [net.RNNLayer(z.H, bidirectional=True), net.Pooling("max")],
}


def ready(net: Any, z: Sizes, layers: list[Any]) -> Any:
    """A model of these layers, every parameter random."""
    model = net.RNNModel(layers, net.SoftmaxCrossEntropy(), input_size=z.V, seed=z.seed, dtype="float64")
    rng = np.random.default_rng(z.seed)
    model.load_state_dict({name: rng.standard_normal(tuple(p.shape)) for name, p in model.params.items()})
    return model


def learned(model: Any, *batch: Any, **options: Any) -> Arrays:
    """The loss and every gradient, from the masks of the first call."""
    restart(model)
    model.zero_grad()
    loss = model.loss_and_grads(*batch, **options)
    return {"loss": to_numpy(loss), **{name: np.array(to_numpy(g)) for name, g in model.grads.items()}}


def mean_loss(logits: Any, target: Any, lengths: Any) -> float:
    """By hand: -log of the share of exp(z) that the target has, of each real step, the mean of all of them."""
    losses = [
        np.log(np.exp(z).sum()) - z[t]
        for row, classes, length in zip(logits, target, lengths)
        for z, t in zip(row[:length], classes[:length])
    ]
    return float(np.mean(losses))


@given(z=sizes, turned=yes_or_no, fill=st.sampled_from([-1, 0, 10**6]), more=st.integers(0, 3))
def test_padding_changes_neither_the_loss_nor_a_gradient(z: Sizes, turned: bool, fill: int, more: int) -> None:
    lengths = np.maximum(ragged(z.rng, z), np.arange(z.B) == 0)  # of no step at all, there is no mean
    x, target = z.rng.integers(0, z.V, (z.B, z.T)), z.rng.integers(0, z.O, (z.B, z.T))
    mask = np.arange(z.T) < lengths[:, None]
    found = []
    for net in (numnet, torchnet):
        model = tagger(net, z, turned)
        longer = [np.pad(np.where(mask, v, fill), [(0, 0), (0, more)], constant_values=fill) for v in (x, target)]
        clean, spoilt = ([v.T for v in given] if turned else given for given in ([x, target], longer))
        ours = learned(model, *clean, lengths=lengths)
        assert_near(learned(model, *spoilt, lengths=lengths), ours, TIGHT)
        assert_near(learned(model, *clean, lengths=mask.T if turned else mask), ours, TIGHT)
        packed = (net.pack([row[:length] for row, length in zip(v, lengths)]) for v in (x, target))
        assert_near(learned(model, *packed), ours, TIGHT)
        restart(model)
        logits = to_numpy(model(clean[0], None, lengths))
        logits = logits.swapaxes(0, 1) if turned else logits
        assert (logits[~mask] == 0).all()
        assert mean_loss(logits, target, lengths) == pytest.approx(float(ours["loss"]), rel=1e-11)
        found.append(ours)
    assert_near(found[0], found[1], TOLERANCE["float64"])


@pytest.mark.parametrize("head", CLASSIFIERS)
@given(z=sizes)
def test_a_class_for_each_sequence(head: str, z: Sizes) -> None:
    """Padded, packed, and every sequence by itself, unpadded."""
    lengths = np.maximum(ragged(z.rng, z), 1)
    x, target = z.rng.integers(0, z.V, (z.B, z.T)), z.rng.integers(0, z.O, z.B)
    spoilt = np.where(np.arange(z.T) < lengths[:, None], x, -1)
    rows = [row[:length] for row, length in zip(x, lengths)]
    found = []
    for net in (numnet, torchnet):
        model = ready(net, z, [net.Embedding(z.V, z.D), *CLASSIFIERS[head](net, z), net.Dense(z.O)])
        ours = learned(model, spoilt, target, lengths=lengths)
        assert_near(learned(model, net.pack(rows), target), ours, TIGHT)
        single = [learned(model, row[None], target[b : b + 1]) for b, row in enumerate(rows)]
        assert_near(ours, {name: np.mean([one[name] for one in single], axis=0) for name in ours}, TIGHT)
        assert tuple(model.predict(spoilt, None, lengths).shape) == (z.B, z.O)
        assert model.evaluate(spoilt, target, lengths=lengths) == pytest.approx(float(ours["loss"]))
        found.append(ours)
    assert_near(found[0], found[1], TOLERANCE["float64"])


def sequences(net: Any, classes: bool = False) -> Any:
    """Bucketed batches of tokens, 7 an epoch; a class for each step, or for each sequence."""
    rng = np.random.default_rng(3)
    tokens = [rng.integers(0, 6, length) for length in rng.integers(1, 9, 27)]
    targets = [len(row) % 3 for row in tokens] if classes else [row % 3 for row in tokens]
    return net.SequenceBatches(tokens, targets, batch_size=4, seed=5)


DROPS: dict[str, Any] = {"state_dropout": 0.2, "weight_dropout": 0.3, "zoneout": 0.1}


def every_dropout(net: Any) -> Any:
    """Some layers are given their sizes, and so weights and masks of their own seeds; others are not."""
    ahead = net.LSTMLayer(4, input_size=5, seed=7, dtype="float64", peepholes=True, **{**DROPS, "zoneout": (0.1, 0.2)})
    layers = [net.Embedding(6, 5), net.Bidirectional(ahead), net.Dropout(0.2, per_sequence=True)]
    layers += [net.GRULayer(4, reset="before", layer_norm=True, learn_state=True, **DROPS), net.Dense(3)]
    return net.RNNModel(layers, net.SoftmaxCrossEntropy(), input_size=6, seed=1, dtype="float64")


def trainer(net: Any, model: Any, **options: Any) -> Any:
    batches = sequences(net)
    return net.Trainer(model, net.Adam(0.02, clip_norm=1.0), batches, batches, progress=False, **options)


def carried(net: Any) -> Any:
    """Two ways, whose state, a pair of pairs, is carried from batch to batch."""
    layers = [net.Bidirectional(net.LSTMLayer(4, zoneout=0.2), "sum"), net.GRULayer(3, bidirectional=True)]
    return net.RNNModel(
        [*layers, net.Dense(len(VOCABULARY))],
        net.SoftmaxCrossEntropy(),
        input_size=len(VOCABULARY),
        seed=1,
        dtype="float64",
    )


RUNS: dict[str, tuple[Callable[[Any], Any], Callable[..., Any]]] = {
    "every dropout": (every_dropout, trainer),
    "carried state": (carried, small_trainer),
}


@pytest.mark.parametrize("kind", RUNS)
def test_a_run_is_the_same_on_both_backends_and_when_it_is_resumed(kind: str, net: Any, tmp_path: Path) -> None:
    make, train = RUNS[kind]
    whole, other = train(net, make(net)), train(OTHER[net], make(OTHER[net]))
    for run_ in (whole, other):
        run_.fit(steps=30)
    np.testing.assert_allclose(other.history.losses, whole.history.losses, rtol=1e-9)
    assert whole.history.losses[-1] < whole.history.losses[0]
    train(net, make(net), directory=tmp_path).fit(steps=17)
    for backend in (net, OTHER[net]):
        checkpoint = backend.load_checkpoint(tmp_path / "last.npz")
        rest = train(backend, backend.RNNModel.from_checkpoint(checkpoint))
        rest.resume(checkpoint)
        rest.fit(steps=30)
        assert len(rest.history.losses) == 30
        if backend is net:
            assert_same_run(rest, whole)
        np.testing.assert_allclose(rest.history.losses, whole.history.losses, rtol=1e-9)


def remembering(net: Any, z: Sizes, dtype: str) -> Any:
    return net.Bidirectional(net.GRULayer(z.H, input_size=z.D, stateful=True, seed=z.seed, dtype=dtype), "mean")


REMEMBERING = Case("stateful, both ways", remembering, FAMILY[0].draw)


@pytest.mark.parametrize("case", [*FAMILY, REMEMBERING], ids=repr)
def test_a_checkpoint_keeps_every_option(case: Case, net: Any, tmp_path: Path) -> None:
    """What is read computes the same, also on the other backend: which it would not with an option less."""
    z = Sizes()
    layer, inputs = case.build(net, z), case.inputs(z)
    inputs = {name: inputs[name] for name in ("x", "lengths")}
    model = net.RNNModel([layer], input_size=z.D, dtype="float64")
    outputs, pullback = run(layer, inputs)
    expected = {**outputs, **pullback(upstream_like(outputs, z.rng))}
    again, _ = run(layer, inputs)
    net.save_checkpoint(tmp_path / "model.npz", model)
    for backend in (net, OTHER[net]):
        clone = backend.RNNModel.from_checkpoint(backend.load_checkpoint(tmp_path / "model.npz"))
        assert clone.config() == model.config()
        clone.layers[0].train(layer.training)
        for ours, theirs in zip(clone.layers[0].modules(), layer.modules()):
            vars(ours).update({name: v for name, v in vars(theirs).items() if name == "mask_seed"})
        outputs, pullback = run(clone.layers[0], inputs)
        found = {**outputs, **pullback(upstream_like(outputs, z.rng))}
        assert_near(found, expected, TOLERANCE["float64"])
        assert_near(run(clone.layers[0], inputs)[0], again, TOLERANCE["float64"])
