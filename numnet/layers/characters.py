"""Word vectors computed from characters, so that unknown words have endings, capitals and digits too."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from numnet.core.arrays import as_array
from numnet.core.checks import check_characters, check_size, validate_call
from numnet.core.operation import Array, Operation
from numnet.core.packed import Packed
from numnet.core.pairs import sum_by_token
from numnet.core.parameters import Layer
from numnet.layers.convolution import Convolution
from numnet.layers.embedding import Embedding
from numnet.layers.pooling import Pooling


class Characters(Layer):
    """A vector for each word, from its characters: the maximum over all windows (dos Santos & Zadrozny 2014).

        e_c = E[x_c]                      (1)  Embedding: E (A, E), x_c the word's character c
        a_c = Σ_k W_k e_{c+k-h} + b       (2)  Convolution: K characters around each, 0 beyond the word's ends
        y_o = max_c a_{c,o}               (3)  Pooling

    x (B, ..., C): each word is a row of character numbers, 0 < x_c < A, then zeros; y (B, ..., O), 0 for an empty word.
    `input_size` is A, `embedding_size` the width of E, `width` K. Words have no gradient: backward returns None.
    IndexError for a character outside of 0..A-1, ValueError for one after a 0.

    Equal words are computed once, and their dy are summed; padding is not computed.
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
        dtype: npt.DTypeLike = "float32",
    ) -> None:
        super().__init__(input_size, seed, dtype)
        check_size(self.name, input_size=input_size, embedding_size=embedding_size)
        check_size(self.name, output_size=output_size, width=width)
        self.output_size = output_size
        self.embedding = Embedding(input_size, embedding_size, dtype=dtype)
        self.convolution = Convolution(output_size, width=width, input_size=None, initial=initial, dtype=dtype)
        self.pooling = Pooling("max")
        self.ready(input_size)

    def parts(self) -> dict[str, Operation]:
        return {"embedding": self.embedding, "convolution": self.convolution, "pooling": self.pooling}

    def make(self, rng: np.random.Generator) -> int:
        width = self.embedding.build(self.width, rng, self.dtype)
        return self.convolution.build(width, rng, self.dtype)

    def config(self) -> dict[str, Any]:
        sizes = {"input_size": self.input_size, "embedding_size": self.embedding.output_size}
        return {**sizes, **{name: self.convolution.config()[name] for name in ("output_size", "width", "initial")}}

    def forward(self, x: Any) -> Array:
        """y (B, ..., O) from rows of characters x (B, ..., C). IndexError for a character outside of 0..A-1."""
        x = as_array(self.name, "x", x)
        check_characters(self.name, x, self.width)
        words, which = distinct(x.reshape(-1, x.shape[-1]), self.width)
        lengths = np.count_nonzero(words, axis=1)
        some = lengths > 0
        y = np.zeros((len(words), self.output_size), self.dtype)
        if some.any():
            e = self.embedding(words[words > 0])  # (1)
            a = self.convolution(Packed(e, lengths[some]))  # (2)
            y[some] = self.pooling(a)  # (3)
        shape = (*x.shape[:-1], self.output_size)
        self.saved = which, some, shape
        return y[which].reshape(shape)

    def backward(self, dy: Any) -> None:
        """None, for characters have no gradient; those of the parameters are ADDED, from dy (B, ..., O)."""
        which, some, shape = self.recall()
        dy = self.gradient(dy, shape, self.dtype).reshape(-1, self.output_size)
        if some.any():
            dy = sum_by_token(which, dy.T)[1].T[some]
            da = self.pooling.backward(dy)  # (3)
            de = self.convolution.backward(da)  # (2)
            self.embedding.backward(de.values)  # (1)


def distinct(words: Array, size: int) -> tuple[Array, Array]:
    """Return the distinct words (U, C) among the words (N, C), and the index (N,) of each word among them.

    Words are compared as strings of bytes, in which numpy ignores zeros at the end, as it should.
    """
    letters = np.ascontiguousarray(words, np.min_scalar_type(size - 1))
    strings = letters.view(f"S{letters[0:1].nbytes or 1}")[:, 0]
    found, which = np.unique(strings, return_inverse=True)
    return found.view(letters.dtype).reshape(-1, words.shape[1]), which
