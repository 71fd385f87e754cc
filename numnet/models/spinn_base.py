"""The part of SPINN that both backends share: its inputs, the choice of the moves, its config; no mathematics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from numnet.core.arrays import as_array
from numnet.core.checks import check_choice, check_config, check_probability, check_shape, described
from numnet.core.checks.spinn import check_given, check_own_moves, check_parse_alone, check_weight, check_words
from numnet.core.lengths import as_mask, mask_of
from numnet.core.schedules import SCHEDULES, Schedule
from numnet.core.shift_reduce import SKIP, check_transitions
from numnet.core.stack_rows import StackRows
from numnet.data.transitions import EncodedParse, ParseBatch, Transitions
from numnet.data.tree import Tree
from numnet.models.base import ModelBase, config_of

Array = npt.NDArray[Any]
DRIVES = ("given", "own")
PARTS = ("leaf", "reduce", "tracker")
OPTIONS = ("drive", "teacher_forcing", "transition_weight", "return_nodes", "input_size", "seed", "dtype")


class SPINNBase(ModelBase):
    """The part of SPINN that both backends share."""

    leaf: Any
    reduce: Any
    tracker: Any
    training: bool
    drive: str
    teacher_forcing: float | Schedule
    transition_weight: float
    return_nodes: bool
    changeable: tuple[str, ...] = ("drive", "teacher_forcing", "transition_weight")
    as_values: Any  # x as an array or tensor
    loss: Any = None
    reads_parses = True
    calls = 0  # in training: teacher forcing is drawn for each of them

    def arguments(self) -> dict[str, Any]:
        return {"leaf": self.leaf.layers}

    @property
    def named_layers(self) -> dict[str, Any]:
        """All parts by name."""
        layers = {f"leaf.layers.{k}": layer for k, layer in enumerate(self.leaf.layers)}
        return {**layers, "reduce": self.reduce, **({} if self.tracker is None else {"tracker": self.tracker})}

    @property
    def layers(self) -> list[Any]:
        """All parts, in the order in which they are called."""
        return list(self.named_layers.values())

    @property
    def predicts(self) -> bool:
        """Whether there is a tracker that scores the moves."""
        return self.tracker is not None and self.tracker.reads_out

    @property
    def words_alone(self) -> bool:
        """Whether leaf reads each word by itself; all words are then sequences of one step, without padding."""
        return not any(layer.needs_sequences for layer in self.leaf.layers)

    def check_option(self, name: str, value: Any) -> None:
        """Check the range of an option, in the constructor and in an assignment."""
        if name == "drive":
            check_choice(self.name, "drive", value, DRIVES)
            check_own_moves(self.name, value, self.predicts)
        elif name == "teacher_forcing" and not isinstance(value, Schedule):
            check_probability(self.name, name, value)
        elif name == "transition_weight":
            check_weight(self.name, value)
        super().check_option(name, value)  # type: ignore[misc]

    def check_options(self) -> None:
        for name in self.changeable:
            self.check_option(name, getattr(self, name))

    def known_input_size(self) -> int | None:
        """Return the width of x, or None if the first batch decides it."""
        first = self.leaf.layers[0] if len(self.leaf.layers) else None
        vars(self)["input_size"] = self.input_size or getattr(first, "input_size", None)
        return self.input_size

    def validated_batch(self, x: Any, lengths: Any, transitions: Any) -> tuple[Any, Array, Array | None]:
        """Return x (B, N) or (B, N, D), lengths (B,) and transitions (B, 2N - 1) or None, checked."""
        if isinstance(x, ParseBatch):
            check_parse_alone(self.name, lengths=lengths, transitions=transitions)
            x, lengths, transitions = x
        check_encoded(self.name, x)
        check_given(self.name, self.drive, transitions)
        x = self.as_values(x)
        check_words(self.name, x, self.leaf.layers[0] if len(self.leaf.layers) else None)
        B, N = x.shape[:2]
        lengths = counts_of_words(self.name, lengths, B, N)
        if transitions is None:
            return x, lengths, None
        transitions = as_array(self.name, "transitions", transitions, detach=True)
        expected = (B, max(2 * N - 1, 0))
        check_shape(self.name, "transitions", transitions.shape, expected, "2N - 1 moves, padded with SKIP (2).")
        return x, lengths, check_transitions(self.name, transitions, lengths)[0]

    def choice_of_moves(self, stack: StackRows, given: Array | None) -> Moves:
        """Return what chooses the moves of this call."""
        follow = np.ones(stack.nodes.shape, bool)
        if self.drive == "own":
            forcing, follow = self.teacher_forcing, np.zeros(stack.nodes.shape, bool)
            if self.training and given is not None:
                rate = forcing(self.calls) if isinstance(forcing, Schedule) else forcing
                check_probability(self.name, "teacher_forcing", rate)
                rng = np.random.default_rng([self.seed or 0, self.calls + 1])
                follow = rng.random(follow.shape) < rate
        return Moves(stack, given, follow)

    def config(self) -> dict[str, Any]:
        forcing: Any = self.teacher_forcing
        if isinstance(forcing, Schedule):
            forcing = {"type": type(forcing).__name__, **vars(forcing)}
        parts = {name: config_of(getattr(self, name)) for name in ("reduce", "tracker")}
        own = {name: getattr(self, name) for name in OPTIONS}
        return {"leaf": config_of(self.leaf.layers), **parts, **own, "teacher_forcing": forcing, **self.shared_config()}

    @classmethod
    def from_config(cls, config: dict[str, Any], device: Any = "cpu") -> Any:
        check_config(cls.__name__, config, (*PARTS, *OPTIONS))
        parts = {name: cls.from_entry(config[name]) for name in PARTS}
        options = {name: config[name] for name in OPTIONS}
        forcing = options["teacher_forcing"]
        if isinstance(forcing, dict):
            options["teacher_forcing"] = SCHEDULES[forcing["type"]](**{k: v for k, v in forcing.items() if k != "type"})
        model: Any = cls
        return model(**parts, **options, device=device)


def check_encoded(who: str, x: Any) -> None:
    """Raise TypeError for parses or text in place of the arrays of a batch, and for these arrays in one argument."""
    first = x[0] if isinstance(x, (list, tuple)) and len(x) else x
    expected = "expected words (batch, N) or a ParseBatch"
    if isinstance(first, (str, Tree, Transitions, EncodedParse)):
        got = described(x) if first is x else f"a {type(x).__name__} of {type(first).__name__}"
        raise TypeError(f"{who}: x is {got}, {expected}. Pass pad_parses(parses, vocabulary).")
    if isinstance(x, (list, tuple)) and len(x) == 3 and [np.ndim(part) for part in x[1:]] == [1, 2]:
        raise TypeError(f"{who}: x is a {type(x).__name__} of three arrays, {expected}. Pass ParseBatch(*x).")


def counts_of_words(who: str, lengths: Any, B: int, N: int) -> Array:
    """Return the lengths (B,) for lengths, a mask (B, N) whose padding is at the end, or None."""
    mask = as_mask(who, lengths, B, N)
    if mask is None:
        return np.full(B, N)
    counts: Array = mask.sum(axis=1)
    gaps = (mask != mask_of(counts, N)).any(axis=1)
    if gaps.any():
        b = gaps.argmax()
        raise ValueError(
            f"{who}: lengths[{b}] is a mask with a gap, expected its words, then its padding. Remove the gap."
        )
    return counts


class Moves:
    """Chooses the moves of a batch, step by step: the given ones where `follow` (B, T) says so, else its own.

    Its own move is the valid one with the higher score. A given move that is not valid, after moves of its own, is not
    followed, and is no target of the transition loss.

    made               (B, T): the moves of each sentence; SKIP after the last one
    reads_scores       whether there may be own moves; else all moves are known before the first step
    valid              for each step (2, n): where SHIFT and where REDUCE is valid
    targets, counted   for each step (n,): the given moves, and whether they are valid
    """

    def __init__(self, stack: StackRows, given: Array | None, follow: Array) -> None:
        self.stack, self.given, self.follow = stack, given, follow
        self.made, self.reads_scores = np.full(follow.shape, SKIP), not follow.all()
        self.valid: list[Array] = []
        self.targets: list[Array] = []
        self.counted: list[Array] = []

    def __call__(self, scores: Array | None = None) -> Array:
        """Return the moves (n,) of the running sentences, from the scores (2, n), or without them the given moves."""
        rows, t = self.stack.order[: self.stack.running], self.stack.step
        valid = np.stack(self.stack.valid())
        self.valid.append(valid)
        own: Any = None if scores is None else likelier(valid, scores)
        moves = own if self.given is None else self.given[rows, t]
        if self.given is not None:
            possible = valid[moves, np.arange(len(rows))]
            self.targets.append(moves)
            self.counted.append(possible)
            if scores is not None:
                moves = np.where(possible & self.follow[rows, t], moves, own)
        self.made[rows, t] = moves
        return np.asarray(moves)

    def predicted(self, scores: Sequence[Array]) -> Array:
        """Return (B, T): the own move of every step, whatever was made. The scores (2, n) are those of all steps."""
        predicted = np.full_like(self.made, SKIP)
        if self.valid:
            steps, places = np.nonzero(self.made[self.stack.order].T != SKIP)  # the running sentences of each step
            own = likelier(np.concatenate(self.valid, axis=1), np.concatenate(scores, axis=1))
            predicted[self.stack.order[places], steps] = own
        return predicted


def likelier(valid: Array, scores: Array) -> Array:
    """(3) Return the valid move (n,) with the higher score, from (2, n)."""
    own: Array = np.where(valid, scores, -np.inf).argmax(axis=0)
    return own
