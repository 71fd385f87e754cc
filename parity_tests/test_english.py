"""The small English: a sentence depends on its number alone and has one reading, and the entropy is the exact one."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from functools import cache
from typing import Any

import numpy as np
import pytest

from numnet.data import English, Sentence
from numnet.data.generated.grammar import Choice, Grammar
from parity_tests.small import python

ENGLISH = English()
SENTENCES = list(ENGLISH.sentences(20_000))
FEW = SENTENCES[:300]
# number -> (forms that say it, as subject's determiner or pronoun), (forms of the verb that agree)
SINGULAR, PLURAL = "he she it a every".split(), "they we these those all two three four".split()  # noqa: SIM905


def forms(name: str) -> tuple[set[str], set[str]]:
    """The singular and plural words of a class."""
    sg, pl = ({str(c.word) for c in ENGLISH.grammar.choices[f"{name}.{number}"]} for number in ("sg", "pl"))
    return sg, pl


def test_a_sentence_depends_on_the_seed_and_its_number_alone() -> None:
    assert list(English().sentences(5, first=7)) == SENTENCES[7:12] == [ENGLISH.sentence(k) for k in range(7, 12)]
    others = list(English(seed=1).sentences(300))
    assert sum(a.words == b.words for a, b in zip(FEW, others)) < 10
    code = (
        "from numnet.data import English; print(English(3).sentence(5).words, English(3).sentence(5).log_probability)"
    )
    once, again = (python("-c", code, PYTHONHASHSEED=seed).stdout for seed in ("1", "2"))
    sentence = English(3).sentence(5)
    assert once == again == f"{sentence.words} {sentence.log_probability}\n"


def test_sentences_are_made_when_asked_for() -> None:
    assert next(ENGLISH.sentences(10**12)) == SENTENCES[0]
    assert list(ENGLISH.sentences(0)) == []


def test_lengths_words_and_tags() -> None:
    lengths = [len(s.words) for s in SENTENCES]
    assert min(lengths) == 3
    assert max(lengths) <= 25 == longest(ENGLISH.grammar, "Sentence")
    assert {word for s in SENTENCES for word in s.words} == set(ENGLISH.words)
    assert {tag for s in SENTENCES for tag in s.tags} == set(ENGLISH.tags)
    assert 150 <= len(ENGLISH.words) <= 300
    assert all(len(s.words) == len(s.tags) for s in SENTENCES)
    assert all(s.words[-1] in ".!" and s.tags[-1] == "PUNCT" for s in SENTENCES)
    assert ENGLISH.text(2) == "".join(" ".join(s.words) + "\n" for s in SENTENCES[:2])


def longest(grammar: Grammar, symbol: str) -> int:
    return max(sum(longest(grammar, part) for part in c.parts) or 1 for c in grammar.choices[symbol])


def test_some_words_need_their_neighbours_to_be_tagged() -> None:
    seen: dict[str, Counter[str]] = {}
    for s in SENTENCES[10_000:]:
        for word, tag in zip(s.words, s.tags):
            seen.setdefault(word, Counter())[tag] += 1
    assert {word for word, tags in seen.items() if len(tags) > 1} >= {
        "walks",
        "play",
        "light",
        "fast",
        "outside",
        "that",
    }
    alone = sum(tags.most_common(1)[0][1] for tags in seen.values()) / sum(len(s.words) for s in SENTENCES[10_000:])
    assert 0.9 < alone < 0.96
    assert ENGLISH.sentence(0).tags == ("DET", "NOUN", "AUX", "PART", "ADV", "ADJ", "PUNCT")


def test_the_subject_and_its_verb_agree() -> None:
    verbs = [forms(name) for name in ("Walk", "See", "Lose", "Is", "Does")]
    sg, pl = (set.union(*(verb[k] for verb in verbs)) for k in (0, 1))
    seen = Counter[str]()
    for s in SENTENCES:
        first = s.words[0]
        at = next((k for k, tag in enumerate(s.tags) if tag in ("VERB", "AUX")), 0)
        if "ADP" in s.tags[:at] or s.words[at] in sg & pl:
            continue
        relative = s.words[1:at].count("that") or s.words[1:at].count("which")
        if first in SINGULAR and not relative:
            assert s.words[at] in sg, s
        elif first in PLURAL and not relative:
            assert s.words[at] in pl, s
        seen[first] += 1
    assert set(SINGULAR + PLURAL) <= set(seen)
    assert all(s.words[k + 1][0] not in "aeiou" for s in SENTENCES for k, word in enumerate(s.words) if word == "a")


def test_trees_are_binary_and_cover_the_words() -> None:
    for s in SENTENCES:
        assert s.tree.words() == s.words
        trees = s.tree.subtrees()
        assert len(trees) == 2 * len(s.words) - 1
        assert all(len(t.children) in (0, 2) and t.label in range(5) for t in trees)


@pytest.mark.parametrize(
    "tree",
    [
        "(4 (4 (2 they) (4 (2 are) (4 (2 very) (3 good)))) (2 .))",
        "(1 (1 (2 they) (1 (2 are) (1 (2 not) (4 (2 very) (3 good))))) (2 .))",
        "(1 (1 (1 (2 some) (1 (1 (2 rather) (0 terrible)) (2 lights))) (2 play)) (2 .))",
        "(2 (2 (3 (2 the) (3 friend)) (1 (2 loses) (4 (2 a) (4 treasure)))) (2 !))",
        "(1 (1 (3 (2 he) (3 (2 is) (3 good))) (1 (2 ,) (1 (2 but) (1 (2 he) (1 (2 is) (1 boring)))))) (2 .))",
        "(3 (3 (3 (2 he) (3 (2 is) (3 good))) (1 (2 because) (1 (2 it) (1 (2 is) (1 boring))))) (2 .))",
        "(4 (4 (3 (2 the) (3 (3 happy) (2 dog))) (3 (2 walks) (3 (2 without) (1 problems)))) (2 .))",
        "(3 (3 (2 Anna) (3 (2 never) (1 (2 loses) (4 (2 the) (4 (3 kind) (4 hero)))))) (2 .))",
        "(0 (0 (0 (2 the) (0 (1 nasty) (1 thief))) (2 (0 hates) (4 (2 a) (4 (4 perfect) (4 hero))))) (2 .))",
    ],
)
def test_labels_by_hand(tree: str) -> None:
    words = [part.rstrip(")") for part in tree.split() if not part.startswith("(")]
    assert str(ENGLISH.parse(words).tree) == tree


def test_no_words_have_two_readings() -> None:
    """Exact, over all of some 10^25 sentences: pairs of derivations with the same words are as many as derivations.

    A derivation is followed from left to right: what is still to come is a stack of symbols.
    """
    choices = ENGLISH.grammar.choices
    words = {symbol: {c.word for c in row} for symbol, row in choices.items() if row[0].word is not None}
    assert all(len(words[symbol]) == len(choices[symbol]) for symbol in words)

    @cache
    def count(stack: tuple[str, ...]) -> int:
        return sum(len(words[top]) * ways * count(rest) for (top, rest), ways in firsts(stack).items()) if stack else 1

    @cache
    def firsts(stack: tuple[str, ...]) -> Counter[Any]:
        """(class of the first word, what is still to come after it), and in how many ways."""
        top, rest = stack[0], stack[1:]
        if top in words:
            return Counter({(top, rest): 1})
        return sum((firsts(choice.parts + rest) for choice in choices[top]), Counter())

    @cache
    def pairs(one: tuple[str, ...], other: tuple[str, ...]) -> int:
        if not one or not other:
            return int(one == other)
        return sum(
            len(words[a] & words[b]) * m * n * pairs(one_rest, other_rest)
            for (a, one_rest), m in firsts(one).items()
            for (b, other_rest), n in firsts(other).items()
            if words[a] & words[b]
        )

    assert pairs(("Sentence",), ("Sentence",)) == count(("Sentence",)) > 10**25


def test_parsing_finds_the_one_derivation() -> None:
    for s in FEW[:60]:
        assert len(ENGLISH.grammar.parse(s.words)) == 1
        assert ENGLISH.parse(s.words) == ENGLISH.parse(str(s)) == s


def test_agreement_reaches_over_what_stands_between() -> None:
    for good in ("the dog that sees those cats is happy .", "the dogs near a house do not walk .", "she often wins !"):
        assert len(ENGLISH.parse(good).words) == len(good.split())


@pytest.mark.parametrize(
    "words",
    [
        "the dog that sees those cats are happy .",
        "the dogs near a house does not walk .",
        "the dogs that sees Ben walk .",
        "she often win !",
        "dog walks .",
        "walks dogs .",
        "a dog",
        "",
        "the zebra walks .",
    ],
)
def test_what_is_no_sentence(words: str) -> None:
    with pytest.raises(
        ValueError, match=rf"English\.parse: '{words}' is not a sentence of the small English\. Its rules"
    ):
        ENGLISH.parse(words)


def test_entropy_is_the_mean_of_minus_log_p() -> None:
    losses = np.array([-s.log_probability for s in SENTENCES])
    assert abs(losses.mean() - ENGLISH.entropy) < 4 * losses.std() / len(losses) ** 0.5
    lengths = np.array([len(s.words) for s in SENTENCES])
    assert abs(lengths.mean() - ENGLISH.length) < 4 * lengths.std() / len(lengths) ** 0.5
    assert ENGLISH.entropy_rate == ENGLISH.entropy / (ENGLISH.length + 1)


def small(rules: dict[str, Any], words: dict[str, Any]) -> Grammar:
    return Grammar(rules, words, "S")


def test_entropy_of_grammars_counted_by_hand() -> None:
    coin = small({"S": [[1, "A"], [3, "A A"]]}, {"A": ["X", "a", "b"]})  # weights 1/2 and 1/3: p = 0.6 and 0.4
    h = -0.6 * math.log(0.6) - 0.4 * math.log(0.4)
    assert coin.expected(minus_log) == pytest.approx(-0.25 * math.log(0.25) - 0.75 * math.log(0.75) + 1.75 * h)
    assert coin.expected(lambda choice: choice.word is not None) == pytest.approx(1.75)
    assert [math.exp(d.log_probability()) for d in coin.parse(["a", "b"])] == pytest.approx([0.75 * 0.24])
    endless = small({"S": [[1, "A"], [1, "A S"]]}, {"A": ["X", "a"]})  # a geometric length: 2 bits
    assert endless.expected(minus_log) == pytest.approx(2 * math.log(2))
    assert endless.expected(lambda choice: choice.word is not None) == pytest.approx(2)


def minus_log(choice: Choice) -> float:
    return -math.log(choice.probability)


def test_all_sentences_of_three_words_together() -> None:
    """Their enumerated probability is the one by lengths, and parsing gives each one its own."""

    def said(symbol: str, n: int) -> dict[tuple[str, ...], float]:
        """Every string of n words that a symbol becomes, and its probability."""
        found: dict[tuple[str, ...], float] = defaultdict(float)
        for choice in ENGLISH.grammar.choices[symbol]:
            if choice.word is not None:
                found.update({(choice.word,): choice.probability} if n == 1 else {})  # no class has a word twice
            elif len(choice.parts) == 1:
                for words, p in said(choice.parts[0], n).items():
                    found[words] += choice.probability * p
            else:
                for k in range(1, n):
                    left, right = said(choice.parts[0], k), said(choice.parts[1], n - k)
                    for words, p in left.items():
                        for more, q in right.items():
                            found[words + more] += choice.probability * p * q
        return found

    three = said("Sentence", 3)
    share = sum(len(s.words) == 3 for s in SENTENCES) / len(SENTENCES)
    total = sum(three.values())
    assert abs(share - total) < 4 * (total / len(SENTENCES)) ** 0.5
    for words in list(three)[::500]:
        assert ENGLISH.parse(words).log_probability == pytest.approx(math.log(three[words]), rel=1e-12)
    assert {s.words for s in SENTENCES if len(s.words) == 3} <= set(three)


@pytest.mark.parametrize("seed", [-1, 0.5, "0"])
def test_a_seed_is_a_whole_number(seed: Any) -> None:
    with pytest.raises((ValueError, TypeError), match=r"English: seed is .*, expected a whole number"):
        English(seed)


def test_how_many_is_asked_at_once() -> None:
    with pytest.raises(ValueError, match=r"English\.sentences: n is -1, expected a whole number"):
        ENGLISH.sentences(-1)
    assert isinstance(next(ENGLISH.sentences(1)), Sentence)


@pytest.mark.parametrize("make", ["sentence", "pair", "translation", "name"])
def test_the_number_of_an_item_is_a_whole_number(make: str) -> None:
    for number in (-1, 1.5, "1", None):
        with pytest.raises(ValueError, match=r"English\.\w+: k is .*, expected a whole number, 0 or more"):
            getattr(ENGLISH, make)(number)
    assert str(getattr(ENGLISH, make)(np.int64(7))) == str(getattr(ENGLISH, make)(7))


def test_a_long_text_is_refused_at_once_and_shortened() -> None:
    for words in (["a"] * 3000, "dog " * 3000, "x" * 9000):
        with pytest.raises(ValueError, match=r"English\.parse: '.{40}…' is not a sentence"):
            ENGLISH.parse(words)
    with pytest.raises(TypeError, match=r"English\.parse: words\[0\] is int, expected str"):
        ENGLISH.parse([1])  # type: ignore[list-item]
