"""What a phrase feels like, from what its parts feel like: a label 0 (very bad) to 4 (very good) at every node."""

from __future__ import annotations

from collections.abc import Callable

from numnet.data.generated.grammar import Derivation
from numnet.data.tree import Tree

NEUTRAL = 2


def sign(v: int) -> int:
    """-1, 0 or 1."""
    return (v > 0) - (v < 0)


# With l and r the values of the parts, label - 2; the value of the whole is cut to -2..2.
RULES: dict[str, Callable[[int, int], int]] = {
    "sum": lambda l, r: l + r,  # (1) a good friend
    "more": lambda l, r: r + sign(r),  # (2) very good
    "less": lambda l, r: sign(r),  # (3) rather great
    "not": lambda l, r: -sign(r),  # (4) not great, loses a friend, without problems: the other side, but never far
    "last": lambda l, r: r,  # (5) it is good, but it is boring
    "first": lambda l, r: l,  # (6) it is good because that is boring
}
LABELS = {
    how: [[max(-2, min(2, rule(l, r))) + NEUTRAL for r in range(-2, 3)] for l in range(-2, 3)]
    for how, rule in RULES.items()
}


def labelled(derivation: Derivation) -> Tree:
    """The derivation as a binary tree: what becomes one part alone is that part; labels by the rules (1) to (6)."""
    while len(derivation.parts) == 1:
        derivation = derivation.parts[0]
    choice, parts = derivation.choice, derivation.parts
    if not parts:
        return Tree(choice.value + NEUTRAL, choice.word)
    left, right = labelled(parts[0]), labelled(parts[1])
    return Tree(LABELS[choice.how][left.label or 0][right.label or 0], None, (left, right))
