"""Draw a parse: as a tree over its words, and as the stack and the buffer after each move."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from numnet.core.checks import data_array, described, kind_of, validate_call
from numnet.core.checks.metrics import check_plot_axes
from numnet.core.plots import new_figure
from numnet.core.shift_reduce import MOVES, SHIFT, SKIP, named
from numnet.data.transitions import Transitions
from numnet.data.tree import Tree

FONT, SMALLEST = 9.0, 3.0  # points
LETTER = 0.09  # inches: the width of a letter at FONT
GAP = 1.5  # letters between two words
LARGEST = 16.0  # inches
SHARED, OTHER, QUIET = "tab:blue", "tab:orange", "0.6"
BOX, NEW_BOX = "#dbe7f3", "#9cc3e6"
MARGIN = 13  # letters before the words, for the number and the name of a move
WORD = {"parse_math": False, "in_layout": False}  # $ is a word; the limits of the axes include all words
PREDICTED = 17  # letters after the words, for a predicted move
Span = tuple[int, int]  # the first word of a phrase, and the word after its last


class Place(NamedTuple):
    """A node of a tree in the picture: its words, its centre, and the centres of its children."""

    tree: Tree
    span: Span
    x: float
    y: float
    children: list[Place]


@validate_call
def plot_parse(parse: Any, other: Any = None, axes: Any = None) -> Any:
    """Draw a tree over its words, with a bracket for each phrase, and return its figure.

    parse   Transitions, or a Tree, whose labels are written at its nodes
    other   a parse of the same words: phrases of `parse` that are no phrases of `other` are drawn in a second colour,
            and the title counts the phrases of both
    axes    the axes of an existing figure, such as one of figure.subplots(1, 2); default: a new figure

    Without matplotlib, ImportError names the command that installs it.
    """
    tree = tree_of("plot_parse", "parse", parse)
    words = tree.words()
    others = None if other is None else phrases(tree_of("plot_parse", "other", other, words))
    check_plot_axes("plot_parse", axes)
    places = places_of(tree)
    height = places[-1].y
    if axes is None:
        axes = new_figure(min(LARGEST, LETTER * width_of(words)), min(LARGEST, 0.8 + 0.3 * height)).subplots()
    size = font_of(axes, width_of(words))
    for place in places:
        draw_node(axes, place, SHARED if others is None or place.span in others else OTHER, size)
    axes.set(xlim=(0, width_of(words)), ylim=(-0.8 - 0.05 * height, height + 0.5))
    axes.axis("off")
    if others is not None:
        found = phrases(tree)
        axes.set_title(f"{len(found & others)} of {len(found)} phrases are in both trees", fontsize=FONT)
    return axes.figure


@validate_call
def plot_moves(parse: Any, predicted: Any = None, axes: Any = None) -> Any:
    """Draw the stack and the buffer after each move of a parse, a row for each move, and return the figure.

    parse      Transitions, or a binary Tree. A box is a subtree on the stack, a darker one is the result of the move;
               words of the buffer are grey
    predicted  the moves (2N - 1,) that a tracker predicts, SKIP after the end: those that differ are written beside
               their rows
    axes       the axes of an existing figure; default: a new figure

    Without matplotlib, ImportError names the command that installs it.
    """
    who = "plot_moves"
    tree = tree_of(who, "parse", parse)
    words, moves = tree.words(), tree.transitions()
    choices = moves if predicted is None else check_predicted(who, predicted, len(moves))
    check_plot_axes(who, axes)
    width = MARGIN + width_of(words) + (0 if predicted is None else PREDICTED)
    if axes is None:
        axes = new_figure(min(LARGEST, LETTER * width), min(LARGEST, 0.3 * len(moves) + 0.3)).subplots()
    size = font_of(axes, width)
    centers, stack = centers_of(words), list[Span]()
    for t, (move, choice) in enumerate(zip(moves, choices)):
        if move == SHIFT:
            stack.append((end_of(stack), end_of(stack) + 1))
        else:
            right, left = stack.pop(), stack.pop()
            stack.append((left[0], right[1]))
        draw_stack(axes, t, stack, words, centers, size)
        axes.text(0, t, f"{t + 1}  {MOVES[move]}", ha="right", va="center", fontsize=size)
        if choice != move:
            axes.text(width_of(words), t, f"predicted {MOVES[choice]}", va="center", fontsize=size, color=OTHER)
    axes.set(xlim=(-MARGIN, width - MARGIN), ylim=(len(moves) - 0.4, -0.6))
    axes.axis("off")
    return axes.figure


def tree_of(who: str, name: str, parse: Any, words: Sequence[str] | None = None) -> Tree:
    """Return a parse as a Tree; if words are given, its words must be these."""
    if not isinstance(parse, (Transitions, Tree)):
        remedy = " A text? Pass Transitions.parse(text)." if isinstance(parse, str) else ""
        raise TypeError(f"{who}: {name} is {described(parse)}, expected Transitions or a Tree.{remedy}")
    tree = parse.tree() if isinstance(parse, Transitions) else parse
    if words is not None and tree.words() != words:
        raise ValueError(f"{who}: {name} is {tree}, expected a tree over the same words: {' '.join(words)}.")
    return tree


def check_predicted(who: str, predicted: Any, steps: int) -> list[int]:
    """Return the predicted moves of the real steps."""
    moves = data_array(who, "predicted", predicted, f"a list of {named()}")
    tokens = moves.ndim == 1 and kind_of(moves) == "token"
    wrong: Any = moves[~np.isin(moves, range(len(MOVES)))] if tokens else ()
    if not tokens or len(wrong):
        got = f"has {wrong[0]}" if tokens else f"is {moves.shape if moves.ndim != 1 else moves.dtype}"
        raise ValueError(f"{who}: predicted {got}, expected a list of {named()}.")
    if len(moves) < steps or (moves[:steps] == SKIP).any() or (moves[steps:] != SKIP).any():
        real = int((moves != SKIP).sum())
        raise ValueError(f"{who}: predicted has {real} moves, expected {steps}, then SKIP alone.")
    return list(moves[:steps].tolist())


def width_of(words: Sequence[str]) -> float:
    """Return the width of the words in a row, in letters."""
    return GAP + sum(map(letters, words)) + GAP * len(words)


def centers_of(words: Sequence[str]) -> list[float]:
    """Return the centre of each word in the row, in letters."""
    widths = np.array([letters(word) for word in words])
    return list(((widths + GAP).cumsum() - widths / 2).tolist())


def letters(word: str) -> int:
    """Return the width of a word; a single letter is as wide as two."""
    return max(2, len(word))


def font_of(axes: Any, width: float) -> float:
    """Return the size at which this many letters fit into the axes."""
    inches = axes.get_window_extent().width / axes.figure.dpi
    return float(np.clip(FONT * inches / (LETTER * width), SMALLEST, FONT))


def end_of(stack: Sequence[Span]) -> int:
    """Return the number of words on the stack; the next word is the top of the buffer."""
    return stack[-1][1] if stack else 0


def places_of(tree: Tree) -> list[Place]:
    """Return the place of each node in postorder: words at height 0, a phrase above the highest of its parts."""
    centers, places, stack = centers_of(tree.words()), list[Place](), list[Place]()
    shifted = 0
    for node in tree.subtrees():
        if node.word is not None:
            place = Place(node, (shifted, shifted + 1), centers[shifted], 0.0, [])
            shifted += 1
        else:
            children = [stack.pop() for _ in node.children][::-1]
            first, last = children[0], children[-1]
            height = 1 + max(child.y for child in children)
            place = Place(node, (first.span[0], last.span[1]), (first.x + last.x) / 2, height, children)
        stack.append(place)
        places.append(place)
    return places


def phrases(tree: Tree) -> set[Span]:
    """Return the spans of the phrases of a tree."""
    return {place.span for place in places_of(tree) if place.children}


def draw_node(axes: Any, place: Place, colour: str, size: float) -> None:
    """Draw a word, or the bracket of a phrase over its parts; and the label, if there is one."""
    for child in place.children:
        axes.plot([place.x, child.x, child.x], [place.y, place.y, child.y], color=colour, solid_joinstyle="round")
    if place.tree.word is not None:
        below = -0.15 if place.tree.label is None else -0.4
        axes.text(place.x, below, place.tree.word, ha="center", va="top", fontsize=size, **WORD)
    if place.tree.label is not None:
        box = {"boxstyle": "circle,pad=0.15", "facecolor": "white", "edgecolor": colour}
        axes.text(place.x, place.y, place.tree.label, ha="center", va="center", fontsize=size - 1, bbox=box)


def draw_stack(
    axes: Any, row: int, stack: Sequence[Span], words: Sequence[str], centers: Sequence[float], size: float
) -> None:
    """Draw the stack and the buffer after a move: each word in its column."""
    from matplotlib.patches import FancyBboxPatch

    for span in stack:
        first, last = span[0], span[1] - 1
        left, right = centers[first] - letters(words[first]) / 2, centers[last] + letters(words[last]) / 2
        face = NEW_BOX if span is stack[-1] else BOX
        box = FancyBboxPatch((left, row - 0.27), right - left, 0.54, boxstyle="round,pad=0.05,rounding_size=0.2")
        box.set(facecolor=face, edgecolor=SHARED)
        axes.add_patch(box)
    for k, (word, x) in enumerate(zip(words, centers)):
        colour = "black" if k < end_of(stack) else QUIET
        axes.text(x, row, word, ha="center", va="center", fontsize=size, color=colour, **WORD)
