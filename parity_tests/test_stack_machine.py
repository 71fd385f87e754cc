"""examples/stack_machine.py: the stack machine of one sentence by hand, its moves, its losses, and the program."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import numnet
import torchnet
from examples import stack_machine
from numnet.core.arrays import to_numpy
from numnet.data import Transitions
from parity_tests.probe import assert_near

CHURCH = Transitions.parse("( ( The church ) ( ( has ( cracks ( in ( the ceiling ) ) ) ) . ) )")


def machine(net: Any, **parts: Any) -> Any:
    return net.Tape(seed=3, dtype="float64", reduce=net.TreeLSTMNode(4), **parts)


def states(net: Any, n: int, seed: int = 0) -> list[Any]:
    """(h, c) of n words."""
    x = net.ArrayWithGrad(np.random.default_rng(seed).standard_normal((n, 8)))
    return [x[k : k + 1].chunk(2, axis=1) for k in range(n)]


def assert_same(ours: Any, theirs: Any) -> None:
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(to_numpy(a.value), to_numpy(b.value))


def test_given_moves_compose_the_phrases_of_the_tree(net: Any) -> None:
    tape, words = machine(net), states(net, 8)
    steps = stack_machine.stack_machine(net, tape, words, CHURCH.moves)
    the, church, has, cracks, in_, the_, ceiling, dot = words
    r = tape.reduce
    phrase = r(has, r(cracks, r(in_, r(the_, ceiling))))
    assert_same(steps[11].top, phrase)
    assert_same(steps[-1].top, r(r(the, church), r(phrase, dot)))
    assert [step.move for step in steps] == list(CHURCH.moves)


def test_the_tracker_sees_the_buffer_and_two_elements_of_the_stack(net: Any) -> None:
    """Two words: it runs before each of the three moves, and its h is the context of the REDUCE."""
    a, b = states(net, 2)
    zeros = np.zeros((1, 4))
    seen = [(a[0], zeros, zeros), (b[0], a[0], zeros), (zeros, b[0], a[0])]
    for predicts in (True, False):
        tape = machine(net, tracker=net.Tracker(5, predicts=predicts))
        context: Any = None
        steps = stack_machine.stack_machine(net, tape, [a, b], (0, 0, 1))
        for step, x in zip(steps, seen, strict=True):
            found = tape.tracker(net.concatenate(x, axis=1), context)
            scores, context = found if predicts else (None, found)
            assert (step.scores is None) == (scores is None)
            if predicts:
                assert_same([step.scores], [scores])
        assert_same(steps[-1].top, tape.reduce(a, b, context[0]))


@given(n=st.integers(1, 9), seed=st.integers(0, 99))
def test_moves_of_its_own_are_always_a_tree(n: int, seed: int) -> None:
    tape = machine(numnet, tracker=numnet.Tracker(5, seed=seed, initial=3.0))
    steps = stack_machine.stack_machine(numnet, tape, states(numnet, n, seed))
    moves = tuple(step.move for step in steps)
    assert moves == tuple(step.predicted for step in steps)
    assert Transitions(tuple(map(str, range(n))), moves).moves == moves


@pytest.mark.parametrize("tracker", [True, False])
def test_losses_and_gradients_are_the_same_on_both_backends(tracker: bool) -> None:
    rng, found = np.random.default_rng(0), []
    parses = [Transitions.from_tree(stack_machine.drawn(rng, 2)) for _ in range(4)]
    for net in (numnet, torchnet):
        tape = stack_machine.network(net, 1, tracker)
        losses = [tape.loss_and_grads(parse, stack_machine.truth(parse.words)) for parse in parses]
        found.append({"losses": np.array(losses), **{name: to_numpy(g) for name, g in tape.grads.items()}})
    assert_near(found[0], found[1], 1e-5)  # float32


def test_the_truth_of_an_expression() -> None:
    for text, value in (("true", 1), ("not true", 0), ("and true or false true", 1), ("or and true false not true", 0)):
        assert stack_machine.truth(text.split()) == value


def test_the_program_trains_and_shows_a_sentence(
    net: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--sentences", "4", "--backend", net.__name__, "--plot", str(tmp_path / "moves.png")]
    monkeypatch.setattr(sys, "argv", ["stack_machine.py", *options])
    monkeypatch.setattr(stack_machine, "HELD_OUT", 3)
    stack_machine.main()
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines[4:6]] == ["given parses", "own parses"]
    assert lines[6].split()[:2] == ["1", "SHIFT"]
    assert lines[-1].endswith("|")
    assert (tmp_path / "moves.png").read_bytes().startswith(b"\x89PNG")
