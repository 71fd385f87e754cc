"""Planted faults: one small change each to numnet's own text, which the checks must catch; so the checks are checked.

The three of Weidman's book (2019, chapter 6) stand first. `planted` imports a copy of numnet with one change in it.
"""

from __future__ import annotations

import importlib
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numnet


@dataclass(frozen=True)
class Fault:
    """In `file`, `old` (which stands there once) becomes `new`; `case` names the row of the table that suffers."""

    name: str
    file: str
    old: str
    new: str
    case: str


FAULTS = [
    Fault("the book's: update gate from the reset gate's products", "gru.py",
          "dot(self.W_h[: 2 * H], h_met, s.product_rz)", "s.product_rz[...] = np.tile(self.W_h[:H] @ h_met, (2, 1))", "GRULayer before"),
    Fault("the book's: gradient from above lost", "recurrent.py", "s.dh += dy[t]", "s.dh += 0", "GRULayer before"),
    Fault("the book's: direct path to the state before missing", "gru.py", "dh *= z", "dh *= 0", "GRULayer before"),
    Fault("tanh: slope of the input", "rnn.py", "multiply(h, h, da)", "multiply(s.a[steps], h, da)", "RNNLayer"),
    Fault("RNN: W_h not transposed", "rnn.py", "dot(s.W_hT, da, s.dh)", "dot(self.W_h, da, s.dh)", "RNNLayer"),
    Fault("RNN: carry lost", "rnn.py", "dot(s.W_hT, da, s.dh)", "s.dh.fill(0)", "RNNLayer"),
    Fault("LSTM: cell's carry lost", "lstm.py", "dc *= f", "dc *= 0", "LSTMLayer"),
    Fault("LSTM: cell's carry through the wrong gate", "lstm.py", "dc *= f", "dc *= s.gates[0][t]", "LSTMLayer"),
    Fault("LSTM: forget gate's slope", "lstm.py", "df *= c_prev", "df *= g", "LSTMLayer"),
    Fault("LSTM: new cell for old", "lstm.py", "df *= c_prev", "df *= s.c[1:][steps]", "LSTMLayer"),
    Fault("LSTM: forget gate's second factor lost", "lstm.py", "dc *= f  # (4) dc' = dc f\n        df *= dc", "df *= dc\n        dc *= f", "LSTMLayer"),
    Fault("LSTM: candidate's slope missing", "lstm.py", "subtract(i, dg, dg)", "dg[...] = i", "LSTMLayer"),
    Fault("LSTM: candidate for what is written", "lstm.py", "di *= i_g", "di *= g", "LSTMLayer"),
    Fault("LSTM: output gate's slope missing", "lstm.py", "subtract(1, o, do)", "do[...] = 1", "LSTMLayer"),
    Fault("LSTM: slope of tanh(c) missing", "lstm.py", "subtract(o, to_c, to_c)", "to_c[...] = o", "LSTMLayer"),
    Fault("LSTM: cell's gradient replaced, not added", "lstm.py", "dc += multiply(dh, to_c, to_c)", "multiply(dh, to_c, dc)", "LSTMLayer"),
    Fault("LSTM: another order of gates, both ways", "operation.py", "params[name][...] = value",
          "params[name][...] = np.roll(value.reshape(4, -1), 1, axis=0).reshape(value.shape)", "LSTMLayer"),
    Fault("GRU: update gate turned round, both ways", "gru.py", "subtract(h_prev, n, h)  # (4)",
          "z[:] = 1 - z; subtract(h_prev, n, h)  # (4)", "GRULayer after"),
    Fault("GRU: reset gate's path missing", "gru.py", "multiply(dm, r, d_met)", "d_met.fill(0)", "GRULayer before"),
    Fault("GRU: candidate's bias inside the wrong side", "gru.py", "add(s.product_n, s.b_h, m)", "m[:] = s.product_n; n += s.b_h", "GRULayer after"),
    Fault("GRU: gradient of b_h forgotten", "gru.py", "self.db_h += dm.sum(axis=1)", "pass", "GRULayer after"),
    Fault("GRU: reset's product forgotten in dU_n", "gru.py", "dn if self.reset == \"before\" else dm", "dn", "GRULayer after"),
    Fault("GRU: h for r h in dU_n", "gru.py", "all_columns(*(s.m for s in stretches)) if self.reset == \"before\" else h_met", "h_met", "GRULayer before"),
    Fault("h[t] for h[t-1] in dW_h", "node.py", "self.dW_h += dp @ all_columns(*(s.h_met for s in stretches)).T", "self.dW_h += dp @ all_columns(*(s.h[1:] for s in stretches)).T", "LSTMLayer"),
    Fault("gradient of b: one step only", "node.py", "self.db += dW[:, -1]", "self.db += stretches[0].da[0, : len(self.b)].sum(axis=1)", "LSTMLayer"),
    Fault("gradients of W_h overwritten, not added", "node.py", "self.dW_h += dp", "self.dW_h[:] = dp", "LSTMLayer"),
    Fault("slopes of the last chunk for all", "recurrent.py", "self.node.slopes(s, steps)", "steps.stop == s.T and self.node.slopes(s, steps)", "LSTMLayer"),
    Fault("chunks laid aside in each other's place", "slots.py", "self.da_all[:, steps]", "self.da_all[:, self.T - steps.stop : self.T - steps.start]", "LSTMLayer"),
    Fault("a chunk's memory taken one step off", "slots.py", "part[t % self.chunk_steps]", "part[(t + 1) % self.chunk_steps]", "RNNLayer"),
    Fault("start state ignored", "state.py", "first[...] = value", "first[...] = 0", "LSTMLayer"),
    Fault("gradient of the last state ignored", "state.py", "gradient[...] = value", "gradient[...] = 0", "LSTMLayer"),
    Fault("gradient of b forgotten where tokens are looked up", "node.py", "self.db += sums.sum(axis=1)", "pass", "LSTMLayer on tokens"),
    Fault("one-hot columns in the wrong order", "embedding.py",
          "if len(present) <= FEW:\n        one_hot = (which[:, None] == np.arange(len(present)))",
          "if len(present) > 0:\n        one_hot = (which[:, None] == np.arange(len(present))[::-1])", "LSTMLayer on tokens"),
    Fault("equal tokens counted once", "embedding.py", "np.add.reduceat(np.take(dy, order, axis=1), starts, axis=1)",
          "np.take(dy, order, axis=1)[:, starts]", "LSTMLayer on tokens"),
    Fault("Dense: bias summed over the batch alone", "dense.py", "self.db += dy_all.sum(axis=1)",
          "self.db += dy[..., -1] if dy.ndim == 2 else dy[0].sum(axis=1)", "Dense"),
    Fault("Dense: gradient of W transposed in time", "dense.py", "all_columns(x).T", "all_columns(x[::-1]).T", "Dense"),
    Fault("softmax: the sum's part missing", "activations.py", "return y * (dy - (dy * y).sum(axis=-1, keepdims=True))", "return y * dy", "Softmax"),
    Fault("dropout: not scaled", "dropout.py", ".astype(dtype) / (1 - self.p)", ".astype(dtype)", "Dropout"),
    Fault("the book's loss: binary term for every class", "losses.py", "return losses[..., 0], dx",
          "return losses[..., 0] - np.log(1 - np.exp(z) / total).sum(axis=-1), dx", "SoftmaxCrossEntropy"),
    Fault("the book's loss: sum for mean", "losses.py", "return float((losses * weights).sum() / N)", "return float((losses * weights).sum())", "SoftmaxCrossEntropy"),
    Fault("loss: ignored targets counted", "losses.py", "return weights * (target != self.ignore_index)", "return weights", "SoftmaxCrossEntropy ignoring 1"),
    Fault("loss: mask turned round in the gradient", "losses.py", "(weights * (dy / N))", "((1 - weights) * (dy / N))", "BinaryCrossEntropy masked"),
    Fault("squared error: factor 2 missing", "losses.py", "difference**2, 2 * difference", "difference**2, difference", "MeanSquaredError"),
]  # fmt: skip
# These show in the path that an optimizer takes, not in a gradient; `case` names the optimizer.
STEP_FAULTS = [
    Fault("Adam: moments never unbiased", "optimizers.py", "1 - self.beta1**k", "1.0", "Adam"),
    Fault("Adam: square of the mean for mean of the square", "optimizers.py", "v += (1 - self.beta2) * g * g", "v += (1 - self.beta2) * m * m", "Adam"),
    Fault("AdamW: decay in the gradient", "optimizers.py", "p *= 1 - rate * self.weight_decay", "g = g + self.weight_decay * p", "AdamW"),
    Fault("momentum: old velocity forgotten", "optimizers.py", "v *= self.momentum", "v *= 0", "SGDMomentum"),
    Fault("AdaGrad: sum never grows", "optimizers.py", "s += g * g  # (1)", "s[...] = g * g", "AdaGrad"),
    Fault("RMSProp: square missing", "optimizers.py", "s += (1 - self.decay) * g * g", "s += (1 - self.decay) * abs(g)", "RMSProp"),
    Fault("weight decay with the wrong sign", "optimizer.py", "return g + self.weight_decay * p", "return g - self.weight_decay * p", "SGD"),
    Fault("clipping: every gradient by its own norm", "clipping.py", "g *= limit / norm", "g *= limit / np.linalg.norm(g)", "SGD"),
]  # fmt: skip


