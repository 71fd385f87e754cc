"""Laws of SPINN on both backends: rows, padding, order, sums of gradients, copies, checkpoints, frozen parts."""

from __future__ import annotations

import copy
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import numnet
import torchnet
from numnet.core.arrays import to_numpy
from numnet.data import SKIP, ParseBatch, Transitions
from parity_tests.probe import Arrays, assert_near
from parity_tests.small import assert_same, weights
from parity_tests.test_optimizers import OPTIMIZERS
from parity_tests.test_tree_lstm import Ours, Theirs

OTHER = {numnet: torchnet, torchnet: numnet}
V, D, H = 7, 4, 3
TIGHT = 1e-12  # float64: other orders of summing
LEAVES = {
    "tokens": lambda net: [net.Embedding(V, D), net.Dense(2 * H)],
    "vectors": lambda net: [net.Dense(2 * H), net.LayerNorm()],
    "states": lambda net: [],
    "a context in two directions": lambda net: [net.Embedding(V, D), net.LSTMLayer(H, bidirectional=True)],
    "attention and convolution": lambda net: [
        net.Embedding(V, D),
        net.SelfAttention(2),
        net.Convolution(2 * H, width=3),
    ],
    "characters": lambda net: [net.Characters(V, embedding_size=2, output_size=D), net.Dense(2 * H)],
    "words and characters": lambda net: [
        net.Concat([net.Embedding(V, D), net.Characters(V, embedding_size=2, output_size=D)], widths=[1, 4]),
        net.Dense(2 * H),
    ],
    "a tied matrix": lambda net: (lambda first: [first, net.Tanh(), net.Dense(V, tied_to=first), net.Dense(2 * H)])(
        net.Embedding(V, D)
    ),
}
DRIVES: dict[str, dict[str, Any]] = {
    "no tracker": {"tracker": None},
    "given": {"tracker": "Tracker"},
    "own": {"tracker": "Tracker", "drive": "own", "teacher_forcing": 0.0},
}
each_leaf = pytest.mark.parametrize("leaf", LEAVES)
each_drive = pytest.mark.parametrize("drive", DRIVES)
seeds = st.integers(0, 999)


def spinn(net: Any, leaf: str = "tokens", node: Any = None, **options: Any) -> Any:
    """A SPINN with large weights, so that its own moves depend on the words."""
    tracker, known = options.pop("tracker", "Tracker"), {"vectors": D, "states": 2 * H}
    options = {"input_size": known.get(leaf), "dtype": "float64", "seed": 1, **options}
    beside = net.Tracker(5) if tracker == "Tracker" else tracker
    model = net.SPINN(LEAVES[leaf](net), node or net.TreeLSTMNode(H), beside, **options)
    if not model.built:
        model.predict(*batch(leaf))
    model.load_state_dict({name: to_numpy(p) * (2 if p.ndim == 2 else 1) for name, p in model.params.items()})
    return model


def batch(leaf: str = "tokens", counts: Any = (3, 0, 1, 5, 2), seed: int = 0) -> tuple[Any, Any, Any]:
    """Words, lengths and transitions of random trees; the padding of the words has values."""
    rng, lengths = np.random.default_rng(seed), np.array(counts)
    B, N = len(lengths), max(1, lengths.max())
    widths = {"vectors": D, "states": 2 * H}
    x: Any = rng.integers(0, V, (B, N))
    if leaf in widths:
        x = rng.standard_normal((B, N, widths[leaf]))
    elif "characters" in leaf:
        x = np.where(np.arange(5) < rng.integers(1, 6, (B, N, 1)), rng.integers(1, V, (B, N, 5)), 0)
    moves = np.full((B, 2 * N - 1), SKIP)
    for b, n in enumerate(lengths):
        if n:
            moves[b, : 2 * n - 1] = Transitions.of_shape(["a"] * n, "random", seed + b).moves
    return x, lengths, moves


def results(model: Any, words: tuple[Any, Any, Any], dy: Any, **scale: float) -> Arrays:
    """y, dx and the gradients of one call."""
    model.zero_grad()
    y = model.forward(*words)
    dx = model.backward(dy, **scale)
    found = {"y": y, "moves": model.moves, "added_loss": model.added_loss, **model.grads}
    return {name: np.array(to_numpy(v)) for name, v in ({**found, "dx": dx} if dx is not None else found).items()}


def upstream(shape: Any, seed: int = 5) -> Any:
    return np.random.default_rng(seed).standard_normal(shape)


