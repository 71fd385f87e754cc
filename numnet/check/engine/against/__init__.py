"""Compare two implementations: the same numbers into both, and the first difference."""
