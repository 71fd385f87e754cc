"""The part of EncoderDecoder that both backends share: layers, decoder inputs and config, without mathematics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from numnet.core.arrays import as_array
from numnet.core.checks import (
    check_config,
    check_output,
    check_passed_states,
    check_probability,
    check_special_tokens,
    check_stack,
    check_target,
    check_tokens,
)
from numnet.core.lengths import as_mask
from numnet.core.schedules import SCHEDULES, Schedule
from numnet.data.vocabulary import PAD
from numnet.models.base import ModelBase, config_of

Array = npt.NDArray[Any]


SETTINGS = ("input_size", "target_size", "seed", "dtype")


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
    predicted_tokens: Any
    changeable: tuple[str, ...] = ("loss", "teacher_forcing", "begin", "end")
    last_state: Any = None  # a batch of pairs does not continue the previous one
    calls = 0  # training steps: teacher forcing is drawn for each of them

    def arguments(self) -> dict[str, Any]:
        return {name: getattr(self, name).layers for name in ("encoder", "decoder", "output")}

    @property
    def named_layers(self) -> dict[str, Any]:
        """All layers by name, in the order in which they are called."""
        stacks = {name: getattr(self, name).layers for name in ("encoder", "decoder")}
        between = {} if self.attention is None else {"attention": self.attention}
        return {**self.layers_by_name(**stacks), **between, **self.layers_by_name(output=self.output.layers)}

    @staticmethod
    def layers_by_name(**stacks: Sequence[Any]) -> dict[str, Any]:
        """Return the layers of the stacks by name."""
        return {f"{name}.layers.{k}": layer for name, layers in stacks.items() for k, layer in enumerate(layers)}

    @property
    def layers(self) -> list[Any]:
        """All layers, in the order in which they are called."""
        return list(self.named_layers.values())

    @property
    def layer_names(self) -> list[str]:
        """The names of the layers, which are the prefixes of their parameter names."""
        return list(self.named_layers)

    def check_parts(self) -> None:
        """Raise ValueError if the decoder cannot start from the encoder's states, or can read future target tokens."""
        for name, stack in (("encoder", self.encoder), ("decoder", self.decoder)):
            check_stack(self.name, name, stack.layers, ahead=name == "encoder")
        check_output(self.name, self.output.layers)
        given, taken = map(recurrent_widths, (self.encoder.layers, self.decoder.layers))
        check_passed_states(self.name, given, taken, self.attention is not None)
        if not isinstance(self.teacher_forcing, Schedule):
            check_probability(self.name, "teacher_forcing", self.teacher_forcing)

    def known_input_size(self) -> int | None:
        """Return the width of x, or None if the model must be built by the first batch."""
        for name, stack in (("input_size", self.encoder), ("target_size", self.decoder)):
            first = stack.layers[0] if len(stack.layers) else None
            vars(self)[name] = vars(self)[name] or getattr(first, "input_size", None)
        return self.input_size if self.target_size else None

    @property
    def target_width(self) -> int:
        """The number of target tokens, which cannot be inferred from a batch."""
        if not self.target_size:
            raise ValueError(f"{self.name}: the number of target tokens is not known. Give target_size=.")
        check_special_tokens(self.name, self.target_size, begin=self.begin)
        return self.target_size

    def check_option(self, name: str, value: Any) -> None:
        """Check the range of an option that may be changed."""
        if name in ("begin", "end") and self.target_size:
            check_special_tokens(self.name, self.target_size, **{name: value})
        elif name == "teacher_forcing" and not isinstance(value, Schedule):
            check_probability(self.name, name, value)
        super().check_option(name, value)  # type: ignore[misc]

    def refuse_state(self, state: Any) -> None:
        """Raise ValueError if a state is given, because it would not be used."""
        if state is not None:
            raise ValueError(
                f"{self.name}: a state is given, expected None. The decoder starts from the encoder's last states."
            )

    def validated_target(self, target: Any) -> tuple[Array, Array]:
        """Check the target. Return it as an array (B, T), 0 at padding, and the mask of its real tokens."""
        target = as_array(self.name, "target", target, detach=True)
        check_target(self.name, target, PAD)
        real = target != PAD
        target = np.where(real, target, 0)
        if self.target_size:
            check_tokens(f"{self.name} target", target, self.target_size)
        return target, real

    def shifted_right(self, tokens: Array) -> Array:
        """(1) Return y' = [begin, y_1, ..., y_(T-1)], the decoder inputs for the target y."""
        return np.concatenate([np.full_like(tokens[:, :1], self.begin), tokens[:, :-1]], axis=1)

    def decoder_inputs(self, x: Any, target: Array, real: Array, lengths: Any) -> Array:
        """Return (1) of the target; without full teacher forcing, some tokens are replaced by predicted ones."""
        known = self.shifted_right(target)
        if not self.training:
            return known
        forcing = self.teacher_forcing
        rate = forcing(self.calls) if isinstance(forcing, Schedule) else forcing
        check_probability(self.name, "teacher_forcing", rate)
        if rate == 1:
            return known
        own = self.shifted_right(self.predicted_tokens(x, known, real, lengths))
        return np.where(np.random.default_rng([self.seed or 0, self.calls + 1]).random(known.shape) < rate, known, own)

    def target_mask(self, mask: Any, real: Array) -> Any:
        """Return which of the N real target tokens count in the loss: (N,), or None for all."""
        return None if mask is None else as_mask(self.name, mask, *real.shape)[real]  # type: ignore[index]

    def config(self) -> dict[str, Any]:
        stacks = {name: config_of(getattr(self, name).layers) for name in ("encoder", "decoder", "output")}
        forcing = self.teacher_forcing
        if isinstance(forcing, Schedule):
            forcing = {"type": type(forcing).__name__, **vars(forcing)}  # type: ignore[assignment]
        own = {"attention": config_of(self.attention), "teacher_forcing": forcing, "begin": self.begin, "end": self.end}
        return {**stacks, **own, **self.shared_config(), "target_size": self.target_size}

    @classmethod
    def from_config(cls, config: dict[str, Any], device: Any = "cpu") -> Any:
        parts_of, names = ("encoder", "decoder", "output", "attention", "loss"), ("begin", "end", *SETTINGS)
        check_config(cls.__name__, config, (*parts_of, *names, "teacher_forcing"))
        parts = {name: cls.from_entry(config[name]) for name in parts_of}
        forcing = config["teacher_forcing"]
        if isinstance(forcing, dict):
            forcing = SCHEDULES[forcing["type"]](**{k: v for k, v in forcing.items() if k != "type"})
        model: Any = cls
        return model(**parts, teacher_forcing=forcing, **{name: config[name] for name in names}, device=device)


def recurrent_widths(layers: Sequence[Any]) -> list[dict[str, int]]:
    """Return, for each recurrent layer, the width of each part of its state, both directions together."""
    widths = []
    for layer in layers:
        if layer.recurrent:
            ways, node = (2, layer.forwards.node) if hasattr(layer, "forwards") else (1, layer.node)
            widths.append({name: ways * size for name, size in zip(node.states, node.state_sizes)})
    return widths
