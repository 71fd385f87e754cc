"""A matrix product and a bias, for one step or for all steps of a sequence at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from numnet.core import init as draw
from numnet.core.arrays import as_array
from numnet.core.attributes import save_for_backward
from numnet.core.checks import check_features, check_size, validate_call
from numnet.core.checks.ties import check_tied_to, check_tied_width
from numnet.core.layout import all_columns, columns, rows, times
from numnet.core.operation import Array
from numnet.core.pairs import add_grads, summed
from numnet.core.parameters import ParamOperation
from numnet.core.ties import Tied
from numnet.layers.embedding import Embedding


class Dense(Tied, ParamOperation):
    """y = W x + b  (1) on the last axis.

    x (B, ..., D), y (B, ..., O); W (O, D), b (O,); with bias=False there is no b, and y = W x. `initial` names the
    initialization: see `numnet.core.init`. ValueError if the width of x is not D.

    With `tied_to` an Embedding of O tokens, W is the matrix (O, D) of that embedding (Press & Wolf 2017): a parameter
    of the embedding alone, whose gradient is the sum of both uses. The bias is the layer's own. Both must be in the
    same model, or on the same Tape, and stay tied in copies and checkpoints. `tied_to` may also be the embedding's name
    in the model, such as "layers.0". A padding row of the embedding has no gradient here either. An embedding with
    std=1, the default, makes logits of about √D times the size of x; with std=D**-0.5 they begin as large as x.
    """

    W: Array
    b: Array
    dW: Array
    db: Array

    @validate_call
    def __init__(
        self,
        output_size: int,
        *,
        input_size: int | None = None,
        bias: bool = True,
        initial: str | float = "pytorch",
        tied_to: Any = None,
        seed: int | None = None,
        dtype: npt.DTypeLike = "float32",
    ) -> None:
        super().__init__(input_size, seed, dtype)
        check_size(self.name, output_size=output_size, input_size=input_size)
        draw.check_initial(self.name, initial)
        check_tied_to(self.name, tied_to, Embedding)
        self.output_size, self.bias, self.initial = output_size, bias, initial
        vars(self)["tied_to"] = tied_to
        if isinstance(tied_to, Embedding):
            self.tie(tied_to)
        self.ready(None if isinstance(tied_to, str) else input_size)

    def make(self, rng: np.random.Generator) -> int:
        if self.tied_to is None:
            W, b = draw.dense(self.initial, rng, self.output_size, self.width)
            self.add_param("W", W)
        else:
            check_tied_width(self.name, self.width, self.tied_to)
            b = draw.vector(self.initial, rng, self.output_size, self.width)
        if self.bias:
            self.add_param("b", b)
        return self.output_size

    def config(self) -> dict[str, Any]:
        changed = {} if self.bias else {"bias": False}
        return {"output_size": self.output_size, "initial": self.initial, **changed, **self.tied_config()}

    def forward(self, x: Any) -> Array:
        """y (B, ..., O) from x (B, ..., D); the first call finds D. ValueError for another width than D."""
        y, x = self.compute(self.validated(x))
        save_for_backward(self, (x, y.shape))
        return y

    def backward(self, dy: Any) -> Array:
        """dx (B, ..., D) from dy (B, ..., O); dW and db are ADDED. ValueError for another shape than y's."""
        x, y_shape = self.recall()
        dx, pairs = self.compute_backward(self.gradient(dy, y_shape, self.dtype), x)
        grads = {name: summed([pair]) for name, pair in pairs.items()}
        if self.tied_to is not None:
            add_grads(self.tied_to, {"W": grads.pop("W")})  # (1)   beside the gradient of its lookup
        add_grads(self, grads)
        return dx

    def validated(self, x: Any) -> Array:
        """x checked and cast; the first call finds D."""
        x = as_array(self.name, "x", x)
        check_features(self.name, x, self.input_size)
        self.ready(x.shape[-1])
        return x.astype(self.dtype, copy=False)

    def compute(self, x: Array) -> tuple[Array, Array]:
        """y, and what compute_backward needs."""
        x = columns(x)
        W = self.W if self.tied_to is None else self.tied_to.W
        y = times(W, x)  # (1)
        if self.bias:
            y += self.b[:, None]
        return rows(y), x

    def compute_backward(self, dy: Array, x: Array) -> tuple[Array, dict[str, Any]]:
        """dx, and the factors of dW and db."""
        dy = columns(dy)
        dy_all = all_columns(dy)
        of_b = {"b": (dy_all, None)} if self.bias else {}  # (1)
        W = self.W if self.tied_to is None else self.tied_to.W
        return rows(times(W.T, dy)), {"W": (self.of_table(dy_all), all_columns(x)), **of_b}  # (1)

    def of_table(self, dy: Array) -> Array:
        """dy (O, N), with 0 in the padding row of the embedding that the layer is tied to."""
        if self.tied_to is None or self.tied_to.padding is None:
            return dy
        return dy * (np.arange(len(dy)) != self.tied_to.padding)[:, None]

    def changes_of_weights(self) -> int:
        return self.weight_changes + (0 if self.tied_to is None else self.tied_to.weight_changes)
