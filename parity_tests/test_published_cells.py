"""Four published cells in the contract of nodes: whatever a layer is asked, they agree with the equations in PyTorch.

The reference takes one row after another and, in a row, its real steps alone: so it has no masks, no packing, no loop
back, and shares nothing with the layer.
"""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest
import torch

import numnet
from numnet.check import check_gradients
from parity_tests.published_cells import CELLS

B, T, SIZE = 4, 5, 3
MASK = np.array([[1, 1, 0, 1, 1], [0, 0, 0, 0, 0], [0, 1, 0, 0, 1], [1, 1, 1, 1, 1]], bool)  # gaps, and an empty row
RESETS = np.array([[0, 0, 1, 0, 1], [1, 0, 0, 0, 1], [0, 0, 1, 0, 0], [1, 0, 0, 1, 0]], bool)  # two in the gaps
each_cell = pytest.mark.parametrize("name", CELLS)


def make(name: str, **options: Any) -> Any:
    """A layer over the cell, D = H = 3, with a learned start state that is not 0."""
    node = CELLS[name][0](SIZE, input_size=SIZE, seed=1, dtype="float64")
    layer = numnet.RecurrentLayer(node, **options)
    for full, value in layer.params.items():
        if full.endswith("_0"):
            value[...] = np.random.default_rng(2).standard_normal(value.shape)
    return layer


def row(step: Any, layer: Any, p: Any, x: Any, state: Any, b: int, mask: Any, resets: Any, drawn: Any) -> Any:
    """The outputs of a row's real steps, by time, and its last state."""
    (part,), y, read = layer.node.states, {}, -1
    h_0 = p.get(f"{part}_0", torch.zeros(SIZE, dtype=torch.float64))
    drop = {"drop": torch.tensor(drawn["state"][b])} if "state" in drawn else {}
    k = drawn.get("zoneout", {}).get(part)
    if k is not None:
        k = torch.tensor(np.broadcast_to(k, (B, T, SIZE)).astype(float))[b]
    times = np.flatnonzero(mask[b])
    for n, t in enumerate(times[::-1] if layer.reverse else times):
        if layer.reverse:
            begins = n > 0 and resets[b, t + 1 : read + 1].any()
        else:
            begins = resets[b, read + 1 : t + 1].any()
        state = h_0 if begins else state
        y[t], new = step(p, x[b, t], state, **drop)
        if k is not None:
            new = k[t] * state + (1 - k[t]) * new
            y[t] = y[t] if layer.node.reads_out else new
        state, read = new, t
    return y, state


def expected(layer: Any, step: Any, x: Any, start: Any, dy: Any, d_last: Any, mask: Any, resets: Any) -> dict[str, Any]:
    """y, the last state and all gradients, from the equations in PyTorch."""
    p = {name: torch.tensor(value, requires_grad=True) for name, value in layer.params.items()}
    x, h = (None if q is None else torch.tensor(q, requires_grad=True) for q in (x, start))
    layer.calls = 0
    drawn, layer.calls = layer.draw_masks(B, T), 0  # the masks of the next call
    weights = {**p, "W_h": p["W_h"] * torch.tensor(drawn["weights"])} if "weights" in drawn else p
    y: Any = torch.zeros(B, T, layer.output_width, dtype=torch.float64)
    last = []
    for b in range(B):
        first = p[f"{layer.node.states[0]}_0"] if h is None else h[b]
        outputs, state = row(step, layer, weights, x, first, b, mask, resets, drawn)
        for t, value in outputs.items():
            y[b, t] = value
        last.append(state)
        if not layer.return_sequences:
            y[b, 0] = list(outputs.values())[-1] if outputs else 0
    y = y if layer.return_sequences else y[:, 0]
    loss = (y * torch.tensor(dy)).sum() + (torch.stack(last) * torch.tensor(d_last)).sum()
    inputs = {"x": x, **({} if h is None else {"start": h}), **p}
    gradients = torch.autograd.grad(loss, list(inputs.values()), allow_unused=True)
    found = {f"d {q}": np.zeros(inputs[q].shape) if g is None else g.numpy() for q, g in zip(inputs, gradients)}
    return {"y": y.detach().numpy(), "last": torch.stack(last).detach().numpy(), **found}


def calculated(layer: Any, x: Any, start: Any, dy: Any, d_last: Any, mask: Any, resets: Any) -> dict[str, Any]:
    """The same from the layer, which reads NaN at padding."""
    y = layer(np.where(mask[..., None], x, np.nan), start, mask, resets)
    found = {"y": y, "last": layer.last_state, "d x": layer.backward(dy, d_last)}
    found |= {} if start is None else {"d start": layer.d_state}
    return found | {f"d {name}": gradient for name, gradient in layer.grads.items()}


def held(layer: Any, step: Any, given: bool = True, resets: Any = None, mask: Any = MASK) -> None:
    """Draw a case, and compare all outputs and gradients."""
    draw = np.random.default_rng(3).standard_normal
    x, start, d_last = draw((B, T, SIZE)), draw((B, SIZE)) if given else None, draw((B, SIZE))
    dy = draw((B, T, layer.output_width) if layer.return_sequences else (B, layer.output_width))
    case = x, start, dy, d_last, mask
    due = expected(layer, step, *case, np.zeros((B, T), bool) if resets is None else resets)
    got = calculated(layer, *case, resets)
    assert got.keys() == due.keys()
    for name, value in due.items():
        np.testing.assert_allclose(got[name], value, rtol=1e-11, atol=1e-12, err_msg=name)


