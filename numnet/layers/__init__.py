"""Layers without a state: the backward pass of each stands below its forward pass."""
