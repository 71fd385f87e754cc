"""PyTorch's own modules and Functions as subjects. Nothing here imports torch: who has a module has imported it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numnet.check.engine.draw import Sizes
from numnet.check.engine.of_torch.recurrent import is_recurrent, recurrent_subject
from numnet.check.engine.of_torch.subject import module_subject
from numnet.check.engine.subject import Subject


def torch_subject(thing: Any, inputs: Sequence[Any], lengths: Any, seed: int, sizes: Sizes) -> Subject:
    """A module, a copy in float64, or a Function, at these inputs; torch.nn.RNN, GRU and LSTM with states and gates."""
    build = recurrent_subject if is_recurrent(thing) else module_subject
    return build(thing, inputs, lengths, seed, sizes)
