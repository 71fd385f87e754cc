"""Text is the same numbers in every process, batches are what they say, and no validation text is trained on."""

from __future__ import annotations

import json
from itertools import chain
from pathlib import Path
from pydoc_data.topics import topics
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import numnet
from numnet import RandomBatches, SequentialBatches, Vocabulary
from numnet.data import TextError, default_text, read_text, spell, split
from parity_tests.small import TEXT, TOKENS, VOCABULARY, python

B, T, SPARE, SEED, EPOCH = (st.integers(low, high) for low, high in ((1, 5), (1, 7), (0, 60), (0, 2**31), (0, 9)))


@given(st.text())
def test_characters_stand_by_frequency_then_code_point(text: str) -> None:
    vocabulary = Vocabulary.from_text(text)
    assert vocabulary.tokens == ["<unk>", *sorted(set(text), key=lambda c: (-text.count(c), ord(c)))]
    assert vocabulary.decode(vocabulary.encode(text)) == text


def test_words() -> None:
    vocabulary = Vocabulary.from_text("the cat\nand  the <unk> hat the cat", unit="word")
    assert vocabulary.tokens == ["<unk>", "the", "cat", "and", "hat"]
    assert vocabulary.encode("hat dog the <unk>").tolist() == [4, 0, 1, 0]
    assert vocabulary.decode([4, 0, 1]) == "hat <unk> the"
    assert vocabulary.decode(vocabulary.encode("hat the cat")) == "hat the cat"


def test_rare_and_unknown_tokens() -> None:
    vocabulary = Vocabulary.from_text("aaabbc", min_count=2)
    assert vocabulary.tokens == ["<unk>", "a", "b"]
    assert vocabulary.encode("cab").tolist() == [0, 1, 2]
    assert vocabulary.unknown("zcaz") == ["z", "c"]


def test_the_order_does_not_hang_on_the_hash_seed() -> None:
    tokens = "[Vocabulary.from_text(text, unit).tokens for unit in ('character', 'word')]"
    script = f"import sys; from numnet import Vocabulary; text = sys.argv[1]; print({tokens})"
    here = f"{[Vocabulary.from_text(TEXT, unit).tokens for unit in ('character', 'word')]}\n"
    assert [python("-c", script, TEXT, PYTHONHASHSEED=seed).stdout for seed in ("1", "77")] == [here, here]


def test_config_survives_json() -> None:
    vocabulary = Vocabulary.from_text("naïve \u2028 text", unit="word")
    assert Vocabulary(**json.loads(json.dumps(vocabulary.config()))).config() == vocabulary.config()


@pytest.mark.parametrize("tokens", [[], ["a"], ["a", "<unk>"], ["<unk>", "a", "a"]])
def test_no_other_order_is_a_vocabulary(tokens: list[str]) -> None:
    with pytest.raises(ValueError, match="<unk>"):
        Vocabulary(tokens)


FILES = {b"ab\xffcd": "byte 2", b"\xc3\xa9\xff": "byte 2", b"abc\xc3": "byte 3", b"": "empty", b"\xef\xbb\xbf": "empty"}


@pytest.mark.parametrize(("data", "cause"), FILES.items())
def test_a_file_that_is_no_text(tmp_path: Path, data: bytes, cause: str) -> None:
    (tmp_path / "x.txt").write_bytes(data)
    with pytest.raises(TextError, match=cause) as error:
        read_text(tmp_path / "x.txt")
    assert str(tmp_path / "x.txt") in str(error.value)


