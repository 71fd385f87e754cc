"""Data without files: a small English with known grammar and entropy, and the tasks made of it."""
