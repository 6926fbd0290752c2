"""Which network to use: a search over activations layer by layer, and a prediction beforehand."""

from actscope.searches.drive import search as search

__all__ = ["search"]
