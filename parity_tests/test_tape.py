"""Networks that are programs: both backends agree, the backward passes are slopes, and no call writes over another."""

from __future__ import annotations

import copy
import gc
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import numnet
import torchnet
from numnet.check import check_gradients
from numnet.core.arrays import to_numpy
from parity_tests.faults import TAPE_FAULTS, Fault, planted
from parity_tests.networks import NETWORKS, D, H, Network, V, as_pair, drawn_input, results
from parity_tests.probe import Array, assert_near
from parity_tests.strategies import TOLERANCE

BACKENDS = [numnet, torchnet]
each_network = pytest.mark.parametrize("network", NETWORKS, ids=repr)
NAMED = {network.name: network for network in NETWORKS}


@each_network
def test_both_backends_give_the_same_values_and_gradients(network: Network) -> None:
    assert_near(results(network, numnet), results(network, torchnet), TOLERANCE["float64"])


@each_network
def test_the_backward_pass_is_the_derivative_of_the_program(network: Network) -> None:
    pair, arrays = as_pair(network, numnet)
    report = check_gradients(pair, *arrays)
    assert report, str(report)


@each_network
def test_a_second_backward_pass_adds_as_much_again(net: Any, network: Network) -> None:
    once, twice = results(network, net), results(network, net, times=2)
    for name in once:
        np.testing.assert_allclose(twice[name], once[name] * (1 if name == "y" else 2), rtol=1e-12, atol=1e-14)


SENTENCES = [([3, 1, 4, 1, 5], 1), ([6], 0), ([2, 0, 2], 1), ([5, 5, 6, 0], 0), ([1, 2, 3, 4, 5, 6, 0, 1], 1)]


def parts_of(net: Any) -> dict[str, Any]:
    """What reads a sentence: the brief example of the class's own docstring."""
    return {
        "embed": net.Embedding(V, D),
        "node": net.GRUNode(H),
        "dense": net.Dense(2),
        "loss": net.SoftmaxCrossEntropy(),
    }


def reader(net: Any, **options: Any) -> Any:
    return net.Tape(dtype="float64", **options, **parts_of(net))


def read(tape: Any, sentence: Any, label: int) -> Any:
    h = None
    for word in sentence:
        h = tape.node(tape.embed([word]), h)
    return tape.loss(tape.dense(h), [label])


def grads_of(thing: Any) -> dict[str, Array]:
    return {name: np.array(to_numpy(g)) for name, g in thing.grads.items()}


def test_a_loop_over_words_is_the_model_that_a_layer_makes(net: Any) -> None:
    layers = [net.Embedding(V, D), net.GRULayer(H, return_sequences=False), net.Dense(2)]
    model, tape = net.RNNModel(layers, net.SoftmaxCrossEntropy(), input_size=V, dtype="float64"), reader(net)
    read(tape, [0], 0)
    tape.load_state_dict(dict(zip(tape.params, [to_numpy(p) for p in model.params.values()])))
    for sentence, label in SENTENCES:
        expected = float(model.loss_and_grads(np.array([sentence]), [label]))
        value = read(tape, sentence, label)
        assert float(value) == pytest.approx(expected, rel=1e-12)
        tape.backward(value)
    for ours, theirs in zip(grads_of(tape).values(), grads_of(model).values()):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)


def test_steps_are_the_layer_with_the_same_node(net: Any) -> None:
    rng = np.random.default_rng(0)
    x, target = rng.standard_normal((3, 6, D)), rng.standard_normal((3, 6, H))
    parts = {"node": net.LSTMNode(H, input_size=D, seed=1), "layer": net.LSTMLayer(H, input_size=D, seed=1)}
    tape = net.Tape(dtype="float64", **parts, loss=net.MeanSquaredError())
    steps: list[Any] = []
    state: Any = None
    for t in range(6):
        state = tape.node(x[:, t], state)
        steps.append(state[0])
    tape.backward(tape.loss(net.stack(steps, axis=1), target))
    tape.backward(tape.loss(tape.layer(x), target))
    for name in ("W_x", "W_h", "b"):
        ours, theirs = (grads_of(tape)[f"{part}.{name}"] for part in parts)
        np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(to_numpy(tape.layer.last_state[1].value), to_numpy(state[1].value), rtol=1e-12)


