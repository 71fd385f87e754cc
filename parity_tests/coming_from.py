"""Runs the tables of docs/coming_from.md: the cells of a row compute the same numbers here, in PyTorch and in Keras.

RUNNERS has a function for each section of the page. It takes a row and returns the results of its three cells, on the
same inputs and the same weights, in float64; None for a cell without code.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

os.environ["KERAS_BACKEND"] = "torch"  # Keras reads it when it is imported
import keras

keras.config.set_floatx("float64")
keras.config.set_dtype_policy("float64")

PAGE = Path(__file__).resolve().parent.parent / "docs" / "coming_from.md"
B, T, D, H, V = 3, 5, 10, 32, 7
CODE = re.compile(r"`([^`]+)`")
Array = np.ndarray[Any, Any]
Results = tuple[Any, Any, Any]


class Row(NamedTuple):
    """The code in the cells of one row; "" in a cell without code."""

    section: str
    ours: str
    pytorch: str
    keras: str


def rows() -> list[Row]:
    """All rows of the page whose first cell is code."""
    found: list[Row] = []
    section = ""
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        section = line[3:] if line.startswith("## ") else section
        if line.startswith("| `"):
            codes = [CODE.search(cell) for cell in line.split("|")[1:4]]
            found.append(Row(section, *(code[1] if code else "" for code in codes)))
    return found


def arrays(value: Any) -> list[Array]:
    """The arrays in a result, in order, as numpy's."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, tuple | list):
        return [array for part in value for array in arrays(part)]
    if isinstance(value, torch.Tensor) or keras.ops.is_tensor(value) or isinstance(value, keras.Variable):
        value = keras.ops.convert_to_numpy(value)
    return [np.asarray(value, float)]


def evaluated(code: str, **names: Any) -> Any:
    """The value of a cell's code; None for a cell without code."""
    spaces = {"nn": torch.nn, "F": torch.nn.functional, "optim": torch.optim, "utils": torch.nn.utils}
    sizes = {"B": B, "T": T, "D": D, "H": H, "V": V}
    return eval(code, {"torch": torch, "keras": keras, "np": np, **spaces, **sizes, **names}) if code else None


# Layers


