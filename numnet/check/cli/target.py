"""Load the target of the command line, FILE.py:Name or package.module:Name, and list the cases to check."""

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

from numnet.check.cli.making import construct
from numnet.check.engine.draw import Sizes
from numnet.check.engine.subject import Unusable
from numnet.core.operation import Operation
from numnet.layers.losses import Loss
from numnet.recurrent.node import Node

CASE = "case = (forward, backward), x, W"
TO_WRITE: list[tuple[type, str]] = [(Operation, "forward"), (Node, "step"), (Loss, "terms")]


@dataclass(frozen=True)
class Case:
    """One object to check: its name in the report, the object, its inputs."""

    name: str
    thing: Any
    inputs: tuple[Any, ...] = ()


def load_target(target: str) -> tuple[ModuleType, list[str]]:
    """Import the target's module; return it and the names to check, by default all that can be checked."""
    where, name = split(target)
    module = from_file(Path(where)) if is_path(where) else from_package(where)
    known = list(checkable(module))
    if name and not hasattr(module, name):
        near = difflib.get_close_matches(name, [n for n in vars(module) if not n.startswith("_")], 3)
        there = f"Did you mean {' or '.join(near)}?" if near else f"It has {', '.join(known) or 'nothing to check'}."
        raise Unusable(
            f"there is no {name} in it, expected a class, an instance, or a function that returns one. {there}"
        )
    if not name and not known:
        raise Unusable(
            f"no class in it defines its own backward, expected at least one. Or name the object: {where}:NAME, "
            f"for {CASE}."
        )
    return module, [name] if name else known


def split(target: str) -> tuple[str, str]:
    """Split off the name, "" if there is none; the colon in C:\\my.py is no separator."""
    where, colon, name = target.rpartition(":")
    return (where, name) if colon and name.isidentifier() else (target, "")


def is_path(where: str) -> bool:
    """Whether the target is a file, not a module of a package."""
    return where.endswith(".py") or "/" in where or "\\" in where


def from_file(path: Path) -> ModuleType:
    """Execute the file as `import` would, with its folder on sys.path as for `python FILE`; never from a cache."""
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
        raise Unusable("it is not a Python file, expected FILE.py:Name.")
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    if sys.path[:1] != [str(path.parent)]:
        sys.path.insert(0, str(path.parent))
    exec(compile(source, str(path), "exec"), vars(module))
    return module


def from_package(name: str) -> ModuleType:
    """Import the module, or raise Unusable with the reason."""
    expected = "expected FILE.py:Name or package.module:Name."
    if not all(part.isidentifier() for part in name.split(".")):
        raise Unusable(f"{name!r} is not a module name, {expected}")
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise
        raise Unusable(f"there is no module {error.name}, {expected}") from None


def checkable(module: ModuleType) -> Iterator[str]:
    """Yield the classes that the module itself defines and that have their own backward or are torch.nn.Modules."""
    for name, thing in vars(module).items():
        if isinstance(thing, type) and thing.__module__ == module.__name__ and has_backward(thing):
            yield name


def has_backward(kind: type) -> bool:
    """Whether a class has a complete backward of its own; torchnet's classes use autograd and need no check."""
    torch: Any = sys.modules.get("torch")
    if torch is not None and issubclass(kind, torch.nn.Module):
        return not hasattr(kind, "config")
    if torch is not None and issubclass(kind, torch.autograd.Function):
        return False  # the module that calls it is checked
    unwritten = any(issubclass(kind, base) and getattr(kind, name) is getattr(base, name) for base, name in TO_WRITE)
    return hasattr(kind, "forward") and hasattr(kind, "backward") and not unwritten


def cases(module: ModuleType, name: str, sizes: Sizes) -> list[Case]:
    """Return the cases of one name. A Node has two: one step, and a layer over time with ragged lengths."""
    thing, inputs = resolve(module, name, sizes)
    if isinstance(thing, type) and not is_function_class(thing):
        thing = construct(thing, sizes)
    net = sys.modules["numnet"] if isinstance(thing, Node) else sys.modules.get("torchnet")
    if net is None or not isinstance(thing, net.Node) or isinstance(thing, net.TreeNode):
        return [Case(name, thing, inputs)]
    through_time = net.RecurrentLayer(copy.deepcopy(thing))
    return [Case(f"{name}, one step", thing, inputs), Case(f"{name} through time", through_time)]


def resolve(module: ModuleType, name: str, sizes: Sizes) -> tuple[Any, tuple[Any, ...]]:
    """Return the object, or its class, and the inputs that follow it in a tuple (object, x, ...)."""
    thing = getattr(module, name)
    if inspect.isfunction(thing) and name == "forward" and callable(getattr(module, "backward", None)):
        thing = thing, module.backward
    elif inspect.isfunction(thing):
        thing = construct(thing, sizes)
    if is_pair(thing):
        raise Unusable(
            f"the inputs of forward and backward are missing, expected the pair with its inputs. Write {CASE}."
        )
    if isinstance(thing, tuple) and thing:
        return thing[0], thing[1:]
    return thing, ()


def is_pair(thing: Any) -> bool:
    """Whether this is a pair of functions, (forward, backward)."""
    return isinstance(thing, tuple) and len(thing) == 2 and all(map(callable, thing))


def is_function_class(kind: type) -> bool:
    """Whether this is a torch.autograd.Function, which is used as a class."""
    torch: Any = sys.modules.get("torch")
    return torch is not None and issubclass(kind, torch.autograd.Function)
