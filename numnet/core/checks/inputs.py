"""Validation of the data of a training run: arrays, iterables of batches, and objects with epoch(k)."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from numnet.core.checks.runs import kind

DATA = "arrays (x, y), an iterable of batches, or batches such as SequenceBatches"
BATCHES = "batches with epoch(k), len() and carries_state, such as SequenceBatches"
USED_UP = "An iterator or a generator is used up after one epoch: epoch(k) must return a new one each time."
ONCE = "A generator or an iterator can be read once: pass a function that returns a new one, or a list"


def is_batches(data: Any) -> bool:
    """Return whether data is meant as an object with epoch(k) and carries_state."""
    return hasattr(data, "epoch") or hasattr(data, "carries_state")


def check_batches(who: str, name: str, batches: Any, sized: bool = True) -> None:
    """Check for an object with epoch(k), carries_state and, if its number of batches is needed, len()."""
    needed = ("epoch", "carries_state", *(("__len__",) if sized else ()))
    missing = [each for each in needed if not hasattr(batches, each)]
    if not missing and not callable(batches.epoch):
        missing = ["method epoch(k)"]
    if isinstance(batches, type) or missing:
        remedy = f"It has no {(missing or [''])[0]}."
        if isinstance(batches, type):
            remedy = f"Make an object of the class: {batches.__name__}(...)."
        raise TypeError(f"{who}: {name} is {kind(batches)}, expected {BATCHES}. {remedy}")
    if sized and len(batches) < 1:
        raise ValueError(f"{who}: len({name}) is 0, expected at least one batch. Give more data.")


def check_is_data(who: str, name: str, data: Any) -> None:
    """Check for an iterable of batches, or a function that returns one."""
    of_batches = isinstance(data, Iterable) and not isinstance(data, (str, bytes, Mapping, type))
    function = callable(data) and not isinstance(data, type) and not inspect.isbuiltin(data)
    remedy = "Pass (x, y), with one row for each example."
    if isinstance(data, type):
        remedy = f"Make an object of the class: {data.__name__}(...)."
    elif hasattr(data, "__getitem__") and hasattr(data, "__len__") and not hasattr(data, "__iter__"):
        remedy = "A dataset of PyTorch? Pass torch.utils.data.DataLoader(dataset, batch_size=32)."
    elif hasattr(data, "shape") or isinstance(data, list):
        remedy = "Arrays? Pass a tuple: (x, y) or (x, y, lengths)."
    wrong = hasattr(data, "shape") or hasattr(data, "forward") or not (of_batches or function)
    if wrong or (isinstance(data, list) and not all(map(is_batch, data))):
        raise TypeError(f"{who}: {name} is {kind(data)}, expected {DATA}. {remedy}")
    if isinstance(data, list) and not data:
        raise ValueError(f"{who}: len({name}) is 0, expected at least one batch. Give more data.")


def is_batch(batch: Any) -> bool:
    """Return whether an object is (x, target) or (x, target, lengths); a ParseBatch is x alone."""
    return isinstance(batch, (tuple, list)) and len(batch) in (2, 3) and not is_parses(batch)


def is_parses(x: Any) -> bool:
    """Return whether x is a ParseBatch: words, lengths and transitions in one object."""
    return hasattr(x, "transitions") and hasattr(x, "words")


def check_parse_targets(who: str, name: str, sentences: int, targets: int, lengths: Any) -> None:
    """Check for one target for each sentence, or pair of sentences, of a ParseBatch, and for no lengths beside it."""
    if targets not in (sentences, sentences / 2):
        pairs = f", or {sentences // 2}, one for each pair" if sentences % 2 == 0 else ""
        raise ValueError(f"{who}: y of {name} has {targets} rows, expected {sentences}, one for each sentence{pairs}.")
    if lengths is not None:
        raise TypeError(f"{who}: {name} has lengths beside a ParseBatch, which has its own. Pass (x, y).")


def check_tuple(who: str, name: str, data: tuple[Any, ...], targets: bool) -> None:
    """Check for a tuple of x, targets unless there need be none, and lengths; not of batches."""
    batches = bool(data) and all(isinstance(part, tuple) and is_batch(part) for part in data)
    if batches or len(data) not in (2, 3) or is_parses(data):
        remedy = "Batches? Pass a list of them." if batches else "Give x its targets."
        got = "a tuple of batches" if batches else f"a tuple of {len(data)}"
        got = "a ParseBatch" if is_parses(data) else got
        raise TypeError(f"{who}: {name} is {got}, expected (x, y) or (x, y, lengths). {remedy}")
    for part, value in zip("xy" if targets else "x", data):
        if value is None:
            raise TypeError(f"{who}: {part} of {name} is None, expected an array, one row for each example.")


def check_lengths_once(who: str, got: str | None, lengths: Any) -> None:
    """Check that lengths are given for arrays alone, and not twice."""
    if lengths is not None and got is not None:
        raise TypeError(
            f"{who}: lengths are given and data is {got if isinstance(got, str) else 'a tuple with lengths'}, expected "
            "x, an array. Give the lengths in the batches."
        )


def check_examples(who: str, name: str, arrays: Mapping[str, Any]) -> None:
    """Check that arrays of examples have at least one row, and as many as x."""
    rows = None
    for part, array in arrays.items():
        if not array.ndim or not len(array):
            remedy = "One example? Pass x[None]." if array.size else "Give more data."
            raise ValueError(f"{who}: {part} of {name} is {array.shape}, expected one row for each example. {remedy}")
        rows = len(array) if rows is None else rows
        if len(array) != rows:
            raise ValueError(
                f"{who}: {part} of {name} has {len(array)} rows, expected {rows}, as x has. One row for each example."
            )


def check_rows_first(who: str, name: str, model: Any) -> None:
    """Check that the rows of an array are the sequences of a model, not their steps."""
    if getattr(model, "batch_first", True) is False:
        raise ValueError(
            f"{who}: {name} is arrays, and the model has batch_first=False, expected batches. Pass a list of batches "
            "(x, y) with x (T, B, D)."
        )


def check_readable_again(who: str, name: str, data: Any) -> None:
    """Check for data that can be read at every report."""
    if isinstance(data, Iterator):
        raise TypeError(f"{who}: {name} is {kind(data)}, expected data that each report can read. {ONCE}.")


def check_untouched(who: str, name: str, data: Any) -> None:
    """Check for data that can be read without being used up."""
    if isinstance(data, Iterator):
        raise TypeError(f"{who}: {name} is {kind(data)}, expected data that can be read again afterwards. {ONCE}.")


def used_up(who: str, name: str, got: str, number: int) -> ValueError:
    """The error for an iterator that is read a second time."""
    return ValueError(f"{who}: {name} is {got}, which has no batch in epoch {number}: it is used up. {ONCE}.")


def check_one_epoch(who: str, epochs: int, batches: Any) -> None:
    """Check that an iterator, which can be read once, is not to be read in several epochs."""
    if epochs > 1 and not getattr(batches, "again", True):
        got = kind(batches.source)
        raise ValueError(f"{who}: epochs is {epochs}, and batches is {got}, expected epochs=1. {ONCE}.")


def check_cutting(who: str, **options: Any) -> None:
    """Check that no option of arrays is given, where there are none."""
    for name, value in options.items():
        if value is not None:
            raise ValueError(
                f"{who}: {name} is {value!r}, expected None: it is for arrays (x, y), and the data is in batches. "
                "Give it to the batches."
            )


def epoch_of(who: str, name: str, batches: Any, number: int, targets: bool = True) -> Iterator[tuple[Any, ...]]:
    """Yield the batches of one epoch, each as a tuple; an error if there is none, or for anything but a batch.

    With targets=False a batch may be x alone.
    """
    epoch = batches.epoch(number)
    if not isinstance(epoch, Iterable):
        raise TypeError(
            f"{who}: {name}.epoch({number}) returns {kind(epoch)}, expected an iterator of batches (x, target) or "
            "(x, target, lengths). Return iter(list_of_batches), or use yield."
        )
    batch = None
    for batch in epoch:
        if not targets and (alone := x_alone(batch)) is not None:
            yield alone, None
        elif not is_batch(batch):
            several = isinstance(batch, (tuple, list)) and not is_parses(batch)
            got = f"a {type(batch).__name__}" + (f" of {len(batch)}" if several else "")
            raise TypeError(
                f"{who}: a batch of {name} is {got}, expected (x, target) or (x, target, lengths). "
                "Return a tuple of them."
            )
        else:
            yield tuple(batch)
    if batch is None:
        raise ValueError(f"{who}: {name}.epoch({number}) has no batch, expected at least one. {USED_UP}")


def check_counted(who: str, name: str, number: int, counted: float) -> None:
    """Check that an epoch has a target that counts in the loss."""
    if not counted > 0:
        raise ValueError(
            f"{who}: no target of {name}.epoch({number}) counts, expected at least one. Look for lengths of 0, a mask "
            "of False, and targets of ignore_index; a loss of your own sets `counted`."
        )


def x_alone(batch: Any) -> Any:
    """Return x of a batch without targets, or None for any other batch."""
    if isinstance(batch, (tuple, list)) and len(batch) == 1:
        return batch[0]
    return batch if hasattr(batch, "shape") or is_parses(batch) else None


def check_predictable(who: str, model: Any) -> None:
    """Check for a model whose output is computed from x alone, with the rows first."""
    if hasattr(model, "decoder"):
        raise TypeError(
            f"{who}: model is {kind(model)}, expected a model that predicts from x alone. Use greedy(model, x) or "
            "beam_search(model, x); model.predict(x, target) reads the target."
        )
    if getattr(model, "batch_first", True) is False:
        raise ValueError(
            f"{who}: the model has batch_first=False, expected True. Call model.predict(x) for each batch."
        )


def check_one_output(who: str, y: Any) -> None:
    """Check that a prediction is one array."""
    if not hasattr(y, "shape"):
        raise TypeError(
            f"{who}: the prediction is {kind(y)}, expected one array. Call model.predict(x) for each batch."
        )


def check_some_data(who: str, data: Any, validation: Any) -> None:
    """Check that there is data to evaluate: the argument, or the validation data."""
    if data is None and validation is None:
        raise ValueError(f"{who}: data is None, and there is no validation data, expected data. Pass (x, y).")
