"""A page that shows code and numbers makes claims: snippets run and print what is shown, quotes are in their source."""

from __future__ import annotations

import ast
import contextlib
import io
import re
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from parity_tests.test_house import BELOW

ROOT = Path(__file__).parents[1]
README, DOCS = ROOT / "README.md", sorted((ROOT / "docs").glob("*.md"))
PAGES = [README, ROOT / "CONTRIBUTING.md", *DOCS]
# A quote names its file: code after "python source=", text (equations of a docstring) in a comment before the fence.
FENCES = re.compile(r"^(?:<!-- source: (\S+) -->\n)?```(.*)\n((?:.*\n)*?)```$", re.MULTILINE)
FIRST_LINE = re.compile(r"> Needs (.+)\. Previous page: \[.+\]\((.+)\)\. Next page: \[.+\]\((.+)\)\.")
STRINGS_AND_COMMENTS = re.compile(r'"[^"]*"|#.*')
REMARK = re.compile(r"(?<=\S)   (?! ).*")  # in a comment, what follows the equation's number
NAMED_FILES = re.compile(r"`((?:numnet|torchnet|parity_tests|examples|docs)/[\w/]*\.\w+)`")
DERIVATIVE = re.compile(r""".*(?<!['"\w])(?:(?:tanh|max|σ)['′](?!s\b)|f['′]\().*""")
OF_BACKEND = {"numnet": "numpy", "torchnet": "torch"}
NAMED_TABLES = re.compile(r"`([A-Z_]+)` in `((?:numnet|torchnet|parity_tests)/[\w/]*\.py)`")
LINKS = re.compile(r"\]\((?!https?:)([^)#]*)(#[^)]*)?\)")

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
each_of_docs = pytest.mark.parametrize("page", DOCS, ids=lambda page: page.name)


class Block(NamedTuple):
    """The text between two fences, the `file` that it quotes, its first line, and the line of its last fence."""

    language: str
    file: str
    text: str
    line: int
    end: int


def blocks(page: Path) -> list[Block]:
    text, found = page.read_text(encoding="utf-8"), []
    for fenced in FENCES.finditer(text):
        language, _, file = fenced[2].partition(" source=")
        first, last = (text.count("\n", 0, at) + 1 for at in fenced.span(3))
        found.append(Block(language, file or fenced[1] or "", fenced[3], first, last))
    return found


def prose(page: Path) -> str:
    return FENCES.sub("", page.read_text(encoding="utf-8"))


def programs(page: Path) -> list[Block]:
    return [block for block in blocks(page) if block.language == "python" and not block.file]


def shown(page: Path, block: Block) -> str:
    """The text block directly after it, at most one empty line between; a block without one is to print nothing."""
    after = [b.text for b in blocks(page) if b.language == "text" and not b.file and 2 <= b.line - block.end <= 3]
    return after[0] if after else ""


def printed(page: Path, block: Block, names: dict[str, Any]) -> str:
    """What it prints; the empty lines before it let a traceback name the page's own lines."""
    with contextlib.redirect_stdout(io.StringIO()) as out:
        exec(compile("\n" * (block.line - 1) + block.text, str(page), "exec"), names)
    return out.getvalue()


