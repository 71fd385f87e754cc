"""A page that shows code and numbers makes claims: its snippets must run, print what it shows and quote what stands."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCES = re.compile(r"^```(.*)\n((?:.*\n)*?)```$", re.MULTILINE)

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


class Block(NamedTuple):
    """What stands between two fences, which `file` it quotes, its first line, and the line of its last fence."""

    language: str
    file: str
    text: str
    line: int
    end: int


def blocks(page: Path) -> list[Block]:
    text, found = page.read_text(encoding="utf-8"), []
    for fenced in FENCES.finditer(text):
        language, _, file = fenced[1].partition(" source=")
        first, last = (text.count("\n", 0, at) + 1 for at in fenced.span(2))
        found.append(Block(language, file, fenced[2], first, last))
    return found


def shown(page: Path, block: Block) -> str:
    """The text block directly after it, at most one empty line between; a block without one is to print nothing."""
    after = [b.text for b in blocks(page) if b.language == "text" and 2 <= b.line - block.end <= 3]
    return after[0] if after else ""


def printed(page: Path, block: Block, names: dict[str, Any]) -> str:
    """What it prints; the empty lines before it let a traceback name the page's own lines."""
    with contextlib.redirect_stdout(io.StringIO()) as out:
        exec(compile("\n" * (block.line - 1) + block.text, str(page), "exec"), names)
    return out.getvalue()


@each_page
def test_snippets_print_what_the_page_shows(page: Path) -> None:
    names: dict[str, Any] = {"__name__": page.stem}
    for block in (b for b in blocks(page) if b.language == "python" and not b.file):
        got, expected = printed(page, block, names), shown(page, block)
        assert got == expected, f"{page.name}:{block.line}: prints\n{got}but the page shows\n{expected}"


@each_page
def test_quoted_lines_stand_in_the_source_in_this_order(page: Path) -> None:
    for block in (b for b in blocks(page) if b.file):
        source = iter([line.strip() for line in (ROOT / block.file).read_text(encoding="utf-8").splitlines()])
        for at, line in enumerate(block.text.splitlines(), block.line):
            found = line.strip() in source
            assert found, f"{page.name}:{at}: not in {block.file}, or not in this order: {line}"
