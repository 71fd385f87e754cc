"""The made-up language and the made-up names: what a sentence becomes is one thing, and it is what the rules say."""

from __future__ import annotations

from collections import Counter

import pytest

from numnet.data import English

ENGLISH = English()
PAIRS = list(ENGLISH.translations(3000))
STEMS = ENGLISH.language.stems


def stem(name: str, word: str) -> str:
    """The stem of an English word of a class."""
    rows = [[c.word for c in row] for s, row in ENGLISH.grammar.choices.items() if s.partition(".")[0] == name]
    return STEMS[name, next(row for row in rows if word in row).index(word)]


def translated(sentence: str) -> str:
    return ENGLISH.language.translate(ENGLISH.grammar.parse(sentence.split())[0])


@pytest.mark.parametrize(
    ("sentence", "pattern"),
    [
        ("the big dog sees a small cat .", "Noun:dog+o Describing:big+a Noun:cat+on Describing:small+an See:sees+as ."),
        ("the dogs do not see Ben !", "Noun:dog+oi not:not Ben See:sees+en !"),
        ("Anna is very good .", "Anna very:very+e Judging:good+a Is:is+as ."),
        ("walks walk near the walk .", "Noun:walk+oi Noun:walk+o In:near Walk:walks+en ."),
        ("she walks , but those lose him .", "he:she Walk:walks+as , but:but they:those him:him Lose:loses+en ."),
        ("these cars which lose him are red .",
         "This:this+i Noun:car+oi that:which him:him Lose:loses+en Describing:red+ai Is:is+en ."),
    ],
)  # fmt: skip
def test_translations_by_hand(sentence: str, pattern: str) -> None:
    expected = []
    for part in pattern.split():
        name, colon, rest = part.partition(":")
        word, _, ending = rest.partition("+")
        expected.append(stem(name, word) + ending if colon else part)
    assert translated(sentence) == " ".join(expected)


def test_one_sentence_has_one_translation() -> None:
    assert len(set(STEMS.values())) == len(STEMS)
    for k, (sentence, translation) in enumerate(PAIRS[:300]):
        assert sentence == str(ENGLISH.sentence(k))
        assert translation == translated(sentence)
    assert list(English(4).translations(2, first=3)) == [English(4).translation(k) for k in (3, 4)]
    assert Counter(len(t.translation.split()) - len(t.sentence.split()) for t in PAIRS)[0] < len(PAIRS) / 2
    assert max(len(t.translation.split()) for t in PAIRS) <= 25


def test_names() -> None:
    names = list(ENGLISH.names(600))
    assert names[6:9] == [ENGLISH.name(k) for k in (6, 7, 8)] == list(English().names(3, first=6))
    assert Counter(language for language, _ in names) == dict.fromkeys(ENGLISH.languages, 100)
    assert all(name.isascii() and name.isalpha() and name.istitle() and 3 <= len(name) <= 14 for _, name in names)
    assert len({name for _, name in names}) > 500
    assert names != list(English(1).names(600))
