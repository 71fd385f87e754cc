"""Is my backward right, and if not, what is wrong? `check_gradients` answers; `compare` holds two things together."""

from numnet.check.draw import Sizes
from numnet.check.finding import Finding
from numnet.check.gradients import check_gradients
from numnet.check.report import Report, Row

__all__ = ["Finding", "Report", "Row", "Sizes", "check_gradients"]
