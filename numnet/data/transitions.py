"""A binary parse as the moves that build it on a stack; the same parse as a tree, and as text in three notations."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from numnet.core.arrays import to_numpy
from numnet.core.checks import check_choice, check_list, check_strings, data_array, described, kind_of, validate_call
from numnet.core.packed import pad_sequences
from numnet.core.shift_reduce import REDUCE, SHIFT, SKIP, first_fault, named
from numnet.data.notations import NOTATIONS, ParseError
from numnet.data.tree import Tree
from numnet.data.vocabulary import Vocabulary

Array = npt.NDArray[Any]
SHAPES = ("left", "right", "balanced", "random")


@dataclass(frozen=True, slots=True, repr=False)
class Transitions:
    """The words of a sentence, and the 2N - 1 moves that build its binary tree on a stack (Bowman et al. 2016).

    SHIFT (0) puts the next word on the stack, REDUCE (1) combines the two topmost subtrees. SKIP (2) after the last
    move, the padding of a batch, is removed. ValueError names the first move with which no tree can be built.
    """

    words: tuple[str, ...]
    moves: tuple[int, ...]

    def __post_init__(self) -> None:
        words = check_strings("Transitions", "words", self.words, "words")
        moves = data_array("Transitions", "moves", self.moves, f"a list of {named()}")
        if not words:
            raise ValueError("Transitions: words is empty, expected at least one word.")
        moves = moves if moves.size else moves.astype(np.int64)
        if moves.ndim != 1 or kind_of(moves) != "token":
            got = moves.shape if moves.ndim != 1 else moves.dtype
            raise ValueError(f"Transitions: moves is {got}, expected a list of {named()}.")
        if fault := first_fault(moves[None], np.array([len(words)])):
            raise ValueError(f"Transitions: moves[{fault.step}] is {fault.reason}.")
        object.__setattr__(self, "words", tuple(words))
        object.__setattr__(self, "moves", tuple(moves[: 2 * len(words) - 1].tolist()))

    @classmethod
    @validate_call
    def parse(cls, text: str, notation: str = "brackets") -> Transitions:
        r"""Parse a text. The notations of the same tree:

            brackets   ( ( The cat ) sleeps )
            closing    The cat ) sleeps )
            lines      WORDS:  The cat   sleeps
                       PARSES: S   S   R S      R

        The text is one word in the first two if the sentence is; the names WORDS: and PARSES: may be missing. Words are
        decoded as by parse_tree: -LRB- is (. ValueError names the first token with which the text is not a tree.
        """
        check_choice("Transitions.parse", "notation", notation, NOTATIONS)
        try:
            return cls(*NOTATIONS[notation].parse(text))
        except ParseError as error:
            raise ValueError(f"Transitions.parse: {error}") from None

    @validate_call
    def format(self, notation: str = "brackets") -> str:
        """Return the text from which `parse` reads exactly this; ValueError for a word that the notations lack."""
        check_choice("Transitions.format", "notation", notation, NOTATIONS)
        try:
            return NOTATIONS[notation].format(self.words, self.moves)
        except ParseError as error:
            raise ValueError(f"Transitions.format: {error}") from None

    @classmethod
    @validate_call
    def from_tree(cls, tree: Tree) -> Transitions:
        """Return the parse of a binary tree; labels are left out. The moves are in the order of tree.subtrees()."""
        return cls(tree.words(), tree.transitions())

    def tree(self) -> Tree:
        """Return the tree, without labels."""
        stack: list[Tree] = []
        words = iter(self.words)
        for move in self.moves:
            if move == SHIFT:
                stack.append(Tree(None, next(words)))
            else:
                right, left = stack.pop(), stack.pop()
                stack.append(Tree(None, None, (left, right)))
        return stack[0]

    @classmethod
    @validate_call
    def of_shape(cls, words: Iterable[str], shape: str, seed: int = 0) -> Transitions:
        """Return a tree over the words that ignores the grammar, to compare with the parse.

        left       ( ( ( a b ) c ) d )
        right      ( a ( b ( c d ) ) )
        balanced   ( ( a b ) ( c d ) ): the halves differ by at most one word
        random     each binary tree is equally likely; drawn from (seed, words), so a sentence keeps its tree
        """
        check_choice("Transitions.of_shape", "shape", shape, SHAPES)
        found = check_strings("Transitions.of_shape", "words", words, "words")
        return cls(tuple(found), tuple(moves_of(found, shape, seed) if found else ()))

    def lower(self) -> Transitions:
        """Return the same parse with its words in lower case, as word vectors have them."""
        return Transitions(tuple(word.lower() for word in self.words), self.moves)

    @validate_call
    def encode(self, vocabulary: Vocabulary) -> EncodedParse:
        """Return the ids of the words, and the moves, as arrays: a row of ParseBatches."""
        return EncodedParse(vocabulary.encode(self.words), np.array(self.moves, np.int64))

    def __repr__(self) -> str:
        return f"<Transitions {self.tree()}>"


def moves_of(words: list[str], shape: str, seed: int) -> list[int]:
    """Return the moves of a tree of this shape over one word or more."""
    N = len(words)
    if shape == "left":
        return [SHIFT, *[SHIFT, REDUCE] * (N - 1)]
    if shape == "right":
        return [SHIFT] * N + [REDUCE] * (N - 1)
    return balanced(N) if shape == "balanced" else random(np.random.default_rng([seed, checksum(words)]), N)


def checksum(words: list[str]) -> int:
    """Return a number that differs between sentences."""
    return zlib.crc32("\n".join(words).encode("utf-8", "surrogatepass"))


def balanced(N: int) -> list[int]:
    """Return the moves of a tree whose subtrees have the same number of words, or the left one has one more."""
    moves, waiting = [], [N]  # the numbers of words of the subtrees to build, the next one last; 0 is a REDUCE
    while waiting:
        n = waiting.pop()
        if n > 1:
            waiting += [0, n // 2, n - n // 2]
        else:
            moves.append(SHIFT if n else REDUCE)
    return moves


def random(rng: np.random.Generator, N: int) -> list[int]:
    """Return the moves of a binary tree, each of the Catalan number of trees with the same probability.

    Of the 2N - 1 rotations of any order of the moves, one is a tree: the one that begins after the last minimum of the
    size of the stack (the cycle lemma of Dvoretzky and Motzkin 1947).
    """
    moves = rng.permutation(np.repeat([SHIFT, REDUCE], [N, N - 1]))
    size = np.where(moves == SHIFT, 1, -1).cumsum()
    start = len(size) - int(size[::-1].argmin())
    return list(np.roll(moves, -start).tolist())


class EncodedParse(NamedTuple):
    """A parsed sentence as numbers: words (N,), or vectors of them (N, D), and moves (2N - 1,)."""

    words: Array
    moves: Array


class ParseBatch(NamedTuple):
    """Parsed sentences as arrays: words (B, N), lengths (B,), transitions (B, 2N - 1); N is the largest length.

    It is the x of the models that read parses; pairs of sentences are 2B rows, first all first ones, then all second
    ones. words may be vectors (B, N, D).
    """

    words: Array
    lengths: Array
    transitions: Array

    def parses(self) -> list[EncodedParse]:
        """Return each sentence without padding: pad_encoded is the inverse."""
        words, lengths, transitions = map(to_numpy, self)
        ends = zip(words, transitions, lengths.tolist())
        return [EncodedParse(row[:n], moves[: max(2 * n - 1, 0)]) for row, moves, n in ends]


@validate_call
def pad_parses(parses: Iterable[Any], vocabulary: Vocabulary) -> ParseBatch:
    """Return a batch of Transitions, or of binary Trees: the words' ids are padded with 0, the moves with SKIP."""
    found = []
    for k, parse in enumerate(check_list("pad_parses", "parses", parses, "Transitions")):
        if not isinstance(parse, (Transitions, Tree)):
            raise TypeError(f"pad_parses: parses[{k}] is {described(parse)}, expected Transitions or a binary Tree.")
        found.append(Transitions.from_tree(parse) if isinstance(parse, Tree) else parse)
    if not found:
        raise ValueError("pad_parses: parses is empty, expected at least one sentence.")
    return pad_encoded([parse.encode(vocabulary) for parse in found])


def pad_encoded(parses: Sequence[EncodedParse]) -> ParseBatch:
    """Return a batch of checked parses: the words are padded with 0, the moves with SKIP."""
    words, lengths = pad_sequences([parse.words for parse in parses])
    return ParseBatch(words, lengths, pad_sequences([parse.moves for parse in parses], SKIP)[0])
