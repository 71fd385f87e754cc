"""The recurrent layers by name: each creates its node and unrolls it over time."""

from __future__ import annotations

from typing import ClassVar

from numnet.recurrent.gru import GRUNode
from numnet.recurrent.gru_variants import GRUVariantNode
from numnet.recurrent.indrnn import IndRNNNode
from numnet.recurrent.layer_norm import LayerNormRNNNode
from numnet.recurrent.lstm import LSTMNode
from numnet.recurrent.lstm_variants import LSTMVariantNode
from numnet.recurrent.mgu import MGUNode
from numnet.recurrent.named import NamedLayer
from numnet.recurrent.rnn import RNNNode

FUNCTIONS = {"activation": "tanh", "recurrent_activation": "sigmoid"}  # those of the textbook nodes, and the kernels


class RNNLayer(NamedLayer):
    """The plain recurrent network over time: equations in RNNNode, shapes and options in RecurrentLayer."""

    node_types = RNNNode, LayerNormRNNNode
    variant_options: ClassVar = {"layer_norm": False}


class GRULayer(NamedLayer):
    """The GRU over time, reset="before" or "after": equations in GRUNode, shapes and options in RecurrentLayer.

    With layer_norm or another activation or recurrent_activation its node is a GRUVariantNode.
    """

    node_types = GRUNode, GRUVariantNode
    variant_options: ClassVar = {"layer_norm": False, **FUNCTIONS}


class LSTMLayer(NamedLayer):
    """The LSTM over time, its state a pair (h, c): equations in LSTMNode, shapes and options in RecurrentLayer.

    With peepholes, coupled, proj_size, layer_norm or another activation or recurrent_activation its node is an
    LSTMVariantNode.
    """

    node_types = LSTMNode, LSTMVariantNode
    variant_options: ClassVar = {
        "peepholes": False,
        "coupled": False,
        "proj_size": None,
        "layer_norm": False,
        **FUNCTIONS,
    }


class MGULayer(NamedLayer):
    """The minimal gated unit over time: equations in MGUNode, shapes and options in RecurrentLayer."""

    node_types = (MGUNode,)


class IndRNNLayer(NamedLayer):
    """The IndRNN over time: equations in IndRNNNode, shapes and options in RecurrentLayer."""

    node_types = (IndRNNNode,)
