"""torch.optim.LBFGS, under the names and with the defaults of numnet. The equations are in numnet/training/lbfgs.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from numnet.core.assignment import Rechecked
from numnet.core.checks import all_frozen_error, check_built, check_choice, check_model, check_same_model, validate_call
from numnet.core.checks.groups import check_closure, check_first_loss, check_lbfgs
from torchnet.core.late import TAKES_THE_MODEL


class LBFGS(Rechecked):
    """Minimize a loss over all data at once by the limited-memory BFGS method (Liu & Nocedal 1989).

    `step(model, closure)` takes up to `max_iter` iterations. `closure` is a function without arguments that adds the
    gradients of the same data, and returns the loss: closure = lambda: model.loss_and_grads(x, target). It is called
    about `max_eval` times at most (1.25 max_iter if None), with cleared gradients, so the model should have no dropout.

    line_search="strong_wolfe" finds the length of each step, starting from `learning_rate`; with None it is
    `learning_rate`, in the first iteration times min(1, 1 / ‖g‖₁). An iteration is the last if max |g| is at most
    `tolerance_grad`, or if the loss or all parameters change by less than `tolerance_change`. The memory of the last
    `history_size` iterations is kept between calls of `step`, but not in a checkpoint.
    """

    @validate_call
    def __init__(
        self,
        learning_rate: float = 1.0,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search: str | None = "strong_wolfe",
    ) -> None:
        tolerances = {"tolerance_grad": tolerance_grad, "tolerance_change": tolerance_change}
        check_lbfgs("LBFGS", learning_rate, max_iter, max_eval, history_size, **tolerances)
        check_choice("LBFGS", "line_search", line_search, ("strong_wolfe", None))
        self.learning_rate, self.max_iter, self.max_eval = learning_rate, max_iter, max_eval
        self.tolerance_grad, self.tolerance_change = tolerance_grad, tolerance_change
        self.history_size, self.line_search = history_size, line_search
        self.steps = self.iterations = self.evaluations = 0
        self.model: Any = None
        self.torch_optimizer: Any = None

    def step(self, model: Any = None, closure: Callable[[], Any] | None = None) -> float:
        """Take up to max_iter iterations. Return the loss before them."""
        check_model("LBFGS", model, "parameters")
        check_built("LBFGS", model)
        check_same_model("LBFGS", self.model, model)
        check_closure("LBFGS", closure)
        params = [p for p in model.parameters() if p.requires_grad]
        if not params:
            raise all_frozen_error("LBFGS", model.frozen)
        calls = 0

        def evaluated() -> float:
            """Return the loss, with its gradient in the parameters."""
            nonlocal calls
            model.zero_grad()
            loss, calls = float(closure()), calls + 1  # type: ignore[misc]
            if calls == 1:
                check_first_loss("LBFGS", loss, all(bool(torch.isfinite(p.grad).all()) for p in params))
            return loss

        optimizer = self.torch_optimizer_for(params)
        first = optimizer.step(evaluated)
        self.model, self.steps, self.evaluations = model, self.steps + 1, self.evaluations + calls
        self.iterations = optimizer.state[params[0]]["n_iter"]
        return float(first)

    def torch_optimizer_for(self, params: list[Any]) -> Any:
        """Return torch.optim's optimizer, which is created at the first step, with the present options."""
        options: dict[str, Any] = {
            "lr": self.learning_rate,
            "max_iter": self.max_iter,
            "max_eval": self.max_iter * 5 // 4 if self.max_eval is None else self.max_eval,
            "tolerance_grad": self.tolerance_grad,
            "tolerance_change": self.tolerance_change,
            "history_size": self.history_size,
            "line_search_fn": self.line_search,
        }
        if self.torch_optimizer is None:
            self.torch_optimizer = torch.optim.LBFGS(params, **options)
            setattr(self.torch_optimizer, TAKES_THE_MODEL, True)
        self.torch_optimizer.param_groups[0].update(options)
        return self.torch_optimizer
