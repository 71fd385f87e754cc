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


def compose(node: TreeNode, leaves: Tensor, plan: Compositions) -> list[Tensor]:
    """(4) Compose the phrases height by height. Return M in blocks: row 0 and the leaves, then a block for each height.

    Every row is the child of one phrase at most. So a block is split by the heights of the parents, and the children of
    the phrases of one height are a concatenation of such pieces.
    """
    ready, heights = node.prepared(), len(plan.starts) - 1
    parent = np.full(plan.rows, heights)  # the height of each row's parent, less 1; `heights` without a parent
    parent[plan.left] = parent[plan.right] = np.repeat(np.arange(heights), np.diff(plan.starts))
    blocks = [torch.cat([leaves.new_zeros(1, leaves.shape[1]), leaves])]
    pieces = [split(blocks[0], parent[: plan.first], heights + 1)]
    for k, (start, stop) in enumerate(zip(plan.starts, plan.starts[1:])):
        children = torch.cat([of_block[k] for of_block in pieces])  # in the order of their row numbers
        rows = np.concatenate([plan.left[start:stop], plan.right[start:stop]])
        left, right = at(children, rows.argsort().argsort()).chunk(2)
        blocks.append(reduced(ready, left.new_zeros(0, stop - start), left, right))  # (4)
        pieces.append(split(blocks[-1], parent[plan.first + start : plan.first + stop], heights + 1))
    return blocks


def split(block: Tensor, groups: Array, count: int) -> tuple[Tensor, ...]:
    """Return the rows (n, S) of each of `count` groups, from the group of each row (n,)."""
    sizes = np.bincount(groups, minlength=count).tolist()
    return at(block, groups.argsort(kind="stable")).split(sizes)


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

    def __getitem__(self, numbers: Array) -> Tensor:
        """Return these rows (n, S): the recent ones by one gather, the others one by one."""
        place = np.full(len(self.rows), -1)
        place[self.numbers] = np.arange(len(self.numbers))
        others = numbers[place[numbers] < 0]
        if len(others):
            place[others] = len(self.numbers) + np.arange(len(others))
            self.recent.append(torch.stack([self.rows[k] for k in others.tolist()]))
        self.recent, self.numbers = [at(torch.cat(self.recent), place[numbers])], numbers
        return self.recent[0]


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


def at(block: Tensor, rows: Array) -> Tensor:
    """Return these rows of a block."""
    return block.index_select(0, torch.from_numpy(rows).to(block.device))


def parts(node: Node, rows: Tensor) -> tuple[Tensor, ...]:
    """Rows (n, S) of M as the parts of a state, columns being samples: h (H, n), or h and c."""
    return rows.T.contiguous().split(node.state_sizes)
