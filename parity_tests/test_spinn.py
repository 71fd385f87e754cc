"""SPINN is the program of one sentence at a time: vectors, moves and every gradient, for drawn trees and drives."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import numnet
import torchnet
from numnet.core.arrays import to_numpy
from numnet.data import REDUCE, SHIFT, SKIP, ParseBatch, Transitions, Tree, Vocabulary, pad_parses
from numnet.data.transitions import SHAPES
from parity_tests.probe import Array, assert_near
from parity_tests.spinn_cases import LEAVES, Draw, H, V, called
from parity_tests.stack_program import program
from torchnet.models import spinn as spinn_on_torch

TIGHT = 1e-12  # float64: the same sums in another order, on sentences of up to 7 words
draws = st.builds(
    Draw,
    B=st.integers(1, 5),
    N=st.integers(1, 7),
    shape=st.sampled_from(SHAPES),
    leaf=st.sampled_from(sorted(LEAVES)),
    tokens=st.booleans(),
    own_node=st.booleans(),
    tracker=st.sampled_from(["predicts", "predicts", "predicts", "context", "none"]),
    forcing=st.sampled_from([None, 0.0, 0.5, 1.0]),
    nodes=st.booleans(),
    bias=st.booleans(),
    seed=st.integers(0, 2**31),
).map(lambda z: z if z.tracker == "predicts" else replace(z, forcing=None))
draws = draws.filter(lambda z: z.leaf != "norm" or z.batch()[1].sum() != 1)  # one word has no variance
TRACKERS = ["predicts", "context", "none"]


def assert_is_the_program(net: Any, z: Draw, dy: Array | None = None) -> None:
    """Outputs, gradients and moves of a call."""
    spinn, other = z.build(net), z.build(numnet)
    ours = called(spinn, z, dy)
    moves, transitions = np.array(spinn.moves), z.batch()[2]
    assert_near(ours, program(other, z, moves, dy), TIGHT)
    assert ((moves == transitions) | (moves == ours["predicted"])).all()
    if z.forcing in (None, 1.0):
        np.testing.assert_array_equal(moves, transitions)
    elif z.forcing == 0:
        np.testing.assert_array_equal(moves, ours["predicted"])


@given(z=draws)
def test_vectors_and_all_gradients_are_those_of_the_program(net: Any, z: Draw) -> None:
    assert_is_the_program(net, z)


TRAPS = {
    "norm before the stack": Draw(4, 4, leaf="norm", tokens=True, nodes=True),
    "norm, own moves": Draw(4, 5, leaf="norm", forcing=0.0),
    "dropout and padding": Draw(3, 5, (5, 2, 0), leaf="dropout", tokens=True),
    "a sentence of one word": Draw(N=1, lengths=(1,), tokens=True),
    "one word beside others": Draw(N=4, lengths=(1, 4, 1), nodes=True),
    "no word": Draw(N=3, lengths=(0,)),
    "no word beside one": Draw(N=1, lengths=(0, 1), tracker="none"),
    "no word in a whole batch": Draw(N=3, lengths=(0, 0), nodes=True, tracker="none", tokens=True),
    "no word for the norm": Draw(N=2, lengths=(0, 0), leaf="norm"),
    "two empty stacks in the first step": Draw(N=3, lengths=(3, 2, 3)),
    "left-branching": Draw(N=9, lengths=(9, 8, 0), shape="left", forcing=0.5),
    "right-branching": Draw(N=9, lengths=(9, 1, 8), shape="right", tracker="none", nodes=True),
    "a row longer than the longest sentence": Draw(N=7, lengths=(3, 2), nodes=True, tokens=True),
}


@pytest.mark.parametrize("name", TRAPS)
def test_traps(net: Any, name: str) -> None:
    assert_is_the_program(net, TRAPS[name])


@pytest.mark.parametrize("tracker", TRACKERS)
@pytest.mark.parametrize("shape", ["left", "right"])
def test_a_loss_at_an_inner_node_adds_to_that_of_its_parent(net: Any, shape: str, tracker: str) -> None:
    """Three words, five nodes; of the inner one alone, then of it and the root."""
    z = Draw(N=3, lengths=(3,), shape=shape, nodes=True, tracker=tracker)
    inner = 2 if shape == "left" else 3
    for nodes in ([inner], [inner, 4], [0, inner, 4]):
        dy = np.zeros((1, 5, H))
        dy[:, nodes] = np.random.default_rng(1).standard_normal((1, len(nodes), H))
        assert_is_the_program(net, z, dy)


def test_nothing_on_the_stack_stays_zero_and_gets_no_gradient(net: Any) -> None:
    """Two calls give the same numbers, and so does a batch in another order."""
    z = Draw(N=3, lengths=(2, 3, 0, 1))
    spinn, x_lengths_moves = z.build(net), z.batch()
    first = called(spinn, z)
    assert_near(called(spinn, z), first, 0.0)
    order = np.array([3, 1, 0, 2])
    spinn.zero_grad()
    y = spinn.forward(*(q[order] for q in x_lengths_moves))
    dx = spinn.backward(z.upstream()[order])
    np.testing.assert_allclose(to_numpy(y), first["y"][order], atol=TIGHT)
    np.testing.assert_allclose(to_numpy(dx), first["dx"][order], atol=TIGHT)
    assert_near(
        {f"d{name}": np.array(to_numpy(g)) for name, g in spinn.grads.items()},
        {name: g for name, g in first.items() if name.startswith("d") and name != "dx"},
        TIGHT,
    )


@pytest.mark.parametrize("tracker", TRACKERS)
def test_padding_changes_nothing(net: Any, tracker: str) -> None:
    """More of it, or NaN in it; and the transition loss is a mean over the real steps."""
    z = Draw(N=4, lengths=(4, 2, 0), tracker=tracker, nodes=True)
    spinn, (x, lengths, moves) = z.build(net), z.batch()
    first = called(spinn, z)
    wide, longer = np.full((3, 6, x.shape[2]), np.nan), np.full((3, 11), SKIP)
    for b, n in enumerate(lengths):
        wide[b, :n] = x[b, :n]
    longer[:, :7] = moves
    dy = np.zeros((3, 11, H))
    dy[:, :7] = z.upstream()
    spinn.zero_grad()
    y, loss = to_numpy(spinn.forward(wide, lengths, longer)), float(spinn.added_loss)
    dx = to_numpy(spinn.backward(dy))
    np.testing.assert_allclose(y[:, :7], first["y"], atol=TIGHT)
    assert not y[:, 7:].any()
    assert loss == pytest.approx(float(first["added_loss"]), rel=TIGHT)
    np.testing.assert_allclose(dx[:, :4], first["dx"], atol=TIGHT)
    assert not dx[:, 4:].any()


@pytest.mark.parametrize("forcing", [None, 0.0])
def test_a_batch_is_its_sentences_one_by_one(net: Any, forcing: float | None) -> None:
    z = Draw(N=5, lengths=(5, 0, 1, 4), forcing=forcing, nodes=True)
    spinn, (x, lengths, moves) = z.build(net), z.batch()
    y = to_numpy(spinn.forward(x, lengths, moves))
    driven = np.array(spinn.moves)
    for b in range(4):
        row = slice(b, b + 1)
        np.testing.assert_allclose(to_numpy(spinn.forward(x[row], lengths[row], moves[row])), y[row], atol=TIGHT)
        np.testing.assert_array_equal(spinn.moves, driven[row])


def test_backward_is_linear_and_adds_over_calls(net: Any) -> None:
    z = Draw(N=4, lengths=(4, 3, 0), nodes=True)
    spinn = z.build(net, transition_weight=0.0)
    first = called(spinn, z)
    twice = called(spinn, z, 2 * z.upstream())
    nothing = called(spinn, z, 0 * z.upstream())
    x, lengths, moves = z.batch()
    spinn.zero_grad()
    for _ in range(2):
        dy = z.upstream()
        kept = x.copy(), dy.copy(), lengths.copy(), moves.copy()
        spinn.forward(x, lengths, moves)
        spinn.backward(dy)
        for ours, theirs in zip((x, dy, lengths, moves), kept):
            np.testing.assert_array_equal(ours, theirs)
    for name, g in spinn.grads.items():
        np.testing.assert_allclose(to_numpy(g), 2 * first[f"d{name}"], atol=TIGHT)
        np.testing.assert_allclose(twice[f"d{name}"], 2 * first[f"d{name}"], atol=TIGHT)
        assert not nothing[f"d{name}"].any()


@pytest.mark.parametrize("part", ["leaf", "reduce", "tracker"])
def test_a_frozen_part_changes_no_other_gradient(net: Any, part: str) -> None:
    z = Draw(N=5, lengths=(5, 3), forcing=0.5, tokens=True)
    free, frozen = z.build(net), z.build(net)
    names = [name for name in frozen.params if name.split(".")[0] == part]
    frozen.freeze(*names)
    expected, found = called(free, z), called(frozen, z)
    rest = {name: g for name, g in expected.items() if name.removeprefix("d") not in names}
    assert_near({name: found[name] for name in rest}, rest, TIGHT)
    before = {name: np.array(to_numpy(p)) for name, p in frozen.params.items()}
    net.SGD(0.1).step(frozen)
    changed = {name for name, p in frozen.params.items() if (to_numpy(p) != before[name]).any()}
    assert not changed & set(names)
    assert changed


@pytest.mark.parametrize("forcing", [None, 0.5])
def test_float32(net: Any, forcing: float | None) -> None:
    """The same moves: scores of these draws are further apart than their rounding."""
    z = Draw(N=6, lengths=(6, 4, 0, 1), forcing=forcing, nodes=True, seed=1)
    exact, rounded = called(z.build(net), z), called(z.build(net, "float32"), z)
    assert {str(rounded[name].dtype) for name in exact if name not in ("predicted", "added_loss")} == {"float32"}
    assert_near(rounded, exact, 1e-5)


def test_own_moves_in_evaluation_need_no_parse(net: Any) -> None:
    """They are the likelier valid ones, always a tree; with a parse beside them, the same."""
    z = Draw(N=6, lengths=(6, 1, 0, 5), forcing=0.9, nodes=True, seed=3)
    spinn, (x, lengths, moves) = z.build(net), z.batch()
    y = spinn.predict(x, lengths)
    driven = np.array(spinn.moves)
    np.testing.assert_array_equal(driven, spinn.predicted_moves)
    for row, n in zip(driven, lengths):
        if n:
            Transitions(tuple(map(str, range(n))), tuple(row.tolist()))
        assert (row[max(2 * n - 1, 0) :] == SKIP).all()
    assert (driven != moves).any()
    np.testing.assert_array_equal(to_numpy(spinn.predict(x, lengths, moves)), to_numpy(y))
    np.testing.assert_array_equal(spinn.moves, driven)
    expected = program(z.build(numnet), z, driven, given=False)
    np.testing.assert_allclose(to_numpy(y), expected["y"], atol=TIGHT)
    np.testing.assert_array_equal(expected["predicted"], driven)


def test_given_moves_wait_for_no_result_of_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []

    def counted(scores: Any) -> Array:
        read.append(scores.shape[1])
        return to_numpy(scores)

    monkeypatch.setattr(spinn_on_torch, "to_numpy", counted)
    z = Draw(N=5, lengths=(3, 5, 0, 4))
    words, lengths, transitions = z.batch()
    spinn = z.build(torchnet)
    spinn(words, lengths, transitions)
    assert read == [(transitions != SKIP).sum()]  # all scores at once, after the last step
    spinn.drive, spinn.teacher_forcing = "own", 1.0
    spinn(words, lengths, transitions)
    assert len(read) == 2
    spinn.teacher_forcing = 0.0
    spinn(words, lengths, transitions)
    assert len(read) == 2 + transitions.shape[1] + 1


def test_a_schedule_of_teacher_forcing_counts_the_calls(net: Any) -> None:
    """From given moves to its own ones; and the draw is another one in each call."""
    z = Draw(N=7, lengths=(7, 7, 7, 6), forcing=0.5, seed=5)
    x, lengths, moves = z.batch()
    spinn = z.build(net, teacher_forcing=net.StepSchedule(1.0, every=1, factor=1e-9))
    spinn.forward(x, lengths, moves)
    np.testing.assert_array_equal(spinn.moves, moves)
    spinn.forward(x, lengths, moves)
    np.testing.assert_array_equal(spinn.moves, spinn.predicted_moves)
    spinn.teacher_forcing = 0.5
    found = [tuple(np.array(spinn.moves).ravel()) for _ in range(4) if spinn.forward(x, lengths, moves) is not None]
    assert len(set(found)) > 1


def test_a_parse_batch_is_its_three_arrays_and_its_nodes_are_the_subtrees(net: Any) -> None:
    """Entry t is the phrase of subtrees()[t]: the vector that the phrase has as a sentence, without a tracker."""
    trees = [
        Transitions.parse("( ( a b ) ( c a ) )").tree(),
        Transitions.parse("( b ( a c ) )").tree(),
        Tree(None, "a"),
    ]
    vocabulary = Vocabulary(["<unk>", *"abcdef"], "word")
    spinn = Draw(tokens=True, tracker="none", nodes=True).build(net)
    assert len(vocabulary) == V
    batch = pad_parses(trees, vocabulary)
    y = to_numpy(spinn.predict(batch))
    np.testing.assert_array_equal(y, to_numpy(spinn.predict(batch.words, batch.lengths, batch.transitions)))
    for row, tree in zip(y, trees):
        for vector, node in zip(row, tree.subtrees()):
            alone = to_numpy(spinn.predict(pad_parses([node], vocabulary)))
            np.testing.assert_allclose(vector, alone[0, len(node.transitions()) - 1], atol=TIGHT)
    assert isinstance(batch, ParseBatch)
    assert {SHIFT, REDUCE, SKIP} == set(batch.transitions.ravel().tolist())
