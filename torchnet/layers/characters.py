"""Word vectors computed from characters, so that unknown words have endings, capitals and digits too."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor

from numnet.core.checks import check_characters, check_size, validate_call
from torchnet.core.device import DTypeLike, as_tensor
from torchnet.core.parameters import Layer
from torchnet.layers.convolution import Convolution
from torchnet.layers.embedding import Embedding
from torchnet.layers.pooling import Pooling


class Characters(Layer):
    """A vector for each word, from its characters: the maximum over all windows (dos Santos & Zadrozny 2014).

    An Embedding of the characters, a Convolution over the word, and the maximum over its characters (Pooling).

    x (B, ..., C): each word is a row of character numbers, 0 < x_c < A, then zeros; y (B, ..., O), 0 for an empty word.
    `input_size` is A, `embedding_size` the embedding's width, `width` the convolution's. Words have no gradient:
    backward returns None. IndexError for a character outside of 0..A-1, ValueError for one after a 0.
    """

    reads = "rows of tokens"
    fixed = "embedding", "convolution", "pooling"

    @validate_call
    def __init__(
        self,
        input_size: int,
        *,
        embedding_size: int,
        output_size: int,
        width: int = 3,
        initial: str | float = "pytorch",
        seed: int | None = None,
        dtype: DTypeLike = "float32",
    ) -> None:
        super().__init__(input_size, seed, dtype)
        check_size(self.name, input_size=input_size, embedding_size=embedding_size)
        check_size(self.name, output_size=output_size, width=width)
        self.output_size = output_size
        self.embedding = Embedding(input_size, embedding_size, dtype=dtype)
        self.convolution = Convolution(output_size, width=width, input_size=None, initial=initial, dtype=dtype)
        self.pooling = Pooling("max")
        self.ready(input_size)

    def make(self, rng: np.random.Generator) -> int:
        width = self.embedding.build(self.width, rng, self.dtype)
        return self.convolution.build(width, rng, self.dtype)

    def config(self) -> dict[str, Any]:
        sizes = {"input_size": self.input_size, "embedding_size": self.embedding.output_size}
        return {**sizes, **{name: self.convolution.config()[name] for name in ("output_size", "width", "initial")}}

    def forward(self, x: Any) -> Tensor:
        """y (B, ..., O) from rows of characters x (B, ..., C). IndexError for a character outside of 0..A-1."""
        x = as_tensor(x, self.name, "x")
        check_characters(self.name, x, self.width)
        words = x.reshape(-1, x.shape[-1])
        words = words[:, : max(1, int((words != 0).sum(dim=1).max()))]
        real = words != 0
        y = self.pooling(self.convolution(self.embedding(words), real), real)
        y = y.reshape(*x.shape[:-1], self.output_size)
        self.save_graph((y,), ())
        return y

    def backward(self, dy: Any) -> None:
        """None, for characters have no gradient; those of the parameters are ADDED, from dy (B, ..., O)."""
        (y,), _ = self.recall()
        self.pull((y,), (), (dy,))
