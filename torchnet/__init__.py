"""The same names, files and signatures as numnet, on PyTorch: autograd, the vendors' kernels, CPU or GPU."""

try:
    import torch as _torch  # noqa: F401
except ImportError:
    raise ImportError("torchnet needs PyTorch: pip install 'numnet[torch]'") from None

from numnet import data
from numnet.core.checkpoint import CheckpointError
from numnet.core.packed import Packed, pack, pad_sequences, unpack
from numnet.core.schedules import ConstantSchedule, CosineSchedule, ExponentialSchedule, Schedule, StepSchedule
from numnet.data import PairBatches, RandomBatches, SequenceBatches, SequentialBatches, Vocabulary
from numnet.models.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from numnet.models.decoding import DecodedSequence, beam_search, greedy
from numnet.models.generate import generate
from numnet.training.history import History, require_plot
from numnet.training.metrics import translation_scores
from numnet.training.trainer import Trainer, TrainingDiverged, evaluate
from torchnet.autograd.array import ArrayWithGrad, concatenate, stack
from torchnet.autograd.number import NumberWithGrad
from torchnet.autograd.tape import Tape
from torchnet.core.operation import Layer, Operation, ParamOperation
from torchnet.layers.activations import ReLU, Sigmoid, Softmax, Tanh
from torchnet.layers.attention import Attention
from torchnet.layers.characters import Characters
from torchnet.layers.concat import Concat
from torchnet.layers.convolution import Convolution
from torchnet.layers.dense import Dense
from torchnet.layers.dropout import Dropout
from torchnet.layers.embedding import Embedding
from torchnet.layers.losses import BinaryCrossEntropy, Loss, MeanSquaredError, SoftmaxCrossEntropy
from torchnet.layers.pooling import Pooling
from torchnet.models.encoder_decoder import EncoderDecoder
from torchnet.models.model import RNNModel
from torchnet.recurrent.bidirectional import Bidirectional
from torchnet.recurrent.gru import GRUNode
from torchnet.recurrent.indrnn import IndRNNNode
from torchnet.recurrent.layer import RecurrentLayer
from torchnet.recurrent.layer_norm import LayerNormGRUNode, LayerNormRNNNode
from torchnet.recurrent.layers import GRULayer, IndRNNLayer, LSTMLayer, MGULayer, RNNLayer
from torchnet.recurrent.lstm import LSTMNode
from torchnet.recurrent.lstm_variants import LSTMVariantNode
from torchnet.recurrent.mgu import MGUNode
from torchnet.recurrent.node import Node
from torchnet.recurrent.rnn import RNNNode
from torchnet.training.clipping import clip_by_norm, clip_by_value, global_norm
from torchnet.training.curvature import hessian_vector
from torchnet.training.optimizer import Optimizer
from torchnet.training.optimizers import OPTIMIZERS, SGD, AdaGrad, Adam, AdamW, RMSProp, SGDMomentum

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
