"""States and shapes of one layer, as options say: remembered, learned, the last step alone, packed; copies; path."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import numnet
from numnet.core.arrays import to_numpy
from parity_tests.family import FAMILY, NODES, maker, ragged
from parity_tests.probe import Arrays, assert_near, run, upstream_like
from parity_tests.small import TOKENS, VOCABULARY, gru
from parity_tests.strategies import Case, Sizes, sizes

TIGHT = 1e-12
nodes = st.sampled_from(sorted(NODES))
yes_or_no = st.booleans()


def made(net: Any, node: str, z: Sizes, **options: Any) -> Any:
    """A layer of the family with any options, every parameter random."""
    make = maker(f"{node.split()[0]}Layer", {**NODES[node], **options}, ())
    return Case(node, make, lambda rng, z: {}).build(net, z, "float64")


def took(thing: Any, weights: Any) -> Any:
    """The same thing with those of another's weights that it has."""
    thing.load_state_dict({name: to_numpy(weights[name]) for name in thing.params})
    return thing


def numbers(**values: Any) -> Arrays:
    """Arrays by name, of states and of pairs of them too; without what is None."""
    named: Arrays = {}
    for name, value in values.items():
        if isinstance(value, tuple):
            named |= numbers(**{f"{name}{k}": part for k, part in enumerate(value)})
        elif value is not None:
            named[name] = np.array(to_numpy(value))
    return named


def mapped(function: Any, *states: Any) -> Any:
    """A state, of one part or a pair of states, from others of its form."""
    if isinstance(states[0], tuple):
        return tuple(mapped(function, *parts) for parts in zip(*states, strict=True))
    return function(*map(to_numpy, states))


def first_of(layer: Any, values: Any) -> Any:
    """The entries h_0, c_0 of both directions, shaped as a state is."""
    if hasattr(layer, "forwards"):
        ways = {"forwards": layer.forwards, "backwards": layer.backwards}
        return tuple(
            one.node.joined([values[f"{way}.{name}_0"] for name in one.node.states]) for way, one in ways.items()
        )
    return layer.node.joined([values[f"{name}_0"] for name in layer.node.states])


@given(z=sizes, node=nodes, learned=yes_or_no, both=yes_or_no, reverse=yes_or_no)
def test_what_a_layer_remembers_is_its_last_state_until_rows_begin_anew(
    net: Any, z: Sizes, node: str, learned: bool, both: bool, reverse: bool
) -> None:
    """In training and in evaluation, whatever backward comes between; begun anew, a row has what is learned, or 0."""
    options: dict[str, Any] = {"bidirectional": both, "reverse": reverse}
    layer = made(net, node, z, stateful=True, learn_state=learned, **options)
    plain = took(made(net, node, z, **options), layer.params)
    rng, anew, state = z.rng, np.ones(z.B, bool), None
    for call in range(3):
        x, lengths = rng.standard_normal((z.B, z.T, z.D)), ragged(rng, z)
        layer.train(call != 1)
        if state is None:  # for its shapes
            plain(x)
            state = plain.last_state
        begin = first_of(layer, layer.params) if learned else mapped(lambda part: 0 * part[0], state)
        state = mapped(lambda part, h_0, rows=anew: np.where(rows[:, None], h_0, part), state, begin)
        y, expected = layer(x, None, lengths), plain(x, state, lengths)
        assert_near(numbers(y=y, last=layer.last_state), numbers(y=expected, last=plain.last_state), TIGHT)
        dy = rng.standard_normal(tuple(y.shape))
        d_last = mapped(lambda part: rng.standard_normal(part.shape), plain.last_state)
        found = {}
        for one in (layer, plain):
            one.zero_grad()
            dx = one.backward(dy, d_last)
            grads = {name: one.grads[name] for name in plain.params}
            found[one] = numbers(dx=dx, d_state=one.d_state, **grads)
        assert_near(found[layer], found[plain], TIGHT)
        if learned:
            sums = mapped(lambda part, rows=anew: part[rows].sum(axis=0), plain.d_state)
            assert_near(numbers(d=first_of(layer, layer.grads)), numbers(d=sums), TIGHT)
        state, anew = plain.last_state, rng.random(z.B) < 0.4
        layer.reset_state(np.flatnonzero(anew))
    layer.reset_state()
    every = mapped(lambda part, h_0: np.zeros_like(part) + h_0, state, begin)
    assert_near(numbers(y=layer(x)), numbers(y=plain(x, every)), TIGHT)


