"""Text from a model: one step at a time is the whole sequence again, and a seed says all, on either backend."""

from __future__ import annotations

import copy
import re
import warnings
from typing import Any

import numpy as np
import pytest

import numnet
import torchnet
from numnet.core.arrays import to_numpy
from numnet.models.generate import choose
from parity_tests.small import TEXT, VOCABULARY, assert_same, small_model, weights
from parity_tests.translator import translator

PROMPT = TEXT[:9]
LOGITS = np.array([1.0, -0.5, 2.0, 0.3, 1.9])


def slow(model: Any, ids: list[int], length: int) -> str:
    """The likeliest continuation, the whole sequence fed again for each character."""
    ids = list(ids)
    for _ in range(length):
        ids.append(int(model.predict(np.array([ids]))[0, -1].argmax()))
    return VOCABULARY.decode(ids[-length:])


def test_greedy_is_the_whole_sequence_again(net: Any) -> None:
    model = small_model(net, "float64", dropout=0.5)
    expected = PROMPT + slow(model, VOCABULARY.encode(PROMPT).tolist(), 40)
    assert len(set(expected[9:])) > 2
    assert net.generate(model, VOCABULARY, PROMPT, 40, temperature=0) == expected
    assert net.generate(model, VOCABULARY, PROMPT, 40, temperature=2.0, top_k=1) == expected
    assert net.generate(model, VOCABULARY, PROMPT, 40, temperature=1e-9) == expected


def test_nothing_is_computed_twice(net: Any) -> None:
    model, fed = small_model(net), []
    predict = model.predict

    def count(x: Any, *state: Any) -> Any:
        fed.append(x.shape[1])
        return predict(x, *state)

    model.predict = count
    net.generate(model, VOCABULARY, PROMPT, 12)
    assert fed[0] == len(PROMPT)
    assert set(fed[1:]) == {1}
    assert len(fed) <= 13


def test_a_seed_gives_one_text_on_both_backends() -> None:
    def text(net: Any, seed: int, **options: Any) -> str:
        return net.generate(small_model(net, "float64"), VOCABULARY, PROMPT, 50, seed=seed, **options)

    for options in ({}, {"temperature": 0.7, "top_k": 4}):
        one = text(numnet, 1, **options)
        assert one == text(numnet, 1, **options) == text(torchnet, 1, **options)
        assert one != text(numnet, 2, **options) != text(numnet, 3, **options)


def test_another_temperature_gives_another_text(net: Any) -> None:
    model = small_model(net)
    assert len({net.generate(model, VOCABULARY, PROMPT, 50, temperature=t, seed=3) for t in (0, 0.3, 1.0, 5.0)}) == 4


def test_words_are_joined_by_blanks(net: Any) -> None:
    vocabulary = net.Vocabulary(["<unk>", *"abcdefghij"], "word")
    text = net.generate(small_model(net), vocabulary, "b a", 5)
    assert text.startswith("b a ")
    assert len(text.split(" ")) == 7
    with pytest.raises(ValueError, match="empty"):
        net.generate(small_model(net), vocabulary, " \n ", 5)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("top_k", [None, 3, 9])
def test_choices_are_as_frequent_as_softmax_says(temperature: float, top_k: int | None) -> None:
    rng, n = np.random.default_rng(11), 4000
    counts = np.bincount([choose(LOGITS, rng, temperature, top_k) for _ in range(n)], minlength=5)
    kept = np.array([True, top_k != 3, True, top_k != 3, True])
    p = np.where(kept, np.exp(LOGITS / temperature), 0)
    expected = n * (p / p.sum())[kept]
    assert counts[~kept].sum() == 0
    assert ((counts[kept] - expected) ** 2 / expected).sum() < 18.5  # chi-square, at most 4 degrees: one in a thousand


@pytest.mark.parametrize("options", [{"temperature": 0}, {"top_k": 1}, {"temperature": 1e-300}])
def test_the_largest_is_chosen_and_the_first_of_equals(options: dict[str, Any]) -> None:
    rng = np.random.default_rng(0)
    assert {choose(LOGITS, rng, **options) for _ in range(20)} == {2}
    if "top_k" in options or options["temperature"] == 0:
        assert {choose(np.array([1.0, 3.0, 3.0, 3.0]), rng, **options) for _ in range(20)} == {1}


def test_logits_of_any_size_have_a_choice() -> None:
    rng = np.random.default_rng(0)
    assert choose(np.array([1e4, -1e4, 0.0], np.float32), rng) == 0
    assert choose(np.array([-np.inf, 0.0]), rng, 0.5) == 1


def test_a_stop_ends_the_text_and_is_not_shown(net: Any) -> None:
    model = small_model(net, "float64")
    written = net.generate(model, VOCABULARY, PROMPT, 8, seed=1).removeprefix(PROMPT)
    stops = {stop: written.partition(stop)[0] for stop in VOCABULARY.tokens[1:]}  # all of it, where it has no such one
    assert {0, 8} < {*map(len, stops.values())}
    for stop, expected in stops.items():
        assert net.generate(model, VOCABULARY, PROMPT, 8, seed=1, stop=stop) == PROMPT + expected