def test_the_gradient_of_every_value_on_the_way_can_be_looked_at(net: Any) -> None:
    tape = net.Tape(dtype="float64", layer=net.GRULayer(H), loss=net.MeanSquaredError())
    x = net.ArrayWithGrad(np.random.default_rng(0).standard_normal((2, 4, D)))
    y = tape.layer(x)
    tape.backward(tape.loss(y[:, -1], np.zeros((2, H))))
    arrived, went_on = to_numpy(y.grad), to_numpy(x.grad)
    assert not arrived[:, :-1].any()
    assert arrived[:, -1].all()
    assert went_on.all()


def test_a_part_that_is_not_called_has_a_gradient_of_0(net: Any) -> None:
    tape = net.Tape(used=net.Dense(2, input_size=3), spare=net.Dense(2, input_size=3))
    before = to_numpy(tape.params["spare.W"]).copy()
    tape.backward(tape.used(np.ones((1, 3))).sum())
    assert all(not g.any() for name, g in grads_of(tape).items() if name.startswith("spare"))
    net.AdamW(0.1, weight_decay=0.5).step(tape)
    np.testing.assert_allclose(to_numpy(tape.params["spare.W"]), before * 0.95, rtol=1e-6)


def test_plain_values_are_constants(net: Any) -> None:
    tape = net.Tape(dtype="float64", f=net.Dense(D, input_size=D), g=net.Dense(1, input_size=D))
    h = tape.f(np.ones((2, D)))
    tape.backward(tape.g(h.value).sum())
    grads = grads_of(tape)
    assert grads["g.W"].any()
    assert not grads["f.W"].any()


def test_each_part_draws_its_own_weights_and_a_seed_is_a_seed(net: Any) -> None:
    def weights(**options: Any) -> list[Array]:
        tape = net.Tape(**options, first=net.Dense(3), second=net.Dense(3), node=net.RNNNode(3))
        tape.node(tape.second(tape.first(np.ones((1, 3)))))
        return [to_numpy(p) for p in tape.params.values()]

    first, again, other = weights(), weights(), weights(seed=1)
    assert not np.array_equal(first[0], first[2])
    assert all(map(np.array_equal, first, again))
    assert not any(map(np.array_equal, first, other))
    assert {str(p.dtype) for p in first} == {"float32"}
    assert {str(p.dtype) for p in weights(dtype="float64")} == {"float64"}
    own = net.Dense(3, input_size=3, seed=5)
    kept = to_numpy(own.params["W"]).copy()
    np.testing.assert_array_equal(to_numpy(net.Tape(own=own).params["own.W"]), kept)


def test_the_first_weights_are_the_same_on_both_backends() -> None:
    tapes = [reader(net) for net in BACKENDS]
    values = [float(read(tape, [3, 1], 1)) for tape in tapes]
    assert values[0] == pytest.approx(values[1], rel=1e-12)
    assert list(tapes[0].params) == list(tapes[1].params)


def trained(
    net: Any, make: Callable[[Any], tuple[Any, Callable[[Any], Any]]], data: list[Any], epochs: int
) -> list[float]:
    tape, loss_of = make(net)
    optimizer, losses = net.Adam(0.02, clip_norm=1.0), []
    for _ in range(epochs):
        for example in data:
            tape.zero_grad()
            value = loss_of(example)
            tape.backward(value)
            optimizer.step(tape)
            losses.append(float(value))
    return losses


def loop_network(net: Any) -> tuple[Any, Callable[[Any], Any]]:
    tape = reader(net)
    return tape, lambda example: read(tape, *example)


