"""PyTorch's own modules and Functions as subjects. Nothing here imports torch: who has a module has imported it."""
