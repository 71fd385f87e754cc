"""Sequences of different lengths as one array, padded or packed.

    padded    (B, T, ...)  T is the largest length; values after a sequence's end have no meaning
    values    (N, ...)     the same steps packed: those of sequence 0, then those of sequence 1; no padding
    lengths   (B,)         whole numbers from 0 to T, which add up to N
    mask      (B, T)       the same as truth values: True where there is a step

The file contains no mathematics of a network, so both backends share it; it takes arrays and tensors.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from numnet.core.arrays import to_numpy
from numnet.core.checks import (
    check_fill,
    check_list,
    check_real,
    check_same_lengths,
    check_shape,
    check_total_length,
    data_array,
    kind_of,
    validate_call,
)
from numnet.core.lengths import check_lengths, mask_of
from numnet.core.show import Answering, text

Array = npt.NDArray[Any]
INT64 = int(np.iinfo(np.int64).max)
ENCODE = "Encode text with Vocabulary.encode."


class Packed(Answering):
    """A ragged batch without padding. If `values` is a tensor, padded and sequences return tensors with gradients."""

    def __init__(self, values: Any, lengths: Any) -> None:
        self.values, lengths = (
            as_values("values", values),
            data_array("Packed", "lengths", lengths, "whole numbers (batch,)"),
        )
        longest = lengths.max(initial=0) if kind_of(lengths) == "token" else 0
        self.lengths = check_lengths("Packed", lengths, lengths.size, longest)
        expected = (int(self.lengths.sum()), *self.values.shape[1:])
        check_shape("Packed", "values", self.values.shape, expected, "One row for each step of the lengths.")

    @classmethod
    @validate_call
    def from_padded(cls, padded: Any, lengths: Any) -> Packed:
        """Pack a padded batch: keep the steps inside each sequence."""
        padded = as_values("padded", padded)
        if padded.ndim < 2:
            raise ValueError(f"Packed: padded is {tuple(padded.shape)}, expected (batch, time, ...).")
        lengths = data_array("Packed", "lengths", lengths, "whole numbers (batch,)")
        lengths = check_lengths("Packed", lengths, *padded.shape[:2])
        return cls(padded[np.nonzero(mask_of(lengths, padded.shape[1]))], lengths)

    def __len__(self) -> int:
        """The number of sequences, B."""
        return len(self.lengths)

    def __repr__(self) -> str:
        return f"<Packed: {len(self)} sequences, values {text(self.values)[1:-1]}>"

    @property
    def places(self) -> tuple[Array, ...]:
        """(rows, times), each (N,): padded[rows, times] is values."""
        return np.nonzero(mask_of(self.lengths, self.lengths.max(initial=0)))

    @validate_call
    def padded(self, value: Any = 0, total_length: int | None = None) -> Any:
        """Return (B, T, ...), with `value` after each sequence's end; the dtype of the values must hold it.

        T is the largest length, or `total_length`, so that batches padded by themselves have one shape.
        """
        check_fill("Packed", "value", value, self.values.dtype)
        longest = int(self.lengths.max(initial=0))
        check_total_length("Packed", total_length, longest)
        shape = (len(self), longest if total_length is None else total_length, *self.values.shape[1:])
        tensor = hasattr(self.values, "new_full")
        padded = self.values.new_full(shape, value) if tensor else np.full(shape, value, self.values.dtype)
        padded[self.places] = self.values
        return padded

    def like(self, values: Any) -> Packed:
        """Return a Packed of other values (N, ...) for the same steps, such as outputs or gradients."""
        return Packed(values, self.lengths)

    def sequences(self) -> list[Any]:
        """Return a list of the sequences (T_b, ...), each a view of its rows."""
        ends = self.lengths.cumsum()
        return [self.values[end - length : end] for length, end in zip(self.lengths, ends)]


@validate_call
def pad_sequences(sequences: Iterable[Any], value: Any = 0) -> tuple[Array, Array]:
    """Pad sequences (T_b,) or (T_b, D) with `value` to one array (B, T, ...); return it and the lengths (B,).

    Integers become int64, other numbers get their common dtype, tensors become arrays. A sequence of length 0 takes
    width and dtype from the others. ValueError for a `value` that this dtype cannot hold, such as 0.5 or nan in int64.
    """
    packed = join("pad_sequences", "sequences", sequences)
    check_fill("pad_sequences", "value", value, packed.values.dtype)
    return packed.padded(value), packed.lengths


@validate_call
def pack(sequences: Iterable[Any]) -> Packed:
    """Pack sequences into one batch without padding."""
    return join("pack", "sequences", sequences)


@validate_call
def unpack(batch: Any, lengths: Any = None) -> list[Any]:
    """Return the sequences of a Packed, or of a padded batch (B, T, ...) with its lengths, in order."""
    if isinstance(batch, Packed) != (lengths is None):
        got = f"{type(batch).__name__}, lengths {type(lengths).__name__}"
        raise TypeError(f"unpack: batch is {got}, expected a Packed alone, or a padded batch with its lengths.")
    return (batch if lengths is None else Packed.from_padded(batch, lengths)).sequences()


def to_padded(x: Any, lengths: Any = None, batch_first: bool = True) -> tuple[Any, Any]:
    """Return x, padded in the layer's layout if it is Packed, and its lengths, which a Packed contains."""
    if not isinstance(x, Packed):
        return x, lengths
    if lengths is not None:
        raise ValueError("Packed: lengths are given too, expected None. A Packed has its own.")
    padded = x.padded()
    return padded if batch_first else padded.swapaxes(0, 1), x.lengths


