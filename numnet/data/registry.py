"""Public data sets by name: from a local folder, from the cache, or downloaded once into the cache."""

from __future__ import annotations

import difflib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from numnet.core.checks import described, excerpt, validate_call
from numnet.core.progress import to_stderr
from numnet.data.download import FetchError, download, require_pooch, sha256
from numnet.data.readers.archive import extract
from numnet.data.sources import SOURCES, Extract, Source

OWN = "NUMNET_DATA"  # the environment variable that names a local folder of data sets


@validate_call
def fetch(
    name: str,
    offline: bool = False,
    progress: bool = True,
    cache: str | os.PathLike[str] | None = None,
    sources: Mapping[str, Source] = SOURCES,
) -> Path:
    """Return the path of a data set: of a file, or for "names" of a folder.

    The folder named by the environment variable NUMNET_DATA is searched first; its files are not checked. The cache
    (pooch's for "numnet", or `cache`) is next; it has the same layout. Otherwise the data set is downloaded into the
    cache and its licence is printed; the next call resumes an interrupted download. A file from the cache has the
    SHA-256 of the table, if the table has one. A zip file stays in the cache, for the other files in it.

    FetchError (an OSError) states the cause on one line: no network, another SHA-256, a file no longer published, a
    full disk; with offline=True, which file is missing. ValueError: unknown name. ImportError: pooch is missing.
    """
    source = source_of(name, sources)
    for path, found in local_paths(source):
        if path.exists():
            check_is_folder(name, path, bool(source.parts))
            if found is not source:
                to_stderr(f"{name}: {path}, {found.what}")
            return path
    target = cache_folder(cache) / source.path
    if is_complete(target, source):
        return target
    if target.exists() and not source.parts:
        check_is_folder(name, target, False)
    by_hand = f"By hand: save {source.member or name} from {source.url} as {source.path} in the folder named by {OWN}."
    if offline:
        raise FetchError(f"{name}: {target} is missing. Run it once with a network and without offline. {by_hand}")
    unchecked = "" if source.sha256 else "; no SHA-256 is known, so the file is not checked"
    to_stderr(f"{name}: {source.what}, licence {source.licence}, from {source.url}{unchecked}")
    try:
        download_source(source, target, progress)
    except FetchError as error:
        raise FetchError(f"{name}: {error} {by_hand}") from None
    return target


def source_of(name: str, sources: Mapping[str, Source]) -> Source:
    """Return the entry of the table; ValueError names the nearest names."""
    if not isinstance(sources, Mapping):
        raise TypeError(f"fetch: sources is {described(sources)}, expected a dictionary from names to Sources.")
    if name not in sources:
        near = difflib.get_close_matches(name, map(str, sources), 3)
        meant = f" Did you mean {' or '.join(near)}?" if near else ""
        known = ", ".join(map(str, sources))
        raise ValueError(f"fetch: no data set is called {excerpt(name)}, expected one of {known}.{meant}")
    if not isinstance(sources[name], Source):
        raise TypeError(f"fetch: sources[{excerpt(name)}] is {described(sources[name])}, expected a Source.")
    return sources[name]


def check_is_folder(name: str, path: Path, folder: bool) -> None:
    """Check that a data set is a folder if the table says so, else a file."""
    if path.is_dir() != folder:
        kinds = ("a file", "a folder") if folder else ("a folder", "a file")
        raise FetchError(f"{name}: {path} is {kinds[0]}, expected {kinds[1]}. Move it away, or unset {OWN}.")


def local_paths(source: Source) -> list[tuple[Path, Source | Extract]]:
    """Return where the local folder may have the source, or an extract of it; [] without such a folder."""
    if not (folder := os.environ.get(OWN)):
        return []
    if not Path(folder).is_dir():
        raise FetchError(f"{OWN} is {folder!r}, expected a folder. Set it to a folder, or unset it.")
    return [(Path(folder, kind.path), kind) for kind in source.kinds()]


def cache_folder(cache: str | os.PathLike[str] | None = None) -> Path:
    """Return the folder for downloads: `cache`, or the user's cache folder on this system."""
    return Path(require_pooch().os_cache("numnet") if cache is None else cache)


def is_complete(path: Path, kind: Source | Extract) -> bool:
    """Return whether the data set is present and has its SHA-256, if one is known."""
    files = [path / part for part in getattr(kind, "parts", ())] or [path]
    return all(file.is_file() for file in files) and (not kind.sha256 or sha256(files) == kind.sha256)


def download_source(source: Source, target: Path, progress: bool) -> None:
    """Download a source: a folder, a file in a zip, or a file."""
    if source.parts:
        download_parts(source, target, progress)
    elif source.member:
        archive = target.with_name(source.url.rpartition("/")[2])
        download(source.url, archive, "", progress)
        extract(archive, source.member, target, source.sha256)
    else:
        download(source.url, target, source.sha256, progress)


def download_parts(source: Source, target: Path, progress: bool) -> None:
    """Download a folder: all its files or none. After an interruption, finished files are kept in a .part folder."""
    incomplete = target.with_name(f"{target.name}.part")
    files = [incomplete / part for part in source.parts]
    for part, file in zip(source.parts, files):
        download(source.url + quote(part), file, "", progress)
    if source.sha256 and (found := sha256(files)) != source.sha256:
        shutil.rmtree(incomplete)
        raise FetchError(
            f"its files together have the SHA-256 {found}, expected {source.sha256}; they were removed. Run it again."
        )
    shutil.rmtree(target, ignore_errors=True)
    os.replace(incomplete, target)
