"""Pictures of parses: every bracket of a tree, every box of a stack, and one line for wrong arguments."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import numnet
from numnet.data import REDUCE, SHIFT, SKIP, Transitions, Tree, parse_tree
from numnet.data.transitions import SHAPES

PARSE = Transitions.parse("( ( The church ) ( ( has ( cracks ( in ( the ceiling ) ) ) ) . ) )")
drawn = st.builds(
    lambda N, shape, seed: Transitions.of_shape([f"w{k}" for k in range(N)], shape, seed),
    st.integers(1, 9), st.sampled_from(SHAPES), st.integers(0, 99),
)  # fmt: skip


@pytest.fixture(autouse=True)
def matplotlib() -> None:
    pytest.importorskip("matplotlib")


def drawn_at(axes: Any) -> dict[str, tuple[float, float]]:
    """Where each text is."""
    return {text.get_text(): text.get_position() for text in axes.texts}


def colours(axes: Any) -> set[str]:
    return {str(line.get_color()) for line in axes.lines}


def spans(parse: Transitions) -> set[tuple[str, ...]]:
    """The words of each phrase."""
    return {node.words() for node in parse.tree().subtrees() if node.children}


def phrases_in_colour(axes: Any, colour: str) -> set[tuple[str, ...]]:
    """The words below each bracket of this colour: a line goes from the top of a bracket down to one of its parts."""
    place = drawn_at(axes)
    below: dict[tuple[float, float], set[str]] = {(x, 0.0): {word} for word, (x, _) in place.items()}
    lines = [line.get_xydata() for line in axes.lines]
    tops = {tuple(points[0]): line.get_color() for points, line in zip(lines, axes.lines)}
    for top in sorted(tops, key=lambda point: point[1]):
        below[top] = set().union(*(below[tuple(points[2])] for points in lines if tuple(points[0]) == top))
    order = list(place)
    return {tuple(sorted(below[top], key=order.index)) for top, found in tops.items() if found == colour}


@given(drawn)
def test_a_bracket_is_over_the_words_of_each_phrase(parse: Transitions) -> None:
    for tree in (parse, parse.tree()):
        (axes,) = numnet.plot_parse(tree).axes
        assert phrases_in_colour(axes, "tab:blue") == spans(parse)
        x = [drawn_at(axes)[word][0] for word in parse.words]
        assert x == sorted(x)


@given(drawn, st.integers(0, 99))
def test_phrases_that_the_other_tree_lacks_have_another_colour(parse: Transitions, seed: int) -> None:
    other = Transitions.of_shape(parse.words, "random", seed)
    (axes,) = numnet.plot_parse(parse, other.tree()).axes
    shared = spans(parse) & spans(other)
    assert phrases_in_colour(axes, "tab:blue") == shared
    assert phrases_in_colour(axes, "tab:orange") == spans(parse) - shared
    assert axes.get_title() == f"{len(shared)} of {len(spans(parse))} phrases are in both trees"


def test_labels_and_trees_of_any_number_of_parts(net: Any) -> None:
    (axes,) = net.plot_parse(parse_tree("(3 (2 a) (4 (1 b)) (0 c))")).axes
    assert sorted(text.get_text() for text in axes.texts) == sorted("32410abc")
    assert len(axes.lines) == 4


def boxes(axes: Any) -> list[tuple[int, set[str], bool]]:
    """The row of each box, the words in it, and whether it is the darker one."""
    words = [(text.get_text(), *text.get_position()) for text in axes.texts if text.get_ha() == "center"]
    found = []
    for box in axes.patches:
        (left, bottom), (right, _) = box.get_bbox().get_points()
        row = round(bottom + 0.27)
        inside = {word for word, x, y in words if y == row and left <= x <= right}
        found.append((row, inside, box.get_facecolor()[0] < 0.8))
    return found


@given(drawn)
def test_the_boxes_are_the_stack_after_each_move(parse: Transitions) -> None:
    (axes,) = numnet.plot_moves(parse).axes
    found, stack = boxes(axes), list[set[str]]()
    left = list(parse.words)
    for t, move in enumerate(parse.moves):
        stack.append({left.pop(0)} if move == SHIFT else stack.pop() | stack.pop())
        assert [(words, new) for row, words, new in found if row == t] == [
            (words, k == len(stack) - 1) for k, words in enumerate(stack)
        ]
    names = [text.get_text().split() for text in axes.texts if text.get_ha() == "right"]
    assert names == [[str(t + 1), ("SHIFT", "REDUCE")[move]] for t, move in enumerate(parse.moves)]


def test_moves_that_were_predicted_otherwise_are_named(net: Any) -> None:
    predicted = [*PARSE.moves, SKIP, SKIP]
    predicted[3], predicted[9] = REDUCE, SHIFT
    (axes,) = net.plot_moves(PARSE.tree(), np.array(predicted)).axes
    named = [(text.get_text(), text.get_position()[1]) for text in axes.texts if "predicted" in text.get_text()]
    assert named == [("predicted REDUCE", 3), ("predicted SHIFT", 9)]
    (axes,) = net.plot_moves(PARSE, PARSE.moves).axes
    assert not [text for text in axes.texts if "predicted" in text.get_text()]


def test_pictures_are_drawn_beside_each_other_and_saved(net: Any, tmp_path: Any) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 6), layout="constrained")
    places = figure.subplots(2, 2).flat
    other = Transitions.of_shape(PARSE.words, "left")
    for axes, pair in zip(places, ((PARSE, other), (other, PARSE))):
        assert net.plot_parse(*pair, axes=axes) is figure
        assert colours(axes) == {"tab:blue", "tab:orange"}
    long = Transitions.of_shape(["$x^2$", "\\frac"] * 6, "right")  # words are no formulas
    assert net.plot_parse(long, axes=places[2]) is figure
    assert net.plot_moves(long, axes=places[3]) is figure
    figure.savefig(tmp_path / "trees.png")
    assert max(net.plot_moves(long).get_size_inches()) <= 16


WRONG = [
    (
        "plot_parse",
        ("( a b )",),
        "parse is a str, expected Transitions or a Tree. A text? Pass Transitions.parse(text).",
    ),
    ("plot_parse", (PARSE, 3), "other is int, expected Transitions or a Tree."),
    ("plot_parse", (PARSE, Tree(None, "a")), "other is a, expected a tree over the same words: The church has cracks"),
    ("plot_parse", (PARSE, None, "axes"), "axes is 'axes', expected axes of matplotlib"),
    ("plot_moves", (3,), "parse is int, expected Transitions or a Tree."),
    ("plot_moves", (PARSE, [0.5]), "predicted is float64, expected a list of 0 (SHIFT), 1 (REDUCE), 2 (SKIP)."),
    ("plot_moves", (PARSE, [[0, 1]]), "predicted is (1, 2), expected a list of 0 (SHIFT), 1 (REDUCE), 2 (SKIP)."),
    ("plot_moves", (PARSE, [0, 3]), "predicted has 3, expected a list of 0 (SHIFT), 1 (REDUCE), 2 (SKIP)."),
    ("plot_moves", (PARSE, [0, 0, 1]), "predicted has 3 moves, expected 15, then SKIP alone."),
    ("plot_moves", (PARSE, [*PARSE.moves, SHIFT]), "predicted has 16 moves, expected 15, then SKIP alone."),
]


@pytest.mark.parametrize(("name", "given", "words"), WRONG)
def test_wrong_arguments_are_answered_in_one_line(net: Any, name: str, given: Any, words: str) -> None:
    with pytest.raises((TypeError, ValueError)) as error:
        getattr(net, name)(*given)
    assert str(error.value).startswith(f"{name}: {words}")
    assert len(str(error.value).splitlines()) == 1


def test_only_a_binary_tree_has_moves(net: Any) -> None:
    with pytest.raises(ValueError, match="has 3 parts, expected two, a binary tree"):
        net.plot_moves(parse_tree("(3 (2 a) (1 b) (0 c))"))


def test_without_matplotlib_one_line_names_the_command(net: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    for draw in (net.plot_parse, net.plot_moves):
        with pytest.raises(ImportError, match=r"^A plot needs matplotlib: pip install 'numnet\[examples\]'$"):
            draw(PARSE)
