"""Planted faults: one small change each to numnet's own text, which the checks must catch; so the checks are checked.

The three of Weidman's book (2019, chapter 6) stand first. `planted` imports a copy of numnet with one change in it.
"""

from __future__ import annotations

import compileall
import functools
import importlib
import importlib.util
import py_compile
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numnet


@dataclass(frozen=True)
class Fault:
    """In `file`, `old` (which stands there once) becomes `new`; `case` names the row of the table that suffers.

    What a diagnosis should say, as one who reads the changed line would; of several words, any is right:
    `tensor`, whose gradient is the first to go wrong in the backward pass: a parameter, an input; h', the state before a step,
    a_f, the gate f before its σ, or another variable of the step; y, or the last state h or c, where its gradient is
    taken wrongly; and y, too, where the way forward is another, so that the outputs are.
    `where`, the equation of its docstring that the line's comment names, "(4)", and the gate, "f"; empty where the change
    is in none, as in what has to do with lengths, time and masks. Of an optimizer, the first step that goes astray.
    """

    name: str
    file: str
    old: str
    new: str
    case: str
    tensor: str
    where: str = ""


FAULTS = [
    # The book's three, in the plain form and, where it has a part there, in the kernel.
    Fault("the book's: update gate from the reset gate's products", "recurrent/gru.py", "sigmoid(a_rz + W_rz @ h_in)", "sigmoid(a_rz + np.tile(W_rz[:H] @ h_in, (2, 1)))", "GRULayer before, plain", "W_h h'", "(1) z"),
    Fault("the book's: gradient from above lost", "recurrent/gru.py", "dh = dy + dh_next", "dh = dh_next", "GRULayer before, plain", "y"),
    Fault("the book's: direct path to the state before missing", "recurrent/gru.py", "dh_prev = dh * z + dropped", "dh_prev = dropped", "GRULayer before, plain", "h'", "(4)"),
    Fault("the book's, kernel: update gate from the reset gate's products", "recurrent/fast/gru.py", "dot(W_h[: 2 * H], h_prev, s.product_rz)", "s.product_rz[...] = dot(W_h[:H].copy(), h_prev, s.temp).repeat(2, 0).reshape(H, 2, -1).swapaxes(0, 1).reshape(2 * H, -1)", "GRULayer before", "y W_h h' z a_z", "(1) z"),
    Fault("the book's, kernel: gradient from above lost", "recurrent/fast/loop.py", "s.dh += dy[t]", "s.dh += 0", "GRULayer before", "y"),
    Fault("the book's, kernel: direct path to the state before missing", "recurrent/fast/gru.py", "dh *= z", "dh *= 0", "GRULayer before", "h'", "(4)"),
    # The steps, plain.
    Fault("tanh: slope of the input", "recurrent/functions.py", "lambda y: 1 - y**2", "lambda y: 1 - np.arctanh(y) ** 2", "RNNLayer, plain", "a", "(2)"),
    Fault("RNN: W_h not transposed", "recurrent/rnn.py", "self.W_h.T @ da", "self.W_h @ da", "RNNLayer, plain", "h'", "(1)"),
    Fault("RNN: carry lost", "recurrent/rnn.py", "dropped(self.W_h.T @ da, drop)", "0 * (self.W_h.T @ da)", "RNNLayer, plain", "h'", "(1)"),
    Fault("RNN: gradient of the next step lost", "recurrent/rnn.py", "dh = dy + dh_next", "dh = dy", "RNNLayer, plain", "h"),
    Fault("RNN: gradient of the next step twice", "recurrent/rnn.py", "dh = dy + dh_next", "dh = dy + 2 * dh_next", "RNNLayer, plain", "h"),
    Fault("LSTM: gradient of the next step lost", "recurrent/lstm.py", "dh = dy + dh_next", "dh = dy", "LSTMLayer, plain", "h"),
    Fault("LSTM: cell's carry lost", "recurrent/lstm.py", "dc_prev = dc * f", "dc_prev = dc * 0", "LSTMLayer, plain", "c'", "(4)"),
    Fault("LSTM: cell's carry through the wrong gate", "recurrent/lstm.py", "dc_prev = dc * f", "dc_prev = dc * i", "LSTMLayer, plain", "c'", "(4)"),
    Fault("LSTM: forget gate's slope", "recurrent/lstm.py", "df = dc * c_prev", "df = dc * g", "LSTMLayer, plain", "f a_f", "(4) f"),
    Fault("LSTM: new cell for old", "recurrent/lstm.py", "(h_in, c_prev, i, f, g, o, tanh_c)\n", "(h_in, c, i, f, g, o, tanh_c)\n", "LSTMLayer, plain", "f a_f", "(4) f"),
    Fault("LSTM: forget gate's second factor lost", "recurrent/lstm.py", "df * f * (1 - f)", "df * (1 - f)", "LSTMLayer, plain", "f a_f", "(2) f"),
    Fault("LSTM: candidate's slope missing", "recurrent/lstm.py", "dg * (1 - g**2)", "dg", "LSTMLayer, plain", "g a_g", "(3) g"),
    Fault("LSTM: candidate for what is written", "recurrent/lstm.py", "di * i * (1 - i)", "di * (1 - i)", "LSTMLayer, plain", "i a_i", "(2) i"),
    Fault("LSTM: factors of the input gate and of the candidate exchanged", "recurrent/lstm.py", "di = dc * g  # (4)\n        dg = dc * i", "di = dc * i  # (4)\n        dg = dc * g", "LSTMLayer, plain", "i g a_i a_g", "(4) i g"),
    Fault("LSTM: output gate's slope missing", "recurrent/lstm.py", "do * o * (1 - o)", "do", "LSTMLayer, plain", "o a_o", "(2) o"),
    Fault("LSTM: slope of tanh(c) missing", "recurrent/lstm.py", "dh * o * (1 - tanh_c**2)", "dh * o", "LSTMLayer, plain", "c", "(5)"),
    Fault("LSTM: cell's gradient replaced, not added", "recurrent/lstm.py", "dc = dc_next + dh * o", "dc = dh * o", "LSTMLayer, plain", "c", "(5)"),
    Fault("LSTM: gates' gradients in another order", "recurrent/lstm.py", "[da_i, da_f, da_g, da_o]", "[da_f, da_i, da_g, da_o]", "LSTMLayer, plain", "i f a_i a_f", "(1) i f"),
    Fault("LSTM: another order of gates, both ways", "core/buffers.py", "entries[name][...] = value",
          "entries[name][...] = np.roll(value.reshape(4, -1), 1, axis=0).reshape(value.shape)", "LSTMLayer", "y W_x W_h b", "i f g o"),
    Fault("GRU: update gate turned round, both ways", "recurrent/gru.py", "h = z * h_prev + (1 - z) * n  # (4)", "z = 1 - z; h = z * h_prev + (1 - z) * n  # (4)", "GRULayer after, plain", "y z a_z", "(4) (1) z"),
    Fault("GRU: reset gate's path missing", "recurrent/gru.py", "dh_m = dm * r", "dh_m = dm * 0", "GRULayer before, plain", "h'", "(2)"),
    Fault("GRU: candidate's bias inside the wrong side", "recurrent/gru.py", "m = U_n @ h_in + (self.b_h[:, None] if self.bias else 0)  # (2)\n            n = np.tanh(a_n + r * m)", "m = U_n @ h_in  # (2)\n            n = np.tanh(a_n + self.b_h[:, None] + r * m)", "GRULayer after, plain", "y b_h", "(2) (3)"),
    Fault("GRU: gradient of b_h forgotten", "recurrent/gru.py", "\"b_h\": (dm, None)", "\"b_h\": (0 * dm, None)", "GRULayer after, plain", "b_h", "(2)"),
    Fault("GRU: reset's product forgotten in dU_n", "recurrent/gru.py", "np.concatenate([da_rz, dm]), h_in), \"b_h\"", "np.concatenate([da_rz, da_n]), h_in), \"b_h\"", "GRULayer after, plain", "W_h", "(2) (3) n"),
    Fault("GRU: h for r h in dU_n", "recurrent/gru.py", "(da_n, m)]}", "(da_n, h_in)]}", "GRULayer before, plain", "W_h", "(2) (3) n"),
    Fault("GRU: r h for h in dW_rz", "recurrent/gru.py", "[(da_rz, h_in), ", "[(da_rz, m), ", "GRULayer before, plain", "W_h", "(1) r z"),
    Fault("GRU: sign of the update gate's slope", "recurrent/gru.py", "dh * (h_prev - n)", "dh * (n - h_prev)", "GRULayer before, plain", "z a_z", "(4) z"),
    Fault("GRU: 1 - z forgotten in the candidate's slope", "recurrent/gru.py", "dh * (1 - z)  # (4)", "dh  # (4)", "GRULayer after, plain", "n a_n", "(4) n"),
    Fault("GRU: reset gate's slope from the candidate itself", "recurrent/gru.py", "dr = dm * h_in", "dr = da_n * h_in", "GRULayer before, plain", "r a_r", "(2) r"),
    Fault("GRU: gates' path to the state before missing", "recurrent/gru.py", "dh_m + W_rz.T @ da_rz", "dh_m", "GRULayer after, plain", "h'", "(1)"),
    Fault("GRU: reset's factor missing in the gradient of m", "recurrent/gru.py", "dm = da_n * r", "dm = da_n", "GRULayer after, plain", "m", "(3)"),
    Fault("GRU: U_n not transposed", "recurrent/gru.py", "dm = U_n.T @ da_n  # (3)", "dm = U_n @ da_n  # (3)", "GRULayer before, plain", "m", "(3)"),
    Fault("GRU: candidate's slope missing", "recurrent/gru.py", "da_n = dn * (1 - n**2)", "da_n = dn", "GRULayer after, plain", "n a_n", "(3) n"),
    Fault("GRU: r missing in the reset gate's slope", "recurrent/gru.py", "dr * r * (1 - r)", "dr * (1 - r)", "GRULayer before, plain", "r a_r", "(1) r"),
    # The steps, in the kernels.
    Fault("tanh, kernel: slope of the input", "recurrent/fast/rnn.py", "multiply(h, h, da)", "multiply(s.a[steps], h, da)", "RNNLayer", "a", "(2)"),
    Fault("RNN kernel: W_h not transposed", "recurrent/fast/rnn.py", "s.dot(s.W_hT, da, s.dh)", "s.dot(self.node.W_h, da, s.dh)", "RNNLayer", "h'", "(1)"),
    Fault("RNN kernel: carry lost", "recurrent/fast/rnn.py", "s.dot(s.W_hT, da, s.dh)", "s.dot(0 * s.W_hT, da, s.dh)", "RNNLayer", "h'", "(1)"),
    Fault("RNN kernel: slope times the next step's gradient twice", "recurrent/fast/rnn.py", "da *= s.dh  #", "da *= s.dh * s.dh  #", "RNNLayer", "a", "(2)"),
    Fault("LSTM kernel: cell's carry lost", "recurrent/fast/lstm.py", "dc *= f", "dc *= 0", "LSTMLayer", "c' f a_f", "(4) f"),
    Fault("LSTM kernel: cell's carry through the wrong gate", "recurrent/fast/lstm.py", "dc *= f", "dc *= s.gates[0][t]", "LSTMLayer", "c' f a_f", "(4) (2) f"),
    Fault("LSTM kernel: forget gate's slope", "recurrent/fast/lstm.py", "df *= c_prev", "df *= g", "LSTMLayer", "f a_f", "(4) (2) f"),
    Fault("LSTM kernel: new cell for old", "recurrent/fast/lstm.py", "df *= c_prev", "df *= s.c[1:][steps]", "LSTMLayer", "f a_f", "(4) (2) f"),
    Fault("LSTM kernel: forget gate's second factor lost", "recurrent/fast/lstm.py", "dc *= f  # (4) dc' = dc f\n        df *= dc", "df *= dc  # (4) (2)\n        dc *= f", "LSTMLayer", "f a_f", "(4) (2) f"),
    Fault("LSTM kernel: candidate's slope missing", "recurrent/fast/lstm.py", "subtract(i, dg, dg)", "dg[...] = i", "LSTMLayer", "g a_g", "(4) (3) g"),
    Fault("LSTM kernel: candidate for what is written", "recurrent/fast/lstm.py", "di *= i_g", "di *= g", "LSTMLayer", "i a_i", "(4) (2) i"),
    Fault("LSTM kernel: what is written for the input gate in the candidate's slope", "recurrent/fast/lstm.py", "subtract(i, dg, dg)", "subtract(i_g, dg, dg)", "LSTMLayer", "g a_g", "(4) (3) g"),
    Fault("LSTM kernel: output gate's slope missing", "recurrent/fast/lstm.py", "subtract(1, o, do)", "do[...] = 1", "LSTMLayer", "o a_o", "(5) (2) o"),
    Fault("LSTM kernel: slope of tanh(c) missing", "recurrent/fast/lstm.py", "subtract(o, to_c, to_c)", "to_c[...] = o", "LSTMLayer", "c", "(5)"),
    Fault("LSTM kernel: cell's gradient replaced, not added", "recurrent/fast/lstm.py", "dc += multiply(dh, to_c, to_c)", "multiply(dh, to_c, dc)", "LSTMLayer", "c", "(5)"),
    Fault("LSTM kernel: gates' gradients before the cell's is complete", "recurrent/fast/lstm.py", "dc += multiply(dh, to_c, to_c)  # (5) dc += dh ∂h/∂c\n        dg *= dc", "dg *= dc  # (4) (3)\n        dc += multiply(dh, to_c, to_c)", "LSTMLayer", "g a_g", "(4) (3) (5) g"),
    Fault("GRU kernel: update gate turned round, both ways", "recurrent/fast/gru.py", "subtract(h_prev, n, h)  # (4)", "z[:] = 1 - z; subtract(h_prev, n, h)  # (4)", "GRULayer after", "y z a_z", "(4) (1) z"),
    Fault("GRU kernel: reset gate's path missing", "recurrent/fast/gru.py", "multiply(dm, r, dh_in)", "dh_in.fill(0)", "GRULayer before", "h'", "(2)"),
    Fault("GRU kernel: candidate's bias inside the wrong side", "recurrent/fast/gru.py", "add(s.product_n, s.b_h, m)", "m[:] = s.product_n; n += s.b_h", "GRULayer after", "y b_h", "(2) (3)"),
    Fault("GRU kernel: gradient of b_h forgotten", "recurrent/fast/gru.py", "\"b_h\": dm.sum(axis=1)", "\"b_h\": 0 * dm.sum(axis=1)", "GRULayer after", "b_h", "(2)"),
    Fault("GRU kernel: reset's product forgotten in dU_n", "recurrent/fast/gru.py", "dm @ h_prev.T]", "dn @ h_prev.T]", "GRULayer after", "W_h", "(2) (3) n"),
    Fault("GRU kernel: h for r h in dU_n", "recurrent/fast/gru.py", "dn @ m.T", "dn @ h_prev.T", "GRULayer before", "W_h", "(2) (3) n"),
    Fault("GRU kernel: r h for h in dW_rz", "recurrent/fast/gru.py", "[drz @ h_prev.T, dn @ m.T]", "[drz @ m.T, dn @ m.T]", "GRULayer before", "W_h", "(1) r z"),
    Fault("GRU kernel: sign of the update gate's slope", "recurrent/fast/gru.py", "subtract(h_prev, n, dm)", "subtract(n, h_prev, dm)", "GRULayer before", "z a_z", "(4) z"),
    Fault("GRU kernel: 1 - z forgotten in the candidate's slope", "recurrent/fast/gru.py", "dn *= dz", "pass", "GRULayer after", "n a_n", "(4) (3)"),
    Fault("GRU kernel: reset gate's slope from the candidate itself", "recurrent/fast/gru.py", "dr *= dm  # (2)", "dr *= dn  # (2)", "GRULayer before", "r a_r", "(2) r"),
    Fault("GRU kernel: gates' path to the state before missing", "recurrent/fast/gru.py", "dh_in += dot(s.W_rzT, drz, s.temp)", "dot(s.W_rzT, drz, s.temp)", "GRULayer after", "h'", "(1)"),
    Fault("GRU kernel: reset's factor missing in the gradient of m", "recurrent/fast/gru.py", "multiply(dn, r, dm)", "dm[...] = dn", "GRULayer after", "m", "(3)"),
    Fault("GRU kernel: U_n not transposed", "recurrent/fast/gru.py", "dot(s.U_nT, dn, dm)", "dot(s.U_nT.T, dn, dm)", "GRULayer before", "m", "(3)"),
    Fault("GRU kernel: σ's slope of the gates missing", "recurrent/fast/gru.py", "drz *= rz  # (1)", "pass  # (1)", "GRULayer before", "r z a_r a_z", "(1) r z"),
    Fault("relu, kernel: slope 1 at 0 too", "recurrent/fast/rnn.py", "da[...] = h > 0", "da[...] = h >= 0", "RNN relu, lengths", "a", "(2)"),
    # The sums over time: pairs of factors, summed by one product after the loop; and what all steps share.
    Fault("h[t] for h[t-1] in dW_h", "recurrent/lstm.py", "{\"W_h\": (da, h_in)}", "{\"W_h\": (da, o * tanh_c)}", "LSTMLayer, plain", "W_h", "(1)"),
    Fault("kernel: h[t] for h[t-1] in dW_h", "recurrent/fast/loop.py", "(s.h[:-1] for s in runs)", "(s.h[1:] for s in runs)", "LSTMLayer", "W_h", "(1)"),
    Fault("sums: blocks of rows exchanged", "core/pairs.py", "[summed(block) for block in zip(*pairs)]", "[summed(block) for block in zip(*pairs)][::-1]", "GRULayer before, plain", "W_h"),
    Fault("sums: factors of other steps", "core/pairs.py", "joined(hs).T", "joined(hs[::-1]).T", "LSTMLayer, plain", "W_h"),
    Fault("sums: last step missing", "core/pairs.py", "das, hs = zip(*pairs)", "das, hs = zip(*(pairs[1:] or pairs))", "RNNLayer, plain", "W_h"),
    Fault("sums: mean over the batch of an elementwise parameter", "core/pairs.py", "da_all.sum(axis=1)", "da_all.sum(axis=1) / das[0].shape[1]", "GRULayer after, plain", "b_h"),
    Fault("sums: of an elementwise parameter one step only", "core/pairs.py", "da_all.sum(axis=1)", "das[0].sum(axis=1)", "IndRNN tanh, lengths", "u"),
    Fault("gradient of b: one step only", "recurrent/node.py", "\"b\": da.sum(axis=1)", "\"b\": da_x[0].sum(axis=1)", "LSTMLayer, plain", "b", "(0)"),
    Fault("kernel: gradient of b: one step only", "recurrent/fast/loop.py", "\"b\": dW[:, -1]}", "\"b\": da[:, : runs[0].B].sum(axis=1)}", "LSTMLayer", "b", "(0)"),
    Fault("gradients of W_h overwritten, not added", "core/pairs.py", "total += gradient", "total[...] = gradient + (name != \"W_h\") * total", "LSTMLayer", "W_h"),
    Fault("gradients of tokens' columns overwritten, not added", "core/pairs.py", "total[:, columns] += sums", "total[:, columns] = sums", "LSTMLayer on tokens", "W_x"),
    Fault("dW_x from inputs of other steps", "recurrent/node.py", "da @ side_by_side(x).T", "da @ side_by_side(x[::-1]).T", "LSTMLayer, plain", "W_x", "(0)"),
    Fault("kernel: gradient of W_x with the bias's column", "recurrent/fast/loop.py", "\"W_x\": dW[:, :-1]", "\"W_x\": dW[:, 1:]", "GRULayer after", "W_x", "(0)"),
    Fault("dx from the first gate alone", "recurrent/node.py", "self.W_x.T @ da_x", "self.W_x[: self.hidden_size].T @ da_x[:, : self.hidden_size]", "LSTMLayer, plain", "x", "(0)"),
    Fault("kernel: dx from the first gate alone", "recurrent/fast/loop.py", "return self.node.W_x.T @ da", "return self.node.W_x[: self.H].T @ da[: self.H]", "LSTMLayer", "x", "(0)"),
    Fault("columns of all steps in another order", "recurrent/node.py", "return q.swapaxes(0, 1).reshape(q.shape[1], -1)", "return q.reshape(q.shape[1], -1)", "LSTMLayer, plain", "W_x b", "(0)"),
    Fault("gradients of a_x stacked from last to first", "recurrent/unroll.py", "else np.stack(steps)", "else np.stack(steps[::-1])", "LSTMLayer, plain", "x W_x"),
    Fault("gradient of b forgotten where tokens are looked up", "recurrent/node.py", "\"b\": da.sum(axis=1)", "\"b\": da.sum(axis=1) * (x.ndim == 3)", "LSTMLayer on tokens, plain", "b", "(0)"),
    Fault("kernel: gradient of b forgotten where tokens are looked up", "recurrent/fast/loop.py", "\"b\": sums.sum(axis=1)", "\"b\": 0 * sums.sum(axis=1)", "LSTMLayer on tokens", "b", "(0)"),
    Fault("gradients to tokens of other steps", "recurrent/node.py", "sum_by_token(x.reshape(-1), da)", "sum_by_token(x[::-1].reshape(-1), da)", "LSTMLayer on tokens, plain", "W_x", "(0)"),
    Fault("one-hot columns in the wrong order", "core/pairs.py",
          "if len(present) <= FEW:\n        one_hot = (which[:, None] == np.arange(len(present)))",
          "if len(present) > 0:\n        one_hot = (which[:, None] == np.arange(len(present))[::-1])", "LSTMLayer on tokens", "W_x", "(0)"),
    Fault("equal tokens counted once", "core/pairs.py", "np.add.reduceat(np.take(dy, order, axis=1), starts, axis=1)",
          "np.take(dy, order, axis=1)[:, starts]", "LSTMLayer on tokens", "W_x b", "(0)"),
    # Backpropagation through time, plain; and the kernels' loop, chunks, buffers.
    Fault("time: backward pass in the order of the forward pass", "recurrent/unroll.py", "for t in reversed(steps.order(T)):", "for t in steps.order(T):", "LSTMLayer, plain", "h c"),
    Fault("start state ignored", "recurrent/layer.py", "or_zeros(start, ", "or_zeros([None] * len(start), ", "LSTMLayer, plain", "h c"),
    Fault("gradient of the last state ignored", "recurrent/layer.py", "d_last = or_zeros(d_last, ", "d_last = or_zeros([None] * len(d_last), ", "LSTMLayer, plain", "h c"),
    Fault("kernel: start state ignored", "recurrent/fast/loop.py", "getattr(s, name)[0] = 0 if value is None else value", "getattr(s, name)[0] = 0", "LSTMLayer", "h c"),
    Fault("kernel: gradient of the last state ignored", "recurrent/fast/loop.py", "gradient[...] = 0 if value is None else value", "gradient[...] = 0", "LSTMLayer", "h c"),
    Fault("slopes of the last chunk for all", "recurrent/fast/loop.py", "self.slopes(s, steps)\n            for", "steps.stop == s.T and self.slopes(s, steps)\n            for", "LSTMLayer", "a x"),
    Fault("chunks stored in each other's place", "recurrent/fast/buffers.py", "self.da_all[:, steps]", "self.da_all[:, self.T - steps.stop : self.T - steps.start]", "LSTMLayer", "a W_h W_x x"),
    Fault("a chunk's memory taken one step off", "recurrent/fast/buffers.py", "part[t % self.chunk_steps]", "part[(t + 1) % self.chunk_steps]", "RNNLayer", "a x"),
    Fault("buffers: what backward needs is scratch of the next run", "recurrent/fast/buffers.py", "return self.call.saved.new(*shape)", "return self.call.scratch.new(*shape)", "LSTM, lengths", "y a W_h W_x x"),
    Fault("buffers: all arrays of an arena in one place", "recurrent/fast/buffers.py", "start, size = self.used, math.prod(shape)", "start, size = 0, math.prod(shape)", "LSTM, lengths", "y a W_h W_x x h c"),
    Fault("buffers: every run's gradients in the first columns", "recurrent/fast/buffers.py", "first, self.placed = self.placed, self.placed + T * B", "first, self.placed = 0, T * B", "LSTM, lengths", "W_h W_x x"),
    Fault("Dense: bias summed over the batch alone", "layers/dense.py", "\"b\": (dy_all, None)", "\"b\": (dy_all if dy.ndim == 2 else dy[0], None)", "Dense", "b", "(1)"),
    Fault("Dense: gradient of W transposed in time", "layers/dense.py", "(dy_all, all_columns(x))", "(dy_all, all_columns(x[::-1]))", "Dense", "W", "(1)"),
    Fault("LayerNorm: the mean's part missing", "layers/norms.py", "dx_hat - dx_hat.mean(axis=axis, keepdims=True) - through_v", "dx_hat - through_v", "LayerNorm", "x"),
    Fault("LayerNorm: the variance's part missing", "layers/norms.py", "keepdims=True) - through_v)", "keepdims=True))", "LayerNorm", "x"),
    Fault("LayerNorm: gain missing in dx", "layers/norms.py", "standardize_backward(dy * self.g, x_hat, s, -1)", "standardize_backward(dy, x_hat, s, -1)", "LayerNorm", "x"),
    Fault("LayerNorm: gradient of the gain like a bias's", "layers/norms.py", "{\"g\": (by_feature(dy * x_hat), None), \"b\"", "{\"g\": (by_feature(dy), None), \"b\"", "LayerNorm", "g"),
    Fault("RMSNorm: the root's part missing", "layers/norms.py", "r * (dx_hat - through_r)", "r * dx_hat", "RMSNorm", "x"),
    Fault("BatchNorm: statistics taken as constants", "layers/norms.py", "if of_batch and len(dy) else", "if False else", "BatchNorm", "x"),
    Fault("BatchNorm: padding counts", "layers/norms.py", "self.standardized(self.cast(\"x\", x)[real])", "self.standardized((self.cast(\"x\", x) * real[..., None]).reshape(-1, x.shape[-1])); x_hat = x_hat[real.reshape(-1)]", "BatchNorm", "y x"),
    Fault("BatchNorm: gradient of the bias with the gain", "layers/norms.py", "self.db += dy.sum(axis=0)", "self.db += (dy * self.g).sum(axis=0)", "BatchNorm", "b", "(4)"),
    Fault("SiLU: the sigmoid's slope missing", "layers/activations.py", "dy * (s + x * sigmoid_slope(s))", "dy * s", "SiLU", "x", "(1)"),
    Fault("GELU: the density missing", "layers/activations.py", "dy * (p + x * density)", "dy * p", "GELU", "x"),
    Fault("GELU: a density twice as high", "layers/activations.py", "0.5 * SQRT_2_PI * np.exp", "SQRT_2_PI * np.exp", "GELU", "x"),
    Fault("GELU: factor 3 missing", "layers/activations.py", "1 + 3 * CUBIC", "1 + CUBIC", "GELU by tanh", "x"),
    Fault("ELU: α forgotten in the slope", "layers/activations.py", "np.where(y > 0, 1, y + self.alpha)", "np.where(y > 0, 1, y + 1)", "ELU of 0.5", "x"),
    Fault("Softplus: the slope of ReLU", "layers/activations.py", "return dy * sigmoid(x)  # (1)", "return dy * (x > 0)  # (1)", "Softplus", "x", "(1)"),
    Fault("LeakyReLU: the slope of ReLU", "layers/activations.py", "np.where(x > 0, dy, self.negative_slope * dy)", "np.where(x > 0, dy, 0 * dy)", "LeakyReLU", "x", "(1)"),
    Fault("stack: dropout forgotten in the backward pass", "recurrent/stack.py", "self.between[k - 1].backward(self.layers[k].backward(dy, d_last[k]))", "self.layers[k].backward(dy, d_last[k])", "GRU in layers, layers, dropout, reset",
          "x layers.0.b layers.0.W_h layers.0.W_x layers.0.h layers.1.b layers.1.W_h layers.1.W_x layers.1.h"),
    Fault("stack: gradient of the first layer's last state lost", "recurrent/stack.py", "self.layers[0].backward(dy, d_last[0])", "self.layers[0].backward(dy)", "GRU in layers, layers, dropout, reset", "layers.0.h"),
    Fault("RepeatVector: only the last step's gradient", "layers/repeat.py", ".sum(axis=1)  # (1)", "[:, -1]  # (1)", "RepeatVector", "y"),
    Fault("Convolution: causal forgotten in the backward pass", "layers/convolution.py", "self.K - 1 - self.before, self.K)", "self.K - 1 - self.K // 2, self.K)", "Convolution, causal", "x"),
    Fault("softmax: the sum's part missing", "layers/activations.py", "return y * (dy - (dy * y).sum(axis=-1, keepdims=True))", "return y * dy", "Softmax", "x", "(1) (2)"),
    Fault("dropout: not scaled", "layers/dropout.py", ".astype(dtype) / np.asarray(1 - self.p, dtype)", ".astype(dtype)", "Dropout", "y", "(1)"),
    Fault("the book's loss: binary term for every class", "layers/cross_entropy.py", "return losses[..., 0], dx",
          "return losses[..., 0] - np.log(1 - np.exp(z) / total).sum(axis=-1), dx", "SoftmaxCrossEntropy", "value prediction", "(2)"),
    Fault("the book's loss: sum for mean", "layers/losses.py", "return float((losses * (weights / N)).sum())", "return float((losses * weights).sum())", "SoftmaxCrossEntropy", "value prediction"),
    Fault("loss: ignored targets counted", "layers/cross_entropy.py", "return weights * (target != self.ignore_index)", "return weights", "SoftmaxCrossEntropy ignoring 1", "value prediction"),
    Fault("loss: mask turned round in the gradient", "layers/losses.py", "self.saved = slope, weights / N,", "self.saved = slope, (1 - weights) / N,", "BinaryCrossEntropy masked", "prediction"),
    Fault("squared error: factor 2 missing", "layers/regression.py", "difference**2, 2 * difference", "difference**2, difference", "MeanSquaredError", "prediction", "(1)"),
    Fault("absolute error: sign missing", "layers/regression.py", "np.abs(difference), np.sign(difference)", "np.abs(difference), np.abs(np.sign(difference))", "MeanAbsoluteError", "prediction", "(1)"),
    Fault("Huber: gradient of the square everywhere", "layers/regression.py", "dy = np.clip(e, -delta, delta)", "dy = e", "HuberLoss", "prediction", "(1) (2)"),
    Fault("Huber: δ missing far from the target", "layers/regression.py", "delta * (size - delta / 2)", "size - delta / 2", "HuberLoss", "value prediction", "(1) (2)"),
    Fault("quantiles: above and below exchanged", "layers/regression.py", "(below - tau) / len(tau)", "(tau - below) / len(tau)", "QuantileLoss", "prediction", "(1) (2)"),
    Fault("quantiles: another quantile in the gradient", "layers/regression.py", "(below - tau) / len(tau)", "(below - tau[::-1]) / len(tau)", "QuantileLoss", "prediction", "(1) (2)"),
    Fault("quantiles: sum of the gradients for the mean", "layers/regression.py", "(below - tau) / len(tau)", "(below - tau)", "QuantileLoss", "prediction", "(1) (2)"),
    Fault("quantiles: sum for mean", "layers/regression.py", "* e).mean(axis=-1)", "* e).sum(axis=-1)", "QuantileLoss", "value prediction", "(1) (2)"),
    # Lengths, in the kernels: rows are sorted, time is cut into runs, and rows that have ended may go on for nothing.
    Fault("lengths: on the wrong side", "core/lengths.py", "return np.arange(T) < lengths[:, None]", "return np.arange(T) >= T - lengths[:, None]", "LSTM, lengths", "y"),
    Fault("lengths: what a row makes after its end is shown", "recurrent/fast/packing.py", "packed[self.ended] = 0\n        out", "out", "LSTM, lengths", "y"),
    Fault("lengths: gradients of rows that have ended are counted", "recurrent/fast/packing.py", "packed[self.ended] = 0\n        return", "return", "LSTM, lengths", "y"),
    Fault("lengths: state after the padding", "recurrent/fast/loop.py", "        if counts is None:\n            return [part[-1]", "        if True:\n            return [part[-1]", "LSTM, lengths", "h c"),
    Fault("lengths: state of a row of length 0 lost", "recurrent/fast/packing.py", "part[:, : self.B] = columns", "part[...] = 0; part[:, : self.B] = columns", "LSTM, lengths", "h c"),
    Fault("lengths: gradient of a row of length 0 lost", "recurrent/fast/packing.py", "taken = np.flatnonzero(self.counts)", "taken = slice(self.B)", "LSTM, lengths", "h c"),
    Fault("lengths: gradient at a row's end lost", "recurrent/fast/loop.py", "gradient[:, ended] += last", "pass", "LSTM, lengths", "h c"),
    Fault("lengths: gradient at a row's end twice", "recurrent/fast/loop.py", "gradient[:, ended] += last", "gradient[:, ended] += 2 * last", "GRU before, lengths", "h"),
    Fault("lengths: gradient at a row's end, and again after its padding", "recurrent/fast/packing.py", " * (self.counts == self.T) for part in d_state]", " for part in d_state]", "LSTM, lengths", "h c"),
    Fault("lengths: gradient at the end of another row", "recurrent/fast/packing.py", "np.flatnonzero(self.counts == k) for k", "(np.flatnonzero(self.counts == k) + 1) % self.B for k", "LSTM, lengths", "h c"),
    Fault("lengths: gradient one step after the end", "recurrent/fast/packing.py", "{int(k) - 1: np", "{int(k): np", "LSTM, lengths", "h c"),
    Fault("lengths: order of the rows not undone", "recurrent/fast/packing.py", "out[self.order] = part.T", "out[...] = part.T", "LSTM, lengths", "h c"),
    Fault("lengths: start states to other rows", "recurrent/fast/packing.py", "else part[self.order].T", "else part.T", "LSTM, lengths", "h c"),
    Fault("lengths: dx to other steps", "recurrent/fast/packing.py", "out[self.place] = packed", "out[np.sort(self.place)] = packed", "LSTM, lengths", "y x"),
    Fault("lengths: runs of dx in each other's place", "recurrent/fast/packing.py", "in self.divide(all_steps.T)]", "in self.divide(all_steps.T[::-1])]", "LSTM, lengths", "x"),
    Fault("lengths: Dense over the padding", "recurrent/layer.py", "self.output.backward(call.masked(dy))", "self.output.backward(dy)", "LSTM, with output", "output.b"),
    Fault("lengths: Dense's bias in the padding", "recurrent/layer.py", "call.masked(self.output(y))", "self.output(y)", "LSTM, with output", "y output.b"),
    Fault("lengths: mask turned round where y is shown", "recurrent/call.py", "np.where(real[..., None], y, 0)", "np.where(real[..., None], 0, y)", "LSTM, with output", "y"),
    Fault("lengths: only the last run's weights", "recurrent/fast/loop.py", "da_all @ all_columns(*(s.h[:-1] for s in runs)).T", "da_all[:, -runs[-1].T * runs[-1].B :] @ all_columns(runs[-1].h[:-1]).T", "LSTM, lengths", "W_h", "(1)"),
    Fault("gaps: taken for an end", "recurrent/fast/packing.py", "if not (mask[:, 1:] & ~mask[:, :-1]).any():", "if True:", "LSTM, gaps", "y"),
    Fault("gaps: not gone through in reverse", "recurrent/fast/packing.py", "return self.T - 1 - np.argsort(~mask[:, ::-1], axis=1, kind=\"stable\")", "return np.argsort(~mask, axis=1, kind=\"stable\")", "LSTM, gaps, reverse", "y"),
    # Lengths, plain: at padding the state is handed on, and the output is 0.
    Fault("lengths, plain: output at padding shown", "recurrent/unroll.py", "(y[t],) = where(real, (y_t,), (0,))", "y[t] = y_t", "LSTM, lengths, plain", "y"),
    Fault("lengths, plain: gradient of the output at padding counted", "recurrent/unroll.py", "where(real, (dy[t],), 0), where", "(dy[t],), where", "LSTM, lengths, plain", "y"),
    Fault("lengths, plain: padding takes a gradient from the state", "recurrent/unroll.py", "where(real, d_state, 0)", "d_state", "LSTM, gaps, plain", "h c"),
    Fault("lengths, plain: state after the padding", "recurrent/unroll.py", "state = where(real, new, state)", "state = new", "LSTM, lengths, plain", "h c"),
    Fault("lengths, plain: gradient of the state lost at padding", "recurrent/unroll.py", "d_state = where(real, d_prev, d_state)", "d_state = where(real, d_prev, 0)", "LSTM, lengths, plain", "h c"),
    Fault("lengths, plain: gradient of the state through the step at padding", "recurrent/unroll.py", "d_state = where(real, d_prev, d_state)", "d_state = d_prev", "LSTM, lengths, plain", "h c"),
    Fault("lengths, plain: gradient at padding twice", "recurrent/unroll.py", "d_state = where(real, d_prev, d_state)", "d_state = where(real, d_prev, (2 * d_state[0], *d_state[1:]))", "GRU before, lengths, plain", "h"),
    Fault("lengths, plain: of the state h alone handed on", "recurrent/unroll.py", "state = where(real, new, state)", "state = where(real, new, (state[0], *new[1:]))", "LSTM, gaps, plain", "c"),
    Fault("lengths, plain: mask of other rows", "recurrent/layer.py", "None if mask is None else mask.T", "None if mask is None else mask[::-1].T", "LSTM, lengths, plain", "y"),
    Fault("gaps, plain: mask of the steps before", "recurrent/layer.py", "None if mask is None else mask.T", "None if mask is None else np.roll(mask, 1, axis=1).T", "LSTM, gaps, plain", "y"),
    # Directions, shapes, and what is shown.
    Fault("reverse: from the padded end", "recurrent/fast/packing.py", "counts - 1 - times", "self.T - 1 - times", "LSTM, reverse", "y x"),
    Fault("reverse: not at all, where rows are padded", "recurrent/fast/packing.py", "if self.reverse else times", "if False else times", "GRU before, reverse", "y"),
    Fault("reverse: y in the order in which it is made", "recurrent/fast/packing.py", "parts[0][:, ::-1] if self.reverse", "parts[0] if self.reverse", "LSTM reverse, unpadded", "y x"),
    Fault("reverse, plain: not at all", "recurrent/unroll.py", "-1 if self.reverse else 1", "1", "LSTM, gaps, reverse, plain", "y"),
    Fault("reverse, plain: not in the backward pass", "recurrent/unroll.py", "for t in reversed(steps.order(T)):", "for t in reversed(range(T)):", "LSTM, gaps, reverse, plain", "h c"),
    Fault("last alone: gradient of the last state forgotten", "recurrent/layer.py", "dy[np.arange(B), call.ends] = d_end", "dy[np.arange(B), call.ends] = d_end; d_last = [None] * len(d_last)", "LSTM, last alone", "h c"),
    Fault("last alone: the output at padding is shown", "recurrent/layer.py", "y[np.arange(len(y)), call.ends]", "y[:, -1]", "LSTM, last alone", "y"),
    Fault("last alone: the output's gradient at padding", "recurrent/layer.py", "dy[np.arange(B), call.ends] = d_end", "dy[:, -1] = d_end", "LSTM, last alone", "y"),
    Fault("last alone, plain: gradient of the output lost", "recurrent/layer.py", "dy[np.arange(B), call.ends] = d_end", "pass", "GRU before, last alone, plain", "y"),
    Fault("learned state: mean for sum", "recurrent/layer.py", "part[call.learned].sum(axis=0)", "part[call.learned].mean(axis=0)", "LSTM, learned state", "h_0 c_0"),
    Fault("learned state: gradient overwritten, not added", "recurrent/layer.py", "gradient += 0 if call.learned", "gradient[:] = 0 if call.learned", "GRU before, learned state", "h_0"),
    Fault("time-major: dx not turned back", "recurrent/layer.py", "dx = self.time_major(dx)", "dx = dx", "LSTM, time-major", "x"),
    Fault("time-major: dy not turned", "recurrent/layer.py", "dy = self.time_major(dy) if self.return_sequences else dy", "dy = dy", "LSTM, time-major", "y"),
    Fault("time-major: gaps not turned", "core/lengths.py", "return found if batch_first else found.T", "return found", "LSTM, gaps, time-major", "y"),
    Fault("both ways: the second goes ahead too", "recurrent/options.py", "other.reverse = not self.reverse", "other.reverse = self.reverse", "LSTM, both ways", "y"),
    Fault("both ways: halves of dy exchanged", "recurrent/bidirectional.py", "np.split(dy, [y_f.shape[-1]], axis=-1)", "np.split(dy, 2, axis=-1)[::-1]", "LSTM, both ways", "y", "(2)"),
    Fault("both ways: dx of the first alone", "recurrent/bidirectional.py", "dx = dx_f + dx_b", "dx = dx_f", "LSTM, both ways", "x", "(1)"),
    Fault("both ways: the first's last state for the second's", "recurrent/bidirectional.py", "self.backwards.backward(d_b, d_last[1])", "self.backwards.backward(d_b, d_last[0])", "GRU before, both ways", "h_back"),
    Fault("both ways: gradient of the first's last state forgotten", "recurrent/bidirectional.py", "self.forwards.backward(d_f, d_last[0])", "self.forwards.backward(d_f)", "GRU before, both ways", "h_forth"),
    Fault("both ways, mul: own factor for the other's", "recurrent/bidirectional.py", "return dy * y_b, dy * y_f", "return dy * y_f, dy * y_b", "LSTM, both ways, mul", "y", "(2)"),
    Fault("both ways, mean: not divided in the backward pass", "recurrent/bidirectional.py", "else (dy / 2, dy / 2)", "else (dy, dy)", "LSTM, both ways, mean", "y", "(2)"),
    Fault("both ways, sum: halved in the backward pass", "recurrent/bidirectional.py", "return (dy, dy) if", "return (dy / 2, dy / 2) if", "LSTM, both ways, sum", "y", "(2)"),
    # Resets: a sequence begins within a row, from h_0, and no gradient passes to what is before.
    Fault("resets: gradient not stopped", "recurrent/unroll.py", "d_prev = where(continues, d_prev, 0)", "pass", "LSTM, resets", "h c"),
    Fault("resets: of the state h alone", "recurrent/unroll.py", "state = where(at(steps.continues, t), state, steps.h_0)", "state = (*where(at(steps.continues, t), state, steps.h_0)[:1], *state[1:])", "LSTM, resets", "y c"),
    Fault("resets: not at all", "recurrent/unroll.py", "state = where(at(steps.continues, t), state, steps.h_0)", "pass", "LSTM, resets", "y"),
    Fault("resets: one step late", "recurrent/layer.py", "continuing(resets, mask, self.reverse).T", "np.roll(continuing(resets, mask, self.reverse), 1, axis=1).T", "LSTM, resets", "y"),
    Fault("resets: of other rows", "recurrent/layer.py", "continuing(resets, mask, self.reverse).T", "continuing(resets, mask, self.reverse)[::-1].T", "LSTM, resets", "y"),
    Fault("resets: not at a row's first step", "core/lengths.py", "np.diff(of_steps, prepend=0)", "np.diff(of_steps, prepend=of_steps[:1])", "LSTM, resets", "y"),
    Fault("resets: none at a step that is not real", "core/lengths.py", "number = resets.cumsum(axis=1)", "number = (resets & mask).cumsum(axis=1)", "GRU before, resets, gaps", "y"),
    Fault("resets: in reverse one step off", "core/lengths.py", "np.diff(of_steps, append=of_steps[-1:]) if reverse", "np.diff(of_steps, prepend=of_steps[:1]) if reverse", "GRU after, resets, gaps, reverse", "y"),
    Fault("resets: to zero, not to the learned state", "recurrent/layer.py", "[:, None] if self.learn_state else 0", "[:, None] * 0 if self.learn_state else 0", "LSTM, resets, learned state", "y"),
    Fault("resets: gradient of the learned state lost", "recurrent/layer.py", "if self.learn_state:  # resets", "if False:  # what", "LSTM, resets, learned state", "h_0 c_0"),
    Fault("resets: gradient of the learned state from the steps that go on", "recurrent/unroll.py", "total + np.where(continues, 0, dq)", "total + np.where(continues, dq, 0)", "LSTM, resets, learned state", "h_0 c_0"),
    Fault("resets: gradient of the learned state from behind the step", "recurrent/unroll.py", "zip(d_0, d_prev)", "zip(d_0, d_new)", "LSTM, resets, learned state", "h_0 c_0"),
    Fault("resets: gradient of the learned state from the last reset alone", "recurrent/unroll.py", "tuple(total + np.where(continues, 0, dq)", "tuple(np.where(continues, 0, dq)", "LSTM, resets, learned state", "h_0 c_0"),
    # Nodes whose output is none of their states.
    Fault("reads out: the state is shown as the last output", "recurrent/layer.py", "call.masked(y[np.arange(len(y)), call.ends])", "call.masked(last[0])", "a node that reads out, last alone", "y"),
    Fault("reads out: the last output is that of the padding", "recurrent/call.py", "T - 1 - real[:, ::-1].argmax(axis=1)", "np.full(len(real), T - 1)", "a node that reads out, last alone", "y"),
    Fault("reads out: in reverse the last real step's output", "recurrent/call.py", "real.argmax(axis=1) if self.reverse else T", "T", "a node that reads out, last alone, reverse", "y"),
    Fault("reads out: the last output's gradient to the state", "recurrent/layer.py", "dy[np.arange(B), call.ends] = d_end", "d_last = [d_end if d_last[0] is None else d_last[0] + d_end]", "a node that reads out, last alone", "y"),
    Fault("reads out: in reverse the last output's gradient to the first step", "recurrent/layer.py", "dy[np.arange(B), call.ends] = d_end", "dy[:, 0 if self.reverse else -1] = d_end", "a node that reads out, last alone, reverse", "y"),
    Fault("reads out: the output's gradient through zoneout", "recurrent/unroll.py", "if not reads_out:", "if True:", "a node that reads out, zoneout", "y"),
    Fault("reads out: the output is the state after zoneout", "recurrent/unroll.py", "y_t = y_t if node.reads_out else new[0]", "y_t = new[0]", "a node that reads out, zoneout", "y"),
    Fault("pooling: last of the padding", "layers/pooling.py", "T - 1 - mask[:, ::-1].argmax(axis=1)", "np.full(len(mask), T - 1)", "Pooling last", "y x", "(1)"),
    Fault("pooling: first step, though a gap", "layers/pooling.py", "mask.argmax(axis=1) if", "0 * mask.argmax(axis=1) if", "Pooling first with gaps", "y x", "(1)"),
    Fault("pooling: a row without a step has a gradient", "layers/pooling.py", " * (mask.sum(axis=1)[:, None] > 0).astype(dtype)", "", "Pooling first", "y x"),
    Fault("pooling: mean over the padding too", "layers/pooling.py", "np.maximum(mask.sum(axis=1), 1)[:, None]", "np.full((len(mask), 1), mask.shape[1])", "Pooling mean", "y", "(3)"),
    Fault("pooling: padding may be the largest", "layers/pooling.py", "np.copyto(low, x.swapaxes(0, 1), where=real)", "low, real = x.swapaxes(0, 1), True", "Pooling max", "y x", "(2)"),
    # Peepholes, coupled gates, projection.
    Fault("peepholes: output gate sees the old cell", "recurrent/lstm_variants.py", "sigma(a_o + p_o * c)", "sigma(a_o + p_o * c_prev)", "LSTM peepholes, lengths", "y c c' p", "(5)"),
    Fault("peepholes: path through the gates to c' missing", "recurrent/lstm_variants.py", "dc * f + p_i * da_i + p_f * da_f", "dc * f", "LSTM peepholes, lengths", "c'", "(2)"),
    Fault("peepholes: path through the output gate missing", "recurrent/lstm_variants.py", "dc_hat + p_o * da_o", "dc_hat", "LSTM peepholes, lengths", "c", "(5)"),
    Fault("peepholes: new cell for old in dp", "recurrent/lstm_variants.py", "[da_i * c_prev, da_f * c_prev, da_o * c]", "[da_i * c, da_f * c, da_o * c]", "LSTM peepholes, lengths", "p", "(2)"),
    Fault("peepholes: old cell for new in dp_o", "recurrent/lstm_variants.py", "da_f * c_prev, da_o * c]", "da_f * c_prev, da_o * c_prev]", "LSTM peepholes, lengths", "p", "(5)"),
    Fault("peepholes: gradient of p forgotten", "recurrent/lstm_variants.py", "{\"p\": (dp, None)}", "{\"p\": (0 * dp, None)}", "LSTM peepholes, lengths", "p", "(2) (5)"),
    Fault("coupled: sign of what is forgotten", "recurrent/lstm_variants.py", "(di - df) * sigma", "(di + df) * sigma", "LSTM coupled, lengths", "i f a_i", "(2) (4) i"),
    Fault("coupled: what is written is kept too", "recurrent/lstm_variants.py", "f = 1 - i if self.coupled", "f = i if self.coupled", "LSTM coupled, lengths", "y i f a_i", "(2) (4) i"),
    Fault("coupled: the gate's peephole without its path to c'", "recurrent/lstm_variants.py", "dc * f + p_i * da_i  # (4)", "dc * f  # (4)", "LSTM peepholes coupled, lengths", "c'", "(2)"),
    Fault("projection: turned round in the backward pass", "recurrent/lstm_variants.py", "self.W_r.T @ dh if", "self.W_r.T @ dh[::-1] if", "LSTM projection, lengths", "u", "(8)"),
    Fault("projection: the next step's part missing in dW_r", "recurrent/lstm_variants.py", "{\"W_r\": (dh, u)}", "{\"W_r\": (dy, u)}", "LSTM projection, lengths", "W_r", "(8)"),
    Fault("projection: k for u in dW_r", "recurrent/lstm_variants.py", "{\"W_r\": (dh, u)}", "{\"W_r\": (dh, k)}", "LSTM projection, lengths", "W_r", "(8)"),
    # Layer normalization.
    Fault("layer_norm: gain missing in the backward pass", "recurrent/layer_norm.py", "dx_hat = dy * gain[:, None]", "dx_hat = dy", "RNN layer_norm, lengths", "x_hat", "(1)"),
    Fault("layer_norm: path through the mean missing", "recurrent/layer_norm.py", " - dx_hat.mean(axis=-2, keepdims=True)", "", "LSTM layer_norm, lengths", "p k", "(1) (6)"),
    Fault("layer_norm: path through the variance missing", "recurrent/layer_norm.py", " - through_s)", ")", "LSTM layer_norm, lengths", "p k", "(1) (6)"),
    Fault("layer_norm: scale missing in the backward pass", "recurrent/layer_norm.py", "dx = s * (", "dx = (", "GRU before layer_norm, lengths", "p W_h h'", "(1) (3)"),
    Fault("layer_norm: another ε", "recurrent/layer_norm.py", "EPSILON = 1e-5", "EPSILON = 1e-4", "RNN layer_norm, lengths", "y", "(0) (1)"),
    Fault("layer_norm: bias inside", "recurrent/layer_norm.py", "[normalize(p, gain)[0] for p, gain in blocks], axis=1)\n        return normalized + self.b[:, None]", "[normalize(p + self.b[:, None], gain)[0] for p, gain in blocks], axis=1)\n        return normalized", "RNN layer_norm, lengths", "y b", "(0)"),
    Fault("layer_norm: gradient of W_x from that of the normalized", "recurrent/layer_norm.py", "super().inputs_backward(dp, x)", "super().inputs_backward(da_x, x)", "LSTM layer_norm, lengths", "W_x x", "(0)"),
    Fault("layer_norm: gradient of W_h from that of the normalized", "recurrent/lstm_variants.py", "{\"W_h\": (d_product, h_in)}", "{\"W_h\": (da, h_in)}", "LSTM layer_norm, lengths", "W_h", "(1)"),
    Fault("layer_norm: gradient of g_x like a bias's", "recurrent/layer_norm.py", "dg.sum(axis=(0, 2))", "da_x.sum(axis=(0, 2))", "LSTM layer_norm, lengths", "g_x", "(0)"),
    Fault("layer_norm: gradient of g_h forgotten", "recurrent/layer_norm.py", "\"g_h\": (dg, None)", "\"g_h\": (0 * dg, None)", "RNN layer_norm, lengths", "g_h", "(1)"),
    Fault("layer_norm: gradient of b_c forgotten", "recurrent/lstm_variants.py", "\"b_c\": (d_arg, None)", "\"b_c\": (0 * d_arg, None)", "LSTM layer_norm, lengths", "b_c", "(6)"),
    Fault("layer_norm: gradient of g_c from the cell itself", "recurrent/lstm_variants.py", "\"g_c\": (dg_c, None)", "\"g_c\": (d_arg * c, None)", "LSTM layer_norm, lengths", "g_c", "(6)"),
    Fault("layer_norm: update's gain for the candidate's", "recurrent/gru_variants.py", "np.concatenate([dg_rz, dg_n])", "np.concatenate([dg_rz, dg_rz[H:]])", "GRU before layer_norm, lengths", "g_h", "(3) n"),
    Fault("layer_norm: all rows of a GRU together", "recurrent/gru_variants.py", "return [2 * self.hidden_size]", "return []", "GRU after layer_norm, lengths", "y", "(0)"),
    # Other nodes.
    Fault("relu: slope 1 at 0 too", "recurrent/functions.py", "lambda y: y > 0", "lambda y: y >= 0", "RNN relu, lengths, plain", "a", "(2)"),
    Fault("MGU: reset's path missing", "recurrent/mgu.py", " + dm * h_in", "", "MGU, lengths", "f a_f", "(2) f"),
    Fault("MGU: gate turned round on the direct path", "recurrent/mgu.py", "dh * (1 - f) + dropped", "dh * f + dropped", "MGU, lengths", "h'", "(4)"),
    Fault("MGU: candidate's path missing", "recurrent/mgu.py", "dm * f + U_f.T @ da_f", "U_f.T @ da_f", "MGU, lengths", "h'", "(2)"),
    Fault("MGU: gate's path to the state before missing", "recurrent/mgu.py", "dm * f + U_f.T @ da_f", "dm * f", "MGU, lengths", "h'", "(1)"),
    Fault("MGU: h for f h in dU_n", "recurrent/mgu.py", "(da_n, m)]", "(da_n, h_in)]", "MGU, lengths", "W_h", "(2) (3) n"),
    Fault("MGU: gate turned round forward", "recurrent/mgu.py", "h = (1 - f) * h_prev + f * n", "h = f * h_prev + (1 - f) * n", "MGU, lengths", "y f n h'", "(4)"),
    Fault("IndRNN: h[t] for h[t-1] in du", "recurrent/indrnn.py", "(da * h_in, None)", "(da * h, None)", "IndRNN, lengths", "u", "(1)"),
    Fault("IndRNN: u missing in the backward pass", "recurrent/indrnn.py", "dropped(self.u[:, None] * da, drop)", "dropped(da, drop)", "IndRNN tanh, lengths", "h'", "(1)"),
    Fault("IndRNN: slope 1 at 0 too", "recurrent/functions.py", "lambda y: y > 0", "lambda y: y >= 0", "IndRNN, lengths", "a", "(2)"),
    # Other functions.
    Fault("functions: sigmoid's slope for that of another function", "recurrent/gru_variants.py", "dr * sigma.slope(r)", "dr * r * (1 - r)", "GRU before softsign, lengths", "r a_r", "(1) r"),
    Fault("functions: tanh's slope for that of another function", "recurrent/gru_variants.py", "dn * phi.slope(n)", "dn * (1 - n**2)", "GRU after selu, lengths", "n a_n", "(3) n"),
    Fault("functions: tanh's slope for that of an LSTM's other function", "recurrent/lstm_variants.py", "dg * phi.slope(g)", "dg * (1 - g**2)", "LSTM leaky_relu, lengths", "g a_g", "(3) g"),
    Fault("functions: tanh's slope for that of the cell's other function", "recurrent/lstm_variants.py", "dk * phi.slope(k)", "dk * (1 - k**2)", "LSTM leaky_relu, lengths", "c k", "(6)"),
    Fault("functions: function of the gates for that of the candidate", "recurrent/mgu.py", "n = self.phi(a_n", "n = self.sigma(a_n", "MGU linear, lengths", "y n a_n", "(3) n"),
    Fault("functions: slope of elu from the input", "recurrent/functions.py", "np.where(y > 0, 1, y + 1)", "np.where(y > 0, 1, np.log1p(y) + 1)", "RNN elu, lengths", "a", "(2)"),
    Fault("functions: slope of hard_sigmoid without its factor", "recurrent/functions.py", "((y > 0) & (y < 1)) / 6", "((y > 0) & (y < 1)) / 5", "MGU linear, lengths", "f a_f", "(1) f"),
    Fault("functions: slope of softplus turned round", "recurrent/functions.py", "-np.expm1(-y)", "np.exp(-y)", "LSTM hard_tanh, lengths", "i f o a_i a_f a_o", "(2) (5)"),
    Fault("functions: slope of softsign not squared", "recurrent/functions.py", "(1 - abs(y)) ** 2", "(1 - abs(y))", "GRU before softsign, lengths", "n a_n", "(3) n"),
    # Dropout of the state, of the weights, of sequences; zoneout.
    Fault("zoneout: direct path missing", "recurrent/unroll.py", "d_prev = tuple(dq + kept for", "d_prev = tuple(dq + 0 * kept for", "LSTM, zoneout", "h' c'"),
    Fault("zoneout: k for 1 - k in the backward pass", "recurrent/unroll.py", "tuple(dq - kept for", "tuple(kept + 0 * dq for", "GRU before, zoneout", "h", "(1)"),
    Fault("zoneout: the cell's forgotten in the backward pass", "recurrent/unroll.py", "zip(k, d_state))\n", "zip(k, d_state))[:1] + (0,) * (len(k) - 1)\n", "LSTM, zoneout", "c c'", "(1)"),
    Fault("zoneout: the output's gradient past it", "recurrent/unroll.py", "if not reads_out:", "if False:", "LSTM, zoneout", "y", "(1)"),
    Fault("zoneout: the output is the state before it", "recurrent/unroll.py", "y_t = y_t if node.reads_out else new[0]", "pass", "LSTM, zoneout", "y"),
    Fault("zoneout: h and c share a mask", "recurrent/options.py", "masks.ZONEOUT + k", "masks.ZONEOUT", "LSTM, zoneout", "y c"),
    Fault("zoneout: mean turned round in evaluation", "recurrent/options.py", "return {\"zoneout\": rates}", "return {\"zoneout\": {name: 1 - p for name, p in rates.items()}}", "LSTM, zoneout in evaluation", "y", "(1)"),
    Fault("zoneout: masks of other rows", "recurrent/layer.py", "columns(zones.get(name)) for", "columns(zones.get(name))[..., ::-1] for", "RNN, zoneout", "y"),
    Fault("state dropout: mask missing in the backward pass", "recurrent/lstm.py", "dropped(self.W_h.T @ da, drop)", "self.W_h.T @ da", "LSTM, state dropout", "h'", "(1)"),
    Fault("state dropout: GRU's mask missing in the backward pass", "recurrent/gru.py", "dropped(dh_in, drop)", "dh_in", "GRU after, state dropout", "h'", "(4) (1)"),
    Fault("state dropout: MGU's mask missing in the backward pass", "recurrent/mgu.py", "dropped(dh_in, drop)", "dh_in", "MGU, state dropout", "h'", "(1)"),
    Fault("state dropout: direct path dropped too", "recurrent/gru.py", "dh * z + dropped(dh_in", "dropped(dh * z + dh_in", "GRU before, state dropout", "h'", "(4) (1)"),
    Fault("state dropout: whole state in dW_h", "recurrent/lstm.py", "(h_in, c_prev, i, f, g, o, tanh_c)\n", "(h_prev, c_prev, i, f, g, o, tanh_c)\n", "LSTM, state dropout", "W_h", "(1)"),
    Fault("state dropout: another mask at each step", "recurrent/unroll.py", "*state, **options)", "*state, **{name: drop[:, :: -1 if t else 1] for name, drop in options.items()})", "LSTM, state dropout", "y h' W_h", "(1)"),
    Fault("state dropout: reset meets the whole state", "recurrent/gru.py", "m = r * h_in", "m = r * h_prev", "GRU before, state dropout", "y h' r a_r", "(2)"),
    Fault("state dropout: masks of other rows", "recurrent/layer.py", "dropout_masks[\"state\"].astype(self.dtype)", "dropout_masks[\"state\"][::-1].astype(self.dtype)", "LSTM, state dropout", "y"),
    Fault("state and weight dropout: not scaled", "recurrent/options.py", "return masks.mask(p, shape, *drawn_from) / (1 - p)", "return masks.mask(p, shape, *drawn_from) * 1.0", "LSTM, weight dropout", "y"),
    Fault("weight dropout: gradient not masked", "recurrent/layer.py", "grads[name] = grads[name] * call.weight_mask.astype(self.dtype)", "pass", "LSTM, weight dropout", "W_h"),
    Fault("weight dropout: mask drawn anew in the backward pass", "recurrent/layer.py", "dx, d_start, grads = call.kernel.backward(", "call.kernel.node = call.node if call.weight_mask is None else self.node.with_weights(self.draw_masks(B, T)[\"weights\"])\n            dx, d_start, grads = call.kernel.backward(", "LSTM, weight dropout", "h' W_h", "(1)"),
    Fault("weight dropout: whole weights in the backward pass", "recurrent/layer.py", "dx, d_start, grads = call.kernel.backward(", "call.kernel.node = self.node\n            dx, d_start, grads = call.kernel.backward(", "GRU before, weight dropout", "h' W_h", "(1)"),
    Fault("weight dropout, plain: whole weights in the backward pass", "recurrent/layer.py", "unroll.backward(call.node, ", "unroll.backward(self.node, ", "GRU before, weight dropout, plain", "h' W_h", "(1)"),
    Fault("weight dropout: mask of other weights", "recurrent/node.py", "* mask.astype(self.dtype)", "* mask[::-1].astype(self.dtype)", "GRU before, weight dropout", "y"),
    Fault("dropout of sequences: a mask for each step", "layers/dropout.py", "(shape[0], 1, *shape[2:]) if", "shape if", "Dropout per sequence", "y", "(1)"),
    Fault("dropout of sequences: a mask for all of them", "layers/dropout.py", "(shape[0], 1, *shape[2:]) if", "(1, *shape[1:]) if", "Dropout per sequence", "y", "(1)"),
    # What a walk along the lines of every other backward pass has found besides.
    Fault("sigmoid: y missing in the slope", "layers/activations.py", "return y * (1 - y)", "return 1 - y", "Sigmoid", "x", "(1)"),
    Fault("tanh alone: y for its square", "layers/activations.py", "dy * (1 - y * y)", "dy * (1 - y)", "Tanh", "x", "(1)"),
    Fault("relu alone: slope 1 everywhere", "layers/activations.py", "dy * (y > 0)", "dy * (y >= 0)", "ReLU", "x", "(1)"),
    Fault("softmax: y missing in the sum", "layers/activations.py", "(dy * y).sum(axis=-1, keepdims=True)", "dy.sum(axis=-1, keepdims=True)", "Softmax", "x", "(1) (2)"),
    Fault("softmax: sum over the wrong axis", "layers/activations.py", "(dy * y).sum(axis=-1, keepdims=True)", "(dy * y).sum(axis=-2, keepdims=True)", "Softmax", "x", "(1) (2)"),
    Fault("cross-entropy: one-hot target missing in the gradient", "layers/cross_entropy.py", "np.take_along_axis(dx, t, axis=-1) - 1, axis", "np.take_along_axis(dx, t, axis=-1), axis", "SoftmaxCrossEntropy", "prediction", "(1) (2)"),
    Fault("cross-entropy: weights taken to sum to 1", "layers/cross_entropy.py", "mass * e / total - t", "e / total - t", "SoftmaxCrossEntropy of weights", "prediction", "(1) (2)"),
    Fault("cross-entropy: gradient over the batch's rows alone", "layers/losses.py", "self.saved = slope, weights / N,", "self.saved = slope, weights / len(slope),", "SoftmaxCrossEntropy", "prediction"),
    Fault("binary cross-entropy: through the sigmoid once more", "layers/cross_entropy.py", "sigmoid(x) - t  # (1)", "(sigmoid(x) - t) * sigmoid(x) * (1 - sigmoid(x))  # (1)", "BinaryCrossEntropy", "prediction", "(1)"),
    Fault("binary cross-entropy: sign of the target", "layers/cross_entropy.py", "sigmoid(x) - t  # (1)", "sigmoid(x) + t  # (1)", "BinaryCrossEntropy", "prediction", "(1)"),
    Fault("Embedding: gradient overwritten, not added", "layers/embedding.py", "self.dW[present] += sums.T", "self.dW[present] = sums.T", "Embedding", "W"),
    Fault("Embedding: gradients to tokens of other steps", "layers/embedding.py", "columns(x).reshape(-1)", "x.reshape(-1)", "Embedding", "W", "(1)"),
    Fault("Dense: mean for sum in dx", "layers/dense.py", "rows(self.W.T @ dy)", "rows(self.W.T @ dy) / len(self.W)", "Dense", "x", "(1)"),
    Fault("Dense: gradient of W overwritten, not added", "core/pairs.py", "total += gradient", "total[...] = gradient + (name != \"W\") * total", "Dense", "W"),
    Fault("pooling: mean not divided in the backward pass", "layers/pooling.py", "(dy / counted(mask).astype(dtype))", "dy", "Pooling mean", "x", "(3)"),
    Fault("attention: mask turned round", "layers/attention.py", "np.where(mask[:, None], e, -np.inf)", "np.where(mask[:, None], -np.inf, e)", "Attention dot", "y", "(3)"),
    Fault("attention: padding is weighted too", "layers/attention.py", "np.where(mask[:, None], e, -np.inf)", "np.where(mask[:, None], e, 0)", "Attention general", "y", "(3)"),
    Fault("attention: softmax over the queries", "layers/attention.py", "total = alpha.sum(axis=-1, keepdims=True)", "total = alpha.sum(axis=-2, keepdims=True)", "Attention dot", "y", "(3)"),
    Fault("attention: scale missing in the backward pass", "layers/attention.py", "de *= self.scale  # (2)", "pass", "Attention dot", "q m e", "(2)"),
    Fault("attention: softmax's sum missing in its slope", "layers/attention.py", "(d_alpha - (d_alpha * alpha).sum(axis=-1, keepdims=True))", "d_alpha", "Attention general", "q m W_m e", "(3)"),
    Fault("attention: softmax's slope without α", "layers/attention.py", "de = alpha * (d_alpha", "de = (d_alpha", "Attention additive", "q m W_m W_q v e", "(3)"),
    Fault("attention: slope of the weights from other steps", "layers/attention.py", "dy @ m.swapaxes(1, 2)", "dy @ m[:, ::-1].swapaxes(1, 2)", "Attention dot", "q m e", "(4)"),
    Fault("attention: what is read of the memory lost", "layers/attention.py", "alpha.swapaxes(1, 2) @ dy  # (4)", "0 * (alpha.swapaxes(1, 2) @ dy)  # (4)", "Attention general", "m", "(4)"),
    Fault("attention: the memory's path through the keys lost", "layers/attention.py", "return dq, dm + dk @ self.W_m", "return dq, dm", "Attention general", "m", "(1)"),
    Fault("attention: W_m not transposed", "layers/attention.py", "return dq, dm + dk @ self.W_m", "return dq, dm + dk @ self.W_m.T", "Attention additive", "m", "(1)"),
    Fault("attention: keys' gradient from other queries", "layers/attention.py", "de.swapaxes(1, 2) @ q", "de.swapaxes(1, 2) @ q[:, ::-1]", "Attention dot", "m k", "(2)"),
    Fault("attention: slope of tanh", "layers/attention.py", "(1 - u * u) * self.v", "(1 - u) * self.v", "Attention additive", "q m W_m W_q a", "(2)"),
    Fault("attention: v missing in the slope", "layers/attention.py", "(1 - u * u) * self.v", "(1 - u * u)", "Attention additive", "q m W_m W_q a", "(2)"),
    Fault("attention: gradient of v overwritten, not added", "layers/attention.py", "self.dv += ", "self.dv[...] = ", "Attention additive", "v"),
    Fault("attention: gradient of W_m from the queries' side", "layers/attention.py", "over_all(dk, m)", "over_all(dk[::-1], m)", "Attention general", "W_m", "(1)"),
    Fault("translator: the decoder reads what it is to say", "models/encoder_decoder_base.py", "self.begin), tokens[:, :-1]], axis=1)", "self.begin), tokens[:, :-1]], axis=1) * 0 + tokens", "EncoderDecoder LSTM None", "y", "(1)"),
    Fault("translator: the memory's padding is read", "models/encoder_decoder.py", "m, mask = self.encoded(x, lengths)  # (2)", "m, mask = self.encoded(x, lengths)[0], None  # (2)", "EncoderDecoder RNN general", "y", "(4)"),
    Fault("translator: the last state's gradient not handed back", "models/encoder_decoder.py", "self.encoder.backward(dm, self.encoder_state_grads())", "self.encoder.backward(dm)", "EncoderDecoder LSTM None", "encoder.layers.2.b encoder.layers.2.W_h encoder.layers.2.W_x encoder.layers.0.W", "(3)"),
    Fault("translator: two directions' gradients exchanged", "models/encoder_decoder.py", "for way in (0, 1))", "for way in (1, 0))", "EncoderDecoder GRU additive, both ways", "encoder.layers.2.forwards.W_h encoder.layers.2.backwards.W_h", "(3)"),
    Fault("translator: gradients of the states to other layers", "models/encoder_decoder.py", "gradients = iter([d_state for layer, d_state in pairs if layer.recurrent])", "gradients = iter([d_state for layer, d_state in pairs if layer.recurrent][::-1])", "EncoderDecoder LSTM dot, both ways, 2 deep", "encoder.layers.2.forwards.W_h encoder.layers.4.forwards.W_h", "(3)"),
    Fault("translator: the queries' gradient lost", "models/encoder_decoder.py", "dh = dh + dq", "pass", "EncoderDecoder GRU additive, both ways", "decoder.layers.2.W_h", "(4)"),
    Fault("translator: the memory's gradient lost", "models/encoder_decoder.py", "self.encoder.backward(dm, ", "self.encoder.backward(0 * dm, ", "EncoderDecoder RNN general", "encoder.layers.2.W_h", "(2)"),
    Fault("translator: gradients of other target tokens", "models/encoder_decoder.py", "dz[real] = self.output.backward(d_logits)", "dz[real] = self.output.backward(d_logits)[::-1]", "EncoderDecoder RNN general", "attention.W_m", "(5)"),
    Fault("model: last states' gradients to other layers", "models/model.py", "zip(reversed(self.layers), reversed(d_last))", "zip(reversed(self.layers), d_last)", "EncoderDecoder LSTM dot, both ways, 2 deep", "encoder.layers.2.forwards.W_h encoder.layers.4.forwards.W_h"),
    # Windows over time, words of characters, layers side by side.
    Fault("convolution: weights not in reverse in the backward pass", "layers/convolution.py", "self.W[..., ::-1]", "self.W", "Convolution", "x", "(1)"),
    Fault("convolution: as many steps before as behind, in the backward pass", "layers/convolution.py", "windows_of(dy, real, self.K - 1 - self.before, self.K)", "windows_of(dy, real, self.K // 2, self.K)", "Convolution of width 4, gaps", "x", "(1)"),
    Fault("convolution: as many steps before as behind, forward", "layers/convolution.py", "windows_of(x[real], real, self.before, self.K)", "windows_of(x[real], real, (self.K - 1) // 2, self.K)", "Convolution of width 4, gaps", "y x W", "(1)"),
    Fault("convolution: first step for what is beyond the ends", "layers/convolution.py", "np.full((B, T + K - 1), N)", "np.full((B, T + K - 1), 0)", "Convolution", "y x W", "(1)"),
    Fault("convolution: into the next row", "layers/convolution.py", "place[:, before : before + T][real] = np.arange(N)", "place[...] = (np.cumsum(real).reshape(B, T)[:, :1] - real[:, :1] - before + np.arange(T + K - 1)) % (N + 1)", "Convolution", "y x W"),
    Fault("convolution: padding is read", "layers/convolution.py", "np.ones((B, T), bool) if mask is None else mask", "np.ones((B, T), bool)", "Convolution", "y x"),
    Fault("convolution: weights of their gradient in reverse", "layers/convolution.py", "self.width).transpose(0, 2, 1)", "self.width)[:, ::-1].transpose(0, 2, 1)", "Convolution", "W", "(1)"),
    Fault("convolution: gradient of W overwritten, not added", "layers/convolution.py", "self.dW += ", "self.dW[:] = ", "Convolution", "W"),
    Fault("convolution: gradient of b forgotten", "layers/convolution.py", "self.db += dy.sum(axis=0)", "pass", "Convolution", "b"),
    Fault("convolution: gradient of b a mean", "layers/convolution.py", "dy.sum(axis=0)", "dy.mean(axis=0)", "Convolution", "b"),
    Fault("characters: of equal words one counts", "layers/characters.py", "dy = sum_by_token(which, dy.T)[1].T[some]", "dy = dy[np.unique(which, return_index=True)[1]][some]", "Characters", "y embedding.W convolution.W convolution.b"),
    Fault("characters: gradients to other words", "layers/characters.py", "[1].T[some]", "[1].T[::-1][some]", "Characters", "embedding.W convolution.W convolution.b"),
    Fault("characters: no character is one too", "layers/characters.py", "y = np.zeros((len(words), self.output_size), self.dtype)", "y = np.zeros((len(words), self.output_size), self.dtype) + self.convolution.b", "Characters", "y convolution.b"),
    Fault("side by side: dx of the first alone", "layers/concat.py", "dx = sum(dxs) if", "dx = dxs[0] if", "Concat of all of x", "x", "(1)"),
    Fault("side by side: dx in another order", "layers/concat.py", "np.concatenate(dxs, axis=-1)", "np.concatenate(dxs[::-1], axis=-1)", "Concat of columns", "x", "(1)"),
    Fault("side by side: parts of dy exchanged", "layers/concat.py", "np.split(dy, ends, axis=-1))]", "np.split(dy, ends, axis=-1)[::-1])]", "Concat of poolings", "y x", "(2)"),
    Fault("side by side: padding has a gradient", "layers/concat.py", "dy = dy if mask is None else np.where(expand_mask(mask, dy), dy, 0)", "dy = dy", "Concat of all of x", "y layers.0.b"),
    Fault("side by side: padding is shown", "layers/concat.py", "y = y if mask is None else np.where(expand_mask(mask, y), y, 0)", "y = y", "Concat of all of x", "y layers.0.b"),
    Fault("side by side: lengths are kept", "layers/concat.py", "layer(own, mask) if layer.over_time else layer(own)", "layer(own)", "Concat of poolings", "y"),
    Fault("dropout: mask missing in the backward pass", "layers/dropout.py", "return self.gradient(dy, m.shape, m.dtype) * m", "return self.gradient(dy, m.shape, m.dtype)", "Dropout per sequence", "x", "(1)"),
]  # fmt: skip
# These show in the path that an optimizer takes, not in a gradient; `case` names the optimizer.
STEP_FAULTS = [
    Fault("Adam: moments never unbiased", "training/optimizers.py", "1 - self.beta1**k", "1.0", "Adam", "W b", "step 1"),
    Fault("Adam: square of the mean for mean of the square", "training/optimizers.py", "v += (1 - self.beta2) * g * g", "v += (1 - self.beta2) * m * m", "Adam", "W b", "step 1"),
    Fault("AdamW: decay in the gradient", "training/optimizers.py", "p *= 1 - rate * self.weight_decay", "g = g + self.weight_decay * p", "AdamW", "W b", "step 1"),
    Fault("momentum: old velocity forgotten", "training/optimizers.py", "v *= self.momentum", "v *= 0", "SGDMomentum", "W b", "step 2"),
    Fault("AdaGrad: sum never grows", "training/optimizers.py", "s += g * g  # (1)", "s[...] = g * g  # (1)", "AdaGrad", "W b", "step 2"),
    Fault("RMSProp: square missing", "training/optimizers.py", "s += (1 - self.decay) * g * g", "s += (1 - self.decay) * abs(g)", "RMSProp", "W b", "step 1"),
    Fault("Adam: betas exchanged", "training/optimizers.py", "m *= self.beta1", "m *= self.beta2", "Adam", "W b", "step 2"),
    Fault("momentum: a step along the gradient too", "training/optimizers.py", "p -= rate * v  # (2)", "p -= rate * (v + g)  # (2)", "SGDMomentum", "W b", "step 1"),
    Fault("AdaGrad: root missing", "training/optimizers.py", "s += g * g  # (1)\n        p -= rate * g / (np.sqrt(s)", "s += g * g  # (1)\n        p -= rate * g / (s", "AdaGrad", "W b", "step 1"),
    Fault("RMSProp: decay turned round", "training/optimizers.py", "s *= self.decay", "s *= 1 - self.decay", "RMSProp", "W b", "step 2"),
    Fault("AdamW: decay not times the rate", "training/optimizers.py", "p *= 1 - rate * self.weight_decay", "p *= 1 - self.weight_decay", "AdamW", "W b", "step 1"),
    Fault("clipping: short gradients are stretched", "training/clipping.py", "if norm > limit:", "if norm > 0:", "SGD", "W b", "step 1"),
    Fault("weight decay with the wrong sign", "training/optimizer.py", "return g + self.weight_decay * p", "return g - self.weight_decay * p", "SGD", "W b", "step 1"),
    Fault("clipping: every gradient by its own norm", "training/clipping.py", "g *= limit / norm", "g *= limit / np.linalg.norm(g)", "SGD", "W b", "step 1"),
]  # fmt: skip
# In training beside the equations: each is something that would be taken in silence. See test_faults.py.
RUN_FAULTS = [
    Fault("norm: squares that vanish have a norm of 0", "training/clipping.py", "if smallest < total < math.inf else", "if total < math.inf else", "a tiny gradient", "W"),
    Fault("norm: squares that overflow have an infinite norm", "training/clipping.py", "if smallest < total < math.inf else", "if smallest < total else", "a huge gradient", "W"),
    Fault("clipping: a factor rounded to 0", "training/clipping.py", "if limit / norm > float(np.finfo(g.dtype).tiny):", "if True:", "a norm beyond float16", "W"),
    Fault("half precision: buffers of float16", "training/optimizer.py", "np.zeros_like(p, computed_in(p))", "np.zeros_like(p)", "Adam in float16", "W"),
    Fault("rate: NaN is taken", "core/checks/training.py", "if type(rate) is not float or not 0 <= rate < math.inf:", "if False:", "a rate of NaN", "W"),
    Fault("squares: overflow is taken", "core/checks/training.py", "if largest > ROOTS[dtype]:", "if False:", "squares beyond float32", "W"),
    Fault("weights: beyond the dtype are infinite", "core/checks/values.py", "if beyond.any():", "if False:", "a weight beyond float32", "W"),
    Fault("report: the mean of the means of batches", "training/history.py", "math.fsum(loss * count for loss, count in zip(losses, counts)) / math.fsum(counts)", "math.fsum(losses) / len(losses)", "a report", "loss"),
    Fault("arrays: the same order in every epoch", "data/batches/arrays.py", "default_rng([self.seed, number])", "default_rng(self.seed)", "orders", "order"),
    Fault("arrays: x and y in different orders", "data/batches/arrays.py", "part[rows] for part in parts", "part[np.sort(rows)] if part is self.y else part[rows] for part in parts", "pairs", "y"),
    Fault("evaluation: the mean of the means of batches", "training/evaluation.py", "total + mean * counted, count + counted", "total + mean, count + 1", "an evaluation", "loss"),
    Fault("prediction: in the order of the batches", "training/evaluation.py", "found[k] for k in places", "found[k] for k in range(len(found))", "predictions", "y"),
    Fault("prediction: padding is part of a sequence", "training/evaluation.py", "row[:steps] if real.ndim == 1", "row if real.ndim == 1", "predictions", "y"),
    Fault("prediction: one sequence goes on with the state of another", "training/evaluation.py", "            if not batches.carries_state:\n                model.reset_state()\n            if isinstance", "            if isinstance", "stateful predictions", "y"),
    Fault("evaluation: nothing is 0", "training/evaluation.py", "check_counted(who, name, 0, count)", "count = count or 1.0", "an evaluation of nothing", "loss"),
]  # fmt: skip
# In the buffers that calls of a kernel take from their layer's pool: each shows after another call. See test_faults.py.
POOL_FAULTS = [
    Fault("pool: buffers for a call are still free", "recurrent/fast/buffers.py", "self.free[key].pop()", "self.free[key][-1]", "LSTMLayer", "x"),
    Fault("pool: packed buffers for a call are still free", "recurrent/fast/buffers.py", "self.free[key].pop()", "self.free[key][-1]", "LSTM, lengths", "x"),
    Fault("pool: buffers returned before the backward pass", "recurrent/fast/loop.py", "(pooled, packing, runs, xs, tokens)", "(None, packing, runs, xs, tokens)", "LSTMLayer", "x"),
    Fault("pool: the output is a view of the buffers", "recurrent/fast/loop.py", "y = y.copy(order=\"K\") if mask is None else y", "pass", "LSTMLayer", "y"),
    Fault("pool: the last state is a view of the buffers", "recurrent/fast/loop.py", "[part[-1].copy() for part in parts]", "[part[-1] for part in parts]", "GRULayer before", "h"),
]  # fmt: skip
# In what data is checked for, each with the row of REFUSED in test_data_faults.py that it would let through.
DATA_FAULTS = [
    Fault("decode: padding is the last word", "data/vocabulary.py", "real = (x != PAD).nonzero()[0]", "return x.tolist()", "padding", ""),
    Fault("encode: texts are unknown tokens", "data/vocabulary.py", "and not ids.any()", "and False", "several texts", ""),
    Fault("vectors: the mark of UTF-8 is part of the first word", "data/readers/vectors.py", "line.removeprefix(codecs.BOM_UTF8)", "line", "BOM", ""),
    Fault("vectors: the first line is not read", "data/readers/vectors.py", 'vector_of(path, number, line.split(b" ", len(parts) - D)[-1])', "pass", "first line", ""),
    Fault("lines: a NUL is a character", "data/readers/lines.py", "null := line.find(0)) >= 0", "null := line.find(0)) > 99", "UTF-16", ""),
    Fault("SNLI: the stack decides", "data/readers/snli.py", "except RecursionError", "except KeyError", "deep JSON", ""),
    Fault("trees: the whole label is quoted", "core/checks/texts.py", "len(text) <= EXCERPT", "True", "long label", ""),
    Fault("classes: hidden files are read", "data/readers/classes.py", ' and path.name[0] != "."', "", "hidden files", ""),
    Fault("padding: of another dtype", "core/checks/values.py", "if not fits(number, low, high):", "if False:", "fraction", ""),
    Fault("packing: wraps above the largest int64", "core/packed.py", "(array > INT64).any()", "False", "uint64", ""),
    Fault("batches: tokens are not checked", "data/batches/tokens.py", "check_ids(who,", "(lambda *_: None)(who,", "text for tokens", ""),
]  # fmt: skip
# In the values that remember how they were made: these belong to no row of the table, see test_with_grad.py.
WALK_FAULTS = [
    Fault("a value used twice receives once", "autograd/number.py", "arriving[u] + du if u in arriving else du", "du", "", "u", "(8)"),
    Fault("the oldest first", "autograd/number.py", 'key=attrgetter("order"), reverse=True', "key=lambda u: (u is not z, u.order)", "", "u", "(8)"),
    Fault("product: own factor for the other's", "autograd/number.py", "(u * v, v, u)", "(u * v, u, v)", "", "u", "(2)"),
    Fault("power: exponent not lowered", "autograd/number.py", "np.power(u, k - 1)", "np.power(u, k)", "", "u", "(3)"),
    Fault("exp: slope of the input", "autograd/number.py", "(z := np.exp(u), z)", "(z := np.exp(u), u)", "", "u", "(4)"),
    Fault("log: slope of the output", "autograd/number.py", "(np.log(u), np.divide(1, u))", "(z := np.log(u), z)", "", "u", "(5)"),
    Fault("tanh: square missing", "autograd/number.py", "1 - z * z", "1 - z", "", "u", "(6)"),
    Fault("relu: slope 1 everywhere", "autograd/number.py", "np.logical_not(np.less_equal(u, 0))", "1", "", "u", "(7)"),
    Fault("quotient: sign of the divisor's slope", "autograd/number.py", "-z / v", "z / v", "", "u", "(2b)"),
    Fault("sigmoid: slope of the input", "autograd/number.py", "z * (1 - z)", "u * (1 - u)", "", "u", "(7b)"),
    Fault("product of matrices: v not transposed", "autograd/products.py", "lambda dz: (dz @ v.swapaxes(-1, -2)", "lambda dz: (dz @ v", "", "u", "(9)"),
    Fault("sum: gradient shared out", "autograd/reductions.py", "np.broadcast_to(dz.reshape(z.shape), u.shape)", "np.broadcast_to(dz.reshape(z.shape), u.shape) * z.size / u.size", "", "u", "(10)"),
    Fault("transpose: the same axes backward as forward", "autograd/array.py", "dz.transpose(np.argsort(axes))", "dz.transpose(axes).reshape(self.shape)", "", "u", "(12)"),
    Fault("index: an element taken twice gets one", "autograd/index.py", "np.add.at(du, index, dz)", "du[index] = dz", "", "u", "(13)"),
    Fault("concatenate: pieces turned round", "autograd/functions.py", "np.split(dz, cuts, axis)", "np.split(np.flip(dz, axis), cuts, axis)", "", "u", "(14)"),
    Fault("broadcasting: one for the sum", "autograd/array.py", "dz.sum(axis=(*range(extra), *many), keepdims=True)", "dz.mean(axis=(*range(extra), *many), keepdims=True)", "", "u", "(15)"),
]  # fmt: skip
# In the functions of arrays; `case` names the row of array_rows.py. See test_array_functions.py.
FUNCTION_FAULTS = [
    Fault("power: exponent not lowered", "autograd/elementwise.py", "v * np.power(u, v - 1)", "v * np.power(u, v)", "u ** v", "u", "(16)"),
    Fault("power: nan at the base 0", "autograd/elementwise.py", "np.where(np.equal(u, 0) & np.greater_equal(v, 0), 0, z * np.log(u))", "z * np.log(u)", "u ** v, any", "v", "(16)"),
    Fault("power: nan at the exponent 0", "autograd/elementwise.py", "np.where(np.equal(v, 0), 0, v * np.power(u, v - 1))", "v * np.power(u, v - 1)", "u ** v, any", "u", "(16)"),
    Fault("abs: slope 1", "autograd/elementwise.py", "np.sign(u)", "np.ones_like(u)", "abs", "u", "(17)"),
    Fault("sqrt: factor of a half missing", "autograd/elementwise.py", "np.divide(0.5, z)", "np.divide(1, z)", "sqrt", "u", "(18)"),
    Fault("sin: slope of the value", "autograd/elementwise.py", "(np.sin(u), np.cos(u))", "(np.sin(u), np.sin(u))", "sin", "u", "(19)"),
    Fault("cos: sign", "autograd/elementwise.py", "-np.sin(u)", "np.sin(u)", "cos", "u", "(20)"),
    Fault("tan: square missing", "autograd/elementwise.py", "1 + z * z", "1 + z", "tan", "u", "(21)"),
    Fault("log1p: slope of log", "autograd/elementwise.py", "np.divide(1, 1 + u)", "np.divide(1, u)", "log1p", "u", "(22)"),
    Fault("expm1: the value for the slope", "autograd/elementwise.py", "(z := np.expm1(u), 1 + z)", "(z := np.expm1(u), z)", "expm1", "u", "(23)"),
    Fault("clip: no gradient at a bound", "autograd/elementwise.py", "(u >= low) & (u <= high)", "(u > low) & (u < high)", "clip, at the bounds", "u", "(24)"),
    Fault("maximum: no gradient for equal ones", "autograd/elementwise.py", "np.logical_not(u < v) - 0.5 * (u == v)", "np.greater(u, v)", "maximum", "u", "(25)"),
    Fault("minimum: that of the maximum", "autograd/elementwise.py", "np.minimum(u, v), ahead(v, u), ahead(u, v)", "np.minimum(u, v), ahead(u, v), ahead(v, u)", "minimum", "u", "(25)"),
    Fault("where: everything to the first", "autograd/elementwise.py", "np.where(c, dz, 0), np.where(c, 0, dz)", "dz + 0 * c, np.where(c, 0, dz)", "where", "u", "(26)"),
    Fault("max: each of equal ones gets all", "autograd/reductions.py", "ties / ties.sum(axes, keepdims=True)", "1 * ties", "max(-1)", "u", "(27)"),
    Fault("cumsum: from the same end", "autograd/reductions.py", "np.flip(np.cumsum(np.flip(dz, axis), axis), axis)", "np.cumsum(dz, axis)", "cumsum(0)", "u", "(28)"),
    Fault("var: factor 2 missing", "autograd/reductions.py", "2 * d * dz", "d * dz", "var", "u", "(29)"),
    Fault("var: ddof ignored backward", "autograd/reductions.py", "2 * d * dz / (n - ddof)", "2 * d * dz / n", "var(ddof=1)", "u", "(29)"),
    Fault("std: nan for equal values", "autograd/reductions.py", "np.where(z == 0, 0, dz / ((n - ddof) * z)) * d", "dz / ((n - ddof) * z) * d", "std, equal values", "u", "(30)"),
    Fault("log softmax: the sum missing", "autograd/reductions.py", "dz.sum(axis, keepdims=True)", "dz", "log_softmax", "u", "(31)"),
    Fault("einsum: an index summed alone counts twice", "autograd/products.py", "np.broadcast_to(du.reshape(", "np.broadcast_to((1 + (len(found) < len(inputs[k]))) * du.reshape(", "einsum ij,kl->il", "u", "(32)"),
    Fault("einsum: another operand missing", "autograd/products.py", "[dz, *values[:k], *values[k + 1 :]]", "[dz, *values[:k], *(0 * v + 1 for v in values[k + 1 :])]", "einsum ij,jk->ik", "u", "(32)"),
    Fault("vector product: not transposed", "autograd/products.py", "dv[..., 0] if other.ndim == 1", "dv[..., ::-1, 0] if other.ndim == 1", "@", "v", "(9)"),
]  # fmt: skip
# In the tape: calls that write over each other, gradients that take the wrong way. See test_tape.py.
TAPE_FAULTS = [
    Fault("what a call stored is not given back", "autograd/stored.py", "own.update(replaced)\n        try:", "pass\n        try:", "", "x"),
    Fault("stored for the part alone, not for what it is made of", "autograd/calls.py", "list(part.modules())", "[part]", "", "x"),
    Fault("a node's rows for columns in the backward pass", "autograd/calls.py", "dq is None else dq.T for", "dq is None else dq.T[::-1] for", "", "x"),
    Fault("gradient of the previous state lost", "autograd/calls.py", "(dx, layer.d_state)", "(dx, layer.node.joined([0 * d for d in layer.node.each(layer.d_state)]))", "", "x"),
    Fault("gradient of the last state lost", "autograd/calls.py", "layer.backward(*nested(outputs, gradients))", "layer.backward(nested(outputs, gradients)[0])", "", "x"),
    Fault("gradients of several outputs in the wrong places", "autograd/outputs.py", "dz.found.get(k) for", "dz.found.get(self.count - 1 - k) for", "", "x"),
    Fault("terms of the first call alone", "autograd/weights.py", "self.pairs += other.pairs", "pass", "", "x"),
    Fault("inputs of the last call alone", "autograd/weights.py", "self.inputs += other.inputs", "self.inputs = other.inputs", "", "x"),
    Fault("index: what is placed in other calls lost", "autograd/index.py", "self.parts += other.parts", "pass", "", "x"),
    Fault("index: what arrives as a whole lost", "autograd/index.py", "np.zeros(self.shape, self.dtype) if self.rest is None else self.rest.copy()", "np.zeros(self.shape, self.dtype)", "", "x"),
    Fault("a parameter that is read: its gradient lost", "autograd/calls.py", "[Terms([], [], {own: dW})]", "[Terms([], [], {})]", "", "x"),
    Fault("a loss's gradient taken as 1", "autograd/calls.py", "float(dy) if isinstance(y, float)", "1.0 if isinstance(y, float)", "", "x"),
]  # fmt: skip
# Faults that the checker catches, but does not name rightly yet: test_faults.py holds it to all others.
VAGUE = {
    "the book's: update gate from the reset gate's products",
    "GRU: update gate turned round, both ways",
    "GRU kernel: reset gate's path missing",
    "GRU kernel: reset gate's slope from the candidate itself",
    "GRU kernel: gates' path to the state before missing",
    "GRU kernel: reset's factor missing in the gradient of m",
    "GRU kernel: U_n not transposed",
    "GRU kernel: σ's slope of the gates missing",
    "time: backward pass in the order of the forward pass",
    "slopes of the last chunk for all",
    "a chunk's memory taken one step off",
    "buffers: all arrays of an arena in one place",
    "dropout: not scaled",
    "lengths: gradients of rows that have ended are counted",
    "lengths: gradient at a row's end, and again after its padding",
    "lengths: gradient at the end of another row",
    "lengths: gradient one step after the end",
    "lengths, plain: gradient of the output at padding counted",
    "lengths, plain: padding takes a gradient from the state",
    "lengths, plain: gradient at padding twice",
    "lengths, plain: of the state h alone handed on",
    "reverse, plain: not in the backward pass",
    "both ways, mul: own factor for the other's",
    "resets: gradient not stopped",
    "reads out: the last output's gradient to the state",
    "reads out: the output's gradient through zoneout",
    "pooling: last of the padding",
    "pooling: first step, though a gap",
    "pooling: mean over the padding too",
    "pooling: padding may be the largest",
    "peepholes: path through the gates to c' missing",
    "layer_norm: path through the mean missing",
    "layer_norm: path through the variance missing",
    "layer_norm: scale missing in the backward pass",
    "layer_norm: another ε",
    "layer_norm: bias inside",
    "layer_norm: all rows of a GRU together",
    "zoneout: direct path missing",
    "zoneout: k for 1 - k in the backward pass",
    "zoneout: the cell's forgotten in the backward pass",
    "zoneout: the output's gradient past it",
    "zoneout: mean turned round in evaluation",
    "state dropout: another mask at each step",
    "weight dropout: mask drawn anew in the backward pass",
    "weight dropout: whole weights in the backward pass",
    "weight dropout, plain: whole weights in the backward pass",
    "dropout of sequences: a mask for each step",
    "dropout of sequences: a mask for all of them",
    "pooling: mean not divided in the backward pass",
    "attention: mask turned round",
    "attention: padding is weighted too",
    "attention: softmax over the queries",
    "attention: scale missing in the backward pass",
    "attention: softmax's sum missing in its slope",
    "attention: softmax's slope without α",
    "attention: slope of the weights from other steps",
    "attention: what is read of the memory lost",
    "attention: the memory's path through the keys lost",
    "attention: W_m not transposed",
    "attention: keys' gradient from other queries",
    "attention: slope of tanh",
    "attention: v missing in the slope",
    "translator: the decoder reads what it is to say",
    "translator: the memory's padding is read",
    "translator: the last state's gradient not handed back",
    "translator: two directions' gradients exchanged",
    "translator: gradients of the states to other layers",
    "translator: the queries' gradient lost",
    "translator: the memory's gradient lost",
    "translator: gradients of other target tokens",
    "model: last states' gradients to other layers",
    "side by side: dx of the first alone",
    "side by side: dx in another order",
    "side by side: parts of dy exchanged",
}


