"""The catalogue of activation functions: one file each; those of whole vectors in vectors/."""

from actscope.activations._base import Activation, Facts, Interval, Onnx, Param, Rule
from actscope.activations._lookup import SHELF, VECTORS, activation, elementwise
from actscope.activations._shaping import shape
from actscope.activations._table import catalogue
from actscope.activations.vectors._base import VectorActivation

__all__ = [
    "SHELF",
    "VECTORS",
    "Activation",
    "Facts",
    "Interval",
    "Onnx",
    "Param",
    "Rule",
    "VectorActivation",
    "activation",
    "catalogue",
    "elementwise",
    "shape",
]
