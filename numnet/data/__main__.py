"""The public data sets: which there are, which are here and where; and the download of those that are named.

python -m numnet.data                       the table
python -m numnet.data --check               the table, and whether the files here have the SHA-256 of the list
python -m numnet.data ewt-train ewt-dev     their paths, after a download where that is needed
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from numnet.data.download import FetchError
from numnet.data.registry import cache_folder, fetch, own_places, whole
from numnet.data.sources import SOURCES, Extract, Source


def state(source: Source, cache: Path | None, checked: bool) -> str:
    """Its path, or that it is not here; what is there in its place; and how the check ends."""
    places: list[tuple[Path, Source | Extract]] = [(cache / source.path, source)] if cache else []
    for path, kind in own_places(source) + places:
        if path.exists():
            said = [str(path)] if kind is source else [str(path), kind.what]
            return ", ".join([*said, verdict(path, kind)] if checked else said)
    return "not here"


def verdict(path: Path, kind: Source | Extract) -> str:
    """What the SHA-256 says."""
    if not kind.sha256:
        return "no SHA-256 is known"
    return "as listed" if whole(path, kind) else "DIFFERS from the list"


def table(sources: Mapping[str, Source], cache: Path | None, checked: bool) -> str:
    """A line for each source, its columns aligned."""
    rows = [("name", "what", "licence", "where")]
    rows += [(name, s.what, s.licence, state(s, cache, checked)) for name, s in sources.items()]
    widths = [max(len(row[k]) for row in rows) for k in range(3)]
    return "\n".join("  ".join([*(cell.ljust(w) for cell, w in zip(row, widths)), row[3]]) for row in rows)


def main(arguments: Sequence[str] | None = None, sources: Mapping[str, Source] = SOURCES) -> int:
    """0, or 1 with the reason in a line."""
    parser = argparse.ArgumentParser(
        prog="python -m numnet.data", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--check", action="store_true", help="compare the SHA-256 of what is here")
    parser.add_argument("--offline", action="store_true", help="download nothing")
    parser.add_argument("--cache", metavar="FOLDER", help="in place of the user's cache")
    asked = parser.parse_args(arguments)
    try:
        if not asked.names:
            print(table(sources, cache_or_none(asked.cache), asked.check))
        for name in asked.names:
            print(fetch(name, asked.offline, cache=asked.cache, sources=sources))
    except (FetchError, ImportError, ValueError) as error:
        print(f"numnet.data: {error}", file=sys.stderr)
        return 1
    return 0


def cache_or_none(cache: str | None) -> Path | None:
    """The cache; without pooch there is none, which is said."""
    try:
        return cache_folder(cache)
    except ImportError as error:
        print(f"numnet.data: {error}", file=sys.stderr)
        return None


if __name__ == "__main__":
    sys.exit(main())
