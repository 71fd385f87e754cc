"""The options of a recurrent layer besides its node's: shared by both backends, without mathematics."""

from __future__ import annotations

import copy
import importlib
import inspect
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np
import numpy.typing as npt

from numnet.core import random as masks
from numnet.core.checks import check_choice, check_fraction, check_options, check_rates, check_same_batch
from numnet.core.evaluation import OfCall


class Options(TypedDict, total=False):
    """The keywords of every recurrent layer besides its node's; RecurrentLayer describes them."""

    batch_first: bool
    reverse: bool
    return_sequences: bool
    learn_state: bool
    stateful: bool
    state_dropout: float
    zoneout: float | Sequence[float]
    weight_dropout: float
    bidirectional: bool


class LayerOptions(Options, total=False):
    """Those, and the keywords of every node: `initial` values, `seed` and `dtype`."""

    initial: str
    seed: int | None
    dtype: Any


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
OF_NODES = ("initial", "seed", "dtype")


def split_options(options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """A named layer's options: its node's, and its own."""
    of_node = {name: value for name, value in options.items() if name in OF_NODES}
    return of_node, {name: value for name, value in options.items() if name not in OF_NODES}


class RecurrentOptions:
    """The part of RecurrentLayer that both backends share: options, configuration, remembered states, masks."""

    seed: int | None
    last_state = OfCall()
    cleared = OfCall()  # (B,): the rows that reset_state has named since the last call
    drops: bool  # whether masks are drawn in training
    mask_seed = 0
    _use_fast = True
    plain_for = ""  # why the last call could not run in a kernel, whatever the layer's options

    if TYPE_CHECKING:  # what each backend's layer has

        def __getattr__(self, name: str) -> Any: ...

    def __new__(cls, *arguments: Any, bidirectional: bool = False, **options: Any) -> Any:
        """The layer, or with bidirectional=True the Bidirectional of it."""
        if not bidirectional:
            return super().__new__(cls)
        ours = next(base for base in cls.__mro__ if base.__name__ == "RecurrentLayer")
        backend = importlib.import_module(ours.__module__.partition(".")[0])
        return backend.Bidirectional(cls(*arguments, **options))

    def set_options(self, options: Options) -> None:
        """Each as an attribute, with the default of DEFAULTS; ValueError for one that the node cannot have."""
        given: dict[str, Any] = {**DEFAULTS, **options}
        given.pop("bidirectional", None)
        kind = Options if type(self).__name__ == "RecurrentLayer" else LayerOptions
        check_options(self.name, given, DEFAULTS, kind.__annotations__)
        states, rates = self.node.states, given["zoneout"]
        given["zoneout"] = list(rates) if isinstance(rates, (tuple, list)) else [rates] * len(states)
        check_rates(self.name, given["zoneout"], states)
        check_fraction(self.name, state_dropout=given["state_dropout"], weight_dropout=given["weight_dropout"])
        check_droppable(self.name, self.node, given)
        vars(self).update(given, keeps_time=given["return_sequences"])
        self.drops = bool(self.state_dropout or self.weight_dropout or any(self.zoneout))
        if self.drops:
            self.calls = 0

    @property
    def use_fast(self) -> bool:
        """Whether a call may run in a kernel."""
        return self._use_fast

    @use_fast.setter
    def use_fast(self, value: bool) -> None:
        check_choice(self.name, "use_fast", value, (True, False))
        self._use_fast = value

    @property
    def path(self) -> str:
        """How a call with the present options runs: "fast", in a kernel, or "plain: ", step by step, with the reason.

        Reasons that lie in the arguments, such as resets, are those of the last call.
        """
        reason = self.reason_plain(self.plain_for)
        return f"plain: {reason}" if reason else "fast"

    def reason_plain(self, of_call: str) -> str:
        """Why a call runs step by step, or ""; of_call is the reason that lies in its arguments."""
        return "use_fast is False" if not self.use_fast else self.why_plain() or of_call

    def why_plain(self) -> str:
        """The option for which there is no kernel, or ""."""
        if self.state_dropout and self.training:
            return "state_dropout is in no kernel"
        if any(self.zoneout):
            return "zoneout is in no kernel"
        return self.no_kernel

    @property
    def no_kernel(self) -> str:
        """Why the node has no kernel, or "": each backend's own."""
        return ""

    def config(self) -> dict[str, Any]:
        """The constructor's arguments; of the options, those that differ from DEFAULTS."""
        node = self.node.config()
        if type(self).__name__ == "RecurrentLayer":
            node = {"node": {"type": type(self.node).__name__, **node}}
        else:
            node |= self.node.chosen_by
        changed = {name: getattr(self, name) for name, value in DEFAULTS.items() if getattr(self, name) != value}
        if not any(self.zoneout):
            changed.pop("zoneout", None)
        return {**node, "output_size": self.output_size, **changed}

    def reversed_copy(self) -> Any:
        """A layer with the same options for the other direction, with weights of its own."""
        other: Any = copy.deepcopy(self)
        other.reverse = not self.reverse
        other.seed = None if self.seed is None else self.seed + 1
        for part in (other, other.node, other.output):
            if part is not None:
                part.built = False
        if self.input_size is not None:
            other.build(self.input_size, np.random.default_rng((self.seed or 0) + 1), self.dtype)
        return other

    def reset_state(self, rows: Any = None) -> None:
        """Forget the state of a stateful layer's rows, of all rows if none are named."""
        if rows is None or self.last_state is None:
            self.last_state = None
            return
        parts = [part * 1 for part in self.node.each(self.last_state)]
        self.cleared = np.zeros(len(parts[0]), bool) if self.cleared is None else self.cleared
        self.cleared[rows] = True
        for part in parts:
            part[rows] = 0
        self.last_state = self.node.joined(parts)

    def learned_rows(self, state: Any, B: int) -> Any:
        """(B,): True for the rows that start from the learned state; None where there is no such row."""
        if not self.learn_state or state is not None:
            return None
        return self.cleared if self.stateful and self.last_state is not None else np.ones(B, bool)

    def remembered(self, state: Any, B: int) -> Any:
        """The state given, or, of a stateful layer, that after the last call."""
        if state is not None or not self.stateful or self.last_state is None:
            return state
        check_same_batch(self.name, len(self.node.each(self.last_state)[0]), B)
        return self.last_state

    def seed_of_masks(self, rng: np.random.Generator) -> int:
        """The seed of the masks of all calls; ValueError if weight_dropout has no weights to drop."""
        check_recurrent_weights(self.name, self.node, self.weight_dropout)
        return int(rng.integers(2**31))

    def draw(self, B: int, T: int) -> dict[str, Any]:
        """The masks of one call: "state" (B, H) and "weights" (of W_h), scaled; "zoneout", k (B, T, H) by state name.

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
            drawn["state"] = scaled(self.state_dropout, (B, self.node.state_sizes[0]), *source, masks.STATE)
        if self.weight_dropout:
            weights = getattr(self.node, self.node.recurrent_weights)
            drawn["weights"] = scaled(self.weight_dropout, tuple(weights.shape), *source, masks.WEIGHTS)
        drawn["zoneout"] = {
            name: ~masks.mask(p, (B, T, sizes[name]), *source, masks.ZONEOUT + k)
            for k, (name, p) in enumerate(rates.items())
        }
        return drawn


def scaled(p: float, shape: tuple[int, ...], *drawn_from: int) -> npt.NDArray[Any]:
    """1 / (1 - p) with probability 1 - p, else 0: the mean is 1."""
    return masks.mask(p, shape, *drawn_from) / (1 - p)


def check_droppable(who: str, node: Any, given: Mapping[str, Any]) -> None:
    """ValueError for a dropout that has nothing to drop in this node."""
    kind = type(node).__name__
    steps = [node.step, getattr(node, "step_backward", node.step)]  # a torchnet node has step alone
    if given["state_dropout"] and not all("drop" in inspect.signature(step).parameters for step in steps):
        raise ValueError(
            f"{who}: state_dropout is {given['state_dropout']}, expected 0: the step of {kind} takes no `drop`, for it "
            "multiplies the previous state by no weights. Use zoneout, or Dropout before the layer."
        )
    if given["weight_dropout"] and node.recurrent_weights is None:
        raise ValueError(
            f"{who}: weight_dropout is {given['weight_dropout']}, expected 0: {kind} has no weights for the previous "
            "state (recurrent_weights is None). Use zoneout, or Dropout before the layer."
        )


def check_recurrent_weights(who: str, node: Any, weight_dropout: float) -> None:
    """ValueError if weight_dropout names weights that a node, now built, does not have."""
    if weight_dropout and not hasattr(node, str(node.recurrent_weights)):
        raise ValueError(
            f"{who}: weight_dropout is {weight_dropout}, expected 0: {type(node).__name__} has no parameter "
            f"{node.recurrent_weights}. Name its weights of the previous state in recurrent_weights, or use zoneout."
        )
