"""The benchmark's parts run, and compare what they time before they time it; no time is asserted."""

from __future__ import annotations

import pytest

from parity_tests.speed.__main__ import RAW, layer_runs, step_runs
from parity_tests.speed.timing import alternate, surroundings


@pytest.mark.parametrize("kind", RAW)
def test_all_three_do_the_same_work(kind: str) -> None:
    assert list(layer_runs(kind, 3, 2, 4, 5)) == ["numnet", "torchnet", "torch.nn"]
    losses = {name: run() for name, run in step_runs(kind, T=5, B=2, V=6, H=4).items()}
    assert losses["numnet"] == pytest.approx(losses["torchnet"], rel=1e-6)
    assert losses["PyTorch"] == pytest.approx(1.79, abs=0.5)  # log 6: its own first weights, the same task


def test_turns_are_taken_and_counted() -> None:
    calls: list[str] = []
    times = alternate({name: lambda name=name: calls.append(name) for name in "ab"}, turns=2, pause=0)  # type: ignore[misc]
    assert calls == list("aaaabbbb" * 2)
    assert all(best <= median for best, median in times.values())
    assert "torch" in surroundings()
