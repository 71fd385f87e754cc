"""Read trees in bracket notation: the Stanford sentiment trees, one per line, and the parses in SNLI."""

from __future__ import annotations

import os
from collections.abc import Iterator

from numnet.core.checks import check_size, excerpt, validate_call
from numnet.data.escapes import TOKENS, unescape
from numnet.data.readers.lines import line_error, read_lines
from numnet.data.readers.text import TextError
from numnet.data.tree import Tree

DIGITS = 9  # the maximum number of digits of a label


@validate_call
def parse_tree(text: str, labels: bool = True) -> Tree:
    r"""Parse a tree in brackets: "(3 (2 The) (2 end))"; with labels=False "( The end )" or a single word.

    Escapes in words are decoded: -LRB- is (, -RRB- is ), and likewise { } [ ]; \/ is /, \* is *.
    ValueError names the incorrect bracket or label.
    """
    try:
        return parsed(text, labels)
    except ValueError as error:
        raise ValueError(f"parse_tree: {error}") from None


def parsed(text: str, labels: bool) -> Tree:
    """Return the tree; errors have no name before their message."""
    waiting: list[list[Tree | str]] = [[]]  # the contents of each open bracket, outermost first
    for token in TOKENS.findall(text):
        if token == "(":
            waiting.append([])
        elif token != ")":
            waiting[-1].append(token)
        elif len(waiting) == 1:
            raise ValueError(f"unmatched ) in {excerpt(text)}. Is the line complete?")
        else:
            parts = waiting.pop()
            waiting[-1].append(labelled(parts) if labels else phrase(None, parts))
    if len(waiting) > 1:
        raise ValueError(f"{len(waiting) - 1} unmatched ( in {excerpt(text)}. Is the line complete?")
    top = waiting[0]
    if len(top) != 1 or (labels and isinstance(top[0], str)):
        raise ValueError(f"{len(top)} words or trees in {excerpt(text)}, expected one tree in brackets.")
    return leaf(None, top[0]) if isinstance(top[0], str) else top[0]


def labelled(parts: list[Tree | str]) -> Tree:
    """Return the tree of one bracket: its parts are a label, then a word or trees."""
    label, *rest = parts or [""]
    if isinstance(label, str) and len(label) > DIGITS and label.isdigit():
        raise ValueError(f"label {excerpt(label)}, expected at most {DIGITS} digits.")
    if not (isinstance(label, str) and label.isascii() and label.isdigit()):
        raise ValueError(f"label {excerpt(str(label))}, expected a whole number after each (.")
    if len(rest) == 1 and isinstance(rest[0], str):
        return leaf(int(label), rest[0])
    for part in rest:
        if isinstance(part, str):
            raise ValueError(f"word {excerpt(part)} among {len(rest)} parts, expected each word in its own brackets.")
    return phrase(int(label), rest)


def phrase(label: int | None, parts: list[Tree | str]) -> Tree:
    """Return a phrase; words among its parts become leaves without a label."""
    if not parts:
        raise ValueError("empty brackets, expected a word or trees.")
    return Tree(label, None, tuple(leaf(None, part) if isinstance(part, str) else part for part in parts))


def leaf(label: int | None, word: str) -> Tree:
    """Return a leaf, with the escapes of its word decoded."""
    return Tree(label, unescape(word))


@validate_call
def read_trees(path: str | os.PathLike[str], classes: int = 5) -> Iterator[Tree]:
    """Yield the trees of a file, one per line, as in the Stanford Sentiment Treebank (Socher et al. 2013).

    Every node has a label, 0 to classes - 1. Blank lines are skipped. TextError names the file and the line if a line
    is not a tree or has another label. A file whose name ends in .gz is decompressed.
    """
    check_size("read_trees", classes=classes)
    trees = 0
    for number, line in enumerate(read_lines(path), 1):
        if line.strip():
            tree = tree_of(path, number, line)
            for label in (part.label for part in tree.subtrees()):
                if label is None or label >= classes:
                    raise line_error(
                        path, number, f"label {label}, expected 0 to {classes - 1}. More classes? Give classes=."
                    )
            yield tree
            trees += 1
    if not trees:
        raise TextError(f"{path}: no tree found.")


def tree_of(path: str | os.PathLike[str], number: int, text: str, labels: bool = True) -> Tree:
    """Return parse_tree(text, labels); an error names the file and the line."""
    try:
        return parsed(text, labels)
    except ValueError as error:
        raise line_error(path, number, str(error)) from None
