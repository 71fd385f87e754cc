"""The figures of examples/README.md: every task with three seeds on both backends, run where they are not there yet.

python examples/results.py                           what is not in runs/results yet, some hours; then the table
python examples/results.py --tasks names --seeds 0   one task, one seed
python examples/results.py --seconds 0 --write       runs nothing; the table of what is there, into examples/README.md
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
PAGE = HERE / "README.md"
MARKS = "<!-- figures: python examples/results.py --write -->\n", "<!-- end of figures -->\n"


class Task(NamedTuple):
    """What is run, which figure of its --json counts, and by what it is multiplied."""

    name: str
    options: str
    figure: str
    scale: float = 100


TASKS = [
    Task("tagging", "tagger.py --data ewt", "accuracy"),
    Task("tagging, words alone", "tagger.py --data ewt --words-alone", "accuracy"),
    Task("sentiment, two classes", "sentiment.py --data sst --classes 2 --vectors glove-50", "accuracy"),
    Task("sentiment, five classes", "sentiment.py --data sst --classes 5 --vectors glove-50 --epochs 2", "accuracy"),
    Task("names", "names.py --data names", "accuracy"),
    Task("translation, BLEU against all references", "translate.py --data fra-eng", "bleu_all_references", 1),
    Task("generated English, % of the true entropy", "small_english.py", "loss_by_entropy"),
]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", nargs="+", help="those whose names contain one of these")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--backends", nargs="+", default=["numnet", "torchnet"])
    parser.add_argument("--seconds", type=float, default=float("inf"), help="begin no run after so many")
    parser.add_argument("--threads", type=int, default=1, help="of each run (default 1)")
    parser.add_argument("--folder", type=Path, default=Path("runs/results"), help="where the runs' files are")
    parser.add_argument("--write", action="store_true", help="the table into examples/README.md")
    return parser.parse_args()


def place(folder: Path, task: Task, backend: str, seed: int) -> Path:
    return folder / f"{task.name.replace(', ', '-').replace(' ', '-')}-{backend}-{seed}.json"


def run(args: argparse.Namespace, task: Task, backend: str, seed: int) -> None:
    script, *options = task.options.split()
    path = place(args.folder, task, backend, seed)
    told = ["--backend", backend, "--seed", str(seed), "--json", str(path), "--plot", str(path.with_suffix(".png"))]
    threads = {name: str(args.threads) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
    subprocess.run([sys.executable, HERE / script, *options, *told], check=True, env={**os.environ, **threads})


def rows(folder: Path) -> Iterator[str]:
    """The table, of all files that are there."""
    yield "| task | command | backend | each seed | mean | minutes each |\n| --- | --- | --- | --- | --- | --- |\n"
    for task in TASKS:
        for backend in ("numnet", "torchnet"):
            found = [json.loads(path.read_text()) for path in sorted(place(folder, task, backend, 0).parent.glob(
                place(folder, task, backend, 0).name.replace("-0.json", "-*.json")))]  # fmt: skip
            if found:
                figures = [task.scale * run[task.figure] for run in found]
                spread = f" ± {statistics.stdev(figures):.2f}" if len(figures) > 1 else ""
                each = ", ".join(f"{figure:.2f}" for figure in figures)
                minutes = statistics.mean(run["seconds"] for run in found) / 60
                mean = f"{statistics.mean(figures):.2f}{spread}"
                yield f"| {task.name} | `{task.options}` | {backend} | {each} | {mean} | {minutes:.1f} |\n"


def apart(folder: Path) -> Iterator[str]:
    """How far the two backends' first 50 losses are apart, at most, of one seed."""
    for task in TASKS:
        pair = [place(folder, task, backend, 0) for backend in ("numnet", "torchnet")]
        if all(path.exists() for path in pair):
            ours, theirs = (json.loads(path.read_text())["losses"][:50] for path in pair)
            yield f"{task.name}: {max(abs(a - b) for a, b in zip(ours, theirs)):.1e}"


def main() -> None:
    args, start = arguments(), time.monotonic()
    args.folder.mkdir(parents=True, exist_ok=True)
    chosen = [task for task in TASKS if not args.tasks or any(part in task.name for part in args.tasks)]
    for task in chosen:
        for seed in args.seeds:
            for backend in args.backends:
                if not place(args.folder, task, backend, seed).exists() and time.monotonic() - start < args.seconds:
                    run(args, task, backend, seed)
    table = "".join(rows(args.folder)) + "\nFirst 50 losses of seed 0, numnet against torchnet: "
    table += "; ".join(apart(args.folder)) + ".\n"
    print(table)
    if args.write:
        before, _, rest = PAGE.read_text(encoding="utf-8").partition(MARKS[0])
        _, _, after = rest.partition(MARKS[1])
        PAGE.write_text(f"{before}{MARKS[0]}\n{table}\n{MARKS[1]}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