@each_leaf
def test_both_backends_agree(leaf: str) -> None:
    words = batch(leaf)
    for drive in DRIVES.values():
        ours, theirs = (results(spinn(net, leaf, **drive), words, upstream((5, H))) for net in (numnet, torchnet))
        assert_near(ours, theirs, 1e-9)


@pytest.mark.parametrize(
    ("leaf", "drive"),
    [*((leaf, "own") for leaf in LEAVES), ("tokens", "given"), ("a context in two directions", "no tracker")],
)
def test_a_batch_is_its_sentences_one_by_one(leaf: str, drive: str, net: Any) -> None:
    """Without the transition loss, a mean over the batch; in every order, with more padding, whatever its words are."""
    x, lengths, moves = words = batch(leaf)
    model = spinn(net, leaf, transition_weight=0.0, **DRIVES[drive])
    dy = upstream((5, H))
    whole, rows = results(model, words, dy), []
    for b, n in enumerate(lengths):
        n = max(n, 1)
        row = results(model, (x[[b], :n], lengths[[b]], moves[[b], : 2 * n - 1]), dy[[b]])
        assert (row["moves"] == whole["moves"][b, : 2 * n - 1]).all()
        rows.append(row)
    single = {name: np.sum([row[name] for row in rows], axis=0) for name in model.grads}
    assert_near(single, {name: whole[name] for name in single}, TIGHT)
    assert_near({"y": np.concatenate([row["y"] for row in rows])}, {"y": whole["y"]}, TIGHT)
    assert not whole["y"][1].any()
    order = np.array([4, 2, 0, 1, 3])
    other = results(model, tuple(part[order] for part in words), dy[order])
    spoilt = np.pad(x, ((0, 0), (0, 2), *[(0, 0)] * (x.ndim - 2)))
    spoilt[np.arange(7) >= lengths[:, None]] = 99 if x.dtype.kind == "i" else np.nan
    longer = results(model, (spoilt, lengths, np.pad(moves, ((0, 0), (0, 4)), constant_values=SKIP)), dy)
    assert_near({"y": other["y"], **{n: other[n] for n in single}}, {"y": whole["y"][order], **single}, TIGHT)
    assert_near({"y": longer["y"], **{n: longer[n] for n in single}}, {"y": whole["y"], **single}, TIGHT)
    if "dx" in whole:
        assert not longer["dx"][np.arange(7) >= lengths[:, None]].any()
        assert_near(
            {"dx": longer["dx"][:, :5], "other": other["dx"]}, {"dx": whole["dx"], "other": whole["dx"][order]}, TIGHT
        )


@each_drive
@settings(max_examples=3)
@given(seed=seeds)
def test_gradients_are_linear_and_add_up(drive: str, net: Any, seed: int) -> None:
    words = batch(counts=np.random.default_rng(seed).integers(0, 6, 4), seed=seed)
    model = spinn(net, return_nodes=True, **DRIVES[drive])
    y = model.forward(*words)
    one, two = (upstream(tuple(y.shape), seed + k) for k in (1, 2))
    a, b = (results(model, words, dy, d_added_loss=c) for dy, c in ((one, 1.0), (two, -0.5)))
    c = results(model, words, 2 * one + two, d_added_loss=1.5)
    assert_near({n: c[n] for n in model.grads}, {n: 2 * a[n] + b[n] for n in model.grads}, TIGHT)
    nothing = results(model, words, None, d_added_loss=0.0)
    assert not any(nothing[name].any() for name in model.grads)
    model.zero_grad()
    for _ in range(2):
        model.forward(*words)
        model.backward(one)
    assert_near({n: to_numpy(g) for n, g in model.grads.items()}, {n: 2 * a[n] for n in model.grads}, TIGHT)
    model.zero_grad()
    assert not any(to_numpy(g).any() for g in model.grads.values())


def test_the_loss_of_the_moves_is_a_mean_over_the_real_steps(net: Any) -> None:
    """Of the scores that the steps of the sentences one by one give; weighted, and without a gradient where it is 0."""
    x, lengths, moves = words = batch()
    model, total = spinn(net, transition_weight=1.0), 0.0
    steps = np.maximum(2 * lengths - 1, 0)
    for b, n in enumerate(lengths):
        if n:
            model.predict(x[[b], :n], lengths[[b]], moves[[b], : 2 * n - 1])
            total += float(model.added_loss) * steps[b]
    for weight in (1.0, 0.3, 0.0):
        model.transition_weight = weight
        model.predict(*words)
        assert float(model.added_loss) == pytest.approx(weight * total / steps.sum(), rel=TIGHT)
    found = results(model, words, np.zeros((5, H)))
    assert not any(found[name].any() for name in model.grads)


