"""List the public data sets and where each one is stored, or download the named ones.

python -m numnet.data                       print the table
python -m numnet.data --check               print the table and check the SHA-256 of the stored files
python -m numnet.data ewt-train ewt-dev     download these if necessary, and print their paths
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from numnet.data.download import FetchError
from numnet.data.registry import cache_folder, fetch, is_complete, local_paths
from numnet.data.sources import SOURCES, Extract, Source


def state(source: Source, cache: Path | None, checked: bool) -> str:
    """Return the path of a source or of its extract, or "not here"; with `checked`, also the result of the check."""
    places: list[tuple[Path, Source | Extract]] = [(cache / source.path, source)] if cache else []
    for path, kind in local_paths(source) + places:
        if path.exists():
            parts = [str(path)] if kind is source else [str(path), kind.what]
            return ", ".join([*parts, verdict(path, kind)] if checked else parts)
    return "not here"


def verdict(path: Path, kind: Source | Extract) -> str:
    """Return the result of the SHA-256 check as text."""
    if not kind.sha256:
        return "no SHA-256 is known"
    return "as listed" if is_complete(path, kind) else "DIFFERS from the list"


def table(sources: Mapping[str, Source], cache: Path | None, checked: bool) -> str:
    """Return one line per source, with aligned columns."""
    rows = [("name", "what", "licence", "where")]
    rows += [(name, s.what, s.licence, state(s, cache, checked)) for name, s in sources.items()]
    widths = [max(len(row[k]) for row in rows) for k in range(3)]
    return "\n".join("  ".join([*(cell.ljust(w) for cell, w in zip(row, widths)), row[3]]) for row in rows)


def main(arguments: Sequence[str] | None = None, sources: Mapping[str, Source] = SOURCES) -> int:
    """Run the command. Return 0, or 1 after printing the error on one line."""
    parser = argparse.ArgumentParser(
        prog="python -m numnet.data", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--check", action="store_true", help="check the SHA-256 of the stored files")
    parser.add_argument("--offline", action="store_true", help="do not download")
    parser.add_argument("--cache", metavar="FOLDER", help="use this folder, not the user's cache")
    args = parser.parse_args(arguments)
    try:
        if not args.names:
            print(table(sources, cache_or_none(args.cache), args.check))
        for name in args.names:
            print(fetch(name, args.offline, cache=args.cache, sources=sources))
    except (FetchError, ImportError, ValueError) as error:
        print(f"numnet.data: {error}", file=sys.stderr)
        return 1
    return 0


def cache_or_none(cache: str | None) -> Path | None:
    """Return the cache folder; without pooch, print the error and return None."""
    try:
        return cache_folder(cache)
    except ImportError as error:
        print(f"numnet.data: {error}", file=sys.stderr)
        return None


if __name__ == "__main__":
    sys.exit(main())
