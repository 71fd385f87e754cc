"""Products of arrays with gradients, by PyTorch: matrices and vectors by @, any others by einsum."""

from __future__ import annotations

import functools
from typing import Any

import torch

from numnet.core.checks import check_einsum, check_matrices, check_same_device


def matmul(x: Any, other: Any) -> Any:
    """u @ v"""
    other = x.like(other)
    check_matrices("ArrayWithGrad", x.shape, other.shape)
    return x.apply(torch.matmul, other)


def einsum_of(subscripts: str, arrays: list[Any]) -> Any:
    """The sum of products over the indices that are not in the output."""
    inputs, output = check_einsum(subscripts, [x.shape for x in arrays])
    tensors = [x.tensor for x in arrays]
    check_same_device("einsum", *(u.device for u in tensors))
    dtype = functools.reduce(torch.promote_types, (u.dtype for u in tensors))
    return arrays[0].of(torch.einsum(",".join(inputs) + "->" + output, *(u.to(dtype) for u in tensors)))
