"""Both TreeLSTMs: the equations of Tai et al. (2015) by autograd, trees on a Tape, checkpoints, a node of one's own."""

from __future__ import annotations

import copy
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given

import numnet
import torchnet
from numnet.check import check_gradients
from numnet.core.arrays import to_numpy
from numnet.data import Tree, parse_tree
from parity_tests.probe import Arrays, assert_near, run, upstream_like
from parity_tests.strategies import TREES, Case, Sizes, sizes
from parity_tests.test_array_values import same_error

TIGHT = 1e-12  # the same sums, in another order at most
CHILDREN = ("h_l", "c_l", "h_r", "c_r")
SENTENCE = "( ( not good ) ( ( very not ) good ) )"
WORDS = {"not": 0, "good": 1, "very": 2}


def reduce(p: dict[str, Any], left: Any, right: Any, e: Any = None) -> Any:
    """Bowman et al. (2016): W [h_l; h_r; e] + b in one product, rows are samples."""
    W = torch.cat([p[name] for name in ("W_l", "W_r", "W_x") if name in p], dim=1)
    a = torch.cat([q for q in (left[0], right[0], e) if q is not None], dim=1) @ W.T + p.get("b", 0.0)
    i, f_l, f_r, g, o = a.chunk(5, dim=1)
    c = f_l.sigmoid() * left[1] + f_r.sigmoid() * right[1] + i.sigmoid() * g.tanh()
    return o.sigmoid() * c.tanh(), c


def child_sum(p: dict[str, Any], left: Any, right: Any, e: Any = None) -> Any:
    """Tai et al. (2015), equations 2 to 8: a matrix U for each gate, a loop over the children; rows are samples."""
    U = dict(zip("iuof", (*p["W_h"].chunk(3), p["W_f"])))
    of_x = 0.0 if e is None else e @ p["W_x"].T
    W_x = dict(
        zip("iuof", (of_x + p.get("b", p["W_h"].new_zeros(4 * len(U["f"])))).expand(len(left[0]), -1).chunk(4, dim=1))
    )
    total = torch.stack([left[0], right[0]]).sum(dim=0)
    i, u, o = (kind(W_x[q] + total @ U[q].T) for q, kind in zip("iuo", (torch.sigmoid, torch.tanh, torch.sigmoid)))
    c = i * u + sum(torch.sigmoid(W_x["f"] + h_k @ U["f"].T) * c_k for h_k, c_k in (left, right))
    return o * torch.tanh(c), c


def leaf(x: Any) -> Any:
    return torch.tensor(to_numpy(x), requires_grad=True)


@pytest.mark.parametrize("case", [case for case in TREES if "tokens" not in case.name], ids=repr)
@given(z=sizes)
def test_the_step_is_the_equations_by_autograd(case: Case, net: Any, z: Sizes) -> None:
    node, inputs = case.build(net, z), case.inputs(z)
    outputs, pullback = run(node, inputs)
    p, given = ({name: leaf(v) for name, v in arrays.items()} for arrays in (node.params, inputs))
    rows = [given[name].T for name in CHILDREN]
    h, c = (child_sum if "Child" in case.name else reduce)(
        p, rows[:2], rows[2:], given["x"].T if "x" in given else None
    )
    upstream = upstream_like(outputs, z.rng)
    torch.autograd.backward([h.T, c.T], [torch.tensor(upstream[name]) for name in ("h", "c")])
    expected = {"h": to_numpy(h.T), "c": to_numpy(c.T)}
    expected |= {f"d{name}": to_numpy(v.grad) for name, v in {**p, **given}.items()}
    assert_near({**outputs, **pullback(upstream)}, expected, TIGHT)


