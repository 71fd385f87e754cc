"""SPINN: sentences become vectors by their trees, and a tracker can build these trees itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from numnet.autograd.weights import Weights
from numnet.core.arrays import as_array
from numnet.core.attributes import OfCall, check_same_call, serials
from numnet.core.checks import check_distinct, check_layers, check_part, validate_call
from numnet.core.checks.spinn import (
    check_gradient_of_loss,
    check_input_sizes,
    check_leaves,
    check_states,
    check_words_stay,
)
from numnet.core.evaluation import Evaluation, Exclusive, Unbuilt
from numnet.core.lengths import mask_of
from numnet.core.operation import Array, Operation
from numnet.core.schedules import Schedule
from numnet.core.stack_rows import StackRows, compositions
from numnet.layers.convolution import put
from numnet.layers.cross_entropy import SoftmaxCrossEntropy
from numnet.models.model import RNNModel
from numnet.models.spinn_base import Moves, SPINNBase
from numnet.models.thin_stack import compose, compose_backward, track, track_backward
from numnet.models.vectors import Model
from numnet.recurrent.tracker import Tracker
from numnet.recurrent.tree_node import TreeNode


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
        leaf: Sequence[Operation],
        reduce: TreeNode,
        tracker: Tracker | None = None,
        *,
        drive: str = "given",
        teacher_forcing: float | Schedule = 1.0,
        transition_weight: float = 1.0,
        return_nodes: bool = False,
        input_size: int | None = None,
        seed: int | None = None,
        dtype: npt.DTypeLike = "float32",
        device: Any = "cpu",
    ) -> None:
        super().__init__(input_size, seed, dtype, device)
        check_layers(self.name, leaf, Operation, "leaf")
        check_part(self.name, "reduce", reduce, TreeNode, "{net}.TreeLSTMNode(64)", optional=False)
        if tracker is not None:
            check_part(self.name, "tracker", tracker, Tracker, "{net}.Tracker(32)")
        check_words_stay(self.name, leaf)
        check_distinct(self.name, [*leaf, reduce, *([] if tracker is None else [tracker])], "leaf")
        self.leaf, self.reduce, self.tracker = RNNModel(leaf), reduce, tracker
        self.drive, self.teacher_forcing = drive, teacher_forcing
        self.transition_weight, self.return_nodes = transition_weight, return_nodes
        self.transition_loss = SoftmaxCrossEntropy()
        self.check_options()
        self.ready(self.known_input_size())

    def parts(self) -> dict[str, Operation]:
        own = {} if self.tracker is None else {"tracker": self.tracker}
        return {"leaf": self.leaf, "reduce": self.reduce, **own}

    def make(self, rng: np.random.Generator) -> int:
        size = self.leaf.build(self.width, rng, self.dtype)
        H, *others = self.reduce.state_sizes
        check_states(self.name, size, H + sum(others), "[" + "; ".join(self.reduce.states) + "]")
        context = 0 if self.tracker is None else self.tracker.state_sizes[0]
        check_input_sizes(self.name, self.reduce.input_size, context, getattr(self.tracker, "input_size", None), 3 * H)
        self.reduce.build(context, rng, self.dtype)
        if self.tracker is not None:
            self.tracker.build(3 * H, rng, self.dtype)
        self.flatten()
        return H

    def forward(self, x: Any, lengths: Any = None, transitions: Any = None) -> Array:
        """y (B, H), or (B, 2N - 1, H) with return_nodes. ValueError for lengths or transitions that do not fit."""
        x, lengths, given = self.validated_batch(x, lengths, transitions)
        if self.built:
            return self.called(x, lengths, given)
        with Unbuilt(self):
            self.ready(self.input_size or self.leaf.infer_input_size(x))
            return self.called(x, lengths, given)

    def called(self, x: Any, lengths: Array, given: Array | None) -> Array:
        real = mask_of(lengths, x.shape[1])
        count = int(real.sum())
        alone = self.words_alone and count > 0
        s = self.leaf(x[real][:, None]) if alone else self.leaf(x, None, lengths)  # (0)
        check_leaves(self.name, s.shape, (*((count, 1) if alone else x.shape[:2]), sum(self.reduce.state_sizes)))
        leaves = s[:, 0] if alone else s[real]
        if self.tracker is None:
            assert given is not None
            plan = compositions(given, lengths)
            M = table(leaves, plan.rows, self.dtype)
            saved: Any = plan, compose(self.reduce, M, plan)  # (4)
            nodes, roots = plan.nodes, plan.roots
            self.moves, self.predicted_moves, self.added_loss, d_scores = given, None, 0.0, None
        else:
            stack = StackRows(lengths, max(2 * x.shape[1] - 1, 0))
            choose = self.choice_of_moves(stack, given)
            M = table(leaves, stack.rows + int(np.maximum(lengths - 1, 0).sum()), self.dtype)
            scores, saved = track(self.reduce, self.tracker, M, stack, self.chooser(choose))  # (1) to (4)
            nodes, roots = stack.nodes, stack.roots()
            self.moves, self.predicted_moves = choose.made, choose.predicted(scores) if self.predicts else None
            d_scores = self.transition_grads(scores, choose)
        rows = nodes if self.return_nodes else roots
        H = self.reduce.state_sizes[0]
        self.calls += self.training
        self.saved = rows, M.shape, real, alone, (saved, d_scores, serials([self.leaf]))
        return M[rows, :H]  # (5)

    def as_values(self, x: Any) -> Array:
        """Return x as an array."""
        return as_array(self.name, "x", x)

    def chooser(self, choose: Moves) -> Any:
        """Return the choice of moves, from scores if there may be own moves."""
        return choose if choose.reads_scores else lambda z: choose()

    def transition_grads(self, scores: list[Array], choose: Moves) -> Sequence[Array | None]:
        """(6) Set added_loss; return the gradients of the scores of each step, (2, n) or None."""
        self.added_loss = 0.0
        if not self.predicts:
            return [None] * len(scores)
        if not choose.counted or not np.concatenate(choose.counted).any():
            return [np.zeros_like(z) for z in scores]
        loss, alpha = self.transition_loss, self.transition_weight
        targets, counted = np.concatenate(choose.targets), np.concatenate(choose.counted)
        self.added_loss = alpha * loss.forward(np.concatenate(scores, axis=1).T, targets, counted)  # (6)
        d_scores = alpha * loss.backward().T  # (6)
        return np.split(d_scores, np.cumsum([z.shape[1] for z in scores])[:-1], axis=1)

    def backward(self, dy: Any, d_added_loss: float = 1.0) -> Array | None:
        """dx, None for tokens, from dy of y's shape and the gradient of added_loss; those of parameters are ADDED.

        A model's loss is L + added_loss, so d_added_loss is 1, and c where it backpropagates c times its loss.
        """
        check_gradient_of_loss(self.name, d_added_loss)
        with Exclusive(self, "backward"):
            rows, shape, real, alone, (saved, d_scores, calls) = self.recall()
            check_same_call(self.name, {"leaf": self.leaf}, calls)
            H = self.reduce.state_sizes[0]
            dM = np.zeros(shape, self.dtype)
            dM[rows, :H] = self.gradient(dy, (*rows.shape, H), self.dtype)  # (5)   no row but 0 occurs twice
            if self.tracker is None:
                Weights(self.reduce).accumulate(compose_backward(self.reduce, dM, *saved))  # (4)
            else:
                d_scores = [None if dz is None else d_added_loss * dz for dz in d_scores]  # (6)
                terms = track_backward(self.reduce, self.tracker, dM, d_scores, saved)  # (4) to (1)
                for part, of_part in zip((self.reduce, self.tracker), terms):
                    Weights(part).accumulate(of_part)
            d_leaves = dM[1 : 1 + int(real.sum())]
            if not alone:
                return self.leaf.backward(put(d_leaves, real))  # (0)
            dx = self.leaf.backward(d_leaves[:, None])  # (0)
            return None if dx is None else put(dx[:, 0], real)

    def predict(self, x: Any, lengths: Any = None, transitions: Any = None) -> Array:
        """Return y in evaluation mode, without a backward pass; `moves` and `predicted_moves` are set."""
        with Evaluation(self):
            return self.forward(x, lengths, transitions)


def table(leaves: Array, rows: int, dtype: npt.DTypeLike) -> Array:
    """Return M (rows, S): row 0 is 0, the leaves (L, S) follow, the phrases are not filled."""
    M = np.empty((rows, leaves.shape[-1]), dtype)
    M[0] = 0
    M[1 : 1 + len(leaves)] = leaves
    return M
