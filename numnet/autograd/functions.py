"""Functions of several arrays with gradients: concatenate, stack, where, maximum, minimum, einsum.

concatenate(u, v)    dz split into the parts    (14)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from numnet.autograd.array import ArrayWithGrad
from numnet.autograd.elementwise import larger, select, smaller
from numnet.autograd.products import einsum_of
from numnet.core.checks import check_arrays, check_concatenated, check_stacked, validate_call


@ArrayWithGrad.implements
def concatenate(parts: Sequence[Any], axis: int = -1) -> ArrayWithGrad:
    """Concatenate arrays along an existing axis; some may be plain arrays."""
    arrays = alike("concatenate", parts)
    axis = check_concatenated("concatenate", [u.shape for u in arrays], axis)
    cuts = np.cumsum([u.shape[axis] for u in arrays])[:-1]
    z = np.concatenate([u.value for u in arrays], axis)
    return arrays[0].record(z, lambda dz: np.split(dz, cuts, axis), *arrays)  # (14)


@ArrayWithGrad.implements
def stack(parts: Sequence[Any], axis: int = 0) -> ArrayWithGrad:
    """Stack arrays of one shape along a new axis."""
    arrays = alike("stack", parts)
    axis = check_stacked("stack", [u.shape for u in arrays], axis)
    z = concatenate([u[None] for u in arrays], axis=0)
    order = [*range(1, z.ndim)]
    order.insert(axis, 0)
    return z.transpose(*order)


@ArrayWithGrad.implements
@validate_call
def where(condition: Any, x: Any, other: Any) -> ArrayWithGrad:
    """x where the condition is True, elsewhere other; the condition is a plain array of True and False, as x > 0 is."""
    x, other = alike("where", [x, other])
    chosen: ArrayWithGrad = select(condition, x, other)
    return chosen


@ArrayWithGrad.implements
@validate_call
def maximum(x: Any, other: Any) -> ArrayWithGrad:
    """The larger of each two elements; each of two equal ones gets half of the gradient."""
    x, other = alike("maximum", [x, other])
    larger_one: ArrayWithGrad = larger(x, other)
    return larger_one


@ArrayWithGrad.implements
@validate_call
def minimum(x: Any, other: Any) -> ArrayWithGrad:
    """The smaller of each two elements; each of two equal ones gets half of the gradient."""
    x, other = alike("minimum", [x, other])
    smaller_one: ArrayWithGrad = smaller(x, other)
    return smaller_one


@ArrayWithGrad.implements
@validate_call
def einsum(subscripts: str, *operands: Any) -> ArrayWithGrad:
    """The sum of products that the subscripts name, as in numpy: einsum("bij,bjk->bik", u, v).

    No index stands twice in an operand, and "..." is not an index. Without "->" the output has the indices that stand
    once, in alphabetical order.
    """
    result: ArrayWithGrad = einsum_of(subscripts, alike("einsum", operands))
    return result


def alike(who: str, parts: Sequence[Any]) -> list[ArrayWithGrad]:
    """Convert all to ArrayWithGrad; plain arrays get the dtype of the first ArrayWithGrad."""
    parts = check_arrays(who, parts)
    first = next((u for u in parts if isinstance(u, ArrayWithGrad)), None)
    return [ArrayWithGrad(u) if first is None else first.like(u) for u in parts]
