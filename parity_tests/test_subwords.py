"""Pieces make the words again, whatever the words; merges are those that counting says, one after another."""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from numnet.data import Subwords

WORDS = st.lists(st.text("abé'", min_size=1, max_size=7), max_size=30)
SAYING = [*["low"] * 3, *["lower"] * 2, *["newest"] * 4, *["widest"] * 2]


@given(words=WORDS, others=WORDS, merges=st.integers(0, 30))
def test_pieces_make_the_words_again(words: list[str], others: list[str], merges: int) -> None:
    subwords = Subwords.from_words(words, merges)
    assert len(subwords.merges) <= merges
    for each in (words, others):
        assert subwords.join(subwords.split(each)) == each
    again = Subwords(**json.loads(json.dumps(subwords.config())))
    assert again.split(others) == subwords.split(others)


@given(words=WORDS, merges=st.integers(0, 12))
def test_each_merge_is_of_the_most_frequent_pair_by_then(words: list[str], merges: int) -> None:
    """Counted anew for each merge, where the code keeps its counts up to date."""
    found = Subwords.from_words(words, merges).merges
    for k, merge in enumerate(found):
        before = Subwords(found[:k])
        counts = Counter(pair for word in words for pair in pairwise(before.split([word])))
        assert counts[merge] == max(counts.values()) >= 2
        assert merge == min(pair for pair in counts if counts[pair] == counts[merge])
    if len(found) < merges:
        rest = Counter(pair for word in words for pair in pairwise(Subwords(found).split([word])))
        assert max(rest.values(), default=0) < 2


def test_the_merges_of_a_saying() -> None:
    subwords = Subwords.from_words(SAYING, 5)
    assert subwords.merges == [("e@@", "s@@"), ("es@@", "t"), ("l@@", "o@@"), ("e@@", "w@@"), ("ew@@", "est")]
    assert subwords.split(["newest", "lowest", "o"]) == ["n@@", "ewest", "lo@@", "w@@", "est", "o"]


def test_a_piece_that_is_not_gone_on_with_is_a_word() -> None:
    assert Subwords.join(["lo@@", "w", "ne@@"]) == ["low", "ne"]
    assert Subwords.join([]) == []


def test_merges_are_counted_in_whole_numbers() -> None:
    with pytest.raises(ValueError, match="Subwords: merges is -1, expected a whole number, 0 or more"):
        Subwords.from_words(SAYING, -1)
    for word in ("a@@", ""):
        with pytest.raises(ValueError, match=f"Subwords: the word is {word!r}, expected one character or more"):
            Subwords([]).split([word])


WRONG: list[tuple[Any, str]] = [
    ("ab", "Subwords: merges is a str, expected a list of pairs."),
    ([("a", "b")], "Subwords: merges[0] is 'a b', expected two pieces, the first ending in @@."),
    ([("a@@", "b"), ("a@@",)], "Subwords: merges[1] is 'a@@', expected two pieces"),
    ([("a@@", 1)], "Subwords: merges[0][1] is int, expected str."),
]


@pytest.mark.parametrize(("merges", "words"), WRONG, ids=[words for _, words in WRONG])
def test_what_is_no_merge(merges: Any, words: str) -> None:
    with pytest.raises((TypeError, ValueError)) as refused:
        Subwords(merges)
    assert str(refused.value).startswith(words)


def test_a_text_is_not_a_list_of_words() -> None:
    subwords = Subwords.from_words(SAYING, 5)
    for call in (lambda text: Subwords.from_words(text, 3), subwords.split):
        with pytest.raises(TypeError, match="words is 'low lower', expected a list of strings"):
            call("low lower")
    with pytest.raises(TypeError, match="pieces is a str, expected a list of pieces"):
        subwords.join("lo@@ w")
    with pytest.raises(TypeError, match=r"words\[1\] is int, expected str"):
        Subwords.from_words(iter(["low", 1]), 3)  # type: ignore[arg-type]
    for word in (None, 1, ["low"]):
        with pytest.raises(TypeError, match=r"Subwords: word is .*, expected a text"):
            subwords.pieces(word)  # type: ignore[arg-type]
