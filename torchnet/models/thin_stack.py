"""The thin stack: all trees of a batch at once (Bowman et al. 2016, without batch padding).

    x = [h_b; h_1; h_2]                           (1)   tops of buffer and stack, second element; 0 where there is none
    z, (k, m) = tracker.step(W_x x + b, k', m')   (2)   z: the scores of SHIFT and REDUCE, k is the tracker's h
    the move of each sentence                     (3)   given, or the valid one with the higher score
    M[new] = node.step(W_x k + b, M[i_2], M[i_1]) (4)   in the sentences that REDUCE; i_1, i_2: their two topmost rows

M has the states of all nodes, [h; c] for a TreeLSTM; core/stack_rows.py of numnet says which row is where. Without a
tracker (4) needs the two children alone, so all phrases of one height are one call of `node.step`. Autograd computes
the gradients. Row numbers stay on the CPU, and given moves need no result of a step: the loop then waits for no device.
The tracker's own moves do, once a step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from numnet.core.stack_rows import Compositions, StackRows
from torchnet.recurrent.node import Node
from torchnet.recurrent.tree_node import TreeNode

Array = npt.NDArray[Any]


class Table:
    """M: phrases are appended as its next rows, and rows are read by their numbers.

    If M were one tensor, autograd would copy its gradient in every step that writes into it. So M is a list of rows.
    Most rows that a step reads are those of the step before, or its phrases: `recent`, with their `numbers`.
    """

    def __init__(self, leaves: Tensor) -> None:
        nothing = leaves.new_zeros(1, leaves.shape[1])
        self.blocks = [nothing, leaves]  # whose rows are `rows`
        self.rows = [nothing[0], *leaves.unbind()]
        self.recent, self.numbers = [nothing], np.zeros(1, np.int64)

    def append(self, new: Tensor) -> None:
        """Append rows (n, S)."""
        self.numbers = np.concatenate([self.numbers, len(self.rows) + np.arange(len(new))])
        self.recent.append(new)
        self.blocks.append(new)
        self.rows.extend(new.unbind())

    def one_by_one(self, numbers: Array) -> Tensor:
        """Return these rows (n, S)."""
        return torch.stack([self.rows[k] for k in numbers.tolist()])

    def __getitem__(self, numbers: Array) -> Tensor:
        """Return these rows (n, S): the recent ones by one gather, the others one by one."""
        place = np.full(len(self.rows), -1)
        place[self.numbers] = np.arange(len(self.numbers))
        others = numbers[place[numbers] < 0]
        if len(others):
            place[others] = len(self.numbers) + np.arange(len(others))
            self.recent.append(self.one_by_one(others))
        recent = torch.cat(self.recent)
        found = recent.index_select(0, torch.from_numpy(place[numbers]).to(recent.device))
        self.recent, self.numbers = [found], numbers
        return found


def compose(node: TreeNode, M: Table, plan: Compositions) -> None:
    """(4) Append the phrases to M, height by height."""
    ready = node.prepared()
    for start, stop in zip(plan.starts, plan.starts[1:]):
        left, right = M.one_by_one(plan.left[start:stop]), M.one_by_one(plan.right[start:stop])
        M.append(reduced(ready, left.new_zeros(0, stop - start), left, right))  # (4)


def track(node: TreeNode, tracker: Node, M: Table, stack: StackRows, choose: Callable[[Tensor], Array]) -> list[Tensor]:
    """Run all steps and append the phrases to M; `choose` returns the moves (n,) of a step from z (2, n). Return z."""
    ready, tracker, H, scores = node.prepared(), tracker.prepared(), node.state_sizes[0], []
    state: Sequence[Tensor] = [M.blocks[0].new_zeros(size, len(stack.order)) for size in tracker.state_sizes]
    while n := stack.running:
        states = M[stack.operands().ravel()].view(3, n, -1)
        x = states[:, :, :H].transpose(1, 2).reshape(3 * H, n)  # (1)
        z, state = tracker.step(tracker.inputs(x), *(q[:, :n] for q in state))  # (2)
        reduces, new = stack.move(choose(z))  # (3)
        if len(new):
            where = torch.from_numpy(reduces).to(x.device)
            _, right, left = states[:, where]
            M.append(reduced(ready, state[0][:, where], left, right))  # (4)
        scores.append(z)
    return scores


def reduced(node: Node, context: Tensor, left: Tensor, right: Tensor) -> Tensor:
    """(4) Return the states (n, S) of the phrases with these children (n, S)."""
    children = *parts(node, left), *parts(node, right)
    _, new = node.step(node.inputs(context), *children)  # (4)
    return torch.cat(new).T


def parts(node: Node, rows: Tensor) -> tuple[Tensor, ...]:
    """Rows (n, S) of M as the parts of a state, columns being samples: h (H, n), or h and c."""
    return rows.T.contiguous().split(node.state_sizes)
