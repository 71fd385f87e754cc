"""Validation of batches: axes, widths, tokens, and arrays with one entry per row."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from numnet.core.arrays import to_numpy
from numnet.core.checks.values import check_real, described, first_place, kind_of
from numnet.core.show import text

Shape = tuple[int, ...]
ANOTHER = "Was the text encoded with another vocabulary?"
FEW = 32  # tokens; for fewer, a list is faster than two reductions


def data_array(who: str, name: str, value: Any, expected: str) -> npt.NDArray[Any]:
    """Return to_numpy(value) in the byte order of this machine.

    TypeError for a value that is not an array, such as None; ValueError for lists of different lengths.
    """
    try:
        found = np.array(None) if isinstance(value, type) else to_numpy(value)
    except ValueError:
        raise ValueError(f"{who}: {name} is ragged, expected {expected}.") from None
    except RuntimeError:
        raise TypeError(f"{who}: {name} has no values to read, expected {expected}. Meta tensors have none.") from None
    if found.ndim == 0 and found.dtype == object:
        raise TypeError(f"{who}: {name} is {described(value)}, expected {expected}.")
    return found if found.dtype.isnative else found.astype(found.dtype.newbyteorder("="))


def check_features(who: str, x: Any, input_size: int | None) -> None:
    """Check that x has 2 or more axes, features last."""
    check_real(who, "x", x)
    if x.ndim < 2:
        raise ValueError(f"{who}: x is {tuple(x.shape)}, expected (batch, ..., features). One sample? Pass x[None].")
    check_width(who, x, input_size)


def check_any_feature(who: str, input_size: int) -> None:
    """Check that the first batch, whose width becomes the input size, has a feature."""
    if input_size < 1:
        raise ValueError(f"{who}: x has {input_size} features, expected at least 1.")


def check_last_axis(who: str, x: Any) -> None:
    """Check that the last axis, over which there is a sum of 1, is not empty."""
    if x.ndim and not x.shape[-1]:
        raise ValueError(f"{who}: x is {tuple(x.shape)}, expected at least one number on the last axis.")


def check_width(who: str, x: Any, input_size: int | None) -> None:
    """Check that the last axis has the width of the parameters."""
    if input_size is not None and x.shape[-1] != input_size:
        raise ValueError(
            f"{who}: x has {x.shape[-1]} features, expected {input_size}. "
            "The input size is fixed by input_size= or by the first batch."
        )


def check_steps(who: str, x: Any, batch_first: bool = True, tokens: bool = True, input_size: int | None = None) -> None:
    """Check for (batch, time, features), or, if tokens are accepted, (batch, time); and for at least one step."""
    integers = check_real(who, "x", x) == "token" and x.ndim <= 2
    if x.ndim != (2 if integers and tokens else 3):
        axes = "batch, time" if batch_first else "time, batch"
        or_tokens = f", or integer tokens ({axes})" if tokens else ""
        remedy = remedy_for_steps(x, batch_first, tokens, input_size)
        raise ValueError(f"{who}: x is {tuple(x.shape)}, expected ({axes}, features){or_tokens}.{remedy}")
    if 0 in x.shape[:2]:
        raise ValueError(f"{who}: x is {tuple(x.shape)}, expected at least one sequence of at least one step.")


def check_one_vector(who: str, x: Any) -> None:
    """Check that x has one vector for each row of the batch."""
    if x.ndim != 2:
        raise ValueError(
            f"{who}: x is {tuple(x.shape)}, expected (batch, features). A sequence? Use return_sequences=False, or "
            "Pooling, before it."
        )


def check_padding_row(who: str, padding: int | None, V: int) -> None:
    """Check that the token of padding is one of the vocabulary."""
    if padding is not None and not 0 <= padding < V:
        raise ValueError(f"{who}: padding is {padding}, expected a token from 0 to {V - 1}.")


def check_statistics(who: str, steps: int, training: bool) -> None:
    """Check that a batch has more than one real step, of which a variance can be computed in training."""
    if training and steps == 1:
        raise ValueError(
            f"{who}: x has 1 real step in training, expected 2 or more for the variance. To predict, call eval() first."
        )


def remedy_for_steps(x: Any, batch_first: bool, tokens: bool, input_size: int | None) -> str:
    """Return what to pass instead of an x with too few axes, or too many."""
    one, number = "x[None]" if batch_first else "x[:, None]", " One number per step? Pass x[..., None]."
    if kind_of(x) == "token" and x.ndim <= 2 and not tokens:
        return f" Tokens? Put an Embedding before it.{number}"
    if x.ndim == 1:
        numbers = "x[None, :, None]" if batch_first else "x[:, None, None]"
        return f" One sequence? Pass {one if kind_of(x) == 'token' else numbers}."
    if x.ndim > 3:
        return " Several batch axes? Pass x.reshape(-1, *x.shape[-2:])."
    if x.ndim != 2:
        return ""
    if input_size == 1 and x.shape[-1] != 1:
        return number
    if input_size not in (None, x.shape[-1]) and "float" in str(x.dtype) and (x == x.round()).all():
        return " Tokens? Convert them with .astype(int)."
    return f" One sequence? Pass {one}." + ("" if input_size is not None else number)


def check_sequence(who: str, x: Any, input_size: int | None, batch_first: bool = True) -> None:
    """Check a batch of sequences: features of the parameters' width, or tokens of the vocabulary."""
    check_steps(who, x, batch_first, input_size=input_size)
    if x.ndim == 3:
        check_width(who, x, input_size)
    elif input_size is None:
        raise ValueError(
            f"{who}: x contains tokens, but the vocabulary size V is unknown. Pass input_size=V. "
            "Plain numbers? Pass x[..., None]."
        )
    else:
        check_range(who, x, input_size)


