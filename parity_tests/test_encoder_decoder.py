"""A model from one sequence to another: what it reads, what it says at once and step by step, how it learns."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import numnet
import torchnet
from numnet.check import check_gradients, compare
from numnet.check.engine.subject import Unusable
from numnet.core.arrays import to_numpy
from parity_tests.probe import Arrays, assert_near, restart, run, upstream_like
from parity_tests.small import assert_same, assert_same_run, weights
from parity_tests.strategies import TOLERANCE, Case, Sizes, sizes
from parity_tests.translator import KINDS, TRANSLATORS, H, V, W, pairs, translator

TIGHT = 1e-12
OTHER = {numnet: torchnet, torchnet: numnet}
x, target, lengths = pairs()
T = target.shape[1]
each = pytest.mark.parametrize("case", TRANSLATORS, ids=repr)
yes_or_no = st.booleans()


def learned(model: Any, *batch: Any, **options: Any) -> Arrays:
    """The loss and every gradient, from the masks of the first call."""
    restart(model)
    model.zero_grad()
    loss = model.loss_and_grads(*batch, **options)
    return {"loss": to_numpy(loss), **{name: np.array(to_numpy(g)) for name, g in model.grads.items()}}


@settings(max_examples=20)
@given(
    cell=st.sampled_from(["RNNLayer", "GRULayer", "LSTMLayer", "MGULayer"]),
    kind=st.sampled_from(KINDS),
    both=yes_or_no,
    depth=st.integers(1, 2),
    forcing=st.sampled_from([0.0, 0.5, 1.0]),
    seed=st.integers(0, 99),
)
def test_the_loss_and_every_gradient_agree_on_both_backends(
    cell: str, kind: Any, both: bool, depth: int, forcing: float, seed: int
) -> None:
    one, two, lengths = pairs(3, 4, 5, seed)
    ours, theirs = (
        learned(translator(net, kind, cell, both, depth, 0.3, teacher_forcing=forcing), one, two, lengths=lengths)
        for net in (numnet, torchnet)
    )
    assert_near(ours, theirs, TOLERANCE["float64"])


def test_every_parameters_gradient_is_a_slope() -> None:
    model = translator(numnet, "additive", "LSTMLayer", depth=2, dropout=0.3, gain=1.5)
    report = check_gradients(model, x, target, lengths=lengths)
    assert report.passed, str(report)
    assert len(report.rows) == len(model.params)
    assert compare(model, translator(torchnet, "additive", "LSTMLayer", depth=2, dropout=0.3)).passed


def test_the_checker_names_the_part_that_is_wrong() -> None:
    class Deaf(numnet.Attention):
        def backward(self, dy: Any) -> Any:
            dq, dm = super().backward(dy)
            return 0 * dq, dm

    parts = translator(numnet)
    one, two, three = (stack.layers for stack in (parts.encoder, parts.decoder, parts.output))
    report = check_gradients(numnet.EncoderDecoder(one, two, three, Deaf("general")), sizes=(2, 2, 3, 3))
    assert not report.passed
    assert report.findings[0].text.startswith("attention, alone: dq is 0 everywhere")
    with pytest.raises(Unusable, match="EncoderDecoder got only x, expected x and a target"):
        check_gradients(translator(numnet), x)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_the_logits_are_those_of_the_equations(kind: str | None, net: Any) -> None:
    model = translator(net, kind, "LSTMLayer")
    read = np.where(target < 0, 0, target)[:, :-1]
    read = np.concatenate([np.full((len(x), 1), model.begin), read], axis=1)  # (1)
    stacks = model.encoder, model.decoder, model.output
    parts = {}
    for name, stack in zip(("encoder", "decoder", "output"), stacks):
        parts[name] = numnet.RNNModel.from_config({**stack.config(), "dtype": "float64"})
        first = parts[name].layers[0]
        parts[name].ready(first.input_size or 2 * H if kind else first.input_size or H)
        own = {n.removeprefix(f"{name}."): to_numpy(p) for n, p in model.params.items() if n.startswith(f"{name}.")}
        parts[name].load_state_dict(own)
    m = parts["encoder"](x, None, lengths)  # (2)
    (h_f, c_f), (h_b, c_b) = parts["encoder"].last_state[-1]
    s = np.concatenate((h_f, h_b), axis=-1), np.concatenate((c_f, c_b), axis=-1)
    h = parts["decoder"](read, [None, None, s])  # (3)
    if kind:
        attention = numnet.Attention(kind, input_size=H, memory_size=H, dtype="float64")
        own = {n.removeprefix("attention."): to_numpy(p) for n, p in model.params.items() if n.startswith("attention")}
        attention.load_state_dict(own)
        h = np.concatenate((h, attention(h, m, lengths)), axis=-1)  # (4)
    expected = np.where((target >= 0)[..., None], parts["output"](h), 0)  # (5)
    np.testing.assert_allclose(model.predict(x, target, lengths), expected, rtol=1e-10, atol=1e-12)


@each
@given(z=sizes)
def test_all_steps_at_once_are_one_step_at_a_time(case: Case, net: Any, z: Sizes) -> None:
    model, inputs = case.build(net, z), case.inputs(z)
    whole = model.predict(**inputs)
    context, token = model.start(inputs["x"], inputs["lengths"]), np.full(z.B, model.begin % z.V)
    model.begin = model.begin % z.V
    whole = model.predict(**inputs)
    for t in range(whole.shape[1]):
        logits, seen, context = model.advance(token, context)
        real = inputs["target"][:, t] >= 0
        np.testing.assert_allclose(logits[real], whole[real, t], rtol=1e-9, atol=TIGHT)
        assert (seen is None) == (model.attention is None)
        token = np.maximum(inputs["target"][:, t], 0)


@each
@given(z=sizes)
def test_what_is_said_at_a_step_knows_nothing_of_later_ones(case: Case, net: Any, z: Sizes) -> None:
    model, inputs, t = case.build(net, z), case.inputs(z), z.T // 2
    model.begin = model.begin % z.V
    other = inputs["target"].copy()
    other[:, t:] = np.where(other[:, t:] < 0, -1, (other[:, t:] + 1) % z.V)
    ours, theirs = (model.predict(inputs["x"], y, inputs["lengths"]) for y in (inputs["target"], other))
    np.testing.assert_allclose(ours[:, : t + 1], theirs[:, : t + 1], rtol=TIGHT, atol=TIGHT)


@each
@given(z=sizes)
def test_padding_is_never_read_and_more_of_it_changes_nothing(case: Case, net: Any, z: Sizes) -> None:
    inputs = case.inputs(z)
    outputs, pullback = run(quiet(case, net, z), inputs)
    upstream = upstream_like(outputs, z.rng)
    expected = {**outputs, **pullback(upstream)}
    real = inputs["target"] >= 0
    spoilt = {**inputs, "x": np.where(np.arange(z.T) < inputs["lengths"][:, None], inputs["x"], -7)}
    spoilt = {**spoilt, "x": np.pad(spoilt["x"], ((0, 0), (0, 2)), constant_values=99)}
    spoilt["target"] = np.pad(inputs["target"], ((0, 0), (0, 3)), constant_values=-1)
    found, pull_found = run(quiet(case, net, z), spoilt)
    dirty = np.pad(np.where(real[..., None], upstream["y"], np.nan), ((0, 0), (0, 3), (0, 0)))
    found |= pull_found({"y": dirty})
    assert not found["y"][:, real.shape[1] :].any()
    assert not found["y"][:, : real.shape[1]][~real].any()
    assert_near({**found, "y": found["y"][:, : real.shape[1]]}, expected, TIGHT)


@each
@given(z=sizes)
def test_a_batch_is_its_rows_one_by_one(case: Case, net: Any, z: Sizes) -> None:
    inputs = case.inputs(z)
    outputs, pullback = run(quiet(case, net, z), inputs)
    upstream = upstream_like(outputs, z.rng)
    expected, rows = {**outputs, **pullback(upstream)}, []
    for b in range(z.B):
        y, pull = run(quiet(case, net, z), {name: value[[b]] for name, value in inputs.items()})
        rows.append({**y, **pull({"y": upstream["y"][[b]]})})
    together = {name: np.sum([row[name] for row in rows], axis=0) for name in rows[0] if name != "y"}
    assert_near({**together, "y": np.concatenate([row["y"] for row in rows])}, expected, TIGHT)


def quiet(case: Case, net: Any, z: Sizes) -> Any:
    """The model with a begin token that there is, dropping nothing."""
    model = case.build(net, z).eval()
    model.begin = model.begin % z.V
    return model


def test_the_loss_is_the_mean_over_the_real_target_tokens(net: Any) -> None:
    model = translator(net)
    found = learned(model, x, target, lengths=lengths)
    y = np.asarray(model.predict(x, target, lengths))
    loss = net.SoftmaxCrossEntropy(ignore_index=-1)
    assert float(loss(y, target)) == pytest.approx(float(found["loss"]), rel=TIGHT)
    assert model.loss.counted == (target >= 0).sum()
    assert model.evaluate(x, target, lengths=lengths) == pytest.approx(float(found["loss"]), rel=TIGHT)
    restart(model)
    model.zero_grad()
    loss(model.forward(x, target, lengths), target)
    value = loss(to_numpy(model.forward(x, target, lengths)), target)
    assert model.backward(to_numpy(loss.backward())) is None
    grads = {name: np.array(to_numpy(g)) for name, g in model.grads.items()}
    assert_near({"loss": to_numpy(value), **grads}, found, TIGHT)


def test_a_mask_says_which_target_tokens_count(net: Any) -> None:
    model, mask = translator(net), np.random.default_rng(0).random(target.shape) < 0.5
    found = learned(model, x, target, mask=mask, lengths=lengths)
    y = np.asarray(model.predict(x, target, lengths))
    expected = net.SoftmaxCrossEntropy(ignore_index=-1)(y, target, mask)
    assert float(found["loss"]) == pytest.approx(float(expected), rel=TIGHT)
    assert model.evaluate(x, target, mask=mask, lengths=lengths) == pytest.approx(float(expected), rel=TIGHT)
    first = learned(model, x, target, mask=np.full(len(x), 1), lengths=lengths)
    assert_near(first, learned(model, x, target, mask=np.arange(T) < np.ones((len(x), 1)), lengths=lengths), TIGHT)


def test_where_nothing_is_to_be_said_there_is_no_loss(net: Any) -> None:
    model, nothing = translator(net), np.full_like(target, -1)
    with pytest.warns(UserWarning, match="no target is counted"):
        found = learned(model, x, nothing, lengths=lengths)
    assert not any(np.any(value) for value in found.values())


def test_features_are_read_as_tokens_are_and_have_a_gradient(net: Any) -> None:
    features = np.random.default_rng(0).standard_normal((4, 5, 3))

    def model(first: Any) -> Any:
        stacks = [first, net.GRULayer(2, bidirectional=True)], [net.Embedding(W, 3), net.GRULayer(4)], [net.Dense(W)]
        return net.EncoderDecoder(*stacks, net.Attention("general"), dtype="float64")

    built = model(net.Dense(3))
    assert not any(name.startswith("attention") for name in built.params)
    y = built(features, target, lengths)
    dx = to_numpy(built.backward(np.ones(y.shape)))
    assert dx.shape == features.shape
    assert (dx[np.arange(5) >= lengths[:, None]] == 0).all()
    assert check_gradients(model(net.Dense(3)), features, target, lengths=lengths).passed
    packed = net.Packed.from_padded(features, lengths)
    np.testing.assert_allclose(built.predict(packed, target), built.predict(features, target, lengths), rtol=TIGHT)


@pytest.mark.parametrize("rate", [0.0, 0.3, 0.9])
def test_with_less_teaching_the_decoder_reads_what_it_says_itself(rate: float, net: Any) -> None:
    model = translator(net, teacher_forcing=rate)
    known, real = np.maximum(target, 0), target >= 0
    said = model.predict(x, target, lengths).argmax(axis=-1)
    moved = [np.concatenate([np.full((len(x), 1), model.begin), each[:, :-1]], axis=1) for each in (known, said)]
    for call in (1, 2):
        drawn = np.random.default_rng([model.seed, call]).random(real.shape) < rate
        logits = to_numpy(model.logits(x, np.where(drawn, *moved), real, lengths))
        expected = float(net.SoftmaxCrossEntropy()(logits, target[real]))
        assert float(model.loss_and_grads(x, target, lengths=lengths)) == pytest.approx(expected, rel=TIGHT)
    taught = float(translator(net).loss_and_grads(x, target, lengths=lengths))
    assert model.evaluate(x, target, lengths=lengths) == pytest.approx(taught, rel=TIGHT)
    assert model.calls == 2


def test_teaching_may_be_a_schedule_of_the_step(net: Any) -> None:
    half = translator(net, teacher_forcing=net.StepSchedule(1.0, every=2, factor=0.5))
    losses = [float(half.loss_and_grads(x, target, lengths=lengths)) for _ in range(3)]
    taught = float(translator(net).loss_and_grads(x, target, lengths=lengths))
    assert losses[:2] == [taught, taught]
    assert losses[2] != taught
    again = net.EncoderDecoder.from_config(json.loads(json.dumps(half.config())))
    assert [again.teacher_forcing(step) for step in (0, 2, 4)] == [1.0, 0.5, 0.25]


def test_the_bias_of_dropout_and_of_guesses_is_none_in_evaluation(net: Any) -> None:
    model = translator(net, dropout=0.5, teacher_forcing=0.2)
    losses = {model.evaluate(x, target, lengths=lengths) for _ in range(3)}
    assert len(losses) == 1
    assert model.calls == 0
    assert all(module.training for module in model.modules())
    assert len({float(model.loss_and_grads(x, target, lengths=lengths)) for _ in range(3)}) == 3


def backwards(count: int, seed: int = 0) -> tuple[list[Any], list[Any]]:
    """A language with every sentence in reverse order."""
    rng = np.random.default_rng(seed)
    sources = [rng.integers(3, V, rng.integers(2, 5)) for _ in range(count)]
    return sources, [np.append(source[::-1], 2) for source in sources]


def student(net: Any, dtype: str = "float32", seed: int = 1, **options: Any) -> Any:
    encoder = [net.Embedding(V, 12), net.GRULayer(12, bidirectional=True)]
    decoder = [net.Embedding(V, 12), net.Dropout(options.pop("dropout", 0.0)), net.GRULayer(24)]
    options = {"loss": net.SoftmaxCrossEntropy(), "seed": seed, "dtype": dtype, **options}
    return net.EncoderDecoder(encoder, decoder, [net.Dense(24), net.Tanh(), net.Dense(V)], net.Attention(), **options)


def taught(net: Any, model: Any, **options: Any) -> Any:
    batches = net.PairBatches(*backwards(300), batch_size=30)
    optimizer = net.Adam(net.CosineSchedule(0.02, steps=300), clip_norm=1.0)
    held_out = net.PairBatches(*backwards(20, 1), batch_size=20, shuffle=False)
    return net.Trainer(model, optimizer, batches, held_out, progress=False, **options)


def test_the_trainer_teaches_it_a_language_and_attention_shows_the_words() -> None:
    model = student(numnet)
    history = taught(numnet, model).fit(steps=200)
    assert history.rows[-1]["validation_loss"] < 0.1
    sources, targets = backwards(40, seed=2)
    source, count = numnet.pad_sequences(sources)
    for say in (numnet.greedy, numnet.beam_search):
        said = say(model, source, count, max_length=9)
        assert np.mean([each.tokens == y[:-1].tolist() for each, y in zip(said, targets)]) > 0.8
    longest = [each for each, n in zip(said, count) if n == 4]
    seen = np.mean([np.array(each.weights) for each in longest if len(each.tokens) == 4], axis=0)
    assert (np.diff(seen @ np.arange(4)) < 0).all()  # where it looks goes from the end to the beginning


@pytest.mark.parametrize("forcing", [1.0, 0.6, "schedule"])
def test_a_run_stopped_and_resumed_is_the_run_never_stopped(net: Any, forcing: Any, tmp_path: Path) -> None:
    def start(net: Any, **options: Any) -> Any:
        rate = net.ExponentialSchedule(1.0, 0.9) if forcing == "schedule" else forcing
        return taught(net, student(net, "float64", dropout=0.3, teacher_forcing=rate), **options)

    def rest(net: Any) -> Any:
        checkpoint = net.load_checkpoint(tmp_path / "last.npz")
        trainer = taught(net, net.EncoderDecoder.from_checkpoint(checkpoint))
        trainer.resume(checkpoint)
        trainer.fit(steps=11)
        return trainer

    whole = start(net)
    whole.fit(steps=11)
    start(net, directory=tmp_path).fit(steps=5)
    assert_same_run(rest(net), whole)
    np.testing.assert_allclose(rest(OTHER[net]).history.losses, whole.history.losses, rtol=1e-9)


def test_a_checkpoint_of_something_else_is_refused(net: Any, tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    net.save_checkpoint(path, translator(net))
    with pytest.raises(net.CheckpointError, match="'layers' is missing"):
        net.RNNModel.from_checkpoint(net.load_checkpoint(path))
    checkpoint = net.load_checkpoint(path)
    for change, words in (
        ({"attention": {"type": "Attention", "kind": "dot", "hidden_size": 10**9}}, "hidden_size of Attention is"),
        ({"teacher_forcing": {"type": "math"}}, "'math' is missing"),
        ({"encoder": [{"type": "NoSuchLayer"}]}, "no layer or loss named 'NoSuchLayer'"),
        ({"decoder": None}, "None"),
    ):
        spoilt = replace(checkpoint, config={**checkpoint.config, **change})
        with pytest.raises(net.CheckpointError, match=words):
            net.EncoderDecoder.from_checkpoint(spoilt)


def test_an_optimizer_sees_numnets_weights_as_one_vector_and_a_copy_is_a_model_of_its_own() -> None:
    model = translator(numnet)
    [(vector, gradients)] = model.flat()
    assert vector.size == gradients.size == sum(p.size for p in model.params.values())
    assert all(np.shares_memory(p, vector) for p in model.params.values())
    before, clone = weights(model), copy.deepcopy(model)
    clone.loss_and_grads(x, target, lengths=lengths)
    numnet.SGD(0.1).step(clone)
    assert_same(weights(model), before)
    assert all((weights(clone)[name] != value).any() for name, value in before.items())


def test_parameters_are_named_by_their_part_and_drawn_from_one_seed() -> None:
    ours, theirs, other = student(numnet), student(torchnet), student(numnet, seed=3)
    assert list(ours.params) == list(theirs.params)
    assert {name.partition(".")[0] for name in ours.params} == {"encoder", "attention", "decoder", "output"}
    assert_same(weights(ours), weights(theirs))
    drawn = {name for name, value in weights(ours).items() if (weights(other)[name] != value).any()}
    assert drawn == set(ours.params)


def stacks(net: Any, encoder: Any, decoder: Any) -> Any:
    return net.EncoderDecoder([net.Embedding(V, 3), *encoder], [net.Embedding(W, 3), *decoder], [net.Dense(W)])


AHEAD = "reads the steps that it must predict, expected a layer that runs forward only"
HANDED = "EncoderDecoder: the encoder's recurrent layer 0 has the state"
REFUSED: list[tuple[str, Any]] = [
    (f"{HANDED} h (8), the decoder's h (4). Give both the same width; the states of a bidirectional layer "
     "are concatenated: twice its width.",
     lambda n: stacks(n, [n.GRULayer(4, bidirectional=True)], [n.GRULayer(4)])),
    (f"{HANDED} h (4), c (4), the decoder's h (4). Use the same kind of cell in both.",
     lambda n: stacks(n, [n.LSTMLayer(4)], [n.GRULayer(4)])),
    ("EncoderDecoder: the encoder has 1 recurrent layers, the decoder 0, expected the same number:",
     lambda n: stacks(n, [n.GRULayer(4)], [])),
    (f"EncoderDecoder: decoder[1] {AHEAD}", lambda n: stacks(n, [n.GRULayer(4)], [n.GRULayer(4, reverse=True)])),
    (f"EncoderDecoder: decoder[1] {AHEAD}",
     lambda n: stacks(n, [n.GRULayer(4, bidirectional=True)], [n.GRULayer(4, bidirectional=True)])),
    ("EncoderDecoder: encoder[1] returns one vector per sequence, expected one per step. "
     "Leave out return_sequences=False.",
     lambda n: stacks(n, [n.GRULayer(4, return_sequences=False)], [n.GRULayer(4)])),
    ("EncoderDecoder: encoder[1] is stateful, expected a layer that starts every pair with a new state. "
     "Leave out stateful=.",
     lambda n: stacks(n, [n.GRULayer(4, stateful=True)], [n.GRULayer(4)])),
    ("EncoderDecoder: encoder[1] is time-major, expected batch-first.",
     lambda n: stacks(n, [n.GRULayer(4, batch_first=False)], [n.GRULayer(4, batch_first=False)])),
    ("EncoderDecoder: layers[1] is an earlier layer, or shares a node with one, expected a new layer.",
     lambda n: n.EncoderDecoder([layer := n.GRULayer(4, input_size=V)], [layer], [n.Dense(W)])),
    ("EncoderDecoder: the number of target tokens is not known. Give target_size=.",
     lambda n: n.EncoderDecoder([n.GRULayer(4, input_size=V)], [n.GRULayer(4)], [n.Dense(W)])(x, target)),
    ("EncoderDecoder target: token 6 at [0, 1], expected 0 to 5 (V = 6).",
     lambda n: translator(n)(x[:1], np.array([[0, 6, -1]]))),
    ("EncoderDecoder target: token -2 at [0, 1]", lambda n: translator(n)(x[:1], np.array([[0, -2, 1]]))),
    ("EncoderDecoder: target[1] has -1 at step 0 and a token after it, expected -1 only after the last token.",
     lambda n: translator(n)(x[:2], np.array([[0, 1], [-1, 3]]))),
    ("EncoderDecoder: target is (4,) of int64, expected integer tokens (batch, time).",
     lambda n: translator(n)(x, target[:, 0])),
    ("EncoderDecoder: target is (4, 6) of float64, expected", lambda n: translator(n)(x, target.astype(float))),
    ("EncoderDecoder: target has 3 rows, expected 4, as x has.", lambda n: translator(n)(x, target[:3])),
    ("Embedding: token 7 at [0, 0], expected 0 to 6 (V = 7).", lambda n: translator(n)(x * 0 + 7, target)),
    ("RNNModel: lengths[0] is 9, expected 0 to 5 (T = 5).", lambda n: translator(n)(x, target, [9, 1, 1, 1])),
    ("EncoderDecoder: teacher_forcing is 1.5, expected 0 to 1.",
     lambda n: translator(n, teacher_forcing=1.5)),
    ("EncoderDecoder: teacher_forcing is 'half', expected 0 to 1.", lambda n: translator(n, teacher_forcing="half")),
    ("EncoderDecoder: attention is 'dot', expected None or an Attention. Use ",
     lambda n: n.EncoderDecoder([n.GRULayer(4, input_size=V)], [n.GRULayer(4)], [n.Dense(W)], attention="dot")),
    ("EncoderDecoder: begin is 6, expected a token, 0 to 5: target_size is 6.", lambda n: translator(n, begin=W)),
    ("EncoderDecoder: end is -1, expected a token, 0 to 5: target_size is 6.",
     lambda n: n.greedy(translator(n, end=-1), x)),
    ("EncoderDecoder: a state is given, expected None.", lambda n: translator(n).evaluate(x, target, [None])),
    ("EncoderDecoder: a state is given, expected None.", lambda n: translator(n).loss_and_grads(x, target, [None])),
    ("EncoderDecoder: there is no loss.", lambda n: translator(n, loss=None).loss_and_grads(x, target)),
    ("EncoderDecoder: backward before forward.", lambda n: translator(n).backward(x)),
    ("RNNModel: d_last_state has 1 entries, expected 2: one per layer",
     lambda n: [m := n.RNNModel([n.GRULayer(3), n.Dense(2)], input_size=4), m(np.zeros((2, 3, 4))),
                m.backward(np.zeros((2, 3, 2)), [None])]),
]  # fmt: skip


@pytest.mark.parametrize(("words", "bad"), REFUSED, ids=[words[:60] for words, _ in REFUSED])
def test_what_is_refused(words: str, bad: Any, net: Any) -> None:
    with pytest.raises((ValueError, TypeError, IndexError, RuntimeError)) as refused:
        bad(net)
    assert str(refused.value).startswith(words)


def test_a_device_and_a_dtype_are_the_whole_models(net: Any) -> None:
    model = student(net, dtype="float64")
    assert {str(to_numpy(p).dtype) for p in model.params.values()} == {"float64"}
    assert model.predict(x, target % V, lengths).dtype == np.float64
    single = student(net, loss=None)
    assert single.predict(x, target % V, lengths).dtype == np.float32
    single.convert("float64")
    assert single.predict(x, target % V, lengths).dtype == np.float64
    with pytest.raises(ValueError, match="device is 'nonsense'"):
        student(net, device="nonsense")


@given(z=sizes)
def test_a_models_last_states_have_a_gradient(net: Any, z: Sizes) -> None:
    """The whole is its parts: what comes back to the last state of a model goes to its layers."""

    def model() -> Any:
        made = net.RNNModel(
            [net.LSTMLayer(3), net.Dense(4), net.GRULayer(2)], None, input_size=z.D, seed=1, dtype="float64"
        )
        return made

    rng = z.rng
    features, dy = rng.standard_normal((z.B, z.T, z.D)), rng.standard_normal((z.B, z.T, 2))
    d_last: list[Any] = [
        (rng.standard_normal((z.B, 3)), rng.standard_normal((z.B, 3))),
        None,
        rng.standard_normal((z.B, 2)),
    ]
    whole = model()
    whole(features)
    dx = whole.backward(dy, d_last)
    parts = model()
    parts(features)
    dz = parts.layers[2].backward(dy, d_last[2])
    dz = parts.layers[0].backward(parts.layers[1].backward(dz), d_last[0])
    expected = {name: np.array(to_numpy(g)) for name, g in parts.grads.items()}
    found = {name: np.array(to_numpy(g)) for name, g in whole.grads.items()}
    assert_near({**found, "dx": to_numpy(dx)}, {**expected, "dx": to_numpy(dz)}, TIGHT)
