"""The activations of whole vectors: softmax and its logarithm, one file each."""

from actscope.activations.vectors._base import VectorActivation

__all__ = ["VectorActivation"]
