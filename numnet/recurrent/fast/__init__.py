"""In-place kernels of RNN, GRU and LSTM: they compute the same as the plain nodes in .., faster.

A kernel runs a node of exactly its type: a subclass that changes a step runs plain, in ../unroll.py.
"""

from __future__ import annotations

from numnet.recurrent.fast.buffers import Pool
from numnet.recurrent.fast.gru import GRUKernel
from numnet.recurrent.fast.loop import Kernel
from numnet.recurrent.fast.lstm import LSTMKernel
from numnet.recurrent.fast.rnn import RNNKernel
from numnet.recurrent.gru import GRUNode
from numnet.recurrent.lstm import LSTMNode
from numnet.recurrent.node import Node
from numnet.recurrent.rnn import RNNNode

KERNELS: dict[type[Node], type[Kernel]] = {RNNNode: RNNKernel, GRUNode: GRUKernel, LSTMNode: LSTMKernel}

__all__ = ["KERNELS", "Kernel", "Pool"]
