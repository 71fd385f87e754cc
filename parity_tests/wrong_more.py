"""The good calls of the table of wrong values, third part: parts inside of parts, the Tape, and base classes."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import numnet
from parity_tests.wrong_parts import IDS, Call, X, model_of

FOLDER = Path(tempfile.mkdtemp(prefix="wrong"))
# Public names without a case: records and exceptions, which check nothing, constants, and a part that needs an extra.
RECORDS = """Trace DecodedSequence Checkpoint Extract GeneratedSeries Inference Sentence Source TaggedSentence Vectors
    CheckpointError FetchError TextError TrainingDiverged StopTraining TensorBoard OPTIMIZERS SOURCES BEGIN END SHIFT
    REDUCE SKIP ParseBatch EncodedParse check data default_text""".split()  # noqa: SIM905


def tape_of(net: Any) -> Any:
    """A tape with an objective and a prediction, built."""
    tape = net.Tape(embed=net.Embedding(5, 4), dense=net.Dense(2), loss=net.SoftmaxCrossEntropy())
    tape.objective = lambda x, target: tape.loss(tape.dense(tape.embed(x)), target)
    tape.prediction = lambda x: tape.dense(tape.embed(x))
    tape.evaluate(IDS, IDS % 2)
    return tape


def on_tape(method: str, /, **arguments: Any) -> Callable[[Any], Call]:
    """A case: the method of a tape."""

    def case(net: Any) -> Call:
        tape = tape_of(net)
        return Call(getattr(tape, method), dict(arguments), tape)

    return case


def backward_of_a_model(net: Any) -> Call:
    """The backward pass of a model after its forward pass."""
    model = model_of(net)
    model(IDS)
    return Call(model.backward, {"dy": np.ones((2, 3, 2), np.float32), "d_last_state": None}, model)


def backward_of_a_tape(net: Any) -> Call:
    """The backward pass of a value."""
    tape = tape_of(net)
    return Call(tape.backward, {"value": tape.prediction(IDS), "dy": np.ones((2, 3, 2), np.float32)}, tape)


def translator_of(net: Any, **parts: Any) -> Any:
    """Construct an encoder-decoder."""
    given = {"encoder": [net.Embedding(5, 4), net.GRULayer(3)], "decoder": [net.Embedding(5, 4), net.GRULayer(3)]}
    return net.EncoderDecoder(**{**given, "output": [net.Dense(5)], **parts})


def of_a_base(net: Any, name: str) -> Call:
    """The constructor of a base class of layers."""
    return Call(getattr(net, name), {"input_size": None, "seed": 1, "dtype": "float32"})


def of_a_translator(net: Any) -> Call:
    """The constructor of an encoder-decoder."""
    loss, attention = net.SoftmaxCrossEntropy(), net.Attention("dot")
    options = {"attention": attention, "loss": loss, "input_size": 5, "target_size": 5, "teacher_forcing": 1.0}
    given = {"encoder": [net.Embedding(5, 4), net.GRULayer(3)], "decoder": [net.Embedding(5, 4), net.GRULayer(3)]}
    arguments = {**given, "output": [net.Dense(5)], **options, "begin": 1, "end": 2, "seed": 1, "dtype": "float32"}
    return Call(lambda **parts: translator_of(net, **parts), {**arguments, "device": "cpu"})


def of_a_spinn(net: Any) -> Call:
    """The constructor of a SPINN."""
    given = {"leaf": [net.Embedding(5, 4), net.Dense(6)], "reduce": net.TreeLSTMNode(3), "tracker": net.Tracker(2)}
    options = {"drive": "own", "teacher_forcing": 0.5, "transition_weight": 1.0, "return_nodes": False}
    arguments = {**given, **options, "input_size": 5, "seed": 1, "dtype": "float32", "device": "cpu"}

    def make(**parts: Any) -> Any:
        fresh = [net.Embedding(5, 4), net.Dense(6)], net.TreeLSTMNode(3), net.Tracker(2)
        return net.SPINN(**{**dict(zip(("leaf", "reduce", "tracker"), fresh)), **parts})

    return Call(make, arguments)


def of_a_classifier(net: Any, kind: str, method: str, **arguments: Any) -> Call:
    """The constructor of a classifier of sentences, or a method."""
    parts = {
        "encoder": [net.Embedding(5, 4), net.Pooling()],
        "output": [net.Dense(4)],
        "loss": net.SoftmaxCrossEntropy(),
    }
    if not method:
        return Call(getattr(net, kind), {**parts, "input_size": 5, "seed": 1, "dtype": "float32", "device": "cpu"})
    model = getattr(net, kind)(**parts)
    if "target" in arguments and kind == "TreeClassifier":
        arguments["target"] = IDS[:, 0]
    return Call(getattr(model, method), arguments, model)


def file(name: str, text: str) -> str:
    """The path of a small file with this text."""
    (FOLDER / name).write_text(text, encoding="utf-8")
    return str(FOLDER / name)


def cached() -> dict[str, Any]:
    """A cache with one data set, and its list of sources."""
    file("a.txt", "a text")
    return {"cache": str(FOLDER), "sources": {"a": numnet.data.Source("a.txt", "https://example.org/a.txt", "", "")}}


def classes() -> str:
    """A folder of classes."""
    (FOLDER / "classes").mkdir(exist_ok=True)
    file("classes/one.txt", "a\n")
    return str(FOLDER / "classes")


def trace_of(part: Any, x: Any) -> Call:
    """The trace of a part."""
    return Call(part.trace, {"x": x, "state": None, "lengths": None, "resets": None}, part)


def records_of(net: Any, reader: str, path: str) -> Call:
    """A reader, read to its end."""
    return Call(lambda path: list(getattr(net.data, reader)(path)), {"path": path})


def series_of(net: Any) -> Any:
    """A series of 40 steps."""
    return net.TimeSeries(np.arange(40.0), np.arange(44.0))


def one_step(net: Any) -> Any:
    """A model that forecasts the next step of X."""
    model = net.RNNModel([net.GRULayer(3), net.Dense(3)])
    model.predict(X)
    return model


def windows_of(net: Any) -> Any:
    """Windows over the test part of a series."""
    return net.WindowBatches(series_of(net), "test", 4, 2)


PAIR = {"gold_label": "neutral", "sentence1_binary_parse": "( a b )", "sentence2_binary_parse": "( a c )"}
MORE: dict[str, Callable[[Any], Call]] = {
    "Tape": lambda net: Call(net.Tape, {"seed": 1, "dtype": "float32", "device": "cpu", "dense": net.Dense(2)}),
    "Tape.backward": backward_of_a_tape,
    "Tape.loss_and_grads": on_tape("loss_and_grads", x=IDS, target=IDS % 2),
    "Tape.evaluate": on_tape("evaluate", x=IDS, target=IDS % 2),
    "Tape.predict": on_tape("predict", x=IDS),
    "Tape.parameter": on_tape("parameter", name="dense.W"),
    "Tape.detach": on_tape("detach", state=None),
    "EncoderDecoder": of_a_translator,
    "SPINN": of_a_spinn,
    **{
        f"{kind}{end}": partial(of_a_classifier, kind=kind, method=method, **arguments)
        for kind in ("PairClassifier", "TreeClassifier")
        for end, method, arguments in (
            ("", "", {}),
            (".forward", "forward", {"x": IDS, "lengths": [3, 2], "transitions": None}),
            (".predict", "predict", {"x": IDS, "state": None, "lengths": [3, 2]}),
            (".loss_and_grads", "loss_and_grads", {"x": IDS, "target": IDS[0, :1], "mask": None, "lengths": [3, 2]}),
            (".evaluate", "evaluate", {"x": IDS, "target": IDS[0, :1], "mask": None, "lengths": [3, 2]}),
        )
    },
    "RNNModel.backward": backward_of_a_model,
    "RNNModel.requires_grad_": lambda net: (lambda model: Call(model.requires_grad_, {"requires_grad": True}, model))(
        model_of(net)
    ),
    "RecurrentLayer": lambda net: Call(net.RecurrentLayer, {"node": net.GRUNode(3, input_size=4), "output_size": 2}),
    "RecurrentStack": lambda net: Call(
        net.RecurrentStack, {"layers": [net.GRULayer(3), net.GRULayer(2)], "dropout": 0.1}
    ),
    "Bidirectional": lambda net: Call(net.Bidirectional, {"layer": net.GRULayer(3, input_size=4), "merge": "sum"}),
    "Concat": lambda net: Call(
        net.Concat, {"layers": [net.Dense(2), net.Tanh()], "widths": [1, 3], "batch_first": True}
    ),
    "Attention.forward": lambda net: Call(net.Attention("dot"), {"q": X, "m": X, "lengths": None}),
    "LSTMLayer.trace": lambda net: trace_of(net.LSTMLayer(3, input_size=4), X),
    "Bidirectional.trace": lambda net: trace_of(net.Bidirectional(net.GRULayer(3, input_size=4)), X),
    "RNNModel.trace": lambda net: trace_of(model_of(net), IDS),
    "find_learning_rate": lambda net: Call(
        net.find_learning_rate,
        {"model": model_of(net), "optimizer": net.SGD(0.1), "batches": [(IDS, IDS % 2)]}
        | {"smallest": 1e-3, "largest": 1.0, "steps": 3, "window": 3}
        | dict.fromkeys(("batch_size", "shuffle", "seed")),
    ),
    "plot_gates": lambda net: Call(
        net.plot_gates,
        {"trace": net.LSTMLayer(3, input_size=4).trace(X), "tokens": None, "names": ["f"], "row": 0},
    ),
    "gradient_norms": lambda net: Call(
        net.gradient_norms,
        {"model": model_of(net), "x": IDS, "target": IDS % 2} | dict.fromkeys(("state", "mask", "lengths", "resets")),
    ),
    "manual_seed": lambda net: Call(net.manual_seed, {"seed": 0}),
    "Node": lambda net: Call(net.Node, {"hidden_size": 3, "initial": "pytorch", "seed": 1, "dtype": "float32"}),
    "Operation": lambda net: Call(net.Operation, {}),
    "Schedule": lambda net: Call(net.Schedule, {}),
    "ReduceOnPlateau.observe": lambda net: Call(net.ReduceOnPlateau(0.1).observe, {"value": 1.5}),
    **{name: partial(of_a_base, name=name) for name in ("ParamOperation", "Layer")},
    "fetch": lambda net: Call(net.data.fetch, {"name": "a", "offline": True, "progress": False, **cached()}),
    "TimeSeries": lambda net: Call(
        net.TimeSeries,
        {
            **{"values": np.arange(40.0), "covariates": np.arange(40.0), "target": 0, "validation": 0.2, "test": 9},
            **{"scaling": "minmax", "missing": "refuse"},
        },
    ),
    "TimeSeries.part": lambda net: Call(series_of(net).part, {"name": "train"}),
    "TimeSeries.scale": lambda net: Call(series_of(net).scale, {"values": np.ones(3), "series": 0}),
    "TimeSeries.unscale": lambda net: Call(series_of(net).unscale, {"values": np.ones(3), "series": 0}),
    "TimeSeries.naive_error": lambda net: Call(series_of(net).naive_error, {"period": 3}),
    "WindowBatches": lambda net: Call(
        net.WindowBatches,
        {
            **{"series": series_of(net), "part": "train", "length": 4, "horizon": 2, "stride": 1, "batch_size": 8},
            **{"seed": 0, "shuffle": None, "ahead": 1, "center": 2},
        },
    ),
    "WindowBatches.epoch": lambda net: Call(lambda number: list(windows_of(net).epoch(number)), {"number": 0}),
    "WindowBatches.unscale": lambda net: Call(windows_of(net).unscale, {"forecast": np.ones((5, 2, 3))}),
    "WindowBatches.seasonal_naive": lambda net: Call(windows_of(net).seasonal_naive, {"period": 3, "quantiles": 0.5}),
    "WindowBatches.naive_error": lambda net: Call(windows_of(net).naive_error, {"period": 3}),
    "closed_loop": lambda net: Call(
        net.closed_loop,
        {"model": one_step(net), "x": X, "steps": 3, "known": np.ones((2, 3, 2)), "feedback": [0, 1]},
    ),
    "forecast_scores": lambda net: Call(
        net.forecast_scores,
        {"forecast": X, "actual": X[..., 0], "quantiles": [0.1, 0.4, 0.5, 0.9], "naive_error": np.ones((2, 1))},
    ),
    "seasonal_covariates": lambda net: Call(
        net.data.seasonal_covariates, {"steps": 9, "periods": [2, 3.5], "harmonics": 2}
    ),
    "generate_series": lambda net: Call(net.data.generate_series, {"steps": 9, "seed": 0}),
    "read_csv": lambda net: Call(
        net.data.read_csv, {"path": file("a.csv", "a,b\n1,2\n"), "columns": ["a", "b"], "separator": ","}
    ),
    "read_classes": lambda net: records_of(net, "read_classes", classes()),
    "read_snli": lambda net: records_of(net, "read_snli", file("pairs.jsonl", json.dumps(PAIR) + "\n")),
    "read_transitions": lambda net: Call(
        lambda path, notation: list(net.data.read_transitions(path, notation)),
        {"path": file("parses.txt", "( a b )\n"), "notation": "brackets"},
    ),
    "Transitions": lambda net: Call(net.data.Transitions, {"words": ["a", "b"], "moves": [0, 0, 1]}),
    "Transitions.parse": lambda net: Call(net.data.Transitions.parse, {"text": "( a b )", "notation": "brackets"}),
    "Transitions.format": lambda net: Call(
        lambda notation: net.data.Transitions(["a"], [0]).format(notation), {"notation": "brackets"}
    ),
    "Transitions.encode": lambda net: Call(
        lambda vocabulary: net.data.Transitions(["a"], [0]).encode(vocabulary),
        {"vocabulary": net.Vocabulary(["<unk>", "a"], "word")},
    ),
    "Transitions.from_tree": lambda net: Call(net.data.Transitions.from_tree, {"tree": net.data.Tree(None, "a")}),
    "Transitions.of_shape": lambda net: Call(
        net.data.Transitions.of_shape, {"words": ["a", "b"], "shape": "random", "seed": 1}
    ),
    "pad_parses": lambda net: Call(
        net.data.pad_parses,
        {"parses": [net.data.Tree(None, "a")], "vocabulary": net.Vocabulary(["<unk>", "a"], "word")},
    ),
    "valid_moves": lambda net: Call(net.data.valid_moves, {"stack": [1, 2], "words": [2, 0]}),
    "plot_parse": lambda net: Call(
        net.plot_parse, {"parse": net.data.Tree(None, "a"), "other": net.data.Transitions(["a"], [0]), "axes": None}
    ),
    "plot_moves": lambda net: Call(
        net.plot_moves, {"parse": net.data.Transitions(["a"], [0]), "predicted": [0], "axes": None}
    ),
    "Tree": lambda net: Call(net.data.Tree, {"label": 1, "word": "a", "children": ()}),
}
