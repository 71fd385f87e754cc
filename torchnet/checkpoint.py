"""A model on disk, which either backend reads: it stands once, in numnet."""

from numnet.checkpoint import Checkpoint, CheckpointError, check_sizes, load_checkpoint, refusing, save_checkpoint

__all__ = ["Checkpoint", "CheckpointError", "check_sizes", "load_checkpoint", "refusing", "save_checkpoint"]