def test_a_prompt_may_be_tokens(net: Any) -> None:
    model = small_model(net, "float64")
    assert net.generate(model, VOCABULARY, list(PROMPT), 9) == net.generate(model, VOCABULARY, PROMPT, 9)
    tokens = net.Vocabulary([*VOCABULARY.tokens[:-1], "<name>"])
    assert net.generate(model, tokens, ["<name>", "a"], 9).startswith("<name>a")
    assert net.generate(model, net.Vocabulary(tokens.tokens, "word"), ["<name>", "a"], 0) == "<name> a"


REFUSED: list[Any] = [("", {}, "empty"), ("a", {"top_k": 0}, "top_k is 0"), ([], {}, "empty")]
REFUSED += [("a", {"stop": "Z"}, "stop is 'Z', expected a token"), ("a", {"length": -1}, "length is -1, expected")]
REFUSED += [("a", {"temperature": t}, f"temperature is {t}") for t in (-0.1, float("nan"), float("inf"))]
REFUSED += [
    ("a", {name: 3}, f"generate: no option is called '{name}'. Use length.") for name in ("limit", "max_length")
]
REFUSED += [
    (prompt, {}, "prompt is .*, expected a string or") for prompt in ({"a"}, {"a": 1}, [1], 3, np.array([1, 2]))
]


@pytest.mark.parametrize(("prompt", "options", "cause"), REFUSED)
def test_what_is_refused(net: Any, prompt: Any, options: dict[str, Any], cause: str) -> None:
    with pytest.raises((ValueError, TypeError), match=cause):
        net.generate(small_model(net), VOCABULARY, prompt, **{"length": 5, **options})


def test_a_prompt_may_be_an_iterator(net: Any) -> None:
    model = small_model(net, "float64")
    assert net.generate(model, VOCABULARY, iter(PROMPT), 9) == net.generate(model, VOCABULARY, PROMPT, 9)


V = len(VOCABULARY)
AHEAD = "reads the steps that it must predict, expected a layer that runs forward only"
AT_ONCE = "which reads several steps at once, expected layers that carry earlier steps in their state"
NO_LANGUAGE_MODEL: list[tuple[str, Any]] = [
    (f"layers[0] {AHEAD}", lambda n: [n.GRULayer(3, bidirectional=True), n.Dense(V)]),
    (f"layers[2] {AHEAD}", lambda n: [n.Embedding(V, 3), n.GRULayer(3), n.LSTMLayer(3, reverse=True), n.Dense(V)]),
    (f"layers[1] {AHEAD}", lambda n: [n.Embedding(V, 3), n.Bidirectional(n.RNNLayer(3), "sum"), n.Dense(V)]),
    (f"layers[1] is Convolution, {AT_ONCE}", lambda n: [n.Embedding(V, 3), n.Convolution(3), n.Dense(V)]),
    (f"layers[1] is Convolution, {AT_ONCE}",
     lambda n: [n.GRULayer(3), n.Concat([n.Dense(3), n.Convolution(3, width=2)]), n.Dense(V)]),
    (f"layers[1] is Pooling, {AT_ONCE}", lambda n: [n.GRULayer(3), n.Pooling("mean"), n.Dense(V)]),
    ("layers[0] is Dense, which reads numbers, expected a layer that reads tokens",
     lambda n: [n.Dense(3), n.GRULayer(3), n.Dense(V)]),
    ("layers[0] is Characters, which reads rows of tokens, expected a layer that reads tokens",
     lambda n: [n.Characters(V, embedding_size=2, output_size=2), n.GRULayer(3), n.Dense(V)]),
    ("the last layer is Softmax, whose outputs are probabilities, expected logits",
     lambda n: [n.GRULayer(3), n.Dense(V), n.Softmax()]),
    (f"the model predicts 40 tokens, expected at most {V}, as the vocabulary has.",
     lambda n: [n.GRULayer(3), n.Dense(40)]),
    ("the model has no layers", lambda n: []),
]  # fmt: skip


@pytest.mark.parametrize(("words", "layers"), NO_LANGUAGE_MODEL, ids=[words for words, _ in NO_LANGUAGE_MODEL])
def test_what_is_no_language_model_is_refused(net: Any, words: str, layers: Any) -> None:
    model = net.RNNModel(layers(net), input_size=None if "Dense" in words or "rows" in words else V)
    with pytest.raises(ValueError, match=f"^generate: {re.escape(words)}"):
        net.generate(model, VOCABULARY, PROMPT, 5)