def tree_network(net: Any) -> tuple[Any, Callable[[Any], Any]]:
    parts = {"embed": net.Embedding(V, D), "reduce": net.Dense(D), "tanh": net.Tanh(), "dense": net.Dense(2)}
    tape = net.Tape(dtype="float64", **parts, loss=net.SoftmaxCrossEntropy())

    def vector(tree: Any) -> Any:
        if isinstance(tree, int):
            return tape.embed([tree])
        return tape.tanh(tape.reduce(net.concatenate([vector(child) for child in tree])))

    return tape, lambda example: tape.loss(tape.dense(vector(example[0])), [example[1]])


TREES = [((1, 2), 1), ((2, 1), 0), (((1, 2), 3), 1), ((3, (2, 1)), 0), (((3, 4), (1, 2)), 1), ((5, (4, (2, 1))), 0)]


@pytest.mark.parametrize(("make", "data"), [(loop_network, SENTENCES), (tree_network, TREES)], ids=["loop", "tree"])
def test_networks_whose_shape_follows_the_data_learn_alike_on_both_backends(make: Any, data: list[Any]) -> None:
    ours, theirs = (trained(net, make, data, 60) for net in BACKENDS)
    np.testing.assert_allclose(ours, theirs, rtol=1e-9)
    assert max(ours[-len(data) :]) < 0.05 < min(ours[: len(data)])


def batches_of(net: Any) -> Any:
    sentences, labels = zip(*SENTENCES)
    return net.SequenceBatches(sentences, labels, batch_size=2)


def for_trainer(net: Any) -> Any:
    """Rows that have ended keep their state."""
    tape = reader(net)

    def objective(x: Any, target: Any, lengths: Any) -> Any:
        h = np.zeros((len(x), H))
        for t in range(x.shape[1]):
            continues = (t < lengths)[:, None].astype(float)
            h = tape.node(tape.embed(x[:, t]), h) * continues + h * (1 - continues)
        return tape.loss(tape.dense(h), target)

    tape.objective = objective
    return tape


def test_a_trainer_trains_it_saves_it_and_goes_on(net: Any, tmp_path: Path) -> None:
    def trainer(folder: str) -> Any:
        batches = batches_of(net)
        optimizer = net.Adam(0.02)
        return net.Trainer(for_trainer(net), optimizer, batches, batches, directory=tmp_path / folder, progress=False)

    whole, first, second = trainer("whole"), trainer("parts"), trainer("parts")
    whole.fit(epochs=4)
    first.fit(epochs=2)
    read(second.model, [0], 0)
    second.resume(net.load_checkpoint(tmp_path / "parts" / "last.npz"))
    second.fit(epochs=4)
    assert second.history.losses == whole.history.losses
    assert whole.history.rows[-1]["validation_loss"] < whole.history.rows[0]["validation_loss"]
    for ours, theirs in zip(second.model.params.values(), whole.model.params.values()):
        np.testing.assert_array_equal(to_numpy(ours), to_numpy(theirs))


@pytest.mark.parametrize("written_by", BACKENDS, ids=lambda net: net.__name__)
def test_a_file_has_all_but_the_program(written_by: Any, net: Any, tmp_path: Path) -> None:
    theirs = written_by.Tape(
        dtype="float64",
        read=written_by.GRULayer(3, bidirectional=True, return_sequences=False),
        reduce=written_by.RNNModel([written_by.Dense(4), written_by.Tanh()]),
        never=written_by.Dense(5),
        cell=written_by.LSTMNode(2),
        loss=written_by.MeanSquaredError(),
    )
    x = np.random.default_rng(0).standard_normal((2, 3, 5))

    def said(tape: Any) -> Any:
        return tape.cell(tape.reduce(tape.read(x)))[0]

    expected = np.asarray(said(theirs).value)
    with pytest.raises(ValueError, match="Tape's never has no parameters yet"):
        written_by.save_checkpoint(tmp_path / "tape.npz", theirs)
    theirs.never(np.ones((1, 2)))
    written_by.save_checkpoint(tmp_path / "tape.npz", theirs)
    ours = net.Tape.from_checkpoint(net.load_checkpoint(tmp_path / "tape.npz"))
    np.testing.assert_allclose(np.asarray(said(ours).value), expected, rtol=1e-12)
    assert ours.config() == theirs.config()
    assert list(ours.params) == list(theirs.params)


