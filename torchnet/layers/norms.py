"""Layers that normalize, computed by PyTorch: each sample, or each feature over the real steps of a batch."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import batch_norm, layer_norm, rms_norm

from numnet.core.attributes import Saved
from numnet.core.checks import (
    check_features,
    check_fraction,
    check_positive,
    check_size,
    check_statistics,
    check_steps,
    validate_call,
)
from numnet.core.lengths import mask_like
from numnet.core.packed import Packed, padded_like, to_packed, to_padded
from torchnet.core.device import DTypeLike, as_tensor
from torchnet.core.parameters import ParamOperation


class FeatureNorm(ParamOperation):
    """The base class of the norms of one sample: a gain g (D,) and, with bias=True, a bias b (D,)."""

    bias = False
    g: Tensor
    b: Tensor

    def make(self, rng: np.random.Generator) -> int:
        self.add_param("g", np.ones(self.width))
        if self.bias:
            self.add_param("b", np.zeros(self.width))
        else:
            self.register_parameter("b", None)
        return self.width

    def forward(self, x: Any) -> Tensor:
        """y of x's shape (B, ..., D); the first call finds D. ValueError for another width than D."""
        x = as_tensor(x, self.name, "x")
        check_features(self.name, x, self.input_size)
        self.ready(x.shape[-1], x)
        x = self.followed(self.cast("x", x))
        y = self.compute(x)
        self.save_graph((y,), (x,))
        return y

    def compute(self, x: Tensor) -> Tensor:
        """y"""
        raise NotImplementedError


class LayerNorm(FeatureNorm):
    """Each sample with mean 0 and variance 1 over its features, then a gain and a bias (Ba et al. 2016).

    x, y (B, ..., D); g (D,) starts at 1 and b (D,) at 0, as in torch.nn.LayerNorm; `epsilon` is ε. With bias=False
    there is no b. Each step is normalized by itself, so lengths are not needed. ValueError if the width of x is not D.
    """

    @validate_call
    def __init__(
        self,
        *,
        epsilon: float = 1e-5,
        bias: bool = True,
        input_size: int | None = None,
        dtype: DTypeLike = "float32",
    ) -> None:
        super().__init__(input_size, None, dtype)
        check_size(self.name, input_size=input_size)
        check_positive(self.name, epsilon=epsilon)
        self.epsilon, self.bias = epsilon, bias
        self.ready(input_size)

    def config(self) -> dict[str, Any]:
        return {"epsilon": self.epsilon, "bias": self.bias}

    def compute(self, x: Tensor) -> Tensor:
        return layer_norm(x, self.g.shape, self.g, self.b, self.epsilon)


class RMSNorm(FeatureNorm):
    """Each sample divided by the root of its mean square, then a gain (Zhang & Sennrich 2019).

    x, y (B, ..., D); g (D,) starts at 1, as in torch.nn.RMSNorm. `epsilon` is ε, by default the dtype's precision.
    """

    @validate_call
    def __init__(
        self, *, epsilon: float | None = None, input_size: int | None = None, dtype: DTypeLike = "float32"
    ) -> None:
        super().__init__(input_size, None, dtype)
        check_size(self.name, input_size=input_size)
        check_positive(self.name, epsilon=epsilon)
        self.epsilon = epsilon
        self.ready(input_size)

    def config(self) -> dict[str, Any]:
        return {"epsilon": self.epsilon}

    def compute(self, x: Tensor) -> Tensor:
        return rms_norm(x, self.g.shape, self.g, self.epsilon)


class BatchNorm(ParamOperation):
    """Each feature with mean 0 and variance 1 over the real steps of a batch (Ioffe & Szegedy 2015).

    In evaluation mode the mean and the variance are the buffers `running_mean` and `running_var`: state_dict and
    checkpoints contain them, optimizers do not change them. A training call moves each by `momentum` towards the mean
    and the variance of the batch, the latter without bias. As torch.nn.BatchNorm1d with x (B, D), or x (B, T, D), with
    `lengths` (B,) or a mask (B, T), or Packed: padding is never read, and y and dx are 0 there. With batch_first=False
    x and masks are time-major. ValueError for one real step in training: the variance is unknown.
    """

    over_time, needs_sequences = True, False  # it reads all steps, in any order
    lengths = Saved()
    g: Tensor
    b: Tensor
    running_mean: Tensor
    running_var: Tensor

    @validate_call
    def __init__(
        self,
        *,
        epsilon: float = 1e-5,
        momentum: float = 0.1,
        input_size: int | None = None,
        dtype: DTypeLike = "float32",
        batch_first: bool = True,
    ) -> None:
        super().__init__(input_size, None, dtype)
        check_size(self.name, input_size=input_size)
        check_positive(self.name, epsilon=epsilon)
        check_fraction(self.name, momentum=momentum)
        self.epsilon, self.momentum, self.batch_first = epsilon, momentum, batch_first
        self.ready(input_size)

    def make(self, rng: np.random.Generator) -> int:
        self.add_param("g", np.ones(self.width))
        self.add_param("b", np.zeros(self.width))
        self.add_buffer("running_mean", np.zeros(self.width))
        self.add_buffer("running_var", np.ones(self.width))
        return self.width

    def config(self) -> dict[str, Any]:
        return {"epsilon": self.epsilon, "momentum": self.momentum, "batch_first": self.batch_first}

    def forward(self, x: Any, lengths: Any = None) -> Any:
        """y of x's shape, Packed if x is. ValueError for an x or lengths that do not fit."""
        packed, (x, lengths) = isinstance(x, Packed), to_padded(x, lengths, self.batch_first)
        x = as_tensor(x, self.name, "x")
        check_features(self.name, x, self.input_size)
        if lengths is not None:
            check_steps(self.name, x, self.batch_first, tokens=False)
        found = None if lengths is None else mask_like(self.name, x, lengths, self.batch_first)
        real = np.ones(tuple(x.shape[:-1]), bool) if found is None else found
        check_statistics(self.name, int(real.sum()), self.training)
        self.ready(x.shape[-1], x)
        given = self.followed(self.cast("x", x))
        place = torch.from_numpy(real.copy()).to(given.device)
        y = torch.zeros_like(given)
        y[place] = self.normalized(given[place])
        self.save_graph((y,), (given,))
        self.lengths = lengths if packed else None
        return to_packed(y, lengths, self.batch_first) if packed else y

    def backward(self, dy: Any) -> Any:
        """dx from dy, both of x's shape; dg and db are ADDED. ValueError for another shape."""
        dx = super().backward(padded_like(self.name, dy, self.lengths, self.batch_first))
        return dx if self.lengths is None else to_packed(dx, self.lengths, self.batch_first)

    def normalized(self, x: Tensor) -> Tensor:
        """y of the real steps (N, D); in training, update the running statistics."""
        of_batch = self.training and len(x) > 0
        running = self.running_mean, self.running_var
        return batch_norm(x, *running, self.g, self.b, of_batch, self.momentum, self.epsilon)
