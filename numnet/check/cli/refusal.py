"""The reason why a check failed to run, as one line with file and line number."""

from __future__ import annotations

import traceback
from pathlib import Path

from numnet.check.engine.subject import Unusable


def reason(error: BaseException, file: str | None) -> str:
    """Return the error and its place in the user's file, or in the same folder, as one line."""
    if isinstance(error, Unusable):
        return one_line(error)
    if isinstance(error, SyntaxError) and error.lineno:
        return f"{Path(str(error.filename)).name}:{error.lineno}: {type(error).__name__}: {error.msg}"
    if isinstance(error, SystemExit):
        return f"{place(error, file)} exits Python. Move such a call under if __name__ == '__main__':"
    if isinstance(error, NotImplementedError) and not error.args:
        return f"it has no {frames(error)[-1].name}, which the check calls. Implement it."
    message = one_line(error)
    return f"{place(error, file)}: {type(error).__name__}{f': {message}' if message else ''}{remedy(error)}"


def remedy(error: BaseException) -> str:
    """Return the remedy of known errors, else ""."""
    if isinstance(error, ImportError) and error.name and error.name.partition(".")[0] == "torch":
        return ". Install it: pip install 'numnet[torch]'"
    if isinstance(error, ImportError) and "relative import" in str(error):
        return ". Name it by its package: package.module:Name"
    return ""


def place(error: BaseException, file: str | None) -> str:
    """Return where it was raised: the innermost line in the user's files, else the innermost of all."""
    known = frames(error)
    if not known:
        return "no line"
    own = [f for f in known if f.filename == file] or [
        f for f in known if file and Path(f.filename).parent == Path(file).parent
    ]
    at = (own or known)[-1]
    inside = "" if at.name == "<module>" else f" in {at.name}"
    return f"{Path(at.filename).name}:{at.lineno}{inside}"


def frames(error: BaseException) -> traceback.StackSummary:
    """Return the frames of the traceback, innermost last."""
    return traceback.extract_tb(error.__traceback__)


def one_line(error: BaseException) -> str:
    """Return the message without line breaks."""
    return " ".join(str(error).split())
