"""A report as a self-contained HTML page or as notebook output: findings, tensors, pictures."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from numnet.check.engine.finding import Finding
from numnet.check.html.heatmap import legend
from numnet.check.html.pictures import pictures
from numnet.check.html.style import PAGE, style

if TYPE_CHECKING:
    from numnet.check.report import Report, Row

HEAD = """<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">"""


def page(report: Report) -> str:
    """Return the whole document."""
    head = f"{HEAD}\n{tag('title', escape(report.headline))}\n{tag('style', PAGE)}"
    return f'<!DOCTYPE html>\n<html lang="en">\n<head>\n{head}\n</head>\n<body>\n{body(report)}\n</body>\n</html>\n'


def body(report: Report) -> str:
    """Return the report as a box with its own style sheet."""
    findings = map(finding_html, report.findings)
    parts = [tag("style", style()), headline(report), *findings, tag("h2", "Tensor by tensor")]
    parts.append(table(report))
    drawn = [(heading, figures) for heading, figures in pictures(report) if figures]
    for k, (heading, figures) in enumerate(drawn):
        key = "" if k else tag("p", legend(report.tolerance), "legend")
        parts.append(tag("h2", heading) + key + tag("div", "\n".join(figures), "figures"))
    return tag("div", "\n".join(["", *parts, ""]), "numnet-check")


def tag(name: str, inside: str, kind: str = "") -> str:
    """Return an element with this class; `inside` is HTML."""
    return f'<{name} class="{kind}">{inside}</{name}>' if kind else f"<{name}>{inside}</{name}>"


def headline(report: Report) -> str:
    """Return name and verdict, then the sizes and the tolerance."""
    word, kind = ("right", "good") if report.passed else ("WRONG", "bad")
    sizes = f" at {report.sizes}" if report.sizes else ""
    verdict = report.headline.removeprefix(f"{report.name}{sizes}: ").removeprefix(word).lstrip(":, ")
    allowed = f"an error of {report.tolerance:g} relative to a tensor's norm is allowed."
    return (
        tag("h1", f"{escape(report.name)} {tag('span', word, f'verdict {kind}')}")
        + tag("p", escape(verdict), "summary")
        + tag("p", escape(f"Checked{sizes}; {allowed}"), "dim")
    )


def finding_html(finding: Finding) -> str:
    """Return the text of a finding and the lines of code that it names."""
    named = [("forward", finding.forward)] if finding.forward is not None else []
    named += [("back", line) for line in finding.back]
    rows = [
        tag(
            "tr",
            tag("td", way, "dim") + tag("td", escape(str(line)), "dim") + tag("td", tag("code", escape(line.text))),
        )
        for way, line in named
    ]
    lines = tag("div", tag("table", tag("tbody", "".join(rows))), "scroll lines") if rows else ""
    return tag("div", tag("p", escape(finding.text)) + lines, "finding")


def table(report: Report) -> str:
    """Return the table: one row per tensor, with its number that has the largest error."""
    heads = "".join(tag("th", head) for head in ("tensor", "error", "largest", "got", "expected", "at"))
    rows = "\n".join(map(table_row, report.rows))
    whole = tag("div", tag("table", tag("thead", tag("tr", heads)) + tag("tbody", rows)), "scroll")
    along = any(row.at is None for row in report.rows)
    return whole + (tag("p", "No index: the derivative along one random direction.", "dim") if along else "")


def table_row(row: Row) -> str:
    """Return one row: name, error, and the number with the largest error."""
    name = f"{tag('span', '✓' if row.passed else '✗')} {escape(row.title)}"
    numbers = (
        f"{row.largest:.1e}",
        f"{row.got:.6g}",
        f"{row.expected:.6g}",
        "" if row.at is None else str(list(row.at)),
    )
    cells = tag("th", name) + tag("td", f"{row.error:.1e}", "error") + "".join(tag("td", number) for number in numbers)
    return tag("tr", cells, "good" if row.passed else "bad")