def check_tokens(who: str, x: Any, size: int, remedy: str = ANOTHER) -> None:
    """Check for integers from 0 to size - 1; numpy itself would silently read -1 as the last token."""
    if kind_of(x) != "token":
        kind = str(x.dtype).removeprefix("torch.")
        raise TypeError(f"{who}: tokens are {kind}, expected integers. Encode text with Vocabulary.encode.")
    check_range(who, x, size, remedy)


def check_range(who: str, x: Any, size: int, remedy: str = ANOTHER) -> None:
    """Check integers for 0 to size - 1."""
    few = math.prod(x.shape) <= FEW
    values = x.reshape(-1).tolist() if few else [int(x.min()), int(x.max())]
    if not values or (min(values) >= 0 and max(values) < size):
        return
    first = first_place((x < 0) | (x >= size))
    raise IndexError(f"{who}: token {int(x[tuple(first)])} at {first}, expected 0 to {size - 1} (V = {size}). {remedy}")


def check_characters(who: str, x: Any, size: int) -> None:
    """Check words: each is a row of character numbers, then zeros."""
    if x.ndim < 2 or 0 in x.shape:
        remedy = " One word? Pass x[None]." if x.ndim == 1 else ""
        raise ValueError(f"{who}: x is {tuple(x.shape)}, expected (batch, ..., characters), at least one word.{remedy}")
    check_tokens(who, x, size)
    first = first_place((x[..., 1:] != 0) & (x[..., :-1] == 0))
    if first:
        first[-1] += 1
        raise ValueError(
            f"{who}: character {int(x[tuple(first)])} at {first} follows a 0, expected zeros only after a word's "
            "end. Number the characters from 1."
        )


def check_columns(who: str, x: Any, widths: Sequence[int] | None) -> None:
    """Check that x has as many columns as the layers read."""
    check_real(who, "x", x)
    if x.ndim < 2:
        raise ValueError(f"{who}: x is {tuple(x.shape)}, expected (batch, ..., features). One sample? Pass x[None].")
    if widths is not None and x.shape[-1] != sum(widths):
        raise ValueError(f"{who}: x has {x.shape[-1]} columns, expected {sum(widths)}, the sum of widths {widths}.")