@given(z=sizes, node=nodes, cut=st.integers(1, 7))
def test_two_calls_of_a_stateful_layer_are_one(net: Any, z: Sizes, node: str, cut: int) -> None:
    cut, x, lengths = min(cut, z.T), z.rng.standard_normal((z.B, z.T + 1, z.D)), ragged(z.rng, z)
    layer, whole = made(net, node, z, stateful=True), made(net, node, z)
    early, late = np.minimum(lengths, cut), np.maximum(lengths - cut, 0)
    y = [to_numpy(layer(x[:, :cut], None, early)), to_numpy(layer(x[:, cut:], None, late))]
    expected = numbers(y=whole(x, None, lengths), last=whole.last_state)
    assert_near(numbers(y=np.concatenate(y, axis=1), last=layer.last_state), expected, TIGHT)


@given(z=sizes, node=nodes, reverse=yes_or_no, output=yes_or_no, gaps=yes_or_no, turned=yes_or_no)
def test_the_last_step_alone_is_that_of_the_whole(
    net: Any, z: Sizes, node: str, reverse: bool, output: bool, gaps: bool, turned: bool
) -> None:
    options = {"reverse": reverse, "output_size": output, "batch_first": not turned}
    alone, whole = made(net, node, z, return_sequences=False, **options), made(net, node, z, **options)
    x = z.rng.standard_normal((z.B, z.T, z.D))
    mask: Any = z.rng.random((z.B, z.T)) < 0.6 if gaps else np.arange(z.T) < ragged(z.rng, z)[:, None]
    taken = mask.argmax(axis=1) if reverse else z.T - 1 - mask[:, ::-1].argmax(axis=1)
    places, some = (np.arange(z.B), taken), mask.any(axis=1)[:, None]
    given_x, given_mask = (x.swapaxes(0, 1), mask.T) if turned else (x, mask)
    y = to_numpy(whole(given_x, None, given_mask))
    y = np.where(some, (y.swapaxes(0, 1) if turned else y)[places], 0)
    dy = z.rng.standard_normal(y.shape)
    spread = np.zeros((z.B, z.T, y.shape[1]))
    spread[places] = dy * some
    found = numbers(y=alone(given_x, None, given_mask), dx=alone.backward(dy), **alone.grads)
    dx = whole.backward(spread.swapaxes(0, 1) if turned else spread)
    assert_near(found, numbers(y=y, dx=dx, **whole.grads), TIGHT)


@pytest.mark.parametrize("case", FAMILY, ids=repr)
@given(z=sizes)
def test_how_many_columns_blas_likes_changes_nothing(case: Case, z: Sizes) -> None:
    inputs, found = case.inputs(z), []
    for row_multiple in (1, 2, 8):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(numnet.recurrent.fast.Kernel, "row_multiple", row_multiple)
            patch.setattr(numnet.recurrent.fast.rnn, "ROW_MULTIPLE", row_multiple)
            outputs, pullback = run(case.build(numnet, z), inputs)
            found.append({**outputs, **pullback(upstream_like(outputs, z.rng))})
    for other in found[1:]:
        assert_near(other, found[0], TIGHT)


@pytest.mark.parametrize("case", FAMILY, ids=repr)
def test_a_copy_keeps_every_option_and_its_weights(case: Case, net: Any) -> None:
    z = Sizes()
    layer, inputs = case.build(net, z), case.inputs(z)
    outputs, pullback = run(layer, inputs)
    expected = {**outputs, **pullback(upstream_like(outputs, z.rng))}
    clone = copy.deepcopy(layer)
    assert clone.config() == layer.config()
    took(layer, {name: 0 * to_numpy(p) for name, p in layer.params.items()})  # the clone's weights are its own
    outputs, pullback = run(clone, inputs)
    assert_near({**outputs, **pullback(upstream_like(outputs, z.rng))}, expected, 0)


