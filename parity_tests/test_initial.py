"""Initial values are shared by both backends, so parity cannot check them: torch.nn.init and their laws do."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import numnet
import torchnet
from numnet.core import init as initial
from numnet.core.arrays import to_numpy

SIZES = [(40, 60), (60, 40), (50, 50)]  # outputs, inputs


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.mark.parametrize(("outputs", "inputs"), SIZES)
def test_glorot_is_torchs(outputs: int, inputs: int) -> None:
    ours, theirs = initial.glorot(rng(), outputs, inputs), torch.nn.init.xavier_uniform_(torch.empty(outputs, inputs))
    bound = (6 / (outputs + inputs)) ** 0.5
    assert 0.99 * bound < np.abs(ours).max() <= bound
    assert 0.99 * bound < theirs.abs().max() <= bound
    assert ours.std() == pytest.approx(float(theirs.std()), rel=0.05)  # 2 000 numbers: some 1.5 % each


@pytest.mark.parametrize(("outputs", "inputs"), SIZES)
def test_orthogonal_keeps_lengths_and_is_even_over_all_rotations(outputs: int, inputs: int) -> None:
    W = initial.orthogonal(rng(), outputs, inputs)
    small = W @ W.T if outputs <= inputs else W.T @ W
    np.testing.assert_allclose(small, np.eye(min(outputs, inputs)), atol=1e-12)
    # Without the signs of R, LAPACK's reflections give a Q whose diagonal leans to one side: mean -0.4 at this size.
    corners = [initial.orthogonal(np.random.default_rng(seed), 3, 3).trace() for seed in range(400)]
    assert abs(np.mean(corners)) < 0.2  # the trace of an even rotation or reflection: mean 0, deviation 1


@pytest.mark.parametrize("kind", ["RNNLayer", "GRULayer", "LSTMLayer"])
def test_pytorchs_default_is_within_one_over_the_root_of_h(kind: str) -> None:
    params = getattr(numnet, kind)(64, input_size=9).params
    raw = getattr(torch.nn, kind.removesuffix("Layer"))(9, 64)
    for name, p in params.items():
        assert 0.9 / 8 < np.abs(p).max() <= 1 / 8, name
    assert all(float(p.detach().abs().max()) <= 1 / 8 for p in raw.parameters())


def test_each_gate_of_an_orthogonal_w_h_is_orthogonal_and_its_biases_are_0() -> None:
    params = numnet.GRULayer(6, input_size=4, initial="orthogonal", dtype="float64").params
    for gate in np.split(params["W_h"], 3):
        np.testing.assert_allclose(gate @ gate.T, np.eye(6), atol=1e-12)
    assert not params["b"].any()
    assert not params["b_h"].any()
    assert np.abs(params["W_x"]).max() <= (6 / 10) ** 0.5


def test_an_embedding_is_normal_and_a_dense_layer_torchs() -> None:
    W = numnet.Embedding(200, 30).params["W"]
    assert W.std() == pytest.approx(1, rel=0.03)
    assert abs(W.mean()) < 0.05
    dense = numnet.Dense(50, input_size=25).params
    assert all(0.9 / 5 < np.abs(p).max() <= 1 / 5 for p in dense.values())


def as_arrays(part: Any) -> dict[str, Any]:
    return {name: np.array(to_numpy(value)) for name, value in part.params.items()}


def assert_equal(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    for name, value in ours.items():
        np.testing.assert_array_equal(value, theirs[name], err_msg=name)


def two_equal(net: Any, seed: int = 0, **own: Any) -> Any:
    """Two parts whose sizes are given, side by side in a model."""
    sides = [net.Dense(5, input_size=4, **own), net.Dense(5, input_size=4, **own)]
    return net.RNNModel([net.Concat(sides), net.GRULayer(3, input_size=10)], input_size=4, seed=seed)


@pytest.mark.parametrize("net", [numnet, torchnet])
def test_a_model_draws_parts_whose_sizes_are_given(net: Any) -> None:
    one, other = (as_arrays(two_equal(net, seed)) for seed in (0, 1))
    assert not np.array_equal(one["layers.0.layers.0.W"], one["layers.0.layers.1.W"])
    for name in one:
        assert not np.array_equal(one[name], other[name]), name
    assert_equal(one, as_arrays(two_equal(numnet, 0)))


@pytest.mark.parametrize("net", [numnet, torchnet])
def test_a_tape_draws_parts_whose_sizes_are_given(net: Any) -> None:
    one, other = (
        net.Tape(seed=k, a=net.Dense(5, input_size=4), b=net.Dense(5, input_size=4), c=net.Embedding(5, 4))
        for k in (0, 1)
    )
    one, other = as_arrays(one), as_arrays(other)
    assert not np.array_equal(one["a.W"], one["b.W"])
    for name in one:
        assert not np.array_equal(one[name], other[name]), name


SIZED: dict[str, Callable[[Any], Any]] = {
    "Dense": lambda net: net.Dense(5, input_size=4),
    "Convolution": lambda net: net.Convolution(5, width=2, input_size=4),
    "a node": lambda net: net.RecurrentLayer(net.GRUNode(5, input_size=4)),
    "LSTM": lambda net: net.LSTMLayer(5, output_size=2, input_size=4),
    "both ways": lambda net: net.GRULayer(5, input_size=4, bidirectional=True),
    "both ways, dropping": lambda net: net.GRULayer(5, input_size=4, bidirectional=True, zoneout=0.5),
    "Embedding": lambda net: net.Embedding(4, 5),
    "Characters": lambda net: net.Characters(4, embedding_size=5, output_size=6),
}


@pytest.mark.parametrize("kind", SIZED)
@pytest.mark.parametrize("net", [numnet, torchnet])
def test_each_part_is_drawn_by_its_model_and_no_two_are_equal(net: Any, kind: str) -> None:
    def weights(net: Any, seed: int) -> dict[str, Any]:
        parts = {"one": SIZED[kind](net), "two": SIZED[kind](net)}
        return as_arrays(net.Tape(seed, "float64", **parts)) | as_arrays(
            net.RNNModel([SIZED[kind](net)], None, input_size=4, seed=seed)
        )

    ours, other = weights(net, 5), weights(net, 6)
    assert_equal(ours, weights(numnet, 5))
    for name, value in ours.items():
        assert not np.array_equal(value, other[name]), name
        assert not np.array_equal(value, ours[name.replace("one.", "two.")]) or not name.startswith("one."), name


@pytest.mark.parametrize("net", [numnet, torchnet])
def test_masks_are_drawn_by_the_model_too(net: Any) -> None:
    layers = [SIZED["both ways, dropping"](net) for _ in range(2)]
    for seed, layer in enumerate(layers):
        net.RNNModel([layer], None, input_size=4, seed=seed)
    assert len({way.mask_seed for layer in layers for way in (layer.forwards, layer.backwards)}) == 4


@pytest.mark.parametrize("net", [numnet, torchnet])
def test_a_part_with_a_seed_of_its_own_keeps_its_weights(net: Any) -> None:
    alone = net.Dense(5, input_size=4, seed=3), net.GRULayer(3, output_size=2, input_size=5, seed=4)
    sized = net.RNNModel(
        [net.Dense(5, input_size=4, seed=3), net.GRULayer(3, output_size=2, input_size=5, seed=4)],
        None,
        input_size=4,
        seed=7,
    )
    shown = net.RNNModel([net.Dense(5, seed=3), net.GRULayer(3, output_size=2, seed=4)], None, input_size=4, seed=7)
    tape = net.Tape(seed=7, dense=net.Dense(5, seed=3), layer=net.GRULayer(3, output_size=2, seed=4))
    tape.layer(tape.dense(np.ones((2, 3, 4), "float32")))
    for k, part in enumerate(alone):
        for model in (sized, shown):
            assert_equal(as_arrays(model.layers[k]), as_arrays(part))
        assert_equal(as_arrays(list(tape.named_parts.values())[k]), as_arrays(part))


@pytest.mark.parametrize("net", [numnet, torchnet])
def test_parts_of_models_within_models_are_not_equal_either(net: Any) -> None:
    tape = net.Tape(seed=1, one=net.RNNModel([net.Dense(3)]), two=net.RNNModel([net.Dense(3)]))
    x = np.ones((2, 4), "float32")
    assert not np.array_equal(np.asarray(tape.one(x).value), np.asarray(tape.two(x).value))


@pytest.mark.parametrize("net", [numnet, torchnet])
def test_a_dropout_keeps_its_own_seed_and_the_one_that_its_model_drew(net: Any) -> None:
    own, drawn = net.Dropout(0.5, seed=5), net.Dropout(0.5)
    x, apart = np.ones((3, 8), "float32"), []
    for seed in (1, 2):
        net.RNNModel([own, drawn], None, input_size=8, seed=seed)
        own.calls = drawn.calls = 0
        apart.append([np.asarray(to_numpy(part(x))) for part in (own, drawn, net.Dropout(0.5, seed=5))])
    for ours, again in zip(*apart):
        np.testing.assert_array_equal(ours, again)
    np.testing.assert_array_equal(apart[0][0], apart[0][2])
    assert not np.array_equal(apart[0][0], apart[0][1])


def changed(part: Any) -> None:
    part.load_state_dict({name: value + 1 for name, value in as_arrays(part).items()})


def chosen(part: Any) -> None:
    part.load_state_dict(as_arrays(part))


def called(part: Any) -> None:
    part(np.ones((2, 3, 4), "float32"))


def called_without_a_graph(part: Any) -> None:
    with torch.no_grad():
        called(part)


def in_a_model(part: Any) -> None:
    (numnet if isinstance(part, numnet.Operation) else torchnet).RNNModel([part], input_size=4, seed=9)


@pytest.mark.parametrize("before", [changed, chosen, called, called_without_a_graph, in_a_model])
@pytest.mark.parametrize("maker", ["Dense", "GRULayer", "Convolution"])
@pytest.mark.parametrize("net", [numnet, torchnet])
def test_a_part_that_was_used_keeps_its_weights(net: Any, maker: str, before: Callable[[Any], None]) -> None:
    part = getattr(net, maker)(5, input_size=4)
    before(part)
    kept = as_arrays(part)
    net.RNNModel([part], input_size=4, seed=7)
    assert_equal(as_arrays(part), kept)
    net.Tape(seed=3, part=part)
    assert_equal(as_arrays(part), kept)
    other = copy.deepcopy(part)
    net.RNNModel([other], input_size=4, seed=8)
    assert_equal(as_arrays(other), kept)
    if hasattr(part, "node"):
        net.RNNModel([net.RecurrentLayer(part.node)], input_size=4, seed=9)
        assert_equal(as_arrays(part), kept)


@pytest.mark.parametrize("net", [numnet, torchnet])
def test_a_node_that_a_tape_has_called_keeps_its_weights(net: Any) -> None:
    layer = net.GRULayer(5)
    net.Tape(seed=3, part=layer).part(np.ones((2, 3, 4), "float32"))
    kept = as_arrays(layer)
    net.RNNModel([net.RecurrentLayer(layer.node)], input_size=4, seed=9)
    assert_equal(as_arrays(layer), kept)


def test_bfloat16_has_first_values_too() -> None:
    part = torchnet.Dense(3, input_size=4, dtype=torch.bfloat16)
    torchnet.RNNModel([part], input_size=4, seed=1, dtype=torch.bfloat16)
    assert part.W.dtype == torch.bfloat16


def test_an_optimizer_of_torch_made_before_the_model_has_the_models_parameters() -> None:
    part = torchnet.GRULayer(5, output_size=2, input_size=4)
    theirs = {id(p) for p in part.parameters()}
    model = torchnet.RNNModel([part], input_size=4, seed=7, dtype="float64")
    assert {id(p) for p in model.parameters()} == theirs
    assert all(p.dtype == torch.float64 for p in part.parameters())
    assert_equal(
        as_arrays(model),
        as_arrays(
            numnet.RNNModel(
                [numnet.GRULayer(5, output_size=2, input_size=4)], None, input_size=4, seed=7, dtype="float64"
            )
        ),
    )


@pytest.mark.parametrize("shape", [(5, 5), (3, 5), (5, 3)])
def test_orthogonal_is_the_factor_whose_other_has_a_positive_diagonal(shape: tuple[int, int]) -> None:
    drawn = np.random.default_rng(1).standard_normal((max(shape), min(shape)))
    Q, R = np.linalg.qr(drawn)
    Q = Q * np.sign(np.diag(R))
    ours = initial.orthogonal(np.random.default_rng(1), *shape)
    np.testing.assert_allclose(ours, Q if shape[0] >= shape[1] else Q.T, atol=1e-12)


@pytest.mark.parametrize(("scheme", "bound"), [("pytorch", 50**-0.5), ("glorot", (6 / 90) ** 0.5), ("orthogonal", 1.0)])
def test_the_first_values_of_a_projection_fill_their_range(scheme: str, bound: float) -> None:
    W_r = numnet.LSTMLayer(50, input_size=3, proj_size=40, initial=scheme, dtype="float64").params["W_r"]
    assert W_r.shape == (40, 50)
    if scheme == "orthogonal":
        np.testing.assert_allclose(W_r @ W_r.T, np.eye(40), atol=1e-12)
    else:
        assert 0.98 * bound < np.abs(W_r).max() <= bound
        assert abs(W_r.mean()) < bound / 20


def test_the_output_of_a_layer_is_drawn_by_the_layers_scheme() -> None:
    W = numnet.GRULayer(5, output_size=4, input_size=3, initial="orthogonal", dtype="float64").params["output.W"]
    np.testing.assert_allclose(W @ W.T, np.eye(4), atol=1e-12)


@pytest.mark.parametrize("options", [{}, {"peepholes": True}, {"coupled": True}], ids=["plain", "peepholes", "coupled"])
@pytest.mark.parametrize("of", ["node", "layer"])
def test_the_forget_bias_is_added_to_the_forget_gates_rows_alone(options: dict[str, bool], of: str) -> None:
    names = {"layer": ("LSTMLayer",) * 2, "node": ("LSTMVariantNode" if options else "LSTMNode",) * 2}[of]
    sizes = {"input_size": 2, "dtype": "float64", "seed": 5, **options}
    with_bias, without = (getattr(numnet, k)(3, forget_bias=b, **sizes) for k, b in zip(names, (2.0, 0.0)))
    added = with_bias.params["b"] - without.params["b"]
    expected = np.zeros(9 if "coupled" in options else 12)
    expected[:3] -= 2 * ("coupled" in options)
    expected[3:6] += 2 * ("coupled" not in options)
    np.testing.assert_allclose(added, expected, atol=1e-15)
    default = getattr(numnet, names[0])(3, **sizes).params["b"]
    np.testing.assert_array_equal(default, without.params["b"])


@pytest.mark.parametrize("name", ["Dense", "Convolution", "RNNLayer", "GRULayer", "LSTMLayer"])
def test_a_number_is_the_range_of_a_uniform_distribution(name: str, net: Any) -> None:
    """Of every parameter, biases too; 600 values come near the ends."""
    layer = getattr(net, name)(30, input_size=20, initial=0.05)
    for name, value in ((name, to_numpy(p)) for name, p in layer.params.items()):
        assert 0.04 < np.abs(value).max() <= 0.05, name
        assert value.std() == pytest.approx(0.05 / 3**0.5, rel=0.4), name
    again = type(layer)(**layer.config(), input_size=20)
    assert again.config()["initial"] == 0.05
    for wrong in (0, -0.1, float("inf"), "uniform"):
        with pytest.raises(ValueError, match="initial is"):
            getattr(net, type(layer).__name__)(3, initial=wrong)
