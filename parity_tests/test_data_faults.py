"""Planted faults in the checks of data: each lets one wrong input through, which the right code refuses or reads."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import numnet
from parity_tests.faults import DATA_FAULTS, Fault, planted


def written(folder: Path, data: str | bytes, name: str = "x.txt") -> Path:
    """The path of a new file."""
    path = folder / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def classes(net: Any, folder: Path) -> Any:
    """What a folder with a hidden file contains."""
    (folder / "words").mkdir()
    written(folder, "Rossi", "words/Italian.txt")
    written(folder, "no word", "words/._Italian.txt")
    return list(net.data.read_classes(folder / "words"))


def vocabulary(net: Any) -> Any:
    return net.Vocabulary(["<unk>", "x", "y"], "word")


def windows(net: Any, part: str, **options: Any) -> Any:
    """Windows over 0, 1, ..., 19, of which 10 are for training and 5 for validation; step 4 is missing."""
    values = np.where(np.arange(20) == 4, np.nan, np.arange(20))
    series = net.TimeSeries(values, np.arange(20), validation=5, test=5, scaling=None, missing="previous")
    return net.WindowBatches(series, part, 3, 2, **options)


def in_closed_loop(net: Any, _: Path) -> Any:
    """Three forecasts of a layer that adds: y[t] = x[t] + known + y[t - 1]."""
    layer = net.RNNLayer(1, input_size=2, activation="relu", dtype="float64")
    layer.load_state_dict({"W_x": [[1.0, 1.0]], "W_h": [[1.0]], "b": [0.0]})
    known = np.array([[[0.5], [3.0], [10.0]]])
    return net.closed_loop(net.RNNModel([layer], dtype="float64"), [[[1.0, 0.5]]], 3, known).ravel().tolist()


def scores(net: Any, *arguments: Any, name: str) -> Any:
    """One score of two values, as text."""
    return f"{net.forecast_scores(*arguments)[name]:.4f}"


def row_numbers(net: Any, moves: list[list[int]], lengths: list[int]) -> Any:
    """The rows of the buffer, the top and the second element before each step, and of the root, as text."""
    rows = importlib.import_module(net.data.valid_moves.__module__.replace("shift_reduce", "stack_rows"))
    stack, given, found = rows.StackRows(np.array(lengths), len(moves[0])), np.array(moves), []
    while n := stack.running:
        found.append(" ".join(map(str, stack.operands().ravel())))
        stack.move(given[stack.order[:n], stack.step])
    return ", ".join([*found, "root " + " ".join(map(str, stack.roots()))])


def by_height(net: Any, _: Path) -> Any:
    """The rows of the children of ( ( a b ) c ) and ( d ( e ( f ( g h ) ) ) ), by height, and the roots."""
    rows = importlib.import_module(net.data.valid_moves.__module__.replace("shift_reduce", "stack_rows"))
    moves = np.array([[0, 0, 1, 0, 1, 2, 2, 2, 2], [0, 0, 0, 0, 0, 1, 1, 1, 1]])
    plan = rows.compositions(moves, np.array([3, 5]))
    return [part.tolist() for part in (plan.left, plan.right, plan.roots)] + [plan.starts]


def random_trees(net: Any, _: Path) -> Any:
    """How many trees 40 sentences of four words get; there are five."""
    return len({net.data.Transitions.of_shape([str(k), "a", "b", "c"], "random").moves for k in range(40)})


def parse(net: Any, text: str, notation: str = "brackets") -> Any:
    return net.data.Transitions.parse(text, notation)


def moves(net: Any, words: str, numbers: list[int]) -> Any:
    return net.data.Transitions([*words], numbers)


PARSES = [
    numnet.data.EncodedParse(np.array(words), np.array(moves)) for words, moves in (([1, 2], [0, 0, 1]), ([2], [0]))
]
PARSES_OF_PAIRS = [(PARSES[0], PARSES[1]), (PARSES[1], PARSES[0])]
EMPTY_AND_LEFT = [[2] * 5, [0, 0, 1, 0, 1]]
NAIVE = np.array([0.0, 3, 4, 9, 8, 20, 12, 33, 16, 41])
# What is done with it, and what comes of it: the value, or the beginning of the error.
REFUSED: dict[str, tuple[Callable[[Any, Path], Any], Any]] = {
    "padding": (lambda net, _: vocabulary(net).decode([1, -1]), "x"),
    "several texts": (lambda net, _: vocabulary(net).encode(["y x", "x y"]), "Vocabulary: tokens[0] is 'y x'"),
    "BOM": (lambda net, folder: net.data.read_vectors(written(folder, "\ufeffx 1\ny 2"), ["x"]).found.tolist(), [True]),
    "first line": (
        lambda net, folder: net.data.read_vectors(written(folder, "x 1 nan\ny 2 3"), ["y"]),
        "{}:1: 'nan' in",
    ),
    "UTF-16": (lambda net, folder: list(net.data.read_lines(written(folder, b"a\0b\0"))), "{}:1: a NUL at byte 1"),
    "deep JSON": (lambda net, folder: list(net.data.read_snli(written(folder, "[" * 50_000))), "{}:1: '[[["),
    "long label": (lambda net, folder: net.data.parse_tree(f"({'8' * 4000} a)"), f"parse_tree: label '{'8' * 40}…'"),
    "hidden files": (classes, [("Italian", "Rossi")]),
    "fraction": (lambda net, _: net.pad_sequences([[1], [2, 3]], 0.25), "pad_sequences: value is 0.25"),
    "uint64": (lambda net, _: net.pack([np.array([2**63], np.uint64)]), "pack: sequences[0] has 9223372036854775808"),
    "scaling": (lambda net, _: net.TimeSeries([0, 2, 9, 9], validation=1, test=1).shift.tolist(), [[1]]),
    "first target": (lambda net, _: windows(net, "validation").actual.min(), 10),
    "last target": (lambda net, _: windows(net, "validation").actual.max(), 14),
    "missing target": (lambda net, _: windows(net, "train").first.tolist(), [5, 6, 7, 8]),
    "filled": (lambda net, _: windows(net, "train").x[0, :, 0].tolist(), [2, 3, 3]),
    "covariates": (lambda net, _: windows(net, "validation").x[0, :, 1].tolist(), [8, 9, 10]),
    "center": (lambda net, _: windows(net, "validation", center=3).y[0].tolist(), [2, 3]),
    "naive": (lambda net, _: windows(net, "validation").seasonal_naive(1).tolist(), [[k, k] for k in range(9, 13)]),
    "naive interval": (
        lambda net, _: (
            net.WindowBatches(net.TimeSeries(NAIVE, validation=0, test=3), "test", 2, 2)
            .seasonal_naive(1, [0.25, 0.75])
            .round(9)
            .tolist()
        ),
        [[[11.5, 16.5], [16, 18]], [[32.5, 37.5], [37, 39]]],
    ),
    "closed loop": (in_closed_loop, [1.5, 6.0, 22.0]),
    "mase": (lambda net, _: scores(net, [[1.0], [1]], [[2.0], [4]], None, [[1.0], [2]], name="mase"), "1.2500"),
    "pinball": (lambda net, _: scores(net, [[1.0]], [2.0], [0.9], name="pinball"), "0.9000"),
    "coverage": (lambda net, _: scores(net, [[1.0, 2]], [1.0], [0.1, 0.9], name="coverage"), "1.0000"),
    "empty cell": (
        lambda net, folder: np.isnan(net.data.read_csv(written(folder, "a,b\n1,\n,2"), ["a", "b"])).tolist(),
        [[False, True], [True, False]],
    ),
    "REDUCE": (lambda net, _: moves(net, "ab", [0, 1, 0]), "Transitions: moves[1] is REDUCE with 1 on the stack"),
    "SHIFT": (lambda net, _: moves(net, "ab", [0, 0, 0, 1, 1]), "Transitions: moves[2] is SHIFT with 2 on the stack"),
    "the end": (lambda net, _: moves(net, "ab", [0, 0]), "Transitions: moves[2] is the end with 2 on the stack"),
    "words left": (lambda net, _: moves(net, "ab", [0]), "Transitions: moves[1] is the end with 1 on the stack and 1"),
    "rows": (lambda net, _: row_numbers(net, EMPTY_AND_LEFT, [0, 3]), "1 0 0, 2 1 0, 3 2 1, 3 4 0, 0 3 4, root 0 5"),
    "rows by height": (by_height, [[1, 7, 9, 6, 5, 4], [2, 8, 3, 10, 12, 13], [11, 14], [0, 2, 4, 5, 6]]),
    "children": (lambda net, _: str(parse(net, "( a ( b c ) )").tree()), "( a ( b c ) )"),
    "padded parses": (
        lambda net, _: net.data.pad_parses([parse(net, "( x y )"), parse(net, "y")], vocabulary(net))[2].tolist(),
        [[0, 0, 1], [0, 2, 2]],
    ),
    "random trees": (random_trees, 5),
    "pairs of parses": (
        lambda net, _: next(net.ParseBatches(PARSES_OF_PAIRS, [0, 1], 2, shuffle=False).epoch())[0].words.tolist(),
        [[1, 2], [2, 0], [2, 0], [1, 2]],
    ),
    "targets of nodes": (
        lambda net, _: next(net.ParseBatches(PARSES, [[1, 1, 1], [1]], 2, shuffle=False).epoch())[1].tolist(),
        [[1, 1, 1], [1, -1, -1]],
    ),
    "a row alone": (
        lambda net, _: [len(y) for _, y in net.ParseBatches([PARSES[0]] * 5, [0] * 5, 2, shuffle=False).epoch()],
        [2, 3],
    ),
    "moves of a batch": (
        lambda net, _: net.ParseBatches([PARSES[0]._replace(moves=np.array([0, 1, 0]))], [0], 1),
        "ParseBatches: parses[0].moves[1] is REDUCE with 1 on the stack",
    ),
    "words of a parse": (
        lambda net, _: [
            x.words.tolist()
            for x, _ in net.data.WordDropout(net.ParseBatches(PARSES, [0, 1], 2, shuffle=False), 0.999).epoch()
        ],
        [[[0, 0], [0, 0]]],
    ),
    "closing": (lambda net, _: parse(net, "a ) b", "closing"), "Transitions.parse: token 2 is ')' with 1 on the"),
    "three parts": (lambda net, _: parse(net, "( a b c )"), "Transitions.parse: the brackets of tokens 1 to 5 have 3"),
    "escapes": (
        lambda net, _: net.data.Transitions(["-LRB-"], [0]).format(),
        "Transitions.format: word '-LRB-' would be read",
    ),
    "escaped words": (lambda net, _: parse(net, "-LRB-\nS", "lines").words, ("(",)),
    "line of moves": (
        lambda net, folder: list(net.data.read_transitions(written(folder, "a\nR"), "lines")),
        "{}:2: token 1 is REDUCE",
    ),
    "no-break space": (
        lambda net, folder: [p.words for p in net.data.read_transitions(written(folder, "a\n\xa0"))],
        [("a",), ("\xa0",)],
    ),
    "text for tokens": (lambda net, _: net.RandomBatches([0.5] * 99, 2, 3), "RandomBatches: tokens is float64"),
}


def passes(net: Any, name: str, folder: Path) -> bool:
    """Whether the right thing comes of it."""
    call, expected = REFUSED[name]
    try:
        return bool(call(net, folder) == expected)
    except (TypeError, ValueError, RecursionError) as error:
        return str(error).startswith(str(expected).format(folder / "x.txt"))


@pytest.mark.parametrize("name", REFUSED)
def test_wrong_data_is_refused(name: str, net: Any, tmp_path: Path) -> None:
    assert passes(net, name, tmp_path)


def test_every_row_has_a_fault() -> None:
    assert {fault.case for fault in DATA_FAULTS} == set(REFUSED)


@pytest.mark.parametrize("fault", DATA_FAULTS, ids=lambda fault: fault.name)
def test_a_planted_fault_lets_it_through(fault: Fault, tmp_path: Path) -> None:
    assert passes(numnet, fault.case, tmp_path)
    (tmp_path / "faulty").mkdir()
    with planted(fault, tmp_path / "faulty") as faulty:
        (tmp_path / "data").mkdir()
        assert not passes(faulty, fault.case, tmp_path / "data")
