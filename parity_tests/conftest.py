"""What all tests share: hypothesis' profiles, the two backends, the devices.

PyTorch is imported only for tests that ask for torchnet, so that `make quick` runs where numpy is alone.
"""

from __future__ import annotations

import importlib
import os
import sys
import threading
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings

import numnet
from parity_tests.faults import use_small_limits

use_small_limits(numnet)

# The fixtures below are constants, which no example can spoil for the next: so that health check has nothing to say.
constant: Any = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture]}
settings.register_profile("default", max_examples=12, derandomize=True, **constant)
settings.register_profile("long", max_examples=500, print_blob=True, **constant)
# `make mutants`: quick to fail, for a failure is all that is asked for
settings.register_profile(
    "mutants", max_examples=3, derandomize=True, database=None, phases=(Phase.explicit, Phase.generate), **constant
)
profile = os.environ.get("HYPOTHESIS_PROFILE", "default")
settings.load_profile(profile)

if profile == "mutants":  # tqdm's own lock is shared by forks: a mutant killed while it has it would stop all others
    importlib.import_module("tqdm").tqdm.set_lock(threading.RLock())


def is_long(test: Any) -> bool:
    """Laws and slopes of torchnet's options: they hold for numnet, and test_parity.py compares the two."""
    asked = test.path.name in ("test_laws.py", "test_slopes.py") and hasattr(test, "callspec")
    given = test.callspec.params if asked else {}
    spec = given["case"].spec if "case" in given else None
    return bool(given.get("net") == "torchnet" and spec and spec["options"])


@pytest.hookimpl(tryfirst=True)  # before -m chooses
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for test in filter(is_long, items):
        test.add_marker(pytest.mark.long)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Exact and single-threaded products in PyTorch, if any test uses it."""
    fixtures = {name for item in session.items for name in getattr(item, "fixturenames", ())}
    if sys.modules.get("torch") or fixtures & {"net", "device"}:
        torch = importlib.import_module("torch")
        torch.set_num_threads(1)  # for sizes this small, threads only wait for each other
        torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cudnn.allow_tf32 = False


@pytest.fixture(autouse=True)
def _seed_of_parts() -> None:
    """Both packages begin each test with the first part of seed 0, whatever ran before."""
    for backend in filter(None, map(sys.modules.get, ("numnet", "torchnet"))):
        backend.manual_seed(0)


@pytest.fixture(params=["numnet", "torchnet"])
def net(request: pytest.FixtureRequest) -> Any:
    """Each backend in turn."""
    return importlib.import_module(request.param)


@pytest.fixture(params=["cpu", "cuda"])
def device(request: pytest.FixtureRequest) -> str:
    """Where torchnet computes."""
    if request.param == "cuda" and not importlib.import_module("torch").cuda.is_available():
        pytest.skip("PyTorch finds no CUDA device here")
    return str(request.param)
