"""The thin stack: all trees of a batch at once (Bowman et al. 2016, without batch padding).

    x = [h_b; h_1; h_2]                           (1)   tops of buffer and stack, second element; 0 where there is none
    z, (k, m) = tracker.step(W_x x + b, k', m')   (2)   z: the scores of SHIFT and REDUCE, k is the tracker's h
    the move of each sentence                     (3)   given, or the valid one with the higher score
    M[new] = node.step(W_x k + b, M[i_2], M[i_1]) (4)   in the sentences that REDUCE; i_1, i_2: their two topmost rows

M has the states of all nodes, [h; c] for a TreeLSTM; core/stack_rows.py of numnet says which row is where. Without a
tracker (4) needs the two children alone, so all phrases of one height are one call of `node.step`. M is a list of rows
(S,), because autograd would copy the gradient of a whole table for every step that writes into it. Autograd computes
the gradients.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy.typing as npt
import torch
from torch import Tensor

from numnet.core.stack_rows import Compositions, StackRows
from torchnet.recurrent.node import Node
from torchnet.recurrent.tree_node import TreeNode

Array = npt.NDArray[Any]


def compose(node: TreeNode, M: list[Tensor], plan: Compositions) -> None:
    """(4) Append the phrases to M, height by height."""
    ready, nothing = node.prepared(), M[0][:0]
    for start, stop in zip(plan.starts, plan.starts[1:]):
        context = nothing[:, None].expand(0, stop - start)
        left, right = at(M, plan.left[start:stop]), at(M, plan.right[start:stop])
        M.extend(reduced(ready, context, left, right).unbind())  # (4)


def track(
    node: TreeNode, tracker: Node, M: list[Tensor], stack: StackRows, choose: Callable[[Tensor], Array]
) -> list[Tensor]:
    """Run all steps and append the phrases to M; `choose` returns the moves (n,) of a step from z (2, n). Return z."""
    ready, tracker, H, scores = node.prepared(), tracker.prepared(), node.state_sizes[0], []
    state: Sequence[Tensor] = [M[0].new_zeros(size, len(stack.order)) for size in tracker.state_sizes]
    while n := stack.running:
        states = at(M, stack.operands().ravel()).view(3, n, -1)
        x = states[:, :, :H].transpose(1, 2).reshape(3 * H, n)  # (1)
        z, state = tracker.step(tracker.inputs(x), *(q[:, :n] for q in state))  # (2)
        reduces, new = stack.move(choose(z))  # (3)
        if len(new):
            where = torch.from_numpy(reduces).to(x.device)
            _, right, left = states[:, where]
            M.extend(reduced(ready, state[0][:, where], left, right).unbind())  # (4)
        scores.append(z)
    return scores


def reduced(node: Node, context: Tensor, left: Tensor, right: Tensor) -> Tensor:
    """(4) Return the states (n, S) of the phrases with these children (n, S)."""
    children = *parts(node, left), *parts(node, right)
    _, new = node.step(node.inputs(context), *children)  # (4)
    return torch.cat(new).T


def at(M: list[Tensor], rows: Array) -> Tensor:
    """Return these rows of M (n, S)."""
    return torch.stack([M[k] for k in rows.tolist()])


def parts(node: Node, rows: Tensor) -> tuple[Tensor, ...]:
    """Rows (n, S) of M as the parts of a state, columns being samples: h (H, n), or h and c."""
    return rows.T.contiguous().split(node.state_sizes)