def check_packed_target(who: str, target: Any, prediction: Any) -> None:
    """Check that the target of a Packed prediction is a Packed of the same lengths, or an array of its values."""
    if isinstance(prediction, Packed) and isinstance(target, Packed):
        check_same_lengths(who, "target", target.lengths.tolist(), prediction.lengths.tolist())
    elif isinstance(prediction, Packed) and np.shape(target)[:1] != prediction.values.shape[:1]:
        got = tuple(np.shape(target))
        raise ValueError(f"{who}: target is {got}, expected a Packed, as the prediction is. Pass pack(targets).")


def padded_like(who: str, dy: Any, lengths: Any, batch_first: bool = True, name: str = "dy") -> Any:
    """Return the gradient of y, padded. It may be Packed only if y is; then `lengths` are y's, else None.

    The resets of x are padded in the same way.
    """
    if isinstance(dy, Packed):
        if lengths is None:
            raise ValueError(f"{who}: {name} is Packed, expected an array, as {'y' if name == 'dy' else 'x'} is.")
        check_same_lengths(who, name, dy.lengths.tolist(), to_numpy(lengths).tolist())
    return to_padded(dy, None, batch_first)[0]


def to_packed(padded: Any, lengths: Any, batch_first: bool = True) -> Any:
    """Pack a padded array, or each of a pair: the inverse of to_padded."""
    if isinstance(padded, tuple):
        return tuple(to_packed(part, lengths, batch_first) for part in padded)
    return Packed.from_padded(padded if batch_first else padded.swapaxes(0, 1), lengths)


def join(who: str, name: str, sequences: Iterable[Any]) -> Packed:
    """Concatenate the sequences, in one dtype and width; error messages use `who` and `name`."""
    sequences = check_list(who, name, sequences, "sequences", "One sequence? Pass [sequence].")
    arrays = [as_numbers(who, f"{name}[{k}]", sequence) for k, sequence in enumerate(sequences)]
    if not arrays:
        raise ValueError(f"{who}: there are no {name}, expected at least one.")
    for k, array in enumerate(arrays):
        if array.ndim == 0:
            remedy = "" if any(other.ndim for other in arrays) else " One sequence? Pass [sequence]."
            raise ValueError(f"{who}: {name}[{k}] is a single number, expected (time,) or (time, features).{remedy}")
    deciding = [k for k, array in enumerate(arrays) if len(array)] or range(len(arrays))
    first, *_ = deciding
    for k in deciding:
        expected = (len(arrays[k]), *arrays[first].shape[1:])
        check_shape(who, f"{name}[{k}]", arrays[k].shape, expected, f"It must be as wide as {name}[{first}].")
    return Packed(np.concatenate([arrays[k] for k in deciding]), [len(array) for array in arrays])


def as_numbers(who: str, name: str, value: Any, expected: str = "(time,) or (time, features)") -> Array:
    """Return an array of real numbers; integers become int64."""
    array = data_array(who, name, value, expected)
    kind = kind_of(array)
    if kind not in ("real", "token"):
        remedy = {"O": "Does it contain a None?", "U": ENCODE, "S": ENCODE}.get(array.dtype.kind, "Convert it first.")
        raise TypeError(f"{who}: {name} is {array.dtype}, expected numbers. {remedy}")
    if array.dtype == np.uint64 and (array > INT64).any():
        raise ValueError(f"{who}: {name} has {array.max()}, expected at most {INT64}, the largest int64.")
    return array.astype(np.int64, copy=False) if kind == "token" else array


def as_values(name: str, values: Any) -> Any:
    """Return a tensor unchanged, anything else as an array, for a Packed."""
    tensor = hasattr(values, "new_full") and not isinstance(values, type)
    found = values if tensor else data_array("Packed", name, values, "an array, one row for each step")
    check_real("Packed", name, found)
    return found
