"""The part of TreeClassifier and PairClassifier that both backends share: parts, targets, config; no mathematics."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from numnet.core.arrays import as_array
from numnet.core.checks import check_config, check_rows, has_classes, kind_of
from numnet.core.checks.classifiers import (
    check_no_state,
    check_node_targets,
    check_one_vector_each,
    check_vectors_alone,
)
from numnet.core.lengths import as_loss_mask, as_mask, mask_of
from numnet.core.ties import resolve_ties
from numnet.data.transitions import ParseBatch
from numnet.data.vocabulary import PAD
from numnet.models.base import ModelBase, config_of

Array = npt.NDArray[Any]
SETTINGS = ("input_size", "seed", "dtype")


class ClassifierBase(ModelBase):
    """The part of both classifiers that both backends share."""

    encoder: Any
    output: Any
    copies = 1  # of an encoder's vector, which the output layers read side by side
    sides = 1  # sentences for each row of logits
    reads_parses = True
    changeable: tuple[str, ...] = ("loss",)
    last_state: Any = None  # a batch of sentences does not continue the previous one

    @property
    def reads_trees(self) -> bool:
        """Whether the encoder is a SPINN, which reads parses; else it reads words and lengths."""
        return hasattr(self.encoder, "added_loss")

    def arguments(self) -> dict[str, Any]:
        return {"encoder": self.encoder if self.reads_trees else self.encoder.layers, "output": self.output.layers}

    @property
    def named_layers(self) -> dict[str, Any]:
        """All layers by name, in the order in which they are called."""
        stacks = {"encoder": self.encoder, "output": self.output}
        return {f"{name}.{own}": layer for name, stack in stacks.items() for own, layer in stack.named_layers.items()}

    @property
    def layers(self) -> list[Any]:
        """All layers, in the order in which they are called."""
        return list(self.named_layers.values())

    def check_parts(self) -> None:
        """Raise ValueError for an encoder of layers without one vector a sentence, or for layers that do not fit."""
        if not self.reads_trees:
            check_one_vector_each(self.name, self.encoder.layers)
        check_vectors_alone(self.name, self.output.layers)
        resolve_ties(self.name, self.named_layers)

    def known_input_size(self) -> int | None:
        """Return the width of x, or None if the first batch decides it."""
        own = self.encoder.input_size
        first = self.encoder.layers[0] if len(self.encoder.layers) else None
        vars(self)["input_size"] = self.input_size or own or getattr(first, "input_size", None)
        return self.input_size

    def ensure_built(self, x: Any) -> None:
        """Build the model for this first batch, unless it is built."""
        if not self.built:
            words = as_array(self.name, "x", x.words if isinstance(x, ParseBatch) else x, detach=True)
            self.ready(self.input_size or self.encoder.infer_input_size(words))

    def arguments_of(self, x: Any, lengths: Any, transitions: Any) -> tuple[Any, ...]:
        """Return the arguments with which the encoder is called."""
        if self.reads_trees:
            return x, lengths, transitions
        words, own, _ = x if isinstance(x, ParseBatch) else (x, lengths, transitions)
        if isinstance(x, ParseBatch) and lengths is not None:
            raise ValueError(f"{self.name}: lengths is given beside a ParseBatch, which has its own. Omit lengths=.")
        return words, None, own

    def real_nodes(self, x: Any, lengths: Any, shape: Sequence[int]) -> Array | None:
        """Return the mask (B, 2N - 1) of the real nodes of an encoder's output, or None for one vector a sentence."""
        if len(shape) != 3:
            return None
        counts = x.lengths if isinstance(x, ParseBatch) else lengths
        if counts is None:
            return np.ones(shape[:2], bool)
        counts = as_array(self.name, "lengths", counts, detach=True)
        return mask_of(np.maximum(2 * counts - 1, 0), shape[1])

    def counted(self, target: Any, mask: Any, rows: int, real: Array | None) -> tuple[Array, Array | None]:
        """Return the targets of the rows, or of the real nodes, and which of them count; of classes, -1 does not."""
        target = as_array(self.name, "target", target, detach=True)
        if real is None:
            check_rows(self.name, "target", len(target) if target.ndim else 0, rows)
        else:
            check_node_targets(self.name, target.shape, real.shape)
            mask = None if mask is None else as_mask(self.name, mask, *real.shape)[real]  # type: ignore[index]
            target = target[real]
        if has_classes(self.loss) and kind_of(target) == "token" and (target == PAD).any():
            known = target != PAD
            mask = known if mask is None else known & as_loss_mask(self.name, mask, target.shape)
            target = np.where(known, target, 0)
        return target, mask

    def refuse_state(self, state: Any) -> None:
        """Raise ValueError if a state is given."""
        check_no_state(self.name, state)

    def config(self) -> dict[str, Any]:
        encoder = config_of(self.encoder) if self.reads_trees else config_of(self.encoder.layers)
        return {"encoder": encoder, "output": config_of(self.output.layers), **self.shared_config()}

    @classmethod
    def from_config(cls, config: dict[str, Any], device: Any = "cpu") -> Any:
        check_config(cls.__name__, config, ("encoder", "output", "loss", *SETTINGS))
        encoder = config["encoder"]
        if isinstance(encoder, dict):
            kind = importlib.import_module(cls.__module__.partition(".")[0]).SPINN
            encoder = kind.from_config({name: value for name, value in encoder.items() if name != "type"}, device)
        else:
            encoder = cls.from_entry(encoder)
        output, loss = cls.from_entry(config["output"]), cls.from_entry(config["loss"])
        model: Any = cls
        return model(encoder, output, loss, **{name: config[name] for name in SETTINGS}, device=device)
