"""What can have happened to a checkpoint file, each by name, and what the refusal must then say."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

W_H = "weights/layers.0.W_h"


class Trap:
    """What a pickle can do: leave a file where it is read."""

    def __reduce__(self) -> Any:
        return Path.touch, (Path("trapped"),)


def rewrite(path: Path, members: dict[str, Any]) -> None:
    """The same file with these members in place of its own; None takes one out."""
    with np.load(path) as archive:
        entries = {name: archive[name] for name in archive.files} | members
    np.savez(path, **{name: value for name, value in entries.items() if value is not None})


def member(name: str, value: Any) -> Callable[[Path], None]:
    return lambda path: rewrite(path, {name: value})


def text(name: str, change: Callable[[Any], Any]) -> Callable[[Path], None]:
    """A JSON member changed."""

    def fault(path: Path) -> None:
        with np.load(path) as archive:
            value = json.loads(archive[name].tobytes())
        rewrite(path, {name: np.frombuffer(json.dumps(change(value)).encode(), np.uint8)})

    return fault


def first_layer(**changes: Any) -> Callable[[Path], None]:
    return text("config", lambda c: {**c, "layers": [{**c["layers"][0], **changes}, *c["layers"][1:]]})


def cut(keep: float) -> Callable[[Path], None]:
    return lambda path: os.truncate(path, int(path.stat().st_size * keep) - (keep == 1))


def header(shape: tuple[int, ...]) -> Callable[[Path], None]:
    """A member whose header promises what is not there."""
    data = io.BytesIO()
    np.lib.format.write_array_header_1_0(data, {"descr": "<f4", "fortran_order": False, "shape": shape})

    def fault(path: Path) -> None:
        rewrite(path, {W_H: None})
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr(f"{W_H}.npy", data.getvalue() + bytes(64))

    return fault


def compress(path: Path) -> None:
    with np.load(path) as archive:
        np.savez_compressed(path, **dict(archive))


# What it is called, what is done to the file, what the refusal must say.
FAULTS: dict[str, tuple[Callable[[Path], Any], str]] = {
    "empty": (lambda path: path.write_bytes(b""), "zip"),
    "no zip": (lambda path: path.write_text("hello " * 99), "zip"),
    "a tenth of it": (cut(0.1), "zip"),
    "half of it": (cut(0.5), "zip"),
    "all but a byte": (cut(1), "zip"),
    "a pickle": (member(W_H, np.array([Trap()], object)), f"{W_H}.*pickle"),
    "a huge header": (header((1 << 40, 4)), W_H),
    "an overflowing header": (header((1 << 62, 1 << 62)), W_H),
    "a header that overflows to its length": (header((16, (1 << 60) + 1)), "differs in size from its header"),
    "a negative header": (header((-4, -4)), "W_h|dimension"),
    "compressed": (compress, "compressed"),
    "no config": (member("config", None), "config"),
    "config is no JSON": (member("config", np.frombuffer(b"{", np.uint8)), "config|JSON|Expecting"),
    "config is no UTF-8": (member("config", np.frombuffer(b'"\xff"', np.uint8)), "config|utf-8"),
    "config is a list": (text("config", lambda c: []), "config|list"),
    "config without layers": (text("config", lambda c: {**c, "layers": None}), "layers|None"),
    "another version": (text("format", lambda form: {**form, "version": 99}), "99"),
    "unknown layer": (first_layer(type="NoSuchLayer"), "NoSuchLayer"),
    "no layer at all": (first_layer(type="load_checkpoint"), "load_checkpoint"),
    "unknown argument": (first_layer(colour="red"), "colour"),
    "a huge layer": (first_layer(hidden_size=10**12), "hidden_size|W_x|10+|shape|allocate"),
    "no vocabulary": (text("vocabulary", lambda v: {**v, "tokens": ["a"]}), "<unk>"),
    "unknown member": (member("surprise/x", np.zeros(1)), "surprise"),
    "wrong shape": (member(W_H, np.zeros((3, 6), np.float32)), r"layers.0.W_h.*\(3, 6\)"),
    "no such weight": (member("weights/layers.9.W", np.zeros(1)), "layers.9.W"),
    "missing weight": (member(W_H, None), "layers.0.W_h"),
    "weights of text": (member(W_H, np.full((18, 6), "x")), "layers.0.W_h"),
    "complex weights": (member(W_H, np.ones((18, 6), complex)), "layers.0.W_h"),
}
WEIGHT_FAULTS = ["wrong shape", "no such weight", "missing weight", "weights of text", "complex weights"]
