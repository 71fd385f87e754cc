"""The vendors' kernels, of MKL-DNN and cuDNN: they compute the same as the plain nodes, faster.

A kernel runs a node of exactly its type: a subclass that changes a step runs plain, in unroll.py.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from torchnet.recurrent.gru import GRUNode
from torchnet.recurrent.lstm import LSTMNode
from torchnet.recurrent.lstm_variants import LSTMVariantNode
from torchnet.recurrent.rnn import RNNNode
from torchnet.recurrent.unroll import Parts


def kernel_of(node: Any, W_x: Tensor) -> tuple[Any, list[Tensor]]:
    """Return the function for all steps and its weights. The second of its two biases is 0 except in a GRU's n."""
    weights = [W_x, node.W_h]
    if node.bias:
        b_h = torch.zeros_like(node.b)
        if isinstance(node, GRUNode):
            b_h = torch.cat((b_h[: 2 * node.hidden_size], node.b_h))
        weights += [node.b, b_h]
    if isinstance(node, RNNNode):
        return torch.rnn_tanh if node.activation == "tanh" else torch.rnn_relu, weights
    if isinstance(node, GRUNode):
        return torch.gru, weights
    return torch.lstm, [*weights, node.W_r] if vars(node).get("proj_size") else weights


def why_none(node: Any) -> str:
    """Return why the node has no kernel, or ""."""
    kind = type(node)
    if kind is GRUNode and node.reset == "before":
        return "no kernel supports reset='before'"
    if kind is LSTMVariantNode and not (node.peepholes or node.coupled or node.layer_norm):
        wide = node.proj_size is not None and node.proj_size >= node.hidden_size
        return "proj_size is not below hidden_size" if wide else ""
    return "" if kind in (RNNNode, GRUNode, LSTMNode) else f"{kind.__name__} has no kernel"


def why_not_for(mask: Tensor | None) -> str:
    """Return why no kernel accepts a mask (B, T), or ""."""
    if mask is not None and not mask.any():
        return "no step is real"
    if mask is not None and (mask[:, 1:] & ~mask[:, :-1]).any():
        return "the mask has gaps, which packed sequences cannot have"
    return ""


def forward(node: Any, x: Tensor, start: Parts, mask: Tensor | None, reverse: bool) -> tuple[Tensor, Parts]:
    """x (B, T, D) or tokens (B, T), and the start state (B, H) → y (B, T, H) and the last state."""
    x, W_x = dense(node.W_x, x)
    counts = torch.full((len(x),), x.shape[1], device=x.device) if mask is None else mask.sum(dim=1)
    x = reversed_rows(x, counts) if reverse else x
    if mask is None:
        y, last = called(node, W_x, start, x, None)
    else:
        y, last = called_on_packed(node, W_x, start, x, counts)
    return reversed_rows(y, counts) if reverse else y, last


def called(node: Any, W_x: Tensor, start: Parts, x: Tensor, sizes: Tensor | None) -> tuple[Tensor, Parts]:
    """Call the kernel: x (B, T, D), or (N, D) packed with the number of rows of each step."""
    function, weights = kernel_of(node, W_x)
    first: Any = [part[None].contiguous() for part in start]
    first = first if len(first) > 1 else first[0]
    grad = torch.is_grad_enabled()
    if sizes is None:
        y, *last = function(x, first, weights, node.bias, 1, 0.0, grad, False, True)
    else:
        y, *last = function(x, sizes, first, weights, node.bias, 1, 0.0, grad, False)
    return y, tuple(part[0] for part in last)


def called_on_packed(node: Any, W_x: Tensor, start: Parts, x: Tensor, counts: Tensor) -> tuple[Tensor, Parts]:
    """Call the kernel on packed sequences. They cannot have length 0: such rows are removed, then restored."""
    some = counts.nonzero()[:, 0]
    packed = pack_padded_sequence(x[some], counts[some].cpu(), batch_first=True, enforce_sorted=False)
    order = some[packed.sorted_indices]
    y, last = called(node, W_x, tuple(part[order] for part in start), packed.data, packed.batch_sizes)
    outputs = PackedSequence(y, packed.batch_sizes, packed.sorted_indices, packed.unsorted_indices)
    y, _ = pad_packed_sequence(outputs, batch_first=True, total_length=x.shape[1])
    whole = y.new_zeros(len(x), *y.shape[1:]).index_copy(0, some, y)
    return whole, tuple(part.index_copy(0, order, new) for part, new in zip(start, last))


def dense(W_x: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    """Return x and W_x as the kernels need them: tokens become one-hot vectors over the tokens that occur."""
    if x.is_floating_point():
        return x, W_x
    present, places = torch.unique(x, return_inverse=True)
    one_hot = torch.zeros(*x.shape, len(present), dtype=W_x.dtype, device=x.device)
    return one_hot.scatter_(-1, places[..., None], 1), W_x[:, present]


def reversed_rows(x: Tensor, counts: Tensor) -> Tensor:
    """Reverse the real steps of each row; padding is unchanged."""
    t = torch.arange(x.shape[1], device=x.device).expand(len(x), -1)
    places = torch.where(t < counts[:, None], counts[:, None] - 1 - t, t)
    return x.gather(1, places[..., None].expand_as(x))
