"""The options of a recurrent layer besides its node's: shared by both backends, without mathematics."""

from __future__ import annotations

import copy
import importlib
import inspect
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from numnet.core import random as masks
from numnet.core.attributes import OfCall
from numnet.core.checks import (
    check_choice,
    check_droppable,
    check_fraction,
    check_layer_count,
    check_options,
    check_rates,
    check_rows_of_state,
    check_same_batch,
    check_size,
    other_function,
)
from numnet.core.checks.arguments import check_kind, kinds_of, validate_call
from numnet.recurrent.signature import Signature
from numnet.recurrent.trace import trace


class RecurrentOptions:
    """The part of RecurrentLayer that both backends share: options, configuration, stored states, masks."""

    seed: int | None
    fixed: tuple[str, ...] = ("node", "output", "keeps_time", "drops")
    changeable: tuple[str, ...] = ("reverse", "stateful")
    last_state = OfCall()
    cleared = OfCall()  # (B,): the rows given to reset_state since the last call
    __signature__ = Signature()
    node_types: ClassVar[Sequence[Any]] = ()  # of a named layer: its node, and the variant of it
    variant_options: ClassVar[dict[str, Any]] = {}  # with their defaults: any other value selects the variant
    variant: Mapping[str, Any] = MappingProxyType({})  # the variant options that differ from their defaults
    drops: bool  # True if masks are drawn in training
    mask_seed = 0
    _use_fast = True
    trace = trace
    record: Any = None  # of a copy of the layer for one recorded call
    other_function = ""  # why no kernel supports the node's activation
    plain_for = ""  # why the arguments of the last call ruled out a kernel

    if TYPE_CHECKING:  # defined by the layer of each backend

        def __getattr__(self, name: str) -> Any: ...

    @validate_call
    def __new__(
        cls, *arguments: Any, bidirectional: bool = False, layers: int = 1, dropout: float = 0.0, **options: Any
    ) -> Any:
        """The layer; with bidirectional=True the Bidirectional of it; with layers=2 or more a RecurrentStack."""
        check_layer_count(cls, layers, dropout)
        if layers > 1:
            return stack_of(cls, arguments, {**options, "bidirectional": bidirectional}, layers, dropout)
        if not bidirectional:
            return super().__new__(cls, *arguments, **options)
        return backend_of(cls).Bidirectional(cls(*arguments, **options))

    def make_node(self, hidden_size: int, input_size: int | None, options: dict[str, Any]) -> Any:
        """The node of a named layer, not built yet. Its options are removed from `options`."""
        who, given = type(self).__name__, dict[str, Any]()
        for name, default in self.variant_options.items():
            kinds = kinds_of("int | None" if default is None else type(default).__name__)
            given[name] = check_kind(who, name, options.pop(name, default), kinds)
        self.variant = {name: value for name, value in given.items() if value != self.variant_options[name]}
        kind, given = self.node_types[bool(self.variant)], {**self.variant, **options}
        of_node = {name: given[name] for name in inspect.signature(kind).parameters if name in given}
        for name in of_node:
            options.pop(name, None)
        node = kind(hidden_size, **of_node)
        check_size(node.name, input_size=input_size)
        node.input_size = input_size
        return node

    @validate_call
    def set_options(
        self,
        *,
        batch_first: bool = True,
        reverse: bool = False,
        return_sequences: bool = True,
        learn_state: bool = False,
        stateful: bool = False,
        state_dropout: float = 0.0,
        zoneout: float | Sequence[float] = 0.0,
        weight_dropout: float = 0.0,
        bidirectional: bool = False,
        layers: int = 1,
        dropout: float = 0.0,
        **unknown: Any,
    ) -> None:
        """Set each option as an attribute; ValueError for one that the node does not support."""
        check_options(self.name, unknown, type(self))
        self.batch_first, self.reverse = batch_first, reverse
        self.return_sequences = self.keeps_time = return_sequences
        self.learn_state, self.stateful = learn_state, stateful
        self.state_dropout, self.weight_dropout = state_dropout, weight_dropout
        rates: Any = zoneout if isinstance(zoneout, (tuple, list)) else [zoneout] * len(self.node.states)
        self.zoneout: list[float] = list(rates)
        check_rates(self.name, self.zoneout, self.node.states)
        check_fraction(self.name, state_dropout=state_dropout, weight_dropout=weight_dropout)
        check_droppable(self.name, self.node, state_dropout, weight_dropout)
        self.other_function = other_function(self.node)
        self.drops = bool(state_dropout or weight_dropout or any(self.zoneout))
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

        Reasons in the arguments of a call, such as resets, are those of the last call.
        """
        reason = self.why_plain(self.plain_for)
        return f"plain: {reason}" if reason else "fast"

    def why_plain(self, of_call: str) -> str:
        """Return why a call runs step by step, or ""; of_call is a reason in its arguments."""
        if not self.use_fast:
            return "use_fast is False"
        if self.state_dropout and self.training:
            return "no kernel supports state_dropout"
        return "no kernel supports zoneout" if any(self.zoneout) else self.other_function or self.no_kernel or of_call

    def config(self) -> dict[str, Any]:
        """The constructor's arguments; of the options, those that differ from their defaults."""
        node = {**self.node.config(), **self.variant}
        if type(self).__name__ == "RecurrentLayer":
            node = {"node": {"type": type(self.node).__name__, **node}}
        defaults = {p.name: p.default for p in inspect.signature(self.set_options).parameters.values()}
        defaults["zoneout"] = [0] * len(self.zoneout)
        changed = {name: getattr(self, name, value) for name, value in defaults.items()}
        changed = {name: value for name, value in changed.items() if value != defaults[name]}
        return {**node, "output_size": self.output_size, **changed}

    def reversed_copy(self) -> Any:
        """Create a layer with the same options and its own weights for the other direction."""
        other: Any = copy.deepcopy(self)
        other.reverse = not self.reverse
        vars(other)["seed"] = None if self.seed is None else self.seed + 1
        for part in (other, other.node, other.output):
            if part is not None:
                part.built = False
        if self.input_size is not None:
            rng = other.own_generator() if self.seed is None else np.random.default_rng(self.seed + 1)
            other.build(self.input_size, rng, self.dtype)
        return other

    def reset_state(self, rows: Any = None) -> None:
        """Forget the state of a stateful layer's rows, of all rows if none are named."""
        if rows is None or self.last_state is None:
            self.last_state = None
            return
        parts = [part * 1 for part in self.node.each(self.last_state)]
        rows = check_rows_of_state(self.name, rows, len(parts[0]))
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
        """Return the given state, or, for a stateful layer, the state after the last call."""
        if state is not None or not self.stateful or self.last_state is None:
            return state
        check_same_batch(self.name, len(self.node.each(self.last_state)[0]), B)
        return self.last_state

    def seed_of_masks(self, rng: np.random.Generator) -> int:
        """The seed of the masks of all calls; ValueError if weight_dropout has no weights to drop."""
        name, rate = self.node.recurrent_weights, self.weight_dropout
        if rate and not hasattr(self.node, name):
            raise ValueError(
                f"{self.name}: weight_dropout is {rate}, expected 0: {type(self.node).__name__} has no parameter "
                f"{name}. Name its weights of the previous state in recurrent_weights, or use zoneout."
            )
        return int(rng.integers(2**31))

    def draw_masks(self, B: int, T: int) -> dict[str, Any]:
        """Draw the masks of one call: "state" (B, H) and "weights" (of W_h), scaled; "zoneout", k (B, T, H) by state.

        In evaluation mode nothing is dropped, and k is its mean.
        """
        node, dropout_masks = self.node, dict[str, Any]()
        rates = {name: float(p) for name, p in zip(node.states, self.zoneout) if p}
        if not self.training:
            return {"zoneout": rates}
        self.calls += 1
        source, sizes = (self.mask_seed, self.calls), dict(zip(node.states, node.state_sizes))
        if self.state_dropout:
            dropout_masks["state"] = scaled(self.state_dropout, (B, node.state_sizes[0]), *source, masks.STATE)
        if self.weight_dropout:
            shape = tuple(getattr(node, node.recurrent_weights).shape)
            dropout_masks["weights"] = scaled(self.weight_dropout, shape, *source, masks.WEIGHTS)
        dropout_masks["zoneout"] = {
            name: ~masks.mask(p, (B, T, sizes[name]), *source, masks.ZONEOUT + k)
            for k, (name, p) in enumerate(rates.items())
        }
        return dropout_masks


def backend_of(kind: type) -> Any:
    """Return the package, numnet or torchnet, that the class or its base class belongs to."""
    ours = next(base for base in kind.__mro__ if base.__name__ == "RecurrentLayer")
    return importlib.import_module(ours.__module__.partition(".")[0])


def stack_of(kind: Any, arguments: tuple[Any, ...], options: dict[str, Any], layers: int, dropout: float) -> Any:
    """Return a RecurrentStack of that many layers of a kind. The first reads x, the last alone has other outputs."""
    inner, made, seed = {**options, "output_size": None, "return_sequences": True}, [], options.get("seed")
    for k in range(layers):
        own = {"seed": None if seed is None else seed + 2 * k, "input_size": None if k else options.get("input_size")}
        made.append(kind(*arguments, **{**(options if k == layers - 1 else inner), **own}))
    return backend_of(kind).RecurrentStack(made, dropout)


def scaled(p: float, shape: tuple[int, ...], *drawn_from: int) -> npt.NDArray[Any]:
    """1 / (1 - p) with probability 1 - p, else 0: the mean is 1."""
    return masks.mask(p, shape, *drawn_from) / (1 - p)
