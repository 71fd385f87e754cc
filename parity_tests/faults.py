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
    """In `file`, `old` (which stands there once) becomes `new`; `case` names the row of the table that suffers.

    What a diagnosis should say, as one who reads the changed line would; of several words, any is right:
    `tensor`, whose gradient is the first to go wrong on the way back: a parameter, an input; h', the state before a step,
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
    Fault("the book's: update gate from the reset gate's products", "gru.py",
          "dot(self.W_h[: 2 * H], h_met, s.product_rz)", "s.product_rz[...] = np.tile(self.W_h[:H] @ h_met, (2, 1))", "GRULayer before", "W_h h'", "(1) z"),
    Fault("the book's: gradient from above lost", "through_time.py", "s.dh += dy[t]", "s.dh += 0", "GRULayer before", "y"),
    Fault("the book's: direct path to the state before missing", "gru.py", "dh *= z", "dh *= 0", "GRULayer before", "h'", "(4)"),
    Fault("tanh: slope of the input", "rnn.py", "multiply(h, h, da)", "multiply(s.a[steps], h, da)", "RNNLayer", "a", "(2)"),
    Fault("RNN: W_h not transposed", "rnn.py", "dot(s.W_hT, da, s.dh)", "dot(self.W_h, da, s.dh)", "RNNLayer", "h'", "(1)"),
    Fault("RNN: carry lost", "rnn.py", "dot(s.W_hT, da, s.dh)", "dot(0 * s.W_hT, da, s.dh)", "RNNLayer", "h'", "(1)"),
    Fault("LSTM: cell's carry lost", "lstm.py", "dc *= f", "dc *= 0", "LSTMLayer", "c' f a_f", "(4) f"),
    Fault("LSTM: cell's carry through the wrong gate", "lstm.py", "dc *= f", "dc *= s.gates[0][t]", "LSTMLayer", "c' f a_f", "(4) (2) f"),
    Fault("LSTM: forget gate's slope", "lstm.py", "df *= c_prev", "df *= g", "LSTMLayer", "f a_f", "(4) (2) f"),
    Fault("LSTM: new cell for old", "lstm.py", "df *= c_prev", "df *= s.c[1:][steps]", "LSTMLayer", "f a_f", "(4) (2) f"),
    Fault("LSTM: forget gate's second factor lost", "lstm.py", "dc *= f  # (4) dc' = dc f\n        df *= dc", "df *= dc  # (4) (2)\n        dc *= f", "LSTMLayer", "f a_f", "(4) (2) f"),
    Fault("LSTM: candidate's slope missing", "lstm.py", "subtract(i, dg, dg)", "dg[...] = i", "LSTMLayer", "g a_g", "(4) (3) g"),
    Fault("LSTM: candidate for what is written", "lstm.py", "di *= i_g", "di *= g", "LSTMLayer", "i a_i", "(4) (2) i"),
    Fault("LSTM: output gate's slope missing", "lstm.py", "subtract(1, o, do)", "do[...] = 1", "LSTMLayer", "o a_o", "(5) (2) o"),
    Fault("LSTM: slope of tanh(c) missing", "lstm.py", "subtract(o, to_c, to_c)", "to_c[...] = o", "LSTMLayer", "c", "(5)"),
    Fault("LSTM: cell's gradient replaced, not added", "lstm.py", "dc += multiply(dh, to_c, to_c)", "multiply(dh, to_c, dc)", "LSTMLayer", "c", "(5)"),
    Fault("LSTM: another order of gates, both ways", "operation.py", "params[name][...] = value",
          "params[name][...] = np.roll(value.reshape(4, -1), 1, axis=0).reshape(value.shape)", "LSTMLayer", "y W_x W_h b", "i f g o"),
    Fault("GRU: update gate turned round, both ways", "gru.py", "subtract(h_prev, n, h)  # (4)",
          "z[:] = 1 - z; subtract(h_prev, n, h)  # (4)", "GRULayer after", "y z a_z", "(4) (1) z"),
    Fault("GRU: reset gate's path missing", "gru.py", "multiply(dm, r, d_met)", "d_met.fill(0)", "GRULayer before", "h'", "(2)"),
    Fault("GRU: candidate's bias inside the wrong side", "gru.py", "add(s.product_n, s.b_h, m)", "m[:] = s.product_n; n += s.b_h", "GRULayer after", "y b_h", "(2) (3)"),
    Fault("GRU: gradient of b_h forgotten", "gru.py", "self.db_h += dm.sum(axis=1)", "pass", "GRULayer after", "b_h", "(2)"),
    Fault("GRU: reset's product forgotten in dU_n", "gru.py", "dn if self.reset == \"before\" else dm", "dn", "GRULayer after", "W_h", "(2) (3) n"),
    Fault("GRU: h for r h in dU_n", "gru.py", "all_columns(*(s.m for s in stretches)) if self.reset == \"before\" else h_met", "h_met", "GRULayer before", "W_h", "(2) (3) n"),
    Fault("h[t] for h[t-1] in dW_h", "node.py", "self.dW_h += dp @ all_columns(*(s.h_met for s in stretches)).T", "self.dW_h += dp @ all_columns(*(s.h[1:] for s in stretches)).T", "LSTMLayer", "W_h", "(1)"),
    Fault("gradient of b: one step only", "node.py", "self.db += dW[:, -1]", "self.db += stretches[0].da[0, : len(self.b)].sum(axis=1)", "LSTMLayer", "b", "(0)"),
    Fault("gradients of W_h overwritten, not added", "node.py", "self.dW_h += dp", "self.dW_h[:] = dp", "LSTMLayer", "W_h"),
    Fault("slopes of the last chunk for all", "through_time.py", "self.node.slopes(s, steps)", "steps.stop == s.T and self.node.slopes(s, steps)", "LSTMLayer", "a x"),
    Fault("chunks laid aside in each other's place", "slots.py", "self.da_all[:, steps]", "self.da_all[:, self.T - steps.stop : self.T - steps.start]", "LSTMLayer", "a W_h W_x x"),
    Fault("a chunk's memory taken one step off", "slots.py", "part[t % self.chunk_steps]", "part[(t + 1) % self.chunk_steps]", "RNNLayer", "a x"),
    Fault("start state ignored", "state.py", "first[...] = value", "first[...] = 0", "LSTMLayer", "h c"),
    Fault("gradient of the last state ignored", "state.py", "gradient[...] = value", "gradient[...] = 0", "LSTMLayer", "h c"),
    Fault("gradient of b forgotten where tokens are looked up", "node.py", "self.db += sums.sum(axis=1)", "pass", "LSTMLayer on tokens", "b", "(0)"),
    Fault("one-hot columns in the wrong order", "embedding.py",
          "if len(present) <= FEW:\n        one_hot = (which[:, None] == np.arange(len(present)))",
          "if len(present) > 0:\n        one_hot = (which[:, None] == np.arange(len(present))[::-1])", "LSTMLayer on tokens", "W_x", "(0)"),
    Fault("equal tokens counted once", "embedding.py", "np.add.reduceat(np.take(dy, order, axis=1), starts, axis=1)",
          "np.take(dy, order, axis=1)[:, starts]", "LSTMLayer on tokens", "W_x b", "(0)"),
    Fault("Dense: bias summed over the batch alone", "dense.py", "self.db += dy_all.sum(axis=1)",
          "self.db += dy[..., -1] if dy.ndim == 2 else dy[0].sum(axis=1)", "Dense", "b", "(1)"),
    Fault("Dense: gradient of W transposed in time", "dense.py", "all_columns(x).T", "all_columns(x[::-1]).T", "Dense", "W", "(1)"),
    Fault("softmax: the sum's part missing", "activations.py", "return y * (dy - (dy * y).sum(axis=-1, keepdims=True))", "return y * dy", "Softmax", "x", "(1) (2)"),
    Fault("dropout: not scaled", "dropout.py", ".astype(dtype) / (1 - self.p)", ".astype(dtype)", "Dropout", "y", "(1)"),
    Fault("the book's loss: binary term for every class", "losses.py", "return losses[..., 0], dx",
          "return losses[..., 0] - np.log(1 - np.exp(z) / total).sum(axis=-1), dx", "SoftmaxCrossEntropy", "value prediction", "(2)"),
    Fault("the book's loss: sum for mean", "losses.py", "return float((losses * weights).sum() / N)", "return float((losses * weights).sum())", "SoftmaxCrossEntropy", "value prediction"),
    Fault("loss: ignored targets counted", "losses.py", "return weights * (target != self.ignore_index)", "return weights", "SoftmaxCrossEntropy ignoring 1", "value prediction"),
    Fault("loss: mask turned round in the gradient", "losses.py", "(weights * (dy / N))", "((1 - weights) * (dy / N))", "BinaryCrossEntropy masked", "prediction"),
    Fault("squared error: factor 2 missing", "losses.py", "difference**2, 2 * difference", "difference**2, difference", "MeanSquaredError", "prediction", "(1)"),
    # Lengths: rows are sorted, time is cut into stretches, and rows that have ended may go on for nothing.
    Fault("lengths: on the wrong side", "lengths.py", "return np.arange(T) < lengths[:, None]", "return np.arange(T) >= T - lengths[:, None]", "LSTM, lengths", "y"),
    Fault("lengths: what a row makes after its end is shown", "course.py", "packed[self.ended] = 0\n        out", "out", "LSTM, lengths", "y"),
    Fault("lengths: gradients of rows that have ended are counted", "course.py", "packed[self.ended] = 0\n        return", "return", "LSTM, lengths", "y"),
    Fault("lengths: state after the padding", "state.py", "        if counts is None:\n            return [part[-1]", "        if True:\n            return [part[-1]", "LSTM, lengths", "h c"),
    Fault("lengths: state of a row of length 0 lost", "course.py", "part[:, : self.B] = columns", "part[...] = 0; part[:, : self.B] = columns", "LSTM, lengths", "h c"),
    Fault("lengths: gradient of a row of length 0 lost", "course.py", "taken = np.flatnonzero(self.counts)", "taken = slice(self.B)", "LSTM, lengths", "h c"),
    Fault("lengths: gradient at a row's end lost", "through_time.py", "gradient[:, ended] += last", "pass", "LSTM, lengths", "h c"),
    Fault("lengths: gradient at a row's end twice", "through_time.py", "gradient[:, ended] += last", "gradient[:, ended] += 2 * last", "GRU before, lengths", "h"),
    Fault("lengths: gradient at a row's end, and again after its padding", "course.py", " * (self.counts == self.T) for part in d_state]", " for part in d_state]", "LSTM, lengths", "h c"),
    Fault("lengths: gradient at the end of another row", "course.py", "np.flatnonzero(self.counts == k) for k", "(np.flatnonzero(self.counts == k) + 1) % self.B for k", "LSTM, lengths", "h c"),
    Fault("lengths: gradient one step after the end", "course.py", "{int(k) - 1: np", "{int(k): np", "LSTM, lengths", "h c"),
    Fault("lengths: order of the rows not undone", "course.py", "out[self.order] = part.T", "out[...] = part.T", "LSTM, lengths", "h c"),
    Fault("lengths: start states to other rows", "course.py", "else part[self.order].T", "else part.T", "LSTM, lengths", "h c"),
    Fault("lengths: dx to other steps", "course.py", "out[self.place] = packed", "out[np.sort(self.place)] = packed", "LSTM, lengths", "y x"),
    Fault("lengths: stretches of dx in each other's place", "course.py", "in self.divide(all_steps.T)]", "in self.divide(all_steps.T[::-1])]", "LSTM, lengths", "x"),
    Fault("lengths: Dense over the padding", "recurrent.py", "self.output.backward(course.shown(dy))", "self.output.backward(dy)", "LSTM, with output", "output.b"),
    Fault("lengths: Dense's bias in the padding", "recurrent.py", "course.shown(self.output(y))", "self.output(y)", "LSTM, with output", "y output.b"),
    Fault("lengths: mask turned round where y is shown", "course.py", "np.where(mask[..., None], y, 0)", "np.where(mask[..., None], 0, y)", "LSTM, with output", "y"),
    Fault("lengths: only the last stretch's weights", "node.py", "dp @ all_columns(*(s.h_met for s in stretches)).T", "dp[:, -stretches[-1].T * stretches[-1].B :] @ all_columns(stretches[-1].h_met).T", "LSTM, lengths", "W_h", "(1)"),
    Fault("gaps: taken for an end", "course.py", "if not (mask[:, 1:] & ~mask[:, :-1]).any():", "if True:", "LSTM, gaps", "y"),
    Fault("gaps: not gone through in reverse", "course.py", "return self.T - 1 - np.argsort(~mask[:, ::-1], axis=1, kind=\"stable\")", "return np.argsort(~mask, axis=1, kind=\"stable\")", "LSTM, gaps, reverse", "y"),
    # Directions, shapes, and what is shown.
    Fault("reverse: from the padded end", "course.py", "counts - 1 - times", "self.T - 1 - times", "LSTM, reverse", "y x"),
    Fault("reverse: not at all, where rows are padded", "course.py", "if self.reverse else times", "if False else times", "GRU before, reverse", "y"),
    Fault("reverse: y in the order in which it is made", "course.py", "parts[0][:, ::-1] if self.reverse", "parts[0] if self.reverse", "LSTM reverse, unpadded", "y x"),
    Fault("last alone: gradient of the last state forgotten", "recurrent.py", "d_last[0] + dh", "dh", "LSTM, last alone", "h"),
    Fault("last alone: the start state of a row of length 0 is shown", "course.py", "else self.counts > 0", "else self.counts >= 0", "LSTM, last alone", "y"),
    Fault("last alone: a row of length 0 has a gradient", "recurrent.py", "dh = course.shown(dy)", "dh = dy", "LSTM, last alone", "y h"),
    Fault("learned state: mean for sum", "recurrent.py", "part[learned].sum(axis=0)", "part[learned].mean(axis=0)", "LSTM, learned state", "h_0 c_0"),
    Fault("learned state: gradient overwritten, not added", "recurrent.py", "gradient += part[learned]", "gradient[:] = part[learned]", "GRU before, learned state", "h_0"),
    Fault("time-major: dx not turned back", "recurrent.py", "dx = self.turned(course.put(course.split(dx), *width, self.dtype))", "dx = course.put(course.split(dx), *width, self.dtype)", "LSTM, time-major", "x"),
    Fault("time-major: dy not turned", "recurrent.py", "dy = self.turned(dy) if self.return_sequences else dy", "dy = dy", "LSTM, time-major", "y"),
    Fault("time-major: gaps not turned", "lengths.py", "return found if batch_first else found.T", "return found", "LSTM, gaps, time-major", "y"),
    Fault("both ways: the second goes ahead too", "recurrent_options.py", "twin.reverse = not self.reverse", "twin.reverse = self.reverse", "LSTM, both ways", "y"),
    Fault("both ways: halves of dy exchanged", "bidirectional.py", "np.split(dy, 2, axis=-1)", "np.split(dy, 2, axis=-1)[::-1]", "LSTM, both ways", "y", "(2)"),
    Fault("both ways: dx of the first alone", "bidirectional.py", "dx = dx_f + dx_b", "dx = dx_f", "LSTM, both ways", "x", "(1)"),
    Fault("both ways: the first's last state for the second's", "bidirectional.py", "self.backwards.backward(d_b, d_last[1])", "self.backwards.backward(d_b, d_last[0])", "GRU before, both ways", "h_back"),
    Fault("both ways, mul: own factor for the other's", "bidirectional.py", "return dy * y_b, dy * y_f", "return dy * y_f, dy * y_b", "LSTM, both ways, mul", "y", "(2)"),
    Fault("both ways, mean: not divided on the way back", "bidirectional.py", "else (dy / 2, dy / 2)", "else (dy, dy)", "LSTM, both ways, mean", "y", "(2)"),
    Fault("both ways, sum: halved on the way back", "bidirectional.py", "return (dy, dy) if", "return (dy / 2, dy / 2) if", "LSTM, both ways, sum", "y", "(2)"),
    Fault("pooling: last of the padding", "pooling.py", "T - 1 - mask[:, ::-1].argmax(axis=1)", "np.full(len(mask), T - 1)", "Pooling last", "y x", "(1)"),
    Fault("pooling: first step, though a gap", "pooling.py", "mask.argmax(axis=1) if", "0 * mask.argmax(axis=1) if", "Pooling first with gaps", "y x", "(1)"),
    Fault("pooling: a row without a step has a gradient", "pooling.py", " * (mask.sum(axis=1)[:, None] > 0).astype(dtype)", "", "Pooling first", "y x"),
    Fault("pooling: mean over the padding too", "pooling.py", "np.maximum(mask.sum(axis=1), 1)[:, None]", "np.full((len(mask), 1), mask.shape[1])", "Pooling mean", "y", "(3)"),
    Fault("pooling: padding may be the largest", "pooling.py", "np.copyto(low, x.swapaxes(0, 1), where=real)", "low, real = x.swapaxes(0, 1), True", "Pooling max", "y x", "(2)"),
    # Peepholes, coupled gates, projection.
    Fault("peepholes: output gate sees the old cell", "lstm_variants.py", "o += s.peeps[-1] * c  # (5)", "o += s.peeps[-1] * c_prev  # (5)", "LSTM peepholes, lengths", "y c c' p", "(5)"),
    Fault("peepholes: path through the gates to c' missing", "lstm_variants.py", "dc += weight * d_gate", "pass", "LSTM peepholes, lengths", "c'", "(2)"),
    Fault("peepholes: path through the output gate missing", "lstm_variants.py", "dc += s.peeps[-1] * do", "pass", "LSTM peepholes, lengths", "c", "(5)"),
    Fault("peepholes: new cell for old in dp", "lstm_variants.py", "all_columns(*(s.c[:-1] for s in stretches))", "all_columns(*(s.c_new for s in stretches))", "LSTM peepholes, lengths", "p", "(2)"),
    Fault("peepholes: old cell for new in dp_o", "lstm_variants.py", "met.append(all_columns(*(s.c_new for s in stretches)))", "met.append(met[0])", "LSTM peepholes, lengths", "p", "(5)"),
    Fault("peepholes: gradient overwritten, not added", "lstm_variants.py", "self.dp += ", "self.dp[:] = ", "LSTM peepholes, lengths", "p"),
    Fault("coupled: sign of what is forgotten", "lstm_variants.py", "dc * (g - c_prev)", "dc * (g + c_prev)", "LSTM coupled, lengths", "i f a_i", "(4) (2) i"),
    Fault("coupled: what is written is kept too", "lstm_variants.py", "1 - i if self.coupled", "i if self.coupled", "LSTM coupled, lengths", "y i f a_i", "(2) (4) i"),
    Fault("projection: turned round on the way back", "lstm_variants.py", "(s.W_rT, s.dh, s.du)", "(s.W_rT, s.dh[::-1].copy(), s.du)", "LSTM projection, lengths", "u", "(8)"),
    Fault("projection: first step missing in dW_r", "lstm_variants.py", "s.da[n, self.place_of_dh] = s.dh", "s.da[n, self.place_of_dh] = s.dh * (t > 0)", "LSTM projection, lengths", "W_r", "(8)"),
    Fault("projection: gradient overwritten, not added", "lstm_variants.py", "self.dW_r += ", "self.dW_r[:] = ", "LSTM projection, lengths", "W_r"),
    # Layer normalisation.
    Fault("layer_norm: gain missing on the way back", "normal.py", "d_hat = dy * gain", "d_hat = dy", "RNN layer_norm, lengths", "h_hat p", "(1)"),
    Fault("layer_norm: path through the mean missing", "normal.py", " - d_hat.mean(axis=-2, keepdims=True)", "", "LSTM layer_norm, lengths", "p k", "(1) (6)"),
    Fault("layer_norm: path through the variance missing", "normal.py", " - through_s)", ")", "LSTM layer_norm, lengths", "p k", "(1) (6)"),
    Fault("layer_norm: scale missing on the way back", "normal.py", "return scale * (", "return (", "GRU before layer_norm, lengths", "p W_h h'", "(1) (3)"),
    Fault("layer_norm: another ε", "normal.py", "EPSILON = 1e-5", "EPSILON = 1e-4", "RNN layer_norm, lengths", "y", "(0) (1)"),
    Fault("layer_norm: bias inside", "node.py", "self.weighted(x, s, np.zeros_like(self.b))", "self.weighted(x, s, self.b)", "RNN layer_norm, lengths", "y b", "(0)"),
    Fault("layer_norm: gradient of W_x from that of the normalised", "node.py", "da = self.inputs_backward(stretches, da)", "self.inputs_backward(stretches, da)", "LSTM layer_norm, lengths", "W_x x", "(0)"),
    Fault("layer_norm: gradient of W_h from that of the normalised", "node.py", "dp = da_all[-len(self.W_h) :]", "pass", "LSTM layer_norm, lengths", "W_h", "(1)"),
    Fault("layer_norm: gradient of g_x like a bias's", "normal.py", "self.dg_x += (da * x_hat).sum(axis=1)", "self.dg_x += da.sum(axis=1)", "LSTM layer_norm, lengths", "g_x", "(0)"),
    Fault("layer_norm: gradient of g_h overwritten, not added", "node.py", "self.dg_h += ", "self.dg_h[:] = ", "RNN layer_norm, lengths", "g_h"),
    Fault("layer_norm: gradient of b_c forgotten", "lstm_variants.py", "self.db_c += dk.sum(axis=1)", "pass", "LSTM layer_norm, lengths", "b_c", "(6)"),
    Fault("layer_norm: gradient of g_c from the cell itself", "lstm_variants.py", "s.c_hat for s in stretches", "s.c_new for s in stretches", "LSTM layer_norm, lengths", "g_c", "(6)"),
    Fault("layer_norm: update's gain for the candidate's", "gru.py", "self.dg_h[2 * H :] += (d_candidate *", "self.dg_h[2 * H :] += (drz[H:] *", "GRU before layer_norm, lengths", "g_h", "(3) n"),
    # Other nodes.
    Fault("relu: slope 1 at 0 too", "rnn.py", "da[...] = h > 0", "da[...] = h >= 0", "RNN relu, lengths", "a", "(2)"),
    Fault("MGU: reset's path missing", "mgu.py", " + dm * h_met", "", "MGU, lengths", "f a_f", "(2) f"),
    Fault("MGU: gate turned round on the direct path", "mgu.py", "dh *= 1 - f", "dh *= f", "MGU, lengths", "h'", "(4)"),
    Fault("MGU: candidate's path missing", "mgu.py", "d_met = dm * f + ", "d_met = ", "MGU, lengths", "h'", "(2)"),
    Fault("MGU: h for f h in dU_n", "mgu.py", "@ m.T", "@ h_met.T", "MGU, lengths", "W_h", "(2) (3) n"),
    Fault("MGU: gate turned round forward", "mgu.py", "h_prev + f * (n - h_prev)", "n + f * (h_prev - n)", "MGU, lengths", "y f n h'", "(4)"),
    Fault("IndRNN: h[t] for h[t-1] in du", "indrnn.py", "(s.h_met for s in stretches)", "(s.h_new for s in stretches)", "IndRNN, lengths", "u", "(1)"),
    Fault("IndRNN: u missing on the way back", "indrnn.py", "multiply(self.u[:, None], da, s.dh)", "s.dh[...] = da", "IndRNN tanh, lengths", "h'", "(1)"),
    Fault("IndRNN: slope 1 at 0 too", "indrnn.py", "h > 0 if", "h >= 0 if", "IndRNN, lengths", "a", "(2)"),
    # Dropout of the state, of the weights, of sequences; zoneout.
    Fault("zoneout: direct path missing", "between_steps.py", "d_state += part", "pass", "LSTM, zoneout", "h' c'", "(2)"),
    Fault("zoneout: k for 1 - k on the way back", "between_steps.py", "d_state -= passed[-1][1]", "d_state[...] = passed[-1][1]", "GRU before, zoneout", "h", "(2)"),
    Fault("zoneout: the cell's forgotten on the way back", "between_steps.py", "passed = []\n        for name, k in s.kept.items():", "passed = []\n        for name, k in list(s.kept.items())[:1]:", "LSTM, zoneout", "c c'", "(2)"),
    Fault("zoneout: h and c share a mask", "recurrent_options.py", "masks.ZONEOUT + k", "masks.ZONEOUT", "LSTM, zoneout", "y c"),
    Fault("zoneout: mean turned round in evaluation", "recurrent_options.py", "{name: np.asarray(p)", "{name: np.asarray(1 - p)", "LSTM, zoneout in evaluation", "y", "(2)"),
    Fault("zoneout: masks of other rows", "between_steps.py", "course.take(k)]", "course.take(k[::-1])]", "RNN, zoneout", "y", "(2)"),
    Fault("state dropout: mask missing on the way back", "between_steps.py", "s.dh *= s.drop", "pass", "LSTM, state dropout", "h'", "(1)"),
    Fault("state dropout: GRU's mask missing on the way back", "gru.py", "d_met *= s.drop", "pass", "GRU after, state dropout", "h'", "(1)"),
    Fault("state dropout: MGU's mask missing on the way back", "mgu.py", "d_met * s.drop", "d_met", "MGU, state dropout", "h'", "(1)"),
    Fault("state dropout: direct path dropped too", "gru.py", "passes_state = True", "passes_state = False", "GRU before, state dropout", "h'", "(4) (1)"),
    Fault("state dropout: whole state in dW_h", "node.py", "all_columns(*(s.h_met for s in stretches)).T  # (1)", "all_columns(*(s.h[:-1] for s in stretches)).T  # (1)", "LSTM, state dropout", "W_h", "(1)"),
    Fault("state dropout: another mask at each step", "between_steps.py", "multiply(s.h[t], s.drop, s.h_met[t])", "multiply(s.h[t], s.drop[::-1] if t else s.drop, s.h_met[t])", "LSTM, state dropout", "y h' W_h", "(1)"),
    Fault("state dropout: reset meets the whole state", "gru.py", "multiply(r, h_met, m)", "multiply(r, h_prev, m)", "GRU before, state dropout", "y h' r a_r", "(2)"),
    Fault("state and weight dropout: not scaled", "recurrent_options.py", "return masks.mask(p, shape, *drawn_from) / (1 - p)", "return masks.mask(p, shape, *drawn_from) * 1.0", "LSTM, weight dropout", "y"),
    Fault("weight dropout: gradient not masked", "through_time.py", "gradient += kept * ", "gradient += ", "LSTM, weight dropout", "W_h"),
    Fault("weight dropout: mask drawn anew on the way back", "recurrent.py", "self.dropped(weights)", "self.dropped(self.draw(course.B, course.T)[\"weights\"])", "LSTM, weight dropout", "h' W_h", "(1)"),
    Fault("weight dropout: whole weights on the way back", "recurrent.py", "with self.dropped(weights) if weights is not None else UNCHANGED:", "with UNCHANGED:", "GRU before, weight dropout", "h' W_h", "(1)"),
    Fault("dropout of sequences: a mask for each step", "dropout.py", "(shape[0], 1, *shape[2:]) if", "shape if", "Dropout per sequence", "y", "(1)"),
    Fault("dropout of sequences: a mask for all of them", "dropout.py", "(shape[0], 1, *shape[2:]) if", "(1, *shape[1:]) if", "Dropout per sequence", "y", "(1)"),
    # What a walk along the lines of every other way back has found besides.
    Fault("GRU: sign of the update gate's slope", "gru.py", "subtract(h_prev, n, dm)", "subtract(n, h_prev, dm)", "GRULayer before", "z a_z", "(4) z"),
    Fault("GRU: 1 - z forgotten in the candidate's slope", "gru.py", "dn *= dz", "pass", "GRULayer after", "n a_n", "(4) (3)"),
    Fault("GRU: reset gate's slope from the candidate itself", "gru.py", "dr *= dm  # (2)", "dr *= dn  # (2)", "GRULayer before", "r a_r", "(2) r"),
    Fault("GRU: gates' path to the state before missing", "gru.py", "d_met += dot(s.W_rzT, drz, s.spare)", "dot(s.W_rzT, drz, s.spare)", "GRULayer after", "h'", "(1)"),
    Fault("gradient of W_x with the bias's column", "node.py", "self.dW_x += dW[:, :-1]", "self.dW_x += dW[:, 1:]", "GRULayer after", "W_x", "(0)"),
    Fault("dx from the first gate alone", "node.py", "return self.W_x.T @ da", "return self.W_x[: self.hidden_size].T @ da[: self.hidden_size]", "LSTMLayer", "x", "(0)"),
    Fault("both ways: gradient of the first's last state forgotten", "bidirectional.py", "self.forwards.backward(d_f, d_last[0])", "self.forwards.backward(d_f)", "GRU before, both ways", "h_forth"),
    Fault("sigmoid: y missing in the slope", "activations.py", "return y * (1 - y)", "return 1 - y", "Sigmoid", "x", "(1)"),
    Fault("tanh alone: y for its square", "activations.py", "dy * (1 - y * y)", "dy * (1 - y)", "Tanh", "x", "(1)"),
    Fault("relu alone: slope 1 everywhere", "activations.py", "dy * (y > 0)", "dy * (y >= 0)", "ReLU", "x", "(1)"),
    Fault("softmax: y missing in the sum", "activations.py", "(dy * y).sum(axis=-1, keepdims=True)", "dy.sum(axis=-1, keepdims=True)", "Softmax", "x", "(1) (2)"),
    Fault("softmax: sum over the wrong axis", "activations.py", "(dy * y).sum(axis=-1, keepdims=True)", "(dy * y).sum(axis=-2, keepdims=True)", "Softmax", "x", "(1) (2)"),
    Fault("cross-entropy: one-hot target missing in the gradient", "losses.py", "np.take_along_axis(dx, t, axis=-1) - 1, axis", "np.take_along_axis(dx, t, axis=-1), axis", "SoftmaxCrossEntropy", "prediction", "(1) (2)"),
    Fault("cross-entropy: weights taken to sum to 1", "losses.py", "mass * e / total - t", "e / total - t", "SoftmaxCrossEntropy of weights", "prediction", "(1) (2)"),
    Fault("cross-entropy: gradient over the batch's rows alone", "losses.py", "dx = slope * (weights * (dy / N))", "dx = slope * (weights * (dy / len(slope)))", "SoftmaxCrossEntropy", "prediction"),
    Fault("binary cross-entropy: through the sigmoid once more", "losses.py", "sigmoid(x) - t  # (1)", "(sigmoid(x) - t) * sigmoid(x) * (1 - sigmoid(x))  # (1)", "BinaryCrossEntropy", "prediction", "(1)"),
    Fault("binary cross-entropy: sign of the target", "losses.py", "sigmoid(x) - t  # (1)", "sigmoid(x) + t  # (1)", "BinaryCrossEntropy", "prediction", "(1)"),
    Fault("Embedding: gradient overwritten, not added", "embedding.py", "self.dW[present] += sums.T", "self.dW[present] = sums.T", "Embedding", "W"),
    Fault("Embedding: gradients to tokens of other steps", "embedding.py", "columns(x).reshape(-1)", "x.reshape(-1)", "Embedding", "W", "(1)"),
    Fault("Dense: mean for sum in dx", "dense.py", "np.matmul(self.W.T, dy)", "np.matmul(self.W.T, dy) / len(self.W)", "Dense", "x", "(1)"),
    Fault("Dense: gradient of W overwritten, not added", "dense.py", "self.dW += dy_all", "self.dW[:] = dy_all", "Dense", "W"),
    Fault("pooling: mean not divided on the way back", "pooling.py", "(dy / counted(mask).astype(dtype))", "dy", "Pooling mean", "x", "(3)"),
    Fault("attention: mask turned round", "attention.py", "np.where(mask[:, None], e, -np.inf)", "np.where(mask[:, None], -np.inf, e)", "Attention dot", "y", "(3)"),
    Fault("attention: padding is weighted too", "attention.py", "np.where(mask[:, None], e, -np.inf)", "np.where(mask[:, None], e, 0)", "Attention general", "y", "(3)"),
    Fault("attention: softmax over the queries", "attention.py", "total = alpha.sum(axis=-1, keepdims=True)", "total = alpha.sum(axis=-2, keepdims=True)", "Attention dot", "y", "(3)"),
    Fault("attention: scale missing on the way back", "attention.py", "de *= self.scale  # (2)", "pass", "Attention dot", "q m e", "(2)"),
    Fault("attention: softmax's sum missing in its slope", "attention.py", "(d_alpha - (d_alpha * alpha).sum(axis=-1, keepdims=True))", "d_alpha", "Attention general", "q m W_m e", "(3)"),
    Fault("attention: softmax's slope without α", "attention.py", "de = alpha * (d_alpha", "de = (d_alpha", "Attention additive", "q m W_m W_q v e", "(3)"),
    Fault("attention: slope of the weights from other steps", "attention.py", "dy @ m.swapaxes(1, 2)", "dy @ m[:, ::-1].swapaxes(1, 2)", "Attention dot", "q m e", "(4)"),
    Fault("attention: what is read of the memory lost", "attention.py", "alpha.swapaxes(1, 2) @ dy  # (4)", "0 * (alpha.swapaxes(1, 2) @ dy)  # (4)", "Attention general", "m", "(4)"),
    Fault("attention: the memory's path through the keys lost", "attention.py", "return dq, dm + dk @ self.W_m", "return dq, dm", "Attention general", "m", "(1)"),
    Fault("attention: W_m not transposed", "attention.py", "return dq, dm + dk @ self.W_m", "return dq, dm + dk @ self.W_m.T", "Attention additive", "m", "(1)"),
    Fault("attention: keys' gradient from other queries", "attention.py", "de.swapaxes(1, 2) @ q", "de.swapaxes(1, 2) @ q[:, ::-1]", "Attention dot", "m k", "(2)"),
    Fault("attention: slope of tanh", "attention.py", "(1 - u * u) * self.v", "(1 - u) * self.v", "Attention additive", "q m W_m W_q a", "(2)"),
    Fault("attention: v missing in the slope", "attention.py", "(1 - u * u) * self.v", "(1 - u * u)", "Attention additive", "q m W_m W_q a", "(2)"),
    Fault("attention: gradient of v overwritten, not added", "attention.py", "self.dv += ", "self.dv[...] = ", "Attention additive", "v"),
    Fault("attention: gradient of W_m from the queries' side", "attention.py", "over_all(dk, m)", "over_all(dk[::-1], m)", "Attention general", "W_m", "(1)"),
    Fault("translator: the decoder reads what it is to say", "encoder_decoder_blueprint.py", "self.begin), tokens[:, :-1]], axis=1)", "self.begin), tokens[:, :-1]], axis=1) * 0 + tokens", "EncoderDecoder LSTM None", "y", "(1)"),
    Fault("translator: the memory's padding is read", "encoder_decoder.py", "m, mask = self.encoded(x, lengths)  # (2)", "m, mask = self.encoded(x, lengths)[0], None  # (2)", "EncoderDecoder RNN general", "y", "(4)"),
    Fault("translator: the last state's gradient not handed back", "encoder_decoder.py", "self.encoder.backward(dm, self.handed_back())", "self.encoder.backward(dm)", "EncoderDecoder LSTM None", "encoder.layers.2.b encoder.layers.2.W_h encoder.layers.2.W_x encoder.layers.0.W", "(3)"),
    Fault("translator: two directions' gradients exchanged", "encoder_decoder.py", "for way in (0, 1))", "for way in (1, 0))", "EncoderDecoder GRU additive, both ways", "encoder.layers.2.forwards.W_h encoder.layers.2.backwards.W_h", "(3)"),
    Fault("translator: gradients of the states to other layers", "encoder_decoder.py", "gradients = iter([d_state for layer, d_state in pairs if layer.recurrent])", "gradients = iter([d_state for layer, d_state in pairs if layer.recurrent][::-1])", "EncoderDecoder LSTM dot, both ways, 2 deep", "encoder.layers.2.forwards.W_h encoder.layers.4.forwards.W_h", "(3)"),
    Fault("translator: the queries' gradient lost", "encoder_decoder.py", "dh = dh + dq", "pass", "EncoderDecoder GRU additive, both ways", "decoder.layers.2.W_h", "(4)"),
    Fault("translator: the memory's gradient lost", "encoder_decoder.py", "self.encoder.backward(dm, ", "self.encoder.backward(0 * dm, ", "EncoderDecoder RNN general", "encoder.layers.2.W_h", "(2)"),
    Fault("translator: gradients of other target tokens", "encoder_decoder.py", "dz[real] = self.output.backward(d_logits)", "dz[real] = self.output.backward(d_logits)[::-1]", "EncoderDecoder RNN general", "attention.W_m", "(5)"),
    Fault("model: last states' gradients to other layers", "model.py", "zip(reversed(self.layers), reversed(d_last))", "zip(reversed(self.layers), d_last)", "EncoderDecoder LSTM dot, both ways, 2 deep", "encoder.layers.2.forwards.W_h encoder.layers.4.forwards.W_h"),
    # Windows over time, words of characters, layers side by side.
    Fault("convolution: weights not in reverse on the way back", "convolution.py", "self.W[..., ::-1]", "self.W", "Convolution", "x", "(1)"),
    Fault("convolution: as many steps before as behind, on the way back", "convolution.py", "windows_of(dy, real, self.K - 1 - self.K // 2, self.K)", "windows_of(dy, real, self.K // 2, self.K)", "Convolution of width 4, gaps", "x", "(1)"),
    Fault("convolution: as many steps before as behind, forward", "convolution.py", "windows_of(x[real], real, self.K // 2, self.K)", "windows_of(x[real], real, (self.K - 1) // 2, self.K)", "Convolution of width 4, gaps", "y x W", "(1)"),
    Fault("convolution: first step for what is beyond the ends", "convolution.py", "np.full((B, T + K - 1), N)", "np.full((B, T + K - 1), 0)", "Convolution", "y x W", "(1)"),
    Fault("convolution: into the next row", "convolution.py", "place[:, before : before + T][real] = np.arange(N)", "place[...] = (np.cumsum(real).reshape(B, T)[:, :1] - real[:, :1] - before + np.arange(T + K - 1)) % (N + 1)", "Convolution", "y x W"),
    Fault("convolution: padding is read", "convolution.py", "np.ones((B, T), bool) if mask is None else mask", "np.ones((B, T), bool)", "Convolution", "y x"),
    Fault("convolution: weights of their gradient in reverse", "convolution.py", "self.width).transpose(0, 2, 1)", "self.width)[:, ::-1].transpose(0, 2, 1)", "Convolution", "W", "(1)"),
    Fault("convolution: gradient of W overwritten, not added", "convolution.py", "self.dW += ", "self.dW[:] = ", "Convolution", "W"),
    Fault("convolution: gradient of b forgotten", "convolution.py", "self.db += dy.sum(axis=0)", "pass", "Convolution", "b"),
    Fault("convolution: gradient of b a mean", "convolution.py", "dy.sum(axis=0)", "dy.mean(axis=0)", "Convolution", "b"),
    Fault("characters: of equal words one counts", "characters.py", "dy = sum_by_token(which, dy.T)[1].T[some]", "dy = dy[np.unique(which, return_index=True)[1]][some]", "Characters", "y embedding.W convolution.W convolution.b"),
    Fault("characters: gradients to other words", "characters.py", "[1].T[some]", "[1].T[::-1][some]", "Characters", "embedding.W convolution.W convolution.b"),
    Fault("characters: no character is one too", "characters.py", "y = np.zeros((len(words), self.output_size), self.dtype)", "y = np.zeros((len(words), self.output_size), self.dtype) + self.convolution.b", "Characters", "y convolution.b"),
    Fault("side by side: dx of the first alone", "concat.py", "dx = sum(dxs) if", "dx = dxs[0] if", "Concat of all of x", "x", "(1)"),
    Fault("side by side: dx in another order", "concat.py", "np.concatenate(dxs, axis=-1)", "np.concatenate(dxs[::-1], axis=-1)", "Concat of columns", "x", "(1)"),
    Fault("side by side: parts of dy exchanged", "concat.py", "np.split(dy, ends, axis=-1))]", "np.split(dy, ends, axis=-1)[::-1])]", "Concat of poolings", "y x", "(2)"),
    Fault("side by side: padding has a gradient", "concat.py", "dy = dy if mask is None else np.where(over(mask, dy), dy, 0)", "dy = dy", "Concat of all of x", "y layers.0.b"),
    Fault("side by side: padding is shown", "concat.py", "y = y if mask is None else np.where(over(mask, y), y, 0)", "y = y", "Concat of all of x", "y layers.0.b"),
    Fault("side by side: lengths are kept", "concat.py", "layer(own, mask) if layer.over_time else layer(own)", "layer(own)", "Concat of poolings", "y"),
    Fault("dropout: mask missing on the way back", "dropout.py", "return self.gradient(dy, m.shape, m.dtype) * m", "return self.gradient(dy, m.shape, m.dtype)", "Dropout per sequence", "x", "(1)"),
]  # fmt: skip
# These show in the path that an optimizer takes, not in a gradient; `case` names the optimizer.
STEP_FAULTS = [
    Fault("Adam: moments never unbiased", "optimizers.py", "1 - self.beta1**k", "1.0", "Adam", "W b", "step 1"),
    Fault("Adam: square of the mean for mean of the square", "optimizers.py", "v += (1 - self.beta2) * g * g", "v += (1 - self.beta2) * m * m", "Adam", "W b", "step 1"),
    Fault("AdamW: decay in the gradient", "optimizers.py", "p *= 1 - rate * self.weight_decay", "g = g + self.weight_decay * p", "AdamW", "W b", "step 1"),
    Fault("momentum: old velocity forgotten", "optimizers.py", "v *= self.momentum", "v *= 0", "SGDMomentum", "W b", "step 2"),
    Fault("AdaGrad: sum never grows", "optimizers.py", "s += g * g  # (1)", "s[...] = g * g  # (1)", "AdaGrad", "W b", "step 2"),
    Fault("RMSProp: square missing", "optimizers.py", "s += (1 - self.decay) * g * g", "s += (1 - self.decay) * abs(g)", "RMSProp", "W b", "step 1"),
    Fault("Adam: betas exchanged", "optimizers.py", "m *= self.beta1", "m *= self.beta2", "Adam", "W b", "step 2"),
    Fault("momentum: a step along the gradient too", "optimizers.py", "p -= rate * v  # (2)", "p -= rate * (v + g)  # (2)", "SGDMomentum", "W b", "step 1"),
    Fault("AdaGrad: root missing", "optimizers.py", "s += g * g  # (1)\n        p -= rate * g / (np.sqrt(s)", "s += g * g  # (1)\n        p -= rate * g / (s", "AdaGrad", "W b", "step 1"),
    Fault("RMSProp: decay turned round", "optimizers.py", "s *= self.decay", "s *= 1 - self.decay", "RMSProp", "W b", "step 2"),
    Fault("AdamW: decay not times the rate", "optimizers.py", "p *= 1 - rate * self.weight_decay", "p *= 1 - self.weight_decay", "AdamW", "W b", "step 1"),
    Fault("clipping: short gradients are stretched", "clipping.py", "if norm > limit:", "if norm > 0:", "SGD", "W b", "step 1"),
    Fault("weight decay with the wrong sign", "optimizer.py", "return g + self.weight_decay * p", "return g - self.weight_decay * p", "SGD", "W b", "step 1"),
    Fault("clipping: every gradient by its own norm", "clipping.py", "g *= limit / norm", "g *= limit / np.linalg.norm(g)", "SGD", "W b", "step 1"),
]  # fmt: skip
# In the values that remember how they were made: these belong to no row of the table, see test_with_grad.py.
WALK_FAULTS = [
    Fault("a value used twice receives once", "with_grad.py", "arriving[u] + du if u in arriving else du", "du", "", "u", "(8)"),
    Fault("the oldest first", "with_grad.py", "key=lambda u: u.born, reverse=True", "key=lambda u: (u is not z, u.born)", "", "u", "(8)"),
    Fault("product: own factor for the other's", "with_grad.py", "(u * v, v, u)", "(u * v, u, v)", "", "u", "(2)"),
    Fault("power: exponent not lowered", "with_grad.py", "np.power(u, k - 1)", "np.power(u, k)", "", "u", "(3)"),
    Fault("exp: slope of the input", "with_grad.py", "(z := np.exp(u), z)", "(z := np.exp(u), u)", "", "u", "(4)"),
    Fault("log: slope of the output", "with_grad.py", "(np.log(u), np.divide(1, u))", "(z := np.log(u), z)", "", "u", "(5)"),
    Fault("tanh: square missing", "with_grad.py", "1 - z * z", "1 - z", "", "u", "(6)"),
    Fault("relu: slope 1 everywhere", "with_grad.py", "np.greater(u, 0)", "1", "", "u", "(7)"),
    Fault("product of matrices: v not transposed", "array_with_grad.py", "dz @ v.swapaxes(-1, -2)", "dz @ v", "", "u", "(9)"),
    Fault("sum: gradient shared out", "array_with_grad.py", "np.broadcast_to(dz.reshape(z.shape), u.shape)", "np.broadcast_to(dz.reshape(z.shape), u.shape) * z.size / u.size", "", "u", "(10)"),
    Fault("transpose: the same way back as forth", "array_with_grad.py", "dz.transpose(np.argsort(axes))", "dz.transpose(axes).reshape(self.shape)", "", "u", "(12)"),
    Fault("index: an element taken twice gets one", "array_with_grad.py", "np.add.at(du, index, dz)", "du[index] = dz", "", "u", "(13)"),
    Fault("concatenate: pieces turned round", "array_with_grad.py", "np.split(dz, cuts, axis)", "np.split(np.flip(dz, axis), cuts, axis)", "", "u", "(14)"),
    Fault("broadcasting: one for the sum", "array_with_grad.py", "dz.sum(axis=(*range(extra), *many), keepdims=True)", "dz.mean(axis=(*range(extra), *many), keepdims=True)", "", "u", "(15)"),
]  # fmt: skip
# In the tape: calls that write over each other, gradients that take the wrong way. See test_tape.py.
TAPE_FAULTS = [
    Fault("what a call kept is not given back", "tape.py", "with kept.given_back():", "if kept:", "", "x"),
    Fault("memory is written over by the next call", "kept.py", "setattr(module, name, None)", "pass", "", "x"),
    Fault("kept by the part alone, not by what it is made of", "kept.py", "for module in part.modules()]", "for module in [part]]", "", "x"),
    Fault("a node's rows for columns on the way back", "calls.py", "else dh.T for dh in node.each(d_new)", "else dh.T[::-1] for dh in node.each(d_new)", "", "x"),
    Fault("gradient of the state before lost", "calls.py", "layer.backward(*gradients), layer.d_state", "layer.backward(*gradients), layer.node.joined([0 * d for d in layer.node.each(layer.d_state)])", "", "x"),
    Fault("gradient of the last state lost", "calls.py", "layer.backward(*gradients), layer.d_state", "layer.backward(gradients[0]), layer.d_state", "", "x"),
    Fault("gradients of several outputs in the wrong places", "several.py", "gradients[k] = dz", "gradients[-1 - k] = dz", "", "x"),
    Fault("a loss's gradient taken as 1", "calls.py", "float(dy) if isinstance(y, float)", "1.0 if isinstance(y, float)", "", "x"),
]  # fmt: skip
# Faults that the checker catches, but does not name rightly yet: test_faults.py holds it to all others.
VAGUE = {
    "a chunk's memory taken one step off",
    "the book's: update gate from the reset gate's products",
    "dropout: not scaled",
    "the book's loss: binary term for every class",
    "lengths: gradients of rows that have ended are counted",
    "lengths: gradient at a row's end, and again after its padding",
    "lengths: gradient at the end of another row",
    "lengths: gradient one step after the end",
    "lengths: only the last stretch's weights",
    "both ways, mul: own factor for the other's",
    "pooling: last of the padding",
    "pooling: first step, though a gap",
    "pooling: mean over the padding too",
    "pooling: padding may be the largest",
    "projection: turned round on the way back",
    "layer_norm: path through the mean missing",
    "layer_norm: path through the variance missing",
    "layer_norm: scale missing on the way back",
    "layer_norm: another ε",
    "zoneout: direct path missing",
    "zoneout: k for 1 - k on the way back",
    "zoneout: the cell's forgotten on the way back",
    "zoneout: mean turned round in evaluation",
    "zoneout: masks of other rows",
    "state dropout: mask missing on the way back",
    "state dropout: GRU's mask missing on the way back",
    "state dropout: MGU's mask missing on the way back",
    "state dropout: direct path dropped too",
    "state dropout: another mask at each step",
    "state dropout: reset meets the whole state",
    "weight dropout: mask drawn anew on the way back",
    "weight dropout: whole weights on the way back",
    "dropout of sequences: a mask for each step",
    "dropout of sequences: a mask for all of them",
    "cross-entropy: one-hot target missing in the gradient",
    "cross-entropy: weights taken to sum to 1",
    "pooling: mean not divided on the way back",
    "attention: mask turned round",
    "attention: padding is weighted too",
    "attention: softmax over the queries",
    "attention: scale missing on the way back",
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
    net.slots.IN_CACHE, net.columns.LONG, net.columns.STRIP, net.embedding.FEW, net.course.GRAIN = 30, 4, 2, 3, 4


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
