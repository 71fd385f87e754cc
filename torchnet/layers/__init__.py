"""Layers without a state; autograd computes their gradients."""
