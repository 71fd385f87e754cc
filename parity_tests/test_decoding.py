"""Decoding returns the most likely tokens: of each step (greedy), and of all possible sentences (beam search)."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import numnet
import torchnet
from numnet.core.arrays import to_numpy
from parity_tests.small import assert_same, weights
from parity_tests.translator import KINDS, W, pairs, translator

LIMIT = 3
x, _, lengths = pairs()
END = 2
each_kind = pytest.mark.parametrize("attention", KINDS, ids=str)


def log_p(model: Any, row: int, sentences: list[list[int]]) -> list[Any]:
    """log p of each token of some sentences, from one call over the whole of them."""
    target, _ = numnet.pad_sequences(sentences, -1)
    rows = np.full(len(sentences), row)
    z = model.predict(x[rows], target, lengths[rows])
    every = z - np.log(np.exp(z).sum(axis=-1, keepdims=True))
    return [one[np.arange(len(tokens)), tokens] for one, tokens in zip(every, sentences)]


def whole(said: Any) -> list[int]:
    """With the end's token, where it came."""
    return said.tokens + [END] * said.ended


def everything_sayable() -> list[list[int]]:
    """Up to LIMIT tokens: those that have ended, and those that are cut there."""
    others = [token for token in range(W) if token != END]
    ended = [[*words, END] for n in range(LIMIT) for words in itertools.product(others, repeat=n)]
    return ended + [list(words) for words in itertools.product(others, repeat=LIMIT)]


def same(ours: Any, theirs: Any) -> None:
    assert (ours.tokens, ours.ended) == (theirs.tokens, theirs.ended)
    assert ours.score == pytest.approx(theirs.score, rel=1e-12)
    assert (ours.weights is None) == (theirs.weights is None)
    if ours.weights is not None:
        np.testing.assert_allclose(ours.weights, theirs.weights, rtol=1e-9, atol=1e-12)


@each_kind
def test_greedy_takes_the_likeliest_of_each_step(attention: str | None, net: Any) -> None:
    model = translator(net, attention, cell="LSTMLayer", depth=2, gain=4.0, seed=5)
    found = net.greedy(model, x, lengths, max_length=12)
    assert len({tuple(said.tokens) for said in found}) > 1
    for row, said in enumerate(found):
        tokens = whole(said)
        logits = np.asarray(model.predict(x[row : row + 1], np.array([tokens]), lengths[row : row + 1]))[0]
        assert logits.argmax(axis=-1).tolist() == tokens
        assert said.ended or len(tokens) == 12
        assert END not in said.tokens
        assert said.score == pytest.approx(log_p(model, row, [tokens])[0].mean(), rel=1e-9)


@each_kind
@pytest.mark.parametrize("alpha", [0.0, 0.6, 1.0])
def test_one_place_is_greedy(attention: str | None, alpha: float, net: Any) -> None:
    model = translator(net, attention)
    one, greedy = net.beam_search(model, x, lengths, 1, 9, alpha), net.greedy(model, x, lengths, 9, alpha)
    for ours, theirs in zip(one, greedy, strict=True):
        same(ours, theirs)


@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_as_many_places_as_sentences_find_the_best_of_all(alpha: float, net: Any) -> None:
    model, sayable = translator(net, "general", gain=2.0), everything_sayable()
    found = net.beam_search(model, x, lengths, len(sayable), LIMIT, alpha)
    for row, said in enumerate(found):
        scores = [each.sum() / len(each) ** alpha for each in log_p(model, row, sayable)]
        assert whole(said) == sayable[int(np.argmax(scores))]
        assert said.score == pytest.approx(max(scores), rel=1e-9)
    assert any(whole(said) != whole(other) for said, other in zip(found, net.greedy(model, x, lengths, LIMIT)))


def test_of_the_same_sentences_a_sum_takes_a_shorter_one(net: Any) -> None:
    differ = []
    for seed in range(4):
        model = translator(net, "dot", gain=2.0, seed=seed)
        total, mean = (net.beam_search(model, x, lengths, 20, 9, alpha) for alpha in (0.0, 1.0))
        sizes = [[len(whole(said)) for said in found] for found in (total, mean)]
        assert all(ours <= theirs for ours, theirs in zip(*sizes))
        differ.append(sizes[0] != sizes[1])
    assert any(differ)


@each_kind
@pytest.mark.parametrize("beam", [1, 3])
def test_a_batch_is_its_rows_one_by_one_and_padding_is_never_read(attention: str | None, beam: int, net: Any) -> None:
    model = translator(net, attention, depth=2)
    spoilt = np.where(np.arange(x.shape[1]) < lengths[:, None], x, -7)
    for row, said in enumerate(net.beam_search(model, spoilt, lengths, beam, 8)):
        n = max(1, int(lengths[row]))
        alone = net.beam_search(model, x[row : row + 1, :n], lengths[row : row + 1], beam, 8)[0]
        if alone.weights is not None:
            alone.weights = np.pad(alone.weights, ((0, 0), (0, x.shape[1] - n)))
        same(said, alone)


