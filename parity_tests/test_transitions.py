"""A parse is the same in its three notations, as a tree and on a stack; and what is no parse is named where it ends."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from numnet.core.shift_reduce import check_transitions, first_fault
from numnet.core.stack_rows import StackRows, compositions
from numnet.data import (
    REDUCE,
    SHIFT,
    SKIP,
    Transitions,
    Tree,
    Vocabulary,
    pad_parses,
    parse_tree,
    read_transitions,
    valid_moves,
)
from numnet.data.transitions import SHAPES

NOTATIONS = ("brackets", "closing", "lines")
TEXTS = {
    "brackets": "( ( The church ) ( ( has ( cracks ( in ( the ceiling ) ) ) ) . ) )",
    "closing": "The church ) has cracks in the ceiling ) ) ) ) . ) )",
    "lines": "WORDS:  The church   has cracks in the ceiling         .\n"
    "PARSES: S   S      R S   S      S  S   S       R R R R S R R",
}
ODD = ["S", "R", ")", "(", "(x)", "/", "\\/", "\\\\*", "WORDS:", "PARSES:", "-", "B-", "-L", "3", "8\xa01/2", "\u2028"]
WORDS = st.sampled_from(ODD) | st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters=" \t\r\n\0\ufeff"), min_size=1
).filter(lambda word: "B-" not in word)
TREES = st.recursive(
    st.builds(Tree, st.none(), WORDS),
    lambda part: st.builds(Tree, st.none(), st.none(), st.tuples(part, part)),
    max_leaves=12,
)


def on_a_stack(words: Any, moves: Any) -> list[Tree]:
    """What is on the stack in the end, word by word as in the paper."""
    buffer, stack = list(words)[::-1], []
    for move in moves:
        if move == SHIFT:
            stack.append(Tree(None, buffer.pop()))
        elif move == REDUCE:
            right, left = stack.pop(), stack.pop()
            stack.append(Tree(None, None, (left, right)))
    assert not buffer
    return stack


def sequences(N: int) -> set[tuple[int, ...]]:
    """The moves of every binary tree of N words: those of its left part, those of its right part, REDUCE."""
    if N == 1:
        return {(SHIFT,)}
    parts = [itertools.product(sequences(k), sequences(N - k)) for k in range(1, N)]
    return {(*left, *right, REDUCE) for left, right in itertools.chain(*parts)}


def test_the_three_notations_of_the_paper_s_own_sentence() -> None:
    parses = [Transitions.parse(TEXTS[notation], notation) for notation in NOTATIONS]
    assert parses[0] == parses[1] == parses[2]
    assert "".join("SR"[move] for move in parses[0].moves) == "SSRSSSSSRRRRSRR"
    assert {notation: parses[0].format(notation) for notation in NOTATIONS} == TEXTS
    assert parses[0].lower().words == ("the", "church", "has", "cracks", "in", "the", "ceiling", ".")
    assert parses[0].lower().moves == parses[0].moves
    assert repr(parses[0]) == f"<Transitions {TEXTS['brackets']}>"


@given(TREES)
def test_written_and_read_in_every_notation(tree: Tree) -> None:
    parse = Transitions.from_tree(tree)
    assert on_a_stack(parse.words, parse.moves) == [tree] == [parse.tree()]
    assert parse.format("brackets") == str(tree)
    for notation in NOTATIONS:
        text = parse.format(notation)
        assert Transitions.parse(text, notation) == parse
        assert Transitions.parse(text.replace("\n", "\r\n") + "\r\n", notation) == parse
        assert Transitions.parse(text.replace(" ", "\t  ") + "\n", notation) == parse
    assert hash(Transitions.parse(parse.format(), "brackets")) == hash(parse)


@given(st.lists(TREES, min_size=1, max_size=4), st.sampled_from(NOTATIONS))
def test_a_file_has_the_same_parses(tmp_path_factory: Any, trees: list[Tree], notation: str) -> None:
    parses = [Transitions.from_tree(tree) for tree in trees]
    path = tmp_path_factory.mktemp("parses") / "x.txt"
    path.write_text("\n\n".join(parse.format(notation) for parse in parses), encoding="utf-8", newline="\n")
    assert list(read_transitions(path, notation)) == parses


@pytest.mark.parametrize("word", ["", "New York", "a\tb", "a\n", "a\0", "\ufeffa", "-LRB-", "x-RCB-", "-LRB("])
def test_a_word_that_would_be_read_as_another_is_not_written(word: str) -> None:
    parse = Transitions(("a", word), (SHIFT, SHIFT, REDUCE))
    for notation in NOTATIONS:
        with pytest.raises(ValueError, match=r"Transitions\.format: word .* would be read as another, expected a word"):
            parse.format(notation)


def test_words_of_two_lines_need_no_escapes() -> None:
    parse = Transitions.parse("( ) R\nS S S R R", "lines")
    assert parse.words == ("(", ")", "R")
    assert Transitions.parse("-LRB- -RRB- R\nS S S R R", "lines") == parse
    assert Transitions.parse("WORDS: a\nS S R", "lines").words == ("WORDS:", "a")


def test_labels_are_in_the_order_of_the_moves() -> None:
    tree = parse_tree("(3 (2 It) (4 (2 is) (1 good)))")
    parse = Transitions.from_tree(tree)
    assert [part.label for part in tree.subtrees()] == [2, 2, 1, 4, 3]
    assert [part.word for part in tree.subtrees() if part.word] == list(parse.words)
    assert parse.moves == tuple(REDUCE if part.children else SHIFT for part in tree.subtrees())


def test_every_wrong_sequence_is_named_where_no_tree_is_left() -> None:
    """All sequences of up to 7 moves over 1 to 4 words, against the set of all that are trees."""
    counts: Counter[bool] = Counter()
    for N in range(1, 5):
        right = {moves + (SKIP,) * (8 - len(moves)) for moves in sequences(N)}  # 8: the end is a SKIP too
        begun = {moves[:k] for moves in right for k in range(9)}
        for T in range(8):
            found = np.array(list(itertools.product((SHIFT, REDUCE, SKIP), repeat=T)), np.int64).reshape(3**T, T)
            for row in found:
                fault, moves = first_fault(row[None], np.array([N])), (*row.tolist(), SKIP)
                expected = next((k for k in range(T + 1) if moves[: k + 1] not in begun), None)
                assert expected == (fault and fault.step)
                counts[fault is None] += 1
    assert counts == {True: 7 + 5 + 6 + 5, False: 4 * (3**8 - 1) // 2 - 23}  # 7 lengths of one word, 5 of two, ...


def test_the_first_wrong_row_is_named() -> None:
    rows = np.array([[0, 0, 1, 2, 2], [2, 2, 2, 2, 2], [0, 0, 1, 0, 0], [1, 0, 0, 0, 0]])
    moves, lengths = check_transitions("SPINN", rows[:2].astype(np.uint8), [2, 0])
    assert (moves.dtype, lengths.dtype, moves.tolist()) == (np.int64, np.int64, rows[:2].tolist())
    assert check_transitions("SPINN", torch.tensor(rows[:1]), torch.tensor([2]))[0].tolist() == rows[:1].tolist()
    for given_rows, words, message in (
        (rows, [2, 0, 3, 3], r"\[2, 4\] is SHIFT with 2 on the stack and 0 words left, expected REDUCE\."),
        (rows[:1], [3], r"\[0, 3\] is SKIP with 1 on the stack and 1 word left, expected SHIFT\."),
        (rows[:1, :3], [1], r"\[0, 1\] is SHIFT with 1 on the stack and 0 words left, expected the end or SKIP\."),
        (np.array([[0, 0, 1, 0]]), [2], r"\[0, 3\] is SHIFT with 1 on the stack and 0 words left"),
        (np.array([[0, 0, 1, 0, 0]]), [3], r"\[0, 4\] is SHIFT with 2 on the stack and 0 words left, expected REDUCE"),
        (np.array([[0, 7, 1]]), [2], r"\[0, 1\] is 7 with 1 on the stack and 1 word left, expected SHIFT\."),
        (np.array([[0, 0, -1]]), [2], r"\[0, 2\] is -1 with 2 on the stack and 0 words left, expected REDUCE\."),
        (np.array([[0, 0, 2**63]], np.uint64), [2], r"\[0, 2\] is 9223372036854775808 with 2"),
        (np.array([[0, 0, 0]]), [2], r"\[0, 2\] is SHIFT with 2 on the stack and 0 words left, expected REDUCE"),
        (rows[0], [2], r" is \(5,\), expected \(batch, 2N - 1\)\. One sentence\? Pass \[row\]"),
    ):
        with pytest.raises(ValueError, match=rf"SPINN: transitions{message}"):
            check_transitions("SPINN", given_rows, words)
    with pytest.raises(TypeError, match=r"SPINN: transitions is float64, expected integers: 0 \(SHIFT\), 1 \(REDUCE\)"):
        check_transitions("SPINN", rows / 2, [2, 0, 3, 3])


def test_a_move_is_valid_if_a_tree_can_follow() -> None:
    for stack, words in itertools.product(range(5), range(5)):
        whole = {moves for N in range(1, 9) for moves in sequences(N)}
        found = set()
        for moves in whole:
            for k in range(len(moves) + 1):
                shifts = moves[:k].count(SHIFT)
                if (shifts - (k - shifts), moves[k:].count(SHIFT)) == (stack, words):
                    found.add(moves[k] if k < len(moves) else SKIP)
        expected = [move in found for move in (SHIFT, REDUCE, SKIP)] if stack + words else [False, False, True]
        assert valid_moves(stack, words).tolist() == expected
    assert valid_moves([0, 1, 2, 2], torch.tensor([1, 0, 1, 0])).tolist() == [
        [True, False, False], [False, False, True], [True, True, False], [False, True, False]
    ]  # fmt: skip
    assert valid_moves([1, 2], 0).tolist() == [[False, False, True], [False, True, False]]
    with pytest.raises(ValueError, match=r"valid_moves: words has -1, expected whole numbers, 0 or more"):
        valid_moves(1, [3, -1])
    with pytest.raises(ValueError, match=r"valid_moves: stack has float64, expected whole numbers"):
        valid_moves(0.5, 1)
    with pytest.raises(ValueError, match=r"valid_moves: words is \(3,\), expected \(2,\)"):
        valid_moves([1, 2], [1, 2, 3])


@pytest.mark.parametrize("shape", SHAPES)
def test_no_sentence_is_too_long(shape: str) -> None:
    """5,000 words: Python's own stack ends at 1,000."""
    words = [f"w{k}" for k in range(5_000)]
    parse = Transitions.of_shape(words, shape)
    for notation in NOTATIONS:
        assert Transitions.parse(parse.format(notation), notation) == parse
    assert Transitions.from_tree(parse.tree()) == parse


