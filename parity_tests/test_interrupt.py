"""Ctrl-C at any moment of the program ends it with 130 and no traceback; in training it leaves a checkpoint."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from parity_tests.program import CHAR_LM, TINY, char_lm, write_text
from parity_tests.small import ROOT, python

# The program with Ctrl-C pressed just before or just after training.
STRUCK = """if True:
    import runpy, signal, sys, numnet
    signal.signal(signal.SIGINT, signal.default_int_handler)
    fit, moment, sys.argv = numnet.Trainer.fit, sys.argv[1], sys.argv[2:]

    def struck(*arguments):
        if moment == "before":
            signal.raise_signal(signal.SIGINT)
        fit(*arguments)
        signal.raise_signal(signal.SIGINT)

    numnet.Trainer.fit = struck
    sys.path.insert(0, sys.argv[0].rpartition("/")[0])
    runpy.run_path(sys.argv[0], run_name="__main__")
"""


def test_ctrl_c_ends_with_130_and_the_checkpoint(tmp_path: Path) -> None:
    options = [
        "--text",
        write_text(tmp_path),
        *TINY,
        "--steps",
        10**6,
        "--checkpoint",
        tmp_path,
        "--json",
        tmp_path / "a.json",
    ]
    command = [sys.executable, str(CHAR_LM), *map(str, options)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8", env=environment
    ) as running:
        assert running.stderr is not None
        while "validation" not in running.stderr.readline():
            assert running.poll() is None
        running.send_signal(signal.SIGINT)
        _, errors = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "--resume" in errors
    assert "Traceback" not in errors
    steps = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))["steps"]
    char_lm(*options, "--resume", "--steps", steps + 1)
    assert steps > 0


@pytest.mark.parametrize("moment", ["before", "after"])
def test_ctrl_c_outside_of_training_ends_with_130(moment: str, tmp_path: Path) -> None:
    options = ["--text", write_text(tmp_path), *TINY, "--steps", 2, "--checkpoint", tmp_path / "run"]
    done = python("-c", STRUCK, moment, CHAR_LM, *options)
    assert (done.returncode, "Traceback" in done.stderr) == (130, False), done.stderr
    assert (tmp_path / "run" / "last.npz").exists() == (moment == "after")
