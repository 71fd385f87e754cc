"""The layout of both packages: rooms, the direction of imports, no circles, short files and functions."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import numnet
import torchnet

HERE = {net.__name__: Path(str(net.__file__)).parent for net in (numnet, torchnet)}
# A room imports from the rooms below it: those that stand before it in its row. docs/architecture.md has the picture.
BELOW = {
    "core": [],
    "layers": ["core"],
    "recurrent": ["core", "layers"],
    "autograd": ["core", "layers", "recurrent"],
    "data": ["core"],
    "models": ["core", "layers", "recurrent", "autograd", "data"],
    "training": ["core", "data", "models"],
    "check": ["core", "layers", "recurrent", "autograd", "models"],
}
ROOMS = {"numnet": set(BELOW), "torchnet": set(BELOW) - {"data", "check"}}  # the two exist for both backends, in numnet
LONG_FILES = {"numnet", "torchnet"}  # the lists of all public names


def modules(package: str) -> dict[str, ast.Module]:
    """Every file of a package by its dotted name; that of __init__.py is the folder's."""
    here = HERE[package].parent
    paths = {".".join(path.relative_to(here).with_suffix("").parts): path for path in HERE[package].rglob("*.py")}
    return {name.removesuffix(".__init__"): ast.parse(path.read_text(encoding="utf-8")) for name, path in paths.items()}


MODULES = {package: modules(package) for package in HERE}
FILES = [(package, name) for package in HERE for name in MODULES[package]]


def run_time(node: ast.AST) -> Iterator[ast.AST]:
    """The node and all in it, but what only a type checker reads."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"):
            yield from run_time(child)


def imports(package: str, name: str) -> set[str]:
    """The files of the same package that one imports, in its functions too."""
    found = set()
    for node in run_time(MODULES[package][name]):
        if isinstance(node, ast.ImportFrom) and str(node.module).partition(".")[0] == package:
            full = [f"{node.module}.{alias.name}" for alias in node.names]
            found |= {each if each in MODULES[package] else str(node.module) for each in full}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name in MODULES[package]}
    return found


def room(name: str) -> str:
    """The folder of the package that a file stands in, "" for the package's own __init__.py."""
    return [*name.split("."), ""][1]


@pytest.mark.parametrize("package", HERE)
def test_every_file_stands_in_a_room(package: str) -> None:
    assert {room(name) for _, name in FILES if _ == package} == {"", *ROOMS[package]}
    assert [path.name for path in HERE[package].glob("*.py")] == ["__init__.py"]


@pytest.mark.parametrize(("package", "name"), FILES)
def test_a_room_imports_from_the_rooms_below_it(package: str, name: str) -> None:
    own = room(name)
    for other in imports(package, name):
        assert not own or room(other) in (own, *BELOW[own]), f"{name} imports {other}"


@pytest.mark.parametrize("package", HERE)
def test_no_files_import_each_other_in_a_circle(package: str) -> None:
    left = {name: imports(package, name) for name in MODULES[package]}
    while free := [name for name, others in left.items() if not others & set(left)]:
        for name in free:
            del left[name]
    assert not left, f"these import each other, or what does: {sorted(left)}"


@pytest.mark.parametrize(("package", "name"), FILES)
def test_files_and_functions_are_read_at_once(package: str, name: str) -> None:
    tree = MODULES[package][name]
    assert ast.get_docstring(tree), f"{name} has no first line that says why it exists"
    last = max((getattr(node, "end_lineno", None) or 0 for node in ast.walk(tree)), default=0)
    assert last <= 250 or name in LONG_FILES, f"{name} has {last} lines"
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            assert lines <= 60, f"{name}:{node.lineno} {node.name} has {lines} lines"


def test_a_check_has_a_name_of_its_own() -> None:
    """checks/__init__.py exports one function for a name: a second one would replace the first everywhere."""
    checks = [tree for name, tree in MODULES["numnet"].items() if ".checks." in name]
    names = [node.name for tree in checks for node in tree.body if isinstance(node, ast.FunctionDef)]
    found = [name for name in names if name.startswith("check_")]
    assert len(found) > 100
    assert len(set(found)) == len(found), f"twice: {sorted({name for name in found if found.count(name) > 1})}"
