"""Words that only this project used stay out of its prose and of its names: a reader looks words up elsewhere."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CODE = [path for room in ("numnet", "torchnet", "examples") for path in sorted((ROOT / room).rglob("*.py"))]
TESTS = [path for path in sorted((ROOT / "parity_tests").rglob("*.py")) if path != Path(__file__)]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
# Each with the field's term, which the message of a failure gives.
PHRASES = {
    r"ways? back": "backward pass",
    r"walk(s|ed|ing)? back": "backpropagate",
    "first values": "initial values",
    "(?<!of )course": "packing, or the state of a search",
    "stretch(es)?": "runs of equal rows",
    "slots": "buffers",
    "twins?": "copy, clone",
    "begins? anew": "reset",
    "stands? once": "shared by both backends",
    "c[ao]mes? out (?!of)": "output",
    "the like of": "a copy of",
}
NAMES = {
    "h_met": "h_in", "thinned": "dropped", "passes_state": "recurrent_weights", "opened": "to_padded",
    "closed": "to_packed", "opened_like": "padded_like", "entered": "validated", "told": "config_of",
    "turned": "time_major", "made_of": "parents", "births": "creation_order", "Said": "DecodedSequence",
    "deviation": "std", "course": "context", "first_values": "initial_checksum", "keeping_memory": "preserving_state",
}  # fmt: skip


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """The strings and comments of a Python file, or all lines of a page, each with its line."""
    source = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        yield from enumerate(source.splitlines(), 1)
        return
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in (tokenize.NAME, tokenize.OP, tokenize.NUMBER):
            yield token.start[0], token.string


@pytest.mark.parametrize("path", [*CODE, *TESTS, *PAGES], ids=lambda path: str(path.relative_to(ROOT)))
def test_prose_uses_the_terms_of_the_field(path: Path) -> None:
    for line, text in texts(path):
        for phrase, term in PHRASES.items():
            found = re.search(rf"\b{phrase}\b", text, re.IGNORECASE)
            assert not found, f"{path.relative_to(ROOT)}:{line}: {found and found[0]!r}, but should be {term!r}"


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_names_are_the_terms_of_the_field(path: Path) -> None:
    for token in tokenize.generate_tokens(io.StringIO(path.read_text(encoding="utf-8")).readline):
        found = token.string if token.type == tokenize.NAME else ""
        assert found not in NAMES, f"{path.relative_to(ROOT)}:{token.start[0]}: {found}, but should be {NAMES[found]}"
