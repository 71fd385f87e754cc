"""The error function, which numpy does not have: rational approximations of Cody (1969), to double precision."""

from __future__ import annotations

import numpy as np

from numnet.core.operation import Array

# Numerators and denominators, from the highest power of x² (SMALL) or |x| (LARGE) to the constant.
SMALL = (
    (1.85777706184603153e-1, 3.16112374387056560, 1.13864154151050156e2, 3.77485237685302021e2, 3.20937758913846947e3),
    (1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3),
)
LARGE = (
    (
        2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594, 6.61191906371416295e1,
        2.98635138197400131e2, 8.81952221241769090e2, 1.71204761263407058e3, 2.05107837782607147e3,
        1.23033935479799725e3,
    ),
    (
        1.0, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2, 1.62138957456669019e3,
        3.29079923573345963e3, 4.36261909014324716e3, 3.43936767414372164e3, 1.23033935480374942e3,
    ),
)  # fmt: skip
EDGE = 0.46875  # up to here SMALL
ONE = 6.0  # from here on erf is 1 in double precision


def erf(x: Array) -> Array:
    """erf(x) = 2/√π ∫₀ˣ exp(-t²) dt, in x's dtype; at most 3e-16 from math.erf.

    erf(x) = x N(x²) / D(x²)                          up to EDGE
    erf(x) = sign(x) (1 - exp(-x²) N(|x|) / D(|x|))   beyond
    """
    t = np.asarray(x, np.float64)
    size = np.minimum(np.abs(t), ONE)
    near = np.minimum(size, EDGE) ** 2
    small = t * ratio(SMALL, near)
    large = np.copysign(1 - np.exp(-(size**2)) * ratio(LARGE, size), t)
    found: Array = np.where(size <= EDGE, small, large).astype(x.dtype)
    return found


def ratio(coefficients: tuple[tuple[float, ...], tuple[float, ...]], x: Array) -> Array:
    """The quotient of two polynomials."""
    numerator, denominator = coefficients
    result: Array = np.polyval(numerator, x) / np.polyval(denominator, x)
    return result
