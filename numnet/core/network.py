"""The shared part of RNNModel, EncoderDecoder, Tape and Bidirectional, for both backends, without mathematics."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol, runtime_checkable

from numnet.core.answers import package_of
from numnet.core.assignment import Assigned, is_ours
from numnet.core.checkpoint import CheckpointError, as_checkpoint_error, check_sizes
from numnet.core.checks import check_choice, late_part_error
from numnet.core.checks.runs import check_checkpoint
from numnet.core.evaluation import PreservedState
from numnet.core.summary import summary


@runtime_checkable
class HasPath(Protocol):
    """A recurrent layer that runs in a kernel or step by step."""

    use_fast: bool

    @property
    def path(self) -> str:
        """ "fast", or "plain: " and the reason."""


class Paths:
    """`path` and `use_fast` of a model or layer made of others, its `named_layers`."""

    named_layers: Any

    @property
    def recurrent_layers(self) -> dict[str, Any]:
        """Every recurrent layer with a path, by name."""
        found: dict[str, Any] = {}
        for name, layer in self.named_layers.items():
            if isinstance(layer, Paths):
                found |= {f"{name}.{inner}": part for inner, part in layer.recurrent_layers.items()}
            elif isinstance(layer, HasPath):
                found[name] = layer
        return found

    @property
    def use_fast(self) -> bool:
        """Whether every recurrent layer may run in a kernel; setting it sets it in each of them."""
        layers = self.recurrent_layers.values()
        return all(layer.use_fast for layer in layers) if layers else vars(self).get("fast_wanted", True)

    @use_fast.setter
    def use_fast(self, value: bool) -> None:
        check_choice(type(self).__name__, "use_fast", value, (True, False))
        self.fast_wanted = value
        for layer in self.recurrent_layers.values():
            layer.use_fast = value

    @property
    def path(self) -> str:
        """How a call runs: "fast" if every recurrent layer does; else "plain: " and the reason, or each layer's."""
        paths = {name: layer.path for name, layer in self.recurrent_layers.items()}
        if len(set(paths.values())) == 1:
            return str(next(iter(paths.values())))
        plain = [f"{name}: {path.removeprefix('plain: ')}" for name, path in paths.items() if path != "fast"]
        return f"plain: {'; '.join(plain)}" if plain else "fast"


class Network(Paths):
    """A network of `layers`: the state of stateful layers, configuration, checkpoints."""

    layers: Any
    modules: Any
    usable_device: Any
    from_config: Any

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, Assigned) and self.refuses_part(name):
            raise late_part_error(type(self).__name__, name, value)
        super().__setattr__(name, value)

    def refuses_part(self, name: str) -> bool:
        """Return whether a part would be assigned too late to be trained; a subclass may have parts of its own."""
        return "constructed" in vars(self) and is_ours(type(self)) and name not in vars(type(self))["guarded"]

    def summary(self) -> str:
        """A table: layers, shapes of outputs, numbers of parameters. "?" is what the first batch decides."""
        return summary(self)

    def __str__(self) -> str:
        return self.summary()

    def reset_state(self, rows: Any = None) -> None:
        """Reset the state of stateful layers, for these rows, or for all."""
        for layer in self.named_layers.values():
            if hasattr(layer, "reset_state"):
                layer.reset_state(rows)

    @contextmanager
    def fresh_state(self) -> Iterator[None]:
        """Reset stateful layers in this thread for the context, and restore their states afterwards."""
        with self.preserving_state():
            self.reset_state()
            yield

    def preserving_state(self) -> PreservedState:
        """Restore the state of every layer after the context; other threads see no change meanwhile."""
        return PreservedState([*self.modules(), getattr(self, "loss", None)])

    @classmethod
    def from_entry(cls, entry: Any) -> Any:
        """Create a layer or loss of this backend from its config, or a list of them; return other values unchanged."""
        if isinstance(entry, list):
            return [cls.from_entry(each) for each in entry]
        if not isinstance(entry, dict):
            return entry
        backend = importlib.import_module(cls.__module__.partition(".")[0])
        kind = getattr(backend, str(entry["type"]), None)
        if not (isinstance(kind, type) and issubclass(kind, backend.Operation)):
            raise ValueError(
                f"{cls.__name__}: there is no layer or loss named {entry['type']!r}. A class of your own? Make the "
                "model yourself and call load_state_dict(checkpoint.weights)."
            )
        return kind(**{name: cls.from_entry(value) for name, value in entry.items() if name != "type"})

    @classmethod
    def from_checkpoint(cls, checkpoint: Any, device: Any = "cpu") -> Any:
        """Create the model that a checkpoint of either backend contains."""
        check_checkpoint(f"{cls.__name__}.from_checkpoint", checkpoint)
        cls.usable_device(device)
        half = isinstance(checkpoint.config, dict) and checkpoint.config.get("dtype") == "bfloat16"
        if half and package_of(cls) == "numnet":
            raise CheckpointError(
                f"{checkpoint.path}: dtype is bfloat16, expected a dtype of numpy. Read the file with torchnet, or in "
                "float32: checkpoint.config['dtype'] = 'float32'."
            )
        with as_checkpoint_error(checkpoint.path):
            check_sizes(checkpoint)
            model = cls.from_config(checkpoint.config, device)
            model.load_state_dict(checkpoint.weights)
        return model
