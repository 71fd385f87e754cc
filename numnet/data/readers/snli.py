"""Pairs of sentences, and whether the second follows from the first: the SNLI corpus and files like it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import NamedTuple

from numnet.data.readers.brackets import tree_of
from numnet.data.readers.lines import excerpt, read_lines, wrong
from numnet.data.readers.text import TextError
from numnet.data.tree import Tree

LABELS = ("entailment", "neutral", "contradiction")
NO_LABEL = "-"  # where the annotators did not agree
FIELDS = ("sentence1_binary_parse", "sentence2_binary_parse", "gold_label")


class Inference(NamedTuple):
    """Two sentences, each a binary tree; the label is one of "entailment", "neutral", "contradiction"."""

    premise: Tree
    hypothesis: Tree
    label: str


def read_snli(path: str | os.PathLike[str]) -> Iterator[Inference]:
    """The pairs of a file of JSON lines as SNLI has them (Bowman et al. 2015), read one by one; gzip if it ends in .gz.

    Pairs whose label is "-" and empty lines are left out. TextError names file and line of a row that is not JSON,
    lacks a field, has another label, or a parse that is not binary.
    """
    pairs = 0
    for number, line in enumerate(read_lines(path), 1):
        if not line:
            continue
        premise, hypothesis, label = fields(path, number, line)
        pairs += 1
        if label == NO_LABEL:
            continue
        if label not in LABELS:
            labels = ", ".join(LABELS)
            raise wrong(path, number, f"gold_label {excerpt(label)}, expected one of {labels}, or {NO_LABEL}.")
        yield Inference(binary(path, number, premise), binary(path, number, hypothesis), label)
    if not pairs:
        raise TextError(f"{path}: no pair in it.")


def fields(path: str | os.PathLike[str], number: int, line: str) -> list[str]:
    """The three fields of a row that are used."""
    try:
        row = json.loads(line)
    except ValueError as error:
        raise wrong(path, number, f"not JSON: {error}. Expected one object a line.") from None
    if not isinstance(row, dict):
        raise wrong(path, number, f"{excerpt(line)}, expected an object with {', '.join(FIELDS)}.")
    for field in FIELDS:
        if not isinstance(row.get(field), str):
            said = f"{field} is {excerpt(str(row[field]))}" if field in row else f"{field} is missing"
            raise wrong(path, number, f"{said}, expected a text. Is it SNLI's .jsonl?")
    return [row[field] for field in FIELDS]


def binary(path: str | os.PathLike[str], number: int, text: str) -> Tree:
    """A parse, each of whose phrases has two parts."""
    tree = tree_of(path, number, text, labels=False)
    for part in tree.subtrees():
        if len(part.children) not in (0, 2):
            raise wrong(path, number, f"{excerpt(str(part))} has {len(part.children)} parts, expected two.")
    return tree