@pytest.mark.parametrize("case", FAMILY, ids=repr)
@given(z=sizes)
def test_weights_that_are_elsewhere_by_now_are_the_weights(case: Case, z: Sizes) -> None:
    """A model moves its layers' weights into one vector; no view of the old place may be left."""
    inputs, layer = case.inputs(z), case.build(numnet, z)
    del inputs["lengths"]  # without padding, buffers are used again
    for twice in (False, True):
        outputs, pullback = run(layer, inputs)
        pullback(upstream_like(outputs, z.rng))
        for _, holder, name in layer.holders():
            setattr(holder, name, getattr(holder, name) * (0.5 + twice))
    found = []
    for one in (layer, took(case.build(numnet, z), layer.params)):
        outputs, pullback = run(one, inputs)
        found.append({**outputs, **pullback(upstream_like(outputs, z.rng))})
    assert_near(found[0], found[1], 0)


GAPS = np.array([[True, False, True], [True, True, True]])
PATHS: list[tuple[str, dict[str, Any], Any, str]] = [
    ("LSTM", {}, None, "fast"),
    ("LSTM", {}, [3, 0], "fast"),
    ("LSTM", {"reverse": True}, [3, 1], "fast"),
    ("LSTM", {"bidirectional": True}, [3, 1], "fast"),
    ("LSTM", {"batch_first": False, "return_sequences": False, "learn_state": True}, [1, 2, 0], "fast"),
    ("LSTM", {"weight_dropout": 0.4, "stateful": True}, [3, 1], "fast"),
    ("LSTM projection", {}, [3, 1], "fast"),
    ("RNN relu", {}, [3, 1], "fast"),
    ("GRU after", {}, [3, 1], "fast"),
    ("LSTM projection", {"proj_size": 5}, None, "proj_size is not below hidden_size"),
    ("GRU before", {}, None, "no kernel supports reset='before'"),
    ("RNN layer_norm", {}, None, "LayerNormRNNNode has no kernel"),
    ("GRU after layer_norm", {}, None, "GRUVariantNode has no kernel"),
    ("LSTM layer_norm", {}, None, "LSTMVariantNode has no kernel"),
    ("LSTM peepholes", {}, None, "LSTMVariantNode has no kernel"),
    ("LSTM coupled", {"bidirectional": True}, None, "LSTMVariantNode has no kernel"),
    ("RNN elu", {}, None, "no kernel supports activation='elu'"),
    ("GRU after selu", {}, None, "no kernel supports activation='selu'"),
    ("LSTM leaky_relu", {"recurrent_activation": "hard_sigmoid"}, None, "no kernel supports activation='leaky_relu'"),
    ("LSTM", {"recurrent_activation": "tanh"}, None, "no kernel supports recurrent_activation='tanh'"),
    ("MGU", {}, None, "MGUNode has no kernel"),
    ("IndRNN", {}, None, "IndRNNNode has no kernel"),
    ("LSTM", {"state_dropout": 0.4}, None, "no kernel supports state_dropout"),
    ("GRU after", {"zoneout": 0.4}, None, "no kernel supports zoneout"),
    ("LSTM", {}, GAPS, "the mask has gaps, which packed sequences cannot have"),
    ("LSTM", {}, [0, 0], "no step is real"),
]
OF_TORCH_ALONE = ("proj_size is not", "no kernel supports reset=", "the mask has gaps", "no step is real")


@pytest.mark.parametrize(("node", "options", "lengths", "reason"), PATHS)
def test_the_path_is_fast_or_gives_the_reason(node: str, options: Any, lengths: Any, reason: str, net: Any) -> None:
    if net is numnet:
        reason = {"LSTM projection": "LSTMVariantNode has no kernel"}.get(node, reason)
        reason = "fast" if reason.startswith(OF_TORCH_ALONE) else reason
    layer = made(net, node, Sizes(B=2, T=3), **options)
    x = np.ones((2, 3, 4))
    layer(x, None, lengths)
    assert set(paths(layer)) == {"fast" if reason == "fast" else f"plain: {reason}"}
    layer(x, None, lengths, np.zeros((2, 3), bool))
    of_call = reason == "fast" or (net is not numnet and lengths is not None)
    assert set(paths(layer)) == {f"plain: {'no kernel supports resets' if of_call else reason}"}
    layer.use_fast = False
    layer(x, None, lengths)
    assert set(paths(layer)) == {"plain: use_fast is False"}


