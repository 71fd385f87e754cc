"""Classifiers of parsed sentences, of their nodes, and of pairs of sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from numnet.core.checks import check_distinct, check_layers, check_loss, validate_call, warn_of_last_layers
from numnet.core.checks.classifiers import check_encoder, check_no_nodes, check_rows_of_pairs
from numnet.core.checks.spinn import check_gradient_of_loss
from numnet.core.evaluation import Exclusive, TrainingCall
from numnet.data.transitions import ParseBatch
from numnet.models.classifiers_base import ClassifierBase
from torchnet.core.device import DTypeLike, as_tensor
from torchnet.core.operation import Operation
from torchnet.layers.losses import Loss
from torchnet.layers.module import as_layers
from torchnet.models.model import Model, RNNModel
from torchnet.models.spinn import SPINN

Array = npt.NDArray[Any]


class Classifier(ClassifierBase, Model):
    """The base class: h = encoder(x) (1), v = features(h) (2), logits = output(v) (3)."""

    features: Any  # v (n, F) of h

    @validate_call
    def __init__(
        self,
        encoder: Any,
        output: Sequence[torch.nn.Module],
        loss: Loss | None = None,
        *,
        input_size: int | None = None,
        seed: int | None = None,
        dtype: DTypeLike = "float32",
        device: Any = "cpu",
    ) -> None:
        super().__init__(input_size, seed, dtype, device)
        trees = isinstance(encoder, SPINN)
        if not trees:
            check_encoder(self.name, encoder, SPINN)
            encoder = as_layers(self.name, encoder, "encoder")
            check_layers(self.name, encoder, Operation, "encoder")
        output = as_layers(self.name, output, "output", single_steps=True)
        check_layers(self.name, output, Operation, "output")
        check_distinct(self.name, [*([encoder] if trees else encoder), *output])
        check_loss(self.name, loss, Loss)
        self.encoder = encoder if trees else RNNModel(encoder, device=device)
        self.output, self.loss = RNNModel(output, device=device), loss
        for part in encoder.modules() if trees else ():
            vars(part).update({"device": self.device} if "device" in vars(part) else {})
        self.check_parts()
        warn_of_last_layers(self.name, "output", output, loss)
        self.ready(self.known_input_size())

    def make(self, rng: np.random.Generator) -> int:
        size = self.encoder.build(self.width, rng, self.dtype)
        size = self.output.build(self.copies * size, rng, self.dtype)
        self.to(self.device)
        return size

    def forward(self, x: Any, lengths: Any = None, transitions: Any = None) -> Tensor:
        """Logits (B, O), or of every node (B, 2N - 1, O), 0 at padding. ValueError for an x that does not fit."""
        x = self.followed_words(x)
        logits, real = self.logits(x, lengths, transitions)
        y = logits
        if real is not None:
            y = logits.new_zeros(*real.shape, logits.shape[-1]).index_put(self.places(real), logits)
        words: Any = x.words if isinstance(x, ParseBatch) else x
        self.save_graph((y, *self.added()), (words,) if words.is_floating_point() else ())
        return y

    def backward(self, dy: Any, d_added_loss: float = 1.0) -> Any:
        """dx, None for tokens, from dy of the logits' shape and the gradient of a SPINN's transition loss.

        Parameters' gradients are ADDED to `grads`.
        """
        check_gradient_of_loss(self.name, d_added_loss)
        with Exclusive(self, "backward"):
            outputs, inputs = self.recall()
            upstream = self.gradient(dy, outputs[0]), *(torch.full_like(loss, d_added_loss) for loss in outputs[1:])
            trained = [(q, dq) for q, dq in zip(outputs, upstream) if q.requires_grad]
            outputs, upstream = zip(*trained) if trained else ((), ())
            return (self.pull(outputs, inputs, upstream) or [None])[0]

    def followed_words(self, x: Any) -> Any:
        """Return x with its words as a tensor; autograd records vectors."""
        words: Any = as_tensor(x.words if isinstance(x, ParseBatch) else x, self.name, "x")
        words = self.followed(words.to(self.device, self.dtype)) if words.is_floating_point() else words
        return x._replace(words=words) if isinstance(x, ParseBatch) else words

    def places(self, real: Array) -> tuple[Tensor, ...]:
        """Return the indices (rows, steps) of the real nodes."""
        return tuple(torch.from_numpy(axis).to(self.device) for axis in np.nonzero(real))

    def logits(self, x: Any, lengths: Any, transitions: Any = None) -> tuple[Tensor, Array | None]:
        """Return logits (n, O), and the mask (B, 2N - 1) of the n nodes, or None for one vector for each sentence."""
        self.ensure_built(x)
        h = self.encoder(*self.arguments_of(x, lengths, transitions))  # (1)
        real = self.real_nodes(x, lengths, h.shape)
        v = self.features(h, real)  # (2)
        return self.output(v), real  # (3)

    def loss_and_grads(self, x: Any, target: Any, state: None = None, mask: Any = None, lengths: Any = None) -> Tensor:
        """Run forward, loss and backward. Return the loss; its gradients are ADDED to `grads`.

        The transition loss of a SPINN, `encoder.added_loss`, is part of it.
        """
        loss = self.needs_loss()
        self.refuse_state(state)
        with TrainingCall(self):
            logits, real = self.logits(x, lengths)
            value = self.with_moves(loss(logits, *self.counted(target, mask, len(logits), real)))
            if value.requires_grad:  # not if all parameters are frozen
                value.backward()
        return value.detach()

    def evaluate(self, x: Any, target: Any, state: None = None, mask: Any = None, lengths: Any = None) -> float:
        """Return the loss in evaluation mode, without gradients."""
        loss = self.needs_loss()
        self.refuse_state(state)
        with self.evaluating():
            logits, real = self.logits(x, lengths)
            return float(self.with_moves(loss(logits, *self.counted(target, mask, len(logits), real))))

    def predict(self, x: Any, state: None = None, lengths: Any = None) -> Array:
        """Return the logits in evaluation mode, as a numpy array, without a backward pass."""
        self.refuse_state(state)
        with self.evaluating():
            return self.forward(x, lengths).cpu().numpy()

    def added(self) -> tuple[Tensor, ...]:
        """Return the transition loss of a SPINN in its graph, if there is one."""
        found = self.encoder.added_loss_in_graph if self.reads_trees else None
        return (found,) if isinstance(found, Tensor) else ()

    def with_moves(self, value: Tensor) -> Tensor:
        """Return a loss, with the transition loss of a SPINN added."""
        return sum(self.added(), value) if torch.is_grad_enabled() else value + self.added_value()

    def added_value(self) -> float:
        """Return the transition loss of a SPINN, else 0."""
        return float(self.encoder.added_loss) if self.reads_trees else 0.0


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

    def features(self, h: Tensor, real: Array | None) -> Tensor:
        return h if real is None else h[self.places(real)]  # (2)


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

    def features(self, h: Tensor, real: Array | None) -> Tensor:
        check_no_nodes(self.name, h.shape)
        check_rows_of_pairs(self.name, len(h))
        p, q = h.chunk(2)
        return torch.cat((p, q, p - q, p * q), dim=1)  # (2)
