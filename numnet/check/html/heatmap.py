"""A matrix of errors as an SVG heat map: right, the error on a log scale, or not measured. style.py has the colours."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from numnet.core.operation import Array

LEVELS = 9  # shades of errors, from the tolerance to 1
MOST = 64  # cells per side; in a larger matrix a cell is the largest error of a block
ROOM = 12  # cells per side up to which the numbers are printed
LETTER = 7.2  # pixels, the width of a wide letter
Ticks = Sequence[tuple[int, str]]
About = Callable[[int, int], str]


@dataclass(frozen=True)
class Axis:
    """One axis of a heat map: its label, the names of its cells (default: numbers), the names of equal blocks."""

    label: str = ""
    names: Sequence[str] = ()
    blocks: Sequence[str] = ()
    marked: Sequence[str] = ()  # the names to highlight

    def starts(self, n: int) -> list[int]:
        """Return the first index of every cell: at most MOST cells, and no cell spans two blocks."""
        parts = len(self.blocks) or 1
        size = n // parts
        step = math.ceil(size / max(1, MOST // parts))
        return [block * size + k for block in range(parts) for k in range(0, size, step)]

    def ticks(self, starts: Sequence[int], room: float) -> list[tuple[int, str]]:
        """Return the cells to label and their labels: every cell, or every k-th if they are narrow."""
        if self.names:
            return [(k, self.names[start]) for k, start in enumerate(starts)]
        every = next(k for k in (1, 2, 5, 10, 20, 50, MOST) if k >= room or k == MOST)
        return [(k, str(starts[k])) for k in range(0, len(starts), every)]


@dataclass(frozen=True)
class Frame:
    """The geometry in pixels: the first cell is at (`left`, `top`), each is w by h; n rows, m columns."""

    left: float
    top: float
    w: int
    h: int
    n: int
    m: int

    @property
    def right(self) -> float:
        return self.left + self.w * self.m

    @property
    def bottom(self) -> float:
        return self.top + self.h * self.n


def heat_map(
    errors: Array,
    tolerance: float,
    rows: Axis,
    columns: Axis,
    numbers: bool = False,
    ring: Sequence[int] | None = None,
    about: About | None = None,
) -> str:
    """Return SVG of errors (n, m), NaN if missing; a ring marks one cell; about(i, j) is the tooltip of a cell."""
    down, across = rows.starts(errors.shape[0]), columns.starts(errors.shape[1])
    cells = np.fmax.reduceat(np.fmax.reduceat(errors, down, axis=0), across, axis=1)
    w, h = cell_size(cells.shape, columns, numbers)
    row_ticks = rows.ticks(down, 14 / h)
    column_ticks = columns.ticks(across, (LETTER * len(str(across[-1])) + 4) / w)
    names = int(max(len(name) for _, name in row_ticks) * LETTER) + 10
    left = names + 18 * bool(rows.label) + (max(map(len, rows.blocks)) * 9 + 10 if rows.blocks else 0)
    frame = Frame(left, 18 + 18 * bool(columns.label), w, h, *cells.shape)
    drawn = (
        small_cells(frame, cells, tolerance) if min(w, h) < 9 else large_cells(frame, cells, tolerance, numbers, about)
    )
    parts = [*sides(frame, rows, row_ticks, columns, column_ticks), *drawn, *block_marks(frame, rows, left - names)]
    if ring is not None:
        i, j = (int(np.searchsorted(starts, at, "right")) - 1 for starts, at in zip((down, across), ring))
        parts.append(f'<rect class="ring" x="{left + j * w:g}" y="{frame.top + i * h:g}" width="{w}" height="{h}"/>')
    width = max(frame.right, left + len(columns.label) * LETTER) + 4
    return svg(width, max(frame.bottom, frame.top + len(rows.label) * LETTER) + 4, "".join(parts))


def cell_size(shape: tuple[int, ...], columns: Axis, numbers: bool) -> tuple[int, int]:
    """Return width and height of a cell in pixels."""
    if numbers:
        return int(max([44, *(len(name) * LETTER + 10 for name in columns.names)])), 26
    h, w = (min(18, max(5, 400 // n)) for n in shape)
    return w, h


def sides(frame: Frame, rows: Axis, row_ticks: Ticks, columns: Axis, column_ticks: Ticks) -> Iterator[str]:
    """Yield the labels of both axes, above and at the left, and the names of the cells."""
    left, top = frame.left, frame.top
    yield text(left, 9, columns.label, "label")
    yield text(9, top, rows.label, "end label", f' transform="rotate(-90 9 {top:g})"')
    for k, name in row_ticks:
        yield text(left - 7, top + (k + 0.5) * frame.h, name, f"end{marked(rows, name)}")
    for k, name in column_ticks:
        yield text(left + (k + 0.5) * frame.w, top - 9, name, f"mid{marked(columns, name)}")


def large_cells(frame: Frame, cells: Array, tolerance: float, numbers: bool, about: About | None) -> Iterator[str]:
    """Yield one coloured box per number, with the number printed in it if `numbers`."""
    w, h = frame.w - 1, frame.h - 1
    for i, j in np.ndindex(cells.shape):
        x, y, error = frame.left + j * frame.w, frame.top + i * frame.h, float(cells[i, j])
        if math.isnan(error):
            yield no_box(x, y, w, h)
            continue
        yield box(level(error, tolerance), x, y, w, h, about(i, j) if about else "")
        if numbers:
            yield text(x + w / 2, y + h / 2, short(error), f"mid {level(error, tolerance)}")


def small_cells(frame: Frame, cells: Array, tolerance: float) -> Iterator[str]:
    """Yield one path for all boxes of one colour, on a grey background for missing numbers."""
    w, h, paths = frame.w, frame.h, dict[str, list[str]]()
    for i, j in np.argwhere(~np.isnan(cells)):
        at = f"M{frame.left + j * w:g} {frame.top + i * h:g}h{w}v{h}h{-w}z"
        paths.setdefault(level(float(cells[i, j]), tolerance), []).append(at)
    yield box("none few", frame.left, frame.top, frame.right - frame.left, frame.bottom - frame.top)
    yield from (f'<path class="cell {kind}" d="{"".join(paths[kind])}"/>' for kind in sorted(paths))


def box(kind: str, x: float, y: float, w: float, h: float, tooltip: str = "") -> str:
    """Return a coloured cell with its tooltip."""
    title = f"<title>{escape(tooltip)}</title>" if tooltip else ""
    return f'<rect class="cell {kind}" x="{x:g}" y="{y:g}" width="{w:g}" height="{h:g}">{title}</rect>'


def no_box(x: float, y: float, w: float, h: float) -> str:
    """Return a cell without a number; a large one is crossed out."""
    if h < 13:
        return box("none few", x, y, w, h)
    return (
        f'<path class="cell none" d="M{x + 0.5:g} {y + h - 0.5:g}v{1 - h:g}h{w - 1:g}v{h - 1:g}zl{w - 1:g} {1 - h:g}"/>'
    )


def level(error: float, tolerance: float) -> str:
    """Return the class of a cell: right, or e0 (just above the tolerance) to e8 (1 or more)."""
    if error <= tolerance:
        return "right"
    if not error < 1:
        return f"e{LEVELS - 1}"
    decades = -math.log10(tolerance) if 0 < tolerance < 0.1 else 7
    return f"e{min(max(int((math.log10(error) / decades + 1) * (LEVELS - 1)), 0), LEVELS - 2)}"


def short(error: float) -> str:
    """Return the error with at most two digits."""
    if not math.isfinite(error):
        return "∞"
    if error == 0 or 0.01 <= error < 99.5:
        return f"{error:.2g}"
    return f"{error:.0e}".replace("e-0", "e-").replace("e+0", "e").replace("e+", "e")


def block_marks(frame: Frame, rows: Axis, x: float) -> Iterator[str]:
    """Yield lines between the blocks of rows, starting at x, and the names of the blocks."""
    each = (frame.bottom - frame.top) / max(len(rows.blocks), 1)
    for k, name in enumerate(rows.blocks):
        y = frame.top + k * each
        yield text(x - 2, y + each / 2, name, f"end block{marked(rows, name)}")
        if k:
            y -= 0.5
            yield f'<path class="edge" d="M{x - 14:g} {y:g}H{x + 2:g}M{frame.left:g} {y:g}H{frame.right:g}"/>'


def marked(axis: Axis, name: str) -> str:
    """Return the class of a highlighted name, else ""."""
    return " marked" if name in axis.marked else ""


def text(x: float, y: float, words: str, kind: str, more: str = "") -> str:
    """Return text at (x, y)."""
    return f'<text class="{kind}" x="{x:g}" y="{y:g}"{more}>{escape(words)}</text>' if words else ""


def svg(width: float, height: float, inside: str) -> str:
    """Return a picture of this size in pixels."""
    size = f'width="{width:.0f}" height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}"'
    return f"<svg {size}>{inside}</svg>"


def legend(tolerance: float) -> str:
    """Return the legend of the colours."""
    right = svg(18, 14, box("right", 0, 0, 18, 14))
    ramp = svg(13 * LEVELS, 14, "".join(box(f"e{k}", 13 * k, 0, 13, 14) for k in range(LEVELS)))
    none = svg(18, 14, no_box(0, 0, 18, 14))
    return (
        f"<span>{right} right: {tolerance:g} or less</span><span>{tolerance:g} {ramp} 1 or more</span>"
        f"<span>{none} no gradient expected, or not measured</span>"
    )
