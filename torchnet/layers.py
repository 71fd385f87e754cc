"""The recurrent layers by name: each is its node through time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numnet.recurrent_options import Options, waiting
from torchnet.gru import GRUNode
from torchnet.indrnn import IndRNNNode
from torchnet.lstm import LSTMNode
from torchnet.lstm_variants import LSTMVariantNode
from torchnet.mgu import MGUNode
from torchnet.node import Node
from torchnet.recurrent import RecurrentLayer
from torchnet.rnn import RNNNode

if TYPE_CHECKING:
    from typing import Unpack


class RNNLayer(RecurrentLayer):
    """The plain recurrent network through time: equations in RNNNode, shapes and options in RecurrentLayer."""

    def __init__(
        self,
        hidden_size: int,
        output_size: int | None = None,
        input_size: int | None = None,
        activation: str = "tanh",
        layer_norm: bool = False,
        initial: str = "pytorch",
        seed: int | None = None,
        dtype: Any = "float32",
        **options: Unpack[Options],
    ) -> None:
        super().__init__(
            waiting(RNNNode(hidden_size, None, activation, layer_norm, initial, seed, dtype), input_size),
            output_size,
            **options,
        )


class GRULayer(RecurrentLayer):
    """The GRU through time, reset="before" or "after": equations in GRUNode, shapes and options in RecurrentLayer."""

    def __init__(
        self,
        hidden_size: int,
        output_size: int | None = None,
        input_size: int | None = None,
        reset: str = "after",
        layer_norm: bool = False,
        initial: str = "pytorch",
        seed: int | None = None,
        dtype: Any = "float32",
        **options: Unpack[Options],
    ) -> None:
        super().__init__(
            waiting(GRUNode(hidden_size, None, reset, layer_norm, initial, seed, dtype), input_size),
            output_size,
            **options,
        )


class LSTMLayer(RecurrentLayer):
    """The LSTM through time, its state a pair (h, c): equations in LSTMNode, shapes and options in RecurrentLayer.

    With peepholes, coupled, proj_size or layer_norm it is LSTMVariantNode that goes through time.
    """

    def __init__(
        self,
        hidden_size: int,
        output_size: int | None = None,
        input_size: int | None = None,
        peepholes: bool = False,
        coupled: bool = False,
        proj_size: int | None = None,
        layer_norm: bool = False,
        initial: str = "pytorch",
        forget_bias: float = 0.0,
        seed: int | None = None,
        dtype: Any = "float32",
        **options: Unpack[Options],
    ) -> None:
        variant: dict[str, Any] = {
            "peepholes": peepholes,
            "coupled": coupled,
            "proj_size": proj_size,
            "layer_norm": layer_norm,
        }
        node: Node
        if peepholes or coupled or layer_norm or proj_size is not None:
            node = LSTMVariantNode(
                hidden_size, None, **variant, initial=initial, forget_bias=forget_bias, seed=seed, dtype=dtype
            )
        else:
            node = LSTMNode(hidden_size, None, initial, forget_bias, seed, dtype)
        super().__init__(waiting(node, input_size), output_size, **options)


class MGULayer(RecurrentLayer):
    """The minimal gated unit through time: equations in MGUNode, shapes and options in RecurrentLayer."""

    def __init__(
        self,
        hidden_size: int,
        output_size: int | None = None,
        input_size: int | None = None,
        initial: str = "pytorch",
        seed: int | None = None,
        dtype: Any = "float32",
        **options: Unpack[Options],
    ) -> None:
        node = MGUNode(hidden_size, None, initial, seed, dtype)
        super().__init__(waiting(node, input_size), output_size, **options)


class IndRNNLayer(RecurrentLayer):
    """The IndRNN through time: equations in IndRNNNode, shapes and options in RecurrentLayer."""

    def __init__(
        self,
        hidden_size: int,
        output_size: int | None = None,
        input_size: int | None = None,
        activation: str = "relu",
        initial: str = "pytorch",
        seed: int | None = None,
        dtype: Any = "float32",
        **options: Unpack[Options],
    ) -> None:
        node = IndRNNNode(hidden_size, None, activation, initial, seed, dtype)
        super().__init__(waiting(node, input_size), output_size, **options)
