"""Training: optimizers, clipping, the Trainer with its history and checkpoints, metrics, curvature."""
