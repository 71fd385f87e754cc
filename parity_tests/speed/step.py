"""A whole training step of the character model, and one step of generation, each against the same in plain PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.nn.functional import cross_entropy, one_hot

import numnet
import torchnet
from parity_tests.speed.book import BookLSTM
from parity_tests.speed.goals import LAYER_ALONE
from parity_tests.speed.layers import ours, raw
from parity_tests.speed.timing import Stage

RATE, CLIP = 3e-3, 1.0


def model_of(net: Any, kind: str, V: int, H: int) -> Any:
    """Tokens in, logits out."""
    return net.RNNModel([ours(net, kind, V, H), net.Dense(V)], net.SoftmaxCrossEntropy(), input_size=V)


def step_runs(kind: str, T: int = 64, B: int = 32, V: int = 65, H: int = 256) -> dict[str, list[Stage]]:
    """Tokens in, layer, Dense, softmax cross-entropy, clipping, Adam; all from the same weights, losses compared."""
    tokens = np.random.default_rng(0).integers(0, V, (B, T + 1))
    x, y = tokens[:, :-1], tokens[:, 1:]
    start = model_of(numnet, kind, V, H)

    def framework(net: Any) -> Stage:
        model, optimizer = model_of(net, kind, V, H), net.Adam(RATE, clip_norm=CLIP)

        def step() -> float:
            model.zero_grad()
            loss = model.loss_and_grads(x, y)
            optimizer.step(model)
            return float(loss)

        return step

    runs = {"numnet": framework(numnet), "torchnet": framework(torchnet), "torch": plain_torch(kind, start, x, y)}
    if kind == "LSTM":
        book = BookLSTM(start, RATE, CLIP)
        runs["book"] = lambda: book.train(x, y)
    losses: dict[str, Any] = {who: [run(), run()] for who, run in runs.items()}
    for who, found in losses.items():
        assert np.allclose(found, losses["torch"], rtol=1e-4), (
            f"{kind}: {who} has losses {found}, not {losses['torch']}"
        )
    return {who: [run] for who, run in runs.items()}


def plain_torch(kind: str, start: Any, x: Any, y: Any) -> Stage:
    """The same step written directly in PyTorch, from the weights of `start`."""
    layer, dense = start.layers
    V, H = dense.output_size, layer.hidden_size
    recurrent, linear = raw(kind, V, H, [layer]), torch.nn.Linear(H, V)
    linear.load_state_dict({"weight": torch.tensor(dense.params["W"]), "bias": torch.tensor(dense.params["b"])})
    for bias in [p for name, p in recurrent.named_parameters() if name.startswith("bias_hh") and kind != "GRU after"]:
        bias.requires_grad_(False)  # an RNN's and an LSTM's second bias is the first once more: numnet has it once
    parameters = [p for p in [*recurrent.parameters(), *linear.parameters()] if p.requires_grad]
    adam = torch.optim.Adam(parameters, RATE, fused=True)

    def step() -> float:
        adam.zero_grad()
        hidden, _ = recurrent(one_hot(torch.from_numpy(x), V).float())
        loss = cross_entropy(linear(hidden).reshape(-1, V), torch.from_numpy(y).reshape(-1))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, CLIP)
        adam.step()
        return loss.item()

    return step


def generate_runs(kind: str, V: int = 65, H: int = 256) -> dict[str, list[Stage]]:
    """One token in, the logits of the next out, batch 1, the state handed on: a hundred of them."""
    start = model_of(numnet, kind, V, H)

    def framework(net: Any) -> Stage:
        model = model_of(net, kind, V, H)

        def some() -> Any:
            logits: Any = None
            state = None
            for token in range(100):
                logits = model.predict(np.array([[token % V]]), state)
                state = model.last_state
            return logits

        return some

    layer, dense = start.layers
    recurrent, linear = raw(kind, V, H, [layer]), torch.nn.Linear(H, V)
    linear.load_state_dict({"weight": torch.tensor(dense.params["W"]), "bias": torch.tensor(dense.params["b"])})

    def direct(head: Any) -> Stage:
        @torch.inference_mode()
        def some() -> Any:
            logits: Any = None
            state = None
            for token in range(100):
                hidden, state = recurrent(one_hot(torch.tensor([[token % V]]), V).float(), state)
                logits = head(hidden)
            return logits.numpy()

        return some

    runs = {"numnet": framework(numnet), "torchnet": framework(torchnet), "torch": direct(linear)}
    found = {who: np.asarray(run()) for who, run in runs.items()}
    for who, logits in found.items():
        assert np.allclose(logits, found["torch"], atol=1e-4), f"{kind}: {who} has other logits"
    return {**{who: [run] for who, run in runs.items()}, LAYER_ALONE: [direct(lambda hidden: hidden)]}
