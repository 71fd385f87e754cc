"""Data without files: a small English with a known grammar and entropy, and the tasks made from it."""
