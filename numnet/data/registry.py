"""Public data sets by name: from a folder of one's own, from the cache, or fetched into it, once."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from numnet.core.progress import to_stderr
from numnet.data.download import FetchError, download, needs_pooch, sha256
from numnet.data.readers.archive import extract
from numnet.data.sources import SOURCES, Extract, Source

OWN = "NUMNET_DATA"  # the environment variable that names a folder of one's own


def fetch(
    name: str,
    offline: bool = False,
    progress: bool = True,
    cache: str | os.PathLike[str] | None = None,
    sources: Mapping[str, Source] = SOURCES,
) -> Path:
    """The path of a data set: of a file, or for "names" of a folder.

    A folder that the environment variable NUMNET_DATA names is asked first, and what it has is taken unchecked, for it
    is your own. Else the cache (pooch's for "numnet", or the one given), which is laid out alike. Else it is downloaded
    there and its licence said; a cut download goes on where it was cut when it is run again. Where the table has a
    SHA-256, what the cache gives has it. A zip stays in the cache, for its other files.

    FetchError (an OSError) says in one line why it could not be had: no network, another SHA-256, not there any more,
    no room; with offline=True, what is missing and how to get it. ValueError: no such name. ImportError: no pooch.
    """
    if name not in sources:
        raise ValueError(f"fetch: no data set is called {name!r}, expected one of {', '.join(sources)}.")
    source = sources[name]
    for path, found in own_places(source):
        if path.exists():
            if found is not source:
                to_stderr(f"{name}: {path}, {found.what}")
            return path
    target = cache_folder(cache) / source.path
    if whole(target, source):
        return target
    by_hand = f"By hand: {source.member or name} from {source.url}, as {source.path} in a folder that {OWN} names."
    if offline:
        raise FetchError(f"{name}: no {target}. Run it once with a network and without offline. {by_hand}")
    unchecked = "" if source.sha256 else "; no SHA-256 is known for it, so it is taken as it comes"
    to_stderr(f"{name}: {source.what}, licence {source.licence}, from {source.url}{unchecked}")
    try:
        arrive(source, target, progress)
    except FetchError as error:
        raise FetchError(f"{name}: {error} {by_hand}") from None
    return target


def own_places(source: Source) -> list[tuple[Path, Source | Extract]]:
    """Where a folder of one's own may have it, or an extract of it; nowhere, if there is no such folder."""
    if not (folder := os.environ.get(OWN)):
        return []
    if not Path(folder).is_dir():
        raise FetchError(f"{OWN} is {folder!r}, expected a folder. Name one, or unset it.")
    return [(Path(folder, kind.path), kind) for kind in source.kinds()]


def cache_folder(cache: str | os.PathLike[str] | None = None) -> Path:
    """Where downloads are kept: the folder given, or the user's cache, as the system has it."""
    return Path(needs_pooch().os_cache("numnet") if cache is None else cache)


def whole(path: Path, kind: Source | Extract) -> bool:
    """Whether it is there and, where that is known, has its SHA-256."""
    files = [path / part for part in getattr(kind, "parts", ())] or [path]
    return all(file.is_file() for file in files) and (not kind.sha256 or sha256(files) == kind.sha256)


def arrive(source: Source, target: Path, progress: bool) -> None:
    """The download, by what the source is: a folder, a file in a zip, a file."""
    if source.parts:
        gather(source, target, progress)
    elif source.member:
        archive = target.with_name(source.url.rpartition("/")[2])
        download(source.url, archive, "", progress)
        extract(archive, source.member, target, source.sha256)
    else:
        download(source.url, target, source.sha256, progress)


def gather(source: Source, target: Path, progress: bool) -> None:
    """A folder: all its files or none; those that have come before a cut are kept aside."""
    aside = target.with_name(f"{target.name}.part")
    files = [aside / part for part in source.parts]
    for part, file in zip(source.parts, files):
        download(source.url + quote(part), file, "", progress)
    if source.sha256 and (found := sha256(files)) != source.sha256:
        shutil.rmtree(aside)
        raise FetchError(f"its files joined have the SHA-256 {found}, expected {source.sha256}; they are removed.")
    shutil.rmtree(target, ignore_errors=True)
    os.replace(aside, target)
