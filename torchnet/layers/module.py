"""Modules of PyTorch, torch.nn.Linear or one of your own, as layers of a model and parts of a Tape."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm

from numnet.core.checks import check_any_feature, check_features, check_tokens
from numnet.core.checks.modules import (
    check_as_layer,
    check_module,
    check_module_width,
    check_reads_no_padding,
    check_single_steps,
    unusable_error,
)
from numnet.core.checks.torch_modules import is_module, of_pytorch
from torchnet.core.device import DTypeLike, as_tensor
from torchnet.core.parameters import Layer

EVAL_LOCK = threading.Lock()
EVAL_COUNTS: dict[torch.nn.Module, int] = {}  # PyTorch modules in evaluation mode, and how many contexts need it


class ModuleLayer(Layer):
    """y = module(x) for x (B, ..., D), or tokens (B, ...), and y (B, ..., O): each step by itself.

    A model and a Tape create it for each module of PyTorch that they are given: `module` is that object itself. It
    keeps its initial values, which PyTorch drew when it was made, whatever the seed of the model is. Its dtype, device
    and mode become those of the model; the names of its parameters and buffers begin with "module", as in
    "layers.1.module.weight". In a model it also computes padding, whose results count for nothing; ValueError for
    lengths if it mixes steps, which two calls with random numbers find out, or if it has the statistics of a batch.
    """

    single_steps = False  # whether it must not mix steps, lengths or not

    def __init__(self, module: torch.nn.Module) -> None:
        kind, first = type(module), first_module(module)
        sizes: Any = first
        own = "torch.nn" if of_pytorch(module) else kind.__module__
        vars(self)["full_name"] = f"{own}.{kind.__qualname__}"
        tokens = isinstance(first, torch.nn.Embedding)
        super().__init__(sizes.num_embeddings if tokens else getattr(sizes, "in_features", None))
        self.reads = "tokens" if tokens else "numbers"
        self.in_place = any(getattr(part, "inplace", False) for part in module.modules())
        self.over_time = any(isinstance(part, _BatchNorm) for part in module.modules())  # reads several steps
        self.probed, self.built = self.over_time, True
        self.module = module

    @property
    def name(self) -> str:
        """torch.nn.Linear, or the name of a user's class with its module: that of no layer of this package."""
        return str(vars(self)["full_name"])

    def __repr__(self) -> str:
        return f"{'torch.nn.' if of_pytorch(self.module) else ''}{' '.join(repr(self.module).split())}"

    def build(self, input_size: int, rng: np.random.Generator, dtype: DTypeLike) -> int:
        """Convert the parameters to the dtype, and find the width of y with a call in evaluation mode."""
        if self.input_size is not None and input_size:
            check_module_width(self.name, self.input_size, input_size)
        self.convert(dtype)
        if input_size:
            self.probe(input_size)
        return self.output_width

    def probe(self, width: int) -> None:
        """Find the width of y, and whether the module mixes steps or rows: whether y of one step changes with others.

        x is (2, 3, width), or (2, width) for a module that does not take steps.
        """
        check_any_feature(self.name, width)
        refused: Exception | None = None
        for leading in ((2, 3), (2,)):
            xs, place = self.random_inputs(width, leading), tuple(n // 2 for n in leading)
            try:
                ys = [self.evaluated(x) for x in xs]
                break
            except (RuntimeError, ValueError, IndexError, TypeError) as error:
                refused = refused or error
        else:
            raise unusable_error(self.name, width, refused) from refused
        for x, y in zip(xs, ys):
            check_as_layer(self.name, x, y, self.reads == "tokens")
        mixes = not torch.equal(*(torch.nan_to_num(y[place]) for y in ys))
        if self.single_steps:
            check_single_steps(self.name, mixes)
        self.over_time, self.probed = self.over_time or mixes, True
        vars(self).update(output_width=ys[0].shape[-1], input_size=width)

    def random_inputs(self, width: int, leading: tuple[int, ...]) -> list[Tensor]:
        """Return two inputs that are equal in the middle row and step alone."""
        rng, place = np.random.default_rng(0), tuple(n // 2 for n in leading)
        if self.reads == "tokens":
            xs = [torch.as_tensor(rng.integers(0, width, leading)) for _ in range(2)]
        else:
            xs = [torch.as_tensor(rng.random((*leading, width))).to(self.dtype) for _ in range(2)]
        xs[1][place] = xs[0][place]
        return xs

    def evaluated(self, x: Tensor) -> Any:
        """Return the module's output in evaluation mode; PyTorch's random numbers continue as if nothing was drawn."""
        like = next((value for value in [*self.module.parameters(), *self.module.buffers()]), x)
        devices = [like.device] if like.is_cuda else []
        with torch.random.fork_rng(devices), torch.no_grad(), evaluation_mode(list(self.module.modules())):
            torch.default_generator.manual_seed(0)  # torch.manual_seed changes the generators of all devices
            for device in devices:
                torch.cuda.default_generators[device.index].manual_seed(0)
            return self.module(x.to(like.device))

    def forward(self, x: Any, lengths: Any = None) -> Tensor:
        """y (B, ..., O). ValueError if it is not one vector for each of x, or for lengths if the module mixes steps."""
        x = as_tensor(x, self.name, "x")
        tokens = self.reads == "tokens"
        if tokens:
            check_tokens(self.name, x, self.width)
            x = x.long().to(next(self.module.parameters()).device)
        else:
            check_features(self.name, x, self.input_size)
            x = self.followed(self.cast("x", x)) if any(self.own_parameters()) else self.as_real("x", x)
        if lengths is not None:
            if not self.probed:
                self.probe(self.input_size or x.shape[-1])
            check_reads_no_padding(self.name, self.over_time)
        y = self.called(x.clone() if self.in_place else x)
        check_as_layer(self.name, x, y, tokens)
        self.save_graph((y,), () if tokens else (x,))
        return y

    def called(self, x: Tensor) -> Any:
        """Call the module in this part's mode."""
        if self.training:
            return self.module(x)
        with evaluation_mode(list(self.module.modules())):
            return self.module(x)

    def backward(self, dy: Any) -> Tensor | None:
        """dx, None for tokens, from dy of y's shape; the gradients of parameters are ADDED."""
        (y,), inputs = self.recall()
        return (self.pull((y,), inputs, (dy,)) or [None])[0]


def as_layers(who: str, layers: Any, name: str = "layers", single_steps: bool = False) -> Any:
    """Return a list of layers with a ModuleLayer in place of each module of PyTorch; other values unchanged."""
    if not isinstance(layers, (list, tuple, torch.nn.Sequential, torch.nn.ModuleList)):
        return layers
    found = [as_layer(who, f"{name}[{k}]", layer) for k, layer in enumerate(layers)]
    if all(layer is given for layer, given in zip(found, layers)):
        return layers
    for layer in found if single_steps else ():
        if isinstance(layer, ModuleLayer):
            layer.single_steps = True
            check_single_steps(layer.name, layer.over_time)
    return found


def as_parts(who: str, parts: dict[str, Any]) -> dict[str, Any]:
    """Return the parts of a Tape, a ModuleLayer in place of each module of PyTorch."""
    listed = (list, tuple, torch.nn.ModuleList)
    return {
        name: as_layers(who, part, name) if isinstance(part, listed) else as_layer(who, name, part)
        for name, part in parts.items()
    }


def as_layer(who: str, name: str, layer: Any) -> Any:
    """Return a ModuleLayer of a module of PyTorch, any other value unchanged. TypeError for one that is no layer."""
    if not is_module(layer):
        return layer
    check_module(who, name, layer, "torchnet")
    return ModuleLayer(layer)


def first_module(module: torch.nn.Module) -> torch.nn.Module:
    """Return the module that reads x; of a user's class an Embedding, if its first module is one."""
    if isinstance(module, torch.nn.Sequential) and len(module):
        return first_module(module[0])
    first = next((part for part in module.modules() if not any(True for _ in part.children())), module)
    return first if isinstance(first, torch.nn.Embedding) else module


@contextmanager
def evaluation_mode(modules: Sequence[torch.nn.Module]) -> Iterator[None]:
    """Keep PyTorch's own modules in evaluation mode until the last context that needs it has ended.

    All threads share the mode of a module: a training call in another thread also runs it in evaluation mode.
    """
    with EVAL_LOCK:
        chosen = [module for module in modules if module.training or module in EVAL_COUNTS]
        for module in chosen:
            EVAL_COUNTS[module] = EVAL_COUNTS.get(module, 0) + 1
            module.training = False
    try:
        yield
    finally:
        with EVAL_LOCK:
            for module in chosen:
                EVAL_COUNTS[module] -= 1
                if not EVAL_COUNTS[module]:
                    del EVAL_COUNTS[module]
                    module.training = True
