"""What padding costs: an LSTM on batches of sentences in random order, with their lengths and as if all were full."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import numnet
from numnet.core.arrays import to_numpy
from parity_tests.speed.layers import ours, raw
from parity_tests.speed.timing import Stage

B, BATCHES = 32, 8
WIDTHS = [(64, 256), (100, 128)]  # D, H


def sentence_lengths(path: Path | None) -> Any:
    """Words of each sentence of a CoNLL-U file; without one, drawn: half have under 14, three in a hundred over 50."""
    if path is None:
        return np.clip(np.random.default_rng(1).lognormal(np.log(13), 0.75, 12_000), 1, 160).astype(int)
    counts, words = [], 0
    for line in [*path.read_text(encoding="utf-8").splitlines(), ""]:
        if line and not line.startswith("#"):
            words += line.partition("\t")[0].isdigit()  # not 3-4, a contraction, nor 3.1, an omitted word
        elif not line and words:
            counts.append(words)
            words = 0
    return np.array(counts)


def drawn_batches(lengths: Any) -> list[Any]:
    """Batches in random order, none sorted."""
    return list(np.random.default_rng(0).choice(lengths, (BATCHES, B), replace=False))


def filled(batches: list[Any]) -> float:
    """r: real steps over the places of the padded batches."""
    return float(sum(lengths.sum() for lengths in batches) / sum(B * lengths.max() for lengths in batches))


def allowed(r: float) -> float:
    """The time with lengths over that without, at most."""
    return 1.25 * r + 0.10


RAGGED = ["RNN", "GRU after", "LSTM"]  # the layers of torchnet whose batches have lengths


def allowed_of_torchnet(r: float) -> float:
    """torchnet's time with lengths over that without, at most."""
    return r + 0.30


def padding_runs(batches: list[Any], D: int, H: int, kind: str = "LSTM", net: Any = numnet) -> dict[str, list[Stage]]:
    """All batches, forward and backward, of numnet or torchnet and of torch.nn; with lengths and padded."""
    rng = np.random.default_rng(2)
    layer, start = ours(net, kind, D, H), ours(numnet, kind, D, H)
    module = raw(kind, D, H, [start])
    layer.load_state_dict(start.state_dict())
    given = [
        (rng.standard_normal((B, n.max(), D)).astype("f"), rng.standard_normal((B, n.max(), H)).astype("f"), n)
        for n in batches
    ]
    as_given = np.asarray if net is numnet else torch.from_numpy

    def of_ours(with_lengths: bool) -> None:
        for x, dy, lengths in given:
            layer(as_given(x), lengths=lengths if with_lengths else None)
            layer.zero_grad()
            layer.backward(as_given(dy))

    def theirs(with_lengths: bool) -> None:
        for x, dy, lengths in given:
            z: Any = torch.from_numpy(x).requires_grad_()
            if with_lengths:
                packed = pack_padded_sequence(z, torch.from_numpy(lengths), batch_first=True, enforce_sorted=False)
                y, _ = pad_packed_sequence(module(packed)[0], batch_first=True)
            else:
                y, _ = module(z)
            module.zero_grad()
            y.backward(torch.from_numpy(dy))

    check_same(layer, module, *given[0])
    return {
        net.__name__: [lambda: of_ours(True)], "padded": [lambda: of_ours(False)],
        "torch": [lambda: theirs(True)], "torch padded": [lambda: theirs(False)],
    }  # fmt: skip


def check_same(layer: Any, module: Any, x: Any, dy: Any, lengths: Any) -> None:
    """What is timed is the same function."""
    packed = pack_padded_sequence(
        torch.from_numpy(x), torch.from_numpy(lengths), batch_first=True, enforce_sorted=False
    )
    y, _ = pad_packed_sequence(module(packed)[0], batch_first=True)
    assert np.abs(to_numpy(layer(x, lengths=lengths)) - y.detach().numpy()).max() < 1e-5
