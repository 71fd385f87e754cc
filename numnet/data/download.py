"""Download a file completely and check it; resume an interrupted download."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

from numnet.core.progress import to_stderr

PIECE = 1 << 14  # bytes per read; an interruption loses at most one piece
PATIENCE = 30  # timeout: seconds without receiving a byte
HEADERS = {"Accept-Encoding": "identity", "User-Agent": "Mozilla/5.0 (compatible; numnet)"}  # some refuse Python's


class FetchError(OSError):
    """A data set cannot be obtained. The message names the data set, the cause and the remedy."""


def require_pooch() -> ModuleType:
    """Return pooch, which manages the cache. ImportError names the command that installs it."""
    try:
        import pooch
    except ImportError:
        raise ImportError("Data sets are downloaded by pooch: pip install 'numnet[examples]'") from None
    return pooch


def sha256(paths: Iterable[Path]) -> str:
    """Return the SHA-256 of these files, concatenated."""
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            while piece := file.read(PIECE):
                digest.update(piece)
    return digest.hexdigest()


def download(url: str, target: Path, expected: str, progress: bool) -> None:
    """Download the file at url to target. Its SHA-256 must be `expected`, unless this is "". A correct target is kept.

    An incomplete download is stored in target.part. FetchError states the cause on one line.
    """
    pooch = require_pooch()
    from requests.exceptions import RequestException

    part = target.with_name(f"{target.name}.part")

    def receive(url: str, output: str, _: Any, check_only: bool = False) -> None:
        append(url, part, progress)
        check(part, expected, url)
        os.replace(part, output)

    before = pooch.get_logger().level
    pooch.get_logger().setLevel("ERROR")
    try:
        pooch.retrieve(url, expected or None, target.name, target.parent, downloader=receive)
    except FetchError:
        raise
    except RequestException as error:
        raise FetchError(cause(error, url, part)) from None
    except OSError as error:
        message = f"{target} cannot be written: {error.strerror or error}. Free disk space, or pass another cache=."
        raise FetchError(message) from None
    finally:
        pooch.get_logger().setLevel(before)


def append(url: str, part: Path, progress: bool) -> None:
    """Append the missing rest of the file at url to part; download all of it if the server does not support ranges."""
    import requests

    start = part.stat().st_size if part.exists() else 0
    headers = HEADERS | ({"Range": f"bytes={start}-"} if start else {})
    with requests.get(url, headers=headers, stream=True, timeout=PATIENCE) as answer:
        if start and answer.status_code == requests.codes.requested_range_not_satisfiable:
            part.unlink()
            append(url, part, progress)
            return
        answer.raise_for_status()
        start = start if answer.headers.get("Content-Range", "").startswith(f"bytes {start}-") else 0
        packed = "Content-Encoding" in answer.headers  # then Content-Length is the compressed size
        length = 0 if packed else int(answer.headers.get("Content-Length", 0))
        with part.open("ab" if start else "wb") as file, bar(part.stem, start, length, progress) as advance:
            for piece in answer.iter_content(PIECE):
                file.write(piece)
                advance(len(piece))
    if part.stat().st_size < start + length:
        raise requests.exceptions.ConnectionError("fewer bytes than Content-Length")


def check(path: Path, expected: str, origin: str) -> None:
    """Check the SHA-256 of a file, if one is known. If it differs, remove the file and raise FetchError."""
    if expected and (found := sha256([path])) != expected:
        path.unlink()
        raise FetchError(
            f"{origin} has the SHA-256 {found}, expected {expected}; the file was removed. Download it again; if the "
            "error stays the same, the published file has changed."
        )


def cause(error: Exception, url: str, part: Path) -> str:
    """Return why a request failed, and the remedy."""
    answer = getattr(error, "response", None)
    if answer is not None:
        return f"the server returned {answer.status_code} {answer.reason} for {url}. Has the file moved?"
    kind = type(error).__name__
    if isinstance(error, ValueError):
        return f"{url} is not a valid URL ({kind})."
    if part.exists() and (come := part.stat().st_size):
        return f"the connection was lost ({kind}) after {come:,} bytes of {url}. Run it again to resume the download."
    return f"no connection to {urlsplit(url).netloc} ({kind}). Check the network."


@contextlib.contextmanager
def bar(name: str, start: int, length: int, progress: bool) -> Iterator[Callable[[int], Any]]:
    """Show a progress bar in bytes; without tqdm, download without a bar."""
    try:
        from tqdm import tqdm
    except ImportError:
        if progress:
            to_stderr("No progress bar without tqdm: pip install 'numnet[examples]'")
        yield lambda _: None
        return
    total = start + length if length else None
    with tqdm(
        total=total, initial=start, desc=name, unit="B", unit_scale=True, leave=False, disable=not progress
    ) as progress_bar:
        yield progress_bar.update
