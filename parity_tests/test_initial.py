"""First values stand once for both backends, so parity is blind to them: torch.nn.init and their own laws are not."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import numnet
import torchnet
from numnet import initial

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


def test_the_forget_bias_is_added_to_the_forget_rows_alone() -> None:
    plain, open_ = (numnet.LSTMLayer(3, input_size=2, forget_bias=f, dtype="float64").params["b"] for f in (0.0, 1.5))
    np.testing.assert_allclose(open_ - plain, np.repeat([0, 1.5, 0, 0], 3))


def test_an_embedding_starts_with_the_deviation_that_it_is_given() -> None:
    one, less = (numnet.Embedding(40, 50, seed=3, **given).W for given in ({}, {"deviation": 0.1}))
    assert one.std() == pytest.approx(1, rel=0.05)
    np.testing.assert_allclose(less, 0.1 * one, rtol=1e-6)
    again = torchnet.Embedding(**numnet.Embedding(40, 50, deviation=0.1).config(), seed=3)
    np.testing.assert_array_equal(again.W.detach().numpy(), less)
    with pytest.raises(ValueError, match="Embedding: deviation is 0, expected a number above 0"):
        numnet.Embedding(4, 5, deviation=0)
