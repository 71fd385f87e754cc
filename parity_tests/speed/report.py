"""What the benchmark found: lines for the terminal, tables for docs/speed.md and README.md."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from parity_tests.speed.goals import GOALS, LAYER_ALONE, Record, Row, one_layer, ratio

ROOT = Path(__file__).parent.parent.parent
RECORDS = ROOT / "docs" / "speed"
MARKS = ("<!-- figures: python -m parity_tests.speed --write -->", "<!-- end of figures -->")
Column = tuple[str, Callable[[Row], str]]


TREES = [("numnet", "products"), ("torchnet", "products"), ("numnet", "LSTM"), ("one at a time", "numnet")]


def line(row: Row) -> str:
    """One row for the terminal: best (median) of each, and the ratios to torch, or of the plain form to the kernel."""
    what = " ".join(str(row[key]) for key in ("table", "pass", "precision") if key in row)
    found = "  ".join(f"{who} {best:.3f} ({row['median'][who]:.3f})" for who, best in row["best"].items())
    pairs = [("numnet", "torch"), ("torchnet", "torch"), ("plain", "kernel"), *TREES]
    ratios = [f"{who}/{to} {ratio(row, who, to):.2f}" for who, to in pairs if {who, to} <= row["best"].keys()]
    if "allowed" in row:
        who = next(iter(row["best"]))
        ratios.append(f"{who}/padded {ratio(row, who, 'padded'):.3f}, at most {row['allowed']:.3f} (r {row['r']:.3f})")
    return f"{what}, {row['threads']} thr., {row['name']}: {found} {row['unit']}  " + "  ".join(
        ratios * (row["unit"] != "exponent")
    )


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows))


def goals(record: Record) -> str:
    """Each goal, the worst figure that was found for it, and how many meet it."""
    rows = []
    for goal in GOALS:
        for threads, limit in goal.limits.items():
            if found := goal.found(record, threads):
                met = sum(value <= limit for value, _ in found)
                worst = f"{found[0][0]:.2f}" + f", {found[0][1]}" * (len(found) > 1)
                rows.append([goal.name, str(threads), f"{limit:.2f}", worst, f"{met} of {len(found)}"])
    return table(["goal", "threads", "at most", "worst found", "meet it"], rows)


def side_by_side(rows: Sequence[Row], first: str, *columns: Column) -> str:
    """A line for each name, the columns once for every number of threads."""
    counts = sorted({row["threads"] for row in rows})
    by_name: dict[str, dict[int, Row]] = {}
    for row in rows:
        by_name.setdefault(row["name"], {})[row["threads"]] = row
    head = [first, *(f"{title}{f', {n} thr.' * (len(counts) > 1)}" for n in counts for title, _ in columns)]
    return table(
        head, [[name, *(cell(each[n]) for n in counts for _, cell in columns)] for name, each in by_name.items()]
    )


def figure(who: str, digits: int = 2) -> Column:
    """A contestant's best."""
    return who, lambda row: f"{row['best'][who]:.{digits}f}" if who in row["best"] else ""


def share(who: str, to: str = "torch") -> Column:
    """Its best over another's."""
    return f"{who}/{to}", lambda row: f"{ratio(row, who, to):.2f}" if {who, to} <= {*row["best"]} else ""


SHARES = (share("numnet"), share("torchnet"))
LIMIT = ("at most", lambda row: f"{row['allowed']:.2f}"), ("r", lambda row: f"{row['r']:.2f}")  # of padding


