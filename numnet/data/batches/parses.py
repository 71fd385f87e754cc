"""Parsed sentences, or pairs of them, as batches (ParseBatch, y): the data of models that read trees."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from numnet.core.checks import check_count, check_list, check_shape, check_size, described, kind_of, validate_call
from numnet.core.packed import as_numbers
from numnet.core.shift_reduce import first_fault, named
from numnet.data.batches.sequences import SequenceBatches, targets_of
from numnet.data.transitions import EncodedParse, ParseBatch, pad_encoded
from numnet.data.vocabulary import PAD

Array = npt.NDArray[Any]
CHECKED = 1024  # sentences at once, in one padded array
EXPECTED = "an EncodedParse, such as Transitions.parse(text).encode(vocabulary)"


class ParseBatches(SequenceBatches):
    """Each parse, or pair of parses, once per epoch, as (ParseBatch, y). Initial state: zero.

    parses    EncodedParses, or pairs of them. A batch of B pairs is one ParseBatch of 2B rows: row k is the first
              sentence of pair k, row B + k the second
    targets   one number for each row, y is (B,); or, for single sentences, one for each node of the tree, in the order
              of its moves, which is that of Tree.subtrees(): y is (B, 2N - 1), padded with -1, of which models that
              read parses count none. -1 is also for a node without a target

    `bucketed` and `shuffle` are those of SequenceBatches; the length of a pair is that of its longer sentence. A single
    row that would be left for a batch of its own joins another batch, because BatchNorm needs two to train.
    """

    @validate_call
    def __init__(
        self,
        parses: Iterable[Any],
        targets: Any,
        batch_size: int,
        seed: int = 0,
        bucketed: bool = True,
        shuffle: bool = True,
    ) -> None:
        who = "ParseBatches"
        check_size(who, batch_size=batch_size)
        check_count(who, seed=seed)
        rows = check_list(who, "parses", parses, "EncodedParses, or pairs of them", "One sentence? Pass [parse].")
        if not rows:
            raise ValueError(f"{who}: there are no parses, expected at least one.")
        self.pairs = not isinstance(rows[0], EncodedParse)
        found = checked_parses(who, named_parses(who, rows, self.pairs))
        self.rows = [tuple(found[k : k + self.sides]) for k in range(0, len(found), self.sides)]
        self.lengths = np.array([max(len(parse.words) for parse in row) for row in self.rows])
        self.targets = self.checked_targets(who, targets)
        self.batch_size, self.seed, self.bucketed, self.shuffle = batch_size, seed, bucketed, shuffle

    @property
    def sides(self) -> int:
        """The number of sentences in a row: 2 for pairs, else 1."""
        return 2 if self.pairs else 1

    @property
    def sequences(self) -> list[Array]:  # type: ignore[override]
        """The words of all sentences, row by row."""
        return [parse.words for row in self.rows for parse in row]

    def checked_targets(self, who: str, targets: Any) -> list[Array]:
        """Return the targets as arrays of one dtype; a pair has one number."""
        found = targets_of(who, 2 * self.lengths - 1, targets, "pair" if self.pairs else "sentence", "node")
        if self.pairs and found[0].ndim and kind_of(found[0]) == "token":
            got = found[0].shape
            raise ValueError(f"{who}: targets[0] is {got}, expected one number for each pair: a pair has two trees.")
        return found

    def config(self) -> dict[str, Any]:
        """Return what must be equal to resume a run."""
        checksum = 0
        for part in [array for row in self.rows for parse in row for array in parse] + self.targets:
            checksum = zlib.crc32(part.tobytes(), zlib.crc32(str(part.shape).encode(), checksum))
        options = {name: getattr(self, name) for name in ("batch_size", "seed", "bucketed", "shuffle")}
        return {"type": type(self).__name__, **options, "sequences": f"{len(self.rows)} of checksum {checksum:08x}"}

    def __len__(self) -> int:
        """The number of batches in an epoch, including one with the remainder."""
        full, rest = divmod(len(self.rows), self.batch_size)
        return full + (rest > 0) - (full > 0 and rest == 1 < self.batch_size)

    def epoch(self, number: int = 0) -> Iterator[tuple[ParseBatch, Array]]:  # type: ignore[override]
        """Yield the batches of one epoch."""
        for rows in self.order(number):
            parses = [self.rows[row][side] for side in range(self.sides) for row in rows]
            yield pad_encoded(parses), padded_targets([self.targets[row] for row in rows])

    def filled(self, number: int = 0) -> float:
        """Return the fraction of an epoch's words that are real, not padding."""
        slots = sum(len(rows) * self.sides * int(self.lengths[rows].max()) for rows in self.order(number))
        return sum(map(len, self.sequences)) / slots

    def order(self, number: int) -> list[Array]:
        """Return the rows of each batch of one epoch."""
        batches = super().order(number)
        alone = [k for k, rows in enumerate(batches) if len(rows) == 1 < self.batch_size]
        for k in alone if len(batches) > 1 else ():
            row = batches.pop(k)
            batches[k - 1] = np.concatenate([batches[k - 1], row])
        return batches


