"""Validation of the parts and inputs of a TreeClassifier and a PairClassifier."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numnet.core.checks.parts import described_part, is_ours


def check_encoder(who: str, encoder: Any, kind: type) -> None:
    """Check that an encoder that is no list of layers is no other model; `kind` is the SPINN of this backend."""
    if hasattr(encoder, "fresh_state"):
        net = kind.__module__.partition(".")[0]
        got, one = described_part(encoder, net), hasattr(encoder, "reads_parses")
        remedy = f"Make a SPINN: {net}.SPINN(...)." if one else "Pass its layers: encoder=[*model.layers]."
        raise TypeError(f"{who}: encoder is {got}, expected a SPINN of {net} or a list of layers. {remedy}")


def check_one_vector_each(who: str, layers: Sequence[Any]) -> None:
    """Check that the layers of an encoder return one vector for each sentence, and read (batch, time)."""
    for k, layer in enumerate(layers):
        if layer.batch_first is False:
            raise ValueError(f"{who}: encoder[{k}] is time-major, expected batch-first. Leave out batch_first=.")
        if any(getattr(part, "stateful", False) for part in layer.modules()):
            raise ValueError(
                f"{who}: encoder[{k}] is stateful, expected a layer that starts every sentence with a new state. Leave "
                "out stateful=."
            )
    if all(layer.keeps_time for layer in layers):
        raise ValueError(
            f"{who}: encoder returns one vector for each word, expected one for each sentence. End it with "
            "Pooling('max'), or a recurrent layer with return_sequences=False."
        )


def check_vectors_alone(who: str, layers: Sequence[Any]) -> None:
    """Check that the output layers read single vectors, not sequences."""
    for k, layer in enumerate(layers):
        if is_ours(layer) and layer.needs_sequences:
            raise ValueError(
                f"{who}: output[{k}] is {layer.name}, which reads a sequence, expected a layer that reads one vector, "
                "such as Dense. Put it in the encoder."
            )


def check_rows_of_pairs(who: str, sentences: int) -> None:
    """Check that the rows are pairs of sentences."""
    if sentences % 2:
        raise ValueError(
            f"{who}: x has {sentences} sentences, expected an even number: in rows 0 to B - 1 the first ones "
            "of B pairs, in rows B to 2B - 1 the second."
        )


def check_no_nodes(who: str, shape: Sequence[int]) -> None:
    """Check that the encoder returns one vector for each sentence, not one for each node."""
    if len(shape) != 2:
        raise ValueError(
            f"{who}: the encoder returns {tuple(shape)}, expected one vector for each sentence. Set "
            "return_nodes=False in the SPINN."
        )


def check_no_state(who: str, state: Any) -> None:
    """Check that no state is given, because it would not be used."""
    if state is not None:
        raise ValueError(f"{who}: a state is given, expected None. Every sentence starts with a new one.")


def check_node_targets(who: str, target: Sequence[int], nodes: Sequence[int]) -> None:
    """Check for a target for each node."""
    if tuple(target)[:2] != tuple(nodes):
        raise ValueError(
            f"{who}: target is {tuple(target)}, expected {tuple(nodes)}, one for each node, -1 at padding. One for "
            "each sentence? Set return_nodes=False in the SPINN."
        )