def test_one_long_sentence_among_short_ones() -> None:
    words = batch(counts=(2, 300, 1, 0))
    ours, theirs = (results(spinn(net), words, upstream((4, H))) for net in (numnet, torchnet))
    assert_near(ours, theirs, 1e-9)


def test_a_node_whose_state_has_one_part(net: Any) -> None:
    node, words = Ours if net is numnet else Theirs, batch("vectors")
    model = net.SPINN([net.Dense(H)], node(H), net.Tracker(2), input_size=D, dtype="float64", seed=0)
    other = OTHER[net].SPINN(
        [OTHER[net].Dense(H)],
        (Theirs if net is numnet else Ours)(H),
        OTHER[net].Tracker(2),
        input_size=D,
        dtype="float64",
    )
    other.load_state_dict({name: to_numpy(p) for name, p in model.params.items()})
    assert_near(results(model, words, upstream((5, H))), results(other, words, upstream((5, H))), 1e-9)
    with pytest.raises(ValueError, match=r"leaf returns 4 features, expected 3, the width of the state \[h\]"):
        net.SPINN([net.Dense(4)], node(H), input_size=D)


@each_drive
def test_a_word_that_is_not_a_number_spoils_its_own_sentence_alone(drive: str, net: Any) -> None:
    """The root is NaN, never a number; what drives the stack is a tree all the same."""
    x, lengths, moves = batch("vectors")
    model = spinn(net, "vectors", **DRIVES[drive])
    expected = model.predict(x, lengths, moves)
    x[3, 2, 1] = np.nan
    y = model.predict(x, lengths, moves)
    assert np.isnan(y[3]).all()
    np.testing.assert_allclose(np.delete(y, 3, 0), np.delete(expected, 3, 0), rtol=TIGHT)
    Transitions(("a",) * 5, tuple(model.moves[3]))  # valid


def test_dropout_and_norm_read_the_real_words_alone(net: Any) -> None:
    """The same masks and statistics with more padding; torchnet's are numnet's."""
    x, lengths, moves = batch()

    def model(net: Any) -> Any:
        leaf = [net.Embedding(V, D), net.Dropout(0.3), net.Dense(2 * H), net.BatchNorm(), net.Dropout(0.2)]
        return net.SPINN(leaf, net.TreeLSTMNode(H), net.Tracker(2), dtype="float64", seed=0, input_size=V)

    padded = np.pad(x, ((0, 0), (0, 3))), lengths, np.pad(moves, ((0, 0), (0, 6)), constant_values=SKIP)
    ours, theirs = (results(model(net), (x, lengths, moves), upstream((5, H))) for net in (net, OTHER[net]))
    assert_near(ours, theirs, 1e-9)
    longer = results(model(net), padded, upstream((5, H)))
    assert_near({**longer, "moves": ours["moves"]}, ours, TIGHT)
    with pytest.raises(ValueError, match="BatchNorm: x has 1 real step in training, expected 2 or more"):
        model(net).forward(x[:, :1], [1, 0, 0, 0, 0], [[0], [2], [2], [2], [2]])


