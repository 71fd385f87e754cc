"""Compute the results of examples/README.md: every task with three seeds on both backends.

python examples/results.py                           run what is missing in runs/results (some hours); print the table
python examples/results.py --tasks names --seeds 0   run one task with one seed
python examples/results.py --seconds 0 --write       run nothing; write the table of existing runs to examples/README.md

Empty runs/results after a change of the code that changes the results.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
PAGE = HERE / "README.md"
MARKS = "<!-- figures: python examples/results.py --write -->\n", "<!-- end of figures -->\n"


class Task(NamedTuple):
    """The command, the key of its result in the --json file, a factor for it, and the keys of other results to show."""

    name: str
    options: str
    figure: str
    scale: float = 100
    beside: tuple[str, ...] = ()


SNLI = "entailment.py --data snli --vectors glove-50"
HALF = ("accuracy_second_half",)
MOVES = ("transition_accuracy", "transition_accuracy_free", "transition_accuracy_given_drive")
PAIRS = [
    ("bag of words", "--encoder bow", HALF),
    ("LSTM", "--encoder lstm", HALF),
    ("TreeLSTM", "--encoder spinn-pi-nt", HALF),
    ("TreeLSTM, random trees", "--encoder spinn-pi-nt --trees random", HALF),
    ("TreeLSTM, left-branching trees", "--encoder spinn-pi-nt --trees left", HALF),
    ("TreeLSTM and tracker", "--encoder spinn-pi", HALF),
    ("TreeLSTM and tracker, random trees", "--encoder spinn-pi --trees random", HALF),
    ("own parses", "--encoder spinn", (*HALF, *MOVES)),
]
TASKS = [
    Task("tagging", "tagger.py --data ewt", "accuracy"),
    Task("tagging, words alone", "tagger.py --data ewt --words-alone", "accuracy"),
    Task("sentiment, two classes", "sentiment.py --data sst --classes 2 --vectors glove-50", "accuracy"),
    Task("sentiment, five classes", "sentiment.py --data sst --classes 5 --vectors glove-50 --epochs 2", "accuracy"),
    Task(
        "sentiment, two classes, TreeLSTM",
        "sentiment.py --data sst --classes 2 --vectors glove-50 --encoder tree-lstm",
        "accuracy",
    ),
    Task(
        "sentiment, five classes, TreeLSTM",
        "sentiment.py --data sst --vectors glove-50 --encoder tree-lstm",
        "accuracy",
    ),
    Task("names", "names.py --data names", "accuracy", beside=("of_new_names", "ceiling")),
    Task(
        "translation, BLEU against all references",
        "translate.py --data fra-eng",
        "bleu_all_references",
        scale=1,
        beside=("bleu", "exact"),
    ),
    Task("generated English, % of the true entropy", "small_english.py", "loss_by_entropy"),
    *(Task(f"entailment, {name}", f"{SNLI} {options}", "accuracy", beside=beside) for name, options, beside in PAIRS),
    Task("entailment, generated pairs", "entailment.py", "accuracy", beside=MOVES),
]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", nargs="+", help="only tasks whose name contains one of these texts")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--backends", nargs="+", default=["numnet", "torchnet"])
    parser.add_argument("--seconds", type=float, default=float("inf"), help="start no run after this time")
    parser.add_argument("--jobs", type=int, default=1, help="parallel runs, with one thread each (default 1)")
    parser.add_argument("--folder", type=Path, default=Path("runs/results"), help="the folder of the result files")
    parser.add_argument("--write", action="store_true", help="write the table to examples/README.md")
    return parser.parse_args()


def place(folder: Path, task: Task, backend: str, seed: int | str) -> Path:
    return folder / f"{task.name.replace(', ', '-').replace(' ', '-')}-{backend}-{seed}.json"


def run(path: Path, task: Task, backend: str, seed: int) -> str:
    """Run a task. Return its error, or an empty text."""
    script, *options = task.options.split()
    options += ["--backend", backend, "--seed", str(seed), "--json", str(path), "--plot", str(path.with_suffix(".png"))]
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    done = subprocess.run(
        [sys.executable, HERE / script, *options], env={**os.environ, **threads}, capture_output=True, text=True
    )
    print(f"{path.stem}: {done.stdout.strip().splitlines()[-1:]}", file=sys.stderr)
    if done.returncode:
        path.unlink(missing_ok=True)
    return f"{path.stem}: {done.stderr.strip()}" if done.returncode else ""


def rows(folder: Path) -> Iterator[str]:
    """Yield the lines of the table, from all existing result files."""
    yield "| task | command | backend | each seed | mean and std | other scores, mean | minutes per run, one core |\n"
    yield "| --- | --- | --- | --- | --- | --- | --- |\n"
    for task in TASKS:
        for backend in ("numnet", "torchnet"):
            paths = sorted(folder.glob(place(folder, task, backend, "[0-9]*").name))
            if found := [json.loads(path.read_text()) for path in paths]:
                figures = [task.scale * run[task.figure] for run in found]
                spread = f" ± {statistics.stdev(figures):.2f}" if len(figures) > 1 else ""
                each = ", ".join(f"{figure:.2f}" for figure in figures)
                minutes = statistics.mean(run["cpu_seconds"] for run in found) / 60
                mean = f"{statistics.mean(figures):.2f}{spread}"
                means = {name: statistics.mean(run[name] for run in found) for name in task.beside}
                beside = ", ".join(f"{name} {value:.4g}" for name, value in means.items())
                yield f"| {task.name} | `{task.options}` | {backend} | {each} | {mean} | {beside} | {minutes:.1f} |\n"


def apart(folder: Path) -> Iterator[str]:
    """Yield, for each task, the largest difference of the first 50 losses between the two backends, with seed 0."""
    for task in TASKS:
        pair = [place(folder, task, backend, 0) for backend in ("numnet", "torchnet")]
        if all(path.exists() for path in pair):
            ours, theirs = (json.loads(path.read_text())["losses"][:50] for path in pair)
            yield f"{task.name}: {max(abs(a - b) for a, b in zip(ours, theirs)):.1e}"


def main() -> None:
    args, start = arguments(), time.monotonic()
    args.folder.mkdir(parents=True, exist_ok=True)
    chosen = [task for task in TASKS if not args.tasks or any(part in task.name for part in args.tasks)]
    every = ((seed, task, backend) for seed in args.seeds for task in chosen for backend in args.backends)
    wanted = [(place(args.folder, task, backend, seed), task, backend, seed) for seed, task, backend in every]

    def run_missing(path: Path, *which: Any) -> str:
        return "" if path.exists() or time.monotonic() - start >= args.seconds else run(path, *which)

    with ThreadPoolExecutor(args.jobs) as pool:
        failed = [*filter(None, pool.map(lambda one: run_missing(*one), wanted))]
    table = "".join(rows(args.folder)) + "\nFirst 50 losses of seed 0, numnet against torchnet: "
    table += "; ".join(apart(args.folder)) + ".\n"
    print(table)
    print("".join(f"failed: {line}\n" for line in failed), file=sys.stderr, end="")
    if args.write:
        before, _, rest = PAGE.read_text(encoding="utf-8").partition(MARKS[0])
        _, _, after = rest.partition(MARKS[1])
        PAGE.write_text(f"{before}{MARKS[0]}\n{table}\n{MARKS[1]}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
