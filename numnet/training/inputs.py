"""The kinds of data that a Trainer takes, each as batches: an object with epoch(k), carries_state and, if known, len().

(x, y) or (x, y, lengths)      arrays with one row for each example, or lists of sequences: cut into batches here
(x, y), x a ParseBatch         one row for each sentence, or pair of sentences: cut into batches here, too
a list of batches              each (x, y) or (x, y, lengths); the same ones in every epoch
an iterable of batches         such as a DataLoader of PyTorch: iter(it) for every epoch
a function                     of nothing, or of the number of the epoch: it returns an iterable of batches
a generator, an iterator       for one epoch: it can be read once
batches                        SequenceBatches and the like, unchanged
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from numnet.core.arrays import as_array, to_numpy
from numnet.core.checks import check_size
from numnet.core.checks.inputs import (
    check_batches,
    check_cutting,
    check_examples,
    check_is_data,
    check_lengths_once,
    check_parse_targets,
    check_readable_again,
    check_rows_first,
    check_tuple,
    is_batches,
    is_parses,
    used_up,
)
from numnet.core.checks.runs import kind
from numnet.core.lengths import as_mask
from numnet.core.packed import Packed
from numnet.core.show import Shown
from numnet.data.batches.arrays import ArrayBatches, checksum_of
from numnet.data.batches.parses import ParseBatches
from numnet.data.batches.sequences import SequenceBatches
from numnet.data.transitions import ParseBatch

BATCH_SIZE = 32  # of arrays, unless another is given


class Cutting(NamedTuple):
    """How arrays are cut into batches; None where nothing is given."""

    batch_size: int | None = None
    shuffle: bool | None = None
    seed: int | None = None


def as_batches(who: str, name: str, data: Any, cutting: Cutting, sized: bool = True, again: bool = False) -> Any:
    """Return data of any kind as batches. `sized`: an object with epoch(k) needs len(); `again`: it is read repeatedly.

    `name` is the name of the data in error messages.
    """
    check_size(who, batch_size=cutting.batch_size)
    if isinstance(data, tuple):
        return cut_arrays(who, name, data, cutting)
    if is_batches(data):
        check_batches(who, name, data, sized)
        return data
    check_is_data(who, name, data)
    if isinstance(data, list):
        return ListBatches(data)
    if again:
        check_readable_again(who, name, data)
    return IterableBatches(who, name, data)


def cut_arrays(who: str, name: str, data: tuple[Any, ...], cutting: Cutting, targets: bool = True) -> Any:
    """Return batches of the arrays (x, y) or (x, y, lengths), of lists of sequences, or of a ParseBatch, (x, y)."""
    check_tuple(who, name, data, targets)
    x, y = (part.sequences() if isinstance(part, Packed) else part for part in data[:2])
    lengths = data[2] if len(data) == 3 else None
    options = cutting.batch_size or BATCH_SIZE, cutting.seed or 0
    shuffle = cutting.shuffle is not False
    if isinstance(x, ParseBatch):
        return cut_parses(who, name, data, options, shuffle)
    if isinstance(x, list) and lengths is None:
        return SequenceBatches(x, np.zeros(len(x)) if y is None else y, *options, shuffle=shuffle)
    given = {part: value for part, value in (("x", x), ("y", y), ("lengths", lengths)) if value is not None}
    arrays = {part: as_array(who, f"{part} of {name}", value, True) for part, value in given.items()}
    check_examples(who, name, arrays)
    if lengths is not None:
        as_mask(who, arrays["lengths"], *(*arrays["x"].shape, 1)[:2])
    return ArrayBatches(arrays["x"], arrays.get("y"), arrays.get("lengths"), *options, shuffle)


def cut_parses(who: str, name: str, data: tuple[Any, ...], options: tuple[int, int], shuffle: bool) -> Any:
    """Return batches of (ParseBatch, y): of its sentences, or of pairs of them if there are half as many targets."""
    (x, y, *lengths), parses = data, data[0].parses()
    if y is None:
        return ListBatches([x])
    y = as_array(who, f"y of {name}", y, True)
    check_parse_targets(who, name, len(parses), len(y) if y.ndim else 0, *lengths or [None])
    n = len(y)
    pairs = list(zip(parses[:n], parses[n:])) if n < len(parses) else parses
    targets = [row[: len(parse.moves)] for row, parse in zip(y, parses)] if y.ndim == 2 else y
    return ParseBatches(pairs, targets, *options, shuffle=shuffle)


def without_targets(who: str, data: Any, lengths: Any, cutting: Cutting) -> Any:
    """Return data for a prediction as batches: x alone, an array or a list of sequences, is cut too."""
    if isinstance(data, ParseBatch) or (isinstance(data, list) and data and all(map(is_parses, data))):
        check_lengths_once(who, "a ParseBatch", lengths)
        return ListBatches([data] if isinstance(data, ParseBatch) else data)
    alone = hasattr(data, "shape") or isinstance(data, Packed)
    alone = alone or (isinstance(data, list) and not all(map(of_arrays, data)))
    if alone or isinstance(data, tuple):
        if not alone:
            check_tuple(who, "data", data, targets=False)
        x, y, given = (data, None, None) if alone else (*data, None)[:3]
        check_lengths_once(who, given, lengths)
        return cut_arrays(who, "data", (x, y, given if lengths is None else lengths), cutting, targets=False)
    check_lengths_once(who, type(data).__name__, lengths)
    return as_batches(who, "data", data, cutting, sized=False)


def of_arrays(batch: Any) -> bool:
    """Return whether the entry of a list is a batch, not a sequence of numbers."""
    return isinstance(batch, tuple) or (isinstance(batch, list) and any(hasattr(part, "shape") for part in batch))


def cut_here(batches: Any, data: Any) -> bool:
    """Return whether batch_size, shuffle and seed apply to data: it was cut into these batches here."""
    return batches is not data and hasattr(batches, "batch_size")


class ListBatches(Shown):
    """The same batches, in the same order, in every epoch."""

    carries_state = False

    def __init__(self, batches: list[Any]) -> None:
        self.items = batches

    def config(self) -> dict[str, Any]:
        """Return what must be equal to resume a run."""
        arrays = [[to_numpy(part) if hasattr(part, "shape") else part for part in batch] for batch in self.items]
        return {"type": "list", "sequences": f"{len(self.items)} batches of checksum {checksum_of(arrays):08x}"}

    def __len__(self) -> int:
        return len(self.items)

    def epoch(self, number: int = 0) -> Iterator[Any]:
        """Yield the batches."""
        return iter(self.items)


class IterableBatches(Shown):
    """The batches of an iterable, a function or an iterator, as they come.

    `again` is False for an iterator, which is read once. Whether two epochs, or two runs, get the same batches is not
    known, so a resumed run warns.
    """

    carries_state = False
    rewinds = False

    def __init__(self, who: str, name: str, source: Any) -> None:
        self.who, self.name, self.source = who, name, source
        self.again, self.read = not isinstance(source, Iterator), False
        self.numbered = not isinstance(source, Iterable) and takes_a_number(source)

    def __len__(self) -> int:
        return len(self.source)  # TypeError if the source has no length: see length_of

    def epoch(self, number: int = 0) -> Iterable[Any]:
        """Return the batches of one epoch."""
        if self.again:
            source = self.source if isinstance(self.source, Iterable) else self.called(number)
            return iter(source)
        if self.read:
            raise used_up(self.who, self.name, kind(self.source), number)
        self.read = True
        return self.source

    def called(self, number: int) -> Any:
        """Return the batches that the function returns."""
        batches = self.source(number) if self.numbered else self.source()
        check_is_data(self.who, f"{self.name}()", batches)
        return batches


def takes_a_number(function: Any) -> bool:
    """Return whether a function needs an argument, the number of the epoch."""
    try:
        inspect.signature(function).bind()
    except TypeError:
        return True
    except ValueError:  # a function of C has no signature
        return False
    return False


def length_of(batches: Any) -> int | None:
    """Return the number of batches in an epoch, or None if it is not known, as for a generator."""
    try:
        return len(batches)
    except TypeError:
        return None


def data_of_run(who: str, model: Any, batches: Any, validation: Any, cutting: Cutting) -> tuple[Any, Any]:
    """Return training and validation data as batches, arrays for validation in order; None stays None."""
    found = as_batches(who, "batches", batches, cutting)
    held_out = validation
    if validation is not None:
        held_out = as_batches(who, "validation", validation, cutting._replace(shuffle=False), sized=False, again=True)
    check_cut(who, model, cutting, batches=(found, batches), validation=(held_out, validation))
    return found, held_out


def check_cut(who: str, model: Any, cutting: Cutting, **pairs: tuple[Any, Any]) -> None:
    """Check that options, if given, apply to one of the (batches, data), and that the rows of arrays are sequences."""
    cut = [name for name, (batches, data) in pairs.items() if cut_here(batches, data)]
    for name in cut:
        check_rows_first(who, name, model)
    if not cut:
        check_cutting(who, **cutting._asdict())
