"""Batches of tokens, sequences and pairs; held-out data; words hidden at random."""
