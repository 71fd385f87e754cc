"""PyTorch modules and Functions as subjects. Nothing here imports torch: a caller with a module has imported it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numnet.check.engine.draw import Sizes
from numnet.check.engine.of_torch.recurrent import is_recurrent, recurrent_subject
from numnet.check.engine.of_torch.subject import module_subject
from numnet.check.engine.subject import Subject


def torch_subject(thing: Any, inputs: Sequence[Any], lengths: Any, seed: int, sizes: Sizes) -> Subject:
    """Return a float64 copy of a module, or a Function, as a Subject; torch.nn.RNN, GRU, LSTM have states and gates."""
    build = recurrent_subject if is_recurrent(thing) else module_subject
    return build(thing, inputs, lengths, seed, sizes)
