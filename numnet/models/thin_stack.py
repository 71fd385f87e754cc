"""The thin stack: all trees of a batch at once, and its backward pass (Bowman et al. 2016, without batch padding).

    x = [h_b; h_1; h_2]                           (1)   tops of buffer and stack, second element; 0 where there is none
    z, (k, m) = tracker.step(W_x x + b, k', m')   (2)   z: the scores of SHIFT and REDUCE, k is the tracker's h
    the move of each sentence                     (3)   given, or the valid one with the higher score
    M[new] = node.step(W_x k + b, M[i_2], M[i_1]) (4)   in the sentences that REDUCE; i_1, i_2: their two topmost rows

M (rows, S) has the states of all nodes, [h; c] for a TreeLSTM; core/stack_rows.py says which row is where. Without a
tracker (4) needs the two children alone, so all phrases of one height are one call of `node.step`. Each REDUCE reads
two rows of M and writes one. So the backward pass reads the gradient of one row and ADDS to those of two, and dM is
complete for a row before the step that wrote it is reached. The gradient of row 0, nothing, is thrown away.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from numnet.autograd.weights import Terms, inputs_backward
from numnet.core.operation import Array
from numnet.core.stack_rows import Compositions, StackRows
from numnet.recurrent.node import Node
from numnet.recurrent.tree_node import TreeNode
from numnet.recurrent.unroll import at


def compose(node: TreeNode, M: Array, plan: Compositions) -> list[Any]:
    """(4) Write the phrases into M, height by height; return what compose_backward needs."""
    saved = []
    for start, stop in zip(plan.starts, plan.starts[1:]):
        context = np.zeros((1, 0, stop - start), M.dtype)
        new, kept = reduced(node, context, M, plan.left[start:stop], plan.right[start:stop])  # (4)
        M[plan.first + start : plan.first + stop] = new
        saved.append(kept)
    return saved


def compose_backward(node: TreeNode, dM: Array, plan: Compositions, saved: list[Any]) -> Terms:
    """Add to dM for every child; return the terms of the weights' gradients."""
    terms = Terms([], [])
    for start, stop, kept in reversed(list(zip(plan.starts, plan.starts[1:], saved))):
        d_new = dM[plan.first + start : plan.first + stop]
        terms += reduced_backward(node, d_new, dM, plan.left[start:stop], plan.right[start:stop], kept)[1]  # (4)
    return terms


class Step(NamedTuple):
    """The values of one step that its backward pass needs."""

    rows: Array  # (3, n) of the buffer's top, the stack's top and the second element
    x: Array
    tracked: Any  # saved by the tracker
    reduces: Array  # the sentences that REDUCE
    new: Array  # and the rows of their phrases
    composed: Any  # saved by the node


def track(
    node: TreeNode, tracker: Node, M: Array, stack: StackRows, choose: Callable[[Array], Array]
) -> tuple[list[Array], list[Step]]:
    """Run all steps; `choose` returns the moves (n,) of a step from z (2, n). Return z and the values of each step."""
    H, steps, scores = node.state_sizes[0], [], []
    state: Sequence[Array] = [np.zeros((size, len(stack.order)), M.dtype) for size in tracker.state_sizes]
    while n := stack.running:
        rows = stack.operands()
        x = side_by_side(M[rows, :H])[None]  # (1)
        z, state, tracked = tracker.step(at(tracker.inputs(x), 0), *(q[:, :n] for q in state))  # (2)
        reduces, new = stack.move(choose(z))  # (3)
        composed = None
        if len(reduces):
            _, right, left = rows[:, reduces]
            M[new], composed = reduced(node, state[0][None, :, reduces], M, left, right)  # (4)
        steps.append(Step(rows, x, tracked, reduces, new, composed))
        scores.append(z)
    return scores, steps


def track_backward(
    node: TreeNode, tracker: Node, dM: Array, d_scores: Sequence[Array | None], steps: list[Step]
) -> tuple[Terms, Terms]:
    """Add to dM for every row that a step has read; return the terms of the node's and of the tracker's gradients."""
    H, of_node, of_tracker = node.state_sizes[0], Terms([], []), Terms([], [])
    B = steps[0].rows.shape[1] if steps else 0
    d_next = [np.zeros((size, B), dM.dtype) for size in tracker.state_sizes]  # of the state, from the step after
    for dz, step in zip(reversed(d_scores), reversed(steps)):
        rows, reduces = step.rows, step.reduces
        d_state = [dq[:, : rows.shape[1]].copy() for dq in d_next]
        if len(reduces):
            _, right, left = rows[:, reduces]
            dk, terms = reduced_backward(node, dM[step.new], dM, left, right, step.composed)  # (4)
            d_state[0][:, reduces] += dk[0]  # (4)   k is also the next step's k'
            of_node += terms
        dy = np.zeros_like(d_state[0]) if dz is None else dz
        da_x, d_prev, pairs = tracker.step_backward(dy, *d_state, step.tracked)  # (2)
        dx, terms = inputs_backward(tracker, da_x, step.x, pairs)  # (2)
        of_tracker += terms
        for dq, dq_prev in zip(d_next, d_prev):
            dq[:, : rows.shape[1]] = dq_prev
        dM[rows, :H] += dx[0].reshape(3, H, -1).swapaxes(1, 2)  # (1)   no row but 0 occurs twice in a step
    return of_node, of_tracker


def reduced(node: TreeNode, context: Array, M: Array, left: Array, right: Array) -> tuple[Array, Any]:
    """(4) Return the states (n, S) of the phrases with these children, and what reduced_backward needs."""
    children = *parts(node, M[left]), *parts(node, M[right])
    _, new, saved = node.step(at(node.inputs(context), 0), *children)  # (4)
    return np.concatenate(new).T, (context, saved)


def reduced_backward(
    node: TreeNode, d_new: Array, dM: Array, left: Array, right: Array, saved: Any
) -> tuple[Array, Terms]:
    """Add to dM for the children of phrases with the gradient d_new (n, S); return dk (1, K, n), and the terms."""
    context, saved = saved
    d_state = parts(node, d_new)
    da_x, d_children, pairs = node.step_backward(np.zeros_like(d_state[0]), *d_state, saved)  # (4)
    count = len(node.states)
    dM[left] += np.concatenate(d_children[:count]).T  # (4)
    dM[right] += np.concatenate(d_children[count:]).T  # (4)
    return inputs_backward(node, da_x, context, pairs)  # (4)


def parts(node: TreeNode, rows: Array) -> list[Array]:
    """Rows (n, S) of M as the parts of a state, columns being samples: h (H, n), or h and c."""
    ends = np.cumsum(node.state_sizes)
    columns = np.ascontiguousarray(rows.T)
    return [columns[end - size : end] for size, end in zip(node.state_sizes, ends)]


def side_by_side(h: Array) -> Array:
    """(3, n, H) as the columns x = [h_b; h_1; h_2] (3H, n)."""
    return np.ascontiguousarray(h.swapaxes(1, 2)).reshape(-1, h.shape[1])
