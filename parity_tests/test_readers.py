"""The readers give what the files hold, line by line, and of a wrong line the file, the line and the reason."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import numnet.data
import torchnet
from numnet import Vocabulary
from numnet.data import (
    TextError,
    Transitions,
    read_classes,
    read_conllu,
    read_lines,
    read_pairs,
    read_snli,
    read_text,
    read_transitions,
    read_trees,
)
from numnet.data import read_csv as read_columns
from numnet.data import read_vectors as read_all_vectors
from parity_tests.real_data import real


def read_vectors(path: Path) -> list[Any]:
    """Of four words, one of which no file has."""
    return list(read_all_vectors(path, ["a", "b", "é", "nowhere"]).values)


def read_csv(path: Path) -> list[Any]:
    """Two columns, one of which has gaps."""
    return list(read_columns(path, ["a", "long name"]))


def read_closing(path: Path) -> Any:
    """Parses with closing brackets alone."""
    return read_transitions(path, "closing")


def read_two_lines(path: Path) -> Any:
    """Parses of two lines."""
    return read_transitions(path, "lines")


def row(number: int | str, word: str = "a", tag: str = "NOUN", columns: int = 10) -> str:
    return "\t".join([str(number), word, "_", tag, *["_"] * (columns - 4)])


def pair(**fields: Any) -> str:
    good = {"gold_label": "neutral", "sentence1_binary_parse": "( a b )", "sentence2_binary_parse": "a"}
    return json.dumps({**good, **fields})


Reader = Callable[[Path], Any]
GOOD: dict[Reader, list[str]] = {
    read_lines: ["a", "b"],
    read_conllu: ["# text", row("1-2", "ab"), row(1), row(2, "b b"), row("2.1", "c"), "", row(1, "é"), ""],
    read_trees: ["(3 (2 a) (1 -LRB-))", "", "(0 é)"],
    read_snli: [pair(), pair(gold_label="-"), pair(gold_label="entailment", more=1)],
    read_transitions: ["( a ( é -LRB- ) )", "", "b"],
    read_closing: ["a é -LRB- ) )", "", "b"],
    read_two_lines: ["WORDS: a é", "PARSES: S S R", "", "S", "", "S"],
    read_pairs: ["a\té", "", "a b\tc\tCC-BY"],
    read_csv: ['when,a,"long name"', "é,1,-2.5e3", "", '"a, b", nan ,', "x,NA,0"],
    read_vectors: ["a 1 2", "", "b -3.5 1e-3", "é 0 0", "three words here 1 2"],
}
WRONG: list[tuple[Reader, str, str]] = [
    (read_conllu, row(1, columns=9), "9 columns in '1.*expected 10, separated by tabs"),
    (read_conllu, row(1).replace("\t", " "), "1 columns in '1 a _ NOUN .*', expected 10"),
    (read_conllu, row(1) + "\n" + row(3), ":2: word number '3', expected 2"),
    (read_conllu, row(1) + "\n" + row(1), ":2: word number '1', expected 2. Put an empty line between two sentences"),
    (read_conllu, row("x"), "word number 'x', expected 1"),
    (read_conllu, row(1, ""), "the word is empty"),
    (read_conllu, row(1, tag="NN"), "tag 'NN', expected one of ADJ, "),
    (read_conllu, row(1, tag="_"), "tag '_', expected one of"),
    (read_trees, "(3 (2 a) (1 b)", "1 unmatched \\("),
    (read_trees, "(3 (2 a) (1 b)))", ": unmatched \\)"),
    (read_trees, "(3 (2 a) (1 b)) (2 c)", "2 words or trees in .*expected one tree"),
    (read_trees, "a", "1 words or trees"),
    (read_trees, "(x a)", "label 'x', expected a whole number"),
    (read_trees, "(a)", "label 'a', expected"),
    (read_trees, "((2 a) (2 b))", "label '.*', expected"),
    (read_trees, "()", "label '', expected"),
    (read_trees, "(3)", "empty brackets, expected"),
    (read_trees, "(3 (2 a) (5 b))", "label 5, expected 0 to 4. More classes\\? Give classes="),
    (read_trees, "(3 a b)", "word 'a' among 2 parts"),
    (read_trees, "(3 (2 a) b)", "word 'b' among 2 parts"),
    (read_csv, "a,b", "no column 'long name' in 'a', 'b', expected one. Check the name."),
    (read_csv, "a;long name", "no column 'a' in 'a;long name', .*semicolon\\? Pass separator=';'"),
    (read_csv, "a,a,long name", "2 columns 'a' in 'a', 'a', 'long name', expected one"),
    (read_csv, "a,long name", "no line follows the names of the columns"),
    (read_csv, "a,long name\n\n1,2\n1", ":4: 1 cells, expected 2 as in the first line"),
    (read_csv, "a,long name\n1,2,5", ":2: 3 cells, expected 2 .* Quote the cell"),
    (
        read_csv,
        'a,long name\n"1,5",2',
        ":2: '1,5' in column 'a', expected a finite .* Write decimals with a point",
    ),
    (read_csv, "a,long name\n1,two", ":2: 'two' in column 'long name', expected a finite number. Correct it"),
    (read_csv, "a,long name\n1,-inf", ":2: '-inf' in column 'long name', expected a finite number"),
    (read_csv, 'a,long name\n1,"2', ":2: unexpected end of data"),
    (read_snli, "{", "not JSON: .*Expected one object per line"),
    (read_snli, "\n\n[", ":3: not JSON"),
    (read_snli, "[1]", "expected an object with sentence1_binary_parse"),
    (read_snli, "{}", "sentence1_binary_parse is missing, expected a text"),
    (read_snli, pair(sentence2_binary_parse=None), "sentence2_binary_parse is 'None', expected a text"),
    (read_snli, pair(gold_label="no"), "gold_label 'no', expected one of entailment, neutral, contradiction, or -"),
    (read_snli, pair(sentence1_binary_parse=""), "0 words or trees in ''"),
    (read_snli, pair(sentence1_binary_parse="a b"), "2 words or trees"),
    (read_snli, pair(sentence1_binary_parse="( a b c )"), "'\\( a b c \\)' has 3 parts, expected two"),
    (read_snli, pair(sentence2_binary_parse="( a ( b ) )"), "'\\( b \\)' has 1 parts, expected two"),
    (read_snli, pair(sentence2_binary_parse="( a ( ) )"), "empty brackets, expected"),
    (read_transitions, "( a b )\n( a ( b )", ":2: the brackets of tokens 3 to 5 have 1 part, expected two\\."),
    (read_transitions, "( a b", ":1: the \\( of token 1 is not closed\\. Is the line complete\\?"),
    (read_transitions, "\n( a b ) c", ":2: token 5 is 'c', expected the end of the line after one tree\\."),
    (read_transitions, "a b )", ":1: token 2 is 'b', .* Closing brackets alone\\? Give notation='closing'"),
    (read_transitions, ")", ":1: token 1 is '\\)', expected a word or \\("),
    (read_transitions, "( )", ":1: the brackets of tokens 1 to 2 have 0 parts, expected two\\."),
    (
        read_transitions,
        "(3 (2 a) (2 b))",
        ":1: the brackets of tokens 1 to 11 have 3 parts, .* Labels\\? Use read_",
    ),
    (read_closing, "a b )\na ) b", ":2: token 2 is '\\)' with 1 on the stack, expected a word: \\) combines two"),
    (read_closing, "a b c )", ":1: 2 subtrees after token 4, the last, expected one\\. Is the line complete\\?"),
    (read_closing, "( a b )", ":1: token 1 is '\\(', expected words and \\) alone\\. Give notation='brackets'"),
    (read_two_lines, "a b\n\nS R S", ":3: token 2 is REDUCE with 1 on the stack and 1 word left, expected SHIFT\\."),
    (read_two_lines, "WORDS: a b\nPARSES: S x", ":2: token 3 is 'x', expected S or R\\."),
    (read_two_lines, "a b\nS S", ":2: token 3 is the end with 2 on the stack and 0 words left, expected REDUCE"),
    (read_two_lines, "a\nS\nb", ":3: words without a line of S and R after them. Is the file complete\\?"),
    (read_pairs, "a", "'a', expected two texts separated by a tab"),
    (read_pairs, "a\t", "expected two texts"),
    (read_pairs, "\ta", "expected two texts"),
    (read_pairs, "a\t \tCC-BY", "expected two texts"),
    (read_vectors, "a", "'a', expected a word and its numbers"),
    (read_vectors, "x 1 2\ny 1", ":2: 1 numbers after 'y', expected 2"),
    (read_vectors, "x 1 2\ny 1 2 3", ":2: 3 numbers after 'y', expected 2"),
    (read_vectors, "400000 2\nx 1 2", ":2: 2 numbers after 'x', expected 1.*word2vec"),
    (read_vectors, "x 1 2\na 1 two", ":2: 'two' in a vector, expected a finite number"),
    (read_vectors, "x 1 2\na 1  2", ":2: 3 numbers after 'a', expected 2|'' in a vector"),
    (read_vectors, "a 1 nan", "'nan' in a vector, expected a finite"),
    (read_vectors, "a 1e39 1", "'1e39' in a vector, expected a finite"),
    (read_vectors, "x 1 one", "'x 1 one', expected a word and its numbers"),
    (read_vectors, "x 1 inf", "'inf' in a vector, expected a finite"),
    (read_vectors, "x 0.5 0.5\ny 0.5 0.25 0.125", ":2: 3 numbers after 'y', expected 2"),
    (read_vectors, "x 1\ny\0 2", ":2: a NUL at byte 1 of the line, expected UTF-8"),
    (read_conllu, row(1) + "\n \t\n" + row(2), ":3: word number '2', expected 1"),
    (read_conllu, row(1, "a\0"), "a NUL at byte 3 of the line, expected UTF-8. Is it UTF-16\\? Convert the file"),
    (read_pairs, "b\0\t\0c", "a NUL at byte 1 of the line"),
    (read_trees, f"({'7' * 4300} a)", "label '7{40}…', expected at most 9 digits"),
    (read_trees, f"({'1' * 9000} a)", "label '1{40}…', expected at most 9 digits"),
    (read_trees, f"({'x' * 9000} a)", "label 'x{40}…', expected a whole number"),
    (read_snli, "[" * 60_000 + "]" * 60_000, "'\\[{40}…' is nested too deeply, expected one object per line"),
    (read_snli, '{"gold_label":' * 60_000, "is nested too deeply"),
    (read_snli, pair(gold_label=10**4000), "gold_label is '10{39}…', expected a text"),
    (read_snli, pair(gold_label=["neutral"]), "gold_label is list, expected a text"),
]
each_reader = pytest.mark.parametrize("reader", GOOD, ids=lambda reader: reader.__name__)


@each_reader
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_plain_and_gzip_with_either_end_and_without_the_last(tmp_path: Path, reader: Reader, end: str) -> None:
    data = end.join(GOOD[reader]).encode()
    plain = tmp_path / "x.txt"
    plain.write_bytes("\n".join(GOOD[reader]).encode() + b"\n")
    expected = list(map(str, reader(plain)))
    (tmp_path / "y.txt").write_bytes(b"\xef\xbb\xbf" + data)
    (tmp_path / "x.txt.gz").write_bytes(gzip.compress(data))
    for name in ("y.txt", "x.txt.gz"):
        assert list(map(str, reader(tmp_path / name))) == expected
        assert list(map(str, reader(str(tmp_path / name)))) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(("reader", "lines", "said"), WRONG)
def test_a_wrong_line_is_named(tmp_path: Path, reader: Reader, lines: str, said: str) -> None:
    path = tmp_path / "x.txt"
    path.write_text(lines, encoding="utf-8")
    with pytest.raises(TextError, match=said) as error:
        list(reader(path))
    number = lines.count("\n") + 1
    assert str(error.value).startswith(f"{path}:{number}: ")
    assert "\n" not in str(error.value)


@each_reader
def test_an_empty_file_is_none(tmp_path: Path, reader: Reader) -> None:
    for name, data in (("x", b""), ("x.gz", gzip.compress(b""))):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(TextError, match=f"{tmp_path / name}: (the file is empty|no vector found)"):
            list(reader(tmp_path / name))


@pytest.mark.parametrize(
    ("reader", "text"),
    [
        (read_conllu, "# text\n\n"),
        (read_trees, "\n"),
        (read_transitions, "\n"),
        (read_pairs, "\n\n"),
        (read_snli, "\n"),
        (read_vectors, "\n"),
    ],
)
def test_a_file_with_nothing_in_it_is_said_to_hold_nothing(tmp_path: Path, reader: Reader, text: str) -> None:
    (tmp_path / "x").write_text(text)
    with pytest.raises(TextError, match=r"x: no \w+ found"):
        list(reader(tmp_path / "x"))


@pytest.mark.parametrize("reader", [reader for reader in GOOD if reader is not read_vectors])
def test_what_is_not_utf_8_is_named(tmp_path: Path, reader: Reader) -> None:
    lines = "\n".join(GOOD[reader]).encode()
    (tmp_path / "x").write_bytes(lines + b"\nab\xff")
    with pytest.raises(TextError, match=f"x:{len(GOOD[reader]) + 1}: not UTF-8 at byte 2 of the line: .*iconv"):
        list(reader(tmp_path / "x"))


@each_reader
def test_a_gzip_file_that_is_cut_or_none(tmp_path: Path, reader: Reader) -> None:
    whole = gzip.compress("\n".join(GOOD[reader]).encode())
    spoilt = whole[:10] + b"\xff" * 9 + whole[19:]
    for data in (whole[:-9], whole[: len(whole) // 2], spoilt, b"plain text"):
        (tmp_path / "x.gz").write_bytes(data)
        with pytest.raises(TextError, match=r"x\.gz: not a complete gzip file: .*Download it again"):
            list(reader(tmp_path / "x.gz"))


def test_a_text_may_be_gzip(tmp_path: Path) -> None:
    (tmp_path / "x.gz").write_bytes(gzip.compress("é\r\n".encode()))
    assert read_text(tmp_path / "x.gz") == "é\n"


@each_reader
def test_a_file_that_is_not_there(tmp_path: Path, reader: Reader) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        list(reader(tmp_path / "nowhere"))


def test_lines_are_read_as_they_are_asked_for(tmp_path: Path) -> None:
    """A reader yields the entries before a wrong line, then raises the error."""
    for reader, lines in GOOD.items():
        if reader not in (read_csv, read_vectors, read_lines, read_transitions, read_closing):  # or any word is a tree
            good, path = tmp_path / "good", tmp_path / "wrong"
            good.write_text("\n".join(lines), encoding="utf-8")
            path.write_text("\n".join([*lines, "", "wrong"]), encoding="utf-8")
            items = reader(path)
            assert [next(items), next(items)] == list(reader(good))
            with pytest.raises(TextError, match=f"{path}:{len(lines) + 2}: "):
                next(items)


def test_only_a_line_feed_ends_a_line(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes("a\u2028b\x0c\x85c\rd\n\ne".encode())
    assert list(read_lines(tmp_path / "x")) == ["a\u2028b\x0c\x85c\rd", "", "e"]


def test_sentences_and_their_tags(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("\n".join(GOOD[read_conllu]), encoding="utf-8")
    assert list(read_conllu(tmp_path / "x")) == [(("a", "b b"), ("NOUN", "NOUN")), (("é",), ("NOUN",))]


def test_of_two_lines_the_wrong_one_is_named(tmp_path: Path) -> None:
    for lines, said in (
        ("a b\nPARSES: S S R", "'a b', expected WORDS: before PARSES:"),
        ("WORDS:\nPARSES: S", "no word, expected a tree of at least one"),
    ):
        (tmp_path / "x").write_text(f"a\nS\n\n{lines}")
        with pytest.raises(TextError, match=f"x:4: {said}"):
            list(read_two_lines(tmp_path / "x"))


def test_a_blank_line_has_spaces_and_tabs_alone(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes("a\r\n \t\r\n\xa0\r\n\r\nb".encode())
    assert [parse.words for parse in read_closing(tmp_path / "x")] == [("a",), ("\xa0",), ("b",)]


def test_pairs_and_inferences(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("\n".join(GOOD[read_pairs]), encoding="utf-8")
    assert list(read_pairs(tmp_path / "x")) == [("a", "é"), ("a b", "c")]
    (tmp_path / "y").write_text("\n".join(GOOD[read_snli]))
    found = list(read_snli(tmp_path / "y"))
    assert [(x.premise.words(), x.hypothesis.words(), x.label) for x in found] == [
        (("a", "b"), ("a",), "neutral"),
        (("a", "b"), ("a",), "entailment"),
    ]


def test_word_lists_by_class(tmp_path: Path) -> None:
    for name, text in {"b.txt": "x y \n\nz", "a.txt": "é\n", "LICENSE": "no word"}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "c.txt.gz").write_bytes(gzip.compress(b"w"))
    assert list(read_classes(tmp_path)) == [("a", "é"), ("b", "x y"), ("b", "z"), ("c", "w")]
    (tmp_path / "d.txt").write_text(" \n")
    with pytest.raises(TextError, match=r"d\.txt: no word found"):
        list(read_classes(tmp_path))
    (tmp_path / "b.txt").write_bytes(b"x\n\xff")
    with pytest.raises(TextError, match=r"b\.txt:2: not UTF-8"):
        list(read_classes(tmp_path))


def test_a_folder_without_lists(tmp_path: Path) -> None:
    with pytest.raises(TextError, match=r"no \.txt file found, expected one per class"):
        list(read_classes(tmp_path))
    with pytest.raises(FileNotFoundError, match="nowhere"):
        list(read_classes(tmp_path / "nowhere"))


def test_vectors_of_the_words_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("a 1 2 \nb -3.5 0.001\n. . 5 6\nc 7 8\na 9 9\n", encoding="utf-8")
    found = read_all_vectors(path, ["b", "<unk>", "a", "b", ". ."])
    expected = [[-3.5, 0.001], [0, 0], [1, 2], [-3.5, 0.001], [5, 6]]
    assert found.values.tolist() == np.array(expected, np.float32).tolist()
    assert found.values.dtype == np.float32
    assert found.found.tolist() == [True, False, True, True, True]
    assert found.coverage == 0.8
    nothing = read_all_vectors(path, [])
    assert (nothing.values.shape, nothing.coverage) == ((0, 2), 0.0)
    with pytest.raises(TypeError, match="words is 'abc', expected a list of strings"):
        read_all_vectors(path, "abc")


def test_reading_ends_where_every_word_is_found(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("a 1\nb 2\nwrong\n")
    assert read_all_vectors(tmp_path / "x", ["b", "a"]).values.tolist() == [[2], [1]]
    with pytest.raises(TextError, match="x:3: 0 numbers"):
        read_all_vectors(tmp_path / "x", ["b", "c"])


def test_numbers_of_words_nobody_asked_for_are_not_looked_at(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"a 1\n\xff x\nb 2\n")
    assert read_all_vectors(tmp_path / "x", ["b"]).values.tolist() == [[2]]


def test_words_with_spaces_and_numbers(tmp_path: Path) -> None:
    """GloVe's file of 840 billion tokens has such words; one that ends in a number is known by its whole number."""
    path = tmp_path / "x"
    path.write_text("the 0.5 0.25\nsars 2 1.5 -2.5\n. . . 3 4\nboeing 7.5 0.5 1e-1\nnan 6 7\n")
    asked = ["sars 2", ". . .", "nan", "boeing 7.5"]
    assert read_all_vectors(path, asked).values[:3].tolist() == [[1.5, -2.5], [3, 4], [6, 7]]
    assert read_all_vectors(path, asked).found.all()
    with pytest.raises(TextError, match="x:4: 3 numbers after 'boeing', expected 2"):
        read_all_vectors(path, ["nan"])
    path.write_text("windows 11 0.5 0.25\nthe 1 2\n")
    assert read_all_vectors(path, ["the", "windows 11"]).values.tolist() == [[1, 2], [0.5, 0.25]]
    path.write_text("new york city 0.5 0.25\nthe 1 2\n")
    assert read_all_vectors(path, ["the"]).values.tolist() == [[1, 2]]


