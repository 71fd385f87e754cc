"""A Trainer takes arrays, lists, loaders, any iterable of batches: the same run from each, and after a stop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import numnet
import torchnet
from numnet.core.arrays import to_numpy
from parity_tests.small import assert_same, assert_same_run, weights

N, T, D = 11, 5, 3
RNG = np.random.default_rng(3)
X, Y = RNG.standard_normal((N, T, D)), RNG.integers(0, 4, (N, T))
LENGTHS = RNG.integers(1, T + 1, N)
ONE_EACH = RNG.standard_normal((N, 2))


def tagger(net: Any, **options: Any) -> Any:
    """A model with an output for each step."""
    return net.RNNModel(
        [net.GRULayer(4), net.Dense(4)], net.SoftmaxCrossEntropy(), input_size=D, dtype="float64", seed=1, **options
    )


def run_of(net: Any, batches: Any, **options: Any) -> Any:
    """A trainer of that model."""
    return net.Trainer(tagger(net), net.Adam(0.05), batches, progress=False, **options)


def cut(order: Any, *arrays: Any) -> list[Any]:
    """Batches of 4 rows."""
    return [tuple(array[order[k : k + 4]] for array in arrays) for k in range(0, N, 4)]


IN_ORDER = cut(np.arange(N), X, Y, LENGTHS)


def loader(seed: int | None = None) -> Any:
    """A DataLoader of PyTorch: shuffled with a seed, else in order."""
    data = torch.utils.data.TensorDataset(*map(torch.from_numpy, (X, Y, LENGTHS)))
    generator = None if seed is None else torch.Generator().manual_seed(seed)
    return torch.utils.data.DataLoader(data, batch_size=4, shuffle=generator is not None, generator=generator)


class Stream:
    """An iterable without a length."""

    def __iter__(self) -> Iterator[Any]:
        return iter(IN_ORDER)


SAME: dict[str, Callable[[], Any]] = {
    "arrays": lambda: (X, Y, LENGTHS),
    "nested lists": lambda: (X.tolist(), Y.tolist(), LENGTHS.tolist()),
    "tensors": lambda: tuple(map(torch.from_numpy, (X, Y, LENGTHS))),
    "a mask": lambda: (X, Y, np.arange(T) < LENGTHS[:, None]),
    "a list": lambda: IN_ORDER,
    "a list of lists": lambda: [list(batch) for batch in IN_ORDER],
    "a DataLoader": loader,
    "an iterable without a length": Stream,
    "a function": lambda: lambda: iter(IN_ORDER),
    "a function of the epoch": lambda: lambda epoch: (batch for batch in IN_ORDER),
}


@pytest.mark.parametrize("kind", SAME)
def test_every_kind_of_data_is_the_same_run(net: Any, kind: str, tmp_path: Path) -> None:
    """Three epochs of batches in order, with the same data as validation; both backends are one run, too."""
    data = SAME[kind]()
    options = {"batch_size": 4, "shuffle": False} if isinstance(data, tuple) else {}
    run = run_of(net, data, validation=SAME[kind](), **options)
    history = run.fit(epochs=3)
    plain = run_of(numnet, IN_ORDER, validation=IN_ORDER)
    plain.fit(epochs=3)
    np.testing.assert_allclose(history.losses, plain.history.losses, rtol=1e-9)
    assert [row["epoch"] for row in history.rows] == [1, 2, 3]
    assert [row["step"] for row in history.rows] == [3, 6, 9]
    found = [row["validation_loss"] for row in history.rows]
    np.testing.assert_allclose(found, [row["validation_loss"] for row in plain.history.rows], rtol=1e-9)
    assert run.evaluate(SAME[kind]())["loss"] == pytest.approx(found[-1], rel=1e-9)
    assert net.evaluate(run.model, SAME[kind]()) == pytest.approx(found[-1], rel=1e-9)


def test_lists_of_sequences_are_sequence_batches(net: Any) -> None:
    xs, ys = ([array[k, : LENGTHS[k]] for k in range(N)] for array in (X, Y))
    run, plain = run_of(net, (xs, ys), batch_size=4, seed=5), run_of(net, net.SequenceBatches(xs, ys, 4, 5))
    run.fit(epochs=2)
    plain.fit(epochs=2)
    assert_same_run(run, plain)
    packed = run_of(net, (net.pack(xs), net.pack(ys)), batch_size=4, seed=5)
    packed.fit(epochs=2)
    assert_same_run(packed, plain)


def test_arrays_are_shuffled_by_the_seed_and_the_epoch_alone(net: Any) -> None:
    class Seen:
        def __init__(self, seed: int | None, shuffle: bool | None = None) -> None:
            rows = np.arange(N, dtype=float)[:, None, None] * np.ones((1, 1, D))
            self.run = run_of(net, (rows, np.zeros((N, 1), int)), batch_size=4, seed=seed, shuffle=shuffle)
            self.epochs = [[to_numpy(x)[:, 0, 0] for x, _ in self.run.batches.epoch(k)] for k in range(2)]
            assert [len(rows) for rows in self.epochs[0]] == [4, 4, 3]
            self.orders = [np.concatenate(epoch).tolist() for epoch in self.epochs]

    first, again, other, plain = Seen(0), Seen(None), Seen(1), Seen(0, False)
    assert first.orders == again.orders
    assert first.orders[0] != first.orders[1]
    assert first.orders[0] != other.orders[0]
    assert plain.orders == [list(range(N))] * 2
    assert all(sorted(order) == list(range(N)) for order in [*first.orders, *other.orders])


def test_the_order_is_the_same_on_both_backends() -> None:
    runs = [run_of(net, (X, Y, LENGTHS), batch_size=3, seed=7) for net in (numnet, torchnet)]
    ours, theirs = (run.fit(epochs=2).losses for run in runs)
    np.testing.assert_allclose(ours, theirs, rtol=1e-9)
    assert runs[0].batches.config() == runs[1].batches.config()


@pytest.mark.parametrize("data", [(X, Y, LENGTHS), ([*X], [*Y]), IN_ORDER], ids=["arrays", "sequences", "a list"])
def test_a_resumed_run_is_exact(net: Any, data: Any, tmp_path: Path) -> None:
    options = {"batch_size": 4, "seed": 2} if isinstance(data, tuple) else {}
    whole, first = run_of(net, data, **options), run_of(net, data, directory=tmp_path, **options)
    whole.fit(steps=8)
    first.fit(steps=5)
    rest = run_of(net, data, **options)
    rest.resume(net.load_checkpoint(tmp_path / "last.npz"))
    rest.fit(steps=8)
    assert_same_run(rest, whole)
    other = tuple(part[:-1] for part in data) if isinstance(data, tuple) else data[1:]
    with pytest.raises(net.CheckpointError, match=r"^Trainer.resume: sequences of the batches is .*data is another"):
        run_of(net, other, **options).resume(net.load_checkpoint(tmp_path / "last.npz"))
    if options:
        with pytest.raises(net.CheckpointError, match=r"seed of the batches is 3, expected 2.*Pass seed=2 as in"):
            run_of(net, data, **{**options, "seed": 3}).resume(net.load_checkpoint(tmp_path / "last.npz"))


@pytest.mark.parametrize("kind", ["a DataLoader", "an iterable without a length", "a function", "a generator"])
def test_a_resumed_run_on_an_unknown_order_says_so(net: Any, kind: str, tmp_path: Path) -> None:
    made = {**SAME, "a generator": lambda: iter(IN_ORDER * 2)}[kind]
    whole, first = run_of(net, made()), run_of(net, made(), directory=tmp_path)
    whole.fit(steps=5)
    first.fit(steps=4 if kind != "a generator" else 2)
    rest = run_of(net, made())
    with pytest.warns(UserWarning, match=r"^Trainer.resume: batches is .*whose order is not known.*are skipped"):
        rest.resume(net.load_checkpoint(tmp_path / "last.npz"))
    rest.fit(steps=5)
    assert_same_run(rest, whole)


def test_a_generator_is_read_once(net: Any) -> None:
    run = run_of(net, iter(IN_ORDER))
    assert len(run.fit(epochs=1).losses) == 3
    assert [row["epoch"] for row in run.history.rows] == [1]
    with pytest.raises(ValueError, match=r"^Trainer: batches is list_iterator, which has no batch in epoch 1"):
        run.fit(steps=9)
    fresh = run_of(net, (batch for batch in IN_ORDER))
    with pytest.raises(ValueError, match=r"Trainer.fit: epochs is 2, and batches is generator, expected epochs=1"):
        fresh.fit(epochs=2)
    assert fresh.step == 0
    assert len(fresh.fit(steps=2).losses) == 2
    with pytest.raises(TypeError, match=r"Trainer: validation is generator, expected data that each report can read"):
        run_of(net, IN_ORDER, validation=(batch for batch in IN_ORDER))


def test_an_endless_generator_ends_by_steps(net: Any) -> None:
    def endless() -> Iterator[Any]:
        while True:
            yield from IN_ORDER

    run = run_of(net, endless(), evaluate_every=4)
    assert len(run.fit(steps=10).losses) == 10
    assert [row["step"] for row in run.history.rows] == [4, 8, 10]
    np.testing.assert_array_equal(run.history.losses, run_of(net, IN_ORDER).fit(steps=10).losses)


@pytest.mark.parametrize("shape", [(N,), (N, 1), (N, 2)])
@pytest.mark.parametrize("ragged", [False, True])
def test_many_to_one_regression(net: Any, shape: tuple[int, ...], ragged: bool) -> None:
    """One answer for each sequence: a number (B,) or (B, 1), or K numbers (B, K)."""
    y = ONE_EACH[:, : 1 if shape != (N, 2) else 2].reshape(shape)
    layers = [net.GRULayer(8, return_sequences=False), net.Dense(2 if shape == (N, 2) else 1)]
    model = net.RNNModel(layers, net.MeanSquaredError(), input_size=D, dtype="float64", seed=1)
    data = ([x[:n] for x, n in zip(X, LENGTHS)], y) if ragged else (X, y, LENGTHS)
    run = net.Trainer(model, net.Adam(0.05), data, data, batch_size=4, progress=False)
    history = run.fit(epochs=5)
    assert history.rows[-1]["validation_loss"] < history.rows[0]["validation_loss"]
    found = run.predict(data)
    assert found.shape == (N, y.size // N)
    expected = ((found.reshape(shape) - y) ** 2).mean()
    assert history.rows[-1]["validation_loss"] == pytest.approx(expected, rel=1e-9)


OUTPUTS: dict[str, Callable[[Any], Any]] = {
    "x": lambda net: (X, None),
    "a tuple": lambda net: ((X, Y), None),
    "with lengths": lambda net: (X, LENGTHS),
    "a tuple with lengths": lambda net: ((X, Y, LENGTHS), None),
    "a tensor": lambda net: (torch.from_numpy(X), None),
}


@pytest.mark.parametrize("kind", OUTPUTS)
@pytest.mark.parametrize("size", [1, 3, 4, 11, 50])
def test_predictions_are_the_model_s_for_every_batch_size(net: Any, kind: str, size: int) -> None:
    run = run_of(net, IN_ORDER)
    data, lengths = OUTPUTS[kind](net)
    expected = run.model.predict(X, lengths=LENGTHS if "lengths" in kind else None)
    before = weights(run.model)
    found = run.predict(data, lengths, batch_size=size)
    assert isinstance(found, np.ndarray)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-14)
    assert_same(weights(run.model), before)
    if isinstance(data, tuple):
        full = run.evaluate((X, Y), batch_size=N)["loss"]
        assert run.evaluate((X, Y), batch_size=size)["loss"] == pytest.approx(full, rel=1e-12)


def test_predictions_of_sequences_are_one_array_for_each_in_order(net: Any) -> None:
    run = run_of(net, IN_ORDER)
    expected = [run.model.predict(X[k : k + 1, :n])[0] for k, n in enumerate(LENGTHS)]
    xs, ys = ([array[k, : LENGTHS[k]] for k in range(N)] for array in (X, Y))
    kinds = [xs, net.pack(xs), (xs, ys), net.SequenceBatches(xs, ys, 3), IN_ORDER, loader()]
    kinds += [net.SequenceBatches(xs, ys, 3, bucketed=False), [(net.pack(xs), net.pack(ys))]]
    for data in kinds:
        found = run.predict(data, batch_size=4) if data is xs or isinstance(data, tuple) else run.predict(data)
        assert [each.shape for each in found] == [each.shape for each in expected], type(data)
        for ours, theirs in zip(found, expected):
            np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-14)
    whole = run.predict([X[:4], X[4:]][0])
    assert whole.shape == (4, T, 4)
    unknown = run.predict([(X[:4], Y[:4]), (X[4:, :2], Y[4:, :2])])  # batches of other lengths, without lengths
    assert [len(each) for each in unknown] == [T] * 4 + [2] * 7
    alone = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.from_numpy(X)), batch_size=4)
    np.testing.assert_allclose(run.predict(alone), run.model.predict(X), rtol=0, atol=1e-14)


def test_predictions_of_a_text_carry_the_state(net: Any) -> None:
    tokens = RNG.integers(0, D, 41)
    run = run_of(net, IN_ORDER)
    found = run.predict(net.SequentialBatches(tokens, 2, 7, whole=True))
    np.testing.assert_allclose(found, run.model.predict(tokens[:40].reshape(2, 20)), rtol=0, atol=1e-14)


def test_predictions_of_a_tape(net: Any) -> None:
    tape = net.Tape(read=net.GRULayer(4), dense=net.Dense(4), loss=net.SoftmaxCrossEntropy(), dtype="float64")
    tape.objective = lambda x, y, lengths=None: tape.loss(tape.dense(tape.read(x, None, lengths)), y, lengths)
    tape.prediction = lambda x, lengths=None: tape.dense(tape.read(x, None, lengths))
    run = net.Trainer(tape, net.Adam(0.05), (X, Y, LENGTHS), progress=False)
    assert len(run.fit(epochs=1).losses) == 1
    np.testing.assert_allclose(run.predict(X, batch_size=3), tape.predict(X), rtol=0, atol=1e-14)
    tape.prediction = lambda x: (tape.read(x), tape.read(x))
    with pytest.raises(TypeError, match=r"Trainer.predict: the prediction is tuple, expected one array"):
        run.predict(X)


WRONG: list[tuple[Any, str]] = [
    (
        torch.utils.data.TensorDataset(torch.zeros(2, 3)),
        "batches is TensorDataset, .* A dataset .*Pass torch.utils.data.D",
    ),
    ((X,), r"batches is a tuple of 1, expected \(x, y\) or \(x, y, lengths\). Give x its targets"),
    ((X, Y, LENGTHS, X), r"batches is a tuple of 4"),
    (tuple(IN_ORDER), "batches is a tuple of batches, expected .* Pass a list of them"),
    ((X, None), "y of batches is None, expected an array"),
    ((X, Y[:-1]), "y of batches has 10 rows, expected 11, as x has"),
    ((X, Y, LENGTHS[:-1]), "lengths of batches has 10 rows, expected 11"),
    ((X, Y, LENGTHS + 5), r"lengths\[\d+\] is \d+, expected 0 to 5"),
    ((X[0, 0, 0], Y), r"x of batches is \(\), expected one row for each example"),
    ((X[:0], Y[:0]), r"x of batches is \(0, 5, 3\), expected one row for each example. Give more data"),
    (([X[0], X[1, :2]], Y[:2], LENGTHS[:2]), "x of batches is"),
    ((X.astype(complex), Y), "x of batches is complex"),
    ([X, Y], r"batches is list, expected arrays \(x, y\).* Arrays\? Pass a tuple"),
    ([], r"len\(batches\) is 0, expected at least one batch"),
    ({"x": X, "y": Y}, r"batches is dict, expected arrays"),
    ("data.csv", "batches is 'data.csv', expected arrays"),
    (numnet.Dense(2), "batches is Dense, expected arrays"),
    (len, "batches is builtin_function_or_method, expected arrays"),
    (X, "batches is <float64 array .*Arrays. Pass a tuple"),
]


@pytest.mark.parametrize(("data", "words"), WRONG, ids=[words for _, words in WRONG])
def test_wrong_data_is_refused_before_the_first_step(net: Any, data: Any, words: str) -> None:
    with pytest.raises((TypeError, ValueError), match=rf"^Trainer: {words}"):
        run_of(net, data)
    with pytest.raises((TypeError, ValueError), match=rf"^Trainer: {words.replace('batches', 'validation', 1)}"):
        run_of(net, IN_ORDER, validation=data)
    with pytest.raises((TypeError, ValueError), match=rf"^evaluate: {words}"):
        net.evaluate(tagger(net), data)


def test_options_that_would_be_ignored_are_refused(net: Any) -> None:
    for options in ({"batch_size": 4}, {"shuffle": True}, {"shuffle": False}, {"seed": 0}):
        name, value = next(iter(options.items()))
        with pytest.raises(ValueError, match=rf"^Trainer: {name} is {value}, expected None: it is for arrays \(x, y\)"):
            run_of(net, IN_ORDER, **options)
    assert run_of(net, IN_ORDER, validation=(X, Y), batch_size=4).validation.batch_size == 4
    assert run_of(net, (X, Y)).batches.batch_size == 32
    with pytest.raises(ValueError, match=r"^evaluate: batch_size is 3, expected None"):
        net.evaluate(tagger(net), IN_ORDER, batch_size=3)
    run = run_of(net, IN_ORDER)
    with pytest.raises(ValueError, match=r"^Trainer.predict: batch_size is 3, expected None"):
        run.predict(IN_ORDER, batch_size=3)
    with pytest.raises(TypeError, match=r"^Trainer.predict: lengths are given and data is list"):
        run.predict(IN_ORDER, LENGTHS)
    with pytest.raises(TypeError, match=r"^Trainer.predict: lengths are given and data is a tuple with lengths"):
        run.predict((X, Y, LENGTHS), LENGTHS)
    with pytest.raises(ValueError, match=r"^Trainer.evaluate: data is None, and there is no validation data"):
        run.evaluate()
    assert run_of(net, IN_ORDER, validation=IN_ORDER).evaluate()["loss"] > 0


def test_a_function_that_returns_no_batches_is_named(net: Any) -> None:
    for returned, got in ((None, "None"), (3, "3"), ([X, Y], "list")):
        with pytest.raises(TypeError, match=rf"^Trainer: batches\(\) is {got}, expected arrays"):
            run_of(net, lambda returned=returned: returned).fit(steps=1)


def test_models_that_predict_in_another_way_are_answered(net: Any) -> None:
    layers = [net.GRULayer(4, batch_first=False), net.Dense(4)]
    model = net.RNNModel(layers, net.SoftmaxCrossEntropy(), input_size=D)
    with pytest.raises(ValueError, match=r"^Trainer: batches is arrays, and the model has batch_first=False"):
        net.Trainer(model, net.SGD(0.1), (X, Y))
    run = net.Trainer(model, net.SGD(0.1), [(X.swapaxes(0, 1), Y.T)], progress=False)
    assert len(run.fit(steps=1).losses) == 1
    with pytest.raises(ValueError, match=r"^Trainer.predict: the model has batch_first=False, expected True"):
        run.predict(X)
    embed = [net.Embedding(9, 4), net.GRULayer(3)]
    model = net.EncoderDecoder(embed, [net.Embedding(9, 4), net.GRULayer(3)], [net.Dense(9)], None)
    model.loss = net.SoftmaxCrossEntropy()
    run = net.Trainer(model, net.SGD(0.1), (Y, Y, LENGTHS), batch_size=4, progress=False)
    assert len(run.fit(epochs=1).losses) == 3
    with pytest.raises(TypeError, match=r"^Trainer.predict: model is EncoderDecoder.* Use greedy\(model, x\)"):
        run.predict(Y)


def test_a_loader_that_shuffles_trains(net: Any) -> None:
    run = run_of(net, loader(seed=3))
    assert len(run.fit(epochs=2).losses) == 6
    assert run.evaluate_every == 3
