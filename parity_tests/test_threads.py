"""One model in several threads: predictions are right, training calls do not overlap, modes and gradients stay."""

from __future__ import annotations

import copy
import pickle
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch

import torchnet
from numnet.core.arrays import to_numpy
from parity_tests.small import VOCABULARY, assert_same, small_model
from parity_tests.threads import RECURRENT, WITHOUT_RECURRENCE, simple, wrong
from parity_tests.translator import pairs, translator

BATCH, TARGET = np.random.default_rng(0).standard_normal((2, 5, 3)), np.array([1, 3])
PATIENCE = 20  # seconds until a test gives up; none waits so long


def in_another_thread(call: Callable[[], Any]) -> Any:
    """What the call gives, or raises, in a thread of its own."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(call).result(PATIENCE)


def here(call: Callable[[], Any]) -> Any:
    return call()


def grads(model: Any) -> dict[str, Any]:
    return {name: np.array(to_numpy(g)) for name, g in model.grads.items()}


KINDS = pytest.mark.parametrize("answers", [*WITHOUT_RECURRENCE, *RECURRENT], ids=lambda kind: kind.__name__)


@KINDS
def test_four_threads_get_the_answers_of_one(answers: Any, net: Any) -> None:
    assert wrong(answers(net, 24), 40 if answers in RECURRENT else 120) == 0


@pytest.mark.long
@KINDS
def test_four_threads_get_the_answers_of_one_many_times(answers: Any, net: Any) -> None:
    assert wrong(answers(net, 24), 120 if answers in RECURRENT else 400) == 0


@pytest.mark.parametrize("training", [True, False])
def test_predictions_of_other_threads_leave_modes_and_gradients(training: bool, net: Any) -> None:
    """A forward and backward pass by hand, with predictions in between and meanwhile."""
    (model, _), (alone, _) = simple(net), simple(net)
    for one in (model, alone):
        one.train(training)
        one.layers[2].eval()
    modes = [module.training for module in model.modules()]
    done = threading.Event()

    def predicting() -> None:
        while not done.is_set():
            model.predict(BATCH[:1])
            model.evaluate(BATCH[:, :3], TARGET)

    with ThreadPoolExecutor(2) as pool:
        busy = [pool.submit(predicting) for _ in range(2)]
        for _ in range(20):
            for one in (model, alone):
                one.loss.forward(one.forward(BATCH), TARGET)
                one.backward(one.loss.backward())
                one.loss_and_grads(BATCH, TARGET)
        done.set()
        for each in busy:
            each.result(PATIENCE)
    assert_same(grads(model), grads(alone))
    assert [module.training for module in model.modules()] == modes


def test_a_prediction_between_forward_and_backward_changes_no_gradient(net: Any) -> None:
    """In this thread and in another, of a translator and of a stack."""
    for elsewhere in (in_another_thread, here):
        x, target, lengths = pairs()
        model, alone = translator(net, dropout=0.3), translator(net, dropout=0.3)
        for one in (model, alone):
            y = to_numpy(one.forward(x, target, lengths))
            if one is model:
                elsewhere(partial(net.greedy, model, x[::-1], max_length=3))
                elsewhere(partial(model.predict, x[:2], target[:2]))
            one.backward(np.ones_like(y))
        assert_same(grads(model), grads(alone))


def test_generation_in_another_thread_leaves_the_state(net: Any) -> None:
    model = small_model(net)
    model.predict(VOCABULARY.encode("abc")[None])
    before = [copy.deepcopy(state) for state in model.last_state]
    in_another_thread(lambda: net.generate(model, VOCABULARY, "cab", 5))
    assert str(model.last_state) == str(before)
    assert str(model.layers[0].last_state) == str(before[0])


def waiting(net: Any) -> tuple[Any, threading.Event, threading.Event]:
    """A model whose first layer says when a forward pass has reached it, and waits there for a signal."""
    inside, go = threading.Event(), threading.Event()

    class Waiting(net.Tanh):
        def forward(self, x: Any) -> Any:
            inside.set()
            assert go.wait(PATIENCE)
            return super().forward(x)

    layers = [Waiting(), net.Dropout(0.5), net.Dense(4), net.Pooling()]
    return net.RNNModel(layers, net.SoftmaxCrossEntropy(), input_size=3, seed=1, dtype="float64"), inside, go


def as_tape(net: Any, model: Any) -> Any:
    tape = net.Tape(stack=net.RNNModel(model.layers), loss=net.SoftmaxCrossEntropy(), dtype="float64")
    tape.objective = lambda x, target: tape.loss(tape.stack(x), target)
    return tape


def as_translator(net: Any, model: Any) -> Any:
    stack = [net.Dense(3, input_size=3), net.Tanh()]
    decoder, output = [net.Embedding(4, 3)], [net.Dense(4)]
    return net.EncoderDecoder(
        [model.layers[0], *stack],
        decoder,
        output,
        net.Attention("dot"),
        net.SoftmaxCrossEntropy(),
        input_size=3,
        target_size=4,
    )


def as_classifier(net: Any, model: Any) -> Any:
    encoder = net.SPINN([model.layers[0], net.Dense(6)], net.TreeLSTMNode(3), net.Tracker(2), input_size=3, drive="own")
    return net.TreeClassifier(encoder, [net.Dense(4)], net.SoftmaxCrossEntropy())


MODELS: dict[str, Callable[[Any, Any], Any]] = {
    "RNNModel": lambda net, model: model,
    "EncoderDecoder": as_translator,
    "TreeClassifier": as_classifier,
    "Tape": as_tape,
}


@pytest.mark.parametrize("kind", MODELS)
def test_overlapping_training_calls_are_refused(kind: str, net: Any) -> None:
    model, inside, go = waiting(net)
    model = MODELS[kind](net, model)
    target = TARGET[:, None] if kind == "EncoderDecoder" else TARGET
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(model.loss_and_grads, BATCH, target)
        assert inside.wait(PATIENCE)
        before, calls = grads(model), [module.calls for module in model.modules() if hasattr(module, "calls")]
        with pytest.raises(RuntimeError) as error:
            model.loss_and_grads(BATCH, target)
        assert_same(grads(model), before)
        assert [module.calls for module in model.modules() if hasattr(module, "calls")] == calls
        go.set()
        first.result(PATIENCE)
    assert str(error.value) == (
        f"{kind}: loss_and_grads was called while another thread is in a training call of the same model, expected one "
        "at a time. Give each thread a copy of the model (copy.deepcopy), or hold a lock around the training step."
    )
    assert any(g.any() for g in grads(model).values())
    model.loss_and_grads(BATCH, target)


def test_a_copy_made_during_a_training_call_can_be_trained(net: Any) -> None:
    model, inside, go = waiting(net)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(model.loss_and_grads, BATCH, TARGET)
        assert inside.wait(PATIENCE)
        other = copy.deepcopy(model)
        go.set()
        first.result(PATIENCE)
    other.loss_and_grads(BATCH, TARGET)
    assert "training_lock" not in vars(copy.deepcopy(model))


def test_a_model_may_be_trained_after_a_training_call_that_failed(net: Any) -> None:
    model, _ = simple(net)
    for _ in range(2):
        with pytest.raises(ValueError, match="expected"):
            model.loss_and_grads(BATCH, TARGET[:1])
    model.loss_and_grads(BATCH, TARGET)


def test_forward_and_backward_may_be_in_two_threads_that_do_not_overlap(net: Any) -> None:
    model, alone = (
        net.Dense(3, input_size=3, dtype="float64", seed=1),
        net.Dense(3, input_size=3, dtype="float64", seed=1),
    )
    for k in range(3):
        alone.forward(BATCH + k)
        alone.backward(BATCH)
    with ThreadPoolExecutor(1) as pool:
        for k in range(3):
            pool.submit(model.forward, BATCH + k).result(PATIENCE)
            model.backward(BATCH)
    assert_same(grads(model), grads(alone))


def test_backward_after_a_forward_pass_of_another_thread_is_refused(net: Any) -> None:
    layer = net.Dense(3, input_size=3, dtype="float64")
    layer.forward(BATCH)
    in_another_thread(lambda: layer.forward(2 * BATCH))
    before = grads(layer)
    for elsewhere in (in_another_thread, here):
        with pytest.raises(RuntimeError) as error:
            elsewhere(lambda: layer.backward(BATCH))
        assert str(error.value) == (
            "Dense: backward was called after a forward pass of another thread, expected forward and backward in the "
            "same thread. Give each thread a copy of the model (copy.deepcopy), or hold a lock around the training "
            "step."
        )
    assert_same(grads(layer), before)
    layer.forward(BATCH)
    layer.backward(BATCH)
    other = pickle.loads(pickle.dumps(layer))
    in_another_thread(lambda: other.forward(BATCH))
    other.backward(BATCH)


def test_threads_that_meet_at_the_first_batch_build_a_model_once(net: Any) -> None:
    for seed in range(5):
        model = net.RNNModel([net.Dense(4), net.Tanh(), net.Dense(2)], dtype="float64", seed=seed)
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda _, model=model: np.array(model.predict(BATCH)), range(8)))
        assert all((y == model.predict(BATCH)).all() for y in found)


def test_a_value_of_an_evaluation_on_a_tape_has_no_graph(net: Any) -> None:
    tape = net.Tape(1, "float64", dense=net.Dense(3, input_size=3), tanh=net.Tanh(), loss=net.MeanSquaredError())
    values: list[Any] = []

    def objective(x: Any, y: Any) -> Any:
        values.append(tape.loss(tape.tanh(tape.dense(x)), y))
        return values[-1]

    tape.objective = objective
    tape.loss_and_grads(*BATCH)
    before = {name: np.array(g) for name, g in grads(tape).items()}
    assert any(g.any() for g in before.values())
    tape.evaluate(*BATCH)
    with pytest.raises(RuntimeError, match="expected one with a graph"):
        tape.backward(values[-1])
    assert_same(before, grads(tape))
    assert float(values[-1]) == float(values[0])


def test_pytorchs_own_modules_are_switched_until_the_last_evaluation_ends() -> None:
    inside, go = threading.Event(), threading.Event()

    class Mine(torchnet.Operation):
        def __init__(self) -> None:
            super().__init__()
            self.drop = torch.nn.Dropout(0.5)

        def forward(self, x: Any) -> Any:
            if len(x) == 2:
                inside.set()
                assert go.wait(PATIENCE)
            y = self.drop(x)
            self.save_graph((y,), (x,))
            return y

    model = torchnet.RNNModel([Mine(), torchnet.Dense(3)], input_size=3, dtype="float64")
    expected = [model.layers[1](x).detach().numpy() for x in (BATCH, BATCH[:1])]
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(model.predict, BATCH)
        assert inside.wait(PATIENCE)
        np.testing.assert_array_equal(model.predict(BATCH[:1]), expected[1])
        go.set()
        np.testing.assert_array_equal(first.result(PATIENCE), expected[0])
    assert model.layers[0].drop.training
