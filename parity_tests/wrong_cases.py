"""The good calls of the table of wrong values: constructors, methods and functions, each with all its arguments."""

from __future__ import annotations

import inspect
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import numnet
from numnet.training.callbacks import EVENTS
from parity_tests.small import TEXT, TOKENS, VOCABULARY, small_model
from parity_tests.wrong_more import MORE
from parity_tests.wrong_parts import IDS, Call, X, constructors, model_of, of_layers, spinn, translator

FOLDER = Path(tempfile.mkdtemp(prefix="wrong"))
OPERATIONS: dict[str, dict[str, Any]] = {  # of an ArrayWithGrad
    "__add__": {"other": 1.0},
    "__mul__": {"other": X},
    "__truediv__": {"other": X + 9},
    "__pow__": {"k": 2},
    "__matmul__": {"other": np.ones((4, 2))},
    "__getitem__": {"index": 0},
    "sum": {"axis": 0},
    "mean": {"axis": 0},
    "softmax": {"axis": 0},
    "log_softmax": {"axis": 0},
    "max": {"axis": 0, "keepdims": True},
    "var": {"axis": 0, "ddof": 1, "keepdims": False},
    "cumsum": {"axis": 0},
    "clip": {"min": 0, "max": 1},
    "swapaxes": {"axis1": 0, "axis2": 1},
    "squeeze": {"axis": None},
    "chunk": {"chunks": 2, "axis": 0},
    "split": {"sizes": [1, 1], "axis": 0},
    "backward": {"dz": np.ones_like(X)},
}


