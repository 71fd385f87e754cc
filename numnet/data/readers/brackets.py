"""Trees as files write them, in brackets: the Stanford sentiment trees, one a line, and the parses within SNLI."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from numnet.data.readers.lines import excerpt, read_lines, wrong
from numnet.data.readers.text import TextError
from numnet.data.tree import Tree

TOKENS = re.compile(r"[()]|[^() \t]+")  # a no-break space belongs to its word: 8 1/2
ESCAPED = re.compile(r"-[LR][RCS]B-|\\(?=[/*])")
ESCAPES = {"-LRB-": "(", "-RRB-": ")", "-LCB-": "{", "-RCB-": "}", "-LSB-": "[", "-RSB-": "]", "\\": ""}


def parse_tree(text: str, labels: bool = True) -> Tree:
    r"""A tree in brackets: "(3 (2 The) (2 end))", with labels=False "( The end )" or a word alone.

    Words are given as they stand in a text: -LRB- is (, -RRB- is ), and likewise { } [ ]; \/ is /, \* is *.
    ValueError says which bracket or label is wrong.
    """
    waiting: list[list[Tree | str]] = [[]]  # of each bracket not closed yet what it holds, outermost first
    for token in TOKENS.findall(text):
        if token == "(":
            waiting.append([])
        elif token != ")":
            waiting[-1].append(token)
        elif len(waiting) == 1:
            raise ValueError(f"a ) without its ( in {excerpt(text)}. Is the line whole?")
        else:
            parts = waiting.pop()
            waiting[-1].append(labelled(parts) if labels else phrase(None, parts))
    if len(waiting) > 1:
        raise ValueError(f"{len(waiting) - 1} ( without their ) in {excerpt(text)}. Is the line whole?")
    top = waiting[0]
    if len(top) != 1 or (labels and isinstance(top[0], str)):
        raise ValueError(f"{len(top)} words or trees in {excerpt(text)}, expected one tree in brackets.")
    return leaf(None, top[0]) if isinstance(top[0], str) else top[0]


def labelled(parts: list[Tree | str]) -> Tree:
    """What one bracket holds: a label, then a word, or trees."""
    label, *rest = parts or [""]
    if not (isinstance(label, str) and label.isascii() and label.isdigit()):
        raise ValueError(f"label {excerpt(str(label))}, expected a whole number after each (.")
    if len(rest) == 1 and isinstance(rest[0], str):
        return leaf(int(label), rest[0])
    for part in rest:
        if isinstance(part, str):
            raise ValueError(f"word {excerpt(part)} among {len(rest)} parts, expected it alone in brackets of its own.")
    return phrase(int(label), rest)


def phrase(label: int | None, parts: list[Tree | str]) -> Tree:
    """A node; words among its parts are leaves without a label."""
    if not parts:
        raise ValueError("brackets with nothing in them, expected a word or trees.")
    return Tree(label, None, tuple(leaf(None, part) if isinstance(part, str) else part for part in parts))


def leaf(label: int | None, word: str) -> Tree:
    """A word as it stands in a text."""
    return Tree(label, ESCAPED.sub(lambda found: ESCAPES[found[0]], word))


def read_trees(path: str | os.PathLike[str], classes: int = 5) -> Iterator[Tree]:
    """The trees of a file such as the Stanford Sentiment Treebank's (Socher et al. 2013), one a line, read one by one.

    Every node has a label, 0 to classes - 1. Empty lines are left out; TextError names file and line of any other that
    is no tree, or has another label. gzip where the name ends in .gz.
    """
    trees = 0
    for number, line in enumerate(read_lines(path), 1):
        if line:
            tree = tree_of(path, number, line)
            for label in (part.label for part in tree.subtrees()):
                if label is None or label >= classes:
                    raise wrong(
                        path, number, f"label {label}, expected 0 to {classes - 1}. More of them? Give classes=."
                    )
            yield tree
            trees += 1
    if not trees:
        raise TextError(f"{path}: no tree in it.")


def tree_of(path: str | os.PathLike[str], number: int, text: str, labels: bool = True) -> Tree:
    """parse_tree, whose error names the place."""
    try:
        return parse_tree(text, labels)
    except ValueError as error:
        raise wrong(path, number, str(error)) from None
