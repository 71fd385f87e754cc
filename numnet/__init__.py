"""Recurrent networks in plain numpy, every backward pass written beside its forward pass."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from numnet import data
from numnet.autograd.array import ArrayWithGrad
from numnet.autograd.functions import concatenate, einsum, maximum, minimum, stack, where
from numnet.autograd.number import NumberWithGrad
from numnet.autograd.tape import Tape
from numnet.core.answers import no_name
from numnet.core.checkpoint import CheckpointError
from numnet.core.memory import keep_freed_memory
from numnet.core.operation import Operation
from numnet.core.packed import Packed, pack, pad_sequences, unpack
from numnet.core.parameters import Layer, ParamOperation
from numnet.core.plateau import ReduceOnPlateau
from numnet.core.schedules import ConstantSchedule, CosineSchedule, ExponentialSchedule, Schedule, StepSchedule
from numnet.core.seeds import manual_seed
from numnet.data import PairBatches, ParseBatches, RandomBatches, SequenceBatches, SequentialBatches, Vocabulary
from numnet.data.batches.windows import WindowBatches
from numnet.data.plot_parse import plot_moves, plot_parse
from numnet.data.series import TimeSeries
from numnet.layers.activations import ELU, GELU, LeakyReLU, ReLU, Sigmoid, SiLU, Softmax, Softplus, Tanh
from numnet.layers.attention import Attention
from numnet.layers.characters import Characters
from numnet.layers.concat import Concat
from numnet.layers.convolution import Convolution
from numnet.layers.cross_entropy import BinaryCrossEntropy, SoftmaxCrossEntropy
from numnet.layers.dense import Dense
from numnet.layers.dropout import Dropout
from numnet.layers.embedding import Embedding
from numnet.layers.losses import Loss
from numnet.layers.multi_head import MultiHeadAttention, SelfAttention
from numnet.layers.norms import BatchNorm, LayerNorm, RMSNorm
from numnet.layers.parameter import Parameter
from numnet.layers.pooling import Pooling
from numnet.layers.regression import HuberLoss, MeanAbsoluteError, MeanSquaredError, QuantileLoss
from numnet.layers.repeat import RepeatVector
from numnet.models.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from numnet.models.classifiers import PairClassifier, TreeClassifier
from numnet.models.closed_loop import closed_loop
from numnet.models.decoding import DecodedSequence, beam_search, greedy
from numnet.models.encoder_decoder import EncoderDecoder
from numnet.models.generate import generate
from numnet.models.gradient_norms import gradient_norms
from numnet.models.model import RNNModel
from numnet.models.spinn import SPINN
from numnet.recurrent.bidirectional import Bidirectional
from numnet.recurrent.child_sum import ChildSumTreeLSTMNode
from numnet.recurrent.gru import GRUNode
from numnet.recurrent.gru_variants import GRUVariantNode
from numnet.recurrent.indrnn import IndRNNNode
from numnet.recurrent.layer import RecurrentLayer
from numnet.recurrent.layer_norm import LayerNormRNNNode
from numnet.recurrent.layers import GRULayer, IndRNNLayer, LSTMLayer, MGULayer, RNNLayer
from numnet.recurrent.lstm import LSTMNode
from numnet.recurrent.lstm_variants import LSTMVariantNode
from numnet.recurrent.mgu import MGUNode
from numnet.recurrent.node import Node
from numnet.recurrent.plot_gates import plot_gates
from numnet.recurrent.rnn import RNNNode
from numnet.recurrent.stack import RecurrentStack
from numnet.recurrent.trace import Trace
from numnet.recurrent.tracker import Tracker
from numnet.recurrent.tree_lstm import TreeLSTMNode
from numnet.recurrent.tree_node import TreeNode
from numnet.training.adagrad import Adadelta, AdaGrad, RMSProp
from numnet.training.adam import Adam, AdamW
from numnet.training.bleu import translation_scores
from numnet.training.callbacks import Callback, CSVLogger, StopTraining, TensorBoard
from numnet.training.clipping import clip_by_norm, clip_by_value, global_norm
from numnet.training.curvature import hessian_vector
from numnet.training.evaluation import evaluate
from numnet.training.forecasts import forecast_scores
from numnet.training.history import History, require_plot
from numnet.training.lbfgs import LBFGS
from numnet.training.metrics import F1, MAE, R2, Accuracy, Metric, Perplexity, Precision, Recall
from numnet.training.optimizer import Optimizer
from numnet.training.optimizers import OPTIMIZERS
from numnet.training.plot_confusion import plot_confusion
from numnet.training.rate_finder import find_learning_rate
from numnet.training.rnn_trainer import RNNTrainer
from numnet.training.sgd import SGD, SGDMomentum
from numnet.training.trainer import Trainer, TrainingDiverged

if TYPE_CHECKING:
    from numnet import check

__version__ = "0.1.0"
keep_freed_memory()

__all__ = [  # noqa: RUF022
    # recurrent layers
    "RNNLayer",
    "GRULayer",
    "LSTMLayer",
    "MGULayer",
    "IndRNNLayer",
    "RecurrentLayer",
    "Bidirectional",
    "RecurrentStack",
    # inside of recurrent layers
    "Trace",
    "plot_gates",
    "gradient_norms",
    # nodes: one step of a recurrent layer
    "Node",
    "RNNNode",
    "GRUNode",
    "LSTMNode",
    "LSTMVariantNode",
    "MGUNode",
    "IndRNNNode",
    "LayerNormRNNNode",
    "GRUVariantNode",
    "TreeNode",
    "TreeLSTMNode",
    "ChildSumTreeLSTMNode",
    "Tracker",
    # layers without a state
    "Dense",
    "Embedding",
    "Characters",
    "Convolution",
    "Pooling",
    "RepeatVector",
    "Concat",
    "Attention",
    "MultiHeadAttention",
    "SelfAttention",
    "Dropout",
    "LayerNorm",
    "RMSNorm",
    "BatchNorm",
    "Sigmoid",
    "Tanh",
    "ReLU",
    "LeakyReLU",
    "ELU",
    "SiLU",
    "GELU",
    "Softplus",
    "Softmax",
    # losses
    "Loss",
    "SoftmaxCrossEntropy",
    "BinaryCrossEntropy",
    "MeanSquaredError",
    "MeanAbsoluteError",
    "HuberLoss",
    "QuantileLoss",
    # models, and what they generate
    "RNNModel",
    "EncoderDecoder",
    "SPINN",
    "TreeClassifier",
    "PairClassifier",
    "generate",
    "closed_loop",
    "greedy",
    "beam_search",
    "DecodedSequence",
    # initial values of parts outside of models
    "manual_seed",
    # define by run
    "Tape",
    "Parameter",
    "NumberWithGrad",
    "ArrayWithGrad",
    "concatenate",
    "stack",
    "where",
    "maximum",
    "minimum",
    "einsum",
    # optimizers, learning rates, clipping
    "Optimizer",
    "SGD",
    "SGDMomentum",
    "AdaGrad",
    "RMSProp",
    "Adadelta",
    "Adam",
    "AdamW",
    "LBFGS",
    "OPTIMIZERS",
    "Schedule",
    "ConstantSchedule",
    "StepSchedule",
    "ExponentialSchedule",
    "CosineSchedule",
    "ReduceOnPlateau",
    "clip_by_norm",
    "clip_by_value",
    "global_norm",
    "hessian_vector",
    "find_learning_rate",
    # training
    "Trainer",
    "RNNTrainer",
    "TrainingDiverged",
    "History",
    "evaluate",
    "forecast_scores",
    "Callback",
    "CSVLogger",
    "TensorBoard",
    "StopTraining",
    "Metric",
    "Accuracy",
    "Precision",
    "Recall",
    "F1",
    "Perplexity",
    "R2",
    "MAE",
    "plot_confusion",
    "translation_scores",
    "require_plot",
    # data: batches and vocabulary, pictures of parses
    "SequentialBatches",
    "RandomBatches",
    "SequenceBatches",
    "PairBatches",
    "ParseBatches",
    "TimeSeries",
    "WindowBatches",
    "Vocabulary",
    "plot_parse",
    "plot_moves",
    # sequences of different lengths
    "Packed",
    "pack",
    "unpack",
    "pad_sequences",
    # checkpoints
    "Checkpoint",
    "save_checkpoint",
    "load_checkpoint",
    "CheckpointError",
    # base classes of your own layers
    "Operation",
    "ParamOperation",
    "Layer",
    # modules
    "check",
    "data",
]


def __getattr__(name: str) -> Any:
    """The module `check`, imported when it is first used; for another name, what to use in its place."""
    if name == "check":
        return import_module("numnet.check")
    raise no_name(__name__, name)


def __dir__() -> list[str]:
    return [*__all__, *(name for name in globals() if name.startswith("__"))]
