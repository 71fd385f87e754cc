"""Initial values: from the seed of the model or tape, of the part, or of the package."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import numnet
import torchnet
from numnet.core.arrays import to_numpy
from parity_tests.faults import Fault, planted
from parity_tests.small import assert_same, weights

X = np.random.default_rng(0).standard_normal((2, 3, 4))

MAKERS: dict[str, Callable[[Any], Any]] = {
    "Dense": lambda net: net.Dense(3, input_size=4),
    "Dense, no size": lambda net: net.Dense(3),
    "Convolution": lambda net: net.Convolution(3, input_size=4),
    "Embedding": lambda net: net.Embedding(5, 3),
    "Characters": lambda net: net.Characters(5, embedding_size=3, output_size=3),
    "Attention": lambda net: net.Attention(input_size=4, memory_size=4),
    "LSTM": lambda net: net.LSTMLayer(3, input_size=4, output_size=2, learn_state=True),
    "LSTM, no size": lambda net: net.LSTMLayer(3, zoneout=0.5),
    "both ways": lambda net: net.GRULayer(3, input_size=4, bidirectional=True),
    "both ways, no size": lambda net: net.RNNLayer(3, bidirectional=True),
    "node": lambda net: net.MGUNode(3, input_size=4),
    "over a node": lambda net: net.RecurrentLayer(net.LSTMVariantNode(3, peepholes=True, input_size=4)),
}
NO_SIZE = [name for name in MAKERS if name.endswith("no size")]


def drawn(net: Any) -> list[dict[str, Any]]:
    """The parameters of two parts of each kind."""
    parts = [MAKERS[name](net) for name in [*MAKERS, *MAKERS]]
    for name, part in zip([*MAKERS, *MAKERS], parts):
        if name in NO_SIZE:
            part(X)
    return [weights(part) for part in parts]


def differ(first: dict[str, Any], second: dict[str, Any]) -> None:
    for name in first:
        assert not np.array_equal(first[name], second[name]) or not first[name].any(), name  # h_0 is 0


def law_of_two_parts(net: Any) -> None:
    """Two parts that are made alike differ in each parameter, and manual_seed repeats both."""
    net.manual_seed(7)
    first = drawn(net)
    for k in range(len(MAKERS)):
        differ(first[k], first[k + len(MAKERS)])
    net.manual_seed(7)
    for one, again in zip(first, drawn(net), strict=True):
        assert_same(one, again)


def test_no_two_parts_are_equal_and_a_seed_repeats_them(net: Any) -> None:
    law_of_two_parts(net)


@pytest.mark.parametrize("seed", [0, 11])
def test_the_same_script_has_the_same_values_on_both_backends(seed: int) -> None:
    found = []
    for net in (numnet, torchnet):
        net.manual_seed(seed)
        found.append(drawn(net))
    for ours, theirs in zip(*found, strict=True):
        assert_same(ours, theirs)


def test_the_seed_is_0_before_the_first_call_and_no_seed_is_another(net: Any) -> None:
    first = weights(net.Dense(3, input_size=4))
    net.manual_seed(0)
    assert_same(first, weights(net.Dense(3, input_size=4)))
    net.manual_seed(1)
    differ(first, weights(net.Dense(3, input_size=4)))
    assert_same(weights(net.Dense(3, input_size=4, seed=5)), weights(net.Dense(3, input_size=4, seed=5)))


def test_the_two_packages_do_not_share_their_seeds() -> None:
    ours = [weights(numnet.Dense(3, input_size=4)) for _ in range(2)]
    assert_same(ours[0], weights(torchnet.Dense(3, input_size=4)))
    torchnet.manual_seed(5)
    differ(ours[1], weights(numnet.Dense(3, input_size=4)))


def test_a_wrong_seed_is_refused_and_changes_nothing(net: Any) -> None:
    first, second = (weights(net.Dense(3, input_size=4)) for _ in range(2))
    net.manual_seed(0)
    assert_same(first, weights(net.Dense(3, input_size=4)))
    with pytest.raises(ValueError, match="manual_seed: seed is -1, expected a whole number, 0 or more"):
        net.manual_seed(-1)
    with pytest.raises(TypeError, match="manual_seed: seed is 'one'"):
        net.manual_seed("one")
    assert_same(second, weights(net.Dense(3, input_size=4)))
    net.manual_seed(np.int64(0))
    assert_same(first, weights(net.Dense(3, input_size=4)))


def law_of_models(net: Any) -> None:
    """A model and a tape initialize a part that nobody has used, whatever was constructed before."""
    found = []
    for before in range(2):
        for _ in range(before):
            net.Dense(3, input_size=4)
        model = net.RNNModel([net.LSTMLayer(3, input_size=4), net.Dense(2)], input_size=4, seed=6)
        tape = net.Tape(seed=6, dense=net.Dense(3, input_size=4), layer=net.GRULayer(2, bidirectional=True))
        tape.layer(tape.dense(X))
        found.append({**weights(model), **weights(tape)})
    assert_same(*found)


def test_a_model_and_a_tape_initialize_their_parts_from_their_own_seed(net: Any) -> None:
    law_of_models(net)


def assigned(part: Any) -> None:
    value = to_numpy(part.W) + 1
    part.W = torch.nn.Parameter(torch.as_tensor(value)) if isinstance(part, torchnet.Dense) else value


def changed_in_place(part: Any) -> None:
    if isinstance(part, torchnet.Dense):
        torch.nn.init.ones_(dict(part.named_parameters())["W"])  # as a loop over the parameters of a larger module does
    else:
        part.W[...] = 1


USES: dict[str, Callable[[Any], Any]] = {
    "assigned": assigned,
    "changed in place": changed_in_place,
    "called": lambda part: part(X),
    "loaded": lambda part: part.load_state_dict(part.state_dict()),
}


def law_of_uses(net: Any, use: Callable[[Any], Any]) -> None:
    """Values that were used or changed stay in a model and in a tape."""
    part = net.Dense(3, input_size=4)
    use(part)
    kept = weights(copy.deepcopy(part))
    net.RNNModel([part], input_size=4, seed=6)
    assert_same(weights(part), kept)
    net.Tape(seed=7, part=part)
    assert_same(weights(part), kept)


@pytest.mark.parametrize("use", USES)
def test_values_that_were_used_or_changed_stay(net: Any, use: str) -> None:
    law_of_uses(net, USES[use])


def test_an_assigned_parameter_stays(net: Any) -> None:
    part, ones = net.Dense(3, input_size=4), np.ones((3, 4), "float32")
    part.W = torch.nn.Parameter(torch.as_tensor(ones)) if net is torchnet else ones
    net.RNNModel([part], input_size=4, seed=6)
    np.testing.assert_array_equal(to_numpy(part.W), ones)


def test_to_show_a_part_or_a_model_does_not_fix_its_values(net: Any) -> None:
    def model() -> Any:
        return net.RNNModel([net.Dense(4), net.LSTMLayer(3, input_size=4)], seed=6)

    shown, other = model(), model()
    assert "96" in str(shown)  # 4·3·(4 + 3) + 4·3 parameters of the LSTM
    repr(shown.layers[1]), shown.config(), shown.path
    shown(X), other(X)
    assert_same(weights(shown), weights(other))


def test_a_layer_keeps_the_values_of_its_parts_and_a_model_draws_them_again(net: Any) -> None:
    node = net.GRUNode(3, input_size=4)
    before = weights(node)
    layer = net.RecurrentLayer(node)
    assert_same(before, weights(node))
    model = net.RNNModel([layer], seed=6, input_size=4)
    other = net.RNNModel([net.RecurrentLayer(net.GRUNode(3, input_size=4))], seed=6, input_size=4)
    assert_same(weights(model), weights(other))


def test_a_copy_of_a_part_is_equal(net: Any) -> None:
    part = net.LSTMLayer(3, input_size=4)
    other, third = copy.deepcopy(part), pickle.loads(pickle.dumps(part))
    assert_same(weights(part), weights(other))
    assert_same(weights(part), weights(third))


@pytest.mark.parametrize("name", NO_SIZE)
def test_threads_that_need_a_part_at_once_get_one_set_of_values(net: Any, name: str) -> None:
    expected = weights(warm(MAKERS[name](net)))
    net.manual_seed(0)
    part = MAKERS[name](net)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: warm(part), range(8)))
    assert_same(weights(part), expected)


def warm(part: Any) -> Any:
    part.eval()(X)
    return part


def test_threads_that_read_at_once_see_every_parameter(net: Any) -> None:
    for _ in range(20):
        part = net.Dense(3, input_size=4)
        with ThreadPoolExecutor(4) as pool:
            shapes = list(pool.map(lambda name, part=part: tuple(getattr(part, name).shape), ["W", "b"] * 4))
        assert set(shapes) == {(3, 4), (3,)}


def test_parts_that_threads_construct_are_all_different(net: Any) -> None:
    with ThreadPoolExecutor(4) as pool:
        parts = list(pool.map(lambda _: net.Dense(3, input_size=4), range(24)))
    found = {weights(part)["W"].tobytes() for part in parts}
    assert len(found) == 24
    net.manual_seed(0)
    assert found == {weights(net.Dense(3, input_size=4))["W"].tobytes() for _ in range(24)}


def test_a_part_that_has_no_parameters_yet_has_no_attribute_of_that_name() -> None:
    numnet.Dense(3, input_size=4)
    with pytest.raises(AttributeError, match="'Dense' object has no attribute 'W'"):
        _ = numnet.Dense(3).W


INIT = "core/initialization.py"
FAULTS = [
    Fault(name, file, old, new, "", "")
    for name, file, old, new in (
        ("parts outside of models begin equal", INIT, "self.parts += 1", "self.parts = 1"),
        ("manual_seed does not begin again", INIT, "int(seed), 0", "int(seed), vars(self).get('parts', 0)"),
        ("a model has the package's seed", "models/base.py", "default_rng(self.seed or 0)", "default_rng()"),
        ("a model keeps all values", INIT, "self.initial_checksum == checksum(self.params)", "False"),
        ("a change is not noticed", INIT, "self.initial_checksum == checksum(self.params)", "True"),
    )
]


def laws(net: Any) -> None:
    law_of_two_parts(net)
    law_of_models(net)
    law_of_uses(net, USES["changed in place"])
    model = net.RNNModel([net.Dense(2)], input_size=3)
    assert_same(weights(model), weights(net.RNNModel([net.Dense(2)], input_size=3)))


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_planted_fault_breaks_a_law(fault: Fault, tmp_path: Path) -> None:
    laws(numnet)
    with planted(fault, tmp_path) as faulty, pytest.raises(AssertionError):
        laws(faulty)


def test_clearing_gradients_before_the_first_batch_changes_no_initial_value(net: Any) -> None:
    found = []
    for clears in (False, True):
        layers = [net.Embedding(9, 8), net.Dense(9)]
        model = net.RNNModel(layers, net.SoftmaxCrossEntropy(), seed=2, dtype="float64")
        if clears:
            model.zero_grad()
        found.append(model.predict(np.arange(6).reshape(2, 3)))
    np.testing.assert_array_equal(found[0], found[1])
