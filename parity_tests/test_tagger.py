"""examples/tagger.py and search.py as a user runs them, on sentences whose tags hang on what follows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from parity_tests.small import ROOT, python

TAGGER, SEARCH = (ROOT / "examples" / name for name in ("tagger.py", "search.py"))
SMALL = ["--hidden-size", 8, "--batch-size", 8]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of CoNLL-U: a determiner, a word that is noun or verb by what follows it, and so on."""
    path, rng = tmp_path_factory.mktemp("data"), np.random.default_rng(0)
    for part, count in (("train", 60), ("dev", 20)):
        lines = []
        for _ in range(count):
            watch, boat, the = rng.choice(["watch", "walks"]), rng.choice(["boat", "Anna"]), rng.choice(["the", "a"])
            noun = "PROPN" if boat == "Anna" else "NOUN"
            sentence = [(the, "DET"), (watch, "NOUN"), ("is", "AUX"), (boat, noun)]
            if rng.random() < 0.5:
                sentence = [(boat, noun), (watch, "VERB"), (the, "DET"), (boat, noun)]
            rows = [[str(k), word, "_", tag, *"______"] for k, (word, tag) in enumerate([*sentence, (".", "PUNCT")], 1)]
            lines += ["\t".join(row) for row in rows] + [""]
        (path / f"small-{part}.conllu").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def run(script: Path, folder: Path, *options: Any) -> Any:
    done = python(script, "--data", folder, *SMALL, *options)
    assert done.returncode == 0, done.stderr
    return done


def test_it_learns_says_and_draws(folder: Path, tmp_path: Path) -> None:
    picture, numbers = tmp_path / "pictures" / "a.png", tmp_path / "a.json"
    options = ["--epochs", 40, "--learning-rate", 0.02, "--dropout", 0.1, "--tag", "Anna walks the boat ."]
    done = run(TAGGER, folder, *options, "--plot", picture, "--json", numbers)
    found = json.loads(numbers.read_text(encoding="utf-8"))
    assert found["accuracy"] > 0.9
    assert found["words"] == 100
    assert set(found["by_tag"]) == {"AUX", "DET", "NOUN", "PROPN", "PUNCT", "VERB"}
    assert "Anna/PROPN walks/VERB the/DET boat/NOUN ./PUNCT" in done.stdout
    assert "words/s" in done.stderr
    assert picture.read_bytes().startswith(b"\x89PNG")


WORDS = pytest.param(["--words-alone", "--cell", "GRU", "--depth", 2], marks=pytest.mark.long, id="words")


@pytest.mark.parametrize("more", [pytest.param([], id="characters"), WORDS])
def test_both_backends_learn_the_same(more: list[Any], folder: Path, tmp_path: Path) -> None:
    losses = []
    for backend in ("numnet", "torchnet"):
        run(TAGGER, folder, "--backend", backend, "--epochs", 2, *more, "--json", tmp_path / "a.json")
        losses.append(json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))["losses"])
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


def test_words_start_from_vectors_of_others(folder: Path, tmp_path: Path) -> None:
    vectors = tmp_path / "vectors.txt"
    vectors.write_text("boat 1 0 0\nwatch 0 1 0\n", encoding="utf-8")
    found = []
    for more in ([], ["--vectors", vectors]):
        run(TAGGER, folder, "--epochs", 1, *more, "--json", tmp_path / "a.json")
        found.append(json.loads((tmp_path / "a.json").read_text(encoding="utf-8")))
    assert found[0]["parameters"] - found[1]["parameters"] == 97 * (9 + 4 * 2 * 8)  # 100 numbers a word, or 3; 9 words


def test_without_data_it_makes_its_own() -> None:
    done = python(TAGGER, *SMALL, "--epochs", 0.02, "--words-alone")
    assert done.returncode == 0, done.stderr
    assert "accuracy" in done.stdout


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("nowhere", "is no folder, expected one, or ewt."),
        (".", "has no *train*.conllu and *dev*.conllu, expected both."),
    ],
)
def test_data_that_is_not_there_is_said_in_a_line(data: str, said: str) -> None:
    done = python(TAGGER, "--data", data)
    assert (done.returncode, done.stderr) == (2, f"tagger.py: --data: {data} {said}\n")


def test_a_search_goes_on_where_it_stopped(folder: Path, tmp_path: Path) -> None:
    kept, numbers, picture = tmp_path / "kept" / "search.db", tmp_path / "a.json", tmp_path / "a.png"
    for trials in (1, 3, 3):
        run(SEARCH, folder, "--epochs", 1, "--trials", trials, "--study", kept, "--json", numbers, "--plot", picture)
        assert len(json.loads(numbers.read_text(encoding="utf-8"))["trials"]) == trials
    found = json.loads(numbers.read_text(encoding="utf-8"))
    best = max(found["trials"], key=lambda trial: trial["accuracy"] or 0)
    assert {name: best[name] for name in found["best"]} == found["best"]
    assert picture.read_bytes().startswith(b"\x89PNG")
