"""The part of an optimizer that both backends share: options, rates, groups, counts of updates; no mathematics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from numnet.core.assignment import Rechecked, is_ours, option_names
from numnet.core.checks import all_frozen_error, check_positive, check_state_dict, validate_call
from numnet.core.checks.groups import check_counts, check_rate_of_group, check_state_of_schedule
from numnet.core.checks.runs import check_optimizer_state
from numnet.core.checks.training import check_amounts, check_rate, no_parameters_error
from numnet.core.schedules import ConstantSchedule, Schedule, as_schedule
from numnet.training.groups import OF_ALL, as_groups, group_of_each


class OptimizerBase(Rechecked):
    """The options of every optimizer, the rates of its groups, and what it counts."""

    buffer_names: Any = ()
    epsilon: float | None = None  # of the optimizers that divide by the root of the mean of g²

    @validate_call
    def __init__(
        self,
        learning_rate: float | Schedule,
        weight_decay: float = 0.0,
        clip_norm: float | None = None,
        clip_value: float | None = None,
        *,
        maximize: bool = False,
        groups: Any = None,
    ) -> None:
        who = type(self).__name__
        check_positive(who, clip_norm=clip_norm, clip_value=clip_value)
        check_amounts(who, weight_decay=weight_decay)
        self.schedule, self.weight_decay = as_schedule(who, learning_rate), weight_decay
        self.clip_norm, self.clip_value, self.maximize = clip_norm, clip_value, maximize
        self.groups = groups
        for group in as_groups(who, type(self), groups, self.group_options()):
            if is_ours(type(self)):  # the constructor of another class may need more
                type(self)(**{"learning_rate": learning_rate, **group.options})
        self.steps, self.began = 0, 0  # steps taken, and the step at which the schedule began
        self.updates: list[int] = []  # of each parameter
        self.model: Any = None
        self.dtype: Any = None  # of the parameters at the first step
        self.rules: list[Any] | None = None  # this optimizer, and one with the options of each group
        self.rule_of_each: list[int] = []  # of each parameter, if there are groups
        self.forget()

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        kind: Any = type(self)
        if name == "schedule" or name in option_names(kind):
            vars(self)["rules"] = None
            if name in ("learning_rate", "schedule"):
                vars(self)["began"] = vars(self).get("steps", 0)

    @classmethod
    def group_options(cls) -> list[str]:
        """Return the names of the options that a group may have."""
        kind: Any = cls
        return sorted(option_names(kind) - set(OF_ALL))

    @property
    def learning_rate(self) -> float:
        """The rate of the next step; assign a number or a schedule to change it. A schedule begins with its step 0."""
        return self.schedule(self.steps - self.began)

    @property
    def learning_rates(self) -> dict[str, float]:
        """The rates of the next step by group; that of all other parameters has the name ""."""
        names = ["", *(group.name for group in as_groups("", type(self), self.groups, self.group_options()))]
        return dict(zip(names, self.rates()))

    def rates(self) -> list[float]:
        """Return the rate of each rule in the next step; ValueError unless all are finite numbers, 0 or more."""
        who, step = type(self).__name__, self.steps - self.began
        own = check_rate(who, self.steps, self.schedule(step))
        found = [own]
        for rule in self.all_rules()[1:]:
            rate = rule.schedule
            if rate is self.schedule:
                rate = own
            elif isinstance(rate, ConstantSchedule):
                rate = rate.learning_rate * (own / self.schedule.learning_rate)
            else:
                rate = check_rate(who, self.steps, rate(step))
            found.append(rate)
        return found

    def all_rules(self) -> list[Any]:
        """Return this optimizer, and for each group an optimizer with its options, whose `update` is called for it."""
        if self.rules is None:
            who, rules = type(self).__name__, [self]
            given = {name: getattr(self, name) for name in self.group_options() if name != "learning_rate"}
            for group in as_groups(who, type(self), self.groups, self.group_options()):
                rate = group.options.get("learning_rate")
                if rate is not None and isinstance(as_schedule(who, rate), ConstantSchedule):
                    check_rate_of_group(who, group.name, self.schedule)
                kind: Any = type(self)
                rules.append(kind(**{"learning_rate": self.schedule, **given, **group.options}))
            self.rules, self.rule_of_each = rules, []
        return self.rules

    def numbers(self, model: Any) -> list[int]:
        """Return the number of the rule of each parameter of the model."""
        if len(self.all_rules()) > 1 and not self.rule_of_each:
            groups = as_groups("", type(self), self.groups, self.group_options())
            self.rule_of_each = group_of_each(type(self).__name__, groups, model.params)
        return self.rule_of_each or [0] * len(self.updates)

    def names_of_groups(self, model: Any) -> list[str]:
        """Return the names of the parameters of each group; a resumed run checks that its groups have the same."""
        groups = as_groups("", type(self), self.groups, self.group_options())
        return [", ".join(group.names_in(type(self).__name__, model.params)) for group in groups]

    def check_trained(self, who: str, trained: Sequence[bool], model: Any) -> None:
        """Check that the model has a parameter, and one that is not frozen."""
        if not any(trained):
            raise all_frozen_error(who, model.frozen) if trained else no_parameters_error(who)
        if not self.updates:
            self.updates = [0] * len(trained)

    def keys(self, model: Any) -> list[tuple[int, int]]:
        """Return for each parameter its rule and its updates; adjacent parameters with equal ones are one vector."""
        return list(zip(self.numbers(model), self.updates))

    def count(self, trained: Sequence[bool]) -> None:
        """Count a step, and an update of each parameter that is not frozen."""
        own = vars(self)
        own["steps"] += 1
        own["updates"] = [count + each for count, each in zip(self.updates, trained)]

    def all_buffer_names(self) -> list[str]:
        """Return the names of the buffers of this optimizer and of its groups."""
        return list(dict.fromkeys(name for rule in self.all_rules() for name in rule.buffer_names))

    def initial(self, name: str) -> float:
        """Return the initial value of a buffer."""
        return 0.0

    def arguments(self) -> dict[str, Any]:
        """The learning rate as a number if it is constant."""
        rate = self.schedule
        return {"learning_rate": rate.learning_rate if isinstance(rate, ConstantSchedule) else rate}

    def counts_dict(self) -> dict[str, Any]:
        """Return `steps`, and if they differ from it the updates of each parameter; the state of the schedule."""
        found = {"steps": np.asarray(self.steps)}
        if any(count != self.steps for count in self.updates):
            found["updates"] = np.asarray(self.updates)
        if self.began:
            found["began"] = np.asarray(self.began)
        own = self.schedule.state_dict() if hasattr(self.schedule, "state_dict") else {}
        return {**found, **{f"schedule.{name}": np.asarray(value) for name, value in own.items()}}

    def checked_state(self, state: Any, sizes: Sequence[int]) -> tuple[dict[str, Any], list[str]]:
        """Return a state as arrays, and the names of the buffers in it, for parameters of these sizes."""
        who = type(self).__name__
        found = check_optimizer_state(who, state)
        names = self.all_buffer_names() if found.get("steps") else []
        expected: dict[str, Any] = {"steps": (), **dict.fromkeys(names, (sum(sizes),))}
        for name, shape in (("updates", (len(sizes),)), ("began", ())):
            if name in found:
                expected[name] = shape
                check_counts(who, name, found[name])
        own = self.schedule.state_dict() if hasattr(self.schedule, "state_dict") else {}
        known, given = [f"schedule.{name}" for name in own], [name for name in found if name.startswith("schedule.")]
        check_state_of_schedule(who, self.schedule, known, given)
        expected |= dict.fromkeys(known, ())
        check_state_dict(who, expected, {name: value.shape for name, value in found.items()})
        return found, names

    def forget(self) -> None:
        """Discard the state."""
        raise NotImplementedError

    def load_counts(self, state: Mapping[str, Any], count: int) -> None:
        """Restore what counts_dict returns, of a model with this number of parameters."""
        self.steps, self.began = int(state["steps"]), int(state.get("began", 0))
        self.updates = state["updates"].tolist() if "updates" in state else [self.steps] * count
        own = {name.removeprefix("schedule."): value for name, value in state.items() if name.startswith("schedule.")}
        if own:
            self.schedule.load_state_dict(own)