def test_a_trainer_gives_both_backends_the_same_losses() -> None:
    runs = [net.Trainer(for_trainer(net), net.Adam(0.02), batches_of(net), progress=False) for net in BACKENDS]
    ours, theirs = (run.fit(steps=12).losses for run in runs)
    np.testing.assert_allclose(ours, theirs, rtol=1e-9)


def test_evaluation_drops_nothing_and_leaves_what_is_remembered(net: Any) -> None:
    tape = net.Tape(drop=net.Dropout(0.5), layer=net.GRULayer(H, stateful=True), loss=net.MeanSquaredError())
    tape.objective = lambda x, target: tape.loss(tape.layer(tape.drop(x)), target)
    x, target = np.ones((1, 3, D)), np.zeros((1, 3, H))
    tape.loss_and_grads(x, target)
    remembered = to_numpy(tape.layer.part.last_state).copy()
    with tape.fresh_state():
        values = [tape.evaluate(x, target)]
        tape.reset_state()
        values.append(tape.evaluate(x, target))
    assert values[0] == values[1]
    assert tape.drop.training
    np.testing.assert_array_equal(to_numpy(tape.layer.part.last_state), remembered)
    assert tape.loss.counted == 3 * H
    assert tape.layer.hidden_size == H
    tape.drop.p = 0.0
    assert tape.drop.part.p == 0.0


def test_a_graph_goes_with_its_value(net: Any) -> None:
    tape = reader(net)
    h = tape.node(tape.embed([1]))
    value = tape.loss(tape.dense(tape.node(tape.embed([2]), h)), [0])
    tape.backward(value)
    gone = weakref.ref(h)
    gc.disable()
    try:
        del h, value
        assert gone() is None
    finally:
        gc.enable()


def test_a_copy_is_a_tape_of_its_own(net: Any) -> None:
    tape = net.Tape(dtype="float64", layer=net.GRULayer(H), dense=net.Dense(2))
    tape.dense(tape.layer(np.ones((1, 2, D))))
    other = copy.deepcopy(tape)
    other.backward(other.dense(other.layer(np.ones((1, 2, D)))).sum())
    assert all(g.any() for g in grads_of(other).values())
    assert not any(g.any() for g in grads_of(tape).values())
    assert other.dense.part is not tape.dense.part


def test_weights_that_changed_since_the_call_are_no_silent_matter(net: Any) -> None:
    tape = reader(net)
    value = read(tape, [3, 1], 1)
    tape.backward(value)
    net.SGD(0.1).step(tape)
    with pytest.raises(RuntimeError):
        tape.backward(value)


def test_an_operation_may_keep_what_it_likes_where_it_likes() -> None:
    class Twice(numnet.Operation):
        """y = x², which keeps x under a name of its own, and counts."""

        seen = 0

        def forward(self, x: Any) -> Any:
            self.seen, self.mine = self.seen + 1, x
            return x * x

        def backward(self, dy: Any) -> Any:
            return dy * 2 * self.mine

    tape = numnet.Tape(square=Twice())
    x = numnet.ArrayWithGrad(np.array([2.0, 3.0]))
    y = tape.square(tape.square(x))
    tape.backward(y.sum())
    np.testing.assert_array_equal(x.grad, 4 * np.array([8.0, 27.0]))
    assert tape.square.seen == 2


def test_an_operation_may_take_several_inputs(net: Any) -> None:
    class Product(net.Operation):
        takes = ("u", "v")

        def forward(self, u: Any, v: Any) -> Any:
            self.saved = ((u * v,), (u, v)) if net is torchnet else (u, v)
            return u * v

        def backward(self, dy: Any) -> Any:
            u, v = self.recall()
            return dy * v, dy * u

    tape = net.Tape(product=Product())
    u, v = net.ArrayWithGrad([2.0, 3.0]), net.ArrayWithGrad([5.0, 7.0])
    tape.backward(tape.product(tape.product(u, v), u).sum())  # u² v
    np.testing.assert_array_equal(to_numpy(u.grad), [20.0, 42.0])
    np.testing.assert_array_equal(to_numpy(v.grad), [4.0, 9.0])
    with pytest.raises(TypeError, match=r"Product: input 2 is ArrayWithGrad, expected an array without a gradient\."):
        tape.product(u, v, u)


