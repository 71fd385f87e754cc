"""Metrics are those of all targets that count, whatever the batches; the best model and the end follow them."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import numnet
from numnet.core.arrays import to_numpy
from numnet.training.watching import METRICS

N, T, D, V = 13, 6, 3, 4
RNG = np.random.default_rng(8)
X = RNG.standard_normal((N, T, D))
LENGTHS = RNG.integers(1, T + 1, N)
CLASSES = np.where(RNG.random((N, T)) < 0.2, -1, RNG.integers(0, V, (N, T)))  # -1: ignored
REAL = (np.arange(T) < LENGTHS[:, None]) & (CLASSES >= 0)
NUMBERS = 100 + RNG.standard_normal((N, T, 2))
NAMES = ["a", "b", "c", "d"]


def tagger(net: Any) -> Any:
    loss = net.SoftmaxCrossEntropy(ignore_index=-1)
    return net.RNNModel([net.GRULayer(4), net.Dense(V)], loss, input_size=D, dtype="float64", seed=1)


def forecaster(net: Any, outputs: int = 2, **options: Any) -> Any:
    layers = [net.GRULayer(4, **options), net.Dense(outputs)]
    return net.RNNModel(layers, net.MeanSquaredError(), input_size=D, dtype="float64", seed=1)


def run_of(net: Any, model: Any, *data: Any, size: int = 5, **options: Any) -> Any:
    options = {"batch_size": size, "validation": data, "progress": False, **options}
    return net.Trainer(model, net.SGD(1e-30), data, **options)


def scores_by_hand(p: Any, t: Any) -> dict[str, Any]:
    """Of predicted and true classes: every score, class by class in plain Python."""
    each: dict[int, Any] = {}
    for k in range(V):
        hits, predicted, true = (int(z.sum()) for z in ((p == k) & (t == k), p == k, t == k))
        precision, recall = hits / max(predicted, 1), hits / max(true, 1)
        f1 = 2 * precision * recall / (precision + recall) if hits else 0.0
        each[k] = precision, recall, f1, predicted + true > 0, true
    found: dict[str, Any] = {"accuracy": float((p == t).mean())}
    for j, name in enumerate(("precision", "recall", "f1")):
        of_class = [each[k][j] for k in range(V)]
        occur, weights = [each[k][3] for k in range(V)], [each[k][4] for k in range(V)]
        found[name] = float(np.mean([s for s, known in zip(of_class, occur) if known]))
        found[f"weighted_{name}"] = float(np.average(of_class, weights=weights))
        found[f"micro_{name}"] = found["accuracy"]
        found |= {f"each_{name}_{NAMES[k]}": s if occur[k] else None for k, s in enumerate(of_class)}
    return found


@pytest.mark.parametrize("size", [1, 4, N])
def test_metrics_of_classes_are_those_of_all_targets(net: Any, size: int) -> None:
    """Padding and ignored targets count for nothing, and a batch with few targets counts as much as its targets."""
    scores = {"precision": net.Precision, "recall": net.Recall, "f1": net.F1}
    metrics: dict[str, Any] = {"accuracy": "accuracy", "perplexity": "perplexity", **{name: name for name in scores}}
    metrics |= {f"{how}_{name}": kind(how) for name, kind in scores.items() for how in ("weighted", "micro")}
    metrics |= {f"each_{name}": kind(None, NAMES) for name, kind in scores.items()}
    run = run_of(net, tagger(net), X, CLASSES, LENGTHS, size=size, metrics=metrics, shuffle=False)
    logits = run.model.predict(X, lengths=LENGTHS)
    found = run.evaluate()
    p, t = logits.argmax(axis=-1)[REAL], CLASSES[REAL]
    expected = {**scores_by_hand(p, t), "loss": run.model.evaluate(X, CLASSES, lengths=LENGTHS)}
    expected["perplexity"] = np.exp(expected["loss"])
    assert set(found) == set(expected)
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=1e-12), name
    row = run.fit(epochs=1).rows[-1] if size > 1 else {}
    for name in metrics if size > 1 else ():
        for column in (c for c in row if c.startswith(f"validation_{name}")):
            assert row[column] == pytest.approx(expected[column.removeprefix("validation_")], rel=1e-9)
            assert row[column.replace("validation", "train")] == pytest.approx(row[column], rel=1e-9), column


def test_classes_as_weights_count_by_the_largest(net: Any) -> None:
    model, weights = tagger(net), np.eye(V)[np.maximum(CLASSES, 0)] * 0.9 + 0.025
    run = run_of(net, model, X, weights, metrics=["accuracy", "perplexity"])
    found, logits = run.evaluate(), model.predict(X)
    assert found["accuracy"] == pytest.approx((logits.argmax(-1) == np.maximum(CLASSES, 0)).mean(), rel=1e-12)
    assert found["perplexity"] == pytest.approx(np.exp(found["loss"]), rel=1e-12)


def test_classes_may_have_an_axis_of_1(net: Any) -> None:
    model = tagger(net)
    runs = [run_of(net, model, X, y, LENGTHS, metrics=["accuracy", "f1"]) for y in (CLASSES, CLASSES[..., None])]
    assert runs[0].evaluate() == runs[1].evaluate()


@pytest.mark.parametrize("K", [1, 3])
def test_metrics_of_labels(net: Any, K: int) -> None:
    model, labels = forecaster(net, K), (RNG.random((N, T, K)) < 0.4).astype(float)
    model.loss = net.BinaryCrossEntropy()
    run = run_of(net, model, X, labels, LENGTHS, metrics={"a": "accuracy", "f": net.F1(None), "m": net.Recall("micro")})
    real = np.arange(T) < LENGTHS[:, None]
    p, t = model.predict(X, lengths=LENGTHS)[real] > 0, labels[real] > 0.5
    found = run.evaluate()
    assert found["a"] == pytest.approx((p == t).mean(), rel=1e-12)
    assert found["m"] == pytest.approx((p & t).sum() / t.sum(), rel=1e-12)
    for k in range(K):
        hits = 2 * (p & t)[:, k].sum()
        assert found[f"f_{k}"] == pytest.approx(hits / max(p[:, k].sum() + t[:, k].sum(), 1), rel=1e-12)


def r2_by_hand(p: Any, t: Any) -> float:
    """The mean over the columns, from all numbers at once."""
    each = 1 - ((p - t) ** 2).sum(axis=0) / ((t - t.mean(axis=0)) ** 2).sum(axis=0)
    return float(each.mean())


@pytest.mark.parametrize("size", [1, 4, N])
def test_metrics_of_numbers(net: Any, size: int) -> None:
    """The targets are near 100: a difference of sums of squares would have few right digits."""
    run = run_of(net, forecaster(net), X, NUMBERS, LENGTHS, size=size, metrics=["r2", "mae"])
    real = np.arange(T) < LENGTHS[:, None]
    p, t = run.model.predict(X, lengths=LENGTHS)[real], NUMBERS[real]
    found = run.evaluate()
    assert found["r2"] == pytest.approx(r2_by_hand(p, t), rel=1e-12)
    assert found["mae"] == pytest.approx(np.abs(p - t).mean(), rel=1e-12)
    row = run.fit(epochs=1).rows[-1]
    assert row["train_r2"] == pytest.approx(row["validation_r2"], rel=1e-9)


@pytest.mark.parametrize("shape", [(N,), (N, 1), (N, 2)])
def test_metrics_of_one_answer_for_each_sequence(net: Any, shape: tuple[int, ...]) -> None:
    K = 2 if shape == (N, 2) else 1
    y = NUMBERS[:, 0, :K].reshape(shape)
    run = run_of(net, forecaster(net, K, return_sequences=False), X, y, LENGTHS, metrics=["r2", "mae"])
    p, found = run.predict(X, LENGTHS), run.evaluate()
    assert found["r2"] == pytest.approx(r2_by_hand(p, y.reshape(N, K)), rel=1e-12)
    assert found["mae"] == pytest.approx(np.abs(p - y.reshape(N, K)).mean(), rel=1e-12)


@pytest.mark.parametrize("y", [NUMBERS[..., 0], NUMBERS[:, :1, 0]], ids=["steps", "one step"])
def test_a_function_sees_the_quantiles_of_each_target(net: Any, y: Any) -> None:
    """How many targets are below the upper of two quantiles, of those that count."""
    model, lengths = forecaster(net), np.minimum(LENGTHS, y.shape[1])
    model.loss = net.QuantileLoss([0.1, 0.9])

    def below(predictions: Any, targets: Any, mask: Any) -> float:
        return float((targets <= predictions[..., 1])[mask].mean())

    found = run_of(net, model, X[:, : y.shape[1]], y, lengths, size=3, metrics=[below]).evaluate()["below"]
    real = np.arange(y.shape[1]) < lengths[:, None]
    assert found == (y <= model.predict(X[:, : y.shape[1]], lengths=lengths)[..., 1])[real].mean()
    with pytest.raises(ValueError, match=r"MAE: the prediction is \(5, .*, 2\), expected \(5"):
        run_of(net, model, X[:, : y.shape[1]], y, lengths, metrics=["mae"]).evaluate()


def test_r2_of_equal_targets_is_1_or_0() -> None:
    for p, expected in ((np.zeros((3, 1)), 1.0), (np.ones((3, 1)), 0.0)):
        metric = numnet.R2()
        metric.add(p, np.zeros((3, 1)), np.ones((3, 1), bool))
        assert metric.value() == expected


@pytest.mark.parametrize("size", [1, 4, N])
def test_a_function_gets_all_predictions_at_once(net: Any, size: int) -> None:
    """The fraction of sequences of which every tag is right: no mean over batches, or steps, is this number."""
    seen = []

    def whole(predictions: Any, targets: Any, mask: Any) -> Any:
        seen.append((predictions, targets, mask))
        return ((predictions.argmax(-1) == targets) | ~mask).all(axis=1).mean()

    xs, ys = ([array[k, :n] for k, n in enumerate(LENGTHS)] for array in (X, CLASSES))
    run = net.Trainer(tagger(net), net.SGD(1e-30), (xs, ys), (xs, ys), metrics=[whole], batch_size=size, progress=False)
    longest = LENGTHS.max()
    expected = run.model.predict(X, lengths=LENGTHS)[:, :longest]
    found = run.evaluate()["whole"]
    (p, t, mask), *_ = seen
    np.testing.assert_allclose(p[mask], expected[REAL[:, :longest]], rtol=1e-12)
    np.testing.assert_array_equal(mask, REAL[:, :longest])
    np.testing.assert_array_equal(t[mask], CLASSES[:, :longest][mask])
    assert found == ((expected.argmax(-1) == CLASSES[:, :longest]) | ~mask).all(axis=1).mean()
    row = run.fit(epochs=1).rows[-1]
    assert row["validation_whole"] == pytest.approx(found)
    assert "train_whole" not in row


def test_a_metric_of_ones_own(net: Any) -> None:
    class Largest(net.Metric):
        name, higher_is_better = "largest", True

        def add(self, prediction: Any, target: Any, counted: Any) -> None:
            self.sums["largest"] = max(self.sums.get("largest", -np.inf), prediction[counted].max())

        def value(self) -> Any:
            return self.sums.get("largest")

    run = run_of(net, tagger(net), X, CLASSES, LENGTHS, metrics=[Largest()])
    assert run.evaluate()["largest"] == run.model.predict(X, lengths=LENGTHS)[REAL].max()
    with pytest.raises(NotImplementedError, match=r"Metric: there is no add, expected add\(prediction, target"):
        run_of(net, tagger(net), X, CLASSES, LENGTHS, metrics=[net.Metric()]).evaluate()


def test_metrics_of_a_tape_and_of_an_encoder_decoder(net: Any) -> None:
    tape = net.Tape(read=net.GRULayer(4), dense=net.Dense(V), loss=net.SoftmaxCrossEntropy(-1), dtype="float64")
    tape.objective = lambda x, y, lengths: tape.loss(tape.dense(tape.read(x, None, lengths)), y, lengths)
    tape.prediction = lambda x, lengths: tape.dense(tape.read(x, None, lengths))
    found = run_of(net, tape, X, CLASSES, LENGTHS, metrics="accuracy").evaluate()
    right = tape.predict(X, lengths=LENGTHS).argmax(-1) == CLASSES
    assert found["accuracy"] == pytest.approx(right[REAL].mean(), rel=1e-12)
    source, target = np.maximum(CLASSES, 0), np.where(np.arange(T) < LENGTHS[:, None], np.maximum(CLASSES, 0), -1)
    layers = [net.Embedding(V, 3), net.GRULayer(4)], [net.Embedding(V, 3), net.GRULayer(4)], [net.Dense(V)]
    model = net.EncoderDecoder(*layers, None, net.SoftmaxCrossEntropy(), dtype="float64", seed=1)
    found = run_of(net, model, source, target, metrics=["accuracy", "perplexity"]).evaluate()
    right = model.predict(source, target).argmax(-1) == target
    assert found["accuracy"] == pytest.approx(right[target >= 0].mean(), rel=1e-12)
    assert found["perplexity"] == pytest.approx(np.exp(found["loss"]), rel=1e-12)


def test_metrics_of_packed_batches_and_tensors(net: Any) -> None:
    plain = run_of(net, tagger(net), X, CLASSES, LENGTHS, metrics="accuracy").evaluate()
    xs, ys = ([array[k, :n] for k, n in enumerate(LENGTHS)] for array in (X, CLASSES))
    run = run_of(net, tagger(net), X, CLASSES, LENGTHS, metrics="accuracy")
    assert run.evaluate([(net.pack(xs), net.pack(ys))]) == pytest.approx(plain, rel=1e-12)
    tensors = tuple(map(torch.from_numpy, (X, CLASSES, LENGTHS)))
    assert run.evaluate(tensors) == pytest.approx(plain, rel=1e-12)


def test_metrics_change_no_run(net: Any) -> None:
    def run(**options: Any) -> Any:
        model = net.RNNModel(
            [net.GRULayer(4), net.Dropout(0.3), net.Dense(V)], net.SoftmaxCrossEntropy(-1), input_size=D, seed=1
        )
        trainer = net.Trainer(model, net.Adam(0.1), (X, CLASSES, LENGTHS), (X, CLASSES), progress=False, **options)
        trainer.fit(epochs=3)
        return {name: to_numpy(p) for name, p in model.params.items()}

    plain = run()
    watched = run(metrics=["accuracy", "f1", lambda_of("own")], evaluate_every=1)
    for name, value in plain.items():
        np.testing.assert_array_equal(watched[name], value)
    model = tagger(net)
    run_of(net, model, X, CLASSES, LENGTHS, metrics="accuracy").evaluate()
    assert "forward" not in vars(model.loss)


def lambda_of(name: str) -> Any:
    def function(predictions: Any, targets: Any, mask: Any) -> float:
        return float(mask.sum())

    function.__name__ = name
    return function


def test_a_resumed_run_has_the_metrics_of_all_steps_of_a_report(net: Any, tmp_path: Path) -> None:
    def start(**options: Any) -> Any:
        data = X, CLASSES, LENGTHS
        options = {"metrics": ["accuracy", "f1"], "batch_size": 2, "progress": False, **options}
        return net.Trainer(tagger(net), net.Adam(0.1), data, data, **options)

    whole, first = start(), start(directory=tmp_path, callbacks=[net.Callback(on_step=stop_at(net, 10))])
    whole.fit(epochs=2)
    first.fit(epochs=2)
    assert first.step == 10
    first.save("last.npz")
    rest = start()
    rest.resume(net.load_checkpoint(tmp_path / "last.npz"))
    rest.history.rows = [row for row in rest.history.rows if row["step"] != 10]
    rest.fit(epochs=2)
    for name in ("train_accuracy", "train_f1", "train_loss", "validation_accuracy"):
        assert rest.history.rows[-1][name] == pytest.approx(whole.history.rows[-1][name], rel=1e-12), name


def stop_at(net: Any, step: int) -> Any:
    def stop(trainer: Any) -> None:
        if trainer.step == step:
            raise net.StopTraining

    return stop


def scripted(values: list[float]) -> Any:
    """A function that returns these values, one for each report."""
    left = iter(values)

    def score(predictions: Any, targets: Any, mask: Any) -> float:
        return next(left)

    return score


@pytest.mark.parametrize(("mode", "best", "steps"), [("max", 0.7, 4), ("min", 0.1, 5)])
def test_the_run_follows_what_it_monitors(net: Any, mode: str, best: float, steps: int, tmp_path: Path) -> None:
    values = [0.3, 0.7, 0.1, 0.2, 0.2, 0.9]
    options: Any = {
        "metrics": [scripted(values)],
        "monitor": "val_score",
        "mode": mode,
        "patience": 2,
        "evaluate_every": 1,
    }
    run = run_of(net, tagger(net), X, CLASSES, LENGTHS, directory=tmp_path, **options)
    run.fit(steps=99)
    assert (run.step, run.best) == (steps, best)
    assert net.load_checkpoint(tmp_path / "best.npz").training["step"] == 1 + values.index(best)
    with open(tmp_path / "history.csv", encoding="utf-8") as file:
        assert [float(row["validation_score"]) for row in csv.DictReader(file)] == values[:steps]
    again = run_of(net, tagger(net), X, CLASSES, LENGTHS, metrics="accuracy", monitor="val_accuracy")
    with pytest.raises(net.CheckpointError, match=rf"monitor is .*accuracy max, expected validation_score {mode}"):
        again.resume(net.load_checkpoint(tmp_path / "last.npz"))


@pytest.mark.parametrize(
    ("monitor", "column", "mode"),
    [
        (None, "validation_loss", "min"),
        ("val_loss", "validation_loss", "min"),
        ("loss", "train_loss", "min"),
        ("validation_accuracy", "validation_accuracy", "max"),
        ("val_accuracy", "validation_accuracy", "max"),
        ("accuracy", "train_accuracy", "max"),
        ("val_perplexity", "validation_perplexity", "min"),
    ],
)
def test_a_monitor_is_named_as_the_column_or_as_in_keras(net: Any, monitor: str, column: str, mode: str) -> None:
    run = run_of(net, tagger(net), X, CLASSES, metrics=["accuracy", "perplexity"], monitor=monitor)
    assert tuple(run.monitored) == (column, mode)


def test_a_run_without_validation_can_follow_its_steps(net: Any) -> None:
    options = {"validation": None, "metrics": "accuracy", "monitor": "accuracy", "patience": 2, "evaluate_every": 1}
    run = run_of(net, tagger(net), X, CLASSES, LENGTHS, size=N, **options)
    run.fit(steps=99)
    assert run.step == 3  # nothing gets better


def accuracy(*_: Any) -> float:
    return 1.0


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"metrics": ["acuracy"]}, "metrics has 'acuracy', expected one of 'accuracy', 'precision'"),
    ({"metrics": [numnet.Accuracy]}, r"metrics has the class Accuracy, expected an object: Accuracy\(\)"),
    ({"metrics": 3}, "metrics has 3, expected a name such as 'accuracy', a Metric, or a function"),
    ({"metrics": [None]}, "metrics has None, expected a name"),
    ({"metrics": [numnet.SoftmaxCrossEntropy()]}, "metrics has SoftmaxCrossEntropy, expected a name"),
    ({"metrics": {3: "accuracy"}}, "metrics is {3: 'accuracy'}, expected strings as names"),
    ({"metrics": ["accuracy", "accuracy"]}, "metrics has accuracy more than once"),
    ({"metrics": [accuracy, "accuracy"]}, "metrics has accuracy more than once"),
    ({"metrics": {"loss": "accuracy"}}, "metrics has the name 'loss', the column of the loss itself"),
    ({"metrics": [lambda p, t, m: 1]}, "metrics has a lambda, which has no name"),
    ({"metrics": [accuracy], "validation": None}, "metrics has the function accuracy, and there is no validation"),
    ({"metrics": ["r2"]}, "metrics has r2, and the loss is SoftmaxCrossEntropy, expected a loss of numbers"),
    ({"metrics": ["mae"]}, "metrics has mae, .* For classes use 'accuracy'"),
    ({"monitor": "val_accuracy"}, "monitor is 'val_accuracy', expected one of 'train_loss', 'validation_loss'"),
    ({"monitor": "val_loss", "validation": None}, "monitor is 'val_loss', expected .* Pass validation="),
    ({"metrics": [accuracy], "monitor": "val_accuracy"}, "monitor is 'validation_accuracy', and mode is None"),
    ({"mode": "largest"}, "monitor is 'validation_loss', and mode is 'largest', expected mode='min' or"),
    ({"patience": 3, "validation": None}, "patience is 3, and there is no validation data, expected validation="),
]


@pytest.mark.parametrize(("options", "words"), REFUSED, ids=[words for _, words in REFUSED])
def test_a_wrong_metric_is_refused_before_the_first_step(net: Any, options: dict[str, Any], words: str) -> None:
    with pytest.raises((ValueError, TypeError), match=f"^Trainer: {words}"):
        run_of(net, tagger(net), X, CLASSES, **options)


def test_metrics_of_another_kind_of_loss_are_refused(net: Any) -> None:
    for name in ("accuracy", "f1", "perplexity"):
        with pytest.raises(ValueError, match=rf"metrics has {name}, and the loss is MeanS.*For numbers use 'mae'"):
            run_of(net, forecaster(net), X, NUMBERS, metrics=[name])
    model = forecaster(net)
    model.loss = net.BinaryCrossEntropy()
    with pytest.raises(ValueError, match=r"metrics has perplexity, and the loss is BinaryCross.*For labels"):
        run_of(net, model, X, NUMBERS, metrics=["perplexity"])
    with pytest.raises(ValueError, match="F1: names has 2 entries, expected 4, one for each class"):
        run_of(net, tagger(net), X, CLASSES, metrics=[net.F1(None, ["a", "b"])]).evaluate()
    with pytest.raises(ValueError, match="F1: average is 'mean', expected one of 'macro', 'micro'"):
        net.F1("mean")
    with pytest.raises(TypeError, match="Trainer: the metric own is None, expected a number"):
        run_of(net, tagger(net), X, CLASSES, metrics={"own": lambda p, t, m: None}).evaluate()


def test_a_confusion_matrix_is_drawn(net: Any) -> None:
    pytest.importorskip("matplotlib")
    true, predicted = np.array([0, 0, 1, 2, 2, 2]), np.array([0, 1, 1, 2, 2, 0])
    axes = net.plot_confusion(true, predicted, ["a", "b", "c"]).axes[0]
    cells = {(text.get_position()[1], text.get_position()[0]): text.get_text() for text in axes.texts}
    assert cells == {(0, 0): "50", (0, 1): "50", (1, 1): "100", (2, 2): "67", (2, 0): "33"}
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a  2", "b  1", "c  3"]
    assert axes.get_title() == "66.7% of 6 are correct; each row in %"
    assert net.plot_confusion(torch.tensor(true), predicted, axes=axes) is axes.figure


@pytest.mark.parametrize(
    ("true", "predicted", "classes", "words"),
    [
        ([0.5], [1], None, r"true is \(1,\) of float64, expected whole numbers \(N,\)"),
        ([1], np.zeros((1, 3)), None, r"predicted is \(1, 3\) of float64, .*Logits\? Pass their argmax"),
        ([0, 1], [1], None, "predicted has 1 entries, expected 2"),
        ([0, -1], [1, 1], None, "a class is -1, expected 0 or more"),
        ([0, 1], [1, 3], ["a", "b"], "a class is 3, expected 0 to 1, as there are 2 classes"),
    ],
)
def test_a_wrong_confusion_is_refused(net: Any, true: Any, predicted: Any, classes: Any, words: str) -> None:
    with pytest.raises(ValueError, match=f"^plot_confusion: {words}"):
        net.plot_confusion(true, predicted, classes)


def test_the_strings_are_the_public_classes(net: Any) -> None:
    assert [getattr(net, kind.__name__) for kind in METRICS.values()] == list(METRICS.values())
