"""Sequences of different lengths as one array, padded or packed.

    padded    (B, T, ...)  T is the longest; behind a sequence's end stands what means nothing
    values    (N, ...)     the same steps packed: those of sequence 0, then those of sequence 1; no padding
    lengths   (B,)         whole numbers from 0 to T, which add up to N
    mask      (B, T)       the same as truth values: True where there is a step

No mathematics of a network is here: the file stands once, and takes arrays and tensors.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from numnet.core.arrays import to_numpy
from numnet.core.checks import check_same_lengths, check_shape, kind_of
from numnet.core.lengths import check_lengths, mask_of
from numnet.core.show import text

Array = npt.NDArray[Any]


class Packed:
    """A ragged batch without padding. Of a tensor `values`, padded and sequences make tensors, gradients and all."""

    def __init__(self, values: Any, lengths: Any) -> None:
        self.values, lengths = as_values(values), to_numpy(lengths)
        self.lengths = check_lengths("Packed", lengths, lengths.size, lengths.max(initial=0))
        expected = (int(self.lengths.sum()), *self.values.shape[1:])
        check_shape("Packed", "values", self.values.shape, expected, "One row for each step of the lengths.")

    @classmethod
    def from_padded(cls, padded: Any, lengths: Any) -> Packed:
        """Those steps of a padded batch that lie within their sequence."""
        padded = as_values(padded)
        if padded.ndim < 2:
            raise ValueError(f"Packed: padded is {tuple(padded.shape)}, expected (batch, time, ...).")
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

    def padded(self, value: Any = 0) -> Any:
        """(B, T, ...), T being the longest, with `value` behind each sequence's end."""
        shape = (len(self), int(self.lengths.max(initial=0)), *self.values.shape[1:])
        tensor = hasattr(self.values, "new_full")
        padded = self.values.new_full(shape, value) if tensor else np.full(shape, value, self.values.dtype)
        padded[self.places] = self.values
        return padded

    def like(self, values: Any) -> Packed:
        """Other values (N, ...) for the same steps: a layer's outputs, a gradient."""
        return Packed(values, self.lengths)

    def sequences(self) -> list[Any]:
        """Each sequence (T_b, ...) by itself, a view of its rows."""
        ends = self.lengths.cumsum()
        return [self.values[end - length : end] for length, end in zip(self.lengths, ends)]


def pad_sequences(sequences: Iterable[Any], value: Any = 0) -> tuple[Array, Array]:
    """Sequences (T_b,) or (T_b, D) as one array (B, T, ...), `value` behind each one's end; and their lengths (B,).

    Integers become int64, other numbers get their common dtype, tensors become arrays. A sequence of length 0 takes
    width and dtype from the others.
    """
    packed = join("pad_sequences", "sequences", sequences)
    return packed.padded(value), packed.lengths


def pack(sequences: Iterable[Any]) -> Packed:
    """The same sequences without padding."""
    return join("pack", "sequences", sequences)


def unpack(batch: Any, lengths: Any = None) -> list[Any]:
    """The sequences, in their order, of a Packed, or of a padded batch (B, T, ...) with its lengths."""
    if isinstance(batch, Packed) != (lengths is None):
        got = f"{type(batch).__name__}, lengths {type(lengths).__name__}"
        raise TypeError(f"unpack: batch is {got}, expected a Packed alone, or a padded batch with its lengths.")
    return (batch if lengths is None else Packed.from_padded(batch, lengths)).sequences()


def to_padded(x: Any, lengths: Any = None, batch_first: bool = True) -> tuple[Any, Any]:
    """What a layer was given, padded as the layer takes it, and its lengths, which a Packed has already."""
    if isinstance(x, (list, tuple)) and len({len(part) for part in x if hasattr(part, "__len__")}) > 1:
        raise ValueError("Packed: x is a list of sequences of different lengths, expected one array. Pass pack(x).")
    if not isinstance(x, Packed):
        return x, lengths
    if lengths is not None:
        raise ValueError("Packed: lengths are given beside it, expected None. A Packed has its own.")
    padded = x.padded()
    return padded if batch_first else padded.swapaxes(0, 1), x.lengths


def check_packed_target(who: str, target: Any, prediction: Any) -> None:
    """Where the prediction is Packed, so is the target, in the same lengths; or it is the bare values."""
    if isinstance(prediction, Packed) and isinstance(target, Packed):
        check_same_lengths(who, "target", target.lengths.tolist(), prediction.lengths.tolist())
    elif isinstance(prediction, Packed) and np.shape(target)[:1] != prediction.values.shape[:1]:
        got = tuple(np.shape(target))
        raise ValueError(f"{who}: target is {got}, expected a Packed, as the prediction is. Pass pack(targets).")


def padded_like(who: str, dy: Any, lengths: Any, batch_first: bool = True, name: str = "dy") -> Any:
    """The gradient of y, padded as the layer takes it; Packed as y is, in y's lengths, None where it is not.

    Likewise the resets of x.
    """
    if isinstance(dy, Packed):
        if lengths is None:
            raise ValueError(f"{who}: {name} is Packed, expected an array, as {'y' if name == 'dy' else 'x'} is.")
        check_same_lengths(who, name, dy.lengths.tolist(), to_numpy(lengths).tolist())
    return to_padded(dy, None, batch_first)[0]


def to_packed(padded: Any, lengths: Any, batch_first: bool = True) -> Any:
    """The way back; of a pair, a pair."""
    if isinstance(padded, tuple):
        return tuple(to_packed(part, lengths, batch_first) for part in padded)
    return Packed.from_padded(padded if batch_first else padded.swapaxes(0, 1), lengths)


def join(who: str, name: str, sequences: Iterable[Any]) -> Packed:
    """Lay the sequences one after another, in one dtype and width; errors speak of `who` and `name`."""
    arrays = [as_numbers(who, f"{name}[{k}]", sequence) for k, sequence in enumerate(sequences)]
    if not arrays:
        raise ValueError(f"{who}: there are no {name}, expected at least one.")
    for k, array in enumerate(arrays):
        if array.ndim == 0:
            raise ValueError(f"{who}: {name}[{k}] is a single number, expected (time,) or (time, features).")
    deciding = [k for k, array in enumerate(arrays) if len(array)] or range(len(arrays))
    first, *_ = deciding
    for k in deciding:
        expected = (len(arrays[k]), *arrays[first].shape[1:])
        check_shape(who, f"{name}[{k}]", arrays[k].shape, expected, f"It is to be as wide as {name}[{first}].")
    return Packed(np.concatenate([arrays[k] for k in deciding]), [len(array) for array in arrays])


def as_numbers(who: str, name: str, value: Any) -> Array:
    """An array of real numbers; integers of any kind as int64."""
    try:
        array = to_numpy(value)
    except ValueError:
        raise ValueError(f"{who}: {name} is ragged in itself, expected (time,) or (time, features).") from None
    if kind_of(array) not in ("real", "token"):
        raise TypeError(f"{who}: {name} is {array.dtype}, expected numbers. Encode text with Vocabulary.encode.")
    return array.astype(np.int64) if kind_of(array) == "token" else array


def as_values(values: Any) -> Any:
    """A tensor as it is, anything else as an array."""
    return values if hasattr(values, "new_full") else np.asarray(values)
