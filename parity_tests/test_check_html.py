"""The HTML page of a report: well-formed, self-contained, repeatable, with pictures that agree with the numbers."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

from numnet.check.engine.finding import Finding
from numnet.check.engine.source import Line
from numnet.check.html.heatmap import MOST, level, short
from numnet.check.html.page import body, page
from numnet.check.report import Report, row_of

VOID, T = {"meta"}, 5
GATES = ("i", "f", "g", "o")
LINE = Line("nodes/lstm.py", 72, "c = f * c_prev if i < f else g", ("4",))


class Elements(HTMLParser):
    """All elements as (name, attributes, direct text); asserts that tags are properly nested."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str | None], list[str]]] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs), []))
        self.open += [] if tag in VOID else [tag]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.found:
            self.found[-1][2].append(data)


def row(name: str, shape: tuple[int, ...], spoil: Any, tolerance: float = 1e-7) -> Any:
    reference = np.random.default_rng(0).standard_normal(shape)
    return row_of(name, spoil(reference.copy()), reference, 0.1, tolerance)


def second_gate(d: Any) -> Any:
    d[6:12] *= 2
    return d


def wrong(**changes: Any) -> Report:
    """Return the report of an LSTM layer whose gate f is wrong."""
    rows = [row("W_h", (24, 6), second_gate), row("b", (24,), second_gate), row("x", (3, T, 4), lambda d: 2 * d)]
    by_step = np.where(np.tri(T) > 0, 10.0 ** -np.arange(T * T).reshape(T, T), np.nan)
    finding = Finding("∂c/∂f = c' is taken as 2 times it", "factor", ("W_h",), ("f",), "4", LINE, (LINE,))
    given = {
        "rows": rows,
        "by_step": by_step,
        "findings": [finding],
        "time": {"x": 1},
        "gates": {"W_h": GATES, "b": GATES},
    }
    return Report(**{"name": "RecurrentLayer", "against": "differences", "tolerance": 1e-7, **given, **changes})


def right() -> Report:
    return wrong(rows=[row("W_h", (24, 6), lambda d: d)], findings=[], by_step=None)


def figure(page: str, title: str) -> str:
    """Return one figure of a page."""
    return re.split("</figure>", page.split(f"<h3>{title}</h3>")[1])[0]


@pytest.mark.parametrize("report", [wrong(), right()], ids=["wrong", "right"])
@pytest.mark.parametrize("write", [page, body])
def test_all_tags_are_closed(write: Any, report: Report) -> None:
    assert Elements(write(report)).open == []


def test_the_page_is_self_contained() -> None:
    text = page(wrong())
    assert '<meta charset="utf-8">' in text
    assert not re.search(r"https?:|<script|<link|url\(|@import|src=", text)


def test_all_style_rules_are_inside_the_box() -> None:
    rules = body(wrong()).partition("<style>")[2].partition("</style>")[0]
    for selectors in re.findall(r"([^{}]+)\{[^{}]*\}", rules):
        assert all(".numnet-check" in selector for selector in selectors.split(",")), selectors


def test_the_findings_come_first() -> None:
    text = page(wrong())
    order = [
        "WRONG",
        "∂c/∂f = c&#x27; is taken as 2 times it",
        "lstm.py:72",
        "Tensor by tensor",
        ">dx, by step of the loss",
    ]
    order += [">dx, by row and step", "Error by gate", "<h3>dW_h</h3>", "<h3>db</h3>"]
    places = [text.index(words) for words in order]
    assert places == sorted(places)
    assert "<code>c = f * c_prev if i &lt; f else g</code>" in text


def test_a_right_report_has_no_pictures() -> None:
    text = page(right())
    assert "<svg" not in text
    assert "dW_h" in text
    assert "WRONG" not in text


def test_every_pair_of_steps_has_a_cell() -> None:
    drawn = figure(page(wrong()), "dx, by step of the loss")
    assert drawn.count('class="cell') == T * T
    assert drawn.count('class="cell none"') == T * (T - 1) // 2
    assert ">1</text>" in drawn
    assert ">1e-6</text>" in drawn


def test_the_caption_names_the_side_of_carried_gradients() -> None:
    report = wrong()
    assert report.by_step is not None
    assert "cells below it are carried from step to step" in page(report)
    assert "cells above it are carried from step to step" in page(wrong(by_step=report.by_step.T))
    assert "cells beside it are carried from step to step" in page(wrong(by_step=np.ones((T, T))))


