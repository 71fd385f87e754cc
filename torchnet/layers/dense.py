"""A matrix product and a bias, for one step or for all steps of a sequence at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import linear

from numnet.core import init as draw
from numnet.core.checks import check_features, check_size, validate_call
from numnet.core.checks.ties import check_tied_to, check_tied_width
from numnet.core.ties import Tied
from torchnet.core.device import DTypeLike, as_tensor
from torchnet.core.parameters import ParamOperation
from torchnet.layers.embedding import Embedding


class Dense(Tied, ParamOperation):
    """y = W x + b on the last axis: x (B, ..., D), y (B, ..., O); W (O, D), b (O,), as torch.nn.Linear.

    With bias=False there is no b, and y = W x. `initial` names the initialization: see `numnet.core.init`. ValueError
    if the width of x is not D.

    With `tied_to` an Embedding of O tokens, W is the matrix (O, D) of that embedding (Press & Wolf 2017): a parameter
    of the embedding alone, whose gradient is the sum of both uses. The bias is the layer's own. Both must be in the
    same model, or on the same Tape, and stay tied in copies and checkpoints. `tied_to` may also be the embedding's name
    in the model, such as "layers.0". A padding row of the embedding has no gradient here either. An embedding with
    std=1, the default, makes logits of about √D times the size of x; with std=D**-0.5 they begin as large as x.
    """

    W: Tensor
    b: Tensor

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
        dtype: DTypeLike = "float32",
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
        else:
            self.register_parameter("b", None)
        return self.output_size

    def config(self) -> dict[str, Any]:
        changed = {} if self.bias else {"bias": False}
        return {"output_size": self.output_size, "initial": self.initial, **changed, **self.tied_config()}

    def forward(self, x: Any) -> Tensor:
        """y (B, ..., O) from x (B, ..., D); the first call finds D. ValueError for another width than D."""
        x = as_tensor(x, self.name, "x")
        check_features(self.name, x, self.input_size)
        self.ready(x.shape[-1], x)
        if self.tied_to is not None:
            return self.tied_forward(x)
        x = self.followed(self.cast("x", x))
        y = linear(x, self.W, self.b)
        self.save_graph((y,), (x,))
        return y

    def tied_forward(self, x: Tensor) -> Tensor:
        """y with W of the embedding, as a view: its gradient is that of this use alone, also where x has read W."""
        x, W, padding = self.followed(self.tied_to.cast("x", x)), self.tied_to.W, self.tied_to.padding
        used = W.view_as(W)
        rows = used
        if padding is not None:
            tokens = torch.arange(len(W), device=W.device)
            rows = torch.where((tokens == padding)[:, None], used.detach(), used)
        y = linear(x, rows, self.b)
        self.save_graph((y,), (x, used))
        return y

    def backward(self, dy: Any) -> Any:
        """dx (B, ..., D) from dy (B, ..., O); gradients of parameters are ADDED. ValueError for another shape."""
        (y,), inputs = self.recall()
        dx, *of_table = self.pull((y,), inputs, (dy,))
        for dW in of_table:
            if dW is not None:
                W = self.tied_to.W
                W.grad = dW if W.grad is None else W.grad + dW
        return dx

    def changes_of_weights(self) -> int:
        return super().changes_of_weights() + (0 if self.tied_to is None else self.tied_to.changes_of_weights())
