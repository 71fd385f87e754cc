"""The character language model as a program: small enough options, a text for it, and one run stopped on its way."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from parity_tests.small import ROOT, python

CHAR_LM = ROOT / "examples" / "char_lm.py"
STACK = "gru:8:6,lstm:8"
TINY = ["--batch-size", "4", "--sequence-length", "8", "--sample-length", "30", "--dtype", "float64", "--layers", STACK]


def write_text(folder: Path) -> Path:
    """A file of 1 200 characters, T among them."""
    path = folder / "text.txt"
    path.write_text("The quick brown fox jumps over 13 lazy dogs; why?\n" * 24, encoding="utf-8")
    return path


def char_lm(*arguments: Any) -> subprocess.CompletedProcess[str]:
    """The program's answer, which must be a success."""
    done = python(CHAR_LM, *arguments)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
    return done


def stopped_run(folder: Path) -> list[Any]:
    """The options of a run that stopped in the middle of an epoch, after 3 steps, and left 3.json."""
    options = ["--text", write_text(folder), *TINY, "--checkpoint", folder / "run"]
    char_lm(*options, "--steps", 3, "--json", folder / "3.json")
    return options
