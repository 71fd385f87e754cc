"""Two examples as a user runs them, on files of a few lines: equal losses on both backends, one line for an error."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from numnet.data import Tree
from parity_tests.small import ROOT, python

EXAMPLES = ROOT / "examples"
BACKENDS = ["numnet", "torchnet"]
STEPS = 4
TINY = ["--hidden-size", 6, "--batch-size", 16]
FEELINGS = {"good": 2, "fine": 1, "film": 0, "plot": 0, "dull": -1, "bad": -2}
PNG = b"\x89PNG\r\n\x1a\n"


def tree(rng: np.random.Generator) -> Tree:
    """(not) word word: not turns what follows, and a sentence feels like its words together."""

    def word() -> Tree:
        name = str(rng.choice([*FEELINGS]))
        return Tree(FEELINGS[name] + 2, name.title() if rng.random() < 0.5 else name)

    left, right = word(), word()
    both = Tree(min(4, max(0, (left.label or 0) + (right.label or 0) - 2)), None, (left, right))
    return both if rng.random() < 0.5 else Tree(4 - (both.label or 0), None, (Tree(2, "not"), both))


@pytest.fixture(scope="module")
def trees(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with train.txt and dev.txt, and vectors of some of the words."""
    folder, rng = tmp_path_factory.mktemp("trees"), np.random.default_rng(0)
    for name, count in (("train", 60), ("dev", 20)):
        lines = [f"{tree(rng)}\n" for _ in range(count)] + ["(2 (2 (2 What) (2 a)) (2 story))\n"] * (name == "dev")
        (folder / f"{name}.txt").write_text("".join(lines), encoding="utf-8")
    words = ["good", "bad", "film", "story", "never-seen"]
    vectors = "".join(f"{word} {' '.join(f'{v:.3f}' for v in rng.standard_normal(5))}\n" for word in words)
    (folder / "vectors").write_text(vectors, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of two languages, one as a letter, which share a name."""
    folder, rng = tmp_path_factory.mktemp("names"), np.random.default_rng(0)
    for language, end in (("Italian", "oni"), ("R", "off")):
        lines = ["".join(rng.choice([*"abdrt"], 4)).title() + end for _ in range(40)] + ["Ivoni"]
        (folder / f"{language}.txt").write_text("\n".join(lines), encoding="utf-8")
    return folder


def run(script: str, *arguments: Any) -> subprocess.CompletedProcess[str]:
    """The program's answer, which must be a success."""
    done = python(EXAMPLES / script, *arguments)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
    return done


def both(tmp_path: Path, script: str, *arguments: Any) -> list[Any]:
    """What either backend says and finds; the first losses are equal, in float32."""
    outputs, found = [], []
    for name in BACKENDS:
        files: list[Any] = ["--json", tmp_path / name / "run.json", "--plot", tmp_path / name / "run.png"]
        outputs.append(run(script, "--backend", name, *TINY, *files, *arguments).stdout)
        found.append(json.loads(files[1].read_text(encoding="utf-8")))
        assert files[3].read_bytes().startswith(PNG)
        assert (found[-1]["backend"], len(found[-1]["losses"])) == (name, found[-1]["steps"])
    assert found[0]["losses"] == pytest.approx(found[1]["losses"], abs=1e-5)
    assert found[0]["parameters"] == found[1]["parameters"]
    return [*outputs, *found]


def test_sentiment_on_both_backends(trees: Path, tmp_path: Path) -> None:
    options = ["--data", trees, "--vectors", trees / "vectors", "--epochs", 2]
    ours, theirs, found, other = both(tmp_path, "sentiment.py", *options, "--classify", "not a Good film")
    assert [line.split()[0] for line in ours.splitlines()[1:-1]] == ["not", "a", "Good", "film"]
    assert ours.startswith("vectors: found for 44.4% of 9 words, ")
    assert [line.split()[0] for line in theirs.splitlines()] == [line.split()[0] for line in ours.splitlines()]
    assert found["accuracy"] == other["accuracy"]
    assert found["losses"][-1] < found["losses"][0]


def test_two_classes_and_sentences_alone(trees: Path, tmp_path: Path) -> None:
    def losses(*options: Any) -> list[float]:
        run("sentiment.py", "--data", trees, *TINY, "--epochs", 1, "--json", tmp_path / "a.json", *options)
        return list(json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))["losses"])

    five, two, alone = losses(), losses("--classes", 2), losses("--sentences-alone")
    assert two[0] == pytest.approx(np.log(2), abs=0.4)
    assert five[0] == pytest.approx(np.log(5), abs=0.6)
    assert len(alone) < len(five)
    options = {"cell": "LSTM", "pool": "max", "dropout": 0, "word-dropout": 0, "weight-decay": 5, "hidden-size": 7}
    changed = [losses(f"--{name}", value) for name, value in options.items()]
    assert len({str(found) for found in [five, two, *changed]}) == 2 + len(options)


