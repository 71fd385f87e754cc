"""From what is named on a command line, FILE.py:Name or package.module:Name, to the things that can be checked."""

from __future__ import annotations

import copy
import difflib
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from numnet.check.cli.making import made
from numnet.check.engine.draw import Sizes
from numnet.check.engine.subject import Unusable
from numnet.core.operation import Operation
from numnet.layers.losses import Loss
from numnet.recurrent.node import Node

CASE = "case = (forward, backward), x, W"
TO_WRITE: list[tuple[type, str]] = [(Operation, "forward"), (Node, "step"), (Loss, "terms")]


@dataclass(frozen=True)
class Case:
    """One thing to check: what it is called, how it stands in time ("" where it is checked as it is), its inputs."""

    name: str
    thing: Any
    inputs: tuple[Any, ...] = ()


def load_target(target: str) -> tuple[ModuleType, list[str]]:
    """The module that a target names, run, and the names in it to check; all that can be, where it names none."""
    where, name = split(target)
    module = from_file(Path(where)) if is_path(where) else from_package(where)
    known = list(checkable(module))
    if name and not hasattr(module, name):
        near = difflib.get_close_matches(name, [n for n in vars(module) if not n.startswith("_")], 3)
        there = f"Did you mean {' or '.join(near)}?" if near else f"There is {', '.join(known) or 'nothing to check'}."
        raise Unusable(f"it has no {name}, expected a class, a function that makes one, or a pair. {there}")
    if not name and not known:
        raise Unusable(f"no class in it has a way back of its own, expected one, or a name: {where}:NAME, for {CASE}.")
    return module, [name] if name else known


def split(target: str) -> tuple[str, str]:
    """Where, and the name there or ""; in C:\\my.py there is none."""
    where, colon, name = target.rpartition(":")
    return (where, name) if colon and name.isidentifier() else (target, "")


def is_path(where: str) -> bool:
    """Of a file, not of a package's module."""
    return where.endswith(".py") or "/" in where or "\\" in where


def from_file(path: Path) -> ModuleType:
    """The file run as `import` would, its folder on the path as `python FILE` would have it; never from a cache."""
    if not path.is_file():
        near = difflib.get_close_matches(path.name, [p.name for p in path.parent.glob("*.py")], 1)
        found = "it is a folder, expected FILE.py:Name" if path.is_dir() else "there is no such file"
        raise Unusable(f"{found}.{f' Did you mean {path.parent / near[0]}?' if near else ''}")
    try:
        source, path = path.read_bytes(), path.resolve()
    except OSError as error:
        raise Unusable(f"it cannot be read: {error.strerror}") from None
    name = path.stem if path.stem not in sys.modules else f"checked {path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None:
        raise Unusable("it is no Python file, expected FILE.py:Name.")
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    if sys.path[:1] != [str(path.parent)]:
        sys.path.insert(0, str(path.parent))
    exec(compile(source, str(path), "exec"), vars(module))
    return module


def from_package(name: str) -> ModuleType:
    """The module, or why there is none."""
    expected = "expected FILE.py:Name or package.module:Name."
    if not all(part.isidentifier() for part in name.split(".")):
        raise Unusable(f"{name!r} is no module's name, {expected}")
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise
        raise Unusable(f"there is no module {error.name}, {expected}") from None


def checkable(module: ModuleType) -> Iterator[str]:
    """The classes that the module itself defines and that have a way back of their own, or are PyTorch's modules."""
    for name, thing in vars(module).items():
        if isinstance(thing, type) and thing.__module__ == module.__name__ and has_way_back(thing):
            yield name


def has_way_back(kind: type) -> bool:
    """Whether nothing in it is still to be written; torchnet's have autograd's way back, which needs no check."""
    torch: Any = sys.modules.get("torch")
    if torch is not None and issubclass(kind, torch.nn.Module):
        return not hasattr(kind, "config")
    if torch is not None and issubclass(kind, torch.autograd.Function):
        return False  # the module that calls it is checked
    unwritten = any(issubclass(kind, base) and getattr(kind, name) is getattr(base, name) for base, name in TO_WRITE)
    return hasattr(kind, "forward") and hasattr(kind, "backward") and not unwritten


def cases(module: ModuleType, name: str, sizes: Sizes) -> list[Case]:
    """What a name stands for; a Node twice, one step of it and the same through time, with ragged lengths."""
    thing, inputs = what(module, name, sizes)
    if isinstance(thing, type) and not is_function_class(thing):
        thing = made(thing, sizes)
    net = sys.modules["numnet"] if isinstance(thing, Node) else sys.modules.get("torchnet")
    if net is None or not isinstance(thing, net.Node):
        return [Case(name, thing, inputs)]
    through_time = net.RecurrentLayer(copy.deepcopy(thing))
    return [Case(f"{name}, one step", thing, inputs), Case(f"{name} through time", through_time)]


def what(module: ModuleType, name: str, sizes: Sizes) -> tuple[Any, tuple[Any, ...]]:
    """The thing or its class, and the inputs that came with it: those of thing, x, ... in a tuple."""
    thing = getattr(module, name)
    if inspect.isfunction(thing) and name == "forward" and callable(getattr(module, "backward", None)):
        thing = thing, module.backward
    elif inspect.isfunction(thing):
        thing = made(thing, sizes)
    if is_pair(thing):
        raise Unusable(f"the inputs of this forward and backward are not known, expected them too. Write {CASE}.")
    if isinstance(thing, tuple) and thing:
        return thing[0], thing[1:]
    return thing, ()


def is_pair(thing: Any) -> bool:
    """Two functions: forward and backward."""
    return isinstance(thing, tuple) and len(thing) == 2 and all(map(callable, thing))


def is_function_class(kind: type) -> bool:
    """Of torch.autograd, whose class is called as it is."""
    torch: Any = sys.modules.get("torch")
    return torch is not None and issubclass(kind, torch.autograd.Function)