@pytest.mark.parametrize("case", TREES, ids=repr)
@given(z=sizes)
def test_calls_go_back_in_either_order_and_add(case: Case, net: Any, z: Sizes) -> None:
    node, inputs = case.build(net, z), case.inputs(z)
    swapped = {name: inputs[other] for name, other in zip(CHILDREN, ("h_r", "c_r", "h_l", "c_l"))}
    upstream = upstream_like(run(node, inputs)[0], z.rng)
    found: list[Arrays] = []
    for order in ((0, 1), (1, 0)):
        pullbacks = [run(node, given)[1] for given in (inputs, {**inputs, **swapped})]
        node.zero_grad()
        states = {f"{name} of call {k}": v for k in order for name, v in pullbacks[k](upstream, clear=False).items()}
        sums = {name: np.array(to_numpy(value)) for name, value in node.grads.items()}
        found.append({**{name: v for name, v in states.items() if name[1:].split()[0] not in sums}, **sums})
    assert_near(found[1], found[0], TIGHT)


def test_the_order_of_the_children_does_not_count_and_one_child_is_an_lstm(net: Any) -> None:
    draw = np.random.default_rng(0).standard_normal
    left, right = ((draw((4, 5)), draw((4, 5))) for _ in range(2))
    x, node = draw((3, 5)), net.ChildSumTreeLSTMNode(4, input_size=3, dtype="float64")
    for ours, theirs in zip(node.forward(left, right, x)[0], node.forward(right, left, x)[0]):
        np.testing.assert_allclose(to_numpy(ours), to_numpy(theirs), rtol=TIGHT)
    lstm, p = net.LSTMNode(4, input_size=3, dtype="float64"), {n: to_numpy(v) for n, v in node.params.items()}
    order = [*range(4), *range(12, 16), *range(4, 12)]  # i, f, g, o
    W_h = np.concatenate([p["W_h"], p["W_f"]])
    lstm.load_state_dict({"W_x": p["W_x"][order], "W_h": W_h[order], "b": p["b"][order]})
    for children in ((left, None), (None, left)):
        for ours, theirs in zip(node.forward(*children, x)[0], lstm.forward(x, left)[0]):
            np.testing.assert_allclose(to_numpy(ours), to_numpy(theirs), rtol=TIGHT)


def test_child_sums_on_a_tape(net: Any) -> None:
    """A phrase that is used twice, and a missing child: gradients are those of autograd."""
    rng, tape = np.random.default_rng(0), net.Tape(dtype="float64", reduce=net.ChildSumTreeLSTMNode(3))
    h, c = (net.ArrayWithGrad(rng.standard_normal((2, 3))) for _ in range(2))
    X = tape.reduce((h, c), None)
    Y = tape.reduce(X, tape.reduce((h, c), X))
    tape.backward((Y[0] * Y[1]).sum())
    p = {name: leaf(value) for name, value in tape.reduce.params.items()}
    u = leaf(h.value), leaf(c.value)
    zeros = torch.zeros(2, 3, dtype=torch.float64)
    x = child_sum(p, u, (zeros, zeros))
    y = child_sum(p, x, child_sum(p, u, x))
    (y[0] * y[1]).sum().backward()
    found = {"h": h.grad, "c": c.grad, **tape.reduce.grads}
    expected = {"h": u[0].grad, "c": u[1].grad, **{name: q.grad for name, q in p.items()}}
    assert_near({n: to_numpy(v) for n, v in found.items()}, {n: to_numpy(v) for n, v in expected.items()}, TIGHT)


def network(net: Any, dtype: str = "float64", context: bool = False) -> Any:
    """A recursive network over binary trees: a loss at every node."""
    tape = net.Tape(
        seed=1,
        dtype=dtype,
        embed=net.Embedding(3, 4),
        leaf=net.Dense(10),
        reduce=net.TreeLSTMNode(5),
        dense=net.Dense(2),
        loss=net.SoftmaxCrossEntropy(),
    )

    def states(tree: Tree) -> list[Any]:
        stack: list[Any] = []
        made: list[Any] = []
        for part in tree.subtrees():
            if part.word is None:
                right, left = stack.pop(), stack.pop()
                stack.append(tape.reduce(left, right, *([right[0]] if context else [])))
            else:
                stack.append(tape.leaf(tape.embed([WORDS[part.word]])).chunk(2, axis=1))
            made.append(stack[-1][0])
        return made

    tape.prediction = lambda tree: tape.dense(states(tree)[-1])
    tape.objective = lambda tree, target: tape.loss(tape.dense(net.concatenate(states(tree), axis=0)), target)
    return tape


