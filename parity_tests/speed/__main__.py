"""python -m parity_tests.speed [layers|step]: numnet and torchnet against PyTorch's own layers, on this CPU.

OPENBLAS_NUM_THREADS=1 in the environment sets one thread for both sides.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

import numnet
import torchnet
from parity_tests.speed.timing import alternate, surroundings

SIZES = [(35, 32, 28, 256), (25, 32, 62, 256), (64, 64, 128, 512), (50, 16, 64, 64), (100, 1, 64, 128)]
RAW = {"RNN": torch.nn.RNN, "GRU": torch.nn.GRU, "LSTM": torch.nn.LSTM}


def layer_runs(kind: str, T: int, B: int, D: int, H: int) -> dict[str, Callable[[], object]]:
    """Forward and backward of one layer, by each; their outputs compared before they are timed."""
    rng = np.random.default_rng(0)
    x, dy = rng.standard_normal((B, T, D)).astype("f"), rng.standard_normal((B, T, H)).astype("f")
    ours, theirs = (getattr(net, f"{kind}Layer")(H, input_size=D) for net in (numnet, torchnet))
    raw = RAW[kind](D, H, batch_first=True)
    p = ours.params
    b_h = np.concatenate((np.zeros(2 * H), p["b_h"])) if kind == "GRU" else np.zeros_like(p["b"])
    values = {"weight_ih_l0": p["W_x"], "weight_hh_l0": p["W_h"], "bias_ih_l0": p["b"], "bias_hh_l0": b_h}
    raw.load_state_dict({name: torch.tensor(value, dtype=torch.float32) for name, value in values.items()})
    x_torch, dy_torch = torch.tensor(x, requires_grad=True), torch.tensor(dy)

    def run_ours() -> Any:
        y = ours.forward(x)
        ours.backward(dy)
        return y

    def run_torch(layer: Any) -> Any:
        layer.zero_grad()
        x_torch.grad = None
        y = layer(x_torch)
        y = y[0] if isinstance(y, tuple) else y
        y.backward(dy_torch)
        return y.detach().numpy()

    expected = run_torch(raw)
    assert np.abs(run_ours() - expected).max() < 1e-4
    assert np.abs(run_torch(theirs) - expected).max() < 1e-4
    return {"numnet": run_ours, "torchnet": lambda: run_torch(theirs), "torch.nn": lambda: run_torch(raw)}


def step_runs(kind: str, T: int = 64, B: int = 32, V: int = 65, H: int = 256) -> dict[str, Callable[[], object]]:
    """A whole training step of the character model, by each and written directly in PyTorch."""
    tokens = np.random.default_rng(0).integers(0, V, (B, T + 1))
    x, y = tokens[:, :-1], tokens[:, 1:]

    def framework(net: Any) -> Callable[[], float]:
        model = net.RNNModel([getattr(net, f"{kind}Layer")(H), net.Dense(V)], net.SoftmaxCrossEntropy(), input_size=V)
        optimizer = net.Adam(3e-3, clip_norm=1.0)

        def step() -> float:
            model.zero_grad()
            loss = float(model.loss_and_grads(x, y))
            optimizer.step(model)
            return loss

        return step

    recurrent, dense = RAW[kind](V, H, batch_first=True), torch.nn.Linear(H, V)
    parameters = [*recurrent.parameters(), *dense.parameters()]
    adam = torch.optim.Adam(parameters, 3e-3)

    def direct() -> float:
        adam.zero_grad()
        hidden, _ = recurrent(torch.nn.functional.one_hot(torch.from_numpy(x), V).float())
        loss = torch.nn.functional.cross_entropy(dense(hidden).reshape(-1, V), torch.from_numpy(y).reshape(-1))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        adam.step()
        return loss.item()

    return {"numnet": framework(numnet), "torchnet": framework(torchnet), "PyTorch": direct}


def table(title: str, rows: dict[str, dict[str, Callable[[], object]]]) -> None:
    """Best times, and each one's ratio to the last: PyTorch."""
    print(f"\n{title}")
    for name, runs in rows.items():
        best = {who: times[0] for who, times in alternate(runs).items()}
        *ours, peer = best
        figures = "  ".join(f"{who} {best[who]:8.2f} ms ({best[who] / best[peer]:.2f})" for who in ours)
        print(f"{name:40}{figures}  {peer} {best[peer]:8.2f} ms", flush=True)


def main() -> None:
    if "OPENBLAS_NUM_THREADS" in os.environ:
        torch.set_num_threads(int(os.environ["OPENBLAS_NUM_THREADS"]))
    what = sys.argv[1:] or ["layers", "step"]
    print(surroundings())
    if "layers" in what:
        rows = {f"{kind} (T, B, D, H) = {size}": layer_runs(kind, *size) for kind in RAW for size in SIZES}
        table("One layer, forward and backward, float32: best time (ratio to torch.nn)", rows)
    if "step" in what:
        rows = {f"{kind} 256, B 32, T 64, V 65": step_runs(kind) for kind in RAW}
        table("A whole training step of the character model: best time (ratio to PyTorch)", rows)


if __name__ == "__main__":
    main()
