"""Writes docs/api.md from the packages themselves: `python -m parity_tests.api_page`. A test holds it up to date."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import numnet

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "api.md"
HEAD = """\
# All public names

> Needs numpy alone. Previous page: [Architecture](architecture.md). Next page: [From PyTorch or Keras](coming_from.md).

`numnet` and `torchnet` have the same names, signatures and messages. `help(numnet.LSTMLayer)` shows shapes, options and
errors. This page is generated: `make api`.
"""
SENTENCE = re.compile(r"(?<!al\.)(?<=[.!?])\s+(?=[A-Z`])")
GROUP = re.compile(r"^    # (.*)$|^    \"(\w+)\",$", re.MULTILINE)


def groups() -> dict[str, list[str]]:
    """The names in `__all__` of numnet, by the comment above them."""
    source = Path(str(numnet.__file__)).read_text(encoding="utf-8")
    found: dict[str, list[str]] = {}
    for comment, name in GROUP.findall(source[source.index("__all__ = [") :].partition("]")[0]):
        if comment:
            found[comment] = []
        else:
            found[list(found)[-1]].append(name)
    return found


def first_sentence(thing: Any) -> str:
    """Of its docstring, as one line."""
    paragraph = re.split(r"\n\n|\n {2,}", inspect.getdoc(thing) or "", maxsplit=1)[0]
    return " ".join(SENTENCE.split(paragraph, maxsplit=1)[0].split())


def call(name: str, thing: Any) -> str:
    """The name with its parameters and defaults, without types; of a module or an exception the name alone."""
    if not callable(thing) or (isinstance(thing, type) and issubclass(thing, BaseException)):
        return name
    parameters = inspect.signature(thing).parameters.values()
    return f"{name}{inspect.Signature([p.replace(annotation=p.empty) for p in parameters])}"


def entry(name: str, thing: Any) -> str:
    """The entry of one name."""
    said = f"By name: {', '.join(thing)}." if isinstance(thing, dict) else first_sentence(thing)
    return f"- `{call(name, thing)}`  \n  {said}\n"


def page() -> str:
    """The text of docs/api.md."""
    sections = [HEAD]
    for group, names in groups().items():
        entries = [entry(name, getattr(numnet, name)) for name in names]
        sections.append(f"## {group[0].upper()}{group[1:]}\n\n{''.join(entries)}")
    return "\n".join(sections)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
