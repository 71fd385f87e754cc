"""The functions of ArrayWithGrad, each as an expression in numpy's names and one in PyTorch's, with its cases.

A case has inputs of some shapes and of a kind: normal and positive numbers; whole ones, with ties and zeros; special
ones, with nan, inf and 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

SPECIAL = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 1e-310, 800.0, -40.0, 0.5, 2.0]


@dataclass(frozen=True)
class Row:
    """The expression for numpy's names, or for the methods if `np` is not used; the one for PyTorch; its cases."""

    ours: Callable[..., Any]  # (np, *arrays)
    torch: Callable[..., Any]  # (*tensors)
    shapes: Sequence[tuple[tuple[int, ...], ...]]
    kinds: Sequence[str] = ("normal",)
    autograd: bool = (
        True  # whether the package has the function, with the same convention at ties, and sums over broadcast axes
    )


def drawn(kind: str, shape: tuple[int, ...], rng: np.random.Generator) -> Any:
    if kind == "normal":
        return rng.standard_normal(shape)
    if kind == "positive":
        return rng.uniform(0.5, 2.0, shape)
    if kind == "whole":
        return rng.integers(-2, 3, shape).astype(float)
    return rng.choice(SPECIAL, shape)


ONE = [((),), ((3,),), ((2, 3),), ((2, 1, 3),), ((0,),), ((2, 0, 3),)]
FULL = [((3,),), ((2, 3),), ((4, 1, 3),), ((2, 3, 2),)]  # at least one element
TWO = [((3,), (3,)), ((2, 3), (3,)), ((2, 1), (1, 3)), ((), (2, 2)), ((2, 0), (1,))]
ALL = ("normal", "whole", "special")
PAIRS = [((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 3), (3, 4)), ((2, 2, 3), (3,)), ((3,), (2, 3, 4))]
PAIRS += [((2, 2, 3), (3, 2)), ((2, 2, 3), (2, 3, 4)), ((2, 1, 2, 3), (4, 3, 2)), ((0, 3), (3, 2)), ((2, 0), (0, 3))]


def elementwise(name: str, kinds: Sequence[str], theirs: str = "") -> Row:
    return Row(lambda np, u: getattr(np, name)(u), lambda u: getattr(torch, theirs or name)(u), ONE, kinds)


def reduction(name: str, ours: Callable[..., Any], theirs: Callable[..., Any], kinds: Sequence[str]) -> dict[str, Row]:
    """A reduction over all axes, the last one, the first one that is kept, and two of them."""
    two = [((2, 3),), ((2, 3, 2),)]
    return {
        name: Row(lambda np, u: ours(np, u), lambda u: theirs(u, tuple(range(u.ndim)), False), FULL, kinds),
        f"{name}(-1)": Row(lambda np, u: ours(np, u, axis=-1), lambda u: theirs(u, (-1,), False), FULL, kinds),
        f"{name}(0, keepdims)": Row(
            lambda np, u: ours(np, u, axis=0, keepdims=True), lambda u: theirs(u, (0,), True), FULL, kinds
        ),
        f"{name}((0, 1))": Row(lambda np, u: ours(np, u, axis=(0, 1)), lambda u: theirs(u, (0, 1), False), two, kinds),
    }


def einsum(subscripts: str, *shapes: tuple[int, ...]) -> dict[str, Row]:
    def ours(np: Any, *operands: Any) -> Any:
        return np.einsum(subscripts, *operands)

    return {f"einsum {subscripts}": Row(ours, lambda *operands: torch.einsum(subscripts, *operands), [shapes])}


def plain_tensor(value: Any) -> Any:
    """The value of an ArrayWithGrad, for a comparison that has no gradient."""
    return getattr(value, "value", getattr(value, "_value", value))


