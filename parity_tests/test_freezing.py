"""Frozen parameters: no optimizer moves them, nothing counts them, and everything else is as before; both backends."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import numnet
import torchnet
from numnet.core.arrays import to_numpy
from parity_tests.small import assert_same, small_model, small_trainer, weights
from parity_tests.test_optimizers import OPTIMIZERS
from parity_tests.translator import pairs, translator

IDS = np.array([[1, 2, 3], [3, 0, 1]])


def model_of(net: Any, **options: Any) -> Any:
    """Token vectors, a recurrent layer in two directions with a start state, a read-out."""
    layers = [
        net.Embedding(5, 4),
        net.GRULayer(3, bidirectional=True, learn_state=True),
        net.Concat([net.Dense(2), net.LayerNorm()]),
        net.Dense(5),
    ]
    return net.RNNModel(layers, net.SoftmaxCrossEntropy(), dtype="float64", **options)


def trained(model: Any, optimizer: Any, steps: int = 3) -> None:
    """Train the model for a few steps on the same batch."""
    for _ in range(steps):
        model.zero_grad()
        model.loss_and_grads(IDS, IDS)
        optimizer.step(model)


def moved(model: Any, before: dict[str, Any]) -> set[str]:
    """The names of the parameters that differ."""
    return {name for name, value in weights(model).items() if not np.array_equal(value, before[name])}


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_no_optimizer_moves_a_frozen_parameter(kind: str, net: Any) -> None:
    """Weight decay, and the momentum of the steps before, included; all others move as before."""
    model, optimizer = model_of(net, seed=1), OPTIMIZERS[kind][0](net, weight_decay=0.1, clip_norm=0.1)
    trained(model, optimizer)
    assert model.layers[1].freeze() is model.layers[1]
    before = weights(model)
    frozen = {name for name in before if name.startswith("layers.1.")}
    assert set(model.frozen) == frozen
    trained(model, optimizer)
    assert moved(model, before) == before.keys() - frozen
    model.unfreeze()
    trained(model, optimizer)
    assert moved(model, before) == before.keys()


@given(seed=st.integers(0, 2**31), chosen=st.sets(st.integers(0, 3), min_size=1, max_size=3))
def test_freezing_is_torchs(seed: int, chosen: set[int]) -> None:
    """Frozen in steps 2 and 3: momentum, own bias correction and the norm of the others are those of torch.optim."""
    rng, models = np.random.default_rng(seed), [model_of(net, seed=seed) for net in (numnet, torchnet, torchnet)]
    optimizers: Any = [numnet.Adam(0.05, clip_norm=0.2), torchnet.Adam(0.05, clip_norm=0.2)]
    for model in models:
        model.predict(IDS)
    raw = torch.optim.Adam(models[2].parameters(), 0.05)
    for step in range(6):
        x = rng.integers(0, 5, (2, 3))
        for model in models:
            if step in (2, 4):
                for k in chosen:
                    model.layers[k].requires_grad_(step == 4)
            model.zero_grad()
            model.loss_and_grads(x, x)
        norms = [optimizer.step(model) for optimizer, model in zip(optimizers, models)]
        grads = [p.grad for p in models[2].parameters() if p.requires_grad]
        norms.append(float(torch.nn.utils.get_total_norm(grads)))
        for g in grads:
            g.mul_(min(1.0, 0.2 / norms[2]))
        raw.step()
        np.testing.assert_allclose(norms, norms[0], rtol=1e-10)
        for name, value in weights(models[0]).items():
            for other in models[1:]:
                np.testing.assert_allclose(to_numpy(other.params[name]), value, rtol=1e-9, atol=1e-12)


def parts_of(net: Any) -> dict[str, Any]:
    """Parts of all kinds, before their first batch."""
    tape = net.Tape(node=net.LSTMNode(3), start=net.Parameter(4), layers=[net.Dense(2), net.Tanh()])
    return {
        "layer": net.LSTMLayer(3, output_size=2),
        "stack": net.GRULayer(3, layers=2),
        "model": model_of(net),
        "encoder-decoder": translator(net),
        "tape": tape,
        "operation": net.Tanh(),
        "loss": net.MeanSquaredError(),
    }


@pytest.mark.parametrize("name", parts_of(numnet))
def test_a_part_is_frozen_before_its_parameters_exist(name: str, net: Any) -> None:
    part = parts_of(net)[name]
    assert part.freeze() is part
    copied = copy.deepcopy(part)
    for each in (part, copied):
        if name == "encoder-decoder":
            each.loss_and_grads(*pairs()[:2])
        elif name == "tape":
            h, _ = each.node(np.ones((2, 4), np.float32) * each.start)
            each.layers[0](h)
        else:
            each(IDS if name == "model" else np.ones((2, 3, 4), np.float32)) if name != "loss" else None
        names = list(getattr(each, "params", ()))
        assert each.frozen == names
        assert all((to_numpy(g) == 0).all() for g in getattr(each, "grads", {}).values())
        assert each.unfreeze().frozen == []
        assert each.requires_grad_(False).frozen == names


def test_gradients_pass_through_a_frozen_layer(net: Any) -> None:
    """dx, the gradient of the start state, and the gradients of all other parts are as before."""
    rng, found = np.random.default_rng(0), []
    x, dy = rng.standard_normal((2, 3, 4)), rng.standard_normal((2, 3, 2))
    for freeze in (False, True):
        layers = [net.Dense(3, seed=1), net.LSTMLayer(3, seed=2), net.Dense(2, seed=3)]
        model = net.RNNModel(layers, input_size=4, dtype="float64")
        if freeze:
            model.freeze("layers.1", "layers.2.b")
        model.zero_grad()
        model(x)
        dx = model.backward(dy)
        found.append({**{n: to_numpy(g) for n, g in model.grads.items()}, "x": to_numpy(dx)})
    for name, value in found[0].items():
        expected = 0 * value if name.startswith("layers.1") or name == "layers.2.b" else value
        np.testing.assert_allclose(found[1][name], expected, rtol=1e-12, atol=1e-15)
    layer = net.Dense(2, input_size=4, dtype="float64").freeze()
    layer(x)
    assert (to_numpy(layer.backward(dy)) != 0).all()


def test_the_gradient_begins_with_0_where_training_goes_on(net: Any) -> None:
    model = model_of(net, seed=1)
    model.predict(IDS)
    model.freeze()
    model.loss_and_grads(IDS, IDS)
    model.unfreeze()
    assert all((to_numpy(g) == 0).all() for g in model.grads.values())
    model.loss_and_grads(IDS, IDS)
    other = model_of(net, seed=1)
    other.zero_grad() if other.built else other.predict(IDS)
    other.loss_and_grads(IDS, IDS)
    for name, g in model.grads.items():
        np.testing.assert_allclose(to_numpy(g), to_numpy(other.grads[name]), rtol=1e-12)


def test_a_tape_with_frozen_parts(net: Any) -> None:
    tape = net.Tape(node=net.GRUNode(3), dense=net.Dense(2), loss=net.SoftmaxCrossEntropy(), dtype="float64")
    tape.node.freeze()
    for step in range(3):
        value = tape.loss(tape.dense(tape.node(np.ones((2, 4)))), [0, 1])
        tape.zero_grad()
        tape.backward(value)
        if step == 0:
            before = weights(tape)
        net.Adam(0.1, weight_decay=0.1).step(tape)
    assert moved(tape, before) == {"dense.W", "dense.b"}
    tape.dense.freeze("W")
    assert tape.frozen == ["node.W_x", "node.W_h", "node.b", "node.b_h", "dense.W"]
    tape.freeze()
    tape.backward(tape.loss(tape.dense(tape.node(np.ones((2, 4)))), [0, 1]))


@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_a_run_goes_on_frozen(net: Any, kind: str, tmp_path: Path) -> None:
    def start(**options: Any) -> Any:
        return small_trainer(net, small_model(net, kind), optimizer=net.Adam(0.01, weight_decay=0.1), **options)

    whole, first = start(), start(directory=tmp_path)
    for trainer in (whole, first):
        trainer.fit(steps=4)
        trainer.model.freeze("layers.0", "layers.2.b")
        trainer.fit(steps=9)
    frozen, runs = whole.model.frozen, {net: whole}
    assert frozen == [name for name in whole.model.params if name.startswith("layers.0") or name == "layers.2.b"]
    for backend in (numnet, torchnet):
        checkpoint = backend.load_checkpoint(tmp_path / "last.npz")
        model = backend.RNNModel.from_checkpoint(checkpoint)
        rest = small_trainer(backend, model, optimizer=backend.Adam(0.01, weight_decay=0.1))
        rest.resume(checkpoint)
        assert model.frozen == frozen
        runs[backend, "resumed"] = rest
    for run in runs.values():
        run.fit(steps=12)
        run.model.unfreeze()
        run.fit(steps=15)
        np.testing.assert_allclose(run.history.losses, whole.history.losses, rtol=1e-4 if kind == "float32" else 1e-9)
    assert_same(weights(runs[net, "resumed"].model), weights(whole.model))


def test_a_model_with_nothing_to_train_is_refused(net: Any) -> None:
    model = model_of(net)
    model.predict(IDS)
    model.freeze()
    assert float(model.loss_and_grads(IDS, IDS)) > 0
    optimizer = net.SGD(0.1)
    words = r"all parameters of the model are frozen: layers.0.W.*, expected at least one to train. Call unfreeze\(\)"
    with pytest.raises(ValueError, match=f"SGD: {words}"):
        optimizer.step(model)
    assert optimizer.steps == 0
    with pytest.raises(ValueError, match=f"Trainer: {words}"):
        small_trainer(net, small_model(net).freeze())


def test_wrong_names(net: Any) -> None:
    model = model_of(net)
    with pytest.raises(ValueError, match=r"'layers.1', expected .* first batch creates more: until then call fr"):
        model.freeze("layers.1")
    model.predict(IDS)
    for wrong, words in (
        ("layer.0", "RNNModel: no parameter or part is called 'layer.0', expected one of .* Did you mean 'layers.0'"),
        (3, "RNNModel: no parameter or part is called 3"),
    ):
        with pytest.raises(ValueError, match=words):
            model.freeze("layers.1", wrong)
    assert model.frozen == []
    with pytest.raises(TypeError, match=r"RNNModel.requires_grad_: requires_grad is 'no', expected True or False"):
        model.requires_grad_("no")


def test_the_summary_tells_what_is_trained(net: Any) -> None:
    model = model_of(net)
    model.layers[0].freeze()
    assert "trainable           ?" in " ".join(str(model).split("\n")) or "trainable" in str(model)
    model.predict(IDS)
    model.freeze("layers.3.b")
    total = sum(to_numpy(p).size for p in model.params.values())
    words = str(model).split("\n")
    assert [line.split() for line in words if "total" in line or "trainable" in line] == [
        ["total", f"{total}"],
        ["trainable", f"{total - 20 - 5}"],
    ]
    assert words[-2:] == ["layers.0 is frozen", "layers.3 is frozen in part"]


def test_a_frozen_part_is_checked_as_if_it_were_not(net: Any) -> None:
    assert net.check.check_gradients(net.GRULayer(3).freeze()).passed


def test_a_hessian_has_no_frozen_rows_and_columns() -> None:
    found = []
    for net in (numnet, torchnet):
        model = model_of(net, seed=1)
        model.predict(IDS)
        model.freeze("layers.0", "layers.3.b")
        rng = np.random.default_rng(0)
        direction = {name: rng.standard_normal(tuple(p.shape)) for name, p in model.params.items()}
        found.append(net.hessian_vector(model, IDS, IDS, direction))
    for name, value in found[0].items():
        np.testing.assert_allclose(to_numpy(found[1][name]), value, atol=1e-7)
        assert (value == 0).all() == (name == "layers.0.W" or name == "layers.3.b")


def test_the_matrix_of_a_tied_layer_is_frozen_in_both_parts(net: Any) -> None:
    embedding = net.Embedding(5, 4)
    model = net.RNNModel([embedding, net.RNNLayer(4), net.Dense(5, tied_to=embedding)], net.SoftmaxCrossEntropy())
    model.predict(IDS)
    for part, still in ((model.layers[2], {"layers.0.W", "layers.2.b"}), (embedding, {"layers.0.W"})):
        model.unfreeze()
        part.freeze()
        before = weights(model)
        trained(model, net.Adam(0.1, weight_decay=0.1))
        assert moved(model, before) == before.keys() - still
