"""A tree written and read is the same tree, and its transitions build it again on a stack."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from numnet.data import REDUCE, SHIFT, Tree, parse_tree

WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=" \t"), min_size=1).filter(
    lambda word: "B-" not in word
)
LABELS = st.integers(0, 99)


def trees(labels: st.SearchStrategy[int | None], most: int) -> st.SearchStrategy[Tree]:
    """Leaves, and phrases of up to so many parts, all with labels or all without."""
    leaves = st.builds(Tree, labels, WORDS)
    return st.recursive(
        leaves,
        lambda parts: st.builds(Tree, labels, st.none(), st.lists(parts, min_size=1, max_size=most).map(tuple)),
        max_leaves=12,
    )


def binary(labels: st.SearchStrategy[int | None]) -> st.SearchStrategy[Tree]:
    leaves = st.builds(Tree, labels, WORDS)
    return st.recursive(leaves, lambda part: st.builds(Tree, labels, st.none(), st.tuples(part, part)), max_leaves=12)


@given(trees(LABELS, 3))
def test_written_and_read_with_labels(tree: Tree) -> None:
    assert parse_tree(str(tree)) == tree


@given(trees(st.none(), 3))
def test_written_and_read_without_labels(tree: Tree) -> None:
    assert parse_tree(str(tree), labels=False) == tree
    assert (str(tree) in repr(tree), hash(parse_tree(str(tree), labels=False)) == hash(tree)) == (True, True)


@given(binary(st.none()))
def test_transitions_build_the_tree(tree: Tree) -> None:
    words, stack, transitions = list(tree.words())[::-1], [], tree.transitions()
    assert len(transitions) == 2 * len(words) - 1
    for transition in transitions:
        if transition == SHIFT:
            stack.append(Tree(None, words.pop()))
        else:
            right, left = stack.pop(), stack.pop()
            stack.append(Tree(None, None, (left, right)))
    assert stack == [tree]


def test_the_paper_s_own_sentence() -> None:
    tree = parse_tree("( ( The church ) ( ( has ( cracks ( in ( the ceiling ) ) ) ) . ) )", labels=False)
    assert "".join("R" if t == REDUCE else "S" for t in tree.transitions()) == "SSRSSSSSRRRRSRR"
    assert tree.words() == ("The", "church", "has", "cracks", "in", "the", "ceiling", ".")


def test_children_come_before_their_parent() -> None:
    tree = parse_tree("(3 (2 It) (4 (2 is) (4 good)))")
    assert [(part.label, part.word) for part in tree.subtrees()] == [
        (2, "It"), (2, "is"), (4, "good"), (4, None), (3, None)
    ]  # fmt: skip
    assert (tree.label, tree.word, tree.children[0]) == (3, None, Tree(2, "It"))


def test_words_stand_as_in_a_text() -> None:
    r"""-LRB- is (, \/ is /; a no-break space is part of a word."""
    tree = parse_tree(
        "(2 (1 (0 -LRB-) (0 :-RRB-)) (1 (0 -LSB-x-RCB-) (0 and\\/or\\*)) (0 8\xa01\\/2) (0 -lrb-) (0 \\n))"
    )
    assert tree.words() == ("(", ":)", "[x}", "and/or*", "8\xa01/2", "-lrb-", "\\n")


def test_no_depth_is_too_deep() -> None:
    tree, deep = Tree(None, "a"), 50_000
    for _ in range(deep):
        tree = Tree(None, None, (tree, Tree(None, "b")))
    again = parse_tree(str(tree), labels=False)
    assert again == tree
    assert hash(again) == hash(tree)
    assert len(tree.words()) == deep + 1
    assert sum(tree.transitions()) == deep


@pytest.mark.parametrize(("word", "children"), [(None, ()), ("a", (Tree(1, "b"),))])
def test_a_node_is_a_leaf_or_a_phrase(word: Any, children: Any) -> None:
    with pytest.raises(ValueError, match="expected one of the two"):
        Tree(1, word, children)


def test_other_things_are_no_tree() -> None:
    assert Tree(1, "a") not in ("(1 a)", Tree(2, "a"), Tree(1, "b"), Tree(None, "a"))
    two_words = Tree(2, None, (Tree(None, "a"), Tree(None, "b")))
    assert str(two_words) == str(Tree(2, "a b"))
    assert two_words != Tree(2, "a b")


def test_only_a_binary_tree_has_transitions() -> None:
    with pytest.raises(ValueError, match=r"\(3 \(1 a\) \(1 b\) \(1 c\)\) has 3 parts, expected two"):
        parse_tree("(2 (3 (1 a) (1 b) (1 c)) (2 d))").transitions()


def test_children_may_be_a_list_and_are_trees() -> None:
    leaves = [Tree(2, "a"), Tree(3, "b")]
    assert Tree(1, None, leaves) == Tree(1, None, tuple(leaves))  # type: ignore[arg-type]
    for bad, words in (
        ((1, None, "ab"), "children is a str, expected a list of Trees"),
        ((1, None, ("ab",)), "children\\[0\\] is a str, expected a Tree"),
        ((1, None, (Tree,)), "children\\[0\\] is the class Tree, expected a Tree"),
        ((1, 5), "word is int, expected a str"),
        (("1", "a"), "label is a str, expected a whole number or None"),
    ):
        with pytest.raises(TypeError, match=f"Tree: {words}"):
            Tree(*bad)