def test_modules_of_pytorch_are_layers_of_the_leaf() -> None:
    torch.manual_seed(0)
    embedding, linear = torch.nn.Embedding(V, D), torch.nn.Linear(D, 2 * H)
    model = torchnet.SPINN([embedding, linear], torchnet.TreeLSTMNode(H), torchnet.Tracker(2), seed=0, input_size=V)
    ours = numnet.SPINN(
        [numnet.Embedding(V, D), numnet.Dense(2 * H)],
        numnet.TreeLSTMNode(H),
        numnet.Tracker(2),
        seed=0,
        input_size=V,
    )
    state = {name: to_numpy(p) for name, p in model.params.items()}
    own = {"leaf.layers.0.W": embedding.weight, "leaf.layers.1.W": linear.weight, "leaf.layers.1.b": linear.bias}
    ours.load_state_dict({name: to_numpy(own.get(name, state.get(name))) for name in ours.params})
    words, dy = batch(), upstream((5, H))
    theirs = results(model, words, dy)
    found = results(ours, words, dy)
    np.testing.assert_allclose(found["y"], theirs["y"], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found["leaf.layers.1.W"], to_numpy(linear.weight.grad), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("part", ["leaf", "reduce", "tracker"])
def test_no_optimizer_moves_a_frozen_part(part: str, net: Any) -> None:
    words = batch()
    for kind in OPTIMIZERS if part == "tracker" else ["Adam"]:
        model = spinn(net)
        getattr(model, part).freeze()
        optimizer, before = getattr(net, kind)(0.1), weights(model)
        found = results(model, words, upstream((5, H)))
        optimizer.step(model)
        after = weights(model)
        still = {name for name in before if np.array_equal(before[name], after[name])}
        assert still == {name for name in before if name.startswith(f"{part}.")}
        assert not any(found[name].any() for name in still)
    model.unfreeze()
    assert all(results(model, words, upstream((5, H)))[name].any() for name in still)


def test_groups_have_rates_of_their_own(net: Any) -> None:
    model = spinn(net)
    rates = {"leaf": {"learning_rate": 0.5}, "tracker.W_m": {"learning_rate": 0.25}}
    before, optimizer = weights(model), net.SGD(1.0, groups=rates)
    found = results(model, batch(), upstream((5, H)))
    optimizer.step(model)
    for name, value in weights(model).items():
        rate = 0.5 if name.startswith("leaf") else 0.25 if name == "tracker.W_m" else 1.0
        np.testing.assert_allclose(value, before[name] - rate * found[name], rtol=TIGHT, atol=TIGHT)


def test_copies_are_equal_and_apart(net: Any) -> None:
    model, words, dy = spinn(net), batch(), upstream((5, H))
    expected = results(model, words, dy)
    for other in (copy.deepcopy(model), copy.copy(model).__class__.from_config(model.config())):
        other.load_state_dict(model.state_dict())
        assert_near(results(other, words, dy), expected, TIGHT)
        net.SGD(0.1).step(other)
        assert_near({"y": model.predict(*words)}, {"y": expected["y"]}, TIGHT)
    with pytest.raises(RuntimeError, match="SPINN: backward before forward"):
        copy.deepcopy(model).backward(dy)


@each_leaf
def test_either_backend_reads_a_checkpoint_of_the_other(leaf: str, net: Any, tmp_path: Path) -> None:
    own = {"drive": "own", "teacher_forcing": net.StepSchedule(1.0, every=2, factor=0.5), "transition_weight": 0.25}
    model = spinn(net, leaf, return_nodes=True, **own)
    net.save_checkpoint(tmp_path / "model.npz", model)
    other = OTHER[net].SPINN.from_checkpoint(OTHER[net].load_checkpoint(tmp_path / "model.npz"))
    np.testing.assert_allclose(other.predict(*batch(leaf)), model.predict(*batch(leaf)), rtol=1e-9, atol=TIGHT)
    assert json.loads(json.dumps(other.config())) == json.loads(json.dumps(model.config()))
    assert [other.teacher_forcing(step) for step in (0, 2, 4)] == [1.0, 0.5, 0.25]


def test_what_is_printed_can_be_typed(net: Any) -> None:
    model = net.SPINN([net.Dense(6)], net.TreeLSTMNode(3), net.Tracker(2), return_nodes=True)
    assert repr(model) == "SPINN([Dense(6)], TreeLSTMNode(3), tracker=Tracker(2), return_nodes=True)"
    rows = [line.split("  ") for line in str(model).splitlines()]
    said = [[cell.strip() for cell in row if cell.strip()] for row in rows]
    assert ["leaf.layers.0", "Dense(6)", "(B, N, 6)", "?"] in said
    assert ["reduce", "TreeLSTMNode(3)", "(B, 2N-1, 3)", "135"] in said
    assert ["tracker", "Tracker(2)", "(B, 2N-1, 2)", "102"] in said
    model.predict(np.ones((1, 2, 4), np.float32), [2], [[0, 0, 1]])
    assert ["total", "267"] in [
        [cell.strip() for cell in line.split("  ") if cell.strip()] for line in str(model).split("\n")
    ]


def test_dtypes(net: Any) -> None:
    words = batch("vectors")
    exact = spinn(net, "vectors")
    rough = spinn(net, "vectors", dtype="float32")
    assert rough.predict(*words).dtype == np.float32
    np.testing.assert_allclose(rough.predict(*words), exact.predict(*words), rtol=1e-4, atol=1e-5)
    rough.convert("float64")
    np.testing.assert_allclose(rough.predict(*words), exact.predict(*words), rtol=1e-6)
    assert rough.config()["dtype"] == "float64"


def test_requires_grad_of_a_model_and_of_its_parts(net: Any) -> None:
    model, words, dy = spinn(net), batch(), upstream((5, H))
    model.requires_grad_(False)
    assert not any(results(model, words, dy)[name].any() for name in model.grads)
    model.tracker.requires_grad_(True)
    trained = {name for name in model.grads if results(model, words, dy)[name].any()}
    assert trained == {name for name in model.grads if name.startswith("tracker.")}


def test_a_stateful_layer_of_the_leaf_continues_until_it_is_reset(net: Any) -> None:
    model, words = (
        net.SPINN([net.LSTMLayer(6, stateful=True)], net.TreeLSTMNode(3), input_size=D, seed=0),
        batch("vectors"),
    )
    first, second = (model.predict(*words) for _ in range(2))
    assert (first[0] != second[0]).all()
    model.reset_state()
    np.testing.assert_array_equal(model.predict(*words), first)


def test_evaluation_changes_neither_counters_nor_a_call_that_waits_for_backward(net: Any) -> None:
    model, alone = (spinn(net, drive="own", teacher_forcing=0.5) for _ in range(2))
    for one in (model, alone):
        y = one.forward(*batch())
        moves = one.moves
        if one is model:
            with ThreadPoolExecutor(1) as pool:
                pool.submit(one.predict, *batch(seed=3)).result()
            one.predict(*batch(seed=4)[:2])
        one.backward(np.ones(tuple(y.shape)))
    assert model.calls == alone.calls == 1
    assert_same({n: to_numpy(g) for n, g in model.grads.items()}, {n: to_numpy(g) for n, g in alone.grads.items()})
    assert moves.shape == (5, 9)


def test_threads_evaluate_while_one_trains(net: Any) -> None:
    """Each has the moves and the loss of its own call."""
    model, words = spinn(net, drive="own"), [batch(counts=(n, 2, 5), seed=n) for n in range(1, 6)]
    expected = [(np.array(model.predict(*each)), model.moves) for each in words]
    done = threading.Event()

    def evaluate(k: int) -> bool:
        right, count = True, 0
        while not done.is_set() or count < 3:
            y = model.predict(*words[k])
            right, count = right and np.array_equal(y, expected[k][0]), count + 1
        return right

    with ThreadPoolExecutor(3) as pool:
        busy = [pool.submit(evaluate, k) for k in range(3)]
        found = [results(model, words[3], upstream((3, H))) for _ in range(5)]
        done.set()
        assert all(each.result() for each in busy)
    for each in found[1:]:
        assert_near({n: each[n] for n in model.grads}, {n: found[0][n] for n in model.grads}, TIGHT)
    assert_near({"y": model.predict(*words[4])}, {"y": expected[4][0]}, TIGHT)
    np.testing.assert_array_equal(model.moves, expected[4][1])


def test_a_batch_of_parses_is_its_three_arrays(net: Any) -> None:
    model, words = spinn(net), batch()
    assert_same({"y": model.predict(ParseBatch(*words))}, {"y": model.predict(*words)})
    assert_same({"y": model.predict(words[0], transitions=words[2], lengths=words[1])}, {"y": model.predict(*words)})


def test_on_a_tape_a_spinn_has_no_loss_of_its_own(net: Any) -> None:
    words = ParseBatch(*batch())

    def found(net: Any) -> Arrays:
        model = spinn(net, tracker=net.Tracker(2, predicts=False))
        tape = net.Tape(spinn=model, dtype="float64")
        y = tape.spinn(words)
        tape.backward((y * y).sum())
        return {"y": to_numpy(y.value), **{name: to_numpy(g) for name, g in tape.grads.items()}}

    assert_near(found(net), found(OTHER[net]), 1e-9)
    of_classes = net.TreeClassifier(spinn(net), [net.Dense(2)])
    for part, kind in ((spinn(net), "SPINN"), (of_classes, "TreeClassifier")):
        with pytest.raises(
            TypeError, match=f"Tape: part is a {kind} with a transition loss, which is no value on a tape"
        ):
            net.Tape(part=part)


def test_parts_that_two_models_share_move_in_both(net: Any) -> None:
    model = spinn(net)
    other = net.SPINN(list(model.leaf.layers), model.reduce, model.tracker, return_nodes=True, dtype="float64")
    y = model.predict(*batch())
    np.testing.assert_allclose(other.predict(*batch())[0, 4], y[0], rtol=TIGHT)
    for _ in range(2):
        results(model, batch(), upstream((5, H)))
        net.SGD(0.1).step(model)
        np.testing.assert_allclose(other.predict(*batch())[0, 4], model.predict(*batch())[0], rtol=TIGHT)
    assert (model.predict(*batch()) != y)[0].all()
