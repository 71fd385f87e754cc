"""Search the hyper-parameters of the tagger with optuna: poor trials are pruned, and a search can be resumed.

python examples/search.py --trials 20                                      generated English, 3 epochs a trial
python examples/search.py --data ewt --epochs 4 --study runs/ewt.db --plot runs/search.png
"""

import argparse
import json
from typing import Any

import tagger
import task

SEARCHED: dict[str, Any] = {  # hyper-parameters that are searched, unless the option is given
    "cell": lambda trial, name: trial.suggest_categorical(name, ["LSTM", "GRU"]),
    "hidden_size": lambda trial, name: trial.suggest_int(name, 32, 192, step=32),
    "depth": lambda trial, name: trial.suggest_int(name, 1, 2),
    "dropout": lambda trial, name: trial.suggest_float(name, 0.1, 0.6, step=0.1),
    "learning_rate": lambda trial, name: trial.suggest_float(name, 1e-3, 1e-2, log=True),
    "batch_size": lambda trial, name: trial.suggest_categorical(name, [16, 32, 64]),
}
ONCE = ("trials", "study", "seconds", "plot", "json", "offline", "device", "tag")  # a resumed search may change these


def arguments() -> task.Parser:
    parser = tagger.arguments()
    parser.description = __doc__
    parser.set_defaults(epochs=3, **dict.fromkeys(SEARCHED))
    parser.add_argument("--trials", type=task.positive_int, default=12, help="in total, with the study's (default 12)")
    parser.add_argument("--study", metavar="FILE.db", help="save the trials to this file, or resume from it")
    return parser


def chosen(trial: Any, args: argparse.Namespace) -> argparse.Namespace:
    """Return the options of one trial."""
    suggested = {name: suggest(trial, name) for name, suggest in SEARCHED.items() if getattr(args, name) is None}
    return argparse.Namespace(**{**vars(args), **suggested, "seconds": None})


def accuracy_of(trial: Any, net: Any, args: argparse.Namespace, numbers: Any, parts: Any) -> float:
    """Return the accuracy of a trial. TrialPruned if it is below the median of the other trials at the same epoch."""
    from optuna import TrialPruned

    def report(trainer: Any, row: dict[str, Any]) -> None:
        trial.report(row["validation_accuracy"], len(trainer.history.rows) - 1)
        if trial.should_prune():
            raise TrialPruned

    args, options = chosen(trial, args), {"metrics": "accuracy", "callbacks": [net.Callback(on_evaluation=report)]}
    try:
        trainer = task.train(net, args, tagger.model_for(net, args, numbers), numbers.data(args, *parts), **options)
        if trainer.interrupted:
            raise KeyboardInterrupt
        return trainer.history.rows[-1]["validation_accuracy"]
    except KeyboardInterrupt:
        trial.study.stop()
        raise TrialPruned from None


def study_for(args: argparse.Namespace) -> Any:
    """Return a new study, or the one in the file."""
    try:
        import optuna
    except ImportError:
        raise ImportError("optuna is missing: pip install 'numnet[search]'") from None
    path = task.output_path(args.study) if args.study else None
    if path and path.exists() and path.read_bytes()[:6] not in (b"", b"SQLite"):
        raise ValueError(f"--study: {args.study} is not a study, expected a study or a new file. Choose another file.")
    storage = f"sqlite:///{args.study}" if args.study else None
    name = ", ".join(f"{option} {value}" for option, value in vars(args).items() if option not in ONCE)
    study = optuna.create_study(
        study_name=name,
        storage=storage,
        pruner=optuna.pruners.MedianPruner(4),
        direction="maximize",
        load_if_exists=True,
    )
    study.sampler = optuna.samplers.TPESampler(seed=args.seed + len(study.trials))  # a resumed search draws new trials
    return study


def draw(path: str, study: Any) -> None:
    """Draw the accuracy of every trial by epoch, with pruned trials in grey, and the accuracy by hyper-parameter."""
    from matplotlib.figure import Figure

    names, figure = list(study.best_params), Figure(figsize=(14, 7), layout="constrained", dpi=120)
    first = figure.add_subplot(2, 4, 1)
    done = [trial for trial in study.trials if trial.state.name == "COMPLETE"]
    for trial in study.trials:
        colour = "C0" if trial in done else "0.75"
        first.plot(list(trial.intermediate_values), list(trial.intermediate_values.values()), ".-", color=colour)
    first.set(xlabel="epoch", ylabel="accuracy", title="every trial; grey: pruned")
    for k, name in enumerate(names, 2):
        axes = figure.add_subplot(2, 4, k)
        axes.plot([trial.params[name] for trial in done], [trial.value for trial in done], "o")
        axes.set(xlabel=name, ylabel="accuracy")
    figure.savefig(task.output_path(path))


def main(net: Any, args: argparse.Namespace) -> None:
    study = study_for(args)
    parts = tagger.sentences(net, args)
    numbers = tagger.Encoder(net, args, *parts)
    left = args.trials - sum(trial.state.is_finished() and bool(trial.intermediate_values) for trial in study.trials)
    study.optimize(lambda trial: accuracy_of(trial, net, args, numbers, parts), max(0, left), args.seconds)
    if all(trial.state.name != "COMPLETE" for trial in study.trials):
        raise ValueError("--trials: no trial is complete, expected one. Run the same command again.")
    print(f"accuracy {study.best_value:.4f} with {study.best_params}")
    if args.plot:
        draw(args.plot, study)
    if args.json:
        trials = [{"number": t.number, "state": t.state.name, "accuracy": t.value, **t.params} for t in study.trials]
        task.output_path(args.json).write_text(json.dumps({"best": study.best_params, "trials": trials}, indent=1))


if __name__ == "__main__":
    task.run(arguments(), main)
