"""One evaluation of a subject, and the derivatives measured at it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from numnet.check.engine.subject import Arrays, Subject
from numnet.core.operation import Array


@dataclass
class Measured:
    """The derivatives of every output with respect to the `picked` numbers of a tensor.

    `derivatives[output]` is (picked, size of the output), NaN at a kink.
    """

    picked: Array
    derivatives: Arrays

    def expected(self, upstream: Mapping[str, Array]) -> Array:
        """Return the right gradient of these numbers."""
        return np.sum([self.derivatives[key] @ u.ravel() for key, u in upstream.items()], axis=0)


@dataclass
class Probe:
    """One evaluation of a subject: outputs, a random upstream gradient, the gradients for it, measured derivatives."""

    subject: Subject
    outputs: Arrays
    upstream: Arrays
    gradients: Arrays
    measured: dict[str, Measured] = field(default_factory=dict)

    def fresh_upstream(self) -> Arrays:
        """Return a copy, which the callee may overwrite."""
        return {name: u.copy() for name, u in self.upstream.items()}

    def expected(self, name: str, upstream: Mapping[str, Array] | None = None) -> Array:
        """Return the right gradient of a tensor from the measured derivatives; NaN where not measured."""
        expected = np.full(self.gradients[name].shape, np.nan)
        expected.flat[self.measured[name].picked] = self.measured[name].expected(
            self.upstream if upstream is None else upstream
        )
        return expected
