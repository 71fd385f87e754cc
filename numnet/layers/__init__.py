"""Layers without a state: each has its backward pass under its forward pass."""
