"""One file out of a zip, written where we say and nowhere else: what paths the zip names does not matter."""

from __future__ import annotations

import os
import shutil
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from numnet.data.download import FetchError, check


def extract(archive: Path, member: str, target: Path, expected: str) -> None:
    """The file that is called member, in whatever folder of the zip, as target; of that SHA-256 where one is known.

    FetchError where there is no such file; where the zip is spoilt or the SHA-256 another one, the zip is removed, too.
    """
    part = target.with_name(f"{target.name}.part")
    try:
        unpack(archive, member, part)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        archive.unlink()
        raise FetchError(f"{archive.name} is no zip that can be read: {error}; it is removed. Run it again.") from None
    except FetchError:
        raise
    except OSError as error:
        raise FetchError(f"{target} cannot be written: {error.strerror}. Make room, or give another cache=.") from None
    try:
        check(part, expected, f"{member} in {archive.name}")
    except FetchError:
        archive.unlink()
        raise
    os.replace(part, target)


def unpack(archive: Path, member: str, part: Path) -> None:
    """Into part; zipfile checks the CRC that the zip gives."""
    with zipfile.ZipFile(archive) as opened:
        found = [info for info in opened.infolist() if PurePosixPath(info.filename).name == member]
        if len(found) != 1:
            holds = ", ".join(opened.namelist()[:9])
            raise FetchError(f"{archive.name} has {len(found)} files called {member}, expected one; it holds {holds}.")
        with opened.open(found[0]) as source, part.open("wb") as file:
            shutil.copyfileobj(source, file)