def drawn_tree(rng: np.random.Generator, leaves: int) -> Tree:
    """A random binary tree."""
    parts = [Tree(None, str(rng.choice(list(WORDS)))) for _ in range(leaves)]
    while len(parts) > 1:
        k = int(rng.integers(len(parts) - 1))
        parts[k : k + 2] = [Tree(None, None, (parts[k], parts[k + 1]))]
    return parts[0]


def by_autograd(p: dict[str, Any], tree: Tree, target: Any, context: bool) -> Any:
    """The same network in PyTorch alone, by recursion."""
    made: list[Any] = []
    own = {name.removeprefix("reduce."): q for name, q in p.items() if name.startswith("reduce.")}

    def state(part: Tree) -> Any:
        if part.word is not None:
            row = p["embed.W"][WORDS[part.word]][None] @ p["leaf.W"].T + p["leaf.b"]
            found = tuple(row.chunk(2, dim=1))
        else:
            left, right = map(state, part.children)
            found = reduce(own, left, right, right[0] if context else None)
        made.append(found[0])
        return found

    state(tree)
    logits = torch.cat(made) @ p["dense.W"].T + p["dense.b"]
    return torch.nn.functional.cross_entropy(logits, torch.as_tensor(target))


@pytest.mark.parametrize("context", [False, True], ids=["", "context"])
@given(z=sizes)
def test_trees_on_a_tape_are_the_recursion_by_autograd(net: Any, context: bool, z: Sizes) -> None:
    tape, tree = network(net, context=context), drawn_tree(z.rng, z.B * z.T)
    tape.predict(drawn_tree(z.rng, 2))  # creates the parameters
    target = z.rng.integers(0, 2, len(tree.subtrees()))
    p = {name: leaf(v) for name, v in tape.params.items()}
    expected = by_autograd(p, tree, target, context)
    expected.backward()
    tape.zero_grad()
    assert tape.loss_and_grads(tree, target) == pytest.approx(float(expected.detach()), rel=TIGHT)
    unused = torch.zeros(())
    assert_near(
        {name: to_numpy(g) for name, g in tape.grads.items()},
        {name: to_numpy(unused.expand_as(q) if q.grad is None else q.grad) for name, q in p.items()},
        TIGHT,
    )


def test_a_missing_child_is_zeros_and_a_leaf_reads_x_alone(net: Any) -> None:
    rng = np.random.default_rng(0)
    tape = net.Tape(dtype="float64", node=net.TreeLSTMNode(3, input_size=2))
    x, h, c = rng.standard_normal((4, 2)), rng.standard_normal((4, 3)), rng.standard_normal((4, 3))
    zeros = np.zeros((4, 3))
    none = zeros, zeros
    for children, whole in (
        ((None, (h, c)), (none, (h, c))),
        ((None, None), (none, none)),
        (((h, None), None), ((h, zeros), none)),
    ):
        for ours, theirs in zip(tape.node(*children, x), tape.node(*whole, x)):
            np.testing.assert_array_equal(to_numpy(ours.value), to_numpy(theirs.value))
    tokens = net.Tape(dtype="float64", node=net.TreeLSTMNode(3, input_size=2, seed=1))
    one_hot = net.Tape(dtype="float64", node=net.TreeLSTMNode(3, input_size=2, seed=1))
    for ours, theirs in zip(tokens.node(x=np.array([1, 0])), one_hot.node(x=np.eye(2)[[1, 0]])):
        np.testing.assert_allclose(to_numpy(ours.value), to_numpy(theirs.value), rtol=TIGHT)


