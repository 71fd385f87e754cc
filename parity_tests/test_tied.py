"""Tied weights: against PyTorch, whose layers share a parameter; copies, checkpoints, optimizers; what is refused."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import numnet
import torchnet
from numnet.core.arrays import to_numpy
from parity_tests.probe import assert_near
from parity_tests.strategies import TOLERANCE

RNG = np.random.default_rng(0)
V, D = 7, 4
X, TARGET = RNG.integers(0, V, (3, 5)), RNG.integers(0, V, (3, 5))


def model_of(net: Any, **options: Any) -> Any:
    """A language model of which the first and the last matrix are one."""
    embedding = net.Embedding(V, D, std=0.5, padding=options.pop("padding", None))
    layers = [embedding, net.GRULayer(D), net.Dense(V, tied_to=embedding, **options)]
    return net.RNNModel(layers, net.SoftmaxCrossEntropy(), input_size=V, seed=3, dtype="float64")


def arrays(named: Any) -> dict[str, Any]:
    return {name: np.array(to_numpy(value)) for name, value in named.items()}


def trained(net: Any, model: Any, optimizer: Any, steps: int = 3) -> Any:
    for _ in range(steps):
        model.zero_grad()
        model.loss_and_grads(X, TARGET)
        optimizer.step(model)
    return model


def of_torch(model: Any) -> tuple[Any, Any]:
    """The same network of torch.nn, tied as PyTorch's documentation does; and the names of its parameters."""
    network = torch.nn.ModuleList(
        [torch.nn.Embedding(V, D), torch.nn.GRU(D, D, batch_first=True), torch.nn.Linear(D, V)]
    )
    network = network.double()
    network[2].weight = network[0].weight
    p = {name: torch.tensor(value) for name, value in arrays(model.params).items()}
    second = torch.cat([torch.zeros(2 * D, dtype=torch.float64), p["layers.1.b_h"]])
    network.load_state_dict(
        {
            "0.weight": p["layers.0.W"],
            "1.weight_ih_l0": p["layers.1.W_x"],
            "1.weight_hh_l0": p["layers.1.W_h"],
            "1.bias_ih_l0": p["layers.1.b"],
            "1.bias_hh_l0": second,
            "2.weight": p["layers.0.W"],
            "2.bias": p["layers.2.b"],
        }
    )
    names = {"layers.0.W": network[0].weight, "layers.1.W_x": network[1].weight_ih_l0, "layers.2.b": network[2].bias}
    return network, names


def test_training_is_that_of_tied_parameters_in_torch(net: Any) -> None:
    model = model_of(net)
    network, names = of_torch(model)
    theirs = torch.optim.SGD(network.parameters(), 0.3)
    ours = net.SGD(0.3)
    for _ in range(3):
        model.zero_grad()
        theirs.zero_grad()
        logits = network[2](network[1](network[0](torch.tensor(X)))[0])
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), torch.tensor(TARGET).flatten())
        loss.backward()
        assert float(model.loss_and_grads(X, TARGET)) == pytest.approx(loss.item(), rel=1e-12)
        found = arrays(model.grads)
        assert_near({n: found[n] for n in names}, {n: p.grad.numpy() for n, p in names.items()}, TOLERANCE["float64"])
        ours.step(model)
        with torch.no_grad():
            network[1].bias_hh_l0.grad[: 2 * D] = 0  # our GRU has no such bias
        theirs.step()


def test_the_matrix_is_counted_once(net: Any) -> None:
    model = model_of(net)
    assert list(model.params) == [
        "layers.0.W", "layers.1.W_x", "layers.1.W_h", "layers.1.b", "layers.1.b_h", "layers.2.b",
    ]  # fmt: skip
    assert list(model.state_dict()) == list(model.params) == list(model.grads)
    assert "total                                           147" in model.summary()
    assert "Dense(7, tied_to='layers.0')" in model.summary()
    if net is torchnet:
        assert sum(p.numel() for p in model.parameters()) == 147
    model.loss_and_grads(X, TARGET)
    norm = np.sqrt(sum((g**2).sum() for g in arrays(model.grads).values()))
    assert net.SGD(0.1).step(model) == pytest.approx(norm, rel=1e-12)


def test_both_uses_read_one_matrix_after_a_copy_a_pickle_and_an_assignment(net: Any) -> None:
    model = model_of(net)
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert other.layers[2].tied_to is other.layers[0] is not model.layers[0]
        before = model.predict(X)
        trained(net, other, net.Adam(0.1))
        assert_near({"y": model.predict(X)}, {"y": before}, 0)
        assert not np.allclose(other.predict(X), before)
    model.layers[2].W = np.ones((V, D))
    assert to_numpy(model.layers[0].W).min() == 1
    model.params["layers.0.W"] = np.zeros((V, D))
    np.testing.assert_array_equal(model.predict(X)[0, 0], to_numpy(model.layers[2].b))