def use_small_limits(net: Any) -> None:
    """So small that sizes which a test can afford meet both sides of each: many chunks, many tokens, long loops."""
    net.slots.IN_CACHE, net.columns.LONG, net.columns.STRIP, net.embedding.FEW = 30, 4, 2, 3


@contextmanager
def planted(fault: Fault, folder: Path) -> Iterator[Any]:
    """numnet with the fault in it, imported in place of the right one for as long as the context lasts."""
    source = Path(numnet.__file__).parent
    shutil.copytree(source, folder / "numnet", ignore=shutil.ignore_patterns("__pycache__"))
    path = folder / "numnet" / fault.file
    text = path.read_text(encoding="utf-8")
    assert text.count(fault.old) == 1, (
        f"{fault.name}: {fault.old!r} stands {text.count(fault.old)} times in {fault.file}"
    )
    path.write_text(text.replace(fault.old, fault.new), encoding="utf-8")
    right = {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "numnet"}
    for name in right:
        del sys.modules[name]
    sys.path.insert(0, str(folder))
    try:
        faulty = importlib.import_module("numnet")
        use_small_limits(faulty)
        yield faulty
    finally:
        sys.path.remove(str(folder))
        for name in [name for name in sys.modules if name.partition(".")[0] == "numnet"]:
            del sys.modules[name]
        sys.modules.update(right)
