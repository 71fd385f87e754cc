"""The base class of all parts of a network: forward and backward, saved values, modes, the parts inside."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from numnet.core.answers import check_inputs
from numnet.core.arrays import as_array
from numnet.core.assignment import Assigned
from numnet.core.attributes import Mode, Saved, attributes_of_copy, saved_by_this_thread
from numnet.core.checks import check_saved, check_state_shape, no_method
from numnet.core.freezing import Freezing

Array = npt.NDArray[Any]


class Operation(Freezing, Assigned):
    """y = f(x) forward; dx from dy backward, where dy is the gradient of a loss with respect to y.

    `forward` stores in `saved` the values that `backward` needs, for the latest call only. It stores x itself, not a
    copy: do not modify x in place before `backward`. Predictions and evaluations, in any thread, do not change `saved`.

    An operation of one input may also have pure functions, as Dense has; a Tape then calls these:

        validated(x) -> x                           x checked and cast
        compute(x) -> y, saved                      y, and the values saved for compute_backward
        compute_backward(dy, saved) -> dx, pairs    (da, h) of each weight W, whose gradient is Σ da hᵀ: pairs.py
    """

    takes: tuple[str, ...] = ("x",)  # the inputs of forward; with several, backward returns a gradient for each
    recurrent = False  # has a state, and takes lengths
    over_time = False  # takes lengths: reads several steps of a sequence, without a state
    keeps_time = True
    reads = "numbers"  # or "tokens" or "rows of tokens", integers, which have no gradient
    batch_first: Any = None  # False for (T, B, ...); None where the layer accepts both
    last_state: Any = None
    d_state: Any = None
    weight_changes = 0
    training = Mode()
    saved = Saved()

    def __init__(self) -> None:
        super().__init__()

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self.guarded and self.assigned(name, value):
            return
        object.__setattr__(self, name, value)

    @property
    def needs_sequences(self) -> bool:
        """Whether y of a step depends on the steps before or after it."""
        return self.recurrent or self.over_time

    @property
    def name(self) -> str:
        """The name in error messages."""
        return type(self).__name__

    def forward(self, x: Any) -> Array:
        """y; what backward needs is stored in `saved`."""
        raise no_method(self, "forward", "forward(x) → y")

    def backward(self, dy: Any) -> Array | None:
        """dx, of x's shape, from dy, of y's shape; None if x has no gradient. RuntimeError before forward."""
        raise no_method(self, "backward", "backward(dy) → dx")

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        if options:
            check_inputs(self, options)
        return self.forward(*inputs, **options)

    def recall(self) -> Any:
        """Return the values that the last forward saved; RuntimeError as in saved_by_this_thread."""
        saved = saved_by_this_thread(self)
        if saved is None:
            check_saved(self.name, saved)
        return saved

    def as_real(self, name: str, x: Any) -> Array:
        """Return x as an array of real numbers; floats keep their dtype, integers become float32."""
        x = as_array(self.name, name, x)
        return x if x.dtype.kind == "f" else x.astype(np.float32)

    def gradient(self, dy: Any, y_shape: tuple[int, ...], dtype: npt.DTypeLike) -> Array:
        """Return the upstream gradient as an array of y's shape; None becomes zeros."""
        dy = np.zeros(y_shape) if dy is None else as_array(self.name, "dy", dy)
        dy = dy.astype(dtype, copy=False)
        check_state_shape(self.name, "dy", dy.shape, y_shape, "It has the shape of y.")
        return dy

    def __getstate__(self) -> dict[str, Any]:
        """Copy the parameters, not the values saved by the last call."""
        return attributes_of_copy(self)

    def build(self, input_size: int, rng: np.random.Generator, dtype: npt.DTypeLike) -> int:
        """Create the parameters for inputs of this width, unless they exist; return the width of the outputs."""
        return input_size

    def config(self) -> dict[str, Any]:
        """Return the constructor's arguments, from which an equal part can be created."""
        return {}

    def parts(self) -> dict[str, Operation]:
        """Return the operations it contains, by name; parameters of one with the name '' have no prefix."""
        return {}

    def modules(self) -> Iterator[Operation]:
        """Yield the operation and all operations inside it."""
        yield self
        for part in self.parts().values():
            yield from part.modules()

    def changes_of_weights(self) -> int:
        """Return how often the parameters were changed by an optimizer, a file, `convert` or an assignment.

        Changes of an array in place are not counted, such as layer.W[0] = 0.
        """
        parts = self.parts()
        return self.weight_changes + (sum(part.changes_of_weights() for part in parts.values()) if parts else 0)

    def count_change(self) -> None:
        """Count a change of the parameters: backward passes of earlier calls are then refused."""
        for module in self.modules():
            vars(module)["weight_changes"] = module.weight_changes + 1

    def train(self, mode: bool = True) -> Operation:
        """Set training mode (dropout is active) or, with False, evaluation mode, for all parts."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Operation:
        """Set evaluation mode: dropout is inactive."""
        return self.train(False)
