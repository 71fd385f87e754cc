"""Is my backward right, and if not, what is wrong? `check_gradients` answers; `compare` holds two things together.

For a test of one's own: `assert_gradients`, `assert_same`, and hypothesis strategies in `numnet.check.strategies`. From
the shell: python -m numnet.check FILE.py:Name.
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