def layers(net: Any, row: Row) -> Results:
    """y of a layer, from the same x and weights; in evaluation, so that dropout drops nothing."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, V, (B, T)) if "Embedding" in row.ours else rng.standard_normal((B, T, D))
    x = x[:, 0] if "RepeatVector" in row.ours else x
    model = net.RNNModel([evaluated(row.ours, net=net)], input_size=V if x.dtype.kind == "i" else D, dtype="float64")
    state = {name: rng.uniform(0.1, 0.5, np.shape(value)) for name, value in model.state_dict().items()}
    model.load_state_dict(state)
    weights = list(by_cell(state))
    module, layer = evaluated(row.pytorch), evaluated(row.keras)
    theirs = None if module is None else torch_output(module, weights, x)
    return model.predict(x), theirs, None if layer is None else keras_output(layer, weights, x)


def by_cell(state: dict[str, Array]) -> Iterator[dict[str, Array]]:
    """The parameters of each layer and each direction by themselves, in order."""
    cells: dict[str, dict[str, Array]] = {}
    for name, value in state.items():
        prefix, _, own = name.rpartition(".")
        cells.setdefault(prefix, {})[own] = value
    yield from cells.values()


def torch_output(module: torch.nn.Module, cells: list[dict[str, Array]], x: Array) -> Any:
    """y of a module with the weights of the cells, which PyTorch has in the same order."""
    module.double().eval()
    targets = [*module.parameters(), *(v for k, v in module.named_buffers() if k.startswith("running"))]
    values = [torch.tensor(value) for cell in cells for value in torch_weights(cell)]
    with torch.no_grad():
        for target, value in zip(targets, values, strict=True):
            target.copy_(value)
    features_first = isinstance(module, torch.nn.Conv1d | torch.nn.BatchNorm1d)
    tensor = torch.tensor(x)
    times = 3 if isinstance(module, torch.nn.MultiheadAttention) else 1  # as query, key and value
    y = module(*times * [tensor.mT if features_first else tensor])
    return y[0] if isinstance(y, tuple) else y.mT if features_first else y


def torch_weights(cell: dict[str, Array]) -> list[Array]:
    """A recurrent cell has two biases in PyTorch, which add up: the second is 0, but for the n of a GRU."""
    if "W_q" in cell:  # three matrices in one
        inner = [np.concatenate([cell[f"{kind}_{part}"] for part in "qkv"]) for kind in "Wb"]
        return [*inner, cell["W_o"], cell["b_o"]]
    if "W_h" not in cell or "b" not in cell:
        return list(cell.values())
    second = np.zeros_like(cell["b"])
    if "b_h" in cell:
        second[-len(cell["b_h"]) :] = cell["b_h"]
    more = [cell["W_r"]] if "W_r" in cell else []
    return [cell["W_x"], cell["W_h"], cell["b"], second, *more]


def keras_output(layer: Any, cells: list[dict[str, Array]], x: Array) -> Any:
    """y of a Keras layer with the weights of the cells."""
    kind = type(getattr(layer, "forward_layer", layer)).__name__
    inputs = [x, x] if kind == "MultiHeadAttention" else [x]
    layer(*inputs)  # creates the weights
    layer.set_weights([value for cell in cells for value in keras_weights(cell, kind)])
    return layer(*inputs, training=False)


def keras_weights(cell: dict[str, Array], kind: str) -> list[Array]:
    """Keras' matrices are the transposed ones; its GRU has z before r."""
    if kind == "MultiHeadAttention":
        shapes: dict[str, tuple[int, ...]] = dict.fromkeys(("W_q", "W_k", "W_v"), (D, 2, -1))
        shapes |= {**dict.fromkeys(("b_q", "b_k", "b_v"), (2, -1)), "W_o": (2, -1, D), "b_o": (D,)}
        return [value.T.reshape(shapes[name]) for name, value in cell.items()]
    if kind == "Embedding":
        return list(cell.values())
    if kind != "GRU":
        return [value.T for value in cell.values()]
    z_r_n = np.r_[H : 2 * H, :H, 2 * H : 3 * H]
    b = cell["b"][z_r_n]
    if "b_h" in cell:
        b = np.stack([b, np.r_[np.zeros(2 * H), cell["b_h"]]])
    return [cell["W_x"][z_r_n].T, cell["W_h"][z_r_n].T, b]


# Losses


def losses(net: Any, row: Row) -> Results:
    """The loss of the same predictions and targets: classes, numbers, or numbers from 0 to 1."""
    rng = np.random.default_rng(0)
    y = rng.standard_normal((B * T, V))
    target = rng.integers(0, V, B * T) if "CrossEntropy" in row.pytorch else rng.uniform(0, 1, (B * T, V))
    weights = rng.uniform(0.5, 2.0, V)
    loss, module, function = (evaluated(code, net=net, weights=weights) for code in row[1:])
    theirs = module and module(torch.tensor(y), torch.tensor(target))
    return loss(y, target), theirs, function and function(target, y)


# Optimizers and schedules


def optimizers(net: Any, row: Row) -> Results:
    """The weights after each of ten steps with the same gradients."""
    rng = np.random.default_rng(0)
    start, gradients = rng.standard_normal((V, D)), rng.standard_normal((10, V, D))
    return (
        our_steps(net, evaluated(row.ours, net=net), start, gradients),
        torch_steps(row.pytorch, start, gradients) if row.pytorch else None,
        keras_steps(evaluated(row.keras), start, gradients) if row.keras else None,
    )


def our_steps(net: Any, optimizer: Any, start: Array, gradients: Array) -> list[Array]:
    dense, found = net.Dense(V, input_size=D, bias=False, dtype="float64"), []
    dense.load_state_dict({"W": start})
    for gradient in gradients:
        dense.zero_grad()
        dense.forward(np.eye(D))
        dense.backward(gradient.T)
        optimizer.step(dense)
        found.append(arrays(dense.state_dict()["W"])[0].copy())
    return found