@each_reader
def test_other_encodings_are_named(tmp_path: Path, reader: Reader) -> None:
    lines = "\n".join(GOOD[reader])
    for data, remedy in (
        (lines.encode("utf-16"), "Is it UTF-16\\? Convert the file"),
        (lines.encode("utf-16-le"), "Is it UTF-16\\? Convert the file"),
        (gzip.compress(lines.encode()), "Is it gzip\\? Then give it a name that ends in .gz"),
    ):
        (tmp_path / "x").write_bytes(data)
        with pytest.raises(TextError, match=f"x:1: (not UTF-8|a NUL) at byte .*{remedy}"):
            list(reader(tmp_path / "x"))
    (tmp_path / "x").write_bytes(b"ab\0c")
    with pytest.raises(TextError, match="x: a NUL at byte 2, expected UTF-8"):
        read_text(tmp_path / "x")


@each_reader
def test_a_folder_is_no_file(tmp_path: Path, reader: Reader) -> None:
    for read in (reader, read_text):
        with pytest.raises(TextError, match=f"{tmp_path}: this is a folder, expected a file"):
            list(read(tmp_path))
        with pytest.raises(FileNotFoundError, match="nowhere: cannot be read: No such file or directory"):
            list(read(tmp_path / "nowhere"))


def test_blank_lines_part_the_entries(tmp_path: Path) -> None:
    expected: dict[Any, Any] = {}
    for blank in ("", "  ", "\t", "\r"):
        for reader, one in ((read_conllu, row(1)), (read_trees, "(1 a)"), (read_pairs, "a\tb"), (read_snli, pair())):
            (tmp_path / "x").write_bytes(f"{one}\n{blank}\n{blank}\n{one}".encode())
            found = list(reader(tmp_path / "x"))
            assert (len(found), found[0]) == (2, found[1])
            assert expected.setdefault(reader, found) == found


