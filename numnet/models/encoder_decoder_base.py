"""What EncoderDecoder is on either backend: its parts, what the decoder reads, configuration; no mathematics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from numnet.core.arrays import to_numpy
from numnet.core.checks import (
    check_passed_states,
    check_probability,
    check_special_tokens,
    check_stack,
    check_target,
    check_tokens,
)
from numnet.core.lengths import as_mask
from numnet.core.schedules import SCHEDULES, Schedule
from numnet.data.batches.pairs import PAD
from numnet.models.base import ModelBase, config_of

Array = npt.NDArray[Any]


class EncoderDecoderBase(ModelBase):
    """The part of EncoderDecoder that both backends share."""

    encoder: Any
    decoder: Any
    attention: Any
    output: Any
    training: bool
    target_size: int | None
    teacher_forcing: float | Schedule
    begin: int
    end: int
    guesses: Any
    last_state: Any = None  # batches of pairs do not go on one from another
    calls = 0  # steps of training: teacher forcing is drawn anew for each

    def arguments(self) -> dict[str, Any]:
        return {name: getattr(self, name).layers for name in ("encoder", "decoder", "output")}

    @property
    def named_layers(self) -> dict[str, Any]:
        """All of them by name, in the order in which they are called."""
        stacks = {name: getattr(self, name).layers for name in ("encoder", "decoder", "output")}
        named = {name: {f"{name}.layers.{k}": layer for k, layer in enumerate(s)} for name, s in stacks.items()}
        between = {} if self.attention is None else {"attention": self.attention}
        return {**named["encoder"], **named["decoder"], **between, **named["output"]}

    @property
    def layers(self) -> list[Any]:
        """All of them."""
        return list(self.named_layers.values())

    @property
    def layer_names(self) -> list[str]:
        """Theirs, as their parameters' names begin."""
        return list(self.named_layers)

    def check_parts(self) -> None:
        """A ValueError where the decoder cannot go on where the encoder ends, or sees what it is to say."""
        for name, stack in (("encoder", self.encoder), ("decoder", self.decoder)):
            check_stack(self.name, name, stack.layers, ahead=name == "encoder")
        check_passed_states(self.name, *map(recurrent_widths, (self.encoder.layers, self.decoder.layers)))
        if not isinstance(self.teacher_forcing, Schedule):
            check_probability(self.name, "teacher_forcing", self.teacher_forcing)

    def sizes_known(self) -> int | None:
        """The width of the encoder's x, where it and the decoder's are told and not to be shown by a batch."""
        for name, stack in (("input_size", self.encoder), ("target_size", self.decoder)):
            first = stack.layers[0] if len(stack.layers) else None
            vars(self)[name] = vars(self)[name] or getattr(first, "input_size", None)
        return self.input_size if self.target_size else None

    @property
    def target_width(self) -> int:
        """How many tokens the decoder reads, which no batch shows."""
        if not self.target_size:
            raise ValueError(f"{self.name}: the number of target tokens is not known, expected one. Give target_size=.")
        check_special_tokens(self.name, self.target_size, begin=self.begin)
        return self.target_size

    def no_state(self, state: Any) -> None:
        """A ValueError for a state that would go unread."""
        if state is not None:
            raise ValueError(
                f"{self.name}: a state is given, expected None. The decoder begins where the encoder ends."
            )

    def validated_target(self, target: Any) -> tuple[Array, Array]:
        """The target as an array (B, T), 0 at padding, and which of its tokens are real; they are checked."""
        target = to_numpy(target)
        check_target(self.name, target, PAD)
        real = target != PAD
        target = np.where(real, target, 0)
        if self.target_size:
            check_tokens(f"{self.name} target", target, self.target_size)
        return target, real

    def shifted_right(self, tokens: Array) -> Array:
        """(1) y' = [begin, y_1, ..., y_(T-1)]: what the decoder reads when it is to say y."""
        return np.concatenate([np.full_like(tokens[:, :1], self.begin), tokens[:, :-1]], axis=1)

    def read(self, x: Any, target: Array, real: Array, lengths: Any) -> Array:
        """What the decoder reads in this call: (1) of the target, and in part of what the model says itself."""
        known = self.shifted_right(target)
        if not self.training:
            return known
        forcing, self.calls = self.teacher_forcing, self.calls + 1
        rate = forcing(self.calls - 1) if isinstance(forcing, Schedule) else forcing
        check_probability(self.name, "teacher_forcing", rate)
        if rate == 1:
            return known
        said = self.shifted_right(self.guesses(x, known, real, lengths))
        return np.where(np.random.default_rng([self.seed or 0, self.calls]).random(known.shape) < rate, known, said)

    def target_mask(self, mask: Any, real: Array) -> Any:
        """Which of the real target tokens count in the loss: (N,), or None for all."""
        return None if mask is None else as_mask(self.name, mask, *real.shape)[real]  # type: ignore[index]

    def config(self) -> dict[str, Any]:
        stacks = {name: config_of(getattr(self, name).layers) for name in ("encoder", "decoder", "output")}
        forcing = self.teacher_forcing
        if isinstance(forcing, Schedule):
            forcing = {"type": type(forcing).__name__, **vars(forcing)}  # type: ignore[assignment]
        own = {"attention": config_of(self.attention), "teacher_forcing": forcing, "begin": self.begin, "end": self.end}
        return {**stacks, **own, **self.config_of_all(), "target_size": self.target_size}

    @classmethod
    def from_config(cls, config: dict[str, Any], device: str = "cpu") -> Any:
        parts = {name: cls.from_entry(config[name]) for name in ("encoder", "decoder", "output", "attention", "loss")}
        forcing = config["teacher_forcing"]
        if isinstance(forcing, dict):
            forcing = SCHEDULES[forcing["type"]](**{k: v for k, v in forcing.items() if k != "type"})
        names = ("begin", "end", "input_size", "target_size", "seed", "dtype")
        model: Any = cls
        return model(**parts, teacher_forcing=forcing, **{name: config[name] for name in names}, device=device)


def recurrent_widths(layers: Sequence[Any]) -> list[dict[str, int]]:
    """Of each recurrent layer, how wide each part of the state that it hands on, or takes, is."""
    widths = []
    for layer in layers:
        if layer.recurrent:
            ways, node = (2, layer.forwards.node) if hasattr(layer, "forwards") else (1, layer.node)
            widths.append({name: ways * size for name, size in zip(node.states, node.state_sizes)})
    return widths
