"""What a model can say of itself and be made from again, on either backend: no mathematics, so it stands once."""

from __future__ import annotations

from typing import Any

from numnet.core.checks import check_sequence, check_steps, kind_of
from numnet.core.lengths import mask_like
from numnet.core.network import Network


class ModelBase(Network):
    """The part of RNNModel that both backends share: sizes from the first batch, configuration, checkpoints."""

    loss: Any
    name: str
    input_size: int | None
    seed: int | None
    dtype: Any
    params: Any
    ready: Any
    saved: Any
    load_state_dict: Any

    @property
    def named_layers(self) -> dict[str, Any]:
        """The layers by the names of their parameters."""
        return {f"layers.{k}": layer for k, layer in enumerate(self.layers)}

    def ready_for(self, x: Any) -> None:
        """Build for this first batch, unless built."""
        self.ready(self.shown_input_size(x))

    def shown_input_size(self, x: Any) -> int:
        """The width of x, or that of a first layer which knows its own."""
        first = self.layers[0] if len(self.layers) else None
        size = self.input_size or getattr(first, "input_size", None)
        if size is None and getattr(first, "recurrent", False) and kind_of(x) == "token":
            check_sequence(self.name, x, None)  # tokens do not show V
        return int(size or x.shape[-1])

    @property
    def batch_first(self) -> bool:
        """Whether sequences are (B, T, ...): so, unless a layer says otherwise."""
        timed = (layer for layer in self.layers if layer.recurrent or layer.over_time)
        return all(getattr(layer, "batch_first", True) for layer in timed)

    def mask_of(self, x: Any, lengths: Any) -> Any:
        """The mask that lies as x does, or None."""
        if lengths is None:
            return None
        if x.ndim < 3:
            check_steps(self.name, x, self.batch_first)
        return mask_like(self.name, x, lengths, self.batch_first)

    def counted(self, mask: Any) -> Any:
        """What counts in the loss: the mask given, or else the steps of the last forward that are real.

        All that is in a Packed is real.
        """
        shown, packed, _ = self.saved
        return mask if mask is not None or packed else shown

    def lengths_of(self, mask: Any) -> Any:
        """How many real steps each row has."""
        return mask.sum(1 if self.batch_first else 0)

    def needs_loss(self) -> Any:
        """The loss, or a ValueError where the model was made without one."""
        if self.loss is None:
            raise ValueError(f"{self.name}: there is no loss. Make the model with loss=, e.g. SoftmaxCrossEntropy().")
        return self.loss

    def config(self) -> dict[str, Any]:
        """All that `from_config` needs to make the like of it."""
        return {"layers": config_of(self.layers), **self.config_of_all()}

    def config_of_all(self) -> dict[str, Any]:
        """What every model's configuration has."""
        dtype = next((str(p.dtype) for p in self.params.values()), str(self.dtype)).removeprefix("torch.")
        return {"loss": config_of(self.loss), "input_size": self.input_size, "seed": self.seed, "dtype": dtype}

    @classmethod
    def from_config(cls, config: dict[str, Any], device: str = "cpu") -> Any:
        """A new model of that architecture, of this backend's layers."""
        layers, loss = cls.from_entry(config["layers"]), cls.from_entry(config["loss"])
        model: Any = cls
        settings = {name: config[name] for name in ("input_size", "seed", "dtype")}
        return model(layers, loss, **settings, device=device)


def config_of(part: Any) -> Any:
    """The configuration of a layer or loss, with its type; of several a list, None of None."""
    if part is None:
        return None
    return {"type": part.name, **part.config()} if hasattr(part, "config") else [config_of(each) for each in part]
