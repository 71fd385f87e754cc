"""The oracle of SPINN: examples/stack_machine.py, one sentence at a time, with the same parts on a Tape.

python -m parity_tests.stack_program [--draws N]    the largest difference of N drawn networks and batches, by drive
python -m parity_tests.stack_program --speed        sentences a second of SPINN, and of the program
"""

from __future__ import annotations

import argparse
import copy
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

import numnet
from examples.stack_machine import Step, stack_machine
from numnet.core.arrays import to_numpy
from numnet.data import SHIFT, SKIP, Transitions, valid_moves
from parity_tests.probe import Array, Arrays, largest_error
from parity_tests.spinn_cases import DRIVES, Draw, called, drawn

SHIFTED = np.array([1, -1])  # the growth of a stack, by move


def program(spinn: Any, z: Draw, moves: Array, dy: Array | None = None, given: bool = True) -> Arrays:
    """The same by the program on numnet, driven by `moves`, with the parts of a SPINN that has not been called."""
    x, lengths, transitions = z.batch()
    dy = z.upstream() if dy is None else dy
    return by_program(numnet, spinn, x, lengths, transitions if given else None, moves, dy)


def by_program(net: Any, spinn: Any, x: Array, lengths: Array, given: Array | None, moves: Array, dy: Array) -> Arrays:
    """Outputs and gradients of a SPINN that has not been called, driven by `moves` (B, 2N - 1).

    y, scores (the real steps of all sentences), predicted, added_loss; then, from y's gradient dy and that of the
    added loss, dx for vectors x and the gradient of each parameter, named as in spinn.grads.
    """
    own = copy.deepcopy(spinn)
    tracker = {} if own.tracker is None else {"tracker": own.tracker}
    tape = net.Tape(dtype=own.dtype, leaf=list(own.leaf.layers), reduce=own.reduce, **tracker, loss=loss_of(net))
    values: Any = x if x.ndim == 2 else net.ArrayWithGrad(x)
    machines = [
        stack_machine(net, tape, leaves, moves[b][moves[b] != SKIP]) if leaves else []
        for b, leaves in enumerate(leaves_of(net, tape, values, lengths))
    ]
    nodes = [node_vectors(net, tape, steps, moves.shape[1]) for steps in machines]
    ends = [node[max(2 * n - 2, 0) :][:1] for node, n in zip(nodes, lengths)]
    y = net.stack(nodes) if own.return_nodes else net.concatenate(ends, axis=0)
    loss = own.transition_weight * transition_loss(net, tape, machines, given)
    tape.zero_grad()
    tape.backward((y * dy).sum() + loss)
    predicted = np.full(moves.shape, SKIP)
    for b, steps in enumerate(machines):
        predicted[b, : len(steps)] = [SKIP if step.predicted is None else step.predicted for step in steps]
    found = {"y": y.value, "added_loss": float(loss), "predicted": predicted}
    found |= {f"d{name.replace('leaf.', 'leaf.layers.', 1)}": dW for name, dW in tape.grads.items()}
    found |= {} if x.ndim == 2 else {"dx": values.grad}
    return {name: np.array(to_numpy(value)) for name, value in found.items()}


def loss_of(net: Any) -> Any:
    """The mean cross-entropy."""
    return net.SoftmaxCrossEntropy()


def leaves_of(net: Any, tape: Any, x: Any, lengths: Array) -> list[list[Any]]:
    """The states of the words of each sentence: the layers of `leaf` on all words, without the padding."""
    if any(layer.recurrent for layer in tape.leaf):
        for layer in tape.leaf:
            x = layer(x, None, lengths) if layer.recurrent else layer(x)
        rows = [x[b, :n] for b, n in enumerate(lengths)]
    else:
        words = [x[b, :n] for b, n in enumerate(lengths)]
        states = np.concatenate(words) if isinstance(x, np.ndarray) else net.concatenate(words, axis=0)
        for layer in tape.leaf:
            states = layer(states)
        rows = [states[end - n : end] for n, end in zip(lengths, lengths.cumsum())]
    sizes = list(tape.reduce.state_sizes)
    return [
        [tape.reduce.joined(row[n : n + 1].split(sizes, axis=1)) for n in range(length)]
        for row, length in zip(rows, lengths)
    ]