def paths(layer: Any) -> list[str]:
    """Of a layer, or of both directions."""
    return [way.path for way in ([layer.forwards, layer.backwards] if hasattr(layer, "forwards") else [layer])]


def test_a_subclass_of_a_node_with_a_kernel_runs_plain(net: Any) -> None:
    class Mine(net.LSTMNode):
        pass

    assert net.RecurrentLayer(Mine(3)).path == "plain: Mine has no kernel"


def test_the_path_of_a_model_names_each_layer_that_runs_plain(net: Any) -> None:
    layers = [net.LSTMLayer(3), net.MGULayer(3, bidirectional=True), net.Dense(3), net.GRULayer(3, zoneout=0.1)]
    model = net.RNNModel(layers, input_size=2)
    reasons = [f"layers.1.{way}: MGUNode has no kernel" for way in ("forwards", "backwards")]
    assert model.path == f"plain: {'; '.join(reasons)}; layers.3: no kernel supports zoneout"
    assert net.RNNModel([net.LSTMLayer(3), net.Dense(2)]).path == "fast"
    assert model.use_fast
    layers[1].backwards.use_fast = False
    assert not model.use_fast
    assert not layers[1].use_fast
    model.use_fast = False
    assert not any(part.use_fast for part in (layers[0], layers[1].forwards, layers[3]))
    model.use_fast = True
    assert layers[1].use_fast
    translator = net.EncoderDecoder([net.LSTMLayer(3)], [net.LSTMLayer(3, zoneout=0.1)], [net.Dense(4)])
    assert translator.path == "plain: decoder.layers.0: no kernel supports zoneout"
    translator.use_fast = False
    assert not translator.encoder.layers[0].use_fast


def test_evaluation_and_generation_leave_the_memory_of_a_stateful_layer(net: Any) -> None:
    def model(stateful: bool) -> Any:
        layers = [net.GRULayer(6, stateful=stateful), net.Dense(len(VOCABULARY))]
        return net.RNNModel(layers, net.SoftmaxCrossEntropy(), input_size=len(VOCABULARY), seed=3)

    remembering, plain = model(True), model(False)
    remembering(TOKENS[:20].reshape(2, 10))
    before = np.array(to_numpy(remembering.layers[0].last_state))
    held_out = net.SequenceBatches([TOKENS[:5], TOKENS[5:8], TOKENS[8:12]], [TOKENS[1:6], TOKENS[6:9], TOKENS[9:13]], 2)
    assert net.evaluate(remembering, held_out) == net.evaluate(plain, held_out)
    texts = [net.generate(one, VOCABULARY, "abc", 12, seed=1) for one in (remembering, plain)]
    assert texts[0] == texts[1]
    assert (to_numpy(remembering.layers[0].last_state) == before).all()


def test_a_stateful_layer_begins_anew_with_every_batch_of_sentences(net: Any) -> None:
    sentences = [TOKENS[k : k + 3 + k % 4] for k in range(7)]  # the last batch is smaller than the others
    runs = []
    for stateful in (True, False):
        layers = [net.LSTMLayer(5, stateful=stateful), net.Dense(len(VOCABULARY))]
        model = net.RNNModel(layers, net.SoftmaxCrossEntropy(), input_size=len(VOCABULARY), seed=3)
        batches = net.SequenceBatches(sentences, sentences, 3)
        runs.append(net.Trainer(model, net.Adam(0.01), batches, progress=False).fit(epochs=3).losses)
    assert runs[0] == runs[1]


def test_what_a_layer_does_between_steps_is_not_the_nodes(net: Any) -> None:
    node, alone = (net.LSTMNode(4, input_size=3, dtype="float64", seed=1) for _ in range(2))
    x = np.random.default_rng(0).standard_normal((3, 2))
    net.RecurrentLayer(node, zoneout=0.5, state_dropout=0.5)
    (h, c), _ = node.forward(x)
    (expected, _), _ = alone.forward(x)
    assert (to_numpy(h) == to_numpy(expected)).all()
    assert (to_numpy(c) != 0).all()