def check_attention_batch(who: str, q: Any, m: Any) -> None:
    """Check that queries q and memory m are batches of sequences with the same number of rows."""
    for name, x, axis in (("q", q, "queries"), ("m", m, "time")):
        if x.ndim != 3 or 0 in x.shape:
            raise ValueError(f"{who}: {name} is {tuple(x.shape)}, expected (batch, {axis}, features), none of them 0.")
    if len(q) != len(m):
        raise ValueError(
            f"{who}: m has {len(m)} rows, expected {len(q)}, as q has. Queries of a row attend to its row of m."
        )


def check_attention_widths(who: str, q: Any, m: Any, H: int | None, M: int | None, alike: bool) -> None:
    """Check that q and m have the widths of the parameters, or, without parameters, equal widths."""
    for name, x, size in (("q", q, H), ("m", m, M)):
        if size is not None and x.shape[-1] != size:
            raise ValueError(
                f"{who}: {name} has {x.shape[-1]} features, expected {size}. "
                "The sizes are fixed by input_size= and memory_size=, or by the first batch."
            )
    if alike:
        check_equal_widths(who, q.shape[-1], m.shape[-1])


def check_equal_widths(who: str, H: int, M: int) -> None:
    """Check that q and m have equal widths, for a product without weights."""
    if H != M:
        raise ValueError(f"{who}: m has {M} features, expected {H}, as q has. For other widths pass kind='general'.")


def check_special_tokens(who: str, size: int, **marks: Any) -> None:
    """Check that a model's special tokens are tokens of its vocabulary."""
    for name, token in marks.items():
        if token not in range(size):
            raise ValueError(f"{who}: {name} is {token!r}, expected a token, 0 to {size - 1}: target_size is {size}.")


def check_rows(who: str, name: str, rows: int, expected: int) -> None:
    """Check that an array has as many rows as x."""
    if rows != expected:
        raise ValueError(f"{who}: {name} has {rows} rows, expected {expected}, as x has.")


def check_same_batch(who: str, remembered: int, B: int) -> None:
    """Check that a stateful layer gets as many rows as in its previous batch."""
    if remembered != B:
        raise ValueError(
            f"{who}: x has {B} rows, expected {remembered}, as in the previous batch. "
            "New sequences? Call reset_state()."
        )


def check_rows_of_state(who: str, rows: Any, B: int) -> Any:
    """Return the rows of a state of B rows: a number, a list of numbers, or a mask (B,), as an array."""
    rows = data_array(who, "rows", rows, "the numbers of rows") if hasattr(rows, "detach") else rows
    found = rows if isinstance(rows, np.ndarray) else np.asarray(rows, object)
    if found.dtype == object and found.ndim <= 1 and all(isinstance(row, (int, np.integer)) for row in found.flat):
        found = np.array(found.tolist(), None if found.size else np.int64)
    mask = found.dtype.kind == "b"
    if found.dtype.kind not in "iub" or found.ndim > 1 or (mask and found.shape != (B,)):
        got = f"a mask {found.shape}" if mask else text(rows)
        raise ValueError(f"{who}: rows is {got}, expected the numbers of rows, 0 to {B - 1}, or a mask ({B},).")
    if not mask and ((found < 0) | (found >= B)).any():
        raise IndexError(f"{who}: rows has {int(found[(found < 0) | (found >= B)][0])}, expected 0 to {B - 1}.")
    return found


def check_same_lengths(who: str, name: str, given: Sequence[int], expected: Sequence[int]) -> None:
    """Check that arrays of the steps of one packed batch have equal lengths."""
    if len(given) != len(expected):
        raise ValueError(
            f"{who}: {name} has {len(given)} sequences, expected {len(expected)}. Pack both with the same lengths."
        )
    for k, (got, length) in enumerate(zip(given, expected)):
        if got != length:
            raise ValueError(f"{who}: {name}[{k}] has {got} steps, expected {length}. Pack both with the same lengths.")
