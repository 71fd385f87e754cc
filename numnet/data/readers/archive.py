"""Extract one file from a zip to a given path; the paths in the zip are never used for writing."""

from __future__ import annotations

import os
import shutil
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from numnet.data.download import FetchError, check


def extract(archive: Path, member: str, target: Path, expected: str) -> None:
    """Extract the file named member, from any folder of the zip, to target, and check its SHA-256 if one is known.

    FetchError if there is no such file. If the zip is damaged or the SHA-256 differs, the zip is removed as well.
    """
    part = target.with_name(f"{target.name}.part")
    try:
        unpack(archive, member, part)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        archive.unlink()
        raise FetchError(f"{archive.name} is not a readable zip: {error}; it was removed. Run it again.") from None
    except FetchError:
        raise
    except OSError as error:
        message = f"{target} cannot be written: {error.strerror}. Free disk space, or pass another cache=."
        raise FetchError(message) from None
    try:
        check(part, expected, f"{member} in {archive.name}")
    except FetchError:
        archive.unlink()
        raise
    os.replace(part, target)


def unpack(archive: Path, member: str, part: Path) -> None:
    """Extract member to part; zipfile checks the CRC of the file."""
    with zipfile.ZipFile(archive) as zipped:
        found = [info for info in zipped.infolist() if PurePosixPath(info.filename).name == member]
        if len(found) != 1:
            names = ", ".join(zipped.namelist()[:9])
            raise FetchError(f"{archive.name} has {len(found)} files named {member}, expected one; its files: {names}.")
        with zipped.open(found[0]) as source, part.open("wb") as file:
            shutil.copyfileobj(source, file)
