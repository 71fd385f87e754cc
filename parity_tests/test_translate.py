"""examples/translate.py as a user runs it, on a language of twenty words in reverse order."""

from __future__ import annotations

import itertools
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import numnet
from parity_tests.small import ROOT, python

TRANSLATE = ROOT / "examples" / "translate.py"
sacrebleu = pytest.importorskip("sacrebleu", reason="BLEU is computed by sacrebleu: pip install 'numnet[examples]'")


def test_scores_are_sacrebleus_and_exact_ones_are_counted() -> None:
    said, references = ["je suis ici.", "va !"], [["je suis ici.", "j'y suis."], ["va !"]]
    found = numnet.translation_scores(said, references)
    assert found["exact"] == 1
    assert found["bleu_all_references"] == pytest.approx(100)
    ours, theirs = ["je suis ici.", "je suis ici.", "va !"], ["je suis ici.", "j'y suis.", "va !"]
    assert found["bleu"] == pytest.approx(sacrebleu.corpus_bleu(ours, [theirs]).score)
    assert numnet.translation_scores(["va", "va"], [["va"], ["vas"]])["exact"] == 0.5
    for wrong in ([["a"]], [["a"], []]):
        with pytest.raises(
            ValueError, match="translation_scores: 2 sentences and 1 non-empty lists of references, expected as many"
        ):
            numnet.translation_scores(["a", "b"], wrong)


@pytest.mark.parametrize(("tokenize", "order"), [("none", 4), ("char", 2), ("intl", 1)])
def test_the_options_are_sacrebleus(tokenize: str, order: int) -> None:
    ours, theirs = ["je suis ici.", "tu es la-bas !"], [["je suis la."], ["tu es ici !"]]
    metric = sacrebleu.BLEU(tokenize=tokenize, max_ngram_order=order)
    expected = metric.corpus_score(ours, [[reference for (reference,) in theirs]]).score
    found = numnet.translation_scores(ours, theirs, tokenize=tokenize, max_ngram_order=order)
    assert found["bleu"] == pytest.approx(expected)
    assert found["bleu"] != pytest.approx(numnet.translation_scores(ours, theirs)["bleu"])


def test_one_reference_is_a_list_too() -> None:
    with pytest.raises(TypeError, match=r"references\[0\] is 'the cat', expected a list.*Pass \[reference\]"):
        numnet.translation_scores(["cat"], ["the cat"])
    with pytest.raises(ValueError, match="translation_scores: 0 sentences"):
        numnet.translation_scores([], [])


def test_without_sacrebleu_the_command_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sacrebleu", None)
    with pytest.raises(ImportError, match=r"BLEU needs sacrebleu: pip install 'numnet\[examples\]'"):
        numnet.translation_scores(["a"], [["a"]])


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sentences of two or three of five words; some are in two pairs."""
    path = tmp_path_factory.mktemp("data") / "pairs.txt"
    known = {"I": "Moi", "see": "vois", "that": "ça", "cat": "chat", "now": "ici"}
    lines = []
    for n in (2, 3):
        for sentence in itertools.permutations(known, n):
            english, french = " ".join(sentence), " ".join(known[word] for word in sentence[::-1])
            lines += [f"{english}!\t{french} !"] * (1 + (sentence[0] == "cat"))
    path.write_text("\n".join(np.random.default_rng(0).permutation(lines)), encoding="utf-8")
    return path


def translate(data: Path, *options: Any) -> Any:
    done = python(TRANSLATE, "--data", data, *options)
    assert done.returncode == 0, done.stderr
    return done


def test_it_learns_says_and_draws(pairs: Path, tmp_path: Path) -> None:
    picture, numbers = tmp_path / "attention.png", tmp_path / "numbers.json"
    options = ["--epochs", 60, "--translate", "See that cat!", "--plot", picture, "--json", numbers]
    done = translate(pairs, *options)
    found = json.loads(numbers.read_text(encoding="utf-8"))
    assert found["exact"] > 0.6
    assert found["bleu"] > 50
    assert found["bleu_all_references"] >= found["bleu"] - 1e-9
    *_, said, figures = done.stdout.splitlines()
    assert said == "See that cat!  ->  chat ça vois !"
    assert figures.startswith(f"bleu {found['bleu']:.4f}  bleu_all_references")
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("attention", [pytest.param("none", marks=pytest.mark.long), "dot"])
def test_both_backends_learn_the_same(attention: str, pairs: Path, tmp_path: Path) -> None:
    losses = []
    for backend in ("numnet", "torchnet"):
        options = ["--backend", backend, "--attention", attention, "--cell", "LSTM", "--beam", 1, "--epochs", 2]
        translate(pairs, *options, "--json", tmp_path / "a.json", "--plot", tmp_path / "a.png")
        losses.append(json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))["losses"])
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
