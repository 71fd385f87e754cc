"""The checks as assertions, for a user's own tests: what fails says what is wrong, and not how that was found."""

from __future__ import annotations

from typing import Any

from numnet.check.gradients import check_gradients
from numnet.check.report import Report


def assert_gradients(thing: Any, *inputs: Any, **options: Any) -> Report:
    """Fail unless every gradient of `thing` is right; the message is the report, its table and its findings.

        def test_my_node() -> None:
            assert_gradients(MyNode(6, input_size=4))
            assert_gradients(numnet.RecurrentLayer(MyNode(6, input_size=4)), lengths=[5, 0, 1])

    Takes what `check_gradients` takes, and returns its report. AssertionError, where a gradient is wrong; TypeError,
    where `thing` cannot be checked; errors of `thing` itself come through.
    """
    __tracebackhide__ = True
    return passed(check_gradients(thing, *inputs, **options))


def assert_same(ours: Any, theirs: Any, *inputs: Any, **options: Any) -> Report:
    """Fail unless two things compute the same function with the same gradients; the message is the report.

        def test_my_lstm() -> None:
            assert_same(MyLSTMLayer(6, input_size=4), "torch.nn.LSTM")

    Takes what `compare` takes, and returns its report. AssertionError, where they differ; TypeError, where they
    cannot be compared; errors of either come through.
    """
    __tracebackhide__ = True
    from numnet.check.compare import compare

    return passed(compare(ours, theirs, *inputs, **options))


def passed(report: Report) -> Report:
    """The report, if it is of something right."""
    __tracebackhide__ = True
    if not report:
        raise AssertionError(str(report))
    return report