def test_other_things_and_vocabularies_are_refused(net: Any) -> None:
    model = small_model(net)
    things: list[tuple[Any, str]] = [
        (None, "None"), (net.RNNModel, "the class RNNModel"), (net.GRULayer(3, input_size=V), "GRULayer"),
        (net.Tape(a=net.Dense(3)), "Tape"),
    ]  # fmt: skip
    for thing, got in things:
        with pytest.raises(TypeError, match=f"generate: the model is {got}, expected an RNNModel"):
            net.generate(thing, VOCABULARY, PROMPT, 5)
    with pytest.raises(TypeError, match=r"generate: the model is EncoderDecoder, expected an RNNModel\. Use greedy"):
        net.generate(translator(net), VOCABULARY, PROMPT, 5)
    for text in ("abcdefgh . and more", "ab"):
        vocabulary = net.Vocabulary.from_text(text)
        with pytest.raises(
            ValueError, match=f"vocabulary has {len(vocabulary)} tokens, expected {V}, as the model reads"
        ):
            net.generate(model, vocabulary, "a", 5)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("temperature", [0, 0.5])
def test_a_model_gone_astray_says_so(net: Any, value: float, temperature: float) -> None:
    model = small_model(net)
    b = np.where(np.arange(V) == 3, value, 0)
    model.load_state_dict({**weights(model), "layers.3.b": b})
    with pytest.raises(ValueError, match="RNNModel: the logits contain nan or inf, expected finite numbers"):
        net.generate(model, VOCABULARY, PROMPT, 5, temperature=temperature)


@pytest.mark.parametrize("temperature", [0, 1.0])
def test_one_row_of_logits_and_time_first_write_the_same_text(net: Any, temperature: float) -> None:
    def text(*last: Any, **options: Any) -> str:
        model = net.RNNModel([net.GRULayer(9, **options), *last, net.Dense(V)], input_size=V, seed=1)
        model.load_state_dict({name: 4 * to_numpy(p) for name, p in model.params.items()})
        return net.generate(model, VOCABULARY, PROMPT, 30, temperature=temperature)

    expected = text()
    assert len(set(expected[9:])) > 1
    assert text(return_sequences=False) == text(batch_first=False) == text(net.Pooling("last")) == expected
    assert text(return_sequences=False, batch_first=False) == expected


def test_unknown_characters_are_read_as_unknown_with_a_warning(net: Any) -> None:
    model = small_model(net, "float64")
    with pytest.warns(UserWarning, match="'@', 'Z'") as caught:
        text = net.generate(model, VOCABULARY, "a@Z@", 20, temperature=0)
    assert len(caught) == 1
    assert text == "a@Z@" + slow(model, [int(VOCABULARY.encode("a")[0]), 0, 0, 0], 20)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        net.generate(model, VOCABULARY, PROMPT, 1)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", [None, (1, 1), (1, 9), (3, 4)])
def test_the_model_is_left_as_it_was(net: Any, training: bool, shape: tuple[int, int] | None) -> None:
    model = small_model(net, dropout=0.4).train(training)
    if shape:
        model.loss_and_grads(*2 * [VOCABULARY.encode(TEXT[: shape[0] * shape[1]]).reshape(shape)])
    before = weights(model), {name: np.array(to_numpy(g)) for name, g in model.grads.items()}
    state = copy.deepcopy(model.last_state)
    net.generate(model, VOCABULARY, PROMPT, 8)
    assert [model.training, *(layer.training for layer in model.layers)] == [training] * 5
    assert_same(weights(model), before[0])
    assert_same({name: to_numpy(g) for name, g in model.grads.items()}, before[1])
    assert str(model.last_state) == str(state)


def test_a_model_in_training_goes_on_as_if_nothing_had_been_written(net: Any) -> None:
    x = VOCABULARY.encode(TEXT[:24]).reshape(3, 8)
    losses = []
    for writes in (False, True):
        model, state = small_model(net, dropout=0.4), None
        for _ in range(3):
            losses.append(float(model.loss_and_grads(x, x, state)))
            state = model.last_state
            if writes:
                net.generate(model, VOCABULARY, PROMPT, 8)
    assert losses[:3] == losses[3:]


def test_of_equal_logits_the_first_are_kept() -> None:
    rng = np.random.default_rng(0)
    assert {choose(np.tile([0.0, 1.0], 500), rng, top_k=3) for _ in range(50)} == {1, 3, 5}


def test_the_temperature_is_1_where_none_is_given() -> None:
    ours, theirs = np.random.default_rng(0), np.random.default_rng(0)
    logits = np.arange(9.0)
    assert [choose(logits, ours) for _ in range(50)] == [choose(logits, theirs, temperature=1.0) for _ in range(50)]


def test_the_first_seed_is_0_and_the_temperature_1() -> None:
    model = small_model(numnet)
    written = numnet.generate(model, VOCABULARY, "a", 30)
    assert written == numnet.generate(model, VOCABULARY, "a", 30, temperature=1.0, top_k=None, seed=0)
    assert written != numnet.generate(model, VOCABULARY, "a", 30, seed=1)