def test_a_tree_lstm_on_both_backends(trees: Path, tmp_path: Path) -> None:
    """Each phrase has a class, in the given tree or in the right-branching one; two classes are read off five."""
    options = ["--data", trees, "--vectors", trees / "vectors", "--encoder", "tree-lstm", "--epochs", 3, "--classes", 2]
    texts = ["--classify", "( not ( Good film ) )", "--classify", "not Good film"]
    ours, theirs, found, other = both(tmp_path, "sentiment.py", *options, *texts)
    lines = [line.rpartition("tive  ")[2] for line in ours.splitlines()[1:-1]]
    phrases = ["not Good film", "  not", "  Good film", "    Good", "    film"]
    given, none = "the given tree:", "no tree is given, so each word and the rest are a phrase:"
    assert lines == [given, *phrases, none, *phrases]
    assert theirs.splitlines()[1:] == ours.splitlines()[1:]
    assert found["accuracy"] == other["accuracy"]
    assert found["losses"][-1] < found["losses"][0] == pytest.approx(np.log(5), abs=0.6)


def test_whose_name_it_is_on_both_backends(names: Path, tmp_path: Path) -> None:
    options = ["--data", names, "--epochs", 6, "--classify", "Ratoni", "--classify", "De Roff"]
    ours, theirs, found, other = both(tmp_path, "names.py", *options)
    assert [line.partition(" ")[0] for line in ours.splitlines()[:2]] == ["Ratoni:", "De"]
    assert "Ratoni: Italian 0." in ours
    assert theirs.splitlines()[-1] == ours.splitlines()[-1]
    assert found["accuracy"] == other["accuracy"] > 0.7
    assert found["ceiling"] == other["ceiling"] >= 1 - 1 / 9  # one name is in both languages, a ninth of those held out


def test_names_are_written_on_both_backends(names: Path, tmp_path: Path) -> None:
    ours, theirs, found, other = both(tmp_path, "names.py", "--data", names, "--epochs", 3, "--write", 3)
    assert [line.split()[0] for line in ours.splitlines()] == ["Italian", "R", "loss"]
    assert len(set(ours.splitlines()[0].split(", "))) == 3
    assert ours.splitlines()[:-1] == theirs.splitlines()[:-1]  # the last is the loss, below
    assert found["loss"] == pytest.approx(other["loss"], abs=1e-5)
    again = run("names.py", *TINY, "--data", names, "--epochs", 3, "--write", 3).stdout
    assert again == ours != run("names.py", *TINY, "--data", names, "--epochs", 3, "--write", 3, "--seed", 1).stdout


@pytest.mark.parametrize("options", [["sentiment.py"], ["names.py"], ["names.py", "--write", 1]])
def test_without_data_it_is_made_up(options: list[Any]) -> None:
    assert run(*options, *TINY, "--seconds", 0.1).stdout


WRONG: list[tuple[list[Any], str]] = [
    (["sentiment.py", "--data", "nowhere"], "--data: nowhere is not a folder, expected a folder or sst."),
    (["names.py", "--data", "nowhere"], "--data: nowhere is not a folder, expected a folder or names."),
    (["sentiment.py", "--data", "EMPTY"], "has no *train*.txt and *dev*.txt, expected both."),
    (["names.py", "--data", "EMPTY"], "no .txt file found"),
    (["sentiment.py", "--data", "NEUTRAL", "--classes", 2], "--data: 0 training and 0 held-out examples, expected"),
    (["sentiment.py", "--data", "NEUTRAL", "--vectors", "nowhere"], "nowhere"),
    (["sentiment.py", "--data", "BROKEN"], "train.txt:2: 1 unmatched ( in '(1 (2 bad)'"),
    (["sentiment.py", "--classify", " "], "' ' has no words"),
    (["sentiment.py", "--word-dropout", 1, "--data", "NEUTRAL"], "WordDropout: p is 1.0, expected"),
    (["sentiment.py", "--encoder", "tree-lstm", "--pool", "max"], "--pool: a tree-lstm has none. Omit it, or pass"),
    (["sentiment.py", "--encoder", "tree-lstm", "--classify", "( a b c )"], "have 3 parts, expected two"),
    (["names.py", "--epochs", 0], "0 is not a finite number above 0"),
]


@pytest.mark.parametrize(("options", "said"), WRONG, ids=str)
def test_bad_input_is_one_line(options: list[Any], said: str, tmp_path: Path) -> None:
    for name, lines in {"NEUTRAL": "(2 so)\n", "BROKEN": "(1 bad)\n(1 (2 bad)\n", "EMPTY": ""}.items():
        (tmp_path / name).mkdir()
        for part in ("train.txt", "dev.txt") if lines else ():
            (tmp_path / name / part).write_text(lines, encoding="utf-8")
    script, *rest = [tmp_path / option if str(option).isupper() else option for option in options]
    done = python(EXAMPLES / script, *rest, "--backend", "numnet")
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert said in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr


@pytest.mark.parametrize("script", ["sentiment.py", "names.py"])
def test_each_has_fewer_than_120_lines(script: str) -> None:
    assert len((EXAMPLES / script).read_text(encoding="utf-8").splitlines()) < 120
