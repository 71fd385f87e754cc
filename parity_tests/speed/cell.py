"""A training step of a cell of one's own, a GRU written out with Dense parts and operators, on one sequence."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.nn.functional import cross_entropy

import numnet
import torchnet
from parity_tests.speed.timing import Stage

RATE = 1e-4
GATES = ("r", "z", "n")


def parts_of(net: Any, D: int, H: int, O: int) -> dict[str, Any]:
    """W_x and W_h of each gate, and the output."""
    of_x = {f"x_{gate}": net.Dense(H, input_size=D) for gate in GATES}
    of_h = {f"h_{gate}": net.Dense(H, input_size=H) for gate in GATES}
    return {**of_x, **of_h, "out": net.Dense(O, input_size=H)}


def last_state(parts: Any, xs: Any, h: Any) -> Any:
    """The program, the same for all: parts are those of a tape, or modules of PyTorch."""
    for x in xs:
        r = (parts.x_r(x) + parts.h_r(h)).sigmoid()
        z = (parts.x_z(x) + parts.h_z(h)).sigmoid()
        n = (parts.x_n(x) + r * parts.h_n(h)).tanh()
        h = n + z * (h - n)
    return h


def cell_runs(T: int = 20, B: int = 1, D: int = 50, H: int = 50, O: int = 5) -> dict[str, list[Stage]]:
    """Forward, loss, backward and a step of SGD; all from the same weights, losses compared."""
    rng = np.random.default_rng(0)
    xs, targets, zeros = rng.standard_normal((T, B, D)).astype("f"), rng.integers(0, O, B), np.zeros((B, H), "f")

    def framework(net: Any) -> Stage:
        tape, optimizer = net.Tape(**parts_of(net, D, H, O), loss=net.SoftmaxCrossEntropy()), net.SGD(RATE)
        given = xs if net is numnet else torch.from_numpy(xs)

        def step() -> float:
            tape.zero_grad()
            loss = tape.loss(tape.out(last_state(tape, given, net.ArrayWithGrad(zeros))), targets)
            tape.backward(loss)
            optimizer.step(tape)
            return float(loss)

        return step

    runs = {"numnet": framework(numnet), "torchnet": framework(torchnet), "torch": plain_torch(xs, targets, zeros, O)}
    losses: dict[str, Any] = {who: [run(), run()] for who, run in runs.items()}
    for who, found in losses.items():
        assert np.allclose(found, losses["torch"], rtol=1e-5), f"{who} has losses {found}, not {losses['torch']}"
    return {who: [run] for who, run in runs.items()}


def plain_torch(xs: Any, targets: Any, zeros: Any, O: int) -> Stage:
    """The same step on modules of PyTorch, from the same weights."""
    start = numnet.Tape(**parts_of(numnet, xs.shape[-1], zeros.shape[-1], O), loss=numnet.SoftmaxCrossEntropy())
    module = torch.nn.Module()
    for name, part in start.named_parts.items():
        if name != "loss":
            linear = torch.nn.Linear(part.input_size, part.output_size)
            linear.load_state_dict({"weight": torch.tensor(part.W), "bias": torch.tensor(part.b)})
            module.add_module(name, linear)
    sgd = torch.optim.SGD(module.parameters(), RATE)
    given, wanted, h_0 = torch.from_numpy(xs), torch.from_numpy(targets), torch.from_numpy(zeros)

    def step() -> float:
        sgd.zero_grad()
        out: Any = module.out
        loss = cross_entropy(out(last_state(module, given, h_0)), wanted)
        loss.backward()
        sgd.step()
        return loss.item()

    return step