def test_shapes() -> None:
    for shape, text in {
        "left": "( ( ( ( a b ) c ) d ) e )",
        "right": "( a ( b ( c ( d e ) ) ) )",
        "balanced": "( ( ( a b ) c ) ( d e ) )",
    }.items():
        assert Transitions.of_shape(["a", "b", "c", "d", "e"], shape) == Transitions.parse(text)
    for shape in SHAPES:
        assert Transitions.of_shape(["a"], shape) == Transitions(("a",), (SHIFT,))
        with pytest.raises(ValueError, match="Transitions: words is empty, expected at least one word"):
            Transitions.of_shape([], shape)
    with pytest.raises(ValueError, match="shape is 'up', expected one of 'left', 'right', 'balanced', 'random'"):
        Transitions.of_shape(["a"], "up")


@given(st.integers(1, 70))
def test_halves_are_balanced(N: int) -> None:
    tree = Transitions.of_shape(["a"] * N, "balanced").tree()
    sizes = {id(part): len(part.words()) for part in tree.subtrees()}
    for part in tree.subtrees():
        if part.children:
            left, right = (sizes[id(child)] for child in part.children)
            assert left - right in (0, 1)


def test_random_trees_are_equally_likely() -> None:
    """2,000 sentences of 5 words over 14 trees: chi-square with 13 degrees of freedom is below 34.5 in 99.9 %."""
    found = Counter(Transitions.of_shape([str(k), *"abcd"], "random").moves for k in range(2000))
    assert set(found) == sequences(5)
    assert sum((n - 2000 / 14) ** 2 / (2000 / 14) for n in found.values()) < 34.5
    words = ["a", "b", "c", "d", "e", "f", "g"]
    assert Transitions.of_shape(words, "random", 1) == Transitions.of_shape(words, "random", 1)
    assert len({Transitions.of_shape(words, "random", seed) for seed in range(20)}) > 10


