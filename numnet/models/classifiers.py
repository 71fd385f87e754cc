"""Classifiers of parsed sentences, of their nodes, and of pairs of sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from numnet.core.attributes import check_same_call, serials
from numnet.core.checks import check_distinct, check_layers, check_loss, validate_call, warn_of_last_layers
from numnet.core.checks.classifiers import check_encoder, check_no_nodes, check_rows_of_pairs
from numnet.core.checks.spinn import check_gradient_of_loss
from numnet.core.evaluation import Evaluation, Exclusive, TrainingCall
from numnet.core.operation import Array, Operation
from numnet.layers.losses import Loss
from numnet.models.classifiers_base import ClassifierBase
from numnet.models.model import RNNModel
from numnet.models.spinn import SPINN
from numnet.models.vectors import Model


class Classifier(ClassifierBase, Model):
    """The base class: h = encoder(x) (1), v = features(h) (2), logits = output(v) (3)."""

    features: Any  # v (n, F) of h, and what features_backward needs
    features_backward: Any  # dh of dv

    @validate_call
    def __init__(
        self,
        encoder: Any,
        output: Sequence[Operation],
        loss: Loss | None = None,
        *,
        input_size: int | None = None,
        seed: int | None = None,
        dtype: npt.DTypeLike = "float32",
        device: Any = "cpu",
    ) -> None:
        super().__init__(input_size, seed, dtype, device)
        trees = isinstance(encoder, SPINN)
        if not trees:
            check_encoder(self.name, encoder, SPINN)
            check_layers(self.name, encoder, Operation, "encoder")
        check_layers(self.name, output, Operation, "output")
        check_distinct(self.name, [*([encoder] if trees else encoder), *output])
        check_loss(self.name, loss, Loss)
        self.encoder = encoder if trees else RNNModel(encoder)
        self.output, self.loss = RNNModel(output), loss
        self.check_parts()
        warn_of_last_layers(self.name, "output", output, loss)
        self.ready(self.known_input_size())

    def parts(self) -> dict[str, Operation]:
        return {"encoder": self.encoder, "output": self.output}

    def make(self, rng: np.random.Generator) -> int:
        size = self.encoder.build(self.width, rng, self.dtype)
        size = self.output.build(self.copies * size, rng, self.dtype)
        self.flatten()
        return size

    def forward(self, x: Any, lengths: Any = None, transitions: Any = None) -> Array:
        """Logits (B, O), or of every node (B, 2N - 1, O), 0 at padding. ValueError for an x that does not fit."""
        logits, real = self.logits(x, lengths, transitions)
        if real is None:
            return logits
        y = np.zeros((*real.shape, logits.shape[-1]), logits.dtype)
        y[real] = logits
        return y

    def backward(self, dy: Any, d_added_loss: float = 1.0) -> Array | None:
        """dx, None for tokens, from dy of the logits' shape and the gradient of a SPINN's transition loss.

        Parameters' gradients are ADDED to `grads`.
        """
        check_gradient_of_loss(self.name, d_added_loss)
        with Exclusive(self, "backward"):
            real, rows, *_ = self.recall()
            places = (rows,) if real is None else real.shape
            dy = self.gradient(dy, (*places, self.output.output_width), self.dtype)
            return self.logits_backward(dy if real is None else dy[real], d_added_loss)

    def logits(self, x: Any, lengths: Any, transitions: Any = None) -> tuple[Array, Array | None]:
        """Return logits (n, O), and the mask (B, 2N - 1) of the n nodes, or None for one vector for each sentence."""
        self.ensure_built(x)
        h = self.encoder(*self.arguments_of(x, lengths, transitions))  # (1)
        real = self.real_nodes(x, lengths, h.shape)
        v, kept = self.features(h, real)  # (2)
        logits: Array = self.output(v)  # (3)
        self.saved = real, len(v), h.shape, kept, serials(self.parts().values())
        return logits, real

    def logits_backward(self, d_logits: Array, d_added_loss: float = 1.0) -> Array | None:
        real, _, shape, kept, calls = self.recall()
        check_same_call(self.name, self.parts(), calls)
        dv = self.output.backward(d_logits)  # (3)
        dh = self.features_backward(dv, shape, real, kept)  # (2)
        dx: Array | None = self.encoder.backward(dh, *([d_added_loss] if self.reads_trees else []))  # (1)
        return dx

    def loss_and_grads(self, x: Any, target: Any, state: None = None, mask: Any = None, lengths: Any = None) -> float:
        """Run forward, loss and backward. Return the loss; its gradients are ADDED to `grads`.

        The transition loss of a SPINN, `encoder.added_loss`, is part of it.
        """
        loss = self.needs_loss()
        self.refuse_state(state)
        with TrainingCall(self):
            logits, real = self.logits(x, lengths)
            value: float = loss.forward(logits, *self.counted(target, mask, len(logits), real))
            self.logits_backward(loss.backward())
            return self.with_moves(value)

    def evaluate(self, x: Any, target: Any, state: None = None, mask: Any = None, lengths: Any = None) -> float:
        """Return the loss in evaluation mode, without gradients."""
        loss = self.needs_loss()
        self.refuse_state(state)
        with Evaluation(self):
            logits, real = self.logits(x, lengths)
            value: float = loss.forward(logits, *self.counted(target, mask, len(logits), real))
            return self.with_moves(value)

    def predict(self, x: Any, state: None = None, lengths: Any = None) -> Array:
        """Return the logits in evaluation mode, as a numpy array, without a backward pass."""
        self.refuse_state(state)
        with Evaluation(self):
            return self.forward(x, lengths)

    def with_moves(self, value: float) -> float:
        """Return a loss, with the transition loss of a SPINN added."""
        return value + float(self.encoder.added_loss) if self.reads_trees else value


class TreeClassifier(Classifier):
    """A ParseBatch of B sentences → logits of each sentence (B, O), or of each node of its tree (B, 2N - 1, O).

        h = encoder(x)        (1)   a vector for each sentence (B, H), or for each node (B, 2N - 1, H)
        v = h                 (2)   of the n sentences or nodes, without padding
        logits = output(v)    (3)

    encoder: a SPINN, which with return_nodes=True returns the vector of each node; or a list of layers that return one
    vector for each sentence, as in RNNModel, which read the words and their lengths alone. output: a list of layers,
    e.g. [Dropout(0.3), Dense(5)]. forward(x, lengths=None, transitions=None): x a ParseBatch, or its parts. Targets are
    (B,), or (B, 2N - 1) in the order of tree.subtrees(), padded as ParseBatches pads; a class of -1 does not count.
    The loss includes the transition loss of a SPINN. `input_size`, `seed`, `dtype` and `device` are those of RNNModel.
    """

    def features(self, h: Array, real: Array | None) -> tuple[Array, None]:
        return (h if real is None else h[real]), None  # (2)

    def features_backward(self, dv: Array, shape: tuple[int, ...], real: Array | None, kept: None) -> Array:
        if real is None:
            return dv
        dh = np.zeros(shape, dv.dtype)
        dh[real] = dv  # (2)
        return dh


class PairClassifier(Classifier):
    """A ParseBatch of 2B sentences → logits of each of B pairs (B, O) (Mou et al. 2016).

        p, q = encoder(x)           (1)   the first and the second half of the rows (2B, H)
        v = [p; q; p - q; p ⊙ q]    (2)   (B, 4H)
        logits = output(v)          (3)

    encoder: a SPINN, or a list of layers that return one vector for each sentence, as in RNNModel, which read the words
    and their lengths alone. output: a list of layers, e.g. [BatchNorm(), Dropout(0.2), Dense(1024), ReLU(), Dense(3)].
    forward(x, lengths=None, transitions=None): x a ParseBatch, such as those of ParseBatches, or its parts. Targets are
    (B,); a class of -1 does not count. The loss includes the transition loss of a SPINN. `input_size`, `seed`, `dtype`
    and `device` are those of RNNModel. ValueError for an odd number of sentences.
    """

    copies, sides = 4, 2

    def features(self, h: Array, real: Array | None) -> tuple[Array, Any]:
        check_no_nodes(self.name, h.shape)
        check_rows_of_pairs(self.name, len(h))
        p, q = np.split(h, 2)
        return np.concatenate((p, q, p - q, p * q), axis=1), (p, q)  # (2)

    def features_backward(self, dv: Array, shape: tuple[int, ...], real: Array | None, kept: Any) -> Array:
        p, q = kept
        d_first, d_second, d_difference, d_product = np.split(dv, 4, axis=1)
        dp = d_first + d_difference + d_product * q  # (2)
        dq = d_second - d_difference + d_product * p  # (2)
        return np.concatenate((dp, dq))  # (1)