def padded_targets(targets: list[Array]) -> Array:
    """Return one number a row as (B,), one a node as (B, 2N - 1), padded with -1."""
    if not targets[0].ndim:
        return np.stack(targets)
    width = max(map(len, targets))
    found = np.full((len(targets), width, *targets[0].shape[1:]), PAD, targets[0].dtype)
    for row, target in zip(found, targets):
        row[: len(target)] = target
    return found


def named_parses(who: str, rows: list[Any], pairs: bool) -> list[tuple[str, Any]]:
    """Return each parse with its name in error messages; TypeError for anything else, and for pairs beside parses."""
    if not pairs:
        found = [(f"parses[{k}]", row) for k, row in enumerate(rows)]
    else:
        found = []
        for k, row in enumerate(rows):
            if not (type(row) in (tuple, list) and len(row) == 2):
                raise TypeError(f"{who}: parses[{k}] is {described(row)}, expected {EXPECTED}, or a pair of them.")
            found += [(f"parses[{k}][{side}]", parse) for side, parse in enumerate(row)]
    for name, parse in found:
        if not isinstance(parse, EncodedParse):
            raise TypeError(f"{who}: {name} is {described(parse)}, expected {EXPECTED}.")
    return found


def checked_parses(who: str, parses: list[tuple[str, Any]]) -> list[EncodedParse]:
    """Return parses as arrays, their words in one dtype; an error names the first that is no parse."""
    words = [as_numbers(who, f"{name}.words", parse.words, "(words,) or (words, features)") for name, parse in parses]
    dtype = np.result_type(*{array.dtype for array in words})
    found = []
    for (name, parse), array in zip(parses, words):
        if not array.size:
            raise ValueError(f"{who}: {name}.words is {array.shape}, expected at least one word. Leave it out.")
        remedy = f"It must be as wide as {parses[0][0]}."
        check_shape(who, f"{name}.words", array.shape, (len(array), *words[0].shape[1:]), remedy)
        moves = as_numbers(who, f"{name}.moves", parse.moves, "(2N - 1,)")
        check_shape(who, f"{name}.moves", moves.shape, (2 * len(array) - 1,), "A tree of N words has 2N - 1 moves.")
        if kind_of(moves) != "token":
            raise TypeError(f"{who}: {name}.moves is {moves.dtype}, expected integers: {named()}.")
        found.append(EncodedParse(array.astype(dtype, copy=False), moves))
    check_moves(who, [name for name, _ in parses], found)
    return found


def check_moves(who: str, names: list[str], parses: list[EncodedParse]) -> None:
    """Check that the moves of each parse build a tree of its words."""
    for start in range(0, len(parses), CHECKED):
        _, lengths, transitions = pad_encoded(parses[start : start + CHECKED])
        if fault := first_fault(transitions, lengths):
            name = names[start + fault.row]
            raise ValueError(f"{who}: {name}.moves[{fault.step}] is {fault.reason}.")