@given(st.lists(st.none() | TREES, min_size=1, max_size=5), st.integers(0, 3))
def test_rows_of_both_children_of_every_step(trees: list[Tree | None], more: int) -> None:
    """A thin stack of trees, step by step and by height; None is a sentence without words."""
    parses = [Transitions.from_tree(tree) if tree else None for tree in trees]
    lengths = np.array([len(parse.words) if parse else 0 for parse in parses])
    T = max(0, 2 * int(lengths.max()) - 1) + more
    moves = np.array([[*(parse.moves if parse else ()), *[SKIP] * T][:T] for parse in parses], np.int64)
    words: list[Tree | None] = [Tree(None, word) for parse in parses if parse for word in parse.words]
    M, stack = [None, *words], StackRows(lengths, T)
    while n := stack.running:
        rows, (shift, reduce) = stack.operands(), stack.valid()
        now = moves[stack.order[:n], stack.step]
        assert ((rows[0] > 0) == shift).all()
        assert ((rows[2] > 0) == reduce).all()
        assert np.where(now == SHIFT, shift, reduce).all()
        reduces, new = stack.move(now)
        assert new.tolist() == list(range(len(M), len(M) + len(reduces)))
        M += [Tree(None, None, (M[left], M[right])) for _, right, left in rows[:, reduces].T]
    assert [M[row] for row in stack.roots()] == trees
    every = [tree.subtrees() if tree else [] for tree in trees]
    assert [[M[row] for row in rows if row] for rows in stack.nodes] == every
    plan = compositions(*check_transitions("test", moves, lengths))
    found: list[Tree | None] = [None, *words]
    for start, stop in itertools.pairwise(plan.starts):
        children = zip(plan.left[start:stop], plan.right[start:stop])
        found += [Tree(None, None, (found[left], found[right])) for left, right in children]
    assert len(found) == plan.rows == len(M)
    assert [found[row] for row in plan.roots] == trees
    assert [[found[row] for row in rows if row] for rows in plan.nodes] == every


