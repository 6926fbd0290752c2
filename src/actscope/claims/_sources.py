"""The documents whose statements are checked."""

from __future__ import annotations

from enum import Enum


class Document(Enum):
    """A seed document; its value is its title.

    Example:
        >>> Document.ARTICLE.short
        'Inference Cost'
    """

    COST = "Sigmoid vs ReLU: The Geometric Cost of Activation Functions"
    ARTICLE = "Sigmoid vs ReLU Activation Functions: The Inference Cost of Losing Geometric Context"
    NEWS = "Sigmoid plateaus at 0.28 by epoch 400 while ReLU keeps improving"
    TUTORIAL = "Activation Functions — Sigmoid, ReLU, GELU & The Dead Neuron Problem"
    LESSON = "Sigmoid & ReLU: activation functions, their derivatives, and why ReLU won"

    @property
    def short(self) -> str:
        """What a table calls it."""
        return SHORT[self]


SHORT = {
    Document.COST: "Geometric Cost",
    Document.ARTICLE: "Inference Cost",
    Document.NEWS: "Sigmoid plateaus",
    Document.TUTORIAL: "Dead Neuron Problem",
    Document.LESSON: "Why ReLU won",
}