def test_the_files_that_macos_adds_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "Greek.txt").write_text("Pappas")
    for name in ("._Greek.txt", "._Greek.txt.gz", ".hidden.txt"):
        (tmp_path / name).write_bytes(b"\0\5\x16\7\xb0")
    assert list(read_classes(tmp_path)) == [("Greek", "Pappas")]
    with pytest.raises(TextError, match=r"Greek\.txt: this is not a folder, expected one with a \.txt file per class"):
        list(read_classes(tmp_path / "Greek.txt"))


def test_torchnet_has_the_same_names() -> None:
    assert torchnet.data is numnet.data


@pytest.mark.parametrize(("part", "sentences", "words"), [("dev", 2001, 25147), ("train", 12544, 204577)])
def test_english_ewt(part: str, sentences: int, words: int) -> None:
    found = list(read_conllu(real(f"ud_english_ewt/en_ewt-ud-{part}.conllu")))
    assert (len(found), sum(len(sentence.words) for sentence in found)) == (sentences, words)
    assert len({tag for sentence in found for tag in sentence.tags}) == 17


@pytest.mark.parametrize(("part", "trees"), [("dev", 1101), ("train", 8544)])
def test_the_sentiment_treebank(part: str, trees: int) -> None:
    found = list(read_trees(real(f"sst/{part}.txt")))
    assert len(found) == trees
    assert {part.label for tree in found for part in tree.subtrees()} == {0, 1, 2, 3, 4}
    assert not any("-LRB-" in tree.words() or "\\" in "".join(tree.words()) for tree in found)
    written = [line.replace("\\", "") for line in read_lines(real(f"sst/{part}.txt"))]
    assert list(map(str, found)) == written


