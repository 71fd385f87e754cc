"""How the recurrent layers of a model run, fast or plain: shared by both backends, without mathematics."""

from __future__ import annotations

from typing import Any

from numnet.recurrent.options import RecurrentOptions


class Paths:
    """`path` and `use_fast` of a model or layer made of others, its `named_layers`."""

    named_layers: Any

    @property
    def recurrent_layers(self) -> dict[str, Any]:
        """Every RecurrentLayer in it, by name."""
        found: dict[str, Any] = {}
        for name, layer in self.named_layers.items():
            if isinstance(layer, Paths):
                found |= {f"{name}.{inner}": part for inner, part in layer.recurrent_layers.items()}
            elif isinstance(layer, RecurrentOptions):
                found[name] = layer
        return found

    @property
    def use_fast(self) -> bool:
        """Whether every recurrent layer may run in a kernel; setting it sets it in each of them."""
        return all(layer.use_fast for layer in self.recurrent_layers.values())

    @use_fast.setter
    def use_fast(self, value: bool) -> None:
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
