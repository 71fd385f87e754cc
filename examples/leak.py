"""What a leak reports: an LSTM on random walks, which no forecast can predict better than by their last value.

python examples/leak.py                          three protocols, three walks: reported error, and that of the future
"""

import argparse
import json
from typing import Any

import numpy as np
import task

LENGTH, HORIZON = 24, 24

parser = task.common_options(__doc__ or "", learning_rate=1e-2)
add = parser.add_argument
add("--walks", type=task.positive_int, default=3, help="default %(default)s")
add("--steps", type=task.positive_int, default=600, help="known steps of a walk; as many are the future")
add("--epochs", type=task.positive_int, default=100, help="default %(default)s")
add("--hidden-size", type=task.positive_int, default=64, help="default %(default)s")


def learn(net: Any, args: argparse.Namespace, x: Any, y: Any) -> Any:
    """Return a trainer that has learned these windows."""
    layers = [net.LSTMLayer(args.hidden_size, return_sequences=False), net.Dense(HORIZON)]
    model = net.RNNModel(layers, net.MeanAbsoluteError(), seed=args.seed, device=args.device)
    steps = args.epochs * -(-len(x) // args.batch_size)
    optimizer = net.AdamW(net.CosineSchedule(args.learning_rate, steps), clip_norm=5.0)
    trainer = net.Trainer(model, optimizer, (x, y), batch_size=args.batch_size, progress=False)
    trainer.fit(steps)
    return trainer


def relative_error(trainer: Any, x: Any, y: Any) -> float:
    """Return the mean absolute error, divided by that of the last value as forecast."""
    return float(np.abs(trainer.predict(x) - y).mean() / np.abs(x[:, -1] - y).mean())


def protocols(net: Any, values: Any, known: int, rng: Any) -> dict[str, list[tuple[Any, Any]]]:
    """Return the windows (x, y) of training, of the report and of the future, by protocol."""
    fifth = known // 5
    split, whole = (net.TimeSeries(values, validation=share, test=len(values) - known) for share in (fifth, 0))

    def of_parts(*parts: str, series: Any = split, **options: Any) -> list[tuple[Any, Any]]:
        windows = [net.WindowBatches(series, part, LENGTH, HORIZON, **options) for part in parts]
        return [(each.x, each.y) for each in windows]

    (x, y), future = of_parts("train", "test", series=whole)  # scaled by all known steps
    first = net.WindowBatches(whole, "train", LENGTH, HORIZON).first
    before, after = first + HORIZON <= known - fifth, first >= known - fifth
    chosen = rng.random(len(first)) < 0.2
    return {
        "split by time": of_parts("train", "validation", "test"),
        "split by time, scaled by all": [(x[before], y[before]), (x[after], y[after]), future],
        "random windows": [(x[~chosen], y[~chosen]), (x[chosen], y[chosen]), future],
        "split by time, windows centered": of_parts("train", "validation", "test", center=LENGTH),
    }


def draw(args: argparse.Namespace, means: dict[str, Any]) -> None:
    """Draw both errors of each protocol; 1 is the best that is possible."""
    from matplotlib.figure import Figure

    axes = (figure := Figure(figsize=(8, 3), layout="constrained", dpi=120)).subplots()
    for k, name in enumerate(("reported", "future")):
        axes.barh(np.arange(len(means)) + 0.4 * k, [mean[k] for mean in means.values()], 0.4, label=name)
    axes.axvline(1, color="k", linestyle=":")
    axes.set_yticks(np.arange(len(means)) + 0.2, [*means])
    axes.set(xlabel="mean absolute error / that of the last value", ylim=(len(means), -0.5))
    axes.legend(frameon=False)
    figure.savefig(task.output_path(args.plot))


def main(net: Any, args: argparse.Namespace) -> None:
    found: dict[str, list[list[float]]] = {}
    for walk in range(args.walks):
        rng = np.random.default_rng([args.seed, walk])
        values = rng.standard_normal(2 * args.steps).cumsum()
        for name, (train, report, future) in protocols(net, values, args.steps, rng).items():
            trainer = learn(net, args, *train)
            found.setdefault(name, []).append([relative_error(trainer, *windows) for windows in (report, future)])
    means = {name: np.mean(rows, axis=0) for name, rows in found.items()}
    print(f"{'error / that of the last value':32}  reported    future")
    print("\n".join(f"{name:32}{reported:10.2f}{future:10.2f}" for name, (reported, future) in means.items()))
    if args.json:
        task.output_path(args.json).write_text(json.dumps({"backend": args.backend, **found}), encoding="utf-8")
    if args.plot:
        draw(args, means)


if __name__ == "__main__":
    task.run(parser, main)
