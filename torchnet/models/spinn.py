"""SPINN: sentences become vectors by their trees, and a tracker can build these trees itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.functional import embedding

from numnet.core.arrays import to_numpy
from numnet.core.attributes import OfCall
from numnet.core.checks import check_distinct, check_layers, check_part, validate_call
from numnet.core.checks.spinn import (
    check_gradient_of_loss,
    check_input_sizes,
    check_leaves,
    check_states,
    check_words_stay,
)
from numnet.core.evaluation import Exclusive, Unbuilt
from numnet.core.lengths import mask_of
from numnet.core.schedules import Schedule
from numnet.core.stack_rows import StackRows, compositions
from numnet.models.spinn_base import Moves, SPINNBase
from torchnet.core.device import DTypeLike, as_tensor
from torchnet.core.operation import Operation
from torchnet.layers.cross_entropy import SoftmaxCrossEntropy
from torchnet.layers.module import as_layers
from torchnet.models.model import Model, RNNModel
from torchnet.models.thin_stack import Table, compose, track
from torchnet.recurrent.tracker import Tracker
from torchnet.recurrent.tree_node import TreeNode

Array = npt.NDArray[Any]


class SPINN(SPINNBase, Model):
    """Words (B, N) and the moves that build their trees → a vector for each sentence (B, H) (Bowman et al. 2016).

        s = leaf(x)                       (0)   the states of the words (B, N, S), S = 2H for a TreeLSTM: [h; c]
        the thin stack (1) to (4)               every phrase from its two children: thin_stack.py
        y = h of the root                 (5)   or, with return_nodes=True, of each node
        L_t = mean -log p(move)           (6)   of the tracker's scores, over the real steps of the batch

    leaf: a list of layers, as in RNNModel. reduce: a TreeNode. tracker: a Tracker, whose h is the context of reduce, or
    None. forward(x, lengths=None, transitions=None): x tokens (B, N) or vectors (B, N, D), lengths (B,), transitions
    (B, 2N - 1) of SHIFT (0), REDUCE (1) and, as padding, SKIP (2); or a ParseBatch alone. y is 0 for a sentence without
    words. With return_nodes=True y is (B, 2N - 1, H): entry t is the node that step t puts on the stack, in postorder,
    as in tree.subtrees(); 0 at padding.

    drive: "given", the transitions drive the stack; "own", the tracker does, by its valid move with the higher score,
    and transitions are optional: they are the targets of (6), and in training each step follows them with probability
    `teacher_forcing`, a number or a schedule over the calls, where they are valid. A model adds `added_loss`,
    transition_weight · L_t, to its loss; backward includes its gradient. After a call `moves` (B, 2N - 1) has the moves
    that drove the stack, and `predicted_moves` those that the tracker would have made from the same stack.
    """

    moves = OfCall()
    predicted_moves = OfCall()
    added_loss = OfCall(0.0)

    @validate_call
    def __init__(
        self,
        leaf: Sequence[torch.nn.Module],
        reduce: TreeNode,
        tracker: Tracker | None = None,
        *,
        drive: str = "given",
        teacher_forcing: float | Schedule = 1.0,
        transition_weight: float = 1.0,
        return_nodes: bool = False,
        input_size: int | None = None,
        seed: int | None = None,
        dtype: DTypeLike = "float32",
        device: Any = "cpu",
    ) -> None:
        super().__init__(input_size, seed, dtype, device)
        leaf = as_layers(self.name, leaf, "leaf")
        check_layers(self.name, leaf, Operation, "leaf")
        check_part(self.name, "reduce", reduce, TreeNode, "{net}.TreeLSTMNode(64)", optional=False)
        if tracker is not None:
            check_part(self.name, "tracker", tracker, Tracker, "{net}.Tracker(32)")
        check_words_stay(self.name, leaf)
        check_distinct(self.name, [*leaf, reduce, *([] if tracker is None else [tracker])], "leaf")
        self.leaf, self.reduce, self.tracker = RNNModel(leaf, device=device), reduce, tracker
        self.drive, self.teacher_forcing = drive, teacher_forcing
        self.transition_weight, self.return_nodes = transition_weight, return_nodes
        self.transition_loss = SoftmaxCrossEntropy()
        self.check_options()
        self.ready(self.known_input_size())

    def make(self, rng: np.random.Generator) -> int:
        size = self.leaf.build(self.width, rng, self.dtype)
        H, *others = self.reduce.state_sizes
        check_states(self.name, size, H + sum(others), "[" + "; ".join(self.reduce.states) + "]")
        context = 0 if self.tracker is None else self.tracker.state_sizes[0]
        check_input_sizes(self.name, self.reduce.input_size, context, getattr(self.tracker, "input_size", None), 3 * H)
        self.reduce.build(context, rng, self.dtype)
        if self.tracker is not None:
            self.tracker.build(3 * H, rng, self.dtype)
        self.to(self.device)
        return H

    def forward(self, x: Any, lengths: Any = None, transitions: Any = None) -> Tensor:
        """y (B, H), or (B, 2N - 1, H) with return_nodes. ValueError for lengths or transitions that do not fit."""
        x, lengths, given = self.validated_batch(x, lengths, transitions)
        if self.built:
            return self.called(x, lengths, given)
        with Unbuilt(self):
            self.ready(self.input_size or self.leaf.infer_input_size(x))
            return self.called(x, lengths, given)

    def called(self, x: Tensor, lengths: Array, given: Array | None) -> Tensor:
        words = torch.from_numpy(np.flatnonzero(mask_of(lengths, x.shape[1]))).to(self.device)
        alone = self.words_alone and len(words) > 0
        s = self.leaf(x.flatten(0, 1)[words][:, None]) if alone else self.leaf(x, None, lengths)  # (0)
        check_leaves(self.name, s.shape, (*((len(words), 1) if alone else x.shape[:2]), sum(self.reduce.state_sizes)))
        leaves = (s[:, 0] if alone else s.flatten(0, 1)[words]).to(self.dtype)
        loss = None
        if self.tracker is None:
            assert given is not None
            plan = compositions(given, lengths)
            blocks, nodes, roots = compose(self.reduce, leaves, plan), plan.nodes, plan.roots  # (4)
            self.moves, self.predicted_moves = given, None
        else:
            M, stack = Table(leaves), StackRows(lengths, max(2 * x.shape[1] - 1, 0))
            choose = self.choice_of_moves(stack, given)
            scores = track(self.reduce, self.tracker, M, stack, self.chooser(choose))  # (1) to (4)
            blocks, nodes, roots = M.blocks, stack.nodes, stack.roots()
            self.moves, self.predicted_moves = choose.made, None
            if self.predicts:
                z = torch.cat([leaves.new_zeros(2, 0), *scores], dim=1)
                loss, self.predicted_moves = self.loss_of_moves(z, choose), choose.predicted([to_numpy(z)])
        rows = nodes if self.return_nodes else roots
        self.calls += self.training
        H = self.reduce.state_sizes[0]
        h = torch.cat(blocks)[:, :H]
        y = embedding(torch.from_numpy(rows).to(h.device), h, padding_idx=0)  # (5)
        self.added_loss = 0.0 if loss is None else loss.detach()
        self.save_graph((y,) if loss is None else (y, loss), (x,) if x.is_floating_point() else ())
        return y

    def as_values(self, x: Any) -> Tensor:
        """Return x as a tensor on the device; autograd records features."""
        x = as_tensor(x, self.name, "x")
        return self.followed(x.to(self.device)) if x.is_floating_point() else x.to(self.device)

    def chooser(self, choose: Moves) -> Any:
        """Return the choice of moves, from scores if there may be own moves."""
        return (lambda z: choose(to_numpy(z))) if choose.reads_scores else lambda z: choose()

    def loss_of_moves(self, scores: Tensor, choose: Moves) -> Tensor | None:
        """(6) Return transition_weight · L_t of the scores (2, n) of all steps; None if there are no targets."""
        if not choose.counted or not np.concatenate(choose.counted).any():
            return None
        targets, counted = np.concatenate(choose.targets), np.concatenate(choose.counted)
        return self.transition_weight * self.transition_loss(scores.T, targets, counted)  # (6)

    @property
    def added_loss_in_graph(self) -> Any:
        """`added_loss` with its graph, if there is one."""
        saved = self.saved
        outputs: Any = () if saved is None else saved[0]
        return outputs[1] if len(outputs) > 1 else self.added_loss

    def backward(self, dy: Any, d_added_loss: float = 1.0) -> Any:
        """dx, None for tokens, from dy of y's shape and the gradient of added_loss; those of parameters are ADDED.

        A model's loss is L + added_loss, so d_added_loss is 1, and c where it backpropagates c times its loss.
        """
        check_gradient_of_loss(self.name, d_added_loss)
        with Exclusive(self, "backward"):
            outputs, inputs = self.recall()
            upstream: Any = dy, torch.full_like(outputs[-1], d_added_loss)
            trained = [k for k, q in enumerate(outputs) if q.requires_grad]
            outputs, upstream = ([part[k] for k in trained] for part in (outputs, upstream))
            return (self.pull(outputs, inputs, upstream) or [None])[0]

    def predict(self, x: Any, lengths: Any = None, transitions: Any = None) -> Array:
        """Return y in evaluation mode, as a numpy array, without a graph; `moves` and `predicted_moves` are set."""
        with self.evaluating():
            return self.forward(x, lengths, transitions).cpu().numpy()
