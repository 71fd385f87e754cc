"""A training step with a large vocabulary: most of its time are the logits, their softmax, and the optimizer."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.nn.functional import cross_entropy

import numnet
import torchnet
from parity_tests.speed.layers import raw
from parity_tests.speed.timing import Stage

RATE, CLIP = 1e-5, 1.0  # so small that the model does not learn the one batch by heart, with ever smaller gradients


def model_of(net: Any, V: int, D: int, H: int) -> Any:
    """Tokens in, logits out."""
    layers = [net.Embedding(V, D), net.LSTMLayer(H), net.Dense(V)]
    return net.RNNModel(layers, net.SoftmaxCrossEntropy(), input_size=V)


def vocabulary_runs(V: int, D: int = 200, H: int = 256, T: int = 35, B: int = 20) -> dict[str, list[Stage]]:
    """Embedding, LSTM, Dense, softmax cross-entropy, clipping, Adam; all from the same weights, losses compared."""
    tokens = np.random.default_rng(0).integers(0, V, (B, T + 1))
    x, y = tokens[:, :-1], tokens[:, 1:]
    start = model_of(numnet, V, D, H)

    def framework(net: Any) -> Stage:
        model, optimizer = model_of(net, V, D, H), net.Adam(RATE, clip_norm=CLIP)

        def step() -> float:
            model.zero_grad()
            loss = model.loss_and_grads(x, y)
            optimizer.step(model)
            return float(loss)

        return step

    runs = {"numnet": framework(numnet), "torchnet": framework(torchnet), "torch": plain_torch(start, x, y)}
    losses: dict[str, Any] = {who: [run(), run()] for who, run in runs.items()}
    for who, found in losses.items():
        assert np.allclose(found, losses["torch"], rtol=1e-4), f"{who} has losses {found}, not {losses['torch']}"
    return {who: [run] for who, run in runs.items()}


def plain_torch(start: Any, x: Any, y: Any) -> Stage:
    """The same step written directly in PyTorch, from the weights of `start`."""
    embedding, layer, dense = start.layers
    V, D, H = dense.output_size, embedding.output_size, layer.hidden_size
    table, recurrent, linear = torch.nn.Embedding(V, D), raw("LSTM", D, H, [layer]), torch.nn.Linear(H, V)
    table.load_state_dict({"weight": torch.tensor(embedding.W)})
    linear.load_state_dict({"weight": torch.tensor(dense.W), "bias": torch.tensor(dense.b)})
    recurrent.bias_hh_l0.requires_grad_(False)  # an LSTM's second bias is the first once more: numnet has it once
    parameters = [p for part in (table, recurrent, linear) for p in part.parameters() if p.requires_grad]
    adam = torch.optim.Adam(parameters, RATE, fused=True)

    def step() -> float:
        adam.zero_grad()
        hidden, _ = recurrent(table(torch.from_numpy(x)))
        loss = cross_entropy(linear(hidden).reshape(-1, V), torch.from_numpy(y).reshape(-1))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, CLIP)
        adam.step()
        return loss.item()

    return step
