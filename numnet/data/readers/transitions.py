"""Read binary parses, one sentence after the other, in any of their three notations."""

from __future__ import annotations

import os
from collections.abc import Iterator

from numnet.core.checks import check_choice, validate_call
from numnet.data.notations import NOTATIONS, ParseError
from numnet.data.readers.lines import line_error, read_lines
from numnet.data.readers.text import TextError
from numnet.data.transitions import Transitions


@validate_call
def read_transitions(path: str | os.PathLike[str], notation: str = "brackets") -> Iterator[Transitions]:
    """Yield the parses of a file in a notation of Transitions.parse: one per line, or two lines each with "lines".

    Blank lines are skipped. TextError names the file, the line, and the first token with which the line is not a binary
    tree. A file whose name ends in .gz is decompressed.
    """
    check_choice("read_transitions", "notation", notation, NOTATIONS)
    parses = 0
    waiting: list[tuple[int, str]] = []  # the lines of one parse, with their numbers
    for number, line in enumerate(read_lines(path), 1):
        if line.strip(" \t\r"):
            waiting.append((number, line))
        if len(waiting) == NOTATIONS[notation].lines:
            yield parse_of(path, waiting, notation)
            waiting = []
            parses += 1
    if waiting:
        raise line_error(path, waiting[0][0], "words without a line of S and R after them. Is the file complete?")
    if not parses:
        raise TextError(f"{path}: no parse found.")


def parse_of(path: str | os.PathLike[str], lines: list[tuple[int, str]], notation: str) -> Transitions:
    """Return the parse in these lines; an error names the file and the line."""
    try:
        return Transitions(*NOTATIONS[notation].parse("\n".join(line for _, line in lines)))
    except ParseError as error:
        raise line_error(path, lines[error.line][0], str(error)) from None
