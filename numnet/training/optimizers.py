"""The optimizers by name, for options of a command line."""

from __future__ import annotations

from numnet.training.adagrad import Adadelta, AdaGrad, RMSProp
from numnet.training.adam import Adam, AdamW
from numnet.training.sgd import SGD, SGDMomentum

OPTIMIZERS = {
    "sgd": SGD,
    "momentum": SGDMomentum,
    "adagrad": AdaGrad,
    "rmsprop": RMSProp,
    "adadelta": Adadelta,
    "adam": Adam,
    "adamw": AdamW,
}