def imported(block: Block) -> set[str]:
    """The packages that a program imports, without Python's own."""
    found = set()
    for node in ast.walk(ast.parse(block.text)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(str(node.module).partition(".")[0])
    return found - set(sys.stdlib_module_names)


def neighbours(page: Path) -> tuple[str, str, str]:
    """What a page needs, and the pages before and after it, as its third line says."""
    line = page.read_text(encoding="utf-8").splitlines()[2]
    found = FIRST_LINE.fullmatch(line)
    assert found, f"{page.name}:3: is {line!r}, but should be '> Needs ... . Previous page: [..](..). Next page: ...'"
    return found[1], found[2], found[3]


def anchors(page: Path) -> set[str]:
    """The anchors of its headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    return {"#" + re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@each_page
def test_snippets_print_what_the_page_shows(page: Path) -> None:
    names: dict[str, Any] = {"__name__": page.stem}
    for block in programs(page):
        got, expected = printed(page, block, names), shown(page, block)
        assert got == expected, f"{page.name}:{block.line}: prints\n{got}but the page shows\n{expected}"


@each_page
def test_quoted_lines_are_in_the_source_in_this_order(page: Path) -> None:
    """A quote may leave out lines, and the remark that follows the number of an equation."""
    for block in (b for b in blocks(page) if b.file):
        lines = [line.strip() for line in (ROOT / block.file).read_text(encoding="utf-8").splitlines()]
        source = iter([(line, REMARK.sub("", line)) for line in lines])
        for at, line in enumerate(block.text.splitlines(), block.line):
            found = any(line.strip() in either for either in source)
            assert found, f"{page.name}:{at}: not in {block.file}, or not in this order: {line}"


@each_page
def test_equations_are_text(page: Path) -> None:
    """Whatever is fenced as Python is Python: a highlighter marks ⊙ and ← as errors."""
    for block in (b for b in blocks(page) if b.language == "python"):
        for at, line in enumerate(block.text.splitlines(), block.line):
            assert STRINGS_AND_COMMENTS.sub("", line).isascii(), f"{page.name}:{at}: fence equations as text: {line}"
    assert all(b.language for b in blocks(page)), f"{page.name}: a fence without a language"


@each_page
def test_a_prime_is_the_previous_step(page: Path) -> None:
    """A derivative is ∂y/∂u, or is named: on no page h' is a state and f' a derivative."""
    derivative = DERIVATIVE.search(page.read_text(encoding="utf-8"))
    assert not derivative, f"{page.name}: {derivative and derivative[0]}"


@each_of_docs
def test_a_page_says_what_it_needs(page: Path) -> None:
    needs, _, _ = neighbours(page)
    found = {OF_BACKEND.get(name, name) for block in programs(page) for name in imported(block)} - {"examples"}
    if programs(page):
        assert set(re.findall(r"numpy|torch|keras|hypothesis", needs)) == found, f"{page.name} imports {sorted(found)}"


def test_the_pages_are_one_chain() -> None:
    """From the README through all of docs/ and back, the same in both directions."""
    order, page = [], README
    first = re.search(r"\[[^\]]*\]\(docs/([\w]+\.md)\)", README.read_text(encoding="utf-8").partition("## Reading")[2])
    assert first, "the README has no reading order"
    page, before = ROOT / "docs" / first[1], "../README.md"
    while page != README:
        _, previous, following = neighbours(page)
        assert previous == before, f"{page.name}: the previous page is {before}, not {previous}"
        order.append(page)
        before, page = page.name, (page.parent / following).resolve()
        assert page not in order, f"{before}: the next page, {page.name}, is on the chain already"
    assert sorted(order) == DOCS


@each_page
def test_links_and_files_exist(page: Path) -> None:
    for target, anchor in LINKS.findall(prose(page)):
        there = (page.parent / target).resolve() if target else page
        assert there.exists(), f"{page.name}: no {target}"
        assert not anchor or anchor in anchors(there), f"{page.name}: {there.name} has no {anchor}"
    for name in NAMED_FILES.findall(prose(page)):
        assert (ROOT / name).exists() or page.stem == "mutation", f"{page.name}: no {name}"  # that page says so


def test_the_page_of_the_architecture_has_the_rooms_and_their_imports() -> None:
    page = ROOT / "docs" / "architecture.md"
    table = page.read_text(encoding="utf-8").partition("| room |")[2].partition("\n\n")[0]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines()[2:]]
    assert {row[0].strip("`"): re.findall(r"`(\w+)`", "".join(row[2:])) for row in rows} == BELOW
    assert NAMED_TABLES.search(page.read_text(encoding="utf-8"))


@each_page
def test_tables_that_a_page_names_are_in_their_files(page: Path) -> None:
    for name, file in NAMED_TABLES.findall(page.read_text(encoding="utf-8")):
        text = (ROOT / file).read_text(encoding="utf-8")
        assert re.search(rf"^{name}\b", text, re.MULTILINE), f"{page.name}: no {name} in {file}"