def use_small_limits(net: Any) -> None:
    """So small that sizes which a test can afford meet both sides of each: many chunks, many tokens, long loops."""
    fast = net.recurrent.fast
    fast.buffers.IN_CACHE, fast.blas.LONG, fast.blas.STRIP, net.core.pairs.FEW = 30, 4, 2, 3
    fast.packing.ROW_MULTIPLE = fast.rnn.ROW_MULTIPLE = fast.Kernel.row_multiple = 4


@functools.cache
def compiled() -> tempfile.TemporaryDirectory[str]:
    """numnet's files and their bytecode, compiled once: of a faulty copy only the changed file is compiled again."""
    folder = tempfile.TemporaryDirectory()
    source = Path(numnet.__file__).parent
    shutil.copytree(source, Path(folder.name) / "numnet", ignore=shutil.ignore_patterns("__pycache__"))
    compileall.compile_dir(folder.name, quiet=1, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    return folder


@contextmanager
def planted(fault: Fault, folder: Path) -> Iterator[Any]:
    """numnet with the fault in it, imported in place of the right one for as long as the context lasts."""
    shutil.copytree(Path(compiled().name) / "numnet", folder / "numnet")
    path = folder / "numnet" / fault.file
    Path(importlib.util.cache_from_source(path)).unlink()
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
