"""The public names: in reading order, nothing else in sight, and all of them on the page docs/api.md."""

from __future__ import annotations

import inspect
from types import ModuleType
from typing import Any

import numnet
from parity_tests.api_page import PAGE, first_sentence, groups, page


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `make api`"


def test_every_name_is_in_a_group_once() -> None:
    assert [name for names in groups().values() for name in names] == numnet.__all__
    assert len(set(numnet.__all__)) == len(numnet.__all__)
    assert all(names for names in groups().values())


def test_dir_shows_the_public_names_alone(net: Any) -> None:
    shown = [name for name in dir(net) if not name.startswith("__")]
    assert shown == sorted(net.__all__)
    assert [name for name in shown if isinstance(getattr(net, name), ModuleType)] == ["check", "data"]
    assert {"__version__", "__doc__", "__all__"} <= set(dir(net))


def test_everything_that_is_imported_is_public() -> None:
    """No class or function of the package is in it by accident."""
    found = [name for name, thing in vars(numnet).items() if inspect.isclass(thing) and not name.startswith("_")]
    assert set(found) - set(numnet.__all__) - {"Any"} == set()


def test_every_public_name_says_in_a_sentence_what_it_is() -> None:
    for name in numnet.__all__:
        if not isinstance(getattr(numnet, name), dict):
            assert len(first_sentence(getattr(numnet, name))) > 8, name


def test_forward_and_backward_say_what_they_take_and_give(net: Any) -> None:
    for name in net.__all__:
        for method in ("forward", "backward"):
            function = vars(getattr(net, name)).get(method) if inspect.isclass(getattr(net, name)) else None
            assert function is None or function.__doc__, f"{name}.{method}"