def torch_steps(code: str, start: Array, gradients: Array) -> list[Array]:
    weight, found = torch.nn.Parameter(torch.tensor(start)), []
    optimizer = evaluated(code, parameters=[weight])
    for gradient in gradients:
        weight.grad = torch.tensor(gradient)
        optimizer.step()
        found.append(weight.detach().numpy().copy())
    return found


def keras_steps(optimizer: Any, start: Array, gradients: Array) -> list[Array]:
    weight, found = keras.Variable(start), []
    for gradient in gradients:
        optimizer.apply([keras.ops.convert_to_tensor(gradient)], [weight])
        found.append(keras.ops.convert_to_numpy(weight).copy())
    return found


def schedules(net: Any, row: Row) -> Results:
    """The learning rates of the first ten steps."""
    ours = evaluated(row.ours, net=net)
    theirs = evaluated(row.keras)
    return (
        [ours(step) for step in range(10)],
        torch_rates(row.pytorch) if row.pytorch else None,
        [theirs(step) for step in range(10)] if theirs else None,
    )


def torch_rates(code: str) -> list[float]:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    schedule, rates = evaluated(code, optimizer=optimizer), []
    for _ in range(10):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return rates


def metrics(net: Any, row: Row) -> Results:
    """The metric of the same predictions, logits of classes or numbers."""
    rng = np.random.default_rng(0)
    y, counted = rng.standard_normal((B * T, V)), np.ones(B * T, bool)
    classes = "R2" not in row.ours and "MAE" not in row.ours
    loss = net.SoftmaxCrossEntropy() if classes else net.MeanSquaredError()
    target: Any = rng.integers(0, V, B * T) if classes else rng.standard_normal(y.shape)
    metric = evaluated(row.ours, net=net).of_loss("page", "metric", loss)
    metric.add(y, target, counted if classes else np.ones(y.shape, bool))
    theirs = evaluated(row.keras)
    return metric.value(), None, theirs(np.eye(V)[target] if "F1" in row.keras else target, y)


# States, parameters, sequences: expressions over one LSTM and one batch


class Batch(NamedTuple):
    """What the names on the page stand for; numpy's arrays here and in Keras, tensors in PyTorch."""

    x: Any
    h: Any
    c: Any
    lengths: Any
    mask: Any
    sequences: Any


def batch() -> Batch:
    rng = np.random.default_rng(0)
    x, h, c = rng.standard_normal((B, T, D)), rng.standard_normal((B, H)), rng.standard_normal((B, H))
    lengths = np.array([5, 1, 3])
    mask, sequences = np.arange(T) < lengths[:, None], [row[:n] for row, n in zip(x, lengths, strict=True)]
    return Batch(x, h, c, lengths, mask, sequences)


def expressions(net: Any, row: Row) -> Results:
    """The three cells, evaluated over an LSTM with the same weights in each library."""
    model, b = net.RNNModel([net.LSTMLayer(H)], input_size=D, dtype="float64"), batch()
    weights = list(by_cell({name: arrays(value)[0] for name, value in model.state_dict().items()}))
    lstm = torch.nn.LSTM(D, H, batch_first=True)
    torch_output(lstm, weights, b.x)
    keras_lstm = keras.layers.LSTM(H, return_sequences=True, return_state=True, zero_output_for_mask=True)
    keras_output(keras_lstm, weights, b.x)
    tensors: dict[str, Any] = {name: torch.tensor(part) for name, part in b._asdict().items() if name != "sequences"}
    tensors["sequences"] = [torch.tensor(sequence) for sequence in b.sequences]
    return (
        evaluated(row.ours, net=net, layer=model.layers[0], **b._asdict()),
        evaluated(row.pytorch, lstm=lstm, rnn=torch.nn.utils.rnn, **tensors),
        evaluated(row.keras, lstm=keras_lstm, **b._asdict()),
    )


RUNNERS: dict[str, Callable[[Any, Row], Results]] = {
    "Layers": layers,
    "Losses": losses,
    "Optimizers": optimizers,
    "Metrics": metrics,
    "Learning rates": schedules,
    "States, parameters, sequences": expressions,
}