def test_the_initial_values_are_the_same_and_forget_gates_start_open() -> None:
    for options in ({}, {"initial": "glorot"}, {"initial": "orthogonal"}, {"bias": False, "forget_bias": 0.0}):
        for width in (0, 4):
            ours, theirs = (net.TreeLSTMNode(5, input_size=width, seed=3, **options) for net in (numnet, torchnet))
            assert list(ours.params) == list(theirs.params) == [
                *["W_x"][: width], "W_l", "W_r", *["b"][: "bias" not in options]
            ]  # fmt: skip
            for name, value in ours.params.items():
                np.testing.assert_array_equal(value, to_numpy(theirs.params[name]))
    b = numnet.TreeLSTMNode(5, input_size=0, initial="glorot").b
    np.testing.assert_array_equal(b, np.repeat([0, 1, 1, 0, 0], 5))
    for options in ({}, {"bias": False, "forget_bias": 0.0}):
        ours, theirs = (net.ChildSumTreeLSTMNode(5, input_size=2, seed=3, **options) for net in (numnet, torchnet))
        assert list(ours.params) == list(theirs.params) == ["W_x", "W_h", "W_f", *["b"][: "bias" not in options]]
        for name, value in ours.params.items():
            np.testing.assert_array_equal(value, to_numpy(theirs.params[name]))
    b = numnet.ChildSumTreeLSTMNode(5, input_size=0, initial="glorot").b
    np.testing.assert_array_equal(b, np.repeat([0, 0, 0, 1], 5))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_checkpoint_of_a_tape_is_read_by_either_backend(net: Any, dtype: str, tmp_path: Path) -> None:
    tape, tree = network(net, dtype), parse_tree(SENTENCE, labels=False)
    expected = tape.predict(tree)
    assert str(expected.dtype) == dtype
    assert {str(p.dtype).removeprefix("torch.") for p in tape.params.values()} == {dtype}
    net.save_checkpoint(tmp_path / "tree.npz", tape)
    copied = copy.deepcopy(tape.reduce.part)
    for name, value in copied.params.items():
        np.testing.assert_array_equal(to_numpy(value), to_numpy(tape.params[f"reduce.{name}"]))
    for other in (numnet, torchnet):
        read = other.Tape.from_checkpoint(other.load_checkpoint(tmp_path / "tree.npz"))
        again = network(other, dtype)
        again.predict(tree)
        again.load_state_dict({name: to_numpy(p) for name, p in read.params.items()})
        np.testing.assert_allclose(again.predict(tree), expected, rtol=1e-5 if dtype == "float32" else TIGHT)
        assert repr(read.reduce.part).startswith("TreeLSTMNode(5")


def test_evaluation_records_no_graph_and_changes_nothing(net: Any) -> None:
    tape, tree = network(net), parse_tree(SENTENCE, labels=False)
    tape.predict(tree)
    with tape.without_graph():
        first = tape.leaf(tape.embed([0])).chunk(2, axis=1)
        alive = weakref.ref(first[0])
        parent = tape.reduce(first, first)
        del first
    assert alive() is None
    assert parent[0].shape == (1, 5)


def test_frozen_vectors_stay_and_the_rest_is_trained(net: Any) -> None:
    tape, tree = network(net), parse_tree(SENTENCE, labels=False)
    tape.predict(tree)
    tape.freeze("embed")
    before = {name: to_numpy(p).copy() for name, p in tape.params.items()}
    tape.loss_and_grads(tree, np.ones(9, int))
    net.Adam(0.1).step(tape)
    changed = {name for name, p in tape.params.items() if (to_numpy(p) != before[name]).any()}
    assert changed == set(before) - {"embed.W"}


