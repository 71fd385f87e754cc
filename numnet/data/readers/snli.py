"""Read pairs of sentences, labelled by whether the second follows from the first: SNLI and files in its format."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import NamedTuple

from numnet.core.checks import excerpt, validate_call
from numnet.data.readers.brackets import tree_of
from numnet.data.readers.lines import line_error, read_lines
from numnet.data.readers.text import TextError
from numnet.data.tree import Tree

LABELS = ("entailment", "neutral", "contradiction")
NO_LABEL = "-"  # the annotators did not agree
FIELDS = ("sentence1_binary_parse", "sentence2_binary_parse", "gold_label")


class Inference(NamedTuple):
    """Two sentences, each a binary tree; the label is one of "entailment", "neutral", "contradiction"."""

    premise: Tree
    hypothesis: Tree
    label: str


@validate_call
def read_snli(path: str | os.PathLike[str]) -> Iterator[Inference]:
    """Yield the pairs of a file of JSON lines in the format of SNLI (Bowman et al. 2015).

    Pairs with the label "-" and blank lines are skipped. TextError names the file and the line if a row is not JSON,
    lacks a field, has another label, or has a parse that is not binary. A file whose name ends in .gz is decompressed.
    """
    pairs = 0
    for number, line in enumerate(read_lines(path), 1):
        if not line.strip():
            continue
        premise, hypothesis, label = fields(path, number, line)
        pairs += 1
        if label == NO_LABEL:
            continue
        if label not in LABELS:
            labels = ", ".join(LABELS)
            raise line_error(path, number, f"gold_label {excerpt(label)}, expected one of {labels}, or {NO_LABEL}.")
        yield Inference(binary(path, number, premise), binary(path, number, hypothesis), label)
    if not pairs:
        raise TextError(f"{path}: no pair found.")


def fields(path: str | os.PathLike[str], number: int, line: str) -> list[str]:
    """Return the two parses and the label of a row."""
    try:
        row = json.loads(line)
    except ValueError as error:
        raise line_error(path, number, f"not JSON: {error}. Expected one object per line.") from None
    except RecursionError:
        raise line_error(path, number, f"{excerpt(line)} is nested too deeply, expected one object per line.") from None
    if not isinstance(row, dict):
        raise line_error(path, number, f"{excerpt(line)}, expected an object with {', '.join(FIELDS)}.")
    for field in FIELDS:
        if not isinstance(row.get(field), str):
            value = row.get(field)
            got = type(value).__name__ if isinstance(value, (list, dict)) else excerpt(str(value))
            found = f"{field} is {got}" if field in row else f"{field} is missing"
            raise line_error(path, number, f"{found}, expected a text. Is it SNLI's .jsonl?")
    return [row[field] for field in FIELDS]


def binary(path: str | os.PathLike[str], number: int, text: str) -> Tree:
    """Return the tree of a parse, in which every phrase must have two parts."""
    tree = tree_of(path, number, text, labels=False)
    for part in tree.subtrees():
        if len(part.children) not in (0, 2):
            raise line_error(path, number, f"{excerpt(str(part))} has {len(part.children)} parts, expected two.")
    return tree
