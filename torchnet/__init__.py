"""The same names, files and signatures as numnet, on PyTorch: autograd, the vendors' kernels, CPU or GPU."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

try:
    import torch as _torch  # noqa: F401
except ImportError:
    raise ImportError("torchnet needs PyTorch: pip install 'numnet[torch]'") from None

from numnet import data
from numnet.core.answers import no_name
from numnet.core.checkpoint import CheckpointError
from numnet.core.packed import Packed, pack, pad_sequences, unpack
from numnet.core.plateau import ReduceOnPlateau
from numnet.core.schedules import ConstantSchedule, CosineSchedule, ExponentialSchedule, Schedule, StepSchedule
from numnet.data import PairBatches, ParseBatches, RandomBatches, SequenceBatches, SequentialBatches, Vocabulary
from numnet.data.batches.windows import WindowBatches
from numnet.data.plot_parse import plot_moves, plot_parse
from numnet.data.series import TimeSeries
from numnet.models.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from numnet.models.closed_loop import closed_loop
from numnet.models.decoding import DecodedSequence, beam_search, greedy
from numnet.models.generate import generate
from numnet.recurrent.plot_gates import plot_gates
from numnet.recurrent.trace import Trace
from numnet.training.bleu import translation_scores
from numnet.training.callbacks import Callback, CSVLogger, StopTraining, TensorBoard
from numnet.training.evaluation import evaluate
from numnet.training.forecasts import forecast_scores
from numnet.training.history import History, require_plot
from numnet.training.metrics import F1, MAE, R2, Accuracy, Metric, Perplexity, Precision, Recall
from numnet.training.plot_confusion import plot_confusion
from numnet.training.rate_finder import find_learning_rate
from numnet.training.rnn_trainer import RNNTrainer
from numnet.training.trainer import Trainer, TrainingDiverged
from torchnet.autograd.array import ArrayWithGrad
from torchnet.autograd.functions import concatenate, einsum, maximum, minimum, stack, where
from torchnet.autograd.number import NumberWithGrad
from torchnet.autograd.tape import Tape
from torchnet.core.operation import Operation
from torchnet.core.parameters import Layer, ParamOperation
from torchnet.core.seeds import manual_seed
from torchnet.layers.activations import ELU, GELU, LeakyReLU, ReLU, Sigmoid, SiLU, Softmax, Softplus, Tanh
from torchnet.layers.attention import Attention
from torchnet.layers.characters import Characters
from torchnet.layers.concat import Concat
from torchnet.layers.convolution import Convolution
from torchnet.layers.cross_entropy import BinaryCrossEntropy, SoftmaxCrossEntropy
from torchnet.layers.dense import Dense
from torchnet.layers.dropout import Dropout
from torchnet.layers.embedding import Embedding
from torchnet.layers.losses import Loss
from torchnet.layers.multi_head import MultiHeadAttention, SelfAttention
from torchnet.layers.norms import BatchNorm, LayerNorm, RMSNorm
from torchnet.layers.parameter import Parameter
from torchnet.layers.pooling import Pooling
from torchnet.layers.regression import HuberLoss, MeanAbsoluteError, MeanSquaredError, QuantileLoss
from torchnet.layers.repeat import RepeatVector
from torchnet.models.classifiers import PairClassifier, TreeClassifier
from torchnet.models.encoder_decoder import EncoderDecoder
from torchnet.models.gradient_norms import gradient_norms
from torchnet.models.model import RNNModel
from torchnet.models.spinn import SPINN
from torchnet.recurrent.bidirectional import Bidirectional
from torchnet.recurrent.child_sum import ChildSumTreeLSTMNode
from torchnet.recurrent.gru import GRUNode
from torchnet.recurrent.gru_variants import GRUVariantNode
from torchnet.recurrent.indrnn import IndRNNNode
from torchnet.recurrent.layer import RecurrentLayer
from torchnet.recurrent.layer_norm import LayerNormRNNNode
from torchnet.recurrent.layers import GRULayer, IndRNNLayer, LSTMLayer, MGULayer, RNNLayer
from torchnet.recurrent.lstm import LSTMNode
from torchnet.recurrent.lstm_variants import LSTMVariantNode
from torchnet.recurrent.mgu import MGUNode
from torchnet.recurrent.node import Node
from torchnet.recurrent.rnn import RNNNode
from torchnet.recurrent.stack import RecurrentStack
from torchnet.recurrent.tracker import Tracker
from torchnet.recurrent.tree_lstm import TreeLSTMNode
from torchnet.recurrent.tree_node import TreeNode
from torchnet.training.adagrad import Adadelta, AdaGrad, RMSProp
from torchnet.training.adam import Adam, AdamW
from torchnet.training.clipping import clip_by_norm, clip_by_value, global_norm
from torchnet.training.curvature import hessian_vector
from torchnet.training.lbfgs import LBFGS
from torchnet.training.optimizer import Optimizer
from torchnet.training.optimizers import OPTIMIZERS
from torchnet.training.sgd import SGD, SGDMomentum

if TYPE_CHECKING:
    from numnet import check

__version__ = "0.1.0"

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
