"""Multi-head attention against torch.nn.MultiheadAttention: values, gradients, masks, causal, dropout, in a model."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import numnet
import torchnet
from numnet.core.arrays import to_numpy
from parity_tests.probe import assert_near
from parity_tests.strategies import TOLERANCE

B, Q, T, E, M = 3, 4, 5, 6, 7
RNG = np.random.default_rng(0)
X, MEMORY, DY = RNG.standard_normal((B, Q, E)), RNG.standard_normal((B, T, M)), RNG.standard_normal((B, Q, E))
MASK = np.array([[1, 0, 1, 1, 0], [1, 1, 1, 1, 1], [0, 0, 0, 0, 0]], bool)  # gaps, and a row without a real step


def of_torch(part: Any) -> tuple[Any, dict[str, Tensor]]:
    """torch.nn's layer with the parameters of ours; and ours as leaves, for their gradients."""
    p = {name: torch.tensor(np.array(to_numpy(value)), requires_grad=True) for name, value in part.params.items()}
    options: dict[str, Any] = {
        "bias": part.bias,
        "batch_first": True,
        "kdim": part.memory_size,
        "vdim": part.memory_size,
    }
    layer = torch.nn.MultiheadAttention(part.input_size, part.heads, **options).double()
    own = {"out_proj.weight": p["W_o"]}
    if part.memory_size == part.input_size:
        own["in_proj_weight"] = torch.cat([p["W_q"], p["W_k"], p["W_v"]])
    else:
        own |= {f"{name}_proj_weight": p[f"W_{name}"] for name in "qkv"}
    if part.bias:
        own |= {"in_proj_bias": torch.cat([p["b_q"], p["b_k"], p["b_v"]]), "out_proj.bias": p["b_o"]}
    return lambda *inputs, **given: torch.func.functional_call(layer, own, inputs, given), p


def theirs(part: Any, x: Any, m: Any, mask: Any, dy: Any) -> dict[str, Any]:
    """Outputs, weights and gradients of torch.nn's layer; rows without a real step, NaN there, are 0."""
    call, p = of_torch(part)
    x, m = torch.tensor(x, requires_grad=True), torch.tensor(m, requires_grad=True)
    some = torch.tensor(np.ones(len(m), bool) if mask is None else mask.any(axis=1))
    padding = None if mask is None else torch.tensor(~mask)[some]
    later = torch.ones(x.shape[1], m.shape[1], dtype=torch.bool).triu(1) if part.causal else None
    y, alpha = call(x[some], m[some], m[some], key_padding_mask=padding, attn_mask=later, average_attn_weights=False)
    real = ~torch.isnan(y).any(dim=-1, keepdim=True)
    whole = torch.zeros(x.shape, dtype=torch.float64)
    whole = whole.index_put((some.nonzero()[:, 0],), torch.where(real, y, 0))
    if real.all():
        whole.backward(torch.tensor(dy))
    found = {"y": whole, "weights": torch.zeros((len(x), *alpha.shape[1:]), dtype=torch.float64)}
    found["weights"][some] = alpha.detach()
    leaves = {"x": x, "m": m, **p}
    found |= {f"d{name}": value.grad for name, value in leaves.items() if value.grad is not None}
    return {name: to_numpy(value.detach()) for name, value in found.items()}


def ours(part: Any, x: Any, m: Any, mask: Any, dy: Any) -> dict[str, Any]:
    part.zero_grad()
    y = part(x, m, mask)
    dx, dm = part.backward(dy)
    found = {"y": y, "weights": part.weights, "dx": dx, "dm": dm}
    found |= {f"d{name}": value for name, value in part.grads.items()}
    return {
        name: np.array(to_numpy(value.detach() if hasattr(value, "detach") else value)) for name, value in found.items()
    }


@pytest.mark.parametrize("mask", [None, MASK, "lengths"])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("heads", [1, 2, 3])
def test_cross_attention_is_that_of_torch(heads: int, bias: bool, mask: Any, net: Any) -> None:
    given = [5, 0, 2] if isinstance(mask, str) else mask
    mask = np.arange(T) < np.array(given)[:, None] if isinstance(mask, str) else mask
    part = net.MultiHeadAttention(heads, bias=bias, input_size=E, memory_size=M, seed=1, dtype="float64")
    part.load_state_dict({n: RNG.standard_normal(tuple(p.shape)) / 2 for n, p in part.params.items()})
    assert_near(ours(part, X, MEMORY, given, DY), theirs(part, X, MEMORY, mask, DY), TOLERANCE["float64"])
    if mask is not None:
        assert (
            to_numpy(part(X, MEMORY, given).detach() if net is torchnet else part(X, MEMORY, given))[~mask.any(1)] == 0
        ).all()


@pytest.mark.parametrize("causal", [True, False])
def test_self_attention_is_that_of_torch(causal: bool, net: Any) -> None:
    layer = net.SelfAttention(2, causal=causal, seed=1, dtype="float64")
    y = layer(X)
    dx = layer.backward(DY)
    expected = theirs(layer, X, X, None, DY)
    assert_near(
        {"y": np.array(to_numpy(y.detach() if net is torchnet else y))}, {"y": expected["y"]}, TOLERANCE["float64"]
    )
    assert_near({"dx": np.array(to_numpy(dx))}, {"dx": expected["dx"] + expected["dm"]}, TOLERANCE["float64"])
    grads = {f"d{name}": np.array(to_numpy(value)) for name, value in layer.grads.items()}
    assert_near(grads, {name: expected[name] for name in grads}, TOLERANCE["float64"])


