"""The base class of the recurrent layers by name: it makes the node from the options."""

from __future__ import annotations

from typing import Any

from numnet.core.checks import validate_call
from numnet.recurrent.layer import RecurrentLayer


class NamedLayer(RecurrentLayer):
    """A RecurrentLayer that makes its node: the first of `node_types`, or the second with any of `variant_options`.

    `options` are those of the node, the variant options and those of RecurrentLayer.
    """

    @validate_call
    def __init__(
        self, hidden_size: int, *, output_size: int | None = None, input_size: int | None = None, **options: Any
    ) -> None:
        super().__init__(self.make_node(hidden_size, input_size, options), output_size=output_size, **options)
