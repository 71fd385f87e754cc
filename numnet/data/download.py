"""One file over the network: whole and checked, or not there at all; a cut one goes on where it was cut."""

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

PIECE = 1 << 14  # of the last one, a cut loses what has come
PATIENCE = 30  # seconds without a byte
HEADERS = {"Accept-Encoding": "identity", "User-Agent": "Mozilla/5.0 (compatible; numnet)"}  # some refuse Python's own


class FetchError(OSError):
    """A data set that could not be had: which, why, and what to do."""


def needs_pooch() -> ModuleType:
    """The library that keeps the cache; ImportError names the command that installs it."""
    try:
        import pooch
    except ImportError:
        raise ImportError("Data sets are downloaded by pooch: pip install 'numnet[examples]'") from None
    return pooch


def sha256(paths: Iterable[Path]) -> str:
    """Of these files joined."""
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            while piece := file.read(PIECE):
                digest.update(piece)
    return digest.hexdigest()


def download(url: str, target: Path, expected: str, progress: bool) -> None:
    """The file at url as target, of that SHA-256 where one is known; a target that is already right is left alone.

    What has arrived stands in target.part until all has. FetchError says in one line what went wrong.
    """
    pooch = needs_pooch()
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
        said = f"{target} cannot be written: {error.strerror or error}. Make room, or give another cache=."
        raise FetchError(said) from None
    finally:
        pooch.get_logger().setLevel(before)


def append(url: str, part: Path, progress: bool) -> None:
    """What part does not hold yet of the file at url; all of it, where the server cannot begin in the middle."""
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
        packed = "Content-Encoding" in answer.headers  # then the length is another one
        length = 0 if packed else int(answer.headers.get("Content-Length", 0))
        with part.open("ab" if start else "wb") as file, bar(part.stem, start, length, progress) as advance:
            for piece in answer.iter_content(PIECE):
                file.write(piece)
                advance(len(piece))
    if part.stat().st_size < start + length:
        raise requests.exceptions.ConnectionError("fewer bytes than were promised")


def check(path: Path, expected: str, whence: str) -> None:
    """The SHA-256, where one is known; a file with another one is removed."""
    if expected and (found := sha256([path])) != expected:
        path.unlink()
        raise FetchError(
            f"{whence} has the SHA-256 {found}, expected {expected}; it is removed. Run it again; if it says the same, "
            "the file has changed where it is published."
        )


def cause(error: Exception, url: str, part: Path) -> str:
    """What became of a request."""
    answer = getattr(error, "response", None)
    if answer is not None:
        return f"{url} answers {answer.status_code} {answer.reason}. Has it moved?"
    kind = type(error).__name__
    if isinstance(error, ValueError):
        return f"{url} is no address ({kind})."
    if part.exists() and (come := part.stat().st_size):
        return (
            f"the connection was cut ({kind}), {come:,} bytes of {url} are here. Run it again: it goes on from there."
        )
    return f"no connection to {urlsplit(url).netloc} ({kind}). Is there a network?"


@contextlib.contextmanager
def bar(name: str, start: int, length: int, shown: bool) -> Iterator[Callable[[int], Any]]:
    """A progress bar in bytes; where tqdm is missing, the download goes on without."""
    try:
        from tqdm import tqdm
    except ImportError:
        if shown:
            to_stderr("No progress bar without tqdm: pip install 'numnet[examples]'")
        yield lambda _: None
        return
    total = start + length if length else None
    with tqdm(
        total=total, initial=start, desc=name, unit="B", unit_scale=True, leave=False, disable=not shown
    ) as drawn:
        yield drawn.update
