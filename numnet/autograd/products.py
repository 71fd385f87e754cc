"""Products of arrays with gradients: matrices and vectors by @, any others by einsum.

    z                    du                                               dv
    u @ v                dz vᵀ                                            uᵀ dz     (9)    of the last two axes
    einsum(u, v, ...)    einsum(dz, v, ...), u's indices as the output              (32)

A vector before @ is a matrix of one row, and after it of one column. An index of u that stands neither in the output
nor in another operand is summed alone: du is the same at all of its places.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from numnet.core.checks import check_einsum, check_matrices


@np.errstate(all="ignore")
def matmul(x: Any, other: Any) -> Any:
    """u @ v"""
    u, v = x.value, (other := x.like(other)).value
    check_matrices("ArrayWithGrad", u.shape, v.shape)
    if u.ndim == 1 or v.ndim == 1:
        return vector_product(x, other)
    return x.record(u @ v, lambda dz: (dz @ v.swapaxes(-1, -2), u.swapaxes(-1, -2) @ dz), x, other)  # (9)


def vector_product(x: Any, other: Any) -> Any:
    """u @ v, where u, v or both are vectors."""
    u = x.value[None] if x.ndim == 1 else x.value
    v = other.value[:, None] if other.ndim == 1 else other.value
    z = u @ v

    def backward_fn(dz: Any) -> tuple[Any, Any]:
        dz = dz.reshape(z.shape)
        du, dv = dz @ v.swapaxes(-1, -2), u.swapaxes(-1, -2) @ dz  # (9)
        return du[..., 0, :] if x.ndim == 1 else du, dv[..., 0] if other.ndim == 1 else dv

    return x.record(x.value @ other.value, backward_fn, x, other)


@np.errstate(all="ignore")
def einsum_of(subscripts: str, arrays: list[Any]) -> Any:
    """The sum of products over the indices that are not in the output."""
    inputs, output = check_einsum(subscripts, [x.shape for x in arrays])
    values = [x.value for x in arrays]

    def gradient(k: int, dz: Any) -> Any:
        others = [output, *inputs[:k], *inputs[k + 1 :]]
        found = [index for index in inputs[k] if any(index in other for other in others)]
        du = product(",".join(others) + "->" + "".join(found), [dz, *values[:k], *values[k + 1 :]])  # (32)
        sizes = zip(inputs[k], values[k].shape)
        return np.broadcast_to(du.reshape([n if index in found else 1 for index, n in sizes]), values[k].shape)

    z = product(",".join(inputs) + "->" + output, values)
    return arrays[0].record(z, lambda dz: [gradient(k, dz) for k in range(len(arrays))], *arrays)


def product(subscripts: str, values: list[Any]) -> Any:
    """numpy's einsum; of several operands in pairs, by matrix products where they fit."""
    return np.asarray(np.einsum(subscripts, *values, optimize=len(values) > 1))
