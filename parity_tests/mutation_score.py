"""The score that `make mutants` prints: killed of all, file by file, then what is alive, as file:line and the change.

Reads what mutmut left in mutants/. A mutant that runs into the time limit counts as killed, one that has not been run
not at all. The exit status is 1 below 95 %.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import json
import random
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path("mutants")
ENOUGH = 0.95
ALIVE = {0: "survived", 5: "no test", 33: "no test", None: "not run"}


def functions(text: str) -> dict[str, tuple[int, list[str]]]:
    """Of each function, by Class.name: its first line's number, and its lines."""
    lines, found = text.splitlines(), {}

    def visit(node: ast.AST, prefix: str) -> None:
        for part in ast.iter_child_nodes(node):
            if isinstance(part, ast.ClassDef):
                visit(part, f"{part.name}.")
            elif isinstance(part, ast.FunctionDef):
                found[prefix + part.name] = part.lineno, lines[part.lineno - 1 : part.end_lineno]

    visit(ast.parse(text), "")
    return found


def change(mutant: str, original: list[str], mutated: list[str]) -> tuple[int, str]:
    """How many lines below the function's first line it is, and `old` → `new`."""
    plain = [line.replace(mutant, "f") for line in mutated]
    first = [line.replace(f"{mutant.rpartition('_')[0]}_orig", "f") for line in original]
    for kind, a, b, c, d in difflib.SequenceMatcher(None, first, plain, autojunk=False).get_opcodes():
        if kind != "equal":
            old, new = (" ".join(line.strip() for line in part) for part in (first[a:b], plain[c:d]))
            return a, f"`{old}` → `{new}`"
    return 0, "nothing"


def codes_of(meta: Path, share: float) -> dict[str, int | None]:
    """mutmut's exit code of each mutant of a file; with a share below 1, of that share of them, always the same."""
    codes: dict[str, int | None] = json.loads(meta.read_text(encoding="utf-8"))["exit_code_by_key"]
    keys = sorted(codes)
    random.Random(f"0 {meta.relative_to(ROOT / 'numnet').as_posix().removesuffix('.py.meta')}").shuffle(keys)
    chosen = set(keys[: round(share * len(keys))])
    return {key: code for key, code in codes.items() if key in chosen}


def alive(meta: Path, codes: dict[str, int | None]) -> Iterator[str]:
    """A line for each of these mutants of a file that no test has killed."""
    source = meta.relative_to(ROOT).with_suffix("")
    with_mutants, where = (functions(path.read_text(encoding="utf-8")) for path in (meta.with_suffix(""), source))
    for key, code in codes.items():
        if code in ALIVE:
            mutant = key.rpartition(".")[2]
            name = mutant.rpartition("__mutmut")[0].removeprefix("x_").removeprefix("xǁ").replace("ǁ", ".")
            class_ = f"{name.partition('.')[0]}." if "." in name else ""
            both = (with_mutants[class_ + part][1] for part in (f"{mutant.rpartition('_')[0]}_orig", mutant))
            below, words = change(mutant, *both)
            yield f"{source}:{where[name][0] + below}: {ALIVE[code]}: {words}"


def main() -> int:
    """Print both lists, or the names of what has not been run; 0 where enough were killed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--share", type=float, default=1.0, help="of each file's mutants this share, drawn by seed 0")
    parser.add_argument("--names", action="store_true", help="print the names of those not run, for mutmut run")
    asked = parser.parse_args()
    files = {meta: codes_of(meta, asked.share) for meta in sorted((ROOT / "numnet").rglob("*.meta"))}
    if asked.names:
        print(*(key for codes in files.values() for key, code in codes.items() if code is None), sep="\n")
        return 0
    total: Counter[str] = Counter()
    for meta, codes in files.items():
        count = Counter(ALIVE.get(code, "killed") for code in codes.values())
        total += count
        if count:
            rest = "".join(f", {n} {name}" for name, n in count.items() if name != "killed")
            print(f"{meta.relative_to(ROOT).with_suffix('')!s:32}{count['killed']:5} of {count.total():4}{rest}")
    lines = (line for meta, codes in files.items() for line in alive(meta, codes))
    print(*(line for line in lines if f" {ALIVE[None]}: " not in line), sep="\n")
    run = total.total() - total["not run"]
    print(f"{total['killed']} of {run} killed, {total['killed'] / max(run, 1):.1%}; {total['not run']} not run")
    return int(total["killed"] < ENOUGH * run)


if __name__ == "__main__":
    sys.exit(main())
