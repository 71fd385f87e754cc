"""Read sentences with a stack, one at a time, in plain Python on a Tape: docs/spinn.md explains the program.

python examples/stack_machine.py                     learn to parse and to evaluate logic, 20 seconds
python examples/stack_machine.py --backend torchnet  the same on PyTorch
python examples/stack_machine.py --no-tracker        with given parses alone
python examples/stack_machine.py --plot moves.png    draw how the network reads a new sentence
"""

from __future__ import annotations

import argparse
import importlib
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from numnet.core.shift_reduce import MOVES
from numnet.data import SHIFT, Transitions, Tree, valid_moves

HELD_OUT = 200
VOCABULARY = ["true", "false", "not", "and", "or"]


class Step(NamedTuple):
    """One step of the stack machine: its move, the move that the tracker predicts, its scores, the new top's state."""

    move: Any
    predicted: Any
    scores: Any
    top: Any


def stack_machine(net: Any, tape: Any, leaves: list[Any], moves: Any = None) -> list[Step]:
    """Build the tree of one sentence from the states of its words. Without moves, the tracker decides.

    x = [h_b; h_1; h_2]                    (1)   the tops of buffer and stack, and the second element of the stack
    scores, (k, m) = tracker(x, (k', m'))  (2)   the tracking LSTM, before each move
    move                                   (3)   given, or the valid move with the higher score
    state = reduce(left, right, k)         (4)   in a REDUCE
    """
    buffer, stack, context = leaves[::-1], list[Any](), None
    steps: list[Step] = []
    while buffer or len(stack) > 1:
        scores = predicted = k = None
        if hasattr(tape, "tracker"):
            seen = [hidden(tape, buffer, 1), hidden(tape, stack, 1), hidden(tape, stack, 2)]
            x = net.concatenate(seen, axis=1)  # (1)
            found = tape.tracker(x, context)  # (2)
            scores, context = found if tape.tracker.predicts else (None, found)
            k = context[0]
        if scores is not None:
            predicted = likelier(scores, valid_moves(len(stack), len(buffer)))  # (3)
        move = predicted if moves is None else moves[len(steps)]  # (3)
        if move == SHIFT:
            stack.append(buffer.pop())
        else:
            right, left = stack.pop(), stack.pop()
            stack.append(tape.reduce(left, right, k))  # (4)
        steps.append(Step(move, predicted, scores, stack[-1]))
    return steps


def hidden(tape: Any, states: list[Any], k: int) -> Any:
    """Return h of the k-th state from the end of a list, zeros if there is none."""
    if len(states) < k:
        return np.zeros((1, tape.reduce.state_sizes[0]), str(tape.dtype).removeprefix("torch."))
    return tape.reduce.each(states[-k])[0]


def likelier(scores: Any, valid: Any) -> int:
    """Return the valid move with the higher score."""
    return int(np.where(valid[:2], scores.value.tolist()[0], -np.inf).argmax())


def network(net: Any, seed: int, tracker: bool = True) -> Any:
    """Return a tape whose objective is the loss of the truth value, and of the moves if there is a tracker."""
    parts = {"tracker": net.Tracker(16)} if tracker else {}
    tape = net.Tape(
        seed=seed,
        embed=net.Embedding(len(VOCABULARY), 8),
        leaf=net.Dense(2 * 16),
        reduce=net.TreeLSTMNode(16),
        **parts,
        output=net.Dense(2),
        loss=net.SoftmaxCrossEntropy(),
    )

    def read(words: Sequence[str], moves: Sequence[int] | None) -> list[Step]:
        vectors = tape.leaf(tape.embed([VOCABULARY.index(word) for word in words]))
        return stack_machine(net, tape, [vectors[n : n + 1].chunk(2, axis=1) for n in range(len(words))], moves)

    def objective(parse: Transitions, truth: int) -> Any:
        steps = read(parse.words, parse.moves)
        loss = tape.loss(tape.output(steps[-1].top[0]), [truth])
        if not tracker:
            return loss
        return loss + tape.loss(net.concatenate([step.scores for step in steps], axis=0), parse.moves)

    def prediction(sentence: Any) -> tuple[list[int], int]:
        given = isinstance(sentence, Transitions)
        steps = read(sentence.words, sentence.moves) if given else read(sentence, None)
        return [step.move for step in steps], int(tape.output(steps[-1].top[0]).value.argmax())

    tape.objective, tape.prediction = objective, prediction
    return tape


