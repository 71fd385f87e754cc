"""Two implementations held together: the same numbers into both, and where they part."""