def test_snli_and_the_vectors_of_its_words() -> None:
    found = list(read_snli(real("snli/snli_1.0_dev.jsonl.gz")))
    assert Counter(x.label for x in found) == {"entailment": 3329, "contradiction": 3278, "neutral": 3235}
    tokens = [word.lower() for x in found for tree in x[:2] for word in tree.words()]
    vocabulary = Vocabulary.from_tokens(tokens)
    vectors = read_all_vectors(real("glove/glove.6B.50d.subset7849.txt"), vocabulary.tokens)
    assert vectors.values.shape == (len(vocabulary), 50)
    assert 0.84 < vectors.found[vocabulary.encode(tokens)].mean() < 0.85


def test_the_parses_of_snli(tmp_path: Path) -> None:
    pairs = read_snli(real("snli/snli_1.0_train_first1024.jsonl.gz"))
    found = [Transitions.from_tree(tree) for x in pairs for tree in x[:2]]
    assert (len(found), sum(len(parse.words) for parse in found)) == (2044, 23_337)
    for notation in ("brackets", "closing", "lines"):
        (tmp_path / "x").write_text("\n".join(parse.format(notation) for parse in found), encoding="utf-8")
        assert list(read_transitions(tmp_path / "x", notation)) == found


def test_pairs_and_names() -> None:
    assert len(list(read_pairs(real("fra-eng/fra_first30000.txt")))) == 30_000
    counts = Counter(language for language, _ in read_classes(real("names")))
    assert (len(counts), sum(counts.values()), [*counts] == sorted(counts)) == (18, 20_050, True)
