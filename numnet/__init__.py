"""Recurrent networks in plain numpy, every backward pass written beside its forward pass."""

from numnet import data
from numnet.activations import ReLU, Sigmoid, Softmax, Tanh
from numnet.checkpoint import Checkpoint, CheckpointError, load_checkpoint, save_checkpoint
from numnet.clipping import clip_by_norm, clip_by_value, global_norm
from numnet.data import RandomBatches, SequentialBatches, Vocabulary
from numnet.dense import Dense
from numnet.dropout import Dropout
from numnet.embedding import Embedding
from numnet.generate import generate
from numnet.gru import GRUNode
from numnet.history import History, require_plot
from numnet.losses import BinaryCrossEntropy, Loss, MeanSquaredError, SoftmaxCrossEntropy
from numnet.lstm import LSTMNode
from numnet.model import RNNModel
from numnet.node import Node
from numnet.operation import Layer, Operation, ParamOperation
from numnet.optimizer import Optimizer
from numnet.optimizers import OPTIMIZERS, SGD, AdaGrad, Adam, AdamW, RMSProp, SGDMomentum
from numnet.recurrent import GRULayer, LSTMLayer, RecurrentLayer, RNNLayer
from numnet.rnn import RNNNode
from numnet.schedules import ConstantSchedule, CosineSchedule, ExponentialSchedule, Schedule, StepSchedule
from numnet.trainer import Trainer, TrainingDiverged, evaluate

__version__ = "0.1.0"

# fmt: off
__all__ = [
    "OPTIMIZERS",
    "SGD",
    "AdaGrad",
    "Adam",
    "AdamW",
    "BinaryCrossEntropy",
    "Checkpoint",
    "CheckpointError",
    "ConstantSchedule",
    "CosineSchedule",
    "Dense",
    "Dropout",
    "Embedding",
    "ExponentialSchedule",
    "GRULayer",
    "GRUNode",
    "History",
    "LSTMLayer",
    "LSTMNode",
    "Layer",
    "Loss",
    "MeanSquaredError",
    "Node",
    "Operation",
    "Optimizer",
    "ParamOperation",
    "RMSProp",
    "RNNLayer",
    "RNNModel",
    "RNNNode",
    "RandomBatches",
    "ReLU",
    "RecurrentLayer",
    "SGDMomentum",
    "Schedule",
    "SequentialBatches",
    "Sigmoid",
    "Softmax",
    "SoftmaxCrossEntropy",
    "StepSchedule",
    "Tanh",
    "Trainer",
    "TrainingDiverged",
    "Vocabulary",
    "clip_by_norm",
    "clip_by_value",
    "data",
    "evaluate",
    "generate",
    "global_norm",
    "load_checkpoint",
    "require_plot",
    "save_checkpoint",
]
# fmt: on