class ReadsOut(numnet.RNNNode):
    """h = tanh(W_x x + b + W_h h'), and y = h + x, which is no state; a_x is a tuple."""

    reads_out = True

    def inputs(self, x: Any) -> Any:
        return super().inputs(x), x

    def inputs_backward(self, da_x: Any, x: Any) -> Any:
        dx, grads = super().inputs_backward(da_x[0], x)
        return dx + da_x[1], grads

    def step(self, a_x: Any, h_prev: Any, drop: Any = None) -> Any:
        h, state, saved = super().step(a_x[0], h_prev)
        return h + a_x[1], state, saved

    def step_backward(self, dy: Any, dh_next: Any, saved: Any, drop: Any = None) -> Any:
        da_x, d_state, pairs = super().step_backward(dy, dh_next, saved)
        return (da_x, dy), d_state, pairs


@pytest.mark.parametrize("constant", [False, True], ids=["x on the tape", "x constant"])
def test_a_node_that_reads_out_gives_y_and_its_state(constant: bool) -> None:
    found = []
    for node in (ReadsOut(H, input_size=H, seed=1), numnet.RNNNode(H, input_size=H, seed=1)):
        tape = numnet.Tape(dtype="float64", node=node)
        x = numnet.ArrayWithGrad(drawn_input()[:, :, :H])
        h: Any = None
        total: Any = 0.0
        for t in range(x.shape[1]):
            x_t = x.value[:, t] if constant else x[:, t]
            y, h = tape.node(x_t, h) if node.reads_out else (h := tape.node(x_t, h), h)
            total = total + (y if node.reads_out else y + x_t) * (t + 1)
        tape.backward((total * h).sum())
        found.append([(total * h).value, x.grad, *tape.grads.values()])
    for ours, theirs in zip(*found):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-14)


def test_calls_of_one_part_may_differ_in_kind_and_in_batch_size() -> None:
    found = []
    for net in BACKENDS:
        tape = net.Tape(
            dtype="float64", node=net.GRUNode(H, input_size=V, seed=1), dense=net.Dense(H, input_size=H, seed=2)
        )
        one_hot = net.ArrayWithGrad(np.eye(V)[[2, 4, 4]])
        h = tape.dense(tape.node([1], tape.node(np.eye(V)[[5]])))
        z = tape.dense(tape.node(one_hot, tape.node([3, 3, 0])))
        value = (z * h).sum()
        value.backward()  # not tape.backward: gradients are complete all the same
        found.append([to_numpy(q) for q in (value.value, one_hot.grad, *tape.grads.values())])
    for ours, theirs in zip(*found):
        np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-13)


def test_an_error_on_the_way_leaves_nothing_behind(net: Any) -> None:
    class Fails(net.Tanh):
        wrong = True

        def backward(self, dy: Any) -> Any:
            if self.wrong:
                raise ArithmeticError
            return super().backward(dy)

    def hook(dz: Any) -> Any:
        if tape.tanh.wrong:
            raise ArithmeticError

    tape = net.Tape(dtype="float64", node=net.GRUNode(H, input_size=H), dense=net.Dense(H, input_size=H), tanh=Fails())
    h = tape.tanh(tape.node(np.ones((2, H))))
    if net is torchnet:
        h.tensor.register_hook(hook)
    value = tape.dense(tape.node(np.ones((2, H)), h)).sum()
    with pytest.raises(ArithmeticError):
        tape.backward(value)
    tape.zero_grad()
    tape.tanh.wrong = False
    tape.backward(value)
    once = grads_of(tape)
    value.backward()
    assert all(np.allclose(g, 2 * once[name]) and g.any() for name, g in grads_of(tape).items())


