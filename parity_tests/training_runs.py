"""Runs the table "Training runs" of docs/coming_from.md: the cells one after the other, in one namespace."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from parity_tests import coming_from
from parity_tests.coming_from import D, H, T, rows

keras: Any = vars(coming_from)["keras"]  # on the backend that coming_from.py chooses

TRAINING = "Training runs"


class Network(torch.nn.Module):
    """The PyTorch model of the page."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = torch.nn.LSTM(D, H, batch_first=True)
        self.dense = torch.nn.Linear(H, 1)

    def forward(self, x: Any) -> Any:
        return self.dense(self.lstm(x)[0][:, -1])


def training_runs(net: Any, folder: Path) -> Iterator[tuple[str, Exception | None]]:
    """Each cell of the table, and the error that its code raises."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((40, T, D)).astype(np.float32), rng.standard_normal(40).astype(np.float32)
    model = net.RNNModel([net.LSTMLayer(H, return_sequences=False), net.Dense(1)], net.MeanSquaredError(), input_size=D)
    optimizer, module = net.Adam(0.01), Network()
    dataset = torch.utils.data.TensorDataset(torch.tensor(x), torch.tensor(y))
    network = keras.Sequential([keras.Input((T, D)), keras.layers.LSTM(H), keras.layers.Dense(1)])
    names = {name: value for name, value in locals().items() if name not in ("rng", "folder")}
    names |= {"folder": folder, "torch": torch, "keras": keras, "optim": torch.optim, "utils": torch.nn.utils}
    names |= {"DataLoader": torch.utils.data.DataLoader, "loader": torch.utils.data.DataLoader(dataset, batch_size=32)}
    names |= {"adam": torch.optim.Adam(module.parameters())}
    names["trainer"] = net.Trainer(model, optimizer, (x, y), metrics=["mae"], progress=False)
    for row in rows():
        for code in row[1:] if row.section == TRAINING else ():
            try:
                exec(code, names)
            except Exception as error:
                yield code, error
            else:
                yield code, None