def test_the_wrong_gate_is_marked_and_the_others_are_right() -> None:
    text = page(wrong())
    found = Elements(figure(text, "Parameters, by gate")).found
    assert [words for _, attrs, words in found if attrs.get("class") == "mid marked"] == [["f"]]
    cells = [attrs["class"] for _, attrs, _ in found if (attrs.get("class") or "").startswith("cell")]
    assert [kind == "cell right" for kind in cells] == [True, False, True, True] * 2
    assert figure(text, "dW_h").count("block marked") == 1


def test_the_tooltip_has_the_number_and_the_expected_one() -> None:
    first = wrong().rows[0]
    assert first.ours is not None
    assert first.reference is not None
    tooltip = f"dW_h[6, 2] is {first.ours[6, 2]:.6g}, expected {first.reference[6, 2]:.6g}"
    assert f"<title>{tooltip}</title>" in figure(page(wrong()), "dW_h")


def test_names_are_escaped() -> None:
    report = wrong(name="<b>", rows=[row('<i>"&', (3, 3), lambda d: 2 * d)], findings=[Finding("<u> is wrong", "")])
    assert not {"b", "i", "u"} & {name for name, _, _ in Elements(page(report)).found}
    assert "d&lt;i&gt;&quot;&amp;" in page(report)


def no_numbers(d: Any) -> Any:
    d.flat[:3] = np.nan, np.inf, -np.inf
    return d


@pytest.mark.parametrize("shape", [(), (0,), (0, 5), (1,), (7,), (24, 0), (2, 3, 4, 5), (1, 3000), (500, 300)])
@pytest.mark.parametrize("spoil", [no_numbers, lambda d: d * 1e300, lambda d: d + 1], ids=["NaN", "huge", "off"])
def test_any_array_gives_a_page_of_bounded_size(shape: tuple[int, ...], spoil: Any) -> None:
    reference = np.random.default_rng(0).standard_normal(shape)
    with np.errstate(all="ignore"):
        ours = spoil(reference.copy()) if reference.size > 2 else reference + 1
        rows = [row_of(name, ours, reference, 0.1, 1e-7) for name in ("x", "W")]
    text = page(wrong(rows=rows, gates={"W": GATES, "x": ("i", "f")}, time={"x": 0}))
    assert Elements(text).open == []
    assert len(text) < 60 * MOST * MOST


def test_numbers_that_were_not_measured_are_not_shown_as_right() -> None:
    reference = np.ones((4, 4))
    reference[0] = np.nan
    drawn = figure(page(wrong(rows=[row_of("W", 2 * np.ones((4, 4)), reference, 0.1, 1e-7)], gates={})), "dW")
    assert drawn.count('class="cell none"') == 4
    assert 'class="cell right"' not in drawn


def test_a_long_sequence_is_drawn_by_its_largest_errors() -> None:
    by_step = np.full((200, 200), 1e-12)
    by_step[150, 3] = 0.5
    drawn = figure(page(wrong(by_step=by_step)), "dx, by step of the loss")
    assert "the largest error of its block" in drawn
    assert 'class="cell right"' in drawn
    assert f'class="cell {level(0.5, 1e-7)}"' in drawn


def test_shades_go_from_the_tolerance_to_one() -> None:
    kinds = [level(10.0**k, 1e-7) for k in np.arange(-8, 1.5, 0.25)]
    assert kinds == sorted(kinds, key=lambda kind: kind.replace("right", ""))
    assert {"right", *(f"e{k}" for k in range(9))} == set(kinds)
    assert level(np.nan, 1e-7) == level(np.inf, 1e-7) == "e8"
    assert [level(e, 0.5) for e in (0.4, 0.6, 2)] == ["right", "e7", "e8"]


@pytest.mark.parametrize(
    ("error", "text"), [(0, "0"), (0.3, "0.3"), (3.4e-11, "3e-11"), (2e-3, "2e-3"), (1e6, "1e6"), (np.inf, "∞")]
)
def test_numbers_in_cells_are_short(error: float, text: str) -> None:
    assert short(error) == text


def test_a_report_has_one_page() -> None:
    assert page(wrong()) == page(wrong())
    assert body(wrong()) in page(wrong())


def test_a_notebook_and_a_file_show_the_same(tmp_path: Any) -> None:
    wrong().html(tmp_path / "report.html")
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == page(wrong())
    assert wrong()._repr_html_() == body(wrong())
