"""The benchmarks, run by hand and never a timed test: always several things in one run, turn and turn about."""
