"""The two-moons experiment exactly as published, for any activation and seed."""

from actscope.article.comparison import Comparison, compare
from actscope.article.data import Data, draw_data
from actscope.article.network import Network
from actscope.article.result import ArticleResult, Number, Outcome
from actscope.article.run import PUBLISHED, find_activations, reproduce
from actscope.article.setup import Setup

__all__ = [
    "PUBLISHED",
    "ArticleResult",
    "Comparison",
    "Data",
    "Network",
    "Number",
    "Outcome",
    "Setup",
    "compare",
    "draw_data",
    "find_activations",
    "reproduce",
]
