"""Validation of PyTorch's modules as layers of torchnet, and of what they return."""

from __future__ import annotations

from typing import Any

from numnet.core.checks.parts import described_part
from numnet.core.checks.torch_modules import needed, of_pytorch, remedy_for


def check_module(who: str, name: str, module: Any, net: str) -> None:
    """Check that a module of PyTorch, and each one in a Sequential, is a layer: y of one x, step by step."""
    if type(module).__name__ == "Sequential" and of_pytorch(module):
        for k, inner in enumerate(module):
            check_module(who, f"{name}.{k}", inner, net)
        return
    remedy = remedy_for(module, net)
    inputs = "" if of_pytorch(module) or len(needed(module)) < 2 else f", which takes {', '.join(needed(module))}"
    if remedy:
        raise TypeError(f"{who}: {name} is {described_part(module)}{inputs}, expected a layer. {remedy}")
    for place, inner in module.named_modules():
        got = f"{who}: {name}{place and '.'}{place} is {described_part(inner, 'PyTorch')}"
        if hasattr(inner, "over_time"):
            raise TypeError(f"{got}, expected modules of PyTorch inside a module. Put it into the list of layers.")
        if any(hasattr(p, "materialize") for p in inner._parameters.values()):
            raise TypeError(f"{got}, which has no sizes yet, expected a module with sizes. Call it once before.")


def check_as_layer(who: str, x: Any, y: Any, tokens: bool) -> None:
    """Check that a module returned one vector for each of x, (B, ..., D) → (B, ..., O); for tokens (B, ...)."""
    if isinstance(y, (tuple, list, dict)) or not hasattr(y, "shape"):
        raise TypeError(f"{who}: the module returned {type(y).__name__}, expected one tensor. Return y alone.")
    leading = tuple(x.shape if tokens else x.shape[:-1])
    if tuple(y.shape[:-1]) != leading or y.ndim != len(leading) + 1:
        expected = f"({', '.join(map(str, leading))}, width)"
        raise ValueError(
            f"{who}: x is {tuple(x.shape)} and y {tuple(y.shape)}, expected {expected}: one vector for each of x. "
            "Flatten, reshape and pool in a program on a Tape."
        )


def check_module_width(who: str, width: int, given: int) -> None:
    """Check that a module was made for inputs of this width."""
    if width != given:
        raise ValueError(
            f"{who}: its input size is {width}, expected {given}, the width of the layer before it, or the model's "
            f"input_size. Make the module with {given}."
        )


def unusable_error(who: str, width: int, error: Exception | None) -> ValueError:
    """The error for a module that raises one for inputs (2, 3, D) and (2, D)."""
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
    return ValueError(
        f"{who}: x has {width} features, which the module refuses ({reason}). Give it the width of the layer before it."
    )


def check_reads_no_padding(who: str, mixes: bool) -> None:
    """Check that a module which gets lengths computes each step from that step alone."""
    if mixes:
        raise ValueError(
            f"{who}: lengths are given, and the module mixes steps, expected one that reads each step by itself: it "
            "would read padding. Leave out lengths, or use a layer that takes them: Convolution, BatchNorm, Pooling."
        )


def check_single_steps(who: str, mixes: bool) -> None:
    """Check that a module of a decoder computes each step from that step alone."""
    if mixes:
        raise ValueError(
            f"{who}: the module mixes steps, expected one that reads each step by itself: a decoder generates one step "
            "at a time. Put it into the encoder."
        )