@pytest.mark.parametrize("first", [numnet, torchnet])
@pytest.mark.parametrize("second", [numnet, torchnet])
def test_a_checkpoint_keeps_the_tie(first: Any, second: Any, tmp_path: Path) -> None:
    model, optimizer = model_of(first), first.Adam(0.05)
    trained(first, model, optimizer)
    first.save_checkpoint(tmp_path / "tied.npz", model, optimizer=optimizer)
    checkpoint = second.load_checkpoint(tmp_path / "tied.npz")
    other, again = second.RNNModel.from_checkpoint(checkpoint), second.Adam(0.05)
    again.load_state_dict(checkpoint.optimizer, other)
    assert other.layers[2].tied_to is other.layers[0]
    trained(first, model, optimizer)
    trained(second, other, again)
    assert_near({"y": other.predict(X)}, {"y": model.predict(X)}, TOLERANCE["float64"])


def test_a_change_of_the_matrix_is_seen_from_both_parts(net: Any) -> None:
    for change in (lambda m: setattr(m.layers[0], "W", np.ones((V, D))), lambda m: net.SGD(0.1).step(m)):
        model = model_of(net)
        y = model.layers[2](np.ones((2, D)))
        change(model)
        with pytest.raises(RuntimeError, match=r"Dense: .*weights"):
            model.layers[2].backward(np.ones(tuple(y.shape)))
    tape = net.Tape(embed=net.Embedding(V, D, seed=1), dense=net.Dense(V, tied_to="embed", seed=2))
    y = tape.dense(np.ones((2, D)))
    tape.embed.part.W = np.ones((V, D))
    with pytest.raises(RuntimeError, match=r"weights|modified"):
        tape.backward(y.sum())


def test_backward_of_the_layer_alone_adds_to_the_embedding(net: Any) -> None:
    embedding = net.Embedding(V, D, seed=1, dtype="float64")
    layer = net.Dense(V, tied_to=embedding, bias=False, dtype="float64")
    x, dy = RNG.standard_normal((2, 3, D)), RNG.standard_normal((2, 3, V))
    layer(x)
    for times in (1, 2):
        dx = layer.backward(dy)
        expected = times * np.einsum("btv,btd->vd", dy, x)
        assert_near({"dW": np.array(to_numpy(embedding.grads["W"]))}, {"dW": expected}, TOLERANCE["float64"])
    assert_near({"dx": np.array(to_numpy(dx))}, {"dx": dy @ to_numpy(embedding.W)}, TOLERANCE["float64"])
    assert list(layer.params) == []


def test_on_a_tape_and_in_an_encoder_decoder() -> None:
    def on_tape(net: Any) -> Any:
        embed = net.Embedding(V, D, seed=1)
        tape = net.Tape(embed=embed, dense=net.Dense(V, tied_to=embed, seed=2), loss=net.SoftmaxCrossEntropy(), seed=1,
                        dtype="float64")  # fmt: skip
        tape.backward(tape.loss(tape.dense(tape.embed(X)), TARGET) + (tape.dense.W * tape.dense.W).sum())
        again = net.Tape.from_config(tape.config())
        assert again.dense.part.tied_to is again.embed.part
        return arrays(tape.grads)

    def translator(net: Any) -> Any:
        theirs = net.Embedding(V, D)
        encoder, decoder = [net.Embedding(V, D), net.GRULayer(D)], [theirs, net.GRULayer(D)]
        model = net.EncoderDecoder(
            encoder, decoder, [net.Dense(V, tied_to=theirs)], loss=net.SoftmaxCrossEntropy(), dtype="float64"
        )
        model.loss_and_grads(X, TARGET)
        again = net.EncoderDecoder.from_config(model.config())
        assert again.output.layers[0].tied_to is again.decoder.layers[0]
        assert again.config() == model.config()
        return arrays(model.grads)

    for program in (on_tape, translator):
        assert_near(program(numnet), program(torchnet), TOLERANCE["float64"])


def test_the_gradient_of_the_padding_row_is_zero(net: Any) -> None:
    model = model_of(net, padding=0)
    trained(net, model, net.Adam(0.1, weight_decay=0.1))
    np.testing.assert_array_equal(to_numpy(model.layers[0].W)[0], 0)


def test_moves_and_conversions_keep_the_tie(net: Any) -> None:
    model = model_of(net)
    before = model.predict(X)
    model.convert("float32")
    assert model.layers[2].tied_to.W.dtype == model.layers[0].W.dtype
    assert np.abs(model.predict(X) - before).max() < 1e-5
    assert model.predict(X).dtype == np.float32


