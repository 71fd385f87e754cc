"""`python -m numnet.check`: status 0 for right, 1 with a report for wrong, 2 with a reason of one line otherwise."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from numnet.check.__main__ import main
from parity_tests.small import python

LEAKY = '''
import numpy as np
import numnet


class LeakyNode(numnet.Node):
    """n = tanh(a + W_h h')  (1),  h = h' + (n - h') / 4  (2)"""

    def step(self, a_x, h_prev):
        n = np.tanh(a_x + self.W_h @ h_prev)  # (1)
        h = h_prev + (n - h_prev) / 4  # (2)
        return h, (h,), (h_prev, n)

    def step_backward(self, dy, dh_next, saved):
        h_prev, n = saved
        dh = dy + dh_next
        da = dh / 4 * (1 - n * n)  # (2) (1)
        dh_prev = 3 / 4 * dh  # (2)
        dh_prev = dh_prev + self.W_h.T @ da  # (1)
        return da, (dh_prev,), {"W_h": (da, h_prev)}  # (1)
'''
WRONG_LEAKY = LEAKY.replace("3 / 4 * dh", "dh")
LAYERS = """
import numnet


class Mine(numnet.LSTMNode):
    pass


class Reversed(numnet.LSTMLayer):
    def __init__(self, hidden_size, input_size=None):
        super().__init__(hidden_size, input_size=input_size, reverse=True)
"""
TORCHNET_NODE = """
import torch
import torchnet


class TorchnetLeaky(torchnet.Node):
    def step(self, a_x, h_prev, drop=None):
        h = h_prev + (torch.tanh(a_x + self.W_h @ (h_prev if drop is None else h_prev * drop)) - h_prev) / 4
        return h, (h,)
"""
CUBE = """
import torch


class Cube(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, dy):
        (x,) = ctx.saved_tensors
        return 2 * x**2 * dy


class Cubes(torch.nn.Module):
    def __init__(self, input_size):
        super().__init__()
        self.input_size = input_size
        self.linear = torch.nn.Linear(input_size, 3)

    def forward(self, x):
        return Cube.apply(self.linear(x))


case = Cube, torch.linspace(-1, 1, 6)
"""
SEVERAL = """
import numpy as np
from numpy import tanh
import numnet


class Right(numnet.Operation):
    def forward(self, x):
        self.saved = tanh(x)
        return self.saved

    def backward(self, dy):
        return dy * (1 - self.saved**2)


class Wrong(Right):
    def backward(self, dy):
        return dy * (1 - self.saved)


class Scaled(Right):
    def __init__(self, gain):
        self.gain = gain


class Abstract(numnet.Operation):
    pass


class Split(Right):
    def backward(self, dy):
        return dy @ dy


class ForwardOnly(Right):
    backward = numnet.Operation.backward


class Exits(Right):
    def backward(self, dy):
        raise SystemExit(3)


class Nothing:
    pass


def forward(x, W):
    return tanh(x @ W)


def backward(dy, x, W):
    da = dy * (1 - tanh(x @ W) ** 2)
    return da @ W.T, x.T @ da


one = Right()
pair = forward, backward
case = pair, np.ones((3, 2)), np.eye(2)
given = one, np.ones((2, 7))


def make(D, hidden_size=1):
    return pair, np.full((3, D), 0.5), np.ones((D, hidden_size))


def scaled():
    return Scaled(gain=2)
"""


@dataclass
class Done:
    """The result of a command: exit status, stdout and stderr."""

    status: Any
    out: str
    err: str


@pytest.fixture
def check(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A function that runs the command on a target in a new folder, after it has written `text` to my.py."""
    modules = set(sys.modules)
    monkeypatch.setattr(sys, "path", list(sys.path))

    def run(text: str, target: str = "my.py", *options: Any) -> Done:
        (tmp_path / "my.py").write_text(dedent(text), encoding="utf-8")
        where = str(tmp_path / target) if ".py" in target else target
        try:
            status: Any = main([where, *map(str, options)])
        except SystemExit as error:
            status = error.code
        return Done(status, *capsys.readouterr())

    yield run
    for name in {name for name in sys.modules if name.removeprefix("checked ") in ("my", "beside")} - modules:
        del sys.modules[name]


def test_a_right_node_exits_with_0(tmp_path: Path) -> None:
    (tmp_path / "my.py").write_text(LEAKY, encoding="utf-8")
    done = python("-m", "numnet.check", tmp_path / "my.py:LeakyNode")
    assert (done.returncode, done.stderr) == (0, "")
    alone, layer = (line for line in done.stdout.splitlines() if line.startswith("LeakyNode"))
    assert alone.startswith("LeakyNode, one step at x (4, 3), h (6, 3): right: 5 tensors agree")
    assert layer.startswith("LeakyNode through time at x (3, 5, 4), lengths (3,), h (3, 6): right: 5 tensors agree")
    rows = [line.split()[0] for line in done.stdout.splitlines() if line.startswith("  ")]
    assert rows == ["tensor", "db", "dW_h", "dW_x", "dx", "dh"] * 2


def test_a_wrong_node_exits_with_1_and_the_report_marks_wrong_tensors(tmp_path: Path) -> None:
    (tmp_path / "my.py").write_text(WRONG_LEAKY, encoding="utf-8")
    done = python("-m", "numnet.check", tmp_path / "my.py:LeakyNode", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (1, "")
    alone, layer = done.stdout.split("LeakyNode through time")
    assert "WRONG: 1 of 5 tensors" in alone
    assert [line.split()[1] for line in alone.splitlines() if line.startswith("?")] == ["dh"]
    assert "WRONG: 5 of 5 tensors" in layer


def test_the_diagnosis_is_printed_with_the_line_it_names(check: Any) -> None:
    done = check(WRONG_LEAKY, "my.py:LeakyNode")
    assert "\n1. " in done.out
    assert "equation (2)" in done.out
    assert "my.py:11  h = h_prev + (n - h_prev) / 4" in done.out


def test_options_reach_the_check(check: Any) -> None:
    done = check(LEAKY, "my.py", "--sizes", "2,3,1,2", "--quiet")
    assert done.out.splitlines() == [
        "LeakyNode, one step at x (1, 2), h (2, 2): right: 5 tensors agree with finite differences",
        "LeakyNode through time at x (2, 3, 1), lengths (2,), h (2, 2): right: 5 tensors agree with finite differences",
    ]
    numbers = {seed: check(LEAKY, "my.py", "--seed", seed).out for seed in (0, 0, 1)}
    assert numbers[0] != numbers[1]
    assert numbers[0] == check(LEAKY, "my.py").out
    assert "[" in check(LEAKY, "my.py", "--full").out  # only a check of all numbers has indices of the largest errors
    assert check(LEAKY, "my.py", "--tolerance", "1e-18").status == 1


@pytest.mark.parametrize(
    ("name", "tensors"),
    [
        ("given", "x (2, 7)"), ("Right", "x (3, 5, 4)"), ("one", "x (3, 5, 4)"), ("case", "x (3, 2), W (2, 2)"),
        ("make", "x (3, 4), W (4, 6)"), ("scaled", "x (3, 5, 4)"),
    ],
)  # fmt: skip
def test_a_name_may_be_a_class_an_instance_a_pair_with_inputs_or_a_factory(name: str, tensors: str, check: Any) -> None:
    done = check(SEVERAL, f"my.py:{name}")
    assert (done.status, done.err) == (0, "")
    assert done.out.startswith(f"{name} at {tensors}: right")


def test_the_layers_of_a_package_are_constructed_with_their_sizes(check: Any) -> None:
    done = check("", "numnet.layers.dense:Dense", "--quiet")
    assert (done.status, done.err) == (0, "")
    assert done.out.startswith("Dense at x (3, 5, 4): right: 3 tensors")
    done = check("", "numnet.recurrent.layers", "--quiet")
    assert (done.status, done.err) == (0, "")
    kinds = [line.partition(" ")[0] for line in done.out.splitlines()]
    assert kinds == ["RNNLayer", "GRULayer", "LSTMLayer", "MGULayer", "IndRNNLayer"]


UNUSABLE = {
    "no file": ("", "mi.py:LeakyNode", [], ["mi.py: there is no such file. Did you mean", "my.py?"]),
    "no module": ("", "numnet.nodes:RNNNode", [], ["there is no module numnet.nodes, expected FILE.py:Name"]),
    "not a module name": ("", "numnet..node:X", [], ["'numnet..node' is not a module name, expected FILE.py:Name"]),
    "a folder": ("", "../", [], ["it is a folder, expected FILE.py:Name"]),
    "a name nearby": (LEAKY, "my.py:LeekyNode", [], ["there is no LeekyNode in it", "Did you mean LeakyNode?"]),
    "no name nearby": (LEAKY, "my.py:X", [], ["there is no X in it", "It has LeakyNode."]),
    "nothing to check": ("x = 1", "my.py", [], ["no class in it defines its own backward"]),
    "not checkable": (SEVERAL, "my.py:Nothing", [], ["Nothing", "has no forward and backward"]),
    "syntax": ("x = 1\nclass (", "my.py", [], ["my.py:2: SyntaxError: invalid syntax"]),
    "a null byte": ("\0", "my.py", [], ["SyntaxError"]),
    "raises on import": ("x = 1\ny = x / 0", "my.py", [], ["my.py:2: ZeroDivisionError: division by zero"]),
    "exits on import": ("import sys\nsys.exit()", "my.py", [], ["my.py:2 exits Python", "if __name__"]),
    "missing package": ("import torch_geometric_x", "my.py", [], ["my.py:1: ModuleNotFoundError", "torch_geometric_x"]),
    "relative import": ("from . import x", "my.py", [], ["my.py:1: ImportError", "package.module:Name"]),
    "requires more arguments": (
        SEVERAL, "my.py:Scaled", [], ["Scaled requires gain", "def make(): return Scaled(gain=...)"],
    ),
    "a constructor raises": (
        LEAKY + "\n    def __init__(self, H):\n        raise ValueError('no\\nH')",
        "my.py:LeakyNode", [], ["my.py:23 in __init__: ValueError: no H"],
    ),
    "backward raises": (SEVERAL, "my.py:Split", [], ["my.py:32 in backward: ValueError: matmul"]),
    "backward exits": (SEVERAL, "my.py:Exits", [], ["my.py:41 in backward exits Python"]),
    "no backward": (SEVERAL, "my.py:ForwardOnly", [], ["there is no backward, expected backward(dy) → dx"]),
    "a gradient of another shape": (
        SEVERAL.replace("dy @ dy", "dy[0]"), "my.py:Split", [], ["Split: dx is (5, 4), expected (3, 5, 4)"],
    ),
    "no inputs": (SEVERAL, "my.py:pair", [], ["the inputs", "case = (forward, backward), x, W"]),
    "no inputs of forward": (SEVERAL, "my.py:forward", [], ["the inputs", "case = (forward, backward), x, W"]),
    "too few sizes": (LEAKY, "my.py", ["--sizes", "3,5"], ["--sizes: '3,5' is not B,T,D,H, expected four integers"]),
    "a size of 0": (LEAKY, "my.py", ["--sizes", "3,5,0,6"], ["--sizes: '3,5,0,6' is not B,T,D,H"]),
    "a size in words": (LEAKY, "my.py", ["--sizes", "3,5,four,6"], ["'3,5,four,6' is not B,T,D,H"]),
    "a seed below 0": (LEAKY, "my.py", ["--seed=-1"], ["--seed: '-1' is not a seed, expected an integer, at least 0"]),
    "tolerance nan": (
        LEAKY, "my.py", ["--tolerance", "nan"], ["--tolerance: 'nan' is not a tolerance, expected a number above 0"],
    ),
    "a page that is a folder": (LEAKY, "my.py", ["--html", "/"], ["--html: / is a directory, expected a file"]),
    "an unknown option": (LEAKY, "my.py", ["--size", "3,5,4,6", "--fast"], ["unrecognized arguments: --fast"]),
    "against no file": (LEAKY, "my.py", ["--quiet", "--against", "/no/x.py:X"], ["--against /no/x.py:X: there is no"]),
    "against nothing": (LEAKY, "my.py", ["--quiet", "--against", "torch.nn.LTSM"], ["LTSM"]),
}  # fmt: skip


@pytest.mark.parametrize("case", UNUSABLE.values(), ids=UNUSABLE)
def test_unusable_targets_exit_with_2_and_one_line(case: Any, check: Any) -> None:
    text, target, options, words = case
    done = check(text, target, *options)
    assert done.status == 2, done.out
    assert done.err.count("\n") == 1, done.err
    assert done.err.startswith("numnet.check: ")
    for word in words:
        assert word in done.err


def test_traceback_prints_the_traceback(check: Any) -> None:
    done = check(SEVERAL, "my.py:Split", "--traceback")
    assert done.status == 2
    assert done.err.startswith("Traceback")
    assert "return dy @ dy" in done.err
    assert done.err.splitlines()[-1].startswith("numnet.check: ")


def test_without_a_name_every_class_of_the_file_is_checked(check: Any) -> None:
    done = check(SEVERAL, "my.py", "--quiet")
    assert [line.partition(" at ")[0] for line in done.out.splitlines()] == ["Right", "Wrong"]
    refused = [line.split(": ")[1].rpartition(":")[2] for line in done.err.splitlines()]
    assert refused == ["Scaled", "Split", "ForwardOnly", "Exits"]
    assert done.status == 1  # status 1 takes precedence over 2
    assert check(SEVERAL.replace("(1 - self.saved)", "(1 - self.saved**2)"), "my.py").status == 2


def test_a_pytorch_file_has_its_modules_checked_and_functions_with_given_x(check: Any) -> None:
    done = check(CUBE, "my.py", "--quiet")
    assert (done.status, done.err) == (1, "")
    assert done.out.startswith("Cubes at x (3, 5, 4): WRONG: 3 of 3 tensors")
    assert check(CUBE.replace("2 * x", "3 * x"), "my.py").status == 0
    done = check(CUBE, "my.py:case", "--quiet")
    assert done.status == 1
    assert done.out.startswith("case at x (6,): WRONG: 1 of 1 tensors")
    assert check(CUBE, "my.py:Cube").status == 2


def test_a_file_imports_its_neighbours_and_is_reloaded(check: Any, tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text(LEAKY, encoding="utf-8")
    text = "from beside import LeakyNode\nclass Mine(LeakyNode):\n    pass\n"
    assert check(text, "my.py:Mine").status == 0
    wrong = "    def step_backward(self, dy, *rest):\n        return super().step_backward(2 * dy, *rest)\n"
    assert check(text.replace("    pass\n", wrong), "my.py:Mine").status == 1
    assert check(text, "my.py:Mine").status == 0


def test_each_warning_is_one_line_printed_once(check: Any) -> None:
    loud = SEVERAL.replace("self.saved = tanh(x)", "self.saved = tanh(x); np.log(-np.ones(1))")
    done = check(loud, "my.py:Right", "--quiet")
    assert (done.status, done.err) == (0, "numnet.check: my.py:9: RuntimeWarning: invalid value encountered in log\n")


def test_html_writes_a_page_for_each_report(check: Any, tmp_path: Path) -> None:
    done = check(WRONG_LEAKY, "my.py", "--html", tmp_path / "new" / "page.html")
    pages = sorted((tmp_path / "new").iterdir())
    assert [page.name for page in pages] == ["page-2.html", "page.html"]
    assert [f"Written: {page}" in done.out for page in pages] == [True, True]
    layer, alone = (page.read_text(encoding="utf-8") for page in pages)
    assert "LeakyNode, one step" in alone
    assert "LeakyNode through time" in layer


def test_against_compares_with_another_implementation(check: Any) -> None:
    done = check(LAYERS, "my.py:Mine", "--against", "torch.nn.LSTM", "--quiet")
    assert (done.status, done.err) == (0, "")
    assert [" right: " in line for line in done.out.splitlines()] == [True] * 3
    assert "torch.nn.LSTM" in done.out.splitlines()[-1]
    done = check(LAYERS, "my.py:Reversed", "--against", "torch.nn.LSTM", "--quiet")
    assert (done.status, done.err) == (1, "")
    gradients, same = done.out.splitlines()
    assert ": right: " in gradients
    assert ": WRONG" in same


def test_against_may_name_a_class_in_another_module(check: Any) -> None:
    assert check(LAYERS, "my.py:Mine", "--against", "numnet.recurrent.layers:LSTMLayer").status == 0
    done = check(LAYERS, "my.py:Reversed", "--against", "numnet.recurrent.layers:LSTMLayer", "--quiet")
    assert done.status == 1
    assert done.out.rstrip().endswith("WRONG: 9 of 9 tensors differ from LSTMLayer")


def test_against_a_torchnet_node_compares_both_over_time(check: Any, tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text(TORCHNET_NODE, encoding="utf-8")
    done = check(LEAKY, "my.py:LeakyNode", "--against", f"{tmp_path}/beside.py:TorchnetLeaky", "--quiet")
    assert (done.status, done.err) == (0, "")
    assert done.out.rstrip().endswith("agree with TorchnetLeaky through time")
    other = LEAKY.replace("(n - h_prev) / 4", "(n - h_prev) / 3").replace("dh / 4", "dh / 3").replace("3 / 4", "2 / 3")
    done = check(other, "my.py:LeakyNode", "--against", f"{tmp_path}/beside.py:TorchnetLeaky", "--quiet")
    assert (done.status, done.err) == (1, "")
    assert [" right: " in line for line in done.out.splitlines()] == [True, True, False]


def test_without_torch_the_message_names_the_install_command(tmp_path: Path) -> None:
    bare = "import runpy, sys; sys.modules['torch'] = None; runpy.run_module('numnet.check', run_name='__main__')"
    (tmp_path / "my.py").write_text(LAYERS, encoding="utf-8")
    done = python("-c", bare, tmp_path / "my.py:Mine", "--quiet", "--against", "torch.nn.LSTM")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert done.stdout.count(" right: ") == 2  # the gradient checks need only numpy
    assert "pip install 'numnet[torch]'" in done.stderr
    (tmp_path / "my.py").write_text("import torch", encoding="utf-8")
    done = python("-c", bare, tmp_path / "my.py")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert "my.py:1: ModuleNotFoundError" in done.stderr
    assert "pip install 'numnet[torch]'" in done.stderr


def test_help_has_examples_and_the_exit_status(check: Any) -> None:
    done = check("", "--help")
    assert done.status == 0
    assert "python -m numnet.check my_nodes.py:MyNode --against torch.nn.LSTM" in done.out
    assert "0 right; 1 wrong" in done.out
