"""numnet and torchnet against PyTorch's own layers: see --help.

python -m parity_tests.speed layers step          two tables
python -m parity_tests.speed --json FILE          all tables, and a record of them
python -m parity_tests.speed --write              docs/speed/*.json into docs/speed.md and README.md, and a plot
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

import torchnet
from parity_tests.speed import report
from parity_tests.speed.cell import cell_runs
from parity_tests.speed.device import PRECISIONS, device_runs, precision
from parity_tests.speed.goals import Row
from parity_tests.speed.growth import AXES, exponent, growth
from parity_tests.speed.layers import KINDS, SIZES, STACKED, form_runs, layer_runs
from parity_tests.speed.memory import SIZES as MEMORY_SIZES
from parity_tests.speed.memory import must_keep, peak
from parity_tests.speed.padding import (
    RAGGED,
    WIDTHS,
    allowed,
    allowed_of_torchnet,
    drawn_batches,
    filled,
    padding_runs,
    sentence_lengths,
)
from parity_tests.speed.plot import plot
from parity_tests.speed.step import generate_runs, step_runs
from parity_tests.speed.tape import CALLS, tape_runs
from parity_tests.speed.tape import KINDS as TAPE_KINDS
from parity_tests.speed.tape import SIZES as TAPE_SIZES
from parity_tests.speed.timing import Figures, alternate, device_clock, surroundings, threads
from parity_tests.speed.trees import SMALL, Sizes, batched_runs, pairs_of, width_runs
from parity_tests.speed.trees import K as TRACKER
from parity_tests.speed.trees import peak as peak_of_trees
from parity_tests.speed.trees import step_runs as tree_step_runs
from parity_tests.speed.vocabulary import vocabulary_runs

PASSES = ["forward", "forward and backward"]


def row(table: str, name: str, count: int, figures: Figures, unit: str = "ms", **more: Any) -> Row:
    """One line of the record: best and median of each."""
    best, median = ({who: figure[k] for who, figure in figures.items()} for k in (0, 1))
    return {"table": table, "name": name, "threads": count, "unit": unit, "best": best, "median": median, **more}


def layers(count: int) -> Iterator[Row]:
    for depth, sizes, kinds in ((1, SIZES, KINDS), (2, STACKED, ["RNN", "GRU after", "LSTM"])):
        for kind in kinds:
            for size in sizes:
                stages = alternate(layer_runs(kind, size, depth))
                name = f"{kind}{' stack of two' * (depth == 2)} {size}"
                yield from (row("layers", name, count, found, **{"pass": p}) for p, found in zip(PASSES, stages))


def step(count: int) -> Iterator[Row]:
    for kind in KINDS:
        yield row("step", f"{kind} 256", count, alternate(step_runs(kind))[0])


def generate(count: int) -> Iterator[Row]:
    for kind in KINDS:
        found = alternate(generate_runs(kind))[0]
        in_us = {who: (10 * best, 10 * median) for who, (best, median) in found.items()}  # a run is 100 steps
        yield row("generate", f"{kind} 256", count, in_us, "µs a step")


def grow(count: int) -> Iterator[Row]:
    for kind in ("LSTM", "GRU after"):
        for axis in AXES:
            sizes, figures = growth(kind, axis)
            ends = f"{sizes[0][AXES[axis]]} to {sizes[-1][AXES[axis]]}"
            powers = {who: tuple(exponent([f[who][k] for f in figures]) for k in (0, 1)) for who in figures[0]}
            yield row("growth", f"{kind} in {axis}, {ends}", count, powers, "exponent")  # type: ignore[arg-type]


def memory(count: int) -> Iterator[Row]:
    for kind in KINDS:
        for size in MEMORY_SIZES:
            bytes_of = {who: peak(who, kind, size) for who in ("numnet", "torchnet", "torch")} | {
                "kept": must_keep(kind, size)
            }
            yield row(
                "memory", f"{kind} {size}", count, {who: (b / 2**20, b / 2**20) for who, b in bytes_of.items()}, "MiB"
            )


def cuda(device: str) -> Iterator[Row]:
    """torchnet on a GPU."""
    for name in PRECISIONS:
        for kind in KINDS:
            for size in SIZES:
                with precision(name):
                    stages = alternate(device_runs(kind, size, device, name), pause=0.05, clock=device_clock)
                for p, found in zip(PASSES, stages):
                    yield row("cuda", f"{kind} {size}", 0, found, **{"pass": p, "precision": name})


CONLLU: list[Path] = []
SNLI: list[Path] = []


def pad(count: int) -> Iterator[Row]:
    batches = drawn_batches(sentence_lengths(CONLLU[0] if CONLLU else None))
    r, source = filled(batches), CONLLU[0].name if CONLLU else "drawn lengths"
    for D, H in WIDTHS:
        found = alternate(padding_runs(batches, D, H), turns=5)[0]
        name = f"LSTM D {D}, H {H}, {len(batches)} batches of {len(batches[0])}, {source}"
        yield row("padding", name, count, found, r=r, allowed=allowed(r))


def ragged(count: int) -> Iterator[Row]:
    """torchnet on the batches of `padding`."""
    batches = drawn_batches(sentence_lengths(CONLLU[0] if CONLLU else None))
    r = filled(batches)
    for kind in RAGGED:
        for D, H in WIDTHS:
            found = alternate(padding_runs(batches, D, H, kind, torchnet), turns=5)[0]
            yield row("ragged", f"{kind} D {D}, H {H}", count, found, r=r, allowed=allowed_of_torchnet(r))


def vocabulary(count: int) -> Iterator[Row]:
    for V in (1_000, 10_000):
        yield row("vocabulary", f"LSTM 256, V {V}", count, alternate(vocabulary_runs(V))[0])


def cell(count: int) -> Iterator[Row]:
    for B, H in ((1, 50), (32, 128)):
        yield row("cell", f"a GRU written out, B {B}, H {H}", count, alternate(cell_runs(B=B, D=H, H=H))[0])


def plain(count: int) -> Iterator[Row]:
    for kind in KINDS:
        for size in SIZES:
            stages = alternate(form_runs(kind, size))
            yield from (row("plain", f"{kind} {size}", count, f, **{"pass": p}) for p, f in zip(PASSES, stages))


def tape(count: int) -> Iterator[Row]:
    for kind in TAPE_KINDS:
        for size in TAPE_SIZES:
            stages = alternate(tape_runs(kind, size))
            for p, found in zip(PASSES, stages):
                in_us = {who: (1e3 * best / CALLS, 1e3 * median / CALLS) for who, (best, median) in found.items()}
                yield row("tape", f"{kind} {size}", count, in_us, "µs a call", **{"pass": p})


def trees(count: int) -> Iterator[Row]:
    batch, source = pairs_of(SNLI[0] if SNLI else None), SNLI[0].name if SNLI else "drawn trees"
    sentences = type(batch)(*(part[:SMALL] for part in batch))
    for name, sizes in (("without a tracker", Sizes()), ("with a tracker", Sizes(K=TRACKER))):
        what = f"{name}, {len(batch.lengths) // 2} pairs, {source}"
        yield row("trees", f"step {what}", count, alternate(tree_step_runs(batch, sizes))[0])
        yield row("trees", f"encoder {what}", count, alternate(width_runs(batch, sizes))[0])
        yield row("trees", f"{SMALL} sentences {name}", count, alternate(batched_runs(sentences, sizes))[0])
    found = peak_of_trees(300, SNLI[0] if SNLI else None) / 2**20
    yield row("trees", f"peak with a tracker, H 300, {what}", count, {"numnet": (found, found)}, "MiB")


TABLES = {
    "trees": trees,
    "layers": layers,
    "step": step,
    "generate": generate,
    "growth": grow,
    "memory": memory,
    "padding": pad,
    "tape": tape,
    "cell": cell,
    "vocabulary": vocabulary,
    "ragged": ragged,
    "plain": plain,
}


def write() -> None:
    """The kept records into the documents, and the first as a picture."""
    for path, text in report.documents().items():
        path.write_text(text, encoding="utf-8")
    plot(report.recorded()[0], report.RECORDS / "ratios.png")


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m parity_tests.speed", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("tables", nargs="*", metavar="TABLE", help=f"{', '.join(TABLES)}; all, if none is named")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="for both sides; default 1 2")
    parser.add_argument(
        "--json",
        type=Path,
        metavar="FILE",
        help="record every figure; what is there and not measured again stays",
    )
    parser.add_argument("--conllu", type=Path, metavar="FILE", help="whose sentences' lengths the table padding takes")
    parser.add_argument("--snli", type=Path, metavar="FILE", help="whose pairs the table trees takes")
    parser.add_argument("--device", default="cpu", help="cuda: torchnet against cuDNN instead")
    parser.add_argument("--write", action="store_true", help="write the kept records into the documents")
    options = parser.parse_args()
    if options.write:
        write()
        return
    if unknown := set(options.tables) - set(TABLES):
        parser.error(f"no table is called {', '.join(sorted(unknown))}; there are {', '.join(TABLES)}")
    if options.conllu and not options.conllu.is_file():
        parser.error(f"--conllu: there is no file {options.conllu}")
    CONLLU[:] = [options.conllu] if options.conllu else []
    if options.snli and not options.snli.is_file():
        parser.error(f"--snli: there is no file {options.snli}")
    SNLI[:] = [options.snli] if options.snli else []
    if min(options.threads) < 1:
        parser.error("--threads are whole numbers above 0")
    if options.json and not options.json.parent.is_dir():
        parser.error(f"--json: there is no folder {options.json.parent}")
    if options.device != "cpu" and options.tables:
        parser.error("--device cuda has one table; name no other")
    if options.device != "cpu" and not torch.cuda.is_available():
        parser.error("PyTorch finds no CUDA device here")
    record = begun(options.json, surroundings(options.device))
    print("\n".join(f"{what}: {value}" for what, value in record["surroundings"].items()))
    tables, began = options.tables or list(TABLES), time.perf_counter()
    for found in all_rows(tables, options.threads, options.device):
        print(report.line(found), flush=True)
        record["rows"] = [old for old in record["rows"] if key(old) != key(found)] + [found]
        if options.json:
            part = options.json.with_suffix(".part")  # a run that is stopped leaves the record whole
            part.write_text(json.dumps(record, indent=1), encoding="utf-8")
            part.replace(options.json)
    print(f"{time.perf_counter() - began:.0f} s")


def key(row: Row) -> tuple[Any, ...]:
    """What one figure is about: measured again, it takes the old one's place."""
    return tuple(row.get(name) for name in ("table", "pass", "precision", "name", "threads"))


def begun(path: Path | None, here: dict[str, Any]) -> dict[str, Any]:
    """The record in that file, if it was made in the same surroundings; else a new one."""
    if path and path.exists():
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if record["surroundings"] == here:
            return record
        raise SystemExit(f"{path} was recorded elsewhere: {record['surroundings']}. Give another file.")
    return {"surroundings": here, "rows": []}


def all_rows(tables: list[str], counts: list[int], device: str) -> Iterator[Row]:
    """The rows of all tables; threads matter on the CPU alone, and not for memory."""
    if device != "cpu":
        yield from cuda(device)
        return
    for name in tables:
        for count in counts if name != "memory" else counts[:1]:
            with threads(count):
                yield from TABLES[name](count)


if __name__ == "__main__":
    main()