def drawn(rng: np.random.Generator, depth: int) -> Tree:
    """Return an expression in Polish notation: ( not X ), ( ( and X ) Y ) or ( ( or X ) Y )."""
    if not depth or rng.random() < 0.2:
        return Tree(None, str(rng.choice(VOCABULARY[:2])))
    word, X = Tree(None, str(rng.choice(VOCABULARY[2:]))), drawn(rng, depth - 1)
    phrase = Tree(None, None, (word, X))
    return phrase if word.word == "not" else Tree(None, None, (phrase, drawn(rng, depth - 1)))


def truth(words: Sequence[str]) -> int:
    """Return the value of an expression, 0 or 1."""
    values: list[int] = []
    for word in reversed(words):
        if word in ("true", "false"):
            values.append(int(word == "true"))
        else:
            first = values.pop()
            values.append(1 - first if word == "not" else (min if word == "and" else max)(first, values.pop()))
    return values[0]


def train(net: Any, tape: Any, parses: list[Transitions]) -> None:
    """One epoch, one sentence a step."""
    optimizer, losses, begin = net.Adam(5e-3), [], time.perf_counter()
    for k, parse in enumerate(parses, 1):
        tape.zero_grad()
        losses.append(tape.loss_and_grads(parse, truth(parse.words)))
        optimizer.step(tape)
        if k % max(1, len(parses) // 4) == 0:
            seconds = time.perf_counter() - begin
            print(f"sentence {k:5}  loss {np.mean(losses[-100:]):.4f}  {k / seconds:.0f} sentences a second")


def show(parse: Transitions) -> None:
    """Print the stack and the buffer after each move."""
    stack: list[str] = []
    buffer = list(parse.words)
    for t, move in enumerate(parse.moves, 1):
        if move == SHIFT:
            stack.append(buffer.pop(0))
        else:
            right, left = stack.pop(), stack.pop()
            stack.append(f"( {left} {right} )")
        print(f"{t:3}  {MOVES[move]:6}  {'  '.join(stack)}  |  {' '.join(buffer)}".rstrip())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", choices=["numnet", "torchnet"], default="numnet")
    parser.add_argument("--no-tracker", action="store_true", help="given parses alone, and no context of reduce")
    parser.add_argument("--sentences", type=int, default=2000, help="to train on (default %(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--plot", metavar="FILE.png", help="draw the moves for the last sentence")
    args = parser.parse_args()
    net = importlib.import_module(args.backend)
    if args.plot:
        net.require_plot(args.plot)
    rng = np.random.default_rng(args.seed)
    parses = [Transitions.from_tree(drawn(rng, 3)) for _ in range(args.sentences + HELD_OUT)]
    tape, held_out = network(net, args.seed, not args.no_tracker), parses[args.sentences :]
    train(net, tape, parses[: args.sentences])

    found = [tape.predict(parse)[1] == truth(parse.words) for parse in held_out]
    print(f"given parses: {np.mean(found):.1%} of {len(held_out)} new sentences have the right value")
    last = max(held_out, key=lambda parse: len(parse.words) < 10 and len(parse.words))
    if not args.no_tracker:
        own = [tape.predict(parse.words) for parse in held_out]
        found = [value == truth(parse.words) for parse, (_, value) in zip(held_out, own)]
        same = [tuple(moves) == parse.moves for parse, (moves, _) in zip(held_out, own)]
        print(f"own parses:   {np.mean(found):.1%} have the right value, {np.mean(same):.1%} the tree of the grammar")
        last = Transitions(last.words, tape.predict(last.words)[0])
    show(last)
    if args.plot:
        net.plot_moves(last).savefig(args.plot, dpi=110)


if __name__ == "__main__":
    main()