# fmt: off
ROWS: dict[str, Row] = {
    "abs": elementwise("abs", ("normal", "whole")),
    "abs, special": Row(lambda np, u: np.abs(u), torch.abs, ONE, ("special",), autograd=False),  # nan at nan there
    "sqrt": elementwise("sqrt", ("positive", "special")),
    **{name: elementwise(name, ALL) for name in ("sin", "cos", "tan", "exp", "tanh", "expm1", "square")},
    "log": elementwise("log", ("positive", "whole", "special")),
    "log1p": elementwise("log1p", ("positive", "special")),
    "reciprocal": elementwise("reciprocal", ("positive", "special")),
    "negative": elementwise("negative", ALL),
    "sigmoid": Row(lambda np, u: u.sigmoid(), torch.sigmoid, ONE, ALL, autograd=False),
    "relu": Row(lambda np, u: u.relu(), torch.relu, ONE, ("normal", "whole"), autograd=False),
    "u ** 2": Row(lambda np, u: u**2, lambda u: u**2, ONE, ALL),
    "u ** 0.5": Row(lambda np, u: u**0.5, lambda u: u**0.5, ONE, ("positive", "whole"), autograd=False),
    "u ** -1.5": Row(lambda np, u: u**-1.5, lambda u: u**-1.5, ONE, ("positive",)),
    "u ** [2, 3, 0]": Row(
        lambda np, u: u ** np.array([2.0, 3.0, 0.0]),
        lambda u: u ** torch.tensor([2.0, 3.0, 0.0], dtype=u.dtype),
        [((3,),), ((2, 3),)],
        ALL,
    ),
    "u ** v": Row(lambda np, u, v: np.power(u, v), lambda u, v: u**v, TWO, ("positive",)),
    "u ** v, any": Row(lambda np, u, v: u**v, lambda u, v: u**v, TWO, ("whole", "special"), autograd=False),
    "2 ** u": Row(lambda np, u: 2.0**u, lambda u: 2.0**u, ONE, ("normal", "whole")),
    "maximum": Row(lambda np, u, v: np.maximum(u, v), torch.maximum, TWO, ("normal", "whole")),
    "minimum": Row(lambda np, u, v: np.minimum(u, v), torch.minimum, TWO, ("normal", "whole")),
    "maximum, special": Row(lambda np, u, v: np.maximum(u, v), torch.maximum, TWO, ("special",), autograd=False),
    "clip": Row(lambda np, u: np.clip(u, -0.5, 1.0), lambda u: u.clamp(-0.5, 1.0), ONE, ("normal",)),
    "clip, at the bounds": Row(lambda np, u: np.clip(u, -1, 1), lambda u: u.clamp(-1, 1), ONE, ALL, autograd=False),
    "clip(min)": Row(lambda np, u: u.clip(0.5), lambda u: u.clamp(min=0.5), ONE, ALL, autograd=False),
    "clip(max array)": Row(
        lambda np, u: u.clip(max=np.array([0.1, 0.2, 0.3])),
        lambda u: (u + torch.zeros(3, dtype=u.dtype)).clamp(max=torch.tensor([0.1, 0.2, 0.3], dtype=u.dtype)),
        [((3,),), ((2, 3),), ((),)],
        autograd=False,
    ),
    "where": Row(lambda np, u, v: np.where(plain_tensor(u) > 0, u, v), lambda u, v: torch.where(u > 0, u, v), TWO, ALL, autograd=False),
    "where, one shape": Row(lambda np, u, v: np.where(plain_tensor(u) > 0, u, v), lambda u, v: torch.where(u > 0, u, v), [((3,), (3,)), ((2, 3), (2, 3))], ALL),
    "where, a number": Row(
        lambda np, u: np.where(plain_tensor(u) > 0, u, 2.0), lambda u: torch.where(u > 0, u, 2.0), ONE
    ),
    **reduction("sum", lambda np, u, **o: np.sum(u, **o), torch.sum, ALL),
    **reduction("mean", lambda np, u, **o: np.mean(u, **o), torch.mean, ALL),
    **reduction("max", lambda np, u, **o: np.max(u, **o), torch.amax, ("normal", "whole")),
    **reduction("min", lambda np, u, **o: np.min(u, **o), torch.amin, ("normal", "whole")),
    **reduction("var", lambda np, u, **o: np.var(u, **o), lambda u, d, k: u.var(d, correction=0, keepdim=k), ALL),
    **reduction(
        "std", lambda np, u, **o: np.std(u, **o), lambda u, d, k: u.std(d, correction=0, keepdim=k), ("normal",)
    ),
    "std, equal values": Row(
        lambda np, u: np.std(u * 0.0, axis=-1) + np.std(u),
        lambda u: (u * 0.0).std(-1, correction=0) + u.std(correction=0),
        FULL,
        autograd=False,
    ),
    "var(ddof=1)": Row(lambda np, u: np.var(u, 0, ddof=1), lambda u: u.var(0, correction=1), [((3,),), ((2, 3),)], ALL),
    "std(ddof=2)": Row(lambda np, u: np.std(u, -1, ddof=2), lambda u: u.std(-1, correction=2), [((3,),), ((2, 4),)]),
    "cumsum": Row(lambda np, u: np.cumsum(u), lambda u: u.reshape(-1).cumsum(0), ONE, ALL),
    "cumsum(0)": Row(lambda np, u: np.cumsum(u, axis=0), lambda u: u.cumsum(0), FULL, ALL),
    "cumsum(-1)": Row(lambda np, u: np.cumsum(u, -1), lambda u: u.cumsum(-1), FULL, ALL),
    "softmax": Row(lambda np, u: u.softmax(), lambda u: u.softmax(-1), FULL, ("normal", "whole"), autograd=False),
    "log_softmax": Row(
        lambda np, u: u.log_softmax(), lambda u: u.log_softmax(-1), ONE, ("normal", "whole"), autograd=False
    ),
    "log_softmax(0)": Row(
        lambda np, u: (u * 900).log_softmax(0), lambda u: (u * 900).log_softmax(0), FULL, autograd=False
    ),
    "reshape": Row(
        lambda np, u: np.reshape(u, (-1, 2)), lambda u: u.reshape(-1, 2), [((2, 3),), ((4,),), ((0, 2),)], ALL
    ),
    "transpose": Row(lambda np, u: np.transpose(u), lambda u: u.permute(tuple(reversed(range(u.ndim)))), ONE, ALL),
    "transpose(1, 2, 0)": Row(lambda np, u: np.transpose(u, (1, 2, 0)), lambda u: u.permute(1, 2, 0), [((2, 3, 4),)]),
    "swapaxes": Row(lambda np, u: np.swapaxes(u, 0, -1), lambda u: u.swapaxes(0, -1), FULL, ALL),
    "squeeze": Row(lambda np, u: np.squeeze(u), lambda u: u.squeeze(), ONE, ALL),
    "squeeze(1)": Row(lambda np, u: np.squeeze(u, 1), lambda u: u.squeeze(1), [((2, 1, 3),), ((2, 1),)]),
    "ravel": Row(lambda np, u: np.ravel(u), lambda u: u.reshape(-1), ONE, ALL),
    "concatenate": Row(
        lambda np, u, v: np.concatenate([u, v]), lambda u, v: torch.cat([u, v]), [((2, 3), (1, 3)), ((2,), (0,))], ALL
    ),
    "concatenate(1)": Row(
        lambda np, u, v: np.concatenate((u, v), axis=1), lambda u, v: torch.cat((u, v), 1), [((2, 3), (2, 1))]
    ),
    "stack": Row(
        lambda np, u, v: np.stack([u, v], axis=-1), lambda u, v: torch.stack([u, v], -1), [((2, 3), (2, 3)), ((), ())]
    ),
    "split": Row(
        lambda np, u: (p := np.split(u, 2))[0] * p[1], lambda u: (p := u.chunk(2))[0] * p[1], [((4,),), ((2, 3),)]
    ),
    "split at [1, 3]": Row(
        lambda np, u: (p := np.split(u, [1, 3], axis=1))[1] * p[0] + p[2],
        lambda u: u[:, 1:3] * u[:, :1] + u[:, 3:],
        [((2, 5),)],
    ),
    "x.split([1, 2])": Row(
        lambda np, u: (p := u.split([1, 2], -1))[0] * p[1],
        lambda u: (p := u.split([1, 2], -1))[0] * p[1],
        [((2, 3),), ((3,),)],
        autograd=False,
    ),
    "x.split(2)": Row(
        lambda np, u: u.split(2)[-1] * 3, lambda u: u.split(2)[-1] * 3, [((5,),), ((4, 2),)], autograd=False
    ),
    "x.chunk(4)": Row(
        lambda np, u: (p := u.chunk(4, 1))[0] * p[-1].sum(),
        lambda u: (p := u.chunk(4, 1))[0] * p[-1].sum(),
        [((2, 8),), ((2, 6),)],
        autograd=False,
    ),
    "@": Row(lambda np, u, v: np.matmul(u, v), torch.matmul, PAIRS, ("normal", "whole")),
    "dot": Row(
        lambda np, u, v: np.dot(u, v), lambda u, v: u @ v if u.ndim and v.ndim else u * v, [*PAIRS[:4], ((), (2,))]
    ),
    **einsum("ij,jk->ik", (2, 3), (3, 4)),
    **einsum("ij,jk", (2, 3), (3, 4)),
    **einsum("ba,b", (2, 3), (2,)),
    **einsum("bij,bjk->bik", (2, 3, 4), (2, 4, 2)),
    **einsum("bti,ij,btj->bt", (2, 3, 4), (4, 2), (2, 3, 2)),
    **einsum("i,j->ij", (2,), (3,)),
    **einsum("ij->ji", (2, 3)),
    **einsum("ij->", (2, 3)),
    **einsum("ij->j", (2, 3)),
    **einsum("i,->i", (3,), ()),
    **einsum("ij,kl->il", (2, 3), (4, 2)),
    **einsum("i,i,i->", (3,), (3,), (3,)),
    **einsum("ij,ij->i", (0, 3), (0, 3)),
}
# fmt: on
