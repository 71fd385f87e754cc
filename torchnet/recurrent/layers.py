"""The recurrent layers by name: each unrolls its node over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numnet.recurrent.options import LayerOptions, split_options
from torchnet.recurrent.gru import GRUNode
from torchnet.recurrent.indrnn import IndRNNNode
from torchnet.recurrent.layer import RecurrentLayer
from torchnet.recurrent.layer_norm import LayerNormGRUNode, LayerNormRNNNode
from torchnet.recurrent.lstm import LSTMNode
from torchnet.recurrent.lstm_variants import LSTMVariantNode
from torchnet.recurrent.mgu import MGUNode
from torchnet.recurrent.rnn import RNNNode

if TYPE_CHECKING:
    from typing import Unpack


class RNNLayer(RecurrentLayer):
    """The plain recurrent network over time: equations in RNNNode, shapes and options in RecurrentLayer."""

    def __init__(
        self,
        hidden_size: int,
        output_size: int | None = None,
        input_size: int | None = None,
        activation: str = "tanh",
        layer_norm: bool = False,
        **options: Unpack[LayerOptions],
    ) -> None:
        kind = LayerNormRNNNode if layer_norm else RNNNode
        of_node, of_layer = split_options(options)
        node = kind(hidden_size, activation=activation, **of_node)
        super().__init__(node.awaiting(input_size), output_size, **of_layer)


class GRULayer(RecurrentLayer):
    """The GRU over time, reset="before" or "after": equations in GRUNode, shapes and options in RecurrentLayer."""

    def __init__(
        self,
        hidden_size: int,
        output_size: int | None = None,
        input_size: int | None = None,
        reset: str = "after",
        layer_norm: bool = False,
        **options: Unpack[LayerOptions],
    ) -> None:
        kind = LayerNormGRUNode if layer_norm else GRUNode
        of_node, of_layer = split_options(options)
        node = kind(hidden_size, reset=reset, **of_node)
        super().__init__(node.awaiting(input_size), output_size, **of_layer)


class LSTMLayer(RecurrentLayer):
    """The LSTM over time, its state a pair (h, c): equations in LSTMNode, shapes and options in RecurrentLayer.

    With peepholes, coupled, proj_size or layer_norm its node is an LSTMVariantNode.
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
        forget_bias: float = 0.0,
        **options: Unpack[LayerOptions],
    ) -> None:
        variant: Any = {"peepholes": peepholes, "coupled": coupled, "proj_size": proj_size, "layer_norm": layer_norm}
        of_node, of_layer = split_options(options)
        if peepholes or coupled or layer_norm or proj_size is not None:
            node: Any = LSTMVariantNode(hidden_size, **variant, forget_bias=forget_bias, **of_node)
        else:
            node = LSTMNode(hidden_size, forget_bias=forget_bias, **of_node)
        super().__init__(node.awaiting(input_size), output_size, **of_layer)


class MGULayer(RecurrentLayer):
    """The minimal gated unit over time: equations in MGUNode, shapes and options in RecurrentLayer."""

    def __init__(
        self,
        hidden_size: int,
        output_size: int | None = None,
        input_size: int | None = None,
        **options: Unpack[LayerOptions],
    ) -> None:
        of_node, of_layer = split_options(options)
        super().__init__(MGUNode(hidden_size, **of_node).awaiting(input_size), output_size, **of_layer)


class IndRNNLayer(RecurrentLayer):
    """The IndRNN over time: equations in IndRNNNode, shapes and options in RecurrentLayer."""

    def __init__(
        self,
        hidden_size: int,
        output_size: int | None = None,
        input_size: int | None = None,
        activation: str = "relu",
        **options: Unpack[LayerOptions],
    ) -> None:
        of_node, of_layer = split_options(options)
        node = IndRNNNode(hidden_size, activation=activation, **of_node)
        super().__init__(node.awaiting(input_size), output_size, **of_layer)
