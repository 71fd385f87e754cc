"""Errors for functions of numpy and PyTorch on values with gradients: each names the nearest method."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from numnet.core.first_words import by_word

PLAIN = "It has no gradient. Pass .value."
INSTEAD = by_word(
    {
        "argmax argmin argsort isnan isfinite isinf sign signbit floor ceil round rint searchsorted": PLAIN,
        "nonzero count_nonzero all any equal unique allclose array_equal": PLAIN,
        "zeros_like ones_like full_like empty_like shares_memory": PLAIN,
        "remainder floor_divide": "It has no gradient here. Plain numbers? Use .value.",
        "sort msort": "Write x[x.value.argsort()].",
        "hstack vstack column_stack append block": "Use concatenate of numnet or torchnet.",
        "dstack": "Use stack of numnet or torchnet.",
        "tensordot inner outer vdot kron trace bmm mm mv": "Use @, or einsum of numnet or torchnet.",
        "expand_dims unsqueeze atleast_2d": "Write x[:, None], with None where the axis is new.",
        "flip flipud fliplr": "Write x[::-1].",
        "repeat tile roll take take_along_axis gather": "Write x[places], an index of whole numbers.",
        "diag diagonal": "Write x[range(n), range(n)].",
        "moveaxis rollaxis permute": "Write x.transpose(axes).",
        "select choose piecewise nan_to_num": "Use where of numnet or torchnet.",
        "prod cumprod": "Write x.log().sum().exp() if all are positive.",
        "median percentile quantile ptp": "Write x.max(), x.min() or x.mean().",
        "norm": "Write (x**2).sum().sqrt().",
        "hypot": "Write (x**2 + y**2).sqrt().",
        "logaddexp": "Write (x.exp() + y.exp()).log().",
        "log2 log10": "Write x.log() / math.log(2), or 10.",
        "exp2": "Write 2**x.",
        "cbrt": "Write x ** (1 / 3) if all are positive.",
        "average": "Write (x * weights).sum() / weights.sum().",
        "float_power": "Write x**y.",
        "heaviside": "Compare: x.value > 0.",
    }
)


def lost_gradient_error(who: str, function: str = "", methods: Iterable[str] = ()) -> TypeError:
    """Return the error for a conversion that would silently lose the gradient."""
    to = f"{function} of another package" if function else "a function without gradients"
    methods = list(methods)
    near = difflib.get_close_matches(function, methods, 1, 0.6)
    remedy = INSTEAD.get(function) or (f"Write x.{near[0]}()." if near else "Plain numbers? Pass .value.")
    return TypeError(f"{who}: passed to {to}, expected its own methods or a part of a Tape. {remedy}")


def unexpected_arguments_error(who: str, function: str, given: Iterable[str], taken: Iterable[str]) -> TypeError:
    """Return the error for arguments of numpy's function that the method does not have."""
    names = ", ".join(given) or "none"
    return TypeError(
        f"{who}: {function} is called with {names}, expected only {', '.join(taken)}. Plain numbers? Pass .value."
    )
