"""Three notations of a binary parse, each read and written in one pass: brackets, closing brackets alone, two lines."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from numnet.core.checks import excerpt
from numnet.core.shift_reduce import REDUCE, SHIFT, first_fault
from numnet.data.escapes import TOKENS, escape, unescape

WORDS = re.compile(r"[^ \t]+")
NOT_WRITTEN = re.compile(r"[ \t\r\n\0]|^\ufeff|^$")  # the readers split words at these, or refuse or remove them
LETTERS = {"S": SHIFT, "R": REDUCE}
Parse = tuple[tuple[str, ...], tuple[int, ...]]


class ParseError(ValueError):
    """The text is no binary tree. `line` is the index of the line at fault: 1 for PARSES, else 0."""

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(message)
        self.line = line


def parse_brackets(text: str) -> Parse:
    """Return words and moves of "( ( The cat ) sleeps )"."""
    words, moves = [], []
    parts, starts = [0], [0]  # of each open bracket, outermost first: the number of its parts; the number of its token
    for k, token in enumerate(TOKENS.findall(one_line(text)), 1):
        if len(parts) == 1 and (parts[0] or token == ")"):
            hint = " Closing brackets alone? Give notation='closing'." if "(" not in text and ")" in text else ""
            expected = "a word or (" if not parts[0] else "the end of the line after one tree"
            raise ParseError(f"token {k} is {excerpt(token)}, expected {expected}.{hint}")
        if token == "(":
            parts.append(0)
            starts.append(k)
            continue
        if token == ")":
            check_two_parts(k, parts.pop(), starts.pop())
        else:
            words.append(unescape(token))
        moves.append(REDUCE if token == ")" else SHIFT)
        parts[-1] += 1
    if len(parts) > 1:
        raise ParseError(f"the ( of token {starts[-1]} is not closed. Is the line complete?")
    return parse_of(words, moves)


def check_two_parts(k: int, parts: int, start: int) -> None:
    """Check the number of parts in a bracket that token k closes."""
    if parts != 2:
        labels = " Labels? Use read_trees or parse_tree." if parts == 3 else ""
        found = f"{parts} part{'s' * (parts != 1)}"
        raise ParseError(f"the brackets of tokens {start} to {k} have {found}, expected two.{labels}")


def parse_closing(text: str) -> Parse:
    """Return words and moves of "The cat ) sleeps )"."""
    words, moves, stack = [], [], 0
    for k, token in enumerate(TOKENS.findall(one_line(text)), 1):
        if token == "(":
            raise ParseError(f"token {k} is '(', expected words and ) alone. Give notation='brackets'.")
        if token == ")" and stack < 2:
            raise ParseError(f"token {k} is ')' with {stack} on the stack, expected a word: ) combines two subtrees.")
        if token != ")":
            words.append(unescape(token))
        moves.append(REDUCE if token == ")" else SHIFT)
        stack += 1 if token != ")" else -1
    if stack > 1:
        raise ParseError(f"{stack} subtrees after token {len(moves)}, the last, expected one. Is the line complete?")
    return parse_of(words, moves)


def parse_lines(text: str) -> Parse:
    """Return words and moves of the lines WORDS and PARSES, with or without these names."""
    lines = [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")]
    if len(lines) != 2:
        raise ParseError(f"{len(lines)} lines, expected two: the words, then S for SHIFT and R for REDUCE.")
    tokens, letters = (WORDS.findall(line) for line in lines)
    if named := letters[:1] == ["PARSES:"]:
        if tokens[:1] != ["WORDS:"]:
            raise ParseError(f"{excerpt(lines[0])}, expected WORDS: before PARSES:.")
        tokens, letters = tokens[1:], letters[1:]
    for k, letter in enumerate(letters):
        if letter not in LETTERS:
            raise ParseError(f"token {k + 1 + named} is {excerpt(letter)}, expected S or R.", 1)
    words, moves = parse_of([unescape(token) for token in tokens], [LETTERS[letter] for letter in letters])
    if fault := first_fault(np.array([moves], np.int64), np.array([len(words)])):
        raise ParseError(f"token {fault.step + 1 + named} is {fault.reason}.", 1)
    return words, moves


def one_line(text: str) -> str:
    """Return a text without the end of its line."""
    line = text.removesuffix("\n").removesuffix("\r")
    if "\n" in line:
        raise ParseError(f"{line.count(chr(10)) + 1} lines in {excerpt(line)}, expected one tree in one line.")
    return line


def parse_of(words: list[str], moves: list[int]) -> Parse:
    """Return words and moves; ParseError if there is no word."""
    if not words:
        raise ParseError("no word, expected a tree of at least one.")
    return tuple(words), tuple(moves)


def format_brackets(words: Sequence[str], moves: Sequence[int]) -> str:
    """Return the tree in brackets."""
    brackets, first, shifted = [0] * len(words), [], 0  # ( before each word; the first word of each subtree
    for move in moves:
        if move == SHIFT:
            first.append(shifted)
            shifted += 1
        else:
            first.pop()
            brackets[first[-1]] += 1
    return join([f"{'( ' * n}{written(word)}" for n, word in zip(brackets, words)], moves)


def format_closing(words: Sequence[str], moves: Sequence[int]) -> str:
    """Return the words and the closing brackets."""
    return join([written(word) for word in words], moves)


def join(words: Sequence[str], moves: Sequence[int]) -> str:
    """Return a word for each SHIFT and ) for each REDUCE."""
    left = iter(words)
    return " ".join(next(left) if move == SHIFT else ")" for move in moves)


def format_lines(words: Sequence[str], moves: Sequence[int]) -> str:
    """Return the lines WORDS and PARSES, each letter below its word."""
    left = iter(words)
    above = [written(next(left)) if move == SHIFT else " " for move in moves]
    below = [("S" if move == SHIFT else "R").ljust(len(word)) for move, word in zip(moves, above)]
    return f"WORDS:  {' '.join(above)}".rstrip(" ") + f"\nPARSES: {' '.join(below)}".rstrip(" ")


def written(word: str) -> str:
    """Return the text of a word; ParseError if the readers would read another word from it."""
    text = escape(word)
    if NOT_WRITTEN.search(word) or unescape(text) != word:
        expected = "a word without blanks and without the escapes of brackets"
        raise ParseError(f"word {excerpt(word)} would be read as another, expected {expected}.")
    return text


class Notation(NamedTuple):
    """How a notation is read and written, and how many lines a parse has."""

    parse: Callable[[str], Parse]
    format: Callable[[Sequence[str], Sequence[int]], str]
    lines: int


NOTATIONS = {
    "brackets": Notation(parse_brackets, format_brackets, 1),
    "closing": Notation(parse_closing, format_closing, 1),
    "lines": Notation(parse_lines, format_lines, 2),
}
