"""Every row of the family before every witness: `python -m parity_tests.oracles` prints the largest error of each.

slopes      differences of the function itself, five points along one random direction through everything
autograd    torchnet's gradients, where numnet's are written by hand: outputs, last states, every gradient
fast        each backend's kernel against its own plain steps, in calls that a kernel can take
torch.nn    PyTorch's own layers, row by row
onnx        onnxruntime, which has float32 and no gradients: outputs alone
float32     numnet in float32 against torchnet in float32

Errors are relative to a tensor's norm, as probe.py counts them. "-" says that the witness does not know the option.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

import numnet
import torchnet
from numnet.check.engine.subject import joined, state_names
from numnet.core.arrays import to_numpy
from parity_tests.family import FAMILY
from parity_tests.onnx_witness import witness
from parity_tests.probe import Arrays, largest_error, run, upstream_like
from parity_tests.slopes import slope_error
from parity_tests.strategies import Case, Sizes
from parity_tests.torch_witness import torch_has, torch_witness

Oracle = Callable[[Case, Sizes], float | None]
IN_ONNX = {"reverse", "both ways"}  # besides lengths


def everything(case: Case, net: Any, z: Sizes, dtype: str = "float64", fast: bool = True) -> Arrays:
    """Outputs and gradients of a row on a backend; the upstream gradient depends on the sizes alone."""
    thing = case.build(net, z, dtype)
    for module in thing.modules():
        if hasattr(module, "use_fast"):
            module.use_fast = fast
    outputs, pullback = run(thing, case.inputs(z, dtype))
    return {**outputs, **pullback(upstream_like(outputs, z.rng))}


def slopes(case: Case, z: Sizes) -> float:
    return slope_error(case, numnet, z)[0]


def autograd(case: Case, z: Sizes) -> float:
    return largest_error(everything(case, numnet, z), everything(case, torchnet, z))


def fast(case: Case, z: Sizes) -> float | None:
    found = []
    for net in (numnet, torchnet):
        layer = case.build(net, z)
        run(layer, case.inputs(z))
        if layer.path == "fast":
            found.append(largest_error(everything(case, net, z), everything(case, net, z, fast=False)))
    return max(found) if found else None


def torch_nn(case: Case, z: Sizes) -> float | None:
    if not torch_has(case, z):
        return None
    layer, inputs = case.build(numnet, z), case.inputs(z)
    outputs, pullback = run(layer, inputs)
    expected, pull_expected = torch_witness(case, dict(layer.params), inputs, z)
    upstream = upstream_like(outputs, z.rng)
    ours, theirs = {**outputs, **pullback(upstream)}, {**expected, **pull_expected(upstream)}
    if "learned state" in case.spec["options"]:  # there the start states are parameters, and have no other name
        ours = {name: value for name, value in ours.items() if name in theirs}
    return largest_error(ours, theirs)


def onnx(case: Case, z: Sizes) -> float | None:
    chosen, options = dict(case.spec["chosen"]), set(case.spec["options"])
    others = {"layer_norm", "proj_size", "recurrent_activation"} & set(chosen)
    others |= {chosen.get("activation", "tanh")} - {"tanh", "relu"}
    if case.spec["kind"] not in ("RNN", "GRU", "LSTM") or others or options - IN_ONNX:
        return None
    both, reverse = chosen.pop("bidirectional", False), chosen.pop("reverse", False)
    layer, inputs = case.build(numnet, z), case.inputs(z)
    inputs["lengths"] = np.maximum(inputs["lengths"], 1)  # onnxruntime gives a row of length 0 a state of 0
    outputs, _ = run(layer, inputs)
    params: Any = {name: np.array(to_numpy(value)) for name, value in layer.params.items()}
    if both:
        ways = ("forwards.", "backwards.")
        params = [{n.removeprefix(w): p for n, p in params.items() if n.startswith(w)} for w in ways]
    direction = "bidirectional" if both else "reverse" if reverse else "forward"
    state = joined(inputs, state_names(layer))
    expected = witness(case.spec["kind"], params, inputs["x"], state, inputs["lengths"], direction=direction, **chosen)
    return largest_error({"y": outputs["y"]}, {"y": expected["y"]})


def float32(case: Case, z: Sizes) -> float:
    return largest_error(everything(case, numnet, z, "float32"), everything(case, torchnet, z, "float32"))


ORACLES: dict[str, Oracle] = {
    "slopes": slopes, "autograd": autograd, "fast": fast, "torch.nn": torch_nn, "onnx": onnx, "float32": float32,
}  # fmt: skip


def largest(oracle: Oracle, case: Case, draws: int) -> float | None:
    """Over sizes drawn from a fixed seed."""
    errors = [oracle(case, sizes_of(seed)) for seed in range(draws)]
    known = [error for error in errors if error is not None]
    return max(known) if known else None


def sizes_of(seed: int) -> Sizes:
    rng = np.random.default_rng(seed)
    B, T, D, H, O = (int(n) for n in rng.integers((1, 1, 1, 1, 1), (5, 9, 6, 7, 5)))
    return Sizes(B, T, D, H, O, seed=seed)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m parity_tests.oracles", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--draws", type=int, default=20, help="how many sizes and seeds for each cell; default 20")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"largest error of {options.draws} draws\n")
    print(f"| row | {' | '.join(ORACLES)} |\n|---|{'---|' * len(ORACLES)}")
    for case in FAMILY:
        found = [largest(oracle, case, options.draws) for oracle in ORACLES.values()]
        print(f"| {case.name} | {' | '.join('-' if e is None else f'{e:.0e}' for e in found)} |", flush=True)


if __name__ == "__main__":
    main()
