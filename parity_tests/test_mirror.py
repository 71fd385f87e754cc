"""The mirror: torchnet has numnet's files, names, signatures and defaults, and imports no mathematics from it."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import numnet
import torchnet

HERE = {net.__name__: Path(str(net.__file__)).parent for net in (numnet, torchnet)}
# What torchnet imports from numnet: it has no mathematics of the network.
SHARED = set(
    """autograd.conversions autograd.protocols autograd.shapes autograd.tape_base check core.answers
    core.arrays core.assignment core.attributes core.checkpoint core.checks core.evaluation
    core.first_attributes core.first_calls core.first_options core.first_words core.freezing core.init
    core.initialization core.lengths core.network core.packed core.plateau core.plots core.progress
    core.random core.schedules core.shift_reduce core.show core.stack_rows core.summary core.ties data
    models.base models.checkpoint models.classifiers_base models.closed_loop models.decoding
    models.encoder_decoder_base models.generate models.spinn_base recurrent.options recurrent.plot_gates
    recurrent.record recurrent.signature recurrent.trace training.bleu training.callbacks training.diagnosis
    training.evaluation training.forecasts training.groups training.history training.inputs
    training.metrics training.optimizer_base training.plot_confusion training.rate_finder
    training.rnn_trainer training.trainer training.units""".split()  # noqa: SIM905
)
# Files of numnet that torchnet does not mirror: they are shared, or exist for numpy alone.
NUMNET_ALONE = SHARED | set(
    """core.buffers models.vectors layers.erf autograd.nested autograd.outputs autograd.stored autograd.weights
    core.layout core.memory core.pairs recurrent.call training.line_search training.monitor
    training.report training.resume training.stream training.totals training.watching""".split()  # noqa: SIM905
)
CLASSES = [name for name in numnet.__all__ if inspect.isclass(getattr(numnet, name))]
# What a script may call on any part.
PROTOCOL = """forward backward build config evaluate predict loss_and_grads from_config from_checkpoint load_state_dict
    state_dict zero_grad train eval params grads width recall name""".split()  # noqa: SIM905
# torch.nn.Module's own forms of these are wider, and do the same when called alike.
MODULES_OWN = {"load_state_dict", "state_dict", "zero_grad", "train", "eval"}


def shape_of(function: Any) -> list[tuple[str, Any, Any]]:
    """Names, kinds and defaults; types differ between arrays and tensors."""
    return [(p.name, p.kind, p.default) for p in inspect.signature(function).parameters.values()]


def modules(package: str) -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted(HERE[package].rglob("*.py")):
        yield path, ast.parse(path.read_text(encoding="utf-8"))


def imported(tree: ast.AST) -> Iterator[str]:
    """Every module or name that is imported, with its package."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{name.name}" for name in node.names)


def files(package: str) -> set[str]:
    """Dotted names of its files, without what exists for one backend alone: numnet's kernels, the data, the checker."""
    here = HERE[package]
    dotted = {".".join(path.relative_to(here).with_suffix("").parts) for path in here.rglob("*.py")}
    return {name for name in dotted if not name.startswith(("recurrent.fast", "data.", "check.", "core.checks."))}


def shared(name: str, modules: set[str]) -> bool:
    """Whether a dotted name is one of the modules, or in one."""
    return any(name == module or name.startswith(f"{module}.") for module in modules)


def test_the_same_public_names_in_the_same_order() -> None:
    assert torchnet.__all__ == numnet.__all__


def test_the_same_files() -> None:
    ours, theirs = files("numnet"), files("torchnet")
    assert {name for name in ours - theirs if not shared(name, NUMNET_ALONE)} == set()
    # where numnet has recurrent/fast/, what torch.optim needs, and PyTorch's modules as layers
    assert theirs - ours == {"recurrent.vendor", "core.late", "layers.module"}
    assert (HERE["numnet"] / "py.typed").exists()
    assert (HERE["torchnet"] / "py.typed").exists()


@pytest.mark.parametrize("name", CLASSES)
def test_constructors_are_the_same(name: str) -> None:
    ours, theirs = getattr(numnet, name), getattr(torchnet, name)
    if ours.__init__ is not object.__init__ and not issubclass(ours, BaseException):
        assert shape_of(theirs) == shape_of(ours), f"torchnet.{name}{inspect.signature(theirs)}"


@pytest.mark.parametrize(
    "name", [name for name in CLASSES if name.endswith(("RNNLayer", "GRULayer", "LSTMLayer", "Node"))]
)
def test_a_signature_shows_every_option_with_its_default(name: str, net: Any) -> None:
    kind = getattr(net, name)
    shown = inspect.signature(kind).parameters
    assert all(p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY) for p in shown.values())
    defaults = {p.name: p.default for p in shown.values() if p.default is not p.empty}
    assert {"input_size", "initial", "seed", "dtype"} <= defaults.keys()
    assert kind(5, **defaults).config() == kind(5).config()
    if name == "LSTMLayer":
        assert {"peepholes", "proj_size", "forget_bias", "layer_norm", "zoneout", "bidirectional"} <= defaults.keys()
    assert "hidden_size" not in inspect.signature(kind(5)).parameters  # that of a call


def test_a_signature_shows_the_options_that_a_class_of_ones_own_passes_on(net: Any) -> None:
    class Mine(net.LSTMLayer):
        def __init__(self, hidden_size: int, depth: int = 1, **options: Any) -> None:
            super().__init__(hidden_size, **options)

    shown = inspect.signature(Mine).parameters
    assert list(shown)[:4] == ["hidden_size", "depth", "output_size", "input_size"]
    assert {"zoneout", "peepholes", "dtype"} <= shown.keys()


@pytest.mark.parametrize("name", CLASSES)
def test_methods_are_the_same(name: str) -> None:
    ours, theirs = getattr(numnet, name), getattr(torchnet, name)
    for method in PROTOCOL:
        mine: Any = getattr(ours, method, None)
        other: Any = getattr(theirs, method, None)
        if mine is not None:
            assert other is not None, f"torchnet.{name} has no {method}"
        if callable(mine) and method not in MODULES_OWN:
            assert shape_of(other) == shape_of(mine), f"torchnet.{name}.{method}{inspect.signature(other)}"


@pytest.mark.parametrize("name", [n for n in numnet.__all__ if inspect.isfunction(getattr(numnet, n))])
def test_functions_are_the_same(name: str) -> None:
    assert shape_of(getattr(torchnet, name)) == shape_of(getattr(numnet, name))


@pytest.mark.parametrize("name", CLASSES)
def test_public_classes_say_what_they_are(name: str) -> None:
    for net in (numnet, torchnet):
        assert (getattr(net, name).__doc__ or "").strip(), f"{net.__name__}.{name}"


def test_numnet_imports_numpy_alone() -> None:
    """Besides Python's own; tqdm and matplotlib where they are drawn, inside a function."""
    for path, tree in modules("numnet"):
        first = ast.Module([node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))], [])
        assert {name.partition(".")[0] for name in imported(first)} <= {*sys.stdlib_module_names, "numpy", "numnet"}, (
            path
        )
        assert not {name.partition(".")[0] for name in imported(tree)} & {"torch", "torchnet", "parity_tests"}, path


def test_torchnet_takes_from_numnet_only_rooms_without_mathematics() -> None:
    for path, tree in modules("torchnet"):
        for name in imported(tree):
            package, _, rest = name.partition(".")
            assert package != "parity_tests", path
            assert package != "numnet" or shared(rest, SHARED), f"{path} imports {name}"
