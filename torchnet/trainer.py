"""The loop around any model of either backend: it stands once, in numnet."""

from numnet.trainer import Trainer, TrainingDiverged, evaluate

__all__ = ["Trainer", "TrainingDiverged", "evaluate"]
