"""A sentence as a tree: words are leaves, phrases are inner nodes. No function is recursive, so any depth works."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from numnet.core.checks import check_list, described
from numnet.core.shift_reduce import REDUCE, SHIFT
from numnet.data.escapes import escape

LEAF = "A leaf is Tree(label, word)."


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Tree:
    """A leaf has a word and no children; a phrase has children and no word. Both may have a label.

    str(tree) is the bracket notation: "(3 (2 The) (2 end))", or "( The end )" without labels.
    """

    label: int | None
    word: str | None
    children: tuple[Tree, ...] = ()

    def __post_init__(self) -> None:
        if type(self.children) is not tuple:
            object.__setattr__(self, "children", tuple(check_list("Tree", "children", self.children, "Trees")))
        if (self.word is None) != bool(self.children):
            has = "neither word nor children" if self.word is None else "a word and children"
            raise ValueError(f"Tree: it has {has}, expected one of the two. A leaf is Tree(label, word).")
        for k, child in enumerate(self.children):
            if not isinstance(child, Tree):
                raise TypeError(f"Tree: children[{k}] is {described(child)}, expected a Tree. {LEAF}")
        if self.word is not None and not isinstance(self.word, str):
            raise TypeError(f"Tree: word is {described(self.word)}, expected a str. {LEAF}")
        if self.label is not None and not isinstance(self.label, (int, np.integer)):
            raise TypeError(f"Tree: label is {described(self.label)}, expected a whole number or None. {LEAF}")

    def subtrees(self) -> list[Tree]:
        """Return every node in postorder: children before their parent, left before right, the root last."""
        found, waiting = [], [self]
        while waiting:
            found.append(waiting.pop())
            waiting += found[-1].children
        return found[::-1]

    def words(self) -> tuple[str, ...]:
        """Return the words of the sentence, from left to right."""
        return tuple(tree.word for tree in self.subtrees() if tree.word is not None)

    def transitions(self) -> tuple[int, ...]:
        """Return the 2N - 1 operations that build a binary tree of N words on a stack (Bowman et al. 2016).

        SHIFT pushes a word; REDUCE combines the two topmost subtrees. ValueError if a phrase does not have two parts.
        """
        trees = self.subtrees()
        for tree in trees:
            if len(tree.children) not in (0, 2):
                raise ValueError(
                    f"Tree.transitions: {tree} has {len(tree.children)} parts, expected two, a binary tree."
                )
        return tuple(REDUCE if tree.children else SHIFT for tree in trees)

    def __str__(self) -> str:
        written: list[str] = []
        waiting: list[Tree | str] = [self]
        while waiting:
            part = waiting.pop()
            if isinstance(part, str):
                written.append(part)
            elif part.word is not None:
                word = escape(part.word)
                written.append(word if part.label is None else f"({part.label} {word})")
            else:
                written.append("(" if part.label is None else f"({part.label}")
                waiting += [")", *part.children[::-1]]
        return " ".join(written) if self.label is None else " ".join(written).replace(" )", ")")

    def __repr__(self) -> str:
        return f"<Tree {self}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tree) and nodes(self) == nodes(other)

    def __hash__(self) -> int:
        return hash(nodes(self))


def nodes(tree: Tree) -> tuple[tuple[int | None, str | None, int], ...]:
    """Return the label, word and number of children of each node; together they identify the tree."""
    return tuple((part.label, part.word, len(part.children)) for part in tree.subtrees())
