"""Hypothesis strategies for your own tests: sizes, a seed and ragged lengths. The seed determines the arrays.

So hypothesis shrinks a failing test to a batch that a person can read: one row, two steps, one feature.

    from hypothesis import given

    from numnet import RecurrentLayer
    from numnet.check import assert_gradients, strategies
    from my_nodes import MyNode


    @given(strategies.batches())
    def test_my_node_through_time(batch):
        layer = RecurrentLayer(MyNode(batch.sizes.H, input_size=batch.sizes.D))
        assert_gradients(layer, batch.x, batch.state(batch.sizes.H), lengths=batch.lengths)


    @given(strategies.sizes(), strategies.seeds())
    def test_my_node(sizes, seed):
        assert_gradients(MyNode(sizes.H, input_size=sizes.D), sizes=sizes, seed=seed)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from numnet.check.engine.draw import Sizes
from numnet.core.operation import Array

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

MOST = Sizes(B=4, T=8, D=5, H=6)


@dataclass(frozen=True)
class Batch:
    """Sizes, a seed and the length of every row. The arrays are computed from the seed, the same on every access."""

    sizes: Sizes
    seed: int
    lengths: tuple[int, ...]

    @property
    def x(self) -> Array:
        """Random numbers (B, T, D)."""
        return np.random.default_rng([self.seed, 0]).standard_normal((self.sizes.B, self.sizes.T, self.sizes.D))

    @property
    def tokens(self) -> Array:
        """Random integers (B, T) from 0 to D - 1."""
        return np.random.default_rng([self.seed, 1]).integers(0, self.sizes.D, (self.sizes.B, self.sizes.T))

    def state(self, *widths: int) -> Any:
        """Return a random initial state (B, width); for several widths a tuple, such as (h, c) for an LSTM."""
        rng = np.random.default_rng([self.seed, 2])
        parts = tuple(rng.standard_normal((self.sizes.B, width)) for width in widths)
        return parts if len(parts) > 1 else parts[0]


def sizes(most: Sizes = MOST) -> SearchStrategy[Sizes]:
    """Sizes up to `most`. The smallest are B = D = H = 1 and T = 2, which has a first and a later step."""
    st = hypothesis_strategies()
    drawn = {"B": st.integers(1, most.B), "T": st.integers(2, most.T)}
    return st.builds(Sizes, **drawn, D=st.integers(1, most.D), H=st.integers(1, most.H))


def seeds() -> SearchStrategy[int]:
    """Seeds for numpy's generators, from 0."""
    return hypothesis_strategies().integers(0, 2**31 - 1)


def ragged_lengths(B: int, T: int) -> SearchStrategy[tuple[int, ...]]:
    """B lengths from 0 to T, often exactly T, 1 or 0. They shrink towards full rows."""
    st = hypothesis_strategies()
    length = st.sampled_from([T, 1, 0]) | st.integers(0, T).map(lambda missing: T - missing)
    return st.tuples(*[length] * B)


def batches(most: Sizes = MOST) -> SearchStrategy[Batch]:
    """Batches of sizes up to `most`, with ragged lengths."""
    st = hypothesis_strategies()

    def batch(draw: Any) -> Batch:
        drawn = draw(sizes(most))
        return Batch(drawn, draw(seeds()), draw(ragged_lengths(drawn.B, drawn.T)))

    return st.composite(batch)()


def hypothesis_strategies() -> Any:
    """Return hypothesis.strategies; if hypothesis is missing, ImportError names the command that installs it."""
    try:
        from hypothesis import strategies
    except ImportError:
        raise ImportError("numnet.check.strategies needs hypothesis: pip install 'numnet[test]'") from None
    return strategies