def test_a_subclass_of_a_part_with_pure_functions_is_called_as_it_is(net: Any) -> None:
    class Twice(net.Dense):
        def forward(self, x: Any) -> Any:
            return super().forward(2 * x)

        def backward(self, dy: Any) -> Any:
            return 2 * super().backward(dy)

    values = []
    for part in (Twice(2, input_size=3, seed=0), net.Dense(2, input_size=3, seed=0)):
        tape, x = net.Tape(f=part), net.ArrayWithGrad(np.ones((1, 3), "float32"))
        y = tape.f(x if isinstance(part, Twice) else x * 2)
        tape.backward(y.sum())
        values.append([to_numpy(q) for q in (y.value, x.grad, tape.f.part.grads["W"])])
    for ours, theirs in zip(*values):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)


def test_a_layer_takes_resets(net: Any) -> None:
    tape = net.Tape(dtype="float64", layer=net.GRULayer(H, output_size=D, seed=1))
    x, resets = drawn_input(), np.zeros((2, 5), bool)
    resets[:, 2] = True
    y = tape.layer(x, None, None, resets)
    tape.backward(y[:, 3:].sum())
    once = grads_of(tape)
    tape.zero_grad()
    z = tape.layer(x[:, 2:])
    np.testing.assert_allclose(to_numpy(y.value)[:, 2:], to_numpy(z.value), rtol=1e-12)
    tape.backward(z[:, 1:].sum())
    for name, g in grads_of(tape).items():
        np.testing.assert_allclose(once[name], g, rtol=1e-10, atol=1e-14)
    with pytest.raises(TypeError, match="resets is ArrayWithGrad, expected an array without a gradient"):
        tape.layer(x, None, None, y)


WRONG: dict[str, tuple[Callable[[Any, Any], Any], type[Exception]]] = {
    "a part that is none": (lambda net, tape: net.Tape(f=len), TypeError),
    "a name that is taken": (lambda net, tape: net.Tape(params=net.Tanh()), ValueError),
    "a name of the tape's own": (lambda net, tape: net.Tape(train=net.Tanh()), ValueError),
    "one part twice": (lambda net, tape: net.Tape(f=(f := net.Dense(2)), g=f), ValueError),
    "a layer and its node": (lambda net, tape: net.Tape(f=(f := net.GRULayer(2)), g=f.node), ValueError),
    "backward of a float": (lambda net, tape: tape.backward(0.5), TypeError),
    "backward of many": (lambda net, tape: tape.backward(tape.embed([1])), ValueError),
    "one sample for a node": (lambda net, tape: tape.node(tape.embed([1])[0]), ValueError),
    "a sequence for a node": (lambda net, tape: tape.node(tape.embed([[1, 2]])), ValueError),
    "a gradient for a target": (lambda net, tape: tape.loss(tape.embed([1]), tape.embed([2])), TypeError),
    "a gradient for a mask": (lambda net, tape: tape.loss(tape.embed([1]), [2], mask=tape.embed([1])), TypeError),
    "a Packed": (lambda net, tape: tape.dense(net.pack([np.ones((2, D))])), TypeError),
    "values in a list": (lambda net, tape: tape.dense([tape.embed([1]), tape.embed([2])]), TypeError),
    "vectors for tokens": (lambda net, tape: tape.embed(tape.embed([1])), TypeError),
    "a state of another size": (lambda net, tape: tape.node(tape.embed([1]), np.zeros((1, 9))), ValueError),
    "a state of another batch": (
        lambda net, tape: tape.node(tape.embed([1]), tape.dense(tape.embed([1, 2]))),
        ValueError,
    ),
    "a state without a batch": (lambda net, tape: tape.node(tape.embed([1]), np.zeros(H)), ValueError),
    "backward of a part": (lambda net, tape: tape.backward(tape.dense), TypeError),
    "backward of a layer": (lambda net, tape: tape.backward(tape.dense.part), TypeError),
    "backward of the other backend": (
        lambda net, tape: tape.backward((torchnet if net is numnet else numnet).ArrayWithGrad(1.0)),
        TypeError,
    ),
    "backward from a string": (lambda net, tape: tape.backward(tape.embed([1]), "1"), TypeError),
    "a step before all are made": (lambda net, tape: net.Adam(0.1).step(tape), ValueError),
    "no objective": (lambda net, tape: tape.loss_and_grads([1], [0]), ValueError),
    "no loss": (lambda net, tape: net.Tape(f=net.Tanh()).needs_loss(), ValueError),
    "no device": (lambda net, tape: net.Tape(device="abacus"), ValueError),
}