def node_vectors(net: Any, tape: Any, steps: list[Step], T: int) -> Any:
    """(T, H): h of the top of the stack after each step, 0 after the last one."""
    H = tape.reduce.state_sizes[0]
    tops = [tape.reduce.each(step.top)[0] for step in steps]
    return net.concatenate([*tops, np.zeros((T - len(steps), H), str(tape.dtype).removeprefix("torch."))], axis=0)


def transition_loss(net: Any, tape: Any, machines: list[list[Step]], given: Array | None) -> Any:
    """The mean cross-entropy of the given moves, over the steps of all sentences at which they are valid."""
    scores, targets = [], []
    for b, steps in enumerate(machines):
        size, words = 0, (len(steps) + 1) // 2
        for t, step in enumerate(steps):
            if step.scores is not None and given is not None and valid_moves(size, words)[given[b, t]]:
                scores.append(step.scores)
                targets.append(given[b, t])
            size, words = size + SHIFTED[step.move], words - (step.move == SHIFT)
    return tape.loss(net.concatenate(scores, axis=0), targets) if scores else 0.0


def differences(net: Any, z: Draw) -> float:
    """The largest difference of all outputs and gradients of a draw, relative to the norm of each."""
    spinn, other = z.build(net), z.build(numnet)
    ours = called(spinn, z)
    return largest_error(ours, program(other, z, np.array(spinn.moves)))


def equality(draws: int) -> Iterator[str]:
    """A table: the largest difference from the program on numnet's Tape, float64."""
    import torchnet

    yield f"largest difference from the program, of {draws} draws for each number; float64, relative to the norm"
    yield "| drive | numnet | torchnet |\n|---|---|---|"
    for name, options in DRIVES.items():
        found = [max(differences(net, drawn(k, **options)) for k in range(draws)) for net in (numnet, torchnet)]
        yield f"| {name} | {found[0]:.0e} | {found[1]:.0e} |"


def speed(B: int = 64, N: int = 15, hidden_size: int = 100) -> Iterator[str]:
    """A table: sentences a second, forward and backward, of random trees of N words, in one batch and one by one."""
    rng = np.random.default_rng(0)
    x, lengths = rng.integers(0, 1000, (B, N)), np.full(B, N)
    trees = [Transitions.of_shape(map(str, row), "random") for row in x]
    moves, dy = np.array([tree.moves for tree in trees]), rng.standard_normal((B, hidden_size)).astype(np.float32)
    yield f"sentences a second, forward and backward: {B} random trees of {N} words, hidden size {hidden_size}, float32"
    yield "| | SPINN, one batch | SPINN, one by one | program, one by one |\n|---|---|---|---|"
    for tracker in (None, numnet.Tracker(60)):
        parts = [numnet.Embedding(1000, 50), numnet.Dense(2 * hidden_size)], numnet.TreeLSTMNode(hidden_size), tracker
        spinn = numnet.SPINN(*parts, input_size=1000)

        def batches(size: int, spinn: Any = spinn) -> None:
            for k in range(0, B, size):
                rows = slice(k, k + size)
                spinn.forward(x[rows], lengths[rows], moves[rows])
                spinn.backward(dy[rows])

        one_by_one = partial(by_program, numnet, copy.deepcopy(spinn), x, lengths, moves, moves, dy)
        seconds = [best(run) for run in (partial(batches, B), partial(batches, 1), one_by_one)]
        cells = [f"{B / s:.0f} ({s / seconds[0]:.1f})" for s in seconds]
        yield f"| {'with' if tracker else 'without'} a tracker | {' | '.join(cells)} |"


def best(run: Callable[[], Any], times: int = 5) -> float:
    """The smallest CPU time of some runs, in seconds."""
    found = []
    for _ in range(times + 1):
        begin = time.process_time()
        run()
        found.append(time.process_time() - begin)
    return min(found[1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=100)
    parser.add_argument("--speed", action="store_true")
    options = parser.parse_args()
    for line in speed() if options.speed else equality(options.draws):
        print(line, flush=True)


if __name__ == "__main__":
    main()
