"""The checks as assertions for your own tests: the failure message is the report."""

from __future__ import annotations

from typing import Any

from numnet.check.gradients import check_gradients
from numnet.check.report import Report


def assert_gradients(thing: Any, *inputs: Any, **options: Any) -> Report:
    """Fail unless every gradient of `thing` is right; the message is the report, its table and its findings.

        def test_my_node() -> None:
            assert_gradients(MyNode(6, input_size=4))
            assert_gradients(numnet.RecurrentLayer(MyNode(6, input_size=4)), lengths=[5, 0, 1])

    Takes the arguments of `check_gradients` and returns its report. Raises AssertionError if a gradient is wrong and
    TypeError if `thing` cannot be checked; exceptions raised by `thing` itself propagate.
    """
    __tracebackhide__ = True
    return passed(check_gradients(thing, *inputs, **options))


def assert_same(ours: Any, theirs: Any, *inputs: Any, **options: Any) -> Report:
    """Fail unless two implementations compute the same function with the same gradients; the message is the report.

        def test_my_lstm() -> None:
            assert_same(MyLSTMLayer(6, input_size=4), "torch.nn.LSTM")

    Takes the arguments of `compare` and returns its report. Raises AssertionError if the two differ and TypeError if
    they cannot be compared; exceptions raised by either of them propagate.
    """
    __tracebackhide__ = True
    from numnet.check.compare import compare

    return passed(compare(ours, theirs, *inputs, **options))


def passed(report: Report) -> Report:
    """Return the report if it passed, else raise AssertionError with it."""
    __tracebackhide__ = True
    if not report:
        raise AssertionError(str(report))
    return report
