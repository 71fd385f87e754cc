"""summary() and print of a model: what is known before the first batch, all of it after, and never a side effect."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numnet
import torchnet
from numnet.core.arrays import to_numpy
from numnet.core.summary import COLUMNS, rows_of
from parity_tests.test_show import small_model
from parity_tests.translator import pairs, translator

LANGUAGE_MODEL = """\
RNNModel, float32, cpu, seed None, loss SoftmaxCrossEntropy()
-------------------------------------------------------
          layer              output      parameters  path
-------------------------------------------------------
layers.0  Embedding(50, 16)  (B, T, 16)         800
layers.1  LSTMLayer(32)      (B, T, 32)       6,272  fast
layers.2  Dense(50)          (B, T, 50)       1,650
-------------------------------------------------------
          total                               8,722
"""


def table(text: str) -> list[list[str]]:
    """The cells of each row, without rules and dashes."""
    return [line.split() for line in text.splitlines() if not line.startswith("---")]


def test_a_language_model(net: Any) -> None:
    model = small_model(net)
    shown = model.summary()
    assert table(shown) == table(LANGUAGE_MODEL)
    model(np.zeros((2, 3), int))
    assert model.summary() == shown == str(model)
    assert sum(to_numpy(p).size for p in model.params.values()) == 8722


def test_what_the_first_batch_decides(net: Any) -> None:
    layers = [net.GRULayer(32, bidirectional=True, zoneout=0.1), net.Pooling("max"), net.Dense(3)]
    model = net.RNNModel(layers, dtype="float64", seed=5)
    before = [(row.shape, row.count, row.path) for row in rows_of(model)]
    assert before == [("(B, T, 64)", None, "plain"), ("(B, 64)", 0, ""), ("(B, 3)", 195, "")]
    assert table(model.summary())[0] == ["RNNModel,", "float64,", "cpu,", "seed", "5,", "loss", "None"]
    assert table(model.summary())[-2:] == [
        ["total", "?"],
        ["layers.0", "runs", "plain:", "no", "kernel", "supports", "zoneout"],
    ]
    model(np.zeros((2, 3, 4)))
    after = [(row.shape, row.count, row.path) for row in rows_of(model)]
    assert after == [("(B, T, 64)", 2 * 32 * (3 * (4 + 32 + 1) + 1), "plain"), *before[1:]]


@pytest.mark.parametrize(
    ("make", "shapes"),
    [
        (lambda net: [net.Dense(5), net.Tanh()], ["(B, ..., 5)", "(B, ..., 5)"]),
        (lambda net: [net.LSTMLayer(5, proj_size=2), net.Dropout()], ["(B, T, 2)", "(B, T, 2)"]),
        (lambda net: [net.RNNLayer(5, output_size=3, return_sequences=False)], ["(B, 3)"]),
        (lambda net: [net.RNNLayer(5, batch_first=False)], ["(T, B, 5)"]),
        (lambda net: [net.Bidirectional(net.MGULayer(5), "sum")], ["(B, T, 5)"]),
        (
            lambda net: [net.Concat([net.Embedding(9, 2), net.Characters(5, embedding_size=2, output_size=3)], [1, 4])],
            ["(B, T, 5)"],
        ),
        (lambda net: [net.Tanh(), net.Convolution(5)], ["(B, T, ?)", "(B, T, 5)"]),
        (lambda net: [], []),
    ],
)
def test_shapes_before_the_first_batch(net: Any, make: Any, shapes: list[str]) -> None:
    model = net.RNNModel(make(net))
    assert [row.shape for row in rows_of(model)] == shapes
    assert all(shape in model.summary() for shape in shapes)


def test_an_encoder_and_a_decoder(net: Any) -> None:
    model = net.EncoderDecoder(
        [net.Embedding(50, 16), net.GRULayer(32)],
        [net.Embedding(60, 16), net.GRULayer(32)],
        [net.Dense(20), net.Tanh(), net.Dense(60)],
        net.Attention("general"),
    )
    shapes = ["(B, S, 16)", "(B, S, 32)", "(B, T, 16)", "(B, T, 32)", "(B, T, 32)", *["(B, T, 20)"] * 2, "(B, T, 60)"]
    assert [row.shape for row in rows_of(model)] == shapes
    assert sum(row.count or 0 for row in rows_of(model)) == sum(to_numpy(p).size for p in model.params.values())
    waiting = net.EncoderDecoder(
        [net.GRULayer(4)], [net.Embedding(9, 2), net.GRULayer(4)], [net.Dense(9)], net.Attention()
    )
    assert [row.count is None for row in rows_of(waiting)] == [True, False, False, False, False]


@pytest.mark.parametrize("attention", [None, "dot", "general", "additive"])
def test_the_table_counts_what_there_is(net: Any, attention: str | None) -> None:
    model = translator(net, attention)
    x, target, lengths = pairs()
    model(x, target, lengths)
    counts = {row.name: row.count for row in rows_of(model)}
    for name, count in counts.items():
        assert count == sum(to_numpy(p).size for n, p in model.params.items() if n.startswith(f"{name}."))


def test_a_tape(net: Any) -> None:
    tape = net.Tape(
        embed=net.Embedding(9, 4),
        node=net.LSTMNode(5),
        dense=net.Dense(2),
        both=net.Bidirectional(net.MGULayer(5), None),
        loss=net.SoftmaxCrossEntropy(),
    )
    assert [(row.name, row.shape, row.count) for row in rows_of(tape)] == [
        ("embed", "(B, ..., 4)", 36),
        ("node", "(B, 5)", None),
        ("dense", "(B, ..., 2)", None),
        ("both", "2 x (B, T, 5)", None),
        ("loss", "one number", 0),
    ]
    assert str(tape) == tape.summary()
    assert str(tape).splitlines()[0] == "Tape, float32, cpu, seed None"


def test_it_fits_into_a_hundred_columns(net: Any) -> None:
    wide = net.LSTMLayer(
        1000, output_size=500, layer_norm=True, state_dropout=0.1, zoneout=(0.1, 0.2), bidirectional=True
    )
    tape = net.Tape(**{"a_part_with_a_name_that_is_far_too_long_for_a_table": net.GRUNode(3)})
    for model in (net.RNNModel([wide, net.Dense(3)]), tape):
        lines = model.summary().splitlines()
        assert max(map(len, lines)) <= COLUMNS
        assert any("..." in line for line in lines)


def test_it_changes_nothing(net: Any) -> None:
    """The same initial values as without, no state, no mode, no parameters."""
    models = [
        net.RNNModel([net.Embedding(9, 4), net.GRULayer(5), net.Dropout(), net.Dense(2)], seed=3) for _ in range(2)
    ]
    models[0].summary()
    assert not models[0].layers[1].built
    x = np.zeros((2, 3), int)
    ours, theirs = (to_numpy(model(x)) for model in models)
    np.testing.assert_array_equal(ours, theirs)
    assert models[0].layers[2].calls == 1


def test_both_backends_print_the_same() -> None:
    assert str(small_model(torchnet)) == str(small_model(numnet))


def test_layers_that_do_not_fit_are_shown(net: Any) -> None:
    model = net.RNNModel([net.Embedding(9, 4), net.Dense(3, input_size=5)])
    assert [row.count for row in rows_of(model)] == [36, 18]
