"""Where real data lies that is no part of the project; tests that need it are skipped where it is absent."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
REAL = Path(os.environ.get("NUMNET_DATA") or ROOT.parent / "shared" / "data")


def real(name: str) -> Path:
    """One of its files or folders; the test that asks is skipped where it is not there."""
    path = REAL / name
    if not path.exists():
        pytest.skip(f"no {name} in ../shared/data, nor in the folder that NUMNET_DATA names")
    return path