@pytest.mark.parametrize("attention", KINDS[1:])
def test_weights_belong_to_the_tokens_that_were_chosen(attention: str, net: Any) -> None:
    model = translator(net, attention, gain=2.0)
    for row, said in enumerate(net.beam_search(model, x, lengths, 4, 9)):
        if not said.tokens:
            assert said.weights is None
            continue
        model.predict(x[row : row + 1], np.array([whole(said)]), lengths[row : row + 1])
        expected = to_numpy(model.attention.weights)[0, : len(said.tokens)]
        np.testing.assert_allclose(said.weights, expected, rtol=1e-9, atol=1e-12)
        assert not said.weights[:, lengths[row] :].any()


@pytest.mark.parametrize("beam", [1, 2, 5])
def test_both_backends_say_the_same(beam: int) -> None:
    for ours, theirs in zip(*(net.beam_search(translator(net), x, lengths, beam, 9) for net in (numnet, torchnet))):
        same(ours, theirs)


def test_the_model_is_left_as_it_was(net: Any) -> None:
    model = translator(net, dropout=0.4)
    model.loss_and_grads(*pairs()[:2], lengths=lengths)
    before, grads = weights(model), {name: np.array(to_numpy(g)) for name, g in model.grads.items()}
    calls = [module.calls for module in model.modules() if hasattr(module, "calls")]
    assert set(calls) == {1}
    for say in (net.greedy, net.beam_search):
        say(model, x, lengths)
    assert_same(weights(model), before)
    assert_same({name: to_numpy(g) for name, g in model.grads.items()}, grads)
    assert [module.calls for module in model.modules() if hasattr(module, "calls")] == calls
    assert all(module.training for module in model.modules())


def test_what_does_not_end_is_cut(net: Any) -> None:
    model = translator(net)
    ends = "output.layers.3.b"
    model.load_state_dict({**weights(model), ends: np.where(np.arange(W) == END, -99.0, 0)})
    for said in net.greedy(model, x, lengths, 3) + net.beam_search(model, x, lengths, 2, 3):
        assert (len(said.tokens), said.ended) == (3, False)
    model.load_state_dict({**weights(model), ends: np.where(np.arange(W) == END, 99.0, 0)})
    for said in net.greedy(model, x, lengths) + net.beam_search(model, x, lengths):
        assert (said.tokens, said.ended, said.weights) == ([], True, None)
        assert said.score == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("beam", [1, 2, 400])
def test_what_is_never_to_be_said_is_not(beam: int, net: Any) -> None:
    model = translator(net, gain=2.0)
    plain = net.beam_search(model, x, lengths, beam, LIMIT)
    never = sorted({token for said in plain for token in said.tokens})[:2]
    assert never
    for said in net.beam_search(model, x, lengths, beam, LIMIT, suppress_tokens=never) + net.greedy(
        model, x, lengths, LIMIT, suppress_tokens=never
    ):
        assert not set(said.tokens) & set(never)
        assert np.isfinite(said.score)


@pytest.mark.parametrize(
    ("say", "options", "words"),
    [
        ("greedy", {"suppress_tokens": [W]}, "suppress_tokens: token 6 at .0., expected 0 to 5"),
        ("beam_search", {"suppress_tokens": [-1]}, "suppress_tokens: token -1 at .0., expected 0 to 5"),
        ("greedy", {"max_length": 0}, "greedy: max_length is 0, expected a whole number above 0."),
        ("beam_search", {"max_length": 0.5}, "beam_search: max_length is 0.5, expected a whole number."),
        ("greedy", {"suppress_tokens": range(W)}, "EncoderDecoder: suppress_tokens leaves no token"),
        ("beam_search", {"suppress_tokens": range(W)}, "EncoderDecoder: suppress_tokens leaves no token"),
        ("beam_search", {"beam": 0}, "beam_search: beam is 0, expected a whole number above 0."),
    ],
)
def test_what_is_refused(say: str, options: Any, words: str, net: Any) -> None:
    with pytest.raises((TypeError, ValueError, IndexError), match=words):
        getattr(net, say)(translator(net), x, lengths, **options)


class Scripted:
    """A model whose logits after the tokens so far are those of `logits`, of any type."""

    begin, end = 1, END

    def __init__(self, logits: Any, result: Any = None) -> None:
        self.logits, self.result = logits, result

    def start(self, rows: Any, counts: Any = None) -> Any:
        return np.arange(len(rows))

    def advance(self, tokens: Any, context: Any) -> Any:
        z = self.logits(tokens, context) if callable(self.logits) else np.tile(self.logits, (len(tokens), 1))
        return self.result or (z, None, context)


TIES = [[0, 0, 0, 0, 0], [0, 0, 0, 3, 3], [1, 2, -9, 2, 1], [-np.inf, 5, -np.inf, 5, 5], [0.5, 0.5, 0.5, 0.5, 0.25]]