def test_marks_and_line_ends_of_other_systems_are_taken_off(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_bytes(b"\xef\xbb\xbfone\r\ntwo\n")
    assert read_text(tmp_path / "x.txt") == "one\ntwo\n"


@pytest.mark.parametrize("fraction", [-0.1, 1, float("nan")])
def test_no_other_fraction_splits(fraction: float) -> None:
    with pytest.raises(ValueError, match="validation_fraction"):
        split("abc", fraction)


@given(n=st.integers(80, 300), fraction=st.floats(0, 0.5), B=B, T=T, seed=SEED)
def test_no_validation_character_is_trained_on(n: int, fraction: float, B: int, T: int, seed: int) -> None:
    text = "".join(chr(1000 + k) for k in range(n))  # every character tells its place
    train, validation = ([ord(c) - 1000 for c in part] for part in split(text, fraction))
    assert [*train, *validation] == list(range(n))
    assert len(validation) == round(n * fraction)
    for kind in (SequentialBatches, RandomBatches):
        batches = kind(np.array(train), B, T, seed)
        seen = np.concatenate([both.ravel() for epoch in range(3) for both in chain(*batches.epoch(epoch))])
        assert seen.max() < n - len(validation)


@given(B=B, T=T, spare=SPARE, seed=SEED, epoch=EPOCH)
def test_sequential_rows_go_on_from_batch_to_batch(B: int, T: int, spare: int, seed: int, epoch: int) -> None:
    batches = SequentialBatches(np.arange(B * T + 1 + spare), B, T, seed)
    drawn = list(batches.epoch(epoch))
    assert [x.shape for x, _ in drawn] == [(B, T)] * len(batches)
    assert all((y == x + 1).all() for x, y in drawn)
    rows = np.concatenate([x for x, _ in drawn], axis=1)
    assert (np.diff(rows, axis=1) == 1).all()
    assert len(np.unique(rows)) == rows.size > spare  # no token twice, and less than one batch (B · T) left out


@given(B=B, T=T, spare=SPARE, seed=SEED)
def test_whole_covers_every_target_once(B: int, T: int, spare: int, seed: int) -> None:
    batches = SequentialBatches(np.arange(B + 1 + spare), B, T, seed, whole=True)
    drawn = list(batches.epoch())
    assert len(drawn) == len(batches)
    targets = np.concatenate([y for _, y in drawn], axis=1)
    assert targets.ravel().tolist() == list(range(1, targets.size + 1))  # row after row, none out, none twice
    assert B + spare - targets.size < B


@given(B=B, T=T, spare=SPARE, seed=SEED, epoch=EPOCH)
def test_random_windows_lie_in_the_text_and_apart(B: int, T: int, spare: int, seed: int, epoch: int) -> None:
    batches = RandomBatches(np.arange(B * T + 1 + spare), B, T, seed)
    drawn = list(batches.epoch(epoch))
    assert [x.shape for x, _ in drawn] == [(B, T)] * len(batches)
    assert all((y == x + 1).all() and (np.diff(x, axis=1) == 1).all() for x, y in drawn)
    seen = np.concatenate([x.ravel() for x, _ in drawn])
    assert len(np.unique(seen)) == seen.size > spare
    assert max(y.max() for _, y in drawn) < B * T + 1 + spare


@pytest.mark.parametrize("kind", [SequentialBatches, RandomBatches])
def test_an_epoch_hangs_on_its_seed_and_number_alone(kind: Any) -> None:
    def epoch(seed: int, number: int) -> list[Any]:
        return [x.tolist() for x, _ in kind(np.arange(100), 2, 9, seed).epoch(number)]

    one = kind(np.arange(100), 2, 9, 7)
    assert [[x.tolist() for x, _ in one.epoch(k)] for k in (3, 0, 3)] == [epoch(7, 3), epoch(7, 0), epoch(7, 3)]
    assert len({str(epoch(seed, k)) for seed in (7, 8) for k in range(5)}) > 3


@pytest.mark.parametrize(
    ("kind", "options", "needed"),
    [(SequentialBatches, {}, 13), (RandomBatches, {}, 13), (SequentialBatches, {"whole": True}, 4)],
)
def test_a_text_shorter_than_one_batch(kind: Any, options: dict[str, Any], needed: int) -> None:
    assert len(list(kind(np.arange(needed), 3, 4, **options).epoch())) == 1
    with pytest.raises(TextError, match=f"{needed - 1} tokens, expected at least {needed}"):
        kind(np.arange(needed - 1), 3, 4, **options)


def test_words_that_are_tokens_already() -> None:
    vocabulary = Vocabulary.from_tokens(["New York", "is", "is", "<unk>", "in", "in", "in", "x"], min_count=1)
    assert vocabulary.tokens == ["<unk>", "in", "is", "New York", "x"]
    assert vocabulary.unit == "word"
    assert vocabulary.encode(["New York", "York", "in"]).tolist() == [3, 0, 1]
    assert vocabulary.encode(iter(("in", "in"))).tolist() == [1, 1]
    assert vocabulary.encode([]).dtype == np.int64
    assert vocabulary.encode("New York in").tolist() == [0, 0, 1]
    assert vocabulary.unknown(["New York", "York", "York"]) == ["York"]
    assert Vocabulary.from_tokens(["a", "b", "b"], "character", 2).config() == {
        "tokens": ["<unk>", "b"],
        "unit": "character",
    }


@given(st.text(), st.sampled_from(["character", "word"]))
def test_a_text_is_its_tokens(text: str, unit: str) -> None:
    vocabulary = Vocabulary.from_text(text, unit)
    tokens = vocabulary.split(text)
    assert Vocabulary.from_tokens(tokens, unit).config() == vocabulary.config()
    assert vocabulary.encode(tokens).tolist() == vocabulary.encode(text).tolist()


@pytest.mark.parametrize("tokens", [[1, 2], [["a"]], [b"a"], b"ab", ["a", None]])
def test_numbers_or_sentences_are_no_tokens(tokens: Any) -> None:
    vocabulary = Vocabulary(["<unk>", "a"])
    for use in (vocabulary.encode, vocabulary.unknown, Vocabulary.from_tokens):
        with pytest.raises(TypeError, match=r"tokens(\[[01]\])? is .*, expected (a list of )?str"):
            use(tokens)
    with pytest.raises(TypeError, match=r"tokens is 'the cat', expected a list of strings"):
        Vocabulary.from_tokens("the cat")


def test_words_spelt() -> None:
    characters = Vocabulary.from_text("abcde")
    assert spell(["ab", "", "az", "abcde", "abcd"], characters, 4).tolist() == [
        [2, 3, 0, 0], [0, 0, 0, 0], [2, 1, 0, 0], [2, 3, 5, 6], [2, 3, 4, 5]
    ]  # fmt: skip
    assert spell(["abcde"], characters, 3).tolist() == [[2, 3, 6]]
    assert spell(["abcde"], characters, 1).tolist() == [[2]]
    assert spell([], characters, 2).shape == (0, 2)


@given(st.lists(st.text("abcxyz", max_size=9)), st.integers(1, 9))
def test_what_fits_is_spelt_whole(words: list[str], width: int) -> None:
    characters = Vocabulary.from_text("abc")
    for word, row in zip(words, spell(words, characters, width)):
        kept = word if len(word) <= width else word[: (width + 1) // 2] + word[::-1][: width // 2][::-1]
        assert row.tolist() == [*(characters.encode(kept) + 1), *[0] * (width - len(kept))]


def test_what_cannot_be_spelt() -> None:
    characters = Vocabulary.from_text("abc")
    with pytest.raises(TypeError, match="words is 'abc', expected a list of strings"):
        spell("abc", characters, 3)
    with pytest.raises(ValueError, match="unit 'word', expected 'character'"):
        spell(["abc"], Vocabulary.from_tokens(["abc"]), 3)
    with pytest.raises(ValueError, match="width is 0"):
        spell(["abc"], characters, 0)


@pytest.mark.parametrize("left_over", range(7))
def test_every_random_batch_is_whole(left_over: int) -> None:
    batches = numnet.RandomBatches(np.arange(1 + 2 * 3 * 4 + left_over), batch_size=2, sequence_length=3)
    for number in range(20):
        shapes = [part.shape for batch in batches.epoch(number) for part in batch]
        assert shapes == [(2, 3)] * 2 * len(batches)


def test_tokens_are_numbers_of_64_bits() -> None:
    assert VOCABULARY.encode("abc").dtype == VOCABULARY.encode("").dtype == np.int64


def test_a_text_of_batches_is_part_of_their_config() -> None:
    found = [kind(TOKENS, 2, 3, seed=4).config() for kind in (numnet.SequentialBatches, numnet.RandomBatches)]
    texts = [config.pop("tokens") for config in found]
    assert texts[0] == texts[1]
    assert texts[0].startswith(f"{len(TOKENS)} of checksum ")
    assert [config.pop("type") for config in found] == ["SequentialBatches", "RandomBatches"]
    assert found == [{"batch_size": 2, "sequence_length": 3, "seed": 4}] * 2


def test_the_default_text_is_pythons_own_help() -> None:
    assert default_text() == "\n\n".join(topics[name] for name in sorted(topics))
    assert len(default_text()) > 300_000
    assert "statement" in default_text()


def test_the_first_seed_and_epoch_are_0() -> None:
    for kind in (SequentialBatches, RandomBatches):
        ours = np.array(list(kind(TOKENS, 2, 3).epoch()))
        np.testing.assert_array_equal(ours, list(kind(TOKENS, 2, 3, seed=0).epoch(0)))


WORDS = Vocabulary.from_tokens(["b", "a", "b", "c", "b", "a"], special=("<bos>", "<eos>"))
UNDECODED: list[tuple[Any, type[Exception], str]] = [
    ([3, -2], IndexError, "token -2 at [1], expected 0 to 5 (V = 6). Was the text encoded with another vocabulary?"),
    ([3, 6], IndexError, "token 6 at [1], expected 0 to 5"),
    ([-1, 3], IndexError, "ids[0] is -1 and an id follows it, expected -1, padding, only after the last."),
    ([3.0, 4.0], TypeError, "ids is float64, expected integers. Probabilities? Pass their argmax(-1)."),
    ([True, False], TypeError, "ids is bool, expected integers."),
    ([[3], [4]], ValueError, "ids is (2, 1), expected (N,). Several texts? Decode each row."),
    ([[3], [4, 5]], ValueError, "ids is ragged, expected ids (N,)."),
    (torch.tensor([[3, 4]]), ValueError, "ids is (1, 2), expected (N,)."),
    (torch.tensor(3), ValueError, "ids is (), expected (N,). One id? Pass [id]."),
    (3, TypeError, "ids is int, expected a list of ids. One id? Pass [id]."),
    ("b a", TypeError, "ids is <U3, expected numbers. Encode text with Vocabulary.encode."),
    (None, TypeError, "ids is None, expected a list of ids."),
    ([3, None], TypeError, "ids is object, expected numbers."),
]


@pytest.mark.parametrize(("ids", "kind", "words"), UNDECODED, ids=[words for _, _, words in UNDECODED])
def test_what_is_no_id_is_not_decoded(ids: Any, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind) as refused:
        WORDS.decode(ids)
    assert str(refused.value).startswith(f"Vocabulary.decode: {words}")


def test_padding_after_a_text_is_not_part_of_it() -> None:
    targets = [WORDS.encode(text.split()) for text in ("a <eos>", "b c a b <eos>")]
    (_, y, _), = numnet.PairBatches([[1], [2]], targets, 2, shuffle=False).epoch()  # fmt: skip
    assert [WORDS.decode(row) for row in y] == ["a <eos>", "b c a b <eos>"]
    assert [WORDS.decode(row) for row in torch.tensor(y)] == ["a <eos>", "b c a b <eos>"]
    assert [WORDS.decode(ids) for ids in ([], [-1, -1], iter([3]), np.array([3, 4], np.uint8))] == ["", "", "b", "b a"]


def test_several_texts_are_not_the_tokens_of_one() -> None:
    for vocabulary, texts in ((WORDS, ["b a", "c b"]), (Vocabulary.from_text("abc"), ["ab", "cab"])):
        with pytest.raises(
            ValueError, match=rf"tokens\[0\] is '{texts[0]}', expected one .*Several texts\? Encode each"
        ):
            vocabulary.encode(texts)
    assert WORDS.encode(["b", "x y"]).tolist() == [3, 0]
    assert [token in WORDS for token in ([3], None, "x", "b")] == [False, False, False, True]


def test_what_no_vocabulary_is_made_of() -> None:
    with pytest.raises(ValueError, match="begin with '<unk>'; '<eos>' occurs twice"):
        Vocabulary.from_tokens(["a"], special=["<eos>", "<eos>"])
    with pytest.raises(ValueError, match="min_count is -2, expected a whole number, 0 or more"):
        Vocabulary.from_text("aab", min_count=-2)
    with pytest.raises(TypeError, match="special is '<eos>', expected a list of strings"):
        Vocabulary.from_text("aab", special="<eos>")
    with pytest.raises(ValueError) as refused:  # noqa: PT011
        Vocabulary(["<unk>", *["x" * 5000] * 2])
    assert len(str(refused.value)) < 200


UNREAD: list[tuple[Any, type[Exception], str]] = [
    ("ab" * 50, TypeError, "tokens is a str, expected integers. Pass vocabulary.encode(text)."),
    (list("ab") * 50, TypeError, "tokens is <U1, expected integers. Pass vocabulary.encode(text)."),
    ([0.5] * 99, TypeError, "tokens is float64, expected integers. Numbers? Use SequenceBatches."),
    (np.ones((3, 33), int), ValueError, "tokens is (3, 33), expected (N,). Several sequences? Use SequenceBatches."),
    (None, TypeError, "tokens is None, expected integers (N,)."),
    ([[1], [2, 3]], ValueError, "tokens is ragged, expected integers (N,)."),
    ([], TextError, "the text has 0 tokens, expected at least 13"),
]


@pytest.mark.parametrize("batches", [SequentialBatches, RandomBatches])
@pytest.mark.parametrize(("tokens", "kind", "words"), UNREAD, ids=[words for _, _, words in UNREAD])
def test_what_is_no_text_makes_no_batches(batches: Any, tokens: Any, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind) as refused:
        batches(tokens, 3, 4)
    assert str(refused.value).startswith(f"{batches.__name__}: {words}")


@pytest.mark.parametrize("kind", [SequentialBatches, RandomBatches])
def test_tokens_of_any_kind_make_the_same_batches(kind: Any) -> None:
    tokens = [k % 11 for k in range(60)]
    expected = [part.tolist() for batch in kind(np.array(tokens), 2, 4).epoch(1) for part in batch]
    for given_as in (tokens, tuple(tokens), torch.tensor(tokens), np.array(tokens, ">i8"), np.array(tokens, np.uint8)):
        batches = kind(given_as, np.int64(2), np.int16(4), seed=np.int64(0))
        assert [part.tolist() for batch in batches.epoch(np.int64(1)) for part in batch] == expected
        assert json.loads(json.dumps(batches.config())) == batches.config()
    for number in (-1, 1.5, None, "0"):
        with pytest.raises(
            ValueError, match=rf"{kind.__name__}.epoch: number is .*, expected a whole number, 0 or more"
        ):
            next(kind(tokens, 2, 4).epoch(number))
    with pytest.raises(ValueError, match="seed is -1, expected a whole number, 0 or more"):
        kind(tokens, 2, 4, seed=-1)
