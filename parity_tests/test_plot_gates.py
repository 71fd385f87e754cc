"""The picture of a trace: the numbers of its heat maps, its labels, and one line for wrong arguments."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from examples import looking_inside
from parity_tests.small import both, lstm

X = np.random.default_rng(0).standard_normal((2, 6, 4))


def images(figure: Any) -> dict[str, Any]:
    """The numbers of each heat map by its title."""
    return {axes.get_title(loc="left"): axes.images[0].get_array() for axes in figure.axes if axes.images}


def test_the_heat_maps_are_the_arrays_of_the_real_steps(net: Any) -> None:
    t = lstm(net).trace(X, lengths=[6, 3])
    found = images(net.plot_gates(t, row=1))
    assert list(found) == ["i", "f", "g", "o", "h", "c"]
    for name, image in found.items():
        np.testing.assert_array_equal(image, t[name][1, :3].T)
    limits = [axes.images[0].get_clim() for axes in net.plot_gates(t, names=["f", "c"]).axes if axes.images]
    assert limits[0] == (0, 1)
    assert limits[1][0] == -limits[1][1]
    turned = lstm(net, batch_first=False).trace(X.swapaxes(0, 1))
    assert images(net.plot_gates(turned, names=["f"]))["f"].shape == (5, 6)
    assert list(images(net.plot_gates(both(net).trace(X), names=["forwards.z", "backwards.z"]))) == [
        "forwards.z",
        "backwards.z",
    ]


def test_tokens_are_written_below_the_steps(net: Any) -> None:
    t = lstm(net).trace(X, lengths=[6, 3])
    for tokens, expected in (("a b\n", ["a", "\u2423", "b"]), (["the", "cat", "sat"], ["the", "cat", "sat"])):
        axes = [axes for axes in net.plot_gates(t, tokens, ["f"], row=1).axes if axes.images][-1]
        assert [label.get_text() for label in axes.get_xticklabels()] == expected
        assert list(axes.get_xticks()) == [0, 1, 2]
    long = net.plot_gates(lstm(net).trace(np.zeros((1, 250, 4))), "x" * 250, ["f"])
    assert len(long.axes[0].get_xticks()) <= 100


WRONG = [
    ({"trace": {"f": X}}, "plot_gates: trace is dict, expected a Trace. Pass layer.trace(x)."),
    ({"tokens": "ab"}, "plot_gates: tokens has 2 texts, expected 6: one for each step."),
    ({"tokens": "ab", "row": 1}, "plot_gates: tokens has 2 texts, expected 3 to 6: one for each step."),
    ({"names": ["q"]}, "plot_gates: names has 'q', expected names of the trace: i, f, g, o, h, c,"),
    ({"names": []}, "plot_gates: there are no names, expected at least one, such as 'h'."),
    ({"row": 2}, "plot_gates: row is 2, expected 0 to 1: the batch has 2 sequences."),
]


@pytest.mark.parametrize(("wrong", "words"), WRONG, ids=lambda value: str(value)[:30])
def test_wrong_arguments_are_answered_in_one_line(wrong: dict[str, Any], words: str, net: Any) -> None:
    given = {"trace": lstm(net).trace(X, lengths=[6, 3]), **wrong}
    with pytest.raises((ValueError, TypeError)) as error:
        net.plot_gates(**given)
    assert str(error.value).startswith(words)
    empty = lstm(net).trace(X, lengths=[6, 0])
    with pytest.raises(ValueError, match="plot_gates: the sequence has 0 steps, expected at least one"):
        net.plot_gates(empty, row=1)


def test_without_matplotlib_one_line_names_the_command(net: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"^A plot needs matplotlib: pip install 'numnet\[examples\]'$"):
        net.plot_gates(lstm(net).trace(X))


def test_the_program_draws_its_pictures(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [tmp_path / f"{name}.png" for name in ("norms", "gates", "rates")]
    options = [f"--plot-{file.stem}={file}" for file in files]
    monkeypatch.setattr(sys, "argv", ["looking_inside.py", *options])
    monkeypatch.setattr(looking_inside, "LAYERS", {"LSTM": looking_inside.LAYERS["LSTM"]})
    monkeypatch.setattr(looking_inside.model_of_quotes, "__defaults__", (3,))
    looking_inside.main()
    assert all(file.read_bytes().startswith(b"\x89PNG") for file in files)
    assert "1.6e-01   1.5e-03   2.4e-11   7.5e-21" in capsys.readouterr().out
