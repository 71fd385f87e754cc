"""The optimizers by name, for options of a command line."""

from __future__ import annotations

from torchnet.training.adagrad import Adadelta, AdaGrad, RMSProp
from torchnet.training.adam import Adam, AdamW
from torchnet.training.sgd import SGD, SGDMomentum

OPTIMIZERS = {
    "sgd": SGD,
    "momentum": SGDMomentum,
    "adagrad": AdaGrad,
    "rmsprop": RMSProp,
    "adadelta": Adadelta,
    "adam": Adam,
    "adamw": AdamW,
}