def test_a_batch_of_trees_is_its_rows(net: Any) -> None:
    rng = np.random.default_rng(0)
    tape = net.Tape(dtype="float64", reduce=net.TreeLSTMNode(3))
    children = [tuple(rng.standard_normal((4, 3)) for _ in range(2)) for _ in range(2)]
    h, c = tape.reduce(*children)
    for k in range(4):
        row = tape.reduce(*(tuple(part[k : k + 1] for part in child) for child in children))
        np.testing.assert_allclose(to_numpy(row[0].value), to_numpy(h.value)[k : k + 1], rtol=TIGHT)
        np.testing.assert_allclose(to_numpy(row[1].value), to_numpy(c.value)[k : k + 1], rtol=TIGHT)


def node_and_child(net: Any) -> tuple[Any, Any]:
    tape = net.Tape(reduce=net.TreeLSTMNode(3), context=net.TreeLSTMNode(3, input_size=2))
    return tape, (np.zeros((2, 3)), np.zeros((2, 3)))


def called(net: Any, name: str, *given: Any) -> Any:
    tape, child = node_and_child(net)
    tape.reduce(child, child)
    return getattr(tape, name)(*(child if isinstance(q, str) else q for q in given))


WRONG: dict[str, tuple[Any, str]] = {
    "h alone": (
        lambda net: called(net, "reduce", net.ArrayWithGrad(np.zeros((2, 3))), "child"),
        "TreeLSTMNode: left is an array (2, 3), expected (h, c). A leaf? Pass tape.leaf(x).chunk(2, axis=1), where "
        "leaf is a Dense.",
    ),
    "one of two parts": (
        lambda net: called(net, "reduce", "child", (np.zeros((2, 3)),)),
        "TreeLSTMNode: right is tuple, expected a pair (h, c). Pass both, or None.",
    ),
    "other batch": (
        lambda net: called(net, "reduce", "child", (np.zeros((1, 3)), np.zeros((1, 3)))),
        "TreeLSTMNode: h_r is (1, 3), expected (2, 3). On a tape it is (batch, hidden).",
    ),
    "other width": (
        lambda net: called(net, "reduce", "child", (np.zeros((2, 3)), np.zeros((2, 4)))),
        "TreeLSTMNode: c_r is (2, 4), expected (2, 3). On a tape it is (batch, hidden).",
    ),
    "nothing": (
        lambda net: called(net, "reduce", None, None),
        "TreeLSTMNode: left and right are None, expected a state or x. A missing child is None, but not both.",
    ),
    "a context that was never there": (
        lambda net: called(net, "reduce", "child", "child", np.zeros((2, 4))),
        "TreeLSTMNode: x is (2, 4), expected None: its input_size is 0. A context in every call? Create the node with "
        "input_size=4.",
    ),
    "no context": (
        lambda net: called(net, "context", "child", "child"),
        "TreeLSTMNode: x is None, expected (batch, 2): its input_size is 2. No context? Create the node with "
        "input_size=0.",
    ),
    "context of another width": (
        lambda net: called(net, "context", "child", "child", np.zeros((2, 3))),
        "TreeLSTMNode: x has 3 features, expected 2.",
    ),
    "over time": (
        lambda net: net.RecurrentLayer(net.TreeLSTMNode(3)),
        "RecurrentLayer: node is TreeLSTMNode, expected a node with one previous state. A tree has no time axis: call "
        "it on a Tape, tape.node(left, right).",
    ),
    "in a model": (
        lambda net: net.RNNModel([net.TreeLSTMNode(3)]),
        "RNNModel: layers[0] is the node TreeLSTMNode, which computes one step, expected a layer. Use a Tape: "
        "Tape(node=TreeLSTMNode(...), ...), then tape.node(left, right).",
    ),
    "rows for columns": (
        lambda net: net.TreeLSTMNode(3).forward((np.zeros((2, 3)), np.zeros((2, 3)))),
        "TreeLSTMNode: h_l is (2, 3), expected (3, 3). Columns are samples: (hidden, batch).",
    ),
    "no bias to add to": (
        lambda net: net.TreeLSTMNode(3, bias=False),
        "TreeLSTMNode: forget_bias is 1.0, expected 0: with bias=False there is no b to add it to.",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_errors_have_the_same_words(name: str) -> None:
    wrong, words = WRONG[name]
    assert same_error(wrong)[1].startswith(words)


def test_the_checker_takes_children_and_a_context(net: Any) -> None:
    rng, node = np.random.default_rng(0), net.TreeLSTMNode(3, input_size=2)
    left, right = (tuple(rng.standard_normal((3, 4)) for _ in range(2)) for _ in range(2))
    assert check_gradients(node, left, right, rng.standard_normal((2, 4)))
    assert check_gradients(net.TreeLSTMNode(3), left, right)
    with pytest.raises(TypeError, match="of TreeLSTMNode is 1, expected left, right and x"):
        check_gradients(node, left)
    with pytest.raises(TypeError, match="a child of TreeLSTMNode has no h and c, expected a state"):
        check_gradients(node, left, None)


class Ours(numnet.TreeNode):
    """Socher et al. (2011): h = tanh(a_x + W_l h_l + W_r h_r), a state of one part."""

    W_l: Any
    W_r: Any

    def make(self, rng: np.random.Generator) -> int:
        width = super().make(rng)
        for name in ("W_l", "W_r"):
            self.add_param(name, 0.5 * rng.standard_normal((self.hidden_size, self.hidden_size)))
        return width

    def step(self, a_x: Any, h_l: Any, h_r: Any) -> Any:
        h = np.tanh(a_x + self.W_l @ h_l + self.W_r @ h_r)  # (1)
        return h, (h,), (h_l, h_r, h)

    def step_backward(self, dy: Any, dh_next: Any, saved: Any) -> Any:
        h_l, h_r, h = saved
        da = (dy + dh_next) * (1 - h * h)  # (1)
        return da, (self.W_l.T @ da, self.W_r.T @ da), {"W_l": (da, h_l), "W_r": (da, h_r)}  # (1)


class Theirs(torchnet.TreeNode):
    """The same, where autograd computes the gradients."""

    def make(self, rng: np.random.Generator) -> int:
        width = super().make(rng)
        for name in ("W_l", "W_r"):
            self.add_param(name, 0.5 * rng.standard_normal((self.hidden_size, self.hidden_size)))
        return width

    def step(self, a_x: Any, h_l: Any, h_r: Any) -> Any:
        h = torch.tanh(a_x + self.W_l @ h_l + self.W_r @ h_r)
        return h, (h,)


class Wrong(Ours):
    """The gradient of the right child through the weights of the left one."""

    def step_backward(self, dy: Any, dh_next: Any, saved: Any) -> Any:
        h_l, h_r, h = saved
        da = (dy + dh_next) * (1 - h * h)  # (1)
        return da, (self.W_l.T @ da, self.W_l.T @ da), {"W_l": (da, h_l), "W_r": (da, h_r)}  # (1)


def test_a_node_of_ones_own_with_one_state() -> None:
    found = []
    for net, kind in ((numnet, Ours), (torchnet, Theirs)):
        tape = net.Tape(seed=2, dtype="float64", node=kind(3))
        x = net.ArrayWithGrad(np.random.default_rng(0).standard_normal((4, 3)))
        inner = tape.node(x, x * 2)
        tape.backward(tape.node(inner, tape.node(inner, None)).sum())
        found.append({"x": to_numpy(x.grad), **{name: to_numpy(g) for name, g in tape.grads.items()}})
    assert_near(found[0], found[1], TIGHT)
    assert check_gradients(Ours(4, input_size=3))
    report = check_gradients(Wrong(4, input_size=3))
    assert not report
    assert report.findings[0].tensors == ("h_r",)
