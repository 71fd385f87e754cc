"""Validation of the parts that a model is made of: layers, their order, and the loss."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import Any

from numnet.core.answers import package_of
from numnet.core.checks.losses import check_reduction
from numnet.core.checks.torch_modules import of_pytorch, taken_by_torchnet
from numnet.core.first_words import NAMES, OF_CLASSES, OF_TRUTH, TRAINER, by_word

# Strings that other libraries take in place of a loss.
STRINGS: dict[str, str] = by_word(
    {
        "mse l2 mean_squared_error mseloss": "Use {net}.MeanSquaredError()",
        "mae l1 mean_absolute_error l1loss": "Use {net}.MeanAbsoluteError()",
        "huber huber_loss smooth_l1": "Use {net}.HuberLoss(delta=1.0)",
        "cross_entropy crossentropy categorical_crossentropy sparse_categorical_crossentropy nll softmax": OF_CLASSES,
        "bce binary_crossentropy binary_cross_entropy": OF_TRUTH,
        "adam adamw sgd rmsprop adagrad": f"An optimizer? Give it to {TRAINER}",
    }
)

# Activations after which the logits of a loss are limited, with the limits.
LIMITS = {
    "SoftmaxCrossEntropy": {"Softmax": "0 to 1", "Sigmoid": "0 to 1"},
    "BinaryCrossEntropy": {"Softmax": "0 to 1", "Sigmoid": "0 to 1", "Tanh": "-1 to 1", "ReLU": "0 or more"},
}


def is_ours(part: Any) -> bool:
    """Whether the class of a part belongs to numnet or torchnet; a user's class may do anything."""
    return type(part).__module__.partition(".")[0] in ("numnet", "torchnet")


def described_part(value: Any, net: str = "") -> str:
    """Return what a value is, in an error message; a part of another package than `net` with its package."""
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if value is None or isinstance(value, (str, bool, int, float)):
        return repr(value)
    package = type(value).__module__.partition(".")[0]
    if package == "torch" or is_foreign(value, net):
        return f"{'PyTorch' if package == 'torch' else package}'s {type(value).__name__}"
    name = "" if is_ours(value) else getattr(value, "__name__", "")
    return f"the function {name}" if callable(value) and name else type(value).__name__


def is_foreign(part: Any, net: str) -> bool:
    """Whether a part belongs to the other one of numnet and torchnet."""
    return bool(net) and is_ours(part) and hasattr(part, "forward") and package_of(type(part)) != net


def part_remedy(value: Any, net: str, example: str) -> str:
    """Return what to use in place of a value that is not a part of this package."""
    if isinstance(value, str):
        remedy = STRINGS.get(value.lower()) or NAMES.get(value, "")
    elif isinstance(value, type):
        remedy = f"Make an object of the class: {value.__name__}(...)"
    elif is_foreign(value, net):
        remedy = f"Use {net}.{type(value).__name__}: all parts of a model are of one package"
    else:
        remedy = STRINGS["adam"] if hasattr(value, "schedule") else NAMES.get(type(value).__name__, "")
    return f"{remedy or f'Use {example}'}.{taken_by_torchnet(value)}".format(net=net)


def check_part(who: str, name: str, part: Any, kind: type, example: str, optional: bool = True) -> None:
    """Check for an instance of a class of this package; `example` is one, as one would type it."""
    if not isinstance(part, kind):
        article = "an" if kind.__name__[0] in "AEIOU" else "a"
        word = {"Operation": "a layer", "Loss": "a loss"}.get(kind.__name__, f"{article} {kind.__name__}")
        expected = f"None or {word}" if optional and kind.__name__ != "Operation" else word
        net = package_of(kind)
        raise TypeError(
            f"{who}: {name} is {described_part(part, net)}, expected {expected}. {part_remedy(part, net, example)}"
        )


def check_loss(who: str, loss: Any, kind: type) -> None:
    """Check for a loss of this package, or None."""
    if isinstance(loss, (list, tuple)):
        raise TypeError(
            f"{who}: loss is a {type(loss).__name__}, expected None or a loss. Several? Use a Tape: their "
            "sum is a value on it."
        )
    if loss is not None:
        check_part(who, "loss", loss, kind, "{net}.SoftmaxCrossEntropy() or {net}.MeanSquaredError()")
        check_reduction(who, loss)


def check_layers(who: str, layers: Any, kind: type, name: str = "layers", ordered: bool = True) -> None:
    """Check for a list of layers of this package that take one input; if `ordered`, each reads the one before it."""
    listed = hasattr(layers, "__getitem__") and hasattr(layers, "__len__") and hasattr(layers, "__iter__")
    if not listed or isinstance(layers, (type, str, bytes, dict)) or hasattr(layers, "dtype"):
        several = hasattr(layers, "__iter__") and not isinstance(layers, (type, str, bytes, dict))
        remedy = f"Pass list({name})" if several else "One layer? Pass [layer]"
        got = described_part(layers) if isinstance(layers, (type, str)) else type(layers).__name__
        raise TypeError(f"{who}: {name} is {got}, expected a list of layers. {remedy}.")
    for k, layer in enumerate(layers):
        check_layer(who, f"{name}[{k}]", layer, kind)
    if ordered:
        check_order(who, layers, name)


