"""Sentences as words and back; and what is held out has nothing in common with the rest."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numnet.data import from_words, hold_out, plain, to_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("L’eau est-elle froide\u202f?", "l' eau est - elle froide ?"),
        ("I don't know, Tom.", "i don' t know , tom ."),
        ("Aujourd'hui... rien !", "aujourd' hui . . . rien !"),
        ("\u00c7a\u00a0va", "\u00e7a va"),
        ("", ""),
    ],
)
def test_words_and_back(text: str, words: str) -> None:
    assert to_words(text) == words.split()
    assert from_words(words.split()) == plain(text)


@given(st.text("aÉl'’ -.,!?\u202f\t"))
def test_no_sign_is_lost_and_words_are_words_again(text: str) -> None:
    words = to_words(text)
    assert "".join(words) == "".join(plain(text).split())
    assert to_words(" ".join(words)) == words


@given(keys=st.lists(st.integers(0, 9), min_size=2).filter(lambda keys: len(set(keys)) > 1), seed=st.integers(0, 99))
def test_each_key_is_on_one_side(keys: list[int], seed: int) -> None:
    pairs = [(key, place) for place, key in enumerate(keys)]
    rest, held = hold_out(pairs, lambda pair: pair[0], 0.5, seed)
    assert not {key for key, _ in rest} & set(held)
    assert sorted(rest + [pair for each in held.values() for pair in each]) == sorted(pairs)
    assert all(key == pair[0] for key, each in held.items() for pair in each)
    assert len(held) == round(0.5 * len(set(keys)))
    again = hold_out(pairs[::-1], lambda pair: pair[0], 0.5, seed)
    assert list(again[1]) == list(held)
    assert again[0] == rest[::-1]


def test_seeds_hold_out_others() -> None:
    items = [str(k) for k in range(100)]
    assert len({tuple(hold_out(items, str, seed=seed)[1]) for seed in range(9)}) == 9
    assert np.mean([len(hold_out(items, str, 0.3, seed)[1]) for seed in range(3)]) == 30


@pytest.mark.parametrize(
    ("items", "fraction", "words"),
    [
        ("ab", 0, "hold_out: fraction is 0, expected more than 0 and less than 1."),
        ("ab", 1.0, "hold_out: fraction is 1.0, expected more than 0 and less than 1."),
        ("abc", 0.1, "hold_out: 0 of 3 keys would be held out, expected at least 1 and not all. Give more items, or"),
        ("", 0.5, "hold_out: 0 of 0 keys would be held out, expected at least 1 and not all. Give more items, or"),
    ],
)
def test_what_is_refused(items: str, fraction: float, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        hold_out(items, str, fraction)


def test_what_is_no_key() -> None:
    with pytest.raises(TypeError, match="hold_out: the keys are list, expected keys that can be sorted and hashed"):
        hold_out("abcd", lambda item: [item], 0.5)
    with pytest.raises(TypeError, match="hold_out: the keys are int, str, expected keys that can be sorted"):
        hold_out([1, "a", 2, "b"], lambda item: item, 0.5)
    with pytest.raises(TypeError, match="hold_out: items is None, expected a list of items"):
        hold_out(None, str, 0.5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="hold_out: seed is -1, expected a whole number, 0 or more"):
        hold_out("abcd", str, 0.5, seed=-1)


def test_a_text_is_not_joined_letter_by_letter() -> None:
    with pytest.raises(TypeError, match="from_words: words is 'the cat', expected a list of strings"):
        from_words("the cat")
