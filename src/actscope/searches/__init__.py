"""Which network to use: a search over activations layer by layer, and a prediction beforehand."""

from actscope.searches.drive import search as search
from actscope.searches.predict import predict as predict

__all__ = ["predict", "search"]
