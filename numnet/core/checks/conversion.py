"""Validation of values that are to become arrays of numbers: which ones can, and what to pass instead."""

from __future__ import annotations

import numbers
from collections.abc import Mapping, Sized
from typing import Any

import numpy as np

LARGEST = 2**1023  # a whole number that float64 can hold
REMEDIES = {  # by the beginning of the dtype's name
    "complex": "Pass the real and the imaginary part as two features.",
    "str": "Encode text with Vocabulary.encode.",
    "bytes": "Encode text with Vocabulary.encode.",
    "datetime": "Subtract a start and divide by a unit: (x - x[0]) / np.timedelta64(1, 'D').",
    "timedelta": "Divide by a unit: x / np.timedelta64(1, 's').",
    "void": "Stack its fields: np.stack([x[field] for field in x.dtype.names], axis=-1).",
    "q": "Pass x.dequantize().",
}
FOREIGN = {  # by the name of the class
    "PackedSequence": "an array or a Packed. Pass pack(torch.nn.utils.rnn.unpack_sequence(x)).",
    "Packed": "an array: only parts that take lengths read a Packed. Pass x.values, and wrap the result: x.like(y).",
    "ArrayWithGrad": "an array. Call the part on a Tape, or pass x.value.",
    "NoneType": "an array of real numbers.",
    "dict": "an array of real numbers. Pass one of its values.",
}


def check_convertible(who: str, name: str, value: Any) -> None:
    """Raise TypeError for an object of which numpy would lose a part or not see the numbers."""
    kind = "dict" if isinstance(value, Mapping) else type(value).__name__
    if kind in FOREIGN:
        got = "None" if value is None else kind
        raise TypeError(f"{who}: {name} is {got}, expected {FOREIGN[kind]}")
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(
            f"{who}: {name} is a masked array, expected an array without a mask. "
            f"Pass {name}.filled(0), and tell the real steps by lengths or a mask of steps."
        )


def check_number_dtype(who: str, name: str, dtype: str) -> None:
    """Raise TypeError unless a dtype of this name has real numbers; integers and booleans count as real."""
    if not dtype.startswith(("float", "bfloat", "int", "uint", "bool", "longdouble")):
        remedy = next((words for start, words in REMEDIES.items() if dtype.startswith(start)), "Convert it to numbers.")
        got = "text" if dtype.startswith(("str", "bytes")) else dtype  # numpy's name has its number of bits
        raise TypeError(f"{who}: {name} is {got}, expected real numbers. {remedy}")


def check_objects(who: str, name: str, found: Any) -> bool:
    """Return whether all elements of an array of Python objects are whole numbers; TypeError unless all are numbers."""
    whole = True
    for place, element in np.ndenumerate(found):
        if not place and not isinstance(element, numbers.Real):
            raise TypeError(f"{who}: {name} is {type(element).__name__}, expected an array of real numbers.")
        if isinstance(element, Sized) and not isinstance(element, (str, bytes)):
            raise ragged(who, name, found)
        if not isinstance(element, (numbers.Real, np.bool_)):
            raise TypeError(
                f"{who}: {name}{list(place)} is {element!r:.40} ({type(element).__name__}), expected a real number."
            )
        if isinstance(element, numbers.Integral) and abs(int(element)) > LARGEST:
            raise ValueError(f"{who}: {name}{list(place)} is larger than 2**1023, expected a number of float64.")
        whole = whole and isinstance(element, (numbers.Integral, np.bool_)) and -(2**63) <= int(element) < 2**63
    return whole


def ragged(who: str, name: str, value: Any, error: Exception | None = None) -> Exception:
    """Return the error for sequences of different lengths, or for an object that numpy cannot convert."""
    if not isinstance(value, (list, tuple, np.ndarray)):
        return TypeError(f"{who}: {name} is {type(value).__name__}, expected an array of real numbers: {error}.")
    return ValueError(
        f"{who}: {name} is a list of sequences of different lengths, expected one array. "
        f"Pad it with pad_sequences, or pass pack({name})."
    )


def check_real_tensor(who: str, name: str, x: Any, anywhere: bool = False) -> None:
    """Raise TypeError for a tensor without values or of a layout that layers do not compute with.

    Unless `anywhere`, also for one on another device than the CPU or one that requires a gradient, for numnet.
    """
    if x.is_meta:
        raise TypeError(f"{who}: {name} is on the device meta, expected values. Create it on a device, such as 'cpu'.")
    if str(x.layout) != "torch.strided" or x.is_nested:
        kind = "nested" if x.is_nested else "sparse"
        remedy = "pack(list(x.unbind()))" if x.is_nested else f"{name}.to_dense()"
        raise TypeError(f"{who}: {name} is a {kind} tensor, expected a dense one. Pass {remedy}.")
    check_number_dtype(who, name, str(x.dtype).removeprefix("torch."))
    if anywhere:
        return
    if x.requires_grad:
        raise TypeError(
            f"{who}: {name} is a tensor that requires a gradient, expected one without: numnet does not continue "
            f"PyTorch's graph. Pass {name}.detach(), or use the layer of torchnet."
        )
    if x.device.type != "cpu":
        raise TypeError(
            f"{who}: {name} is on the device {x.device}, expected the CPU. Pass {name}.cpu(), or use torchnet."
        )
