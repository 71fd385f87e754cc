"""The same names, files and signatures as numnet, on PyTorch: autograd, the vendors' kernels, CPU or GPU. In reading order."""

from torchnet import data
from torchnet.activations import ReLU, Sigmoid, Softmax, Tanh
from torchnet.checkpoint import Checkpoint, CheckpointError, load_checkpoint, save_checkpoint
from torchnet.clipping import clip_by_norm, clip_by_value, global_norm
from torchnet.data import RandomBatches, SequentialBatches, Vocabulary
from torchnet.dense import Dense
from torchnet.dropout import Dropout
from torchnet.embedding import Embedding
from torchnet.generate import generate
from torchnet.gru import GRUNode
from torchnet.history import History
from torchnet.losses import BinaryCrossEntropy, Loss, MeanSquaredError, SoftmaxCrossEntropy
from torchnet.lstm import LSTMNode
from torchnet.model import RNNModel
from torchnet.node import Node
from torchnet.operation import Layer, Operation, ParamOperation
from torchnet.optimizers import OPTIMIZERS, SGD, AdaGrad, Adam, AdamW, Optimizer, RMSProp, SGDMomentum
from torchnet.recurrent import GRULayer, LSTMLayer, RecurrentLayer, RNNLayer
from torchnet.rnn import RNNNode
from torchnet.schedules import ConstantSchedule, CosineSchedule, ExponentialSchedule, Schedule, StepSchedule
from torchnet.trainer import Trainer, TrainingDiverged, evaluate

__version__ = "0.1.0"

# fmt: off
__all__ = [
    "Operation", "ParamOperation", "Layer",
    "Sigmoid", "Tanh", "ReLU", "Softmax", "Dense", "Embedding", "Dropout",
    "Node", "RNNNode", "LSTMNode", "GRUNode",
    "RecurrentLayer", "RNNLayer", "LSTMLayer", "GRULayer",
    "Loss", "SoftmaxCrossEntropy", "BinaryCrossEntropy", "MeanSquaredError",
    "RNNModel",
    "global_norm", "clip_by_norm", "clip_by_value",
    "Schedule", "ConstantSchedule", "StepSchedule", "ExponentialSchedule", "CosineSchedule",
    "Optimizer", "SGD", "SGDMomentum", "AdaGrad", "RMSProp", "Adam", "AdamW", "OPTIMIZERS",
    "data", "Vocabulary", "SequentialBatches", "RandomBatches",
    "Trainer", "TrainingDiverged", "History", "evaluate", "generate",
    "Checkpoint", "CheckpointError", "save_checkpoint", "load_checkpoint",
]
# fmt: on
