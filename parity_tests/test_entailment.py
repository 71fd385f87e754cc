"""examples/entailment.py as a user runs it, on files of a few lines: the same numbers from either backend."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from numnet.data import Transitions
from parity_tests.small import ROOT, python

SCRIPT = ROOT / "examples" / "entailment.py"
TINY = ["--hidden-size", 6, "--tracker-size", 4, "--batch-size", 16, "--epochs", 2]
SUBJECTS, VERBS = ["a man", "a dog", "no man"], ["sleeps", "eats", "runs"]


def row(rng: np.random.Generator) -> dict[str, str]:
    """A pair of sentences: the second follows if it is the same one, and contradicts it if "no" is added."""
    one, verb = rng.integers(0, 2), rng.integers(0, 3)
    label = str(rng.choice(["entailment", "neutral", "contradiction", "-"], p=[0.3, 0.3, 0.3, 0.1]))
    other = {"neutral": f"{SUBJECTS[1 - one]} {VERBS[verb]}", "contradiction": f"no {SUBJECTS[one][2:]} {VERBS[verb]}"}
    texts = f"{SUBJECTS[one]} {VERBS[verb]}", other.get(label, f"{SUBJECTS[one]} {VERBS[verb]}")
    parses = [f"( ( {' '.join(text.split()[:2])} ) {text.split()[2].title()} )" for text in texts]
    return {"gold_label": label, "sentence1_binary_parse": parses[0], "sentence2_binary_parse": parses[1]}


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a training and a dev file in the format of SNLI, and vectors of some of the words."""
    folder, rng = tmp_path_factory.mktemp("pairs"), np.random.default_rng(0)
    for name, count in (("train", 40), ("dev", 40)):
        lines = [f"{json.dumps(row(rng))}\n" for _ in range(count)]
        (folder / f"snli_1.0_{name}.jsonl").write_text("".join(lines), encoding="utf-8")
    vectors = "".join(
        f"{word} {' '.join(f'{v:.3f}' for v in rng.standard_normal(5))}\n" for word in ("man", "no", "eats")
    )
    (folder / "vectors").write_text(vectors, encoding="utf-8")
    return folder


def run(*arguments: Any) -> Any:
    """The program's answer, which must be a success."""
    done = python(SCRIPT, *arguments)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
    return done


def figures(path: Path, *arguments: Any) -> Any:
    """What a run writes."""
    run(*TINY, *arguments, "--json", path)
    return json.loads(path.read_text(encoding="utf-8"))


def test_on_both_backends(pairs: Path, tmp_path: Path) -> None:
    options = [
        "--data",
        pairs,
        "--vectors",
        pairs / "vectors",
        "--encoder",
        "spinn",
        "--classify",
        "A man eats",
        "no Man eats",
    ]
    found, said = [], []
    for name in ("numnet", "torchnet"):
        file, plot = tmp_path / name / "run.json", ["--plot", tmp_path / "run.png"] if name == "numnet" else []
        done = run("--backend", name, *TINY, *options, "--json", file, *plot)
        said.append(done.stdout.splitlines())
        found.append(json.loads(file.read_text(encoding="utf-8")))
    assert (tmp_path / "run.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    assert found[0]["losses"] == pytest.approx(found[1]["losses"], abs=1e-5)
    assert found[0]["parameters"] == found[1]["parameters"]
    for key in ("accuracy", "accuracy_second_half", "transition_accuracy", "transition_accuracy_free"):
        assert found[0][key] == pytest.approx(found[1][key], abs=0.02)
        assert 0 <= found[0][key] <= 1
    assert found[0]["losses"][-1] < found[0]["losses"][0]
    labels, *trees = said[0][-4:-1]
    assert [word for word in labels.split() if word.isalpha()] == ["entailment", "neutral", "contradiction"]
    assert [tree.rpartition("   ")[2] for tree in trees] == ["own tree"] * 2
    assert Transitions.parse(trees[0].rpartition("   ")[0].strip()).words == ("a", "man", "eats")


@pytest.mark.long
def test_every_encoder_and_tree_is_another_network(pairs: Path, tmp_path: Path) -> None:
    kinds: list[list[Any]] = [["--encoder", name] for name in ("bow", "lstm", "spinn-pi-nt", "spinn-pi")]
    kinds += [["--encoder", "spinn-pi-nt", "--trees", "right"], ["--encoder", "spinn-pi-nt", "--hidden-size", 7]]
    found = [figures(tmp_path / "a.json", "--data", pairs, "--epochs", 0.5, *kind) for kind in kinds]
    assert len({str(each["losses"]) for each in found}) == len(kinds)
    assert all(each["losses"][0] == pytest.approx(np.log(3), abs=0.7) for each in found)
    assert not any("transition_accuracy" in each for each in found)


def test_what_is_typed_has_a_tree_or_is_told_which(pairs: Path) -> None:
    options = [*TINY, "--data", pairs, "--epochs", 0.1, "--encoder"]
    typed = ["--classify", "( ( a man ) eats )", "a blue man eats"]
    done = run(*options, "spinn-pi", *typed)
    assert done.stdout.splitlines()[-3:-1] == [
        "  ( ( a man ) eats )   given tree",
        "  ( a ( blue ( man eats ) ) )   right-branching tree",
    ]
    assert done.stderr.splitlines()[-1] == "not in the training data: 'blue'"
    assert run(*options, "bow", *typed).stdout.splitlines()[-3:-1] == ["  a man eats", "  a blue man eats"]


def test_the_recipe_of_the_paper_starts(pairs: Path, tmp_path: Path) -> None:
    options = ["--data", pairs, "--vectors", pairs / "vectors", "--recipe", "paper", *TINY, "--epochs", 1]
    run(*options, "--json", tmp_path / "a.json")
    found = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    assert found["steps"] in (2, 3)  # 40 pairs, a few of them without a label; 16 in a batch
    assert found["accuracy"] == found["accuracy_second_half"]


def test_without_data_it_is_generated() -> None:
    assert run(*TINY, "--seconds", 0.1, "--encoder", "spinn-pi-nt").stdout


WRONG: list[tuple[list[Any], str]] = [
    (["--data", "nowhere"], "--data: nowhere is not a folder, expected a folder or snli."),
    (["--data", "EMPTY"], "has no *train*.jsonl* and *dev*.jsonl*, expected both."),
    (["--encoder", "tree"], "invalid choice: 'tree'"),
    (["--classify", "a man"], "expected 2 arguments"),
    (["--hidden-size", 0], "argument --hidden-size: 0 is less than 1"),
    (["--recipe", "paper"], "--recipe paper: expected --data and --vectors"),
]


@pytest.mark.parametrize(("options", "message"), WRONG, ids=[message for _, message in WRONG])
def test_an_error_is_one_line(options: list[Any], message: str, tmp_path: Path) -> None:
    done = python(SCRIPT, *[tmp_path if each == "EMPTY" else each for each in options])
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert message in done.stderr.splitlines()[-1]
