"""How a Tape is built and trained. It contains no mathematics, so both backends share it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from numnet.core.checks import check_objective, check_on_tape, check_parts
from numnet.core.evaluation import Evaluation, Exclusive
from numnet.core.network import Network


class TapeBase(Network):
    """The part of Tape that both backends share: parts by name, and the interface for a Trainer."""

    name: str
    seed: int | None
    dtype: Any
    built: bool
    eval: Any
    named_parts: dict[str, Any]
    protect_parameters: Any
    guarded: Any
    output_type: type  # the backend's ArrayWithGrad
    objective: Callable[..., Any] | None = None
    last_state = None  # no state is passed from one batch to the next

    @property
    def named_layers(self) -> dict[str, Any]:
        """The parts by name."""
        return self.named_parts

    def begin(self, parts: dict[str, Any]) -> None:
        """Give each part its own seed and the tape's dtype; it is initialized now or at its first call."""
        self.named_parts, self.layers = {}, []
        check_parts(self.name, parts, dir(self))
        rng = np.random.default_rng(self.seed or 0)
        for part in parts.values():
            own = int(rng.integers(2**31))
            if getattr(part, "built", True):
                part.build(getattr(part, "input_size", 0), np.random.default_rng(own), self.dtype)
            else:
                vars(part)["seed"] = own if part.seed is None else part.seed
                part.convert(self.dtype)
        self.named_parts, self.layers = dict(parts), list(parts.values())
        vars(self)["constructed"] = True
        vars(self)["guarded"] = self.guarded | parts.keys()
        self.protect_parameters()
        self.settle()

    def settle(self) -> None:
        """Update whether every part has its weights."""
        before, self.built = self.built, not self.unbuilt
        if self.built and not before:
            self.protect_parameters()

    @property
    def unbuilt(self) -> str:
        """The parts that have no weights yet."""
        return ", ".join(name for name, part in self.named_parts.items() if not getattr(part, "built", True))

    def refuses_part(self, name: str) -> bool:
        return "constructed" in vars(self)

    def config(self) -> dict[str, Any]:
        """Return the configs of the parts; the program that calls them is not included."""
        parts = {name: {"type": part.name, **part.config()} for name, part in self.named_parts.items()}
        widths = {name: part.input_size for name, part in self.named_parts.items() if getattr(part, "built", False)}
        return {"parts": parts, "widths": widths, "seed": self.seed, "dtype": str(self.dtype).removeprefix("torch.")}

    @classmethod
    def from_config(cls, config: dict[str, Any], device: Any = "cpu") -> Any:
        """Create a tape with equal parts; the program that calls them, and `objective`, are not included."""
        parts = {name: cls.from_entry(entry) for name, entry in config["parts"].items()}
        for name, width in config["widths"].items():
            parts[name].ready(width)
        tape: Any = cls
        return tape(config["seed"], config["dtype"], device, **parts)

    def loss_and_grads(self, x: Any, target: Any, state: None = None, lengths: Any = None) -> float:
        """Return the objective of a batch; its gradients are ADDED to `grads`."""
        with Exclusive(self):
            value = self.value_of(x, target, lengths)
            self.backward(value)
        return float(value)

    def evaluate(self, x: Any, target: Any, state: None = None, lengths: Any = None) -> float:
        """Return the objective in evaluation mode, without gradients."""
        with Evaluation(self):
            return float(self.value_of(x, target, lengths))

    def value_of(self, x: Any, target: Any, lengths: Any) -> Any:
        """Return the objective of a batch, computed by the user's program."""
        objective = check_objective(self.name, self.objective)
        value = objective(x, target) if lengths is None else objective(x, target, lengths)
        check_on_tape(self.name, "the objective", value, self.output_type)
        return value

    def backward(self, value: Any, dy: Any = None) -> None:
        """Backpropagate through every call that the value was computed from."""
        raise NotImplementedError

    def needs_loss(self) -> Any:
        """The part called `loss`: a report needs its unit, and the number of targets in the last mean."""
        return check_objective(self.name, self.named_parts.get("loss"), "part called loss")