def check_layer(who: str, name: str, layer: Any, kind: type) -> None:
    """Check for a layer of this package that takes one input."""
    if isinstance(layer, (list, tuple)):
        raise TypeError(
            f"{who}: {name} is a {type(layer).__name__}, expected a layer. One list contains all layers: "
            "[*first, *second]."
        )
    check_part(who, name, layer, kind, "{net}.LSTMLayer(64) or {net}.Dense(10)")
    got = layer.name
    if hasattr(layer, "in_nats"):
        raise TypeError(f"{who}: {name} is the loss {got}, expected a layer. Pass it as loss={got}().")
    if hasattr(layer, "fresh_state"):
        remedy = "Use the tape in place of the model." if got == "Tape" else "Write its layers: [*model.layers, ...]."
        raise TypeError(f"{who}: {name} is a network, {got}, expected a layer. {remedy}")
    if hasattr(layer, "state_sizes"):
        tree = hasattr(layer, "child_states")
        of_tree = f"Use a Tape: Tape(node={got}(...), ...), then tape.node(left, right)."
        raise TypeError(
            f"{who}: {name} is the node {got}, which computes one step, expected a layer. "
            f"{of_tree if tree else f'Use RecurrentLayer({got}(...)), which runs it over time.'}"
        )
    if len(layer.takes) > 1:
        remedy = "Use an EncoderDecoder, or a Tape."
        remedy = "Use SelfAttention(heads), or a Tape." if got == "MultiHeadAttention" else remedy
        raise TypeError(
            f"{who}: {name} is {got}, which takes {', '.join(layer.takes)}, expected a layer of one input. {remedy}"
        )


def reads_steps(layer: Any) -> bool:
    """Whether a layer reads a sequence; a Concat does if one of its layers does."""
    if hasattr(layer, "layers"):
        return any(map(reads_steps, layer.layers))
    return bool(layer.recurrent or layer.over_time)


def check_order(who: str, layers: Sequence[Any], name: str) -> None:
    """Check that tokens are looked up first, and that no layer reads a sequence where there is one vector for each."""
    vector = None  # the layer that returns one vector for each sequence
    for k, layer in enumerate(layers):
        if not is_ours(layer) or hasattr(layer, "times"):  # a RepeatVector makes a sequence of a vector
            vector = None
            continue
        if k and layer.reads != "numbers" and is_ours(layers[k - 1]):
            raise ValueError(
                f"{who}: {name}[{k}] is {layer.name}, which reads {layer.reads}, expected a layer that reads numbers, "
                f"the outputs of {name}[{k - 1}]. Put the {layer.name} first."
            )
        if vector is not None and reads_steps(layer):
            remedy = "Leave out return_sequences=False" if layers[vector].recurrent else f"Put it after {name}[{k}]"
            raise ValueError(
                f"{who}: {name}[{vector}], {layers[vector].name}, returns one vector for each sequence, expected one "
                f"for each step: {name}[{k}], {layer.name}, reads a sequence. {remedy}."
            )
        vector = vector if layer.keeps_time else k


def last_layers(layers: Sequence[Any]) -> Iterator[tuple[int, Any]]:
    """Yield the layers from the last to the first, with their numbers, as long as all are Dropout or Pooling."""
    for k in reversed(range(len(layers))):
        yield k, layers[k]
        if not (is_ours(layers[k]) and layers[k].name in ("Dropout", "Pooling")):
            return


def warn_of_last_layers(who: str, name: str, layers: Sequence[Any], loss: Any) -> None:
    """Warn of an activation or a Dropout between the logits and their loss, which could be meant."""
    limits = LIMITS.get(type(loss).__name__ if is_ours(loss) else "", {})
    for k, layer in last_layers(layers) if loss is not None else ():
        inner = getattr(layer, "module", layer) if is_ours(layer) else layer
        kind = type(inner).__name__
        limit = limits.get(kind) if is_ours(inner) or of_pytorch(inner) else None
        said = ""
        if limit:
            said = (
                f"whose outputs are {limit}, expected logits, any numbers: {loss.name} applies "
                f"{'softmax' if 'Softmax' in loss.name else 'sigmoid'} itself. Remove {name}[{k}]."
            )
        elif kind == "Dropout" and k == len(layers) - 1 and inner.p:
            said = f"so that predictions are 0 at random in training. Put it before {name}[{k - 1}]."
        if said:
            warnings.warn(f"{who}: {name}[{k}] is {layer!r}, the last layer before the loss, {said}", stacklevel=4)