def test_padding_is_never_read_and_an_empty_row_is_zero(net: Any) -> None:
    layer, x = net.SelfAttention(2, input_size=E, seed=1, dtype="float64"), X.copy()
    y = np.array(to_numpy(layer(x, [4, 0, 2])))
    x[1], x[2, 2:] = np.nan, np.nan
    again = np.array(to_numpy(layer(x, [4, 0, 2])))
    dx = np.array(to_numpy(layer.backward(np.ones_like(y))))
    np.testing.assert_array_equal(again, y)
    assert (y[1] == 0).all()
    assert (y[2, 2:] == 0).all()
    assert np.isfinite(dx).all()
    assert (dx[1] == 0).all()
    assert all(np.isfinite(to_numpy(value)).all() for value in layer.grads.values())


def test_a_causal_layer_reads_no_later_step(net: Any) -> None:
    layer, x = net.SelfAttention(3, causal=True, input_size=E, seed=1), X.copy()
    y = np.array(to_numpy(layer(x)))
    x[:, 2:] += 1
    other = np.array(to_numpy(layer(x)))
    assert (other[:, :2] == y[:, :2]).all()
    assert (other[:, 2:] != y[:, 2:]).any()
    assert (np.array(to_numpy(layer.weights))[:, :, 0, 1:] == 0).all()


def model_of(net: Any) -> Any:
    layers = [net.Embedding(9, 8), net.SelfAttention(2, causal=True, dropout=0.2), net.LayerNorm(), net.Dense(9)]
    return net.RNNModel(layers, net.SoftmaxCrossEntropy(), seed=2, dtype="float64")


def test_in_a_model_both_backends_train_alike_and_a_copy_is_equal(tmp_path: Any) -> None:
    x, target, losses = RNG.integers(0, 9, (4, 6)), RNG.integers(0, 9, (4, 6)), []
    for net in (numnet, torchnet):
        model, optimizer = model_of(net), net.Adam(0.05)
        for _ in range(5):
            model.zero_grad()
            losses.append(float(model.loss_and_grads(x, target, lengths=[6, 2, 0, 4])))
            optimizer.step(model)
        y = model.predict(x, lengths=[6, 2, 0, 4])
        net.save_checkpoint(tmp_path / "attention.npz", model)
        for other in (numnet, torchnet):
            again = other.RNNModel.from_checkpoint(other.load_checkpoint(tmp_path / "attention.npz"))
            assert_near({"y": again.predict(x, lengths=[6, 2, 0, 4])}, {"y": y}, TOLERANCE["float64"])
        assert_near({"y": copy.deepcopy(model).predict(x, lengths=[6, 2, 0, 4])}, {"y": y}, 0)
    np.testing.assert_allclose(losses[:5], losses[5:], 1e-9)
    assert losses[4] < losses[0]


def test_on_a_tape(net: Any) -> None:
    found = []
    for backend in (numnet, torchnet):
        tape = backend.Tape(
            attend=backend.MultiHeadAttention(2, seed=1), own=backend.SelfAttention(3, seed=2), dtype="float64"
        )
        x, m = backend.ArrayWithGrad(X), backend.ArrayWithGrad(MEMORY)
        y = tape.own(tape.attend(x, m, MASK))
        tape.backward((y * DY).sum())
        grads = {**tape.grads, "x": x.grad, "m": m.grad}
        found.append({name: np.array(to_numpy(value)) for name, value in grads.items()})
    assert_near(found[0], found[1], TOLERANCE["float64"])


def test_packed(net: Any) -> None:
    layer = net.SelfAttention(2, input_size=E, seed=1, dtype="float64")
    packed = net.Packed.from_padded(X, [4, 1, 2])
    y, padded = layer(packed), np.array(to_numpy(layer(X, [4, 1, 2])))
    unpacked, _ = y.padded() if isinstance(y.padded(), tuple) else (y.padded(), None)
    np.testing.assert_array_equal(to_numpy(unpacked.detach() if net is torchnet else unpacked), padded)


REFUSED = {
    "heads": ("SelfAttention: heads is 4, expected a divisor of the 6 features of the queries: 1, 2, 3, 6.",
              lambda net: net.SelfAttention(4, input_size=6)),
    "heads of a batch": ("MultiHeadAttention: heads is 4, expected a divisor of the 6 features of the queries: 1, 2,",
                         lambda net: net.MultiHeadAttention(4)(X, MEMORY)),
    "rows": ("MultiHeadAttention: m has 2 rows, expected 3, as q has.",
             lambda net: net.MultiHeadAttention(2)(X, MEMORY[:2])),
    "width": ("SelfAttention: x has 7 features, expected 6.", lambda net: net.SelfAttention(2, input_size=6)(MEMORY)),
    "one sequence": ("SelfAttention: x is (4, 6), expected", lambda net: net.SelfAttention(2)(X[0])),
    "dropout": ("SelfAttention: dropout is 1, expected 0 or more and less than 1.",
                lambda net: net.SelfAttention(2, dropout=1)),
    "in a model": ("RNNModel: layers[0] is MultiHeadAttention, which takes q, m, expected a layer of one input. Use "
                   "SelfAttention(heads), or a Tape.", lambda net: net.RNNModel([net.MultiHeadAttention(2)])),
    "gradient": ("SelfAttention: dy is (3, 4, 5), expected (3, 4, 6).",
                 lambda net: called(net).backward(np.ones((3, 4, 5)))),
}  # fmt: skip


def called(net: Any) -> Any:
    layer = net.SelfAttention(2)
    layer(X)
    return layer


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_is_refused(case: str, net: Any) -> None:
    words, call = REFUSED[case]
    with pytest.raises((TypeError, ValueError)) as caught:
        call(net)
    assert str(caught.value).startswith(words)
