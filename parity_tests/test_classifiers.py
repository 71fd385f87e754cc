"""Classifiers of parsed sentences and of pairs: their equations, their targets, their runs, and what they refuse."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import numnet
import torchnet
from numnet.check import check_gradients, compare
from numnet.core.arrays import to_numpy
from numnet.data import ParseBatches
from parity_tests.classifiers import O, V, classifier, encoder_of, parses
from parity_tests.probe import Arrays, assert_near, restart
from parity_tests.small import assert_same_run
from parity_tests.strategies import TOLERANCE

TIGHT = 1e-12
OTHER = {numnet: torchnet, torchnet: numnet}
KINDS = ("PairClassifier", "TreeClassifier")
x = parses()
TARGETS = {"PairClassifier": np.array([2, 0, 1]), "TreeClassifier": np.array([2, 0, 1, 1, 0, 2])}
yes_or_no = st.booleans()
both = pytest.mark.parametrize("kind", KINDS)


def learned(model: Any, *batch: Any, **options: Any) -> Arrays:
    """The loss and every gradient, from the masks of the first call."""
    restart(model)
    model.zero_grad()
    loss = model.loss_and_grads(*batch, **options)
    return {"loss": to_numpy(loss), **{name: np.array(to_numpy(g)) for name, g in model.grads.items()}}


def of_the_recipe(net: Any, kind: str, encoder: Any = None, **options: Any) -> Any:
    """A model with output layers as SPINN has them: with batch normalization and dropout."""
    output = [net.BatchNorm(), net.Dropout(0.2), net.Dense(6), net.ReLU(), net.BatchNorm(), net.Dense(O)]
    return classifier(net, kind, encoder, output=output, **options)


@settings(max_examples=12)
@given(
    kind=st.sampled_from(KINDS),
    pairs=st.integers(2, 5),
    N=st.integers(1, 6),
    seed=st.integers(0, 99),
    recipe=st.booleans(),
)
def test_the_loss_and_every_gradient_agree_on_both_backends(
    kind: str, pairs: int, N: int, seed: int, recipe: bool
) -> None:
    batch = parses(2 * pairs, N, seed)
    target = np.random.default_rng(seed).integers(0, O, pairs if kind == "PairClassifier" else 2 * pairs)
    make = of_the_recipe if recipe else classifier
    ours, theirs = (learned(make(net, kind, seed=seed), batch, target) for net in (numnet, torchnet))
    assert_near(ours, theirs, TOLERANCE["float64"])


@both
def test_every_gradient_is_a_slope(kind: str) -> None:
    model = classifier(numnet, kind)
    report = check_gradients(model, x, TARGETS[kind])
    assert report.passed, str(report)
    assert len(report.rows) == len(model.params)
    assert check_gradients(of_the_recipe(numnet, kind)).passed
    assert compare(model, classifier(torchnet, kind), x, TARGETS[kind]).passed


def test_the_logits_of_a_pair_are_those_of_the_equations(net: Any) -> None:
    model = classifier(net)
    h = model.encoder.predict(x.words, lengths=x.lengths)  # (1)
    p, q = h[:3], h[3:]
    v = np.concatenate([p, q, p - q, p * q], axis=1)  # (2)
    np.testing.assert_allclose(model.predict(x), model.output.predict(v), rtol=TIGHT)  # (3)
    one = classifier(net, "TreeClassifier")
    expected = one.output.predict(one.encoder.predict(x.words, lengths=x.lengths))
    np.testing.assert_allclose(one.predict(x), expected, rtol=TIGHT)
    np.testing.assert_allclose(one.predict(x.words, lengths=x.lengths), expected, rtol=TIGHT)


@both
def test_the_loss_is_the_mean_over_the_targets_that_count(kind: str, net: Any) -> None:
    model, target = classifier(net, kind), TARGETS[kind]
    found = learned(model, x, target)
    loss = net.SoftmaxCrossEntropy()
    assert float(found["loss"]) == pytest.approx(float(to_numpy(loss(model.predict(x), target))), rel=TIGHT)
    assert model.evaluate(x, target) == pytest.approx(float(found["loss"]), rel=TIGHT)
    unknown, counts = np.where(np.arange(len(target)) == 1, -1, target), np.arange(len(target)) != 1
    some = learned(model, x, unknown)
    assert_near(learned(model, x, target, mask=counts), some, TIGHT)
    assert model.loss.counted == len(target) - 1
    assert model.evaluate(x, unknown) == pytest.approx(float(some["loss"]), rel=TIGHT)
    first = np.arange(len(target)) != 0
    both_masks = learned(model, x, unknown, mask=first)
    assert_near(both_masks, learned(model, x, target, mask=first & counts), TIGHT)


@both
def test_backward_is_the_gradient_of_forward(kind: str, net: Any) -> None:
    model, target = classifier(net, kind), TARGETS[kind]
    expected = learned(model, x, target)
    model.zero_grad()
    model.loss(model(x), target)
    assert model.backward(model.loss.backward()) is None
    assert_near(
        {name: np.array(to_numpy(g)) for name, g in model.grads.items()} | {"loss": expected["loss"]}, expected, TIGHT
    )


def test_numbers_may_be_targets_and_minus_one_is_one(net: Any) -> None:
    model = classifier(net, "TreeClassifier", output=[net.Dense(1)], loss=net.MeanSquaredError())
    target = np.array([-1.0, 0, 1, -1, 0, 1])[:, None]
    expected = net.MeanSquaredError()(model.predict(x), target)
    assert model.evaluate(x, target) == pytest.approx(float(to_numpy(expected)), rel=TIGHT)
    assert model.loss.counted == 6


@both
def test_a_model_of_its_config_in_either_backend(kind: str, net: Any, tmp_path: Path) -> None:
    model = of_the_recipe(net, kind)
    model.loss_and_grads(x, TARGETS[kind])
    net.save_checkpoint(tmp_path / "a.npz", model)
    for other in (net, OTHER[net]):
        again = getattr(other, kind).from_checkpoint(other.load_checkpoint(tmp_path / "a.npz"))
        assert again.config() == json.loads(json.dumps(model.config()))
        np.testing.assert_allclose(again.predict(x), model.predict(x), rtol=1e-10)
    with pytest.raises(net.CheckpointError, match="'layers' is missing"):
        net.RNNModel.from_checkpoint(net.load_checkpoint(tmp_path / "a.npz"))


def rows(pairs: int, seed: int = 0) -> tuple[Any, Any]:
    """Pairs of sentences; the class says in how many of the two the word 1 is."""
    batch = parses(2 * pairs, 4, seed).parses()
    found = list(zip(batch[:pairs], batch[pairs:]))
    return found, np.array([int(1 in one.words) + int(1 in two.words) for one, two in found])


def training(net: Any, model: Any, **options: Any) -> Any:
    batches, held_out = ParseBatches(*rows(161), 8, seed=1), ParseBatches(*rows(20, 1), 7, shuffle=False)
    options = {"metrics": "accuracy", "progress": False, **options}
    return net.Trainer(model, net.Adam(0.02), batches, held_out, **options)


def first_words(net: Any, **options: Any) -> Any:
    """A bag of words, with dropout and batch normalization."""
    encoder = [net.Embedding(V, 8), net.Dropout(0.1), net.Pooling("max")]
    return of_the_recipe(net, "PairClassifier", encoder, **options)


def test_the_trainer_trains_it_and_counts_pairs(net: Any) -> None:
    trainer = training(net, first_words(net, dtype="float32"))
    history = trainer.fit(epochs=8)
    row = history.rows[-1]
    assert row["validation_accuracy"] > 0.6
    assert (history.target, history.unit) == ("pair", "nats a pair")
    held_out = trainer.validation
    predicted = trainer.predict(held_out).argmax(-1)
    assert np.mean(predicted == held_out.targets) == pytest.approx(row["validation_accuracy"])
    shuffled = ParseBatches(held_out.rows, held_out.targets, 3, seed=9)
    np.testing.assert_array_equal(trainer.predict(shuffled).argmax(-1), predicted)
    assert trainer.evaluate(shuffled)["accuracy"] == pytest.approx(row["validation_accuracy"])
    [(whole, y)] = ParseBatches(held_out.rows, held_out.targets, 20, shuffle=False).epoch()
    np.testing.assert_array_equal(trainer.predict(whole).argmax(-1), predicted)
    assert trainer.evaluate((whole, y), batch_size=6)["accuracy"] == pytest.approx(row["validation_accuracy"])


def test_a_run_stopped_and_resumed_is_the_run_never_stopped(net: Any, tmp_path: Path) -> None:
    def rest(net: Any) -> Any:
        checkpoint = net.load_checkpoint(tmp_path / "last.npz")
        trainer = training(net, net.PairClassifier.from_checkpoint(checkpoint))
        trainer.resume(checkpoint)
        trainer.fit(steps=11)
        return trainer

    whole = training(net, first_words(net))
    whole.fit(steps=11)
    training(net, first_words(net), directory=tmp_path).fit(steps=4)
    assert_same_run(rest(net), whole)
    np.testing.assert_allclose(rest(OTHER[net]).history.losses, whole.history.losses, rtol=1e-9)


def test_training_calls_of_two_threads_are_refused(net: Any) -> None:
    inside, go, seen = threading.Event(), threading.Event(), []

    class Waiting(net.Tanh):
        def forward(self, x: Any) -> Any:
            inside.set()
            assert go.wait(60)
            return super().forward(x)

    model = classifier(net, output=[Waiting(), net.Dense(O)])
    other = threading.Thread(target=lambda: seen.append(float(model.loss_and_grads(x, TARGETS["PairClassifier"]))))
    other.start()
    assert inside.wait(60)
    with pytest.raises(RuntimeError, match="PairClassifier: loss_and_grads was called while another thread is in a"):
        model.loss_and_grads(x, TARGETS["PairClassifier"])
    go.set()
    other.join(60)
    assert seen == [float(model.evaluate(x, TARGETS["PairClassifier"]))]


@both
def test_backward_of_another_call_is_refused(kind: str, net: Any) -> None:
    model = classifier(net, kind)
    model(x)
    if net is numnet:  # torchnet keeps the graph of its own call
        model.encoder(x.words, None, x.lengths)
        with pytest.raises(RuntimeError, match=f"{kind}: encoder was called again since the last call of the {kind}"):
            model.backward(np.ones((len(TARGETS[kind]), O)))
    model.predict(x)
    model.evaluate(x, TARGETS[kind])
    model(x)
    model.backward(np.ones((len(TARGETS[kind]), O)))


def test_a_batch_without_parameters_leaves_none_if_it_is_refused(net: Any) -> None:
    model = net.PairClassifier([net.Dense(3), net.Pooling()], [net.Dense(2)], net.SoftmaxCrossEntropy())
    for call in (model.loss_and_grads, model.evaluate):
        with pytest.raises(ValueError, match="PairClassifier: x has 3 sentences, expected an even number: in"):
            call(np.ones((3, 2, 4)), np.zeros(3, int))
        assert not model.built
    model.evaluate(np.ones((2, 2, 4)), np.zeros(1, int))
    assert model.input_size == 4


def spinn(net: Any, **options: Any) -> Any:
    """A SPINN with a tracker and dropout."""
    leaf = [net.Embedding(V, 4), net.Dense(6), net.BatchNorm(), net.Dropout(0.2)]
    return net.SPINN(leaf, net.TreeLSTMNode(3), net.Tracker(2), **options)


def node_targets(seed: int = 0) -> Any:
    """A class for most nodes of x, -1 for the others and at padding."""
    classes = np.random.default_rng(seed).integers(-1, O, x.transitions.shape)
    return np.where(x.transitions == 2, -1, classes)


@settings(max_examples=12)
@given(
    drive=st.sampled_from(["given", "own"]),
    kind=st.sampled_from([*KINDS, "nodes"]),
    seed=st.integers(0, 99),
    forcing=st.sampled_from([0.0, 0.5, 1.0]),
)
def test_with_a_spinn_the_backends_agree_too(drive: str, kind: str, seed: int, forcing: float) -> None:
    nodes = kind == "nodes"
    target = node_targets(seed) if nodes else TARGETS[kind]
    options = {"drive": drive, "teacher_forcing": forcing, "transition_weight": 0.7, "return_nodes": nodes}
    models = [classifier(n, "TreeClassifier" if nodes else kind, spinn(n, **options), seed=seed) for n in OTHER]
    ours, theirs = (learned(model, x, target) for model in models)
    assert_near(ours, theirs, TOLERANCE["float64"])
    values = [model.evaluate(x, target) for model in models]
    assert values[0] == pytest.approx(values[1], rel=1e-10)
    np.testing.assert_allclose(models[0].predict(x), models[1].predict(x), rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("kind", [*KINDS, "nodes"])
def test_the_transition_loss_is_in_the_loss_and_in_the_gradients(kind: str, net: Any) -> None:
    nodes = kind == "nodes"
    target = node_targets() if nodes else TARGETS[kind]
    model = classifier(net, "TreeClassifier" if nodes else kind, spinn(net, return_nodes=nodes))
    y = to_numpy(model.predict(x))
    loss = net.SoftmaxCrossEntropy()
    of_classes = loss(y, np.maximum(target, 0), target >= 0)
    assert model.evaluate(x, target) == pytest.approx(float(to_numpy(of_classes)) + float(model.encoder.added_loss))
    assert float(model.encoder.added_loss) > 0.1
    assert not nodes or (y[x.transitions == 2] == 0).all()
    both_losses, moved = learned(model, x, target), model.encoder
    moved.transition_weight = 0.0
    one = learned(model, x, target)
    assert (one["encoder.tracker.W_m"] == 0).all()
    assert (both_losses["encoder.tracker.W_m"] != 0).any()
    moved.transition_weight = 1.0
    restart(model)
    model.zero_grad()
    model.loss(model(x), np.maximum(target, 0), target >= 0)
    model.backward(model.loss.backward())
    found = {name: np.array(to_numpy(g)) for name, g in model.grads.items()}
    assert_near({"loss": both_losses["loss"], **found}, both_losses, TIGHT)


def test_every_gradient_of_a_spinn_in_a_classifier_is_a_slope() -> None:
    for kind, target, nodes in (
        ("PairClassifier", TARGETS["PairClassifier"], False),
        ("TreeClassifier", node_targets(), True),
    ):
        model = classifier(numnet, kind, spinn(numnet, return_nodes=nodes))
        report = check_gradients(model, x, target)
        assert report.passed, str(report)
        assert len(report.rows) == len(model.params)
    assert check_gradients(spinn(numnet, drive="own", teacher_forcing=0.5)).passed


def test_a_spinn_parses_words_by_itself(net: Any) -> None:
    model = classifier(net, encoder=spinn(net, drive="own"))
    own = model.predict(x.words, lengths=x.lengths)
    moves = model.encoder.moves
    assert [sum(row == 1) for row in moves] == (x.lengths - 1).tolist()
    np.testing.assert_allclose(model.predict(x), own, rtol=TIGHT)
    model.encoder.drive = "given"
    np.testing.assert_allclose(model.predict(x._replace(transitions=moves)), own, rtol=TIGHT)
    with pytest.raises(ValueError, match="SPINN: transitions are missing"):
        model.predict(x.words, lengths=x.lengths)


def test_a_trainer_counts_the_nodes_of_trees_and_predicts_each(net: Any) -> None:
    model = classifier(net, "TreeClassifier", spinn(net, return_nodes=True))
    targets = [row[: len(parse.moves)] for row, parse in zip(node_targets(), x.parses())]
    batches = ParseBatches(x.parses(), targets, 4, seed=1)
    trainer = net.Trainer(model, net.Adam(0.01), batches, batches, metrics="accuracy", progress=False)
    history = trainer.fit(epochs=2)
    assert (history.target, history.counts[0] + history.counts[1]) == ("node", (node_targets() >= 0).sum())
    logits = model.predict(x)
    found = trainer.predict(batches)
    assert [len(each) for each in found] == (2 * x.lengths - 1).tolist()
    for each, row in zip(found, logits):
        np.testing.assert_allclose(each, row[: len(each)], rtol=1e-9, atol=1e-12)
    known = node_targets() >= 0
    right = np.mean((logits.argmax(-1) == node_targets())[known])
    for size in (2, 6):
        assert trainer.evaluate((x, node_targets()), batch_size=size)["accuracy"] == pytest.approx(right)


def test_a_run_with_a_spinn_is_resumed_on_either_backend(net: Any, tmp_path: Path) -> None:
    def start(net: Any, model: Any = None, **options: Any) -> Any:
        encoder = spinn(net, drive="own", teacher_forcing=net.ExponentialSchedule(1.0, 0.9))
        return training(net, model or classifier(net, encoder=encoder), **options)

    whole = start(net)
    whole.fit(steps=8)
    start(net, directory=tmp_path).fit(steps=3)
    for other in (net, OTHER[net]):
        checkpoint = other.load_checkpoint(tmp_path / "last.npz")
        trainer = start(other, other.PairClassifier.from_checkpoint(checkpoint))
        trainer.resume(checkpoint)
        trainer.fit(steps=8)
        np.testing.assert_allclose(trainer.history.losses, whole.history.losses, rtol=1e-9)


WRONG: list[tuple[Any, str]] = [
    (lambda n: classifier(n, encoder=n.RNNModel(encoder_of(n))), "encoder is RNNModel, expected a SPINN of"),
    (lambda n: classifier(n, encoder=spinn(OTHER[n])), r"encoder is \w+net's SPINN, expected a SPINN of"),
    (lambda n: classifier(n, encoder=classifier(n)), "encoder is PairClassifier, expected a SPINN of"),
    (lambda n: classifier(n, encoder=spinn(n, return_nodes=True)).predict(x), r"the encoder returns \(6, 9, 3\), exp"),
    (lambda n: classifier(n, "TreeClassifier", spinn(n, return_nodes=True)).evaluate(x, np.zeros(6, int)),
     r"target is \(6,\), expected \(6, 9\), one for each node, -1 at padding"),
    (lambda n: classifier(n, encoder=[n.Embedding(V, 3)]), "encoder returns one vector for each word, expected"),
    (lambda n: classifier(n, encoder=[n.GRULayer(2, stateful=True), n.Pooling()]), r"encoder\[0\] is stateful"),
    (lambda n: classifier(n, encoder=[n.GRULayer(2, batch_first=False)]), r"encoder\[0\] is time-major"),
    (lambda n: classifier(n, output=[n.LSTMLayer(2)]), r"output\[0\] is LSTMLayer, which reads a sequence"),
    (lambda n: classifier(n, loss=[n.SoftmaxCrossEntropy()]), "loss is a list, expected None or a loss"),
    (lambda n: classifier(n, output=n.Dense(3)), "output is Dense, expected a list of layers. One layer"),
    (lambda n: classifier(n, encoder=[3]), r"encoder\[0\] is int, expected|encoder\[0\] is 3, expected"),
    (lambda n: classifier(n)(x, x.lengths), "lengths is given beside a ParseBatch, which has its own"),
    (lambda n: classifier(n).loss_and_grads(x, [0, 1]), "target has 2 rows, expected 3, as x has"),
    (lambda n: classifier(n).loss_and_grads(x, [0, 1, 2], state=[None]), "a state is given, expected None"),
    (lambda n: classifier(n, loss=None).evaluate(x, [0, 1, 2]), "there is no loss. Create the model with loss="),
    (lambda n: classifier(n)(x._replace(lengths=np.full(6, 9))), "lengths"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "message"), WRONG, ids=[message for _, message in WRONG])
def test_what_is_refused(call: Any, message: str, net: Any) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        call(net)


def test_the_summary_has_the_width_of_the_features(net: Any) -> None:
    waiting = net.PairClassifier([net.Dense(4), net.Pooling()], [net.Dense(2)])
    built = net.PairClassifier([net.Dense(4), net.Pooling()], [net.Dense(2)], input_size=3)
    for model in (waiting, built):
        [line] = [line for line in model.summary().splitlines() if "output.layers.0" in line]
        assert line.split()[2:5] == ["(B,", "2)", "34"]