def tables(record: Record) -> Iterator[str]:
    """All tables of a record in Markdown."""

    def of(name: str, **fields: str | int) -> list[Row]:
        chosen = [row for row in record["rows"] if row["table"] == name]
        return [row for row in chosen if all(row.get(key) == value for key, value in fields.items())]

    yield "\n".join(f"- {what}: {value}" for what, value in record["surroundings"].items())
    if of("layers"):
        yield goals(record)
    for p in ("forward and backward", "forward"):
        for count in sorted({row["threads"] for row in of("layers")}):
            threads = f"{count} thread{'s' * (count > 1)}"
            yield f"**One layer and stacks of two, {p}, {threads}**; milliseconds, best, and ratios of the best."
            times, to_floor = (figure("numnet"), figure("torch")), (share("numnet", "products"), share("products"))
            rows = of("layers", **{"pass": p, "threads": count})
            yield side_by_side(rows, "layer (T, B, D, H)", *times, *SHARES, *to_floor)
    if rows := of("step"):
        yield "**A whole training step**, B 32, T 64, V 65; milliseconds, best."
        yield side_by_side(rows, "model", figure("numnet"), figure("torch"), *SHARES, share("numnet", "book"))
    if rows := of("generate"):
        yield "**Generation**, batch 1, one token in and the logits of the next out; microseconds a step, best."
        times = figure("numnet", 0), figure("torch", 0)
        yield side_by_side(rows, "model", *times, *SHARES, share("numnet", LAYER_ALONE))
    if rows := of("padding"):
        yield "**Padding**: batches of sentences with their lengths, forward and backward; milliseconds, best."
        yield "r is the share of real steps; `numnet/padded` is to be at most 1.25 r + 0.10."
        cost = figure("numnet", 0), figure("padded", 0), share("numnet", "padded")
        yield side_by_side(rows, "layer", *cost, *LIMIT, SHARES[0], share("torch", "torch padded"))
    if rows := of("ragged"):
        yield "**Padding, torchnet**: the same batches; `torchnet/padded` is to be at most r + 0.30."
        cost = figure("torchnet", 0), figure("padded", 0), share("torchnet", "padded")
        yield side_by_side(rows, "layer", *cost, *LIMIT, SHARES[1], share("torch", "torch padded"))
    if rows := of("vocabulary"):
        yield "**A training step with a large vocabulary**, D 200, H 256, T 35, B 20; milliseconds, best."
        yield side_by_side(rows, "model", figure("numnet", 0), figure("torch", 0), *SHARES)
    if rows := of("cell"):
        yield "**A training step of a cell of one's own** on a Tape, T 20; milliseconds, best."
        yield side_by_side(rows, "cell", figure("numnet"), figure("torch"), *SHARES)
    if rows := of("growth"):
        yield "**Growth** of forward and backward over four doublings: the exponent."
        yield side_by_side(rows, "layer", figure("numnet"), figure("torch"))
    if rows := of("memory"):
        yield "**Peak memory** of forward and backward above what was there before; MiB."
        sizes = figure("numnet", 0), figure("torch", 0), figure("kept", 0)
        yield side_by_side(rows, "layer (T, B, D, H)", *sizes, *SHARES, share("numnet", "kept"))
    if rows := of("plain", **{"pass": "forward and backward"}):
        yield "**The kernel and the plain form**, forward and backward; milliseconds, best."
        yield side_by_side(rows, "layer (T, B, D, H)", figure("kernel"), figure("plain"), share("plain", "kernel"))
    if rows := of("tape", **{"pass": "forward and backward"}):
        yield "**Calls on a Tape**, forward and backward, in a chain of 20; microseconds a call, best."
        yield side_by_side(rows, "part (B, D = H)", figure("numnet"), figure("torch"), *SHARES)
    for name in ("float32", "TF32", "bfloat16"):
        if rows := of("cuda", precision=name, **{"pass": "forward and backward"}):
            yield f"**torchnet and cuDNN, {name}**, forward and backward; milliseconds, best."
            yield "cuDNN has no GRU before; beside it stands its GRU after."
            yield side_by_side(rows, "layer (T, B, D, H)", figure("torchnet"), figure("torch"), share("torchnet"))


SHORT = {
    "step": ["RNN 256", "GRU after 256", "LSTM 256"],
    "layers": [
        "RNN (35, 32, 28, 256)",
        "GRU after (35, 32, 28, 256)",
        "LSTM (35, 32, 28, 256)",
        "LSTM (64, 64, 128, 512)",
        "LSTM (35, 64, 512, 1024)",
        "LSTM (50, 16, 64, 64)",
    ],
}


def short(record: Record) -> str:
    """The README's table."""
    title = {"step": "training step of a character model, ", "layers": "layer, "}
    rows = [
        {**row, "name": title[name] + row["name"]}
        for name, wanted in SHORT.items()
        for row in record["rows"]
        if row["table"] == name and row["name"] in wanted and (name == "step" or one_layer(row))
    ]
    return side_by_side(rows, "layers are (T, B, D, H)", *SHARES)


def between_marks(text: str, content: str) -> str:
    """The text with this between the marks."""
    before, rest = text.split(MARKS[0])
    return f"{before}{MARKS[0]}\n\n{content}\n\n{MARKS[1]}{rest.split(MARKS[1])[1]}"


def recorded() -> list[Record]:
    """The kept records, in the order of their files' names, which are `1-title.json` and so on."""
    records = [(path.stem, json.loads(path.read_text(encoding="utf-8"))) for path in sorted(RECORDS.glob("*.json"))]
    return [{"title": stem.partition("-")[2].replace("-", " "), **record} for stem, record in records]


def documents() -> dict[Path, str]:
    """docs/speed.md and README.md with the kept records' figures in them."""
    records = recorded()
    titled = (f"### {record['title']}\n\n" + "\n\n".join(tables(record)) for record in records)
    contents = {ROOT / "docs" / "speed.md": "\n\n".join(titled), ROOT / "README.md": short(records[0])}
    return {path: between_marks(path.read_text(encoding="utf-8"), content) for path, content in contents.items()}
