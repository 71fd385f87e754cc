"""Layers without a state: the backward pass of each is below its forward pass."""