def made_for(net: Any, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a call: a function of the package is called with it, `...` stands for None."""
    given = {name: None if value is ... else value for name, value in arguments.items()}
    return {name: value(net) if inspect.isfunction(value) else value for name, value in given.items()}


def method(make: Callable[[Any], Any], name: str, **arguments: Any) -> Callable[[Any], Call]:
    """A case: the method of what `make` returns, with these arguments; `...` stands for None."""

    def case(net: Any) -> Call:
        thing, given = make(net), made_for(net, arguments)
        return Call(getattr(thing, name), given, [thing, *given.values()])

    return case


def function(name: str, *, data: bool = False, **arguments: Any) -> Callable[[Any], Call]:
    """A case: a public function with these arguments."""

    def case(net: Any) -> Call:
        given = made_for(net, arguments)
        return Call(getattr(net.data if data else net, name), given, list(given.values()))

    return case


def stepped(net: Any) -> Any:
    """An optimizer after one step."""
    optimizer, model = net.Adam(0.1), model_of(net)
    model.loss_and_grads(IDS, np.ones((2, 3), int))
    optimizer.step(model)
    return optimizer


def trainer(net: Any) -> Any:
    """A trainer that has not begun."""
    batches = net.SequentialBatches(TOKENS, 2, 4)
    return net.Trainer(small_model(net), net.SGD(0.1), batches, progress=False)


def model_of_characters(net: Any) -> Any:
    """A model of the characters of "abcd"."""
    return net.RNNModel([net.LSTMLayer(3, output_size=4)], net.SoftmaxCrossEntropy(), input_size=4)


def book(net: Any) -> Any:
    """The trainer of the book, on a small text."""
    return net.RNNTrainer(file("book.txt", "abcd" * 20), model_of_characters(net), net.SGD(0.1), 2, 3)


def no_options(net: Any, name: str) -> Call:
    """The constructor of a part without options."""
    return Call(getattr(net, name), {})


def tokens_in_batches(net: Any) -> Any:
    """Batches of tokens."""
    return net.SequentialBatches(TOKENS, 2, 4)


def saved(net: Any) -> Any:
    """The checkpoint of a model."""
    net.save_checkpoint(FOLDER / "model.npz", model_of(net))
    return net.load_checkpoint(FOLDER / "model.npz")


def saved_run(net: Any) -> Any:
    """The checkpoint of a run of two steps."""
    begun = trainer(net)
    begun.fit(steps=2)
    begun.directory = FOLDER
    begun.save("last.npz")
    return net.load_checkpoint(FOLDER / "last.npz")


def gradients(net: Any) -> list[Any]:
    """The gradients of a model."""
    return list(model_of(net).grads.values())


def loss_after(net: Any) -> Any:
    """A loss after one forward."""
    loss = net.SoftmaxCrossEntropy()
    loss.forward(X, IDS)
    return loss


def file(name: str, text: str) -> str:
    """The path of a small file with this text."""
    path = FOLDER / name
    path.write_text(text, encoding="utf-8")
    return str(path)


CASES: dict[str, Callable[[Any], Call]] = {
    **dict(constructors()),
    **dict(of_layers()),
    **MORE,
    "RNNModel": lambda net: Call(
        net.RNNModel,
        {"layers": [net.GRULayer(3), net.Dense(2)], "loss": net.MeanSquaredError(), "input_size": 4, "seed": 1},
    ),
    "RNNModel.forward": method(model_of, "forward", x=IDS, state=..., lengths=..., resets=...),
    "RNNModel.predict": method(model_of, "predict", x=IDS, state=..., lengths=..., resets=...),
    "RNNModel.loss_and_grads": method(model_of, "loss_and_grads", x=IDS, target=IDS % 2, state=..., lengths=...),
    "RNNModel.evaluate": method(model_of, "evaluate", x=IDS, target=IDS % 2, state=..., lengths=...),
    "RNNModel.load_state_dict": method(model_of, "load_state_dict", state=lambda net: model_of(net).state_dict()),
    "RNNModel.from_config": method(lambda net: net.RNNModel, "from_config", config=lambda net: model_of(net).config()),
    "RNNModel.from_checkpoint": method(lambda net: net.RNNModel, "from_checkpoint", checkpoint=saved),
    "RNNModel.reset_state": method(model_of, "reset_state", rows=...),
    "EncoderDecoder.loss_and_grads": method(translator, "loss_and_grads", x=IDS, target=IDS, lengths=...),
    "SPINN.forward": method(spinn, "forward", x=IDS, lengths=[3, 2], transitions=[[0, 0, 1, 0, 1], [0, 0, 1, 2, 2]]),
    "SPINN.predict": method(spinn, "predict", x=IDS, lengths=[3, 2], transitions=[[0, 0, 1, 0, 1], [0, 0, 1, 2, 2]]),
    "EncoderDecoder.evaluate": method(translator, "evaluate", x=IDS, target=IDS, lengths=...),
    "GRUNode on a step": lambda net: Call(net.GRUNode(5, input_size=4), {"x": X[0].T, "state": np.zeros((5, 3))}),
    "Tracker on a step": lambda net: Call(
        net.Tracker(5, input_size=4), {"x": X[0].T, "state": (np.zeros((5, 3)),) * 2}
    ),
    "TreeLSTMNode on children": lambda net: Call(
        net.TreeLSTMNode(5, input_size=4),
        {"left": (np.zeros((5, 3)),) * 2, "right": (np.zeros((5, 3)),) * 2, "x": X[0].T},
    ),
    "Loss.forward": method(loss_after, "forward", prediction=X, target=IDS, mask=...),
    "Optimizer.step": method(lambda net: net.Adam(0.1), "step", model=model_of),
    "Optimizer.load_state_dict": method(
        stepped, "load_state_dict", state=lambda net: stepped(net).state_dict(), model=model_of
    ),
    "Trainer": lambda net: Call(
        net.Trainer,
        {
            **dict.fromkeys(("vocabulary", "sample", "evaluate_every", "patience", "validation", "directory")),
            "model": small_model(net),
            "optimizer": net.SGD(0.1),
            "batches": net.SequentialBatches(TOKENS, 2, 4),
            "progress": False,
            "token": "word",
            **dict.fromkeys(("batch_size", "shuffle", "seed", "monitor", "mode")),
            "metrics": ["accuracy"],
            "callbacks": [],
        },
    ),
    "Trainer on arrays": lambda net: Call(
        partial(net.Trainer, small_model(net), net.SGD(0.1), progress=False),
        {"batches": (IDS, IDS), "validation": (IDS, IDS, [3, 2]), "batch_size": 2, "shuffle": True, "seed": 1},
    ),
    "Callback": lambda net: Call(net.Callback, dict.fromkeys(EVENTS)),
    "CSVLogger": function("CSVLogger", path=str(FOLDER / "log.csv"), every=2),
    "Metric": lambda net: Call(net.Metric, {}),
    **{name: partial(no_options, name=name) for name in ("Accuracy", "Perplexity", "R2", "MAE")},
    **{name: function(name, average="macro", names=["a", "b"]) for name in ("Precision", "Recall", "F1")},
    "plot_confusion": function("plot_confusion", true=[0, 1], predicted=[1, 1], classes=["a", "b"], axes=...),
    "RNNTrainer": lambda net: Call(
        net.RNNTrainer,
        {
            "text_file": file("book.txt", "abcd" * 20),
            "model": model_of_characters(net),
            "optimizer": net.SGD(0.1),
            **{"batch_size": 2, "sequence_length": 3, "seed": 0},
        },
    ),
    "RNNTrainer.train": method(book, "train", num_iterations=2, sample_every=2),
    "RNNTrainer.sample_output": method(book, "sample_output", input_char="a", sample_length=2, temperature=1.0),
    "Trainer.evaluate": method(trainer, "evaluate", data=(IDS, IDS), batch_size=2),
    "Trainer.predict": method(trainer, "predict", data=IDS, lengths=[3, 2], batch_size=2),
    "Trainer.fit": method(trainer, "fit", steps=2, epochs=..., seconds=...),
    "Trainer.resume": method(trainer, "resume", checkpoint=saved_run),
    "evaluate": function("evaluate", model=small_model, batches=tokens_in_batches, batch_size=...),
    "generate": function(
        "generate",
        model=small_model,
        vocabulary=VOCABULARY,
        prompt="ab",
        length=2,
        temperature=1.0,
        top_k=2,
        seed=1,
        stop="a",
    ),
    "greedy": function("greedy", model=translator, x=IDS, lengths=[3, 2], max_length=3, alpha=1.0, suppress_tokens=[0]),
    "beam_search": function(
        "beam_search", model=translator, x=IDS, lengths=[3, 2], beam=2, max_length=3, alpha=1.0, suppress_tokens=[0]
    ),
    "hessian_vector": function(
        "hessian_vector", model=model_of, x=IDS, target=IDS % 2, direction=lambda net: model_of(net).state_dict()
    ),
    "clip_by_norm": function(
        "clip_by_norm", grads=lambda net: list(model_of(net).grads.values()), limit=1.0, norm=None
    ),
    "clip_by_value": function("clip_by_value", grads=lambda net: list(model_of(net).grads.values()), limit=1.0),
    "global_norm": function("global_norm", grads=lambda net: list(model_of(net).grads.values())),
    "concatenate": function("concatenate", parts=lambda net: [net.ArrayWithGrad(X)] * 2, axis=0),
    "stack": function("stack", parts=lambda net: [net.ArrayWithGrad(X)] * 2, axis=0),
    "where": function("where", condition=X > 0, x=lambda net: net.ArrayWithGrad(X), other=0.0),
    "maximum": function("maximum", x=lambda net: net.ArrayWithGrad(X), other=X),
    "minimum": function("minimum", x=lambda net: net.ArrayWithGrad(X), other=X),
    "einsum": lambda net: Call(
        lambda subscripts: net.einsum(subscripts, net.ArrayWithGrad(X)), {"subscripts": "bti->b"}
    ),
    "pad_sequences": function("pad_sequences", sequences=[[1, 2], [3]], value=0),
    "pack": function("pack", sequences=[[1, 2], [3]]),
    "unpack": function("unpack", batch=X, lengths=[3, 2]),
    "translation_scores": function("translation_scores", hypotheses=["a b"], references=[["a b"]]),
    "require_plot": function("require_plot", path="a.png"),
    "save_checkpoint": function(
        "save_checkpoint",
        path=str(FOLDER / "a.npz"),
        model=model_of,
        vocabulary=None,
        training={},
        optimizer=None,
        arrays={},
    ),
    "load_checkpoint": function("load_checkpoint", path=lambda net: saved(net).path),
    **{
        f"ArrayWithGrad.{name}": method(lambda net: net.ArrayWithGrad(X), name, **arguments)
        for name, arguments in OPERATIONS.items()
    },
    "Vocabulary.encode": method(lambda net: VOCABULARY, "encode", text="ab"),
    "Vocabulary.decode": method(lambda net: VOCABULARY, "decode", ids=[1, 2]),
    "Vocabulary.from_text": method(
        lambda net: numnet.Vocabulary, "from_text", text=TEXT, unit="word", min_count=1, special=[]
    ),
    "Subwords.from_words": method(lambda net: numnet.data.Subwords, "from_words", words=["the", "then"], merges=2),
    **{
        name: function(name, data=True, path=file(f"{name}.txt", text))
        for name, text in {
            "read_conllu": "1\ta\t_\tDET\n",
            "read_lines": "a\n",
            "read_pairs": "a\tb\n",
            "read_text": "ab\n",
            "read_trees": "(1 a)\n",
        }.items()
    },
    "read_vectors": function("read_vectors", data=True, path=file("vectors.txt", "a 1 2\n"), words=["a"]),
    "parse_tree": function("parse_tree", data=True, text="(1 a)", labels=True),
    "split": function("split", data=True, text=TEXT, validation_fraction=0.2),
    "spell": function("spell", data=True, words=["ab"], characters=VOCABULARY, width=4),
    "to_words": function("to_words", data=True, text="a b"),
    "from_words": function("from_words", data=True, words=["a", "b"]),
    "plain": function("plain", data=True, text="a b"),
    "hold_out": lambda net: Call(partial(net.data.hold_out, key=str), {"items": [1, 2, 3], "fraction": 0.5, "seed": 0}),
    "English": function("English", data=True, seed=0),
    "WordDropout": function("WordDropout", data=True, batches=tokens_in_batches, p=0.1, seed=0, unknown=0, column=None),
}