@each_cell
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize(
    "options", [{}, {"zoneout": 0.4}, {"return_sequences": False}, {"learn_state": True}], ids=lambda q: "".join(q)
)
def test_every_option_of_the_layer(name: str, reverse: bool, options: dict[str, Any]) -> None:
    layer = make(name, reverse=reverse, **options)
    for resets in (None, RESETS):
        for given in (True, False) if "learn_state" in options else (True,):
            layer.zero_grad()
            held(layer, CELLS[name][1], given, resets)
    layer.zero_grad()
    held(layer, CELLS[name][1], mask=np.ones((B, T), bool))
    layer.eval().zero_grad()
    held(layer, CELLS[name][1], resets=RESETS)


@each_cell
def test_both_directions_are_each_by_itself(name: str) -> None:
    both = make(name, bidirectional=True)
    draw = np.random.default_rng(4).standard_normal
    x, dy = draw((B, T, SIZE)), draw((B, T, 2 * SIZE))
    start, d_last = ((draw((B, SIZE)), draw((B, SIZE))) for _ in range(2))
    y = both(x, start, MASK, RESETS)
    dx, d_start, last = both.backward(dy, d_last), both.d_state, both.last_state
    half = [
        expected(layer, CELLS[name][1], x, start[k], dy[..., k * SIZE : (k + 1) * SIZE], d_last[k], MASK, RESETS)
        for k, layer in enumerate((both.forwards, both.backwards))
    ]
    np.testing.assert_allclose(y, np.concatenate([q["y"] for q in half], axis=-1), rtol=1e-11)
    np.testing.assert_allclose(dx, half[0]["d x"] + half[1]["d x"], rtol=1e-11, atol=1e-13)
    for k, part in enumerate(("forwards", "backwards")):
        np.testing.assert_allclose(last[k], half[k]["last"], rtol=1e-11)
        np.testing.assert_allclose(d_start[k], half[k]["d start"], rtol=1e-11)
        for full in both.grads:
            if full.startswith(part):
                np.testing.assert_allclose(both.grads[full], half[k][f"d {full.partition('.')[2]}"], rtol=1e-10)


def test_state_and_weight_dropout_where_there_is_something_to_drop() -> None:
    layer = make("MUT1", state_dropout=0.4, weight_dropout=0.4, zoneout=0.2)
    held(layer, CELLS["MUT1"][1])
    assert layer.path == "plain: no kernel supports state_dropout"


@pytest.mark.parametrize("name", ["minGRU", "SRU", "linear state space"])
def test_dropout_is_refused_where_there_is_nothing_to_drop(name: str) -> None:
    with pytest.raises(ValueError, match=r"state_dropout is 0.5, expected 0: the step of .*Node takes no `drop`"):
        make(name, state_dropout=0.5)
    with pytest.raises(ValueError, match=r"weight_dropout is 0.5, expected 0: .*recurrent_weights is None"):
        make(name, weight_dropout=0.5)
    assert "W_h" not in make(name).params


@each_cell
def test_the_checker_agrees(name: str) -> None:
    assert check_gradients(CELLS[name][0](SIZE, input_size=SIZE)), "one step"
    for options in ({}, {"reverse": True, "learn_state": True, "zoneout": 0.4}):
        report = check_gradients(make(name, **options), lengths=MASK, sizes=(B, T, SIZE, SIZE))
        assert report, str(report)


@each_cell
def test_a_cell_is_short(name: str) -> None:
    kind = CELLS[name][0]
    code = inspect.getsource(kind).replace(str(kind.__doc__), "").splitlines()
    assert len([line for line in code[2:] if line.strip()]) < 25


@each_cell
def test_on_a_tape_a_cell_is_called_step_by_step(name: str) -> None:
    kind, step = CELLS[name]
    node = kind(SIZE, input_size=SIZE, seed=1, dtype="float64")
    tape = numnet.Tape(node=node, dtype="float64")
    draw = np.random.default_rng(6).standard_normal
    x, start, dy, d_last = draw((T, B, SIZE)), draw((B, SIZE)), draw((T, B, SIZE)), draw((B, SIZE))
    state, total = numnet.ArrayWithGrad(start), 0.0
    for x_t, dy_t in zip(x, dy):
        y, state = tape.node(x_t, state) if node.reads_out else 2 * (tape.node(x_t, state),)
        total = (y * dy_t).sum() + total
    tape.backward((state * d_last).sum() + total)

    p = {full: torch.tensor(value, requires_grad=True) for full, value in node.params.items()}
    h = torch.tensor(start, requires_grad=True)
    loss = torch.zeros((), dtype=torch.float64)
    for b in range(B):
        now = h[b]
        for t in range(T):
            y, now = step(p, torch.tensor(x[t, b]), now)
            loss = loss + (y * torch.tensor(dy[t, b])).sum()
        loss = loss + (now * torch.tensor(d_last[b])).sum()
    loss.backward()
    for full, gradient in node.grads.items():
        due: Any = p[full].grad
        np.testing.assert_allclose(gradient, due, rtol=1e-11, err_msg=full)