def test_a_layer_given_its_width_is_the_one_that_finds_it(net: Any) -> None:
    options: Any = {"output_size": 3, "seed": 5, "state_dropout": 0.5, "dtype": "float64"}
    given_width, found = net.GRULayer(4, input_size=4, **options), net.GRULayer(4, **options)
    x = np.random.default_rng(1).standard_normal((2, 5, 4))
    assert (to_numpy(given_width(x)) == to_numpy(found(x))).all()


def test_a_layer_may_be_turned_round_between_two_calls(net: Any) -> None:
    layer, x = net.GRULayer(3, input_size=2, dtype="float64"), np.random.default_rng(2).standard_normal((2, 4, 2))
    layer(x)
    layer.reverse = True
    assert np.abs(to_numpy(layer(x))[0] - to_numpy(layer(x, lengths=[4, 3]))[0]).max() < 1e-12


def test_a_state_that_is_given_goes_before_the_learned_one() -> None:
    x, h = np.random.default_rng(0).standard_normal((2, 3, 4)), np.full((2, 5), 0.25)
    learned, plain = (gru(numnet, learn_state=on, dtype="float64", seed=1) for on in (True, False))
    learned.h_0[...] = 0.5
    y = learned(x, h)
    np.testing.assert_array_equal(y, plain(x, h))
    learned.backward(np.ones_like(y))
    assert not learned.grads["h_0"].any()


def test_rows_that_begin_anew_begin_with_zeros() -> None:
    x = np.random.default_rng(0).standard_normal((2, 3, 4))
    stateful, plain = (numnet.LSTMLayer(5, input_size=4, dtype="float64", stateful=on, seed=1) for on in (True, False))
    first = plain(x)
    h, c = plain.last_state
    stateful(x)
    stateful.reset_state([0])
    y = stateful(x)
    np.testing.assert_array_equal(y[0], first[0])
    np.testing.assert_array_equal(y[1], plain(x, (h, c))[1])


def test_rows_that_begin_anew_one_after_another_begin_as_those_at_once() -> None:
    x, found = np.random.default_rng(0).standard_normal((3, 2, 4)), []
    for resets in ([[0], [2]], [[0, 2]], [[0]]):
        layer = numnet.GRULayer(5, input_size=4, stateful=True, learn_state=True, seed=1)
        layer.params["h_0"][...] = 0.5
        layer(x)
        for rows in resets:
            layer.reset_state(rows)
        found.append(layer(x))
    np.testing.assert_array_equal(found[0], found[1])
    assert not np.array_equal(found[0][2], found[2][2])


@pytest.mark.parametrize(
    "make",
    [
        lambda net, **options: net.LSTMLayer(5, input_size=4, seed=1, **options),
        lambda net, **options: net.GRULayer(5, input_size=4, seed=1, bidirectional=True, **options),
        lambda net, **options: net.RNNModel([net.RNNLayer(5, **options), net.Dense(2)], seed=1),
    ],
)
def test_the_state_comes_with_the_output_where_it_is_asked_for(net: Any, make: Any) -> None:
    x, lengths = np.random.default_rng(0).standard_normal((2, 3, 4)), [3, 1]
    for options in ({}, {"return_sequences": False}):
        alone, both = make(net, **options), make(net, **options)
        y, (again, state) = alone(x, None, lengths), both(x, None, lengths, return_state=True)
        np.testing.assert_array_equal(to_numpy(again), to_numpy(y))
        for ours, theirs in zip(parts_in(state), parts_in(alone.last_state), strict=True):
            np.testing.assert_array_equal(to_numpy(ours), to_numpy(theirs))
        ours, theirs = (to_numpy(one.backward(np.ones(tuple(y.shape)))) for one in (alone, both))
        np.testing.assert_array_equal(ours, theirs)
    packed, state = make(net)(net.pack([x[0], x[1, :1]]), return_state=True)
    assert packed.lengths.tolist() == lengths
    assert len(parts_in(state)) == len(parts_in(both.last_state))


def parts_in(state: Any) -> list[Any]:
    """The arrays of a state: of a pair, of pairs, of a list with None."""
    if isinstance(state, (tuple, list)):
        return [part for each in state for part in parts_in(each)]
    return [] if state is None else [state]
