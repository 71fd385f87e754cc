"""What a recurrent layer can be told besides its node, on either backend: no mathematics, so it stands once."""

from __future__ import annotations

import copy
import importlib
from collections.abc import Sequence
from typing import Any, TypedDict

import numpy as np
import numpy.typing as npt

from numnet import masks
from numnet.checks import check_fraction, check_options, check_rates, check_same_batch, check_size

Mask = npt.NDArray[np.bool_]


class Options(TypedDict, total=False):
    """The keywords that every recurrent layer takes besides its node's; RecurrentLayer says what each does."""

    batch_first: bool
    reverse: bool
    return_sequences: bool
    learn_state: bool
    stateful: bool
    state_dropout: float
    zoneout: float | Sequence[float]
    weight_dropout: float
    bidirectional: bool


DEFAULTS = Options(
    batch_first=True,
    reverse=False,
    return_sequences=True,
    learn_state=False,
    stateful=False,
    state_dropout=0.0,
    zoneout=0.0,
    weight_dropout=0.0,
)


class RecurrentOptions:
    """The part of RecurrentLayer that both backends share: options, configuration, the masks of one call."""

    node: Any
    name: str
    seed: int | None
    dtype: Any
    input_size: int | None
    output_size: int | None
    output: Any
    ready: Any
    hidden_size: int
    training: bool
    last_state: Any
    anew: Any = None  # (B,) the rows that reset_state has named since the last call
    batch_first: bool
    reverse: bool
    return_sequences: bool
    learn_state: bool
    stateful: bool
    state_dropout: float
    zoneout: list[float]
    weight_dropout: float
    drops: bool  # whether anything is drawn in training
    mask_seed = 0

    def __new__(cls, *arguments: Any, bidirectional: bool = False, **options: Any) -> Any:
        """The layer, or with bidirectional=True the Bidirectional of it."""
        if not bidirectional:
            return super().__new__(cls)
        ours = next(base for base in cls.__mro__ if base.__name__ == "RecurrentLayer")
        backend = importlib.import_module(ours.__module__.partition(".")[0])
        return backend.Bidirectional(cls(*arguments, **options))

    def set_options(self, options: Options) -> None:
        """Each as an attribute; what is not given is as in DEFAULTS."""
        given: dict[str, Any] = {**DEFAULTS, **options}
        given.pop("bidirectional", None)
        check_options(self.name, given, DEFAULTS)
        states, rates = self.node.states, given["zoneout"]
        given["zoneout"] = list(rates) if isinstance(rates, (tuple, list)) else [rates] * len(states)
        check_rates(self.name, given["zoneout"], states)
        check_fraction(self.name, state_dropout=given["state_dropout"], weight_dropout=given["weight_dropout"])
        vars(self).update(given, keeps_time=given["return_sequences"])
        self.drops = bool(self.state_dropout or self.weight_dropout or any(self.zoneout))
        if self.drops:
            self.calls = 0

    def config(self) -> dict[str, Any]:
        """The constructor's arguments; of the options, those that are not as in DEFAULTS."""
        node = self.node.config()
        if type(self).__name__ == "RecurrentLayer":
            node = {"node": {"type": type(self.node).__name__, **node}}
        unlike = {name: getattr(self, name) for name, value in DEFAULTS.items() if getattr(self, name) != value}
        if not any(self.zoneout):
            unlike.pop("zoneout", None)
        return {**node, "output_size": self.output_size, **unlike}

    def twin(self) -> Any:
        """The like of it for the other direction, with weights of its own."""
        twin: Any = copy.deepcopy(self)
        twin.reverse = not self.reverse
        twin.seed = None if self.seed is None else self.seed + 1
        for part in (twin, twin.node, twin.output):
            if part is not None:
                part.built = False
        if self.input_size is not None:
            twin.build(self.input_size, np.random.default_rng((self.seed or 0) + 1), self.dtype)
        return twin

    def reset_state(self, rows: Any = None) -> None:
        """A stateful layer's rows, all if none are named, begin anew."""
        if rows is None or self.last_state is None:
            self.last_state = None
            return
        parts = [part * 1 for part in self.node.each(self.last_state)]
        self.anew = np.zeros(len(parts[0]), bool) if self.anew is None else self.anew
        self.anew[rows] = True
        for part in parts:
            part[rows] = 0
        self.last_state = self.node.joined(parts)

    def remember(self, state: Any) -> None:
        """The state after a call, which has begun in whatever rows are anew."""
        self.last_state, self.anew = state, None

    def learned_rows(self, state: Any, B: int) -> Any:
        """(B,): True for the rows that begin with the learned state; None where there is no such row."""
        if not self.learn_state or state is not None:
            return None
        return self.anew if self.stateful and self.last_state is not None else np.ones(B, bool)

    def remembered(self, state: Any, B: int) -> Any:
        """The state given, or, where a layer is stateful, that after the last call."""
        if state is not None or not self.stateful or self.last_state is None:
            return state
        check_same_batch(self.name, len(self.node.each(self.last_state)[0]), B)
        return self.last_state

    def draw(self, B: int, T: int) -> dict[str, Any]:
        """The masks of one call: drop (B, H) and W_h's, already scaled, and for each part of the state k (B, T, H).

        In evaluation mode nothing is dropped, and k is its mean.
        """
        if not self.drops:
            return {}
        drawn: dict[str, Any] = {}
        rates = {name: p for name, p in zip(self.node.states, self.zoneout) if p}
        if not self.training:
            return {"zoneout": {name: np.asarray(p) for name, p in rates.items()}}
        self.calls += 1
        source, sizes = (self.mask_seed, self.calls), dict(zip(self.node.states, self.node.state_sizes))
        if self.state_dropout:
            drawn["state"] = scaled(self.state_dropout, (B, sizes["h"]), *source, masks.STATE)
        if self.weight_dropout:
            weights = getattr(self.node, self.node.recurrent_weights)
            drawn["weights"] = scaled(self.weight_dropout, tuple(weights.shape), *source, masks.WEIGHTS)
        drawn["zoneout"] = {
            name: ~masks.mask(p, (B, T, sizes[name]), *source, masks.ZONEOUT + k)
            for k, (name, p) in enumerate(rates.items())
        }
        return drawn


def scaled(p: float, shape: tuple[int, ...], *drawn_from: int) -> npt.NDArray[Any]:
    """1 / (1 - p) with probability 1 - p, else 0: so that nothing changes on average."""
    return masks.mask(p, shape, *drawn_from) / (1 - p)


def waiting(node: Any, input_size: int | None) -> Any:
    """The node, to be built for this width by its layer, from one generator with the layer's other parts."""
    check_size(node.name, input_size=input_size)
    node.input_size = input_size
    return node