REFUSED: dict[str, tuple[type[Exception], str, Any]] = {
    "another model": (
        ValueError,
        "RNNModel: layers.1 is tied to an Embedding that is no part of the RNNModel, expected one of its Embeddings: "
        "layers.0. Give both parts to the same model.",
        lambda net: net.RNNModel([net.Embedding(V, D), net.Dense(V, tied_to=net.Embedding(V, D))]),
    ),
    "no embedding": (
        ValueError,
        "RNNModel: layers.0 is tied to an Embedding that is no part of the RNNModel, expected one of its Embeddings: "
        "there is none. Give both parts to the same model.",
        lambda net: net.RNNModel([net.Dense(V, tied_to=net.Embedding(V, D))]),
    ),
    "a name": (
        ValueError,
        "Tape: dense is tied to 'layers.0', expected the name of an Embedding: embed.",
        lambda net: net.Tape(embed=net.Embedding(V, D), dense=net.Dense(V, tied_to="layers.0")),
    ),
    "a name, alone": (
        ValueError,
        "Dense: tied_to is 'embed', expected an Embedding: a name is that of a part of the same model. Put both into "
        "one model, or pass the Embedding itself.",
        lambda net: net.Dense(V, tied_to="embed")(np.ones((2, D))),
    ),
    "tokens": (
        ValueError,
        "Dense: output_size is 5, expected 7, the number of tokens of the Embedding that it is tied to. Use Dense(7, "
        "tied_to=...).",
        lambda net: net.Dense(5, tied_to=net.Embedding(V, D)),
    ),
    "width": (
        ValueError,
        "Dense: x has 3 features, expected 4, the width of the Embedding that it is tied to. Put a Dense(4) before it, "
        "or change one of the widths.",
        lambda net: net.Dense(V, tied_to=net.Embedding(V, D))(np.ones((2, 3))),
    ),
    "a layer": (
        TypeError,
        "Dense: tied_to is Dense, expected an Embedding of this package, or its name in the model. Only a matrix of "
        "one vector for each token can be tied.",
        lambda net: net.Dense(V, tied_to=net.Dense(3)),
    ),
    "a class": (
        TypeError,
        "Dense: tied_to is the class Embedding, expected an Embedding of this package, or its name in the model. Make "
        "it first: embedding = Embedding(...), then Dense(..., tied_to=embedding).",
        lambda net: net.Dense(V, tied_to=net.Embedding),
    ),
    "later": (
        TypeError,
        "Dense: tied_to is set to Embedding, expected no change after construction. Create a new Dense.",
        lambda net: setattr(net.Dense(V, input_size=D), "tied_to", net.Embedding(V, D)),
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_tied_is_refused(case: str, net: Any) -> None:
    kind, words, call = REFUSED[case]
    with pytest.raises(kind) as caught:
        call(net)
    assert str(caught.value).startswith(words)


def test_an_embedding_of_the_other_package_is_refused() -> None:
    for net, other in ((numnet, torchnet), (torchnet, numnet)):
        with pytest.raises(
            TypeError, match=f"Dense: tied_to is {other.__name__}'s Embedding, expected an Embedding of"
        ):
            net.Dense(V, tied_to=other.Embedding(V, D))


def test_a_part_of_one_model_is_still_refused_in_another(net: Any) -> None:
    source, target = net.Embedding(V, D), net.Embedding(V, D)
    output = net.Dense(V, tied_to=target)
    net.EncoderDecoder([source, net.GRULayer(D)], [target, net.GRULayer(D)], [output])
    with pytest.raises(ValueError, match="no part of the RNNModel"):
        net.RNNModel([source, output])


@pytest.mark.parametrize("name", ["embedding", "layer", "layer by name", "matrix by name"])
def test_a_matrix_that_is_frozen_in_one_part_is_frozen_in_both(name: str, net: Any) -> None:
    model = model_of(net)
    {
        "embedding": lambda: model.layers[0].freeze(),
        "layer": lambda: model.layers[2].freeze(),
        "layer by name": lambda: model.freeze("layers.2"),
        "matrix by name": lambda: model.layers[2].freeze("W"),
    }[name]()
    assert model.frozen == ["layers.0.W", *(["layers.2.b"] if name.startswith("layer") else [])]
    before = arrays(model.params)
    trained(net, model, net.Adam(0.1))
    moved = {key for key, value in arrays(model.params).items() if (value != before[key]).any()}
    assert moved == set(model.params) - set(model.frozen)
    (model.unfreeze("layers.2") if name == "layer by name" else model.layers[2].unfreeze())
    assert model.frozen == []
