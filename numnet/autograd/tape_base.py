"""How a Tape is built and trained. It contains no mathematics, so both backends share it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from numnet.core.answers import package_of
from numnet.core.arrays import to_numpy
from numnet.core.checks import check_objective, check_on_tape, check_parameter, check_parts, flat_parts, validate_call
from numnet.core.evaluation import Exclusive
from numnet.core.network import Network
from numnet.core.ties import resolve_ties


class TapeBase(Network):
    """The part of Tape that both backends share: parts by name, and the interface for a Trainer."""

    name: str
    seed: int | None
    dtype: Any
    built: bool
    eval: Any
    params: Any
    given_parts: dict[str, Any]
    named_parts: dict[str, Any]
    protect_parameters: Any
    guarded: Any
    output_type: type  # the backend's ArrayWithGrad
    objective: Callable[..., Any] | None = None
    prediction: Callable[..., Any] | None = None
    last_state = None  # no state is passed from one batch to the next
    without_graph: Any

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            own = vars(self).get("single_parameters", {})
            return own[name].parameter("value") if name in own else super().__getattr__(name)

    @property
    def named_layers(self) -> dict[str, Any]:
        """The parts by name."""
        return self.named_parts

    def begin(self, parts: dict[str, Any]) -> None:
        """Give each part its own seed and the tape's dtype; it is initialized now or at its first call."""
        self.named_parts = {}
        flat = flat_parts(self.name, parts)
        check_parts(self.name, flat, dir(self), package_of(type(self)))
        resolve_ties(self.name, flat)
        rng = np.random.default_rng(self.seed or 0)
        for part in flat.values():
            own = int(rng.integers(2**31))
            if getattr(part, "built", True):
                part.build(getattr(part, "input_size", 0), np.random.default_rng(own), self.dtype)
            else:
                vars(part)["seed"] = own if part.seed is None else part.seed
                part.convert(self.dtype)
        self.given_parts, self.named_parts = parts, flat
        vars(self)["constructed"] = True
        vars(self)["guarded"] = self.guarded | parts.keys()
        self.protect_parameters()
        self.settle()

    def wrap(self, parts: dict[str, Any], wrappers: dict[str, Any]) -> None:
        """Set the attributes that call the parts: a wrapper for each part, a sequence of them for each list."""
        self.wrappers, self.single_parameters = wrappers, {}
        for name, given in parts.items():
            if isinstance(given, (list, tuple)):
                vars(self)[name] = PartsOnTape([wrappers[f"{name}.{k}"] for k in range(len(given))])
            elif is_parameter(given):
                self.single_parameters[name] = wrappers[name]
            else:
                vars(self)[name] = wrappers[name]

    @validate_call
    def parameter(self, name: str) -> Any:
        """Return a parameter, by its name in `params`, as a value on the tape: backward adds to its gradient."""
        for part, wrapper in self.wrappers.items():
            if name.startswith(f"{part}."):
                return wrapper.parameter(name.removeprefix(f"{part}."))
        check_parameter(self.name, name, self.params)

    def detach(self, state: Any) -> Any:
        """Return a state, an array or nested tuples of them, without its history: backward ends here."""
        if isinstance(state, (tuple, list)):
            return tuple(map(self.detach, state))
        on_tape: Any = isinstance(state, self.output_type)
        return state.detach() if on_tape else state

    def settle(self) -> None:
        """Update whether every part has its weights."""
        before, self.built = self.built, not self.unbuilt
        if self.built and not before:
            self.protect_parameters()

    @property
    def unbuilt(self) -> str:
        """The parts that have no weights yet."""
        return ", ".join(name for name, part in self.named_parts.items() if not getattr(part, "built", True))

    def refuses_part(self, name: str) -> bool:
        return "constructed" in vars(self)

    def config(self) -> dict[str, Any]:
        """Return the configs of the parts; the program that calls them is not included."""
        parts = {name: entry_of(given) for name, given in self.given_parts.items()}
        widths = {name: part.input_size for name, part in self.named_parts.items() if getattr(part, "built", False)}
        return {"parts": parts, "widths": widths, "seed": self.seed, "dtype": str(self.dtype).removeprefix("torch.")}

    @classmethod
    def from_config(cls, config: dict[str, Any], device: Any = "cpu") -> Any:
        """Create a tape with equal parts; the program that calls them, and `objective`, are not included."""
        parts = {name: cls.from_entry(entry) for name, entry in config["parts"].items()}
        flat = flat_parts(cls.__name__, parts)
        resolve_ties(cls.__name__, flat)
        for name, part in flat.items():
            if name in config["widths"]:
                part.ready(config["widths"][name])
        tape: Any = cls
        return tape(config["seed"], config["dtype"], device, **parts)

    def loss_and_grads(self, x: Any, target: Any, state: None = None, lengths: Any = None) -> float:
        """Return the objective of a batch; its gradients are ADDED to `grads`."""
        with Exclusive(self):
            value = self.value_of(x, target, lengths)
            self.backward(value)
        return float(value)

    def evaluate(self, x: Any, target: Any, state: None = None, lengths: Any = None) -> float:
        """Return the objective in evaluation mode, without a graph."""
        with self.without_graph():
            return float(self.value_of(x, target, lengths))

    def predict(self, x: Any, state: None = None, lengths: Any = None) -> Any:
        """Return what `prediction` returns, in evaluation mode and without a graph, as numpy arrays."""
        prediction = check_objective(self.name, self.prediction, "prediction")
        with self.without_graph():
            return as_arrays(prediction(x) if lengths is None else prediction(x, lengths))

    def value_of(self, x: Any, target: Any, lengths: Any) -> Any:
        """Return the objective of a batch, computed by the user's program."""
        objective = check_objective(self.name, self.objective)
        value = objective(x, target) if lengths is None else objective(x, target, lengths)
        check_on_tape(self.name, "the objective", value, self.output_type)
        return value

    def backward(self, value: Any, dy: Any = None) -> None:
        """Backpropagate through every call that the value was computed from."""
        raise NotImplementedError

    def needs_loss(self) -> Any:
        """The part called `loss`: a report needs its unit, and the number of targets in the last mean."""
        return check_objective(self.name, self.named_parts.get("loss"), "part called loss")


class PartsOnTape(Sequence[Any]):
    """The parts of a list on a tape: tape.layers[0](x)."""

    def __init__(self, wrappers: list[Any]) -> None:
        self.wrappers = wrappers

    def __len__(self) -> int:
        return len(self.wrappers)

    def __getitem__(self, k: Any) -> Any:
        if isinstance(k, slice):
            return [self[j] for j in range(*k.indices(len(self)))]
        wrapper = self.wrappers[k]
        return wrapper.parameter("value") if is_parameter(wrapper.part) else wrapper

    def __repr__(self) -> str:
        return repr(self.wrappers)


def is_parameter(part: Any) -> bool:
    """Return whether a part is a Parameter, of which a program reads the value and calls nothing."""
    return any(kind.__name__ == "Parameter" for kind in type(part).__mro__ if kind.__module__.endswith(".parameter"))


def entry_of(given: Any) -> Any:
    """Return the configuration of a part, or of a list of them."""
    return (
        [entry_of(each) for each in given]
        if isinstance(given, (list, tuple))
        else {"type": given.name, **given.config()}
    )


def as_arrays(tree: Any) -> Any:
    """Return values on a tape, or nested tuples and lists of them, as numpy arrays."""
    if isinstance(tree, (tuple, list)):
        return type(tree)(map(as_arrays, tree))
    return to_numpy(tree.value) if hasattr(tree, "zero_grad") else tree
