"""numnet needs numpy alone: it imports nothing more, and says in one line what a missing package would have given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from parity_tests.program import CHAR_LM, TINY
from parity_tests.small import TEXT, python

# Python as it is where none of these is installed, running the program that the arguments name.
BARE = """if True:
    import runpy, sys
    sys.modules.update(dict.fromkeys(["tqdm", "matplotlib", "torch"]))
    sys.argv = sys.argv[1:]
    sys.path.insert(0, sys.argv[0].rpartition("/")[0])
    runpy.run_path(sys.argv[0], run_name="__main__")
"""


def char_lm(tmp_path: Path, *arguments: Any) -> Any:
    (tmp_path / "text.txt").write_text(TEXT, encoding="utf-8")
    return python(
        "-c", BARE, CHAR_LM, "--text", tmp_path / "text.txt", *TINY, "--steps", 3, "--prompt", "a", *arguments
    )


def test_importing_numnet_imports_numpy_alone() -> None:
    script = "import sys, numpy; before = set(sys.modules); import numnet; print(*sorted(set(sys.modules) - before))"
    new = {name.partition(".")[0] for name in python("-c", script).stdout.split()}
    assert "numnet" in new
    assert not new & {"torch", "torchnet", "tqdm", "matplotlib", "pytest", "hypothesis", "pydoc_data", "parity_tests"}


def test_numpy_alone_trains_saves_and_samples(tmp_path: Path) -> None:
    done = char_lm(tmp_path, "--checkpoint", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("a")
    assert [line for line in done.stderr.splitlines() if "tqdm" in line] == [
        "No progress bar without tqdm: pip install 'numnet[examples]'"
    ]
    assert "step 3" in done.stderr
    assert (tmp_path / "run" / "last.npz").exists()


@pytest.mark.parametrize(
    ("options", "remedy"),
    [
        (["--plot", "loss.png"], "pip install 'numnet[examples]'"),
        (["--backend", "torchnet"], "pip install 'numnet[torch]'"),
    ],
)
def test_what_needs_more_says_how_to_get_it(options: list[str], remedy: str, tmp_path: Path) -> None:
    done = char_lm(tmp_path, *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1, done.stderr
    assert remedy in done.stderr
