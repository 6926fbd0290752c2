"""The five figures of the two-moons experiment, for one to eight activations."""

from actscope.figures.article._draw import FIGURES, draw

__all__ = ["FIGURES", "draw"]
