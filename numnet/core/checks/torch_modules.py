"""Which modules of PyTorch are layers, and what to use in place of others; numnet, without PyTorch, answers too."""

from __future__ import annotations

import inspect
from typing import Any

from numnet.core.first_words import NAMES

# Files of torch.nn.modules whose classes have a state, or expect (B, C, T), and what to use instead.
INSTEAD = {
    "rnn": "Use {net}.LSTMLayer(hidden_size)",
    "conv": "Use {net}.Convolution(output_size, width=3)",
    "pooling": 'Use {net}.Pooling("max") or {net}.Pooling("mean")',
    "batchnorm": "Use {net}.BatchNorm()",
    "instancenorm": "Use {net}.LayerNorm()",
    "transformer": "Use {net}.SelfAttention(heads)",
}
# The same by class.
INSTEAD_OF = {
    "MultiheadAttention": NAMES["MultiheadAttention"],
    "GroupNorm": "Use {net}.LayerNorm()",
    **dict.fromkeys(
        ("Dropout1d", "Dropout2d", "Dropout3d", "FeatureAlphaDropout"),
        "Use {net}.Dropout(p), or {net}.Dropout(p, per_sequence=True)",
    ),
    **dict.fromkeys(("ModuleList", "ModuleDict"), "Give its modules in the list of layers: [*modules]"),
}


def is_module(value: Any) -> bool:
    """Return whether a value is an instance of torch.nn.Module, and no part of torchnet."""
    kinds = type(value).__mro__
    return any(base.__module__ == "torch.nn.modules.module" for base in kinds) and not any(
        base.__module__.startswith("torchnet.") for base in kinds
    )


def of_pytorch(module: Any) -> bool:
    """Return whether the class is PyTorch's own, not a user's."""
    return type(module).__module__.partition(".")[0] == "torch"


def remedy_for(module: Any, net: str) -> str:
    """Return what to use in place of a module that is no layer, "" if it is one."""
    for base in type(module).__mro__:
        room = base.__module__.removeprefix("torch.nn.modules.")
        remedy = INSTEAD_OF.get(base.__name__) or INSTEAD.get(room) if room != base.__module__ else ""
        if remedy:
            remedy = NAMES.get(base.__name__, remedy)
            return f"{remedy}.".format(net=net)
    if getattr(module, "num_parameters", 1) != 1 and of_pytorch(module):  # PReLU, whose channels are axis 1
        return "Use PReLU(), with one parameter."
    if len(needed(module)) > 1:
        remedy = NAMES.get(type(module).__name__, "") if of_pytorch(module) else ""
        return f"{remedy}.".format(net=net) if remedy else "Write a module of one input."
    return ""


def needed(module: Any) -> list[str]:
    """Return the names of the inputs that a module cannot be called without."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    inputs = inspect.signature(module.forward).parameters.values()
    return [p.name for p in inputs if p.kind in kinds and p.default is p.empty]


def taken_by_torchnet(value: Any) -> str:
    """Return the words for numnet's answer to a module of PyTorch that is a layer of torchnet."""
    return " torchnet takes modules of PyTorch." if is_module(value) and not remedy_for(value, "torchnet") else ""
