"""The checker: subjects, finite differences, laws, and the search for the wrong equation."""
