"""The vendors' kernels, of MKL-DNN and cuDNN: they compute the same as the plain nodes, faster.

A kernel runs a node of exactly its type: a subclass that changes a step runs plain, in unroll.py.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from torchnet.recurrent.gru import GRUNode
from torchnet.recurrent.lstm import LSTMNode
from torchnet.recurrent.lstm_variants import LSTMVariantNode
from torchnet.recurrent.rnn import RNNNode
from torchnet.recurrent.unroll import Parts

FULL = 0.5  # the share of unfinished rows at which a run ends: a call costs as much as about 75 steps of one row
SATURATED = 1e4  # a pre-activation of σ(a) = 1, of σ(-a) = 0


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
    elif x.is_cuda or vars(node).get("proj_size"):
        y, last = called_on_packed(node, W_x, start, x, counts)
    else:
        y, last = called_in_runs(node, W_x, start, x, counts)
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


def called_in_runs(node: Any, W_x: Tensor, start: Parts, x: Tensor, counts: Tensor) -> tuple[Tensor, Parts]:
    """Call the kernel on runs of steps, each on the rows that are unfinished when it begins.

    On a CPU this takes less time than packed sequences, which PyTorch multiplies step by step.
    """
    lengths, order = counts.sort(descending=True, stable=True)
    W_x, x_held = holding_c(node, W_x, x, counts)
    runs, state = runs_of(lengths.tolist()), tuple(part.index_select(0, order) for part in start)
    pieces = x_held[:, : lengths[0]].split([T for _, T in runs], dim=1)
    first, ys, ended = 0, [], []
    for piece, (B, T) in zip(pieces, runs):
        ended.append([part[B:] for part in state])
        y, state = called(node, W_x, tuple(part[:B] for part in state), piece.index_select(0, order[:B]), None)
        beyond = torch.arange(first, first + T) >= lengths[:B, None]
        y = y.masked_fill(beyond[..., None], 0)
        ys.append(y.new_zeros(len(x), *y.shape[1:]).index_copy(0, order[:B], y))
        first += T
    y = torch.cat([*ys, x.new_zeros(len(x), x.shape[1] - int(lengths[0]), ys[0].shape[-1])], dim=1)
    last = [torch.cat(parts).index_select(0, order.argsort()) for parts in zip(state, *reversed(ended))]
    h = y[torch.arange(len(y)), (counts - 1).clamp(min=0)]
    last[0] = torch.where(counts[:, None] > 0, h, last[0])
    return y, tuple(last)


def runs_of(counts: list[int]) -> list[tuple[int, int]]:
    """Return (rows, steps) of each run, for lengths that do not increase: at least FULL of the rows are unfinished."""
    runs, first = [], 0
    while first < counts[0]:
        B = sum(count > first for count in counts)
        end = counts[max(1, math.ceil(FULL * B)) - 1]
        runs.append((B, end - first))
        first = end
    return runs


def holding_c(node: Any, W_x: Tensor, x: Tensor, counts: Tensor) -> tuple[Tensor, Tensor]:
    """Return W_x and x with one more column: 1 at padding, where it keeps an LSTM's c as it is, by f = 1 and i = 0."""
    if len(node.states) == 1:
        return W_x, x
    padding = torch.arange(x.shape[1]) >= counts[:, None]
    H, column = node.hidden_size, torch.zeros_like(W_x[:, :1])
    column[:H], column[H : 2 * H] = -SATURATED, SATURATED
    return torch.cat((W_x, column), dim=1), torch.cat((x, padding[..., None].to(x)), dim=2)


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
