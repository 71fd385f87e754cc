"""The benchmarks, run by hand and never a timed test: always two things in one run, turn and turn about."""