@pytest.mark.parametrize("logits", TIES)
@pytest.mark.parametrize("size", [5, 40])
def test_of_equal_logits_the_lowest_token_is_chosen(logits: list[float], size: int, net: Any) -> None:
    model = Scripted([*logits, *[min(logits)] * (size - 5)])
    greedy = net.greedy(model, x, max_length=4)
    assert [each.tokens for each in greedy] == [
        [int(np.argmax(model.logits))] * 4 if np.argmax(logits) != END else []
    ] * 4
    for ours, theirs in zip(net.beam_search(model, x, beam=1, max_length=4), greedy, strict=True):
        same(ours, theirs)
    for beam in (2, 3, 7, 300):
        found = net.beam_search(model, x, beam=beam, max_length=3, suppress_tokens=[END])
        assert [each.tokens for each in found] == [each.tokens[:3] for each in greedy]


def test_one_place_is_greedy_for_drawn_logits_with_ties(net: Any) -> None:
    """Also where a total is so large that log p differ by less than its last digit."""
    rng = np.random.default_rng(3)
    for scale in (1.0, 1e-15, 1e9):
        table = rng.integers(-2, 3, (9, 4, 9)) * scale
        model = Scripted(lambda tokens, rows, table=table: table[tokens, rows])
        greedy = net.greedy(model, x, max_length=6)
        for ours, theirs in zip(net.beam_search(model, x, beam=1, max_length=6), greedy, strict=True):
            same(ours, theirs)


@pytest.mark.parametrize("say", ["greedy", "beam_search"])
@pytest.mark.parametrize(
    ("model", "options", "words"),
    [
        (Scripted([0, np.nan, 1]), {}, "Scripted: the logits contain nan or inf, expected finite numbers."),
        (Scripted([-np.inf] * 3), {}, "Scripted: the logits contain nan or inf"),
        (Scripted(["a", "b", "c"]), {}, "Scripted: the logits are .4, 3. of <U1, expected real numbers .4, V.,"),
        (Scripted(lambda tokens, _: np.zeros(3)), {}, "Scripted: the logits are .3,. of float64, expected"),
        (Scripted([0, 1, 2], result=(1, 2)), {}, "Scripted: advance returns a tuple of 2, expected .logits, attention"),
        (Scripted([0, 1]), {}, "Scripted: end is 2, expected a token, 0 to 1"),
        (Scripted, {}, "SAY: the model is the class Scripted, expected an EncoderDecoder, or a model"),
        ("model", {}, "SAY: the model is 'model', expected an EncoderDecoder"),
        (Scripted([0, 1, 2]), {"alpha": -0.5}, "SAY: alpha is -0.5, expected a finite number, 0 or more."),
        (Scripted([0, 1, 2]), {"alpha": np.inf}, "SAY: alpha is inf, expected a finite number, 0 or more."),
        (Scripted([0, 1, 2]), {"suppress_tokens": 1}, "SAY: suppress_tokens is 1, expected a list .*Pass .1."),
        (Scripted([0, 1, 2]), {"suppress_tokens": None}, "SAY: suppress_tokens is None, expected a list of tokens."),
        (Scripted([0, 1, 2]), {"suppress_tokens": ["<unk>"]},
         "SAY: suppress_tokens.0. is '<unk>', expected a token, a whole number. Encode it: vocabulary.encode"),
        (Scripted([0, 1, 2]), {"suppress_tokens": [0.0]}, "SAY: suppress_tokens.0. is 0.0, expected a token"),
        (Scripted([0, 1, 2]), {"suppress_tokens": np.array([[0]])}, "SAY: suppress_tokens.0. is list, expected"),
        (Scripted([0, 1, 2]), {"limit": 3}, "SAY: no option is called 'limit'. Use max_length."),
    ],
)  # fmt: skip
def test_what_no_model_and_no_option_is(say: str, model: Any, options: Any, words: str, net: Any) -> None:
    with pytest.raises((TypeError, ValueError), match=f"^{words.replace('SAY', say)}"):
        getattr(net, say)(model, x, **options)


def test_suppressed_tokens_may_be_any_whole_numbers(net: Any) -> None:
    model = Scripted([0.0, 1, 0, 3, 2])
    for tokens in ([3], (3,), {3}, iter([3]), np.array([3], np.int32), range(3, 4)):
        assert net.greedy(model, x, max_length=1, suppress_tokens=tokens)[0].tokens == [4]


@pytest.mark.parametrize("say", ["greedy", "beam_search"])
def test_what_says_nothing_is_refused(say: str, net: Any) -> None:
    model = net.RNNModel([net.Embedding(W, 3), net.GRULayer(4), net.Dense(W)])
    with pytest.raises(TypeError, match=f"{say}: the model is RNNModel, expected an EncoderDecoder, or a model with"):
        getattr(net, say)(model, x, lengths)


@pytest.mark.parametrize("say", ["greedy", "beam_search"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_model_gone_astray_says_so(say: str, value: float, net: Any) -> None:
    model = translator(net)
    name = "output.layers.3.b"
    model.load_state_dict({**weights(model), name: np.where(np.arange(W) == 3, value, 0)})
    with pytest.raises(ValueError, match="EncoderDecoder: the logits contain nan or inf, expected finite numbers"):
        getattr(net, say)(model, x, lengths)
