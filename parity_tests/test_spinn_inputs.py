"""Wrong parts, options and batches of a SPINN: one line that says who, what it got, what it expected and the remedy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import numnet
import torchnet
from numnet.data import ParseBatch, Transitions, Tree, Vocabulary, pad_parses

OTHER = {numnet: torchnet, torchnet: numnet}
V, H = 7, 3
TRANSITIONS = Transitions.parse("( ( a cat ) ( sat down ) )")
WORDS = Vocabulary(["<unk>", "a", "cat", "sat", "down"])
PARSE = pad_parses([TRANSITIONS, Transitions.parse("( a cat )"), Transitions.parse("cat")], WORDS)
x, lengths, transitions = PARSE
VECTORS = np.random.default_rng(0).standard_normal((3, 4, 5))


def spinn(net: Any, leaf: Any = None, reduce: Any = "TreeLSTM", tracker: Any = "Tracker", **options: Any) -> Any:
    """A SPINN on tokens; without input_size it waits for the first batch."""
    node = net.TreeLSTMNode(H) if reduce == "TreeLSTM" else reduce
    beside = net.Tracker(2) if tracker == "Tracker" else tracker
    return net.SPINN([net.Embedding(V, 4), net.Dense(2 * H)] if leaf is None else leaf, node, beside, **options)


def changed(values: Any, *places: tuple[int, int, int]) -> Any:
    """Transitions with other moves at some (row, step, move)."""
    found = values.copy()
    for row, step, move in places:
        found[row, step] = move
    return found


def message(call: Any, net: Any) -> str:
    """The error of a call: its type and words, with the package as "net"."""
    with pytest.raises((TypeError, ValueError, IndexError, RuntimeError)) as caught:
        call(net)
    return f"{type(caught.value).__name__}: {caught.value}".replace(net.__name__, "net").replace(
        OTHER[net].__name__, "other"
    )


MISSING = "transitions are missing, expected those of every sentence, because drive is 'given'."
PARTS: list[tuple[Callable[[Any], Any], str]] = [
    (lambda net: spinn(net, net.Dense(6)), "TypeError: SPINN: leaf is Dense, expected a list of layers. One layer? "),
    (lambda net: spinn(net, net.RNNModel([net.Dense(6)])), "TypeError: SPINN: leaf is RNNModel, expected a list of "),
    (lambda net: spinn(net, [net.LSTMNode(6)]), "TypeError: SPINN: leaf[0] is the node LSTMNode, which computes one "),
    (lambda net: spinn(net, [OTHER[net].Dense(6)]),
     "TypeError: SPINN: leaf[0] is other's Dense, expected a layer. Use net.Dense: all parts of a model are of one"),
    (lambda net: spinn(net, [net.Pooling()]),
     "ValueError: SPINN: leaf[0], Pooling, returns one vector for each sentence, expected one for each word: the words "
     "are the leaves of the tree. Remove the Pooling."),
    (lambda net: spinn(net, [net.Embedding(V, 6), net.LSTMLayer(6, return_sequences=False)]),
     "ValueError: SPINN: leaf[1], LSTMLayer, returns one vector for each sentence, expected one for each word: the "
     "words are the leaves of the tree. Omit return_sequences=False."),
    (lambda net: spinn(net, [net.Pooling(), net.RepeatVector(4)]), "ValueError: SPINN: leaf[0], Pooling, returns one "),
    (lambda net: spinn(net, [net.Dense(6), net.LSTMLayer(6, batch_first=False)]),
     "ValueError: SPINN: leaf[1] has batch_first=False, expected True: words are (batch, N)."),
    (lambda net: spinn(net, [net.Dense(6), net.Embedding(V, 6)]),
     "ValueError: SPINN: leaf[1] is Embedding, which reads tokens, expected a layer that reads numbers, the outputs"),
    (lambda net: spinn(net, [net.Embedding(V, 4), net.Dense(H)]),
     "ValueError: SPINN: leaf returns 3 features, expected 6, the width of the state [h; c] of reduce. End leaf with "
     "Dense(6)."),
    (lambda net: spinn(net, [net.Embedding(V, 6)] * 2), "ValueError: SPINN: leaf[1] is Embedding, which reads tokens"),
    (lambda net: spinn(net, [net.Tanh()] * 2), "ValueError: SPINN: leaf[1] is an earlier layer, or shares a node with"),
    (lambda net: spinn(net, reduce=net.LSTMNode(H)),
     "TypeError: SPINN: reduce is LSTMNode, expected a TreeNode. Use net.TreeLSTMNode(64)."),
    (lambda net: spinn(net, reduce=net.TreeLSTMNode),
     "TypeError: SPINN: reduce is the class TreeLSTMNode, expected a TreeNode. Make an object of the class: TreeLSTM"),
    (lambda net: spinn(net, reduce=None), "TypeError: SPINN: reduce is None, expected a TreeNode. Use net.TreeLSTM"),
    (lambda net: spinn(net, reduce=OTHER[net].TreeLSTMNode(H)),
     "TypeError: SPINN: reduce is other's TreeLSTMNode, expected a TreeNode. Use net.TreeLSTMNode: all parts of a"),
    (lambda net: spinn(net, reduce=net.TreeLSTMNode(H, input_size=4)),
     "ValueError: SPINN: reduce has input_size 4, expected 2, the hidden size of the tracker. Omit input_size=."),
    (lambda net: spinn(net, reduce=net.TreeLSTMNode(H, input_size=4), tracker=None),
     "ValueError: SPINN: reduce has input_size 4, expected 0, because there is no tracker. Omit input_size=."),
    (lambda net: spinn(net, tracker=net.LSTMNode(2)),
     "TypeError: SPINN: tracker is LSTMNode, expected None or a Tracker. Use net.Tracker(32)."),
    (lambda net: spinn(net, tracker=61), "TypeError: SPINN: tracker is 61, expected None or a Tracker. Use net."),
    (lambda net: spinn(net, tracker=OTHER[net].Tracker(2)), "TypeError: SPINN: tracker is other's Tracker, expected "),
    (lambda net: spinn(net, tracker=net.Tracker(2, input_size=4)),
     "ValueError: SPINN: tracker has input_size 4, expected 9, three times the hidden size of reduce. Omit input_size"),
]  # fmt: skip
OPTIONS: list[tuple[Callable[[Any], Any], str]] = [
    (lambda net: spinn(net, tracker=None, drive="own"),
     "ValueError: SPINN: drive is 'own', and no tracker scores the moves, expected one. Give tracker=Tracker(hidden_"),
    (lambda net: spinn(net, tracker=net.Tracker(2, predicts=False), drive="own"),
     "ValueError: SPINN: drive is 'own', and no tracker scores the moves, expected one. Give tracker=Tracker(hidden_"),
    (lambda net: setattr(spinn(net, tracker=None), "drive", "own"), "ValueError: SPINN: drive is 'own', and no "),
    (lambda net: spinn(net, drive="gold"), "ValueError: SPINN: drive is 'gold', expected one of 'given', 'own'."),
    (lambda net: setattr(spinn(net), "drive", "gold"), "ValueError: SPINN: drive is 'gold', expected one of 'given'"),
    (lambda net: spinn(net, teacher_forcing=1.5), "ValueError: SPINN: teacher_forcing is 1.5, expected 0 to 1."),
    (lambda net: setattr(spinn(net), "teacher_forcing", -0.1), "ValueError: SPINN: teacher_forcing is -0.1, expected "),
    (lambda net: spinn(net, transition_weight=-1.0), "ValueError: SPINN: transition_weight is -1.0, expected a finite"),
    (lambda net: spinn(net, transition_weight=np.inf), "ValueError: SPINN: transition_weight is inf, expected "),
    (lambda net: setattr(spinn(net), "transition_weight", "1"), "TypeError: SPINN: transition_weight is '1', expected"),
    (lambda net: setattr(spinn(net), "return_nodes", True), "TypeError: SPINN: return_nodes is set to True, expected"),
    (lambda net: setattr(spinn(net), "reduce", net.TreeLSTMNode(H)), "TypeError: SPINN: reduce is set to TreeLSTMNode"),
    (lambda net: spinn(net, drive="own", teacher_forcing=net.StepSchedule(2.0, every=1, factor=0.5))(PARSE),
     "ValueError: SPINN: teacher_forcing is 2.0, expected 0 to 1."),
]  # fmt: skip
BATCHES: list[tuple[Callable[[Any], Any], str]] = [
    (lambda net: spinn(net)(x, lengths), f"ValueError: SPINN: {MISSING} Pass pad_parses(parses, vocabulary), or set "),
    (lambda net: spinn(net)(TRANSITIONS),
     "TypeError: SPINN: x is Transitions, expected words (batch, N) or a ParseBatch. Pass pad_parses(parses, "),
    (lambda net: spinn(net)([TRANSITIONS, TRANSITIONS]), "TypeError: SPINN: x is a list of Transitions, expected "),
    (lambda net: spinn(net)(TRANSITIONS.tree()), "TypeError: SPINN: x is Tree, expected words (batch, N) or a ParseB"),
    (lambda net: spinn(net)([TRANSITIONS.tree()]), "TypeError: SPINN: x is a list of Tree, expected words (batch, N)"),
    (lambda net: spinn(net)([TRANSITIONS.encode(WORDS)]), "TypeError: SPINN: x is a list of EncodedParse, expected "),
    (lambda net: spinn(net)("( a cat )"), "TypeError: SPINN: x is a str, expected words (batch, N) or a ParseBatch. "),
    (lambda net: spinn(net)(["( a cat )"]), "TypeError: SPINN: x is a list of str, expected words (batch, N) or a "),
    (lambda net: spinn(net)((x, lengths, transitions)),
     "TypeError: SPINN: x is a tuple of three arrays, expected words (batch, N) or a ParseBatch. Pass ParseBatch(*x)."),
    (lambda net: spinn(net)(PARSE, lengths),
     "ValueError: SPINN: lengths is given beside a ParseBatch, which has its own. Omit lengths=."),
    (lambda net: spinn(net)(PARSE, transitions=transitions),
     "ValueError: SPINN: transitions is given beside a ParseBatch, which has its own. Omit transitions=."),
    (lambda net: spinn(net)(x, lengths, transitions[:, :-1]),
     "ValueError: SPINN: transitions is (3, 6), expected (3, 7). 2N - 1 moves, padded with SKIP (2)."),
    (lambda net: spinn(net)(x, lengths, transitions[0]), "ValueError: SPINN: transitions is (7,), expected (3, 7)."),
    (lambda net: spinn(net)(x, lengths, transitions * 1.0), "TypeError: SPINN: transitions is float64, expected integ"),
    (lambda net: spinn(net)(x, lengths, changed(transitions, (0, 1, 1))),
     "ValueError: SPINN: transitions[0, 1] is REDUCE with 1 on the stack and 3 words left, expected SHIFT."),
    (lambda net: spinn(net)(x, lengths, changed(transitions, (0, 6, 2))),
     "ValueError: SPINN: transitions[0, 6] is SKIP with 2 on the stack and 0 words left, expected REDUCE."),
    (lambda net: spinn(net)(x, lengths, changed(transitions, (1, 2, 7))),
     "ValueError: SPINN: transitions[1, 2] is 7 with 2 on the stack and 0 words left, expected REDUCE."),
    (lambda net: spinn(net)(x, None, transitions), "ValueError: SPINN: transitions[1, 3] is SKIP with 1 on the stack"),
    (lambda net: spinn(net)(x, [4, 1, 1], transitions), "ValueError: SPINN: transitions[1, 1] is SHIFT with 1 on the"),
    (lambda net: spinn(net)(x, lengths * 1.0, transitions), "ValueError: SPINN: lengths[0] is 4.0 (float64), expected"),
    (lambda net: spinn(net)(x, [5, 2, 1], transitions), "ValueError: SPINN: lengths[0] is 5, expected 0 to 4 (T = 4)"),
    (lambda net: spinn(net)(x, lengths[:2], transitions), "ValueError: SPINN: lengths is (2,), expected (3,)."),
    (lambda net: spinn(net)(x, [[1, 1, 1, 1], [1, 0, 1, 0], [1, 0, 0, 0]], transitions),
     "ValueError: SPINN: lengths[1] is a mask with a gap, expected its words, then its padding. Remove the gap."),
    (lambda net: spinn(net)(x[0], lengths, transitions),
     "ValueError: SPINN: x is (4,), expected words (batch, N), or vectors of words (batch, N, D). One sentence? Pass"),
    (lambda net: spinn(net)(np.zeros((3, 0), int), lengths * 0, transitions[:, :0]),
     "ValueError: SPINN: x is (3, 0), expected at least one sentence of at least one word."),
    (lambda net: spinn(net)(x[:0], lengths[:0], transitions[:0]), "ValueError: SPINN: x is (0, 4), expected at least"),
    (lambda net: spinn(net, [net.Dense(6)])(PARSE),
     "ValueError: SPINN: x is (3, 4), expected vectors of words (batch, N, D). Token ids? Begin leaf with Embedding(V"),
    (lambda net: spinn(net, [])(PARSE), "ValueError: SPINN: x is (3, 4), expected vectors of words (batch, N, D). Tok"),
    (lambda net: spinn(net, [net.Dense(6)])(x * 1.0, lengths, transitions),
     "ValueError: SPINN: x is (3, 4), expected vectors of words (batch, N, D). One sentence? Pass x[None]."),
    (lambda net: spinn(net)(VECTORS, lengths, transitions), "TypeError: Embedding: tokens are float64, expected int"),
    (lambda net: spinn(net)(x + V, lengths, transitions), "IndexError: Embedding: token 8 at [0, 0], expected 0 to 6"),
    (lambda net: spinn(net)(None, lengths, transitions), "TypeError: SPINN: x is None, expected an array of real numb"),
    (lambda net: spinn(net)(net.Packed.from_padded(x, lengths), None, transitions), "TypeError: SPINN: x is Packed, "),
    (lambda net: spinn(net).backward(np.ones((3, H))), "RuntimeError: SPINN: backward before forward. Call forward fi"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("call", "words"), [*PARTS, *OPTIONS, *BATCHES], ids=lambda case: "" if callable(case) else case[:60]
)
def test_what_is_wrong_is_said_in_one_line(call: Callable[[Any], Any], words: str, net: Any) -> None:
    assert message(call, net).startswith(words)


def test_a_call_that_is_refused_leaves_the_model_unbuilt(net: Any) -> None:
    wrong: list[Any] = [
        (VECTORS, lengths, changed(transitions, (0, 1, 1))), (VECTORS, lengths + 9, transitions), (VECTORS,), (x,),
    ]  # fmt: skip
    model = spinn(net, [net.Dense(2 * H)])
    for batch in wrong:
        message(lambda _, batch=batch: model(*batch), net)
        assert not any(part.built for part in (model, model.leaf, model.reduce, model.tracker))
        assert model.moves is None
    narrow = spinn(net, [net.Dense(H)])
    message(lambda net: narrow(VECTORS, lengths, transitions), net)
    assert not any(part.built for part in (narrow, narrow.leaf, narrow.leaf.layers[0], narrow.reduce, narrow.tracker))
    assert model.predict(VECTORS, lengths, transitions).shape == (3, H)


def test_an_upstream_gradient_has_the_shape_of_y(net: Any) -> None:
    for nodes, shape in ((False, (3, H)), (True, (3, 7, H))):
        model = spinn(net, return_nodes=nodes)
        assert tuple(model(PARSE).shape) == shape
        for wrong in ((3, H + 1), (3, 7, H + 1), (3,), shape[:-1]):
            said = message(lambda _, model=model, wrong=wrong: model.backward(np.ones(wrong)), net)
            assert said == f"ValueError: SPINN: dy is {wrong}, expected {shape}. It has the shape of y."
        said = message(lambda _, model=model: model.backward(None, "1"), net)
        assert said == "ValueError: SPINN: d_added_loss is '1', expected a finite number."
        assert not any(np.asarray(gradient).any() for gradient in model.grads.values())


def test_the_layers_of_leaf_keep_the_axes(net: Any) -> None:
    class Square(net.Operation):
        def forward(self, x: Any) -> Any:
            return x[..., None]

    said = message(lambda net: spinn(net, [Square()], input_size=2 * H)(np.ones((3, 4, 6)), lengths, transitions), net)
    assert said == (
        "ValueError: SPINN: leaf returns (7, 1, 6, 1), expected (7, 1, 6), a vector for each word. Look for the layer "
        "that changes the axes."
    )


def test_weights_that_have_changed_between_forward_and_backward_are_refused(net: Any) -> None:
    model = spinn(net)
    for part in (model, model.tracker, model.leaf.layers[1]):
        model(PARSE)
        part.load_state_dict({name: value * 2 for name, value in part.state_dict().items()})
        said = message(lambda net: model.backward(np.ones((3, H))), net)
        assert said.startswith(
            "RuntimeError: SPINN: the weights have changed since this call, expected backward before"
        )


def test_a_mask_without_gaps_is_as_good_as_lengths(net: Any) -> None:
    model = spinn(net, seed=1)
    y = model.predict(PARSE)
    for mask in (np.arange(4) < lengths[:, None], (np.arange(4) < lengths[:, None]).astype(int)):
        np.testing.assert_array_equal(model.predict(x, mask, transitions), y)
    np.testing.assert_array_equal(model.predict(ParseBatch(x, lengths, transitions.tolist())), y)
    assert isinstance(TRANSITIONS.tree(), Tree)
