"""Check a hand-written backward pass, and find the error if it is wrong.

check_gradients     compares every gradient with finite differences
compare             compares two implementations, forward and backward
assert_gradients    the first as an assertion for your tests; assert_same is the second
strategies          hypothesis strategies: sizes, seeds and ragged lengths

From the shell: python -m numnet.check FILE.py:Name.
"""

from numnet.check.asserting import assert_gradients, assert_same
from numnet.check.compare import compare
from numnet.check.engine.draw import Sizes
from numnet.check.engine.finding import Finding
from numnet.check.engine.subject import Unusable
from numnet.check.gradients import check_gradients
from numnet.check.report import Report, Row

__all__ = [
    "Finding",
    "Report",
    "Row",
    "Sizes",
    "Unusable",
    "assert_gradients",
    "assert_same",
    "check_gradients",
    "compare",
]
