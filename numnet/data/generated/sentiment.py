"""The sentiment of a phrase from that of its parts: a label 0 (very bad) to 4 (very good) at every node."""

from __future__ import annotations

from collections.abc import Callable

from numnet.data.generated.grammar import Derivation
from numnet.data.tree import Tree

NEUTRAL = 2


def sign(v: int) -> int:
    """Return -1, 0 or 1."""
    return (v > 0) - (v < 0)


# l and r are the values (label - 2) of the left and right part; the value of the whole is clipped to -2..2.
RULES: dict[str, Callable[[int, int], int]] = {
    "sum": lambda l, r: l + r,  # (1) a good friend
    "more": lambda l, r: r + sign(r),  # (2) very good
    "less": lambda l, r: sign(r),  # (3) rather great
    "not": lambda l, r: -sign(r),  # (4) not great, loses a friend, without problems: the opposite sign, weakly
    "last": lambda l, r: r,  # (5) it is good, but it is boring
    "first": lambda l, r: l,  # (6) it is good because that is boring
}
LABELS = {
    how: [[max(-2, min(2, rule(l, r))) + NEUTRAL for r in range(-2, 3)] for l in range(-2, 3)]
    for how, rule in RULES.items()
}


def labelled(derivation: Derivation) -> Tree:
    """Return the derivation as a binary tree with labels by rules (1) to (6); unary nodes are skipped."""
    while len(derivation.parts) == 1:
        derivation = derivation.parts[0]
    choice, parts = derivation.choice, derivation.parts
    if not parts:
        return Tree(choice.value + NEUTRAL, choice.word)
    left, right = labelled(parts[0]), labelled(parts[1])
    return Tree(LABELS[choice.how][left.label or 0][right.label or 0], None, (left, right))
