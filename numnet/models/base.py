"""The part of a model that both backends share: input size, masks and config, without mathematics."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from numnet.core.checks import check_config, check_sequence, check_steps, kind_of
from numnet.core.lengths import as_resets, mask_like
from numnet.core.network import Network
from numnet.core.packed import padded_like


class ModelBase(Network):
    """The shared part of every model: the input size from the first batch, masks, the config, checkpoints."""

    loss: Any
    name: str
    built: bool
    input_size: int | None
    seed: int | None
    dtype: Any
    params: Any
    ready: Any
    saved: Any
    load_state_dict: Any

    def own_generator(self) -> np.random.Generator:
        """Return the generator of the model's seed, by default 0."""
        return np.random.default_rng(self.seed or 0)

    @contextmanager
    def keeping_parts(self) -> Iterator[None]:
        """A model initializes its parts."""
        yield

    @property
    def named_layers(self) -> dict[str, Any]:
        """The layers, by the prefix of their parameter names."""
        return {f"layers.{k}": layer for k, layer in enumerate(self.layers)}

    def ensure_built(self, x: Any) -> None:
        """Build the model for this first batch, unless it is built."""
        if x.ndim != 2 or 0 in x.shape:
            self.check_tokens_for_steps(x)
        if not self.built:
            self.ready(self.infer_input_size(x))

    def check_tokens_for_steps(self, x: Any) -> None:
        """Refuse tokens that are not (batch, time) before an Embedding reads them, if a recurrent layer follows it."""
        first, *others = list(self.layers) or [None]
        following = next((layer for layer in others if layer.name != "Dropout"), None)
        if first is None or first.reads != "tokens" or following is None or not following.recurrent:
            return
        axes, one = ("batch, time", "x[None]") if self.batch_first else ("time, batch", "x[:, None]")
        remedy = f" One sequence? Pass {one}." if x.ndim == 1 else ""
        raise ValueError(f"{self.name}: x is {tuple(x.shape)}, expected integer tokens ({axes}), at least one.{remedy}")

    def infer_input_size(self, x: Any) -> int:
        """Return the input size: as given, or that of the first layer, or the width of x."""
        first = self.layers[0] if len(self.layers) else None
        size = self.input_size or getattr(first, "input_size", None)
        if size is None and getattr(first, "recurrent", False) and kind_of(x) == "token":
            check_sequence(self.name, x, None)  # V cannot be inferred from tokens
        return int(size or x.shape[-1])

    @property
    def batch_first(self) -> bool:
        """Whether sequences are (B, T, ...): True unless a layer is time-major."""
        return all(layer.batch_first is not False for layer in self.layers)

    def mask_of(self, x: Any, lengths: Any) -> Any:
        """Return the mask in the layout of x, or None."""
        if lengths is None:
            return None
        if x.ndim < 3:
            first = next((getattr(layer, "input_size", None) for layer in self.layers), None)
            check_steps(self.name, x, self.batch_first, input_size=self.input_size or first)
        return mask_like(self.name, x, lengths, self.batch_first)

    def validated_resets(self, resets: Any, x: Any, lengths: Any) -> Any:
        """Return resets, padded as x is; they are checked here, before the first layer is called."""
        if resets is None or x.ndim < 2:
            return resets
        resets = padded_like(self.name, resets, lengths, self.batch_first, "resets")
        B, T = x.shape[:2] if self.batch_first else x.shape[1::-1]
        as_resets(self.name, resets, B, T, self.batch_first)
        return resets

    def loss_mask(self, mask: Any) -> Any:
        """Return the mask of the loss: the given one, or else that of the real steps in the last forward call.

        In a Packed, all steps are real.
        """
        real, packed, *_ = self.saved
        return mask if mask is not None or packed else real

    def needs_loss(self) -> Any:
        """Return the loss; ValueError if the model has none."""
        if self.loss is None:
            raise ValueError(f"{self.name}: there is no loss. Create the model with loss=, e.g. SoftmaxCrossEntropy().")
        return self.loss

    def config(self) -> dict[str, Any]:
        """Return the configuration from which `from_config` creates a model of the same architecture."""
        return {"layers": config_of(self.layers), **self.shared_config()}

    def shared_config(self) -> dict[str, Any]:
        """Return the entries that the configuration of every model has."""
        dtype = next((str(p.dtype) for p in self.params.values()), str(self.dtype)).removeprefix("torch.")
        return {"loss": config_of(self.loss), "input_size": self.input_size, "seed": self.seed, "dtype": dtype}

    @classmethod
    def from_config(cls, config: dict[str, Any], device: Any = "cpu") -> Any:
        """Create a model of that architecture, with the layers of this backend."""
        check_config(cls.__name__, config, ("layers", "loss"))
        layers, loss = cls.from_entry(config["layers"]), cls.from_entry(config["loss"])
        model: Any = cls
        names = ("input_size", "seed", "dtype")
        check_config(cls.__name__, config, names)
        settings = {name: config[name] for name in names}
        return model(layers, loss, **settings, device=device)


def config_of(part: Any) -> Any:
    """Return the config of a layer or loss, with its type; a list for several of them; None for None."""
    if part is None:
        return None
    return {"type": part.name, **part.config()} if hasattr(part, "config") else [config_of(each) for each in part]