def said(net: Any, wrong: Callable[[Any, Any], Any], kind: type[Exception]) -> str:
    with pytest.raises(kind) as error:
        wrong(net, reader(net))
    return str(error.value)


@pytest.mark.parametrize("name", WRONG)
def test_errors_have_the_same_words(name: str) -> None:
    ours, theirs = (said(net, *WRONG[name]) for net in BACKENDS)
    if name != "no device":
        assert ours == theirs
    assert ", expected " in ours or name in ("no objective", "no loss", "a step before all are made")


def test_a_state_is_described_in_rows(net: Any) -> None:
    with pytest.raises(ValueError, match="state h") as error:
        reader(net).node(np.zeros((1, D)), np.zeros((1, 9)))
    assert str(error.value) == f"GRUNode: state h is (1, 9), expected (1, {H}). On a tape it is (batch, hidden)."


def test_an_objective_must_stay_on_the_tape(net: Any) -> None:
    tape = reader(net)
    tape.objective = lambda x, target: float(read(tape, x, target))
    with pytest.raises(TypeError, match="the objective is float, expected an output of a call on the tape"):
        tape.loss_and_grads([1], 0)


def caught(net: Any) -> bool:
    """Whether any network's values or gradients are not torchnet's, or it cannot be run at all."""
    for network in NETWORKS:
        try:
            assert_near(results(network, net, times=2), results(network, torchnet, times=2), TOLERANCE["float64"])
        except (AssertionError, ValueError, TypeError, RuntimeError, AttributeError):
            return True
    return False


def test_the_right_code_raises_no_alarm() -> None:
    assert not caught(numnet)


@pytest.mark.parametrize("fault", TAPE_FAULTS, ids=lambda fault: fault.name)
def test_a_planted_fault_is_caught(fault: Fault, tmp_path: Path) -> None:
    with planted(fault, tmp_path) as faulty:
        assert caught(faulty)


@pytest.mark.parametrize("optimizer", numnet.OPTIMIZERS)
def test_no_backward_pass_through_changed_weights(net: Any, optimizer: str) -> None:
    tape = net.Tape(
        first=net.Dense(3, input_size=3),
        second=net.Dense(2, input_size=3),
        loss=net.SoftmaxCrossEntropy(),
        dtype="float64",
    )
    value = tape.loss(tape.second(tape.first(np.ones((1, 3)))), [1])
    tape.backward(value)
    net.OPTIMIZERS[optimizer](0.5).step(tape)
    with pytest.raises(RuntimeError):
        tape.backward(value)


def test_the_padded_bias_of_a_gru_follows_b_h() -> None:
    """The kernel's second bias is shared by the calls: it has b_h's values at each call, and every call's gradient."""
    x = np.random.default_rng(0).standard_normal((3, 2, 4)).astype("float32")
    tape, node = (torchnet.Tape(part=torchnet.GRUNode(5, input_size=4, seed=1)) for _ in range(2))
    node.part.cell = None  # the node's own step
    for one in (tape, node):
        total = one.part(x[0]).sum() + one.part(x[1]).sum()
        one.part.part.b_h.data += 1  # an edit that autograd does not see
        total = total + one.part(x[2]).sum()
        copy.deepcopy(one)
        one.backward(total)
    for ours, theirs in zip(tape.grads.values(), node.grads.values()):
        np.testing.assert_allclose(to_numpy(ours), to_numpy(theirs), rtol=1e-5, atol=1e-6)  # float32
