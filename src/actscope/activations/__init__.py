"""The catalogue of activation functions: one file each."""

from actscope.activations._base import Activation, Interval, Param
from actscope.activations._lookup import SHELF, activation

__all__ = ["SHELF", "Activation", "Interval", "Param", "activation"]
