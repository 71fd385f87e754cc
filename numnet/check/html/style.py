"""The style sheet of a report: colours for light and dark, and rules that apply only inside its own box."""

from __future__ import annotations

from numnet.check.html.heatmap import LEVELS

# e0 to e8 are the shades of errors: a larger error contrasts more with the background.
LIGHT = """paper #fff, ink #1c2126, dim #5f6b76, line #dfe3e8, code #f5f6f8, good #0b7a66, bad #b3122a,
    right #b5e0d6, on-right #0a5a4b, low #3a1500, high #fff, e0 #fff1b8, e1 #fee08f, e2 #fdc566, e3 #fda24a,
    e4 #f97d3a, e5 #ee5430, e6 #d92b27, e7 #b00d2b, e8 #7a0027"""
DARK = """paper #15181c, ink #e6e9ec, dim #98a3ae, line #31373e, code #1e2227, good #4cc7ae, bad #ff7b81,
    right #14463d, on-right #86d8c5, low #ffe9d6, high #2a0d00, e0 #43191c, e1 #5e1c20, e2 #7d2022, e3 #a22b22,
    e4 #c54220, e5 #e2621f, e6 #f38a33, e7 #fbb658, e8 #ffe6a1"""

PAGE = """body { margin: 0; }
body > .numnet-check { min-height: 100vh; box-sizing: border-box; border-radius: 0;
    padding: 2.5rem max(1.25rem, 50% - 31rem); }
@media print { body > .numnet-check { padding: 0; min-height: 0; } }"""

# & stands for the report's own box, so no rule applies outside it.
RULES = """
& { background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, "Segoe UI", Roboto, sans-serif;
    padding: 18px 22px; border-radius: 8px; overflow-wrap: anywhere; }
& h1, & h2, & h3, & p, & figure { margin: 0; padding: 0; color: inherit; border: 0; }
& h1 { font-size: 1.6em; line-height: 1.25; font-weight: 650; }
& h2 { font-size: 1.12em; font-weight: 650; margin: 2.2em 0 .9em; padding-top: 1.1em;
    border-top: 1px solid var(--line); }
& h3 { font-size: .95em; font-weight: 600; margin-bottom: .5em; }
& .verdict { display: inline-block; font-size: .6em; line-height: 1; padding: .35em .7em; border: 1.5px solid;
    border-radius: 1em; vertical-align: .25em; margin-left: .4em; letter-spacing: .04em; }
& .verdict.good, & tr.good th span { color: var(--good); }
& .verdict.bad { color: var(--bad); }
& .summary { font-size: 1.1em; margin-top: .35em; }
& .dim, & figcaption { color: var(--dim); font-size: .88em; }
& .finding { border-left: 3px solid var(--bad); padding: .1em 0 .1em 1em; margin-top: 1.5em; }
& .finding p { font-size: 1.07em; font-weight: 550; white-space: pre-line; }
& .scroll { overflow-x: auto; max-width: 100%; }
& .scroll + .dim { margin-top: .7em; }
& table { border-collapse: collapse; border: 0; margin: 0; font-size: 14px; font-variant-numeric: tabular-nums; }
& tbody tr:nth-child(n) { background: none; color: var(--ink); }
& tr th, & tr td { padding: 5px 0 5px 28px; border: 0; max-width: none; text-align: right; white-space: nowrap;
    font-weight: 400; }
& tr > :first-child { padding-left: 0; text-align: left; }
& tr > :last-child { text-align: left; }
& thead th { color: var(--dim); font-size: 13px; border-bottom: 1px solid var(--line); }
& tbody tr + tr > * { border-top: 1px solid var(--line); }
& tr.good td { color: var(--dim); }
& tr.bad .error, & tr.bad th { color: var(--bad); font-weight: 600; }
& tbody th, & tbody td, & td code {
    font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
& .lines { background: var(--code); border-radius: 6px; padding: 7px 14px; margin-top: 8px; width: fit-content;
    box-sizing: border-box; }
& .lines tr > td { padding: 2px 0 2px 20px; text-align: left; border: 0; }
& .lines tr > :first-child { padding-left: 0; }
& .lines .dim { font-size: 1em; }
& .lines td code { white-space: pre; background: none; color: inherit; padding: 0; font-size: 1em; }
& .legend { display: flex; flex-wrap: wrap; gap: .3em 2em; margin-bottom: 1.6em; color: var(--dim); font-size: .88em; }
& .legend span { white-space: nowrap; }
& .legend svg { vertical-align: -2px; margin: 0 .3em 0 0; }
& .legend span:nth-child(2) svg { margin-left: .3em; }
& .figures { display: flex; flex-wrap: wrap; gap: 2em 3em; align-items: flex-start; }
& figure { max-width: 100%; min-width: 0; break-inside: avoid; }
& figcaption { margin-top: .5em; max-width: 27em; }
& svg { display: inline-block; max-width: none; }
& .scroll svg { display: block; }
& text { fill: var(--ink); font-size: 11.5px; dominant-baseline: central; font-variant-numeric: tabular-nums; }
& .end { text-anchor: end; }
& .mid { text-anchor: middle; }
& .label { fill: var(--dim); }
& .block { font-size: 14px; font-weight: 600; }
& .marked { fill: var(--bad); font-weight: 700; }
& .none { fill: var(--code); stroke: var(--line); }
& .few { stroke: none; }
& .cell { shape-rendering: crispEdges; }
& .edge { stroke: var(--ink); stroke-width: 1.2; }
& .ring { fill: none; stroke: var(--ink); stroke-width: 2; }
& rect.right, & path.right { fill: var(--right); }
& text.right { fill: var(--on-right); }
@media print {
    & h2, & h3, & .legend { break-after: avoid; }
    & .scroll { overflow: visible; }
    & .figures { display: block; }
    & figure { display: inline-block; vertical-align: top; margin: 0 2em 1.5em 0; }
}
"""


def style() -> str:
    """Return the style sheet; the theme is the notebook's if it declares one, else the browser's."""
    light, dark = variables(LIGHT), variables(DARK)
    themes = (
        f"& {light}\n@media screen {{\n    @media (prefers-color-scheme: dark) {{ & {dark} }}\n"
        f'    [data-jp-theme-light="true"] & {light}\n    [data-jp-theme-light="false"] & {dark}\n}}'
    )
    shades = (
        f"& rect.e{k}, & path.e{k} {{ fill: var(--e{k}); }}\n& text.e{k} {{ fill: var(--{ink(k)}); }}\n"
        for k in range(LEVELS)
    )
    return (themes + RULES + "".join(shades)).replace("&", ".numnet-check")


def variables(colours: str) -> str:
    """Return names and colours as a block of CSS variables."""
    return "{ " + " ".join(f"--{name}: {colour};" for name, colour in map(str.split, colours.split(","))) + " }"


def ink(k: int) -> str:
    """Return the variable of the text colour that is readable on shade k."""
    return "high" if k > LEVELS // 2 else "low"
