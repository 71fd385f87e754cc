"""Forecast a series with an interval: all steps at once, or one by one, compared with the seasonal naive forecast.

python examples/forecast.py                                         a generated series whose noise is known
python examples/forecast.py --csv FILE --column NAME --period 24 168
python examples/forecast.py --loop closed --length 96 --horizon 48 --plot runs/forecast.png
"""

import argparse
from typing import Any

import numpy as np
import task

QUANTILES = [0.1, 0.5, 0.9]  # an interval that should contain 80 % of the values, and the median
COLOURS = {"direct": "tab:blue", "closed": "tab:orange", "naive": "0.5", "floor": "tab:green"}

parser = task.options(__doc__ or "", None, epochs=10, learning_rate=1e-2)
add = parser.add_argument
add("--csv", metavar="FILE", help="a file whose first line names its columns (default: generated hours)")
add("--column", metavar="NAME", help="the column to forecast; in place of an empty cell the value before it is read")
add("--loop", choices=["direct", "closed", "both"], default="both", help="all steps at once, or fed back; default both")
add("--period", type=task.positive_int, nargs="+", default=[24, 168], help="steps of each season; default 24 168")
add("--length", type=task.positive_int, default=48, help="steps that a forecast is made from; default %(default)s")
add("--horizon", type=task.positive_int, default=24, help="steps to forecast; default %(default)s")
add("--hidden-size", type=task.positive_int, default=32, help="default %(default)s")
add("--dropout", type=float, default=0.1, help="default %(default)s")


def read(net: Any, args: argparse.Namespace) -> tuple[Any, Any]:
    """Return the series, split and scaled, and the expected values (T,), or None if they are not known."""
    if bool(args.csv) != bool(args.column):
        raise ValueError("--csv and --column: one of them is missing, expected both or none.")
    generated = None if args.csv else net.data.generate_series(seed=args.seed)
    values = net.data.read_csv(args.csv, args.column) if generated is None else generated.values
    seasons = net.data.seasonal_covariates(len(values), args.period, harmonics=2)
    series = net.TimeSeries(values, seasons, missing="previous", validation=0.1, test=0.2)
    return series, None if generated is None else generated.expected


def learn(net: Any, args: argparse.Namespace, series: Any, loop: str) -> tuple[Any, Any]:
    """Train one model; return the trainer and a function from test windows to scaled quantiles."""
    outputs = len(QUANTILES)
    if loop == "direct":  # the last state → all quantiles of all steps (B, 3 · horizon)
        sizes, outputs, strides = (args.length, args.horizon), outputs * args.horizon, (3, 6)
    else:  # each state → the quantiles of the next step (B, T, 3)
        sizes, strides = (args.length + args.horizon, None), (12, 12)
    batches, validation = (
        net.WindowBatches(series, part, *sizes, stride, args.batch_size, args.seed, center=args.length)
        for part, stride in zip(("train", "validation"), strides)
    )
    layer = net.LSTMLayer(args.hidden_size, return_sequences=loop != "direct")
    layers = [layer, net.Dropout(args.dropout), net.Dense(outputs)]
    model = net.RNNModel(layers, net.QuantileLoss(QUANTILES), seed=args.seed, device=args.device)
    trainer = task.train(net, args, model, (batches, validation), token="step")
    if loop == "direct":
        return trainer, lambda test: trainer.predict(test.x)
    return trainer, lambda test: net.closed_loop(model, test.x, args.horizon, test.known, QUANTILES.index(0.5))


def draw(figure: Any, args: argparse.Namespace, series: Any, test: Any, found: dict[str, Any]) -> None:
    """Draw forecasts of one origin after the other with their intervals, and the error by the steps ahead."""
    loops = [name for name in found if name in ("direct", "closed")]
    figure.set_size_inches(11, 3 + 3 * len(loops))
    *panels, below = figure.subplots(len(loops) + 1, 1)
    rows = range(0, min(len(test.first), 8 * args.horizon), args.horizon)
    begin, end = test.first[0] - args.length, test.first[rows[-1]] + args.horizon
    for axes, name in zip(panels, loops):
        axes.plot(
            np.arange(begin, end), series.values[0][begin:end, 0], "k.-", linewidth=0.2, markersize=4, label="actual"
        )
        for k in rows:
            steps = test.first[k] + np.arange(args.horizon)
            low, median, high = found[name][k].T
            axes.axvline(steps[0] - 0.5, color="0.8", linewidth=0.8)
            axes.fill_between(steps, low, high, color=COLOURS[name], alpha=0.25, linewidth=0, label="80 % interval")
            axes.plot(steps, median, color=COLOURS[name], label=f"median, {name}")
        handles = axes.get_legend_handles_labels()
        axes.legend(handles[0][:3], handles[1][:3], ncols=3, frameon=False, loc="lower left")
        axes.margins(x=0, y=0.15)
    panels[0].set_title(f"{args.horizon} steps from each line, of the {args.length} steps before it")
    for name, forecast in found.items():
        error = np.abs((forecast[..., 1] if forecast.ndim == 3 else forecast) - test.actual).mean(axis=0)
        below.plot(np.arange(1, args.horizon + 1), error, ".-", color=COLOURS[name], label=name)
    below.set(xlabel="steps ahead", ylabel="mean absolute error", ylim=0)
    below.legend(ncols=4, frameon=False, loc="lower left")


def main(net: Any, args: argparse.Namespace) -> None:
    series, expected = read(net, args)
    test = net.WindowBatches(series, "test", args.length, args.horizon, center=args.length)
    season = max(args.period)
    found, losses = {"naive": test.seasonal_naive(season, QUANTILES)}, {}
    for loop in ("direct", "closed") if args.loop == "both" else (args.loop,):
        trainer, forecast = learn(net, args, series, loop)
        found[loop], losses[loop] = test.unscale(forecast(test)), trainer.history.losses
    if expected is not None:
        found["floor"] = np.stack([expected[first : first + args.horizon] for first in test.first])
    scores = {}
    for name, forecast in found.items():
        levels = QUANTILES if forecast.ndim == 3 else None
        scores[name] = net.forecast_scores(forecast, test.actual, levels, test.naive_error(season))
        print(f"{name:7}", "  ".join(f"{score} {value:.3f}" for score, value in scores[name].items()))
    task.finish(args, trainer, lambda figure: draw(figure, args, series, test, found), scores=scores, losses_of=losses)


if __name__ == "__main__":
    task.run(parser, main)
