"""The catalogue of activation functions: one file each; those of whole vectors in vectors/."""

from actscope.activations._base import Activation, Facts, Interval, Onnx, Param, Rule
from actscope.activations._lookup import SHELF, activation

__all__ = ["SHELF", "Activation", "Facts", "Interval", "Onnx", "Param", "Rule", "activation"]
