"""A character LSTM as Weidman's book (2019) writes it: a matrix for each gate, the batch first, step by step.

In float64, numpy's default, in new arrays each time, and with every slope computed anew from its pre-activation. The
same function as numnet's, so that the two losses can be compared; only the way of writing it is another.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Step = dict[str, Array]


def sigmoid(a: Array) -> Array:
    """σ."""
    return 1 / (1 + np.exp(-a))


def sigmoid_slope(a: Array) -> Array:
    """σ', from the pre-activation."""
    return sigmoid(a) * (1 - sigmoid(a))


def tanh_slope(a: Array) -> Array:
    """tanh', from the pre-activation."""
    return 1 - np.tanh(a) ** 2


class BookLSTM:
    """h, c (B, H); each gate multiplies [x, h] (B, V + H) by its own matrix (V + H, H); then logits, softmax, Adam."""

    def __init__(self, model: Any, rate: float, clip: float) -> None:
        layer, dense = model.layers
        H = self.H = layer.hidden_size
        W = np.hstack((layer.params["W_x"], layer.params["W_h"]))
        self.p = {f"W_{gate}": W[k * H : (k + 1) * H].T for k, gate in enumerate("ifgo")}
        self.p |= {f"b_{gate}": layer.params["b"][k * H : (k + 1) * H] for k, gate in enumerate("ifgo")}
        self.p |= {"W_y": dense.params["W"].T, "b_y": dense.params["b"]}
        self.p = {name: value.astype(float) for name, value in self.p.items()}
        self.m, self.v = ({name: np.zeros_like(p) for name, p in self.p.items()} for _ in range(2))
        self.rate, self.clip, self.steps = rate, clip, 0

    def train(self, x: Array, target: Array) -> float:
        """One training step on tokens x, target (B, T): the loss before it."""
        B, T = x.shape
        V = len(self.p["b_y"])
        one_hot = np.eye(V)[x]
        h, c = np.zeros((B, self.H)), np.zeros((B, self.H))
        kept, loss = [], 0.0
        for t in range(T):
            step = self.step(one_hot[:, t], h, c)
            h, c = step["h"], step["c"]
            loss -= float(np.log(step["y"][np.arange(B), target[:, t]]).sum()) / (B * T)
            kept.append(step)
        self.update(self.gradients(kept, target))
        return loss

    def step(self, x: Array, h: Array, c: Array) -> Step:
        """One step forward, and all that the backward pass needs of it."""
        z = np.concatenate((x, h), axis=1)
        a = {gate: z @ self.p[f"W_{gate}"] + self.p[f"b_{gate}"] for gate in "ifgo"}
        i, f, o, g = sigmoid(a["i"]), sigmoid(a["f"]), sigmoid(a["o"]), np.tanh(a["g"])
        before, c = c, f * c + i * g
        h = o * np.tanh(c)
        logits = h @ self.p["W_y"] + self.p["b_y"]
        e = np.exp(logits - logits.max(axis=1, keepdims=True))
        y = e / e.sum(axis=1, keepdims=True)
        return {"z": z, "before": before, "c": c, "h": h, "y": y, **{f"a_{gate}": a[gate] for gate in "ifgo"}}

    def gradients(self, kept: list[Step], target: Array) -> Step:
        """Of every parameter, from the last step to the first."""
        B, T = target.shape
        d = {name: np.zeros_like(value) for name, value in self.p.items()}
        dh, dc = np.zeros((B, self.H)), np.zeros((B, self.H))
        for t in reversed(range(T)):
            dy = kept[t]["y"].copy()
            dy[np.arange(B), target[:, t]] -= 1
            dh, dc = self.step_backward(kept[t], dy / (B * T), dh, dc, d)
        return d

    def step_backward(self, s: Step, dy: Array, dh: Array, dc: Array, d: Step) -> tuple[Array, Array]:
        """dh and dc of the step before; adds to d."""
        d["W_y"] += s["h"].T @ dy
        d["b_y"] += dy.sum(axis=0)
        dh = dh + dy @ self.p["W_y"].T
        dc = dc + dh * sigmoid(s["a_o"]) * tanh_slope(s["c"])
        da = {
            "i": dc * np.tanh(s["a_g"]) * sigmoid_slope(s["a_i"]),
            "f": dc * s["before"] * sigmoid_slope(s["a_f"]),
            "g": dc * sigmoid(s["a_i"]) * tanh_slope(s["a_g"]),
            "o": dh * np.tanh(s["c"]) * sigmoid_slope(s["a_o"]),
        }
        dz = np.zeros_like(s["z"])
        for gate, slope in da.items():
            d[f"W_{gate}"] += s["z"].T @ slope
            d[f"b_{gate}"] += slope.sum(axis=0)
            dz += slope @ self.p[f"W_{gate}"].T
        return dz[:, -self.H :], dc * sigmoid(s["a_f"])

    def update(self, d: Step) -> None:
        """Clipping by the global norm, then Adam, a parameter at a time."""
        self.steps += 1
        norm = np.sqrt(sum(float((g**2).sum()) for g in d.values()))
        for name, p in self.p.items():
            g = d[name] * min(1.0, self.clip / norm)
            self.m[name] = 0.9 * self.m[name] + 0.1 * g
            self.v[name] = 0.999 * self.v[name] + 0.001 * g**2
            m, v = self.m[name] / (1 - 0.9**self.steps), self.v[name] / (1 - 0.999**self.steps)
            p -= self.rate * m / (np.sqrt(v) + 1e-8)
