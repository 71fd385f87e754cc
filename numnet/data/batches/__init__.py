"""Batches of tokens, sequences and pairs; held-out data; word dropout."""