@given(st.lists(st.integers(0, 9), min_size=1, max_size=6), st.integers(0, 99))
def test_any_choice_among_valid_moves_makes_a_tree(lengths: list[int], seed: int) -> None:
    T = max(2 * max(lengths) - 1, 0)
    rng, stack, made = np.random.default_rng(seed), StackRows(np.array(lengths), T), np.full((len(lengths), T), SKIP)
    while n := stack.running:
        valid = np.stack(stack.valid())
        assert valid.any(axis=0).all()
        now = np.where(valid, rng.random(valid.shape), -1).argmax(axis=0)
        made[stack.order[:n], stack.step] = now
        stack.move(now)
    assert first_fault(made, np.array(lengths)) is None
    assert stack.left.tolist() == [0] * len(lengths)
    assert stack.size.tolist() == [min(N, 1) for N in stack.lengths]


def test_a_batch() -> None:
    vocabulary = Vocabulary.from_tokens(["the", "the", "the", "cat", "sleeps", "sleeps"])
    parses = [Transitions.parse("( ( the cat ) sleeps )"), parse_tree("dogs", labels=False), Transitions.parse("the")]
    batch = pad_parses(parses, vocabulary)
    assert batch.words.tolist() == [[1, 3, 2], [0, 0, 0], [1, 0, 0]]
    assert batch.lengths.tolist() == [3, 1, 1]
    assert batch.transitions.tolist() == [[0, 0, 1, 0, 1], [0, 2, 2, 2, 2], [0, 2, 2, 2, 2]]
    check_transitions("test", batch.transitions, batch.lengths)
    assert Transitions(["the"], batch.transitions[2]) == parses[2]  # type: ignore[arg-type]
    for wrong, message in (([], "parses is empty"), (["( a b )"], r"parses\[0\] is a str, expected Transitions or a")):
        with pytest.raises((TypeError, ValueError), match=f"pad_parses: {message}"):
            pad_parses(wrong, vocabulary)
    with pytest.raises(ValueError, match="has 3 parts, expected two"):
        pad_parses([parse_tree("( a b c )", labels=False)], vocabulary)


@pytest.mark.parametrize(
    ("words", "moves", "message"),
    [
        (("a", "b"), (0, 0), r"moves\[2\] is the end with 2 on the stack and 0 words left, expected REDUCE\."),
        (("a", "b", "c"), (0, 0), r"moves\[2\] is the end with 2 on the stack and 1 word left, expected SHIFT or RED"),
        (("a",), (), r"moves\[0\] is the end with 0 on the stack and 1 word left, expected SHIFT\."),
        (("a", "b"), (0, 1), r"moves\[1\] is REDUCE with 1 on the stack and 1 word left, expected SHIFT\."),
        (("a",), (0, 2, 1), r"moves\[2\] is REDUCE with 1 on the stack and 0 words left, expected the end or SKIP\."),
        ((), (), "words is empty, expected at least one word"),
        (("a", 3), (0, 0, 1), r"words\[1\] is int, expected str"),
        ("a b", (0, 0, 1), "words is a str, expected a list of words"),
        (("a",), "S", "moves is "),
        (("a",), (0.0,), r"moves is float64, expected a list of 0 \(SHIFT\), 1 \(REDUCE\), 2 \(SKIP\)"),
        (("a",), ((0,),), r"moves is \(1, 1\), expected a list of 0"),
        (("a",), None, "moves is None, expected a list of 0"),
    ],
)
def test_what_is_no_parse(words: Any, moves: Any, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=f"Transitions: {message}"):
        Transitions(words, moves)


@pytest.mark.parametrize(
    ("notation", "text", "message"),
    [
        ("brackets", "( a b )\n( a b )", "2 lines in .*, expected one tree in one line"),
        ("closing", "a b )\nc", "2 lines in .*, expected one tree in one line"),
        ("lines", "a b", "1 lines, expected two: the words, then S for SHIFT and R for REDUCE"),
        ("up", "a", "notation is 'up', expected one of 'brackets', 'closing', 'lines'"),
    ],
)
def test_what_is_no_text_of_a_parse(notation: str, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=rf"Transitions\.parse: {message}"):
        Transitions.parse(text, notation)
