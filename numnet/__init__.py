"""Recurrent networks in plain numpy, every backward pass written beside its forward pass."""

from numnet import data
from numnet.autograd.array import ArrayWithGrad, concatenate, stack
from numnet.autograd.number import NumberWithGrad
from numnet.autograd.tape import Tape
from numnet.core.checkpoint import CheckpointError
from numnet.core.operation import Layer, Operation, ParamOperation
from numnet.core.packed import Packed, pack, pad_sequences, unpack
from numnet.core.schedules import ConstantSchedule, CosineSchedule, ExponentialSchedule, Schedule, StepSchedule
from numnet.data import PairBatches, RandomBatches, SequenceBatches, SequentialBatches, Vocabulary
from numnet.layers.activations import ReLU, Sigmoid, Softmax, Tanh
from numnet.layers.attention import Attention
from numnet.layers.characters import Characters
from numnet.layers.concat import Concat
from numnet.layers.convolution import Convolution
from numnet.layers.dense import Dense
from numnet.layers.dropout import Dropout
from numnet.layers.embedding import Embedding
from numnet.layers.losses import BinaryCrossEntropy, Loss, MeanSquaredError, SoftmaxCrossEntropy
from numnet.layers.pooling import Pooling
from numnet.models.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from numnet.models.decoding import DecodedSequence, beam_search, greedy
from numnet.models.encoder_decoder import EncoderDecoder
from numnet.models.generate import generate
from numnet.models.model import RNNModel
from numnet.recurrent.bidirectional import Bidirectional
from numnet.recurrent.gru import GRUNode
from numnet.recurrent.indrnn import IndRNNNode
from numnet.recurrent.layer import RecurrentLayer
from numnet.recurrent.layer_norm import LayerNormGRUNode, LayerNormRNNNode
from numnet.recurrent.layers import GRULayer, IndRNNLayer, LSTMLayer, MGULayer, RNNLayer
from numnet.recurrent.lstm import LSTMNode
from numnet.recurrent.lstm_variants import LSTMVariantNode
from numnet.recurrent.mgu import MGUNode
from numnet.recurrent.node import Node
from numnet.recurrent.rnn import RNNNode
from numnet.training.clipping import clip_by_norm, clip_by_value, global_norm
from numnet.training.curvature import hessian_vector
from numnet.training.history import History, require_plot
from numnet.training.metrics import translation_scores
from numnet.training.optimizer import Optimizer
from numnet.training.optimizers import OPTIMIZERS, SGD, AdaGrad, Adam, AdamW, RMSProp, SGDMomentum
from numnet.training.trainer import Trainer, TrainingDiverged, evaluate

__version__ = "0.1.0"

# fmt: off
__all__ = [
    "OPTIMIZERS",
    "SGD",
    "AdaGrad",
    "Adam",
    "AdamW",
    "ArrayWithGrad",
    "Attention",
    "Bidirectional",
    "BinaryCrossEntropy",
    "Characters",
    "Checkpoint",
    "CheckpointError",
    "Concat",
    "ConstantSchedule",
    "Convolution",
    "CosineSchedule",
    "DecodedSequence",
    "Dense",
    "Dropout",
    "Embedding",
    "EncoderDecoder",
    "ExponentialSchedule",
    "GRULayer",
    "GRUNode",
    "History",
    "IndRNNLayer",
    "IndRNNNode",
    "LSTMLayer",
    "LSTMNode",
    "LSTMVariantNode",
    "Layer",
    "LayerNormGRUNode",
    "LayerNormRNNNode",
    "Loss",
    "MGULayer",
    "MGUNode",
    "MeanSquaredError",
    "Node",
    "NumberWithGrad",
    "Operation",
    "Optimizer",
    "Packed",
    "PairBatches",
    "ParamOperation",
    "Pooling",
    "RMSProp",
    "RNNLayer",
    "RNNModel",
    "RNNNode",
    "RandomBatches",
    "ReLU",
    "RecurrentLayer",
    "SGDMomentum",
    "Schedule",
    "SequenceBatches",
    "SequentialBatches",
    "Sigmoid",
    "Softmax",
    "SoftmaxCrossEntropy",
    "StepSchedule",
    "Tanh",
    "Tape",
    "Trainer",
    "TrainingDiverged",
    "Vocabulary",
    "beam_search",
    "clip_by_norm",
    "clip_by_value",
    "concatenate",
    "data",
    "evaluate",
    "generate",
    "global_norm",
    "greedy",
    "hessian_vector",
    "load_checkpoint",
    "pack",
    "pad_sequences",
    "require_plot",
    "save_checkpoint",
    "stack",
    "translation_scores",
    "unpack",
]
# fmt: on
